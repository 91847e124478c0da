/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "glean.h"

#define START (100 * SL_NS_PER_S)

static struct sl_glean glean;

static struct sl_addr addr(const char *text)
{
	struct sl_addr result;

	assert_int_equal(sl_addr_parse(text, &result), 0);
	return result;
}

static void each_address_once_a_second(void **state)
{
	const struct sl_addr a = addr("10.0.0.1"), b = addr("2001:db8::1");

	sl_glean_init(&glean, 1);
	assert_true(sl_glean_may_ask(&glean, 0, &a, START));
	assert_false(sl_glean_may_ask(&glean, 0, &a, START));
	assert_true(sl_glean_may_ask(&glean, 0, &b, START));
	assert_true(sl_glean_may_ask(&glean, 1, &a, START));
	assert_false(sl_glean_may_ask(&glean, 0, &a, START + SL_NS_PER_S - 1));
	assert_true(sl_glean_may_ask(&glean, 0, &a, START + SL_NS_PER_S));
}

static void a_scan_is_slowed_down(void **state)
{
	struct sl_addr a = addr("10.0.0.0");
	unsigned asked = 0;

	sl_glean_init(&glean, 1);
	/* A thousand addresses each 10 ms, for 10 s. */
	for (unsigned step = 0; step < 1000; step++) {
		for (unsigned i = 0; i < 1000; i++) {
			a.bytes[2] = (uint8_t)(i >> 8);
			a.bytes[3] = (uint8_t)i;
			asked += sl_glean_may_ask(&glean, 0, &a, START + step * SL_NS_PER_MS * 10);
		}
	}
	assert_in_range(asked, 9 * SL_GLEAN_RATE, 11 * SL_GLEAN_RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_once_a_second),
		cmocka_unit_test(a_scan_is_slowed_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
