/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "base/rand.h"
#include "route.h"

static struct sl_routes routes;
static int down; /* the interface that is, 0 = none */

static int setup(void **state)
{
	down = 0;
	return sl_routes_init(&routes, 42);
}

static int teardown(void **state)
{
	sl_routes_done(&routes);
	return 0;
}

static struct sl_rtmsg_route
make(const char *text, uint32_t table, uint8_t type, uint32_t metric, int ifindex)
{
	struct sl_rtmsg_route route = {
		.table = table, .type = type, .metric = metric, .n_hops = ifindex != 0};

	assert_int_equal(sl_prefix_parse(text, &route.prefix), 0);
	route.hops[0].ifindex = ifindex;
	return route;
}

static int put(const char *text, uint32_t metric, int ifindex)
{
	struct sl_rtmsg_route route = make(text, RT_TABLE_MAIN, RTN_UNICAST, metric, ifindex);

	return sl_route_put(&routes, &route, false);
}

static bool usable(void *arg, int ifindex)
{
	return ifindex != down;
}

/* The interface that the address goes out of; 0 = local, -1 = no route, -2 = none that can be used.
 */
static int look_up(const char *text)
{
	const struct sl_rtmsg_hop *hop;
	const struct sl_route *route;
	struct sl_addr addr;

	assert_int_equal(sl_addr_parse(text, &addr), 0);
	route = sl_route_find(&routes, &addr, usable, NULL, &hop);
	if (route == NULL)
		return -1;
	if (hop != NULL)
		return hop->ifindex;
	return route->type == RTN_LOCAL ? 0 : -2;
}

static void the_longest_prefix_wins(void **state)
{
	put("0.0.0.0/0", 0, 1);
	put("10.0.0.0/8", 0, 2);
	put("10.1.0.0/16", 0, 3);
	put("10.1.2.3/32", 0, 4);
	put("::/0", 0, 5);
	put("2001:db8::/32", 0, 6);
	put("2001:db8::7/128", 0, 7);
	assert_int_equal(look_up("192.0.2.1"), 1);
	assert_int_equal(look_up("10.2.0.1"), 2);
	assert_int_equal(look_up("10.1.255.255"), 3);
	assert_int_equal(look_up("10.1.2.3"), 4);
	assert_int_equal(look_up("2001:db9::1"), 5);
	assert_int_equal(look_up("2001:db8::1"), 6);
	assert_int_equal(look_up("2001:db8::7"), 7);
}

static void the_lowest_metric_that_is_up_wins(void **state)
{
	put("0.0.0.0/0", 0, 9);
	put("10.0.0.0/8", 200, 2);
	put("10.0.0.0/8", 100, 1);
	put("10.0.0.0/8", 300, 3);
	assert_int_equal(look_up("10.0.0.1"), 1);
	down = 1;
	assert_int_equal(look_up("10.0.0.1"), 2);
	/* When none of a prefix is up, the shorter one serves. */
	put("10.5.0.0/16", 0, 1);
	assert_int_equal(look_up("10.5.0.1"), 2);
}

static void local_comes_first(void **state)
{
	struct sl_rtmsg_route local = make("10.1.0.0/16", RT_TABLE_LOCAL, RTN_LOCAL, 0, 1);
	struct sl_rtmsg_route broadcast =
		make("10.1.255.255/32", RT_TABLE_LOCAL, RTN_BROADCAST, 0, 1);
	struct sl_addr addr;

	put("10.1.2.3/32", 0, 4);
	sl_route_put(&routes, &local, false);
	sl_route_put(&routes, &broadcast, false);
	assert_int_equal(look_up("10.1.2.3"), 0);
	sl_addr_parse("10.1.2.3", &addr);
	assert_true(sl_route_is_local(&routes, &addr));
	sl_addr_parse("10.1.255.255", &addr);
	assert_false(sl_route_is_local(&routes, &addr));
	sl_addr_parse("10.2.0.0", &addr);
	assert_false(sl_route_is_local(&routes, &addr));
}

static void other_tables_and_services_are_none_of_ours(void **state)
{
	struct sl_rtmsg_route other = make("10.0.0.0/8", 100, RTN_UNICAST, 0, 1);
	struct sl_rtmsg_route tos = make("10.0.0.0/8", RT_TABLE_MAIN, RTN_UNICAST, 0, 1);

	tos.tos = 0x10;
	assert_int_equal(sl_route_put(&routes, &other, false), 0);
	assert_int_equal(sl_route_put(&routes, &tos, false), 0);
	assert_int_equal(look_up("10.0.0.1"), -1);
	put("10.0.0.0/8", 0, 1);
	assert_false(sl_route_remove(&routes, &other));
	assert_int_equal(look_up("10.0.0.1"), 1);
}

static void unreachable_ends_the_search(void **state)
{
	struct sl_rtmsg_route hole = make("10.1.0.0/16", RT_TABLE_MAIN, RTN_BLACKHOLE, 0, 0);

	put("10.0.0.0/8", 0, 1);
	sl_route_put(&routes, &hole, false);
	assert_int_equal(look_up("10.1.0.1"), -2);
	assert_true(sl_route_remove(&routes, &hole));
	assert_int_equal(look_up("10.1.0.1"), 1);
	assert_false(sl_route_remove(&routes, &hole));
}

static void what_changes_nothing_says_so(void **state)
{
	struct sl_rtmsg_route behind = make("10.0.0.0/8", RT_TABLE_MAIN, RTN_UNICAST, 0, 2);

	assert_int_equal(put("10.0.0.0/8", 0, 1), 1);
	assert_int_equal(put("10.0.0.0/8", 0, 1), 0);
	assert_int_equal(put("10.0.0.0/8", 0, 3), 1);
	/* One that was appended stands behind, and may go without taking the first along. */
	behind.append = true;
	assert_int_equal(sl_route_put(&routes, &behind, false), 0);
	assert_false(sl_route_remove(&routes, &behind));
	assert_int_equal(look_up("10.0.0.1"), 3);
}

static struct sl_rtmsg_route make_v6(unsigned hops, int first)
{
	struct sl_rtmsg_route route =
		make("2001:db8::/32", RT_TABLE_MAIN, RTN_UNICAST, 1024, first);

	for (unsigned i = 0; i < hops; i++)
		route.hops[i].ifindex = first + (int)i;
	route.n_hops = (uint8_t)hops;
	return route;
}

static void next_hops_of_ipv6_come_and_go_one_by_one(void **state)
{
	struct sl_rtmsg_route one = make_v6(1, 1), both = make_v6(2, 1), second = make_v6(1, 2);
	struct sl_rtmsg_route third = make_v6(1, 3);

	assert_int_equal(sl_route_put(&routes, &one, false), 1);
	both.append = true;
	assert_int_equal(sl_route_put(&routes, &both, false), 1);
	down = 1;
	assert_int_equal(look_up("2001:db8::1"), 2);
	assert_false(sl_route_remove(&routes, &third));
	assert_true(sl_route_remove(&routes, &one));
	assert_int_equal(look_up("2001:db8::1"), 2);
	assert_false(sl_route_remove(&routes, &one));
	assert_true(sl_route_remove(&routes, &second));
	assert_int_equal(look_up("2001:db8::1"), -1);
	/* All at once, in another order. */
	sl_route_put(&routes, &both, false);
	both.hops[0].ifindex = 2;
	both.hops[1].ifindex = 1;
	down = 0;
	assert_int_not_equal(look_up("2001:db8::1"), -1);
	assert_true(sl_route_remove(&routes, &both));
	assert_int_equal(look_up("2001:db8::1"), -1);
}

static int route_of(const char *text)
{
	const struct sl_route *route;
	struct sl_prefix prefix;

	assert_int_equal(sl_prefix_parse(text, &prefix), 0);
	route = sl_route_of(&routes, &prefix, usable, NULL);
	if (route == NULL)
		return -1;
	return route->n_hops > 0 ? route->hops[0].ifindex : 0;
}

static void the_route_of_a_prefix(void **state)
{
	struct sl_rtmsg_route local = make("10.1.0.0/16", RT_TABLE_LOCAL, RTN_LOCAL, 0, 0);

	put("10.0.0.0/8", 0, 1);
	put("10.0.0.0/16", 20, 2);
	put("10.0.0.0/16", 10, 3);
	put("10.1.2.0/24", 0, 4);
	assert_int_equal(route_of("10.0.0.0/8"), 1);
	assert_int_equal(route_of("10.0.0.0/9"), -1);
	assert_int_equal(route_of("10.0.0.0/16"), 3);
	down = 3;
	assert_int_equal(route_of("10.0.0.0/16"), 2);
	assert_int_equal(route_of("10.1.2.0/24"), 4);
	/* The local table comes first, however short its prefix. */
	sl_route_put(&routes, &local, false);
	assert_int_equal(route_of("10.1.2.0/24"), 0);
	assert_int_equal(route_of("10.1.0.0/16"), 0);
	assert_int_equal(route_of("10.1.3.0/24"), -1);
	assert_int_equal(route_of("10.0.0.0/8"), 1);
}

static void a_dump_confirms(void **state)
{
	struct sl_rtmsg_route first = make("10.1.0.0/16", RT_TABLE_MAIN, RTN_UNICAST, 0, 1);
	struct sl_rtmsg_route second = make("10.1.0.0/16", RT_TABLE_MAIN, RTN_UNICAST, 0, 2);
	struct sl_prefix prefix;
	bool local;

	put("10.0.0.0/8", 0, 9);
	sl_route_put(&routes, &second, false);
	sl_routes_begin(&routes);
	assert_int_equal(sl_route_put(&routes, &first, true), 1);
	assert_int_equal(sl_route_put(&routes, &second, true), 0);
	assert_true(sl_route_sweep(&routes, &prefix, &local));
	assert_int_equal(prefix.length, 8);
	assert_false(local);
	assert_false(sl_route_sweep(&routes, &prefix, &local));
	assert_int_equal(look_up("10.1.0.1"), 1);
	assert_int_equal(look_up("10.2.0.1"), -1);
}

static void hops_are_shared_out(void **state)
{
	struct sl_rtmsg_route ecmp = make("10.0.0.0/8", RT_TABLE_MAIN, RTN_UNICAST, 0, 1);
	unsigned seen[4] = {0};

	ecmp.n_hops = 3;
	ecmp.hops[1].ifindex = 2;
	ecmp.hops[2].ifindex = 3;
	sl_route_put(&routes, &ecmp, false);
	for (unsigned i = 0; i < 300; i++) {
		char text[16];
		int first;

		snprintf(text, sizeof(text), "10.0.%u.%u", i / 100, i % 100);
		first = look_up(text);
		assert_int_equal(look_up(text), first);
		seen[first]++;
	}
	for (unsigned i = 1; i <= 3; i++)
		assert_in_range(seen[i], 60, 140);
	down = 2;
	for (unsigned i = 0; i < 100; i++) {
		char text[16];

		snprintf(text, sizeof(text), "10.0.0.%u", i);
		assert_int_not_equal(look_up(text), 2);
	}
}

/* Against a plain scan, with prefixes that come and go. */
static void agrees_with_a_scan(void **state)
{
	enum { N = 400 };
	struct sl_rtmsg_route all[N];
	bool in[N] = {false};
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (unsigned i = 0; i < N; i++) {
		char text[24];

		snprintf(text, sizeof(text), "10.0.%u.%u/%u", (unsigned)sl_rand_below(&rand, 4),
			(unsigned)sl_rand_below(&rand, 256),
			20 + (unsigned)sl_rand_below(&rand, 13));
		all[i] = make(text, RT_TABLE_MAIN, RTN_UNICAST, i, i + 1);
		/* Host bits are zero, as the kernel has them. */
		for (unsigned bit = all[i].prefix.length; bit < 32; bit++)
			all[i].prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
	for (unsigned step = 0; step < 4000; step++) {
		unsigned i = sl_rand_below(&rand, N);
		struct sl_addr addr = {.family = 4, .bytes = {10, 0, step % 4, step % 251}};
		const struct sl_rtmsg_hop *hop;
		int best = -1;

		if (in[i])
			assert_true(sl_route_remove(&routes, &all[i]));
		else
			assert_int_equal(sl_route_put(&routes, &all[i], false), 1);
		in[i] = !in[i];
		for (unsigned j = 0; j < N; j++) {
			if (in[j] && sl_prefix_contains(&all[j].prefix, &addr) &&
				(best < 0 || all[j].prefix.length > all[best].prefix.length))
				best = j;
		}
		sl_route_find(&routes, &addr, usable, NULL, &hop);
		assert_int_equal(hop != NULL ? hop->ifindex : 0, best + 1);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_longest_prefix_wins),
		TEST(the_lowest_metric_that_is_up_wins),
		TEST(local_comes_first),
		TEST(other_tables_and_services_are_none_of_ours),
		TEST(unreachable_ends_the_search),
		TEST(what_changes_nothing_says_so),
		TEST(next_hops_of_ipv6_come_and_go_one_by_one),
		TEST(the_route_of_a_prefix),
		TEST(a_dump_confirms),
		TEST(hops_are_shared_out),
		TEST(agrees_with_a_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
