/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that a worker reads to forward: one immutable generation.
 * Built by lb/registry.h on the configuration thread, published and reclaimed by lb/engine.h.
 */
#ifndef SL_LB_SNAPSHOT_H
#define SL_LB_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "lb/tcp_state.h"
#include "lb/types.h"

#define SL_PAGE 256 /* records in a page of the front and server directories */

struct sl_sched;
struct sl_front_table;

/* A front, 16 bytes. service is NULL for one whose service was deleted (a tombstone). */
struct sl_front {
	const struct sl_service *service;
	uint32_t vip;  /* index into sl_engine.vip_local */
	uint8_t state; /* enum sl_id_state */
	uint8_t protocol;
	rte_be16_t port; /* 0 = any */
};

/* A server, 32 bytes: the first 16 are all that forwarding an established connection reads. */
struct sl_server {
	uint32_t adj;  /* index of its adjacency */
	uint8_t fwd;   /* enum sl_fwd_method */
	uint8_t state; /* enum sl_id_state */
	rte_be16_t port;
	sl_id front;
	/*
	 * LIVE: its position in the service's list. DELETED: the id of the server that stood before
	 * it when it was deleted (SL_ID_NONE = it stood first), so that a position can be carried
	 * over.
	 */
	uint32_t position;
	uint8_t address[16];
};

_Static_assert(sizeof(struct sl_front) == 16, "four fronts to a cache line");
_Static_assert(sizeof(struct sl_server) == 32, "two servers to a cache line");

/*
 * A service and its servers in LVS's list order: the last one added stands first.
 * Immutable, shared by the generations in which nothing about it changed.
 */
struct sl_service {
	uint64_t version; /* unique among all service objects of the process, never 0 */
	/*
	 * Changes when the service is created, created again or given another scheduler, never 0:
	 * scheduling then starts at the beginning of the list, as in LVS.
	 */
	uint32_t epoch;
	bool switched; /* the epoch began with another scheduler for servers that were there */
	sl_id front;
	const struct sl_sched *sched;
	uint32_t n_servers;
	uint32_t n_usable;       /* with a weight above 0 */
	const sl_id *servers;    /* [n_servers] */
	const uint32_t *weights; /* [n_servers], 0 = quiesced */
	uint32_t weight_gcd;     /* of the weights above 0; 0 when there is none */
	uint32_t weight_max;
	void *const *sched_state; /* [workers]; NULL when the scheduler needs none (lb/sched.h) */
};

struct sl_snapshot {
	uint64_t generation;
	const struct sl_front_table
		*table; /* (protocol, VIP, port) -> front id, of all generations */
	const struct sl_front *const *front_pages;
	const struct sl_server *const *server_pages;
	uint32_t n_front_pages;
	uint32_t n_server_pages;
	uint32_t n_services; /* live ones */
	uint32_t n_any_port; /* fronts with port 0 that are not FREE: 0 saves their look-up */
	bool reaping;        /* some server or front is REAPING: the sweep has to look */
	struct sl_timeouts timeouts;
};

/* The record, or NULL when this generation does not know the id. */
static inline const struct sl_front *sl_snapshot_front(const struct sl_snapshot *s, sl_id id)
{
	const struct sl_front *front;

	if (id / SL_PAGE >= s->n_front_pages || s->front_pages[id / SL_PAGE] == NULL)
		return NULL;
	front = &s->front_pages[id / SL_PAGE][id % SL_PAGE];
	return front->state == SL_ID_FREE ? NULL : front;
}

static inline const struct sl_server *sl_snapshot_server(const struct sl_snapshot *s, sl_id id)
{
	const struct sl_server *server;

	if (id / SL_PAGE >= s->n_server_pages || s->server_pages[id / SL_PAGE] == NULL)
		return NULL;
	server = &s->server_pages[id / SL_PAGE][id % SL_PAGE];
	return server->state == SL_ID_FREE ? NULL : server;
}

#endif
