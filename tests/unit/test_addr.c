/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/addr.h"

static struct sl_addr addr(const char *text)
{
	struct sl_addr parsed;

	assert_int_equal(sl_addr_parse(text, &parsed), 0);
	return parsed;
}

static void endpoints_have_brackets_round_ipv6(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *address;
		uint16_t port;
	} cases[] = {
		{"192.168.8.12:80", 0, "192.168.8.12", 80},
		{"[2001:db8::12]:0", 0, "2001:db8::12", 0},
		{"[::]:65535", 0, "::", 65535},
		{"192.168.8.12", -EINVAL},
		{"192.168.8.12:", -EINVAL},
		{"192.168.8.12:65536", -EINVAL},
		{"192.168.8.12:123456", -EINVAL},
		{"192.168.8.12:8x", -EINVAL},
		{"192.168.8.12: 8", -EINVAL},
		{"[192.168.8.12]:80", -EINVAL},
		{"2001:db8::12:80", -EINVAL},
		{"[2001:db8::12]80", -EINVAL},
		{"[2001:db8::12:80", -EINVAL},
		{"2001:db8::12]:80", -EINVAL},
		{"[:80", -EINVAL},
		{"[]:80", -EINVAL},
		{":80", -EINVAL},
		{":", -EINVAL},
		{"]:", -EINVAL},
		{"", -EINVAL},
		{"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SL_ENDPOINT_TEXT];
		struct sl_addr parsed, expected;
		uint16_t port = 0;

		assert_int_equal(sl_endpoint_parse(cases[i].text, &parsed, &port), cases[i].result);
		if (cases[i].result != 0)
			continue;
		expected = addr(cases[i].address);
		assert_true(sl_addr_equal(&parsed, &expected));
		assert_int_equal(port, cases[i].port);
		assert_string_equal(sl_endpoint_format(&parsed, port, text), cases[i].text);
	}
}

static struct sl_prefix prefix(const char *text)
{
	struct sl_prefix parsed;

	assert_int_equal(sl_prefix_parse(text, &parsed), 0);
	return parsed;
}

static void addresses_are_numeric_and_plain(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint8_t family;
		const char *formatted;
	} cases[] = {
		{"192.168.8.1", 0, 4, "192.168.8.1"},
		{"0.0.0.0", 0, 4, "0.0.0.0"},
		{"2001:DB8:0::1", 0, 6, "2001:db8::1"},
		{"::ffff:1.2.3.4", 0, 6, "::ffff:1.2.3.4"},
		{"010.1.1.1", -EINVAL},
		{"1.1.1", -EINVAL},
		{"1.1.1.256", -EINVAL},
		{"0x1.1.1.1", -EINVAL},
		{" 1.1.1.1", -EINVAL},
		{"1.1.1.1 ", -EINVAL},
		{"fe80::1%eth0", -EINVAL},
		{"localhost", -EINVAL},
		{"", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SL_ADDR_TEXT];
		struct sl_addr parsed;

		assert_int_equal(sl_addr_parse(cases[i].text, &parsed), cases[i].result);
		assert_int_equal(parsed.family, cases[i].family);
		if (cases[i].result == 0)
			assert_string_equal(sl_addr_format(&parsed, text), cases[i].formatted);
	}
}

static void an_ipv4_address_leaves_the_other_bytes_zero(void **state)
{
	static const uint8_t zero[12];
	struct sl_addr parsed;

	memset(&parsed, 0xff, sizeof(parsed));
	assert_int_equal(sl_addr_parse("1.2.3.4", &parsed), 0);
	assert_memory_equal(parsed.bytes, ((uint8_t[]){1, 2, 3, 4}), 4);
	assert_memory_equal(parsed.bytes + 4, zero, sizeof(zero));
}

static void prefixes(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint8_t length;
		const char *formatted;
	} cases[] = {
		{"192.168.8.11/24", 0, 24, "192.168.8.11/24"},
		{"192.168.8.11", 0, 32, "192.168.8.11/32"},
		{"2001:db8::/128", 0, 128, "2001:db8::/128"},
		{"2001:db8::", 0, 128, "2001:db8::/128"},
		{"0.0.0.0/0", 0, 0, "0.0.0.0/0"},
		{"1.2.3.4/33", -EINVAL},
		{"::/129", -EINVAL},
		{"1.2.3.4/", -EINVAL},
		{"1.2.3.4/08", -EINVAL},
		{"1.2.3.4/+8", -EINVAL},
		{"1.2.3.4/8 ", -EINVAL},
		{"1.2.3.4/4294967304", -EINVAL},
		{"1.2.3.4/24/24", -EINVAL},
		{"/24", -EINVAL},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SL_ADDR_TEXT];
		struct sl_prefix parsed;

		assert_int_equal(sl_prefix_parse(cases[i].text, &parsed), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_int_equal(parsed.length, cases[i].length);
		assert_string_equal(sl_prefix_format(&parsed, text), cases[i].formatted);
	}
}

static void the_longest_texts_fit(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128";
	struct sl_prefix parsed = prefix(longest);
	char text[SL_ADDR_TEXT];

	assert_string_equal(sl_prefix_format(&parsed, text), longest);
}

static void containment(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool inside;
	} cases[] = {
		{"192.168.8.11/24", "192.168.8.200", true},
		{"192.168.8.11/24", "192.168.9.11", false},
		{"10.0.0.0/9", "10.127.255.255", true},
		{"10.0.0.0/9", "10.128.0.0", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"1.2.3.4/32", "1.2.3.4", true},
		{"1.2.3.4/32", "1.2.3.5", false},
		{"2001:db8::/33", "2001:db8:7fff::", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"::/0", "0.0.0.0", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_prefix p = prefix(cases[i].prefix);
		struct sl_addr a = addr(cases[i].addr);

		assert_int_equal(sl_prefix_contains(&p, &a), cases[i].inside);
	}
}

static void order_is_by_family_then_value(void **state)
{
	static const char *const sorted[] = {
		"1.2.3.4", "1.2.4.0", "200.0.0.0", "::1", "::2", "ff00::"};

	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
		for (size_t j = 0; j < sizeof(sorted) / sizeof(sorted[0]); j++) {
			struct sl_addr a = addr(sorted[i]), b = addr(sorted[j]);
			int order = sl_addr_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(sl_addr_equal(&a, &b), i == j);
		}
	}
}

static void kinds_of_address(void **state)
{
	static const struct {
		const char *text;
		bool unicast, loopback;
	} cases[] = {
		{"192.168.8.1", true, false},
		{"127.0.0.1", true, true},
		{"127.255.0.1", true, true},
		{"0.0.0.0", false, false},
		{"224.0.0.18", false, false},
		{"239.255.255.255", false, false},
		{"255.255.255.255", false, false},
		{"2001:db8::1", true, false},
		{"::1", true, true},
		{"::", false, false},
		{"ff02::1", false, false},
	};
	struct sl_addr none = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_addr a = addr(cases[i].text);

		assert_int_equal(sl_addr_is_unicast(&a), cases[i].unicast);
		assert_int_equal(sl_addr_is_loopback(&a), cases[i].loopback);
	}
	assert_false(sl_addr_is_unicast(&none));
	assert_false(sl_addr_is_loopback(&none));
}

static void macs(void **state)
{
	static const char *const wrong[] = {"", "02:00:00:00:00", "02:00:00:00:00:1",
		"02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:01:", "020000000001"};
	uint8_t mac[6];
	char text[18];

	assert_int_equal(sl_mac_parse("02:00:aB:Cd:ff:01", mac), 0);
	assert_string_equal(sl_mac_format(mac, text), "02:00:ab:cd:ff:01");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(sl_mac_parse(wrong[i], mac), -EINVAL);
	assert_string_equal(sl_mac_format(mac, text), "02:00:ab:cd:ff:01");
}

static union sl_ip ip(const char *text)
{
	struct sl_addr addr;

	assert_int_equal(sl_addr_parse(text, &addr), 0);
	return sl_ip_from_addr(&addr);
}

static void both_forms_hold_the_same(void **state)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};

	for (size_t i = 0; i < 2; i++) {
		uint8_t family = i == 0 ? 4 : 6;
		char text[SL_ADDR_TEXT];
		union sl_ip a = ip(texts[i]), b;
		struct sl_addr addr = sl_addr_from_ip(family, &a);

		assert_string_equal(sl_addr_format(&addr, text), texts[i]);
		assert_true(sl_ip_equal(&a, &a));
		for (size_t byte = 0; byte < 16; byte++) {
			b = a;
			b.bytes[byte] ^= 0x40;
			assert_false(sl_ip_equal(&a, &b));
		}
	}
	assert_true(sl_ip_equal(&(union sl_ip){.bytes = {192, 0, 2, 1}},
		&(union sl_ip){.words = {sl_ip_v4(RTE_BE32(0xc0000201)).words[0]}}));
}

static void hosts_are_told_from_groups(void **state)
{
	static const struct {
		const char *text;
		bool host, group;
	} cases[] = {{"192.0.2.1", true, false}, {"0.0.0.1", false, false},
		{"127.0.0.1", false, false}, {"223.255.255.255", true, false},
		{"224.0.0.1", false, true}, {"239.255.255.255", false, true},
		{"240.0.0.1", false, false}, {"255.255.255.255", false, true}, {"::", false, false},
		{"::1", false, false}, {"::2", true, false}, {"::ffff:192.0.2.1", false, false},
		{"::fffe:192.0.2.1", true, false}, {"2001:db8::1", true, false},
		{"fe80::1", true, false}, {"ff02::1", false, true}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t family = strchr(cases[i].text, ':') == NULL ? 4 : 6;
		union sl_ip a = ip(cases[i].text);

		assert_int_equal(sl_ip_is_host(family, &a), cases[i].host);
		assert_int_equal(sl_ip_is_group(family, &a), cases[i].group);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_hold_the_same),
		cmocka_unit_test(hosts_are_told_from_groups),
		cmocka_unit_test(addresses_are_numeric_and_plain),
		cmocka_unit_test(endpoints_have_brackets_round_ipv6),
		cmocka_unit_test(an_ipv4_address_leaves_the_other_bytes_zero),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(containment),
		cmocka_unit_test(order_is_by_family_then_value),
		cmocka_unit_test(kinds_of_address),
		cmocka_unit_test(macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
