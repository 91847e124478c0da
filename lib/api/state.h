/* SPDX-License-Identifier: BSD-3-Clause */
/* What the methods work on: the inside of struct sl_director. Configuration thread. */
#ifndef SL_API_STATE_H
#define SL_API_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/director.h"
#include "api/events.h"
#include "api/method.h"
#include "api/rpc.h"
#include "conf/model.h"
#include "lb/engine.h"

struct sl_stats;
struct sl_work_rates;
struct sl_listing;

struct sl_director {
	const struct sl_host *host;
	struct sl_engine *engine;
	const struct sl_clock *clock;
	char *config_path; /* NULL = none */
	uint64_t started_ns;

	struct sl_conf *conf;     /* running; NULL before the first */
	uint64_t generation;      /* of the configuration: 1 for the first, +1 with each after it */
	struct sl_conf *fallback; /* not NULL while conf waits to be confirmed */
	uint64_t confirm_until_ns;

	struct sl_method_set *methods;
	struct sl_events *events;
	struct sl_stats *stats;           /* lb/stats.h: rates and zeroing */
	struct sl_work_rates *work_rates; /* api/work_rates.h */
	struct sl_listing *listing;       /* api/listing.h */
};

/*
 * Makes `conf` run, all or nothing; a reference is taken. 0, or an enum sl_rpc_code with `err` set.
 * Everything that changes the configuration ends here.
 */
int sl_state_install(struct sl_director *director, struct sl_conf *conf, struct sl_err *err);

/* The same, and back to what ran before unless sl_state_confirm() is called within `seconds`. */
int sl_state_install_unconfirmed(
	struct sl_director *director, struct sl_conf *conf, unsigned seconds, struct sl_err *err);
void sl_state_confirm(struct sl_director *director);
int sl_state_roll_back(struct sl_director *director, const char *why, struct sl_err *err);

/* Seconds until the roll-back, rounded up; 0 = nothing waits. */
unsigned sl_state_confirm_left_s(const struct sl_director *director);

/* The file, read anew; the caller's reference in *out. 0, or an enum sl_rpc_code. */
int sl_state_read_file(struct sl_director *director, struct sl_conf **out, struct sl_err *err);

/* Writes the running configuration to the file, atomically. 0, or an enum sl_rpc_code. */
int sl_state_save(struct sl_director *director, struct sl_err *err);

/* An event; `details` is taken over. */
void sl_state_event(struct sl_director *director, enum sl_event_class class, json_t *details);

#endif
