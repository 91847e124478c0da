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

#define CLIENT RTE_BE32(0xc0a80801)
#define VIP    RTE_BE32(0xc0a80864)

/* An IPv4 header without options, then eight bytes. */
struct packet {
	uint8_t bytes[28];
};

static struct packet packet(uint8_t protocol, rte_be32_t src, rte_be32_t dst)
{
	struct packet p = {.bytes = {[0] = 0x45, [3] = 28, [8] = 1, [9] = protocol}};

	memcpy(p.bytes + 12, &src, 4);
	memcpy(p.bytes + 16, &dst, 4);
	return p;
}

static bool may_answer(const struct packet *p, size_t length)
{
	uint8_t *exact = malloc(length > 0 ? length : 1);
	bool answer;

	memcpy(exact, p->bytes, length);
	answer = sl_icmp4_may_answer(exact, length);
	free(exact);
	return answer;
}

static void tcp_and_udp_of_hosts_are_answered(void **state)
{
	struct packet p = packet(IPPROTO_TCP, CLIENT, VIP);

	assert_true(may_answer(&p, sizeof(p.bytes)));
	p = packet(IPPROTO_UDP, CLIENT, VIP);
	assert_true(may_answer(&p, sizeof(p.bytes)));
	p.bytes[6] = 0x20; /* the first fragment */
	assert_true(may_answer(&p, sizeof(p.bytes)));
}

static void other_fragments_are_not(void **state)
{
	for (unsigned bit = 0; bit < 13; bit++) {
		struct packet p = packet(IPPROTO_UDP, CLIENT, VIP);

		p.bytes[6] = (uint8_t)((1u << bit) >> 8);
		p.bytes[7] = (uint8_t)(1u << bit);
		assert_false(may_answer(&p, sizeof(p.bytes)));
	}
}

static void icmp_is_answered_if_it_is_no_error(void **state)
{
	static const uint8_t queries[] = {0, 8, 9, 10, 13, 14, 15, 16, 17, 18};

	for (unsigned type = 0; type < 256; type++) {
		struct packet p = packet(IPPROTO_ICMP, CLIENT, VIP);

		p.bytes[20] = (uint8_t)type;
		assert_int_equal(may_answer(&p, sizeof(p.bytes)),
			memchr(queries, (int)type, sizeof(queries)) != NULL);
		assert_false(may_answer(&p, 20)); /* its type is not there */
	}
}

static void only_single_hosts_get_an_answer(void **state)
{
	static const uint32_t none[] = {
		0, 0x00000001, 0x7f000001, 0xe0000001, 0xef000000, 0xf0000001, 0xffffffff};
	static const uint32_t groups[] = {0xe0000001, 0xefffffff, 0xffffffff};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct packet p = packet(IPPROTO_UDP, rte_cpu_to_be_32(none[i]), VIP);

		assert_false(may_answer(&p, sizeof(p.bytes)));
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct packet p = packet(IPPROTO_UDP, CLIENT, rte_cpu_to_be_32(groups[i]));

		assert_false(may_answer(&p, sizeof(p.bytes)));
	}
}

static void nothing_is_read_beyond_the_packet(void **state)
{
	struct packet p = packet(IPPROTO_ICMP, CLIENT, VIP);

	p.bytes[20] = 8;
	for (size_t n = 0; n < sizeof(p.bytes); n++)
		assert_int_equal(may_answer(&p, n), n > 20);
	p.bytes[0] = 0x4f; /* options that are not there */
	assert_false(may_answer(&p, sizeof(p.bytes)));
	p.bytes[0] = 0x44;
	assert_false(may_answer(&p, sizeof(p.bytes)));
}

static void an_error_is_complete(void **state)
{
	for (size_t quoted = 0; quoted <= SL_ICMP4_QUOTE_MAX; quoted += 37) {
		size_t length = SL_ICMP4_ERROR_HEADERS + quoted;
		uint8_t *at = malloc(length), quote[SL_ICMP4_QUOTE_MAX];
		rte_be32_t src, dst;

		for (size_t i = 0; i < quoted; i++)
			quote[i] = (uint8_t)(i * 7 + 1);
		memset(at, 0xff, SL_ICMP4_ERROR_HEADERS);
		memcpy(at + SL_ICMP4_ERROR_HEADERS, quote, quoted);
		sl_icmp4_error(at, quoted, SL_ICMP4_UNREACHABLE, 4, 1400, VIP, CLIENT);
		assert_int_equal(at[0], 0x45);
		assert_int_equal(at[2] << 8 | at[3], length);
		assert_int_equal(at[8], 64);
		assert_int_equal(at[9], IPPROTO_ICMP);
		memcpy(&src, at + 12, 4);
		memcpy(&dst, at + 16, 4);
		assert_int_equal(src, VIP);
		assert_int_equal(dst, CLIENT);
		assert_int_equal(at[20], SL_ICMP4_UNREACHABLE);
		assert_int_equal(at[21], 4);
		/* Bytes 4 to 7 of the ICMP header: unused, then the MTU (RFC 1191). */
		assert_memory_equal(at + 24, ((uint8_t[]){0, 0, 1400 >> 8, 1400 & 0xff}), 4);
		assert_int_equal(sl_csum_finish(sl_csum_add(0, at, 20)), 0);
		assert_int_equal(sl_csum_finish(sl_csum_add(0, at + 20, length - 20)), 0);
		assert_memory_equal(at + SL_ICMP4_ERROR_HEADERS, quote, quoted);
		/* What we send ourselves is never answered with another error. */
		assert_false(sl_icmp4_may_answer(at, length));
		free(at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_and_udp_of_hosts_are_answered),
		cmocka_unit_test(other_fragments_are_not),
		cmocka_unit_test(icmp_is_answered_if_it_is_no_error),
		cmocka_unit_test(only_single_hosts_get_an_answer),
		cmocka_unit_test(nothing_is_read_beyond_the_packet),
		cmocka_unit_test(an_error_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
