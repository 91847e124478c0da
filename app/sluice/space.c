/* SPDX-License-Identifier: BSD-3-Clause */
#include "space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

/* Links first: what follows refers to them. */
static const struct {
	uint16_t type;
	uint8_t family;
} steps[SL_SPACE_STEPS] = {
	{RTM_GETLINK, AF_UNSPEC},
	{RTM_GETADDR, AF_UNSPEC},
	{RTM_GETROUTE, AF_INET},
	{RTM_GETROUTE, AF_INET6},
	{RTM_GETNEIGH, AF_UNSPEC},
};

/* Interrupted dumps in a row after which what was seen has to do, until the next one. */
#define TRIES_MAX 5

int sl_space_init(struct sl_space *space, uint64_t seed, const struct sl_space_ops *ops)
{
	*space = (struct sl_space){.ops = *ops, .step = SL_SPACE_STEPS, .rtnl.fd = -1};
	if (sl_map_init(&space->links, seed) != 0 || sl_map_init(&space->addresses, seed) != 0 ||
		sl_map_init(&space->neighbours, seed) != 0 ||
		sl_routes_init(&space->routes, seed) != 0) {
		sl_space_done(space);
		return -ENOMEM;
	}
	return 0;
}

/* Every kind of node stands first in what it belongs to. */
static void free_all(struct sl_map *map)
{
	struct sl_map_node *node;

	while (map->buckets != NULL && (node = TAILQ_FIRST(&map->seen)) != NULL) {
		sl_map_remove(map, node);
		free(node);
	}
	sl_map_done(map);
}

_Static_assert(offsetof(struct sl_space_link, node) == 0, "freed by its node");
_Static_assert(offsetof(struct sl_space_address, node) == 0, "freed by its node");
_Static_assert(offsetof(struct sl_space_neighbour, node) == 0, "freed by its node");

void sl_space_done(struct sl_space *space)
{
	sl_rtnl_close(&space->rtnl);
	free_all(&space->links);
	free_all(&space->addresses);
	free_all(&space->neighbours);
	sl_routes_done(&space->routes);
}

static int send_step(struct sl_space *space)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[SL_RTMSG_MAX];
	int ret;

	ret = sl_rtnl_send(&space->rtnl,
		sl_rtmsg_dump(buffer, steps[space->step].type, steps[space->step].family));
	space->dump_seq = space->rtnl.seq;
	if (ret != 0) {
		space->step = SL_SPACE_STEPS;
		space->stale = true;
	}
	return ret;
}

int sl_space_dump(struct sl_space *space)
{
	if (space->step < SL_SPACE_STEPS || space->sweeping) {
		space->stale = true;
		return 0;
	}
	space->stale = false;
	space->lost = false;
	space->interrupted = false;
	space->step = 0;
	sl_map_begin(&space->links);
	sl_map_begin(&space->addresses);
	sl_map_begin(&space->neighbours);
	sl_routes_begin(&space->routes);
	return send_step(space);
}

void sl_space_lost(struct sl_space *space)
{
	space->lost = true;
	space->stale = true;
	space->ops.lost(space->ops.arg);
}

static struct sl_space_link *link_of(const struct sl_space *space, int ifindex)
{
	struct sl_map_node *node =
		sl_map_first(&space->links, sl_map_hash(&space->links, &ifindex, sizeof(ifindex)));

	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_space_link *link = sl_map_entry(node, struct sl_space_link, node);

		if (link->link.ifindex == ifindex)
			return link;
	}
	return NULL;
}

const struct sl_rtmsg_link *sl_space_find_link(const struct sl_space *space, int ifindex)
{
	const struct sl_space_link *link = link_of(space, ifindex);

	return link != NULL ? &link->link : NULL;
}

static void remove_link(struct sl_space *space, struct sl_space_link *link)
{
	struct sl_rtmsg_link before = link->link;

	sl_map_remove(&space->links, &link->node);
	free(link);
	/* Its routes went with it, and nobody says so. */
	space->stale = true;
	space->ops.link(space->ops.arg, NULL, &before);
}

static int take_link(struct sl_space *space, const struct sl_rtmsg_link *message, bool gone)
{
	struct sl_space_link *link = link_of(space, message->ifindex);
	struct sl_rtmsg_link before;

	if (gone) {
		if (link != NULL)
			remove_link(space, link);
		return 0;
	}
	if (link == NULL) {
		link = calloc(1, sizeof(*link));
		if (link == NULL)
			return -ENOMEM;
		link->link = *message;
		sl_map_insert(&space->links, &link->node,
			sl_map_hash(&space->links, &message->ifindex, sizeof(message->ifindex)));
		space->ops.link(space->ops.arg, &link->link, NULL);
		return 0;
	}
	sl_map_touch(&space->links, &link->node);
	before = link->link;
	link->link = *message;
	/* The kernel drops the routes of an interface that goes down without a word. */
	if (before.up && !message->up)
		space->stale = true;
	if (memcmp(&before, message, sizeof(before)) != 0)
		space->ops.link(space->ops.arg, &link->link, &before);
	return 0;
}

static uint64_t
hash_bound(const struct sl_map *map, int ifindex, const struct sl_addr *addr, uint8_t length)
{
	uint8_t key[22];

	memcpy(key, &ifindex, 4);
	key[4] = addr->family;
	key[5] = length;
	memcpy(key + 6, addr->bytes, 16);
	return sl_map_hash(map, key, sizeof(key));
}

static int take_address(struct sl_space *space, const struct sl_rtmsg_address *message, bool gone)
{
	struct sl_map *map = &space->addresses;
	uint64_t hash =
		hash_bound(map, message->ifindex, &message->prefix.addr, message->prefix.length);
	struct sl_space_address *address = NULL;
	struct sl_map_node *node = sl_map_first(map, hash);

	for (; node != NULL && address == NULL; node = sl_map_next(node)) {
		struct sl_space_address *at = sl_map_entry(node, struct sl_space_address, node);

		if (at->address.ifindex == message->ifindex &&
			at->address.prefix.length == message->prefix.length &&
			sl_addr_equal(&at->address.prefix.addr, &message->prefix.addr))
			address = at;
	}
	if (gone && address != NULL) {
		struct sl_rtmsg_address before = address->address;

		sl_map_remove(map, &address->node);
		free(address);
		/* Routes that had it as their source went with it, and nobody says so. */
		space->stale = true;
		space->ops.address(space->ops.arg, &before, true);
	} else if (!gone && address != NULL) {
		sl_map_touch(map, &address->node);
		address->address = *message;
	} else if (!gone) {
		address = calloc(1, sizeof(*address));
		if (address == NULL)
			return -ENOMEM;
		address->address = *message;
		sl_map_insert(map, &address->node, hash);
		space->ops.address(space->ops.arg, message, false);
	}
	return 0;
}

static int
take_route(struct sl_space *space, const struct sl_rtmsg_route *message, bool gone, bool dumped)
{
	int changed;

	if (gone)
		changed = sl_route_remove(&space->routes, message);
	else
		changed = sl_route_put(&space->routes, message, dumped);
	if (changed > 0)
		space->ops.route(
			space->ops.arg, &message->prefix, message->table == RT_TABLE_LOCAL);
	return changed < 0 ? changed : 0;
}

static struct sl_space_neighbour *
neighbour_of(const struct sl_space *space, int ifindex, const struct sl_addr *address)
{
	struct sl_map_node *node = sl_map_first(
		&space->neighbours, hash_bound(&space->neighbours, ifindex, address, 0));

	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_space_neighbour *at = sl_map_entry(node, struct sl_space_neighbour, node);

		if (at->neighbour.ifindex == ifindex &&
			sl_addr_equal(&at->neighbour.address, address))
			return at;
	}
	return NULL;
}

const struct sl_rtmsg_neighbour *
sl_space_find_neighbour(const struct sl_space *space, int ifindex, const struct sl_addr *address)
{
	const struct sl_space_neighbour *neighbour = neighbour_of(space, ifindex, address);

	return neighbour != NULL ? &neighbour->neighbour : NULL;
}

static void remove_neighbour(struct sl_space *space, struct sl_space_neighbour *neighbour)
{
	struct sl_rtmsg_neighbour before = neighbour->neighbour;

	sl_map_remove(&space->neighbours, &neighbour->node);
	free(neighbour);
	space->ops.neighbour(space->ops.arg, &before, true);
}

static int
take_neighbour(struct sl_space *space, const struct sl_rtmsg_neighbour *message, bool gone)
{
	struct sl_space_neighbour *neighbour =
		neighbour_of(space, message->ifindex, &message->address);

	if (gone) {
		if (neighbour != NULL)
			remove_neighbour(space, neighbour);
		return 0;
	}
	if (neighbour == NULL) {
		neighbour = calloc(1, sizeof(*neighbour));
		if (neighbour == NULL)
			return -ENOMEM;
		neighbour->neighbour = *message;
		sl_map_insert(&space->neighbours, &neighbour->node,
			hash_bound(&space->neighbours, message->ifindex, &message->address, 0));
	} else {
		sl_map_touch(&space->neighbours, &neighbour->node);
		if (memcmp(&neighbour->neighbour, message, sizeof(*message)) == 0)
			return 0;
		neighbour->neighbour = *message;
	}
	space->ops.neighbour(space->ops.arg, message, false);
	return 0;
}

/* The dump's last word on this step: on to the next. */
static void end_step(struct sl_space *space, const struct nlmsghdr *header)
{
	/* A kernel without IPv6 has no such routes; anything else leaves the dump incomplete. */
	if (sl_rtmsg_error(header) != 0 && steps[space->step].family != AF_INET6)
		space->interrupted = true;
	space->step++;
	if (space->step < SL_SPACE_STEPS) {
		send_step(space);
		return;
	}
	if (!space->interrupted && !space->lost) {
		space->sweeping = true;
		space->tries = 0;
		return;
	}
	space->stale = true;
	if (++space->tries >= TRIES_MAX)
		space->synced = true;
}

static int take_message(struct sl_space *space, const struct nlmsghdr *header, bool dumped)
{
	struct sl_rtmsg message;
	int ret = sl_rtmsg_parse(header, &message);

	if (ret != 0)
		return ret;
	switch (message.kind) {
	case SL_RTMSG_LINK:
		return take_link(space, &message.link, message.gone);
	case SL_RTMSG_ADDRESS:
		return take_address(space, &message.address, message.gone);
	case SL_RTMSG_ROUTE:
		return take_route(space, &message.route, message.gone, dumped);
	case SL_RTMSG_NEIGHBOUR:
		return take_neighbour(space, &message.neighbour, message.gone);
	}
	return 0;
}

void sl_space_take(struct sl_space *space, const void *data, size_t length)
{
	struct sl_cursor cursor = sl_cursor_over(data, length);
	const struct nlmsghdr *header;

	while ((header = sl_rtmsg_next(&cursor)) != NULL) {
		bool dumped = space->step < SL_SPACE_STEPS &&
			header->nlmsg_seq == space->dump_seq && header->nlmsg_seq != 0;

		if (dumped && (header->nlmsg_flags & NLM_F_DUMP_INTR))
			space->interrupted = true;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
			if (dumped)
				end_step(space, header);
			continue;
		}
		/* What we cannot keep is asked for again, in the hope of better times. */
		if (take_message(space, header, dumped) == -ENOMEM)
			space->stale = true;
	}
}

bool sl_space_sweep(struct sl_space *space, unsigned max)
{
	struct sl_prefix prefix;
	struct sl_map_node *node;
	bool local;

	if (!space->sweeping)
		return false;
	for (; max > 0; max--) {
		if ((node = sl_map_stale(&space->links)) != NULL) {
			remove_link(space, sl_map_entry(node, struct sl_space_link, node));
		} else if ((node = sl_map_stale(&space->addresses)) != NULL) {
			struct sl_rtmsg_address address =
				sl_map_entry(node, struct sl_space_address, node)->address;

			take_address(space, &address, true);
		} else if ((node = sl_map_stale(&space->neighbours)) != NULL) {
			remove_neighbour(
				space, sl_map_entry(node, struct sl_space_neighbour, node));
		} else if (sl_route_sweep(&space->routes, &prefix, &local)) {
			space->ops.route(space->ops.arg, &prefix, local);
		} else {
			space->sweeping = false;
			space->synced = true;
			return false;
		}
	}
	return true;
}
