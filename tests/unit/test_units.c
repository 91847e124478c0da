/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"

static void durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t milliseconds;
	} cases[] = {
		{"0s", 0, 0},
		{"90s", 0, 90000},
		{"15m", 0, 900000},
		{"250ms", 0, 250},
		{"12h", 0, 43200000},
		{"1d", 0, 86400000},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"5sec", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"99999999999999999999s", -ERANGE, 0},
		{"18446744073709551615d", -ERANGE, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t milliseconds = 0;

		assert_int_equal(sl_duration_parse(cases[i].text, &milliseconds), cases[i].result);
		if (cases[i].result == 0)
			assert_int_equal(milliseconds, cases[i].milliseconds);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} cases[] = {
		{"512M", 0, 512ull << 20},
		{"2G", 0, 2ull << 30},
		{"2g", 0, 2ull << 30},
		{"4KB", 0, 4096},
		{"1T", 0, 1ull << 40},
		{"512", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"5X", -EINVAL, 0},
		{"5MiB", -EINVAL, 0},
		{"99999999999T", -ERANGE, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 0;

		assert_int_equal(sl_size_parse(cases[i].text, &bytes), cases[i].result);
		if (cases[i].result == 0)
			assert_int_equal(bytes, cases[i].bytes);
	}
}

static void formats_are_the_shortest_exact(void **state)
{
	char text[24];

	sl_duration_format(text, sizeof(text), 900000);
	assert_string_equal(text, "15m");
	sl_duration_format(text, sizeof(text), 1500);
	assert_string_equal(text, "1500ms");
	sl_duration_format(text, sizeof(text), 0);
	assert_string_equal(text, "0s");
	sl_size_format(text, sizeof(text), 3ull << 30);
	assert_string_equal(text, "3G");
	sl_size_format(text, sizeof(text), 1000);
	assert_string_equal(text, "1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(formats_are_the_shortest_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
