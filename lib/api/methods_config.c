/* SPDX-License-Identifier: BSD-3-Clause */
/* config.*: the configuration as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/params.h"
#include "api/state.h"
#include "conf/change.h"
#include "conf/load.h"

#define DIFF_MAX 1000

#define SCHEMA_DOCUMENT                                                                            \
	"\"config\":{\"title\":\"The configuration, as in the file\",\"type\":\"object\"},"        \
	"\"text\":{\"title\":\"The configuration as text, comments allowed; errors then have "     \
	"line and column\",\"type\":\"string\"}"

/* The configuration that the parameters bring. The caller's reference. 0 or an enum sl_rpc_code. */
static int take_document(struct sl_call *call, struct sl_conf **out)
{
	json_t *config = json_object_get(call->params, "config");
	json_t *text = json_object_get(call->params, "text");
	int rc;

	if ((config == NULL) == (text == NULL))
		return sl_call_fail(call, SL_RPC_PARAMS, "/params",
			"either \"config\" or \"text\" brings the configuration");
	if (text != NULL)
		rc = sl_conf_parse(
			json_string_value(text), json_string_length(text), out, &call->err);
	else
		rc = sl_conf_from_json(config, out, &call->err);
	if (rc == 0)
		return 0;
	return rc == -ENOMEM ? SL_RPC_INTERNAL : SL_RPC_CONFIG;
}

static int config_get(struct sl_call *call)
{
	sl_call_put(call, "config", sl_conf_to_json(call->director->conf));
	return 0;
}

static int config_test(struct sl_call *call)
{
	struct sl_conf *conf = NULL;
	int code = take_document(call, &conf);

	if (code == 0 && sl_conf_check_live(call->director->conf, conf, &call->err) < 0)
		code = SL_RPC_NEEDS_START;
	if (code == 0)
		sl_call_put(call, "services", json_integer(conf->n_services));
	sl_conf_unref(conf);
	return code;
}

static int config_diff(struct sl_call *call)
{
	json_t *limit = json_object_get(call->params, "limit");
	struct sl_conf *conf = NULL;
	int code = take_document(call, &conf);

	if (code == 0)
		sl_call_put(call, "changes",
			sl_conf_diff(call->director->conf, conf,
				limit != NULL ? json_integer_value(limit) : DIFF_MAX));
	sl_conf_unref(conf);
	return code;
}

static int config_apply(struct sl_call *call)
{
	json_t *seconds = json_object_get(call->params, "confirm_within_s");
	struct sl_director *director = call->director;
	struct sl_conf *conf = NULL;
	int code = take_document(call, &conf);

	if (code == 0 && seconds != NULL)
		code = sl_state_install_unconfirmed(
			director, conf, json_integer_value(seconds), &call->err);
	else if (code == 0)
		code = sl_state_install(director, conf, &call->err);
	if (code == 0)
		sl_call_put(call, "services", json_integer(conf->n_services));
	sl_conf_unref(conf);
	return code;
}

static int check_pending(struct sl_call *call)
{
	if (call->director->fallback != NULL)
		return 0;
	return sl_call_fail(
		call, SL_RPC_NOT_PENDING, NULL, "no configuration waits to be confirmed");
}

static int config_confirm(struct sl_call *call)
{
	int code = check_pending(call);

	if (code == 0)
		sl_state_confirm(call->director);
	return code;
}

static int config_rollback(struct sl_call *call)
{
	int code = check_pending(call);

	if (code == 0)
		code = sl_state_roll_back(call->director, "asked for", &call->err);
	return code;
}

static int config_save(struct sl_call *call)
{
	int code = sl_state_save(call->director, &call->err);

	if (code == 0)
		sl_call_put(call, "file", json_string(call->director->config_path));
	return code;
}

static int config_reload(struct sl_call *call)
{
	struct sl_director *director = call->director;
	struct sl_conf *conf = NULL;
	int code = sl_state_read_file(director, &conf, &call->err);
	json_t *changes = NULL;

	if (code == 0) {
		changes = sl_conf_diff(director->conf, conf, DIFF_MAX);
		code = sl_state_install(director, conf, &call->err);
	}
	if (code == 0)
		sl_call_put(call, "changes", json_incref(changes));
	json_decref(changes);
	sl_conf_unref(conf);
	return code;
}

const struct sl_method sl_methods_config[] = {
	{
		.name = "config.get",
		.params = "",
		.result = "config: the running configuration as a document; defaults are left out",
		.handler = config_get,
		.help = "Gives the running configuration.",
	},
	{
		.name = "config.test",
		.params = SL_SCHEMA(SCHEMA_DOCUMENT),
		.result = "services: their number",
		.handler = config_test,
		.help = "Checks a configuration, and that it needs no restart; changes nothing.",
	},
	{
		.name = "config.diff",
		.params =
			SL_SCHEMA(SCHEMA_DOCUMENT ",\"limit\":{\"title\":\"Most changes to name\","
						  "\"type\":\"integer\",\"minimum\":1,"
						  "\"maximum\":100000}"),
		.result = "changes: [{op, path, from, to}]",
		.handler = config_diff,
		.help = "Shows what applying a configuration would change.",
	},
	{
		.name = "config.apply",
		.params = SL_SCHEMA(SCHEMA_DOCUMENT
			",\"confirm_within_s\":{\"title\":\"Seconds until it is taken back unless "
			"confirmed\",\"type\":\"integer\",\"minimum\":1,\"maximum\":86400}"),
		.result = "services: their number",
		.flags = SL_METHOD_WRITE,
		.handler = config_apply,
		.help = "Makes a configuration run, all of it or nothing. With confirm_within_s it "
			"is taken back by itself unless config.confirm comes in time; until then "
			"nothing else can be changed. The file is not written: see config.save.",
	},
	{
		.name = "config.confirm",
		.params = "",
		.result = "",
		.flags = SL_METHOD_WRITE | SL_METHOD_CONFIRM,
		.handler = config_confirm,
		.help = "Keeps the configuration that waits to be confirmed.",
	},
	{
		.name = "config.rollback",
		.params = "",
		.result = "",
		.flags = SL_METHOD_WRITE | SL_METHOD_CONFIRM,
		.handler = config_rollback,
		.help = "Takes back the configuration that waits to be confirmed.",
	},
	{
		.name = "config.save",
		.params = "",
		.result = "file: its name",
		.flags = SL_METHOD_WRITE,
		.handler = config_save,
		.help = "Writes the running configuration to the director's file, atomically; "
			"owner and mode stay, comments do not.",
	},
	{
		.name = "config.reload",
		.params = "",
		.result = "changes: what the file changed, as of config.diff",
		.flags = SL_METHOD_WRITE,
		.handler = config_reload,
		.help = "Applies the director's file again; live changes that it does not have are "
			"discarded.",
	},
	{.name = NULL},
};
