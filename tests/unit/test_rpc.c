/* SPDX-License-Identifier: BSD-3-Clause */
/* The envelope, and what every method has in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/rpc.h"
#include "api_rig.h"

#define REQUEST(rest) "{\"jsonrpc\":\"2.0\"," rest "}"

static struct api_rig *rig_of(void **state)
{
	return *state;
}

static int open_rig(void **state)
{
	struct api_rig *rig = malloc(sizeof(*rig));

	api_rig_open(rig, NULL);
	*state = rig;
	return 0;
}

static int close_rig(void **state)
{
	api_rig_close(*state);
	free(*state);
	return 0;
}

static json_t *member(const json_t *reply, const char *a, const char *b)
{
	return json_object_get(json_object_get(json_object_get(reply, "error"), a), b);
}

static int code_of(const json_t *reply)
{
	return (int)json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));
}

static void lines_that_are_no_request(void **state)
{
	static const struct {
		const char *line;
		int code;
	} cases[] = {
		{"{", SL_RPC_PARSE},
		{"nonsense", SL_RPC_PARSE},
		{"{\"a\":1} trailing", SL_RPC_PARSE},
		{"{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"method\":\"info.get\"}", SL_RPC_PARSE},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}", SL_RPC_PARSE},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc0\xaf\"}", SL_RPC_PARSE},
		{"1", SL_RPC_REQUEST},
		{"\"text\"", SL_RPC_REQUEST},
		{"null", SL_RPC_REQUEST},
		{"{}", SL_RPC_REQUEST},
		{"[]", SL_RPC_REQUEST},
		{"{\"method\":\"info.get\",\"id\":1}", SL_RPC_REQUEST},
		{"{\"jsonrpc\":\"1.0\",\"method\":\"info.get\",\"id\":1}", SL_RPC_REQUEST},
		{"{\"jsonrpc\":2.0,\"method\":\"info.get\",\"id\":1}", SL_RPC_REQUEST},
		{REQUEST("\"id\":1"), SL_RPC_REQUEST},
		{REQUEST("\"id\":1,\"method\":7"), SL_RPC_REQUEST},
		{REQUEST("\"id\":{},\"method\":\"info.get\""), SL_RPC_REQUEST},
		{REQUEST("\"id\":1,\"method\":\"info.gte\""), SL_RPC_METHOD},
		{REQUEST("\"id\":1,\"method\":\"\""), SL_RPC_METHOD},
		{REQUEST("\"id\":1,\"method\":\"info.get\",\"params\":[]"), SL_RPC_PARAMS},
		{REQUEST("\"id\":1,\"method\":\"info.get\",\"params\":3"), SL_RPC_PARAMS},
		{REQUEST("\"id\":1,\"method\":\"info.get\",\"params\":{\"x\":1}"), SL_RPC_PARAMS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *reply = api_rig_line(rig_of(state), &rig_of(state)->control, cases[i].line);

		if (code_of(reply) != cases[i].code)
			fail_msg("%s: code %d", cases[i].line, code_of(reply));
		assert_true(json_is_string(
			json_object_get(json_object_get(reply, "error"), "message")));
		json_decref(reply);
	}
}

static void deep_nesting_is_refused_at_its_limit(void **state)
{
	char line[4096];

	for (int depth = 30; depth <= 1000; depth += depth < 40 ? 1 : 320) {
		size_t n = (size_t)sprintf(line,
			REQUEST("\"id\":1,\"method\":\"config.test\",\"params\":{\"config\":{"
				"\"x\":"));
		json_t *reply;

		n--; /* the closing brace of REQUEST comes later */
		memset(line + n, '[', depth - 3);
		memset(line + n + depth - 3, ']', depth - 3);
		strcpy(line + n + 2 * (depth - 3), "}}}");
		reply = api_rig_line(rig_of(state), &rig_of(state)->control, line);
		if (depth <= SL_RPC_DEPTH)
			assert_int_equal(code_of(reply), SL_RPC_CONFIG);
		else
			assert_int_equal(code_of(reply), SL_RPC_PARSE);
		json_decref(reply);
	}
}

static void ids_come_back_as_they_were(void **state)
{
	static const char *const ids[] = {"1", "\"text\"", "-5", "1.5", "null"};
	char line[128];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		json_t *reply, *id = json_loads(ids[i], JSON_DECODE_ANY, NULL);

		sprintf(line, "{\"jsonrpc\":\"2.0\",\"method\":\"info.get\",\"id\":%s}", ids[i]);
		reply = api_rig_line(rig_of(state), &rig_of(state)->control, line);
		assert_true(json_equal(json_object_get(reply, "id"), id));
		assert_string_equal(json_string_value(json_object_get(reply, "jsonrpc")), "2.0");
		json_decref(id);
		json_decref(reply);
	}
}

static void notifications_are_done_and_not_answered(void **state)
{
	struct api_rig *rig = rig_of(state);

	assert_null(api_rig_line(rig, &rig->control,
		REQUEST("\"method\":\"timeouts.set\",\"params\":{\"timeouts\":{\"udp\":17}}")));
	assert_int_equal(api_rig_generation(rig), 2);
	assert_null(api_rig_line(rig, &rig->control, REQUEST("\"method\":\"no.such\"")));
	assert_null(api_rig_line(rig, &rig->control, ""));
	assert_null(api_rig_line(rig, &rig->control, " \t\r"));
}

static void batches_answer_what_has_an_id(void **state)
{
	struct api_rig *rig = rig_of(state);
	json_t *reply = api_rig_line(rig, &rig->control,
		"[" REQUEST("\"id\":1,\"method\":\"info.get\"") "," REQUEST(
			"\"method\":\"info."
			"get\"") ",7," REQUEST("\"id\":2,\"method\":\"none\"") "]");

	assert_int_equal(json_array_size(reply), 3);
	assert_non_null(json_object_get(json_array_get(reply, 0), "result"));
	assert_int_equal(code_of(json_array_get(reply, 1)), SL_RPC_REQUEST);
	assert_int_equal(code_of(json_array_get(reply, 2)), SL_RPC_METHOD);
	json_decref(reply);
	assert_null(api_rig_line(rig, &rig->control, "[" REQUEST("\"method\":\"info.get\"") "]"));
}

static void a_batch_of_long_answers_ends_early(void **state)
{
	static const char request[] = REQUEST("\"id\":1,\"method\":\"rpc.discover\"");
	struct api_rig *rig = rig_of(state);
	char *line = malloc(SL_RPC_BATCH * sizeof(request) + 2), *at = line;
	json_t *reply;

	assert_non_null(line);
	for (unsigned i = 0; i < SL_RPC_BATCH; i++)
		at += sprintf(at, "%c%s", i == 0 ? '[' : ',', request);
	strcpy(at, "]");
	reply = api_rig_line(rig, &rig->view, line);
	assert_int_equal(json_array_size(reply), SL_RPC_BATCH);
	assert_non_null(json_object_get(json_array_get(reply, 0), "result"));
	assert_int_equal(code_of(json_array_get(reply, SL_RPC_BATCH - 1)), SL_RPC_LIMIT);
	assert_true(json_dumpb(reply, NULL, 0, JSON_COMPACT) < 2 * SL_RPC_BATCH_REPLIES);
	json_decref(reply);
	free(line);
}

static void every_reply_carries_the_generation(void **state)
{
	json_t *reply = api_rig_call(rig_of(state), "info.get", NULL);

	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(reply, "result"), "generation")),
		1);
	json_decref(reply);
	reply = api_rig_call(rig_of(state), "no.such", NULL);
	assert_int_equal(json_integer_value(member(reply, "data", "generation")), 1);
	json_decref(reply);
}

static void errors_say_where_and_what_to_do(void **state)
{
	json_t *reply = api_rig_call(rig_of(state), "service.lits", NULL);

	assert_string_equal(json_string_value(member(reply, "data", "name")), "method_not_found");
	assert_string_equal(
		json_string_value(member(reply, "data", "hint")), "did you mean service.list?");
	json_decref(reply);

	reply = api_rig_call(rig_of(state), "service.add",
		"{\"service\":{\"protocol\":\"tcp\",\"address\":\"192.168.8.101\",\"port\":80,"
		"\"sheduler\":\"rr\"}}");
	assert_int_equal(code_of(reply), SL_RPC_PARAMS);
	assert_string_equal(
		json_string_value(member(reply, "data", "path")), "/params/service/sheduler");
	assert_non_null(strstr(json_string_value(member(reply, "data", "hint")), "scheduler"));
	json_decref(reply);

	reply = api_rig_call(rig_of(state), "service.add",
		"{\"service\":{\"protocol\":\"tcp\",\"address\":\"192.168.8.101\",\"port\":80000}"
		"}");
	assert_string_equal(
		json_string_value(member(reply, "data", "path")), "/params/service/port");
	json_decref(reply);
}

static void the_view_socket_reads_only(void **state)
{
	struct api_rig *rig = rig_of(state);
	json_t *reply =
		api_rig_line(rig, &rig->view, REQUEST("\"id\":1,\"method\":\"service.list\""));

	assert_non_null(json_object_get(reply, "result"));
	json_decref(reply);
	reply = api_rig_line(rig, &rig->view, REQUEST("\"id\":1,\"method\":\"stats.zero\""));
	assert_int_equal(code_of(reply), SL_RPC_READ_ONLY);
	json_decref(reply);
	assert_int_equal(api_rig_generation(rig), 1);
}

/* No method is forgotten: each either reads, or is refused on the view socket. */
static void refuse_if_it_writes(void *arg, const struct sl_method *method)
{
	struct api_rig *rig = arg;
	char line[256];
	json_t *reply;

	snprintf(line, sizeof(line), REQUEST("\"id\":1,\"method\":\"%s\",\"params\":{}"),
		method->name);
	reply = api_rig_line(rig, &rig->view, line);
	if (method->flags & SL_METHOD_WRITE) {
		assert_true(code_of(reply) == SL_RPC_READ_ONLY || code_of(reply) == SL_RPC_PARAMS);
		assert_null(json_object_get(reply, "result"));
	}
	json_decref(reply);
}

static void all_writes_are_refused_to_viewers(void **state)
{
	struct api_rig *rig = rig_of(state);

	sl_method_each(refuse_if_it_writes, rig);
	assert_int_equal(api_rig_generation(rig), 1);
}

static void a_stale_generation_is_refused(void **state)
{
	struct api_rig *rig = rig_of(state);

	assert_int_equal(api_rig_code(rig, "timeouts.set",
				 "{\"timeouts\":{\"udp\":10},\"if_generation\":2}"),
		SL_RPC_STALE);
	assert_int_equal(api_rig_generation(rig), 1);
	assert_int_equal(api_rig_code(rig, "timeouts.set",
				 "{\"timeouts\":{\"udp\":10},\"if_generation\":1}"),
		0);
	assert_int_equal(api_rig_generation(rig), 2);
	/* Reads have no such parameter. */
	assert_int_equal(api_rig_code(rig, "info.get", "{\"if_generation\":1}"), SL_RPC_PARAMS);
}

static void check_row(void *arg, const struct sl_method *method)
{
	json_t *listed = arg, *row, *found = NULL;
	size_t i;

	json_array_foreach (listed, i, row) {
		if (strcmp(json_string_value(json_object_get(row, "name")), method->name) == 0)
			found = row;
	}
	assert_non_null(found);
	assert_true(json_is_object(json_object_get(found, "params")));
	assert_int_equal(json_is_true(json_object_get(found, "write")),
		(method->flags & SL_METHOD_WRITE) != 0);
	assert_true(method->help[0] != '\0');
	assert_non_null(method->handler);
}

static void the_api_describes_itself(void **state)
{
	json_t *result = api_rig_result(rig_of(state), "rpc.discover", NULL);

	sl_method_each(check_row, json_object_get(result, "methods"));
	assert_true(json_array_size(json_object_get(result, "errors")) > 15);
	assert_non_null(json_object_get(json_object_get(result, "schema"), "$defs"));
	json_decref(result);
}

static void large_counters_are_text_as_well(void **state)
{
	json_t *object = json_object();

	sl_json_count(object, "small", 1ull << 53);
	sl_json_count(object, "large", (1ull << 53) + 1);
	sl_json_count(object, "huge", UINT64_MAX);
	assert_null(json_object_get(object, "small_text"));
	assert_string_equal(
		json_string_value(json_object_get(object, "large_text")), "9007199254740993");
	assert_string_equal(
		json_string_value(json_object_get(object, "huge_text")), "18446744073709551615");
	json_decref(object);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
		TEST(lines_that_are_no_request),
		TEST(deep_nesting_is_refused_at_its_limit),
		TEST(ids_come_back_as_they_were),
		TEST(notifications_are_done_and_not_answered),
		TEST(batches_answer_what_has_an_id),
		TEST(a_batch_of_long_answers_ends_early),
		TEST(every_reply_carries_the_generation),
		TEST(errors_say_where_and_what_to_do),
		TEST(the_view_socket_reads_only),
		TEST(all_writes_are_refused_to_viewers),
		TEST(a_stale_generation_is_refused),
		TEST(the_api_describes_itself),
		cmocka_unit_test(large_counters_are_text_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
