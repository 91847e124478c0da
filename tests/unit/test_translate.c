/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/translate.h"
#include "wire.h"

#define ROOM SL_TRANSLATE_ROOM

static const uint8_t families[] = {4, 6};
static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

static uint8_t other(uint8_t family)
{
	return family == 4 ? 6 : 4;
}

static struct wire sample(uint8_t family, uint8_t protocol, uint16_t payload)
{
	struct wire w = wire_plain(family, protocol, payload);

	w.tos = 0x5a;
	w.ttl = 17;
	w.flags = SL_TCP_ACK;
	w.seq = 77;
	w.id = 0x1234;
	w.dont_fragment = true;
	return w;
}

/* What sample() is to become. */
static struct sl_tuple target(const struct wire *w)
{
	return (struct sl_tuple){.family = other(w->family),
		.protocol = w->protocol,
		.src = wire_ip(other(w->family), 31),
		.dst = wire_ip(other(w->family), 32),
		.src_port = RTE_BE16(1031),
		.dst_port = RTE_BE16(1032)};
}

/* The packet as a host of the other family would have sent it. Returns the frame's length. */
static size_t write_target(const struct wire *from, uint16_t id, uint8_t *frame)
{
	struct wire w = *from;
	size_t length;

	w.family = other(from->family);
	w.n_src = 31;
	w.n_dst = 32;
	w.src_port = 1031;
	w.dst_port = 1032;
	w.ip_options = 0;
	w.no_checksum = false;
	w.id = id;
	length = wire_write(&w, frame);
	if (w.family == 6)
		wire_put32(frame + WIRE_ETHER, 6u << 28 | (uint32_t)w.tos << 20); /* no label */
	return length;
}

/* A frame with exactly ROOM bytes in front. */
static uint8_t *with_room(const uint8_t *frame, size_t length)
{
	uint8_t *memory = malloc(ROOM + length);

	assert_non_null(memory);
	memset(memory, 0xee, ROOM);
	memcpy(memory + ROOM, frame, length);
	return memory + ROOM;
}

static int
translate(uint8_t *frame, size_t length, const struct wire *w, uint8_t **start, size_t *new_length)
{
	struct sl_parsed p = wire_parsed(frame, length);
	struct sl_tuple to = target(w);
	struct sl_translated out = {0, 0};
	int rc = sl_translate(frame, length, ROOM, &p, NULL, &to, NULL, &out);

	*start = frame + out.shift;
	*new_length = WIRE_ETHER + (size_t)out.l3_length;
	return rc;
}

static void check_whole(const struct wire *w)
{
	uint8_t bytes[WIRE_MAX], wanted[WIRE_MAX], *frame, *start;
	size_t length = wire_write(w, bytes), new_length, wanted_length;
	struct wire want = *w;
	struct sl_parsed p;

	frame = with_room(bytes, length);
	assert_int_equal(translate(frame, length, w, &start, &new_length), 0);
	assert_null(wire_wrong(start, new_length));
	assert_int_equal(start + new_length - frame, length); /* the payload did not move */
	p = wire_parsed(start, new_length);
	want.dont_fragment = new_length - WIRE_ETHER > 1260;
	wanted_length = write_target(&want,
		(uint16_t)wire_get16(start + p.l4_offset + (w->protocol == IPPROTO_TCP ? 16 : 6)),
		wanted);
	assert_int_equal(new_length, wanted_length);
	assert_memory_equal(start, wanted, wanted_length);
	free(frame - ROOM);
}

static void packets_are_as_the_other_family_would_send_them(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < 2; i++) {
			for (uint8_t options = 0; options <= 40; options += 8) {
				struct wire w = sample(families[f], protocols[i], 101);

				w.ip_options = options;
				check_whole(&w);
				w.payload = 0;
				check_whole(&w);
			}
			for (uint16_t payload = 1200; payload < 1300; payload++) {
				struct wire w = sample(families[f], protocols[i], payload);

				check_whole(&w);
			}
		}
	}
}

static void a_missing_udp_checksum_is_computed(void **state)
{
	for (uint16_t payload = 0; payload < 30; payload++) {
		struct wire w = sample(4, IPPROTO_UDP, payload);

		w.no_checksum = true;
		check_whole(&w);
	}
}

/* The one among all ports whose sum is 0xffff: IPv6 takes 0 for an error. */
static void a_computed_udp_checksum_is_never_zero(void **state)
{
	struct wire w = sample(4, IPPROTO_UDP, 2);
	uint8_t bytes[ROOM + WIRE_MAX];
	unsigned met = 0;

	w.no_checksum = true;
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		size_t length = wire_write(&w, bytes + ROOM);
		struct sl_parsed p = wire_parsed(bytes + ROOM, length);
		struct sl_tuple to = target(&w);
		struct sl_translated out;
		unsigned checksum;

		to.dst_port = rte_cpu_to_be_16((uint16_t)port);
		assert_int_equal(
			sl_translate(bytes + ROOM, length, ROOM, &p, NULL, &to, NULL, &out), 0);
		checksum = wire_get16(bytes + ROOM + p.l4_offset + 6);
		assert_int_not_equal(checksum, 0);
		met += checksum == 0xffff;
	}
	assert_true(met >= 1);
}

static void damage_is_not_repaired(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < 2; i++) {
			struct wire w = sample(families[f], protocols[i], 30);
			uint8_t bytes[WIRE_MAX], *frame, *start;
			size_t length = wire_write(&w, bytes), new_length;

			bytes[length - 1] ^= 2;
			frame = with_room(bytes, length);
			assert_int_equal(translate(frame, length, &w, &start, &new_length), 0);
			assert_non_null(wire_wrong(start, new_length));
			frame[length - 1] ^= 2;
			assert_null(wire_wrong(start, new_length));
			free(frame - ROOM);
		}
	}
}

static void fragments_are_fragments(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		struct wire w = sample(families[f], IPPROTO_UDP, 100);
		uint8_t whole[WIRE_MAX], wanted[WIRE_MAX], piece[WIRE_MAX], other_piece[WIRE_MAX];

		w.ip_options = 8;
		wire_write(&w, whole);
		write_target(&w, 0, wanted);
		for (size_t at = 0; at < 108; at += 40) {
			size_t n = at + 40 < 108 ? 40 : 108 - at, length, new_length, other_length;
			uint32_t id = families[f] == 6 ? 0xabcd4321 : 0x4321;
			uint8_t *frame, *start;

			length = wire_cut(whole, at, n, id, piece);
			other_length = wire_cut(wanted, at, n, 0x4321, other_piece);
			frame = with_room(piece, length);
			assert_int_equal(translate(frame, length, &w, &start, &new_length), 0);
			assert_null(wire_wrong(start, new_length));
			assert_int_equal(new_length, other_length);
			assert_memory_equal(start, other_piece, other_length);
			free(frame - ROOM);
		}
	}
}

/* An IPv6 "atomic" fragment: the whole packet, and it says its identification. */
static void an_atomic_fragment_keeps_its_identification(void **state)
{
	struct wire w = sample(6, IPPROTO_TCP, 20);
	uint8_t whole[WIRE_MAX], piece[WIRE_MAX], wanted[WIRE_MAX], *frame, *start;
	size_t length, new_length;

	wire_write(&w, whole);
	length = wire_cut(whole, 0, 40, 0x77665544, piece);
	frame = with_room(piece, length);
	assert_int_equal(translate(frame, length, &w, &start, &new_length), 0);
	w.dont_fragment = false;
	assert_int_equal(new_length, write_target(&w, 0x5544, wanted));
	assert_memory_equal(start, wanted, new_length);
	free(frame - ROOM);
}

static void check_refused(const uint8_t *bytes, size_t length, const struct wire *w)
{
	uint8_t *frame = with_room(bytes, length), *start;
	size_t new_length;

	assert_int_equal(translate(frame, length, w, &start, &new_length), -ENOTSUP);
	assert_memory_equal(frame, bytes, length);
	free(frame - ROOM);
}

static void what_cannot_be_translated_is_refused(void **state)
{
	struct wire w = sample(4, IPPROTO_UDP, 100);
	uint8_t bytes[WIRE_MAX], piece[WIRE_MAX];
	size_t length;

	w.no_checksum = true;
	wire_write(&w, bytes);
	check_refused(piece, wire_cut(bytes, 0, 48, 1, piece), &w);
	for (size_t f = 0; f < 2; f++) {
		w = sample(families[f], IPPROTO_GRE, 20);
		check_refused(bytes, wire_write(&w, bytes), &w);
		length =
			wire_error(families[f], families[f] == 4 ? 8 : 128, 0, 1, "ping", 4, bytes);
		check_refused(bytes, length, &w);
	}
	/* A source route that is not over; and one that is. */
	w = sample(4, IPPROTO_TCP, 0);
	w.ip_options = 8;
	length = wire_write(&w, bytes);
	memcpy(bytes + WIRE_ETHER + 20, "\1\203\7\4\1\2\3\4", 8);
	check_refused(bytes, length, &w);
	bytes[WIRE_ETHER + 21] = 137;
	check_refused(bytes, length, &w);
	/* A routing header with a segment left; authentication. */
	w = sample(6, IPPROTO_TCP, 0);
	w.ip_options = 24;
	length = wire_write(&w, bytes);
	bytes[WIRE_ETHER + 6] = IPPROTO_AH;
	check_refused(bytes, length, &w);
}

static int translate_as(const uint8_t *bytes, size_t length, const struct sl_parsed *p)
{
	struct wire w = sample(p->family, p->protocol, 0);
	uint8_t *frame = with_room(bytes, length);
	struct sl_tuple to = target(&w);
	struct sl_translated out;
	int rc = sl_translate(frame, length, ROOM, p, NULL, &to, NULL, &out);

	free(frame - ROOM);
	return rc;
}

static void routes_that_are_over_are_left_out(void **state)
{
	struct wire w = sample(4, IPPROTO_TCP, 0);
	uint8_t bytes[WIRE_MAX];
	struct sl_parsed p;
	size_t length;

	w.ip_options = 8;
	length = wire_write(&w, bytes);
	memcpy(bytes + WIRE_ETHER + 20, "\1\203\7\10\1\2\3\4", 8);
	p = wire_parsed(bytes, length);
	assert_int_equal(translate_as(bytes, length, &p), 0);
	bytes[WIRE_ETHER + 22] = 0xff; /* options that cannot be: let be */
	assert_int_equal(translate_as(bytes, length, &p), 0);

	w = sample(6, IPPROTO_TCP, 0);
	w.ip_options = 24;
	length = wire_write(&w, bytes);
	p = wire_parsed(bytes, length);
	bytes[WIRE_ETHER + 6] = IPPROTO_ROUTING;
	bytes[WIRE_ETHER + 43] = 0;
	assert_int_equal(translate_as(bytes, length, &p), 0);
	bytes[WIRE_ETHER + 43] = 1;
	assert_int_equal(translate_as(bytes, length, &p), -ENOTSUP);
}

static void the_room_is_asked_for(void **state)
{
	struct wire w = sample(4, IPPROTO_UDP, 100);
	uint8_t whole[WIRE_MAX], piece[WIRE_MAX];
	struct sl_tuple to = target(&w);
	struct sl_translated out;
	struct sl_parsed p;
	size_t length = wire_write(&w, whole);

	p = wire_parsed(whole, length);
	assert_int_equal(sl_translate(whole, length, 19, &p, NULL, &to, NULL, &out), -ENOBUFS);
	assert_null(wire_wrong(whole, length));
	length = wire_cut(whole, 0, 48, 1, piece);
	p = wire_parsed(piece, length);
	assert_int_equal(sl_translate(piece, length, 27, &p, NULL, &to, NULL, &out), -ENOBUFS);
}

/* ---- ICMP errors ---- */

#define NOT_TRANSLATED 0xff

struct mapping {
	uint8_t family, type, code;
	uint32_t rest;
	uint8_t to_type, to_code;
	uint32_t to_rest;
};

/* RFC 7915, sections 4.2 and 5.2, line by line. */
static const struct mapping mappings[] = {
	{4, 3, 0, 0, 1, 0, 0},
	{4, 3, 1, 0, 1, 0, 0},
	{4, 3, 2, 0, 4, 1, 6},
	{4, 3, 3, 0, 1, 4, 0},
	{4, 3, 4, 1400, 2, 0, 1420},
	{4, 3, 4, 576, 2, 0, 1280},
	{4, 3, 4, 0, 2, 0, 1280}, /* an old router; the quoted packet is short */
	{4, 3, 5, 0, 1, 0, 0},
	{4, 3, 6, 0, 1, 0, 0},
	{4, 3, 7, 0, 1, 0, 0},
	{4, 3, 8, 0, 1, 0, 0},
	{4, 3, 9, 0, 1, 1, 0},
	{4, 3, 10, 0, 1, 1, 0},
	{4, 3, 11, 0, 1, 0, 0},
	{4, 3, 12, 0, 1, 0, 0},
	{4, 3, 13, 0, 1, 1, 0},
	{4, 3, 14, 0, NOT_TRANSLATED, 0, 0},
	{4, 3, 15, 0, 1, 1, 0},
	{4, 3, 16, 0, NOT_TRANSLATED, 0, 0},
	{4, 4, 0, 0, NOT_TRANSLATED, 0, 0},
	{4, 5, 0, 0, NOT_TRANSLATED, 0, 0},
	{4, 11, 0, 0, 3, 0, 0},
	{4, 11, 1, 0, 3, 1, 0},
	{4, 12, 0, 0u << 24, 4, 0, 0},
	{4, 12, 0, 1u << 24, 4, 0, 1},
	{4, 12, 0, 2u << 24, 4, 0, 4},
	{4, 12, 0, 3u << 24, 4, 0, 4},
	{4, 12, 0, 4u << 24, NOT_TRANSLATED, 0, 0},
	{4, 12, 0, 6u << 24, NOT_TRANSLATED, 0, 0},
	{4, 12, 0, 8u << 24, 4, 0, 7},
	{4, 12, 2, 9u << 24, 4, 0, 6},
	{4, 12, 0, 10u << 24, NOT_TRANSLATED, 0, 0},
	{4, 12, 0, 12u << 24, 4, 0, 8},
	{4, 12, 0, 15u << 24, 4, 0, 8},
	{4, 12, 0, 19u << 24, 4, 0, 24},
	{4, 12, 0, 20u << 24, NOT_TRANSLATED, 0, 0},
	{4, 12, 1, 0, NOT_TRANSLATED, 0, 0},
	{6, 1, 0, 0, 3, 1, 0},
	{6, 1, 1, 0, 3, 10, 0},
	{6, 1, 2, 0, 3, 1, 0},
	{6, 1, 3, 0, 3, 1, 0},
	{6, 1, 4, 0, 3, 3, 0},
	{6, 1, 5, 0, NOT_TRANSLATED, 0, 0},
	{6, 2, 0, 1280, 3, 4, 1260},
	{6, 2, 0, 10, 3, 4, 68},
	{6, 2, 0, 0xffffffff, 3, 4, 65535},
	{6, 3, 0, 0, 11, 0, 0},
	{6, 3, 1, 0, 11, 1, 0},
	{6, 4, 0, 0, 12, 0, 0u << 24},
	{6, 4, 0, 1, 12, 0, 1u << 24},
	{6, 4, 0, 2, NOT_TRANSLATED, 0, 0},
	{6, 4, 0, 5, 12, 0, 2u << 24},
	{6, 4, 0, 6, 12, 0, 9u << 24},
	{6, 4, 0, 7, 12, 0, 8u << 24},
	{6, 4, 0, 23, 12, 0, 12u << 24},
	{6, 4, 0, 39, 12, 0, 16u << 24},
	{6, 4, 0, 40, NOT_TRANSLATED, 0, 0},
	{6, 4, 1, 40, 3, 2, 0},
	{6, 4, 2, 0, NOT_TRANSLATED, 0, 0},
	{6, 129, 0, 0, NOT_TRANSLATED, 0, 0},
};

struct error {
	uint8_t *frame; /* with room in front; to free */
	uint8_t *start; /* the translated frame */
	size_t length;
	int rc;
};

static struct error translate_error(const uint8_t *bytes, size_t length, const struct wire *w)
{
	struct sl_parsed outer = wire_parsed(bytes, length);
	struct sl_parsed inner = wire_quoted(bytes, length, &outer);
	struct sl_tuple inner_to = target(w);
	struct sl_tuple to = {
		.src = wire_ip(inner_to.family, 51), .dst = wire_ip(inner_to.family, 52)};
	struct error e = {.frame = with_room(bytes, length)};
	struct sl_translated out = {0, 0};

	e.rc = sl_translate(e.frame, length, ROOM, &outer, &inner, &to, &inner_to, &out);
	e.start = e.frame + out.shift;
	e.length = WIRE_ETHER + (size_t)out.l3_length;
	if (e.rc < 0)
		assert_memory_equal(e.frame, bytes, length);
	return e;
}

static void check_mapping(const struct mapping *m)
{
	struct wire w = sample(m->family, IPPROTO_TCP, 50);
	uint8_t quoted[WIRE_MAX], bytes[WIRE_MAX];
	size_t n = wire_write(&w, quoted) - WIRE_ETHER, length;
	struct error e;
	uint8_t *icmp;

	length = wire_error(m->family, m->type, m->code, m->rest, quoted + WIRE_ETHER, n, bytes);
	e = translate_error(bytes, length, &w);
	if (m->to_type == NOT_TRANSLATED) {
		assert_int_equal(e.rc, -ENOTSUP);
	} else {
		assert_int_equal(e.rc, 0);
		assert_null(wire_wrong(e.start, e.length));
		icmp = e.start + wire_parsed(e.start, e.length).l4_offset;
		assert_int_equal(icmp[0], m->to_type);
		assert_int_equal(icmp[1], m->to_code);
		assert_int_equal(wire_get32(icmp + 4), m->to_rest);
	}
	free(e.frame - ROOM);
}

static void each_error_as_the_rfc_maps_it(void **state)
{
	for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
		check_mapping(&mappings[i]);
}

static void the_plateau_below_the_quoted_length_is_the_mtu(void **state)
{
	struct wire w = sample(4, IPPROTO_UDP, 2);
	uint8_t quoted[WIRE_MAX], bytes[WIRE_MAX];
	size_t n = wire_write(&w, quoted) - WIRE_ETHER, length;
	struct error e;

	wire_put16(quoted + WIRE_ETHER + 2, 4000); /* as much as it had */
	length = wire_error(4, 3, 4, 0, quoted + WIRE_ETHER, n, bytes);
	e = translate_error(bytes, length, &w);
	assert_int_equal(e.rc, 0);
	assert_int_equal(wire_get32(e.start + WIRE_ETHER + 40 + 4), 2002);
	free(e.frame - ROOM);
}

static void check_quote(const struct wire *w, size_t n)
{
	uint8_t quoted[WIRE_MAX], bytes[WIRE_MAX], wanted[WIRE_MAX];
	size_t inner_length = wire_write(w, quoted) - WIRE_ETHER;
	size_t old = w->family == 4 ? 20u : 40u, new = w->family == 4 ? 40 : 20, length;
	size_t checksum = w->protocol == IPPROTO_TCP ? 16 : 6;
	struct sl_parsed p, inner;
	struct error e;

	if (n > inner_length)
		n = inner_length;
	length = wire_error(w->family, w->family == 4 ? 3 : 1, w->family == 4 ? 3 : 4, 0,
		quoted + WIRE_ETHER, n, bytes);
	e = translate_error(bytes, length, w);
	assert_int_equal(e.rc, 0);
	assert_null(wire_wrong(e.start, e.length));
	write_target(w, 0, wanted);
	p = wire_parsed(e.start, e.length);
	inner = wire_quoted(e.start, e.length, &p);
	assert_memory_equal(p.src.bytes, wire_ip(other(w->family), 51).bytes, 16);
	assert_memory_equal(p.dst.bytes, wire_ip(other(w->family), 52).bytes, 16);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.l3_length, new + 8 + new + (n - old));
	if (n < old + checksum + 2) /* cut in two or away: as it was */
		memcpy(wanted + WIRE_ETHER + new + checksum, quoted + WIRE_ETHER + old + checksum,
			2);
	assert_memory_equal(e.start + inner.l3_offset, wanted + WIRE_ETHER, new + n - old);
	free(e.frame - ROOM);
}

static void the_quoted_packet_is_translated_wherever_it_ends(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < 2; i++) {
			struct wire w = sample(families[f], protocols[i], 60);

			for (size_t n = (families[f] == 4 ? 20 : 40) + 8; n < 130; n++)
				check_quote(&w, n);
		}
	}
}

static void a_quoted_fragment_is_one(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t at = 0; at < 96; at += 48) {
			struct wire w = sample(families[f], IPPROTO_UDP, 100);
			uint8_t whole[WIRE_MAX], piece[WIRE_MAX], bytes[WIRE_MAX], wanted[WIRE_MAX];
			size_t length, wanted_length;
			struct sl_parsed p, inner;
			struct error e;

			wire_write(&w, whole);
			length = wire_cut(whole, at, 48, 0x99, piece);
			/* Too big: what a packet with a fragment header must lose is 8 bytes more.
			 */
			length = wire_error(families[f], families[f] == 4 ? 3 : 2,
				families[f] == 4 ? 4 : 0, 1400, piece + WIRE_ETHER,
				length - WIRE_ETHER, bytes);
			e = translate_error(bytes, length, &w);
			assert_int_equal(e.rc, 0);
			assert_null(wire_wrong(e.start, e.length));
			p = wire_parsed(e.start, e.length);
			inner = wire_quoted(e.start, e.length, &p);
			assert_int_equal(wire_get32(e.start + p.l4_offset + 4),
				families[f] == 4 ? 1420 : 1372);
			write_target(&w, 0, whole);
			wanted_length = wire_cut(whole, at, 48, 0x99, wanted) - WIRE_ETHER;
			assert_int_equal(e.length - inner.l3_offset, wanted_length);
			assert_memory_equal(
				e.start + inner.l3_offset, wanted + WIRE_ETHER, wanted_length);
			free(e.frame - ROOM);
		}
	}
}

/* An error about the packet, of which it quotes `n` bytes. Returns the length. */
static size_t time_exceeded(const struct wire *w, size_t n, uint8_t *bytes)
{
	uint8_t quoted[WIRE_MAX];

	wire_write(w, quoted);
	return wire_error(w->family, w->family == 4 ? 11 : 3, 0, 0, quoted + WIRE_ETHER, n, bytes);
}

static void an_error_is_no_longer_than_it_may_be(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		struct wire w = sample(families[f], IPPROTO_TCP, 1300);
		uint8_t bytes[WIRE_MAX];
		size_t length = time_exceeded(&w, 1330, bytes);
		struct error e;

		e = translate_error(bytes, length, &w);
		assert_int_equal(e.rc, 0);
		assert_int_equal(e.length - WIRE_ETHER, families[f] == 4 ? 1280 : 576);
		assert_null(wire_wrong(e.start, e.length));
		free(e.frame - ROOM);
	}
}

/* RFC 4884: 128 bytes of the packet, then a structure that nobody must take for a part of it. */
static void extensions_are_left_out(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		struct wire w = sample(families[f], IPPROTO_TCP, 200);
		uint8_t quoted[WIRE_MAX], bytes[WIRE_MAX];
		size_t length, old = families[f] == 4 ? 20 : 40, new = 60 - old;
		struct error e;

		wire_write(&w, quoted);
		length = wire_error(families[f], families[f] == 4 ? 11 : 3, 0,
			families[f] == 4 ? 32u << 16 : 16u << 24, quoted + WIRE_ETHER, 148, bytes);
		e = translate_error(bytes, length, &w);
		assert_int_equal(e.rc, 0);
		assert_int_equal(e.length - WIRE_ETHER, new + 8 + new + (128 - old));
		assert_int_equal(wire_get32(e.start + WIRE_ETHER + new + 4), 0);
		assert_null(wire_wrong(e.start, e.length));
		free(e.frame - ROOM);
	}
}

static void a_damaged_error_is_refused(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		struct wire w = sample(families[f], IPPROTO_TCP, 20);
		uint8_t bytes[WIRE_MAX];
		size_t length = time_exceeded(&w, 60, bytes);
		struct error e;

		bytes[length - 1] ^= 1;
		e = translate_error(bytes, length, &w);
		assert_int_equal(e.rc, -EBADMSG);
		free(e.frame - ROOM);
		bytes[length - 1] ^= 1;
		wire_put16(bytes + 12, 0x0800);
		e = translate_error(bytes, length, &w);
		assert_int_equal(e.rc, 0);
		free(e.frame - ROOM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_as_the_other_family_would_send_them),
		cmocka_unit_test(a_missing_udp_checksum_is_computed),
		cmocka_unit_test(a_computed_udp_checksum_is_never_zero),
		cmocka_unit_test(damage_is_not_repaired),
		cmocka_unit_test(fragments_are_fragments),
		cmocka_unit_test(an_atomic_fragment_keeps_its_identification),
		cmocka_unit_test(what_cannot_be_translated_is_refused),
		cmocka_unit_test(routes_that_are_over_are_left_out),
		cmocka_unit_test(the_room_is_asked_for),
		cmocka_unit_test(each_error_as_the_rfc_maps_it),
		cmocka_unit_test(the_plateau_below_the_quoted_length_is_the_mtu),
		cmocka_unit_test(the_quoted_packet_is_translated_wherever_it_ends),
		cmocka_unit_test(a_quoted_fragment_is_one),
		cmocka_unit_test(an_error_is_no_longer_than_it_may_be),
		cmocka_unit_test(extensions_are_left_out),
		cmocka_unit_test(a_damaged_error_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
