/* SPDX-License-Identifier: BSD-3-Clause */
/* server.*: real servers of a virtual service. */
#include "api/edit.h"
#include "api/params.h"
#include "api/report.h"
#include "api/state.h"
#include "conf/load.h"

#define SCHEMA_SERVER_KEY                                                                          \
	"\"server\":{\"title\":\"The real server; without port that of the service\","             \
	"\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"address\"],"           \
	"\"properties\":{\"address\":{\"$ref\":\"#/$defs/address\"},"                              \
	"\"port\":{\"$ref\":\"#/$defs/service_port\"}}}"

static int server_list(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	return sl_page_array(call, "servers", sl_report_servers(call->director, service));
}

/* The index of the server that params.server names in the service, -1 when it has none such. */
static int param_server_index(const struct sl_call *call, const struct sl_conf_service *service)
{
	json_t *server = json_object_get(call->params, "server");
	struct sl_addr address;

	sl_param_address(server, "address", &address);
	return sl_edit_server_index(
		service, &address, json_integer_value(json_object_get(server, "port")));
}

static const char *server_text(const struct sl_call *call)
{
	json_t *server = json_object_get(call->params, "server");

	return json_string_value(json_object_get(server, "address"));
}

static int no_server(struct sl_call *call, const struct sl_conf_service *service)
{
	char text[SL_SERVICE_KEY_TEXT];

	return sl_call_fail(call, SL_RPC_NO_SERVER, "/params/server",
		"%s has no real server %s of that port", sl_service_key_text(&service->key, text),
		server_text(call));
}

static int server_add(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);
	char text[SL_SERVICE_KEY_TEXT];
	json_t *document;

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	if (param_server_index(call, service) >= 0) {
		sl_call_fail(call, SL_RPC_SERVER_EXISTS, "/params/server",
			"%s has a real server %s already", sl_service_key_text(&service->key, text),
			server_text(call));
		sl_err_hint(&call->err, "server.edit changes it");
		return SL_RPC_SERVER_EXISTS;
	}
	document = sl_conf_service_to_json(service);
	if (json_object_get(document, "servers") == NULL)
		json_object_set_new(document, "servers", json_array());
	json_array_append(
		json_object_get(document, "servers"), json_object_get(call->params, "server"));
	return sl_edit_put(call, document);
}

/* Sets what `given` has; another method has no use for the options of the one before. */
static void change_server(json_t *server, json_t *given)
{
	json_t *forward = json_object_get(given, "forward");

	if (forward != NULL && json_object_get(given, "tunnel") == NULL &&
		!json_equal(forward, json_object_get(server, "forward")))
		json_object_del(server, "tunnel");
	json_object_update_recursive(server, given);
}

static int server_edit(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);
	json_t *document, *server;
	int index;

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	index = param_server_index(call, service);
	if (index < 0)
		return no_server(call, service);
	document = sl_conf_service_to_json(service);
	server = json_array_get(json_object_get(document, "servers"), index);
	change_server(server, json_object_get(call->params, "server"));
	return sl_edit_put(call, document);
}

static int server_delete(struct sl_call *call)
{
	const struct sl_conf_service *service = sl_param_service(call);
	json_t *document;
	int index;

	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	index = param_server_index(call, service);
	if (index < 0)
		return no_server(call, service);
	document = sl_conf_service_to_json(service);
	json_array_remove(json_object_get(document, "servers"), index);
	return sl_edit_put(call, document);
}

const struct sl_method sl_methods_server[] = {
	{
		.name = "server.list",
		.params = SL_SCHEMA_NEEDS("\"service\"", SL_SCHEMA_SERVICE_KEY "," SL_SCHEMA_PAGE),
		.result = "servers: [{address, port, weight, forward, lvs_forward, tunnel, active, "
			  "inactive, state}], "
			  "cursor while there is more",
		.handler = server_list,
		.help = "Lists the real servers of a virtual service.",
	},
	{
		.name = "server.add",
		.params = SL_SCHEMA_NEEDS("\"service\",\"server\"",
			SL_SCHEMA_SERVICE_KEY ",\"server\":{\"title\":\"As in the file\","
					      "\"$ref\":\"#/$defs/server\"}"),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = server_add,
		.help = "Adds a real server to a virtual service.",
	},
	{
		.name = "server.edit",
		.params = SL_SCHEMA_NEEDS("\"service\",\"server\"",
			SL_SCHEMA_SERVICE_KEY
			",\"server\":{\"title\":\"Address and port say which; the others are set\","
			"\"$ref\":\"#/$defs/server\"}"),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = server_edit,
		.help = "Changes a real server; what is not given stays. With weight 0 it takes no "
			"new connections and keeps those it has.",
	},
	{
		.name = "server.delete",
		.params = SL_SCHEMA_NEEDS(
			"\"service\",\"server\"", SL_SCHEMA_SERVICE_KEY "," SCHEMA_SERVER_KEY),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = server_delete,
		.help = "Removes a real server. Packets of its connections are dropped; for two "
			"minutes, adding the same again revives them.",
	},
	{.name = NULL},
};
