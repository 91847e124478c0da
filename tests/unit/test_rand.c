/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"

static void a_seed_repeats(void **state)
{
	struct sl_rand a, b, c;
	unsigned same = 0;

	sl_rand_seed(&a, 42);
	sl_rand_seed(&b, 42);
	sl_rand_seed(&c, 43);
	for (int i = 0; i < 100; i++) {
		uint64_t value = sl_rand_u64(&a);

		assert_int_equal(value, sl_rand_u64(&b));
		same += value == sl_rand_u64(&c);
	}
	assert_int_equal(same, 0);
}

/* The first outputs of xoshiro256** for the state 1, 2, 3, 4, as its authors' definition gives. */
static void the_generator_is_xoshiro256(void **state)
{
	static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
	struct sl_rand rand = {{1, 2, 3, 4}};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(sl_rand_u64(&rand), expected[i]);
}

static void below_is_uniform_and_below(void **state)
{
	unsigned counts[7] = {0};
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (int i = 0; i < 70000; i++) {
		uint64_t value = sl_rand_below(&rand, 7);

		assert_true(value < 7);
		counts[value]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(counts[i], 9500, 10500);
	for (int i = 0; i < 100; i++)
		assert_int_equal(sl_rand_below(&rand, 1), 0);
}

static void secrets_differ(void **state)
{
	uint8_t a[300] = {0}, b[300] = {0};

	assert_int_equal(sl_rand_secret(a, sizeof(a)), 0);
	assert_int_equal(sl_rand_secret(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	/* Filled to the end. */
	assert_memory_not_equal(a + sizeof(a) - 16, ((uint8_t[16]){0}), 16);
	assert_int_equal(sl_rand_secret(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_repeats),
		cmocka_unit_test(the_generator_is_xoshiro256),
		cmocka_unit_test(below_is_uniform_and_below),
		cmocka_unit_test(secrets_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
