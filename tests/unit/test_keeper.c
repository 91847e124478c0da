/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/neighbour.h>

#include "keeper.h"
#include "kernel.h"

/* What was asked of the kernel, as text: "M1 D2": manage .1, delete .2. */
static struct {
	struct sl_keeper keeper;
	struct sl_next_hop hops[8];
	struct sl_rtmsg_neighbour known[8]; /* state 0xffff = not there */
	bool ready;
	int result;
	char log[256];
} world;

static const struct sl_rtmsg_neighbour *
find(void *arg, uint8_t space, int ifindex, const struct sl_addr *address)
{
	const struct sl_rtmsg_neighbour *neighbour = &world.known[address->bytes[3]];

	return neighbour->state != 0xffff ? neighbour : NULL;
}

static bool ready(void *arg, const struct sl_next_hop *hop)
{
	return world.ready;
}

static int request(void *arg, uint8_t space, enum sl_rtmsg_neighbour_op op, int ifindex,
	const struct sl_addr *address)
{
	static const char letters[] = {[SL_RTMSG_NEIGHBOUR_STATIC] = 'S',
		[SL_RTMSG_NEIGHBOUR_MANAGED] = 'M',
		[SL_RTMSG_NEIGHBOUR_USE] = 'U',
		[SL_RTMSG_NEIGHBOUR_DELETE] = 'D'};
	size_t at = strlen(world.log);

	snprintf(world.log + at, sizeof(world.log) - at, "%s%c%u", at > 0 ? " " : "", letters[op],
		address->bytes[3]);
	return world.result;
}

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	world.ready = true;
	sl_keeper_init(&world.keeper);
	world.keeper.managed = true;
	world.keeper.find = find;
	world.keeper.ready = ready;
	world.keeper.request = request;
	for (unsigned i = 0; i < 8; i++) {
		world.hops[i].way.ifindex = 5;
		world.hops[i].way.next = (struct sl_addr){.family = 4, .bytes = {10, 0, 0, i}};
		world.known[i].state = 0xffff;
	}
	return 0;
}

static int teardown(void **state)
{
	sl_keeper_done(&world.keeper);
	return 0;
}

/* The log since the last time. */
static const char *work(void)
{
	static char text[256];

	while (sl_keeper_work(&world.keeper, 2))
		;
	memcpy(text, world.log, sizeof(text));
	world.log[0] = '\0';
	return text;
}

static const char *tick(void)
{
	sl_keeper_tick(&world.keeper);
	return work();
}

static void what_is_needed_is_managed(void **state)
{
	sl_keeper_needed(&world.keeper, &world.hops[1]);
	sl_keeper_needed(&world.keeper, &world.hops[2]);
	assert_string_equal(work(), "M1 M2");
	assert_string_equal(tick(), "");
	/* A port without a twin has nothing to ask. */
	world.hops[3].way.ifindex = 0;
	sl_keeper_needed(&world.keeper, &world.hops[3]);
	assert_string_equal(tick(), "");
}

static void failures_are_tried_again_later(void **state)
{
	world.result = -ENOBUFS;
	sl_keeper_needed(&world.keeper, &world.hops[1]);
	assert_string_equal(work(), "M1");
	assert_string_equal(work(), "");
	assert_string_equal(tick(), "M1");
	world.result = 0;
	assert_string_equal(tick(), "M1");
	assert_string_equal(tick(), "");
}

static void an_interface_that_is_down_is_waited_for(void **state)
{
	world.ready = false;
	sl_keeper_needed(&world.keeper, &world.hops[1]);
	assert_string_equal(work(), "");
	assert_string_equal(tick(), "");
	world.ready = true;
	assert_string_equal(tick(), "M1");
}

static void permanent_neighbours_are_left_alone(void **state)
{
	world.known[1].state = NUD_PERMANENT;
	sl_keeper_needed(&world.keeper, &world.hops[1]);
	assert_string_equal(tick(), "");
	/* Until they are no longer. */
	world.known[1].state = 0xffff;
	sl_keeper_changed(&world.keeper, &world.hops[1], &world.known[1], true);
	assert_string_equal(tick(), "M1");
}

static void what_others_take_away_is_put_back(void **state)
{
	struct sl_rtmsg_neighbour entry = {.state = NUD_REACHABLE, .managed = true};

	sl_keeper_needed(&world.keeper, &world.hops[1]);
	work();
	sl_keeper_changed(&world.keeper, &world.hops[1], &entry, false);
	assert_string_equal(tick(), "");
	sl_keeper_changed(&world.keeper, &world.hops[1], &entry, true);
	/* Not at once: who fights us is fought once a second. */
	assert_string_equal(work(), "");
	assert_string_equal(tick(), "M1");
	entry.managed = false;
	sl_keeper_changed(&world.keeper, &world.hops[1], &entry, false);
	assert_string_equal(tick(), "M1");
}

static void only_our_entries_are_removed(void **state)
{
	for (unsigned i = 1; i <= 3; i++)
		sl_keeper_needed(&world.keeper, &world.hops[i]);
	assert_string_equal(work(), "M1 M2 M3");
	world.known[1] = (struct sl_rtmsg_neighbour){
		.state = NUD_REACHABLE, .managed = true, .protocol = SL_KERNEL_PROTOCOL};
	world.known[2] = (struct sl_rtmsg_neighbour){.state = NUD_REACHABLE};
	world.known[3] =
		(struct sl_rtmsg_neighbour){.state = NUD_PERMANENT, .protocol = SL_KERNEL_PROTOCOL};
	for (unsigned i = 1; i <= 3; i++)
		sl_keeper_released(&world.keeper, &world.hops[i]);
	assert_string_equal(work(), "D1");
	/* One that was never installed leaves nothing behind. */
	sl_keeper_needed(&world.keeper, &world.hops[4]);
	sl_keeper_released(&world.keeper, &world.hops[4]);
	assert_string_equal(tick(), "");
}

static void an_old_kernel_is_asked_again_and_again(void **state)
{
	struct sl_rtmsg_neighbour entry = {.state = NUD_STALE, .flags = NTF_EXT_LEARNED};

	world.keeper.managed = false;
	sl_keeper_needed(&world.keeper, &world.hops[1]);
	assert_string_equal(work(), "U1");
	sl_keeper_changed(&world.keeper, &world.hops[1], &entry, false);
	assert_string_equal(tick(), "");
	sl_keeper_use(&world.keeper, &world.hops[1]);
	assert_string_equal(work(), "U1");
	world.keeper.managed = true;
	sl_keeper_use(&world.keeper, &world.hops[1]);
	assert_string_equal(work(), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_needed_is_managed),
		TEST(failures_are_tried_again_later),
		TEST(an_interface_that_is_down_is_waited_for),
		TEST(permanent_neighbours_are_left_alone),
		TEST(what_others_take_away_is_put_back),
		TEST(only_our_entries_are_removed),
		TEST(an_old_kernel_is_asked_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
