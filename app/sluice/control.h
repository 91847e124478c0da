/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control core's event loop, and how other threads have something done on it.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include <event2/event.h>

#include "base/err.h"

struct sl_control;

/* The calling thread is the control core's from now on. NULL with `err` set. */
struct sl_control *sl_control_new(struct sl_err *err);
void sl_control_free(struct sl_control *control); /* accepts NULL */

struct event_base *sl_control_base(const struct sl_control *control);

/*
 * Any thread. Runs fn(arg) on the control core and returns what it returned; the control core
 * itself runs it at once. fn must not wait and must not take more than 5 ms.
 */
int sl_control_call(struct sl_control *control, int (*fn)(void *arg), void *arg);

/* Calls fn(arg) every `ms` milliseconds, until the loop is freed. 0 or -ENOMEM. */
int sl_control_every(struct sl_control *control, unsigned ms, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) once, `ms` milliseconds from now. Control core. 0 or -ENOMEM. */
int sl_control_after(struct sl_control *control, unsigned ms, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) whenever the process gets the signal. 0 or -ENOMEM. */
int sl_control_on_signal(struct sl_control *control, int number, void (*fn)(void *arg), void *arg);

/* Runs the loop until sl_control_stop(), which runs on the control core. */
void sl_control_run(struct sl_control *control);
void sl_control_stop(struct sl_control *control);

#endif
