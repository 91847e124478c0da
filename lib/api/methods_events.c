/* SPDX-License-Identifier: BSD-3-Clause */
/* events.*: being told what happens. */
#include <string.h>

#include "api/params.h"
#include "api/state.h"

/* The classes that the parameters name; all without any. */
static uint32_t take_classes(const struct sl_call *call)
{
	json_t *names = json_object_get(call->params, "classes"), *name;
	uint32_t classes = 0;
	size_t i;

	json_array_foreach (names, i, name) {
		enum sl_event_class class = sl_event_class_find(json_string_value(name));

		classes |= class == SL_EVENT_COUNT ? SL_EVENTS_ALL : 1u << class;
	}
	return classes != 0 ? classes : SL_EVENTS_ALL;
}

static int events_subscribe(struct sl_call *call)
{
	json_t *since = json_object_get(call->params, "since");
	struct sl_events *events = call->director->events;
	uint64_t next = sl_events_next(events);

	sl_events_subscribe(events, &call->peer->subscription, take_classes(call),
		since != NULL ? (uint64_t)json_integer_value(since) : next);
	sl_call_put(call, "next", json_integer(next));
	return 0;
}

static int events_unsubscribe(struct sl_call *call)
{
	sl_events_unsubscribe(call->director->events, &call->peer->subscription);
	return 0;
}

static int events_classes(struct sl_call *call)
{
	json_t *classes = json_array();

	for (unsigned i = 0; i < SL_EVENT_COUNT; i++) {
		if (json_array_append_new(classes,
			    json_pack("{s:s, s:s}", "name", sl_event_infos[i].name, "help",
				    sl_event_infos[i].help)) < 0)
			call->no_memory = true;
	}
	sl_call_put(call, "classes", classes);
	return 0;
}

#define X(NAME, name, help) "\"" name "\","
#define CLASS_NAMES         SL_EVENT_CLASSES(X) "\"all\""

const struct sl_method sl_methods_events[] = {
	{
		.name = "events.subscribe",
		.params = SL_SCHEMA(
			"\"classes\":{\"title\":\"Which; all without it\","
			"\"type\":\"array\",\"maxItems\":64,"
			"\"items\":{\"type\":\"string\",\"enum\":[" CLASS_NAMES "]}},"
			"\"since\":{\"title\":\"Number of the first event wanted; without "
			"it from now on\",\"type\":\"integer\",\"minimum\":1}"),
		.result =
			"next: the number of the next event. Then notifications events.event "
			"{sequence, class, time, details} and, for what was overwritten before it "
			"could be told, events.lost {from, next, count}",
		.handler = events_subscribe,
		.help = "Has what happens told on this connection. The last 4096 events are kept, "
			"so that one can go on where another connection ended.",
	},
	{
		.name = "events.unsubscribe",
		.params = "",
		.result = "",
		.handler = events_unsubscribe,
		.help = "Ends what events.subscribe began.",
	},
	{
		.name = "events.classes",
		.params = "",
		.result = "classes: [{name, help}]",
		.handler = events_classes,
		.help = "Lists the classes of events.",
	},
	{.name = NULL},
};
#undef X
