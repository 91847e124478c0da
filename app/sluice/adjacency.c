/* SPDX-License-Identifier: BSD-3-Clause */
#include "adjacency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_address(const struct sl_map *map, const struct sl_addr *address)
{
	uint8_t key[17];

	key[0] = address->family;
	memcpy(key + 1, address->bytes, 16);
	return sl_map_hash(map, key, sizeof(key));
}

static uint64_t hash_hop(const struct sl_map *map, uint8_t space, uint8_t port, int ifindex,
	const struct sl_addr *address)
{
	uint8_t key[23];

	/* Ports without a twin have no interface: there the port tells hops apart. */
	key[0] = ifindex != 0 ? space : port;
	memcpy(key + 1, &ifindex, 4);
	key[5] = ifindex != 0;
	key[6] = address->family;
	memcpy(key + 7, address->bytes, 16);
	return sl_map_hash(map, key, sizeof(key));
}

int sl_adjacencies_init(
	struct sl_adjacencies *adjacencies, uint64_t seed, const struct sl_adjacency_ops *ops)
{
	adjacencies->ops = *ops;
	if (sl_map_init(&adjacencies->by_address, seed) != 0)
		return -ENOMEM;
	if (sl_map_init(&adjacencies->hops, seed + 1) != 0) {
		sl_map_done(&adjacencies->by_address);
		return -ENOMEM;
	}
	return 0;
}

static struct sl_next_hop *
find_hop(const struct sl_adjacencies *adjacencies, const struct sl_adjacency_way *way)
{
	struct sl_map_node *node = sl_map_first(&adjacencies->hops,
		hash_hop(&adjacencies->hops, way->space, way->port, way->ifindex, &way->next));

	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_next_hop *hop = sl_map_entry(node, struct sl_next_hop, node);

		if (hop->way.ifindex == way->ifindex &&
			(way->ifindex != 0 ? hop->way.space == way->space
					   : hop->way.port == way->port) &&
			sl_addr_equal(&hop->way.next, &way->next))
			return hop;
	}
	return NULL;
}

static struct sl_next_hop *
need_hop(struct sl_adjacencies *adjacencies, const struct sl_adjacency_way *way)
{
	struct sl_next_hop *hop = find_hop(adjacencies, way);

	if (hop != NULL && hop->way.port != way->port) {
		hop->way.port = way->port;
		adjacencies->ops.changed(adjacencies->ops.arg, hop);
	}
	if (hop != NULL)
		return hop;
	hop = calloc(1, sizeof(*hop));
	if (hop == NULL)
		return NULL;
	hop->way = *way;
	TAILQ_INIT(&hop->users);
	hop->resolved = adjacencies->ops.neighbour(adjacencies->ops.arg, way, hop->mac);
	sl_map_insert(&adjacencies->hops, &hop->node,
		hash_hop(&adjacencies->hops, way->space, way->port, way->ifindex, &way->next));
	adjacencies->ops.needed(adjacencies->ops.arg, hop);
	return hop;
}

static void drop_hop(struct sl_adjacencies *adjacencies, struct sl_next_hop *hop)
{
	if (hop->n_users > 0 || hop->number != 0)
		return;
	sl_map_remove(&adjacencies->hops, &hop->node);
	adjacencies->ops.released(adjacencies->ops.arg, hop);
	free(hop);
}

static void leave_hop(struct sl_adjacencies *adjacencies, struct sl_adjacency *adjacency)
{
	struct sl_next_hop *hop = adjacency->hop;

	if (hop == NULL)
		return;
	adjacency->hop = NULL;
	TAILQ_REMOVE(&hop->users, adjacency, link);
	hop->n_users--;
	drop_hop(adjacencies, hop);
}

static void
use_hop(struct sl_adjacencies *adjacencies, struct sl_adjacency *adjacency, struct sl_next_hop *hop)
{
	if (adjacency->hop == hop)
		return;
	leave_hop(adjacencies, adjacency);
	adjacency->hop = hop;
	TAILQ_INSERT_TAIL(&hop->users, adjacency, link);
	hop->n_users++;
}

static void
publish(struct sl_adjacencies *adjacencies, struct sl_adjacency *adjacency, sl_adj_word word)
{
	sl_adj_word before = adjacency->word;

	if (adjacency->known && before == word)
		return;
	adjacency->known = true;
	adjacency->word = word;
	adjacencies->ops.publish(adjacencies->ops.arg, adjacency, before);
}

static sl_adj_word word_of(const struct sl_adjacency *adjacency)
{
	static const uint8_t no_mac[6];
	const struct sl_next_hop *hop = adjacency->hop;
	uint8_t flags = adjacency->on_link ? SL_ADJ_ON_LINK : SL_ADJ_GATEWAY;

	if (hop->resolved)
		flags |= SL_ADJ_RESOLVED;
	return sl_adj_make(hop->resolved ? hop->mac : no_mac, hop->way.port, flags);
}

static void evaluate(struct sl_adjacencies *adjacencies, struct sl_adjacency *adjacency)
{
	static const uint8_t no_mac[6];
	struct sl_adjacency_way way = {0};
	struct sl_next_hop *hop = NULL;

	adjacencies->ops.way(adjacencies->ops.arg, &adjacency->address, &way);
	if (way.kind == SL_WAY_HOP)
		hop = need_hop(adjacencies, &way);
	if (hop == NULL) {
		leave_hop(adjacencies, adjacency);
		publish(adjacencies, adjacency,
			way.kind == SL_WAY_LOCAL ? sl_adj_make(no_mac, 0, SL_ADJ_LOCAL) : 0);
		return;
	}
	use_hop(adjacencies, adjacency, hop);
	adjacency->on_link = way.on_link;
	publish(adjacencies, adjacency, word_of(adjacency));
}

int sl_adjacency_add(
	struct sl_adjacencies *adjacencies, const struct sl_addr *address, uint32_t index)
{
	struct sl_adjacency *adjacency = calloc(1, sizeof(*adjacency));

	if (adjacency == NULL)
		return -ENOMEM;
	adjacency->address = *address;
	adjacency->index = index;
	sl_map_insert(&adjacencies->by_address, &adjacency->node,
		hash_address(&adjacencies->by_address, address));
	sl_map_expire(&adjacencies->by_address, &adjacency->node);
	return 0;
}

static struct sl_adjacency *next_of(struct sl_map_node *node, const struct sl_addr *address)
{
	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_adjacency *adjacency = sl_map_entry(node, struct sl_adjacency, node);

		if (sl_addr_equal(&adjacency->address, address))
			return adjacency;
	}
	return NULL;
}

struct sl_adjacency *
sl_adjacency_find(const struct sl_adjacencies *adjacencies, const struct sl_addr *address)
{
	const struct sl_map *map = &adjacencies->by_address;

	return next_of(sl_map_first(map, hash_address(map, address)), address);
}

static void delete (struct sl_adjacencies *adjacencies, struct sl_adjacency *adjacency)
{
	leave_hop(adjacencies, adjacency);
	sl_map_remove(&adjacencies->by_address, &adjacency->node);
	free(adjacency);
}

void sl_adjacency_remove(
	struct sl_adjacencies *adjacencies, const struct sl_addr *address, uint32_t index)
{
	struct sl_adjacency *adjacency = sl_adjacency_find(adjacencies, address);

	/* An address may have its old and its new number for a moment. */
	while (adjacency != NULL && adjacency->index != index)
		adjacency = next_of(sl_map_next(&adjacency->node), address);
	if (adjacency == NULL)
		return;
	publish(adjacencies, adjacency, 0);
	delete (adjacencies, adjacency);
}

void sl_adjacencies_done(struct sl_adjacencies *adjacencies)
{
	struct sl_map_node *node;

	while (adjacencies->by_address.buckets != NULL &&
		(node = TAILQ_FIRST(&adjacencies->by_address.seen)) != NULL)
		delete (adjacencies, sl_map_entry(node, struct sl_adjacency, node));
	while (adjacencies->hops.buckets != NULL &&
		(node = TAILQ_FIRST(&adjacencies->hops.seen)) != NULL) {
		struct sl_next_hop *hop = sl_map_entry(node, struct sl_next_hop, node);

		hop->number = 0;
		drop_hop(adjacencies, hop);
	}
	sl_map_done(&adjacencies->by_address);
	sl_map_done(&adjacencies->hops);
}

void sl_adjacency_expire_all(struct sl_adjacencies *adjacencies)
{
	sl_map_begin(&adjacencies->by_address);
}

void sl_adjacency_expire(struct sl_adjacencies *adjacencies, const struct sl_addr *address)
{
	struct sl_adjacency *adjacency = sl_adjacency_find(adjacencies, address);

	for (; adjacency != NULL; adjacency = next_of(sl_map_next(&adjacency->node), address))
		sl_map_expire(&adjacencies->by_address, &adjacency->node);
}

bool sl_adjacency_walk(struct sl_adjacencies *adjacencies, unsigned max)
{
	struct sl_map *map = &adjacencies->by_address;
	struct sl_map_node *node;

	for (; (node = sl_map_stale(map)) != NULL && max > 0; max--) {
		sl_map_touch(map, node);
		evaluate(adjacencies, sl_map_entry(node, struct sl_adjacency, node));
	}
	return node != NULL;
}

struct sl_next_hop *sl_next_hop_changed(struct sl_adjacencies *adjacencies, uint8_t space,
	int ifindex, const struct sl_addr *address)
{
	const struct sl_adjacency_way way = {.space = space, .ifindex = ifindex, .next = *address};
	struct sl_next_hop *hop = find_hop(adjacencies, &way);

	if (hop != NULL)
		sl_next_hop_refresh(adjacencies, hop);
	return hop;
}

void sl_next_hop_refresh(struct sl_adjacencies *adjacencies, struct sl_next_hop *hop)
{
	struct sl_adjacency *adjacency;
	uint8_t mac[6] = {0};
	bool resolved = adjacencies->ops.neighbour(adjacencies->ops.arg, &hop->way, mac);

	if (resolved == hop->resolved && memcmp(mac, hop->mac, sizeof(mac)) == 0)
		return;
	hop->resolved = resolved;
	memcpy(hop->mac, mac, sizeof(mac));
	adjacencies->ops.changed(adjacencies->ops.arg, hop);
	TAILQ_FOREACH (adjacency, &hop->users, link)
		publish(adjacencies, adjacency, word_of(adjacency));
}

struct sl_next_hop *
sl_next_hop_find(struct sl_adjacencies *adjacencies, const struct sl_adjacency_way *way)
{
	return need_hop(adjacencies, way);
}

void sl_next_hop_let_go(struct sl_adjacencies *adjacencies, struct sl_next_hop *hop)
{
	drop_hop(adjacencies, hop);
}

const char *sl_adjacency_reachability(sl_adj_word word, bool needs_link)
{
	uint8_t flags = sl_adj_flags(word);

	if (flags & SL_ADJ_LOCAL)
		return "local";
	if (!(flags & (SL_ADJ_ON_LINK | SL_ADJ_GATEWAY)))
		return "no route";
	if (needs_link && (flags & SL_ADJ_GATEWAY))
		return "not on link";
	return flags & SL_ADJ_RESOLVED ? "reachable" : "unresolved";
}
