/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "options.h"

#define parse(options, ...) parse_list((options), (char *[]){"sluice", __VA_ARGS__, NULL})

static int parse_list(struct sl_options *options, char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return sl_options_parse(argc, argv, options);
}

/* What is said about mistakes is not of interest here. */
static int silence(void **state)
{
	int fd = open("/dev/null", O_WRONLY);

	(void)state;
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -1;
	return close(fd);
}

static void modes(void **state)
{
	struct sl_options options;

	(void)state;
	assert_int_equal(parse(&options, "--config", "a.json"), 0);
	assert_int_equal(options.mode, SL_MODE_RUN);
	assert_string_equal(options.config, "a.json");
	assert_int_equal(parse(&options, "--check", "--config=a.json"), 0);
	assert_int_equal(options.mode, SL_MODE_CHECK);
	assert_int_equal(parse(&options, "-c", "a.json", "--purge"), 0);
	assert_int_equal(options.mode, SL_MODE_PURGE);
	assert_int_equal(parse(&options, "--version"), 0);
	assert_int_equal(options.mode, SL_MODE_EXIT);
}

static void mistakes_are_refused(void **state)
{
	struct sl_options options;

	(void)state;
	assert_int_equal(parse(&options, "--check"), -EINVAL);
	assert_int_equal(parse(&options, "--config"), -EINVAL);
	assert_int_equal(parse(&options, "--config", "a", "--check", "--purge"), -EINVAL);
	assert_int_equal(parse(&options, "--config", "a", "b"), -EINVAL);
	assert_int_equal(parse(&options, "--lcores", "1"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),
		cmocka_unit_test(mistakes_are_refused),
	};

	return cmocka_run_group_tests(tests, silence, NULL);
}
