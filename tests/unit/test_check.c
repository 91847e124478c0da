/* SPDX-License-Identifier: BSD-3-Clause */
/* sl_conf_check() of one service that is put into a configuration; the rest: tests/conf. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf_fixture.h"

static void a_service_that_is_put_in(void **state)
{
	static const struct {
		const char *vip;
		const char *servers[3];
		const char *path; /* NULL = fine */
		const char *message;
	} cases[] = {
		{"192.168.8.100", {NULL}, NULL, ""},
		{"192.168.8.100", {"192.168.8.12", "192.168.8.13"}, NULL, ""},
		{"192.168.8.100", {"127.0.0.1", "192.168.8.11"}, NULL, ""},
		{"192.168.8.77", {"192.168.8.12"}, NULL, ""},
		{"192.168.9.100", {NULL}, "/address", "lies in no prefix"},
		{"192.168.8.11", {NULL}, "/address", "the director's own"},
		{"192.168.8.100", {"192.168.8.12", "192.168.8.12"}, "/servers/1/address", "twice"},
		{"192.168.8.100", {"192.168.8.12", "192.168.9.13"}, "/servers/1/address",
			"192.168.9.13 lies in no prefix of a port, and direct routing"},
		{"192.168.8.100", {"192.168.8.77"}, "/servers/0/address", "virtual address"},
	};
	struct sl_conf *conf = conf_with(", 'vips': [{'vip': '192.168.8.77'}]");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_conf_service *service = conf_service(
			conf_key(IPPROTO_TCP, cases[i].vip, 80), "rr", cases[i].servers);
		struct sl_conf *next = sl_conf_with_service(conf, service);
		struct sl_err err = {0};

		assert_int_equal(
			sl_conf_check(next, service, &err), cases[i].path == NULL ? 0 : -EINVAL);
		assert_string_equal(err.path, cases[i].path != NULL ? cases[i].path : "");
		assert_non_null(strstr(err.message, cases[i].message));
		assert_true((err.hint[0] != '\0') == (cases[i].path != NULL));
		sl_conf_unref(next);
	}
	sl_conf_unref(conf);
}

static void limits_count_all_services(void **state)
{
	struct sl_conf *conf = conf_with(", 'max_services': 16, 'max_servers': 16"), *next;
	struct sl_conf_service *service;

	for (uint16_t port = 1; port <= 17; port++) {
		service = conf_service(conf_key(IPPROTO_TCP, "192.168.8.100", port), "rr",
			SERVERS("192.168.8.12"));
		next = sl_conf_with_service(conf, service);
		assert_int_equal(sl_conf_check(next, service, NULL), port <= 16 ? 0 : -EINVAL);
		sl_conf_unref(conf);
		conf = next;
	}
	sl_conf_unref(conf);
}

static void without_prefixes_any_server_is_taken(void **state)
{
	static const char text[] = "{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null0\"}],"
				   " \"vips\": [{\"vip\": \"10.0.0.1\", \"port\": \"lan0\", "
				   "\"address\": \"external\"}]}";
	struct sl_conf *conf = NULL, *next;
	struct sl_conf_service *service =
		conf_service(conf_key(IPPROTO_TCP, "10.0.0.1", 80), "rr", SERVERS("172.16.0.1"));

	assert_int_equal(sl_conf_parse(text, strlen(text), &conf, NULL), 0);
	next = sl_conf_with_service(conf, service);
	assert_int_equal(sl_conf_check(next, service, NULL), 0);
	sl_conf_unref(conf);
	sl_conf_unref(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_that_is_put_in),
		cmocka_unit_test(limits_count_all_services),
		cmocka_unit_test(without_prefixes_any_server_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
