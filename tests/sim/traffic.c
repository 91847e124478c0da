/* SPDX-License-Identifier: BSD-3-Clause */
/* Random packets through the engine, each outcome held against the model's. */
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "lb/publish.h"
#include "packet.h"
#include "world.h"

#define CLIENT_BASE 0xc0000201u /* 192.0.2.1 */

/* Where a packet of the run at hand was found afterwards. */
struct fate {
	struct rte_mbuf *mbuf;
	struct model_packet packet;
	unsigned owner;
	bool expected; /* the model was asked: `outcome` is what must be found */
	struct model_outcome outcome;
};

static uint8_t random_flags(struct world *w)
{
	static const uint8_t flags[16] = {SL_TCP_SYN, SL_TCP_SYN, SL_TCP_SYN, SL_TCP_SYN,
		SL_TCP_SYN, SL_TCP_SYN, SL_TCP_ACK, SL_TCP_ACK, SL_TCP_ACK, SL_TCP_ACK | SL_TCP_PSH,
		SL_TCP_ACK | SL_TCP_PSH, SL_TCP_FIN | SL_TCP_ACK, SL_TCP_FIN | SL_TCP_ACK,
		SL_TCP_RST, SL_TCP_SYN | SL_TCP_ACK, 0};

	return flags[sl_rand_below(&w->rand, 16)];
}

static struct model_packet random_packet(struct world *w)
{
	static const uint16_t ports[] = {80, 80, 443, 443, 8080, 53};
	const struct world_service *vip = &w->services[sl_rand_below(&w->rand, WORLD_KEYS)];
	uint16_t port = ports[sl_rand_below(&w->rand, 6)];
	bool udp = port == 53;

	return (struct model_packet){.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		.client = CLIENT_BASE + (uint32_t)sl_rand_below(&w->rand, WORLD_CLIENTS),
		.client_port = (uint16_t)(1024 + sl_rand_below(&w->rand, 4)),
		.vip = vip->vip,
		.service_port = port,
		.tcp_flags = udp ? 0 : random_flags(w),
		.payload = sl_rand_below(&w->rand, 3) == 0 ? 10 : 0,
		.ttl = sl_rand_below(&w->rand, 64) == 0 ? 1 : 64};
}

static struct rte_mbuf *make_mbuf(const struct model_packet *p)
{
	return packet_make(&(struct packet){.protocol = p->protocol,
		.src = p->client,
		.dst = p->vip,
		.src_port = p->client_port,
		.dst_port = p->service_port,
		.flags = p->tcp_flags,
		.payload = p->payload,
		.ttl = p->ttl});
}

static unsigned owner_of(const struct world *w, const struct model_packet *p)
{
	return rig_owner(&w->rig, p->client, p->client_port);
}

/* ---- where a packet went ---- */

static void describe_server(const struct world *w, const struct fate *f,
	const struct model_service *s, const struct model_server *server)
{
	struct sl_service_key key = {.protocol = s->protocol,
		.vip = sl_addr_v4(rte_cpu_to_be_32(s->vip)),
		.port = s->port};
	struct sl_addr address = sl_addr_v4(rte_cpu_to_be_32(server->address));
	sl_id id = sl_registry_server(w->rig.engine->registry, &key, &address, s->port);
	const struct sl_counters *line = sl_worker_counters(w->rig.engine->workers[f->owner], id);

	fprintf(stderr, " %08x weight %u %u+%u/%u+%u (engine %u+%u/%u+%u)", server->address,
		server->weight, server->active[f->owner], server->others_active[f->owner],
		server->inactive[f->owner], server->others_inactive[f->owner], line->active,
		line->others_active, line->inactive, line->others_inactive);
}

/* What the model knows about the service, for the person who has to find the difference. */
static void describe_service(const struct world *w, const struct fate *f)
{
	static const char *const names[] = {"rr", "wrr", "lc", "wlc"};

	for (const struct model_service *s = w->model->services; s != NULL; s = s->next) {
		if (s->vip != f->packet.vip || s->protocol != f->packet.protocol || s->deleted)
			continue;
		fprintf(stderr, "sim: %08x:%u %s%s:", s->vip, s->port, names[s->sched],
			f->outcome.created ? ", scheduled now" : ", connection known");
		for (const struct model_server *at = s->servers; at != NULL; at = at->next)
			describe_server(w, f, s, at);
		fprintf(stderr, "\n");
	}
}

static void check_forwarded(struct world *w, const struct fate *f)
{
	const uint8_t *frame = rte_pktmbuf_mtod(f->mbuf, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const void *)(frame + 14);

	if (rig_address_of(frame) != f->outcome.server) {
		describe_service(w, f);
		world_fail(w, "client %08x:%u to %08x:%u went to server %08x, not %08x",
			f->packet.client, f->packet.client_port, f->packet.vip,
			f->packet.service_port, rig_address_of(frame), f->outcome.server);
	}
	if (memcmp(frame + 6, packet_port_mac, 6) != 0)
		world_fail(w, "a forwarded frame does not come from the port's MAC");
	if (ip->time_to_live != f->packet.ttl - 1 || packet_checksum(ip, sizeof(*ip)) != 0)
		world_fail(w, "TTL or header checksum is wrong on a forwarded packet");
	if (ip->src_addr != rte_cpu_to_be_32(f->packet.client) ||
		ip->dst_addr != rte_cpu_to_be_32(f->packet.vip))
		world_fail(w, "direct routing changed an address");
}

static void check_icmp(struct world *w, const struct fate *f, uint8_t type)
{
	const uint8_t *frame = rte_pktmbuf_mtod(f->mbuf, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const void *)(frame + 14);

	if (ip->next_proto_id != IPPROTO_ICMP || frame[34] != type)
		world_fail(w, "no ICMP error of type %u came of the packet", type);
	if (ip->src_addr != rte_cpu_to_be_32(f->packet.vip) ||
		ip->dst_addr != rte_cpu_to_be_32(f->packet.client))
		world_fail(w, "the ICMP error is not from the VIP to the client");
}

static void describe_drops(const struct sl_worker *worker)
{
	for (unsigned i = 0; i < SL_DROP_COUNT; i++) {
		if (worker->stats.drops[i] > 0)
			fprintf(stderr, "sim: %s %" PRIu64 "\n", sl_drop_infos[i].name,
				worker->stats.drops[i]);
	}
}

static void
settle(struct world *w, struct sl_worker *worker, const struct fate *f, enum model_verdict found)
{
	static const char *const names[] = {"forwarded", "answered port unreachable",
		"answered time exceeded", "dropped", "given to Linux"};

	if (found != f->outcome.verdict) {
		describe_service(w, f);
		describe_drops(worker);
		world_fail(w, "worker %u: client %08x:%u to %08x:%u flags %02x was %s; must be %s",
			worker->index, f->packet.client, f->packet.client_port, f->packet.vip,
			f->packet.service_port, f->packet.tcp_flags, names[found],
			names[f->outcome.verdict]);
	}
	w->created += f->outcome.created;
	switch (found) {
	case MODEL_FORWARD:
		check_forwarded(w, f);
		w->forwarded++;
		break;
	case MODEL_UNREACHABLE:
		check_icmp(w, f, ICMP_DEST_UNREACH);
		w->unreachable++;
		break;
	case MODEL_TIME_EXCEEDED:
		check_icmp(w, f, ICMP_TIME_EXCEEDED);
		w->expired_ttl++;
		break;
	case MODEL_SERVER_REMOVED:
		w->removed++;
		break;
	case MODEL_LINUX:
		w->host++;
		break;
	}
}

/* A packet of another worker: on its way there, dropped for want of room, or nobody's. */
static void settle_foreign(struct world *w, struct sl_worker *worker, struct fate *f)
{
	struct rte_ring *ring = worker->handover_out[f->owner];
	unsigned what;

	for (unsigned i = 0; i < w->n_pending; i++) {
		if (w->pending[i].mbuf == f->mbuf)
			world_fail(w, "a packet is in two places");
	}
	switch (rig_end_of(&w->rig, worker->index, f->mbuf, &what)) {
	case RIG_DROPPED:
		if (rte_ring_free_count(ring) != 0)
			world_fail(w, "handover_full though the ring has room");
		w->handover_full++;
		packet_free(f->mbuf);
		break;
	case RIG_PUNTED:
		/* Not balanced at all: the owner would have said the same. */
		f->outcome = model_packet(w->model, f->owner, &f->packet);
		settle(w, worker, f, MODEL_LINUX);
		packet_free(f->mbuf);
		break;
	case RIG_HANDED_OVER:
		if (what != f->owner)
			world_fail(w, "handed to worker %u, which does not own it", what);
		rte_ring_sp_enqueue(ring, f->mbuf); /* back: the look took it out */
		w->pending[w->n_pending++] =
			(struct world_pending){.mbuf = f->mbuf, .packet = f->packet};
		w->handed_over++;
		break;
	default:
		world_fail(w, "a packet that another worker owns was not handed over");
	}
}

static void settle_own(struct world *w, struct sl_worker *worker, struct fate *f)
{
	const uint8_t *frame = rte_pktmbuf_mtod(f->mbuf, const uint8_t *);
	enum model_verdict found = MODEL_FORWARD;
	unsigned what;

	switch (rig_end_of(&w->rig, worker->index, f->mbuf, &what)) {
	case RIG_SENT:
		if (frame[23] == IPPROTO_ICMP)
			found = frame[34] == ICMP_TIME_EXCEEDED ? MODEL_TIME_EXCEEDED
								: MODEL_UNREACHABLE;
		break;
	case RIG_DROPPED:
		found = MODEL_SERVER_REMOVED;
		break;
	case RIG_PUNTED:
		found = MODEL_LINUX;
		break;
	default:
		world_fail(w, "a packet vanished");
	}
	settle(w, worker, f, found);
	packet_free(f->mbuf);
}

static uint64_t drops_total(const struct sl_worker *worker)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < SL_DROP_COUNT; i++)
		total += worker->stats.drops[i];
	return total;
}

static void run(struct world *w, struct sl_worker *worker, struct fate *fates, unsigned n)
{
	uint64_t drops = drops_total(worker), answers = worker->stats.icmp_sent;
	struct rte_mbuf *mbufs[SL_BURST];

	w->model->now_ns = w->rig.time.ns;
	for (unsigned i = 0; i < n; i++) {
		mbufs[i] = fates[i].mbuf;
		fates[i].owner = owner_of(w, &fates[i].packet);
		if (fates[i].owner == worker->index)
			fates[i].outcome = model_packet(w->model, worker->index, &fates[i].packet);
	}
	sl_pipeline_run(worker, mbufs, n);
	/* A packet that was answered is dropped as well: its mbuf carries the answer. */
	if (drops_total(worker) - drops != worker->freed.n + worker->stats.icmp_sent - answers)
		world_fail(w, "drops counted, packets freed and answers sent do not add up");
	for (unsigned i = 0; i < n; i++) {
		if (fates[i].owner == worker->index)
			settle_own(w, worker, &fates[i]);
		else
			settle_foreign(w, worker, &fates[i]);
	}
	if (worker->tx[0].n != 0 || worker->freed.n != 0)
		world_fail(w, "the pipeline put out a packet it was not given");
	w->packets += n;
}

/* What other workers handed over, in the order in which the worker took it. */
static void run_handed_over(struct world *w, struct sl_worker *worker)
{
	struct rte_mbuf *mbufs[SL_BURST];
	struct fate fates[SL_BURST] = {0};
	unsigned n = sl_worker_take_handover(worker, mbufs);

	for (unsigned i = 0; i < n; i++) {
		unsigned at = 0;

		while (at < w->n_pending && w->pending[at].mbuf != mbufs[i])
			at++;
		if (at == w->n_pending)
			world_fail(
				w, "worker %u was handed a packet that nobody sent", worker->index);
		fates[i].mbuf = mbufs[i];
		fates[i].packet = w->pending[at].packet;
		if (owner_of(w, &fates[i].packet) != worker->index)
			world_fail(w, "a packet was handed to worker %u, which does not own it",
				worker->index);
		w->pending[at] = w->pending[--w->n_pending];
	}
	if (n > 0)
		run(w, worker, fates, n);
}

void world_step_packets(struct world *w, unsigned n, bool swap)
{
	struct sl_worker *worker = w->rig.engine->workers[sl_rand_below(&w->rand, w->n_workers)];
	struct fate fates[SL_BURST] = {0};
	uint32_t changed = 0;

	sl_worker_poll_begin(worker, w->rig.time.ns);
	if (swap) {
		world_publish(w, world_build(w, &changed));
		sl_engine_reclaim(w->rig.engine);
	}
	run_handed_over(w, worker);
	for (unsigned i = 0; i < n; i++) {
		fates[i].packet = random_packet(w);
		fates[i].mbuf = make_mbuf(&fates[i].packet);
	}
	if (n > 0)
		run(w, worker, fates, n);
	if (w->sweeps)
		sl_worker_housekeeping(worker);
	sl_worker_poll_end(worker);
	world_follow(w, changed);
}

/* ---- checkpoints ---- */

static void iterate(struct world *w, struct sl_worker *worker)
{
	sl_worker_poll_begin(worker, w->rig.time.ns);
	run_handed_over(w, worker);
	sl_worker_housekeeping(worker);
	sl_worker_poll_end(worker);
}

/* Until the round of the sweep that is under way is complete. */
static void sweep_round(struct world *w, struct sl_worker *worker)
{
	uint64_t rounds = worker->sweep_rounds;

	for (unsigned i = 0; worker->sweep_rounds == rounds; i++) {
		if (i == 100000)
			world_fail(w, "worker %u does not finish its sweep", worker->index);
		iterate(w, worker);
	}
}

/* Finishes the round under way, starts one now and lets it end 2 s on: all of it at one instant. */
static void sweep_at_once(struct world *w, struct sl_worker *worker)
{
	for (unsigned round = 0; round < 3; round++) {
		w->rig.time.ns += 2 * SL_NS_PER_S;
		sweep_round(w, worker);
	}
}

static void compare_server(struct world *w, const struct world_service *s, uint32_t address)
{
	struct sl_service_key key = {.protocol = s->protocol,
		.vip = sl_addr_v4(rte_cpu_to_be_32(s->vip)),
		.port = s->port};
	struct sl_addr server_address = sl_addr_v4(rte_cpu_to_be_32(address));
	const struct model_server *server =
		model_server_find(w->model, s->protocol, s->vip, s->port, address, s->port);
	sl_id id = sl_registry_server(w->rig.engine->registry, &key, &server_address, s->port);
	uint32_t active = 0, inactive = 0;
	struct sl_counters sum;

	if (server == NULL || server->deleted)
		return; /* compared when it is back */
	if (id == SL_ID_NONE)
		world_fail(w, "the registry does not know server %08x", address);
	for (unsigned i = 0; i < w->n_workers; i++) {
		active += server->active[i];
		inactive += server->inactive[i];
	}
	sl_engine_counters(w->rig.engine, id, &sum);
	if (sum.active != active || sum.inactive != inactive)
		world_fail(w, "server %08x of %08x:%u has %u active, %u inactive; must be %u, %u",
			address, s->vip, s->port, sum.active, sum.inactive, active, inactive);
}

/* The model's connection that an entry stands for; stops when there is none. */
static void compare_conn(struct world *w, unsigned worker, const struct sl_conn_view *view)
{
	struct sl_service_key key;
	struct sl_addr server;
	uint32_t client;
	uint16_t server_port;
	sl_id front;

	client = rte_be_to_cpu_32(view->key.client.v4);
	if (!sl_registry_front_key(w->rig.engine->registry, view->key.front, &key) ||
		!sl_registry_server_endpoint(
			w->rig.engine->registry, view->server, &server, &server_port, &front))
		world_fail(w, "an entry names a front or server that is free");
	for (unsigned i = 0; i < w->model->n_conns; i++) {
		const struct model_conn *c = &w->model->conns[i];
		uint16_t port = c->any_port ? 0 : c->service_port;

		if (!c->used || c->client != client || c->protocol != key.protocol ||
			c->client_port != rte_be_to_cpu_16(view->key.client_port) ||
			c->vip != rte_be_to_cpu_32(key.vip.v4) || port != key.port ||
			(c->any_port &&
				c->service_port != rte_be_to_cpu_16(view->key.service_port)))
			continue;
		if (c->worker != worker || c->state != view->state ||
			c->data != ((view->flags & SL_CONN_DATA) != 0) ||
			c->server->address != rte_be_to_cpu_32(server.v4))
			world_fail(w, "connection %08x:%u: state %u on %08x, must be %u on %08x",
				client, c->client_port, view->state, rte_be_to_cpu_32(server.v4),
				c->state, c->server->address);
		return;
	}
	world_fail(w, "an entry of %08x:%u that the model does not have", client,
		rte_be_to_cpu_16(view->key.client_port));
}

static unsigned compare_table(struct world *w, unsigned worker, struct sl_conn_table *table)
{
	struct sl_conn_view views[32];
	uint64_t cursor = 0;
	unsigned total = 0;

	while (cursor != UINT64_MAX) {
		unsigned n = sl_conn_copy(table, &cursor, 8, views, 32);

		for (unsigned i = 0; i < n; i++)
			compare_conn(w, worker, &views[i]);
		total += n;
	}
	return total;
}

static unsigned model_count(const struct world *w, unsigned worker)
{
	unsigned total = 0;

	for (unsigned i = 0; i < w->model->n_conns; i++)
		total += w->model->conns[i].used && w->model->conns[i].worker == worker;
	return total;
}

void world_step_sweep(struct world *w)
{
	unsigned i = (unsigned)sl_rand_below(&w->rand, w->n_workers);

	sweep_at_once(w, w->rig.engine->workers[i]);
	w->model->now_ns = w->rig.time.ns;
	model_sweep(w->model, i);
}

void world_checkpoint(struct world *w)
{
	while (w->n_pending > 0) {
		for (unsigned i = 0; i < w->n_workers; i++)
			iterate(w, w->rig.engine->workers[i]);
	}
	/* As sweep_at_once(), all workers together: they have to end at the same instant. */
	for (unsigned round = 0; round < 3; round++) {
		w->rig.time.ns += 2 * SL_NS_PER_S;
		for (unsigned i = 0; i < w->n_workers; i++)
			sweep_round(w, w->rig.engine->workers[i]);
	}
	w->model->now_ns = w->rig.time.ns;
	for (unsigned i = 0; i < w->n_workers; i++) {
		struct sl_worker *worker = w->rig.engine->workers[i];
		unsigned n;

		model_sweep(w->model, i);
		n = compare_table(w, i, worker->narrow) + compare_table(w, i, worker->wide);
		if (n != model_count(w, i))
			world_fail(
				w, "worker %u has %u entries, must be %u", i, n, model_count(w, i));
	}
	for (unsigned i = 0; i < WORLD_KEYS; i++) {
		for (unsigned s = 0; s < WORLD_SERVERS; s++)
			compare_server(w, &w->services[i], 0x0a000001u + s);
	}
	w->checkpoints++;
}
