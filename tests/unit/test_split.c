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

#include "io/bare.h"
#include "lb/engine.h"
#include "lb/split.h"
#include "wire.h"

#define WORKERS 3

static struct sl_engine engine = {.n_workers = WORKERS};

/* A worker that has nothing but lists, and buffers on the heap. */
struct bench {
	struct sl_worker *w;
	unsigned buffers; /* that alloc() still gives out */
	struct rte_mbuf *mbuf;
	struct sl_parsed p;
	struct rte_mbuf *out[SL_SPLIT_MAX];
	unsigned n;
};

static struct rte_mbuf *give(void *arg)
{
	struct bench *b = arg;

	if (b->buffers == 0)
		return NULL;
	b->buffers--;
	return sl_bare_new("", 0, SL_MBUF_PRIV);
}

static void open_bench(struct bench *b)
{
	*b = (struct bench){.buffers = 1000};
	b->w = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*b->w), 64));
	assert_non_null(b->w);
	memset(b->w, 0, sizeof(*b->w));
	b->w->engine = &engine;
	b->w->index = 1;
	b->w->alloc = give;
	b->w->alloc_arg = b;
}

static void cut(struct bench *b, const uint8_t *frame, size_t length, uint16_t mtu)
{
	b->mbuf = sl_bare_new(frame, length, SL_MBUF_PRIV);
	assert_non_null(b->mbuf);
	b->p = wire_parsed(frame, length);
	b->n = sl_split(b->w, b->mbuf, &b->p, mtu, b->out);
}

static void free_pieces(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++)
		sl_bare_free(b->out[i]);
	for (unsigned i = 0; i < b->w->freed.n; i++)
		sl_bare_free(b->w->freed.pkts[i]);
	b->w->freed.n = 0;
	b->n = 0;
}

static void close_bench(struct bench *b)
{
	free_pieces(b);
	free(b->w);
}

static struct wire sample_of(uint8_t family, uint16_t payload, uint8_t options)
{
	return (struct wire){.family = family,
		.protocol = IPPROTO_UDP,
		.n_src = 1,
		.n_dst = 2,
		.src_port = 40000,
		.dst_port = 53,
		.id = 0x4242,
		.tos = 0x28,
		.ttl = 9,
		.ip_options = options,
		.payload = payload};
}

static struct wire sample(uint16_t payload, uint8_t options)
{
	return sample_of(4, payload, options);
}

/* Where that begins which is cut. */
static size_t data_of(const struct sl_parsed *p)
{
	if (p->fragment_header != 0)
		return p->fragment_header + 8u;
	return p->family == 6 ? WIRE_ETHER + 40u : p->l4_offset;
}

/* Of the packet that was cut, or of our own. */
static void check_id(const struct sl_parsed *whole, const struct sl_parsed *piece)
{
	if (whole->family == 6 && whole->fragment_header == 0)
		assert_int_equal(rte_be_to_cpu_32(piece->fragment_id), 7 * WORKERS + 1);
	else
		assert_int_equal(piece->fragment_id, whole->fragment_id);
}

/* Each piece is a packet by itself; together they are what was cut. */
static void check(const uint8_t *frame, size_t length, uint16_t mtu)
{
	uint8_t together[WIRE_MAX];
	struct sl_parsed whole = wire_parsed(frame, length);
	size_t payload = WIRE_ETHER + whole.l3_length - data_of(&whole), at = 0;
	struct bench b;

	open_bench(&b);
	b.w->ip_id = 7;
	cut(&b, frame, length, mtu);
	assert_true(b.n > 1);
	assert_ptr_equal(b.out[0], b.mbuf);
	for (unsigned i = 0; i < b.n; i++) {
		const uint8_t *piece = rte_pktmbuf_mtod(b.out[i], uint8_t *);
		struct sl_parsed p = wire_parsed(piece, b.out[i]->data_len);
		size_t n = WIRE_ETHER + p.l3_length - data_of(&p);

		assert_null(wire_wrong(piece, b.out[i]->data_len));
		assert_memory_equal(piece, frame, WIRE_ETHER);
		assert_int_equal(b.out[i]->data_len, WIRE_ETHER + p.l3_length);
		assert_int_equal(b.out[i]->pkt_len, b.out[i]->data_len);
		assert_true(p.l3_length <= mtu);
		assert_int_equal(p.fragment_offset, whole.fragment_offset + at);
		assert_int_equal(p.more_fragments, i + 1 < b.n || whole.more_fragments);
		check_id(&whole, &p);
		assert_int_equal(p.ttl, 9);
		assert_int_equal(p.tos, 0x28);
		assert_false(p.family == 4 && p.dont_fragment);
		/* As few as will do: none but the last has room for 8 bytes more. */
		if (i + 1 < b.n)
			assert_true(p.l3_length + 8 > mtu);
		memcpy(together + at, piece + data_of(&p), n);
		at += n;
	}
	assert_int_equal(at, payload);
	assert_memory_equal(together, frame + data_of(&whole), payload);
	close_bench(&b);
}

static void check_sizes(const struct wire *w, uint16_t headers, uint16_t mtu)
{
	for (uint16_t payload = (uint16_t)(mtu - headers + 1); payload < 1400; payload += 53) {
		struct wire one = *w;
		uint8_t frame[WIRE_MAX];
		size_t length;

		one.payload = payload;
		length = wire_write(&one, frame);
		if (payload / (mtu - headers) < SL_SPLIT_MAX - 4)
			check(frame, length, mtu);
	}
}

static void together_they_are_the_packet(void **state)
{
	static const uint16_t mtus[] = {68, 75, 296, 576, 1000, 1280};
	struct wire v4 = sample(0, 0), v6 = sample_of(6, 0, 0), options = sample_of(6, 0, 16);

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		check_sizes(&v4, 28, mtus[i]);
		if (mtus[i] < 100)
			continue;
		check_sizes(&v6, 48, mtus[i]);
		check_sizes(&options, 64, mtus[i]); /* for the destination: cut, too */
	}
}

static void a_fragment_is_cut_again(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wire w = sample_of(family, 1400, 0);
		uint8_t whole[WIRE_MAX], piece[WIRE_MAX];

		wire_write(&w, whole);
		for (size_t at = 0; at < 1400; at += 704) {
			size_t n = at + 704 < 1408 ? 704 : 1408 - at;

			check(piece, wire_cut(whole, at, n, 77, piece), 300);
		}
	}
}

/* It is the sender's no longer. */
static void dont_fragment_is_cleared(void **state)
{
	struct wire w = sample(1000, 0);
	uint8_t frame[WIRE_MAX];
	size_t length;
	struct bench b;

	w.dont_fragment = true;
	length = wire_write(&w, frame);
	check(frame, length, 600);
	open_bench(&b);
	cut(&b, frame, length, 1500);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.out[0]->data_len, length);
	assert_null(wire_wrong(rte_pktmbuf_mtod(b.out[0], uint8_t *), length));
	assert_int_equal(wire_get16(rte_pktmbuf_mtod(b.out[0], uint8_t *) + WIRE_ETHER + 6), 0);
	close_bench(&b);
}

/* What routers read is in each of them: options for every hop, a routing header that is over. */
static void headers_for_routers_are_in_each(void **state)
{
	static const uint8_t headers[32] = {[0] = 60,
		[2] = 1,
		4,
		[8] = 43,
		[10] = 1,
		4, /* hop, dst */
		[16] = 60,
		[18] = 4,
		[24] = IPPROTO_UDP,
		[26] = 1,
		4}; /* routing, dst */
	struct wire w = sample_of(6, 600, sizeof(headers));
	uint8_t frame[WIRE_MAX];
	size_t length = wire_write(&w, frame);
	struct bench b;

	frame[WIRE_ETHER + 6] = 0;
	memcpy(frame + WIRE_ETHER + 40, headers, sizeof(headers));
	open_bench(&b);
	cut(&b, frame, length, 400);
	assert_int_equal(b.n, 2);
	for (unsigned i = 0; i < b.n; i++) {
		const uint8_t *l3 = rte_pktmbuf_mtod(b.out[i], uint8_t *) + WIRE_ETHER;

		assert_null(wire_wrong(l3 - WIRE_ETHER, b.out[i]->data_len));
		assert_int_equal(l3[6], 0);
		assert_memory_equal(l3 + 40, headers, 16);
		assert_int_equal(l3[40 + 16], 44);
		assert_memory_equal(l3 + 40 + 17, headers + 17, 7);
		assert_int_equal(l3[40 + 24], 60);
		assert_int_equal(b.out[i]->data_len, WIRE_ETHER + (i == 0 ? 400 : 40 + 32 + 288));
	}
	close_bench(&b);
}

static void numbers_of_workers_differ(void **state)
{
	struct bench b;

	open_bench(&b);
	for (uint32_t i = 0; i < 3; i++) {
		b.w->index = 0;
		b.w->ip_id = UINT32_MAX - 1 + i;
		assert_int_equal(sl_split_id(b.w), (UINT32_MAX - 1 + i) * WORKERS);
		b.w->index = 2;
		b.w->ip_id = UINT32_MAX - 1 + i;
		assert_int_equal(sl_split_id(b.w), (UINT32_MAX - 1 + i) * WORKERS + 2);
	}
	close_bench(&b);
}

/* The first piece has all options, the others those whose copied bit says so (RFC 791). */
static void options_are_copied_as_they_say(void **state)
{
	static const uint8_t options[16] = {68, 8, 5, 0, 1, 2, 3, 4, 1, 148, 4, 0, 0, 0x86, 3,
		7}; /* timestamp, alert, another */
	static const uint8_t copied[8] = {148, 4, 0, 0, 0x86, 3, 7, 0};
	struct wire w = sample(200, sizeof(options));
	uint8_t frame[WIRE_MAX], *l3 = frame + WIRE_ETHER;
	size_t length = wire_write(&w, frame);
	struct bench b;

	memcpy(l3 + 20, options, sizeof(options));
	wire_repair(frame, length);
	open_bench(&b);
	cut(&b, frame, length, 100);
	assert_true(b.n > 2);
	for (unsigned i = 0; i < b.n; i++) {
		const uint8_t *piece = rte_pktmbuf_mtod(b.out[i], uint8_t *);

		assert_null(wire_wrong(piece, b.out[i]->data_len));
		assert_int_equal(piece[WIRE_ETHER], i == 0 ? 0x49 : 0x47);
		if (i == 0)
			assert_memory_equal(piece + WIRE_ETHER + 20, options, sizeof(options));
		else
			assert_memory_equal(piece + WIRE_ETHER + 20, copied, sizeof(copied));
	}
	close_bench(&b);
}

static void padding_is_cut_off(void **state)
{
	struct wire w = sample(100, 0);
	uint8_t frame[WIRE_MAX] = {0};
	size_t length = wire_write(&w, frame);
	struct bench b;

	open_bench(&b);
	cut(&b, frame, length + 20, 100);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.out[0]->data_len + b.out[1]->data_len, length + WIRE_ETHER + 20);
	close_bench(&b);
}

static void assert_refused(struct bench *b, enum sl_drop reason)
{
	bool found = false;

	assert_int_equal(b->n, 0);
	assert_int_equal(b->w->stats.drops[reason], 1);
	for (unsigned i = 0; i < b->w->freed.n; i++)
		found |= b->w->freed.pkts[i] == b->mbuf;
	assert_true(found);
	close_bench(b);
}

static void what_cannot_be_cut_is_dropped_whole(void **state)
{
	struct wire w = sample(1400, 0);
	uint8_t frame[WIRE_MAX];
	size_t length = wire_write(&w, frame);
	struct bench b;

	open_bench(&b);
	b.buffers = 2; /* of three */
	cut(&b, frame, length, 400);
	assert_int_equal(b.w->freed.n, 3);
	assert_refused(&b, SL_DROP_NO_MBUF);

	open_bench(&b);
	b.w->alloc = NULL;
	cut(&b, frame, length, 400);
	assert_refused(&b, SL_DROP_NO_MBUF);

	open_bench(&b);
	cut(&b, frame, length, 28); /* 176 pieces */
	assert_refused(&b, SL_DROP_SPLIT_LIMIT);

	w.family = 6;
	length = wire_write(&w, frame);
	open_bench(&b);
	cut(&b, frame, length, 55); /* no room for anything */
	assert_refused(&b, SL_DROP_SPLIT_LIMIT);

	open_bench(&b);
	b.mbuf = sl_bare_new(frame, length, SL_MBUF_PRIV);
	b.mbuf->data_off = 7;
	memcpy(rte_pktmbuf_mtod(b.mbuf, void *), frame, length);
	b.p = wire_parsed(frame, length);
	b.n = sl_split(b.w, b.mbuf, &b.p, 400, b.out);
	assert_refused(&b, SL_DROP_NO_HEADROOM);

	open_bench(&b);
	b.mbuf = sl_bare_new(frame, length, SL_MBUF_PRIV);
	b.mbuf->nb_segs = 2;
	b.p = wire_parsed(frame, length);
	b.n = sl_split(b.w, b.mbuf, &b.p, 400, b.out);
	assert_refused(&b, SL_DROP_SEGMENTS);
}

/* The lists of what leaves a run always have room for its other packets. */
static void a_run_cuts_a_bounded_number(void **state)
{
	struct wire w = sample(1400, 0);
	uint8_t frame[WIRE_MAX];
	size_t length = wire_write(&w, frame);
	unsigned pieces = 0;
	struct bench b;

	open_bench(&b);
	for (unsigned i = 0; i < SL_BURST; i++) {
		cut(&b, frame, length, 100);
		pieces += b.n > 0 ? b.n - 1 : 0;
		free_pieces(&b);
	}
	assert_true(pieces > 0 && pieces <= SL_OUT - SL_BURST);
	assert_true(b.w->stats.drops[SL_DROP_SPLIT_LIMIT] > 0);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together_they_are_the_packet),
		cmocka_unit_test(a_fragment_is_cut_again),
		cmocka_unit_test(dont_fragment_is_cleared),
		cmocka_unit_test(options_are_copied_as_they_say),
		cmocka_unit_test(headers_for_routers_are_in_each),
		cmocka_unit_test(numbers_of_workers_differ),
		cmocka_unit_test(padding_is_cut_off),
		cmocka_unit_test(what_cannot_be_cut_is_dropped_whole),
		cmocka_unit_test(a_run_cuts_a_bounded_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
