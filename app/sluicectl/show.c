/* SPDX-License-Identifier: BSD-3-Clause */
#include "sluicectl/show.h"

#include <stdlib.h>
#include <string.h>

#include "sluicectl/format.h"
#include "sluicectl/table.h"

static void dump(FILE *out, const json_t *value, size_t flags)
{
	json_dumpf(value, out, flags | JSON_ENCODE_ANY);
	fputc('\n', out);
}

void ctl_show_json(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	dump(ctl->out, result, JSON_INDENT(2));
}

void ctl_show_members(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	ctl_table_members(ctl->out, result);
}

void ctl_show_config(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	dump(ctl->out, json_object_get(result, "config"), JSON_INDENT(2));
}

void ctl_show_test(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	fprintf(ctl->out, "%s: valid, %lld services, can be applied without a restart\n",
		args->words[0], (long long)json_integer_value(json_object_get(result, "services")));
}

/* One change: "+ /path value", "- /path value", "~ /path from -> to". */
static void show_change(FILE *out, const json_t *change)
{
	const char *op = json_string_value(json_object_get(change, "op"));
	const char *path = json_string_value(json_object_get(change, "path"));
	char *from = json_dumps(json_object_get(change, "from"), JSON_COMPACT | JSON_ENCODE_ANY);
	char *to = json_dumps(json_object_get(change, "to"), JSON_COMPACT | JSON_ENCODE_ANY);

	if (op != NULL && strcmp(op, "more") == 0)
		fprintf(out, "... and %lld more\n",
			(long long)json_integer_value(json_object_get(change, "count")));
	else if (from == NULL)
		fprintf(out, "+ %s %s\n", path, to != NULL ? to : "");
	else if (to == NULL)
		fprintf(out, "- %s %s\n", path, from);
	else
		fprintf(out, "~ %s %s -> %s\n", path, from, to);
	free(from);
	free(to);
}

void ctl_show_diff(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	const json_t *changes = json_object_get(result, "changes");
	json_t *change;
	size_t i;

	json_array_foreach (changes, i, change)
		show_change(ctl->out, change);
	if (json_array_size(changes) == 0)
		fputs("no difference\n", ctl->out);
}

void ctl_show_apply(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	fprintf(ctl->out, "applied: generation %lld, %lld services\n",
		(long long)json_integer_value(json_object_get(result, "generation")),
		(long long)json_integer_value(json_object_get(result, "services")));
	if (args->options[CTL_CONFIRM] != NULL)
		fprintf(ctl->out, "taken back in %s unless confirmed: sluicectl config confirm\n",
			args->options[CTL_CONFIRM]);
}

void ctl_show_saved(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	fprintf(ctl->out, "saved to %s\n", json_string_value(json_object_get(result, "file")));
}

static const struct ctl_column server_columns[] = {
	{"SERVER", "address", NULL},
	{"PORT", "port", NULL},
	{"WEIGHT", "weight", NULL},
	{"FORWARD", "forward", NULL},
	{"TUNNEL", "tunnel.type", NULL},
	{"ACTIVE", "active", NULL},
	{"INACTIVE", "inactive", NULL},
	{"STATE", "state", NULL},
	{NULL, NULL, NULL},
};

void ctl_show_servers(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	ctl_table(ctl->out, server_columns, json_object_get(result, "servers"));
}

static void show_service(struct ctl *ctl, const struct ctl_args *args, const json_t *service)
{
	const char *proxy = json_string_value(json_object_get(service, "proxy_protocol"));
	char endpoint[CTL_ENDPOINT_TEXT];

	fprintf(ctl->out, "%s %s  scheduler %s%s%s%s, %lld active, %lld inactive\n",
		json_string_value(json_object_get(service, "protocol")),
		ctl_format_endpoint(service, "address", "port", endpoint),
		json_string_value(json_object_get(service, "scheduler")),
		proxy != NULL && strcmp(proxy, "off") != 0 ? ", PROXY protocol " : "",
		proxy != NULL && strcmp(proxy, "off") != 0 ? proxy : "",
		json_is_true(json_object_get(service, "toa")) ? ", TOA" : "",
		(long long)json_integer_value(json_object_get(service, "active")),
		(long long)json_integer_value(json_object_get(service, "inactive")));
	ctl_show_servers(ctl, args, service);
}

void ctl_show_service(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	show_service(ctl, args, json_object_get(result, "service"));
}

void ctl_show_services(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	json_t *service;
	size_t i;

	json_array_foreach (json_object_get(result, "services"), i, service) {
		if (i > 0)
			fputc('\n', ctl->out);
		show_service(ctl, args, service);
	}
}

void ctl_show_connections(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	json_t *connection;
	size_t i;

	ctl_format_connections_head(ctl->out);
	json_array_foreach (json_object_get(result, "connections"), i, connection)
		ctl_format_connection(ctl->out, connection);
	if (json_object_get(result, "cursor") != NULL)
		fputs("... there may be more (--limit)\n", stderr);
}

/* Services and servers as lines of one table. */
void ctl_show_stats(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"PROTOCOL", "protocol", NULL},
		{"ADDRESS", "address", NULL},
		{"PORT", "port", NULL},
		{"CONNECTIONS", "connections", NULL},
		{"IN PACKETS", "in_packets", NULL},
		{"OUT PACKETS", "out_packets", NULL},
		{"IN BYTES", "in_bytes", NULL},
		{"OUT BYTES", "out_bytes", NULL},
		{NULL, NULL, NULL},
	};
	json_t *rows = json_array(), *service, *server;
	size_t i, j;

	json_array_foreach (json_object_get(result, "services"), i, service) {
		json_array_append(rows, service);
		json_array_foreach (json_object_get(service, "servers"), j, server) {
			json_object_set_new(server, "protocol", json_string("  ->"));
			json_array_append(rows, server);
		}
	}
	ctl_table(ctl->out, columns, rows);
	json_decref(rows);
}

void ctl_show_drops(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"DROPS", "total", NULL},
		{"REASON", "name", NULL},
		{"MEANING", "help", NULL},
		{NULL, NULL, NULL},
	};
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(result, "reasons"), i, row) {
		if (args->options[CTL_ALL] != NULL ||
			json_integer_value(json_object_get(row, "total")) != 0)
			json_array_append(rows, row);
	}
	if (json_array_size(rows) > 0)
		ctl_table(ctl->out, columns, rows);
	else
		fputs("no packet was dropped\n", ctl->out);
	json_decref(rows);
}

void ctl_show_timeouts(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	const json_t *timeouts = json_object_get(result, "timeouts");

	ctl_format_timeouts(ctl->out, timeouts);
	ctl_table_members(ctl->out, timeouts);
}

void ctl_show_workers(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column workers[] = {
		{"WORKER", "index", NULL},
		{"CORE", "core", NULL},
		{"NODE", "node", NULL},
		{"BUSY", "busy", ctl_print_share},
		{"PACKETS/S", "packets_per_s", NULL},
		{"PER BURST", "packets_per_burst", NULL},
		{"CONNECTIONS", "connections.entries", NULL},
		{"CAPACITY", "connections.capacity", NULL},
		{"RECEIVED BY HAND-OVER", "handover_received", NULL},
		{NULL, NULL, NULL},
	};
	static const struct ctl_column ports[] = {
		{"PORT", "name", NULL},
		{"RX PACKETS", "rx_packets", NULL},
		{"TX PACKETS", "tx_packets", NULL},
		{"BALANCED", "balanced", NULL},
		{"HANDED OVER", "handed_over", NULL},
		{"SHARE", "handed_over_share", ctl_print_share},
		{NULL, NULL, NULL},
	};
	const json_t *rows = json_object_get(result, "workers");
	json_t *row;
	size_t i;

	ctl_table(ctl->out, workers, rows);
	json_array_foreach (rows, i, row) {
		fprintf(ctl->out, "\nworker %zu\n", i);
		ctl_table(ctl->out, ports, json_object_get(row, "ports"));
	}
}

void ctl_show_ports(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"PORT", "name", NULL},
		{"DEVICE", "device", NULL},
		{"MAC", "mac", NULL},
		{"LINK", "link", NULL},
		{"RX PACKETS", "rx_packets", NULL},
		{"TX PACKETS", "tx_packets", NULL},
		{"BALANCED", "balanced", NULL},
		{"HANDED OVER", "handed_over_share", ctl_print_share},
		{NULL, NULL, NULL},
	};

	ctl_table(ctl->out, columns, json_object_get(result, "ports"));
}

void ctl_show_neighbours(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"ADDRESS", "address", NULL},
		{"PORT", "port", NULL},
		{"MAC", "mac", NULL},
		{"STATE", "state", NULL},
		{NULL, NULL, NULL},
	};

	ctl_table(ctl->out, columns, json_object_get(result, "neighbours"));
}

void ctl_show_vips(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"VIP", "address", NULL},
		{"MODE", "mode", NULL},
		{"PORT", "port", NULL},
		{"LOCAL", "local", NULL},
		{NULL, NULL, NULL},
	};

	ctl_table(ctl->out, columns, json_object_get(result, "vips"));
}

void ctl_show_classes(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"CLASS", "name", NULL},
		{"WHAT IT TELLS", "help", NULL},
		{NULL, NULL, NULL},
	};

	ctl_table(ctl->out, columns, json_object_get(result, "classes"));
}

void ctl_show_methods(struct ctl *ctl, const struct ctl_args *args, const json_t *result)
{
	static const struct ctl_column columns[] = {
		{"METHOD", "name", NULL},
		{"WRITES", "write", NULL},
		{"WHAT IT DOES", "help", NULL},
		{NULL, NULL, NULL},
	};

	ctl_table(ctl->out, columns, json_object_get(result, "methods"));
}

void ctl_show_event(struct ctl *ctl, const json_t *notification)
{
	const json_t *params = json_object_get(notification, "params");
	const char *method = json_string_value(json_object_get(notification, "method"));
	char *details;

	if (ctl->json) {
		dump(ctl->out, notification, JSON_COMPACT);
		return;
	}
	if (method != NULL && strcmp(method, "events.lost") == 0) {
		fprintf(ctl->out, "%lld events were lost\n",
			(long long)json_integer_value(json_object_get(params, "count")));
		return;
	}
	details = json_dumps(json_object_get(params, "details"), JSON_COMPACT);
	fprintf(ctl->out, "%lld %s %s %s\n",
		(long long)json_integer_value(json_object_get(params, "sequence")),
		json_string_value(json_object_get(params, "time")),
		json_string_value(json_object_get(params, "class")),
		details != NULL ? details : "");
	free(details);
}
