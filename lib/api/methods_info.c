/* SPDX-License-Identifier: BSD-3-Clause */
/* info.get: what is running. */
#include <unistd.h>

#include "api/params.h"
#include "api/state.h"

static int info_get(struct sl_call *call)
{
	const struct sl_director *d = call->director;
	const struct sl_engine *engine = d->engine;
	uint64_t up_s = (sl_clock_ns(d->clock) - d->started_ns) / SL_NS_PER_S, capacity = 0;

	for (unsigned i = 0; i < engine->n_workers; i++)
		capacity += sl_conn_lines(engine->workers[i]->narrow) * 4;
	sl_call_put(call, "name", json_string("sluice"));
	sl_call_put(call, "version", json_string(SL_VERSION));
	sl_call_put(call, "instance", json_string(d->conf->instance));
	sl_call_put(call, "pid", json_integer(getpid()));
	sl_call_put(call, "uptime_s", json_integer(up_s));
	sl_call_put(call, "workers", json_integer(engine->n_workers));
	sl_call_put(call, "services", json_integer(d->conf->n_services));
	sl_call_put(call, "connections_max", json_integer(capacity));
	sl_call_put(call, "adopted", json_boolean(engine->adopted));
	if (engine->not_adopted[0] != '\0')
		sl_call_put(call, "not_adopted", json_string(engine->not_adopted));
	sl_call_put(call, "config_file",
		d->config_path != NULL ? json_string(d->config_path) : json_null());
	sl_call_put(
		call, "snapshot", json_integer(sl_registry_latest(engine->registry)->generation));
	if (d->fallback != NULL)
		sl_call_put(call, "confirm_within_s", json_integer(sl_state_confirm_left_s(d)));
	return 0;
}

const struct sl_method sl_methods_info[] = {
	{
		.name = "info.get",
		.params = "",
		.result = "name, version, instance, pid, uptime_s, workers, services, "
			  "connections_max, adopted, not_adopted, config_file, snapshot, "
			  "confirm_within_s",
		.handler = info_get,
		.help = "Says what is running, since when, and whether it took over the "
			"connections of an earlier process.",
	},
	{.name = NULL},
};
