/* SPDX-License-Identifier: BSD-3-Clause */
/* A compiled schema: what schema_compile.c makes and schema.c checks by. */
#ifndef SL_CONF_SCHEMA_NODE_H
#define SL_CONF_SCHEMA_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "conf/format.h"
#include "conf/schema.h"

/* Bits of sl_schema.types; an integer is a number too. */
enum {
	SL_TYPE_NULL = 1 << 0,
	SL_TYPE_BOOLEAN = 1 << 1,
	SL_TYPE_INTEGER = 1 << 2,
	SL_TYPE_NUMBER = 1 << 3,
	SL_TYPE_STRING = 1 << 4,
	SL_TYPE_ARRAY = 1 << 5,
	SL_TYPE_OBJECT = 1 << 6,
};

struct sl_schema_member {
	const char *name;
	const json_t *declared; /* as written, with what stands beside a $ref */
	json_t *fallback;       /* its default; may be NULL */
	struct sl_schema *schema;
	bool required;
};

struct sl_schema {
	struct sl_schema *next; /* all nodes of one sl_schema_new(), the result first */
	const json_t *source;
	unsigned types; /* 0 = any */
	double minimum, maximum;
	size_t min_length, max_length; /* characters */
	size_t min_items, max_items;
	const json_t *choices; /* enum; NULL = any */
	const struct sl_format *format;
	struct sl_schema_member *members; /* sorted by name */
	size_t n_members;
	struct sl_schema *items;
	struct sl_schema *additional;
	bool closed; /* additionalProperties is false */
};

const struct sl_schema_member *sl_schema_find(const struct sl_schema *schema, const char *key);

#endif
