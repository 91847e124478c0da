/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration thread: runs jobs one after the other, so that neither parsing nor building nor
 * waiting for a worker ever holds up the control loop. Jobs come back to the loop when they are
 * done.
 */
#ifndef SL_API_EXECUTOR_H
#define SL_API_EXECUTOR_H

#include <stdbool.h>

#include <event2/event.h>

#include "base/err.h"

/* One piece of work; embedded in whatever it is about. On one queue at a time. */
struct sl_job {
	void (*run)(struct sl_job *job); /* configuration thread; may wait */
	void (*done)(
		struct sl_job *job); /* control loop, afterwards; may free the job; may be NULL */
	struct sl_job *next;
};

struct sl_executor;

/* `base` is the control loop's. NULL with `err` set. No thread yet. */
struct sl_executor *sl_executor_new(struct event_base *base, struct sl_err *err);

/*
 * Starts the thread. `tick` (may be NULL) is called on it about every `tick_ms`, also between jobs
 * of a long queue. 0 or -errno.
 */
int sl_executor_start(struct sl_executor *executor, void (*tick)(void *arg), void *arg,
	unsigned tick_ms, struct sl_err *err);

/*
 * Any thread. Jobs run in the order in which they are posted. A job with NULL `done` is not touched
 * after run.
 */
void sl_executor_post(struct sl_executor *executor, struct sl_job *job);

/* Any thread. The same with a function and its argument; 0 or -ENOMEM. */
int sl_executor_call(struct sl_executor *executor, void (*function)(void *arg), void *arg);

/*
 * Configuration thread. Only has job->done called on the control loop, after the jobs that are done
 * by now.
 */
void sl_executor_hand_back(struct sl_executor *executor, struct sl_job *job);

/*
 * Control loop's thread. Runs what is queued, ends the thread, and calls `done` of all. The loop
 * goes on meanwhile, since a job may be waiting for it.
 */
void sl_executor_stop(struct sl_executor *executor);

void sl_executor_free(struct sl_executor *executor); /* stops it; accepts NULL */

#endif
