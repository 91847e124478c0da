/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf_fixture.h"

static void services_go_in_and_out(void **state)
{
	static const uint16_t ports[] = {80, 443, 22, 8080, 1};
	struct sl_conf *conf = conf_with(""), *next;

	for (size_t i = 0; i < 5; i++) {
		struct sl_conf_service *service =
			conf_service(conf_key(IPPROTO_TCP, "192.168.8.100", ports[i]), "rr",
				SERVERS("192.168.8.12"));

		next = sl_conf_with_service(conf, service);
		assert_int_equal(next->n_services, i + 1);
		assert_ptr_equal(sl_conf_service_find(next, &service->key), service);
		assert_null(sl_conf_service_find(conf, &service->key));
		sl_conf_unref(conf);
		conf = next;
	}
	for (size_t i = 1; i < 5; i++)
		assert_true(sl_service_key_compare(
				    &conf->services[i - 1]->key, &conf->services[i]->key) < 0);
	for (size_t i = 0; i < 5; i++) {
		struct sl_service_key key = conf_key(IPPROTO_TCP, "192.168.8.100", ports[i]);

		next = sl_conf_without_service(conf, &key);
		assert_int_equal(next->n_services, 4 - i);
		assert_null(sl_conf_service_find(next, &key));
		sl_conf_unref(conf);
		conf = next;
	}
	sl_conf_unref(conf);
}

static void a_change_shares_what_it_does_not_touch(void **state)
{
	struct sl_conf *one = conf_with(
		", 'services': [{'protocol': 'tcp', 'address': '192.168.8.100', 'port': 80},"
		" {'protocol': 'tcp', 'address': '192.168.8.100', 'port': 81}]");
	struct sl_service_key key = conf_key(IPPROTO_TCP, "192.168.8.100", 81);
	struct sl_conf *two = sl_conf_with_service(one, conf_service(key, "lc", NULL));

	assert_ptr_equal(two->services[0], one->services[0]);
	assert_ptr_equal(two->ports, one->ports);
	assert_int_equal(two->n_services, 2); /* in place of the old one */
	assert_string_equal(two->services[1]->sched->name, "lc");
	assert_string_equal(one->services[1]->sched->name, "wlc");
	/* What both have outlives the first. */
	sl_conf_unref(one);
	assert_string_equal(two->ports[0].name, "lan0");
	assert_string_equal(two->ports[0].device, "net_null0");
	assert_int_equal(two->services[0]->key.port, 80);
	sl_conf_unref(two);
	sl_conf_unref(NULL);
}

static void vips_follow_services(void **state)
{
	struct sl_conf *conf = conf_with(", 'vips': [{'vip': '192.168.8.200'}]"), *next;
	struct sl_service_key tcp = conf_key(IPPROTO_TCP, "192.168.8.100", 53);
	struct sl_service_key udp = conf_key(IPPROTO_UDP, "192.168.8.100", 53);
	struct sl_service_key listed = conf_key(IPPROTO_TCP, "192.168.8.200", 53);
	struct sl_service_key far = conf_key(IPPROTO_TCP, "10.0.0.1", 53);

	assert_int_equal(conf->n_vips, 1);
	next = sl_conf_with_service(conf, conf_service(tcp, "rr", NULL));
	sl_conf_unref(conf);
	conf = sl_conf_with_service(next, conf_service(udp, "rr", NULL));
	sl_conf_unref(next);
	next = sl_conf_with_service(conf, conf_service(listed, "rr", NULL));
	sl_conf_unref(conf);
	conf = sl_conf_with_service(next, conf_service(far, "rr", NULL));
	sl_conf_unref(next);
	assert_int_equal(conf->n_vips, 3);
	assert_int_equal(sl_conf_vip_find(conf, &tcp.vip)->port, 0);
	assert_int_equal(sl_conf_vip_find(conf, &tcp.vip)->mode, SL_VIP_MANAGED);
	assert_int_equal(sl_conf_vip_find(conf, &far.vip)->port, SL_CONF_NO_PORT);

	next = sl_conf_without_service(conf, &tcp);
	sl_conf_unref(conf);
	assert_non_null(sl_conf_vip_find(next, &tcp.vip)); /* UDP still needs it */
	conf = sl_conf_without_service(next, &udp);
	sl_conf_unref(next);
	assert_null(sl_conf_vip_find(conf, &tcp.vip));
	next = sl_conf_without_service(conf, &listed);
	sl_conf_unref(conf);
	assert_non_null(sl_conf_vip_find(next, &listed.vip));
	sl_conf_unref(next);
}

static void the_longest_prefix_has_the_address(void **state)
{
	struct sl_conf *conf = NULL;
	static const char text[] =
		"{\"ports\": ["
		"{\"name\": \"a\", \"device\": \"net_null0\", \"addresses\": [\"10.0.0.1/8\"]},"
		"{\"name\": \"b\", \"device\": \"net_null1\", \"addresses\": [\"10.1.0.1/16\"]}]}";
	struct sl_addr address;

	assert_int_equal(sl_conf_parse(text, strlen(text), &conf, NULL), 0);
	sl_addr_parse("10.2.0.9", &address);
	assert_int_equal(sl_conf_port_of(conf, &address), 0);
	sl_addr_parse("10.1.0.9", &address);
	assert_int_equal(sl_conf_port_of(conf, &address), 1);
	sl_addr_parse("11.0.0.9", &address);
	assert_int_equal(sl_conf_port_of(conf, &address), SL_CONF_NO_PORT);
	assert_false(sl_conf_is_local(conf, &address));
	sl_addr_parse("10.1.0.1", &address);
	assert_true(sl_conf_is_local(conf, &address));
	sl_addr_parse("127.0.0.2", &address);
	assert_true(sl_conf_is_local(conf, &address));
	sl_conf_unref(conf);
}

static void keys_are_in_the_order_of_listings(void **state)
{
	const struct sl_service_key sorted[] = {
		conf_key(IPPROTO_TCP, "9.0.0.1", 80),
		conf_key(IPPROTO_TCP, "10.0.0.1", 0),
		conf_key(IPPROTO_TCP, "10.0.0.1", 80),
		conf_key(IPPROTO_TCP, "10.0.0.1", 256),
		conf_key(IPPROTO_TCP, "10.0.1.0", 80),
		conf_key(IPPROTO_UDP, "9.0.0.1", 80),
	};

	for (int i = 0; i < 6; i++) {
		for (int j = 0; j < 6; j++) {
			int order = sl_service_key_compare(&sorted[i], &sorted[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_go_in_and_out),
		cmocka_unit_test(a_change_shares_what_it_does_not_touch),
		cmocka_unit_test(vips_follow_services),
		cmocka_unit_test(the_longest_prefix_has_the_address),
		cmocka_unit_test(keys_are_in_the_order_of_listings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
