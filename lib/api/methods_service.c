/* SPDX-License-Identifier: BSD-3-Clause */
/* service.*: virtual services. */
#include <string.h>

#include "api/edit.h"
#include "api/params.h"
#include "api/report.h"
#include "api/state.h"
#include "conf/load.h"
#include "lb/stats.h"

static int put_service(struct sl_call *call, const struct sl_conf_service *service, json_t *array)
{
	json_t *row = sl_report_service(call->director, service);

	if (row == NULL || json_array_append_new(array, row) < 0)
		return -1;
	return 1 + (int)service->n_servers;
}

static int service_list(struct sl_call *call)
{
	return sl_page_services(call, "services", put_service);
}

static int service_get(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	sl_call_put(call, "service", sl_report_service(call->director, service));
	return 0;
}

static int service_add(struct sl_call *call)
{
	json_t *document = json_object_get(call->params, "service");
	char text[SL_SERVICE_KEY_TEXT];
	struct sl_service_key key;

	sl_param_service_key(document, &key);
	if (sl_conf_service_find(call->director->conf, &key) != NULL) {
		sl_call_fail(call, SL_RPC_SERVICE_EXISTS, "/params/service",
			"there is a virtual service %s already", sl_service_key_text(&key, text));
		sl_err_hint(&call->err, "service.edit changes it");
		return SL_RPC_SERVICE_EXISTS;
	}
	return sl_edit_put(call, json_incref(document));
}

static int service_edit(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);
	json_t *document, *value;
	const char *key;

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	document = sl_conf_service_to_json(service);
	json_object_foreach (call->params, key, value) {
		if (strcmp(key, "service") != 0 && strcmp(key, "if_generation") != 0)
			json_object_set(document, key, value);
	}
	return sl_edit_put(call, document);
}

static int service_delete(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	return sl_edit_remove(call, &service->key);
}

static int service_zero(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	sl_stats_zero(call->director->stats,
		sl_registry_front(call->director->engine->registry, &service->key));
	return 0;
}

const struct sl_method sl_methods_service[] = {
	{
		.name = "service.list",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE),
		.result = "services: [{protocol, address, port, scheduler, scheduler_flags, "
			  "proxy_protocol, toa, "
			  "active, inactive, servers: [{address, port, weight, forward, "
			  "lvs_forward, tunnel, active, inactive, state}]}], "
			  "cursor while there is more",
		.handler = service_list,
		.help = "Lists the virtual services and their real servers.",
	},
	{
		.name = "service.get",
		.params = SL_SCHEMA_NEEDS("\"service\"", SL_SCHEMA_SERVICE_KEY),
		.result = "service: as in service.list",
		.handler = service_get,
		.help = "Gives one virtual service.",
	},
	{
		.name = "service.add",
		.params = SL_SCHEMA_NEEDS("\"service\"",
			"\"service\":{\"title\":\"As in the file; servers may come with it\","
			"\"$ref\":\"#/$defs/service\"}"),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = service_add,
		.help = "Adds a virtual service.",
	},
	{
		.name = "service.edit",
		.params = SL_SCHEMA_NEEDS("\"service\"",
			SL_SCHEMA_SERVICE_KEY
			",\"scheduler\":{\"$ref\":\"#/$defs/scheduler\"}"
			",\"scheduler_flags\":{\"$ref\":\"#/$defs/scheduler_flags\"}"
			",\"proxy_protocol\":{\"$ref\":\"#/$defs/proxy_protocol\"}"
			",\"toa\":{\"$ref\":\"#/$defs/toa\"}"),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = service_edit,
		.help = "Changes a virtual service; what is not given stays, as do its servers and "
			"connections.",
	},
	{
		.name = "service.delete",
		.params = SL_SCHEMA_NEEDS("\"service\"", SL_SCHEMA_SERVICE_KEY),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = service_delete,
		.help = "Deletes a virtual service and its real servers. Packets of its "
			"connections "
			"are dropped; for two minutes, adding the same again revives them.",
	},
	{
		.name = "service.zero",
		.params = SL_SCHEMA_NEEDS("\"service\"", SL_SCHEMA_SERVICE_KEY),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = service_zero,
		.help = "Sets the counters of a virtual service and its real servers to zero.",
	},
	{.name = NULL},
};
