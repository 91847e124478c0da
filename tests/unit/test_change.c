/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/change.h"
#include "lb/sched.h"

#include "conf_fixture.h"
#include "engine_fixture.h"

#define PORTS(lan0, more)                                                                          \
	"{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null0\"" lan0 "}" more "]"

static struct sl_conf *parse(const char *text)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};

	if (sl_conf_parse(text, strlen(text), &conf, &err) < 0)
		fail_msg("%s: %s: %s", text, err.path, err.message);
	return conf;
}

static void what_only_a_start_can_change(void **state)
{
	static const struct {
		const char *to;
		const char *path; /* NULL = can be changed live */
	} cases[] = {
		{PORTS("", "") "}", NULL},
		{PORTS("", "") ", \"log_level\": \"debug\"}", NULL},
		{PORTS("", "") ", \"timeouts\": {\"udp\": 1}}", NULL},
		{PORTS("", "") ", \"punt\": {\"echo\": 1}}", NULL},
		{PORTS("", "") ", \"icmp_rate\": 1}", NULL},
		{PORTS("", "") ", \"vips\": [{\"vip\": \"10.0.0.1\", \"port\": \"lan0\"}]}", NULL},
		{PORTS(", \"mtu\": 9000", "") "}", NULL},
		{PORTS(", \"transit\": \"drop\"", "") "}", NULL},
		{PORTS(", \"addresses\": [\"10.0.0.2/8\"]", "") "}", NULL},
		{PORTS(", \"neighbours\": [{\"address\": \"10.0.0.9\", \"mac\": "
		       "\"02:00:00:00:00:09\"}]",
			 "") "}",
			NULL},
		{PORTS("", "") ", \"instance\": \"two\"}", "/instance"},
		{PORTS("", "") ", \"run_directory\": \"/run/other\"}", "/run_directory"},
		{PORTS("", "") ", \"dpdk\": {\"memory\": \"1G\"}}", "/dpdk/memory"},
		{PORTS("", "") ", \"dpdk\": {\"huge_pages\": \"on\"}}", "/dpdk/huge_pages"},
		{PORTS("", "") ", \"dpdk\": {\"eal_args\": [\"-v\"]}}", "/dpdk/eal_args"},
		{PORTS("", "") ", \"workers\": {\"count\": 2}}", "/workers/count"},
		{PORTS("", "") ", \"workers\": {\"cores\": [1]}}", "/workers/cores"},
		{PORTS("", "") ", \"workers\": {\"control_core\": 0}}", "/workers/control_core"},
		{PORTS("", "") ", \"workers\": {\"poll\": \"adaptive\"}}", "/workers/poll"},
		{PORTS("", "") ", \"connections\": 5000}", "/connections"},
		{PORTS("", "") ", \"max_services\": 100}", "/max_services"},
		{PORTS("", "") ", \"max_servers\": 100}", "/max_servers"},
		{PORTS("", "") ", \"max_routes\": 2000}", "/max_routes"},
		{PORTS("", "") ", \"connections_wide\": 2000}", "/connections_wide"},
		{PORTS("", ", {\"name\": \"lan1\", \"device\": \"net_null1\"}") "}", "/ports"},
		{PORTS(", \"twin\": false", "") "}", "/ports/0/twin"},
		{PORTS(", \"twin\": {\"netns\": \"a\"}", "") "}", "/ports/0/twin"},
		{PORTS(", \"rx_descriptors\": 512", "") "}", "/ports/0/rx_descriptors"},
		{PORTS(", \"tx_descriptors\": 512", "") "}", "/ports/0/tx_descriptors"},
		{"{\"ports\": [{\"name\": \"lan1\", \"device\": \"net_null0\"}]}", "/ports/0/name"},
		{"{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null1\"}]}",
			"/ports/0/device"},
	};
	struct sl_conf *from = parse(PORTS("", "") "}");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_conf *to = parse(cases[i].to);
		struct sl_err err = {0};
		const char *path = cases[i].path != NULL ? cases[i].path : "";
		int rc = cases[i].path != NULL ? -EINVAL : 0;

		assert_int_equal(sl_conf_check_live(from, to, &err), rc);
		print_message("%s: %s (%s)\n", err.path, err.message, err.hint);
		assert_string_equal(err.path, path);
		assert_true((err.hint[0] != '\0') == (rc != 0));
		assert_int_equal(sl_conf_check_live(to, from, NULL), rc);
		assert_int_equal(sl_conf_check_live(to, to, NULL), 0);
		sl_conf_unref(to);
	}
	sl_conf_unref(from);
}

static void the_error_says_what_it_was(void **state)
{
	struct sl_conf *from = conf_with(""), *to = conf_with(", 'max_services': 100");
	struct sl_err err = {0};

	assert_int_equal(sl_conf_check_live(from, to, &err), -EINVAL);
	assert_string_equal(
		err.message, "\"max_services\" cannot be changed while sluice is running");
	assert_string_equal(err.hint, "restart sluice, or set it back to 65536");
	sl_conf_unref(from);
	sl_conf_unref(to);
}

static const struct sl_snapshot *
build(struct fixture *f, const struct sl_conf *from, const struct sl_conf *to)
{
	struct sl_snapshot *snapshot = NULL;
	struct sl_err err = {0};

	if (sl_conf_build(f->registry, from, to, &snapshot, &err) != 0)
		fail_msg("%s: %s", err.path, err.message);
	assert_int_equal(sl_engine_publish(f->engine, snapshot, NULL), 0);
	return snapshot;
}

static const struct sl_service *
built_service(struct fixture *f, const struct sl_snapshot *s, const struct sl_service_key *key)
{
	sl_id front = sl_registry_front(f->registry, key);

	return front != SL_ID_NONE ? sl_snapshot_front(s, front)->service : NULL;
}

static void a_generation_is_what_the_configuration_says(void **state)
{
	struct fixture *f = *state;
	struct sl_conf *conf =
		conf_with(", 'timeouts': {'udp': 7},"
			  "'services': [{'protocol': 'tcp', 'address': '192.168.8.100', 'port': "
			  "80, 'scheduler': 'wrr',"
			  "  'servers': [{'address': '192.168.8.12', 'weight': 3}, {'address': "
			  "'192.168.8.11'},"
			  "   {'address': '127.0.0.1', 'weight': 0}]},"
			  " {'protocol': 'udp', 'address': '192.168.8.100', 'port': 0}]");
	const struct sl_snapshot *s = build(f, NULL, conf);
	struct sl_service_key tcp = conf_key(IPPROTO_TCP, "192.168.8.100", 80);
	struct sl_service_key udp = conf_key(IPPROTO_UDP, "192.168.8.100", 0);
	const struct sl_service *service = built_service(f, s, &tcp);

	assert_int_equal(s->n_services, 2);
	assert_int_equal(s->timeouts.s[SL_STATE_UDP], 7);
	assert_int_equal(s->timeouts.s[SL_STATE_ESTABLISHED], 900);
	assert_string_equal(service->sched->name, "wrr");
	assert_int_equal(service->n_servers, 3);
	/* The last one added stands first; addresses of the box are local whatever is asked for. */
	assert_int_equal(service->weights[0], 0);
	assert_int_equal(service->weights[2], 3);
	assert_int_equal(sl_snapshot_server(s, service->servers[0])->fwd, SL_FWD_LOCAL);
	assert_int_equal(sl_snapshot_server(s, service->servers[1])->fwd, SL_FWD_LOCAL);
	assert_int_equal(sl_snapshot_server(s, service->servers[2])->fwd, SL_FWD_DR);
	assert_int_equal(built_service(f, s, &udp)->n_servers, 0);
	sl_conf_unref(conf);
}

/* What no build without the methods reads from a document is put in by hand. */
static void what_is_not_a_services_is_in_the_generation(void **state)
{
	struct fixture *f = *state;
	struct sl_conf *from = conf_with(""), *to = conf_with("");
	struct sl_conf_local locals[3] = {{.port = 0}, {.port = 0}, {.port = 0}};
	const struct sl_snapshot *s = build(f, NULL, from);

	assert_true(s->locals == NULL || s->locals->n4 + s->locals->n6 == 0);
	assert_int_equal(s->masquerade[0][0], SL_ID_NONE);
	sl_addr_parse("192.168.8.20", &locals[0].address);
	sl_addr_parse("2001:db8::20", &locals[1].address);
	sl_addr_parse("192.168.8.21", &locals[2].address);
	to->local_addresses = locals;
	to->n_local_addresses = 3;
	to->local_ports.low = 2000;
	to->local_ports.high = 3000;
	to->tunnels = (struct sl_tunnel_policy){.dscp = 46, .df = SL_TUNNEL_DF_SET, .ttl = 9};
	to->ports[0].transit = SL_TRANSIT_MASQUERADE;
	s = build(f, from, to);
	assert_int_equal(s->locals->n4, 2);
	assert_int_equal(s->locals->n6, 1);
	assert_int_equal(s->locals->low, 2000);
	assert_int_equal(s->locals->high, 3000);
	assert_int_equal(s->tunnel_policy.dscp, 46);
	assert_int_equal(s->tunnel_policy.df, SL_TUNNEL_DF_SET);
	assert_int_equal(s->tunnel_policy.ttl, 9);
	assert_int_not_equal(s->masquerade[1][1], SL_ID_NONE);
	s = build(f, to, from);
	assert_true(s->locals == NULL || s->locals->n4 + s->locals->n6 == 0);
	assert_int_equal(s->masquerade[1][1], SL_ID_NONE);
	sl_conf_unref(from);
	sl_conf_unref(to);
}

static void what_is_not_changed_is_not_touched(void **state)
{
	static const char services[] =
		", 'services': [{'protocol': 'tcp', 'address': '192.168.8.100', 'port': 80,"
		" 'servers': [{'address': '192.168.8.12'}]},"
		" {'protocol': 'tcp', 'address': '192.168.8.100', 'port': 81},"
		" {'protocol': 'tcp', 'address': '192.168.8.100', 'port': %u,"
		" 'servers': [{'address': '192.168.8.12', 'weight': %u}]}]";
	struct fixture *f = *state;
	struct sl_service_key first = conf_key(IPPROTO_TCP, "192.168.8.100", 80);
	struct sl_service_key third = conf_key(IPPROTO_TCP, "192.168.8.100", 82);
	const struct sl_service *before, *changed;
	const struct sl_snapshot *s;
	struct sl_conf *from, *to;
	char text[1024];

	snprintf(text, sizeof(text), services, 82, 1);
	from = conf_with(text);
	s = build(f, NULL, from);
	before = built_service(f, s, &first);
	changed = built_service(f, s, &third);

	snprintf(text, sizeof(text), services, 82, 2); /* read again: no pointer is the same */
	to = conf_with(text);
	s = build(f, from, to);
	sl_conf_unref(from);
	assert_ptr_equal(built_service(f, s, &first), before);
	assert_ptr_not_equal(built_service(f, s, &third), changed);
	assert_int_equal(built_service(f, s, &third)->weights[0], 2);

	from = to;
	to = sl_conf_without_service(from, &third);
	s = build(f, from, to);
	assert_int_equal(s->n_services, 2);
	assert_null(built_service(f, s, &third));
	assert_ptr_equal(built_service(f, s, &first), before);
	sl_conf_unref(from);
	sl_conf_unref(to);
}

static void an_address_of_the_box_makes_its_servers_local(void **state)
{
	static const char text[] = PORTS(", \"addresses\": [\"192.168.8.%s/24\"]",
		"") ", \"services\": [{\"protocol\": \"tcp\","
		    " \"address\": \"192.168.8.100\", \"port\": 80,"
		    " \"servers\": [{\"address\": \"192.168.8.12\"}]}]}";
	struct fixture *f = *state;
	struct sl_service_key key = conf_key(IPPROTO_TCP, "192.168.8.100", 80);
	struct sl_conf *from, *to;
	const struct sl_snapshot *s;
	char one[512], two[512];

	snprintf(one, sizeof(one), text, "11");
	snprintf(two, sizeof(two), text, "12");
	from = parse(one);
	to = parse(two);
	s = build(f, NULL, from);
	assert_int_equal(
		sl_snapshot_server(s, built_service(f, s, &key)->servers[0])->fwd, SL_FWD_DR);
	s = build(f, from, to);
	assert_int_equal(
		sl_snapshot_server(s, built_service(f, s, &key)->servers[0])->fwd, SL_FWD_LOCAL);
	sl_conf_unref(from);
	sl_conf_unref(to);
}

/* Whatever allocation fails: an error that says so, and the generation before is the latest one. */
static void a_build_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sl_conf *conf = conf_with(
		", 'services': [{'protocol': 'tcp', 'address': '192.168.8.100', 'port': 80,"
		" 'servers': [{'address': '192.168.8.12'}]}]");
	const struct sl_snapshot *before = sl_registry_latest(f->registry);
	unsigned failures = 0;

	for (long k = 1;; k++) {
		struct sl_snapshot *snapshot = NULL;
		struct sl_err err = {0};
		int rc;

		f->memory.fail_at = k;
		rc = sl_conf_build(f->registry, NULL, conf, &snapshot, &err);
		f->memory.fail_at = 0;
		if (rc == 0) {
			assert_int_equal(sl_engine_publish(f->engine, snapshot, NULL), 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_true(err.message[0] != '\0');
		assert_ptr_equal(sl_registry_latest(f->registry), before);
		failures++;
	}
	assert_true(failures > 0);
	sl_conf_unref(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_a_start_can_change),
		cmocka_unit_test(the_error_says_what_it_was),
		cmocka_unit_test_setup_teardown(a_generation_is_what_the_configuration_says,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_a_services_is_in_the_generation,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_changed_is_not_touched, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_address_of_the_box_makes_its_servers_local,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_build_that_fails_changes_nothing, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
