/* SPDX-License-Identifier: BSD-3-Clause */
/* The running configuration and everything that changes it, through the API, on a real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/events.h"
#include "api_rig.h"
#include "base/log.h"
#include "lb/publish.h"
#include "lb/side.h"
#include "packet.h"

#define VIP PACKET_IP(192, 168, 8, 100)

#define SERVICE       "\"service\":{\"protocol\":\"tcp\",\"address\":\"192.168.8.100\",\"port\":80}"
#define OTHER_SERVICE "\"service\":{\"protocol\":\"udp\",\"address\":\"192.168.8.101\",\"port\":53}"
#define SERVER(rest)  "\"server\":{\"address\":" rest "}"

static char path[] = "/tmp/test_director.XXXXXX";

static int open_rig(void **state)
{
	struct api_rig *rig = malloc(sizeof(*rig));
	FILE *file = fopen(path, "w");

	fputs(api_rig_config, file);
	fclose(file);
	chmod(path, 0640);
	api_rig_open(rig, path);
	*state = rig;
	return 0;
}

static int close_rig(void **state)
{
	api_rig_close(*state);
	free(*state);
	return 0;
}

/* The member that "a.0.b" leads to in the result of a call, as JSON text; to be freed. */
static char *reach(struct api_rig *rig, const char *method, const char *params, const char *where)
{
	json_t *result = api_rig_result(rig, method, params), *at = result;
	char *copy = strdup(where), *save = NULL, *text;

	for (char *key = strtok_r(copy, ".", &save); key != NULL; key = strtok_r(NULL, ".", &save))
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
				       : json_object_get(at, key);
	text = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(result);
	free(copy);
	return text != NULL ? text : strdup("(none)");
}

static void expect(struct api_rig *rig, const char *method, const char *params, const char *where,
	const char *value)
{
	char *text = reach(rig, method, params, where);

	assert_string_equal(text, value);
	free(text);
}

static void services_come_change_and_go(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(api_rig_code(rig, "service.add",
				 "{\"service\":{\"protocol\":\"udp\",\"address\":\"192.168.8.101\","
				 "\"port\":53,\"scheduler\":\"wrr\"}}"),
		0);
	expect(rig, "service.get", "{" OTHER_SERVICE "}", "service.scheduler", "\"wrr\"");
	assert_int_equal(
		api_rig_code(rig, "service.edit", "{" OTHER_SERVICE ",\"scheduler\":\"lc\"}"), 0);
	expect(rig, "service.get", "{" OTHER_SERVICE "}", "service.scheduler", "\"lc\"");
	expect(rig, "service.list", NULL, "services.1.port", "53");
	assert_int_equal(api_rig_code(rig, "service.delete", "{" OTHER_SERVICE "}"), 0);
	expect(rig, "service.list", NULL, "services.1", "(none)");
	assert_int_equal(api_rig_generation(rig), 4);
	assert_int_equal(rig->system_applied, 4);
	assert_int_equal(rig->published, 4);
}

static void services_that_are_or_are_not_there(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(api_rig_code(rig, "service.add", "{" SERVICE "}"), SL_RPC_SERVICE_EXISTS);
	assert_int_equal(
		api_rig_code(rig, "service.get", "{" OTHER_SERVICE "}"), SL_RPC_NO_SERVICE);
	assert_int_equal(
		api_rig_code(rig, "service.delete", "{" OTHER_SERVICE "}"), SL_RPC_NO_SERVICE);
	assert_int_equal(
		api_rig_code(rig, "service.edit", "{" OTHER_SERVICE ",\"scheduler\":\"lc\"}"),
		SL_RPC_NO_SERVICE);
	assert_int_equal(
		api_rig_code(rig, "service.zero", "{" OTHER_SERVICE "}"), SL_RPC_NO_SERVICE);
	assert_int_equal(
		api_rig_code(rig, "server.list", "{" OTHER_SERVICE "}"), SL_RPC_NO_SERVICE);
	assert_int_equal(api_rig_generation(rig), 1);
}

static void servers_come_change_and_go(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(api_rig_code(rig, "server.add",
				 "{" SERVICE "," SERVER("\"192.168.8.14\",\"weight\":7") "}"),
		0);
	expect(rig, "server.list", "{" SERVICE "}", "servers.2.weight", "7");
	expect(rig, "server.list", "{" SERVICE "}", "servers.2.port", "80");
	/* What is not given stays; what is given changes. */
	assert_int_equal(
		api_rig_code(rig, "server.edit", "{" SERVICE "," SERVER("\"192.168.8.13\"") "}"),
		0);
	expect(rig, "server.list", "{" SERVICE "}", "servers.1.weight", "3");
	assert_int_equal(api_rig_code(rig, "server.edit",
				 "{" SERVICE "," SERVER("\"192.168.8.13\",\"weight\":0") "}"),
		0);
	expect(rig, "server.list", "{" SERVICE "}", "servers.1.weight", "0");
	assert_int_equal(
		api_rig_code(rig, "server.delete", "{" SERVICE "," SERVER("\"192.168.8.12\"") "}"),
		0);
	expect(rig, "server.list", "{" SERVICE "}", "servers.0.address", "\"192.168.8.13\"");
	expect(rig, "server.list", "{" SERVICE "}", "servers.0.lvs_forward", "\"Route\"");
	expect(rig, "server.list", "{" SERVICE "}", "servers.0.state", "\"reachable\"");
}

static void servers_that_are_or_are_not_there(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(
		api_rig_code(rig, "server.add", "{" SERVICE "," SERVER("\"192.168.8.12\"") "}"),
		SL_RPC_SERVER_EXISTS);
	assert_int_equal(api_rig_code(rig, "server.add",
				 "{" SERVICE "," SERVER("\"192.168.8.12\",\"port\":80") "}"),
		SL_RPC_SERVER_EXISTS);
	assert_int_equal(api_rig_code(rig, "server.edit",
				 "{" SERVICE "," SERVER("\"192.168.8.99\",\"weight\":1") "}"),
		SL_RPC_NO_SERVER);
	assert_int_equal(api_rig_code(rig, "server.delete",
				 "{" SERVICE "," SERVER("\"192.168.8.12\",\"port\":81") "}"),
		SL_RPC_NO_SERVER);
	/* Direct routing cannot change the port, nor reach what is on no segment. */
	assert_int_equal(api_rig_code(rig, "server.add",
				 "{" SERVICE "," SERVER("\"192.168.8.14\",\"port\":81") "}"),
		SL_RPC_CONFIG);
	assert_int_equal(
		api_rig_code(rig, "server.add", "{" SERVICE "," SERVER("\"10.9.9.9\"") "}"),
		SL_RPC_CONFIG);
	assert_int_equal(api_rig_generation(rig), 1);
	expect(rig, "server.list", "{" SERVICE "}", "servers.2", "(none)");
}

static void a_refusal_changes_nothing(void **state)
{
	struct api_rig *rig = *state;
	uint64_t snapshot = sl_registry_latest(rig->rig.engine->registry)->generation;

	rig->busy = true;
	assert_int_equal(api_rig_code(rig, "service.delete", "{" SERVICE "}"), SL_RPC_BUSY);
	rig->busy = false;
	rig->refuse_system = true;
	assert_int_equal(api_rig_code(rig, "service.delete", "{" SERVICE "}"), SL_RPC_SYSTEM);
	rig->refuse_system = false;
	assert_int_equal(
		api_rig_code(rig, "config.apply", "{\"config\":{\"ports\":[]}}"), SL_RPC_CONFIG);
	assert_int_equal(api_rig_code(rig, "config.apply", "{}"), SL_RPC_PARAMS);
	assert_int_equal(api_rig_code(rig, "config.apply", "{\"config\":{},\"text\":\"{}\"}"),
		SL_RPC_PARAMS);
	assert_int_equal(api_rig_generation(rig), 1);
	assert_int_equal(sl_registry_latest(rig->rig.engine->registry)->generation, snapshot);
	assert_int_equal(rig->published, 1);
}

/* config.apply with one text replaced in the configuration; the reply. */
static json_t *
apply_with(struct api_rig *rig, const char *method, const char *from, const char *to, int confirm_s)
{
	char *at = strstr(api_rig_config, from), *text = NULL, *line;
	json_t *params, *reply;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - api_rig_config), api_rig_config, to,
			    at + strlen(from)) > 0);
	params = json_pack("{s:s}", "text", text);
	if (confirm_s != 0)
		json_object_set_new(params, "confirm_within_s", json_integer(confirm_s));
	line = json_dumps(params, 0);
	reply = api_rig_call(rig, method, line);
	json_decref(params);
	free(line);
	free(text);
	return reply;
}

static int apply_code(struct api_rig *rig, const char *from, const char *to, int confirm_s)
{
	json_t *reply = apply_with(rig, "config.apply", from, to, confirm_s);
	int code =
		(int)json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));

	json_decref(reply);
	return code;
}

static void what_only_a_start_can_change_is_named(void **state)
{
	struct api_rig *rig = *state;
	json_t *reply = apply_with(rig, "config.apply", "net_null0", "net_null1", 0);
	const json_t *error = json_object_get(reply, "error");

	assert_int_equal(json_integer_value(json_object_get(error, "code")), SL_RPC_NEEDS_START);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(error, "data"), "path")),
		"/ports/0/device");
	json_decref(reply);
	assert_int_equal(api_rig_generation(rig), 1);
}

static void texts_have_their_errors_placed(void **state)
{
	json_t *reply = apply_with(*state, "config.test", "\"rr\"", "\n  \"rx\"", 0);
	const json_t *data = json_object_get(json_object_get(reply, "error"), "data");

	assert_int_equal(json_integer_value(json_object_get(data, "line")), 2);
	assert_int_equal(json_integer_value(json_object_get(data, "column")), 3);
	assert_string_equal(
		json_string_value(json_object_get(data, "path")), "/services/0/scheduler");
	json_decref(reply);
}

static void a_test_and_a_diff_change_nothing(void **state)
{
	struct api_rig *rig = *state;
	json_t *reply = apply_with(rig, "config.test", "\"rr\"", "\"lc\"", 0), *changes;

	assert_non_null(json_object_get(reply, "result"));
	json_decref(reply);
	reply = apply_with(rig, "config.diff", "\"rr\"", "\"lc\"", 0);
	changes = json_object_get(json_object_get(reply, "result"), "changes");
	assert_int_equal(json_array_size(changes), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(changes, 0), "to")), "lc");
	json_decref(reply);
	assert_int_equal(api_rig_generation(rig), 1);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"rr\"");
}

static void an_unconfirmed_change_goes_by_itself(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(apply_code(rig, "\"rr\"", "\"lc\"", 10), 0);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"lc\"");
	expect(rig, "info.get", NULL, "confirm_within_s", "10");
	/* Nothing else may change meanwhile. */
	assert_int_equal(
		api_rig_code(rig, "service.delete", "{" SERVICE "}"), SL_RPC_CONFIRM_PENDING);
	assert_int_equal(api_rig_code(rig, "config.save", NULL), SL_RPC_CONFIRM_PENDING);
	assert_int_equal(sl_director_reload(rig->director, NULL), -EBUSY);
	api_rig_wait(rig, 9);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"lc\"");
	api_rig_wait(rig, 1);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"rr\"");
	expect(rig, "info.get", NULL, "confirm_within_s", "(none)");
	assert_int_equal(api_rig_generation(rig), 3);
	assert_int_equal(api_rig_code(rig, "service.delete", "{" SERVICE "}"), 0);
}

static void a_roll_back_waits_for_a_late_worker(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(apply_code(rig, "\"rr\"", "\"lc\"", 10), 0);
	rig->busy = true;
	api_rig_wait(rig, 12);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"lc\"");
	rig->busy = false;
	api_rig_wait(rig, 1);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"rr\"");
}

static void a_confirmed_change_stays(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(api_rig_code(rig, "config.confirm", NULL), SL_RPC_NOT_PENDING);
	assert_int_equal(api_rig_code(rig, "config.rollback", NULL), SL_RPC_NOT_PENDING);
	assert_int_equal(apply_code(rig, "\"rr\"", "\"lc\"", 10), 0);
	assert_int_equal(api_rig_code(rig, "config.confirm", NULL), 0);
	api_rig_wait(rig, 20);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"lc\"");
	assert_int_equal(apply_code(rig, "\"rr\"", "\"wlc\"", 10), 0);
	assert_int_equal(api_rig_code(rig, "config.rollback", NULL), 0);
	expect(rig, "service.list", NULL, "services.0.scheduler", "\"lc\"");
}

static void saving_keeps_the_file_s_mode_and_reads_back(void **state)
{
	struct api_rig *rig = *state;
	struct stat before, after;

	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(api_rig_code(rig, "timeouts.set", "{\"timeouts\":{\"udp\":\"99s\"}}"), 0);
	assert_int_equal(api_rig_code(rig, "config.save", NULL), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_not_equal(after.st_ino, before.st_ino); /* replaced, not rewritten */
	assert_int_equal(api_rig_code(rig, "timeouts.set", "{\"timeouts\":{\"udp\":5}}"), 0);
	/* The file wins; what was changed since is discarded. */
	expect(rig, "config.reload", NULL, "changes.0.to", "\"99s\"");
	expect(rig, "timeouts.get", NULL, "timeouts.udp", "99");
}

static void a_file_that_cannot_be_read_or_written(void **state)
{
	struct api_rig *rig = *state;
	FILE *file;

	unlink(path);
	assert_int_equal(api_rig_code(rig, "config.reload", NULL), SL_RPC_FILE);
	file = fopen(path, "w");
	fputs("{\"ports\": 3}", file);
	fclose(file);
	assert_int_equal(api_rig_code(rig, "config.reload", NULL), SL_RPC_CONFIG);
	assert_int_equal(api_rig_generation(rig), 1);
}

static void timeouts_change_one_by_one(void **state)
{
	struct api_rig *rig = *state;

	assert_int_equal(api_rig_code(rig, "timeouts.set",
				 "{\"timeouts\":{\"established\":\"20m\",\"fin_wait\":30}}"),
		0);
	expect(rig, "timeouts.get", NULL, "timeouts.established", "1200");
	expect(rig, "timeouts.get", NULL, "timeouts.fin_wait", "30");
	expect(rig, "timeouts.get", NULL, "timeouts.udp", "300");
	assert_int_equal(
		sl_registry_latest(rig->rig.engine->registry)->timeouts.s[SL_STATE_ESTABLISHED],
		1200);
	assert_int_equal(
		api_rig_code(rig, "timeouts.set", "{\"timeouts\":{\"udp\":0}}"), SL_RPC_PARAMS);
	assert_int_equal(
		api_rig_code(rig, "timeouts.set", "{\"timeouts\":{\"upd\":9}}"), SL_RPC_PARAMS);
}

/* A SYN from each of `n` clients' ports, on the worker that owns it. */
static void connect_clients(struct api_rig *rig, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct packet syn = {.src = PACKET_IP(10, 0, 0, 9),
			.dst = VIP,
			.src_port = (uint16_t)(40000 + i),
			.dst_port = 80,
			.flags = 2};
		struct rte_mbuf *mbuf = packet_make(&syn);
		unsigned owner = rig_owner(&rig->rig, syn.src, syn.src_port);
		unsigned what;

		rig_poll(&rig->rig, owner, &mbuf, 1);
		assert_int_equal(rig_end_of(&rig->rig, owner, mbuf, &what), RIG_SENT);
		packet_free(mbuf);
	}
}

static void connections_are_listed_in_pages(void **state)
{
	struct api_rig *rig = *state;
	char params[256] = "{\"limit\":20}";
	unsigned seen = 0, pages = 0;
	bool ports[300] = {false};

	connect_clients(rig, 300);
	for (; pages < 1000; pages++) {
		json_t *result = api_rig_result(rig, "connection.list", params), *row;
		const char *cursor = json_string_value(json_object_get(result, "cursor"));
		size_t i;

		json_array_foreach (json_object_get(result, "connections"), i, row) {
			json_int_t port = json_integer_value(json_object_get(row, "client_port"));

			assert_in_range(port, 40000, 40299);
			assert_false(ports[port - 40000]);
			ports[port - 40000] = true;
			assert_string_equal(
				json_string_value(json_object_get(row, "state")), "SYN_RECV");
			assert_int_equal(json_integer_value(json_object_get(row, "expires_s")), 60);
			seen++;
		}
		if (cursor != NULL)
			snprintf(
				params, sizeof(params), "{\"limit\":20,\"cursor\":\"%s\"}", cursor);
		json_decref(result);
		if (cursor == NULL)
			break;
	}
	assert_int_equal(seen, 300);
	assert_true(pages > 1);
}

static unsigned count_connections(struct api_rig *rig, const char *params)
{
	json_t *result = api_rig_result(rig, "connection.list", params);
	unsigned n = (unsigned)json_array_size(json_object_get(result, "connections"));

	assert_null(json_object_get(result, "cursor"));
	json_decref(result);
	return n;
}

static void connections_are_filtered(void **state)
{
	struct api_rig *rig = *state;

	connect_clients(rig, 10);
	assert_int_equal(count_connections(rig, NULL), 10);
	assert_int_equal(count_connections(rig, "{\"state\":\"SYN_RECV\"}"), 10);
	assert_int_equal(count_connections(rig, "{\"state\":\"any\"}"), 10);
	assert_int_equal(count_connections(rig, "{\"state\":\"ESTABLISHED\"}"), 0);
	assert_int_equal(count_connections(rig, "{\"server\":\"192.168.8.12\"}") +
			count_connections(rig, "{\"server\":\"192.168.8.13\"}"),
		10);
	assert_true(count_connections(rig, "{\"server\":\"192.168.8.12\"}") >= 4);
	assert_int_equal(count_connections(rig, "{\"server\":\"192.168.8.99\"}"), 0);
	assert_int_equal(count_connections(rig, "{\"client\":\"10.0.0.9\"}"), 10);
	assert_int_equal(count_connections(rig, "{\"client\":\"10.0.0.8\"}"), 0);
	assert_int_equal(count_connections(rig, "{" SERVICE "}"), 10);
	assert_int_equal(api_rig_code(rig, "connection.list", "{\"cursor\":\"x\"}"), SL_RPC_CURSOR);
	assert_int_equal(
		api_rig_code(rig, "connection.list", "{\"cursor\":\"9.0.0\"}"), SL_RPC_CURSOR);
}

/* A pair of worker 0; of a server's own connection it has no server. */
static void insert_pair(struct api_rig *rig, sl_id front, sl_id server, uint16_t port)
{
	struct sl_worker *w = rig->rig.engine->workers[0];
	struct sl_side want = {
		.client = sl_ip_v4(RTE_BE32(0x0a000009)),
		.local = sl_ip_v4(RTE_BE32(0x0a090001)),
		.client_port = rte_cpu_to_be_16(port),
		.local_port = rte_cpu_to_be_16((uint16_t)(port + 1)),
		.front = front,
		.endpoint = front,
		.server = server,
		.state = SL_STATE_ESTABLISHED,
	};
	uint32_t index;

	sl_worker_poll_begin(w, rig->rig.time.ns);
	assert_int_equal(sl_side_insert(w, &want, &index), 0);
	sl_worker_poll_end(w);
}

static void pairs_show_their_local_endpoint(void **state)
{
	static const char *const keys[][2] = {{"local", "local_port"}, {"address", "port"}};
	struct api_rig *rig = *state;
	const uint32_t vip = 0xc0a80864, server = 0xc0a8080c;

	rig_masquerade(&rig->rig, true);
	insert_pair(rig, sl_registry_latest(rig->rig.engine->registry)->masquerade[0][0],
		SL_ID_NONE, 7000);
	insert_pair(rig,
		sl_registry_front(rig->rig.engine->registry,
			&(struct sl_service_key){.protocol = IPPROTO_TCP,
				.vip = sl_addr_v4(rte_cpu_to_be_32(vip)),
				.port = 80}),
		rig_server_id(&rig->rig, IPPROTO_TCP, vip, 80, server), 8000);
	for (unsigned i = 0; i < 2; i++) {
		json_t *result = api_rig_result(rig, "connection.list",
			i == 0 ? "{\"server\":\"192.168.8.12\"}" : "{\"server\":\"0.0.0.0\"}");
		json_t *rows = json_object_get(result, "connections"), *row;

		assert_int_equal(json_array_size(rows), 1);
		row = json_array_get(rows, 0);
		assert_string_equal(
			json_string_value(json_object_get(row, keys[i][0])), "10.9.0.1");
		assert_int_equal(
			json_integer_value(json_object_get(row, keys[i][1])), i == 0 ? 8001 : 7001);
		assert_int_equal(json_is_true(json_object_get(row, "masquerade")), i == 1);
		json_decref(result);
	}
}

static unsigned long server_connections(struct api_rig *rig, int server)
{
	char where[64], *text;
	unsigned long n;

	snprintf(where, sizeof(where), "services.0.servers.%d.connections", server);
	text = reach(rig, "stats.get", NULL, where);
	n = strtoul(text, NULL, 10);
	free(text);
	return n;
}

static void counts_are_shown_and_zeroed(void **state)
{
	struct api_rig *rig = *state;

	connect_clients(rig, 10);
	expect(rig, "stats.get", NULL, "services.0.connections", "10");
	assert_int_equal(server_connections(rig, 0) + server_connections(rig, 1), 10);
	assert_in_range(server_connections(rig, 0), 4, 6); /* each worker goes round by itself */
	expect(rig, "service.list", NULL, "services.0.active", "10");
	assert_int_equal(api_rig_code(rig, "service.zero", "{" SERVICE "}"), 0);
	expect(rig, "stats.get", "{" SERVICE "}", "services.0.connections", "0");
	expect(rig, "service.list", NULL, "services.0.active", "10");
	connect_clients(rig, 11); /* ten are there already */
	expect(rig, "stats.get", NULL, "services.0.connections", "1");
	assert_int_equal(api_rig_code(rig, "stats.zero", NULL), 0);
	expect(rig, "stats.get", NULL, "services.0.in_packets", "0");
}

static void rates_follow_the_clock(void **state)
{
	struct api_rig *rig = *state;

	api_rig_wait(rig, 4);
	connect_clients(rig, 80);
	api_rig_wait(rig, 2);
	/* 80 in 2 s are 40 a second; a rate moves a quarter of the way. */
	expect(rig, "stats.rates", NULL, "services.0.connections", "10");
}

static void drops_are_summed_over_workers_and_the_rest(void **state)
{
	struct api_rig *rig = *state;
	char where[32];

	sl_count_add(rig->rig.engine->workers[0]->stats.drops[SL_DROP_TWIN_WRITE], 2);
	sl_count_add(rig->rig.engine->workers[1]->stats.drops[SL_DROP_TWIN_WRITE], 3);
	snprintf(where, sizeof(where), "reasons.%d", SL_DROP_TWIN_WRITE);
	strcat(where, ".total");
	expect(rig, "drops.get", NULL, where, "12"); /* 7 are the host's */
	snprintf(where, sizeof(where), "reasons.%d.workers", SL_DROP_TWIN_WRITE);
	expect(rig, "drops.get", NULL, where, "[2,3]");
	snprintf(where, sizeof(where), "reasons.%d.name", SL_DROP_COUNT - 1);
	expect(rig, "drops.get", NULL, where, "\"no_mbuf\"");
}

static void workers_and_ports_are_shown(void **state)
{
	struct api_rig *rig = *state;
	struct sl_worker *worker = rig->rig.engine->workers[1];

	api_rig_wait(rig, 2);
	sl_count_add(worker->stats.busy_tsc, 250);
	sl_count_add(worker->stats.total_tsc, 1000);
	sl_count_add(worker->stats.balanced[0], 1000);
	sl_count_add(worker->stats.handed_over[0], 500);
	api_rig_wait(rig, 2);
	expect(rig, "workers.get", NULL, "workers.1.busy", "0.25");
	expect(rig, "workers.get", NULL, "workers.1.core", "1");
	expect(rig, "workers.get", NULL, "workers.1.ports.0.handed_over_share", "0.5");
	expect(rig, "ports.get", NULL, "ports.0.handed_over", "500");
	expect(rig, "ports.get", NULL, "twins.from_linux", "11");
	expect(rig, "ports.get", NULL, "routes.ipv4", "7");
	expect(rig, "workers.get", NULL, "workers.0.connections_wide.capacity", "144");
	expect(rig, "vips.get", NULL, "vips.0.local", "true");
	expect(rig, "neighbours.get", "{\"limit\":2}", "cursor", "\"2\"");
	expect(rig, "neighbours.get", "{\"cursor\":\"2\"}", "neighbours.0.address",
		"\"192.168.8.14\"");
	assert_int_equal(api_rig_code(rig, "vips.get", "{\"cursor\":\"x\"}"), SL_RPC_CURSOR);
}

static void services_are_listed_in_pages(void **state)
{
	struct api_rig *rig = *state;
	char params[256];

	for (int i = 0; i < 20; i++) {
		snprintf(params, sizeof(params),
			"{\"service\":{\"protocol\":\"%s\",\"address\":\"192.168.8.%d\",\"port\":%"
			"d}}",
			i % 2 != 0 ? "tcp" : "udp", 150 + i / 4, 1000 + i);
		assert_int_equal(api_rig_code(rig, "service.add", params), 0);
	}
	strcpy(params, "{\"limit\":3}");
	for (unsigned seen = 0;;) {
		json_t *result = api_rig_result(rig, "service.list", params);
		const char *cursor = json_string_value(json_object_get(result, "cursor"));

		seen += json_array_size(json_object_get(result, "services"));
		if (cursor == NULL) {
			assert_int_equal(seen, 21);
			json_decref(result);
			break;
		}
		assert_true(seen < 21);
		snprintf(params, sizeof(params), "{\"limit\":3,\"cursor\":\"%s\"}", cursor);
		json_decref(result);
	}
	assert_int_equal(
		api_rig_code(rig, "service.list", "{\"cursor\":\"tcp nonsense\"}"), SL_RPC_CURSOR);
}

/* What control's subscription has not had yet, as text; to be freed. */
static char *events(struct api_rig *rig)
{
	size_t length;
	bool more;

	return sl_events_take(sl_director_events(rig->director), &rig->control.subscription,
		1 << 20, &length, &more);
}

static void events_are_told_by_class(void **state)
{
	struct api_rig *rig = *state;
	char *text;

	assert_int_equal(api_rig_code(rig, "events.subscribe", "{\"classes\":[\"vip\"]}"), 0);
	assert_int_equal(api_rig_code(rig, "timeouts.set", "{\"timeouts\":{\"udp\":10}}"), 0);
	assert_int_equal(rig->wakes, 0);
	sl_director_event(rig->director, "vip", json_pack("{s:s}", "address", "192.168.8.100"));
	assert_int_equal(rig->wakes, 1);
	text = events(rig);
	assert_non_null(strstr(text, "\"class\":\"vip\""));
	assert_null(strstr(text, "\"class\":\"config\""));
	free(text);
	assert_null(events(rig));
	assert_int_equal(api_rig_code(rig, "events.unsubscribe", NULL), 0);
	sl_director_event(rig->director, "vip", NULL);
	assert_int_equal(rig->wakes, 1);
	assert_int_equal(
		api_rig_code(rig, "events.subscribe", "{\"classes\":[\"none\"]}"), SL_RPC_PARAMS);
}

static void events_can_be_had_again_from_a_number_on(void **state)
{
	struct api_rig *rig = *state;
	char *text;

	sl_director_event(rig->director, "no such class", NULL);
	assert_int_equal(api_rig_code(rig, "events.subscribe", "{\"since\":1}"), 0);
	assert_int_equal(rig->wakes, 1);
	text = events(rig);
	assert_non_null(strstr(text, "\"sequence\":1,\"class\":\"config\""));
	assert_non_null(strstr(text, "\"sequence\":2,\"class\":\"system\""));
	free(text);
}

static void a_slow_subscriber_learns_what_it_lost(void **state)
{
	struct api_rig *rig = *state;
	unsigned lines = 0;
	char *text;

	assert_int_equal(api_rig_code(rig, "events.subscribe", NULL), 0);
	for (int i = 0; i < SL_EVENTS_KEPT + 100; i++)
		sl_director_event(rig->director, "link", NULL);
	text = events(rig);
	assert_non_null(text);
	assert_ptr_equal(strstr(text, "{\"jsonrpc\":\"2.0\",\"method\":\"events.lost\""), text);
	assert_non_null(strstr(text, "\"count\":100}"));
	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, SL_EVENTS_KEPT + 1);
	free(text);
	assert_null(events(rig));
	sl_events_unsubscribe(sl_director_events(rig->director), &rig->control.subscription);
}

static unsigned open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(directory) != NULL)
		n++;
	closedir(directory);
	return n;
}

static void apply_many(struct api_rig *rig, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(
			apply_code(rig, "\"rr\"", i % 2 == 0 ? "\"wlc\"" : "\"rr\"", 0), 0);
		if (i % 50 == 0)
			api_rig_wait(rig, 1);
	}
}

/* The long version of this runs against the program. */
static void many_applies_leave_memory_and_descriptors_as_they_were(void **state)
{
	struct api_rig *rig = *state;
	unsigned descriptors = open_descriptors();
	struct mallinfo2 before, after;

	sl_log_set_level(SL_LOG_WARNING);
	/* The events' ring fills up first: it is bounded, and full from there on. */
	for (int i = 0; i < SL_EVENTS_KEPT; i++)
		sl_director_event(rig->director, "config",
			json_pack("{s:s, s:i, s:i}", "what", "applied", "generation", 1000,
				"services", 1));
	apply_many(rig, 100);
	before = mallinfo2();
	apply_many(rig, 400);
	after = mallinfo2();
	sl_log_set_level(SL_LOG_INFO);
	assert_int_equal(open_descriptors(), descriptors);
	assert_true(after.uordblks < before.uordblks + 20000);
	assert_int_equal(api_rig_generation(rig), 501);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
		TEST(services_come_change_and_go),
		TEST(services_that_are_or_are_not_there),
		TEST(servers_come_change_and_go),
		TEST(servers_that_are_or_are_not_there),
		TEST(a_refusal_changes_nothing),
		TEST(what_only_a_start_can_change_is_named),
		TEST(texts_have_their_errors_placed),
		TEST(a_test_and_a_diff_change_nothing),
		TEST(an_unconfirmed_change_goes_by_itself),
		TEST(a_roll_back_waits_for_a_late_worker),
		TEST(a_confirmed_change_stays),
		TEST(saving_keeps_the_file_s_mode_and_reads_back),
		TEST(a_file_that_cannot_be_read_or_written),
		TEST(timeouts_change_one_by_one),
		TEST(connections_are_listed_in_pages),
		TEST(connections_are_filtered),
		TEST(pairs_show_their_local_endpoint),
		TEST(counts_are_shown_and_zeroed),
		TEST(rates_follow_the_clock),
		TEST(drops_are_summed_over_workers_and_the_rest),
		TEST(workers_and_ports_are_shown),
		TEST(services_are_listed_in_pages),
		TEST(events_are_told_by_class),
		TEST(events_can_be_had_again_from_a_number_on),
		TEST(a_slow_subscriber_learns_what_it_lost),
		TEST(many_applies_leave_memory_and_descriptors_as_they_were),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 2;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
