/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/likeness.h"

static void words(void **state)
{
	static const struct {
		const char *written, *known;
		unsigned unlikeness;
	} cases[] = {
		{"port", "port", 0},
		{"PORT", "port", 0},
		{"", "", 0},
		{"prot", "port", 2},  /* neighbours changed about */
		{"prt", "port", 2},   /* one left out */
		{"poort", "port", 2}, /* one too many */
		{"pert", "port", 2},  /* one for another */
		{"protocoll", "protocol", 1},
		{"prot", "protocol", 1},
		{"serv", "services", 1}, /* its beginning */
		{"net_tpa", "net_tap", 2},
		{"net_tpa", "net_thunderx", SL_UNLIKE},
		{"servcie.lst", "service.list", 4},
		{"sevcie.lst", "service.list", 6},
		{"ab", "cd", SL_UNLIKE},
		{"", "port", SL_UNLIKE},
		{"se", "services", SL_UNLIKE},
		{"workers", "timeouts", SL_UNLIKE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned there = sl_unlikeness(cases[i].written, cases[i].known);
		unsigned back = sl_unlikeness(cases[i].known, cases[i].written);

		if (there != cases[i].unlikeness || back != there)
			fail_msg("%s, %s: %u, %u", cases[i].written, cases[i].known, there, back);
	}
}

static void long_words_are_unlike_all(void **state)
{
	char longest[64], too_long[65];

	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	memset(too_long, 'a', sizeof(too_long));
	too_long[64] = '\0';
	assert_int_equal(sl_unlikeness(longest, longest), 0);
	assert_int_equal(sl_unlikeness(too_long, too_long), SL_UNLIKE);
	longest[0] = 'b';
	assert_int_equal(sl_unlikeness(longest, longest + 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(long_words_are_unlike_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
