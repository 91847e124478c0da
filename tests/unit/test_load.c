/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each file in tests/conf is one test: a configuration with a mistake, whose first lines say what
 * has to be said about it (tests/conf/README). The others are read, written and read again.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/load.h"
#include "conf/schema.h"
#include "lb/fwd.h"
#include "lb/sched.h"

#ifndef SOURCE_ROOT
#error "meson gives the path of the sources"
#endif

#define MINIMAL                                                                                    \
	"{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null0\","                             \
	" \"addresses\": [\"192.168.8.11/24\"]}]"

struct expected {
	char kind[16];   /* valid, json, schema or meaning */
	char place[300]; /* "line:column path" */
	char message[400];
	char hint[400];
};

static char *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	*length = fread(text, 1, 1 << 20, file);
	fclose(file);
	/* Of exactly that size, so that a sanitizer sees a read beyond it. */
	return realloc(text, *length != 0 ? *length : 1);
}

static void read_expected(const char *path, struct expected *expected)
{
	static const char *const keys[] = {"// kind: ", "// place: ", "// message: ", "// hint: "};
	char *const values[] = {expected->kind, expected->place, expected->message, expected->hint};
	static const size_t sizes[] = {16, 300, 400, 400};
	FILE *file = fopen(path, "re");
	char line[512];

	memset(expected, 0, sizeof(*expected));
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				snprintf(values[i], sizes[i], "%s", line + strlen(keys[i]));
		}
	}
	fclose(file);
}

/* Reading what was written gives what was read. */
static void assert_fixed_point(const struct sl_conf *conf)
{
	json_t *written = sl_conf_to_json(conf);
	struct sl_err err = {0};
	struct sl_conf *again = NULL;
	json_t *rewritten;

	assert_non_null(written);
	if (sl_conf_from_json(written, &again, &err) < 0)
		fail_msg("what was written is refused: %s: %s", err.path, err.message);
	rewritten = sl_conf_to_json(again);
	assert_true(json_equal(written, rewritten));
	json_decref(written);
	json_decref(rewritten);
	sl_conf_unref(again);
}

static unsigned check_file(const char *path)
{
	struct expected expected;
	struct sl_err err = {0};
	struct sl_conf *conf = NULL;
	char place[300] = "";
	const char *kind;
	size_t length;
	char *text = read_file(path, &length);
	int rc = sl_conf_parse(text, length, &conf, &err);

	read_expected(path, &expected);
	free(text);
	kind = rc == 0 ? "valid" : err.code == EBADMSG ? "json" : expected.kind;
	if (rc < 0)
		snprintf(place, sizeof(place), "%u:%u %s", err.line, err.column, err.path);
	if (rc == 0)
		assert_fixed_point(conf);
	sl_conf_unref(conf);
	if (rc != 0)
		assert_int_equal(rc, -EINVAL);
	if (strcmp(kind, expected.kind) == 0 && strcmp(place, expected.place) == 0 &&
		strcmp(err.message, expected.message) == 0 && strcmp(err.hint, expected.hint) == 0)
		return 0;
	print_message("%s is\n// kind: %s\n// place: %s\n// message: %s\n// hint: %s\n", path, kind,
		place, err.message, err.hint);
	return 1;
}

static void every_mistake_is_explained(void **state)
{
	struct dirent **entries;
	unsigned failures = 0, files = 0;
	int n = scandir(SOURCE_ROOT "/tests/conf", &entries, NULL, alphasort);

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		size_t length = strlen(entries[i]->d_name);
		char path[512];

		if (length > 5 && strcmp(entries[i]->d_name + length - 5, ".json") == 0) {
			snprintf(path, sizeof(path), SOURCE_ROOT "/tests/conf/%s",
				entries[i]->d_name);
			failures += check_file(path);
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(failures, 0);
	assert_true(files >= 80);
}

static struct sl_conf *parse(const char *text)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};

	if (sl_conf_parse(text, strlen(text), &conf, &err) < 0)
		fail_msg("%u:%u: %s: %s", err.line, err.column, err.path, err.message);
	return conf;
}

static void examples_are_valid(void **state)
{
	static const char *const examples[] = {"lab.json", "bare-metal.json"};

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct sl_conf *conf = NULL;
		struct sl_err err = {0};
		char path[512];

		snprintf(path, sizeof(path), SOURCE_ROOT "/config/%s", examples[i]);
		if (sl_conf_read(path, &conf, &err) < 0)
			fail_msg("%s:%u:%u: %s: %s", path, err.line, err.column, err.path,
				err.message);
		assert_fixed_point(conf);
		sl_conf_unref(conf);
	}
}

static void defaults(void **state)
{
	static const uint16_t timeouts[] = {
#define X(NAME, name, timeout, active) [SL_STATE_##NAME] = timeout,
		SL_STATES(X)
#undef X
	};
	static const uint32_t rates[] = {
#define X(NAME, name, rate, help) [SL_PUNT_##NAME] = rate,
		SL_PUNT_CLASSES(X)
#undef X
	};
	struct sl_conf *conf = parse(MINIMAL "}");
	json_t *written = sl_conf_to_json(conf);
	char *text = json_dumps(written, 0);

	assert_string_equal(conf->instance, "sluice");
	assert_string_equal(conf->run_directory, "/run/sluice");
	assert_int_equal(conf->log_level, SL_LOG_INFO);
	assert_int_equal(conf->memory, 0);
	assert_int_equal(conf->huge_pages, SL_HUGE_AUTO);
	assert_int_equal(conf->n_workers, 1);
	assert_int_equal(conf->cores[0], -1);
	assert_int_equal(conf->control_core, -1);
	assert_int_equal(conf->poll, SL_POLL_BUSY);
	assert_int_equal(conf->connections, 0);
	assert_int_equal(conf->icmp_rate, 1000);
	assert_true(conf->ports[0].twin);
	assert_int_equal(conf->ports[0].mtu, 1500);
	assert_int_equal(conf->ports[0].transit, SL_TRANSIT_LINUX);
	assert_int_equal(conf->ports[0].rx_descriptors, 1024);
	for (int i = 0; i < SL_STATE_COUNT; i++)
		assert_int_equal(conf->timeouts.s[i], timeouts[i]);
	for (int i = 0; i < SL_PUNT_COUNT; i++)
		assert_int_equal(conf->punt_rates[i], rates[i]);
	assert_string_equal(text, MINIMAL "}");
	free(text);
	json_decref(written);
	sl_conf_unref(conf);
}

static void every_value_arrives(void **state)
{
	struct sl_conf *conf = parse(
		"{\"instance\": \"lb1\", \"log_level\": \"debug\","
		"\"dpdk\": {\"memory\": \"2G\", \"huge_pages\": \"off\", \"eal_args\": "
		"[\"--iova-mode=va\", \"-v\"]},"
		"\"workers\": {\"cores\": [3, 2], \"control_core\": 1, \"poll\": \"adaptive\"},"
		"\"connections\": 5000, \"max_services\": 100, \"max_servers\": 200, "
		"\"icmp_rate\": 7,"
		"\"ports\": [{\"name\": \"a\", \"device\": \"net_null0\", \"twin\": false, "
		"\"mtu\": 9000,"
		"  \"addresses\": [\"10.0.0.1/24\", \"10.0.1.1/24\"],"
		"  \"neighbours\": [{\"address\": \"10.0.0.9\", \"mac\": \"02:00:00:00:00:0A\"}],"
		"  \"rx_descriptors\": 512, \"tx_descriptors\": 256},"
		" {\"name\": \"b\", \"device\": \"net_null1\", \"twin\": {\"netns\": \"x\"}, "
		"\"transit\": \"drop\"}],"
		"\"vips\": [{\"vip\": \"10.9.9.9\", \"port\": \"b\", \"address\": \"external\"}],"
		"\"timeouts\": {\"established\": \"1h\", \"udp\": 30}, \"punt\": {\"echo\": 5},"
		"\"services\": [{\"protocol\": \"udp\", \"address\": \"10.9.9.9\", \"port\": 0, "
		"\"scheduler\": \"rr\"},"
		" {\"protocol\": \"tcp\", \"address\": \"10.0.0.100\", \"port\": 80, \"servers\": ["
		"  {\"address\": \"10.0.1.7\", \"port\": 80, \"weight\": 0, \"forward\": \"dr\"},"
		"  {\"address\": \"127.0.0.1\"}]}]}");
	const struct sl_conf_port *a = &conf->ports[0], *b = &conf->ports[1];
	const struct sl_conf_service *tcp = conf->services[0], *udp = conf->services[1];
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 10};

	assert_string_equal(conf->instance, "lb1");
	assert_string_equal(conf->run_directory, "/run/sluice-lb1");
	assert_int_equal(conf->log_level, SL_LOG_DEBUG);
	assert_int_equal(conf->memory, 2ull << 30);
	assert_int_equal(conf->huge_pages, SL_HUGE_OFF);
	assert_int_equal(conf->n_eal_args, 2);
	assert_string_equal(conf->eal_args[0], "--iova-mode=va");
	assert_int_equal(conf->n_workers, 2);
	assert_int_equal(conf->cores[0], 3);
	assert_int_equal(conf->cores[1], 2);
	assert_int_equal(conf->control_core, 1);
	assert_int_equal(conf->poll, SL_POLL_ADAPTIVE);
	assert_int_equal(conf->connections, 5000);
	assert_int_equal(conf->max_services, 100);
	assert_int_equal(conf->max_servers, 200);
	assert_int_equal(conf->icmp_rate, 7);
	assert_int_equal(conf->punt_rates[SL_PUNT_ECHO], 5);
	assert_int_equal(conf->timeouts.s[SL_STATE_ESTABLISHED], 3600);
	assert_int_equal(conf->timeouts.s[SL_STATE_UDP], 30);
	assert_int_equal(conf->timeouts.s[SL_STATE_FIN_WAIT], 120);

	assert_false(a->twin);
	assert_int_equal(a->mtu, 9000);
	assert_int_equal(a->transit, SL_TRANSIT_DROP);
	assert_int_equal(a->rx_descriptors, 512);
	assert_int_equal(a->tx_descriptors, 256);
	assert_int_equal(a->n_addresses, 2);
	assert_int_equal(a->addresses[1].length, 24);
	assert_int_equal(a->n_neighbours, 1);
	assert_memory_equal(a->neighbours[0].mac, mac, 6);
	assert_true(b->twin);
	assert_string_equal(b->twin_netns, "x");
	assert_int_equal(b->transit, SL_TRANSIT_DROP);

	/* Sorted: 10.0.0.100 follows from its service, 10.9.9.9 is listed. */
	assert_int_equal(conf->n_vips, 2);
	assert_int_equal(conf->vips[0].port, 0);
	assert_int_equal(conf->vips[0].mode, SL_VIP_MANAGED);
	assert_false(conf->vips[0].listed);
	assert_int_equal(conf->vips[1].port, 1);
	assert_int_equal(conf->vips[1].mode, SL_VIP_EXTERNAL);
	assert_true(conf->vips[1].listed);

	assert_int_equal(conf->n_services, 2);
	assert_int_equal(tcp->key.port, 80);
	assert_string_equal(tcp->sched->name, "wlc");
	assert_int_equal(tcp->n_servers, 2);
	assert_int_equal(tcp->servers[0].weight, 0);
	assert_int_equal(tcp->servers[1].weight, 1);
	assert_int_equal(tcp->servers[1].port, 80);
	assert_int_equal(tcp->servers[1].fwd, SL_FWD_DR);
	assert_int_equal(sl_conf_server_fwd(conf, &tcp->servers[0]), SL_FWD_DR);
	assert_int_equal(sl_conf_server_fwd(conf, &tcp->servers[1]), SL_FWD_LOCAL);
	assert_int_equal(udp->key.port, 0);
	assert_int_equal(udp->n_servers, 0);
	assert_fixed_point(conf);
	sl_conf_unref(conf);
}

/* Enum `name` of the schema's $defs. */
static const json_t *schema_enum(const char *name)
{
	return json_object_get(
		json_object_get(json_object_get(sl_schema_conf(), "$defs"), name), "enum");
}

static void the_schema_names_what_is_built_in(void **state)
{
	const json_t *schedulers = schema_enum("scheduler"), *methods = schema_enum("forward");
	size_t n;

	for (n = 0; sl_scheds[n] != NULL; n++)
		continue;
	assert_int_equal(json_array_size(schedulers), n);
	for (size_t i = 0; i < n; i++)
		assert_non_null(sl_sched_find(json_string_value(json_array_get(schedulers, i))));
	assert_int_equal(json_array_size(methods), SL_FWD_METHODS);
	for (size_t i = 0; i < SL_FWD_METHODS; i++)
		assert_non_null(sl_fwd_find(json_string_value(json_array_get(methods, i))));
}

static void files(void **state)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};

	assert_int_equal(sl_conf_read("/nowhere/sluice.json", &conf, &err), -ENOENT);
	assert_string_equal(err.message, "the file cannot be read: No such file or directory");
	assert_string_equal(err.hint, "check that /nowhere/sluice.json is there and can be read");
	err = (struct sl_err){0};
	assert_int_equal(sl_conf_read("/", &conf, &err), -EISDIR);
	assert_null(conf);
}

static void one_service(void **state)
{
	json_t *document = json_pack("{s:s, s:s, s:i, s:[{s:s}, {s:s, s:i}]}", "protocol", "tcp",
		"address", "192.168.8.100", "port", 80, "servers", "address", "192.168.8.12",
		"address", "192.168.8.13", "weight", 5);
	struct sl_conf_service *service = NULL;
	struct sl_err err = {0};
	json_t *written;

	assert_int_equal(sl_conf_service_from_json(document, &service, &err), 0);
	assert_int_equal(service->servers[1].weight, 5);
	written = sl_conf_service_to_json(service);
	assert_true(json_equal(document, written));
	json_decref(written);
	sl_conf_service_unref(service);

	json_object_set_new(
		json_array_get(json_object_get(document, "servers"), 1), "wieght", json_integer(1));
	assert_int_equal(sl_conf_service_from_json(document, &service, &err), -EINVAL);
	assert_string_equal(err.path, "/servers/1/wieght");
	assert_string_equal(err.hint, "did you mean \"weight\"?");
	json_decref(document);
}

/* As large as it gets: bounds the work per service, not the machine's speed. */
static void many_services(void **state)
{
	const uint32_t n_services = 10000, n_servers = 10;
	size_t room = 16 << 20, length;
	char *text = malloc(room);
	struct sl_conf *conf;
	clock_t start;

	assert_non_null(text);
	length = (size_t)snprintf(text, room, "%s, \"services\": [",
		"{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null0\", \"addresses\": "
		"[\"10.0.0.1/8\"]}]");
	for (uint32_t i = 0; i < n_services; i++) {
		length += (size_t)snprintf(text + length, room - length,
			"%s{\"protocol\":\"tcp\",\"address\":\"10.1.%u.%u\",\"port\":80,"
			"\"servers\":[",
			i != 0 ? "," : "", i / 250, i % 250 + 1);
		for (uint32_t j = 0; j < n_servers; j++)
			length += (size_t)snprintf(text + length, room - length,
				"%s{\"address\":\"10.2.%u.%u\",\"port\":80,\"weight\":%u,"
				"\"forward\":\"dr\"}",
				j != 0 ? "," : "", j, i % 250 + 1, j + 1);
		length += (size_t)snprintf(text + length, room - length, "]}");
	}
	length += (size_t)snprintf(text + length, room - length, "]}");
	start = clock();
	conf = parse(text);
	print_message("%u services with %u servers: %ld ms\n", n_services, n_servers,
		(long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
	assert_int_equal(conf->n_services, n_services);
	assert_int_equal(conf->services[n_services - 1]->n_servers, n_servers);
	sl_conf_unref(conf);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_explained),
		cmocka_unit_test(examples_are_valid),
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_value_arrives),
		cmocka_unit_test(the_schema_names_what_is_built_in),
		cmocka_unit_test(files),
		cmocka_unit_test(one_service),
		cmocka_unit_test(many_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
