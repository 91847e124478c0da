/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "instance.h"
#include "sysfile.h"

struct fixture {
	char base[32];
	char locks[64];
	char run[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->base, "/tmp/sl-instance-XXXXXX");
	if (mkdtemp(f->base) == NULL)
		return -1;
	snprintf(f->locks, sizeof(f->locks), "%s/locks", f->base);
	snprintf(f->run, sizeof(f->run), "%s/run/one", f->base);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[80];

	snprintf(path, sizeof(path), "%s/run", f->base);
	rmdir(path);
	rmdir(f->base);
	free(f);
	return 0;
}

static void second_start_says_who_runs(void **state)
{
	struct fixture *f = *state;
	struct sl_instance first, second;
	struct sl_err err = {0};
	char expected[64];

	assert_int_equal(sl_instance_acquire(&first, f->locks, "one", f->run, &err), 0);
	assert_int_equal(sl_instance_acquire(&second, f->locks, "one", f->run, &err), -EBUSY);
	snprintf(expected, sizeof(expected), "running already: process %d, since 2", (int)getpid());
	assert_non_null(strstr(err.message, expected));
	assert_string_not_equal(err.hint, "");
	sl_instance_release(&first);
}

static bool is_zombie(pid_t pid)
{
	char text[256], *state;

	if (sl_sysfile_read(text, sizeof(text), "/proc/%d/stat", (int)pid) < 0)
		return true;
	state = strrchr(text, ')');
	return state != NULL && strncmp(state, ") Z", 3) == 0;
}

/* Holds the lock; the first thread ends, and then the last one: the process is a zombie between. */
static void *last_thread(void *arg)
{
	const struct timespec while_ending = {.tv_nsec = 30000000};

	nanosleep(&while_ending, NULL);
	_exit(0);
}

static void hold_and_end(const struct fixture *f, int ready)
{
	struct sl_instance instance;
	struct sl_err err = {0};
	pthread_t thread;

	if (sl_instance_acquire(&instance, f->locks, "one", f->run, &err) != 0 ||
		pthread_create(&thread, NULL, last_thread, NULL) != 0 || write(ready, "r", 1) != 1)
		_exit(1);
	syscall(SYS_exit, 0);
}

static void a_holder_that_is_ending_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct sl_instance instance;
	struct sl_err err = {0};
	int ready[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		hold_and_end(f, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	/* The child's first thread may have some instructions left. */
	for (unsigned i = 0; i < 1000 && !is_zombie(child); i++)
		sched_yield();
	assert_int_equal(sl_instance_acquire(&instance, f->locks, "one", f->run, &err), 0);
	sl_instance_release(&instance);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ready[0]);
	close(ready[1]);
}

static void release_lets_the_next_start_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct sl_instance instance;
	struct sl_err err = {0};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(sl_instance_acquire(&instance, f->locks, "one", f->run, &err), 0);
		assert_int_equal(access(f->run, F_OK), 0);
		sl_instance_release(&instance);
		assert_int_not_equal(access(f->run, F_OK), 0);
		assert_int_not_equal(access(f->locks, F_OK), 0);
	}
}

static void other_names_are_other_instances(void **state)
{
	struct fixture *f = *state;
	struct sl_instance one, two;
	struct sl_err err = {0};

	assert_int_equal(sl_instance_acquire(&one, f->locks, "one", f->run, &err), 0);
	assert_int_equal(sl_instance_acquire(&two, f->locks, "two", f->run, &err), 0);
	sl_instance_release(&one);
	assert_int_equal(access(f->locks, F_OK), 0);
	sl_instance_release(&two);
}

static void run_directory_that_cannot_be_is_named(void **state)
{
	struct fixture *f = *state;
	struct sl_instance instance;
	struct sl_err err = {0};

	assert_int_equal(
		sl_instance_acquire(&instance, f->locks, "one", "/proc/no/such", &err), -ENOENT);
	assert_string_equal(err.path, "/run_directory");
	assert_non_null(strstr(err.message, "/proc/no/such"));
	assert_int_not_equal(access(f->locks, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(second_start_says_who_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_holder_that_is_ending_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
			release_lets_the_next_start_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(other_names_are_other_instances, setup, teardown),
		cmocka_unit_test_setup_teardown(
			run_directory_that_cannot_be_is_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
