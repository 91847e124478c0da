/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "direct.h"

static struct sl_direct *direct;

static struct sl_addr addr(const char *text)
{
	struct sl_addr result;

	assert_int_equal(sl_addr_parse(text, &result), 0);
	return result;
}

/* Port 0 has a twin, ports 1 and 2 have none; port 2's prefix lies inside port 1's. */
static int setup(void **state)
{
	static struct sl_prefix prefixes[3];
	static struct sl_conf_neighbour neighbours[2] = {
		{.mac = {2, 0, 0, 0, 0, 1}}, {.mac = {2, 0, 0, 0, 0, 2}}};
	static struct sl_conf_vip vips[2] = {{.port = 0}, {.port = 1}};
	struct sl_conf_port ports[3] = {
		{.twin = true,
			.addresses = &prefixes[0],
			.n_addresses = 1,
			.neighbours = &neighbours[0],
			.n_neighbours = 1},
		{.addresses = &prefixes[1],
			.n_addresses = 1,
			.neighbours = &neighbours[0],
			.n_neighbours = 1},
		{.addresses = &prefixes[2],
			.n_addresses = 1,
			.neighbours = &neighbours[1],
			.n_neighbours = 1},
	};
	static struct sl_conf_local locals[2] = {{.port = 0}, {.port = 2}};
	struct sl_conf conf = {.ports = ports,
		.n_ports = 3,
		.vips = vips,
		.n_vips = 2,
		.local_addresses = locals,
		.n_local_addresses = 2};

	sl_prefix_parse("192.168.8.11/24", &prefixes[0]);
	sl_prefix_parse("10.0.0.1/16", &prefixes[1]);
	sl_prefix_parse("10.0.5.1/24", &prefixes[2]);
	neighbours[0].address = addr("10.0.7.7");
	neighbours[1].address = addr("10.0.5.7");
	vips[0].address = addr("192.168.8.100");
	vips[1].address = addr("10.0.0.100");
	locals[0].address = addr("192.168.8.200");
	locals[1].address = addr("10.0.5.200");
	direct = sl_direct_new(&conf);
	return direct == NULL;
}

static int teardown(void **state)
{
	sl_direct_free(direct);
	return 0;
}

static void prefixes_decide(void **state)
{
	struct sl_adjacency_way way = {0};
	struct sl_addr address = addr("10.0.7.7");

	assert_true(sl_direct_way(direct, &address, &way));
	assert_int_equal(way.kind, SL_WAY_HOP);
	assert_int_equal(way.port, 1);
	assert_true(way.on_link);
	assert_int_equal(way.ifindex, 0);
	address = addr("10.0.5.7");
	assert_true(sl_direct_way(direct, &address, &way));
	assert_int_equal(way.port, 2);
	address = addr("10.0.5.1");
	assert_true(sl_direct_way(direct, &address, &way));
	assert_int_equal(way.kind, SL_WAY_LOCAL);
	/* The port with a twin is Linux's to know. */
	address = addr("192.168.8.12");
	assert_false(sl_direct_way(direct, &address, &way));
}

static void static_neighbours_are_of_their_port(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
	struct sl_addr address = addr("10.0.5.7");
	uint8_t found[6];

	assert_true(sl_direct_neighbour(direct, 2, &address, found));
	assert_memory_equal(found, mac, 6);
	assert_false(sl_direct_neighbour(direct, 1, &address, found));
	address = addr("10.0.7.7");
	assert_false(sl_direct_neighbour(direct, 0, &address, found));
	address = addr("10.0.7.8");
	assert_false(sl_direct_neighbour(direct, 1, &address, found));
}

static void vips_without_a_twin_are_local(void **state)
{
	struct sl_addr address = addr("10.0.0.100");
	uint32_t n;

	assert_true(sl_direct_is_local(direct, &address));
	address = addr("10.0.0.1");
	assert_true(sl_direct_is_local(direct, &address));
	address = addr("192.168.8.100");
	assert_false(sl_direct_is_local(direct, &address));
	address = addr("192.168.8.11");
	assert_false(sl_direct_is_local(direct, &address));
	sl_direct_own(direct, &n);
	assert_int_equal(n, 2);
}

static enum sl_route_kind route(const char *text, uint8_t *port)
{
	struct sl_prefix prefix;
	uint8_t mac[6];

	assert_int_equal(sl_prefix_parse(text, &prefix), 0);
	return sl_direct_route(direct, &prefix, port, mac);
}

static void prefixes_and_neighbours_are_routes(void **state)
{
	static const char *const all[] = {"10.0.0.1/16", "10.0.5.1/24", "10.0.0.1", "10.0.5.1",
		"10.0.7.7", "10.0.5.7", "10.0.0.100", "10.0.5.200"};
	struct sl_prefix prefix;
	uint8_t port = 0;

	assert_int_equal(route("10.0.0.0/16", &port), SL_ROUTE_GLEAN);
	assert_int_equal(port, 1);
	assert_int_equal(route("10.0.5.0/24", &port), SL_ROUTE_GLEAN);
	assert_int_equal(port, 2);
	assert_int_equal(route("10.0.5.7", &port), SL_ROUTE_HOP);
	assert_int_equal(port, 2);
	assert_int_equal(route("10.0.7.7", &port), SL_ROUTE_HOP);
	assert_int_equal(port, 1);
	assert_int_equal(route("10.0.0.1", &port), SL_ROUTE_LINUX);
	assert_int_equal(route("10.0.0.100", &port), SL_ROUTE_LINUX);
	assert_int_equal(route("10.0.5.200", &port), SL_ROUTE_LINUX);
	assert_int_equal(route("192.168.8.200", &port), SL_ROUTE_NONE);
	assert_int_equal(route("10.0.5.0/25", &port), SL_ROUTE_NONE);
	assert_int_equal(route("10.0.0.9", &port), SL_ROUTE_NONE);
	assert_int_equal(route("192.168.8.0/24", &port), SL_ROUTE_NONE);
	for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sl_prefix want;

		assert_true(sl_direct_prefix(direct, i, &prefix));
		sl_prefix_parse(all[i], &want);
		assert_true(sl_addr_equal(&want.addr, &prefix.addr));
		assert_int_equal(want.length, prefix.length);
	}
	assert_false(sl_direct_prefix(direct, 8, &prefix));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(prefixes_decide),
		TEST(static_neighbours_are_of_their_port),
		TEST(vips_without_a_twin_are_local),
		TEST(prefixes_and_neighbours_are_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
