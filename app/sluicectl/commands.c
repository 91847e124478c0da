/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of commands. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl/build.h"
#include "sluicectl/command.h"
#include "sluicectl/format.h"
#include "sluicectl/show.h"

#define OPTION(NAME)                               (UINT64_C(1) << CTL_##NAME)
#define OPTION_OR(NAME, letter, name, value, help) OPTION(NAME) |

/* ---- commands that are more than one call ---- */

static struct ctl_format list_format(const struct ctl_args *args)
{
	return (struct ctl_format){
		.listing = args->options[CTL_STATS] != NULL ? CTL_LIST_STATS
			: args->options[CTL_RATE] != NULL   ? CTL_LIST_RATE
							    : CTL_LIST_PLAIN,
		.exact = args->options[CTL_EXACT] != NULL,
		.nosort = args->options[CTL_NOSORT] != NULL,
	};
}

/* LVS's listing: its head needs to know who answers. */
static int run_list(struct ctl *ctl, const struct ctl_args *args)
{
	static const char *const methods[] = {
		[CTL_LIST_PLAIN] = "service.list",
		[CTL_LIST_STATS] = "stats.get",
		[CTL_LIST_RATE] = "stats.rates",
	};
	struct ctl_format format = list_format(args);
	json_t *info, *list, *service;
	int status;
	size_t i;

	list = ctl_call(ctl, methods[format.listing], json_object(), "services", NULL, &status);
	if (list == NULL)
		return status;
	if (ctl->json) {
		ctl_show_json(ctl, args, list);
		json_decref(list);
		return CTL_OK;
	}
	info = ctl_call(ctl, "info.get", json_object(), NULL, NULL, &status);
	if (info != NULL) {
		ctl_format_head(ctl->out, &format,
			json_string_value(json_object_get(info, "version")),
			json_integer_value(json_object_get(info, "connections_max")));
		json_array_foreach (json_object_get(list, "services"), i, service)
			ctl_format_service(ctl->out, &format, service);
	}
	json_decref(info);
	json_decref(list);
	return status;
}

static int run_call(struct ctl *ctl, const struct ctl_args *args)
{
	json_error_t where;
	json_t *params, *result;
	int status;

	params = args->n < 2 ? json_object() : json_loads(args->words[1], 0, &where);
	if (params == NULL) {
		fprintf(stderr, "sluicectl: the parameters are not JSON: %s at column %d\n",
			where.text, where.column);
		return CTL_USAGE;
	}
	result = ctl_call(ctl, args->words[0], params, NULL, NULL, &status);
	if (result != NULL)
		ctl_show_json(ctl, args, result);
	json_decref(result);
	return status;
}

/* What events subscribe is told, until the director goes. */
static int show_events(struct ctl *ctl, long long count)
{
	json_t *line;

	while (count-- > 0) {
		line = ctl_link_next(&ctl->link);
		if (line == NULL) {
			fputs("sluicectl: the director closed the connection\n", stderr);
			return CTL_FAILED;
		}
		ctl_show_event(ctl, line);
		json_decref(line);
		fflush(ctl->out);
	}
	return CTL_OK;
}

static int run_events(struct ctl *ctl, const struct ctl_args *args)
{
	const char *since_text = args->options[CTL_SINCE], *count_text = args->options[CTL_COUNT];
	long long since = 0, count = LLONG_MAX;
	json_t *params, *classes, *result;
	int status;

	if ((since_text != NULL && ctl_number(since_text, &since) != 0) ||
		(count_text != NULL && ctl_number(count_text, &count) != 0))
		return CTL_USAGE;
	params = json_object();
	classes = json_array();
	for (unsigned i = 0; i < args->n; i++)
		json_array_append_new(classes, json_string(args->words[i]));
	if (args->n > 0)
		json_object_set(params, "classes", classes);
	json_decref(classes);
	if (since_text != NULL)
		json_object_set_new(params, "since", json_integer(since));
	result = ctl_call(ctl, "events.subscribe", params, NULL, NULL, &status);
	json_decref(result);
	if (status != CTL_OK)
		return status;
	return show_events(ctl, count);
}

static int run_help(struct ctl *ctl, const struct ctl_args *args)
{
	if (ctl_help(ctl->out, (char *const *)args->words, (int)args->n))
		return CTL_OK;
	fprintf(stderr, "sluicectl: there is no command \"%s\"; see sluicectl help\n",
		args->words[0]);
	return CTL_USAGE;
}

static int run_shell(struct ctl *ctl, const struct ctl_args *args)
{
	return ctl_shell(ctl);
}

/* ---- the table ---- */

#define SERVICE_USAGE "tcp|udp ADDRESS:PORT"
#define SERVER_USAGE  SERVICE_USAGE " ADDRESS[:PORT]"
#define WRITE         OPTION(IF_GENERATION)
#define SERVICE_OPTIONS                                                                            \
	(OPTION(SCHEDULER) | OPTION(SCHED_FLAGS) | OPTION(PROXY) | OPTION(TOA) | WRITE)
#define SERVER_OPTIONS                                                                             \
	(CTL_METHODS(OPTION_OR) OPTION(WEIGHT) | OPTION(TUN_TYPE) | OPTION(TUN_PORT) |             \
		OPTION(TUN_NOCSUM) | OPTION(TUN_CSUM) | OPTION(TUN_REMCSUM) | WRITE)

const struct ctl_command ctl_commands[] = {
	{"list", .run = run_list,
		.options = OPTION(STATS) | OPTION(RATE) | OPTION(EXACT) | OPTION(NOSORT) |
			OPTION(NUMERIC),
		.help = "Lists services and servers in the format of LVS's ipvsadm."},
	{"info", "info.get", .build = ctl_build_none, .show = ctl_show_members},
	{"config get", "config.get", .build = ctl_build_none, .show = ctl_show_config},
	{"config test", "config.test", "FILE", 1, 1, .build = ctl_build_file,
		.show = ctl_show_test},
	{"config diff", "config.diff", "FILE", 1, 1, .build = ctl_build_file,
		.show = ctl_show_diff},
	{"config apply", "config.apply", "FILE", 1, 1, OPTION(CONFIRM) | WRITE,
		.build = ctl_build_file, .show = ctl_show_apply},
	{"config confirm", "config.confirm", .options = WRITE, .build = ctl_build_write},
	{"config rollback", "config.rollback", .options = WRITE, .build = ctl_build_write},
	{"config save", "config.save", .options = WRITE, .build = ctl_build_write,
		.show = ctl_show_saved},
	{"config reload", "config.reload", .options = WRITE, .build = ctl_build_write,
		.show = ctl_show_diff},
	{"service list", "service.list", .build = ctl_build_none, .page = "services",
		.show = ctl_show_services},
	{"service get", "service.get", SERVICE_USAGE, 2, 2, .build = ctl_build_service,
		.show = ctl_show_service},
	{"service add", "service.add", SERVICE_USAGE, 2, 2, SERVICE_OPTIONS,
		.build = ctl_build_service_add},
	{"service edit", "service.edit", SERVICE_USAGE, 2, 2, SERVICE_OPTIONS,
		.build = ctl_build_service_edit},
	{"service delete", "service.delete", SERVICE_USAGE, 2, 2, WRITE,
		.build = ctl_build_service},
	{"service zero", "service.zero", SERVICE_USAGE, 2, 2, WRITE, .build = ctl_build_service},
	{"server list", "server.list", SERVICE_USAGE, 2, 2, .build = ctl_build_service,
		.page = "servers", .show = ctl_show_servers},
	{"server add", "server.add", SERVER_USAGE, 3, 3, SERVER_OPTIONS, .build = ctl_build_server},
	{"server edit", "server.edit", SERVER_USAGE, 3, 3, SERVER_OPTIONS,
		.build = ctl_build_server},
	{"server delete", "server.delete", SERVER_USAGE, 3, 3, WRITE, .build = ctl_build_server},
	{"connections", "connection.list",
		.options = OPTION(CLIENT) | OPTION(SERVICE) | OPTION(SERVER) | OPTION(STATE) |
			OPTION(LIMIT) | OPTION(NUMERIC),
		.build = ctl_build_connections, .page = "connections",
		.show = ctl_show_connections},
	{"stats", "stats.get", "[" SERVICE_USAGE "]", 0, 2, .build = ctl_build_stats,
		.page = "services", .show = ctl_show_stats},
	{"rates", "stats.rates", "[" SERVICE_USAGE "]", 0, 2, .build = ctl_build_stats,
		.page = "services", .show = ctl_show_stats},
	{"zero", "stats.zero", .options = WRITE, .build = ctl_build_write},
	{"drops", "drops.get", .options = OPTION(ALL), .build = ctl_build_none,
		.show = ctl_show_drops},
	{"timeouts", "timeouts.get", .build = ctl_build_none, .show = ctl_show_timeouts},
	{"timeouts set", "timeouts.set", "STATE=TIME... | TCP TCPFIN UDP", 1, 12, WRITE,
		.build = ctl_build_timeouts},
	{"workers", "workers.get", .build = ctl_build_none, .show = ctl_show_workers},
	{"ports", "ports.get", .build = ctl_build_none, .show = ctl_show_ports},
	{"neighbours", "neighbours.get", .build = ctl_build_none, .page = "neighbours",
		.show = ctl_show_neighbours},
	{"vips", "vips.get", .build = ctl_build_none, .page = "vips", .show = ctl_show_vips},
	{"events", "events.subscribe", "[CLASS...]", 0, 16, OPTION(SINCE) | OPTION(COUNT),
		.run = run_events},
	{"events classes", "events.classes", .build = ctl_build_none, .show = ctl_show_classes},
	{"methods", "rpc.discover", .build = ctl_build_none, .show = ctl_show_methods},
	{"call", .usage = "METHOD [PARAMETERS]", .min = 1, .max = 2, .run = run_call,
		.help = "Calls any method with parameters as JSON and prints its result."},
	{"shell", .usage = "", .run = run_shell,
		.help = "Takes commands line by line, with history and completion."},
	{"help", .usage = "[COMMAND]", .max = 3, .run = run_help,
		.help = "Explains a command, or lists all of them."},
	{NULL},
};
