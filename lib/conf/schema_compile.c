/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/schema_node.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCES_MAX 8 /* one after the other, before a schema comes */

struct compiler {
	const json_t *root;
	struct sl_schema *first;
	struct sl_schema **last;
	struct sl_err *err;
};

static struct sl_schema *compile(struct compiler *c, const json_t *source);

static int refuse(struct compiler *c, const char *keyword, const char *why)
{
	return sl_err_set(c->err, EINVAL, NULL, "schema: \"%s\" %s", keyword, why);
}

static int no_memory(struct compiler *c)
{
	return sl_err_set(c->err, ENOMEM, NULL, "no memory for a schema");
}

static int compile_type(struct compiler *c, struct sl_schema *node, json_t *value)
{
	static const struct {
		const char *name;
		unsigned bit;
	} types[] = {
		{"null", SL_TYPE_NULL},
		{"boolean", SL_TYPE_BOOLEAN},
		{"integer", SL_TYPE_INTEGER},
		{"number", SL_TYPE_NUMBER | SL_TYPE_INTEGER},
		{"string", SL_TYPE_STRING},
		{"array", SL_TYPE_ARRAY},
		{"object", SL_TYPE_OBJECT},
	};
	size_t index;
	json_t *one;

	if (json_is_array(value)) {
		json_array_foreach (value, index, one) {
			int rc = json_is_array(one) ? refuse(c, "type", "is a list of lists")
						    : compile_type(c, node, one);

			if (rc < 0)
				return rc;
		}
		return 0;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && json_is_string(value); i++) {
		if (strcmp(types[i].name, json_string_value(value)) == 0) {
			node->types |= types[i].bit;
			return 0;
		}
	}
	return refuse(c, "type", "names no type");
}

static int compile_enum(struct compiler *c, struct sl_schema *node, json_t *value)
{
	if (json_array_size(value) == 0)
		return refuse(c, "enum", "is no list of values");
	node->choices = value;
	return 0;
}

static int compile_minimum(struct compiler *c, struct sl_schema *node, json_t *value)
{
	node->minimum = json_number_value(value);
	return json_is_number(value) ? 0 : refuse(c, "minimum", "is no number");
}

static int compile_maximum(struct compiler *c, struct sl_schema *node, json_t *value)
{
	node->maximum = json_number_value(value);
	return json_is_number(value) ? 0 : refuse(c, "maximum", "is no number");
}

static int compile_count(struct compiler *c, const char *keyword, size_t *count, json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return refuse(c, keyword, "is no count");
	*count = (size_t)json_integer_value(value);
	return 0;
}

static int compile_min_length(struct compiler *c, struct sl_schema *node, json_t *value)
{
	return compile_count(c, "minLength", &node->min_length, value);
}

static int compile_max_length(struct compiler *c, struct sl_schema *node, json_t *value)
{
	return compile_count(c, "maxLength", &node->max_length, value);
}

static int compile_min_items(struct compiler *c, struct sl_schema *node, json_t *value)
{
	return compile_count(c, "minItems", &node->min_items, value);
}

static int compile_max_items(struct compiler *c, struct sl_schema *node, json_t *value)
{
	return compile_count(c, "maxItems", &node->max_items, value);
}

static int compile_format(struct compiler *c, struct sl_schema *node, json_t *value)
{
	node->format = json_is_string(value) ? sl_format_find(json_string_value(value)) : NULL;
	return node->format != NULL ? 0 : refuse(c, "x-format", "names no format");
}

static int compile_pattern(struct compiler *c, struct sl_schema *node, json_t *value)
{
	if (json_object_get(node->source, "x-format") == NULL)
		return refuse(
			c, "pattern", "needs an x-format beside it, which is what is checked");
	return 0;
}

static int compile_items(struct compiler *c, struct sl_schema *node, json_t *value)
{
	node->items = compile(c, value);
	return node->items != NULL ? 0 : -EINVAL;
}

static int compile_additional(struct compiler *c, struct sl_schema *node, json_t *value)
{
	if (json_is_boolean(value)) {
		node->closed = json_is_false(value);
		return 0;
	}
	node->additional = compile(c, value);
	return node->additional != NULL ? 0 : -EINVAL;
}

static int compare_members(const void *a, const void *b)
{
	const struct sl_schema_member *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int compile_properties(struct compiler *c, struct sl_schema *node, json_t *value)
{
	struct sl_schema_member *member;
	const char *name;
	json_t *declared;

	if (!json_is_object(value))
		return refuse(c, "properties", "is no object");
	node->members = calloc(json_object_size(value) + 1, sizeof(*node->members));
	if (node->members == NULL)
		return no_memory(c);
	json_object_foreach (value, name, declared) {
		member = &node->members[node->n_members++];
		member->name = name;
		member->declared = declared;
		member->schema = compile(c, declared);
		if (member->schema == NULL)
			return -EINVAL;
		member->fallback = json_object_get(declared, "default");
		if (member->fallback == NULL)
			member->fallback = json_object_get(member->schema->source, "default");
	}
	qsort(node->members, node->n_members, sizeof(*node->members), compare_members);
	return 0;
}

/* After properties, whatever the order in the document. */
static int compile_required(struct compiler *c, struct sl_schema *node, json_t *value)
{
	struct sl_schema_member *member;
	size_t index;
	json_t *name;

	if (json_array_size(value) == 0)
		return refuse(c, "required", "is no list of names");
	json_array_foreach (value, index, name) {
		member = json_is_string(name)
			? (void *)sl_schema_find(node, json_string_value(name))
			: NULL;
		if (member == NULL)
			return refuse(c, "required", "names what \"properties\" has not");
		member->required = true;
	}
	return 0;
}

static int annotation(struct compiler *c, struct sl_schema *node, json_t *value)
{
	return 0;
}

/* In the order in which they are compiled. */
static const struct keyword {
	const char *name;
	int (*compile)(struct compiler *c, struct sl_schema *node, json_t *value);
} keywords[] = {
	{"type", compile_type},
	{"enum", compile_enum},
	{"minimum", compile_minimum},
	{"maximum", compile_maximum},
	{"minLength", compile_min_length},
	{"maxLength", compile_max_length},
	{"minItems", compile_min_items},
	{"maxItems", compile_max_items},
	{"x-format", compile_format},
	{"pattern", compile_pattern},
	{"items", compile_items},
	{"properties", compile_properties},
	{"additionalProperties", compile_additional},
	{"required", compile_required},
	{"$schema", annotation},
	{"$defs", annotation},
	{"title", annotation},
	{"description", annotation},
	{"default", annotation},
};

#define KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static bool is_keyword(const char *name)
{
	if (strncmp(name, "x-", 2) == 0)
		return true;
	for (size_t i = 0; i < KEYWORDS; i++) {
		if (strcmp(keywords[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Draft 4 ignores what stands beside a $ref: so only what restricts nothing may. */
static bool may_stand_beside_ref(const char *name)
{
	return strcmp(name, "$ref") == 0 || strcmp(name, "title") == 0 ||
		strcmp(name, "description") == 0 || strcmp(name, "default") == 0 ||
		(strncmp(name, "x-", 2) == 0 && strcmp(name, "x-format") != 0);
}

/* "#/$defs/server" in the root document. */
static const json_t *find_reference(struct compiler *c, const char *reference)
{
	const json_t *at = c->root;
	char name[128];

	if (strncmp(reference, "#/", 2) != 0)
		return NULL;
	reference += 2;
	while (at != NULL && *reference != '\0') {
		size_t length = strcspn(reference, "/");

		if (length >= sizeof(name))
			return NULL;
		memcpy(name, reference, length);
		name[length] = '\0';
		at = json_object_get(at, name);
		reference += length + (reference[length] == '/');
	}
	return at;
}

static const json_t *follow_references(struct compiler *c, const json_t *source)
{
	const char *reference, *name;
	json_t *value;

	for (int hops = 0; hops < REFERENCES_MAX; hops++) {
		if (!json_is_object(source)) {
			refuse(c, "properties", "has what is no schema");
			return NULL;
		}
		reference = json_string_value(json_object_get(source, "$ref"));
		if (reference == NULL)
			return source;
		json_object_foreach ((json_t *)source, name, value) {
			if (!may_stand_beside_ref(name)) {
				refuse(c, name, "stands beside a $ref");
				return NULL;
			}
		}
		source = find_reference(c, reference);
		if (source == NULL) {
			refuse(c, reference, "refers to nothing");
			return NULL;
		}
	}
	refuse(c, "$ref", "goes round in a circle");
	return NULL;
}

static int compile_keywords(struct compiler *c, struct sl_schema *node)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)node->source, name, value) {
		if (!is_keyword(name))
			return refuse(c, name, "is not a keyword of our subset");
	}
	for (size_t i = 0; i < KEYWORDS; i++) {
		int rc;

		value = json_object_get(node->source, keywords[i].name);
		rc = value != NULL ? keywords[i].compile(c, node, value) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One node for each place in the document, however many refer to it: so recursion ends. */
static struct sl_schema *compile(struct compiler *c, const json_t *source)
{
	struct sl_schema *node;

	source = follow_references(c, source);
	if (source == NULL)
		return NULL;
	for (node = c->first; node != NULL; node = node->next) {
		if (node->source == source)
			return node;
	}
	node = calloc(1, sizeof(*node));
	if (node == NULL) {
		no_memory(c);
		return NULL;
	}
	*c->last = node;
	c->last = &node->next;
	node->source = source;
	node->minimum = -INFINITY;
	node->maximum = INFINITY;
	node->max_length = SIZE_MAX;
	node->max_items = SIZE_MAX;
	return compile_keywords(c, node) == 0 ? node : NULL;
}

struct sl_schema *sl_schema_new(const json_t *root, const json_t *schema, struct sl_err *err)
{
	struct compiler c = {.root = root, .last = &c.first, .err = err};

	if (compile(&c, schema) == NULL) {
		sl_schema_free(c.first);
		return NULL;
	}
	return c.first;
}

void sl_schema_free(struct sl_schema *schema)
{
	struct sl_schema *next;

	for (; schema != NULL; schema = next) {
		next = schema->next;
		free(schema->members);
		free(schema);
	}
}

const struct sl_schema_member *sl_schema_find(const struct sl_schema *schema, const char *key)
{
	const struct sl_schema_member wanted = {.name = key};

	if (schema == NULL || schema->n_members == 0)
		return NULL;
	return bsearch(
		&wanted, schema->members, schema->n_members, sizeof(wanted), compare_members);
}

json_t *sl_schema_get(const struct sl_schema *schema, const json_t *object, const char *key)
{
	const struct sl_schema_member *member;
	json_t *value = json_object_get(object, key);

	if (value != NULL)
		return value;
	member = sl_schema_find(schema, key);
	return member != NULL ? member->fallback : NULL;
}

const struct sl_schema *sl_schema_member(const struct sl_schema *schema, const char *key)
{
	const struct sl_schema_member *member = sl_schema_find(schema, key);

	return member != NULL ? member->schema : NULL;
}

const struct sl_schema *sl_schema_element(const struct sl_schema *schema)
{
	return schema != NULL ? schema->items : NULL;
}

json_t *sl_schema_annotation(const struct sl_schema *schema, const char *key, const char *keyword)
{
	const struct sl_schema_member *member = sl_schema_find(schema, key);
	json_t *value;

	if (member == NULL)
		return NULL;
	value = json_object_get(member->declared, keyword);
	return value != NULL ? value : json_object_get(member->schema->source, keyword);
}
