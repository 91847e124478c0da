/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker owns, made before it runs: tables, rings, counter and scheduling pages.
 * Configuration thread (the main thread at the start).
 */
#ifndef SL_LB_WORKER_SETUP_H
#define SL_LB_WORKER_SETUP_H

#include "lb/engine.h"

/* What the engine's parameters say of the wide tables, of the whole box. */
uint64_t sl_connections_wide(const struct sl_engine_params *params);
/* And of the pools of side records. */
uint64_t sl_sides(const struct sl_engine_params *params);

/*
 * Makes all workers of the engine, their tables and the rings between them; takes the tables that
 * the store has when `adopt`. 0 or -errno with `err` set; sl_worker_free_all() takes back what was
 * made.
 */
int sl_worker_new_all(struct sl_engine *engine, const struct sl_engine_params *params,
	const uint64_t secret[2], bool adopt, struct sl_err *err);
void sl_worker_free_all(struct sl_engine *engine);

/* Pages that workers write for this id, before it is published. 0 or -ENOMEM. */
int sl_worker_reserve_front(struct sl_engine *engine, sl_id front);
int sl_worker_reserve_server(struct sl_engine *engine, sl_id server);

/*
 * A server that has just got an id which had been another's: what the workers were told of the
 * other workers' loads was about that one. While an id is FREE, and until its generation is
 * published, no worker writes its lines.
 */
void sl_worker_forget_loads(struct sl_engine *engine, sl_id server);

/* The line of a worker and a server, NULL when the server's page has never been needed. Any thread.
 */
static inline const struct sl_counters *
sl_worker_counters_of(const struct sl_engine *engine, unsigned worker, sl_id server)
{
	const struct sl_counters *page =
		engine->workers[worker]->counters->pages[server / SL_COUNTERS_PAGE];

	return page == NULL ? NULL : &page[server % SL_COUNTERS_PAGE];
}

/*
 * Memory for an object that outlives the process if there is a store: *owned is what is to be freed
 * (NULL for a store's). NULL with `err` set.
 */
void *sl_worker_memory(struct sl_engine *engine, struct sl_store *store, const char *name,
	size_t bytes, int numa, void **owned, struct sl_err *err);

#endif
