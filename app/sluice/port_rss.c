/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_rss.h"

#include <string.h>

#include "lb/fwd.h"
#include "net/toeplitz.h"
#include "port.h"

/* Addresses and ports where there are ports; addresses alone spread the rest, fragments too. */
#define WANTED                                                                                     \
	(RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV4 |          \
		RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |                           \
		RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_IPV6 |   \
		RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER)

#define RETA_MAX 2048

bool sl_port_rss_able(const struct rte_eth_dev_info *info)
{
	return info->max_rx_queues > 1 && info->hash_key_size >= 40 &&
		info->hash_key_size <= SL_TOEPLITZ_KEY && info->reta_size > 1 &&
		info->reta_size <= RETA_MAX && (info->reta_size & (info->reta_size - 1)) == 0 &&
		(info->flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0;
}

uint64_t sl_port_rss_types(const struct rte_eth_dev_info *info)
{
	return info->flow_type_rss_offloads & WANTED;
}

uint16_t sl_port_rss_queue(uint32_t entry, uint32_t owner_mask, unsigned n_workers, uint16_t n_rxq)
{
	/* A worker without a receive queue gets its packets handed over by the one that stands in.
	 */
	return (uint16_t)(sl_toeplitz_queue(entry, owner_mask, n_workers) % n_rxq);
}

static bool is_on(const struct sl_conf *conf, uint32_t port, uint32_t device)
{
	return port == device || conf->ports[port].parent == device;
}

static bool is_gateway(const struct sl_conf_port *port)
{
	return port->transit == SL_TRANSIT_FAST || port->transit == SL_TRANSIT_MASQUERADE;
}

static bool has_nat_servers(const struct sl_conf *conf, uint32_t device)
{
	const struct sl_fwd *nat = sl_fwd_find("nat");

	for (uint32_t i = 0; nat != NULL && i < conf->n_services; i++) {
		const struct sl_conf_service *service = conf->services[i];

		for (uint32_t k = 0; k < service->n_servers; k++) {
			const struct sl_conf_server *server = &service->servers[k];
			uint32_t port = sl_conf_port_of(conf, &server->address);

			if (server->fwd == nat->method && port != SL_CONF_NO_PORT &&
				is_on(conf, port, device))
				return true;
		}
	}
	return false;
}

bool sl_port_rss_faces_servers(const struct sl_conf *conf, uint32_t index)
{
	bool servers = has_nat_servers(conf, index);

	for (uint32_t i = 0; i < conf->n_ports; i++)
		servers |= is_on(conf, i, index) && is_gateway(&conf->ports[i]);
	for (uint32_t i = 0; i < conf->n_vips && servers; i++)
		servers = !is_on(conf, conf->vips[i].port, index);
	return servers;
}

void sl_port_rss_key(
	const struct sl_engine *engine, bool faces_servers, uint8_t key[SL_TOEPLITZ_KEY])
{
	if (faces_servers)
		sl_toeplitz_mirror(engine->toeplitz.key, key);
	else
		memcpy(key, engine->toeplitz.key, SL_TOEPLITZ_KEY);
}

int sl_port_rss_program(
	const struct sl_port_dev *dev, const struct sl_engine *engine, bool faces_servers)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];
	uint8_t key[SL_TOEPLITZ_KEY];
	struct rte_eth_rss_conf rss = {
		.rss_key = key,
		.rss_key_len = dev->info.hash_key_size,
		.rss_hf = sl_port_rss_types(&dev->info),
	};
	int rc;

	sl_port_rss_key(engine, faces_servers, key);
	rc = rte_eth_dev_rss_hash_update(dev->ethdev, &rss);
	if (rc < 0)
		return rc;
	memset(reta, 0, sizeof(reta));
	for (uint32_t i = 0; i < dev->info.reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			sl_port_rss_queue(i, engine->owner_mask, engine->n_workers, dev->n_rxq);
	}
	return rte_eth_dev_rss_reta_update(dev->ethdev, reta, dev->info.reta_size);
}
