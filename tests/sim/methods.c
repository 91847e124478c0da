/* SPDX-License-Identifier: BSD-3-Clause */
/*
 *	sim_methods [--seed N] [--runs N] [--steps N] [--workers N]
 *
 * Packets are given to any worker, rings have two entries, generations come between any two polls
 * and within them. A failure prints the seed.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/datagram.h"
#include "methods.h"

#define CLIENTS 10 /* addresses of each family */
#define BURST   6
#define RUNS    8

/* ---- packets ---- */

static struct flight *free_flight(struct bench *b)
{
	for (unsigned i = 0; i < METHODS_FLIGHTS; i++) {
		if (b->flights[i].mbuf == NULL)
			return &b->flights[i];
	}
	methods_fail(b, "too many packets on their way");
}

static uint8_t random_flags(struct bench *b, bool first)
{
	static const uint8_t flags[8] = {SL_TCP_SYN, SL_TCP_SYN, SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_ACK | SL_TCP_PSH, SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST,
		SL_TCP_SYN | SL_TCP_ACK};

	return flags[sl_rand_below(&b->rand, first ? 4 : 8)];
}

static void make_request(struct bench *b, struct flight *f)
{
	f->kind = REQUEST;
	f->service = &b->services[sl_rand_below(&b->rand, b->n_services)];
	f->packet = (struct packet){
		.protocol = f->service->key.protocol,
		.from = methods_address(f->service->key.vip.family, 4,
			1 + (unsigned)sl_rand_below(&b->rand, CLIENTS)),
		.to = f->service->key.vip,
		.src_port = (uint16_t)(1024 + sl_rand_below(&b->rand, 2)),
		.dst_port = f->service->key.port,
		.payload = (uint16_t)sl_rand_below(&b->rand, 50),
		.id = (uint16_t)sl_rand_u64(&b->rand),
	};
	if (f->packet.protocol == IPPROTO_TCP)
		f->packet.flags = random_flags(b, sl_rand_below(&b->rand, 2) == 0);
}

static struct packet between(const struct conn *c, const struct end *from, const struct end *to)
{
	return (struct packet){
		.protocol = c->service->key.protocol,
		.from = from->addr,
		.to = to->addr,
		.src_port = from->port,
		.dst_port = to->port,
		.payload = 30,
		.flags = c->service->key.protocol == IPPROTO_TCP ? SL_TCP_ACK : 0,
	};
}

/* A router's error about a packet from `from` to `to`, sent to `from`. */
static void make_error(struct bench *b, struct flight *f, const struct conn *c,
	const struct end *from, const struct end *to)
{
	uint8_t family = from->addr.family;

	f->quoted = between(c, from, to);
	f->packet = (struct packet){
		.from = methods_address(family, 5, 1),
		.to = from->addr,
		.quoted = &f->quoted,
		.icmp_type = family == 6 ? 1 : 3,
		.icmp_code = family == 6 ? 4 : 3,
	};
	if (sl_rand_below(&b->rand, 2) == 0)
		f->packet.quote = family == 6 ? 48 : 28;
}

/* Of a connection that has two ways; false when there is none at hand. */
static bool make_back(struct bench *b, struct flight *f)
{
	unsigned at = (unsigned)sl_rand_below(&b->rand, METHODS_CONNS);
	const struct conn *c;

	for (unsigned i = 0; i < METHODS_CONNS; i++, at = (at + 1) % METHODS_CONNS) {
		if (b->conns[at].used && (b->conns[at].fwd->traits & SL_FWD_SETS_PORT))
			break;
	}
	c = &b->conns[at];
	if (!c->used || !(c->fwd->traits & SL_FWD_SETS_PORT))
		return false;
	f->protocol = c->service->key.protocol;
	f->local = c->local;
	f->server = c->server;
	switch (sl_rand_below(&b->rand, 6)) {
	case 0:
		f->kind = ERROR_TO_CLIENT;
		make_error(b, f, c, &c->local, &c->server);
		break;
	case 1:
		f->kind = ERROR_TO_SERVER;
		make_error(b, f, c, &(struct end){c->service->key.vip, c->service->key.port},
			&c->client);
		break;
	default:
		f->kind = REPLY;
		f->packet = between(c, &c->server, &c->local);
		if (f->packet.protocol == IPPROTO_TCP)
			f->packet.flags = random_flags(b, false) | SL_TCP_ACK;
	}
	return true;
}

static void make_mbuf(struct flight *f)
{
	f->mbuf = packet_make(&f->packet);
	if (f->mbuf == NULL)
		abort();
}

/* The request comes in pieces, in any order. */
static void make_fragments(struct bench *b, struct flight *whole)
{
	const struct flight first = *whole;

	whole->packet.part_to = 16;
	make_mbuf(whole);
	b->later[b->n_later++] = whole;
	for (uint16_t from = 16; from < 48; from += 16) {
		struct flight *f = free_flight(b);

		*f = first;
		f->packet.part_from = from;
		f->packet.part_to = from == 32 ? UINT16_MAX : from + 16;
		make_mbuf(f);
		b->later[b->n_later++] = f;
	}
}

static struct flight *from_later(struct bench *b)
{
	unsigned at = (unsigned)sl_rand_below(&b->rand, b->n_later);
	struct flight *f = b->later[at];

	b->later[at] = b->later[--b->n_later];
	return f;
}

static struct flight *random_packet(struct bench *b)
{
	struct flight *f;

	if (b->n_later > 0 && sl_rand_below(&b->rand, 3) == 0)
		return from_later(b);
	f = free_flight(b);
	if (sl_rand_below(&b->rand, 2) == 0 || !make_back(b, f))
		make_request(b, f);
	if (f->kind == REQUEST && f->packet.protocol == IPPROTO_UDP &&
		b->n_later + 3 < METHODS_LATER && sl_rand_below(&b->rand, 8) == 0) {
		f->packet.payload = 50;
		make_fragments(b, f);
		return from_later(b);
	}
	make_mbuf(f);
	return f;
}

static struct flight *arrival(struct bench *b)
{
	struct flight *f = random_packet(b);

	f->arrived_ns = b->rig.time.ns;
	return f;
}

/* ---- polls ---- */

static struct flight *flight_of(struct bench *b, const struct rte_mbuf *mbuf)
{
	for (unsigned i = 0; i < METHODS_FLIGHTS; i++) {
		if (b->flights[i].mbuf == mbuf)
			return &b->flights[i];
	}
	methods_fail(b, "a packet came out that nobody sent");
}

static const char *next_reason(uint64_t *before, const struct sl_worker *w)
{
	for (unsigned i = 0; i < SL_DROP_COUNT; i++) {
		if (w->stats.drops[i] == before[i])
			continue;
		before[i]++;
		return sl_drop_infos[i].name;
	}
	return NULL;
}

/* The end of one packet that the worker was given; one that was handed over or is held goes on. */
static void conclude(struct bench *b, struct sl_worker *w, struct rte_mbuf *mbuf, uint64_t *before)
{
	struct flight *f = flight_of(b, mbuf);
	const char *reason = NULL;
	unsigned what;
	enum rig_end end = rig_end_of(&b->rig, w->index, mbuf, &what);

	switch (end) {
	case RIG_HANDED_OVER:
		rte_ring_sp_enqueue(w->handover_out[what], mbuf); /* back: the look took it out */
		b->handed_over++;
		return;
	default:
		reason = next_reason(before, w);
	}
	methods_judge(b, f, end, rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, reason);
	packet_free(mbuf);
	f->mbuf = NULL;
}

/* Packets that were held before. */
static void conclude_others(struct bench *b, struct sl_worker *w, uint64_t *before)
{
	while (w->tx[0].n > 0)
		conclude(b, w, w->tx[0].pkts[0], before);
	while (w->freed.n > 0)
		conclude(b, w, w->freed.pkts[0], before);
}

/* One packet at a time, so that its counters are its own. */
static void run(struct bench *b, struct sl_worker *w, struct rte_mbuf *mbuf)
{
	uint64_t before[SL_DROP_COUNT];
	uint32_t waiting;

	memcpy(before, w->stats.drops, sizeof(before));
	waiting = sl_datagrams_count(w->datagrams).waiting;
	sl_pipeline_run(w, &mbuf, 1);
	if (sl_datagrams_count(w->datagrams).waiting > waiting)
		b->held++; /* and waits for its datagram's first fragment */
	else
		conclude(b, w, mbuf, before);
	conclude_others(b, w, before);
	b->packets++;
}

/* What the worker does between its bursts: fragments that were held too long go. */
static void keep_house(struct bench *b, struct sl_worker *w)
{
	uint64_t before[SL_DROP_COUNT];

	memcpy(before, w->stats.drops, sizeof(before));
	sl_worker_housekeeping(w);
	conclude_others(b, w, before);
}

static void poll(struct bench *b, struct sl_worker *w, unsigned n, bool swap)
{
	struct rte_mbuf *mbufs[SL_BURST];
	struct methods_change change = {NULL};
	unsigned taken;

	sl_worker_poll_begin(w, b->rig.time.ns);
	b->snapshot = w->snapshot;
	if (swap)
		methods_change(b, &change);
	taken = sl_worker_take_handover(w, mbufs);
	for (unsigned i = 0; i < taken; i++)
		run(b, w, mbufs[i]);
	for (unsigned i = 0; i < n; i++)
		run(b, w, arrival(b)->mbuf);
	keep_house(b, w);
	sl_worker_poll_end(w);
	methods_follow(&change);
}

static void age(struct bench *b)
{
	unsigned late;

	if (!sl_engine_can_publish(b->rig.engine, &late))
		return;
	rig_age(&b->rig);
	methods_age(b);
}

static void step(struct bench *b)
{
	struct sl_worker *w = b->rig.engine->workers[sl_rand_below(&b->rand, b->n_workers)];
	unsigned n = (unsigned)sl_rand_below(&b->rand, BURST);
	struct methods_change change;

	switch (sl_rand_below(&b->rand, 32)) {
	case 0:
		methods_change(b, &change);
		methods_follow(&change);
		break;
	case 1:
		b->rig.time.ns += sl_rand_below(&b->rand, 20 * SL_NS_PER_S);
		age(b);
		break;
	case 2:
		poll(b, w, n, true);
		break;
	default:
		poll(b, w, n, false);
	}
}

static void drain(struct bench *b)
{
	/* Until the last ring is empty, and no fragment is held any more. */
	for (unsigned round = 0; round < 4 * b->n_workers; round++) {
		b->rig.time.ns += 40 * SL_NS_PER_S;
		for (unsigned i = 0; i < b->n_workers; i++)
			poll(b, b->rig.engine->workers[i], 0, false);
	}
}

/* A run that did not meet these has tested nothing. */
static void check_wild(const struct bench *b)
{
	if (b->fragments == 0 || b->held == 0 || b->created == 0 || b->sent[REQUEST] == 0 ||
		b->sent[REPLY] == 0 || b->sent[ERROR_TO_SERVER] == 0 ||
		b->sent[ERROR_TO_CLIENT] == 0 || b->busy == 0 || b->dropped == 0 ||
		b->punted == 0 || (b->n_workers > 1 && b->handed_over == 0))
		methods_fail(b, "the run was too tame");
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, runs = RUNS, steps = 3000, workers = 0, packets = 0, replies = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seed") == 0)
			seed = value;
		else if (strcmp(argv[i], "--runs") == 0)
			runs = value;
		else if (strcmp(argv[i], "--steps") == 0)
			steps = value;
		else if (strcmp(argv[i], "--workers") == 0)
			workers = value;
		else
			return 2;
	}
	for (uint64_t i = 0; i < runs; i++) {
		struct bench *b =
			methods_new(seed + i, workers != 0 ? (unsigned)workers : 1u << i % 4);

		for (uint64_t k = 0; k < steps; k++)
			step(b);
		drain(b);
		if (steps >= 2000)
			check_wild(b);
		packets += b->packets;
		replies += b->sent[REPLY];
		methods_free(b);
	}
	printf("sim_methods: %" PRIu64 " runs, %" PRIu64 " packets, %" PRIu64
	       " replies: all as their connections say\n",
		runs, packets, replies);
	return 0;
}
