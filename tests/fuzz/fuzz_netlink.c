/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink messages of any bytes, as one read of the socket would bring them: what is taken apart
 * must make sense, and a namespace fed with it must end as empty as it began, the forwarding table
 * with it.
 */
#include <string.h>

#include <linux/rtnetlink.h>

#include "feed.h"
#include "fuzz.h"

static void check_addr(const struct sl_addr *addr)
{
	FUZZ_ASSERT(addr->family == 4 || addr->family == 6);
	for (unsigned i = addr->family == 4 ? 4 : 16; i < 16; i++)
		FUZZ_ASSERT(addr->bytes[i] == 0);
}

static void check_prefix(const struct sl_prefix *prefix)
{
	check_addr(&prefix->addr);
	FUZZ_ASSERT(prefix->length <= (prefix->addr.family == 4 ? 32 : 128));
}

static void check(const struct sl_rtmsg *message)
{
	switch (message->kind) {
	case SL_RTMSG_LINK:
		FUZZ_ASSERT(memchr(message->link.name, 0, sizeof(message->link.name)) != NULL);
		break;
	case SL_RTMSG_ADDRESS:
		check_prefix(&message->address.prefix);
		break;
	case SL_RTMSG_ROUTE:
		check_prefix(&message->route.prefix);
		FUZZ_ASSERT(message->route.n_hops <= SL_RTMSG_HOPS);
		for (unsigned i = 0; i < message->route.n_hops; i++) {
			if (message->route.hops[i].gateway.family != 0)
				check_addr(&message->route.hops[i].gateway);
		}
		break;
	case SL_RTMSG_NEIGHBOUR:
		check_addr(&message->neighbour.address);
		break;
	}
}

static struct sl_feed feeder;
static uint32_t gateway_hop;

static int port_of(void *arg, unsigned space, int ifindex)
{
	return ifindex % 3 - 1;
}

static uint32_t gateway(void *arg, const struct sl_adjacency_way *way)
{
	check_addr(&way->next);
	return gateway_hop;
}

static void feeder_init(void)
{
	struct rte_rcu_qsbr *qsbr =
		sl_zalloc(&sl_alloc_heap, rte_rcu_qsbr_get_memsize(1), SL_CACHE_LINE, -1);

	FUZZ_ASSERT(qsbr != NULL && rte_rcu_qsbr_init(qsbr, 1) == 0);
	feeder.fib = sl_fib_new(&sl_alloc_heap, qsbr, 64);
	feeder.n_spaces = 1;
	feeder.port = port_of;
	feeder.gateway = gateway;
	FUZZ_ASSERT(feeder.fib != NULL && sl_fib_hop_new(feeder.fib, &gateway_hop) == 0);
}

static void check_table_is_empty(void)
{
	struct sl_fib_stats stats;

	while (sl_fib_reclaim(feeder.fib))
		;
	sl_fib_stats(feeder.fib, &stats);
	FUZZ_ASSERT(stats.routes[0] == 0 && stats.routes[1] == 0);
	FUZZ_ASSERT(stats.nodes == 0 && stats.groups == 0 && stats.hops == 1);
}

static void on_link(void *arg, const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before)
{
	sl_feed_all(&feeder);
	FUZZ_ASSERT(link != NULL || before != NULL);
}

static void on_address(void *arg, const struct sl_rtmsg_address *address, bool gone)
{
	check_prefix(&address->prefix);
}

static void on_route(void *arg, const struct sl_prefix *prefix, bool local)
{
	check_prefix(prefix);
	sl_feed_prefix(&feeder, prefix);
	sl_feed_neighbours(&feeder);
	if (local)
		sl_feed_all(&feeder);
}

static void on_neighbour(void *arg, const struct sl_rtmsg_neighbour *neighbour, bool gone)
{
	check_addr(&neighbour->address);
	sl_feed_host(&feeder, &neighbour->address);
}

static void on_lost(void *arg)
{
}

static bool any_link(void *arg, int ifindex)
{
	return true;
}

static void feed(const uint8_t *data, size_t size)
{
	static const struct sl_space_ops ops = {
		.link = on_link,
		.address = on_address,
		.route = on_route,
		.neighbour = on_neighbour,
		.lost = on_lost,
	};
	const struct sl_addr any = {.family = 4, .bytes = {10, 1, 2, 3}};
	const struct sl_rtmsg_hop *hop;
	struct sl_space space;

	if (feeder.fib == NULL)
		feeder_init();
	FUZZ_ASSERT(sl_space_init(&space, 1, &ops) == 0);
	feeder.spaces[0] = &space;
	sl_space_take(&space, data, size);
	sl_route_find(&space.routes, &any, any_link, NULL, &hop);
	while (sl_feed_walk(&feeder, 16))
		;
	/* As after a dump that confirmed nothing. */
	sl_space_dump(&space);
	space.step = SL_SPACE_STEPS;
	space.sweeping = true;
	while (sl_space_sweep(&space, 16))
		;
	while (sl_feed_walk(&feeder, 16))
		;
	check_table_is_empty();
	FUZZ_ASSERT(space.links.n == 0 && space.addresses.n == 0 && space.neighbours.n == 0);
	FUZZ_ASSERT(space.routes.maps[0].n == 0 && space.routes.maps[1].n == 0);
	sl_space_done(&space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_cursor cursor;
	const struct nlmsghdr *header;
	struct sl_rtmsg message;
	/* A copy with the alignment of a receive buffer, of exactly the size. */
	uint8_t *copy = malloc(size > 0 ? size : 1);

	FUZZ_ASSERT(copy != NULL);
	memcpy(copy, data, size);
	cursor = sl_cursor_over(copy, size);
	while ((header = sl_rtmsg_next(&cursor)) != NULL) {
		FUZZ_ASSERT(cursor.at <= cursor.end);
		if (header->nlmsg_type == NLMSG_ERROR)
			FUZZ_ASSERT(sl_rtmsg_error(header) <= 0);
		else if (sl_rtmsg_parse(header, &message) == 0)
			check(&message);
	}
	feed(copy, size);
	free(copy);
	return 0;
}
