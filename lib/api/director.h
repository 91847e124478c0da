/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The director's state as the API sees it: the running configuration, the one to fall back to, the
 * generation, and the program around it (struct sl_host). Everything here runs on the configuration
 * thread. With a host of its own a test drives the whole API with no NIC and no EAL.
 */
#ifndef SL_API_DIRECTOR_H
#define SL_API_DIRECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "conf/model.h"
#include "lb/engine.h"

/*
 * What the program provides. Called on the configuration thread; each may wait for the control
 * core.
 */
struct sl_host {
	void *arg;

	/* Hands a built generation to the control core: 0; -EBUSY (err says which worker is late).
	 */
	int (*publish)(void *arg, struct sl_snapshot *snapshot, struct sl_err *err);
	/* -EBUSY as above, asked before anything is built. */
	int (*can_publish)(void *arg, struct sl_err *err);
	/*
	 * Makes Linux and the ports follow: addresses, VIPs, static neighbours, MTU, punt rates,
	 * log level. All or nothing; from is NULL at the start.
	 */
	int (*system_apply)(void *arg, const struct sl_conf *from, const struct sl_conf *to,
		struct sl_err *err);

	/* Reports; new references, NULL without memory. Shapes: the methods that return them. */
	json_t *(*ports)(void *arg);
	json_t *(*neighbours)(void *arg);
	json_t *(*workers)(void *arg); /* core, NUMA node, ring and pool levels: per worker */
	json_t *(*vips)(void *arg);    /* address, mode, port, local */
	/*
	 * Reachability of a server as the control core sees it: "reachable", "unresolved", "no
	 * route", "not on link" where the method needs that, "local"
	 */
	const char *(*reachability)(
		void *arg, const struct sl_addr *server, enum sl_fwd_method fwd);

	/* May be NULL: what the twins' thread moved, or NULL when there is none. */
	json_t *(*twins)(void *arg);
	/* May be NULL: how many routes the forwarding table has, and how many had no room. */
	json_t *(*routes)(void *arg);
	/* May be NULL: adds the drops that no worker counts (the twin thread's). */
	void (*drops)(void *arg, uint64_t counts[SL_DROP_COUNT]);
	/*
	 * May be NULL: lets the workers go on for a moment, while one is waited for. A test steps
	 * them here.
	 */
	void (*pause)(void *arg);
};

struct sl_director;

struct sl_director_params {
	const struct sl_host *host;
	struct sl_engine *engine;
	const struct sl_clock *clock;
	const char *config_path; /* for save; may be NULL */
	uint64_t started_ns;
};

/* `params` and the path are copied, host and clock are not. NULL with `err` set. */
struct sl_director *sl_director_new(const struct sl_director_params *params, struct sl_err *err);
/* Before its engine. Accepts NULL. */
void sl_director_free(struct sl_director *director);

/*
 * Makes `conf` the running configuration, all or nothing. Takes a reference. The first call is the
 * start's.
 */
int sl_director_apply(struct sl_director *director, struct sl_conf *conf, struct sl_err *err);

/* SIGHUP: reads the file and applies it; logs which live changes it discards. */
int sl_director_reload(struct sl_director *director, struct sl_err *err);

/* About once a second: confirm timers, ageing of ids, rate estimators (every 2 s). */
void sl_director_tick(struct sl_director *director);

/*
 * From the control core's watchers (via the configuration thread's queue): a thing that happened.
 * The classes are those of api/events.h. `details`, an object or NULL, is taken over.
 */
void sl_director_event(struct sl_director *director, const char *event_class, json_t *details);

/* The running configuration, NULL before the first; valid until the next change. */
const struct sl_conf *sl_director_conf(const struct sl_director *director);

/* Who wants to hear of what happens (api/events.h). */
struct sl_events;
struct sl_events *sl_director_events(struct sl_director *director);

#endif
