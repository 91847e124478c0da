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

#include "net/encap.h"
#include "wire.h"

#define TTL     61
#define TOS     0xb8
#define ID      0x4321
#define PORT    6080
#define ENTROPY 51000

static const uint8_t families[] = {4, 6};
static const enum sl_tunnel types[] = {SL_TUNNEL_IPIP, SL_TUNNEL_GUE, SL_TUNNEL_GRE};

/* A frame: Ethernet, what sl_encap_write() wrote, the inner packet; exactly that long. */
struct tunnelled {
	uint8_t *frame;
	size_t length;
	size_t headers;
	uint8_t original[WIRE_MAX]; /* the inner packet as it was */
	size_t inner_length;
};

static struct sl_encap
encap_of(enum sl_tunnel type, uint8_t flags, uint8_t inner_family, uint8_t outer_family)
{
	return (struct sl_encap){.type = type,
		.flags = flags,
		.inner_family = inner_family,
		.outer_family = outer_family,
		.tos = TOS,
		.ttl = TTL,
		.id = RTE_BE16(ID),
		.port = RTE_BE16(PORT),
		.entropy = RTE_BE16(ENTROPY),
		.src = wire_ip(outer_family, 100),
		.dst = wire_ip(outer_family, 101)};
}

static struct tunnelled tunnel(struct sl_encap *e, const uint8_t *inner_frame, size_t frame_length)
{
	struct sl_parsed p = wire_parsed(inner_frame, frame_length);
	struct tunnelled t = {.headers = sl_encap_length(e), .inner_length = p.l3_length};
	uint8_t *l3;

	if (p.has_l4 && !p.more_fragments && p.fragment_offset == 0) {
		e->inner_l4 = (uint16_t)(p.l4_offset - WIRE_ETHER);
		e->inner_protocol = p.protocol;
	}
	t.length = WIRE_ETHER + t.headers + t.inner_length;
	t.frame = malloc(t.length);
	assert_non_null(t.frame);
	memset(t.frame, 0xee, t.length);
	wire_put16(t.frame + 12, e->outer_family == 6 ? 0x86dd : 0x0800);
	memcpy(t.original, inner_frame + WIRE_ETHER, t.inner_length);
	l3 = t.frame + WIRE_ETHER;
	memcpy(l3 + t.headers, t.original, t.inner_length);
	sl_encap_write(e, l3, l3 + t.headers, t.inner_length);
	return t;
}

/* The outer IP header, field by field. */
static void check_outer(const struct sl_encap *e, const struct tunnelled *t, uint8_t protocol)
{
	const uint8_t *l3 = t->frame + WIRE_ETHER;
	size_t whole = t->headers + t->inner_length;

	/* Tunnels may leave the UDP checksum out over IPv6, too (RFC 6935). */
	if (protocol == IPPROTO_UDP && e->outer_family == 6 && e->flags == 0)
		assert_string_equal(wire_wrong(t->frame, t->length), "UDP without a checksum");
	else
		assert_null(wire_wrong(t->frame, t->length));
	if (e->outer_family == 4) {
		assert_int_equal(l3[0], 0x45);
		assert_int_equal(l3[1], TOS);
		assert_int_equal(wire_get16(l3 + 2), whole);
		assert_int_equal(wire_get16(l3 + 4), ID);
		assert_int_equal(wire_get16(l3 + 6), e->df ? 0x4000 : 0);
		assert_int_equal(l3[8], TTL);
		assert_int_equal(l3[9], protocol);
		assert_memory_equal(l3 + 12, e->src.bytes, 4);
		assert_memory_equal(l3 + 16, e->dst.bytes, 4);
		return;
	}
	assert_int_equal(wire_get32(l3), 6u << 28 | TOS << 20);
	assert_int_equal(wire_get16(l3 + 4), whole - 40);
	assert_int_equal(l3[6], protocol);
	assert_int_equal(l3[7], TTL);
	assert_memory_equal(l3 + 8, e->src.bytes, 16);
	assert_memory_equal(l3 + 24, e->dst.bytes, 16);
}

/* As Linux's fou does: puts the inner checksum back, and says where the inner packet begins. */
static uint8_t *take_off_gue(const struct sl_encap *e, struct tunnelled *t)
{
	uint8_t *udp = t->frame + WIRE_ETHER + (e->outer_family == 6 ? 40 : 20);
	uint8_t *gue = udp + 8;
	size_t options = (gue[0] & 0x1f) * 4u;
	uint8_t *inner = gue + 4 + options;

	assert_int_equal(wire_get16(udp), ENTROPY);
	assert_int_equal(wire_get16(udp + 2), PORT);
	assert_int_equal(wire_get16(udp + 4), t->frame + t->length - udp);
	assert_int_equal(gue[0] >> 5, 0); /* version 0, data */
	assert_int_equal(gue[1], e->inner_family == 6 ? 41 : 4);
	assert_int_equal(wire_get16(gue + 2) & ~1u, 0);
	if (wire_get16(gue + 2) & 1) {
		size_t start = wire_get16(gue + 8), offset = wire_get16(gue + 10);
		size_t length = (size_t)(t->frame + t->length - inner);

		assert_int_equal(options, 8);
		assert_int_equal(wire_get32(gue + 4), 0x80000000);
		assert_true(start < offset && offset + 2 <= length);
		wire_put16(inner + offset, (uint16_t)~wire_sum(0, inner + start, length - start));
	}
	return inner;
}

static void check(struct sl_encap *e, const uint8_t *inner_frame, size_t frame_length)
{
	static const uint8_t protocols[] = {0, IPPROTO_UDP, IPPROTO_GRE};
	struct tunnelled t = tunnel(e, inner_frame, frame_length);
	uint8_t ip = e->inner_family == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	uint8_t *behind = t.frame + WIRE_ETHER + (e->outer_family == 6 ? 40 : 20);
	uint8_t *inner = t.frame + WIRE_ETHER + t.headers;

	check_outer(e, &t, e->type == SL_TUNNEL_IPIP ? ip : protocols[e->type]);
	if (e->type == SL_TUNNEL_GUE) {
		bool checksum = e->flags & (SL_TUNNEL_CSUM | SL_TUNNEL_REMCSUM);

		assert_int_equal(wire_get16(behind + 6) != 0, checksum);
		assert_ptr_equal(take_off_gue(e, &t), inner);
	} else if (e->type == SL_TUNNEL_GRE) {
		bool checksum = e->flags & SL_TUNNEL_CSUM;

		assert_int_equal(wire_get16(behind), checksum ? 0x8000 : 0);
		assert_int_equal(wire_get16(behind + 2), e->inner_family == 6 ? 0x86dd : 0x0800);
		assert_ptr_equal(inner, behind + (checksum ? 8 : 4));
		if (checksum) {
			assert_int_equal(wire_get16(behind + 6), 0);
			assert_int_equal(
				wire_sum(0, behind, (size_t)(t.frame + t.length - behind)), 0xffff);
		}
	} else {
		assert_ptr_equal(inner, behind);
	}
	assert_memory_equal(inner, t.original, t.inner_length);
	free(t.frame);
}

/* Every type, family in family, with every flag; sizes odd and even. */
static void each(void (*run)(struct sl_encap *e, uint8_t family))
{
	for (size_t i = 0; i < 3; i++) {
		for (uint8_t flags = 0; flags < 4; flags++) {
			for (size_t inner = 0; inner < 2; inner++) {
				for (size_t outer = 0; outer < 2; outer++) {
					struct sl_encap e = encap_of(
						types[i], flags, families[inner], families[outer]);

					run(&e, families[inner]);
				}
			}
		}
	}
}

static void tcp_and_udp(struct sl_encap *e, uint8_t family)
{
	for (uint16_t payload = 0; payload < 40; payload += 13) {
		struct wire w = wire_plain(family, IPPROTO_TCP, payload);
		uint8_t frame[WIRE_MAX];

		w.ip_options = 8;
		check(e, frame, wire_write(&w, frame));
		w = wire_plain(family, IPPROTO_UDP, payload);
		e->df = true;
		check(e, frame, wire_write(&w, frame));
		e->df = false;
		w = wire_plain(family, IPPROTO_GRE, payload);
		check(e, frame, wire_write(&w, frame));
	}
}

static void what_is_put_on_comes_off(void **state)
{
	each(tcp_and_udp);
}

static void others(struct sl_encap *e, uint8_t family)
{
	struct wire w = wire_plain(family, IPPROTO_UDP, 64);
	uint8_t whole[WIRE_MAX], piece[WIRE_MAX];
	struct sl_encap first = *e;

	wire_write(&w, whole);
	for (size_t at = 0; at < 72; at += 24)
		check(&first, piece, wire_cut(whole, at, 24, 9, piece));
}

static void fragments_travel_as_they_are(void **state)
{
	each(others);
}

static void damaged(struct sl_encap *e, uint8_t family)
{
	struct wire w = wire_plain(family, IPPROTO_TCP, 21);
	uint8_t frame[WIRE_MAX];
	size_t length = wire_write(&w, frame);

	frame[length - 1] ^= 0x40;
	check(e, frame, length);
	assert_non_null(wire_wrong(frame, length));
	w = wire_plain(family, IPPROTO_UDP, 21);
	w.no_checksum = true;
	check(e, frame, wire_write(&w, frame));
}

/* A receiver that puts a checksum back would make a damaged packet look whole. */
static void a_wrong_checksum_stays_wrong(void **state)
{
	each(damaged);
}

static bool is_offloaded(uint8_t family, const struct wire *w, uint8_t damage)
{
	struct sl_encap e = encap_of(SL_TUNNEL_GUE, SL_TUNNEL_REMCSUM, family, 4);
	uint8_t frame[WIRE_MAX];
	size_t length = wire_write(w, frame);
	struct tunnelled t;
	bool offloaded;

	frame[length - 1] ^= damage;
	t = tunnel(&e, frame, length);
	offloaded = t.frame[WIRE_ETHER + 20 + 8 + 3] == 1;
	assert_int_equal(offloaded,
		memcmp(t.frame + WIRE_ETHER + t.headers, t.original, t.inner_length) != 0);
	free(t.frame);
	return offloaded;
}

static void remote_checksum_offload_is_used_where_it_may_be(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct wire w = wire_plain(families[i], IPPROTO_TCP, 9);

		assert_true(is_offloaded(families[i], &w, 0));
		assert_false(is_offloaded(families[i], &w, 1));
		w = wire_plain(families[i], IPPROTO_UDP, 9);
		assert_true(is_offloaded(families[i], &w, 0));
		w.no_checksum = true;
		assert_false(is_offloaded(families[i], &w, 0));
		w = wire_plain(families[i], IPPROTO_GRE, 9);
		assert_false(is_offloaded(families[i], &w, 0));
	}
}

static void lengths_are_those_of_the_headers(void **state)
{
	static const struct {
		enum sl_tunnel type;
		uint8_t flags;
		unsigned behind_ip;
	} cases[] = {
		{SL_TUNNEL_IPIP, 0, 0},
		{SL_TUNNEL_IPIP, SL_TUNNEL_CSUM | SL_TUNNEL_REMCSUM, 0},
		{SL_TUNNEL_GUE, 0, 12},
		{SL_TUNNEL_GUE, SL_TUNNEL_CSUM, 12},
		{SL_TUNNEL_GUE, SL_TUNNEL_REMCSUM, 20},
		{SL_TUNNEL_GRE, 0, 4},
		{SL_TUNNEL_GRE, SL_TUNNEL_CSUM, 8},
		{SL_TUNNEL_GRE, SL_TUNNEL_REMCSUM, 4},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_encap e = encap_of(cases[i].type, cases[i].flags, 4, 4);

		assert_int_equal(sl_encap_length(&e), 20 + cases[i].behind_ip);
		e.outer_family = 6;
		assert_int_equal(sl_encap_length(&e), 40 + cases[i].behind_ip);
		assert_true(sl_encap_length(&e) <= SL_ENCAP_MAX);
	}
}

/* Without a checksum nothing of the inner packet is read: it may go on in another buffer. */
static void the_inner_packet_is_not_read_in_vain(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		struct sl_encap e = encap_of(types[i], 0, 4, 6);
		size_t length = sl_encap_length(&e);
		uint8_t *headers = malloc(length);

		assert_non_null(headers);
		e.inner_l4 = 20;
		e.inner_protocol = IPPROTO_TCP;
		sl_encap_write(&e, headers, headers + length, 1400);
		assert_int_equal(wire_get16(headers + 4), length - 40 + 1400);
		free(headers);
	}
}

static void four_in_four_byte_by_byte(void **state)
{
	struct sl_encap e = {.type = SL_TUNNEL_IPIP,
		.inner_family = 4,
		.outer_family = 4,
		.ttl = 64,
		.df = true,
		.src = {.bytes = {10, 0, 0, 1}},
		.dst = {.bytes = {10, 0, 0, 2}}};
	static const uint8_t wanted[] = {0x45, 0x00, 0x00, 0x68, 0x00, 0x00, 0x40, 0x00, 0x40, 0x04,
		0x26, 0x90, 0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02};
	uint8_t headers[20];

	sl_encap_write(&e, headers, headers + 20, 84);
	assert_memory_equal(headers, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_on_comes_off),
		cmocka_unit_test(fragments_travel_as_they_are),
		cmocka_unit_test(a_wrong_checksum_stays_wrong),
		cmocka_unit_test(remote_checksum_offload_is_used_where_it_may_be),
		cmocka_unit_test(lengths_are_those_of_the_headers),
		cmocka_unit_test(the_inner_packet_is_not_read_in_vain),
		cmocka_unit_test(four_in_four_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
