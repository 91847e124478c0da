/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "feed.h"

#define WAN  3  /* interface of port 0 in namespace 0 */
#define LAN  4  /* of port 1 */
#define MGMT 9  /* of no port */
#define FAR  13 /* of port 2 in namespace 1 */

/*
 * Two namespaces told by hand, and where a packet goes is told as text: "gw 10.0.0.254@0" (port 0),
 * "host 7@1" (last byte of the MAC), "glean 1", "linux", "none", ...
 */
static struct {
	struct rte_rcu_qsbr *qsbr;
	struct sl_fib *fib;
	struct sl_space spaces[2];
	struct sl_feed feed;
	struct sl_direct *direct;
	struct sl_addr gateways[8]; /* by number of their hop */
	unsigned gateways_refused;
} world;

static _Alignas(8) uint8_t buffer[512];
#define HEADER ((struct nlmsghdr *)(void *)buffer)

static void on_link(void *arg, const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before)
{
	sl_feed_all(&world.feed);
}

static void on_address(void *arg, const struct sl_rtmsg_address *address, bool gone)
{
}

static void on_route(void *arg, const struct sl_prefix *prefix, bool local)
{
	sl_feed_prefix(&world.feed, prefix);
	sl_feed_neighbours(&world.feed);
}

static void on_neighbour(void *arg, const struct sl_rtmsg_neighbour *neighbour, bool gone)
{
	sl_feed_host(&world.feed, &neighbour->address);
}

static void on_lost(void *arg)
{
}

static int port(void *arg, unsigned space, int ifindex)
{
	if (space == 1)
		return ifindex == FAR ? 2 : -1;
	return ifindex == WAN ? 0 : ifindex == LAN ? 1 : -1;
}

static uint32_t gateway(void *arg, const struct sl_adjacency_way *way)
{
	const uint8_t mac[6] = {2};
	uint32_t number;

	for (number = 1; number < 8; number++) {
		if (sl_addr_equal(&world.gateways[number], &way->next))
			return number;
	}
	if (sl_fib_hop_new(world.fib, &number) != 0 || number >= 8) {
		world.gateways_refused++;
		return 0;
	}
	world.gateways[number] = way->next;
	sl_fib_hop_set(world.fib, number, sl_adj_make(mac, way->port, SL_ADJ_RESOLVED));
	return number;
}

static void send_link(unsigned space, int ifindex, bool up)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *fixed = mnl_nlmsg_put_extra_header(header, sizeof(*fixed));

	header->nlmsg_type = RTM_NEWLINK;
	fixed->ifi_index = ifindex;
	fixed->ifi_flags = up ? IFF_UP : 0;
	mnl_attr_put_strz(header, IFLA_IFNAME, "x");
	sl_space_take(&world.spaces[space], buffer, header->nlmsg_len);
}

static int make(uint32_t routes)
{
	static const struct sl_space_ops ops = {
		on_link, on_address, on_route, on_neighbour, on_lost, NULL};

	memset(&world, 0, sizeof(world));
	world.qsbr = sl_zalloc(&sl_alloc_heap, rte_rcu_qsbr_get_memsize(1), SL_CACHE_LINE, -1);
	rte_rcu_qsbr_init(world.qsbr, 1);
	world.fib = sl_fib_new(&sl_alloc_heap, world.qsbr, routes);
	world.feed =
		(struct sl_feed){.fib = world.fib, .n_spaces = 2, .port = port, .gateway = gateway};
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(sl_space_init(&world.spaces[i], 1 + i, &ops), 0);
		world.feed.spaces[i] = &world.spaces[i];
	}
	send_link(0, WAN, true);
	send_link(0, LAN, true);
	send_link(0, MGMT, true);
	send_link(1, FAR, true);
	return 0;
}

static int setup(void **state)
{
	return make(64);
}

static int teardown(void **state)
{
	sl_direct_free(world.direct);
	for (unsigned i = 0; i < 2; i++)
		sl_space_done(&world.spaces[i]);
	sl_fib_free(world.fib);
	sl_free(&sl_alloc_heap, world.qsbr);
	return 0;
}

struct hop {
	int ifindex;
	const char *gateway; /* NULL = on link */
	uint8_t weight;
};

static struct sl_rtmsg_route
route(const char *text, uint8_t type, const struct hop *hops, unsigned n)
{
	struct sl_rtmsg_route message = {
		.table = RT_TABLE_MAIN, .type = type, .n_hops = (uint8_t)n};

	assert_int_equal(sl_prefix_parse(text, &message.prefix), 0);
	for (unsigned i = 0; i < n; i++) {
		message.hops[i].ifindex = hops[i].ifindex;
		message.hops[i].weight = hops[i].weight ? hops[i].weight : 1;
		if (hops[i].gateway != NULL)
			sl_addr_parse(hops[i].gateway, &message.hops[i].gateway);
	}
	return message;
}

/* As the space does with a message of the kernel. */
static void put(unsigned space, const struct sl_rtmsg_route *message)
{
	if (sl_route_put(&world.spaces[space].routes, message, false) > 0)
		on_route(NULL, &message->prefix, message->table == RT_TABLE_LOCAL);
}

static void take_out(unsigned space, const struct sl_rtmsg_route *message)
{
	if (sl_route_remove(&world.spaces[space].routes, message))
		on_route(NULL, &message->prefix, message->table == RT_TABLE_LOCAL);
}

static void via(unsigned space, const char *prefix, int ifindex, const char *gw)
{
	const struct hop hop = {ifindex, gw, 1};
	const struct sl_rtmsg_route message = route(prefix, RTN_UNICAST, &hop, 1);

	put(space, &message);
}

static void typed(unsigned space, const char *prefix, uint8_t type, uint32_t table)
{
	struct sl_rtmsg_route message = route(prefix, type, NULL, 0);

	message.table = table;
	put(space, &message);
}

static void neighbour(unsigned space, int ifindex, const char *text, uint8_t mac, uint16_t nud)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ndmsg *fixed = mnl_nlmsg_put_extra_header(header, sizeof(*fixed));
	const uint8_t bytes[6] = {2, 0, 0, 0, 0, mac};
	struct sl_addr addr;

	sl_addr_parse(text, &addr);
	header->nlmsg_type = nud != 0 ? RTM_NEWNEIGH : RTM_DELNEIGH;
	fixed->ndm_family = addr.family == 4 ? AF_INET : AF_INET6;
	fixed->ndm_ifindex = ifindex;
	fixed->ndm_state = nud;
	mnl_attr_put(header, NDA_DST, addr.family == 4 ? 4 : 16, addr.bytes);
	if (mac != 0)
		mnl_attr_put(header, NDA_LLADDR, 6, bytes);
	sl_space_take(&world.spaces[space], buffer, header->nlmsg_len);
}

static const char *way_by(const char *text, uint32_t hash)
{
	static const char *const names[] = {"none", "linux", "blackhole", "prohibit"};
	static char result[SL_ADDR_TEXT + 32];
	char address[SL_ADDR_TEXT];
	struct sl_addr addr;
	struct sl_next next;
	union sl_ip ip;

	assert_int_equal(sl_addr_parse(text, &addr), 0);
	ip = sl_ip_from_addr(&addr);
	sl_fib_next(world.fib, addr.family, &ip, hash, &next);
	if (next.kind < SL_ROUTE_GLEAN)
		return names[next.kind];
	if (next.kind == SL_ROUTE_GLEAN) {
		snprintf(result, sizeof(result), "glean %u", next.port);
	} else if (sl_adj_flags(next.adj) & SL_ADJ_ON_LINK) {
		snprintf(
			result, sizeof(result), "host %u@%u", ((uint8_t *)&next.adj)[5], next.port);
	} else {
		struct sl_prefix host = {.addr = addr};
		struct sl_fib_via found = {0};

		/* Whose hop it is shows in the exact route only; tests ask for hosts or 0/0. */
		for (int l = addr.family == 4 ? 32 : 128; l >= 0 && found.n_hops == 0; l--) {
			host.length = (uint8_t)l;
			sl_fib_get(world.fib, &host, &found);
		}
		snprintf(result, sizeof(result), "gw %s@%u",
			sl_addr_format(&world.gateways[found.hops[hash % found.n_hops]], address),
			next.port);
	}
	return result;
}

#define assert_way(text, want)                                                                     \
	do {                                                                                       \
		while (sl_feed_walk(&world.feed, 7))                                               \
			;                                                                          \
		assert_string_equal(way_by(text, 0), want);                                        \
	} while (0)

static void each_kind_of_route(void **state)
{
	via(0, "0.0.0.0/0", WAN, "10.0.0.254");
	via(0, "10.0.0.0/24", WAN, NULL);
	via(0, "172.16.0.0/12", MGMT, "192.0.2.1");
	typed(0, "10.9.0.0/16", RTN_BLACKHOLE, RT_TABLE_MAIN);
	typed(0, "10.8.0.0/16", RTN_UNREACHABLE, RT_TABLE_MAIN);
	typed(0, "10.7.0.0/16", RTN_PROHIBIT, RT_TABLE_MAIN);
	typed(0, "10.6.0.0/16", RTN_THROW, RT_TABLE_MAIN);
	typed(0, "10.0.0.1", RTN_LOCAL, RT_TABLE_LOCAL);
	typed(0, "10.0.0.255", RTN_BROADCAST, RT_TABLE_LOCAL);
	via(0, "2001:db8::/64", LAN, NULL);
	via(0, "::/0", LAN, "fe80::1");
	assert_way("8.8.8.8", "gw 10.0.0.254@0");
	assert_way("10.0.0.7", "glean 0");
	assert_way("172.16.1.1", "linux");
	assert_way("10.9.1.1", "blackhole");
	assert_way("10.8.1.1", "none");
	assert_way("10.7.1.1", "prohibit");
	assert_way("10.6.1.1", "none");
	assert_way("10.0.0.1", "linux");
	assert_way("10.0.0.255", "linux");
	assert_way("2001:db8::7", "glean 1");
	assert_way("2600::1", "gw fe80::1@1");
}

static void a_route_that_goes_uncovers_the_next(void **state)
{
	const struct hop hops[] = {{WAN, "10.0.0.254", 1}, {WAN, "10.0.0.253", 1}};
	struct sl_rtmsg_route first = route("0.0.0.0/0", RTN_UNICAST, &hops[0], 1);
	struct sl_rtmsg_route second = route("0.0.0.0/0", RTN_UNICAST, &hops[1], 1);

	first.metric = 10;
	second.metric = 20;
	put(0, &second);
	assert_way("8.8.8.8", "gw 10.0.0.253@0");
	put(0, &first);
	assert_way("8.8.8.8", "gw 10.0.0.254@0");
	take_out(0, &first);
	assert_way("8.8.8.8", "gw 10.0.0.253@0");
	take_out(0, &second);
	assert_way("8.8.8.8", "none");
}

static void routes_follow_the_link(void **state)
{
	const struct hop hops[] = {{WAN, "10.0.0.254", 1}, {LAN, "10.0.1.254", 1}};
	struct sl_rtmsg_route both = route("0.0.0.0/0", RTN_UNICAST, hops, 2);
	unsigned seen[2] = {0};

	put(0, &both);
	for (uint32_t i = 0; i < 100; i++)
		seen[strstr(way_by("8.8.8.8", i), "@1") != NULL]++;
	assert_in_range(seen[1], 30, 70);
	send_link(0, WAN, false);
	assert_way("8.8.8.8", "gw 10.0.1.254@1");
	send_link(0, LAN, false);
	assert_way("8.8.8.8", "none");
	send_link(0, WAN, true);
	assert_way("8.8.8.8", "gw 10.0.0.254@0");
}

static void next_hops_share_by_weight(void **state)
{
	const struct hop hops[] = {{WAN, "10.0.0.254", 4}, {LAN, "10.0.1.254", 1}};
	struct sl_rtmsg_route both = route("0.0.0.0/0", RTN_UNICAST, hops, 2);
	struct sl_prefix prefix = both.prefix;
	unsigned seen[3] = {0};
	struct sl_fib_via found;

	put(0, &both);
	assert_true(sl_fib_get(world.fib, &prefix, &found));
	for (unsigned i = 0; i < found.n_hops; i++)
		seen[found.hops[i]]++;
	assert_int_equal(found.n_hops, SL_FIB_HOPS);
	assert_int_equal(seen[1], 12);
	assert_int_equal(seen[2], 3);
}

static void what_only_linux_can_do_is_left_to_it(void **state)
{
	const struct hop mixed[] = {{WAN, "10.0.0.254", 1}, {MGMT, "192.0.2.1", 1}};
	const struct hop on_link[] = {{WAN, NULL, 1}, {LAN, NULL, 1}};
	const struct sl_rtmsg_route a = route("10.1.0.0/16", RTN_UNICAST, mixed, 2);
	const struct sl_rtmsg_route b = route("10.2.0.0/16", RTN_UNICAST, on_link, 2);
	struct sl_rtmsg_route c = route("10.3.0.0/16", RTN_UNICAST, mixed, 1);

	c.encap = true;
	put(0, &a);
	put(0, &b);
	put(0, &c);
	assert_way("10.1.0.1", "linux");
	assert_way("10.2.0.1", "linux");
	assert_way("10.3.0.1", "linux");
}

static void neighbours_are_host_routes(void **state)
{
	via(0, "10.0.0.0/24", WAN, NULL);
	via(0, "2001:db8::/64", LAN, NULL);
	neighbour(0, WAN, "10.0.0.7", 7, NUD_REACHABLE);
	neighbour(0, LAN, "2001:db8::8", 8, NUD_STALE);
	assert_way("10.0.0.7", "host 7@0");
	assert_way("2001:db8::8", "host 8@1");
	neighbour(0, WAN, "10.0.0.7", 9, NUD_REACHABLE);
	assert_way("10.0.0.7", "host 9@0");
	neighbour(0, WAN, "10.0.0.7", 0, NUD_FAILED);
	assert_way("10.0.0.7", "glean 0");
	neighbour(0, WAN, "10.0.0.7", 9, NUD_REACHABLE);
	neighbour(0, WAN, "10.0.0.7", 9, 0);
	assert_way("10.0.0.7", "glean 0");
	/* An on-link host route says as much as a prefix. */
	via(0, "203.0.113.5", LAN, NULL);
	assert_way("203.0.113.5", "glean 1");
	neighbour(0, LAN, "203.0.113.5", 5, NUD_PERMANENT);
	assert_way("203.0.113.5", "host 5@1");
}

static void a_neighbour_counts_where_its_route_leads(void **state)
{
	const struct hop hop = {WAN, NULL, 1}, far = {LAN, "10.0.1.254", 1};
	const struct sl_rtmsg_route link = route("10.0.0.0/24", RTN_UNICAST, &hop, 1);
	const struct sl_rtmsg_route half = route("10.0.0.0/25", RTN_UNICAST, &far, 1);

	neighbour(0, WAN, "10.0.0.7", 7, NUD_REACHABLE);
	neighbour(0, LAN, "10.0.0.7", 8, NUD_REACHABLE);
	assert_way("10.0.0.7", "none");
	put(0, &link);
	assert_way("10.0.0.7", "host 7@0");
	/* A longer prefix that leads elsewhere takes it along, and gives it back. */
	put(0, &half);
	assert_way("10.0.0.7", "gw 10.0.1.254@1");
	take_out(0, &half);
	assert_way("10.0.0.7", "host 7@0");
	take_out(0, &link);
	assert_way("10.0.0.7", "none");
	/* An address of the box is never a neighbour. */
	put(0, &link);
	typed(0, "10.0.0.7", RTN_LOCAL, RT_TABLE_LOCAL);
	assert_way("10.0.0.7", "linux");
}

static void a_local_prefix_hides_longer_ones(void **state)
{
	struct sl_rtmsg_route local = route("10.0.0.0/16", RTN_LOCAL, NULL, 0);

	local.table = RT_TABLE_LOCAL;
	via(0, "10.0.0.0/24", WAN, NULL);
	put(0, &local);
	sl_feed_all(&world.feed);
	assert_way("10.0.0.7", "linux");
	assert_way("10.0.7.7", "linux");
	/* A neighbour that comes and goes below it leaves nothing behind. */
	neighbour(0, WAN, "10.0.0.7", 7, NUD_REACHABLE);
	neighbour(0, WAN, "10.0.0.7", 7, 0);
	take_out(0, &local);
	sl_feed_all(&world.feed);
	assert_way("10.0.0.7", "glean 0");
	assert_way("10.0.7.7", "none");
}

static void link_local_addresses_are_never_routed(void **state)
{
	via(0, "::/0", LAN, "fe80::1");
	via(0, "fe80::/64", LAN, NULL);
	neighbour(0, LAN, "fe80::1", 1, NUD_REACHABLE);
	typed(0, "ff00::/8", RTN_MULTICAST, RT_TABLE_LOCAL);
	assert_way("fe80::1", "linux");
	assert_way("fe80::2", "linux");
	assert_way("ff02::1", "linux");
	assert_way("2600::1", "gw fe80::1@1");
}

static void namespaces_lie_side_by_side(void **state)
{
	via(0, "0.0.0.0/0", MGMT, "192.0.2.1");
	assert_way("8.8.8.8", "linux");
	via(1, "0.0.0.0/0", FAR, "10.3.0.254");
	assert_way("8.8.8.8", "gw 10.3.0.254@2");
	via(0, "0.0.0.0/0", WAN, "10.0.0.254"); /* the other one is replaced */
	assert_way("8.8.8.8", "gw 10.0.0.254@0");
	via(1, "10.3.0.0/24", FAR, NULL);
	neighbour(1, FAR, "10.3.0.3", 3, NUD_REACHABLE);
	assert_way("10.3.0.3", "host 3@2");
	typed(0, "10.3.0.3", RTN_LOCAL, RT_TABLE_LOCAL);
	assert_way("10.3.0.3", "linux");
}

static struct sl_direct *direct_of(const char *prefix, const char *host, uint8_t mac)
{
	struct sl_prefix prefixes[1];
	struct sl_conf_neighbour neighbours[1] = {{.mac = {2, 0, 0, 0, 0, mac}}};
	struct sl_conf_port ports[1] = {{.addresses = prefixes,
		.n_addresses = 1,
		.neighbours = neighbours,
		.n_neighbours = 1}};
	struct sl_conf_vip vips[1] = {{.port = 0}};
	const struct sl_conf conf = {.ports = ports, .n_ports = 1, .vips = vips, .n_vips = 1};

	sl_prefix_parse(prefix, &prefixes[0]);
	sl_addr_parse(host, &neighbours[0].address);
	sl_addr_parse("198.51.100.1", &vips[0].address);
	return sl_direct_new(&conf);
}

static void ports_without_a_twin_have_the_configuration(void **state)
{
	struct sl_direct *before = direct_of("10.5.0.1/16", "10.5.0.7", 7);

	world.direct = before;
	sl_feed_direct(&world.feed, world.direct);
	assert_way("10.5.0.1", "linux");
	assert_way("198.51.100.1", "linux");
	assert_way("10.5.0.7", "host 7@0");
	assert_way("10.5.0.8", "glean 0");
	world.direct = direct_of("10.6.0.1/16", "10.6.0.7", 9);
	sl_feed_direct(&world.feed, world.direct);
	sl_direct_free(before);
	assert_way("10.5.0.1", "none");
	assert_way("10.5.0.7", "none");
	assert_way("10.6.0.7", "host 9@0");
}

static void what_had_no_room_gets_in_later(void **state)
{
	char text[32];

	for (unsigned i = 0; i < 70; i++) {
		snprintf(text, sizeof(text), "10.%u.0.0/16", i);
		via(0, text, MGMT, "192.0.2.1");
	}
	assert_int_equal(world.feed.refused, 6);
	assert_way("10.69.0.1", "none");
	sl_feed_all(&world.feed);
	assert_way("10.69.0.1", "none");
	assert_int_equal(world.feed.refused, 6);
	for (unsigned i = 0; i < 10; i++) {
		struct sl_rtmsg_route gone;

		snprintf(text, sizeof(text), "10.%u.0.0/16", i);
		gone = route(text, RTN_UNICAST, NULL, 0);
		take_out(0, &gone);
	}
	sl_feed_all(&world.feed);
	assert_way("10.69.0.1", "linux");
	assert_int_equal(world.feed.refused, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_kind_of_route),
		TEST(a_route_that_goes_uncovers_the_next),
		TEST(routes_follow_the_link),
		TEST(next_hops_share_by_weight),
		TEST(what_only_linux_can_do_is_left_to_it),
		TEST(neighbours_are_host_routes),
		TEST(a_neighbour_counts_where_its_route_leads),
		TEST(a_local_prefix_hides_longer_ones),
		TEST(link_local_addresses_are_never_routed),
		TEST(namespaces_lie_side_by_side),
		TEST(ports_without_a_twin_have_the_configuration),
		TEST(what_had_no_room_gets_in_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
