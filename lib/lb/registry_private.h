/* SPDX-License-Identifier: BSD-3-Clause */
/* What registry.c, stats.c and the transaction's files share. Everything here is the configuration
 * thread's. */
#ifndef SL_LB_REGISTRY_PRIVATE_H
#define SL_LB_REGISTRY_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lb/engine.h"
#include "lb/generation.h"
#include "lb/ids.h"
#include "lb/watch.h"

struct sl_stats;

/* An id that the open transaction has acquired or whose record it has changed. */
struct sl_touch {
	sl_id id;
	uint32_t watch; /* index acquired for its address by the transaction; 0 = none */
	uint8_t before; /* state of its record in the base generation */
	bool fresh;     /* new in this transaction */
	bool revived;
	uint64_t deleted_ns; /* of a revived one: when it had been deleted */
};

struct sl_touches {
	struct sl_touch *v;
	uint32_t n;
	uint32_t room;
	uint32_t *place; /* [capacity + 1] by id: its place in v, plus one */
};

struct sl_registry {
	struct sl_engine *engine;
	const struct sl_alloc *alloc;
	const struct sl_clock *clock;
	uint64_t hash_secret; /* of front tables */
	struct sl_ids *fronts;
	struct sl_ids *servers;
	uint32_t n_fronts; /* capacities */
	uint32_t n_servers;
	uint32_t n_services;
	struct sl_watch_set *adjs;
	struct sl_watch_set *vips;
	struct sl_generation *oldest; /* of those not freed */
	struct sl_generation *latest;
	/*
	 * [n_fronts + 1]: servers' ids that are not FREE under each front, or, of an ENDPOINT, that
	 * hold it; and of the latter those that are LIVE.
	 */
	uint32_t *servers_of;
	uint32_t *live_holders;
	uint32_t service_ids;   /* ids of fronts of services that are not FREE */
	uint32_t n_reaping;     /* ids, fronts and servers together */
	uint64_t version;       /* of the last service object made */
	uint32_t epoch;         /* given out last (struct sl_service) */
	struct sl_stats *stats; /* NULL unless somebody made one */

	/* of the open transaction; here because they are as large as the id maps */
	struct sl_txn *txn;
	struct sl_touches touched_fronts;
	struct sl_touches touched_servers;
	uint64_t *stamps; /* [n_servers + 1]: last service_set() that named the server */
	uint64_t stamp;
};

struct sl_registry_params {
	struct sl_engine *engine; /* its workers exist; n_vips and n_adjs are set */
	void *front_map;          /* of sl_ids_bytes() */
	void *server_map;
	uint32_t services;
	uint32_t servers;
	bool adopt;
	uint64_t hash_secret;
};

/*
 * Makes the registry and its first generation, in which adopted ids are DELETED as of now. NULL
 * without memory or, with `adopt`, when the maps contradict themselves or each other (err says
 * which).
 */
struct sl_registry *sl_registry_new(const struct sl_registry_params *params, struct sl_err *err);
void sl_registry_free(struct sl_registry *registry); /* accepts NULL */

/*
 * Any thread. Generations below this number are held by no worker any more and will not be
 * published: the one thing that the control core tells the configuration thread about reclamation.
 */
uint64_t sl_engine_released(const struct sl_engine *engine);

/* Frees the generations that no worker can hold any more. */
void sl_registry_collect(struct sl_registry *registry);

#endif
