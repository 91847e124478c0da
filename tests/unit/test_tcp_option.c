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
#include "net/tcp_option.h"
#include "wire.h"

#define BY    32
#define SEQ   0xfffffff0u /* the numbers wrap in every test */
#define ACK   0x00000005u
#define TCP   20
#define ROOM  SL_TOA_MAX
#define FLAGS (SL_TCP_ACK | SL_TCP_PSH)

/* A segment with these options, `ROOM` bytes behind the start of a block of exactly its size. */
struct segment {
	uint8_t *memory, *frame, *tcp;
	size_t length, header;
	struct sl_parsed p;
};

static struct segment segment(uint8_t family, const uint8_t *options, uint8_t n)
{
	struct wire w = {.family = family,
		.n_src = 1,
		.n_dst = 2,
		.src_port = 80,
		.dst_port = 40000,
		.seq = SEQ,
		.ack = ACK,
		.flags = FLAGS,
		.n_tcp_options = n,
		.tcp_options = options,
		.payload = 15};
	uint8_t frame[WIRE_MAX];
	struct segment s = {.length = wire_write(&w, frame), .header = TCP + (size_t)n};

	s.memory = malloc(ROOM + s.length);
	assert_non_null(s.memory);
	s.frame = s.memory + ROOM;
	memcpy(s.frame, frame, s.length);
	s.p = wire_parsed(s.frame, s.length);
	s.tcp = s.frame + s.p.l4_offset;
	return s;
}

/* All is well but for what changed on purpose; then the block goes. */
static void finish(struct segment *s)
{
	assert_null(wire_wrong(s->frame, s->length));
	free(s->memory);
}

static void check_mss(const uint8_t *options, uint8_t n, const uint8_t *wanted, bool found)
{
	struct segment s = segment(4, options, n);

	assert_int_equal(sl_tcp_lower_mss(s.tcp, s.header, BY), found);
	assert_memory_equal(s.tcp + TCP, wanted, n);
	finish(&s);
}

static void the_mss_is_lowered_wherever_it_lies(void **state)
{
	static const uint8_t at_start[] = {2, 4, 0x05, 0xb4, 1, 1, 4, 2};
	static const uint8_t at_start_after[] = {2, 4, 0x05, 0x94, 1, 1, 4, 2};
	static const uint8_t odd[] = {1, 2, 4, 0x01, 0x10, 1, 1, 1};
	static const uint8_t odd_after[] = {1, 2, 4, 0x00, 0xf0, 1, 1, 1};
	static const uint8_t behind[] = {3, 3, 7, 4, 2, 2, 4, 0x22, 0x60, 0, 9, 9};
	static const uint8_t behind_after[] = {3, 3, 7, 4, 2, 2, 4, 0x22, 0x40, 0, 9, 9};

	check_mss(at_start, sizeof(at_start), at_start_after, true);
	check_mss(odd, sizeof(odd), odd_after, true);
	check_mss(behind, sizeof(behind), behind_after, true);
}

static void the_mss_has_a_floor(void **state)
{
	static const struct {
		uint16_t from, to;
	} cases[] = {{SL_TCP_MSS_MIN + BY, SL_TCP_MSS_MIN},
		{SL_TCP_MSS_MIN + BY - 1, SL_TCP_MSS_MIN},
		{SL_TCP_MSS_MIN + BY + 1, SL_TCP_MSS_MIN + 1}, {SL_TCP_MSS_MIN, SL_TCP_MSS_MIN},
		{SL_TCP_MSS_MIN - 1, SL_TCP_MSS_MIN - 1}, {0, 0}, {65535, 65535 - BY}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t options[4] = {2, 4}, wanted[4] = {2, 4};

		wire_put16(options + 2, cases[i].from);
		wire_put16(wanted + 2, cases[i].to);
		check_mss(options, sizeof(options), wanted, true);
	}
}

static void without_an_mss_nothing_changes(void **state)
{
	static const uint8_t others[] = {1, 3, 3, 7, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1};
	static const uint8_t ended[] = {1, 0, 2, 4, 0x05, 0xb4, 1, 1}; /* behind the end */
	static const uint8_t short_one[] = {2, 3, 0x05, 1};

	check_mss(others, sizeof(others), others, false);
	check_mss(ended, sizeof(ended), ended, false);
	check_mss(short_one, sizeof(short_one), short_one, false);
	check_mss(others, 0, others, false);
}

static void options_that_cannot_be_are_let_be(void **state)
{
	static const uint8_t cases[][8] = {
		{2, 4, 5, 0xb4, 8, 0, 2, 4},    /* length 0 */
		{2, 4, 5, 0xb4, 8, 1, 2, 4},    /* length 1 */
		{2, 4, 5, 0xb4, 8, 5, 1, 1},    /* beyond the header */
		{2, 4, 5, 0xb4, 1, 1, 1, 2},    /* no length */
		{2, 4, 5, 0xb4, 5, 255, 1, 1},  /* SACK beyond the header */
		{2, 4, 5, 0xb4, 1, 1, 2, 4},    /* an MSS beyond the header */
		{2, 4, 5, 0xb4, 254, 3, 1, 99}, /* unknown */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wanted[8];

		memcpy(wanted, cases[i], sizeof(wanted));
		wanted[3] = 0x94;
		check_mss(cases[i], sizeof(wanted), wanted, true);
	}
}

static void sequence_numbers_wrap(void **state)
{
	struct segment s = segment(6, NULL, 0);

	sl_tcp_shift_seq(s.tcp, BY);
	assert_int_equal(wire_get32(s.tcp + 4), SEQ + BY);
	assert_int_equal(wire_get32(s.tcp + 8), ACK);
	finish(&s);
}

static void put_sack(uint8_t *at, const uint32_t *edges, unsigned blocks)
{
	at[0] = 5;
	at[1] = (uint8_t)(2 + 8 * blocks);
	for (unsigned i = 0; i < 2 * blocks; i++)
		wire_put32(at + 2 + 4 * i, edges[i]);
}

static void all_sack_edges_follow(void **state)
{
	static const uint32_t edges[] = {
		ACK + 100, ACK + 200, ACK + 300, ACK + 400, ACK + 500, ACK + 600, 3, 40};

	for (unsigned blocks = 1; blocks <= 4; blocks++) {
		for (unsigned at = 0; at < 3; at++) { /* odd places, too */
			uint8_t options[40];
			struct segment s;

			memset(options, 1, sizeof(options));
			put_sack(options + at, edges, blocks);
			s = segment(4, options, sizeof(options));
			sl_tcp_shift_ack(s.tcp, s.header, BY, NULL);
			assert_int_equal(wire_get32(s.tcp + 4), SEQ);
			assert_int_equal(wire_get32(s.tcp + 8), ACK - BY);
			for (unsigned i = 0; i < 2 * blocks; i++)
				assert_int_equal(
					wire_get32(s.tcp + TCP + at + 2 + 4 * i), edges[i] - BY);
			finish(&s);
		}
	}
}

/* The other end has part of what we put in: the receiver, which sent none of it, must not see. */
static void nothing_goes_below_the_floor(void **state)
{
	const uint32_t floor = ACK - 10, edges[] = {ACK + 2, ACK + 22, ACK + 22, ACK + 30};
	uint8_t options[20] = {1, 1};
	struct segment s;

	put_sack(options + 2, edges, 2);
	s = segment(4, options, sizeof(options));
	sl_tcp_shift_ack(s.tcp, s.header, BY, &floor);
	assert_int_equal(wire_get32(s.tcp + 8), floor);
	assert_int_equal(wire_get32(s.tcp + TCP + 4), floor);
	assert_int_equal(wire_get32(s.tcp + TCP + 8), floor);
	assert_int_equal(wire_get32(s.tcp + TCP + 12), floor);
	assert_int_equal(wire_get32(s.tcp + TCP + 16), ACK + 30 - BY);
	finish(&s);
}

static void a_segment_without_ack_has_none(void **state)
{
	struct segment s = segment(4, NULL, 0);

	s.tcp[13] = SL_TCP_RST;
	sl_tcp_shift_ack(s.tcp, s.header, BY, NULL);
	assert_int_equal(wire_get32(s.tcp + 8), ACK);
	free(s.memory);
}

static void sack_of_an_odd_length_is_tolerated(void **state)
{
	uint8_t options[12] = {5, 11, 0, 0, 1, 0, 0, 0, 1, 50, 0x66, 1};
	struct segment s = segment(4, options, sizeof(options));

	sl_tcp_shift_ack(s.tcp, s.header, BY, NULL);
	assert_int_equal(wire_get32(s.tcp + TCP + 2), 0x100 - BY);
	assert_int_equal(wire_get32(s.tcp + TCP + 6), 0x132 - BY);
	assert_int_equal(s.tcp[TCP + 10], 0x66);
	finish(&s);
}

static void check_toa(uint8_t family, const uint8_t *options, uint8_t n, const uint8_t *wanted)
{
	uint8_t client_family = family == 4 ? 6 : 4; /* the option's family is the client's */
	union sl_ip client = wire_ip(client_family, 77);
	unsigned length = sl_toa_length(client_family);
	struct segment s = segment(family, options, n);
	uint8_t payload[15], *start = s.frame - length, *tcp = s.tcp - length;
	struct sl_parsed before = s.p, after;

	memcpy(payload, s.tcp + s.header, sizeof(payload));
	if (s.header + length > 60) {
		uint8_t copy[WIRE_MAX];

		memcpy(copy, s.frame, s.length);
		assert_false(
			sl_tcp_add_toa(s.frame, &s.p, client_family, &client, RTE_BE16(0x1234)));
		assert_memory_equal(copy, s.frame, s.length);
		assert_memory_equal(&before, &s.p, sizeof(before));
		finish(&s);
		return;
	}
	assert_true(sl_tcp_add_toa(s.frame, &s.p, client_family, &client, RTE_BE16(0x1234)));
	assert_null(wire_wrong(start, s.length + length));
	after = wire_parsed(start, s.length + length);
	assert_memory_equal(&after, &s.p, sizeof(after));
	assert_int_equal(s.p.payload, before.payload);
	assert_int_equal((tcp[12] >> 4) * 4, s.header + length);
	assert_memory_equal(tcp + TCP, wanted, n);
	assert_int_equal(tcp[s.header], 254);
	assert_int_equal(tcp[s.header + 1], length);
	assert_int_equal(wire_get16(tcp + s.header + 2), 0x1234);
	assert_memory_equal(tcp + s.header + 4, client.bytes, length - 4);
	assert_memory_equal(tcp + s.header + length, payload, sizeof(payload));
	free(s.memory);
}

static void toa_comes_behind_the_others(void **state)
{
	static const uint8_t timestamps[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t ended[] = {3, 3, 7, 0, 9, 9, 9, 9};
	static const uint8_t ended_after[] = {3, 3, 7, 1, 1, 1, 1, 1};
	static const uint8_t broken[] = {8, 99, 1, 1};
	uint8_t nops[40];

	assert_int_equal(sl_toa_length(4), 8);
	assert_int_equal(sl_toa_length(6), 20);
	memset(nops, 1, sizeof(nops));
	for (uint8_t family = 4; family <= 6; family += 2) {
		check_toa(family, timestamps, sizeof(timestamps), timestamps);
		check_toa(family, ended, sizeof(ended), ended_after);
		check_toa(family, broken, sizeof(broken), broken);
		for (uint8_t n = 0; n <= 40; n += 4)
			check_toa(family, nops, n, nops);
	}
}

/* Any options at all: nothing is read or written beyond the header, and the checksum holds. */
static void random_options_do_no_harm(void **state)
{
	static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 5, 8, 254};
	union sl_ip client = wire_ip(6, 9);
	struct sl_rand rand;

	sl_rand_seed(&rand, 3);
	for (int i = 0; i < 20000; i++) {
		uint8_t options[40], payload[15];
		uint8_t n = (uint8_t)(4 * sl_rand_below(&rand, 11));
		struct segment s;

		for (uint8_t k = 0; k < n; k++)
			options[k] = sl_rand_below(&rand, 2) ? (uint8_t)sl_rand_below(&rand, 12)
							     : kinds[sl_rand_below(&rand, 9)];
		s = segment(4, options, n);
		memcpy(payload, s.tcp + s.header, sizeof(payload));
		sl_tcp_lower_mss(s.tcp, s.header, BY);
		sl_tcp_shift_ack(s.tcp, s.header, BY, NULL);
		assert_memory_equal(payload, s.tcp + s.header, sizeof(payload));
		assert_null(wire_wrong(s.frame, s.length));
		if (sl_tcp_add_toa(s.frame, &s.p, 6, &client, 0))
			assert_null(wire_wrong(s.frame - 20, s.length + 20));
		free(s.memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mss_is_lowered_wherever_it_lies),
		cmocka_unit_test(the_mss_has_a_floor),
		cmocka_unit_test(without_an_mss_nothing_changes),
		cmocka_unit_test(options_that_cannot_be_are_let_be),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(all_sack_edges_follow),
		cmocka_unit_test(nothing_goes_below_the_floor),
		cmocka_unit_test(a_segment_without_ack_has_none),
		cmocka_unit_test(sack_of_an_odd_length_is_tolerated),
		cmocka_unit_test(toa_comes_behind_the_others),
		cmocka_unit_test(random_options_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
