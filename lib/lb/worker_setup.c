/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/worker_setup.h"

#include <errno.h>
#include <stdio.h>

#include "lb/datagram.h"
#include "lb/publish.h"
#include "lb/side.h"
#include "lb/store.h"

#define LOADS_RING  1024 /* messages of the control core that a worker has not taken yet */
#define GLEANS_RING 256  /* addresses that the control core has not looked at yet */
#define SIDES_SHARE 8    /* likewise the pools of side records */
#define WIDE_SHARE  8    /* by default the wide tables take an eighth of the connections */

void *sl_worker_memory(struct sl_engine *engine, struct sl_store *store, const char *name,
	size_t bytes, int numa, void **owned, struct sl_err *err)
{
	*owned = NULL;
	if (store != NULL)
		return sl_store_map(store, name, bytes, numa, err);
	*owned = sl_zalloc(engine->alloc, bytes, SL_CACHE_LINE, numa);
	if (*owned == NULL)
		sl_err_set(err, ENOMEM, NULL, "no memory for %s: %zu bytes", name, bytes);
	return *owned;
}

static struct rte_ring *
ring_new(const struct sl_worker *w, const char *name, unsigned element, unsigned count)
{
	ssize_t bytes = rte_ring_get_memsize_elem(element, rte_align32pow2(count + 1));
	struct rte_ring *ring;

	if (bytes < 0)
		return NULL;
	ring = sl_zalloc(w->engine->alloc, (size_t)bytes, SL_CACHE_LINE, w->numa);
	if (ring == NULL)
		return NULL;
	if (rte_ring_init(ring, name, count, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ) !=
		0) {
		sl_free(w->engine->alloc, ring);
		return NULL;
	}
	return ring;
}

static int rings_new(struct sl_worker *w, const struct sl_engine_params *params)
{
	struct sl_engine *engine = w->engine;
	char name[RTE_RING_NAMESIZE];

	for (unsigned from = 0; from < engine->n_workers; from++) {
		if (from == w->index)
			continue;
		snprintf(name, sizeof(name), "handover-%u-%u", from, w->index);
		w->handover_in[from] = ring_new(w, name, sizeof(void *), params->handover_ring);
		if (w->handover_in[from] == NULL)
			return -ENOMEM;
		engine->workers[from]->handover_out[w->index] = w->handover_in[from];
	}
	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++) {
		snprintf(name, sizeof(name), "punt-%u-%u", w->index, class);
		w->punt[class] = ring_new(w, name, sizeof(void *), params->punt_ring);
		if (w->punt[class] == NULL)
			return -ENOMEM;
	}
	snprintf(name, sizeof(name), "loads-%u", w->index);
	w->loads = ring_new(w, name, sizeof(struct sl_load_message), LOADS_RING);
	snprintf(name, sizeof(name), "gleans-%u", w->index);
	w->gleans = ring_new(w, name, sizeof(struct sl_glean_message), GLEANS_RING);
	return w->loads == NULL || w->gleans == NULL ? -ENOMEM : 0;
}

uint64_t sl_connections_wide(const struct sl_engine_params *params)
{
	if (params->connections_wide != 0)
		return params->connections_wide;
	return (params->connections + WIDE_SHARE - 1) / WIDE_SHARE;
}

uint64_t sl_sides(const struct sl_engine_params *params)
{
	if (params->sides != 0)
		return params->sides;
	return (params->connections + SIDES_SHARE - 1) / SIDES_SHARE;
}

static struct sl_conn_table *
table_new(struct sl_worker *w, enum sl_conn_form form, const struct sl_engine_params *params,
	const uint64_t secret[2], bool adopt, void **owned, struct sl_err *err)
{
	unsigned n = w->engine->n_workers;
	uint64_t total = form == SL_CONN_WIDE ? sl_connections_wide(params) : params->connections;
	uint64_t capacity = (total + n - 1) / n;
	struct sl_conn_table *table;
	char name[32];
	void *memory;

	snprintf(name, sizeof(name), "%s-%u", form == SL_CONN_WIDE ? "wide" : "narrow", w->index);
	memory = sl_worker_memory(w->engine, params->store, name,
		sl_conn_table_bytes(form, capacity), w->numa, owned, err);
	if (memory == NULL)
		return NULL;
	table = sl_conn_table_open(memory, form, capacity, secret, adopt);
	if (table == NULL)
		sl_err_set(err, adopt ? EINVAL : ENOMEM, NULL,
			adopt ? "the connection table %s is damaged"
			      : "no memory for the connection table %s",
			name);
	return table;
}

static int sides_new(
	struct sl_worker *w, const struct sl_engine_params *params, bool adopt, struct sl_err *err)
{
	unsigned n = w->engine->n_workers;
	uint64_t capacity = (sl_sides(params) + n - 1) / n;
	char name[32];
	void *memory;

	snprintf(name, sizeof(name), "sides-%u", w->index);
	memory = sl_worker_memory(w->engine, params->store, name, sl_side_pool_bytes(capacity),
		w->numa, &w->sides_memory, err);
	if (memory == NULL)
		return -ENOMEM;
	w->sides = sl_side_pool_open(memory, capacity, adopt);
	if (w->sides == NULL)
		return sl_err_set(err, adopt ? EINVAL : ENOMEM, NULL,
			adopt ? "the pool of side records %s is damaged"
			      : "no memory for the pool of side records %s",
			name);
	if (adopt)
		sl_side_adopt(w);
	return 0;
}

static struct sl_worker *worker_new(struct sl_engine *engine, unsigned index,
	const struct sl_engine_params *params, const uint64_t secret[2])
{
	int numa = params->numa[index];
	struct sl_worker *w = sl_zalloc(engine->alloc, sizeof(*w), SL_CACHE_LINE, numa);
	void *datagrams;

	if (w == NULL)
		return NULL;
	engine->workers[index] = w;
	w->engine = engine;
	w->index = (uint16_t)index;
	w->numa = (int16_t)numa;
	w->counters = sl_zalloc(engine->alloc, sizeof(*w->counters), SL_CACHE_LINE, numa);
	w->cells = sl_zalloc(engine->alloc, (engine->n_front_ids / SL_PAGE + 1) * sizeof(*w->cells),
		SL_CACHE_LINE, numa);
	datagrams = sl_zalloc(engine->alloc, sl_datagrams_bytes(), SL_CACHE_LINE, numa);
	if (datagrams != NULL)
		w->datagrams = sl_datagrams_open(datagrams, secret);
	return w->counters == NULL || w->cells == NULL || datagrams == NULL ? NULL : w;
}

int sl_worker_new_all(struct sl_engine *engine, const struct sl_engine_params *params,
	const uint64_t secret[2], bool adopt, struct sl_err *err)
{
	for (unsigned i = 0; i < engine->n_workers; i++)
		if (worker_new(engine, i, params, secret) == NULL)
			return sl_err_set(err, ENOMEM, NULL, "no memory for worker %u", i);
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_worker *w = engine->workers[i];

		if (rings_new(w, params) != 0)
			return sl_err_set(
				err, ENOMEM, NULL, "no memory for the rings of worker %u", i);
		w->narrow =
			table_new(w, SL_CONN_NARROW, params, secret, adopt, &w->narrow_memory, err);
		if (w->narrow == NULL)
			return -ENOMEM;
		w->wide = table_new(w, SL_CONN_WIDE, params, secret, adopt, &w->wide_memory, err);
		if (w->wide == NULL || sides_new(w, params, adopt, err) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void worker_free(struct sl_engine *engine, struct sl_worker *w)
{
	const struct sl_alloc *alloc = engine->alloc;
	unsigned n_pages = sizeof(w->counters->pages) / sizeof(w->counters->pages[0]);

	sl_side_pool_close(w->sides);
	sl_conn_table_close(w->wide);
	sl_conn_table_close(w->narrow);
	sl_free(alloc, w->sides_memory);
	sl_free(alloc, w->wide_memory);
	sl_free(alloc, w->narrow_memory);
	sl_free(alloc, w->gleans);
	sl_free(alloc, w->loads);
	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++)
		sl_free(alloc, w->punt[class]);
	for (unsigned from = 0; from < engine->n_workers; from++)
		sl_free(alloc, w->handover_in[from]);
	for (uint32_t p = 0; w->cells != NULL && p <= engine->n_front_ids / SL_PAGE; p++)
		sl_free(alloc, w->cells[p]);
	for (unsigned p = 0; w->counters != NULL && p < n_pages; p++)
		sl_free(alloc, w->counters->pages[p]);
	sl_free(alloc, (void *)w->cells);
	sl_free(alloc, w->counters);
	sl_free(alloc, w->datagrams);
	sl_free(alloc, w);
}

void sl_worker_free_all(struct sl_engine *engine)
{
	for (unsigned i = 0; i < engine->n_workers; i++) {
		if (engine->workers[i] != NULL)
			worker_free(engine, engine->workers[i]);
		engine->workers[i] = NULL;
	}
}

int sl_worker_reserve_front(struct sl_engine *engine, sl_id front)
{
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_worker *w = engine->workers[i];
		struct sl_sched_cell *cells;

		if (w->cells[front / SL_PAGE] != NULL)
			continue;
		cells = sl_zalloc(engine->alloc, SL_PAGE * sizeof(*cells), SL_CACHE_LINE, w->numa);
		if (cells == NULL)
			return -ENOMEM;
		sl_publish_pointer(&w->cells[front / SL_PAGE], cells);
	}
	return 0;
}

int sl_worker_reserve_server(struct sl_engine *engine, sl_id server)
{
	unsigned p = server / SL_COUNTERS_PAGE;

	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_worker *w = engine->workers[i];
		struct sl_counters *page;

		if (w->counters->pages[p] != NULL)
			continue;
		page = sl_zalloc(
			engine->alloc, SL_COUNTERS_PAGE * sizeof(*page), SL_CACHE_LINE, w->numa);
		if (page == NULL)
			return -ENOMEM;
		sl_publish_pointer(&w->counters->pages[p], page);
	}
	return 0;
}

void sl_worker_forget_loads(struct sl_engine *engine, sl_id server)
{
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_counters *line = &engine->workers[i]->counters->pages[server /
			SL_COUNTERS_PAGE][server % SL_COUNTERS_PAGE];

		line->others_active = 0;
		line->others_inactive = 0;
	}
}
