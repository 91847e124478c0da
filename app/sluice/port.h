/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's side of a port: its device, queues and packet buffers. Made and changed on the control
 * core; workers and the twin thread use what stands here from the start of the loops to their end.
 *
 * A worker has a receive and a transmit queue on each port where the device has enough. One
 * without a receive queue gets its packets handed over; one without a transmit queue sends through
 * a ring to the worker that owns one. The twin thread likewise.
 *
 * A VLAN (lb/vlan.h) is a port of its own without queues: it sends through those of its parent.
 */
#ifndef SLUICE_PORT_H
#define SLUICE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "base/err.h"
#include "conf/model.h"
#include "lb/engine.h"

struct sl_port_dev {
	char name[SL_NAME_MAX];
	struct sl_port_dev *parent; /* of a VLAN; NULL: it has a device of its own */
	uint16_t vlan;
	uint8_t *vlan_map; /* for struct sl_port; NULL without VLANs */
	uint16_t ethdev;   /* DPDK's number of it */
	uint8_t index;     /* ours, in the configuration: what mbuf->port says */
	int numa;          /* node, -1 = any */
	struct rte_eth_dev_info info;
	uint8_t mac[6];
	uint16_t n_rxq; /* worker i < n_rxq reads queue i */
	uint16_t n_txq; /* worker i < n_worker_txq writes queue i */
	uint16_t n_worker_txq;
	bool started;
	bool rss;         /* delivers to the owner: key and redirection table are set */
	bool promiscuous; /* the device refused a further MAC address */
	bool link_up;     /* as last seen by sl_port_poll_link() */
	uint16_t mtu;
	uint16_t mtu_max; /* that the buffers and the device take */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	struct rte_mempool *pool;                     /* shared by the ports of a node */
	struct rte_ring *worker_ring[SL_WORKERS_MAX]; /* NULL for i < n_worker_txq */
	struct rte_ring *twin_ring; /* to worker 0; NULL: the twin owns queue n_worker_txq */
};

struct sl_ports {
	unsigned n;
	struct sl_port_dev dev[SL_PORTS_MAX];
};

/*
 * Finds the devices (EAL has started) and asks what they can do. -ENODEV names one that does not
 * exist. To be undone by sl_ports_close(), also after an error.
 */
int sl_ports_probe(struct sl_ports *ports, const struct sl_conf *conf, struct sl_err *err);

/* The hash bits that every programmable port looks at: for sl_engine_params.owner_mask. */
uint32_t sl_ports_owner_mask(const struct sl_ports *ports);

/*
 * Queues, buffers, RSS (with the engine's key), MTU, MAC filters, then starts the devices. Fills
 * in engine->ports.
 */
int sl_ports_start(struct sl_ports *ports, const struct sl_conf *conf, struct sl_engine *engine,
	struct sl_err *err);

/* Workers and twin must have stopped. Stops and closes what was opened; frees buffers. */
void sl_ports_close(struct sl_ports *ports);

/*
 * The device on which the port is: itself, or a VLAN's parent.
 */
static inline const struct sl_port_dev *sl_port_device(const struct sl_port_dev *dev)
{
	return dev->parent != NULL ? dev->parent : dev;
}

/* Control core. -ERANGE beyond mtu_max, or what the device says. */
int sl_port_set_mtu(struct sl_port_dev *dev, uint16_t mtu, struct sl_err *err);

/* Control core. Reads the link; true when it changed. */
bool sl_port_poll_link(struct sl_port_dev *dev);

/*
 * Twin thread. Sends what Linux sent out of the port; ahead of what is forwarded. Takes the first
 * k packets and returns k; the rest stays the caller's.
 */
unsigned sl_port_tx_from_linux(struct sl_port_dev *dev, struct rte_mbuf **pkts, unsigned n);

#endif
