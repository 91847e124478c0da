/* SPDX-License-Identifier: BSD-3-Clause */
#include "sluicectl/format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

/* A count, from its text where the number would not do. */
static uint64_t count_of(const json_t *row, const char *key)
{
	char name[64];
	const char *text;

	snprintf(name, sizeof(name), "%s_text", key);
	text = json_string_value(json_object_get(row, name));
	if (text != NULL)
		return strtoull(text, NULL, 10);
	return json_integer_value(json_object_get(row, key));
}

const char *ctl_format_endpoint(const json_t *row, const char *address_key, const char *port_key,
	char text[CTL_ENDPOINT_TEXT])
{
	const char *address = text_of(row, address_key);
	int port = (int)json_integer_value(json_object_get(row, port_key));

	snprintf(text, CTL_ENDPOINT_TEXT, strchr(address, ':') != NULL ? "[%s]:%d" : "%s:%d",
		address, port);
	return text;
}

static const char *protocol(const json_t *row, char text[8])
{
	const char *name = text_of(row, "protocol");
	size_t i = 0;

	for (; name[i] != '\0' && i < 7; i++)
		text[i] = (char)toupper((unsigned char)name[i]);
	text[i] = '\0';
	return text;
}

const char *ctl_format_count(uint64_t count, bool exact, char text[CTL_COUNT_TEXT])
{
	static const struct {
		uint64_t below;
		uint64_t unit;
		char suffix;
	} steps[] = {
		{1000000000ull, 1000ull, 'K'},
		{100000000000ull, 1000000ull, 'M'},
		{100000000000000ull, 1000000000ull, 'G'},
		{UINT64_MAX, 1000000000000ull, 'T'},
	};
	size_t i = 0;

	if (exact || count < 100000000ull) {
		snprintf(text, CTL_COUNT_TEXT, "%9" PRIu64, count);
		return text;
	}
	while (count >= steps[i].below && steps[i].below != UINT64_MAX)
		i++;
	snprintf(text, CTL_COUNT_TEXT, "%8" PRIu64 "%c", count / steps[i].unit, steps[i].suffix);
	return text;
}

void ctl_format_head(FILE *out, const struct ctl_format *format, const char *version, uint64_t size)
{
	static const char *const columns[][5] = {
		[CTL_LIST_STATS] = {"Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"},
		[CTL_LIST_RATE] = {"CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"},
	};
	const char *const *names = columns[format->listing];

	fprintf(out, "IP Virtual Server version %s (size=%" PRIu64 ")\n", version, size);
	if (format->listing == CTL_LIST_PLAIN) {
		fputs("Prot LocalAddress:Port Scheduler Flags\n"
		      "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
			out);
		return;
	}
	fprintf(out, "%-33s %8s %8s %8s %8s %8s\n", "Prot LocalAddress:Port", names[0], names[1],
		names[2], names[3], names[4]);
	fputs("  -> RemoteAddress:Port\n", out);
}

static void put_counts(FILE *out, const struct ctl_format *format, const json_t *row)
{
	static const char *const keys[] = {
		"connections", "in_packets", "out_packets", "in_bytes", "out_bytes"};
	char text[CTL_COUNT_TEXT];

	for (size_t i = 0; i < 5; i++) {
		/* LVS writes the first three rates in full: they have a place each. */
		bool exact = format->exact || (format->listing == CTL_LIST_RATE && i < 3);

		fputs(ctl_format_count(count_of(row, keys[i]), exact, text), out);
	}
	fputc('\n', out);
}

static void put_server(FILE *out, const struct ctl_format *format, const json_t *server)
{
	char where[CTL_ENDPOINT_TEXT];

	fprintf(out, "  -> %-28s", ctl_format_endpoint(server, "address", "port", where));
	if (format->listing != CTL_LIST_PLAIN) {
		put_counts(out, format, server);
		return;
	}
	fprintf(out, " %-7s %-6d %-10" PRIu64 " %-10" PRIu64 "\n", text_of(server, "lvs_forward"),
		(int)json_integer_value(json_object_get(server, "weight")),
		count_of(server, "active"), count_of(server, "inactive"));
}

/* By address, numerically, then by port. */
static int compare_servers(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
	unsigned char left_bytes[16] = {0}, right_bytes[16] = {0};
	const char *left_text = text_of(left, "address"), *right_text = text_of(right, "address");
	bool left_v6 = strchr(left_text, ':') != NULL, right_v6 = strchr(right_text, ':') != NULL;
	int order;

	if (left_v6 != right_v6)
		return left_v6 - right_v6;
	inet_pton(left_v6 ? AF_INET6 : AF_INET, left_text, left_bytes);
	inet_pton(right_v6 ? AF_INET6 : AF_INET, right_text, right_bytes);
	order = memcmp(left_bytes, right_bytes, sizeof(left_bytes));
	if (order != 0)
		return order;
	return (int)(json_integer_value(json_object_get(left, "port")) -
		json_integer_value(json_object_get(right, "port")));
}

static void put_servers(FILE *out, const struct ctl_format *format, const json_t *servers)
{
	size_t n = json_array_size(servers);
	json_t **order = calloc(n + 1, sizeof(json_t *));

	if (order == NULL)
		return;
	/* The list is in the order of adding; the schedulers' begins with the last. */
	for (size_t i = 0; i < n; i++)
		order[i] = json_array_get(servers, n - 1 - i);
	if (!format->nosort)
		qsort(order, n, sizeof(json_t *), compare_servers);
	for (size_t i = 0; i < n; i++)
		put_server(out, format, order[i]);
	free(order);
}

void ctl_format_service(FILE *out, const struct ctl_format *format, const json_t *service)
{
	char name[8], where[CTL_ENDPOINT_TEXT], title[CTL_ENDPOINT_TEXT + 8];

	snprintf(title, sizeof(title), "%-4s %s", protocol(service, name),
		ctl_format_endpoint(service, "address", "port", where));
	if (format->listing == CTL_LIST_PLAIN) {
		fprintf(out, "%s %s\n", title, text_of(service, "scheduler"));
	} else {
		fprintf(out, "%-33s", title);
		put_counts(out, format, service);
	}
	put_servers(out, format, json_object_get(service, "servers"));
}

void ctl_format_connections_head(FILE *out)
{
	fputs("IPVS connection entries\n"
	      "pro expire state       source             virtual            destination\n",
		out);
}

void ctl_format_connection(FILE *out, const json_t *connection)
{
	int left = (int)json_integer_value(json_object_get(connection, "expires_s"));
	char name[8], expires[32];
	char client[CTL_ENDPOINT_TEXT], virtual[CTL_ENDPOINT_TEXT], server[CTL_ENDPOINT_TEXT];

	snprintf(expires, sizeof(expires), "%02d:%02d", left / 60, left % 60);
	fprintf(out, "%-3s %-6s %-11s %-18s %-18s %s", protocol(connection, name), expires,
		text_of(connection, "state"),
		ctl_format_endpoint(connection, "client", "client_port", client),
		ctl_format_endpoint(connection, "address", "port", virtual),
		ctl_format_endpoint(connection, "server", "server_port", server));
	/* LVS has no such connections: what follows its columns is ours. */
	if (json_object_get(connection, "local") != NULL)
		fprintf(out, " from %s",
			ctl_format_endpoint(connection, "local", "local_port", server));
	fputc('\n', out);
}

void ctl_format_timeouts(FILE *out, const json_t *timeouts)
{
	fprintf(out, "Timeout (tcp tcpfin udp): %d %d %d\n",
		(int)json_integer_value(json_object_get(timeouts, "established")),
		(int)json_integer_value(json_object_get(timeouts, "fin_wait")),
		(int)json_integer_value(json_object_get(timeouts, "udp")));
}
