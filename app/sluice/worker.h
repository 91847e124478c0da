/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that a worker core runs. */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "lb/engine.h"
#include "lb/worker.h"
#include "port.h"
#include "tsc.h"

/* A ring whose packets this worker sends, because it owns a transmit queue of the port. */
struct sl_worker_source {
	struct rte_ring *ring;
	uint8_t port;
};

struct sl_worker_rx {
	uint16_t ethdev;
	uint16_t queue;
	uint8_t port;
};

/* The way out of a port: a queue of our own, else the ring to who has one. */
struct sl_worker_tx {
	struct rte_ring *ring;
	uint16_t ethdev;
	uint16_t queue;
	uint8_t device; /* the port whose queue it is: of a VLAN, its parent */
};

struct sl_worker_loop {
	struct sl_worker *w;
	const struct sl_tsc *clock;
	struct sl_worker_rx rx[SL_PORTS_MAX];
	unsigned n_rx;
	struct sl_worker_source linux_tx[SL_PORTS_MAX]; /* what Linux sent */
	unsigned n_linux;
	struct sl_worker_source relay[SL_PORTS_MAX * SL_WORKERS_MAX]; /* of other workers */
	unsigned n_relay;
	struct sl_worker_tx tx[SL_PORTS_MAX];
	unsigned n_ports;
	bool adaptive; /* sleeps when there is nothing to do */
	uint32_t idle; /* polls without a packet since the last one with */
	bool stop;     /* set by sl_worker_stop(), relaxed */
};

/* Lays out what the worker reads and writes. The ports have been started. */
void sl_worker_loop_init(struct sl_worker_loop *loop, struct sl_worker *w,
	const struct sl_ports *ports, const struct sl_tsc *clock, bool adaptive);

/* Runs until sl_worker_stop(); `loop` is a struct sl_worker_loop. For rte_eal_remote_launch(). */
int sl_worker_run(void *loop);

/* Any thread. */
void sl_worker_stop(struct sl_worker_loop *loop);

#endif
