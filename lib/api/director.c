/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/director.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/listing.h"
#include "api/state.h"
#include "api/work_rates.h"
#include "base/log.h"
#include "conf/change.h"
#include "conf/load.h"
#include "lb/stats.h"

#define DISCARDED_MAX 20 /* changes that a reload names in the log */

struct sl_director *sl_director_new(const struct sl_director_params *params, struct sl_err *err)
{
	struct sl_director *director = calloc(1, sizeof(*director));

	if (director == NULL)
		goto no_memory;
	director->host = params->host;
	director->engine = params->engine;
	director->clock = params->clock;
	director->started_ns = params->started_ns;
	if (params->config_path != NULL) {
		director->config_path = strdup(params->config_path);
		if (director->config_path == NULL)
			goto no_memory;
	}
	director->methods = sl_method_set_new(err);
	if (director->methods == NULL)
		goto free_director;
	director->events = sl_events_new();
	director->stats = sl_stats_new(params->engine);
	director->work_rates = sl_work_rates_new(params->engine);
	director->listing = sl_listing_new(params->engine, params->host);
	if (director->events != NULL && director->stats != NULL && director->work_rates != NULL &&
		director->listing != NULL)
		return director;

no_memory:
	sl_err_set(err, ENOMEM, NULL, "out of memory");
free_director:
	sl_director_free(director);
	return NULL;
}

void sl_director_free(struct sl_director *director)
{
	if (director == NULL)
		return;
	sl_listing_free(director->listing);
	sl_work_rates_free(director->work_rates);
	sl_stats_free(director->stats);
	sl_events_free(director->events);
	sl_method_set_free(director->methods);
	sl_conf_unref(director->fallback);
	sl_conf_unref(director->conf);
	free(director->config_path);
	free(director);
}

int sl_director_apply(struct sl_director *director, struct sl_conf *conf, struct sl_err *err)
{
	struct sl_err own = {0};

	if (sl_state_install(director, conf, &own) == 0)
		return 0;
	if (err != NULL && err->code == 0)
		*err = own;
	return own.code != 0 ? -own.code : -EIO;
}

/* Says in the log what ran until now and does not after the reload. */
static void log_discarded(const json_t *changes)
{
	const json_t *change;
	size_t i;

	json_array_foreach (changes, i, change) {
		char *text = json_dumps(change, JSON_COMPACT | JSON_ENCODE_ANY);

		sl_log_notice("reload: %s", text != NULL ? text : "a change");
		free(text);
	}
	if (json_array_size(changes) == 0)
		sl_log_notice("reload: the file is what runs already");
}

/* Makes a file's configuration run; its changes are logged only when they came to pass. */
static int install_file(struct sl_director *director, struct sl_conf *conf, struct sl_err *err)
{
	json_t *changes = sl_conf_diff(director->conf, conf, DISCARDED_MAX);
	int rc = sl_state_install(director, conf, err);

	if (rc == 0)
		log_discarded(changes);
	json_decref(changes);
	return rc;
}

int sl_director_reload(struct sl_director *director, struct sl_err *err)
{
	struct sl_conf *conf = NULL;
	struct sl_err own = {0};
	int rc;

	if (director->fallback != NULL) {
		rc = SL_RPC_CONFIRM_PENDING;
		sl_err_set(&own, EBUSY, NULL, "an applied configuration waits to be confirmed");
	} else {
		rc = sl_state_read_file(director, &conf, &own);
	}
	if (rc == 0)
		rc = install_file(director, conf, &own);
	sl_conf_unref(conf);
	if (rc == 0)
		return 0;
	if (err != NULL && err->code == 0)
		*err = own;
	return own.code != 0 ? -own.code : -EIO;
}

/* Ids whose time is over become free; that may need a generation of its own. */
static void age_ids(struct sl_director *director, uint64_t now_ns)
{
	struct sl_snapshot *snapshot = NULL;
	struct sl_err err = {0};

	if (director->host->can_publish(director->host->arg, &err) < 0)
		return; /* the next tick tries again */
	if (sl_registry_age(director->engine->registry, now_ns, &snapshot) == 0 &&
		snapshot != NULL &&
		director->host->publish(director->host->arg, snapshot, &err) < 0)
		sl_log_error("a generation could not be published: %s", err.message);
}

void sl_director_tick(struct sl_director *director)
{
	uint64_t now_ns = sl_clock_ns(director->clock);
	struct sl_err err = {0};

	if (director->conf == NULL)
		return;
	if (director->fallback != NULL && now_ns >= director->confirm_until_ns &&
		sl_state_roll_back(director, "not confirmed in time", &err) != 0)
		sl_log_error("the configuration was not confirmed and could not be rolled back "
			     "yet: %s",
			err.message);
	age_ids(director, now_ns);
	sl_stats_tick(director->stats, now_ns);
	sl_work_rates_tick(director->work_rates, now_ns);
}

void sl_director_event(struct sl_director *director, const char *event_class, json_t *details)
{
	enum sl_event_class class = sl_event_class_find(event_class);

	sl_state_event(director, class == SL_EVENT_COUNT ? SL_EVENT_SYSTEM : class, details);
}

struct sl_events *sl_director_events(struct sl_director *director)
{
	return director->events;
}

const struct sl_conf *sl_director_conf(const struct sl_director *director)
{
	return director->conf;
}
