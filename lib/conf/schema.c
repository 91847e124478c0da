/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/schema.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/likeness.h"
#include "conf/json.h"
#include "conf/schema_node.h"

/* The text of config/sluice.schema.json.in (embed.py). */
extern const char sl_schema_conf_text[];
extern const size_t sl_schema_conf_size;

#define TEXT_MAX 256 /* of what an error says about a schema or a value */

/* Where the check is: a chain on the stack, written out only for an error. */
struct place {
	const struct place *parent;
	const char *key; /* NULL for an element of a list */
	size_t index;
	const struct sl_schema_member *member; /* NULL unless the schema names the key */
};

struct check {
	const char *base_path;
	struct sl_err *err;
};

static json_t *conf_document;

static void parse_conf_document(void)
{
	struct sl_err err = {0};

	if (sl_json_parse(sl_schema_conf_text, sl_schema_conf_size, 0, &conf_document, &err) < 0) {
		fprintf(stderr, "the built-in schema is broken: %s\n", err.message);
		abort();
	}
}

const json_t *sl_schema_conf(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, parse_conf_document);
	return conf_document;
}

/* Appends to text that is cut off at `size`. */
__attribute__((format(printf, 3, 4))) static void
append(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
}

static void append_choices(char *text, const json_t *choices)
{
	size_t index;
	json_t *choice;

	json_array_foreach ((json_t *)choices, index, choice) {
		char *dumped = json_dumps(choice, JSON_ENCODE_ANY);

		append(text, TEXT_MAX, "%s%s", index != 0 ? ", " : "",
			dumped != NULL ? dumped : "?");
		free(dumped);
	}
}

static void print_bound(const struct sl_schema *s, char text[32], double bound)
{
	if (s->format != NULL && s->format->print != NULL)
		s->format->print(text, 32, (uint64_t)bound);
	else
		snprintf(text, 32, "%.15g", bound);
}

static void append_range(char *text, const struct sl_schema *s)
{
	char low[32], high[32];

	print_bound(s, low, isfinite(s->minimum) ? s->minimum : 0);
	print_bound(s, high, isfinite(s->maximum) ? s->maximum : 0);
	if (isfinite(s->minimum) && isfinite(s->maximum))
		append(text, TEXT_MAX, " from %s to %s", low, high);
	else if (isfinite(s->minimum))
		append(text, TEXT_MAX, " of at least %s", low);
	else if (isfinite(s->maximum))
		append(text, TEXT_MAX, " of at most %s", high);
}

static void append_count(char *text, size_t min, size_t max, const char *what)
{
	if (min != 0 && max != SIZE_MAX)
		append(text, TEXT_MAX, " of %zu to %zu %ss", min, max, what);
	else if (min != 0)
		append(text, TEXT_MAX, " of at least %zu %s%s", min, what, min == 1 ? "" : "s");
	else if (max != SIZE_MAX)
		append(text, TEXT_MAX, " of at most %zu %s%s", max, what, max == 1 ? "" : "s");
}

static void append_type(char *text, const struct sl_schema *s, unsigned type)
{
	if (text[0] != '\0')
		append(text, TEXT_MAX, " or ");
	switch (type) {
	case SL_TYPE_NULL:
		append(text, TEXT_MAX, "null");
		break;
	case SL_TYPE_BOOLEAN:
		append(text, TEXT_MAX, "true or false");
		break;
	case SL_TYPE_INTEGER:
	case SL_TYPE_NUMBER:
		append(text, TEXT_MAX, type == SL_TYPE_INTEGER ? "a whole number" : "a number");
		append_range(text, s);
		break;
	case SL_TYPE_STRING:
		append(text, TEXT_MAX, "text");
		append_count(text, s->min_length, s->max_length, "character");
		break;
	case SL_TYPE_ARRAY:
		append(text, TEXT_MAX, "a list");
		append_count(text, s->min_items, s->max_items, "element");
		break;
	default:
		append(text, TEXT_MAX, "an object");
	}
}

/* Completes "must be ...". */
static void describe_schema(const struct sl_schema *s, char text[TEXT_MAX])
{
	text[0] = '\0';
	if (s->choices != NULL) {
		append(text, TEXT_MAX, "one of ");
		append_choices(text, s->choices);
		return;
	}
	if (s->format != NULL) {
		append(text, TEXT_MAX, "%s", s->format->expects);
		if (s->format->print != NULL)
			append_range(text, s);
		return;
	}
	for (unsigned type = SL_TYPE_OBJECT; type != 0; type >>= 1) {
		if ((s->types & type) != 0 &&
			!(type == SL_TYPE_INTEGER && (s->types & SL_TYPE_NUMBER) != 0))
			append_type(text, s, type);
	}
}

static void describe_value(const json_t *value, char text[TEXT_MAX])
{
	char *dumped;

	if (json_is_object(value) || json_is_array(value)) {
		size_t size =
			json_is_object(value) ? json_object_size(value) : json_array_size(value);

		snprintf(text, TEXT_MAX, "%s %s",
			size == 0                       ? "an empty"
				: json_is_object(value) ? "an"
							: "a",
			json_is_object(value) ? "object" : "list");
		return;
	}
	/* ASCII, so that cutting it off leaves valid UTF-8. */
	dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	if (dumped != NULL && strlen(dumped) > 60)
		snprintf(text, TEXT_MAX, "%.50s...\"", dumped);
	else
		snprintf(text, TEXT_MAX, "%s", dumped != NULL ? dumped : "?");
	free(dumped);
}

static void write_path(const struct place *place, char *path, size_t size)
{
	if (place == NULL)
		return;
	write_path(place->parent, path, size);
	if (place->key != NULL)
		sl_json_path_key(path, size, place->key, strlen(place->key));
	else
		sl_json_path_index(path, size, place->index);
}

__attribute__((format(printf, 3, 4))) static int
refuse(struct check *c, const struct place *place, const char *format, ...)
{
	char message[sizeof(((struct sl_err *)0)->message)];
	char path[sizeof(((struct sl_err *)0)->path)];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s", c->base_path != NULL ? c->base_path : "");
	write_path(place, path, sizeof(path));
	return sl_err_set(c->err, EINVAL, path, "%s", message);
}

static void hint_unknown(struct check *c, const struct sl_schema *s, const char *key)
{
	char known[TEXT_MAX] = "";
	const char *nearest = NULL;
	unsigned best = SL_UNLIKE;

	for (size_t i = 0; i < s->n_members; i++) {
		unsigned score = sl_unlikeness(key, s->members[i].name);

		if (score < best) {
			best = score;
			nearest = s->members[i].name;
		}
		append(known, sizeof(known), "%s%s", i != 0 ? ", " : "", s->members[i].name);
	}
	if (nearest != NULL)
		sl_err_hint(c->err, "did you mean \"%s\"?", nearest);
	else
		sl_err_hint(c->err, "known here: %s", s->n_members != 0 ? known : "nothing");
}

static bool hint_choice(struct check *c, const json_t *choices, const json_t *value)
{
	const char *nearest = NULL;
	unsigned best = SL_UNLIKE;
	size_t index;
	json_t *choice;

	if (!json_is_string(value))
		return false;
	json_array_foreach ((json_t *)choices, index, choice) {
		unsigned score = json_is_string(choice)
			? sl_unlikeness(json_string_value(value), json_string_value(choice))
			: SL_UNLIKE;

		if (score < best) {
			best = score;
			nearest = json_string_value(choice);
		}
	}
	if (nearest != NULL)
		sl_err_hint(c->err, "did you mean \"%s\"?", nearest);
	return nearest != NULL;
}

/* What is nearly right: a number in quotes, text without, a list of one without brackets. */
static bool hint_type(struct check *c, const struct sl_schema *s, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text != NULL && (s->types & SL_TYPE_INTEGER) != 0 && text[0] != '\0' &&
		text[strspn(text, "0123456789")] == '\0')
		sl_err_hint(c->err, "write %s, without quotes", text);
	else if (text != NULL && (s->types & SL_TYPE_BOOLEAN) != 0 &&
		(strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		sl_err_hint(c->err, "write %s, without quotes", text);
	else if (s->types == SL_TYPE_ARRAY && !json_is_array(value) && !json_is_null(value))
		sl_err_hint(c->err, "put it into [ ], even if there is only one");
	else if (json_is_real(value) && (s->types & SL_TYPE_INTEGER) != 0)
		sl_err_hint(c->err, "write it without a fraction or an exponent");
	else
		return false;
	return true;
}

static void hint_value(struct check *c, const struct sl_schema *s, const struct place *place,
	const json_t *value, const char *format_hint)
{
	const struct sl_schema_member *member = place != NULL ? place->member : NULL;
	const char *example = s->format != NULL ? s->format->example : NULL;
	const char *title = json_string_value(json_object_get(s->source, "title"));
	char text[TEXT_MAX];

	if (format_hint != NULL) {
		sl_err_hint(c->err, "%s", format_hint);
		return;
	}
	if (s->choices != NULL ? hint_choice(c, s->choices, value) : hint_type(c, s, value))
		return;
	if (example != NULL && s->format->quantity == NULL) {
		sl_err_hint(c->err, "such as \"%s\"", example);
		return;
	}
	if (member != NULL && member->fallback != NULL && !json_is_object(member->fallback) &&
		!json_is_array(member->fallback)) {
		describe_value(member->fallback, text);
		sl_err_hint(c->err, "leave it out for the default, %s", text);
		return;
	}
	if (member != NULL && json_object_get(member->declared, "title") != NULL)
		title = json_string_value(json_object_get(member->declared, "title"));
	if (example != NULL)
		sl_err_hint(c->err, "such as \"%s\"", example);
	else if (title != NULL)
		sl_err_hint(c->err, "it is: %s", title);
}

static int refuse_value(struct check *c, const struct sl_schema *s, const struct place *place,
	const json_t *value, const char *format_hint)
{
	char wanted[TEXT_MAX], found[TEXT_MAX], name[TEXT_MAX];

	if (c->err == NULL)
		return -EINVAL;
	describe_schema(s, wanted);
	describe_value(value, found);
	if (place == NULL)
		snprintf(name, sizeof(name), "the document");
	else if (place->key != NULL)
		snprintf(name, sizeof(name), "\"%.64s\"", place->key);
	else
		snprintf(name, sizeof(name), "each element of %s%.64s%s",
			place->parent != NULL && place->parent->key != NULL ? "\"" : "the list",
			place->parent != NULL && place->parent->key != NULL ? place->parent->key
									    : "",
			place->parent != NULL && place->parent->key != NULL ? "\"" : "");
	refuse(c, place, "%s must be %s, not %s", name, wanted, found);
	hint_value(c, s, place, value, format_hint);
	return -EINVAL;
}

static unsigned type_bit(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return SL_TYPE_OBJECT;
	case JSON_ARRAY:
		return SL_TYPE_ARRAY;
	case JSON_STRING:
		return SL_TYPE_STRING;
	case JSON_INTEGER:
		return SL_TYPE_INTEGER;
	case JSON_REAL:
		return SL_TYPE_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return SL_TYPE_BOOLEAN;
	default:
		return SL_TYPE_NULL;
	}
}

static bool is_choice(const json_t *choices, const json_t *value)
{
	size_t index;
	json_t *choice;

	json_array_foreach ((json_t *)choices, index, choice) {
		if (json_equal(choice, (json_t *)value))
			return true;
	}
	return false;
}

static bool in_range(const struct sl_schema *s, double number)
{
	return number >= s->minimum && number <= s->maximum;
}

static int check_string(
	struct check *c, const struct sl_schema *s, const json_t *value, const struct place *place)
{
	const char *text = json_string_value(value);
	const char *hint = NULL;
	size_t characters = 0;

	if (s->min_length != 0 || s->max_length != SIZE_MAX) {
		for (const char *at = text; *at != '\0'; at++)
			characters += (*at & 0xc0) != 0x80;
		if (characters < s->min_length || characters > s->max_length)
			return refuse_value(c, s, place, value,
				characters < s->min_length ? "it is too short" : "it is too long");
	}
	if (s->format == NULL)
		return 0;
	if (s->format->check(text, &hint) < 0)
		return refuse_value(c, s, place, value, hint);
	if (s->format->quantity != NULL && !in_range(s, (double)s->format->quantity(text)))
		return refuse_value(c, s, place, value, NULL);
	return 0;
}

static int check_value(
	struct check *c, const struct sl_schema *s, const json_t *value, const struct place *place);

static int check_array(
	struct check *c, const struct sl_schema *s, const json_t *value, const struct place *place)
{
	size_t n = json_array_size(value);

	if (n < s->min_items || n > s->max_items)
		return refuse_value(c, s, place, value, NULL);
	for (size_t i = 0; s->items != NULL && i < n; i++) {
		const struct place element = {.parent = place, .index = i};
		int rc = check_value(c, s->items, json_array_get(value, i), &element);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int refuse_missing(
	struct check *c, const struct sl_schema *s, const struct place *place, const json_t *object)
{
	char wanted[TEXT_MAX];

	for (size_t i = 0; i < s->n_members; i++) {
		const struct sl_schema_member *member = &s->members[i];

		if (!member->required || json_object_get(object, member->name) != NULL)
			continue;
		refuse(c, place, "\"%s\" is missing", member->name);
		describe_schema(member->schema, wanted);
		sl_err_hint(c->err, "add \"%s\": %s", member->name, wanted);
		break;
	}
	return -EINVAL;
}

static int check_object(
	struct check *c, const struct sl_schema *s, const json_t *value, const struct place *place)
{
	size_t n_required = 0;
	const char *key;
	json_t *one;

	for (size_t i = 0; i < s->n_members; i++)
		n_required += s->members[i].required;
	json_object_foreach ((json_t *)value, key, one) {
		const struct sl_schema_member *member = sl_schema_find(s, key);
		const struct sl_schema *schema = member != NULL ? member->schema : s->additional;
		const struct place inside = {.parent = place, .key = key, .member = member};
		int rc = schema != NULL ? check_value(c, schema, one, &inside) : 0;

		if (rc < 0)
			return rc;
		if (member != NULL && member->required)
			n_required--;
		if (schema == NULL && s->closed) {
			refuse(c, &inside, "unknown key \"%.100s\"", key);
			hint_unknown(c, s, key);
			if (c->err != NULL)
				c->err->at_key = true;
			return -EINVAL;
		}
	}
	return n_required == 0 ? 0 : refuse_missing(c, s, place, value);
}

static int check_value(
	struct check *c, const struct sl_schema *s, const json_t *value, const struct place *place)
{
	unsigned type = type_bit(value);

	if ((s->types != 0 && (s->types & type) == 0) ||
		(s->choices != NULL && !is_choice(s->choices, value)))
		return refuse_value(c, s, place, value, NULL);
	switch (type) {
	case SL_TYPE_OBJECT:
		return check_object(c, s, value, place);
	case SL_TYPE_ARRAY:
		return check_array(c, s, value, place);
	case SL_TYPE_STRING:
		return check_string(c, s, value, place);
	case SL_TYPE_INTEGER:
	case SL_TYPE_NUMBER:
		return in_range(s, json_number_value(value))
			? 0
			: refuse_value(c, s, place, value, NULL);
	default:
		return 0;
	}
}

int sl_schema_check(const struct sl_schema *schema, const json_t *value, const char *base_path,
	struct sl_err *err)
{
	struct check c = {.base_path = base_path, .err = err};

	return check_value(&c, schema, value, NULL);
}
