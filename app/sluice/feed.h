/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From Linux's routes and neighbours to the forwarding table (lb/fib.h). Each prefix is looked at
 * by itself, at once when Linux says that something about it changed; when more may have,
 * everything is, in slices.
 *
 * Of one prefix: the local table first, then the lowest metric of the main table that can be used.
 * A neighbour on a link of ours is a host route. Namespaces lie side by side: an address of the box
 * comes before a way out of our ports, that before a way that only Linux can go. Ports without a
 * twin have the configured prefixes and neighbours. No sockets here.
 */
#ifndef SL_FEED_H
#define SL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "adjacency.h"
#include "direct.h"
#include "lb/fib.h"
#include "lb/types.h"
#include "space.h"

struct sl_feed {
	struct sl_fib *fib;
	struct sl_space *spaces[SL_PORTS_MAX];
	unsigned n_spaces;
	const struct sl_direct *direct; /* NULL = none */
	/* The port that an interface of a namespace belongs to; -1 = none. */
	int (*port)(void *arg, unsigned space, int ifindex);
	/* The number in the table of the next hop of this way, which is a gateway; 0 = no room. */
	uint32_t (*gateway)(void *arg, const struct sl_adjacency_way *way);
	void *arg;

	uint32_t refused; /* prefixes that had no room, as far as the last walk over all has come */
	/* the walk */
	bool walking;
	bool full;  /* over everything, not neighbours alone */
	bool again; /* over neighbours, when this one is through */
	unsigned space, part;
	struct sl_map_walk walk;
};

/* The prefix, or what lies in its way, changed. */
void sl_feed_prefix(struct sl_feed *feed, const struct sl_prefix *prefix);
void sl_feed_host(struct sl_feed *feed, const struct sl_addr *addr);

/* Anything may have changed, or only where neighbours lie. A walk begins, or begins anew. */
void sl_feed_all(struct sl_feed *feed);
void sl_feed_neighbours(struct sl_feed *feed);

/* Goes on with the walk, `max` buckets of routes or neighbours. Returns whether some are left. */
bool sl_feed_walk(struct sl_feed *feed, unsigned max);

/* Replaces what the configuration says; `direct` stays the caller's. */
void sl_feed_direct(struct sl_feed *feed, const struct sl_direct *direct);

#endif
