/* SPDX-License-Identifier: BSD-3-Clause */
/* What it means for packets: tests/vector/vectors/narrow.vec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_common.h>

#include "lb/path_mtu.h"

#define ADJ   1
#define START (50 * SL_NS_PER_S)

static uint64_t words[2];
static struct sl_engine engine = {.path_mtu = words};
static struct sl_worker *worker;

/* What an error about a packet that was too big says. */
static void hear(uint8_t family, uint32_t mtu)
{
	const uint8_t icmp[8] = {family == 4 ? 3 : 2, family == 4 ? 4 : 0, 0, 0,
		(uint8_t)(mtu >> 24), (uint8_t)(mtu >> 16), (uint8_t)(mtu >> 8), (uint8_t)mtu};

	sl_path_mtu_hear(worker, ADJ, family, icmp, sizeof(icmp));
}

static int open_worker(void **state)
{
	memset(words, 0, sizeof(words));
	worker = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*worker), 64));
	if (worker == NULL)
		return -1;
	memset(worker, 0, sizeof(*worker));
	worker->engine = &engine;
	worker->now_ns = START;
	return 0;
}

static int close_worker(void **state)
{
	free(worker);
	return 0;
}

static void a_limit_holds_for_ten_minutes(void **state)
{
	assert_int_equal(sl_path_mtu(worker, ADJ), 0);
	hear(4, 1400);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1400);
	assert_int_equal(sl_path_mtu(worker, 0), 0);
	worker->now_ns += (SL_PATH_MTU_S - 1) * SL_NS_PER_S;
	assert_int_equal(sl_path_mtu(worker, ADJ), 1400);
	worker->now_ns += SL_NS_PER_S;
	assert_int_equal(sl_path_mtu(worker, ADJ), 0);
}

static void the_narrowest_counts(void **state)
{
	hear(4, 1300);
	worker->now_ns += SL_NS_PER_S;
	hear(4, 1400);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1300);
	hear(4, 1200);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1200);
	worker->now_ns += SL_PATH_MTU_S * SL_NS_PER_S;
	hear(4, 1400);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1400);
}

static void no_path_gets_narrower_than_that(void **state)
{
	static const uint32_t absurd[] = {0, 65536, 0xffffffff}, low[] = {1, 67, 68, 1279};

	for (size_t i = 0; i < RTE_DIM(low); i++)
		hear(6, low[i]);
	for (size_t i = 0; i < RTE_DIM(absurd); i++)
		hear(6, absurd[i]);
	hear(4, 0);
	assert_int_equal(sl_path_mtu(worker, ADJ), 0);
	hear(6, 1280);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1280);
	for (size_t i = 0; i < 3; i++) {
		words[ADJ] = 0;
		hear(4, low[i]);
		assert_int_equal(sl_path_mtu(worker, ADJ), SL_PATH_MTU_MIN4);
	}
	words[ADJ] = 0;
	hear(4, SL_PATH_MTU_MIN4 + 1);
	assert_int_equal(sl_path_mtu(worker, ADJ), SL_PATH_MTU_MIN4 + 1);
}

static void other_errors_say_nothing(void **state)
{
	static const uint8_t port[8] = {3, 3, [6] = 5, 0}, needed[8] = {3, 4, [6] = 5, 0};

	sl_path_mtu_hear(worker, ADJ, 4, port, sizeof(port));
	sl_path_mtu_hear(worker, ADJ, 6, needed, sizeof(needed));
	sl_path_mtu_hear(worker, ADJ, 4, needed, 7);
	assert_int_equal(sl_path_mtu(worker, ADJ), 0);
	sl_path_mtu_hear(worker, ADJ, 4, needed, 8);
	assert_int_equal(sl_path_mtu(worker, ADJ), 1280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_limit_holds_for_ten_minutes, open_worker, close_worker),
		cmocka_unit_test_setup_teardown(the_narrowest_counts, open_worker, close_worker),
		cmocka_unit_test_setup_teardown(
			no_path_gets_narrower_than_that, open_worker, close_worker),
		cmocka_unit_test_setup_teardown(
			other_errors_say_nothing, open_worker, close_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
