/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lb/watch.h"

#define CAPACITY 3
#define NEVER    0          /* no generation has been released */
#define ALL      UINT64_MAX /* every one has */

static struct sl_addr address(uint32_t last)
{
	return sl_addr_v4(rte_cpu_to_be_32(0x0a000000 + last));
}

static uint32_t acquire(struct sl_watch_set *set, uint32_t last)
{
	struct sl_addr a = address(last);

	return sl_watch_acquire(set, &a);
}

static int setup(void **state)
{
	*state = sl_watch_set_new(&sl_alloc_heap, CAPACITY);
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	sl_watch_set_free(&sl_alloc_heap, *state);
	return 0;
}

static void one_index_per_address(void **state)
{
	struct sl_watch_set *set = *state;
	uint32_t a = acquire(set, 1), b = acquire(set, 2), c = acquire(set, 3);

	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	assert_int_not_equal(b, c);
	assert_int_equal(acquire(set, 1), a);
	assert_int_equal(acquire(set, 4), 0);
}

static void changes_come_in_order_and_once(void **state)
{
	struct sl_watch_set *set = *state;
	uint32_t a = acquire(set, 1), b = acquire(set, 2);
	struct sl_watch out[4];
	struct sl_addr second = address(2);

	acquire(set, 1);
	assert_int_equal(sl_watch_changes(set, out, 1), 1);
	assert_true(out[0].added);
	assert_int_equal(out[0].index, a);
	assert_int_equal(sl_watch_changes(set, out, 4), 1);
	assert_int_equal(out[0].index, b);
	assert_true(sl_addr_equal(&out[0].address, &second));
	sl_watch_release(set, a, 1);
	assert_int_equal(sl_watch_changes(set, out, 4), 0);
	sl_watch_release(set, a, 1);
	assert_int_equal(sl_watch_changes(set, out, 4), 1);
	assert_false(out[0].added);
	assert_int_equal(out[0].index, a);
}

static void what_nobody_was_told_is_not_taken_back(void **state)
{
	struct sl_watch_set *set = *state;
	struct sl_watch out[4];
	uint32_t a = acquire(set, 1);

	sl_watch_release(set, a, 1);
	assert_int_equal(sl_watch_changes(set, out, 4), 0);
	assert_int_equal(acquire(set, 1), a);
	assert_int_equal(sl_watch_changes(set, out, 4), 1);
	sl_watch_release(set, a, 2);
	assert_int_equal(acquire(set, 1), a); /* there again before it was told */
	assert_int_equal(sl_watch_changes(set, out, 4), 0);
}

static void rests_twice_and_until_its_generations_are_gone(void **state)
{
	struct sl_watch_set *set = *state;
	struct sl_watch out[4];
	uint32_t a = acquire(set, 1);

	acquire(set, 2);
	acquire(set, 3);
	sl_watch_changes(set, out, 4);
	sl_watch_release(set, a, 10);
	for (unsigned i = 0; i < 5; i++)
		sl_watch_age(set, ALL); /* not told yet: does not rest */
	assert_int_equal(acquire(set, 4), 0);
	assert_int_equal(sl_watch_changes(set, out, 4), 1);
	sl_watch_age(set, ALL);
	assert_int_equal(acquire(set, 4), 0);
	sl_watch_age(set, ALL);
	assert_int_equal(acquire(set, 4), 0);
	sl_watch_age(set, 9); /* a worker may still hold generation 9 */
	assert_int_equal(acquire(set, 4), 0);
	sl_watch_age(set, 10);
	assert_int_equal(acquire(set, 4), a);
}

static void an_address_that_comes_back_keeps_its_index(void **state)
{
	struct sl_watch_set *set = *state;
	struct sl_watch out[4];
	uint32_t a = acquire(set, 1);

	sl_watch_changes(set, out, 4);
	sl_watch_release(set, a, 1);
	sl_watch_changes(set, out, 4);
	sl_watch_age(set, ALL);
	assert_int_equal(acquire(set, 1), a);
	for (unsigned i = 0; i < 5; i++)
		sl_watch_age(set, ALL);
	assert_int_equal(acquire(set, 1), a);
	assert_int_equal(sl_watch_changes(set, out, 4), 1);
	assert_true(out[0].added);
}

static void nobody_needs_to_listen(void **state)
{
	struct sl_watch_set *set = *state;

	for (uint32_t i = 1; i < 100; i++) {
		uint32_t index = acquire(set, i);

		assert_int_not_equal(index, 0);
		sl_watch_release(set, index, 1);
		for (unsigned k = 0; k < 3; k++)
			sl_watch_age(set, ALL);
	}
}

static void an_abandoned_one_was_never_there(void **state)
{
	struct sl_watch_set *set = *state;
	struct sl_watch out[4];
	uint32_t a = acquire(set, 1), b;

	sl_watch_changes(set, out, 4);
	for (unsigned round = 0; round < 10; round++) {
		b = acquire(set, 2);
		assert_int_not_equal(b, 0);
		assert_int_equal(acquire(set, 1), a);
		assert_int_not_equal(acquire(set, 3), 0);
		sl_watch_abandon(set, 3);
		sl_watch_abandon(set, a);
		sl_watch_abandon(set, b);
		assert_int_equal(sl_watch_changes(set, out, 4), 0);
	}
	sl_watch_release(set, a, 1);
	sl_watch_age(set, NEVER);
	acquire(set, 1);
	sl_watch_abandon(set, a);
	assert_int_equal(sl_watch_changes(set, out, 4), 1); /* its removal stays due */
	assert_false(out[0].added);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_index_per_address),
		T(changes_come_in_order_and_once),
		T(what_nobody_was_told_is_not_taken_back),
		T(rests_twice_and_until_its_generations_are_gone),
		T(an_address_that_comes_back_keeps_its_index),
		T(nobody_needs_to_listen),
		T(an_abandoned_one_was_never_there),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
