/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/schema.h"

static const char methods[] =
	"{'$defs': {'port': {'title': 'Port', 'type': 'integer', 'minimum': 0, 'maximum': 65535},"
	"  'tree': {'type': 'object', 'properties': {'of': {'$ref': '#/$defs/tree'}}, "
	"    'additionalProperties': false}},"
	" 'type': 'object', 'additionalProperties': false, 'required': ['name'],"
	" 'properties': {"
	"  'name': {'type': 'string', 'minLength': 2, 'maxLength': 4},"
	"  'port': {'$ref': '#/$defs/port', 'title': 'The port', 'default': 80},"
	"  'protocol': {'enum': ['tcp', 'udp']},"
	"  'many': {'type': 'array', 'minItems': 1, 'maxItems': 2, 'items': {'$ref': "
	"'#/$defs/port'}},"
	"  'time': {'type': ['string', 'integer'], 'x-format': 'duration', 'minimum': 1, "
	"'maximum': 60},"
	"  'memory': {'type': 'string', 'x-format': 'size', 'maximum': 1048576},"
	"  'server': {'type': 'string', 'x-format': 'endpoint'},"
	"  'ratio': {'type': 'number', 'maximum': 1},"
	"  'flag': {'type': ['boolean', 'null']},"
	"  'tree': {'$ref': '#/$defs/tree'},"
	"  'map': {'type': 'object', 'additionalProperties': {'type': 'boolean'}}}}";

/* JSON with single quotes, for the reader's sake. */
static json_t *from_text(const char *text)
{
	char copy[4096];
	json_t *value;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	for (char *at = copy; *at != '\0'; at++) {
		if (*at == '\'')
			*at = '"';
	}
	value = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	return value;
}

static void values(void **state)
{
	static const struct {
		const char *value;
		const char *path; /* NULL = valid */
		const char *message;
		const char *hint;
	} cases[] = {
		{"{'name': 'ab'}", NULL},
		{"{'name': 'abcd', 'port': 65535, 'protocol': 'udp', 'many': [0, 1], 'time': '1m',"
		 " 'memory': '1M', 'server': '10.0.0.1:80', 'ratio': 0.5, 'flag': null,"
		 " 'tree': {'of': {'of': {}}}, 'map': {'x': true}}",
			NULL},
		{"{'name': '\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9', 'time': 60, 'ratio': -3, 'flag': "
		 "false}",
			NULL},
		{"{}", "/base", "\"name\" is missing", "add \"name\": text of 2 to 4 characters"},
		{"[]", "/base", "the document must be an object, not an empty list", ""},
		{"{'name': 1}", "/base/name", "\"name\" must be text of 2 to 4 characters, not 1",
			""},
		{"{'name': 'a'}", "/base/name", "not \"a\"", ""},
		{"{'name': 'abcde'}", "/base/name", "not \"abcde\"", ""},
		{"{'name': 'ab', 'port': -1}", "/base/port",
			"\"port\" must be a whole number from 0 to 65535, not -1",
			"leave it out for the default, 80"},
		{"{'name': 'ab', 'port': 65536}", "/base/port", "not 65536", "default, 80"},
		{"{'name': 'ab', 'port': 80.0}", "/base/port", "not 80.0", "without a fraction"},
		{"{'name': 'ab', 'port': '80'}", "/base/port", "not \"80\"",
			"write 80, without quotes"},
		{"{'name': 'ab', 'prot': 'tcp'}", "/base/prot", "unknown key \"prot\"",
			"did you mean \"protocol\"?"},
		{"{'name': 'ab', 'tme': 1}", "/base/tme", "unknown key", "did you mean \"time\"?"},
		{"{'name': 'ab', 'zzzzzz': 1}", "/base/zzzzzz", "unknown key",
			"known here: flag, many, map"},
		{"{'name': 'ab', 'protocol': 'TCP'}", "/base/protocol",
			"must be one of \"tcp\", \"udp\", not \"TCP\"", "did you mean \"tcp\"?"},
		{"{'name': 'ab', 'protocol': 6}", "/base/protocol", "not 6", ""},
		{"{'name': 'ab', 'many': []}", "/base/many",
			"must be a list of 1 to 2 elements, not an empty list", ""},
		{"{'name': 'ab', 'many': [1, 2, 3]}", "/base/many", "not a list", ""},
		{"{'name': 'ab', 'many': 1}", "/base/many", "not 1", "put it into [ ]"},
		{"{'name': 'ab', 'many': [1, true]}", "/base/many/1",
			"each element of \"many\" must be a whole number from 0 to 65535, not true",
			"Port"},
		{"{'name': 'ab', 'time': 0}", "/base/time",
			"\"time\" must be a duration from 1s to 1m, not 0", "such as \"15m\""},
		{"{'name': 'ab', 'time': '61s'}", "/base/time", "not \"61s\"", ""},
		{"{'name': 'ab', 'time': '99999999999999999999999d'}", "/base/time",
			"from 1s to 1m", ""},
		{"{'name': 'ab', 'time': '60'}", "/base/time", "not \"60\"", "add the unit"},
		{"{'name': 'ab', 'time': '1000ms'}", "/base/time", "not \"1000ms\"",
			"whole seconds"},
		{"{'name': 'ab', 'memory': '2M'}", "/base/memory",
			"a size of at most 1M, not \"2M\"", ""},
		{"{'name': 'ab', 'server': '10.0.0.1:65536'}", "/base/server",
			"an IP address and a port, not", "such as \"192.168.8.12:80\""},
		{"{'name': 'ab', 'server': '10.0.0.1'}", "/base/server", "", ""},
		{"{'name': 'ab', 'server': ':80'}", "/base/server", "", ""},
		{"{'name': 'ab', 'ratio': 1.5}", "/base/ratio", "a number of at most 1, not 1.5",
			""},
		{"{'name': 'ab', 'flag': 'true'}", "/base/flag",
			"true or false or null, not \"true\"", "write true, without quotes"},
		{"{'name': 'ab', 'tree': {'of': {'off': {}}}}", "/base/tree/of/off", "unknown key",
			"did you mean \"of\"?"},
		{"{'name': 'ab', 'map': {'a/b': 1}}", "/base/map/a~1b",
			"\"a/b\" must be true or false", ""},
	};
	json_t *root = from_text(methods);
	struct sl_err err = {0};
	struct sl_schema *schema = sl_schema_new(root, root, &err);

	print_message("%s\n", err.message);
	assert_non_null(schema);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value = from_text(cases[i].value);
		bool valid = cases[i].path == NULL;

		err = (struct sl_err){0};
		print_message("%s\n", cases[i].value);
		assert_int_equal(
			sl_schema_check(schema, value, "/base", &err), valid ? 0 : -EINVAL);
		assert_int_equal(sl_schema_check(schema, value, NULL, NULL), valid ? 0 : -EINVAL);
		if (!valid) {
			print_message("  %s: %s (%s)\n", err.path, err.message, err.hint);
			assert_string_equal(err.path, cases[i].path);
			assert_non_null(strstr(err.message, cases[i].message));
			assert_non_null(strstr(err.hint, cases[i].hint));
			assert_int_equal(err.at_key, strstr(err.message, "unknown key") != NULL);
		}
		json_decref(value);
	}
	sl_schema_free(schema);
	json_decref(root);
}

static void a_schema_beyond_the_subset_is_refused(void **state)
{
	static const struct {
		const char *schema;
		const char *message;
	} cases[] = {
		{"{'type': 'object', 'oneOf': []}", "\"oneOf\" is not a keyword"},
		{"{'type': 'strng'}", "\"type\" names no type"},
		{"{'pattern': '^a$'}", "\"pattern\" needs an x-format"},
		{"{'x-format': 'colour'}", "\"x-format\" names no format"},
		{"{'properties': {'a': {'$ref': '#/$defs/none'}}}", "refers to nothing"},
		{"{'properties': {'a': {'$ref': '#', 'minimum': 1}}}",
			"\"minimum\" stands beside a $ref"},
		{"{'$defs': {'a': {'$ref': '#/$defs/a'}}, 'items': {'$ref': '#/$defs/a'}}",
			"circle"},
		{"{'required': ['a']}", "\"required\" names what"},
		{"{'properties': {'a': 1}}", "no schema"},
		{"{'enum': []}", "\"enum\""},
		{"{'minimum': '1'}", "\"minimum\""},
		{"{'maxItems': -1}", "\"maxItems\""},
		{"{'items': {'additionalProperties': 1}}", "no schema"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *root = from_text(cases[i].schema);
		struct sl_err err = {0};

		assert_null(sl_schema_new(root, root, &err));
		print_message("%s: %s\n", cases[i].schema, err.message);
		assert_non_null(strstr(err.message, cases[i].message));
		json_decref(root);
	}
}

static void members_defaults_and_annotations(void **state)
{
	json_t *root = from_text(methods);
	struct sl_schema *schema = sl_schema_new(root, root, NULL);
	json_t *object = from_text("{'name': 'ab'}");

	assert_string_equal(json_string_value(sl_schema_get(schema, object, "name")), "ab");
	assert_int_equal(json_integer_value(sl_schema_get(schema, object, "port")), 80);
	assert_null(sl_schema_get(schema, object, "protocol"));
	assert_null(sl_schema_get(schema, object, "nothing"));
	assert_string_equal(
		json_string_value(sl_schema_annotation(schema, "port", "title")), "The port");
	assert_int_equal(
		json_integer_value(sl_schema_annotation(schema, "port", "maximum")), 65535);
	assert_null(sl_schema_annotation(schema, "port", "description"));
	assert_null(sl_schema_annotation(schema, "nothing", "title"));
	assert_null(sl_schema_member(schema, "nothing"));
	assert_ptr_equal(sl_schema_element(sl_schema_member(schema, "many")),
		sl_schema_member(schema, "port"));
	json_decref(object);
	sl_schema_free(schema);
	json_decref(root);
}

static void the_configuration_schema_is_ours(void **state)
{
	const json_t *document = sl_schema_conf();
	struct sl_err err = {0};
	struct sl_schema *schema = sl_schema_new(document, document, &err);
	const json_t *service = json_object_get(json_object_get(document, "$defs"), "service");

	assert_string_equal(err.message, "");
	assert_non_null(schema);
	sl_schema_free(schema);
	schema = sl_schema_new(document, service, &err);
	assert_non_null(schema);
	sl_schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(a_schema_beyond_the_subset_is_refused),
		cmocka_unit_test(members_defaults_and_annotations),
		cmocka_unit_test(the_configuration_schema_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
