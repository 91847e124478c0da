/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of methods. One row is a method: what its parameters are, whether it writes, who runs
 * it, what it is for. Validation, rpc.discover, the client's help and completion and the man page
 * come from the row.
 *
 * A new method is one function and one row in the methods_*.c file of its family. A new family is
 * one file and one line in SL_METHOD_FAMILIES.
 */
#ifndef SL_API_METHOD_H
#define SL_API_METHOD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

struct sl_call;

#define SL_METHOD_WRITE   0x1 /* not on view.sock; takes if_generation; leaves an audit line */
#define SL_METHOD_CONFIRM 0x2 /* allowed while an applied configuration waits to be confirmed */

struct sl_method {
	const char *name;   /* "service.add"; NULL ends a family's table */
	const char *params; /* JSON Schema of the object of parameters, "" = none; "#/$defs/..."
			     * refers to the configuration's schema */
	const char *result; /* what comes back, in words */
	unsigned flags;
	int (*handler)(struct sl_call *call); /* 0, or what sl_call_fail() returned */
	const char *help; /* what it does: one sentence, then details if needed */
};

#define SL_METHOD_FAMILIES(X)                                                                      \
	X(info)                                                                                    \
	X(config)                                                                                  \
	X(service)                                                                                 \
	X(server)                                                                                  \
	X(connection)                                                                              \
	X(stats)                                                                                   \
	X(timeouts)                                                                                \
	X(system)                                                                                  \
	X(events)                                                                                  \
	X(rpc)

#define X(family) extern const struct sl_method sl_methods_##family[];
SL_METHOD_FAMILIES(X)
#undef X

/* Calls `each` for all rows in the order of the families. */
void sl_method_each(void (*each)(void *arg, const struct sl_method *method), void *arg);

/* NULL when there is none. */
const struct sl_method *sl_method_find(const char *name);

/* The method whose name is nearest to a wrong one, for hints; NULL when none is near. */
const char *sl_method_nearest(const char *name);

/* The schema of the parameters, if_generation included. New reference, NULL without memory. */
json_t *sl_method_schema(const struct sl_method *method);

/* The schemas of all methods, ready to check parameters with. */
struct sl_method_set;
struct sl_schema;

struct sl_method_set *sl_method_set_new(struct sl_err *err); /* NULL with `err` set */
void sl_method_set_free(struct sl_method_set *set);          /* accepts NULL */
const struct sl_schema *
sl_method_set_schema(const struct sl_method_set *set, const struct sl_method *method);

#endif
