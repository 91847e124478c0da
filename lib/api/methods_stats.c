/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.* and drops.get: counters. */
#include "api/params.h"
#include "api/report.h"
#include "api/state.h"
#include "lb/drop.h"
#include "lb/publish.h"
#include "lb/stats.h"

static int put_row(struct sl_call *call, const struct sl_conf_service *service, json_t *array,
	enum sl_report_numbers which)
{
	json_t *row = sl_report_stats(call->director, service, which);

	if (row == NULL || json_array_append_new(array, row) < 0)
		return -1;
	return 1 + (int)service->n_servers;
}

static int put_totals(struct sl_call *call, const struct sl_conf_service *service, json_t *array)
{
	return put_row(call, service, array, SL_REPORT_TOTALS);
}

static int put_rates(struct sl_call *call, const struct sl_conf_service *service, json_t *array)
{
	return put_row(call, service, array, SL_REPORT_RATES);
}

/* One service if one is named, else a page of all. */
static int list(struct sl_call *call, sl_service_row row)
{
	const struct sl_conf_service *service;
	json_t *array;

	if (json_object_get(call->params, "service") == NULL)
		return sl_page_services(call, "services", row);
	service = sl_param_service(call);
	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	array = json_array();
	if (row(call, service, array) < 0)
		call->no_memory = true;
	sl_call_put(call, "services", array);
	return 0;
}

static int stats_get(struct sl_call *call)
{
	return list(call, put_totals);
}

static int stats_rates(struct sl_call *call)
{
	return list(call, put_rates);
}

static int stats_zero(struct sl_call *call)
{
	sl_stats_zero(call->director->stats, SL_ID_NONE);
	return 0;
}

/* Of one reason: its total, and by worker. `elsewhere` is what no worker counted. */
static json_t *drop_row(const struct sl_engine *engine, unsigned reason, uint64_t elsewhere)
{
	json_t *row = json_pack("{s:s, s:s}", "name", sl_drop_infos[reason].name, "help",
		sl_drop_infos[reason].help);
	json_t *workers = json_array();
	uint64_t total = elsewhere;

	for (unsigned i = 0; i < engine->n_workers; i++) {
		uint64_t count = sl_count_read(engine->workers[i]->stats.drops[reason]);

		total += count;
		json_array_append_new(workers, json_integer(count > INT64_MAX ? INT64_MAX : count));
	}
	sl_json_count(row, "total", total);
	json_object_set_new(row, "workers", workers);
	return row;
}

static int drops_get(struct sl_call *call)
{
	const struct sl_host *host = call->director->host;
	uint64_t elsewhere[SL_DROP_COUNT] = {0};
	json_t *rows = json_array();

	if (host->drops != NULL)
		host->drops(host->arg, elsewhere);
	for (unsigned reason = 0; reason < SL_DROP_COUNT; reason++) {
		if (json_array_append_new(
			    rows, drop_row(call->director->engine, reason, elsewhere[reason])) < 0)
			call->no_memory = true;
	}
	sl_call_put(call, "reasons", rows);
	return 0;
}

#define NUMBERS "connections, in_packets, out_packets, in_bytes, out_bytes"

const struct sl_method sl_methods_stats[] = {
	{
		.name = "stats.get",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE "," SL_SCHEMA_SERVICE_KEY),
		.result = "services: [{protocol, address, port, " NUMBERS
			  ", servers: [{address, port, " NUMBERS "}]}], cursor while there is more",
		.handler = stats_get,
		.help = "Gives what every service and server has counted since it was last zeroed.",
	},
	{
		.name = "stats.rates",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE "," SL_SCHEMA_SERVICE_KEY),
		.result = "as of stats.get, per second",
		.handler = stats_rates,
		.help = "Gives connections, packets and bytes per second, smoothed over some "
			"seconds as LVS does.",
	},
	{
		.name = "stats.zero",
		.params = "",
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = stats_zero,
		.help = "Sets the counters of all services and servers to zero.",
	},
	{
		.name = "drops.get",
		.params = "",
		.result = "reasons: [{name, help, total, workers: [count]}]",
		.handler = drops_get,
		.help = "Gives every reason for which packets are dropped, and how many were.",
	},
	{.name = NULL},
};
