/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin thread: moves packets between the workers' punt rings and the twins, the kernel's TAP
 * interfaces that stand for the ports. One thread for all ports, on the control core, so that no
 * configuration work ever delays what routing daemons send and receive.
 *
 * Towards Linux: the punt rings of all workers, class by class in strict priority, each class with
 * one token bucket for the whole box. From Linux: frames go to the port through the function that
 * the program gives.
 */
#ifndef SL_TWIN_H
#define SL_TWIN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/clock.h"
#include "base/err.h"
#include "lb/drop.h"
#include "lb/engine.h"
#include "lb/punt.h"

struct sl_twin;

struct sl_twin_port {
	uint16_t port;     /* index of the port: mbuf->port of what is punted from it */
	const char *name;  /* of the interface */
	const char *netns; /* "" = the director's own (netns.h) */
	uint8_t mac[6];
	uint16_t mtu;

	/* Buffers for what Linux sends; NULL when there is none. On the twin thread. */
	struct rte_mbuf *(*alloc)(void *arg);
	/*
	 * Sends frames out of the port, ahead of forwarded ones where it can: a transmit queue of
	 * the twin thread's own, or the SPSC ring to the worker that owns one. Returns how many it
	 * took; the others are dropped (tx_full). On the twin thread.
	 */
	unsigned (*send)(void *arg, struct rte_mbuf **pkts, unsigned n);
	void *arg;
};

struct sl_twin_params {
	struct sl_worker *const *workers; /* their punt rings; every class of every worker */
	unsigned n_workers;
	const struct sl_twin_port *ports; /* those with a twin; copied, names too */
	unsigned n_ports;
	uint32_t rates[SL_PUNT_COUNT]; /* packets per second */
	const struct sl_clock *clock;
	/* Gives packets back, from the twin thread; NULL = rte_pktmbuf_free_bulk(). */
	void (*free)(void *arg, struct rte_mbuf **pkts, unsigned n);
	void *free_arg;
};

/* Written by the twin thread, read by anybody (sl_count_read). */
struct sl_twin_stats {
	uint64_t to_linux[SL_PUNT_COUNT]; /* packets written */
	uint64_t to_linux_bytes;
	uint64_t from_linux; /* packets read and sent */
	uint64_t from_linux_bytes;
	uint64_t drops[SL_DROP_COUNT]; /* punt_rate, twin_write, no_mbuf, tx_full, ... */
	uint64_t sleeps;
};

/*
 * Opens the twins: takes over an interface that an earlier director left, else makes it. Each gets
 * its MAC, MTU and sysctls, comes up, and stays when the process ends (sl_tun_remove() removes
 * it). NULL with `err` set; interfaces that were made stay.
 */
struct sl_twin *sl_twin_new(const struct sl_twin_params *params, struct sl_err *err);

/* Stops the thread if it runs; packets still in rings stay there. Accepts NULL. */
void sl_twin_free(struct sl_twin *twin);

/* Starts the thread, on the given core (-1 = where the caller runs). 0 or -errno. */
int sl_twin_start(struct sl_twin *twin, int core);
void sl_twin_stop(struct sl_twin *twin);

/*
 * Any thread. `port` is sl_twin_port.port; the interface shows NO-CARRIER while the link is down.
 */
int sl_twin_set_carrier(struct sl_twin *twin, uint16_t port, bool up);

/* Any thread; `port` as above. What Linux may send from now on: longer frames are dropped. */
void sl_twin_set_mtu(struct sl_twin *twin, uint16_t port, uint16_t mtu);

/* Any thread; from the next packet on. 0 lets nothing of a class through. */
void sl_twin_set_rates(struct sl_twin *twin, const uint32_t rates[SL_PUNT_COUNT]);

const struct sl_twin_stats *sl_twin_stats(const struct sl_twin *twin);

#endif
