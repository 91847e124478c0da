/* SPDX-License-Identifier: BSD-3-Clause */
#include "sluicectl/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define ADDRESS_MAX 64

static int say(const char *what, const char *text)
{
	fprintf(stderr, "sluicectl: \"%s\" %s\n", text, what);
	return CTL_USAGE;
}

int ctl_number(const char *text, long long *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || *value < 0)
		return say("is no number from 0 on", text);
	return 0;
}

static int take_number(const char *text, json_t *params, const char *key)
{
	long long value;
	int status = ctl_number(text, &value);

	if (status == 0)
		json_object_set_new(params, key, json_integer(value));
	return status;
}

int ctl_build_none(const struct ctl_args *args, json_t *params)
{
	return 0;
}

int ctl_build_write(const struct ctl_args *args, json_t *params)
{
	const char *generation = args->options[CTL_IF_GENERATION];

	return generation != NULL ? take_number(generation, params, "if_generation") : 0;
}

/* "192.168.8.100:80", "[2001:db8::1]:80", an address alone: into an object. */
static int take_endpoint(const char *text, json_t *object, bool needs_port)
{
	const char *colon = strrchr(text, ':'), *from = text;
	char address[ADDRESS_MAX];
	size_t length = strlen(text);

	if (text[0] == '[') {
		const char *bracket = strchr(text, ']');

		if (bracket == NULL)
			return say("has no closing bracket", text);
		from = text + 1;
		length = bracket - from;
		colon = bracket[1] == ':' ? bracket + 1 : NULL;
	} else if (colon != NULL && strchr(text, ':') == colon) {
		length = colon - text;
	} else {
		colon = NULL; /* none, or several: an IPv6 address without a port */
	}
	if (needs_port && colon == NULL)
		return say("has no port: ADDRESS:PORT is needed (port 0 is any)", text);
	if (length >= sizeof(address))
		return say("is no address", text);
	memcpy(address, from, length);
	address[length] = '\0';
	json_object_set_new(object, "address", json_string(address));
	return colon != NULL ? take_number(colon + 1, object, "port") : 0;
}

static int take_service(const char *protocol, const char *endpoint, json_t *params)
{
	json_t *service = json_object();

	json_object_set_new(params, "service", service);
	json_object_set_new(service, "protocol", json_string(protocol));
	return take_endpoint(endpoint, service, true);
}

int ctl_build_service(const struct ctl_args *args, json_t *params)
{
	int rc = take_service(args->words[0], args->words[1], params);

	return rc == 0 ? ctl_build_write(args, params) : rc;
}

/* "port,fallback", each also as ipvsadm has it, with the scheduler's name in front. */
static json_t *sched_flags(const char *text)
{
	json_t *list = json_array();

	while (strcmp(text, "none") != 0 && *text != '\0') {
		size_t length = strcspn(text, ",");
		bool named = strncmp(text, "sh-", 3) == 0 || strncmp(text, "mh-", 3) == 0;
		size_t skip = named ? 3 : 0;

		json_array_append_new(list, json_stringn(text + skip, length - skip));
		text += length + (text[length] == ',');
	}
	return list;
}

static int take_service_options(const struct ctl_args *args, json_t *object)
{
	const char *toa = args->options[CTL_TOA];

	if (toa != NULL && strcmp(toa, "on") != 0 && strcmp(toa, "off") != 0)
		return say("is neither on nor off", toa);
	if (args->options[CTL_SCHEDULER] != NULL)
		json_object_set_new(object, "scheduler", json_string(args->options[CTL_SCHEDULER]));
	if (args->options[CTL_SCHED_FLAGS] != NULL)
		json_object_set_new(
			object, "scheduler_flags", sched_flags(args->options[CTL_SCHED_FLAGS]));
	if (args->options[CTL_PROXY] != NULL)
		json_object_set_new(
			object, "proxy_protocol", json_string(args->options[CTL_PROXY]));
	if (toa != NULL)
		json_object_set_new(object, "toa", json_boolean(strcmp(toa, "on") == 0));
	return 0;
}

int ctl_build_service_add(const struct ctl_args *args, json_t *params)
{
	int rc = ctl_build_service(args, params);

	return rc == 0 ? take_service_options(args, json_object_get(params, "service")) : rc;
}

int ctl_build_service_edit(const struct ctl_args *args, json_t *params)
{
	int rc = take_service_options(args, params);

	if (rc == 0 && json_object_size(params) == 0) {
		fputs("sluicectl: service edit needs --scheduler NAME, or another option\n",
			stderr);
		return CTL_USAGE;
	}
	return rc == 0 ? ctl_build_service(args, params) : rc;
}

/* One of several options that exclude each other: its word in the document, or NULL. */
struct alternative {
	enum ctl_option option;
	const char *word;
};

static int take_alternative(const struct ctl_args *args, const struct alternative *alternatives,
	unsigned n, json_t *object, const char *key)
{
	const char *taken = NULL;

	for (unsigned i = 0; i < n; i++) {
		const char *name = ctl_option_infos[alternatives[i].option].name;

		if (args->options[alternatives[i].option] == NULL)
			continue;
		if (taken != NULL) {
			fprintf(stderr, "sluicectl: --%s and --%s exclude each other\n", taken,
				name);
			return CTL_USAGE;
		}
		taken = name;
		json_object_set_new(object, key, json_string(alternatives[i].word));
	}
	return 0;
}

static int take_tunnel(const struct ctl_args *args, json_t *server)
{
	static const struct alternative checksums[] = {
		{CTL_TUN_NOCSUM, "none"}, {CTL_TUN_CSUM, "on"}, {CTL_TUN_REMCSUM, "remote"}};
	json_t *tunnel = json_object();
	int rc = take_alternative(args, checksums, 3, tunnel, "checksum");

	if (rc == 0 && args->options[CTL_TUN_TYPE] != NULL)
		json_object_set_new(tunnel, "type", json_string(args->options[CTL_TUN_TYPE]));
	if (rc == 0 && args->options[CTL_TUN_PORT] != NULL)
		rc = take_number(args->options[CTL_TUN_PORT], tunnel, "port");
	if (rc == 0 && json_object_size(tunnel) > 0)
		json_object_set(server, "tunnel", tunnel);
	json_decref(tunnel);
	return rc;
}

int ctl_build_server(const struct ctl_args *args, json_t *params)
{
	static const struct alternative methods[] = {
#define X(NAME, letter, name, value, help) {CTL_##NAME, name},
		CTL_METHODS(X)
#undef X
	};
	json_t *server = json_object();
	int rc = ctl_build_service(args, params);

	json_object_set_new(params, "server", server);
	if (rc == 0)
		rc = take_endpoint(args->words[2], server, false);
	if (rc == 0 && args->options[CTL_WEIGHT] != NULL)
		rc = take_number(args->options[CTL_WEIGHT], server, "weight");
	if (rc == 0)
		rc = take_alternative(
			args, methods, sizeof(methods) / sizeof(methods[0]), server, "forward");
	return rc == 0 ? take_tunnel(args, server) : rc;
}

int ctl_build_stats(const struct ctl_args *args, json_t *params)
{
	if (args->n == 0)
		return 0;
	if (args->n == 1)
		return say("is no service: PROTOCOL ADDRESS:PORT is needed", args->words[0]);
	return take_service(args->words[0], args->words[1], params);
}

/* "tcp/192.168.8.100:80" */
static int take_service_word(const char *text, json_t *params)
{
	const char *slash = strchr(text, '/');
	char protocol[8];

	if (slash == NULL || slash - text >= (int)sizeof(protocol))
		return say("is no service: PROTOCOL/ADDRESS:PORT is needed", text);
	memcpy(protocol, text, slash - text);
	protocol[slash - text] = '\0';
	return take_service(protocol, slash + 1, params);
}

int ctl_build_connections(const struct ctl_args *args, json_t *params)
{
	int rc = 0;

	if (args->options[CTL_SERVICE] != NULL)
		rc = take_service_word(args->options[CTL_SERVICE], params);
	if (args->options[CTL_CLIENT] != NULL)
		json_object_set_new(params, "client", json_string(args->options[CTL_CLIENT]));
	if (args->options[CTL_SERVER] != NULL)
		json_object_set_new(params, "server", json_string(args->options[CTL_SERVER]));
	if (args->options[CTL_STATE] != NULL)
		json_object_set_new(params, "state", json_string(args->options[CTL_STATE]));
	if (rc == 0 && args->options[CTL_LIMIT] != NULL)
		rc = take_number(args->options[CTL_LIMIT], params, "limit");
	return rc;
}

/* All of a file, or of standard input ("-"). NULL after an error was said. */
static json_t *read_text(const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = NULL, piece[16384];
	json_t *string = NULL;
	size_t length = 0, n;
	FILE *out;

	if (in == NULL || (out = open_memstream(&text, &length)) == NULL) {
		fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
		fwrite(piece, 1, n, out);
	if (ferror(in))
		fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
	fclose(out);
	if (!ferror(in)) {
		string = json_stringn(text, length);
		if (string == NULL)
			fprintf(stderr, "sluicectl: %s is not UTF-8 text\n", path);
	}
	if (in != stdin)
		fclose(in);
	free(text);
	return string;
}

int ctl_build_file(const struct ctl_args *args, json_t *params)
{
	const char *within = args->options[CTL_CONFIRM];
	json_t *text = read_text(args->words[0]);
	uint64_t ms;

	if (text == NULL)
		return CTL_FAILED;
	json_object_set_new(params, "text", text);
	if (within != NULL) {
		if (sl_duration_parse(within, &ms) < 0 || ms < 1000)
			return say("is no duration, for example 60s", within);
		json_object_set_new(params, "confirm_within_s", json_integer(ms / 1000));
	}
	return ctl_build_write(args, params);
}

/* "900 120 300" as LVS's --set, where 0 keeps; or STATE=TIME. */
int ctl_build_timeouts(const struct ctl_args *args, json_t *params)
{
	static const char *const lvs[] = {"established", "fin_wait", "udp"};
	json_t *timeouts = json_object();

	json_object_set_new(params, "timeouts", timeouts);
	for (unsigned i = 0; i < args->n; i++) {
		const char *word = args->words[i], *equals = strchr(word, '=');
		char state[32];
		int rc = 0;

		if (equals == NULL && args->n == 3) {
			rc = strcmp(word, "0") == 0 ? 0 : take_number(word, timeouts, lvs[i]);
		} else if (equals != NULL && equals - word < (int)sizeof(state)) {
			snprintf(state, sizeof(state), "%.*s", (int)(equals - word), word);
			json_object_set_new(timeouts, state, json_string(equals + 1));
		} else {
			rc = say("is no timeout: STATE=TIME, or TCP TCPFIN UDP in seconds", word);
		}
		if (rc != 0)
			return rc;
	}
	return ctl_build_write(args, params);
}
