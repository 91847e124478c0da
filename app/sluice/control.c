/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A timer or signal that stays until the loop is freed. */
struct watch {
	struct event *event;
	void (*fn)(void *arg);
	void *arg;
	struct watch *next;
};

/* On the stack of the thread that waits for it. */
struct call {
	int (*fn)(void *arg);
	void *arg;
	int result;
	bool done;
	struct call *next;
};

struct sl_control {
	struct event_base *base;
	pthread_t thread;
	struct watch *watches;

	int wake; /* eventfd: calls wait */
	struct event *wake_event;
	pthread_mutex_t lock; /* calls and their `done` */
	pthread_cond_t finished;
	struct call *first, **last;
};

static struct call *take_call(struct sl_control *control)
{
	struct call *call;

	pthread_mutex_lock(&control->lock);
	call = control->first;
	if (call != NULL) {
		control->first = call->next;
		if (control->first == NULL)
			control->last = &control->first;
	}
	pthread_mutex_unlock(&control->lock);
	return call;
}

static void run_calls(evutil_socket_t fd, short what, void *arg)
{
	struct sl_control *control = arg;
	struct call *call;
	eventfd_t count;

	(void)what;
	eventfd_read(fd, &count);
	while ((call = take_call(control)) != NULL) {
		call->result = call->fn(call->arg);
		pthread_mutex_lock(&control->lock);
		call->done = true;
		pthread_cond_broadcast(&control->finished);
		pthread_mutex_unlock(&control->lock);
	}
}

int sl_control_call(struct sl_control *control, int (*fn)(void *arg), void *arg)
{
	struct call call = {.fn = fn, .arg = arg};

	if (pthread_equal(pthread_self(), control->thread))
		return fn(arg);
	pthread_mutex_lock(&control->lock);
	*control->last = &call;
	control->last = &call.next;
	eventfd_write(control->wake, 1);
	while (!call.done)
		pthread_cond_wait(&control->finished, &control->lock);
	pthread_mutex_unlock(&control->lock);
	return call.result;
}

static void fire(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *watch = arg;

	(void)fd;
	(void)what;
	watch->fn(watch->arg);
}

static int add_watch(struct sl_control *control, evutil_socket_t fd, short what,
	const struct timeval *period, void (*fn)(void *arg), void *arg)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return -ENOMEM;
	watch->fn = fn;
	watch->arg = arg;
	watch->event = event_new(control->base, fd, what | EV_PERSIST, fire, watch);
	if (watch->event == NULL || event_add(watch->event, period) < 0) {
		if (watch->event != NULL)
			event_free(watch->event);
		free(watch);
		return -ENOMEM;
	}
	watch->next = control->watches;
	control->watches = watch;
	return 0;
}

int sl_control_every(struct sl_control *control, unsigned ms, void (*fn)(void *arg), void *arg)
{
	struct timeval period = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	return add_watch(control, -1, EV_TIMEOUT, &period, fn, arg);
}

struct once {
	void (*fn)(void *arg);
	void *arg;
};

static void fire_once(evutil_socket_t fd, short what, void *arg)
{
	struct once once = *(struct once *)arg;

	(void)fd;
	(void)what;
	free(arg);
	once.fn(once.arg);
}

int sl_control_after(struct sl_control *control, unsigned ms, void (*fn)(void *arg), void *arg)
{
	struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	struct once *once = malloc(sizeof(*once));

	if (once == NULL)
		return -ENOMEM;
	*once = (struct once){.fn = fn, .arg = arg};
	if (event_base_once(control->base, -1, EV_TIMEOUT, fire_once, once, &delay) == 0)
		return 0;
	free(once);
	return -ENOMEM;
}

int sl_control_on_signal(struct sl_control *control, int number, void (*fn)(void *arg), void *arg)
{
	return add_watch(control, number, EV_SIGNAL, NULL, fn, arg);
}

struct event_base *sl_control_base(const struct sl_control *control)
{
	return control->base;
}

struct sl_control *sl_control_new(struct sl_err *err)
{
	struct sl_control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		goto no_memory;
	control->thread = pthread_self();
	control->last = &control->first;
	pthread_mutex_init(&control->lock, NULL);
	pthread_cond_init(&control->finished, NULL);
	control->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	control->base = event_base_new();
	if (control->wake < 0 || control->base == NULL)
		goto no_memory;
	control->wake_event =
		event_new(control->base, control->wake, EV_READ | EV_PERSIST, run_calls, control);
	if (control->wake_event == NULL || event_add(control->wake_event, NULL) < 0)
		goto no_memory;
	return control;

no_memory:
	sl_err_set(err, ENOMEM, NULL, "no memory or descriptors for the control loop");
	sl_control_free(control);
	return NULL;
}

void sl_control_free(struct sl_control *control)
{
	if (control == NULL)
		return;
	while (control->watches != NULL) {
		struct watch *watch = control->watches;

		control->watches = watch->next;
		event_free(watch->event);
		free(watch);
	}
	if (control->wake_event != NULL)
		event_free(control->wake_event);
	if (control->base != NULL)
		event_base_free(control->base);
	if (control->wake >= 0)
		close(control->wake);
	pthread_cond_destroy(&control->finished);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

void sl_control_run(struct sl_control *control)
{
	event_base_dispatch(control->base);
}

void sl_control_stop(struct sl_control *control)
{
	event_base_loopbreak(control->base);
}
