/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "packet.h"

#define VIP_BASE    0xc6336401u /* 198.51.100.1 */
#define SERVER_BASE 0x0a000001u /* 10.0.0.1 */

void world_fail(const struct world *w, const char *format, ...)
{
	va_list args;

	fprintf(stderr,
		"sim: seed %" PRIu64 ", %u workers, packet %" PRIu64 ", generation %" PRIu64
		", %.3f s: ",
		w->seed, w->n_workers, w->packets, w->rig.engine->snapshot->generation,
		(double)w->rig.time.ns / 1e9);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

static const struct sl_sched *sched_of(enum model_sched sched)
{
	static const char *const names[MODEL_SCHEDS] = {
		[MODEL_RR] = "rr", [MODEL_WRR] = "wrr", [MODEL_LC] = "lc", [MODEL_WLC] = "wlc"};

	return sl_sched_find(names[sched]);
}

void world_publish(struct world *w, struct sl_snapshot *snapshot)
{
	rig_publish(&w->rig, snapshot);
	w->generations += snapshot != NULL;
}

static void make_services(struct world *w)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
	} kinds[] = {{IPPROTO_TCP, 80}, {IPPROTO_TCP, 443}, {IPPROTO_TCP, 0}, {IPPROTO_UDP, 53}};

	for (unsigned i = 0; i < WORLD_KEYS; i++) {
		w->services[i].protocol = kinds[i % 4].protocol;
		w->services[i].port = kinds[i % 4].port;
		w->services[i].vip = VIP_BASE + i / 4;
	}
}

struct world *world_new(uint64_t seed, unsigned n_workers, bool sweeps)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->seed = seed;
	w->n_workers = n_workers;
	w->sweeps = sweeps;
	sl_rand_seed(&w->rand, seed);
	rig_open(&w->rig,
		&(struct rig_params){.seed = seed,
			.workers = n_workers,
			.connections = 32768 * n_workers,
			.servers = 512,
			.icmp_rate = 1000000000,
			.handover = 2});
	w->rig.in_flight = true;
	/* A worker's first round begins when it first looks. */
	for (unsigned i = 0; i < n_workers; i++)
		rig_idle(&w->rig, i);
	w->model = model_new(n_workers);
	make_services(w);
	return w;
}

void world_free(struct world *w)
{
	rig_close(&w->rig);
	model_free(w->model);
	free(w);
}

/* ---- changes ---- */

static struct model_server_spec random_server(struct world *w, const struct world_service *s)
{
	return (struct model_server_spec){
		.address = SERVER_BASE + (uint32_t)sl_rand_below(&w->rand, WORLD_SERVERS),
		.port = s->port,
		.weight = (uint32_t)sl_rand_below(&w->rand, 6)};
}

static bool has_server(const struct world_service *s, uint32_t address)
{
	for (unsigned i = 0; i < s->n_servers; i++) {
		if (s->servers[i].address == address)
			return true;
	}
	return false;
}

static void add_server(struct world *w, struct world_service *s)
{
	struct model_server_spec server = random_server(w, s);

	if (s->n_servers < WORLD_LIST_MAX && !has_server(s, server.address))
		s->servers[s->n_servers++] = server;
}

static void remove_server(struct world *w, struct world_service *s)
{
	unsigned at;

	if (s->n_servers == 0)
		return;
	at = (unsigned)sl_rand_below(&w->rand, s->n_servers);
	memmove(&s->servers[at], &s->servers[at + 1],
		(s->n_servers - at - 1) * sizeof(s->servers[0]));
	s->n_servers--;
}

static enum model_sched random_sched(struct world *w)
{
	return (enum model_sched)sl_rand_below(&w->rand, w->sweeps ? MODEL_LC : MODEL_SCHEDS);
}

/* One change as an operator makes it. */
static void mutate(struct world *w, struct world_service *s)
{
	if (!s->present) {
		s->present = true;
		s->sched = random_sched(w);
		s->n_servers = 0;
		for (unsigned i = 0; i < 4; i++)
			add_server(w, s);
		return;
	}
	switch (sl_rand_below(&w->rand, 10)) {
	case 0:
		s->present = false;
		break;
	case 1:
		s->sched = random_sched(w);
		break;
	case 2:
	case 3:
		remove_server(w, s);
		break;
	case 4:
	case 5:
	case 6:
		add_server(w, s);
		break;
	default:
		if (s->n_servers > 0)
			s->servers[sl_rand_below(&w->rand, s->n_servers)].weight =
				(uint32_t)sl_rand_below(&w->rand, 6);
	}
}

static struct sl_service_key key_of(const struct world_service *s)
{
	return (struct sl_service_key){.protocol = s->protocol,
		.vip = sl_addr_v4(rte_cpu_to_be_32(s->vip)),
		.port = s->port};
}

static void to_engine(struct world *w, struct sl_txn *txn, const struct world_service *s)
{
	struct sl_server_spec servers[WORLD_LIST_MAX] = {0};
	struct sl_service_spec spec = {.key = key_of(s),
		.sched = sched_of(s->sched),
		.servers = servers,
		.n_servers = s->n_servers};
	struct sl_err err = {0};

	for (unsigned i = 0; i < s->n_servers; i++) {
		servers[i].address = sl_addr_v4(rte_cpu_to_be_32(s->servers[i].address));
		servers[i].port = s->servers[i].port;
		servers[i].weight = s->servers[i].weight;
		servers[i].fwd = SL_FWD_DR;
	}
	if (s->present) {
		if (sl_txn_service_set(txn, &spec, &err) != 0)
			world_fail(w, "a service could not be set: %s", err.message);
	} else {
		sl_txn_service_delete(txn, &spec.key); /* -ENOENT when it never was: fine */
	}
}

static void to_model(struct world *w, const struct world_service *s)
{
	if (s->present)
		model_service_set(
			w->model, s->protocol, s->vip, s->port, s->sched, s->servers, s->n_servers);
	else
		model_service_delete(w->model, s->protocol, s->vip, s->port);
}

struct sl_snapshot *world_build(struct world *w, uint32_t *changed)
{
	struct world_service saved[WORLD_KEYS];
	struct sl_snapshot *snapshot = NULL;
	struct sl_err err = {0};
	struct sl_txn *txn;
	unsigned late;

	*changed = 0;
	if (!sl_engine_can_publish(w->rig.engine, &late))
		return NULL;
	memcpy(saved, w->services, sizeof(saved));
	txn = sl_txn_begin(w->rig.engine->registry);
	for (uint64_t n = 1 + sl_rand_below(&w->rand, 3); n > 0; n--) {
		unsigned at = (unsigned)sl_rand_below(&w->rand, WORLD_KEYS);

		if (*changed & (1u << at))
			continue; /* one operation per service and transaction */
		mutate(w, &w->services[at]);
		to_engine(w, txn, &w->services[at]);
		*changed |= 1u << at;
	}
	if (sl_rand_below(&w->rand, 8) == 0) {
		sl_txn_abort(txn);
		memcpy(w->services, saved, sizeof(saved));
		w->aborted++;
		*changed = 0;
		return NULL;
	}
	if (sl_txn_commit(txn, &snapshot, &err) != 0)
		world_fail(w, "a change could not be committed: %s", err.message);
	return snapshot;
}

void world_follow(struct world *w, uint32_t changed)
{
	w->model->now_ns = w->rig.time.ns;
	for (unsigned i = 0; i < WORLD_KEYS; i++) {
		if (changed & (1u << i))
			to_model(w, &w->services[i]);
	}
}

void world_step_change(struct world *w)
{
	uint32_t changed;
	struct sl_snapshot *snapshot = world_build(w, &changed);

	world_publish(w, snapshot);
	world_follow(w, changed);
}

/* ---- time ---- */

static void age(struct world *w)
{
	struct sl_snapshot *snapshot = NULL;
	unsigned late;

	if (w->rig.time.ns - w->aged_ns < SL_NS_PER_S ||
		!sl_engine_can_publish(w->rig.engine, &late))
		return;
	w->aged_ns = w->rig.time.ns;
	if (sl_registry_age(w->rig.engine->registry, w->rig.time.ns, &snapshot) != 0)
		world_fail(w, "ageing failed");
	world_publish(w, snapshot);
	w->model->now_ns = w->rig.time.ns;
	model_age(w->model);
}

void world_step_time(struct world *w)
{
	if (sl_rand_below(&w->rand, 12) == 0)
		w->rig.time.ns += sl_rand_below(&w->rand, 130 * SL_NS_PER_S);
	else
		w->rig.time.ns += sl_rand_below(&w->rand, 3 * SL_NS_PER_S);
	age(w);
}

void world_step_exchange(struct world *w)
{
	sl_engine_exchange_loads(w->rig.engine, UINT32_MAX);
	for (unsigned i = 0; i < w->n_workers; i++) {
		struct sl_worker *worker = w->rig.engine->workers[i];

		model_exchange(w->model, i);
		/* A worker reads some messages at the start of each iteration. */
		while (!rte_ring_empty(worker->loads)) {
			sl_worker_poll_begin(worker, w->rig.time.ns);
			sl_worker_poll_end(worker);
		}
	}
}
