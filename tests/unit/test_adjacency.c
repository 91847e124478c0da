/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjacency.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};

/* A world of one link: 10.0.0.0/24 on link, 10.1/16 behind 10.0.0.254, 127/8 local, else nothing.
 */
static struct {
	struct sl_adjacencies adjacencies;
	bool link_up;
	uint8_t port;
	const uint8_t *macs[256]; /* of 10.0.0.x; NULL = not resolved */
	sl_adj_word words[16];
	unsigned published, needed, released, hops_changed;
} world;

static struct sl_addr addr(const char *text)
{
	struct sl_addr result;

	assert_int_equal(sl_addr_parse(text, &result), 0);
	return result;
}

static void way(void *arg, const struct sl_addr *address, struct sl_adjacency_way *out)
{
	const uint8_t *b = address->bytes;

	*out = (struct sl_adjacency_way){.kind = SL_WAY_NONE};
	if (b[0] == 127)
		out->kind = SL_WAY_LOCAL;
	if (b[0] != 10 || b[1] > 1 || !world.link_up)
		return;
	out->kind = SL_WAY_HOP;
	out->on_link = b[1] == 0;
	out->port = world.port;
	out->ifindex = 5;
	out->next = b[1] == 0 ? *address : addr("10.0.0.254");
}

static bool neighbour(void *arg, const struct sl_adjacency_way *hop, uint8_t mac[6])
{
	const uint8_t *known = world.macs[hop->next.bytes[3]];

	if (known == NULL)
		return false;
	memcpy(mac, known, 6);
	return true;
}

static void needed(void *arg, struct sl_next_hop *hop)
{
	world.needed++;
}

static void released(void *arg, struct sl_next_hop *hop)
{
	world.released++;
}

static void hop_changed(void *arg, struct sl_next_hop *hop)
{
	world.hops_changed++;
}

static void publish(void *arg, const struct sl_adjacency *adjacency, sl_adj_word before)
{
	assert_true(before == world.words[adjacency->index]);
	world.words[adjacency->index] = adjacency->word;
	world.published++;
}

static int setup(void **state)
{
	static const struct sl_adjacency_ops ops = {
		way, neighbour, needed, released, hop_changed, publish, NULL};

	memset(&world, 0, sizeof(world));
	world.link_up = true;
	return sl_adjacencies_init(&world.adjacencies, 3, &ops);
}

static int teardown(void **state)
{
	sl_adjacencies_done(&world.adjacencies);
	return world.needed != world.released;
}

static void add(const char *text, uint32_t index)
{
	struct sl_addr address = addr(text);

	assert_int_equal(sl_adjacency_add(&world.adjacencies, &address, index), 0);
}

static void walk(void)
{
	while (sl_adjacency_walk(&world.adjacencies, 3))
		;
}

static void changed(const char *text)
{
	struct sl_addr address = addr(text);

	sl_next_hop_changed(&world.adjacencies, 0, 5, &address);
}

static const char *reach(unsigned index)
{
	return sl_adjacency_reachability(world.words[index], false);
}

static void routes_hold_a_next_hop_as_servers_do(void **state)
{
	const struct sl_adjacency_way gateway = {
		.kind = SL_WAY_HOP, .port = 2, .ifindex = 5, .next = addr("10.0.0.254")};
	struct sl_next_hop *hop = sl_next_hop_find(&world.adjacencies, &gateway);

	assert_non_null(hop);
	assert_int_equal(world.needed, 1);
	hop->number = 17;
	world.port = 2;
	add("10.1.5.5", 3);
	walk();
	assert_ptr_equal(sl_next_hop_find(&world.adjacencies, &gateway), hop);
	/* A route hears what becomes of it. */
	world.macs[254] = mac_a;
	changed("10.0.0.254");
	assert_true(hop->resolved);
	assert_int_equal(world.hops_changed, 1);
	changed("10.0.0.254");
	assert_int_equal(world.hops_changed, 1);
	world.port = 3;
	sl_adjacency_expire_all(&world.adjacencies);
	walk();
	assert_int_equal(world.hops_changed, 2);
	/* It stays while one of the two needs it. */
	world.link_up = false;
	sl_adjacency_expire_all(&world.adjacencies);
	walk();
	assert_int_equal(world.released, 0);
	hop->number = 0;
	sl_next_hop_let_go(&world.adjacencies, hop);
	assert_int_equal(world.released, 1);
}

static void each_way_has_its_word(void **state)
{
	world.macs[1] = mac_a;
	world.macs[254] = mac_b;
	world.port = 2;
	add("10.0.0.1", 1);
	add("10.0.0.2", 2);
	add("10.1.5.5", 3);
	add("127.0.0.1", 4);
	add("192.0.2.1", 5);
	assert_int_equal(world.published, 0);
	walk();
	assert_true(world.words[1] == sl_adj_make(mac_a, 2, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK));
	assert_true(world.words[3] == sl_adj_make(mac_b, 2, SL_ADJ_RESOLVED | SL_ADJ_GATEWAY));
	assert_string_equal(reach(1), "reachable");
	assert_string_equal(reach(2), "unresolved");
	assert_string_equal(reach(3), "reachable");
	assert_string_equal(sl_adjacency_reachability(world.words[3], true), "not on link");
	assert_string_equal(reach(4), "local");
	assert_string_equal(reach(5), "no route");
	assert_int_equal(world.needed, 3);
}

static void what_changes_nothing_publishes_nothing(void **state)
{
	unsigned before;

	world.macs[1] = mac_a;
	add("10.0.0.1", 1);
	walk();
	before = world.published;
	changed("10.0.0.1");
	sl_adjacency_expire_all(&world.adjacencies);
	walk();
	changed("10.0.0.99");
	assert_int_equal(world.published, before);
	world.macs[1] = mac_b;
	changed("10.0.0.1");
	assert_int_equal(world.published, before + 1);
	assert_memory_equal(&world.words[1], mac_b, 6);
	world.macs[1] = NULL;
	changed("10.0.0.1");
	assert_string_equal(reach(1), "unresolved");
	changed("10.0.0.1");
	assert_int_equal(world.published, before + 2);
}

static void a_gateway_serves_all_behind_it(void **state)
{
	add("10.1.0.1", 1);
	add("10.1.0.2", 2);
	add("10.0.0.254", 3);
	walk();
	assert_int_equal(world.needed, 1);
	world.macs[254] = mac_a;
	changed("10.0.0.254");
	assert_memory_equal(&world.words[1], mac_a, 6);
	assert_memory_equal(&world.words[2], mac_a, 6);
	assert_int_equal(sl_adj_flags(world.words[1]), SL_ADJ_RESOLVED | SL_ADJ_GATEWAY);
	assert_string_equal(reach(3), "reachable");
	for (uint32_t i = 1; i <= 3; i++) {
		static const char *const texts[] = {"", "10.1.0.1", "10.1.0.2", "10.0.0.254"};
		struct sl_addr address = addr(texts[i]);

		assert_int_equal(world.released, 0);
		sl_adjacency_remove(&world.adjacencies, &address, i);
		assert_true(world.words[i] == 0);
	}
	assert_int_equal(world.released, 1);
}

static void routes_come_and_go(void **state)
{
	struct sl_addr one = addr("10.0.0.1");

	world.macs[1] = mac_a;
	add("10.0.0.1", 1);
	add("10.0.0.2", 2);
	walk();
	world.link_up = false;
	sl_adjacency_expire(&world.adjacencies, &one);
	walk();
	assert_true(world.words[1] == 0);
	assert_string_equal(reach(2), "unresolved");
	sl_adjacency_expire_all(&world.adjacencies);
	walk();
	assert_true(world.words[2] == 0);
	assert_int_equal(world.released, 2);
	world.link_up = true;
	sl_adjacency_expire_all(&world.adjacencies);
	walk();
	assert_string_equal(reach(1), "reachable");
}

/* For a moment an address may have its old number and its new one. */
static void two_numbers_of_one_address(void **state)
{
	struct sl_addr address = addr("10.0.0.1");

	world.macs[1] = mac_a;
	add("10.0.0.1", 1);
	add("10.0.0.1", 2);
	walk();
	assert_true(world.words[1] == world.words[2]);
	sl_adjacency_remove(&world.adjacencies, &address, 1);
	assert_true(world.words[1] == 0);
	assert_string_equal(reach(2), "reachable");
	sl_adjacency_remove(&world.adjacencies, &address, 7);
	assert_non_null(sl_adjacency_find(&world.adjacencies, &address));
}

static void a_walk_is_bounded(void **state)
{
	for (uint32_t i = 1; i < 10; i++)
		add("192.0.2.1", i);
	assert_true(sl_adjacency_walk(&world.adjacencies, 4));
	assert_int_equal(world.published, 4);
	assert_true(sl_adjacency_walk(&world.adjacencies, 4));
	assert_false(sl_adjacency_walk(&world.adjacencies, 4));
	assert_int_equal(world.published, 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_way_has_its_word),
		TEST(routes_hold_a_next_hop_as_servers_do),
		TEST(what_changes_nothing_publishes_nothing),
		TEST(a_gateway_serves_all_behind_it),
		TEST(routes_come_and_go),
		TEST(two_numbers_of_one_address),
		TEST(a_walk_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
