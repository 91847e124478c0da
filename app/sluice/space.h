/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One network namespace as the kernel describes it: links, addresses, routes and neighbours,
 * kept current by notifications. Everything is dumped at the start, and again when notifications
 * were lost or something happened that the kernel does not announce in full; what a dump does
 * not confirm is gone. Whoever owns a space hands it the bytes that its socket brought.
 */
#ifndef SL_SPACE_H
#define SL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"
#include "route.h"
#include "rtmsg.h"
#include "rtnl.h"

struct sl_space_link {
	struct sl_map_node node; /* by ifindex */
	struct sl_rtmsg_link link;
};

struct sl_space_address {
	struct sl_map_node node; /* by ifindex and prefix */
	struct sl_rtmsg_address address;
};

struct sl_space_neighbour {
	struct sl_map_node node; /* by ifindex and address */
	struct sl_rtmsg_neighbour neighbour;
};

/* What changed, after it did; on a deletion the state before. Called while messages are taken. */
struct sl_space_ops {
	/* `before` is NULL for a new one; `link` is NULL for one that is gone. */
	void (*link)(
		void *arg, const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before);
	void (*address)(void *arg, const struct sl_rtmsg_address *address, bool gone);
	void (*route)(void *arg, const struct sl_prefix *prefix, bool local);
	/* Anything about it: its state changes often without a meaning for who uses it. */
	void (*neighbour)(void *arg, const struct sl_rtmsg_neighbour *neighbour, bool gone);
	void (*lost)(void *arg); /* notifications were lost; everything is dumped again */
	void *arg;
};

struct sl_space {
	struct sl_map links, addresses, neighbours;
	struct sl_routes routes;
	struct sl_space_ops ops;
	struct sl_rtnl rtnl; /* events and dumps share a socket: what they say is in order */
	unsigned step;       /* of the dump under way; SL_SPACE_STEPS = none */
	uint32_t dump_seq;
	bool interrupted; /* something changed under this dump: it is not complete */
	bool lost;        /* notifications were, since this dump began */
	bool stale;       /* another dump is due */
	bool sweeping;    /* a dump ended; what it did not confirm is being removed */
	bool synced;      /* one complete dump has been taken in */
	unsigned tries;   /* dumps in a row that were interrupted */
};

#define SL_SPACE_STEPS 5

/* The socket, if any, is opened by the caller (space->rtnl, fd -1 in tests). 0 or -ENOMEM. */
int sl_space_init(struct sl_space *space, uint64_t seed, const struct sl_space_ops *ops);
void sl_space_done(struct sl_space *space); /* closes the socket */

/* Begins a dump, unless one is under way: then another follows. 0 or -errno of sending. */
int sl_space_dump(struct sl_space *space);

/* Takes what one read of the socket returned. */
void sl_space_take(struct sl_space *space, const void *data, size_t length);

/* The socket said ENOBUFS. */
void sl_space_lost(struct sl_space *space);

/* Removes up to `max` things that the last dump did not confirm. Returns whether some are left. */
bool sl_space_sweep(struct sl_space *space, unsigned max);

const struct sl_rtmsg_link *sl_space_find_link(const struct sl_space *space, int ifindex);
const struct sl_rtmsg_neighbour *
sl_space_find_neighbour(const struct sl_space *space, int ifindex, const struct sl_addr *address);

#endif
