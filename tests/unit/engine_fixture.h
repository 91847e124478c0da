/* SPDX-License-Identifier: BSD-3-Clause */
/* A small engine with a clock by hand, for the tests of what builds and publishes generations. */
#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lb/engine.h"
#include "lb/publish.h"

#define SECOND SL_NS_PER_S

/* Memory that counts what is taken and not given back, and fails at the k-th call. */
struct counting {
	struct sl_alloc alloc;
	long outstanding;
	long calls;
	long fail_at; /* 1 = the next call; 0 = never */
};

static inline void *counting_zalloc(void *arg, size_t size, size_t align, int numa)
{
	struct counting *c = arg;
	void *memory;

	c->calls++;
	if (c->fail_at > 0 && --c->fail_at == 0)
		return NULL;
	memory = sl_zalloc(&sl_alloc_heap, size, align, numa);
	if (memory != NULL)
		c->outstanding++;
	return memory;
}

static inline void counting_free(void *arg, void *memory)
{
	struct counting *c = arg;

	if (memory != NULL)
		c->outstanding--;
	sl_free(&sl_alloc_heap, memory);
}

struct fixture {
	struct counting memory;
	struct sl_clock_manual manual;
	struct sl_clock clock;
	struct sl_engine_params params;
	struct sl_engine *engine;
	struct sl_registry *registry;
};

static inline void fixture_params(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->memory.alloc = (struct sl_alloc){counting_zalloc, counting_free, &f->memory};
	f->manual.ns = 1000 * SECOND;
	f->clock = sl_clock_from_manual(&f->manual);
	f->params = (struct sl_engine_params){
		.n_workers = 2,
		.connections = 256,
		.fronts = 600,
		.servers = 600,
		.handover_ring = 8,
		.punt_ring = 8,
		.alloc = &f->memory.alloc,
		.clock = &f->clock,
		.seed = {1, 2},
	};
	for (unsigned i = 0; i < SL_WORKERS_MAX; i++)
		f->params.numa[i] = -1;
}

static inline bool fixture_start(struct fixture *f)
{
	f->engine = sl_engine_new(&f->params, NULL);
	f->registry = f->engine ? sl_engine_registry(f->engine) : NULL;
	return f->engine != NULL;
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_params(f);
	*state = f;
	return fixture_start(f) ? 0 : -1;
}

/* Everything that was taken is given back. */
static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	long left;

	sl_engine_free(f->engine);
	left = f->memory.outstanding;
	free(f);
	return left == 0 ? 0 : -1;
}

static inline struct sl_service_key key_of(uint16_t port)
{
	return (struct sl_service_key){
		.protocol = IPPROTO_TCP,
		.vip = sl_addr_v4(RTE_BE32(0xc0a80864)),
		.port = port,
	};
}

static inline struct sl_addr host(uint32_t last)
{
	return sl_addr_v4(rte_cpu_to_be_32(0x0a000000 + last));
}

static inline struct sl_server_spec server_spec(uint32_t last, uint16_t port, uint32_t weight)
{
	return (struct sl_server_spec){
		.address = host(last),
		.port = port,
		.weight = weight,
		.fwd = SL_FWD_DR,
	};
}

/* Service `port` with servers 10.0.0.x for each x of `hosts`, 0 ends it; weight 1 each. */
static inline int
set_service(struct sl_txn *txn, uint16_t port, const char *sched, const uint32_t *hosts)
{
	struct sl_server_spec servers[16];
	struct sl_service_spec spec = {
		.key = key_of(port),
		.sched = sl_sched_find(sched),
		.servers = servers,
	};

	for (; hosts[spec.n_servers] != 0; spec.n_servers++)
		servers[spec.n_servers] = server_spec(hosts[spec.n_servers], port, 1);
	return sl_txn_service_set(txn, &spec, NULL);
}

#define HOSTS(...) ((const uint32_t[]){__VA_ARGS__, 0})

/* Commits and publishes. */
static inline const struct sl_snapshot *finish(struct fixture *f, struct sl_txn *txn)
{
	struct sl_snapshot *snapshot;

	if (sl_txn_commit(txn, &snapshot, NULL) != 0 ||
		sl_engine_publish(f->engine, snapshot, NULL) != 0)
		return NULL;
	return snapshot;
}

static inline const struct sl_snapshot *
service(struct fixture *f, uint16_t port, const uint32_t *hosts)
{
	struct sl_txn *txn = sl_txn_begin(f->registry);

	if (set_service(txn, port, "rr", hosts) != 0) {
		sl_txn_abort(txn);
		return NULL;
	}
	return finish(f, txn);
}

static inline const struct sl_snapshot *no_service(struct fixture *f, uint16_t port)
{
	struct sl_service_key key = key_of(port);
	struct sl_txn *txn = sl_txn_begin(f->registry);

	if (sl_txn_service_delete(txn, &key) != 0) {
		sl_txn_abort(txn);
		return NULL;
	}
	return finish(f, txn);
}

static inline sl_id front_id(const struct fixture *f, uint16_t port)
{
	struct sl_service_key key = key_of(port);

	return sl_registry_front(f->registry, &key);
}

static inline sl_id server_id(const struct fixture *f, uint16_t port, uint32_t last)
{
	struct sl_service_key key = key_of(port);
	struct sl_addr address = host(last);

	return sl_registry_server(f->registry, &key, &address, port);
}

/* Every worker has finished a sweep that began under the latest generation. */
static inline void all_swept(struct fixture *f)
{
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_publish_progress(&f->engine->workers[i]->sweep_generation,
			sl_registry_latest(f->registry)->generation);
}

/* One call of sl_registry_age(), published. */
static inline bool age(struct fixture *f)
{
	struct sl_snapshot *snapshot;

	if (sl_registry_age(f->registry, f->manual.ns, &snapshot) != 0)
		return false;
	return snapshot == NULL || sl_engine_publish(f->engine, snapshot, NULL) == 0;
}

#endif
