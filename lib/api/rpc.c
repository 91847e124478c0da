/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/log.h"
#include "conf/json.h"
#include "conf/schema.h"

#define EXACT_MAX (1ull << 53) /* larger integers lose digits in many readers */

_Static_assert(SL_RPC_DEPTH == SL_JSON_DEPTH_MAX, "one limit of depth");

const struct sl_rpc_error_info sl_rpc_errors[] = {
#define X(NAME, code, name, meaning) {code, name, meaning},
	SL_RPC_ERRORS(X)
#undef X
		{0, NULL, NULL},
};

static const struct sl_rpc_error_info *error_info(int code)
{
	const struct sl_rpc_error_info *info = sl_rpc_errors;

	while (info->name != NULL && info->code != code)
		info++;
	return info->name != NULL ? info : error_info(SL_RPC_INTERNAL);
}

/* The "error" member. NULL without memory. */
static json_t *error_object(int code, const struct sl_err *err, uint64_t generation)
{
	const struct sl_rpc_error_info *info = error_info(code);
	json_t *data =
		json_pack("{s:s, s:I}", "name", info->name, "generation", (json_int_t)generation);

	if (err->path[0] != '\0')
		json_object_set_new(data, "path", json_string(err->path));
	if (err->line != 0) {
		json_object_set_new(data, "line", json_integer(err->line));
		json_object_set_new(data, "column", json_integer(err->column));
	}
	if (err->hint[0] != '\0')
		json_object_set_new(data, "hint", json_string(err->hint));
	return json_pack("{s:i, s:s, s:o*}", "code", info->code, "message",
		err->message[0] != '\0' ? err->message : info->meaning, "data", data);
}

/* A reply; takes over `result` (or `error`: one of them is NULL). `id` NULL stands for null. */
static json_t *reply_object(json_t *id, json_t *result, json_t *error)
{
	json_t *reply = json_pack("{s:s}", "jsonrpc", "2.0");
	json_t *body = result != NULL ? result : error;
	int rc;

	if (reply == NULL || body == NULL)
		goto no_memory;
	rc = json_object_set(reply, "id", id != NULL ? id : json_null());
	rc |= json_object_set_new(reply, result != NULL ? "result" : "error", body);
	if (rc == 0)
		return reply;
	body = NULL;

no_memory:
	json_decref(body);
	json_decref(reply);
	return NULL;
}

static json_t *
error_reply(const struct sl_director *director, json_t *id, int code, const struct sl_err *err)
{
	return reply_object(id, NULL, error_object(code, err, director->generation));
}

static void audit(const struct sl_call *call, int code)
{
	sl_log_notice("audit: uid=%u pid=%d method=%s generation=%" PRIu64 " result=%s",
		(unsigned)call->peer->uid, (int)call->peer->pid, call->method->name,
		call->director->generation, code == 0 ? "ok" : error_info(code)->name);
}

/* What goes for every write, before its handler. 0 or an enum sl_rpc_code. */
static int check_write(struct sl_call *call)
{
	const struct sl_director *director = call->director;
	json_t *wanted = json_object_get(call->params, "if_generation");

	if (!call->peer->may_write)
		return sl_call_fail(call, SL_RPC_READ_ONLY, NULL,
			"%s changes something, and this socket takes read methods only",
			call->method->name);
	if (director->fallback != NULL && !(call->method->flags & SL_METHOD_CONFIRM)) {
		sl_call_fail(call, SL_RPC_CONFIRM_PENDING, NULL,
			"an applied configuration waits to be confirmed, for %u s more",
			sl_state_confirm_left_s(director));
		sl_err_hint(&call->err, "config.confirm keeps it, config.rollback ends it");
		return SL_RPC_CONFIRM_PENDING;
	}
	if (wanted != NULL && (uint64_t)json_integer_value(wanted) != director->generation)
		return sl_call_fail(call, SL_RPC_STALE, "/params/if_generation",
			"the configuration is of generation %" PRIu64 " by now",
			director->generation);
	return 0;
}

static int run(struct sl_call *call)
{
	const struct sl_schema *schema =
		sl_method_set_schema(call->director->methods, call->method);
	int code = 0;

	if (sl_schema_check(schema, call->params, "/params", &call->err) < 0)
		return SL_RPC_PARAMS;
	if (call->method->flags & SL_METHOD_WRITE)
		code = check_write(call);
	if (code == 0)
		code = call->method->handler(call);
	sl_call_put(call, "generation", json_integer(call->director->generation));
	if (code == 0 && call->no_memory)
		code = sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
	return code;
}

/* Finds the method and checks the envelope. 0 or an enum sl_rpc_code. */
static int open_call(struct sl_call *call, const json_t *request)
{
	json_t *method = json_object_get(request, "method");
	json_t *params = json_object_get(request, "params");
	const char *nearest;

	call->method = sl_method_find(json_string_value(method));
	if (call->method == NULL) {
		nearest = sl_method_nearest(json_string_value(method));
		sl_err_set(&call->err, ENOSYS, "/method", "there is no such method");
		if (nearest != NULL)
			sl_err_hint(&call->err, "did you mean %s?", nearest);
		else
			sl_err_hint(&call->err, "rpc.discover lists all methods");
		return SL_RPC_METHOD;
	}
	if (params != NULL && !json_is_object(params))
		return sl_call_fail(call, SL_RPC_PARAMS, "/params",
			"parameters are given by name, as an object");
	call->params = params != NULL ? json_incref(params) : json_object();
	call->result = json_object();
	if (call->params == NULL || call->result == NULL)
		return sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
	return 0;
}

/* Why this is no request of JSON-RPC 2.0; NULL when it is one. */
static const char *envelope_fault(const json_t *request, const json_t *id)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));

	if (!json_is_object(request))
		return "a request is an object";
	if (version == NULL || strcmp(version, "2.0") != 0)
		return "\"jsonrpc\" must be \"2.0\"";
	if (!json_is_string(json_object_get(request, "method")))
		return "\"method\" must be a string";
	if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "\"id\" must be a string, a number or null";
	return NULL;
}

/* One request: its reply, or NULL for a notification (*no_memory tells it from a failure). */
static json_t *answer_one(
	struct sl_director *director, struct sl_peer *peer, const json_t *request, bool *no_memory)
{
	struct sl_call call = {.director = director, .peer = peer};
	json_t *id = json_object_get(request, "id");
	const char *fault = envelope_fault(request, id);
	json_t *reply = NULL;
	int code;

	if (fault != NULL) {
		sl_err_set(&call.err, EINVAL, NULL, "%s", fault);
		reply = error_reply(director, NULL, SL_RPC_REQUEST, &call.err);
		*no_memory |= reply == NULL;
		return reply;
	}
	code = open_call(&call, request);
	if (code == 0) {
		code = run(&call);
		if (call.method->flags & SL_METHOD_WRITE)
			audit(&call, code);
	}
	if (id != NULL) {
		reply = code == 0 ? reply_object(id, json_incref(call.result), NULL)
				  : error_reply(director, id, code, &call.err);
		*no_memory |= reply == NULL;
	}
	json_decref(call.params);
	json_decref(call.result);
	return reply;
}

/* What a call of a batch gets when those before it have been answered at too great a length. */
static json_t *
refuse_rest(struct sl_director *director, const json_t *request, size_t replies, bool *no_memory)
{
	json_t *id = json_object_get(request, "id");
	struct sl_err err = {0};
	json_t *reply;

	if (id == NULL)
		return NULL;
	sl_err_set(&err, E2BIG, NULL,
		"not carried out: the replies before it in this batch have %zu bytes, and %u end "
		"it",
		replies, SL_RPC_BATCH_REPLIES);
	sl_err_hint(&err, "send it again, in a batch of its own");
	reply = error_reply(director, id, SL_RPC_LIMIT, &err);
	*no_memory |= reply == NULL;
	return reply;
}

static json_t *answer_batch(
	struct sl_director *director, struct sl_peer *peer, const json_t *batch, bool *no_memory)
{
	struct sl_err err = {0};
	json_t *replies, *request, *reply;
	size_t i, bytes = 0;

	if (json_array_size(batch) == 0 || json_array_size(batch) > SL_RPC_BATCH) {
		sl_err_set(&err, EINVAL, NULL, "a batch has 1 to %d requests", SL_RPC_BATCH);
		reply = error_reply(director, NULL, SL_RPC_REQUEST, &err);
		*no_memory |= reply == NULL;
		return reply;
	}
	replies = json_array();
	*no_memory |= replies == NULL;
	json_array_foreach (batch, i, request) {
		reply = bytes < SL_RPC_BATCH_REPLIES
			? answer_one(director, peer, request, no_memory)
			: refuse_rest(director, request, bytes, no_memory);
		bytes += reply == NULL ? 0 : json_dumpb(reply, NULL, 0, JSON_COMPACT);
		if (reply != NULL && json_array_append_new(replies, reply) < 0)
			*no_memory = true;
	}
	if (json_array_size(replies) > 0)
		return replies;
	json_decref(replies);
	return NULL;
}

static char *to_line(const json_t *reply, size_t *length)
{
	char *text = json_dumps(reply, JSON_COMPACT), *line;
	size_t n;

	if (text == NULL)
		return NULL;
	n = strlen(text);
	line = realloc(text, n + 2);
	if (line == NULL) {
		free(text);
		return NULL;
	}
	line[n] = '\n';
	line[n + 1] = '\0';
	*length = n + 1;
	return line;
}

static bool is_blank(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (strchr(" \t\r", line[i]) == NULL || line[i] == '\0')
			return false;
	}
	return true;
}

char *sl_rpc_answer(struct sl_director *director, struct sl_peer *peer, const char *line,
	size_t length, size_t *answer_length)
{
	struct sl_err err = {0};
	json_t *document = NULL, *reply;
	bool no_memory = false;
	char *text;

	if (is_blank(line, length))
		return NULL;
	if (sl_json_parse(line, length, 0, &document, &err) < 0) {
		reply = error_reply(director, NULL, SL_RPC_PARSE, &err);
		no_memory = reply == NULL;
	} else if (json_is_array(document)) {
		reply = answer_batch(director, peer, document, &no_memory);
	} else {
		reply = answer_one(director, peer, document, &no_memory);
	}
	json_decref(document);
	text = reply != NULL ? to_line(reply, answer_length) : NULL;
	no_memory |= reply != NULL && text == NULL;
	json_decref(reply);
	if (text == NULL && no_memory)
		text = sl_rpc_refuse(SL_RPC_INTERNAL, "out of memory", answer_length);
	return text;
}

char *sl_rpc_refuse(enum sl_rpc_code code, const char *message, size_t *length)
{
	char *text = NULL;
	int n = asprintf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"%s\","
		"\"data\":{\"name\":\"%s\"}}}\n",
		code, message, error_info(code)->name);

	if (n < 0)
		return NULL;
	*length = n;
	return text;
}

int sl_call_fail(
	struct sl_call *call, enum sl_rpc_code code, const char *path, const char *format, ...)
{
	char message[sizeof(call->err.message)];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	sl_err_set(&call->err, EINVAL, path, "%s", message);
	return code;
}

void sl_call_put(struct sl_call *call, const char *key, json_t *value)
{
	if (json_object_set_new(call->result, key, value) < 0)
		call->no_memory = true;
}

void sl_json_count(json_t *object, const char *key, uint64_t value)
{
	char name[64], text[24];

	json_object_set_new(object, key, json_integer(value > INT64_MAX ? INT64_MAX : value));
	if (value <= EXACT_MAX)
		return;
	snprintf(name, sizeof(name), "%s_text", key);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_object_set_new(object, name, json_string(text));
}
