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

#include "net/rewrite.h"
#include "wire.h"

#define SRC_PORT 40000
#define DST_PORT 80

/* A copy of exactly the size: ASAN sees a byte too many. */
static uint8_t *exact(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length);

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	return copy;
}

static struct wire sample(uint8_t family, uint8_t protocol, uint16_t payload)
{
	return (struct wire){.family = family,
		.protocol = protocol,
		.n_src = 1,
		.n_dst = 2,
		.src_port = SRC_PORT,
		.dst_port = DST_PORT,
		.payload = payload};
}

static struct sl_tuple
tuple(const struct wire *w, uint8_t src, uint8_t dst, uint16_t src_port, uint16_t dst_port)
{
	return (struct sl_tuple){.family = w->family,
		.protocol = w->protocol,
		.src = wire_ip(w->family, src),
		.dst = wire_ip(w->family, dst),
		.src_port = rte_cpu_to_be_16(src_port),
		.dst_port = rte_cpu_to_be_16(dst_port)};
}

/* What a packet that was sent with the new endpoints would look like is what it must become. */
static void check_whole(struct wire *w, uint8_t src, uint8_t dst, uint16_t src_port, uint16_t port)
{
	struct sl_tuple to = tuple(w, src, dst, src_port, port);
	uint8_t before[WIRE_MAX], wanted[WIRE_MAX];
	size_t length = wire_write(w, before);
	struct sl_parsed p = wire_parsed(before, length);
	uint8_t *frame = exact(before, length);

	w->n_src = src;
	w->n_dst = dst;
	w->src_port = src_port;
	w->dst_port = port;
	assert_int_equal(wire_write(w, wanted), length);
	sl_rewrite(frame, &p, &to);
	assert_memory_equal(frame, wanted, length);
	assert_null(wire_wrong(frame, length));
	free(frame);
}

static void each_family_and_protocol_as_sent_anew(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < sizeof(protocols); i++) {
			for (uint8_t options = 0; options <= 40; options += 8) {
				struct wire w = sample(family, protocols[i], 101);

				w.ip_options = options;
				check_whole(&w, 9, 10, 1024, 8080);
				w = sample(family, protocols[i], 0);
				check_whole(&w, 1, 10, SRC_PORT, DST_PORT); /* one field only */
				check_whole(&w, 1, 10, SRC_PORT, DST_PORT); /* nothing */
			}
		}
	}
}

static void a_udp_checksum_of_zero_stays(void **state)
{
	struct wire w = sample(4, IPPROTO_UDP, 33);

	w.no_checksum = true;
	check_whole(&w, 7, 8, 53, 5353);
}

/* Of 65,536 ports one makes the sum 0xffff: written as 0 it would say that there is none. */
static void a_udp_checksum_never_becomes_zero(void **state)
{
	unsigned met = 0;

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (uint32_t port = 0; port <= UINT16_MAX; port++) {
			struct wire w = sample(family, IPPROTO_UDP, 4);
			struct sl_tuple to = tuple(&w, 1, 2, (uint16_t)port, DST_PORT);
			uint8_t frame[WIRE_MAX];
			size_t length = wire_write(&w, frame);
			struct sl_parsed p = wire_parsed(frame, length);
			unsigned checksum;

			sl_rewrite(frame, &p, &to);
			checksum = wire_get16(frame + p.l4_offset + 6);
			assert_int_not_equal(checksum, 0);
			met += checksum == 0xffff;
			if (checksum == 0xffff)
				assert_null(wire_wrong(frame, length));
		}
	}
	assert_true(met >= 2);
}

static void damage_is_not_repaired(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < sizeof(protocols); i++) {
			struct wire w = sample(family, protocols[i], 40);
			struct sl_tuple to = tuple(&w, 5, 6, 7, 8);
			uint8_t frame[WIRE_MAX];
			size_t length = wire_write(&w, frame);
			struct sl_parsed p = wire_parsed(frame, length);

			frame[length - 3] ^= 4;
			sl_rewrite(frame, &p, &to);
			assert_non_null(wire_wrong(frame, length));
			frame[length - 3] ^= 4;
			assert_null(wire_wrong(frame, length));
		}
	}
}

/* Cut, each fragment rewritten by itself, put together again: the packet as sent anew. */
static void fragments_come_together_again(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wire w = sample(family, IPPROTO_UDP, 100);
		uint8_t whole[WIRE_MAX], wanted[WIRE_MAX], piece[WIRE_MAX], l4[WIRE_MAX];
		size_t length = wire_write(&w, whole);
		size_t header = wire_parsed(whole, length).l4_offset;
		struct sl_tuple to = tuple(&w, 20, 21, 1000, 2000);

		for (size_t at = 0; at < 108; at += 40) {
			size_t n = at + 40 < 108 ? 40 : 108 - at;
			size_t cut = wire_cut(whole, at, n, 0x1234, piece);
			struct sl_parsed p = wire_parsed(piece, cut);
			uint8_t *frame = exact(piece, cut);

			assert_int_equal(p.has_l4, at == 0);
			sl_rewrite(frame, &p, &to);
			assert_null(wire_wrong(frame, cut));
			assert_memory_equal(frame + WIRE_ETHER + (family == 6 ? 8 : 12),
				to.src.bytes, family == 6 ? 16 : 4);
			memcpy(l4 + at, frame + p.l4_offset, n);
			free(frame);
		}
		w.n_src = 20;
		w.n_dst = 21;
		w.src_port = 1000;
		w.dst_port = 2000;
		wire_write(&w, wanted);
		assert_memory_equal(l4, wanted + header, 108);
	}
}

static void other_protocols_get_addresses(void **state)
{
	struct wire w = sample(4, IPPROTO_GRE, 20);

	check_whole(&w, 3, 4, 0, 0);
	w = sample(6, IPPROTO_GRE, 20);
	check_whole(&w, 3, 4, 0, 0);
	/* An echo: ICMPv6 covers the addresses. */
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_tuple to = {.family = family,
			.protocol = IPPROTO_ICMP,
			.src = wire_ip(family, 30),
			.dst = wire_ip(family, 31)};
		uint8_t bytes[WIRE_MAX];
		size_t length = wire_error(family, family == 6 ? 128 : 8, 0, 7, "ping", 4, bytes);
		struct sl_parsed p = wire_parsed(bytes, length);
		uint8_t *frame = exact(bytes, length);

		sl_rewrite(frame, &p, &to);
		assert_null(wire_wrong(frame, length));
		assert_memory_not_equal(frame, bytes, length);
		free(frame);
	}
}

/* The quoted packet's checksum fields are right when a packet with the old ones was rewritten. */
static void check_error(const struct wire *w, size_t quote, bool damaged)
{
	struct sl_tuple inner_to = tuple(w, 40, 41, 4000, 4100);
	struct sl_tuple outer_to = tuple(w, 42, 43, 0, 0);
	uint8_t bytes[WIRE_MAX], quoted[WIRE_MAX], wanted[WIRE_MAX];
	size_t inner_length = wire_write(w, quoted) - WIRE_ETHER, length;
	struct wire after = *w;
	struct sl_parsed outer, inner;
	uint8_t *frame;
	size_t cut;

	after.n_src = 40;
	after.n_dst = 41;
	after.src_port = 4000;
	after.dst_port = 4100;
	wire_write(&after, wanted);
	if (quote > inner_length)
		quote = inner_length;
	length = wire_error(
		w->family, w->family == 6 ? 1 : 3, 4, 0, quoted + WIRE_ETHER, quote, bytes);
	outer = wire_parsed(bytes, length);
	inner = wire_quoted(bytes, length, &outer);
	if (damaged)
		bytes[outer.l4_offset + 5] ^= 1;
	frame = exact(bytes, length);
	sl_rewrite_error(frame, length, &outer, &inner, &outer_to, &inner_to);

	assert_memory_equal(frame + WIRE_ETHER + (w->family == 6 ? 8 : 12), outer_to.src.bytes,
		w->family == 6 ? 16 : 4);
	if (damaged) {
		assert_non_null(wire_wrong(frame, length));
		free(frame);
		return;
	}
	assert_null(wire_wrong(frame, length));
	/* A checksum that is cut in two stays as it was. */
	cut = inner.l4_offset - (size_t)inner.l3_offset + (w->protocol == IPPROTO_TCP ? 16 : 6);
	if (quote < cut + 2)
		memcpy(wanted + WIRE_ETHER + cut, quoted + WIRE_ETHER + cut, 2);
	assert_memory_equal(frame + inner.l3_offset, wanted + WIRE_ETHER, quote);
	free(frame);
}

static void errors_are_rewritten_wherever_the_quote_ends(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (uint8_t family = 4; family <= 6; family += 2) {
		size_t header = family == 6 ? 40 : 20;

		for (size_t i = 0; i < sizeof(protocols); i++) {
			for (uint8_t options = 0; options <= 8; options += 8) {
				struct wire w = sample(family, protocols[i], 30);

				w.ip_options = options;
				for (size_t n = header + options + 8; n < 100; n++) {
					check_error(&w, n, false);
					check_error(&w, n, true);
				}
				w.no_checksum = family == 4 && protocols[i] == IPPROTO_UDP;
				check_error(&w, 60, false);
			}
		}
	}
}

/* Bytes behind the outer packet are padding: a checksum there is none. */
static void padding_is_no_part_of_an_error(void **state)
{
	struct wire w = sample(4, IPPROTO_TCP, 30);
	struct sl_tuple to = tuple(&w, 40, 41, 4000, 4100);
	uint8_t quoted[WIRE_MAX], frame[WIRE_MAX], before[40];
	struct sl_parsed outer, inner;
	size_t length;

	wire_write(&w, quoted);
	length = wire_error(4, 3, 3, 0, quoted + WIRE_ETHER, 28, frame);
	outer = wire_parsed(frame, length);
	inner = wire_quoted(frame, length, &outer);
	memset(frame + length, 0x5a, sizeof(before));
	memcpy(before, frame + length, sizeof(before));
	sl_rewrite_error(frame, length + sizeof(before), &outer, &inner, &to, &to);
	assert_null(wire_wrong(frame, length));
	assert_memory_equal(frame + length, before, sizeof(before));
}

/* A quoted fragment that is not the first has no ports. */
static void a_quoted_fragment_keeps_its_payload(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wire w = sample(family, IPPROTO_UDP, 100);
		struct sl_tuple to = tuple(&w, 40, 41, 4000, 4100);
		uint8_t whole[WIRE_MAX], piece[WIRE_MAX], frame[WIRE_MAX], before[WIRE_MAX];
		struct sl_parsed outer, inner;
		size_t length;

		wire_write(&w, whole);
		length = wire_cut(whole, 48, 24, 7, piece);
		length = wire_error(family, family == 6 ? 1 : 3, 1, 0, piece + WIRE_ETHER,
			length - WIRE_ETHER, frame);
		outer = wire_parsed(frame, length);
		inner = wire_quoted(frame, length, &outer);
		assert_false(inner.has_l4);
		memcpy(before, frame, length);
		sl_rewrite_error(frame, length, &outer, &inner, &to, &to);
		assert_null(wire_wrong(frame, length));
		assert_memory_equal(frame + inner.l4_offset, before + inner.l4_offset, 24);
		assert_memory_not_equal(
			frame + inner.l3_offset, before + inner.l3_offset, family == 6 ? 40 : 20);
	}
}

static void the_ttl_is_spent(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		for (unsigned ttl = 1; ttl <= 255; ttl++) {
			struct wire w = sample(family, IPPROTO_TCP, 3);
			uint8_t frame[WIRE_MAX], wanted[WIRE_MAX];
			struct sl_parsed p;
			size_t length;

			w.ttl = (uint8_t)ttl;
			length = wire_write(&w, frame);
			p = wire_parsed(frame, length);
			sl_spend_ttl(frame, &p);
			assert_null(wire_wrong(frame, length));
			if (ttl == 1)
				continue; /* becomes 0, which wire_write() takes for its default */
			w.ttl--;
			wire_write(&w, wanted);
			assert_memory_equal(frame, wanted, length);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_and_protocol_as_sent_anew),
		cmocka_unit_test(a_udp_checksum_of_zero_stays),
		cmocka_unit_test(a_udp_checksum_never_becomes_zero),
		cmocka_unit_test(damage_is_not_repaired),
		cmocka_unit_test(fragments_come_together_again),
		cmocka_unit_test(other_protocols_get_addresses),
		cmocka_unit_test(errors_are_rewritten_wherever_the_quote_ends),
		cmocka_unit_test(padding_is_no_part_of_an_error),
		cmocka_unit_test(a_quoted_fragment_keeps_its_payload),
		cmocka_unit_test(the_ttl_is_spent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
