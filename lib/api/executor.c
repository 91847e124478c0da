/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/executor.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* done() calls per turn of the control loop: none of its callbacks may take long. */
#define DONE_PER_TURN 32

struct queue {
	struct sl_job *first;
	struct sl_job **last;
};

struct sl_executor {
	struct event_base *base;
	struct event *wakeup;
	int wakeup_fd;

	pthread_t thread;
	bool started;
	void (*tick)(void *arg);
	void *tick_arg;
	uint64_t tick_ns;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t posted;
	struct queue todo;
	struct queue done;
	bool stopping;
	bool finished; /* the thread has run its last job */
};

struct call { /* a job of its own for sl_executor_call() */
	struct sl_job job;
	void (*function)(void *arg);
	void *arg;
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void queue_put(struct queue *queue, struct sl_job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct sl_job *queue_take(struct queue *queue)
{
	struct sl_job *job = queue->first;

	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	return job;
}

static void wake_loop(struct sl_executor *executor)
{
	/* Fails only when the counter is full: then the loop is about to wake up anyway. */
	(void)!write(executor->wakeup_fd, &(uint64_t){1}, sizeof(uint64_t));
}

/* Waits for a job until `deadline_ns` of CLOCK_MONOTONIC; NULL when there is none by then. Lock
 * held. */
static struct sl_job *wait_for_job(struct sl_executor *executor, uint64_t deadline_ns)
{
	struct timespec until = {deadline_ns / SL_NS_PER_S, deadline_ns % SL_NS_PER_S};

	while (executor->todo.first == NULL && !executor->stopping) {
		if (executor->tick == NULL)
			pthread_cond_wait(&executor->posted, &executor->lock);
		else if (pthread_cond_timedwait(&executor->posted, &executor->lock, &until) != 0)
			break;
	}
	return queue_take(&executor->todo);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + now.tv_nsec;
}

static void run_job(struct sl_executor *executor, struct sl_job *job)
{
	bool hand_back = job->done != NULL;

	job->run(job);
	if (hand_back)
		sl_executor_hand_back(executor, job);
}

static void *thread_main(void *arg)
{
	struct sl_executor *executor = arg;
	uint64_t next_tick = monotonic_ns() + executor->tick_ns;
	struct sl_job *job;

	pthread_setname_np(pthread_self(), "sl-config");
	for (;;) {
		pthread_mutex_lock(&executor->lock);
		job = wait_for_job(executor, next_tick);
		if (job == NULL && executor->stopping)
			break;
		pthread_mutex_unlock(&executor->lock);
		if (job != NULL)
			run_job(executor, job);
		if (executor->tick != NULL && monotonic_ns() >= next_tick) {
			executor->tick(executor->tick_arg);
			next_tick = monotonic_ns() + executor->tick_ns;
		}
	}
	executor->finished = true;
	pthread_mutex_unlock(&executor->lock);
	wake_loop(executor);
	return NULL;
}

static void on_wakeup(evutil_socket_t fd, short what, void *arg)
{
	struct sl_executor *executor = arg;
	struct sl_job *job;
	uint64_t count;
	bool more;

	(void)!read(fd, &count, sizeof(count));
	for (int i = 0; i < DONE_PER_TURN; i++) {
		pthread_mutex_lock(&executor->lock);
		job = queue_take(&executor->done);
		pthread_mutex_unlock(&executor->lock);
		if (job == NULL)
			return;
		job->done(job);
	}
	pthread_mutex_lock(&executor->lock);
	more = executor->done.first != NULL;
	pthread_mutex_unlock(&executor->lock);
	if (more)
		wake_loop(executor);
}

static int open_wakeup(struct sl_executor *executor, struct sl_err *err)
{
	executor->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (executor->wakeup_fd < 0)
		return sl_err_set(err, errno, NULL, "eventfd: %s", strerror(errno));
	executor->wakeup = event_new(
		executor->base, executor->wakeup_fd, EV_READ | EV_PERSIST, on_wakeup, executor);
	if (executor->wakeup == NULL || event_add(executor->wakeup, NULL) < 0)
		return sl_err_set(err, ENOMEM, NULL, "out of memory");
	return 0;
}

struct sl_executor *sl_executor_new(struct event_base *base, struct sl_err *err)
{
	struct sl_executor *executor = calloc(1, sizeof(*executor));
	pthread_condattr_t monotonic;

	if (executor == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	executor->base = base;
	queue_init(&executor->todo);
	queue_init(&executor->done);
	pthread_mutex_init(&executor->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&executor->posted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (open_wakeup(executor, err) < 0) {
		sl_executor_free(executor);
		return NULL;
	}
	return executor;
}

int sl_executor_start(struct sl_executor *executor, void (*tick)(void *arg), void *arg,
	unsigned tick_ms, struct sl_err *err)
{
	int rc;

	executor->tick = tick;
	executor->tick_arg = arg;
	executor->tick_ns = tick_ms * SL_NS_PER_MS;
	executor->stopping = false;
	executor->finished = false;
	rc = pthread_create(&executor->thread, NULL, thread_main, executor);
	if (rc != 0)
		return sl_err_set(err, rc, NULL, "configuration thread: %s", strerror(rc));
	executor->started = true;
	return 0;
}

void sl_executor_post(struct sl_executor *executor, struct sl_job *job)
{
	pthread_mutex_lock(&executor->lock);
	queue_put(&executor->todo, job);
	pthread_cond_signal(&executor->posted);
	pthread_mutex_unlock(&executor->lock);
}

static void run_call(struct sl_job *job)
{
	struct call *call = (struct call *)job;

	call->function(call->arg);
	free(call);
}

int sl_executor_call(struct sl_executor *executor, void (*function)(void *arg), void *arg)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	call->job.run = run_call;
	call->function = function;
	call->arg = arg;
	sl_executor_post(executor, &call->job);
	return 0;
}

void sl_executor_hand_back(struct sl_executor *executor, struct sl_job *job)
{
	bool first;

	pthread_mutex_lock(&executor->lock);
	first = executor->done.first == NULL;
	queue_put(&executor->done, job);
	pthread_mutex_unlock(&executor->lock);
	if (first)
		wake_loop(executor);
}

static bool is_finished(struct sl_executor *executor)
{
	bool finished;

	pthread_mutex_lock(&executor->lock);
	finished = executor->finished && executor->done.first == NULL;
	pthread_mutex_unlock(&executor->lock);
	return finished;
}

static void wait_until_finished(struct sl_executor *executor)
{
	while (!is_finished(executor))
		event_base_loop(executor->base, EVLOOP_ONCE);
}

void sl_executor_stop(struct sl_executor *executor)
{
	struct sl_job *job;

	if (!executor->started)
		return;
	pthread_mutex_lock(&executor->lock);
	executor->stopping = true;
	pthread_cond_signal(&executor->posted);
	pthread_mutex_unlock(&executor->lock);
	wait_until_finished(executor);
	pthread_join(executor->thread, NULL);
	executor->started = false;
	/* What done() of the last jobs posted is run here: there is no other thread any more. */
	while ((job = queue_take(&executor->todo)) != NULL) {
		run_job(executor, job);
		wait_until_finished(executor);
	}
}

void sl_executor_free(struct sl_executor *executor)
{
	if (executor == NULL)
		return;
	sl_executor_stop(executor);
	if (executor->wakeup != NULL)
		event_free(executor->wakeup);
	if (executor->wakeup_fd >= 0)
		close(executor->wakeup_fd);
	pthread_cond_destroy(&executor->posted);
	pthread_mutex_destroy(&executor->lock);
	free(executor);
}
