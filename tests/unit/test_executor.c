/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/executor.h"

#define JOBS 200

struct numbered {
	struct sl_job job;
	unsigned number;
	struct record *record;
};

struct record {
	struct event_base *base;
	struct sl_executor *executor;
	pthread_t loop;
	unsigned ran[JOBS];
	unsigned n_ran;
	unsigned n_done; /* atomic */
	bool ran_in_the_loop;
	bool done_elsewhere;
	unsigned ticks; /* atomic */
};

static void run(struct sl_job *job)
{
	struct numbered *numbered = (struct numbered *)job;
	struct record *record = numbered->record;

	record->ran_in_the_loop |= pthread_equal(pthread_self(), record->loop);
	record->ran[record->n_ran++] = numbered->number;
}

static void done(struct sl_job *job)
{
	struct record *record = ((struct numbered *)job)->record;

	record->done_elsewhere |= !pthread_equal(pthread_self(), record->loop);
	__atomic_fetch_add(&record->n_done, 1, __ATOMIC_RELAXED);
}

static void open_record(struct record *record)
{
	struct sl_err err = {0};

	memset(record, 0, sizeof(*record));
	record->base = event_base_new();
	record->loop = pthread_self();
	record->executor = sl_executor_new(record->base, &err);
	assert_non_null(record->executor);
}

static void close_record(struct record *record)
{
	sl_executor_free(record->executor);
	event_base_free(record->base);
}

static void jobs_run_in_order_and_come_back_to_the_loop(void **state)
{
	static struct numbered jobs[JOBS];
	struct record record;
	struct sl_err err = {0};

	open_record(&record);
	assert_int_equal(sl_executor_start(record.executor, NULL, NULL, 0, &err), 0);
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct numbered){{.run = run, .done = done}, i, &record};
		sl_executor_post(record.executor, &jobs[i].job);
	}
	sl_executor_stop(record.executor);
	assert_int_equal(record.n_ran, JOBS);
	assert_int_equal(record.n_done, JOBS);
	assert_false(record.ran_in_the_loop);
	assert_false(record.done_elsewhere);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(record.ran[i], i);
	close_record(&record);
}

static void count_tick(void *arg)
{
	struct record *record = arg;

	__atomic_fetch_add(&record->ticks, 1, __ATOMIC_RELAXED);
}

static void ticks_come_without_jobs(void **state)
{
	struct record record;
	struct sl_err err = {0};
	struct timeval pause = {.tv_usec = 2000};

	open_record(&record);
	assert_int_equal(sl_executor_start(record.executor, count_tick, &record, 1, &err), 0);
	for (int i = 0; i < 1000 && __atomic_load_n(&record.ticks, __ATOMIC_RELAXED) < 3; i++) {
		event_base_loopexit(record.base, &pause);
		event_base_dispatch(record.base);
	}
	assert_true(__atomic_load_n(&record.ticks, __ATOMIC_RELAXED) >= 3);
	close_record(&record);
}

static void add_one(void *arg)
{
	++*(unsigned *)arg;
}

static void a_function_runs_before_the_executor_ends(void **state)
{
	struct record record;
	struct sl_err err = {0};
	unsigned calls = 0;

	open_record(&record);
	assert_int_equal(sl_executor_start(record.executor, NULL, NULL, 0, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sl_executor_call(record.executor, add_one, &calls), 0);
	close_record(&record);
	assert_int_equal(calls, 3);
}

/* As a publication does: the job waits for the loop while the program stops. */
static void wait_for_the_loop(struct sl_job *job)
{
	struct record *record = ((struct numbered *)job)->record;
	static struct numbered helper;

	helper = (struct numbered){{.done = done}, 0, record};
	sl_executor_hand_back(record->executor, &helper.job);
	for (int i = 0; i < 5000 && __atomic_load_n(&record->n_done, __ATOMIC_RELAXED) == 0; i++) {
		struct timespec ms = {0, 1000000};

		nanosleep(&ms, NULL);
	}
	record->n_ran = __atomic_load_n(&record->n_done, __ATOMIC_RELAXED);
}

static void stopping_serves_a_job_that_waits_for_the_loop(void **state)
{
	struct record record;
	struct numbered job = {{.run = wait_for_the_loop, .done = done}, 0, &record};
	struct sl_err err = {0};

	open_record(&record);
	assert_int_equal(sl_executor_start(record.executor, NULL, NULL, 0, &err), 0);
	sl_executor_post(record.executor, &job.job);
	sl_executor_stop(record.executor);
	assert_int_equal(record.n_ran, 1);
	assert_int_equal(record.n_done, 2);
	close_record(&record);
}

static struct numbered last_words;

static void take_time(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Until the loop has been told to stop, in all likelihood. */
static void run_slowly(struct sl_job *job)
{
	take_time();
	run(job);
}

/* When the thread has ended, in all likelihood. */
static void post_one_more(struct sl_job *job)
{
	struct record *record = ((struct numbered *)job)->record;

	take_time();
	last_words = (struct numbered){{.run = run, .done = done}, 7, record};
	sl_executor_post(record->executor, &last_words.job);
}

/* As a client that was working when its connection was closed: it still has to say goodbye. */
static void what_the_last_job_posts_is_run(void **state)
{
	struct record record;
	struct numbered job = {{.run = run_slowly, .done = post_one_more}, 1, &record};
	struct sl_err err = {0};

	open_record(&record);
	assert_int_equal(sl_executor_start(record.executor, NULL, NULL, 0, &err), 0);
	sl_executor_post(record.executor, &job.job);
	sl_executor_stop(record.executor);
	assert_int_equal(record.n_ran, 2);
	assert_int_equal(record.n_done, 1);
	close_record(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_run_in_order_and_come_back_to_the_loop),
		cmocka_unit_test(ticks_come_without_jobs),
		cmocka_unit_test(a_function_runs_before_the_executor_ends),
		cmocka_unit_test(stopping_serves_a_job_that_waits_for_the_loop),
		cmocka_unit_test(what_the_last_job_posts_is_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
