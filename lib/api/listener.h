/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The API's unix sockets: DIRECTORY/control.sock (everything) and DIRECTORY/view.sock (read methods
 * only). Control loop. Only framing happens here; complete lines go to the configuration thread
 * (api/executor.h).
 */
#ifndef SL_API_LISTENER_H
#define SL_API_LISTENER_H

#include <stddef.h>
#include <sys/types.h>

#include <event2/event.h>

#include "api/executor.h"
#include "base/err.h"

struct sl_director;
struct sl_listener;

#define SL_CONTROL_SOCKET "control.sock"
#define SL_VIEW_SOCKET    "view.sock"

struct sl_listener_params {
	struct event_base *base;
	struct sl_executor *executor;
	struct sl_director *director;
	const char *directory;     /* exists; no other director uses it (the instance's lock) */
	const char *control_group; /* group of the socket, mode 0660; 0600 when there is no such
				      group */
	const char *view_group;
	/* 0 = the default behind */
	size_t control_request; /* bytes in a request: 128 MB */
	size_t view_request;    /* 1 MB */
	size_t output;          /* bytes queued for a client that stop its next request: 4 MB */
	unsigned stall_ms;      /* a client that takes no byte for so long is closed: 5000 */
	unsigned clients;       /* of each socket: 64 */
};

/* Binds and listens. NULL with `err` set. SIGPIPE is ignored from here on. */
struct sl_listener *sl_listener_new(const struct sl_listener_params *params, struct sl_err *err);

/*
 * Removes the sockets and lets the clients go. Then sl_executor_stop(), which finishes what they
 * had asked for, then sl_listener_free().
 */
void sl_listener_close(struct sl_listener *listener);
void sl_listener_free(struct sl_listener *listener); /* accepts NULL */

#endif
