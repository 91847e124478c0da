/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/json.h"

/* From a block of exactly the text's size, so that a sanitizer sees a read beyond it. */
static int parse(const char *text, size_t length, unsigned flags, struct sl_err *err)
{
	char *exact = malloc(length != 0 ? length : 1);
	json_t *document = NULL;
	int rc;

	memset(err, 0, sizeof(*err));
	memcpy(exact, text, length);
	rc = sl_json_parse(exact, length, flags, &document, err);
	assert_true((rc == 0) == (document != NULL));
	json_decref(document);
	free(exact);
	return rc;
}

static void mistakes_have_place_and_path(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *path;
		const char *message; /* part of it */
		const char *hint;    /* part of it */
	} cases[] = {
		{"", 1, 1, "", "the text is empty", "an object"},
		{"// only a comment\n", 1, 1, "", "the text is empty", "an object"},
		{"{\"a\": 1,}", 1, 9, "", "} is not expected", "take out the comma"},
		{"[1, 2,\n]", 2, 1, "", "] is not expected", "take out the comma"},
		{"{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3, "/a", "\"b\" is not expected",
			"a comma or a colon is missing"},
		{"{\"a\" 1}", 1, 6, "/a", "1 is not expected", "a comma or a colon is missing"},
		{"{a: 1}", 1, 2, "", "a is not expected", "double quotes"},
		{"{'a': 1}", 1, 2, "", "' is not expected", "double quotes"},
		{"{\"a\": yes}", 1, 7, "/a", "yes is not expected", "double quotes"},
		{"{\"a\": 1 // no\n}", 1, 9, "/a", "/ is not expected", "a line of its own"},
		{"{\"a\": 1} {}", 1, 10, "", "ended before this", "take out"},
		{"{\"a\": [1, {\"b\": 2}", 1, 18, "/a/1", "ends too early", "not closed"},
		{"{\"a\": \"b", 1, 7, "/a", "ends too early", "not closed"},
		{"{\"a\": \"b\n\"}", 1, 7, "/a", "not expected", ""},
		{"{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", 1, 24, "/b/c", "\"c\" is there twice",
			"keep one"},
		{"{\"a\": 123456789012345678901}", 1, 7, "/a", "too large", ""},
		{"{\"a\": \"x\\u0000y\"}", 1, 7, "/a", "\\u0000", "take it out"},
		{"{\"a\": \"\xff\"}", 1, 8, "/a", "byte 0xff is not UTF-8", "save it as UTF-8"},
		{"// \xe9\n{}", 1, 4, "", "byte 0xe9 is not UTF-8", "save it as UTF-8"},
		{"{\"a\": \"\xed\xa0\x80\"}", 1, 8, "/a", "not UTF-8", ""},
		{"{\"a\": \"\xc0\x80\"}", 1, 8, "/a", "not UTF-8", ""},
		{"\xef\xbb\xbf{}", 1, 1, "", "byte order mark", "without"},
		{"{\"x/y~z\": tru}", 1, 11, "/x~1y~0z", "tru is not expected", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_err err;

		print_message("%s\n", cases[i].text);
		assert_int_equal(
			parse(cases[i].text, strlen(cases[i].text), SL_JSON_COMMENTS, &err),
			-EINVAL);
		assert_int_equal(err.code, EBADMSG);
		assert_non_null(strstr(err.message, cases[i].message));
		assert_non_null(strstr(err.hint, cases[i].hint));
		assert_string_equal(err.path, cases[i].path);
		assert_int_equal(err.line, cases[i].line);
		assert_int_equal(err.column, cases[i].column);
	}
}

static void comments(void **state)
{
	static const char good[] =
		"// first\n{\n  // \"inside\": {\n\t//\r\n  \"a\": \"// no comment\"\n}\n// last";
	struct sl_err err;
	json_t *document;

	assert_int_equal(parse(good, strlen(good), 0, &err), -EINVAL);
	assert_int_equal(sl_json_parse(good, strlen(good), SL_JSON_COMMENTS, &document, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(document, "a")), "// no comment");
	json_decref(document);
	assert_int_equal(parse("{} // after", 11, SL_JSON_COMMENTS, &err), -EINVAL);
	assert_int_equal(parse("/ / no\n{}", 9, SL_JSON_COMMENTS, &err), -EINVAL);
}

static void depth(void **state)
{
	char text[2048];
	struct sl_err err;

	for (unsigned n = SL_JSON_DEPTH_MAX; n <= 200; n += 84) {
		for (char open = '['; open != 0; open = open == '[' ? '{' : 0) {
			size_t length = 0;

			for (unsigned i = 0; i < n; i++)
				length += (size_t)sprintf(
					text + length, open == '[' ? "[" : "{\"\":");
			text[length++] = '1';
			for (unsigned i = 0; i < n; i++)
				text[length++] = open == '[' ? ']' : '}';
			assert_int_equal(
				parse(text, length, 0, &err), n <= SL_JSON_DEPTH_MAX ? 0 : -EINVAL);
			if (n > SL_JSON_DEPTH_MAX) {
				assert_non_null(strstr(err.message, "too deep"));
				assert_int_equal(
					err.column, 1 + SL_JSON_DEPTH_MAX * (open == '[' ? 1 : 4));
			}
		}
	}
	/* Brackets inside text do not count. */
	memset(text, '[', 200);
	text[0] = text[199] = '"';
	assert_int_equal(parse(text, 200, 0, &err), 0);
}

static void every_prefix_is_refused_inside_the_text(void **state)
{
	static const char good[] =
		"{\"a\": [1, {\"b\": \"\\u00e9\\\"\", \"\xc3\xa9\": null}], \"c\": 1e3}";
	struct sl_err err;

	for (size_t length = 0; length < strlen(good); length++) {
		assert_int_equal(parse(good, length, SL_JSON_COMMENTS, &err), -EINVAL);
		assert_int_equal(err.code, EBADMSG);
		assert_int_equal(err.line, 1);
		assert_in_range(err.column, 1, length + 1);
		assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
	}
	assert_int_equal(parse(good, strlen(good), 0, &err), 0);
}

static void locate(void **state)
{
	static const char text[] = "// /a/0\n"
				   "{\n"
				   "  \"a\": [10, {\"b\": true, \"c/d\": {}}],\n"
				   "  // \"e\": 1,\n"
				   "  \"e\": \"{\\\"\", \"ab\": 2\n"
				   "}\n";
	static const struct {
		const char *path;
		bool at_key;
		unsigned line, column;
	} cases[] = {
		{"", false, 2, 1},
		{"/a", false, 3, 8},
		{"/a", true, 3, 3},
		{"/a/0", false, 3, 9},
		{"/a/1", false, 3, 13},
		{"/a/1/b", false, 3, 19},
		{"/a/1/b", true, 3, 14},
		{"/a/1/c~1d", false, 3, 32},
		{"/a/1/none", false, 3, 13},
		{"/a/7", false, 3, 8},
		{"/e", false, 5, 8},
		{"/ab", false, 5, 21},
		{"/none", false, 2, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_err err = {.at_key = cases[i].at_key};

		strcpy(err.path, cases[i].path);
		sl_json_locate(text, strlen(text), &err);
		print_message("%s\n", cases[i].path);
		assert_int_equal(err.line, cases[i].line);
		assert_int_equal(err.column, cases[i].column);
	}
}

static void long_paths_are_cut(void **state)
{
	char path[8] = "/abc";

	sl_json_path_key(path, sizeof(path), "defgh", 5);
	assert_string_equal(path, "/abc/de");
	path[0] = '\0';
	sl_json_path_index(path, sizeof(path), 12);
	assert_string_equal(path, "/12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_have_place_and_path),
		cmocka_unit_test(comments),
		cmocka_unit_test(depth),
		cmocka_unit_test(every_prefix_is_refused_inside_the_text),
		cmocka_unit_test(locate),
		cmocka_unit_test(long_paths_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
