/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket.h"

static unsigned take_all(struct sl_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	unsigned n = 0;

	while (n < 100000 && sl_bucket_take(bucket, rate, now_ns))
		n++;
	return n;
}

static void a_full_bucket_holds_a_tenth(void **state)
{
	static const struct {
		uint32_t rate;
		unsigned burst;
	} cases[] = {{0, 0}, {1, 1}, {9, 1}, {19, 1}, {20, 2}, {2000, 200}, {100000, 10000}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_bucket bucket = {0};

		assert_int_equal(take_all(&bucket, cases[i].rate, 5 * SL_NS_PER_S), cases[i].burst);
		/* A day of silence makes it no fuller. */
		assert_int_equal(
			take_all(&bucket, cases[i].rate, 86400 * SL_NS_PER_S), cases[i].burst);
	}
}

static void passes_the_rate_over_time(void **state)
{
	struct sl_bucket bucket = {0};
	uint64_t now_ns = SL_NS_PER_S;
	unsigned n = 0;

	take_all(&bucket, 2000, now_ns);
	for (unsigned ms = 0; ms < 10000; ms++) {
		now_ns += SL_NS_PER_MS;
		n += take_all(&bucket, 2000, now_ns);
	}
	assert_int_equal(n, 20000);
}

/* Steps shorter than a packet's time must add up, not be lost to rounding. */
static void keeps_fractions(void **state)
{
	struct sl_bucket bucket = {0};
	uint64_t now_ns = SL_NS_PER_S;
	unsigned n = 0;

	take_all(&bucket, 3, now_ns);
	for (unsigned us = 0; us < 1000000; us += 50) {
		now_ns += 50 * SL_NS_PER_US;
		n += sl_bucket_take(&bucket, 3, now_ns);
	}
	assert_int_equal(n, 3);
}

static void a_new_rate_counts_from_the_next_packet(void **state)
{
	struct sl_bucket bucket = {0};

	assert_int_equal(take_all(&bucket, 2000, SL_NS_PER_S), 200);
	assert_int_equal(take_all(&bucket, 100, 2 * SL_NS_PER_S), 10);
	assert_int_equal(take_all(&bucket, 0, 3 * SL_NS_PER_S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_holds_a_tenth),
		cmocka_unit_test(passes_the_rate_over_time),
		cmocka_unit_test(keeps_fractions),
		cmocka_unit_test(a_new_rate_counts_from_the_next_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
