/* SPDX-License-Identifier: BSD-3-Clause */
/* sl_parse() on IPv6 with its extension headers, and quoted packets of both families. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "net/parse.h"

#define ETHER     14
#define IPV6      40
#define FRAME_MAX 1024

static const union sl_ip src6 = {.bytes = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
static const union sl_ip dst6 = {.bytes = {0x20, 1, 0x0d, 0xb8, [7] = 7, [15] = 0x64}};

/* A frame that grows at its end; `next` is where the last header's "next header" stands. */
struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t length, next;
};

static void put16(struct frame *f, size_t at, unsigned value)
{
	f->bytes[at] = (uint8_t)(value >> 8);
	f->bytes[at + 1] = (uint8_t)value;
}

static struct frame ipv6(void)
{
	struct frame f = {.length = ETHER + IPV6, .next = ETHER + 6};

	put16(&f, 12, 0x86dd);
	f.bytes[ETHER] = 0x6b; /* traffic class 0xb8 */
	f.bytes[ETHER + 1] = 0x80;
	f.bytes[ETHER + 7] = 61;
	memcpy(f.bytes + ETHER + 8, src6.bytes, 16);
	memcpy(f.bytes + ETHER + 24, dst6.bytes, 16);
	f.bytes[f.next] = IPPROTO_NONE;
	return f;
}

static uint8_t *append(struct frame *f, size_t bytes)
{
	uint8_t *at = f->bytes + f->length;

	assert_true(f->length + bytes <= FRAME_MAX);
	f->length += bytes;
	put16(f, ETHER + 4, (unsigned)(f->length - ETHER - IPV6));
	return at;
}

/* An extension header of `bytes` in all. */
static uint8_t *extend(struct frame *f, uint8_t protocol, size_t bytes)
{
	uint8_t *at = append(f, bytes);

	f->bytes[f->next] = protocol;
	f->next = (size_t)(at - f->bytes);
	at[0] = IPPROTO_NONE;
	at[1] = (uint8_t)(protocol == IPPROTO_AH       ? bytes / 4 - 2
			: protocol == IPPROTO_FRAGMENT ? 0
						       : bytes / 8 - 1);
	return at;
}

static void fragment(struct frame *f, unsigned field)
{
	uint8_t *at = extend(f, IPPROTO_FRAGMENT, 8);

	put16(f, (size_t)(at - f->bytes) + 2, field);
	memcpy(at + 4, "\1\2\3\4", 4);
}

static void tcp(struct frame *f, size_t payload)
{
	size_t at = f->length;

	append(f, 20 + payload);
	f->bytes[f->next] = IPPROTO_TCP;
	put16(f, at, 40000);
	put16(f, at + 2, 80);
	f->bytes[at + 12] = 0x50;
	f->bytes[at + 13] = SL_TCP_SYN;
}

static void udp(struct frame *f, size_t payload)
{
	size_t at = f->length;

	append(f, 8 + payload);
	f->bytes[f->next] = IPPROTO_UDP;
	put16(f, at, 40000);
	put16(f, at + 2, 53);
	put16(f, at + 4, (unsigned)(8 + payload));
}

static enum sl_parse_result
parse_cut(const struct frame *f, size_t length, size_t whole, struct sl_parsed *out)
{
	uint8_t *exact = malloc(length > 0 ? length : 1);
	enum sl_parse_result result;

	memcpy(exact, f->bytes, length);
	memset(out, 0xa5, sizeof(*out));
	result = sl_parse(exact, length, whole, true, out);
	free(exact);
	return result;
}

static enum sl_parse_result parse(const struct frame *f, struct sl_parsed *out)
{
	return parse_cut(f, f->length, f->length, out);
}

static void headers_are_read_in_full(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;

	tcp(&f, 9);
	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.family, 6);
	assert_int_equal(p.ether_type, RTE_BE16(0x86dd));
	assert_int_equal(p.l3_offset, ETHER);
	assert_int_equal(p.l4_offset, ETHER + IPV6);
	assert_int_equal(p.l3_length, IPV6 + 29);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.ttl, 61);
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.tcp_flags, SL_TCP_SYN);
	assert_int_equal(p.payload, 9);
	assert_int_equal(p.src_port, RTE_BE16(40000));
	assert_int_equal(p.dst_port, RTE_BE16(80));
	assert_true(sl_ip_equal(&p.src, &src6) && sl_ip_equal(&p.dst, &dst6));
	assert_true(p.has_l4 && p.dont_fragment);
	assert_int_equal(p.fragment_header, 0);
	f = ipv6();
	udp(&f, 33);
	f.length += 7; /* padding */
	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.payload, 33);
	assert_int_equal(p.l3_length, IPV6 + 41);
}

static void icmp_is_told_by_its_family(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;
	uint8_t *at = append(&f, 8);

	at[0] = 135;
	at[1] = 3;
	f.bytes[f.next] = IPPROTO_ICMPV6;
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.icmp_type, 135);
	assert_int_equal(p.icmp_code, 3);
	f.bytes[f.next] = IPPROTO_ICMP; /* ICMP of IPv4 means nothing here */
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.icmp_type, SL_ICMP_TYPE_NONE);
	f = ipv6();
	append(&f, 7);
	f.bytes[f.next] = IPPROTO_ICMPV6;
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.icmp_type, SL_ICMP_TYPE_NONE);
}

static void extension_headers_are_walked(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;

	extend(&f, IPPROTO_HOPOPTS, 8);
	extend(&f, IPPROTO_DSTOPTS, 16);
	extend(&f, IPPROTO_ROUTING, 24); /* used up: no segments left */
	extend(&f, IPPROTO_AH, 24);
	extend(&f, IPPROTO_DSTOPTS, 8);
	tcp(&f, 3);
	assert_int_equal(parse(&f, &p), SL_PARSE_L4);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.l4_offset, ETHER + IPV6 + 80);
	assert_int_equal(p.payload, 3);
	assert_int_equal(p.dst_port, RTE_BE16(80));
}

static void a_routing_header_in_use_ends_the_walk(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;

	extend(&f, IPPROTO_ROUTING, 24)[3] = 1;
	tcp(&f, 0);
	assert_int_equal(parse(&f, &p), SL_PARSE_IP);
	assert_int_equal(p.protocol, IPPROTO_ROUTING);
	assert_int_equal(p.l4_offset, ETHER + IPV6);
	assert_false(p.has_l4);
}

static void too_many_extensions_are_told(void **state)
{
	for (unsigned n = 0; n <= 12; n++) {
		struct frame f = ipv6();
		struct sl_parsed p;

		for (unsigned i = 0; i < n; i++)
			extend(&f, IPPROTO_DSTOPTS, 8);
		udp(&f, 0);
		assert_int_equal(
			parse(&f, &p), n <= SL_EXTENSIONS_MAX ? SL_PARSE_L4 : SL_PARSE_EXTENSIONS);
	}
	for (size_t bytes = 248; bytes <= 264; bytes += 8) {
		struct frame f = ipv6();
		struct sl_parsed p;

		extend(&f, IPPROTO_DSTOPTS, bytes);
		udp(&f, 0);
		assert_int_equal(parse(&f, &p),
			bytes <= SL_EXTENSIONS_BYTES_MAX ? SL_PARSE_L4 : SL_PARSE_EXTENSIONS);
	}
}

static void an_order_that_cannot_be_is_told(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;

	extend(&f, IPPROTO_DSTOPTS, 8);
	extend(&f, IPPROTO_HOPOPTS, 8);
	udp(&f, 0);
	assert_int_equal(parse(&f, &p), SL_PARSE_EXTENSIONS);
	f = ipv6();
	fragment(&f, 0);
	fragment(&f, 0);
	udp(&f, 0);
	assert_int_equal(parse(&f, &p), SL_PARSE_EXTENSIONS);
}

static void fragments_are_described(void **state)
{
	static const struct {
		unsigned field;
		enum sl_parse_result result;
		bool has_l4;
	} cases[] = {
		{0x0000, SL_PARSE_L4, true}, /* atomic */
		{0x0001, SL_PARSE_FRAGMENT, true},
		{0x0009, SL_PARSE_FRAGMENT, false},
		{0x0008, SL_PARSE_FRAGMENT, false},
		{0xfff8, SL_PARSE_FRAGMENT, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = ipv6();
		struct sl_parsed p;

		extend(&f, IPPROTO_HOPOPTS, 8);
		fragment(&f, cases[i].field);
		udp(&f, 32);
		assert_int_equal(parse(&f, &p), cases[i].result);
		assert_int_equal(p.has_l4, cases[i].has_l4);
		assert_int_equal(p.src_port, p.has_l4 ? RTE_BE16(40000) : 0);
		assert_int_equal(p.fragment_header, ETHER + IPV6 + 8);
		assert_int_equal(p.l4_offset, ETHER + IPV6 + 16);
		assert_memory_equal(&p.fragment_id, "\1\2\3\4", 4);
		assert_int_equal(p.more_fragments, cases[i].field & 1);
		assert_int_equal(p.fragment_offset, cases[i].field & 0xfff8);
		assert_int_equal(p.protocol, IPPROTO_UDP);
	}
}

static void every_truncation_is_told(void **state)
{
	struct frame samples[4];
	struct sl_parsed whole, p;

	for (size_t i = 0; i < 4; i++)
		samples[i] = ipv6();
	tcp(&samples[0], 5);
	extend(&samples[1], IPPROTO_HOPOPTS, 8);
	extend(&samples[1], IPPROTO_AH, 12 + 12);
	udp(&samples[1], 5);
	fragment(&samples[2], 8);
	append(&samples[2], 16);
	append(&samples[3], 20); /* of no next header */
	for (size_t i = 0; i < 4; i++) {
		const struct frame *f = &samples[i];
		enum sl_parse_result result = parse(f, &whole);
		size_t headers =
			result == SL_PARSE_L4 ? f->length - whole.payload : whole.l4_offset;

		for (size_t n = 0; n < f->length; n++) {
			assert_int_equal(parse_cut(f, n, n, &p), SL_PARSE_TRUNCATED);
			assert_int_equal(parse_cut(f, n, f->length, &p),
				n < headers ? SL_PARSE_TRUNCATED : result);
		}
	}
}

static void what_cannot_be_is_malformed(void **state)
{
	struct frame f = ipv6();
	struct sl_parsed p;

	udp(&f, 0);
	f.bytes[ETHER] = 0x4b;
	assert_int_equal(parse(&f, &p), SL_PARSE_MALFORMED);
	/* A jumbogram says 0, and then has no room for anything. */
	f = ipv6();
	udp(&f, 0);
	put16(&f, ETHER + 4, 0);
	assert_int_equal(parse(&f, &p), SL_PARSE_TRUNCATED);
	put16(&f, ETHER + 4, 0xffff);
	assert_int_equal(parse_cut(&f, f.length, 70000, &p), SL_PARSE_TRUNCATED);
}

/* ---- quoted packets ---- */

/* An ICMPv6 error that quotes `quote`, from its IP header on. */
static struct frame quoting6(const struct frame *quote)
{
	struct frame f = ipv6();
	uint8_t *at = append(&f, 8 + quote->length - ETHER);

	f.bytes[f.next] = IPPROTO_ICMPV6;
	at[0] = 1;
	memcpy(at + 8, quote->bytes + ETHER, quote->length - ETHER);
	return f;
}

/* The first `quoted` bytes of `quote` quoted, in a frame of exactly that size. */
static enum sl_parse_result
parse_quoted(const struct frame *quote, size_t quoted, struct sl_parsed *inner)
{
	struct frame cut = *quote, f;
	struct sl_parsed outer;
	enum sl_parse_result result;
	uint8_t *exact;

	cut.length = ETHER + quoted;
	f = quoting6(&cut);
	assert_int_equal(parse(&f, &outer), SL_PARSE_IP);
	exact = malloc(f.length);
	memcpy(exact, f.bytes, f.length);
	memset(inner, 0xa5, sizeof(*inner));
	result = sl_parse_quoted(exact, f.length, &outer, inner);
	free(exact);
	return result;
}

static void a_quote_may_be_cut_short(void **state)
{
	struct frame quote = ipv6();
	struct sl_parsed p;

	extend(&quote, IPPROTO_DSTOPTS, 8);
	tcp(&quote, 400);
	for (size_t n = 0; n <= quote.length - ETHER; n++) {
		enum sl_parse_result result = parse_quoted(&quote, n, &p);

		assert_int_equal(result, n < IPV6 + 8 + 8 ? SL_PARSE_TRUNCATED : SL_PARSE_L4);
		if (result != SL_PARSE_L4)
			continue;
		assert_int_equal(p.l3_offset, ETHER + IPV6 + 8);
		assert_int_equal(p.l4_offset, ETHER + IPV6 + 8 + IPV6 + 8);
		assert_int_equal(p.src_port, RTE_BE16(40000));
		assert_int_equal(p.dst_port, RTE_BE16(80));
		assert_int_equal(p.l3_length, quote.length - ETHER);
		assert_int_equal(p.family, 6);
		assert_int_equal(p.protocol, IPPROTO_TCP);
	}
}

static void a_quoted_fragment_may_have_ports(void **state)
{
	struct frame quote = ipv6();
	struct sl_parsed p;

	fragment(&quote, 1);
	udp(&quote, 600);
	assert_int_equal(parse_quoted(&quote, quote.length - ETHER, &p), SL_PARSE_FRAGMENT);
	assert_true(p.has_l4);
	assert_int_equal(p.dst_port, RTE_BE16(53));
	quote = ipv6();
	fragment(&quote, 8);
	udp(&quote, 600);
	assert_int_equal(parse_quoted(&quote, quote.length - ETHER, &p), SL_PARSE_FRAGMENT);
	assert_false(p.has_l4);
}

static void an_error_within_an_error_is_read_no_further(void **state)
{
	struct frame inner = ipv6(), quote;
	struct sl_parsed p;

	tcp(&inner, 0);
	quote = quoting6(&inner);
	assert_int_equal(parse_quoted(&quote, quote.length - ETHER, &p), SL_PARSE_IP);
	assert_int_equal(p.protocol, IPPROTO_ICMPV6);
	assert_int_equal(p.icmp_type, 1);
	assert_false(p.has_l4);
}

static void padding_is_not_quoted(void **state)
{
	struct frame quote = ipv6(), f;
	struct sl_parsed outer, p;

	udp(&quote, 0);
	f = quoting6(&quote);
	put16(&f, ETHER + 4, 8 + IPV6 + 7); /* one byte of the ports' eight is padding */
	assert_int_equal(parse(&f, &outer), SL_PARSE_IP);
	assert_int_equal(sl_parse_quoted(f.bytes, f.length, &outer, &p), SL_PARSE_TRUNCATED);
	/* The quote is of the error's own family. */
	put16(&f, ETHER + 4, 8 + IPV6 + 8);
	f.bytes[ETHER + IPV6 + 8] = 0x45;
	assert_int_equal(parse(&f, &outer), SL_PARSE_IP);
	assert_int_equal(sl_parse_quoted(f.bytes, f.length, &outer, &p), SL_PARSE_MALFORMED);
}

static void ipv4_is_quoted_alike(void **state)
{
	static const uint8_t frame[ETHER + 20 + 8 + 24 + 8] = {[12] = 8,
		0,
		0x45,
		0,
		0,
		60,
		[ETHER + 8] = 64,
		1,
		[ETHER + 20] = 3,
		4,
		[ETHER + 28] = 0x46,
		0,
		5,
		0xdc,
		[ETHER + 34] = 0x40,
		0,
		64,
		17,
		0,
		0,
		198,
		51,
		100,
		1,
		203,
		0,
		113,
		1,
		[ETHER + 52] = 0,
		53,
		0x10,
		0,
		9,
		9};
	struct sl_parsed outer, p;

	assert_int_equal(sl_parse(frame, sizeof(frame), sizeof(frame), false, &outer), SL_PARSE_IP);
	assert_int_equal(outer.icmp_code, 4);
	assert_int_equal(sl_parse_quoted(frame, sizeof(frame), &outer, &p), SL_PARSE_L4);
	assert_int_equal(p.l3_offset, ETHER + 28);
	assert_int_equal(p.l4_offset, ETHER + 52);
	assert_int_equal(p.l3_length, 1500);
	assert_int_equal(p.src.v4, RTE_BE32(0xc6336401));
	assert_int_equal(p.src_port, RTE_BE16(53));
	assert_int_equal(p.dst_port, RTE_BE16(4096));
	assert_true(p.dont_fragment);
	assert_int_equal(sl_parse_quoted(frame, sizeof(frame) - 1, &outer, &p), SL_PARSE_TRUNCATED);
}

/* Whatever the bytes: what is reported lies within the frame. */
static void random_damage_stays_inside(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (int i = 0; i < 20000; i++) {
		struct frame f = ipv6();
		struct sl_parsed p;
		size_t n;

		for (unsigned j = 0; j < i % 4u; j++)
			extend(&f, j % 2 ? IPPROTO_DSTOPTS : IPPROTO_FRAGMENT, 8);
		tcp(&f, i % 50u);
		n = 1 + sl_rand_below(&rand, f.length);
		for (int j = 0; j < 3; j++)
			f.bytes[12 + sl_rand_below(&rand, 90)] = (uint8_t)sl_rand_u64(&rand);
		if (parse_cut(&f, n, n + 30, &p) != SL_PARSE_L4)
			continue;
		assert_true(p.l4_offset + (p.protocol == IPPROTO_TCP ? 20u : 8u) <= n);
		assert_true(p.l3_offset + (size_t)p.l3_length <= n + 30);
		assert_true(p.payload <= p.l3_length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_in_full),
		cmocka_unit_test(icmp_is_told_by_its_family),
		cmocka_unit_test(extension_headers_are_walked),
		cmocka_unit_test(a_routing_header_in_use_ends_the_walk),
		cmocka_unit_test(too_many_extensions_are_told),
		cmocka_unit_test(an_order_that_cannot_be_is_told),
		cmocka_unit_test(fragments_are_described),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(what_cannot_be_is_malformed),
		cmocka_unit_test(a_quote_may_be_cut_short),
		cmocka_unit_test(a_quoted_fragment_may_have_ports),
		cmocka_unit_test(an_error_within_an_error_is_read_no_further),
		cmocka_unit_test(padding_is_not_quoted),
		cmocka_unit_test(ipv4_is_quoted_alike),
		cmocka_unit_test(random_damage_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
