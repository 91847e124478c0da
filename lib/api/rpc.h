/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0: from a line of text to a method's handler and back. Configuration thread.
 * Source: https://www.jsonrpc.org/specification. Batches and notifications (no id) are supported.
 * Every result, and the data of every error, carries the generation of the configuration.
 */
#ifndef SL_API_RPC_H
#define SL_API_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "api/events.h"
#include "api/method.h"
#include "base/err.h"

struct sl_director;

#define SL_RPC_DEPTH 32   /* nesting of a request */
#define SL_RPC_BATCH 1000 /* calls in a batch */
/* Bytes of replies after which the rest of a batch is refused (limit) instead of carried out. */
#define SL_RPC_BATCH_REPLIES (8u << 20)

/*
 * Errors: those of JSON-RPC below zero, ours above.
 * X(NAME, code, "name", "what it means")
 */
#define SL_RPC_ERRORS(X)                                                                           \
	X(PARSE, -32700, "parse_error", "the line is not JSON, not UTF-8, or nested too deeply")   \
	X(REQUEST, -32600, "invalid_request", "JSON, but no JSON-RPC 2.0 request; or too large")   \
	X(METHOD, -32601, "method_not_found", "there is no such method")                           \
	X(PARAMS, -32602, "invalid_params",                                                        \
		"the parameters do not fit the method; path says where")                           \
	X(INTERNAL, -32603, "internal_error", "the director failed; its log says more")            \
	X(READ_ONLY, 1, "read_only", "this socket takes read methods only")                        \
	X(STALE, 2, "stale_generation", "the configuration changed since if_generation")           \
	X(CONFIRM_PENDING, 3, "confirm_pending",                                                   \
		"an applied configuration waits to be confirmed; confirm it or roll it back "      \
		"first")                                                                           \
	X(BUSY, 4, "busy", "a worker has not taken the last generations yet; try again")           \
	X(CONFIG, 5, "invalid_configuration", "the configuration would be wrong; path says where") \
	X(NEEDS_START, 6, "needs_restart", "only a start of the director can change this")         \
	X(SERVICE_EXISTS, 7, "service_exists", "there is such a virtual service already")          \
	X(NO_SERVICE, 8, "no_such_service", "there is no such virtual service")                    \
	X(SERVER_EXISTS, 9, "server_exists", "the service has such a real server already")         \
	X(NO_SERVER, 10, "no_such_server", "the service has no such real server")                  \
	X(NOT_PENDING, 11, "nothing_pending", "no configuration waits to be confirmed")            \
	X(FILE, 12, "file", "the configuration file could not be read or written")                 \
	X(SYSTEM, 13, "system", "Linux or a port refused the change; nothing was changed")         \
	X(LIMIT, 14, "limit", "there is no room for more of this")                                 \
	X(CURSOR, 15, "bad_cursor", "this is no cursor of this list")

enum sl_rpc_code {
#define X(NAME, code, name, meaning) SL_RPC_##NAME = code,
	SL_RPC_ERRORS(X)
#undef X
};

struct sl_rpc_error_info {
	int code;
	const char *name;
	const char *meaning;
};

/* Ends with a NULL name. */
extern const struct sl_rpc_error_info sl_rpc_errors[];

/* Who asks. The subscription must be ended (sl_events_unsubscribe()) before the memory goes. */
struct sl_peer {
	uid_t uid;
	pid_t pid;
	bool may_write;
	struct sl_subscription subscription; /* its wake is set by the owner */
};

/* One call on its way through a handler. */
struct sl_call {
	struct sl_director *director;
	struct sl_peer *peer;
	const struct sl_method *method;
	json_t *params; /* an object that fits the method's schema */
	json_t *result; /* an empty object, to be filled */
	bool no_memory; /* sl_call_put() had nothing to put */
	struct sl_err err;
};

/*
 * Answers one line (`length` bytes without the newline): a line of text with its
 * newline, to be freed, or NULL when nothing is to be answered.
 */
char *sl_rpc_answer(struct sl_director *director, struct sl_peer *peer, const char *line,
	size_t length, size_t *answer_length);

/* An error without a call, as a line: for what never becomes one. To be freed; NULL without memory.
 */
char *sl_rpc_refuse(enum sl_rpc_code code, const char *message, size_t *length);

/* In handlers: `return sl_call_fail(...)`. Keeps what call->err says already. Returns `code`. */
int sl_call_fail(struct sl_call *call, enum sl_rpc_code code, const char *path, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/*
 * Puts a member into the result; takes over `value`. Without memory (NULL) the call fails as a
 * whole when it is answered.
 */
void sl_call_put(struct sl_call *call, const char *key, json_t *value);

/*
 * A counter as a JSON number; beyond 2^53, where many readers lose digits, also as a string under
 * KEY_text.
 */
void sl_json_count(json_t *object, const char *key, uint64_t value);

#endif
