/* SPDX-License-Identifier: BSD-3-Clause */
#include "feed.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

/* A way for a prefix, and how much it counts against those of other namespaces. */
struct choice {
	enum { NOTHING, BY_LINUX, BY_PORT, OWN } rank;
	struct sl_fib_via via;
	sl_adj_word word; /* not 0: the neighbour itself, for which a hop is made */
};

static bool is_host(const struct sl_prefix *prefix)
{
	return prefix->length == (prefix->addr.family == 4 ? 32 : 128);
}

/* Never routed, whatever their interface: link-local IPv6, and groups. RFC 4291, 2.5.6. */
static bool stays_on_link(const struct sl_prefix *prefix)
{
	const uint8_t *bytes = prefix->addr.bytes;

	if (prefix->addr.family == 4)
		return prefix->length >= 4 && (bytes[0] & 0xf0) == 0xe0;
	return (prefix->length >= 8 && bytes[0] == 0xff) ||
		(prefix->length >= 10 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static bool link_usable(void *arg, int ifindex)
{
	const struct sl_rtmsg_link *link = sl_space_find_link(arg, ifindex);

	return link != NULL && link->up;
}

/* As often as its weight says, in as many places as a route has. */
static void fill_hops(struct sl_fib_via *via, const uint32_t *numbers, const uint8_t *weights)
{
	unsigned n = via->n_hops, places[SL_FIB_HOPS], total = n;
	bool equal = true;

	for (unsigned i = 0; i < n; i++) {
		places[i] = 1;
		equal &= weights[i] == weights[0];
	}
	/* The next place goes to who is furthest behind. */
	for (; !equal && total < SL_FIB_HOPS; total++) {
		unsigned behind = 0;

		for (unsigned i = 1; i < n; i++) {
			if (weights[i] * (places[behind] + 1) > weights[behind] * (places[i] + 1))
				behind = i;
		}
		places[behind]++;
	}
	via->n_hops = (uint8_t)total;
	for (unsigned i = 0, at = 0; i < n; i++) {
		for (; places[i] > 0; places[i]--)
			via->hops[at++] = numbers[i];
	}
}

static void
choose_hops(struct sl_feed *feed, unsigned space, const struct sl_route *route, struct choice *out)
{
	uint32_t numbers[SL_FIB_HOPS];
	uint8_t weights[SL_FIB_HOPS];
	bool on_link = false;
	unsigned n = 0;

	*out = (struct choice){.rank = BY_LINUX, .via.kind = SL_ROUTE_LINUX};
	for (unsigned i = 0; i < route->n_hops && n < SL_FIB_HOPS; i++) {
		const struct sl_rtmsg_hop *hop = &route->hops[i];
		struct sl_adjacency_way way = {.kind = SL_WAY_HOP, .space = (uint8_t)space};
		int port;

		if (!link_usable(feed->spaces[space], hop->ifindex))
			continue;
		port = feed->port(feed->arg, space, hop->ifindex);
		if (port < 0 || on_link)
			return; /* or on link in several ways */
		way.port = out->via.port = (uint8_t)port;
		way.ifindex = hop->ifindex;
		way.next = hop->gateway;
		on_link = hop->gateway.family == 0;
		if (on_link && n > 0)
			return;
		if (on_link)
			continue;
		weights[n] = hop->weight;
		numbers[n++] = feed->gateway(feed->arg, &way);
	}
	out->rank = BY_PORT;
	out->via.kind = on_link ? SL_ROUTE_GLEAN : SL_ROUTE_HOP;
	out->via.n_hops = (uint8_t)n;
	if (!on_link)
		fill_hops(&out->via, numbers, weights);
}

static void
choose_route(struct sl_feed *feed, unsigned space, const struct sl_route *route, struct choice *out)
{
	*out = (struct choice){.rank = BY_LINUX, .via.kind = SL_ROUTE_LINUX};
	switch (route->type) {
	case RTN_UNICAST:
		if (!route->encap)
			choose_hops(feed, space, route, out);
		break;
	case RTN_LOCAL:
		out->rank = OWN;
		break;
	case RTN_BLACKHOLE:
		out->via.kind = SL_ROUTE_BLACKHOLE;
		break;
	case RTN_PROHIBIT:
		out->via.kind = SL_ROUTE_PROHIBIT;
		break;
	case RTN_UNREACHABLE:
	case RTN_THROW: /* on to other tables, which are not mirrored */
		out->via.kind = SL_ROUTE_NONE;
		break;
	}
}

/* A host that is a resolved neighbour where its route says that it lies on a link of ours. */
static bool choose_neighbour(
	struct sl_feed *feed, unsigned space, const struct sl_addr *addr, struct choice *out)
{
	const struct sl_rtmsg_neighbour *neighbour;
	const struct sl_rtmsg_hop *hop;
	const struct sl_route *route;
	int port;

	route = sl_route_find(
		&feed->spaces[space]->routes, addr, link_usable, feed->spaces[space], &hop);
	if (route == NULL || route->type != RTN_UNICAST || hop == NULL ||
		hop->gateway.family != 0 || route->encap)
		return false;
	port = feed->port(feed->arg, space, hop->ifindex);
	neighbour = sl_space_find_neighbour(feed->spaces[space], hop->ifindex, addr);
	if (port < 0 || neighbour == NULL || !sl_rtmsg_neighbour_usable(neighbour))
		return false;
	*out = (struct choice){
		.rank = BY_PORT,
		.via = {.kind = SL_ROUTE_HOP, .n_hops = 1},
		.word = sl_adj_make(
			neighbour->mac, (uint8_t)port, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK),
	};
	return true;
}

static void
choose_in(struct sl_feed *feed, unsigned space, const struct sl_prefix *prefix, struct choice *out)
{
	struct sl_space *in = feed->spaces[space];
	const struct sl_route *route = sl_route_of(&in->routes, prefix, link_usable, in);

	*out = (struct choice){.rank = NOTHING};
	if (route != NULL)
		choose_route(feed, space, route, out);
	if (is_host(prefix) && (route == NULL || out->via.kind == SL_ROUTE_GLEAN))
		choose_neighbour(feed, space, &prefix->addr, out);
}

static void
choose_direct(const struct sl_feed *feed, const struct sl_prefix *prefix, struct choice *out)
{
	uint8_t mac[6];

	*out = (struct choice){.rank = NOTHING};
	if (feed->direct == NULL)
		return;
	out->via.kind = sl_direct_route(feed->direct, prefix, &out->via.port, mac);
	if (out->via.kind != SL_ROUTE_NONE)
		out->rank = out->via.kind == SL_ROUTE_LINUX ? OWN : BY_PORT;
	if (out->via.kind != SL_ROUTE_HOP)
		return;
	out->via.n_hops = 1;
	out->word = sl_adj_make(mac, out->via.port, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK);
}

/* The neighbour's hop belongs to its route alone; one that has not changed stays. */
static int
put_neighbour(struct sl_feed *feed, const struct sl_prefix *prefix, const struct choice *choice)
{
	struct sl_fib_via via = choice->via, now;
	int ret;

	if (sl_fib_get(feed->fib, prefix, &now) && now.kind == SL_ROUTE_HOP && now.n_hops == 1 &&
		sl_fib_hop_word(feed->fib, now.hops[0]) == choice->word)
		return 0;
	ret = sl_fib_hop_new(feed->fib, &via.hops[0]);
	if (ret != 0)
		return ret;
	sl_fib_hop_set(feed->fib, via.hops[0], choice->word);
	ret = sl_fib_set(feed->fib, prefix, &via);
	sl_fib_hop_release(feed->fib, via.hops[0]);
	return ret;
}

static int put(struct sl_feed *feed, const struct sl_prefix *prefix, const struct choice *choice)
{
	if (choice->rank == NOTHING) {
		sl_fib_remove(feed->fib, prefix);
		return 0;
	}
	if (choice->word != 0)
		return put_neighbour(feed, prefix, choice);
	for (unsigned i = 0; i < choice->via.n_hops; i++) {
		if (choice->via.hops[i] == 0)
			return -ENOSPC;
	}
	return sl_fib_set(feed->fib, prefix, &choice->via);
}

void sl_feed_prefix(struct sl_feed *feed, const struct sl_prefix *prefix)
{
	struct choice best, other;

	choose_direct(feed, prefix, &best);
	for (unsigned i = 0; i < feed->n_spaces; i++) {
		choose_in(feed, i, prefix, &other);
		if (other.rank > best.rank)
			best = other;
	}
	if (best.rank != NOTHING && stays_on_link(prefix))
		best = (struct choice){.rank = OWN, .via.kind = SL_ROUTE_LINUX};
	if (put(feed, prefix, &best) != 0)
		feed->refused++;
}

void sl_feed_host(struct sl_feed *feed, const struct sl_addr *addr)
{
	const struct sl_prefix prefix = {*addr, addr->family == 4 ? 32 : 128};

	sl_feed_prefix(feed, &prefix);
}

/* ---- the walk: the local and the main table, then the neighbours of each namespace ---- */

enum { PART_NEIGHBOURS = SL_TABLES, PARTS };

static void begin(struct sl_feed *feed, bool full)
{
	feed->walking = true;
	feed->full = full;
	feed->space = 0;
	feed->part = full ? 0 : PART_NEIGHBOURS;
	feed->walk = (struct sl_map_walk){0};
}

void sl_feed_all(struct sl_feed *feed)
{
	feed->refused = 0;
	begin(feed, true);
}

void sl_feed_neighbours(struct sl_feed *feed)
{
	/* A walk over everything that has come past some of them is due again when it is through.
	 */
	if (feed->walking && feed->full)
		feed->again = true;
	else
		begin(feed, false);
}

static void take_bucket(struct sl_feed *feed, const struct sl_map_node *node)
{
	for (; node != NULL; node = node->next) {
		const struct sl_rtmsg_neighbour *neighbour;

		if (feed->part < PART_NEIGHBOURS) {
			const struct sl_prefix prefix =
				sl_map_entry(node, const struct sl_route, node)->prefix;

			sl_feed_prefix(feed, &prefix);
			continue;
		}
		neighbour = &sl_map_entry(node, const struct sl_space_neighbour, node)->neighbour;
		if (feed->port(feed->arg, feed->space, neighbour->ifindex) >= 0)
			sl_feed_host(feed, &neighbour->address);
	}
}

bool sl_feed_walk(struct sl_feed *feed, unsigned max)
{
	for (; feed->walking && max > 0; max--) {
		const struct sl_space *space;
		const struct sl_map *map;

		if (feed->space >= feed->n_spaces) {
			feed->walking = false;
			if (feed->again)
				begin(feed, false);
			feed->again = false;
			continue;
		}
		space = feed->spaces[feed->space];
		map = feed->part < PART_NEIGHBOURS ? &space->routes.maps[feed->part]
						   : &space->neighbours;
		take_bucket(feed, sl_map_next_bucket(map, &feed->walk));
		if (feed->walk.at != SIZE_MAX)
			continue;
		feed->walk = (struct sl_map_walk){0};
		if (++feed->part == PARTS) {
			feed->part = feed->full ? 0 : PART_NEIGHBOURS;
			feed->space++;
		}
	}
	return feed->walking;
}

void sl_feed_direct(struct sl_feed *feed, const struct sl_direct *direct)
{
	const struct sl_direct *const both[] = {feed->direct, direct};
	struct sl_prefix prefix;

	feed->direct = direct;
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t i = 0; both[k] != NULL && sl_direct_prefix(both[k], i, &prefix); i++)
			sl_feed_prefix(feed, &prefix);
	}
}
