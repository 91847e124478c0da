/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "lb/front.h"

static void found_by_all_of_the_key(void **state)
{
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, 16, 1);
	rte_be32_t vip = RTE_BE32(0xc0a80864), other = RTE_BE32(0xc0a80865);
	rte_be16_t http = RTE_BE16(80);

	assert_int_equal(sl_front_table_add(table, IPPROTO_TCP, vip, http, 1), 0);
	assert_int_equal(sl_front_table_add(table, IPPROTO_UDP, vip, http, 2), 0);
	assert_int_equal(sl_front_table_add(table, IPPROTO_TCP, other, http, 3), 0);
	assert_int_equal(sl_front_table_add(table, IPPROTO_TCP, vip, 0, 4), 0);
	assert_int_equal(sl_front_table_find(table, IPPROTO_TCP, vip, http), 1);
	assert_int_equal(sl_front_table_find(table, IPPROTO_UDP, vip, http), 2);
	assert_int_equal(sl_front_table_find(table, IPPROTO_TCP, other, http), 3);
	assert_int_equal(sl_front_table_find(table, IPPROTO_TCP, vip, 0), 4);
	assert_int_equal(sl_front_table_find(table, IPPROTO_TCP, vip, RTE_BE16(81)), SL_ID_NONE);
	assert_int_equal(sl_front_table_find(table, IPPROTO_UDP, other, http), SL_ID_NONE);
	assert_int_equal(sl_front_table_count(table), 4);
	assert_true(sl_front_table_has_vip(table, vip));
	assert_true(sl_front_table_has_vip(table, other));
	assert_false(sl_front_table_has_vip(table, RTE_BE32(0xc0a80866)));
	assert_int_equal(sl_front_table_find(table, 0, vip, http), SL_ID_NONE);
	sl_front_table_free(&sl_alloc_heap, table);
}

static void takes_what_it_was_made_for_and_no_more(void **state)
{
	static const uint32_t capacities[] = {1, 8, 9, 1000, 4096};

	for (unsigned c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		struct sl_front_table *table =
			sl_front_table_new(&sl_alloc_heap, capacities[c], c * 77);
		uint32_t n = 0;

		while (sl_front_table_add(table, IPPROTO_TCP, rte_cpu_to_be_32(n), 0, n + 1) == 0)
			n++;
		assert_in_range(n, capacities[c], 2 * capacities[c] + 8);
		assert_int_equal(n, sl_front_table_room(table));
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(
				sl_front_table_find(table, IPPROTO_TCP, rte_cpu_to_be_32(i), 0),
				i + 1);
		assert_int_equal(sl_front_table_find(table, IPPROTO_TCP, rte_cpu_to_be_32(n), 0),
			SL_ID_NONE);
		sl_front_table_free(&sl_alloc_heap, table);
	}
}

#define FRONTS 20000u

/* A worker: what it has found once it finds always, and never with another's id. */
static void *reader(void *arg)
{
	const struct sl_front_table *table = arg;
	uint32_t known = 0;
	uintptr_t wrong = 0;

	for (uint32_t spins = 0; known < FRONTS && spins < 2000000000u; spins++) {
		sl_id id = sl_front_table_find(table, IPPROTO_TCP, known, RTE_BE16(80));

		if (id == known + 1)
			known++;
		else if (id != SL_ID_NONE)
			wrong++;
		if (known > 0 &&
			sl_front_table_find(table, IPPROTO_TCP, spins % known, RTE_BE16(80)) !=
				spins % known + 1)
			wrong++;
	}
	return (void *)(wrong + (known == FRONTS ? 0 : 1));
}

static void read_while_it_is_added_to(void **state)
{
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, FRONTS, 99);
	pthread_t thread;
	void *wrong;

	assert_int_equal(pthread_create(&thread, NULL, reader, table), 0);
	for (uint32_t i = 0; i < FRONTS; i++)
		sl_front_table_add(table, IPPROTO_TCP, i, RTE_BE16(80), i + 1);
	pthread_join(thread, &wrong);
	assert_null(wrong);
	sl_front_table_free(&sl_alloc_heap, table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_all_of_the_key),
		cmocka_unit_test(takes_what_it_was_made_for_and_no_more),
		cmocka_unit_test(read_while_it_is_added_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
