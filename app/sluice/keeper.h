/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps Linux resolving the next hops that servers need. Each is handed to the kernel as a
 * managed neighbour, which it then refreshes by itself; a kernel before 5.16 is asked to use
 * them every 5 s. Permanent neighbours are left as they are. Work is queued and done in slices.
 */
#ifndef SL_KEEPER_H
#define SL_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "adjacency.h"
#include "rtmsg.h"

#define SL_KEEPER_USE_S 5

struct sl_keeper_order { /* a neighbour that is no longer needed */
	TAILQ_ENTRY(sl_keeper_order) link;
	uint8_t space;
	int ifindex;
	struct sl_addr address;
};

struct sl_keeper {
	bool managed; /* the kernel can */
	TAILQ_HEAD(sl_keeper_hops, sl_next_hop) todo, later;
	TAILQ_HEAD(, sl_keeper_order) orders;
	/* What the kernel has; NULL = nothing. */
	const struct sl_rtmsg_neighbour *(*find)(
		void *arg, uint8_t space, int ifindex, const struct sl_addr *address);
	/* Whether it makes sense to ask now: the interface is up. */
	bool (*ready)(void *arg, const struct sl_next_hop *hop);
	/* Asks the kernel. 0 or -errno. */
	int (*request)(void *arg, uint8_t space, enum sl_rtmsg_neighbour_op op, int ifindex,
		const struct sl_addr *address);
	void *arg;
};

void sl_keeper_init(struct sl_keeper *keeper); /* then set the functions */
void sl_keeper_done(struct sl_keeper *keeper);

void sl_keeper_needed(struct sl_keeper *keeper, struct sl_next_hop *hop);
void sl_keeper_released(struct sl_keeper *keeper, struct sl_next_hop *hop);

/* The kernel's entry changed, or is gone: it is put back at the next tick if it has to be. */
void sl_keeper_changed(struct sl_keeper *keeper, struct sl_next_hop *hop,
	const struct sl_rtmsg_neighbour *neighbour, bool gone);

/* Does up to `max` requests. Returns whether some are left. */
bool sl_keeper_work(struct sl_keeper *keeper, unsigned max);

/* Once a second: what could not be done is tried again. Returns whether there is work. */
bool sl_keeper_tick(struct sl_keeper *keeper);

/* Every SL_KEEPER_USE_S seconds on kernels that cannot manage: this hop is to be used again. */
void sl_keeper_use(struct sl_keeper *keeper, struct sl_next_hop *hop);

#endif
