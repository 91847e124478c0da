/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forwarding table: where a packet goes by its destination alone. Longest-prefix match for both
 * families in a trie of its own: 16 bits on the first level, 8 on each below. A leaf is the number
 * of a group of next hops; a next hop is an adjacency word (lb/adj.h), so that a neighbour that
 * changes is one store, however many routes lead through it.
 *
 * One writer, the control core; it changes one 32-bit word at a time while workers read. Each
 * address has at every moment its old or its new route. What is replaced is used again only after
 * every worker has reported a quiescent state; nobody waits for that (sl_fib_reclaim()).
 * All memory is taken when the table is made.
 */
#ifndef SL_LB_FIB_H
#define SL_LB_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "base/alloc.h"
#include "lb/adj.h"
#include "net/addr.h"

#define SL_FIB_HOPS           15    /* next hops of a route */
#define SL_FIB_ROUTES_DEFAULT 16384 /* of both families, neighbours included */

enum sl_route_kind {
	SL_ROUTE_NONE,      /* no route, or one of Linux's type "unreachable" */
	SL_ROUTE_LINUX,     /* an address of the box, or a way that only Linux can go */
	SL_ROUTE_BLACKHOLE, /* to be dropped without a word */
	SL_ROUTE_PROHIBIT,  /* to be dropped, and the sender told */
	SL_ROUTE_GLEAN,     /* on the link of `port`, and no neighbour known: ask Linux */
	SL_ROUTE_HOP,       /* through `adj`, which says the port, too; resolved or not */
};

struct sl_next {
	enum sl_route_kind kind;
	uint8_t port;
	sl_adj_word adj;
};

struct sl_fib;

/*
 * Workers. The way to `dst` (`family` 4 or 6). Of several next hops one is chosen by the hash of
 * the flow, always the same while the route and the neighbours stay: the next one that is resolved.
 */
void sl_fib_next(const struct sl_fib *fib, uint8_t family, const union sl_ip *dst,
	uint32_t flow_hash, struct sl_next *out);

/* ---- the control core's ---- */

/* Bytes that a table for so many routes takes. */
size_t sl_fib_bytes(uint32_t routes);

/*
 * An empty table for `routes` prefixes of both families together (0 = SL_FIB_ROUTES_DEFAULT).
 * NULL without memory.
 */
struct sl_fib *sl_fib_new(const struct sl_alloc *alloc, struct rte_rcu_qsbr *qsbr, uint32_t routes);
void sl_fib_free(struct sl_fib *fib); /* accepts NULL; no worker reads any more */

/* A way to go. Hops count for SL_ROUTE_HOP only, the port for SL_ROUTE_GLEAN only. */
struct sl_fib_via {
	enum sl_route_kind kind;
	uint8_t port;
	uint8_t n_hops; /* 1 .. SL_FIB_HOPS; one may stand there several times, for its weight */
	uint32_t hops[SL_FIB_HOPS];
};

/*
 * The route for the prefix (host bits are ignored) is `via` from now on. 0; -ENOSPC when the table
 * is full, or what it had let go of is not free yet: then all is as it was, and it was counted.
 */
int sl_fib_set(struct sl_fib *fib, const struct sl_prefix *prefix, const struct sl_fib_via *via);

/* No route for exactly this prefix any more. Returns whether there was one. */
bool sl_fib_remove(struct sl_fib *fib, const struct sl_prefix *prefix);

/* What exactly this prefix has now. False when it has no route. */
bool sl_fib_get(const struct sl_fib *fib, const struct sl_prefix *prefix, struct sl_fib_via *via);

/*
 * Next hops, by number; 0 is none. A new one is not resolved, and belongs to the caller until
 * released; routes that lead through it keep it beyond that. 0 or -ENOSPC.
 */
int sl_fib_hop_new(struct sl_fib *fib, uint32_t *hop);
void sl_fib_hop_release(struct sl_fib *fib, uint32_t hop);
void sl_fib_hop_set(struct sl_fib *fib, uint32_t hop, sl_adj_word word);
sl_adj_word sl_fib_hop_word(const struct sl_fib *fib, uint32_t hop);
bool sl_fib_hop_in_use(const struct sl_fib *fib, uint32_t hop); /* by a route */

/* Takes back what no worker can be reading any more. Returns whether something still waits. */
bool sl_fib_reclaim(struct sl_fib *fib);

struct sl_fib_stats {
	uint32_t routes[2]; /* IPv4, IPv6 */
	uint32_t routes_max;
	uint32_t nodes, nodes_max;
	uint32_t groups; /* different ones */
	uint32_t hops;
	uint64_t refused; /* times that sl_fib_set() had no room */
};
void sl_fib_stats(const struct sl_fib *fib, struct sl_fib_stats *out);

#endif
