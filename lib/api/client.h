/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection to a socket of the API: cuts lines out of what comes in, has one of them answered
 * at a time, writes what comes back. So answers keep their order, a client that asks much waits for
 * the others, and what a client can make us hold is bounded. Control loop.
 */
#ifndef SL_API_CLIENT_H
#define SL_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <event2/event.h>

#include "api/executor.h"

struct sl_director;
struct sl_client;

struct sl_client_params {
	struct event_base *base;
	struct sl_executor *executor;
	struct sl_director *director;
	bool may_write;
	size_t request; /* limits: see api/listener.h */
	size_t output;
	unsigned stall_ms;
	void (*gone)(void *arg, struct sl_client *client); /* called as the client's memory goes */
	void *arg;
};

/*
 * Takes over `fd`, non-blocking, connected. NULL without memory: then fd is closed. `params` is
 * copied.
 */
struct sl_client *
sl_client_new(const struct sl_client_params *params, int fd, uid_t uid, pid_t pid);

/* Ends the connection. params.gone follows once the configuration thread has let go of it. */
void sl_client_close(struct sl_client *client);

#endif
