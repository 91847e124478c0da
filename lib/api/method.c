/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/method.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/likeness.h"
#include "conf/schema.h"

static const struct sl_method *const families[] = {
#define X(family) sl_methods_##family,
	SL_METHOD_FAMILIES(X)
#undef X
};

struct compiled {
	const struct sl_method *method;
	json_t *document;
	struct sl_schema *schema;
};

struct sl_method_set {
	unsigned n;
	struct compiled methods[];
};

void sl_method_each(void (*each)(void *arg, const struct sl_method *method), void *arg)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		for (const struct sl_method *m = families[i]; m->name != NULL; m++)
			each(arg, m);
	}
}

const struct sl_method *sl_method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		for (const struct sl_method *m = families[i]; m->name != NULL; m++) {
			if (strcmp(m->name, name) == 0)
				return m;
		}
	}
	return NULL;
}

struct nearest {
	const char *wanted;
	const char *name;
	unsigned unlikeness;
};

static void nearer(void *arg, const struct sl_method *method)
{
	struct nearest *nearest = arg;
	unsigned unlikeness = sl_unlikeness(nearest->wanted, method->name);

	if (unlikeness < nearest->unlikeness) {
		nearest->unlikeness = unlikeness;
		nearest->name = method->name;
	}
}

const char *sl_method_nearest(const char *name)
{
	struct nearest nearest = {.wanted = name, .unlikeness = SL_UNLIKE};

	sl_method_each(nearer, &nearest);
	return nearest.name;
}

json_t *sl_method_schema(const struct sl_method *method)
{
	json_t *schema, *properties;

	schema = method->params[0] != '\0'
		? json_loads(method->params, JSON_REJECT_DUPLICATES, NULL)
		: json_pack("{s:s}", "type", "object");
	if (schema == NULL)
		return NULL;
	properties = json_object_get(schema, "properties");
	if (properties == NULL) {
		properties = json_object();
		json_object_set_new(schema, "properties", properties);
	}
	if (json_object_set_new(schema, "additionalProperties", json_false()) < 0)
		goto no_memory;
	if ((method->flags & SL_METHOD_WRITE) &&
		json_object_set_new(properties, "if_generation",
			json_pack("{s:s, s:s, s:i}", "title",
				"Only while the configuration is of this generation", "type",
				"integer", "minimum", 0)) < 0)
		goto no_memory;
	return schema;

no_memory:
	json_decref(schema);
	return NULL;
}

static void count(void *arg, const struct sl_method *method)
{
	(*(unsigned *)arg)++;
}

static void put(void *arg, const struct sl_method *method)
{
	struct sl_method_set *set = arg;

	set->methods[set->n++].method = method;
}

struct sl_method_set *sl_method_set_new(struct sl_err *err)
{
	struct sl_method_set *set;
	unsigned n = 0;

	sl_method_each(count, &n);
	set = calloc(1, sizeof(*set) + n * sizeof(set->methods[0]));
	if (set == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	sl_method_each(put, set);
	for (struct compiled *m = set->methods; m < set->methods + set->n; m++) {
		m->document = sl_method_schema(m->method);
		if (m->document != NULL)
			m->schema = sl_schema_new(sl_schema_conf(), m->document, err);
		if (m->schema == NULL) {
			sl_err_set(err, ENOMEM, NULL, "%s: out of memory", m->method->name);
			sl_method_set_free(set);
			return NULL;
		}
	}
	return set;
}

void sl_method_set_free(struct sl_method_set *set)
{
	if (set == NULL)
		return;
	for (struct compiled *m = set->methods; m < set->methods + set->n; m++) {
		sl_schema_free(m->schema);
		json_decref(m->document);
	}
	free(set);
}

const struct sl_schema *
sl_method_set_schema(const struct sl_method_set *set, const struct sl_method *method)
{
	for (const struct compiled *m = set->methods; m < set->methods + set->n; m++) {
		if (m->method == method)
			return m->schema;
	}
	return NULL;
}
