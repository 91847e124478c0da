/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole API on a bench: a real engine and director, and in place of the program a host that
 * does as it is told. Nothing runs by itself: workers are stepped when somebody waits for them.
 */
#ifndef SL_TESTS_API_RIG_H
#define SL_TESTS_API_RIG_H

#include <stdbool.h>

#include <jansson.h>

#include "api/director.h"
#include "api/rpc.h"
#include "rig.h"

/* A configuration with one port without twin and the service tcp 192.168.8.100:80 (rr, .12, .13).
 */
extern const char api_rig_config[];

struct api_rig {
	struct rig rig;
	struct sl_host host;
	struct sl_director *director;
	struct sl_peer control; /* a peer that may write, and one that may not */
	struct sl_peer view;
	unsigned wakes; /* of control's subscription */
	/* what the host does */
	bool busy;          /* refuses to publish */
	bool refuse_system; /* Linux refuses */
	unsigned system_applied;
	unsigned published;
};

/* Starts with api_rig_config; `path` (may be NULL) is the director's file. Ends the program when it
 * cannot. */
void api_rig_open(struct api_rig *rig, const char *path);
void api_rig_close(struct api_rig *rig);

/* Seconds go by, with a tick in each. */
void api_rig_wait(struct api_rig *rig, unsigned seconds);

/* One line in, the reply out as JSON; NULL for none. */
json_t *api_rig_line(struct api_rig *rig, struct sl_peer *peer, const char *line);

/* Calls as control; `params` is JSON text, NULL = none. The reply. */
json_t *api_rig_call(struct api_rig *rig, const char *method, const char *params);

/* The same: the result; the program ends when it is an error. */
json_t *api_rig_result(struct api_rig *rig, const char *method, const char *params);

/* The same: the code of the error, 0 when it went well. */
int api_rig_code(struct api_rig *rig, const char *method, const char *params);

/* The generation of the configuration, as every reply says it. */
json_int_t api_rig_generation(struct api_rig *rig);

#endif
