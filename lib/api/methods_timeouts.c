/* SPDX-License-Identifier: BSD-3-Clause */
/* timeouts.*: how long a connection is remembered without a packet, by its state. */
#include <ctype.h>
#include <string.h>

#include "api/params.h"
#include "api/state.h"
#include "base/units.h"

/* The key of a state: its name in small letters. */
static const char *state_key(enum sl_state state, char key[16])
{
	size_t i = 0;

	for (; sl_state_names[state][i] != '\0' && i < 15; i++)
		key[i] = (char)tolower((unsigned char)sl_state_names[state][i]);
	key[i] = '\0';
	return key;
}

/* Of a value that was checked: seconds, or text with a unit. */
static uint16_t seconds(const json_t *value)
{
	uint64_t ms = 0;

	if (json_is_integer(value))
		return json_integer_value(value);
	sl_duration_parse(json_string_value(value), &ms);
	return ms / 1000;
}

static int timeouts_get(struct sl_call *call)
{
	const struct sl_timeouts *timeouts = &call->director->conf->timeouts;
	json_t *object = json_object();
	char key[16];

	for (unsigned state = 0; state < SL_STATE_COUNT; state++) {
		if (json_object_set_new(
			    object, state_key(state, key), json_integer(timeouts->s[state])) < 0)
			call->no_memory = true;
	}
	sl_call_put(call, "timeouts", object);
	return 0;
}

static int timeouts_set(struct sl_call *call)
{
	struct sl_timeouts timeouts = call->director->conf->timeouts;
	json_t *wanted = json_object_get(call->params, "timeouts");
	struct sl_conf *conf;
	char key[16];
	int code;

	for (unsigned state = 0; state < SL_STATE_COUNT; state++) {
		json_t *value = json_object_get(wanted, state_key(state, key));

		if (value != NULL)
			timeouts.s[state] = seconds(value);
	}
	conf = sl_conf_with_timeouts(call->director->conf, &timeouts);
	if (conf == NULL)
		return sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
	code = sl_state_install(call->director, conf, &call->err);
	sl_conf_unref(conf);
	return code;
}

const struct sl_method sl_methods_timeouts[] = {
	{
		.name = "timeouts.get",
		.params = "",
		.result = "timeouts: {state: seconds}",
		.handler = timeouts_get,
		.help = "Gives the timeouts of connections by their state.",
	},
	{
		.name = "timeouts.set",
		.params = SL_SCHEMA_NEEDS("\"timeouts\"",
			"\"timeouts\":{\"title\":\"By state; what is not given stays\","
			"\"$ref\":\"#/properties/timeouts\"}"),
		.result = "",
		.flags = SL_METHOD_WRITE,
		.handler = timeouts_set,
		.help = "Changes timeouts; connections that are there follow them at once.",
	},
	{.name = NULL},
};
