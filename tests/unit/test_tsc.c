/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tsc.h"

#define HZ 2500000000ull

static void follows_the_clock_between_anchors(void **state)
{
	struct sl_tsc t;
	const uint64_t boot = 7000 * SL_NS_PER_S, tsc = 123456789012345ull;

	(void)state;
	sl_tsc_init(&t, HZ);
	sl_tsc_anchor(&t, tsc, boot);
	assert_int_equal(sl_tsc_ns(&t, tsc, 0), boot);
	/* A hundred days on: the scale is good to a part in 2^31. */
	uint64_t later = sl_tsc_ns(&t, tsc + 8640000 * HZ, 0);
	assert_in_range(later, boot + 8640000 * SL_NS_PER_S - 10 * SL_NS_PER_MS,
		boot + 8640000 * SL_NS_PER_S);
}

static void an_anchor_corrects_a_wrong_frequency(void **state)
{
	struct sl_tsc t;

	(void)state;
	sl_tsc_init(&t, HZ + HZ / 1000);
	sl_tsc_anchor(&t, 0, SL_NS_PER_S);
	sl_tsc_anchor(&t, HZ, 2 * SL_NS_PER_S);
	assert_int_equal(sl_tsc_ns(&t, HZ, 0), 2 * SL_NS_PER_S);
}

static void a_workers_time_never_goes_back(void **state)
{
	struct sl_tsc t;
	uint64_t before;

	(void)state;
	sl_tsc_init(&t, HZ);
	sl_tsc_anchor(&t, 0, 10 * SL_NS_PER_S);
	before = sl_tsc_ns(&t, HZ, 0);
	sl_tsc_anchor(&t, HZ, 10 * SL_NS_PER_S);
	assert_int_equal(sl_tsc_ns(&t, HZ, before), before);
	assert_true(sl_tsc_ns(&t, 3 * HZ, before) > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_clock_between_anchors),
		cmocka_unit_test(an_anchor_corrects_a_wrong_frequency),
		cmocka_unit_test(a_workers_time_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
