/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vip.h"

static struct {
	struct sl_vips vips;
	bool local[256]; /* by last byte */
	int state[16];   /* what was published by index; -1 = nothing */
	unsigned published;
} world;

static bool is_local(void *arg, const struct sl_addr *address)
{
	return world.local[address->bytes[3]];
}

static void publish(void *arg, const struct sl_vip *vip)
{
	world.state[vip->index] = vip->local;
	world.published++;
}

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	memset(world.state, 0xff, sizeof(world.state));
	assert_int_equal(sl_vips_init(&world.vips, 1), 0);
	world.vips.is_local = is_local;
	world.vips.publish = publish;
	return 0;
}

static int teardown(void **state)
{
	sl_vips_done(&world.vips);
	return 0;
}

static struct sl_addr addr(uint8_t last)
{
	return (struct sl_addr){.family = 4, .bytes = {10, 0, 0, last}};
}

static void add(uint8_t last, uint32_t index)
{
	struct sl_addr address = addr(last);

	assert_int_equal(sl_vip_add(&world.vips, &address, index), 0);
}

static void expire(uint8_t last)
{
	struct sl_addr address = addr(last);

	sl_vip_expire(&world.vips, &address);
	while (sl_vip_walk(&world.vips, 1))
		;
}

static void a_vip_follows_its_address(void **state)
{
	world.local[2] = true;
	add(1, 1);
	add(2, 2);
	/* Not local until it was asked for: the number may have been another's. */
	assert_int_equal(world.state[2], 0);
	assert_false(sl_vip_walk(&world.vips, 100));
	assert_int_equal(world.state[1], 0);
	assert_int_equal(world.state[2], 1);
	world.local[1] = true;
	world.local[2] = false;
	expire(1);
	assert_int_equal(world.state[1], 1);
	assert_int_equal(world.state[2], 1);
	sl_vip_expire_all(&world.vips);
	assert_false(sl_vip_walk(&world.vips, 100));
	assert_int_equal(world.state[2], 0);
}

static void what_stays_is_not_published_again(void **state)
{
	world.local[1] = true;
	add(1, 1);
	sl_vip_walk(&world.vips, 100);
	assert_int_equal(world.published, 2);
	expire(1);
	sl_vip_expire_all(&world.vips);
	sl_vip_walk(&world.vips, 100);
	assert_int_equal(world.published, 2);
}

static void a_walk_is_bounded(void **state)
{
	for (uint32_t i = 1; i <= 10; i++)
		add(i, i);
	assert_true(sl_vip_walk(&world.vips, 9));
	assert_false(sl_vip_walk(&world.vips, 9));
}

static void the_right_number_is_removed(void **state)
{
	struct sl_addr address = addr(1);

	world.local[1] = true;
	add(1, 1);
	add(1, 2);
	sl_vip_remove(&world.vips, &address, 1);
	sl_vip_walk(&world.vips, 100);
	assert_int_equal(world.state[1], 0);
	assert_int_equal(world.state[2], 1);
	sl_vip_remove(&world.vips, &address, 2);
	assert_null(sl_vip_find(&world.vips, &address));
	sl_vip_remove(&world.vips, &address, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_vip_follows_its_address),
		TEST(what_stays_is_not_published_again),
		TEST(a_walk_is_bounded),
		TEST(the_right_number_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
