/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routes of a namespace, as the kernel would look them up: the local table, then the main
 * one; the longest prefix, then the lowest metric. Policy rules are not mirrored. Takes hundreds
 * of thousands of routes; a look-up is at most one probe per prefix length in use.
 */
#ifndef SL_ROUTE_H
#define SL_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "rtmsg.h"

enum { SL_TABLE_MAIN, SL_TABLE_LOCAL, SL_TABLES };

struct sl_route {
	struct sl_map_node node;
	struct sl_prefix prefix;
	uint32_t metric;
	uint8_t type; /* RTN_* */
	bool encap;   /* packets get other headers on the way: only Linux can do that */
	uint8_t n_hops;
	struct sl_rtmsg_hop hops[];
};

struct sl_routes {
	struct sl_map maps[SL_TABLES];
	uint32_t lengths[SL_TABLES][2][129]; /* routes by family (4, 6) and prefix length */
};

/* 0 or -ENOMEM. */
int sl_routes_init(struct sl_routes *routes, uint64_t seed);
void sl_routes_done(struct sl_routes *routes);

/* A dump begins: what it does not confirm is stale. */
void sl_routes_begin(struct sl_routes *routes);

/*
 * The kernel has this route (`dumped`: found by a dump, in which the first of several with the
 * same prefix and metric is the one that counts). 1 when that changes something, 0, -ENOMEM;
 * routes of other tables change nothing.
 */
int sl_route_put(struct sl_routes *routes, const struct sl_rtmsg_route *message, bool dumped);

/* The kernel has it no longer. Returns whether that changes something. */
bool sl_route_remove(struct sl_routes *routes, const struct sl_rtmsg_route *message);

/*
 * Removes a route that the dump did not confirm; *prefix is what it was. False when there is none.
 */
bool sl_route_sweep(struct sl_routes *routes, struct sl_prefix *prefix, bool *local);

/*
 * The route to an address among those of which `usable` accepts a next hop; *hop is one of them,
 * the same for the same address as long as they do not change. NULL hop for types that have none
 * (local, unreachable). NULL without a route.
 */
typedef bool (*sl_route_usable)(void *arg, int ifindex);
const struct sl_route *sl_route_find(const struct sl_routes *routes, const struct sl_addr *addr,
	sl_route_usable usable, void *arg, const struct sl_rtmsg_hop **hop);

/*
 * The route that decides about a prefix which has one of its own: of the local table the longest
 * that covers it, else the main table's. NULL when there is none for exactly this prefix.
 */
const struct sl_route *sl_route_of(const struct sl_routes *routes, const struct sl_prefix *prefix,
	sl_route_usable usable, void *arg);

/* Whether the address belongs to the box. */
bool sl_route_is_local(const struct sl_routes *routes, const struct sl_addr *addr);

#endif
