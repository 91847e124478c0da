/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "net/checksum.h"
#include "net/parse.h"

#define ETHER     14
#define FRAME_MAX 256
#define NO_VERIFY 0
#define VERIFY    1

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t length;
};

static void put16(struct frame *f, size_t at, unsigned value)
{
	f->bytes[at] = (uint8_t)(value >> 8);
	f->bytes[at + 1] = (uint8_t)value;
}

static void fix_checksum(struct frame *f)
{
	size_t header = (f->bytes[ETHER] & 0xf) * 4u;
	uint16_t sum;

	put16(f, ETHER + 10, 0);
	sum = sl_csum_finish(sl_csum_add(0, f->bytes + ETHER, header));
	memcpy(f->bytes + ETHER + 10, &sum, sizeof(sum));
}

/* Ethernet and IPv4 with `options` bytes of options and `behind` bytes behind the header. */
static struct frame ipv4(uint8_t protocol, size_t options, size_t behind)
{
	struct frame f = {.length = ETHER + 20 + options + behind};
	static const uint8_t src[4] = {192, 168, 8, 1}, dst[4] = {192, 168, 8, 100};

	put16(&f, 12, 0x0800);
	f.bytes[ETHER] = (uint8_t)(0x45 + options / 4);
	put16(&f, ETHER + 2, (unsigned)(20 + options + behind));
	f.bytes[ETHER + 8] = 63;
	f.bytes[ETHER + 9] = protocol;
	memcpy(f.bytes + ETHER + 12, src, 4);
	memcpy(f.bytes + ETHER + 16, dst, 4);
	memset(f.bytes + ETHER + 20, 1, options); /* no-operation */
	fix_checksum(&f);
	return f;
}

static struct frame tcp(size_t options, size_t tcp_options, size_t payload)
{
	struct frame f = ipv4(IPPROTO_TCP, options, 20 + tcp_options + payload);
	size_t at = ETHER + 20 + options;

	put16(&f, at, 40000);
	put16(&f, at + 2, 80);
	f.bytes[at + 12] = (uint8_t)((20 + tcp_options) / 4 << 4);
	f.bytes[at + 13] = SL_TCP_SYN | SL_TCP_ACK;
	return f;
}

static struct frame udp(size_t payload)
{
	struct frame f = ipv4(IPPROTO_UDP, 0, 8 + payload);

	put16(&f, ETHER + 20, 40000);
	put16(&f, ETHER + 22, 53);
	put16(&f, ETHER + 24, (unsigned)(8 + payload));
	return f;
}

static struct frame ether(unsigned type)
{
	struct frame f = {.length = 60};

	put16(&f, 12, type);
	return f;
}

/* The first `length` bytes, in a block of exactly that size: ASAN sees a byte too many. */
static enum sl_parse_result
parse_cut(const struct frame *f, size_t length, size_t whole, int verify, struct sl_parsed *out)
{
	uint8_t *exact = malloc(length > 0 ? length : 1);
	enum sl_parse_result result;

	assert_non_null(exact);
	memcpy(exact, f->bytes, length);
	memset(out, 0xa5, sizeof(*out));
	result = sl_parse(length > 0 ? exact : exact + 1, length, whole, verify, out);
	free(exact);
	return result;
}

static enum sl_parse_result parse(const struct frame *f, struct sl_parsed *out)
{
	return parse_cut(f, f->length, f->length, VERIFY, out);
}

static void tcp_is_read_in_full(void **state)
{
	for (size_t options = 0; options <= 40; options += 4) {
		for (size_t tcp_options = 0; tcp_options <= 40; tcp_options += 4) {
			struct frame f = tcp(options, tcp_options, 9);
			struct sl_parsed p;

			assert_int_equal(parse(&f, &p), SL_PARSE_L4);
			assert_int_equal(p.ether_type, RTE_BE16(0x0800));
			assert_int_equal(p.l3_offset, ETHER);
			assert_int_equal(p.l4_offset, ETHER + 20 + options);
			assert_int_equal(p.protocol, IPPROTO_TCP);
			assert_int_equal(p.ttl, 63);
			assert_int_equal(p.tcp_flags, SL_TCP_SYN | SL_TCP_ACK);
			assert_int_equal(p.icmp_type, 255);
			assert_true(sl_ip_equal(&p.src, &(union sl_ip){.bytes = {192, 168, 8, 1}}));
			assert_true(
				sl_ip_equal(&p.dst, &(union sl_ip){.bytes = {192, 168, 8, 100}}));
			assert_int_equal(p.src_port, RTE_BE16(40000));
			assert_int_equal(p.dst_port, RTE_BE16(80));
			assert_int_equal(p.l3_length, f.length - ETHER);
			assert_int_equal(p.payload, 9);
			assert_int_equal(p.family, 4);
			assert_true(p.has_l4);
			assert_false(p.dont_fragment || p.more_fragments);
		}
	}
}

static void udp_is_read_in_full(void **state)
{
	struct frame f = udp(33);
	struct sl_parsed p;

	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.src_port, RTE_BE16(40000));
	assert_int_equal(p.dst_port, RTE_BE16(53));
	assert_int_equal(p.tcp_flags, 0);
	assert_int_equal(p.payload, 33);
	/* A datagram may be shorter than the packet that carries it; never longer. */
	put16(&f, ETHER + 24, 8 + 20);
	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.payload, 20);
	put16(&f, ETHER + 24, 8 + 34);
	assert_int_equal(parse(&f, &p), SL_PARSE_TRUNCATED);
	put16(&f, ETHER + 24, 7);
	assert_int_equal(parse(&f, &p), SL_PARSE_MALFORMED);
}

static void padding_is_not_payload(void **state)
{
	struct frame f = tcp(0, 0, 0);
	struct sl_parsed p;

	f.length = 60;
	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.l3_length, 40);
	assert_int_equal(p.payload, 0);
	/* A header that only the padding completes is not there. */
	f = ipv4(IPPROTO_UDP, 0, 7);
	f.length = 60;
	assert_int_equal(parse(&f, &p), SL_PARSE_TRUNCATED);
}

static void every_truncation_is_told(void **state)
{
	const struct frame samples[] = {tcp(0, 0, 5), tcp(8, 12, 0), tcp(40, 40, 100), udp(0),
		udp(30), ipv4(IPPROTO_ICMP, 0, 8), ipv4(112, 4, 20), ether(0x0806)};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct frame *f = &samples[i];
		struct sl_parsed whole, p;
		enum sl_parse_result result = parse(f, &whole);
		bool is_l4 = result == SL_PARSE_L4, is_ip = result != SL_PARSE_OTHER;
		size_t headers = !is_ip ? ETHER
			: is_l4         ? f->length - whole.payload
					: whole.l4_offset;

		for (size_t n = 0; n < f->length; n++) {
			/* The frame is cut short: its total length no longer fits. */
			assert_int_equal(parse_cut(f, n, n, VERIFY, &p),
				n < ETHER || is_ip ? SL_PARSE_TRUNCATED : SL_PARSE_OTHER);
			/* The frame goes on in another segment: only headers must be here. */
			assert_int_equal(parse_cut(f, n, f->length, VERIFY, &p),
				n < headers ? SL_PARSE_TRUNCATED : result);
			if (n >= headers && is_l4)
				assert_memory_equal(&p, &whole, sizeof(p));
		}
	}
}

static void what_cannot_be_is_malformed(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{ETHER, 0x55},      /* version 5 */
		{ETHER, 0x44},      /* a header of 16 bytes */
		{ETHER, 0x40},      /* of none */
		{ETHER + 3, 19},    /* a total length below the header's */
		{ETHER + 32, 0x40}, /* a TCP header of 16 bytes */
		{ETHER + 32, 0x00}, /* of none */
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct frame f = tcp(0, 0, 5);
		struct sl_parsed p;

		f.bytes[changes[i].at] = changes[i].value;
		assert_int_equal(
			parse_cut(&f, f.length, f.length, NO_VERIFY, &p), SL_PARSE_MALFORMED);
	}
}

static void headers_longer_than_the_packet_are_truncated(void **state)
{
	struct frame f = tcp(0, 0, 5);
	struct sl_parsed p;

	f.bytes[ETHER + 32] = 0x70; /* 28 bytes, where 25 are */
	assert_int_equal(parse(&f, &p), SL_PARSE_TRUNCATED);
	f = ipv4(IPPROTO_UDP, 0, 8);
	f.bytes[ETHER] = 0x4f; /* 60 bytes, of a total length of 28 */
	assert_int_equal(parse_cut(&f, f.length, f.length, NO_VERIFY, &p), SL_PARSE_MALFORMED);
	put16(&f, ETHER + 2, 60); /* of one that the frame does not have */
	assert_int_equal(parse_cut(&f, f.length, f.length, NO_VERIFY, &p), SL_PARSE_TRUNCATED);
}

static void the_checksum_is_verified_on_demand(void **state)
{
	for (size_t byte = ETHER; byte < ETHER + 20; byte++) {
		struct frame f = udp(5);
		struct sl_parsed p;

		if (byte == ETHER || byte == ETHER + 2 || byte == ETHER + 3)
			continue; /* version and lengths are found out before */
		f.bytes[byte] ^= 0x10;
		assert_int_equal(parse(&f, &p), SL_PARSE_CHECKSUM);
	}
	for (int verify = NO_VERIFY; verify <= VERIFY; verify++) {
		struct frame f = udp(5);
		struct sl_parsed p;

		f.bytes[ETHER + 10] ^= 0x10;
		assert_int_equal(parse_cut(&f, f.length, f.length, verify, &p),
			verify ? SL_PARSE_CHECKSUM : SL_PARSE_L4);
	}
}

static void fragments_are_described(void **state)
{
	static const struct {
		unsigned field;
		enum sl_parse_result result;
	} cases[] = {
		{0x4000, SL_PARSE_L4},       /* do not fragment */
		{0x8000, SL_PARSE_L4},       /* reserved */
		{0x2000, SL_PARSE_FRAGMENT}, /* the first */
		{0x2001, SL_PARSE_FRAGMENT},
		{0x0001, SL_PARSE_FRAGMENT}, /* the last */
		{0x1fff, SL_PARSE_FRAGMENT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = tcp(0, 0, 5);
		struct sl_parsed p;

		put16(&f, ETHER + 4, 0xbeef);
		put16(&f, ETHER + 6, cases[i].field);
		fix_checksum(&f);
		assert_int_equal(parse(&f, &p), cases[i].result);
		assert_true(sl_ip_equal(&p.src, &(union sl_ip){.bytes = {192, 168, 8, 1}}));
		assert_int_equal(p.protocol, IPPROTO_TCP);
		/* Only the first has the ports. */
		assert_int_equal(p.has_l4, (cases[i].field & 0x1fff) == 0);
		assert_int_equal(p.src_port, p.has_l4 ? RTE_BE16(40000) : 0);
		assert_int_equal(p.more_fragments, (cases[i].field & 0x2000) != 0);
		assert_int_equal(p.dont_fragment, (cases[i].field & 0x4000) != 0);
		assert_int_equal(p.fragment_offset, (cases[i].field & 0x1fff) * 8);
		if (cases[i].result == SL_PARSE_FRAGMENT)
			assert_int_equal(p.fragment_id, RTE_BE32(0xbeef));
	}
}

/* A first fragment too small for its L4 header, or whose header cannot be, has no ports. */
static void tiny_fragments_have_no_ports(void **state)
{
	struct sl_parsed p;
	struct frame f;

	for (size_t n = 0; n < 24; n++) {
		f = ipv4(n % 2 ? IPPROTO_UDP : IPPROTO_TCP, 0, n);
		put16(&f, ETHER + 6, 0x2000);
		put16(&f, ETHER + 24, 2000); /* a datagram is longer than its first fragment */
		f.bytes[ETHER + 32] = 0x50;
		fix_checksum(&f);
		assert_int_equal(parse(&f, &p), SL_PARSE_FRAGMENT);
		assert_int_equal(p.has_l4, n >= (n % 2 ? 8 : 20));
		if (p.has_l4)
			assert_int_equal(p.payload, n - (n % 2 ? 8 : 20));
	}
	f = ipv4(IPPROTO_ICMP, 0, 8);
	f.bytes[ETHER + 20] = 3;
	put16(&f, ETHER + 6, 0x2000);
	fix_checksum(&f);
	assert_int_equal(parse(&f, &p), SL_PARSE_FRAGMENT);
	assert_int_equal(p.icmp_type, SL_ICMP_TYPE_NONE);
}

static void other_protocols_keep_their_ip_header(void **state)
{
	struct frame f = ipv4(IPPROTO_ICMP, 4, 8);
	struct sl_parsed p;

	f.bytes[ETHER + 24] = 11;
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.icmp_type, 11);
	assert_int_equal(p.l4_offset, ETHER + 24);
	/* Too short for a header of ICMP: then it has no type. */
	f = ipv4(IPPROTO_ICMP, 0, 7);
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.icmp_type, 255);
	f = ipv4(112, 0, 20);
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.protocol, 112);
	assert_int_equal(p.icmp_type, 255);
	f = ipv4(112, 0, 0);
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
}

static void what_is_not_ip_is_other(void **state)
{
	static const unsigned types[] = {0x0806, 0x8100, 0x88a8, 0x88cc, 0x0026, 0};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct frame f = ether(types[i]);
		struct sl_parsed p;

		assert_int_equal(parse(&f, &p), SL_PARSE_OTHER);
		assert_int_equal(p.ether_type, rte_cpu_to_be_16((uint16_t)types[i]));
		assert_int_equal(p.protocol, 0);
	}
}

/* Whatever the bytes: what is reported lies within the frame. */
static void random_damage_stays_inside(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (int i = 0; i < 20000; i++) {
		struct frame f = i % 2 ? tcp(i % 11 * 4, i % 9 * 4, i % 50) : udp(i % 50);
		size_t n = 1 + sl_rand_below(&rand, f.length);
		size_t whole = n + sl_rand_below(&rand, 40);
		struct sl_parsed p;

		for (int j = 0; j < 3; j++)
			f.bytes[12 + sl_rand_below(&rand, 60)] = (uint8_t)sl_rand_u64(&rand);
		if (parse_cut(&f, n, whole, NO_VERIFY, &p) != SL_PARSE_L4)
			continue;
		assert_true(p.l4_offset + (p.protocol == IPPROTO_TCP ? 20u : 8u) <= n);
		assert_true(p.l3_offset + (size_t)p.l3_length <= whole);
		assert_true(p.payload <= p.l3_length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_is_read_in_full),
		cmocka_unit_test(udp_is_read_in_full),
		cmocka_unit_test(padding_is_not_payload),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(what_cannot_be_is_malformed),
		cmocka_unit_test(headers_longer_than_the_packet_are_truncated),
		cmocka_unit_test(the_checksum_is_verified_on_demand),
		cmocka_unit_test(fragments_are_described),
		cmocka_unit_test(tiny_fragments_have_no_ports),
		cmocka_unit_test(other_protocols_keep_their_ip_header),
		cmocka_unit_test(what_is_not_ip_is_other),
		cmocka_unit_test(random_damage_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
