/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void the_first_error_wins(void **state)
{
	struct sl_err err = {0};

	assert_int_equal(sl_err_set(&err, EINVAL, "/a/0", "%s is %d", "port", 7), -EINVAL);
	assert_int_equal(sl_err_set(&err, ENOENT, "/b", "later"), -ENOENT);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.path, "/a/0");
	assert_string_equal(err.message, "port is 7");
	sl_err_hint(&err, "use %d", 80);
	sl_err_hint(&err, "use 443");
	assert_string_equal(err.hint, "use 80");
}

static void nothing_needs_to_be_recorded(void **state)
{
	struct sl_err err = {0};

	assert_int_equal(sl_err_set(NULL, EINVAL, "/a", "nobody listens"), -EINVAL);
	sl_err_hint(NULL, "nobody listens");
	sl_err_hint(&err, "to no error");
	assert_string_equal(err.hint, "");
	sl_err_set(&err, EINVAL, NULL, "without a path");
	assert_string_equal(err.path, "");
}

static void long_texts_are_cut(void **state)
{
	struct sl_err err = {0};
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sl_err_set(&err, EINVAL, text, "%s", text);
	sl_err_hint(&err, "%s", text);
	assert_int_equal(strlen(err.path), sizeof(err.path) - 1);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_error_wins),
		cmocka_unit_test(nothing_needs_to_be_recorded),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
