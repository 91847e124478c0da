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
#include "lb/datagram.h"
#include "lb/worker.h"

#define SECOND   SL_NS_PER_S
#define PORT     RTE_BE16(40000)
#define DST_PORT RTE_BE16(53)
#define MBUFS    8192

static const uint64_t seed[2] = {1, 2};

/* A table and buffers without data: the table looks at their private area only. */
struct bench {
	struct sl_datagrams *d;
	struct {
		struct rte_mbuf mbuf;
		struct sl_mbuf_meta meta;
	} * buffers;
	uint64_t now;
	enum sl_drop reason; /* of the last one that was dropped */
};

static void open_bench(struct bench *b)
{
	void *memory = aligned_alloc(64, RTE_ALIGN_CEIL(sl_datagrams_bytes(), 64));

	assert_non_null(memory);
	*b = (struct bench){.d = sl_datagrams_open(memory, seed), .now = 1000 * SECOND};
	b->buffers = calloc(MBUFS, sizeof(*b->buffers));
	assert_non_null(b->buffers);
}

static void close_bench(struct bench *b)
{
	free(b->buffers);
	free(b->d);
}

static struct rte_mbuf *mbuf(struct bench *b, unsigned n)
{
	memset(&b->buffers[n].meta, 0, sizeof(b->buffers[n].meta));
	return &b->buffers[n].mbuf;
}

static const struct sl_mbuf_meta *meta(const struct bench *b, unsigned n)
{
	return &b->buffers[n].meta;
}

/* Bytes `from` to `to` of a datagram. */
static struct sl_parsed piece(uint8_t family, uint32_t id, uint32_t from, uint32_t to, bool more)
{
	struct sl_parsed p = {
		.family = family,
		.protocol = IPPROTO_UDP,
		.l3_offset = 14,
		.fragment_offset = (uint16_t)from,
		.fragment_id = id,
		.more_fragments = more,
	};
	uint32_t header = family == 6 ? 48 : 20;

	p.src.bytes[0] = 1;
	p.dst.bytes[3] = 2;
	p.l4_offset = (uint16_t)(14 + header);
	p.fragment_header = family == 6 ? 14 + 40 : 0;
	p.l3_length = (uint16_t)(header + to - from);
	if (from == 0) {
		p.has_l4 = true;
		p.src_port = PORT;
		p.dst_port = DST_PORT;
	}
	return p;
}

static enum sl_datagram_verdict add(struct bench *b, const struct sl_parsed *p, unsigned n)
{
	return sl_datagrams_add(b->d, p, mbuf(b, n), b->now, &b->reason);
}

static enum sl_datagram_verdict
add_piece(struct bench *b, uint32_t id, uint32_t from, uint32_t to, bool more, unsigned n)
{
	struct sl_parsed p = piece(4, id, from, to, more);

	return add(b, &p, n);
}

static void assert_dropped(
	struct bench *b, uint32_t id, uint32_t from, uint32_t to, bool more, enum sl_drop reason)
{
	assert_int_equal(add_piece(b, id, from, to, more, 99), SL_DATAGRAM_DROP);
	assert_int_equal(b->reason, reason);
}

static void assert_known(const struct bench *b, unsigned n)
{
	assert_int_equal(meta(b, n)->fragment, SL_FRAGMENT_KNOWN);
	assert_int_equal(meta(b, n)->protocol, IPPROTO_UDP);
	assert_int_equal(meta(b, n)->src_port, PORT);
	assert_int_equal(meta(b, n)->dst_port, DST_PORT);
}

static unsigned number_of(const struct bench *b, const struct rte_mbuf *m)
{
	return (unsigned)(((uintptr_t)m - (uintptr_t)b->buffers) / sizeof(b->buffers[0]));
}

static unsigned take(struct bench *b, unsigned *numbers, unsigned max)
{
	struct rte_mbuf *mbufs[SL_WAITING];
	unsigned n = sl_datagrams_take(b->d, mbufs, max);

	for (unsigned i = 0; i < n; i++)
		numbers[i] = number_of(b, mbufs[i]);
	return n;
}

static void assert_counts(const struct bench *b, unsigned datagrams, unsigned waiting)
{
	struct sl_datagrams_count count = sl_datagrams_count(b->d);

	assert_int_equal(count.datagrams, datagrams);
	assert_int_equal(count.waiting, waiting);
}

static void in_order_each_goes_at_once(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct bench b;

		open_bench(&b);
		for (unsigned i = 0; i < 5; i++) {
			struct sl_parsed p = piece(family, 7, i * 1480, i * 1480 + 1480, i < 4);

			assert_int_equal(add(&b, &p, i), SL_DATAGRAM_GO);
			assert_known(&b, i);
		}
		assert_counts(&b, 0, 0); /* complete: nothing is left of it */
		close_bench(&b);
	}
}

static void whoever_comes_before_the_first_waits(void **state)
{
	struct bench b;
	unsigned numbers[8];

	open_bench(&b);
	assert_int_equal(add_piece(&b, 7, 2960, 3000, false, 0), SL_DATAGRAM_WAIT);
	assert_int_equal(add_piece(&b, 7, 1480, 2960, true, 1), SL_DATAGRAM_WAIT);
	assert_int_equal(take(&b, numbers, 8), 0);
	assert_counts(&b, 1, 2);
	assert_int_equal(add_piece(&b, 7, 0, 1480, true, 2), SL_DATAGRAM_GO);
	assert_known(&b, 2);
	assert_int_equal(take(&b, numbers, 1), 1);
	assert_int_equal(numbers[0], 0);
	assert_int_equal(take(&b, numbers, 8), 1);
	assert_int_equal(numbers[0], 1);
	assert_known(&b, 0);
	assert_known(&b, 1);
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

/* Any order, several datagrams at once: all come through, each with its own ports. */
static void any_order_will_do(void **state)
{
	enum { DATAGRAMS = 20, PIECES = 12 };
	struct sl_rand rand;

	sl_rand_seed(&rand, 5);
	for (int round = 0; round < 50; round++) {
		unsigned order[DATAGRAMS * PIECES], went = 0, numbers[SL_WAITING];
		struct bench b;

		open_bench(&b);
		for (unsigned i = 0; i < DATAGRAMS * PIECES; i++) {
			unsigned k = (unsigned)sl_rand_below(&rand, i + 1);

			order[i] = order[k];
			order[k] = i;
		}
		for (unsigned i = 0; i < DATAGRAMS * PIECES; i++) {
			unsigned id = order[i] / PIECES, at = order[i] % PIECES;
			struct sl_parsed p = piece(
				round % 2 ? 6 : 4, id, at * 24, at * 24 + 24, at < PIECES - 1);

			if (at == 0)
				p.src_port = (rte_be16_t)(1000 + id);
			went += add(&b, &p, order[i]) == SL_DATAGRAM_GO;
		}
		went += take(&b, numbers, SL_WAITING);
		assert_int_equal(went, DATAGRAMS * PIECES);
		for (unsigned i = 0; i < DATAGRAMS * PIECES; i++) {
			assert_int_equal(meta(&b, i)->fragment, SL_FRAGMENT_KNOWN);
			assert_int_equal(meta(&b, i)->src_port, 1000 + i / PIECES);
		}
		assert_counts(&b, 0, 0);
		close_bench(&b);
	}
}

static void all_of_the_key_counts(void **state)
{
	struct sl_parsed first = piece(4, 1, 0, 16, true), others[5];
	struct bench b;

	open_bench(&b);
	assert_int_equal(add(&b, &first, 0), SL_DATAGRAM_GO);
	for (unsigned i = 0; i < 5; i++)
		others[i] = piece(4, 1, 16, 32, true);
	others[0].src.bytes[3] ^= 1;
	others[1].dst.bytes[0] ^= 1;
	others[2].fragment_id = 2;
	others[3].protocol = IPPROTO_TCP;
	others[3].fragment_offset = 24;
	others[4] = piece(6, 1, 16, 32, true);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(add(&b, &others[i], i), SL_DATAGRAM_WAIT);
	assert_counts(&b, 6, 5);
	close_bench(&b);
}

/* Of an IPv6 datagram the first fragment alone says the protocol, behind more headers. */
static void ipv6_goes_by_the_identification(void **state)
{
	struct sl_parsed first = piece(6, 9, 0, 40, true), second = piece(6, 9, 40, 60, false);
	struct bench b;

	open_bench(&b);
	first.l4_offset += 8; /* destination options: a part of the datagram's 40 bytes */
	second.protocol = IPPROTO_DSTOPTS;
	assert_int_equal(add(&b, &second, 1), SL_DATAGRAM_WAIT);
	assert_int_equal(add(&b, &first, 0), SL_DATAGRAM_GO);
	assert_known(&b, 1);
	close_bench(&b);
}

static void lengths_that_cannot_be(void **state)
{
	struct sl_parsed p;
	struct bench b;

	open_bench(&b);
	assert_dropped(&b, 1, 0, 0, true, SL_DROP_FRAGMENT_LENGTH);
	assert_dropped(&b, 1, 16, 16, false, SL_DROP_FRAGMENT_LENGTH);
	assert_dropped(&b, 1, 16, 31, true, SL_DROP_FRAGMENT_LENGTH);
	assert_dropped(&b, 1, 65512, 65516, false, SL_DROP_FRAGMENT_LENGTH); /* and a header */
	assert_int_equal(add_piece(&b, 1, 65512, 65515, false, 0), SL_DATAGRAM_WAIT);
	assert_dropped(&b, 2, 65528, 65600, false, SL_DROP_FRAGMENT_LENGTH);
	p = piece(6, 3, 65528, 65535, false); /* its length field does not count the header */
	assert_int_equal(add(&b, &p, 1), SL_DATAGRAM_WAIT);
	p = piece(6, 4, 65528, 65536, false);
	assert_int_equal(add(&b, &p, 2), SL_DATAGRAM_DROP);
	p = piece(6, 5, 65528, 65535, false); /* but other headers in front */
	p.fragment_header += 8;
	p.l4_offset += 8;
	p.l3_length += 8;
	assert_int_equal(add(&b, &p, 3), SL_DATAGRAM_DROP);
	assert_int_equal(b.reason, SL_DROP_FRAGMENT_LENGTH);
	close_bench(&b);
}

static void tiny_fragments(void **state)
{
	struct sl_parsed p = piece(4, 1, 0, 16, true);
	struct bench b;

	open_bench(&b);
	p.has_l4 = false;
	assert_int_equal(add(&b, &p, 0), SL_DATAGRAM_DROP);
	assert_int_equal(b.reason, SL_DROP_FRAGMENT_TINY);
	for (unsigned offset = 8; offset <= 32; offset += 8) {
		p = piece(4, 1, offset, offset + 8, true);
		p.protocol = IPPROTO_TCP;
		assert_int_equal(add(&b, &p, 0), offset < 20 ? SL_DATAGRAM_DROP : SL_DATAGRAM_WAIT);
		p.protocol = IPPROTO_UDP;
		assert_int_equal(add(&b, &p, 1), SL_DATAGRAM_WAIT);
	}
	close_bench(&b);
}

/* Each way in which two ranges can overlap; the whole datagram suffers for a second. */
static void overlaps_spoil_a_datagram(void **state)
{
	static const struct {
		uint32_t from, to;
		bool more;
	} cases[] = {
		{16, 40, true}, {56, 80, true}, {24, 72, true}, {32, 80, true}, {24, 64, true},
		{40, 48, false}, /* its end, before what has come */
		{88, 90, false}, /* another end */
		{96, 104, true}, /* behind the end */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned numbers[4];
		struct bench b;

		open_bench(&b);
		assert_int_equal(add_piece(&b, 1, 32, 64, true, 0), SL_DATAGRAM_WAIT);
		assert_int_equal(add_piece(&b, 1, 80, 84, false, 1), SL_DATAGRAM_WAIT);
		assert_dropped(
			&b, 1, cases[i].from, cases[i].to, cases[i].more, SL_DROP_FRAGMENT_OVERLAP);
		assert_int_equal(take(&b, numbers, 4), 2);
		assert_int_equal(meta(&b, 0)->fragment, SL_FRAGMENT_OVER);
		assert_int_equal(meta(&b, 0)->drop, SL_DROP_FRAGMENT_OVERLAP);
		assert_int_equal(meta(&b, 1)->drop, SL_DROP_FRAGMENT_OVERLAP);
		assert_dropped(&b, 1, 0, 32, true, SL_DROP_FRAGMENT_OVERLAP);
		b.now += SECOND;
		assert_int_equal(add_piece(&b, 1, 0, 32, true, 2), SL_DATAGRAM_GO);
		close_bench(&b);
	}
}

static void a_duplicate_harms_nobody(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_int_equal(add_piece(&b, 1, 0, 32, true, 0), SL_DATAGRAM_GO);
	assert_int_equal(add_piece(&b, 1, 32, 64, true, 1), SL_DATAGRAM_GO);
	assert_dropped(&b, 1, 0, 32, true, SL_DROP_FRAGMENT_DUPLICATE);
	assert_dropped(&b, 1, 32, 64, true, SL_DROP_FRAGMENT_DUPLICATE);
	assert_dropped(&b, 1, 16, 48, true, SL_DROP_FRAGMENT_DUPLICATE);
	assert_int_equal(add_piece(&b, 1, 64, 70, false, 2), SL_DATAGRAM_GO);
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

/* A sender that has used all identifications begins again, while one of them was left incomplete.
 */
static void an_old_one_makes_way_for_a_new_one(void **state)
{
	struct sl_parsed p = piece(4, 1, 0, 32, true);
	struct bench b;

	open_bench(&b);
	assert_int_equal(add(&b, &p, 0), SL_DATAGRAM_GO);
	b.now += SECOND - 1;
	assert_int_equal(add(&b, &p, 1), SL_DATAGRAM_DROP);
	b.now += 1;
	p.src_port = RTE_BE16(777);
	assert_int_equal(add(&b, &p, 2), SL_DATAGRAM_GO);
	assert_int_equal(add_piece(&b, 1, 32, 40, false, 3), SL_DATAGRAM_GO);
	assert_int_equal(meta(&b, 3)->src_port, RTE_BE16(777));
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

static void nobody_waits_longer_than_a_second(void **state)
{
	unsigned numbers[4];
	struct bench b;

	open_bench(&b);
	assert_int_equal(add_piece(&b, 1, 32, 64, true, 0), SL_DATAGRAM_WAIT);
	b.now += SECOND / 2;
	assert_int_equal(add_piece(&b, 2, 32, 64, true, 1), SL_DATAGRAM_WAIT);
	b.now += SECOND / 2;
	sl_datagrams_expire(b.d, b.now, 16);
	assert_int_equal(take(&b, numbers, 4), 1);
	assert_int_equal(numbers[0], 0);
	assert_int_equal(meta(&b, 0)->fragment, SL_FRAGMENT_OVER);
	assert_int_equal(meta(&b, 0)->drop, SL_DROP_FRAGMENT_TIMEOUT);
	assert_counts(&b, 1, 1);
	/* Also when nobody swept, but the first fragment comes late. */
	b.now += SECOND;
	assert_int_equal(add_piece(&b, 2, 0, 32, true, 2), SL_DATAGRAM_GO);
	assert_int_equal(take(&b, numbers, 4), 1);
	assert_int_equal(meta(&b, 1)->drop, SL_DROP_FRAGMENT_TIMEOUT);
	close_bench(&b);
}

static void a_known_one_lives_half_a_minute(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_int_equal(add_piece(&b, 1, 0, 32, true, 0), SL_DATAGRAM_GO);
	b.now += SL_DATAGRAM_LIFE_NS - 1;
	sl_datagrams_expire(b.d, b.now, 16);
	assert_counts(&b, 1, 0);
	assert_int_equal(add_piece(&b, 1, 32, 64, true, 1), SL_DATAGRAM_GO);
	b.now += 1;
	sl_datagrams_expire(b.d, b.now, 16);
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

static void expiry_is_done_in_slices(void **state)
{
	struct bench b;

	open_bench(&b);
	for (uint32_t id = 0; id < 100; id++)
		add_piece(&b, id, 0, 32, true, 0);
	b.now += SL_DATAGRAM_LIFE_NS;
	for (unsigned left = 100; left > 0; left -= 10) {
		assert_counts(&b, left, 0);
		sl_datagrams_expire(b.d, b.now, 10);
	}
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

static void a_flood_of_first_fragments_is_bounded(void **state)
{
	struct bench b;

	open_bench(&b);
	for (uint32_t id = 0; id < 10 * SL_DATAGRAMS; id++) {
		b.now++;
		assert_int_equal(add_piece(&b, id, 0, 32, true, 0), SL_DATAGRAM_GO);
		if (id % 1000 != 0)
			continue;
		/* A datagram amid the flood comes through. */
		assert_int_equal(add_piece(&b, id | 1u << 31, 0, 32, true, 1), SL_DATAGRAM_GO);
		assert_int_equal(add_piece(&b, id | 1u << 31, 32, 40, false, 2), SL_DATAGRAM_GO);
	}
	assert_counts(&b, SL_DATAGRAMS, 0);
	close_bench(&b);
}

/* Fragments whose first never comes hold no more buffers than they may; the oldest give way. */
static void a_flood_of_other_fragments_is_bounded(void **state)
{
	unsigned numbers[SL_BURST], waited = 0, refused = 0, given_up = 0;
	struct bench b;

	open_bench(&b);
	for (uint32_t id = 0; id < MBUFS; id++) {
		b.now++;
		if (add_piece(&b, id, 32, 40, true, id) == SL_DATAGRAM_WAIT)
			waited++;
		else
			refused++;
		if (id % SL_BURST == 0) { /* a poll */
			unsigned n = take(&b, numbers, SL_BURST);

			for (unsigned i = 0; i < n; i++)
				assert_int_equal(
					meta(&b, numbers[i])->drop, SL_DROP_FRAGMENT_LIMIT);
			given_up += n;
		}
		assert_true(sl_datagrams_count(b.d).waiting <= SL_WAITING);
	}
	assert_int_equal(refused, 0);
	assert_int_equal(waited - given_up, sl_datagrams_count(b.d).waiting);
	/* And one that comes now waits, and goes when its first has come. */
	assert_int_equal(add_piece(&b, MBUFS, 32, 40, false, 0), SL_DATAGRAM_WAIT);
	assert_int_equal(add_piece(&b, MBUFS, 0, 32, true, 1), SL_DATAGRAM_GO);
	assert_known(&b, 0);
	close_bench(&b);
}

static void one_datagram_holds_no_more_than_its_share(void **state)
{
	struct bench b;

	open_bench(&b);
	for (unsigned i = 0; i < SL_DATAGRAM_WAITING; i++)
		assert_int_equal(
			add_piece(&b, 1, 32 + 8 * i, 40 + 8 * i, true, i), SL_DATAGRAM_WAIT);
	assert_dropped(&b, 1, 32 + 8 * SL_DATAGRAM_WAITING, 40 + 8 * SL_DATAGRAM_WAITING, true,
		SL_DROP_FRAGMENT_LIMIT);
	close_bench(&b);
}

static void ranges_are_bounded(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_int_equal(add_piece(&b, 1, 0, 8, true, 0), SL_DATAGRAM_GO);
	for (unsigned i = 1; i < SL_DATAGRAM_RANGES; i++)
		assert_int_equal(add_piece(&b, 1, 16 * i, 16 * i + 8, true, i), SL_DATAGRAM_GO);
	assert_dropped(&b, 1, 4096, 4104, true, SL_DROP_FRAGMENT_LIMIT);
	/* What fills a gap needs no range: all gaps closed, the datagram is complete. */
	for (unsigned i = 0; i < SL_DATAGRAM_RANGES; i++)
		assert_int_equal(
			add_piece(&b, 1, 16 * i + 8, 16 * i + 16, i + 1 < SL_DATAGRAM_RANGES, 0),
			SL_DATAGRAM_GO);
	assert_counts(&b, 0, 0);
	close_bench(&b);
}

/* Whatever comes: nothing leaks, and what was kept comes out once. */
static void random_fragments_leave_nothing_behind(void **state)
{
	uint8_t *out = calloc(MBUFS, 1);
	unsigned numbers[SL_BURST], next = 0;
	struct sl_rand rand;
	struct bench b;

	open_bench(&b);
	sl_rand_seed(&rand, 6);
	for (int i = 0; i < 300000; i++) {
		uint32_t from = 8 * (uint32_t)sl_rand_below(&rand, 12);
		uint32_t to = from + 8 * (uint32_t)(1 + sl_rand_below(&rand, 4));
		struct sl_parsed p = piece(sl_rand_below(&rand, 2) ? 4 : 6,
			(uint32_t)sl_rand_below(&rand, 6000), from, to, sl_rand_below(&rand, 4));

		b.now += sl_rand_below(&rand, SECOND / 1000);
		for (; out[next] == 1; next = (next + 1) % MBUFS)
			;
		out[next] = add(&b, &p, next) == SL_DATAGRAM_WAIT;
		next = (next + 1) % MBUFS;
		if (i % 7 == 0)
			sl_datagrams_expire(b.d, b.now, 4);
		for (unsigned k = i % 5 == 0 ? take(&b, numbers, SL_BURST) : 0; k > 0; k--) {
			assert_int_equal(out[numbers[k - 1]], 1);
			assert_int_not_equal(meta(&b, numbers[k - 1])->fragment, SL_FRAGMENT_NONE);
			out[numbers[k - 1]] = 0;
		}
	}
	b.now += SL_DATAGRAM_LIFE_NS;
	sl_datagrams_expire(b.d, b.now, SL_DATAGRAMS);
	for (unsigned k; (k = take(&b, numbers, SL_BURST)) > 0;) {
		for (; k > 0; k--)
			out[numbers[k - 1]] = 0;
	}
	for (unsigned i = 0; i < MBUFS; i++)
		assert_int_equal(out[i], 0);
	assert_counts(&b, 0, 0);
	free(out);
	close_bench(&b);
}

static void all_fragments_of_a_datagram_go_to_one_worker(void **state)
{
	unsigned seen[8] = {0};
	struct bench b;

	open_bench(&b);
	for (uint32_t id = 0; id < 8000; id++) {
		struct sl_parsed first = piece(6, id, 0, 32, true),
				 next = piece(6, id, 32, 40, false);
		unsigned worker = sl_datagram_worker(b.d, &first, 8);

		next.protocol = IPPROTO_DSTOPTS;
		assert_int_equal(sl_datagram_worker(b.d, &next, 8), worker);
		seen[worker]++;
	}
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(seen[i], 800, 1200);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_each_goes_at_once),
		cmocka_unit_test(whoever_comes_before_the_first_waits),
		cmocka_unit_test(any_order_will_do),
		cmocka_unit_test(all_of_the_key_counts),
		cmocka_unit_test(ipv6_goes_by_the_identification),
		cmocka_unit_test(lengths_that_cannot_be),
		cmocka_unit_test(tiny_fragments),
		cmocka_unit_test(overlaps_spoil_a_datagram),
		cmocka_unit_test(a_duplicate_harms_nobody),
		cmocka_unit_test(an_old_one_makes_way_for_a_new_one),
		cmocka_unit_test(nobody_waits_longer_than_a_second),
		cmocka_unit_test(a_known_one_lives_half_a_minute),
		cmocka_unit_test(expiry_is_done_in_slices),
		cmocka_unit_test(a_flood_of_first_fragments_is_bounded),
		cmocka_unit_test(a_flood_of_other_fragments_is_bounded),
		cmocka_unit_test(one_datagram_holds_no_more_than_its_share),
		cmocka_unit_test(ranges_are_bounded),
		cmocka_unit_test(random_fragments_leave_nothing_behind),
		cmocka_unit_test(all_fragments_of_a_datagram_go_to_one_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
