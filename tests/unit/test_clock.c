/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void a_manual_clock_stands_still(void **state)
{
	struct sl_clock_manual manual = {.ns = 5};
	struct sl_clock clock = sl_clock_from_manual(&manual);

	assert_int_equal(sl_clock_ns(&clock), 5);
	assert_int_equal(sl_clock_ns(&clock), 5);
	manual.ns += 3 * SL_NS_PER_S;
	assert_int_equal(sl_clock_ns(&clock), 3000000005);
}

static void the_system_clock_is_boottime(void **state)
{
	struct timespec before, after;
	uint64_t now;

	clock_gettime(CLOCK_BOOTTIME, &before);
	now = sl_clock_ns(&sl_clock_system);
	clock_gettime(CLOCK_BOOTTIME, &after);
	assert_true(now >= (uint64_t)before.tv_sec * SL_NS_PER_S + (uint64_t)before.tv_nsec);
	assert_true(now <= (uint64_t)after.tv_sec * SL_NS_PER_S + (uint64_t)after.tv_nsec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manual_clock_stands_still),
		cmocka_unit_test(the_system_clock_is_boottime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
