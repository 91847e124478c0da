/* SPDX-License-Identifier: BSD-3-Clause */
/* rpc.discover: the API describes itself. */
#include "api/params.h"
#include "api/state.h"
#include "conf/schema.h"

struct collection {
	json_t *array;
	bool failed;
};

static void put_method(void *arg, const struct sl_method *method)
{
	struct collection *into = arg;
	json_t *row = json_pack("{s:s, s:b, s:o, s:s, s:s}", "name", method->name, "write",
		method->flags & SL_METHOD_WRITE ? 1 : 0, "params", sl_method_schema(method),
		"result", method->result, "help", method->help);

	if (json_array_append_new(into->array, row) < 0)
		into->failed = true;
}

static json_t *errors_json(void)
{
	json_t *errors = json_array();

	for (const struct sl_rpc_error_info *e = sl_rpc_errors; e->name != NULL; e++)
		json_array_append_new(errors,
			json_pack("{s:i, s:s, s:s}", "code", e->code, "name", e->name, "meaning",
				e->meaning));
	return errors;
}

static int rpc_discover(struct sl_call *call)
{
	struct collection into = {json_array(), false};

	sl_method_each(put_method, &into);
	call->no_memory |= into.failed;
	sl_call_put(call, "methods", into.array);
	sl_call_put(call, "errors", errors_json());
	sl_call_put(call, "schema", json_incref((json_t *)sl_schema_conf()));
	return 0;
}

const struct sl_method sl_methods_rpc[] = {
	{
		.name = "rpc.discover",
		.params = "",
		.result = "methods: [{name, write, params, result, help}]; errors: [{code, name, "
			  "meaning}]; schema: of the configuration, which \"$ref\" refers to",
		.handler = rpc_discover,
		.help = "Lists the methods with the schemas of their parameters.",
	},
	{.name = NULL},
};
