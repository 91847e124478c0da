/* SPDX-License-Identifier: BSD-3-Clause */
#include "route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

static unsigned family_index(const struct sl_addr *addr)
{
	return addr->family == 4 ? 0 : 1;
}

/* The address with the bits behind `length` cleared. */
static struct sl_prefix masked(const struct sl_addr *addr, unsigned length)
{
	struct sl_prefix prefix = {.length = (uint8_t)length};

	prefix.addr.family = addr->family;
	memcpy(prefix.addr.bytes, addr->bytes, length / 8);
	if (length % 8 != 0)
		prefix.addr.bytes[length / 8] =
			addr->bytes[length / 8] & (uint8_t)(0xff00 >> length % 8);
	return prefix;
}

static uint64_t hash_of(const struct sl_map *map, const struct sl_prefix *prefix)
{
	uint8_t key[18];

	key[0] = prefix->addr.family;
	key[1] = prefix->length;
	memcpy(key + 2, prefix->addr.bytes, 16);
	return sl_map_hash(map, key, sizeof(key));
}

static bool same_prefix(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return a->length == b->length && sl_addr_equal(&a->addr, &b->addr);
}

int sl_routes_init(struct sl_routes *routes, uint64_t seed)
{
	memset(routes, 0, sizeof(*routes));
	for (unsigned t = 0; t < SL_TABLES; t++) {
		if (sl_map_init(&routes->maps[t], seed) != 0) {
			sl_routes_done(routes);
			return -ENOMEM;
		}
	}
	return 0;
}

void sl_routes_done(struct sl_routes *routes)
{
	for (unsigned t = 0; t < SL_TABLES; t++) {
		struct sl_map_node *node;

		while (routes->maps[t].buckets != NULL &&
			(node = TAILQ_FIRST(&routes->maps[t].seen)) != NULL) {
			sl_map_remove(&routes->maps[t], node);
			free(sl_map_entry(node, struct sl_route, node));
		}
		sl_map_done(&routes->maps[t]);
	}
}

void sl_routes_begin(struct sl_routes *routes)
{
	for (unsigned t = 0; t < SL_TABLES; t++)
		sl_map_begin(&routes->maps[t]);
}

static int table_of(const struct sl_rtmsg_route *message)
{
	if (message->tos != 0)
		return -1;
	if (message->table == RT_TABLE_LOCAL)
		return SL_TABLE_LOCAL;
	return message->table == RT_TABLE_MAIN ? SL_TABLE_MAIN : -1;
}

static struct sl_route *
find_exact(const struct sl_map *map, const struct sl_prefix *prefix, uint32_t metric)
{
	struct sl_map_node *node = sl_map_first(map, hash_of(map, prefix));

	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_route *route = sl_map_entry(node, struct sl_route, node);

		if (route->metric == metric && same_prefix(&route->prefix, prefix))
			return route;
	}
	return NULL;
}

static bool same_hops(const struct sl_route *route, const struct sl_rtmsg_route *message)
{
	if (route->n_hops != message->n_hops)
		return false;
	for (unsigned i = 0; i < route->n_hops; i++) {
		if (route->hops[i].ifindex != message->hops[i].ifindex ||
			route->hops[i].weight != message->hops[i].weight ||
			!sl_addr_equal(&route->hops[i].gateway, &message->hops[i].gateway))
			return false;
	}
	return true;
}

static void delete (struct sl_routes *routes, unsigned table, struct sl_route *route)
{
	routes->lengths[table][family_index(&route->prefix.addr)][route->prefix.length]--;
	sl_map_remove(&routes->maps[table], &route->node);
	free(route);
}

int sl_route_put(struct sl_routes *routes, const struct sl_rtmsg_route *message, bool dumped)
{
	int table = table_of(message);
	struct sl_route *route, *old;
	struct sl_map *map;

	if (table < 0)
		return 0;
	map = &routes->maps[table];
	old = find_exact(map, &message->prefix, message->metric);
	if (old != NULL) {
		/* IPv6 has next hops behind each other in one route, and tells of all of them. */
		bool behind = (message->append && message->prefix.addr.family == 4) ||
			(dumped && sl_map_fresh(map, &old->node));

		sl_map_touch(map, &old->node);
		if (behind ||
			(old->type == message->type && old->encap == message->encap &&
				same_hops(old, message)))
			return 0;
	}
	route = malloc(sizeof(*route) + message->n_hops * sizeof(route->hops[0]));
	if (route == NULL)
		return -ENOMEM;
	route->prefix = message->prefix;
	route->metric = message->metric;
	route->type = message->type;
	route->encap = message->encap;
	route->n_hops = message->n_hops;
	memcpy(route->hops, message->hops, message->n_hops * sizeof(route->hops[0]));
	if (old != NULL)
		delete (routes, table, old);
	sl_map_insert(map, &route->node, hash_of(map, &route->prefix));
	routes->lengths[table][family_index(&route->prefix.addr)][route->prefix.length]++;
	return 1;
}

static bool has_hop(const struct sl_rtmsg_route *message, const struct sl_rtmsg_hop *hop)
{
	for (unsigned i = 0; i < message->n_hops; i++) {
		if (message->hops[i].ifindex == hop->ifindex &&
			sl_addr_equal(&message->hops[i].gateway, &hop->gateway))
			return true;
	}
	return false;
}

/*
 * IPv6 takes next hops out of a route one by one, and names them in whatever order. Returns how
 * many stay.
 */
static unsigned remove_hops(struct sl_route *route, const struct sl_rtmsg_route *message)
{
	unsigned n = route->n_hops;

	route->n_hops = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct sl_rtmsg_hop hop = route->hops[i];

		if (!has_hop(message, &hop))
			route->hops[route->n_hops++] = hop;
	}
	return route->n_hops;
}

bool sl_route_remove(struct sl_routes *routes, const struct sl_rtmsg_route *message)
{
	int table = table_of(message);
	struct sl_route *route;

	if (table < 0)
		return false;
	route = find_exact(&routes->maps[table], &message->prefix, message->metric);
	if (route == NULL)
		return false;
	if (message->n_hops > 0 && message->prefix.addr.family == 6) {
		unsigned had = route->n_hops, kept = remove_hops(route, message);

		if (kept > 0)
			return kept < had;
	} else if (message->n_hops > 0 && !same_hops(route, message)) {
		return false; /* one that stood behind ours */
	}
	delete (routes, table, route);
	return true;
}

bool sl_route_sweep(struct sl_routes *routes, struct sl_prefix *prefix, bool *local)
{
	for (unsigned t = 0; t < SL_TABLES; t++) {
		struct sl_map_node *node = sl_map_stale(&routes->maps[t]);
		struct sl_route *route;

		if (node == NULL)
			continue;
		route = sl_map_entry(node, struct sl_route, node);
		*prefix = route->prefix;
		*local = t == SL_TABLE_LOCAL;
		delete (routes, t, route);
		return true;
	}
	return false;
}

/* The next hop for an address: by its hash, or the next one that can be used. */
static const struct sl_rtmsg_hop *choose_hop(const struct sl_routes *routes,
	const struct sl_route *route, const struct sl_addr *addr, sl_route_usable usable, void *arg)
{
	uint64_t start = sl_map_hash(&routes->maps[0], addr->bytes, sizeof(addr->bytes));

	for (unsigned i = 0; i < route->n_hops; i++) {
		const struct sl_rtmsg_hop *hop = &route->hops[(start + i) % route->n_hops];

		if (usable(arg, hop->ifindex))
			return hop;
	}
	return NULL;
}

static bool has_hops(const struct sl_route *route)
{
	return route->type == RTN_UNICAST;
}

/* Of one prefix: the lowest metric that can be used. */
static const struct sl_route *find_prefix(const struct sl_routes *routes, unsigned table,
	const struct sl_prefix *prefix, const struct sl_addr *addr, sl_route_usable usable,
	void *arg, const struct sl_rtmsg_hop **hop)
{
	const struct sl_map *map = &routes->maps[table];
	struct sl_map_node *node = sl_map_first(map, hash_of(map, prefix));
	const struct sl_route *best = NULL;

	for (; node != NULL; node = sl_map_next(node)) {
		const struct sl_route *route = sl_map_entry(node, struct sl_route, node);
		const struct sl_rtmsg_hop *chosen = NULL;

		if (!same_prefix(&route->prefix, prefix) ||
			(best != NULL && best->metric <= route->metric))
			continue;
		if (has_hops(route)) {
			chosen = choose_hop(routes, route, addr, usable, arg);
			if (chosen == NULL)
				continue;
		}
		best = route;
		*hop = chosen;
	}
	return best;
}

/* The longest of at most `longest` bits. */
static const struct sl_route *
find_in(const struct sl_routes *routes, unsigned table, const struct sl_addr *addr, int longest,
	sl_route_usable usable, void *arg, const struct sl_rtmsg_hop **hop)
{
	const uint32_t *lengths = routes->lengths[table][family_index(addr)];

	for (int length = longest; length >= 0; length--) {
		struct sl_prefix prefix;
		const struct sl_route *route;

		if (lengths[length] == 0)
			continue;
		prefix = masked(addr, length);
		route = find_prefix(routes, table, &prefix, addr, usable, arg, hop);
		if (route != NULL)
			return route;
	}
	return NULL;
}

static int host_length(const struct sl_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

const struct sl_route *sl_route_find(const struct sl_routes *routes, const struct sl_addr *addr,
	sl_route_usable usable, void *arg, const struct sl_rtmsg_hop **hop)
{
	const struct sl_route *route;
	int longest = host_length(addr);

	*hop = NULL;
	route = find_in(routes, SL_TABLE_LOCAL, addr, longest, usable, arg, hop);
	if (route == NULL)
		route = find_in(routes, SL_TABLE_MAIN, addr, longest, usable, arg, hop);
	return route;
}

const struct sl_route *sl_route_of(const struct sl_routes *routes, const struct sl_prefix *prefix,
	sl_route_usable usable, void *arg)
{
	const struct sl_rtmsg_hop *hop = NULL;
	const struct sl_route *local, *route;

	local = find_in(routes, SL_TABLE_LOCAL, &prefix->addr, prefix->length, usable, arg, &hop);
	if (local != NULL && local->prefix.length == prefix->length)
		return local;
	route = find_prefix(routes, SL_TABLE_MAIN, prefix, &prefix->addr, usable, arg, &hop);
	return route != NULL && local != NULL ? local : route;
}

static bool any_link(void *arg, int ifindex)
{
	return true;
}

bool sl_route_is_local(const struct sl_routes *routes, const struct sl_addr *addr)
{
	const struct sl_rtmsg_hop *hop;
	const struct sl_route *route =
		find_in(routes, SL_TABLE_LOCAL, addr, host_length(addr), any_link, NULL, &hop);

	return route != NULL && route->type == RTN_LOCAL;
}
