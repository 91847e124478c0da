/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf_pool_ops.h>

#include "base/log.h"
#include "device.h"
#include "eal.h"
#include "lb/publish.h"
#include "memory.h"
#include "port_mac.h"
#include "port_rss.h"
#include "port_vlan.h"

/*
 * net_tap promises to tell of its link and never does: without the promise the bonding driver looks
 * for itself, every 10 ms. ethdev has no call for this; what drivers are to change, it points to.
 */
static void have_link_looked_at(const char *member)
{
	char name[SL_DEVICE_NAME];
	struct rte_eth_dev_info info;
	uint16_t ethdev;

	if (strcmp(sl_device_driver(member, name), "net_tap") == 0 &&
		rte_eth_dev_get_port_by_name(sl_device_name(member, name), &ethdev) == 0 &&
		rte_eth_dev_info_get(ethdev, &info) == 0)
		*(uint32_t *)(uintptr_t)info.dev_flags &= ~RTE_ETH_DEV_INTR_LSC;
}

/*
 * A bonding device takes its members in when it is configured; before, it cannot say what they can
 * do.
 */
static int
take_members_in(const struct sl_port_dev *dev, const struct sl_conf_port *port, struct sl_err *err)
{
	const struct rte_eth_conf conf = {0};
	int rc;

	for (uint32_t i = 0; i < port->n_members; i++)
		have_link_looked_at(port->members[i]);
	rc = rte_eth_dev_configure(dev->ethdev, 1, 1, &conf);
	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "port %s: the members do not make a bond: %s",
			dev->name, sl_eal_last_error());
	return 0;
}

static int probe_one(struct sl_port_dev *dev, const struct sl_conf_port *conf, struct sl_err *err)
{
	char name[SL_DEVICE_NAME];
	struct rte_ether_addr mac;
	int rc;

	snprintf(dev->name, sizeof(dev->name), "%s", conf->name);
	if (rte_eth_dev_get_port_by_name(sl_device_name(conf->device, name), &dev->ethdev) != 0) {
		sl_err_set(err, ENODEV, NULL, "port %s: DPDK cannot open the device %s", conf->name,
			conf->device);
		sl_err_hint(err, "the lines with 'dpdk:' above say why; check \"device\"");
		return -ENODEV;
	}
	if (conf->n_members > 0 && take_members_in(dev, conf, err) < 0)
		return -EIO;
	rc = rte_eth_dev_info_get(dev->ethdev, &dev->info);
	if (rc == 0)
		rc = rte_eth_macaddr_get(dev->ethdev, &mac);
	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "port %s: cannot ask the device: %s", conf->name,
			rte_strerror(-rc));
	memcpy(dev->mac, mac.addr_bytes, sizeof(dev->mac));
	dev->numa = rte_eth_dev_socket_id(dev->ethdev);
	dev->rss = sl_port_rss_able(&dev->info);
	return 0;
}

int sl_ports_probe(struct sl_ports *ports, const struct sl_conf *conf, struct sl_err *err)
{
	memset(ports, 0, sizeof(*ports));
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		struct sl_port_dev *dev = &ports->dev[i];
		int rc = conf->ports[i].parent != SL_CONF_NO_PORT
			? sl_port_vlan_probe(ports, dev, &conf->ports[i], err)
			: probe_one(dev, &conf->ports[i], err);

		if (rc < 0)
			return rc;
		dev->index = (uint8_t)i;
		ports->n++;
	}
	return 0;
}

uint32_t sl_ports_owner_mask(const struct sl_ports *ports)
{
	uint32_t mask = (1u << SL_TOEPLITZ_LOW_BITS) - 1;

	for (unsigned i = 0; i < ports->n; i++) {
		const struct sl_port_dev *dev = &ports->dev[i];

		if (dev->parent == NULL && dev->rss && dev->info.reta_size - 1u < mask)
			mask = dev->info.reta_size - 1u;
	}
	return mask;
}

/* Ports on one node share a pool, sized for all of them. */
static int make_pool(struct sl_ports *ports, struct sl_port_dev *dev, const struct sl_conf *conf,
	struct sl_err *err)
{
	uint32_t buffers = sl_memory_buffers_in_rings(conf);
	const char *ops = rte_mbuf_best_mempool_ops();
	char name[RTE_MEMPOOL_NAMESIZE];

	for (unsigned i = 0; i < ports->n; i++) {
		if (ports->dev[i].parent != NULL || ports->dev[i].numa != dev->numa)
			continue;
		if (ports->dev[i].pool != NULL) {
			dev->pool = ports->dev[i].pool;
			return 0;
		}
		buffers += sl_memory_buffers(conf, &conf->ports[i]);
	}
	/*
	 * The twin thread shares its core with others and can lose it in the middle of a get or
	 * put: with the usual ring the workers would spin until it runs again.
	 */
	if (strcmp(ops, "ring_mp_mc") == 0)
		ops = "ring_mt_rts";
	snprintf(name, sizeof(name), "packets_%s", dev->name);
	dev->pool = rte_pktmbuf_pool_create_by_ops(name, buffers, SL_POOL_CACHE, SL_MBUF_PRIV,
		sl_memory_buffer_room(conf), dev->numa, ops);
	if (dev->pool == NULL) {
		sl_err_set(err, ENOMEM, NULL, "port %s: no memory for %u packet buffers: %s",
			dev->name, buffers, rte_strerror(rte_errno));
		sl_err_hint(err, "raise \"memory\", or lower the descriptors of the ports");
		return -ENOMEM;
	}
	return 0;
}

static int configure(struct sl_port_dev *dev, uint16_t n_rxq, uint16_t n_txq)
{
	struct rte_eth_conf conf = {
		.rxmode = {.mq_mode = dev->rss ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE,
			.mtu = dev->mtu},
	};

	sl_port_vlan_offloads(dev, &conf);
	/* A device may spread a long frame over buffers (e1000 has only some sizes of them). */
	if (dev->mtu_max > RTE_MBUF_DEFAULT_DATAROOM)
		conf.txmode.offloads |= dev->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	/* Key and types come with the redirection table, once the device runs. */
	if (dev->rss)
		conf.rx_adv_conf.rss_conf.rss_hf = sl_port_rss_types(&dev->info);
	dev->n_rxq = n_rxq;
	dev->n_txq = n_txq;
	return rte_eth_dev_configure(dev->ethdev, n_rxq, n_txq, &conf);
}

/* Whether Linux sends through the device: from the port's own twin, or from that of a VLAN on it.
 */
static bool has_twin(const struct sl_conf *conf, uint32_t index)
{
	bool found = conf->ports[index].twin;

	for (uint32_t i = 0; i < conf->n_ports; i++)
		found |= conf->ports[i].parent == index && conf->ports[i].twin;
	return found;
}

/*
 * A receive and a transmit queue for each worker, a transmit queue for the twin thread: as many of
 * these as the device has. Some (net_tap) want as many of one kind as of the other.
 */
static int choose_queues(struct sl_port_dev *dev, const struct sl_conf *conf, struct sl_err *err)
{
	bool twin = has_twin(conf, dev->index);
	uint16_t n_rxq = RTE_MIN((uint16_t)conf->n_workers, dev->info.max_rx_queues);
	uint16_t n_txq = RTE_MIN((uint16_t)(conf->n_workers + twin), dev->info.max_tx_queues);
	int rc;

	/* Members are asked at the start only, when a refusal comes too late. */
	if (conf->ports[dev->index].n_members > 0)
		n_txq = RTE_MIN(n_rxq, n_txq);
	sl_eal_expect_errors(n_rxq != n_txq);
	rc = configure(dev, n_rxq, n_txq);
	sl_eal_expect_errors(false);
	if (rc < 0 && n_rxq != n_txq)
		rc = configure(dev, RTE_MIN(n_rxq, n_txq), RTE_MIN(n_rxq, n_txq));
	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "port %s: the device refuses %u queues: %s%s%s",
			dev->name, dev->n_rxq, rte_strerror(-rc),
			sl_eal_last_error()[0] != '\0' ? ": " : "", sl_eal_last_error());
	dev->n_worker_txq = RTE_MIN(dev->n_txq, (uint16_t)conf->n_workers);
	return 0;
}

static struct rte_ring *
make_ring(const struct sl_port_dev *dev, const char *producer, struct sl_err *err)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "tx_%s_%s", dev->name, producer);
	ring = rte_ring_create(name, SL_TX_RING, dev->numa, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		sl_err_set(err, ENOMEM, NULL, "port %s: no memory for a transmit ring: %s",
			dev->name, rte_strerror(rte_errno));
	return ring;
}

static int make_rings(struct sl_port_dev *dev, const struct sl_conf *conf, struct sl_err *err)
{
	char producer[16];

	for (unsigned w = dev->n_worker_txq; w < conf->n_workers; w++) {
		snprintf(producer, sizeof(producer), "w%u", w);
		dev->worker_ring[w] = make_ring(dev, producer, err);
		if (dev->worker_ring[w] == NULL)
			return -ENOMEM;
	}
	if (!has_twin(conf, dev->index) || dev->n_txq > dev->n_worker_txq)
		return 0;
	dev->twin_ring = make_ring(dev, "twin", err);
	return dev->twin_ring != NULL ? 0 : -ENOMEM;
}

static int
set_up_queues(struct sl_port_dev *dev, const struct sl_conf_port *conf, struct sl_err *err)
{
	int rc;

	dev->rx_descriptors = conf->rx_descriptors;
	dev->tx_descriptors = conf->tx_descriptors;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(
		dev->ethdev, &dev->rx_descriptors, &dev->tx_descriptors);
	for (uint16_t q = 0; rc == 0 && q < dev->n_rxq; q++)
		rc = rte_eth_rx_queue_setup(
			dev->ethdev, q, dev->rx_descriptors, (unsigned)dev->numa, NULL, dev->pool);
	for (uint16_t q = 0; rc == 0 && q < dev->n_txq; q++)
		rc = rte_eth_tx_queue_setup(
			dev->ethdev, q, dev->tx_descriptors, (unsigned)dev->numa, NULL);
	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "port %s: cannot set up its queues: %s",
			dev->name, rte_strerror(-rc));
	if (dev->rx_descriptors != conf->rx_descriptors ||
		dev->tx_descriptors != conf->tx_descriptors)
		sl_log_notice("port %s: the device takes %u and %u descriptors, not %u and %u",
			dev->name, dev->rx_descriptors, dev->tx_descriptors, conf->rx_descriptors,
			conf->tx_descriptors);
	return 0;
}

static int start_device(struct sl_port_dev *dev, const struct sl_conf *conf,
	const struct sl_engine *engine, struct sl_err *err)
{
	bool faces_servers = sl_port_rss_faces_servers(conf, dev->index);
	int rc = rte_eth_dev_start(dev->ethdev);

	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "port %s: the device does not start: %s%s%s",
			dev->name, rte_strerror(-rc), sl_eal_last_error()[0] != '\0' ? ": " : "",
			sl_eal_last_error());
	dev->started = true;
	rte_eth_promiscuous_disable(dev->ethdev);
	sl_port_vlan_filter(dev);
	if (rte_eth_allmulticast_enable(dev->ethdev) < 0)
		sl_port_go_promiscuous(dev, "receive all multicast");
	if (dev->rss && sl_port_rss_program(dev, engine, faces_servers) < 0) {
		sl_log_notice("port %s: the device takes no key for its receive hash: packets are "
			      "handed over to the workers that own them",
			dev->name);
		dev->rss = false;
	}
	sl_port_poll_link(dev);
	sl_log_info("port %s: %s, %u receive and %u transmit queues, node %d, link %s", dev->name,
		dev->info.driver_name, dev->n_rxq, dev->n_txq, dev->numa,
		dev->link_up ? "up" : "down");
	return 0;
}

/* Of the device, and of buffers with so much room. */
static uint16_t largest_mtu(const struct rte_eth_dev_info *info, unsigned room)
{
	unsigned head = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	unsigned mtu = RTE_MIN(room - head - 8, (unsigned)info->max_mtu);

	if (info->max_rx_pktlen > head)
		mtu = RTE_MIN(mtu, info->max_rx_pktlen - head);
	return (uint16_t)mtu;
}

static int start_one(struct sl_ports *ports, unsigned i, const struct sl_conf *conf,
	struct sl_engine *engine, struct sl_err *err)
{
	struct sl_port_dev *dev = &ports->dev[i];
	unsigned room = sl_memory_buffer_room(conf) - RTE_PKTMBUF_HEADROOM;
	int rc;

	dev->mtu_max = largest_mtu(&dev->info, room);
	dev->mtu = conf->ports[i].mtu;
	if (dev->mtu > dev->mtu_max)
		return sl_err_set(err, ERANGE, NULL,
			"port %s: its device takes an MTU of at most %u, not %u", dev->name,
			dev->mtu_max, dev->mtu);
	rc = make_pool(ports, dev, conf, err);
	if (rc == 0)
		rc = choose_queues(dev, conf, err);
	if (rc == 0)
		rc = make_rings(dev, conf, err);
	if (rc == 0)
		rc = set_up_queues(dev, &conf->ports[i], err);
	if (rc == 0)
		rc = start_device(dev, conf, engine, err);
	return rc;
}

/* The port as the packet path sees it. */
static void
fill_in(struct sl_port *port, const struct sl_port_dev *dev, const struct sl_conf_port *conf)
{
	memcpy(port->mac, dev->mac, sizeof(dev->mac));
	port->macs[0] = sl_port_mac_word(dev->mac);
	port->mtu = dev->mtu;
	port->twin = conf->twin;
	port->transit = (uint8_t)conf->transit;
	port->vlan = dev->vlan;
	port->vlan_map = dev->vlan_map;
}

int sl_ports_start(struct sl_ports *ports, const struct sl_conf *conf, struct sl_engine *engine,
	struct sl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < ports->n && rc == 0; i++) {
		if (ports->dev[i].parent == NULL)
			rc = start_one(ports, i, conf, engine, err);
	}
	for (unsigned i = 0; i < ports->n && rc == 0; i++) {
		if (ports->dev[i].parent != NULL)
			sl_port_vlan_start(&ports->dev[i], &conf->ports[i]);
		fill_in(&engine->ports[i], &ports->dev[i], &conf->ports[i]);
	}
	return rc;
}

static void drain(struct rte_ring *ring)
{
	struct rte_mbuf *mbuf;

	if (ring == NULL)
		return;
	while (rte_ring_dequeue(ring, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring);
}

void sl_ports_close(struct sl_ports *ports)
{
	for (unsigned i = 0; i < ports->n; i++) {
		struct sl_port_dev *dev = &ports->dev[i];

		if (dev->parent != NULL)
			continue;
		if (dev->started)
			rte_eth_dev_stop(dev->ethdev);
		rte_eth_dev_close(dev->ethdev);
		drain(dev->twin_ring);
		for (unsigned w = 0; w < SL_WORKERS_MAX; w++)
			drain(dev->worker_ring[w]);
		free(dev->vlan_map);
	}
	for (unsigned i = 0; i < ports->n; i++) {
		struct rte_mempool *pool = ports->dev[i].pool;

		for (unsigned j = i; j < ports->n; j++) {
			if (ports->dev[j].pool == pool)
				ports->dev[j].pool = NULL;
		}
		rte_mempool_free(pool);
	}
	ports->n = 0;
}

int sl_port_set_mtu(struct sl_port_dev *dev, uint16_t mtu, struct sl_err *err)
{
	int rc;

	if (mtu == dev->mtu)
		return 0;
	if (mtu > dev->mtu_max) {
		sl_err_set(err, ERANGE, NULL,
			"port %s: an MTU of %u is more than the %u that its buffers and device "
			"take",
			dev->name, mtu, dev->mtu_max);
		sl_err_hint(err, "buffers are sized at a start: put it into the file and restart");
		return -ERANGE;
	}
	rc = dev->parent != NULL ? 0 : rte_eth_dev_set_mtu(dev->ethdev, mtu);
	if (rc < 0)
		return sl_err_set(err, -rc, NULL,
			"port %s: the device refuses an MTU of %u while it runs: %s", dev->name,
			mtu, rte_strerror(-rc));
	dev->mtu = mtu;
	return 0;
}

bool sl_port_poll_link(struct sl_port_dev *dev)
{
	struct rte_eth_link link = {0};
	bool was_up = dev->link_up;

	if (rte_eth_link_get_nowait(dev->ethdev, &link) < 0)
		return false;
	dev->link_up = link.link_status == RTE_ETH_LINK_UP;
	return dev->link_up != was_up;
}

unsigned sl_port_tx_from_linux(struct sl_port_dev *dev, struct rte_mbuf **pkts, unsigned n)
{
	if (dev->parent != NULL) {
		n = sl_port_vlan_tag(dev, pkts, n);
		dev = dev->parent;
	}
	if (dev->twin_ring != NULL)
		return rte_ring_sp_enqueue_burst(dev->twin_ring, (void *const *)pkts, n, NULL);
	return rte_eth_tx_burst(dev->ethdev, dev->n_worker_txq, pkts, (uint16_t)n);
}
