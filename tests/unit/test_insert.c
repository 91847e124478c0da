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

#include "net/insert.h"
#include "wire.h"

#define NEW_MAX 64

static const uint8_t families[] = {4, 6};
static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

/* The frame with exactly `n` bytes of room in front; returns where the frame begins. */
static uint8_t *with_room(const uint8_t *frame, size_t length, size_t n)
{
	uint8_t *memory = malloc(n + length);

	assert_non_null(memory);
	memset(memory, 0xee, n);
	memcpy(memory + n, frame, length);
	return memory + n;
}

static void check(const struct wire *w, unsigned n, size_t behind_header)
{
	uint8_t frame[WIRE_MAX], bytes[NEW_MAX];
	size_t length = wire_write(w, frame), at;
	struct sl_parsed p = wire_parsed(frame, length), before = p, after;
	uint8_t *old = with_room(frame, length, n), *new = old - n;
	unsigned udp_length = wire_get16(frame + p.l4_offset + 4);

	for (unsigned i = 0; i < n; i++)
		bytes[i] = (uint8_t)(0xf0 - 3 * i);
	at = p.l4_offset + (w->protocol == IPPROTO_UDP ? 8u : 20u) + behind_header;
	sl_insert(old, &p, at, bytes, n);
	assert_null(wire_wrong(new, length + n));
	assert_memory_equal(new + at, bytes, n);
	assert_memory_equal(new + at + n, frame + at, length - at);
	assert_memory_equal(new, frame, WIRE_ETHER);
	after = wire_parsed(new, length + n);
	assert_memory_equal(&p, &after, sizeof(p));
	assert_int_equal(p.l3_length, before.l3_length + n);
	assert_int_equal(p.payload, before.payload + n);
	if (w->protocol == IPPROTO_UDP) {
		assert_int_equal(wire_get16(new + p.l4_offset + 4), udp_length + n);
		assert_int_equal(wire_get16(new + p.l4_offset + 6) == 0, w->no_checksum);
	}
	free(new);
}

static void bytes_come_behind_the_header(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < 2; i++) {
			for (unsigned n = 2; n <= NEW_MAX; n += 2) {
				struct wire w = wire_plain(families[f], protocols[i], 77);

				check(&w, n, 0);
				check(&w, n, 10);
				w.ip_options = 16;
				check(&w, n, 0);
				w.payload = 0;
				w.no_checksum = families[f] == 4 && protocols[i] == IPPROTO_UDP;
				check(&w, n, 0);
			}
		}
	}
}

/* All 65,536 contents of one word: whatever the sum, the checksum is not written as "none". */
static void a_udp_checksum_never_becomes_zero(void **state)
{
	struct wire w = wire_plain(4, IPPROTO_UDP, 4);
	unsigned met = 0;

	for (unsigned word = 0; word <= UINT16_MAX; word++) {
		uint8_t room[2 + WIRE_MAX], bytes[2];
		size_t length = wire_write(&w, room + 2);
		struct sl_parsed p = wire_parsed(room + 2, length);
		unsigned checksum;

		wire_put16(bytes, word);
		sl_insert(room + 2, &p, p.l4_offset + 8u, bytes, 2);
		checksum = wire_get16(room + p.l4_offset + 6);
		assert_int_not_equal(checksum, 0);
		met += checksum == 0xffff;
	}
	assert_true(met >= 1);
}

static void damage_is_not_repaired(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct wire w = wire_plain(6, protocols[i], 12);
		uint8_t room[NEW_MAX + WIRE_MAX], *frame = room + NEW_MAX, bytes[8] = {1, 2, 3};
		size_t length = wire_write(&w, frame);
		struct sl_parsed p = wire_parsed(frame, length);

		frame[length - 1] ^= 1;
		sl_insert(frame, &p, p.l4_offset + (protocols[i] == IPPROTO_UDP ? 8u : 20u), bytes,
			sizeof(bytes));
		assert_non_null(wire_wrong(frame - sizeof(bytes), length + sizeof(bytes)));
	}
}

/* The first fragment gets bytes, the others move: together they are the datagram with the bytes. */
static void a_cut_datagram_grows(void **state)
{
	enum { PAYLOAD = 150, PIECE = 48, NEW = 32 };

	for (size_t f = 0; f < 2; f++) {
		struct wire w = wire_plain(families[f], IPPROTO_UDP, PAYLOAD);
		uint8_t whole[WIRE_MAX], piece[WIRE_MAX], together[WIRE_MAX] = {0}, bytes[NEW];
		size_t length = wire_write(&w, whole), header;

		memset(bytes, 0x77, sizeof(bytes));
		header = wire_parsed(whole, length).l4_offset;
		for (size_t at = 0; at < 8 + PAYLOAD; at += PIECE) {
			size_t n = at + PIECE < 8 + PAYLOAD ? PIECE : 8 + PAYLOAD - at;
			size_t cut = wire_cut(whole, at, n, 99, piece);
			uint8_t *old = with_room(piece, cut, NEW), *start = old;
			struct sl_parsed p = wire_parsed(piece, cut), after;

			if (at == 0) {
				sl_insert(old, &p, p.l4_offset + 8u, bytes, NEW);
				start = old - NEW;
				cut += NEW;
				n += NEW;
			} else {
				assert_true(sl_shift_fragment(old, &p, NEW));
			}
			assert_null(wire_wrong(start, cut));
			after = wire_parsed(start, cut);
			assert_memory_equal(&p, &after, sizeof(p));
			memcpy(together + WIRE_MAX / 2 + p.fragment_offset, start + p.l4_offset, n);
			free(old - NEW);
		}
		/* As one packet: the headers of the whole, longer. */
		memmove(together + WIRE_MAX / 2 - header, whole, header);
		if (families[f] == 4) {
			uint8_t *l3 = together + WIRE_MAX / 2 - header + WIRE_ETHER;

			wire_put16(l3 + 2, wire_get16(l3 + 2) + NEW);
			wire_put16(l3 + 10, 0);
			wire_put16(l3 + 10, (uint16_t)~wire_sum(0, l3, 20));
		} else {
			uint8_t *l3 = together + WIRE_MAX / 2 - header + WIRE_ETHER;

			wire_put16(l3 + 4, wire_get16(l3 + 4) + NEW);
		}
		assert_null(wire_wrong(together + WIRE_MAX / 2 - header, length + NEW));
		assert_memory_equal(together + WIRE_MAX / 2 + 8, bytes, NEW);
		assert_memory_equal(together + WIRE_MAX / 2 + 8 + NEW, whole + header + 8, PAYLOAD);
	}
}

static void a_fragment_stays_within_its_datagram(void **state)
{
	for (size_t f = 0; f < 2; f++) {
		struct wire w = wire_plain(families[f], IPPROTO_UDP, 100);
		uint8_t whole[WIRE_MAX], piece[WIRE_MAX], before[WIRE_MAX];
		size_t cut, field;
		struct sl_parsed p;

		wire_write(&w, whole);
		cut = wire_cut(whole, 48, 40, 1, piece);
		p = wire_parsed(piece, cut);
		field = families[f] == 4 ? WIRE_ETHER + 6u : p.fragment_header + 2u;
		/* 65,464 bytes in front of these 40: 31 are left. */
		wire_put16(piece + field, families[f] == 4 ? 65464 / 8 : 65464);
		p = wire_parsed(piece, cut);
		memcpy(before, piece, cut);
		assert_false(sl_shift_fragment(piece, &p, 32));
		assert_memory_equal(piece, before, cut);
		assert_true(sl_shift_fragment(piece, &p, 24));
		assert_int_equal(wire_parsed(piece, cut).fragment_offset, 65488);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_behind_the_header),
		cmocka_unit_test(a_udp_checksum_never_becomes_zero),
		cmocka_unit_test(damage_is_not_repaired),
		cmocka_unit_test(a_cut_datagram_grows),
		cmocka_unit_test(a_fragment_stays_within_its_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
