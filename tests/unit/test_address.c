/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

static const struct sl_address_list none;

static struct sl_address item(uint16_t port, const char *text, bool ours)
{
	struct sl_address result = {.port = port, .ours = ours};

	assert_int_equal(sl_prefix_parse(text, &result.prefix), 0);
	return result;
}

static void add(struct sl_address_list *list, uint16_t port, const char *text, bool ours)
{
	struct sl_address one = item(port, text, ours);

	assert_int_equal(sl_address_add(list, &one), 0);
}

/* The changes as text: "+0:10.0.0.1/24 -1:..." */
static const char *diff(const struct sl_address_list *wanted, const struct sl_address_list *present,
	const struct sl_address_list *previous)
{
	static char text[1024];
	struct sl_address_change changes[64];
	int n = sl_address_diff(wanted, present, previous, changes);
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		char prefix[SL_ADDR_TEXT];

		at += snprintf(text + at, sizeof(text) - at, "%s%c%u:%s", i > 0 ? " " : "",
			changes[i].add ? '+' : '-', changes[i].item->port,
			sl_prefix_format(&changes[i].item->prefix, prefix));
	}
	return text;
}

static void what_is_there_stays(void **state)
{
	struct sl_address_list wanted = {0}, present = {0};

	add(&wanted, 0, "192.168.8.11/24", false);
	add(&wanted, 0, "192.168.8.100/32", false);
	assert_string_equal(
		diff(&wanted, &present, &none), "+0:192.168.8.11/24 +0:192.168.8.100/32");
	add(&present, 0, "192.168.8.100/32", true);
	assert_string_equal(diff(&wanted, &present, &none), "+0:192.168.8.11/24");
	add(&present, 0, "192.168.8.11/24", false);
	assert_string_equal(diff(&wanted, &present, &none), "");
	sl_address_list_free(&wanted);
	sl_address_list_free(&present);
}

static void only_ours_is_removed(void **state)
{
	struct sl_address_list wanted = {0}, present = {0}, previous = {0};

	add(&present, 0, "192.168.8.11/24", true);
	add(&present, 0, "192.168.8.77/24", false);
	add(&present, 0, "10.0.0.1/32", false);
	assert_string_equal(diff(&wanted, &present, &none), "-0:192.168.8.11/24");
	/* Where the kernel keeps no marks: what was put there last time. */
	add(&previous, 0, "10.0.0.1/32", false);
	assert_string_equal(
		diff(&wanted, &present, &previous), "-0:192.168.8.11/24 -0:10.0.0.1/32");
	sl_address_list_free(&present);
	sl_address_list_free(&previous);
}

static void another_port_or_length_is_another_address(void **state)
{
	struct sl_address_list wanted = {0}, present = {0};

	add(&present, 0, "10.0.0.1/24", true);
	add(&wanted, 1, "10.0.0.1/24", false);
	assert_string_equal(diff(&wanted, &present, &none), "+1:10.0.0.1/24 -0:10.0.0.1/24");
	add(&wanted, 0, "10.0.0.1/25", false);
	assert_string_equal(
		diff(&wanted, &present, &none), "+1:10.0.0.1/24 +0:10.0.0.1/25 -0:10.0.0.1/24");
	sl_address_list_free(&wanted);
	sl_address_list_free(&present);
}

static void a_neighbour_gets_its_new_mac(void **state)
{
	struct sl_address_list wanted = {0}, present = {0};
	struct sl_address_change changes[4];

	add(&present, 0, "10.0.0.1/32", true);
	present.items[0].neighbour = true;
	present.items[0].mac[5] = 1;
	add(&wanted, 0, "10.0.0.1/32", false);
	/* An address and a neighbour are never the same thing. */
	assert_string_equal(diff(&wanted, &present, &none), "+0:10.0.0.1/32 -0:10.0.0.1/32");
	wanted.items[0].neighbour = true;
	assert_int_equal(sl_address_diff(&wanted, &present, &none, changes), 1);
	assert_true(changes[0].add);
	assert_ptr_equal(changes[0].replaced, &present.items[0]);
	wanted.items[0].mac[5] = 1;
	assert_int_equal(sl_address_diff(&wanted, &present, &none, changes), 0);
	sl_address_list_free(&wanted);
	sl_address_list_free(&present);
}

static void the_configuration_says_what_is_wanted(void **state)
{
	struct sl_prefix own[2];
	struct sl_conf_neighbour neighbour = {.mac = {2, 0, 0, 0, 0, 7}};
	struct sl_conf_port ports[2] = {
		{.twin = true,
			.addresses = own,
			.n_addresses = 2,
			.neighbours = &neighbour,
			.n_neighbours = 1},
		{.twin = false,
			.addresses = own,
			.n_addresses = 2,
			.neighbours = &neighbour,
			.n_neighbours = 1},
	};
	struct sl_conf_vip vips[5] = {
		{.mode = SL_VIP_MANAGED},
		{.mode = SL_VIP_EXTERNAL},
		{.mode = SL_VIP_MANAGED},
		{.mode = SL_VIP_MANAGED, .port = 1},
		{.mode = SL_VIP_MANAGED},
	};
	struct sl_conf_local locals[2] = {{.port = 0}, {.port = 1}};
	struct sl_conf conf = {.ports = ports,
		.n_ports = 2,
		.vips = vips,
		.n_vips = 5,
		.local_addresses = locals,
		.n_local_addresses = 2};
	struct sl_address_list wanted;

	sl_prefix_parse("10.0.0.1/24", &own[0]);
	sl_prefix_parse("10.0.1.1/24", &own[1]);
	sl_addr_parse("10.0.0.9", &neighbour.address);
	sl_addr_parse("10.0.0.100", &vips[0].address);
	sl_addr_parse("10.0.0.101", &vips[1].address); /* external */
	sl_addr_parse("10.0.0.1", &vips[2].address);   /* an own one */
	sl_addr_parse("10.0.0.103", &vips[3].address); /* on a port without a twin */
	sl_addr_parse("2001:db8::1", &vips[4].address);
	sl_addr_parse("10.0.0.20", &locals[0].address);
	sl_addr_parse("10.0.0.21", &locals[1].address); /* on a port without a twin */
	assert_int_equal(sl_address_wanted(&conf, &wanted), 0);
	assert_string_equal(diff(&wanted, &none, &none),
		"+0:10.0.0.1/24 +0:10.0.1.1/24 +0:10.0.0.100/32 +0:2001:db8::1/128 "
		"+0:10.0.0.20/32 +0:10.0.0.9/32");
	assert_false(wanted.items[1].vip);
	assert_true(wanted.items[2].vip);
	assert_true(wanted.items[4].vip);
	assert_true(wanted.items[5].neighbour);
	assert_memory_equal(wanted.items[5].mac, neighbour.mac, 6);
	sl_address_list_free(&wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_stays),
		cmocka_unit_test(only_ours_is_removed),
		cmocka_unit_test(another_port_or_length_is_another_address),
		cmocka_unit_test(a_neighbour_gets_its_new_mac),
		cmocka_unit_test(the_configuration_says_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
