/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/change.h"

#include "conf_fixture.h"

#define SERVICE(members) "{'protocol': 'tcp', 'address': '192.168.8.100', 'port': 80" members "}"

static void differences(void **state)
{
	static const struct {
		const char *from, *to;
		const char *diff; /* as JSON, single-quoted */
	} cases[] = {
		{"", "", "[]"},
		{"", ", 'log_level': 'info', 'timeouts': {'udp': 300}", "[]"},
		{"", ", 'log_level': 'debug'",
			"[{'op': 'change', 'path': '/log_level', 'from': 'info', 'to': 'debug'}]"},
		{", 'timeouts': {'udp': 30}", ", 'timeouts': {'fin_wait': '1m'}",
			"[{'op': 'change', 'path': '/timeouts/fin_wait', 'from': '2m', 'to': '1m'},"
			" {'op': 'change', 'path': '/timeouts/udp', 'from': '30s', 'to': '5m'}]"},
		{"", ", 'connections': 5000",
			"[{'op': 'add', 'path': '/connections', 'to': 5000}]"},
		{", 'workers': {'cores': [1, 2]}", ", 'workers': {'cores': [1, 3]}",
			"[{'op': 'change', 'path': '/workers/cores', 'from': [1, 2], 'to': [1, "
			"3]}]"},
		{", 'vips': [{'vip': '192.168.8.7'}, {'vip': '192.168.8.8'}]",
			", 'vips': [{'vip': '192.168.8.8', 'address': 'external'}]",
			"[{'op': 'remove', 'path': '/vips/192.168.8.7', 'from': {'vip': "
			"'192.168.8.7',"
			"  'address': 'managed', 'port': 'lan0'}},"
			" {'op': 'change', 'path': '/vips/192.168.8.8/address', 'from': 'managed',"
			"  'to': 'external'}]"},
		{"", ", 'services': [" SERVICE("") "]",
			"[{'op': 'add', 'path': '/services/tcp:192.168.8.100:80', 'to': " SERVICE(
				"") "}]"},
		{", 'services': [" SERVICE("") "]", "",
			"[{'op': 'remove', 'path': '/services/tcp:192.168.8.100:80', "
			"'from': " SERVICE("") "}]"},
		{", 'services': [" SERVICE(", 'servers': [{'address': '192.168.8.12'},"
					   " {'address': '192.168.8.13'}]") "]",
			", 'services': [" SERVICE(", 'scheduler': 'rr', 'servers': ["
						  "{'address': '192.168.8.13', 'weight': 0},"
						  "{'address': '192.168.8.14'}]") "]",
			"[{'op': 'change', 'path': '/services/tcp:192.168.8.100:80/scheduler',"
			"  'from': 'wlc', 'to': 'rr'},"
			" {'op': 'remove', 'path': "
			"'/services/tcp:192.168.8.100:80/servers/192.168.8.12:80',"
			"  'from': {'address': '192.168.8.12', 'port': 80, 'weight': 1, 'forward': "
			"'dr'}},"
			" {'op': 'change', 'path': "
			"'/services/tcp:192.168.8.100:80/servers/192.168.8.13:80',"
			"  'from': {'address': '192.168.8.13', 'port': 80, 'weight': 1, 'forward': "
			"'dr'},"
			"  'to': {'address': '192.168.8.13', 'port': 80, 'weight': 0, 'forward': "
			"'dr'}},"
			" {'op': 'add', 'path': "
			"'/services/tcp:192.168.8.100:80/servers/192.168.8.14:80',"
			"  'to': {'address': '192.168.8.14', 'port': 80, 'weight': 1, 'forward': "
			"'dr'}}]"},
		{", 'services': [" SERVICE(", 'servers': [{'address': '192.168.8.12'},"
					   " {'address': '192.168.8.13'}]") "]",
			", 'services': [" SERVICE(", 'servers': [{'address': '192.168.8.13'},"
						  " {'address': '192.168.8.12'}]") "]",
			"[{'op': 'change', 'path': '/services/tcp:192.168.8.100:80/servers',"
			"  'from': ['192.168.8.12:80', '192.168.8.13:80'],"
			"  'to': ['192.168.8.13:80', '192.168.8.12:80']}]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_conf *from = conf_with(cases[i].from), *to = conf_with(cases[i].to);
		json_t *diff = sl_conf_diff(from, to, 100), *expected;
		char text[4096], *dumped = json_dumps(diff, 0);

		snprintf(text, sizeof(text), "%s", cases[i].diff);
		for (char *at = text; *at != '\0'; at++) {
			if (*at == '\'')
				*at = '"';
		}
		expected = json_loads(text, 0, NULL);
		assert_non_null(expected);
		print_message("%s\n", dumped);
		assert_true(json_equal(diff, expected));
		free(dumped);
		json_decref(diff);
		json_decref(expected);
		sl_conf_unref(from);
		sl_conf_unref(to);
	}
}

static void ports_go_by_name(void **state)
{
	static const char from_text[] = "{\"ports\": [{\"name\": \"a\", \"device\": \"net_null0\", "
					"\"addresses\": [\"10.0.0.1/8\"]}]}";
	static const char to_text[] =
		"{\"ports\": [{\"name\": \"a\", \"device\": \"net_null0\", \"mtu\": 9000,"
		" \"addresses\": [\"10.0.0.2/8\"]}]}";
	struct sl_conf *from = NULL, *to = NULL;
	json_t *diff;
	char *text;

	assert_int_equal(sl_conf_parse(from_text, strlen(from_text), &from, NULL), 0);
	assert_int_equal(sl_conf_parse(to_text, strlen(to_text), &to, NULL), 0);
	diff = sl_conf_diff(from, to, 100);
	text = json_dumps(diff, 0);
	assert_string_equal(text,
		"[{\"op\": \"change\", \"path\": \"/ports/a/mtu\", \"from\": 1500, \"to\": 9000}, "
		"{\"op\": \"remove\", \"path\": \"/ports/a/addresses/10.0.0.1~18\", \"from\": "
		"\"10.0.0.1/8\"}, "
		"{\"op\": \"add\", \"path\": \"/ports/a/addresses/10.0.0.2~18\", \"to\": "
		"\"10.0.0.2/8\"}]");
	free(text);
	json_decref(diff);
	sl_conf_unref(from);
	sl_conf_unref(to);
}

static void more_than_asked_for_are_counted(void **state)
{
	struct sl_conf *from = conf_with(""), *to = conf_with("");
	json_t *diff, *last;

	for (uint16_t port = 1; port <= 10; port++) {
		struct sl_conf *next = sl_conf_with_service(
			to, conf_service(conf_key(IPPROTO_TCP, "192.168.8.100", port), "rr", NULL));

		sl_conf_unref(to);
		to = next;
	}
	diff = sl_conf_diff(from, to, 3);
	assert_int_equal(json_array_size(diff), 4);
	last = json_array_get(diff, 3);
	assert_string_equal(json_string_value(json_object_get(last, "op")), "more");
	assert_int_equal(json_integer_value(json_object_get(last, "count")), 7);
	json_decref(diff);
	sl_conf_unref(from);
	sl_conf_unref(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
		cmocka_unit_test(ports_go_by_name),
		cmocka_unit_test(more_than_asked_for_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
