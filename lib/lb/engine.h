/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine: workers, tables and what they share. One per process in the director; tests make
 * as many as they like. It needs no EAL: memory, time and randomness are given.
 */
#ifndef SL_LB_ENGINE_H
#define SL_LB_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "lb/adj.h"
#include "lb/fib.h"
#include "lb/local_set.h"
#include "lb/registry.h"
#include "lb/worker.h"
#include "net/toeplitz.h"

#define SL_GENERATIONS_MAX 4 /* unreclaimed ones; then sl_engine_publish() says -EBUSY */
#define SL_PORT_MACS       8 /* the port's own and those of macvlan children of its twin */

enum sl_transit { SL_TRANSIT_LINUX, SL_TRANSIT_DROP, SL_TRANSIT_FAST, SL_TRANSIT_MASQUERADE };

/*
 * A port as the packet path sees it, or a VLAN on one. Set before the workers run; macs may be
 * added later.
 */
struct sl_port {
	uint64_t macs[SL_PORT_MACS]; /* six bytes of MAC in memory order, then two zero; 0 = none;
				      * relaxed words (lb/publish.h) */
	uint64_t mtu;                /* of the IP packet; lb/publish.h, word */
	uint8_t mac[6];              /* source of what we send */
	bool twin;
	uint8_t transit; /* enum sl_transit; lb/publish.h, flag */
	uint16_t vlan;   /* id of a VLAN sub-port; 0 = none */
	const uint8_t
		*vlan_map; /* parents: VLAN id -> sub-port or SL_VLAN_NO (lb/vlan.h); else NULL */
};

struct sl_engine_params {
	unsigned n_workers;
	uint64_t connections;      /* of the whole box: IPv4, to fronts with a port */
	uint64_t connections_wide; /* likewise: IPv6, and any-port fronts; 0 = an eighth of them */
	uint64_t sides;            /* connections that are pairs of entries; 0 = an eighth */
	uint32_t fronts; /* services and servers, those removed in the last minutes included */
	uint32_t servers;
	uint32_t routes;        /* capacity of the forwarding table; 0 = SL_FIB_ROUTES_DEFAULT */
	unsigned handover_ring; /* entries of each ring; a power of two is not needed */
	unsigned punt_ring;
	unsigned icmp_rate;       /* ICMP errors a second, the whole box; 0 = 1000 */
	int numa[SL_WORKERS_MAX]; /* of each worker; -1 = any */
	const struct sl_alloc *alloc;
	const struct sl_clock *clock; /* control side only: workers are told the time */
	uint64_t seed[2];             /* secret; used when nothing is adopted */
	/*
	 * Low bits of the hash that choose the owner, 2^n - 1: as many as the smallest redirection
	 * table of the ports has. 0 = all SL_TOEPLITZ_LOW_BITS.
	 */
	uint32_t owner_mask;
	/* Where tables live (lb/store.h); NULL = in memory of `alloc`, nothing is adopted. */
	struct sl_store *store;
};

struct sl_engine {
	const struct sl_snapshot *snapshot; /* lb/publish.h */
	struct rte_rcu_qsbr *qsbr;
	unsigned n_workers;
	struct sl_worker *workers[SL_WORKERS_MAX];
	struct sl_port ports[SL_PORTS_MAX];
	sl_adj_word *adjs; /* by index; lb/publish.h */
	uint32_t n_adjs;
	/*
	 * [n_adjs] path MTU towards the adjacency's address: low 16 bits the MTU, above them the
	 * second until which it holds; any worker writes it (lb/publish.h, word).
	 */
	uint64_t *path_mtu;
	uint8_t *vip_local; /* by VIP index; lb/publish.h */
	uint32_t n_vips;
	uint32_t n_front_ids;             /* capacity */
	const struct sl_local_set *local; /* addresses of the box; lb/publish.h */
	struct sl_fib *fib;               /* routes; written by the control core */
	struct sl_toeplitz toeplitz;
	uint32_t owner_mask;       /* low bits of the hash that choose the owner */
	uint64_t icmp_interval_ns; /* between two errors of one worker; lb/publish.h, word */
	const struct sl_alloc *alloc;
	const struct sl_clock *clock;
	struct sl_registry *registry;
	struct sl_reclaim *reclaim;
	sl_id loads_next; /* the control core's: where sl_engine_exchange_loads() goes on */
	void *front_map;  /* of ids; NULL when they lie in a store */
	void *server_map;
	bool adopted;          /* tables of an earlier process were taken over */
	char not_adopted[160]; /* why not, "" when there was nothing to adopt */
};

/* Ids of fronts: of services, of servers' endpoints, and four for masquerading. */
static inline uint32_t sl_engine_front_ids(uint32_t services, uint32_t servers)
{
	return services + servers + 4;
}

/* NULL with `err` set. */
struct sl_engine *sl_engine_new(const struct sl_engine_params *params, struct sl_err *err);
/* Workers must have stopped. Tables in a store stay for the next process. */
void sl_engine_free(struct sl_engine *engine);

/* The worker that owns the connections of a client endpoint. Any thread. */
static inline unsigned sl_engine_owner(
	const struct sl_engine *e, uint8_t family, const union sl_ip *client, rte_be16_t port)
{
	uint32_t hash = family == 4 ? sl_toeplitz_client4(&e->toeplitz, client->v4, port)
				    : sl_toeplitz_client6(&e->toeplitz, client->bytes, port);

	return sl_toeplitz_queue(hash, e->owner_mask, e->n_workers);
}

/*
 * Control core. Publishes a generation from sl_txn_commit(); the one before waits for the workers.
 * -EBUSY when SL_GENERATIONS_MAX wait already: *late is the index of a worker that has not passed.
 * Ask sl_engine_can_publish() before building.
 */
int sl_engine_publish(struct sl_engine *engine, struct sl_snapshot *snapshot, unsigned *late);
bool sl_engine_can_publish(struct sl_engine *engine, unsigned *late);

/* Control core. Frees what no worker can hold any more; never waits. Returns the number still
 * waiting. */
unsigned sl_engine_reclaim(struct sl_engine *engine);

/* Control core. Hands each worker the loads of the others for at most `servers` servers, of a
 * bounded number of ids; cyclic. */
void sl_engine_exchange_loads(struct sl_engine *engine, unsigned servers);

/*
 * Control core. Replaces the set of local addresses (copied), and which of them the box itself uses
 * on which port. 0 or -ENOMEM.
 */
int sl_engine_set_local(struct sl_engine *engine, const struct sl_addr *addresses, uint32_t n,
	const struct sl_local_source *sources, unsigned n_sources);

/* Any thread. The sum over all workers. */
void sl_engine_counters(const struct sl_engine *engine, sl_id server, struct sl_counters *sum);

/* The lowest generation that every worker's last complete sweep began at. */
uint64_t sl_engine_swept(const struct sl_engine *engine);

/*
 * Configuration thread. Runs a query on one worker: post, then poll sl_engine_query_done() (never
 * in the control core). One at a time per worker. A query must not be freed before it is done.
 */
void sl_engine_query_post(struct sl_engine *engine, unsigned worker, struct sl_conn_query *query);
bool sl_engine_query_done(const struct sl_conn_query *query);

#endif
