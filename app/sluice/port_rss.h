/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive-side scaling: has the NIC deliver each packet to the worker that owns its connection
 * (docs/architecture.md, "Ownership of a connection"; net/toeplitz.h).
 */
#ifndef SLUICE_PORT_RSS_H
#define SLUICE_PORT_RSS_H

#include <stdbool.h>

#include <rte_ethdev.h>

#include "conf/model.h"
#include "lb/engine.h"

struct sl_port_dev;

/*
 * Whether the device takes a key and a redirection table of ours: a key of 40 to SL_TOEPLITZ_KEY
 * bytes, a table whose size is a power of two, the hash over TCP's and IPv4's endpoints.
 */
bool sl_port_rss_able(const struct rte_eth_dev_info *info);

/* What the device is asked to hash: RTE_ETH_RSS_*. */
uint64_t sl_port_rss_types(const struct rte_eth_dev_info *info);

/* The receive queue for an entry of the redirection table. */
uint16_t sl_port_rss_queue(uint32_t entry, uint32_t owner_mask, unsigned n_workers, uint16_t n_rxq);

/*
 * Whether a port, its VLANs included, is on the servers' side: servers for NAT are in its networks,
 * or the director is a gateway there (transit fast or masquerade); and no VIP is. What comes in is
 * then replies, whose destination is the client; on every other port the source is. A start
 * decides; where servers, a VIP or another transit come later, packets are handed over.
 */
bool sl_port_rss_faces_servers(const struct sl_conf *conf, uint32_t index);

/* The key for a port: the engine's, or that which has the same value for replies. */
void sl_port_rss_key(
	const struct sl_engine *engine, bool faces_servers, uint8_t key[SL_TOEPLITZ_KEY]);

/* Writes key and table to the running device. 0 or -errno. */
int sl_port_rss_program(
	const struct sl_port_dev *dev, const struct sl_engine *engine, bool faces_servers);

#endif
