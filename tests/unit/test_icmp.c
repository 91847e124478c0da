/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/checksum.h"
#include "net/icmp.h"

#define HEADER_MAX 40
#define L4         8

static const union sl_ip client4 = {.bytes = {192, 168, 8, 1}};
static const union sl_ip vip4 = {.bytes = {192, 168, 8, 100}};
static const union sl_ip client6 = {.bytes = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
static const union sl_ip vip6 = {.bytes = {0x20, 1, 0x0d, 0xb8, [15] = 0x64}};

/* An IP header without options, then eight bytes. */
struct packet {
	uint8_t bytes[HEADER_MAX + L4];
	size_t header, length;
	uint8_t family;
};

static struct packet
packet(uint8_t family, uint8_t protocol, const union sl_ip *src, const union sl_ip *dst)
{
	struct packet p = {.family = family, .header = family == 4 ? 20 : 40};

	p.length = p.header + L4;
	if (family == 4) {
		p.bytes[0] = 0x45;
		p.bytes[3] = (uint8_t)p.length;
		p.bytes[9] = protocol;
		memcpy(p.bytes + 12, src->bytes, 4);
		memcpy(p.bytes + 16, dst->bytes, 4);
	} else {
		p.bytes[0] = 0x60;
		p.bytes[5] = L4;
		p.bytes[6] = protocol;
		memcpy(p.bytes + 8, src->bytes, 16);
		memcpy(p.bytes + 24, dst->bytes, 16);
	}
	return p;
}

/* From the client to the VIP. */
static struct packet request(uint8_t family, uint8_t protocol)
{
	return family == 4 ? packet(4, protocol, &client4, &vip4)
			   : packet(6, protocol, &client6, &vip6);
}

static bool may_answer(const struct packet *p, size_t length)
{
	uint8_t *exact = malloc(length > 0 ? length : 1);
	bool answer;

	memcpy(exact, p->bytes, length);
	answer = sl_icmp_may_answer(p->family, exact, length);
	free(exact);
	return answer;
}

static void tcp_and_udp_of_hosts_are_answered(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct packet p = request(family, IPPROTO_TCP);

		assert_true(may_answer(&p, p.length));
		p = request(family, IPPROTO_UDP);
		assert_true(may_answer(&p, p.length));
	}
}

static void later_fragments_are_not(void **state)
{
	struct packet p;

	for (unsigned bit = 0; bit < 13; bit++) {
		p = request(4, IPPROTO_UDP);
		p.bytes[6] = (uint8_t)((1u << bit) >> 8);
		p.bytes[7] = (uint8_t)(1u << bit);
		assert_false(may_answer(&p, p.length));
	}
	for (unsigned bit = 3; bit < 16; bit++) {
		p = request(6, IPPROTO_FRAGMENT);
		p.bytes[40] = IPPROTO_UDP;
		p.bytes[42] = (uint8_t)((1u << bit) >> 8);
		p.bytes[43] = (uint8_t)(1u << bit);
		assert_false(may_answer(&p, p.length));
	}
	p = request(4, IPPROTO_UDP);
	p.bytes[6] = 0x20; /* the first one is */
	assert_true(may_answer(&p, p.length));
}

static void icmp_is_answered_if_it_is_no_error(void **state)
{
	static const uint8_t queries[] = {0, 8, 9, 10, 13, 14, 15, 16, 17, 18};

	for (unsigned type = 0; type < 256; type++) {
		struct packet p = request(4, IPPROTO_ICMP);

		p.bytes[20] = (uint8_t)type;
		assert_int_equal(may_answer(&p, p.length),
			memchr(queries, (int)type, sizeof(queries)) != NULL);
		assert_false(may_answer(&p, 20)); /* its type is not there */
		p = request(6, IPPROTO_ICMPV6);
		p.bytes[40] = (uint8_t)type;
		assert_int_equal(
			may_answer(&p, p.length), type >= 128 && type != 137 && type != 255);
	}
}

static void fragments_of_icmp_are_not_answered(void **state)
{
	struct packet p = request(4, IPPROTO_ICMP);

	p.bytes[20] = 8;
	assert_true(may_answer(&p, p.length));
	p.bytes[6] = 0x20;
	assert_false(may_answer(&p, p.length));
}

static void only_single_hosts_get_an_answer(void **state)
{
	static const uint32_t none[] = {
		0, 0x00000001, 0x7f000001, 0xe0000001, 0xef000000, 0xf0000001, 0xffffffff};
	static const uint32_t groups[] = {0xe0000001, 0xefffffff, 0xffffffff};
	static const union sl_ip none6[] = {{.bytes = {0}}, {.bytes = {[15] = 1}},
		{.bytes = {0xff, 2, [15] = 1}}, {.bytes = {[10] = 0xff, 0xff, 192, 0, 2, 1}}};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		union sl_ip src = sl_ip_v4(rte_cpu_to_be_32(none[i]));
		struct packet p = packet(4, IPPROTO_UDP, &src, &vip4);

		assert_false(may_answer(&p, p.length));
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		union sl_ip dst = sl_ip_v4(rte_cpu_to_be_32(groups[i]));
		struct packet p = packet(4, IPPROTO_UDP, &client4, &dst);

		assert_false(may_answer(&p, p.length));
	}
	for (size_t i = 0; i < sizeof(none6) / sizeof(none6[0]); i++) {
		struct packet p = packet(6, IPPROTO_UDP, &none6[i], &vip6);

		assert_false(may_answer(&p, p.length));
	}
	assert_false(may_answer(
		&(struct packet){.family = 6, .bytes = {0x60, [6] = 17}, .length = 48}, 48));
}

static void nothing_is_read_beyond_the_packet(void **state)
{
	struct packet p = request(4, IPPROTO_ICMP);

	p.bytes[20] = 8;
	for (size_t n = 0; n <= p.length; n++)
		assert_int_equal(may_answer(&p, n), n == p.length);
	p.bytes[0] = 0x4f; /* options that are not there */
	assert_false(may_answer(&p, p.length));
	p.bytes[0] = 0x44;
	assert_false(may_answer(&p, p.length));
	p = request(6, IPPROTO_ICMPV6);
	p.bytes[40] = 128;
	for (size_t n = 0; n <= p.length; n++)
		assert_int_equal(may_answer(&p, n), n == p.length);
}

static void errors_are_told_from_queries(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		bool error4 = type == 3 || type == 4 || type == 11 || type == 12;

		assert_int_equal(sl_icmp_is_error(4, (uint8_t)type), error4);
		assert_int_equal(sl_icmp_is_error(6, (uint8_t)type), type >= 1 && type <= 4);
	}
}

static void too_big_names_an_mtu(void **state)
{
	static const uint8_t needed[8] = {3, 4, 0, 0, 0xff, 0xff, 5, 0x78};
	static const uint8_t too_big[8] = {2, 0, 0, 0, 0, 1, 0, 0};
	static const uint8_t port[8] = {3, 3};
	uint32_t mtu = 0;

	assert_true(sl_icmp_is_too_big(4, needed, 8, &mtu));
	assert_int_equal(mtu, 1400);
	assert_true(sl_icmp_is_too_big(6, too_big, 8, &mtu));
	assert_int_equal(mtu, 65536);
	assert_false(sl_icmp_is_too_big(4, port, 8, &mtu));
	assert_false(sl_icmp_is_too_big(6, needed, 8, &mtu));
	assert_false(sl_icmp_is_too_big(4, needed, 7, &mtu));
}

/* The checksum of all that ICMP covers: 0 when it holds. */
static uint16_t icmp_checksum(uint8_t family, const uint8_t *at, size_t length)
{
	size_t header = family == 4 ? 20 : 40;
	uint32_t sum = 0;

	if (family == 6) {
		uint8_t pseudo[8] = {0, 0, (uint8_t)((length - 40) >> 8), (uint8_t)(length - 40), 0,
			0, 0, IPPROTO_ICMPV6};

		sum = sl_csum_add(sl_csum_add(0, pseudo, 8), at + 8, 32);
	}
	return sl_csum_finish(sl_csum_add(sum, at + header, length - header));
}

static void
check_error(const uint8_t *at, uint8_t family, size_t length, uint8_t type, uint8_t code)
{
	size_t header = family == 4 ? 20 : 40;

	if (family == 4) {
		assert_int_equal(at[0], 0x45);
		assert_int_equal(at[2] << 8 | at[3], length);
		assert_int_equal(at[8], 64);
		assert_int_equal(at[9], IPPROTO_ICMP);
		assert_memory_equal(at + 12, vip4.bytes, 4);
		assert_memory_equal(at + 16, client4.bytes, 4);
		assert_int_equal(sl_csum_finish(sl_csum_add(0, at, 20)), 0);
	} else {
		assert_int_equal(at[0] >> 4, 6);
		assert_int_equal(at[4] << 8 | at[5], length - 40);
		assert_int_equal(at[6], IPPROTO_ICMPV6);
		assert_int_equal(at[7], 64);
		assert_memory_equal(at + 8, vip6.bytes, 16);
		assert_memory_equal(at + 24, client6.bytes, 16);
	}
	assert_int_equal(at[header], type);
	assert_int_equal(at[header + 1], code);
	assert_int_equal(icmp_checksum(family, at, length), 0);
}

static void an_error_is_complete(void **state)
{
	static const struct {
		enum sl_icmp_error what;
		uint8_t type4, code4, type6, code6;
	} errors[] = {{SL_ICMP_PORT_UNREACHABLE, 3, 3, 1, 4},
		{SL_ICMP_HOST_UNREACHABLE, 3, 1, 1, 3}, {SL_ICMP_PROHIBITED, 3, 13, 1, 1},
		{SL_ICMP_TIME_EXCEEDED, 11, 0, 3, 0}, {SL_ICMP_TOO_BIG, 3, 4, 2, 0}};

	for (size_t i = 0; i < 2 * sizeof(errors) / sizeof(errors[0]); i++) {
		uint8_t family = i % 2 ? 6 : 4;
		size_t headers = sl_icmp_headers(family), max = sl_icmp_quote_max(family);
		uint32_t mtu = errors[i / 2].what == SL_ICMP_TOO_BIG ? 1400 : 0;

		for (size_t quoted = 0; quoted <= max; quoted += 37) {
			uint8_t *at = malloc(headers + quoted);

			memset(at, 0xff, headers);
			for (size_t j = 0; j < quoted; j++)
				at[headers + j] = (uint8_t)(j * 7 + 1);
			sl_icmp_error(at, family, quoted, errors[i / 2].what, 1400,
				family == 4 ? &vip4 : &vip6, family == 4 ? &client4 : &client6);
			check_error(at, family, headers + quoted,
				family == 4 ? errors[i / 2].type4 : errors[i / 2].type6,
				family == 4 ? errors[i / 2].code4 : errors[i / 2].code6);
			/* The header's second word is unused, or an MTU: RFC 1191. */
			assert_memory_equal(at + headers - 4,
				((uint8_t[]){0, 0, (uint8_t)(mtu >> 8), (uint8_t)mtu}), 4);
			for (size_t j = 0; j < quoted; j++)
				assert_int_equal(at[headers + j], (uint8_t)(j * 7 + 1));
			/* What we send ourselves is never answered with another error. */
			assert_false(sl_icmp_may_answer(family, at, headers + quoted));
			free(at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_and_udp_of_hosts_are_answered),
		cmocka_unit_test(later_fragments_are_not),
		cmocka_unit_test(icmp_is_answered_if_it_is_no_error),
		cmocka_unit_test(fragments_of_icmp_are_not_answered),
		cmocka_unit_test(only_single_hosts_get_an_answer),
		cmocka_unit_test(nothing_is_read_beyond_the_packet),
		cmocka_unit_test(errors_are_told_from_queries),
		cmocka_unit_test(too_big_names_an_mtu),
		cmocka_unit_test(an_error_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
