/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client and a server, each a small TCP of its own, with a director between them that tells the
 * server who the client is, on a network that loses, repeats and reorders. Whatever happens, each
 * end has to get the other's bytes, and nothing that it could not understand.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/preface.h"
#include "wire.h"

#define MSS      1200
#define STREAM   6000 /* bytes of the client, and of the server */
#define IN_NET   64
#define ROOM     128 /* in front of a frame */
#define MTU      1500
#define TOA_NONE 0xffffffff

struct frame {
	uint8_t bytes[ROOM + WIRE_MAX];
	unsigned start;
	size_t length;
	bool to_server;
};

struct net {
	struct frame frames[IN_NET];
	unsigned n;
	unsigned loss, dup; /* percent */
	bool reorder;
	struct sl_rand rand;
};

/* One end. Stream position 0 is the byte behind the SYN. */
struct end {
	uint32_t isn, peer_isn;
	uint32_t una, nxt, size; /* of its own stream; the FIN is at `size` */
	uint32_t mss;
	bool syn_acked, peer_syn;
	uint8_t got[STREAM + 256]; /* of the peer's */
	bool have[STREAM + 256];
	uint32_t rcv; /* all below are there */
	uint32_t peer_fin;
	uint32_t highest; /* what the peer was told is there, by SACK */
};

struct world {
	struct net net;
	struct end client, server;
	struct sl_side side;
	uint8_t family;
	unsigned header; /* length */
	unsigned with_toa, without_toa;
	uint32_t expect_from_client;
};

static uint8_t byte_of(bool client, uint32_t at)
{
	return (uint8_t)(at * 7 + at / 256 + (client ? 1 : 101));
}

static void set_checksum(uint8_t *frame, const struct sl_parsed *p)
{
	uint8_t *l3 = frame + p->l3_offset, *l4 = frame + p->l4_offset;
	size_t length = p->l3_length - (size_t)(p->l4_offset - p->l3_offset);

	wire_put16(l4 + 16, 0);
	wire_put16(l4 + 16, (uint16_t)~wire_sum(wire_pseudo(l3, IPPROTO_TCP, length), l4, length));
}

static struct frame *send_segment(struct world *x, bool client, uint8_t flags, uint32_t seq,
	uint32_t ack, const uint8_t *options, uint8_t n_options, uint32_t at, uint16_t n)
{
	struct frame *f;
	struct sl_parsed p;
	struct wire w = {
		.family = x->family,
		.n_src = client ? 1 : 2,
		.n_dst = client ? 2 : 1,
		.src_port = client ? 4000 : 80,
		.dst_port = client ? 80 : 4000,
		.seq = seq,
		.ack = ack,
		.flags = flags,
		.tcp_options = options,
		.n_tcp_options = n_options,
		.payload = n,
	};

	if (x->net.n == IN_NET)
		return NULL; /* lost */
	f = &x->net.frames[x->net.n++];
	f->start = ROOM;
	f->to_server = client;
	f->length = wire_write(&w, f->bytes + ROOM);
	p = wire_parsed(f->bytes + ROOM, f->length);
	for (unsigned i = 0; i < n; i++)
		f->bytes[ROOM + f->length - n + i] = byte_of(client, at + i);
	set_checksum(f->bytes + ROOM, &p);
	return f;
}

/* The director's part. */
static bool pass(struct world *x, struct frame *f)
{
	uint8_t *frame = f->bytes + f->start;
	struct sl_parsed p = wire_parsed(frame, f->length);
	unsigned grown;

	if (!f->to_server) {
		sl_preface_out(&x->side, x->family, frame, &p);
		return true;
	}
	switch (sl_preface_in(&x->side, frame, &p, MTU, &grown)) {
	case SL_PREFACE_DONE:
		x->with_toa += x->side.flags & SL_SIDE_TOA ? 1 : 0;
		break;
	case SL_PREFACE_NO_TOA:
		x->without_toa++;
		break;
	default:
		fail_msg("a whole segment is not passed");
	}
	f->start -= grown;
	f->length = p.l3_offset + p.l3_length;
	return true;
}

/* ---- one end ---- */

static void send_syn(struct world *x, bool client, struct end *e)
{
	static const uint8_t mss[4] = {2, 4, MSS >> 8, MSS & 0xff};

	send_segment(x, client, SL_TCP_SYN | (client ? 0 : SL_TCP_ACK), e->isn,
		client ? 0 : e->peer_isn + 1, mss, 4, 0, client && x->client.size % 2 ? 100 : 0);
}

/* With one SACK block of what lies behind the first gap. */
static void send_ack_at(struct world *x, bool client, struct end *e, uint32_t at, uint16_t n)
{
	uint8_t options[12] = {1, 1, 5, 10};
	uint32_t from = e->rcv, to, fin = at + n == e->size && e->peer_syn;
	bool sack;

	while (from < sizeof(e->have) && !e->have[from])
		from++;
	for (to = from; to < sizeof(e->have) && e->have[to];)
		to++;
	sack = from < sizeof(e->have);
	wire_put32(options + 4, e->peer_isn + 1 + from);
	wire_put32(options + 8, e->peer_isn + 1 + to);
	send_segment(x, client, (uint8_t)(SL_TCP_ACK | (fin ? SL_TCP_FIN : 0)), e->isn + 1 + at,
		e->peer_isn + 1 + e->rcv + (e->rcv == e->peer_fin), options, sack ? 12 : 0, at, n);
}

static void send_some(struct world *x, bool client, struct end *e)
{
	uint32_t at = e->una < e->size ? e->una : e->size;

	if (!e->peer_syn || (!client && !e->syn_acked)) {
		if (client || e->peer_syn)
			send_syn(x, client, e);
		return;
	}
	for (unsigned i = 0; i < 6; i++) {
		uint32_t left = e->size - at;
		uint16_t n = (uint16_t)(left < e->mss ? left : e->mss);

		/* Segments of all sizes, also other ones when they are sent again. */
		if (n > 1 && sl_rand_below(&x->net.rand, 3) == 0)
			n = (uint16_t)(1 + sl_rand_below(&x->net.rand, n));
		send_ack_at(x, client, e, at, n);
		at += n;
		if (e->nxt < at + (at == e->size))
			e->nxt = at + (at == e->size);
		if (at == e->size)
			break;
	}
}

static void take_ack(const struct world *x, struct end *e, const uint8_t *tcp)
{
	uint32_t acked = wire_get32(tcp + 8) - (e->isn + 1);

	/* A director that shifts wrongly acknowledges what was never sent, or less than nothing. */
	if (acked > e->nxt) {
		/* But for one of before the header was acknowledged that comes late. */
		assert_true((x->side.flags & SL_SIDE_TOLD) && e == &x->client);
		assert_true(-acked <= x->header);
		return;
	}
	e->syn_acked = true;
	if (acked > e->una)
		e->una = acked;
	if (tcp[12] >> 4 == 8 && tcp[20] == 1 && tcp[22] == 5) {
		assert_in_range(wire_get32(tcp + 24) - (e->isn + 1), 0, e->nxt);
		assert_in_range(wire_get32(tcp + 28) - (e->isn + 1), 0, e->nxt);
	}
}

static void take_payload(struct end *e, const uint8_t *tcp, const uint8_t *payload, unsigned n)
{
	uint32_t at = wire_get32(tcp + 4) - (e->peer_isn + 1);

	if (at == UINT32_MAX)
		return; /* a keepalive */
	assert_true(at + n <= sizeof(e->got));
	for (unsigned i = 0; i < n; i++) {
		if (e->have[at + i])
			assert_int_equal(e->got[at + i], payload[i]);
		e->got[at + i] = payload[i];
		e->have[at + i] = true;
	}
	if (tcp[13] & SL_TCP_FIN) {
		assert_true(e->peer_fin == UINT32_MAX || e->peer_fin == at + n);
		e->peer_fin = at + n;
	}
	while (e->rcv < sizeof(e->have) && e->have[e->rcv])
		e->rcv++;
}

static unsigned toa_in(const uint8_t *tcp)
{
	for (unsigned at = 20; at < (unsigned)(tcp[12] >> 4) * 4;) {
		if (tcp[at] == 1)
			at++;
		else if (tcp[at] == 254)
			return at;
		else if (tcp[at] == 0 || tcp[at + 1] < 2)
			return 0;
		else
			at += tcp[at + 1];
	}
	return 0;
}

static void take(struct world *x, struct end *e, const struct frame *f)
{
	const uint8_t *frame = f->bytes + f->start, *tcp;
	struct sl_parsed p = wire_parsed(frame, f->length);
	unsigned header;

	assert_null(wire_wrong(frame, f->length));
	assert_true(p.l3_length <= MTU);
	tcp = frame + p.l4_offset;
	header = (unsigned)(tcp[12] >> 4) * 4;
	if (tcp[13] & SL_TCP_SYN) {
		if (x->header > 0)
			assert_int_equal(p.payload, 0); /* nothing in place of the header */
		e->peer_isn = wire_get32(tcp + 4);
		e->peer_syn = true;
		e->mss = wire_get16(tcp + 22);
		if (e == &x->client)
			assert_int_equal(e->mss, MSS - x->header);
	}
	if (tcp[13] & SL_TCP_ACK)
		take_ack(x, e, tcp);
	if (!(tcp[13] & SL_TCP_SYN) && e->peer_syn)
		take_payload(e, tcp, tcp + header, p.payload);
}

/* ---- the network ---- */

static void deliver(struct world *x)
{
	struct net *net = &x->net;
	unsigned which = net->reorder ? (unsigned)sl_rand_below(&net->rand, net->n) : 0;
	struct frame f = net->frames[which];

	if (sl_rand_below(&net->rand, 100) >= net->dup)
		memmove(&net->frames[which], &net->frames[which + 1],
			(--net->n - which) * sizeof(f));
	if (sl_rand_below(&net->rand, 100) < net->loss || !pass(x, &f))
		return;
	if (sl_rand_below(&net->rand, 100) < net->loss)
		return; /* on the other side of the director */
	take(x, f.to_server ? &x->server : &x->client, &f);
}

static bool is_through(const struct world *x)
{
	return x->client.una == x->client.size + 1 && x->server.una == x->server.size + 1;
}

static void open_world(struct world *x, unsigned seed, uint8_t family, uint16_t flags)
{
	memset(x, 0, sizeof(*x));
	sl_rand_seed(&x->net.rand, seed);
	x->family = family;
	x->side.flags = flags;
	x->header = flags & SL_SIDE_PROXY ? (family == 4 ? 32 : 56) : 0;
	x->client.isn = (uint32_t)sl_rand_u64(&x->net.rand);
	x->server.isn = (uint32_t)sl_rand_u64(&x->net.rand);
	if (seed % 3 == 0)
		x->client.isn = -(uint32_t)(seed % 97); /* about to wrap */
	x->client.peer_fin = x->server.peer_fin = UINT32_MAX;
	x->client.size = STREAM - seed % 2;
	x->server.size = STREAM;
	if (seed % 5 == 0)
		x->client.size = seed % 2; /* it says nothing, and a SYN with payload */
}

static void run(struct world *x)
{
	for (unsigned round = 0; !is_through(x); round++) {
		assert_true(round < 3000);
		send_some(x, true, &x->client);
		send_some(x, false, &x->server);
		for (unsigned i = 0; i < 20 && x->net.n > 0; i++)
			deliver(x);
	}
}

static void assert_header(const struct world *x)
{
	static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
	const uint8_t *header = x->server.got;
	union sl_ip client = wire_ip(x->family, 1);
	unsigned size = x->family == 4 ? 4 : 16;

	if (x->header == 0)
		return;
	assert_memory_equal(header, signature, 12);
	assert_int_equal(header[12], 0x21);
	assert_int_equal(header[13], x->family == 4 ? 0x11 : 0x21);
	assert_int_equal(wire_get16(header + 14), x->header - 16);
	assert_memory_equal(header + 16, client.bytes, size);
	assert_int_equal(wire_get16(header + 16 + 2 * size), 4000);
	assert_int_equal(wire_get16(header + 16 + 2 * size + 2), 80);
}

static void assert_streams(const struct world *x)
{
	assert_int_equal(x->server.rcv, x->header + x->client.size);
	assert_int_equal(x->server.peer_fin, x->server.rcv);
	assert_int_equal(x->client.rcv, x->server.size);
	assert_int_equal(x->client.peer_fin, x->client.rcv);
	assert_header(x);
	for (uint32_t i = 0; i < x->client.size; i++)
		assert_int_equal(x->server.got[x->header + i], byte_of(true, i));
	for (uint32_t i = 0; i < x->server.size; i++)
		assert_int_equal(x->client.got[i], byte_of(false, i));
}

static void both_streams_arrive_whatever_the_network_does(void **state)
{
	static const uint16_t flags[] = {SL_SIDE_PROXY, SL_SIDE_TOA, SL_SIDE_PROXY | SL_SIDE_TOA};

	for (unsigned seed = 0; seed < 600; seed++) {
		static struct world x;

		open_world(&x, seed, seed % 2 ? 6 : 4, flags[seed / 2 % 3]);
		x.net.loss = seed / 6 % 5 * 10;
		x.net.dup = seed % 4 * 5;
		x.net.reorder = seed % 7 > 2;
		run(&x);
		assert_streams(&x);
		assert_true(x.side.flags & SL_SIDE_TOLD);
	}
}

/* ---- single segments ---- */

struct one {
	struct frame f;
	struct sl_parsed p;
	enum sl_preface result;
	const uint8_t *tcp;
};

static void one_in(struct one *o, struct sl_side *side, const struct wire *w)
{
	unsigned grown;

	o->f.length = wire_write(w, o->f.bytes + ROOM);
	o->p = wire_parsed(o->f.bytes + ROOM, o->f.length);
	o->result = sl_preface_in(side, o->f.bytes + ROOM, &o->p, MTU, &grown);
	o->f.start = ROOM - grown;
	o->f.length = o->p.l3_offset + o->p.l3_length;
	o->tcp = o->f.bytes + o->f.start + o->p.l4_offset;
	assert_null(wire_wrong(o->f.bytes + o->f.start, o->f.length));
}

static void resets_hit_what_the_server_has(void **state)
{
	struct sl_side side = {.flags = SL_SIDE_PROXY, .isn = 100};
	const struct wire w = {.seq = 101, .flags = SL_TCP_RST};
	struct one o;

	one_in(&o, &side, &w);
	assert_int_equal(wire_get32(o.tcp + 4), 101); /* it has acknowledged the SYN alone */
	assert_int_equal(o.p.payload, 0);
	side.flags |= SL_SIDE_TOLD;
	one_in(&o, &side, &w);
	assert_int_equal(wire_get32(o.tcp + 4), 133);
}

static void keepalives_stay_behind_the_stream(void **state)
{
	struct sl_side side = {.flags = SL_SIDE_PROXY, .isn = 100};
	const struct wire w = {.seq = 100, .flags = SL_TCP_ACK};
	struct one o;

	one_in(&o, &side, &w);
	assert_int_equal(wire_get32(o.tcp + 4), 100);
	side.flags |= SL_SIDE_TOLD;
	one_in(&o, &side, &w);
	assert_int_equal(wire_get32(o.tcp + 4), 132);
}

static void the_option_says_the_client(void **state)
{
	for (unsigned family = 4; family <= 6; family += 2) {
		struct sl_side side = {.flags = SL_SIDE_TOA};
		struct wire w = {.family = (uint8_t)family,
			.n_src = 9,
			.src_port = 4321,
			.seq = 7,
			.flags = SL_TCP_SYN};
		union sl_ip client = wire_ip((uint8_t)family, 9);
		struct one o;
		unsigned at;

		one_in(&o, &side, &w);
		assert_int_equal(o.result, SL_PREFACE_DONE);
		at = toa_in(o.tcp);
		assert_int_not_equal(at, 0);
		assert_int_equal(o.tcp[at + 1], family == 4 ? 8 : 20);
		assert_int_equal(wire_get16(o.tcp + at + 2), 4321);
		assert_memory_equal(o.tcp + at + 4, client.bytes, family == 4 ? 4 : 16);
		w.flags = SL_TCP_ACK;
		w.seq = 8;
		one_in(&o, &side, &w);
		assert_int_not_equal(toa_in(o.tcp), 0);
		w.seq = 9;
		one_in(&o, &side, &w);
		assert_int_equal(toa_in(o.tcp), 0);
		w.seq = 8;
		side.flags |= SL_SIDE_TOLD;
		one_in(&o, &side, &w);
		assert_int_equal(toa_in(o.tcp), 0);
	}
}

static void the_option_is_left_out_where_there_is_no_room(void **state)
{
	static const uint8_t nops[36] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct sl_side side = {.flags = SL_SIDE_TOA, .isn = 100};
	struct wire w = {.seq = 101, .flags = SL_TCP_ACK, .payload = MTU - 40 - 8};
	struct one o;

	one_in(&o, &side, &w);
	assert_int_equal(o.result, SL_PREFACE_DONE);
	w.payload++;
	one_in(&o, &side, &w);
	assert_int_equal(o.result, SL_PREFACE_NO_TOA);
	assert_int_equal(toa_in(o.tcp), 0);
	w.payload = 0;
	w.tcp_options = nops;
	w.n_tcp_options = 36;
	one_in(&o, &side, &w);
	assert_int_equal(o.result, SL_PREFACE_NO_TOA);
	assert_int_equal(o.tcp[12] >> 4, 14);
}

static void each_datagram_has_its_header(void **state)
{
	for (unsigned family = 4; family <= 6; family += 2) {
		struct sl_side side = {.flags = SL_SIDE_PROXY};
		const struct wire w = {.family = (uint8_t)family,
			.protocol = IPPROTO_UDP,
			.payload = 300,
			.no_checksum = family == 4};
		struct one o;

		for (unsigned i = 0; i < 2; i++) {
			one_in(&o, &side, &w);
			assert_int_equal(o.result, SL_PREFACE_DONE);
			assert_int_equal(o.p.payload, 300 + (family == 4 ? 32 : 56));
			assert_memory_equal(o.tcp + 8, "\r\n\r\n\0\r\nQUIT\n", 12);
			assert_int_equal(o.tcp[8 + 13], family == 4 ? 0x12 : 0x22);
		}
	}
}

static void fragments_of_a_datagram_move_back(void **state)
{
	for (unsigned family = 4; family <= 6; family += 2) {
		struct sl_side side = {.flags = SL_SIDE_PROXY};
		const struct wire w = {
			.family = (uint8_t)family, .protocol = IPPROTO_UDP, .payload = 1000};
		unsigned header = family == 4 ? 32 : 56, grown;
		uint8_t whole[WIRE_MAX], frame[ROOM + WIRE_MAX];
		struct sl_parsed p;
		size_t length;

		wire_write(&w, whole);
		length = wire_cut(whole, 0, 504, 7, frame + ROOM);
		p = wire_parsed(frame + ROOM, length);
		assert_int_equal(
			sl_preface_in(&side, frame + ROOM, &p, MTU, &grown), SL_PREFACE_DONE);
		assert_int_equal(grown, header);
		assert_memory_equal(
			frame + ROOM - grown + p.l4_offset + 8, "\r\n\r\n\0\r\nQUIT\n", 12);
		length = wire_cut(whole, 504, 504, 7, frame + ROOM);
		p = wire_parsed(frame + ROOM, length);
		assert_int_equal(
			sl_preface_in(&side, frame + ROOM, &p, MTU, &grown), SL_PREFACE_DONE);
		assert_int_equal(grown, 0);
		p = wire_parsed(frame + ROOM, length);
		assert_int_equal(p.fragment_offset, 504 + header);
	}
}

/* What of a segment in pieces would come behind the header cannot be told. */
static void fragments_at_the_start_of_a_stream_are_not_passed(void **state)
{
	struct sl_side side = {.flags = SL_SIDE_PROXY, .isn = 100};
	const struct wire w = {.seq = 101, .flags = SL_TCP_ACK, .payload = 1000};
	uint8_t whole[WIRE_MAX], frame[WIRE_MAX];
	struct sl_parsed p;
	unsigned grown;
	size_t length;

	wire_write(&w, whole);
	for (unsigned at = 0; at < 1000; at += 504) {
		length = wire_cut(whole, at, 504, 7, frame);
		p = wire_parsed(frame, length);
		side.flags = SL_SIDE_PROXY;
		assert_int_equal(sl_preface_in(&side, frame, &p, MTU, &grown), SL_PREFACE_FRAGMENT);
		side.flags = SL_SIDE_TOA;
		assert_int_equal(sl_preface_in(&side, frame, &p, MTU, &grown), SL_PREFACE_DONE);
		side.flags = SL_SIDE_PROXY | SL_SIDE_TOLD;
		assert_int_equal(sl_preface_in(&side, frame, &p, MTU, &grown), SL_PREFACE_DONE);
		if (at == 0)
			assert_int_equal(wire_get32(frame + p.l4_offset + 4), 133);
	}
}

/* Whatever of the segment an error quotes, it says the client's own sequence number. */
static void quoted_segments_are_the_client_s(void **state)
{
	static const struct {
		uint32_t quoted, seq;
	} cases[] = {{100, 100}, {101, 101}, {133 + 500, 601}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned n = 28; n <= 48; n += 10) {
			struct sl_side side = {.flags = SL_SIDE_PROXY, .isn = 100};
			const struct wire w = {
				.seq = cases[i].quoted, .flags = SL_TCP_ACK, .payload = 99};
			uint8_t whole[WIRE_MAX], *error;
			struct sl_parsed outer, inner;
			size_t length;

			wire_write(&w, whole);
			error = malloc(WIRE_ETHER + 28 + n);
			length = wire_error(4, 3, 4, 1400, whole + WIRE_ETHER, n, error);
			assert_int_equal(length, WIRE_ETHER + 28 + n);
			outer = wire_parsed(error, length);
			inner = wire_quoted(error, length, &outer);
			sl_preface_quoted(&side, 4, error, length, &outer, &inner);
			assert_int_equal(wire_get32(error + inner.l4_offset + 4), cases[i].seq);
			assert_null(wire_wrong(error, length));
			free(error);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_streams_arrive_whatever_the_network_does),
		cmocka_unit_test(resets_hit_what_the_server_has),
		cmocka_unit_test(keepalives_stay_behind_the_stream),
		cmocka_unit_test(the_option_says_the_client),
		cmocka_unit_test(the_option_is_left_out_where_there_is_no_room),
		cmocka_unit_test(each_datagram_has_its_header),
		cmocka_unit_test(fragments_of_a_datagram_move_back),
		cmocka_unit_test(fragments_at_the_start_of_a_stream_are_not_passed),
		cmocka_unit_test(quoted_segments_are_the_client_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
