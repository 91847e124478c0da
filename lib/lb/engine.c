/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lb/ids.h"
#include "lb/publication.h"
#include "lb/publish.h"
#include "lb/side.h"
#include "lb/registry_private.h"
#include "lb/store.h"
#include "lb/worker_setup.h"

#define LAYOUT_VERSION    2 /* of connection entries and id maps as they lie in files */
#define ICMP_RATE_DEFAULT 1000
#define LOOKS_MAX         32768 /* ids that one exchange of loads looks at: a fraction of 1 ms */

static int check_params(const struct sl_engine_params *params, struct sl_err *err)
{
	if (params->n_workers == 0 || params->n_workers > SL_WORKERS_MAX)
		return sl_err_set(err, EINVAL, NULL, "between 1 and %d workers", SL_WORKERS_MAX);
	if (params->fronts == 0 || params->servers == 0 ||
		(uint64_t)params->fronts + params->servers + 4 > SL_ID_MAX)
		return sl_err_set(err, EINVAL, NULL,
			"at least one service and one server, and %u together at most",
			SL_ID_MAX - 4);
	if (params->connections == 0 || params->handover_ring == 0 || params->punt_ring == 0)
		return sl_err_set(err, EINVAL, NULL, "no room for connections or in rings");
	return 0;
}

static uint32_t owner_mask_of(const struct sl_engine_params *params)
{
	return params->owner_mask ? params->owner_mask : (1u << SL_TOEPLITZ_LOW_BITS) - 1;
}

/* What the control core changes word by word: adjacencies, path MTUs, local VIPs, and routes. */
static int words_new(struct sl_engine *engine, const struct sl_engine_params *params)
{
	engine->n_adjs = params->servers + 1;
	engine->n_vips = params->fronts + 1;
	engine->n_front_ids = sl_engine_front_ids(params->fronts, params->servers);
	engine->adjs =
		sl_zalloc(engine->alloc, engine->n_adjs * sizeof(*engine->adjs), SL_CACHE_LINE, -1);
	engine->path_mtu = sl_zalloc(
		engine->alloc, engine->n_adjs * sizeof(*engine->path_mtu), SL_CACHE_LINE, -1);
	engine->vip_local = sl_zalloc(engine->alloc, engine->n_vips, SL_CACHE_LINE, -1);
	engine->fib = sl_fib_new(engine->alloc, engine->qsbr, params->routes);
	if (engine->adjs == NULL || engine->path_mtu == NULL || engine->vip_local == NULL ||
		engine->fib == NULL)
		return -ENOMEM;
	return 0;
}

static int registry_new(struct sl_engine *engine, const struct sl_engine_params *params, bool adopt,
	struct sl_err *err)
{
	struct sl_registry_params registry = {
		.engine = engine,
		.services = params->fronts,
		.servers = params->servers,
		.adopt = adopt,
		.hash_secret = params->seed[0] ^ params->seed[1],
	};

	registry.front_map = sl_worker_memory(engine, params->store, "fronts",
		sl_ids_bytes(engine->n_front_ids), -1, &engine->front_map, err);
	if (registry.front_map == NULL)
		return -ENOMEM;
	registry.server_map = sl_worker_memory(engine, params->store, "servers",
		sl_ids_bytes(params->servers), -1, &engine->server_map, err);
	if (registry.server_map == NULL)
		return -ENOMEM;
	engine->registry = sl_registry_new(&registry, err);
	return engine->registry == NULL ? -ENOMEM : 0;
}

/* An adopted entry stays when its ids are known and belong together. Counted by its worker. */
static bool entry_is_stray(void *arg, const struct sl_conn_view *view, bool expired)
{
	const struct sl_engine *engine = arg;
	const struct sl_server *server = sl_snapshot_server(engine->snapshot, view->server);

	return server == NULL || server->front != view->key.front;
}

/* Likewise a pair: a server's own connection has a front, but no server. */
static bool side_is_stray(const struct sl_engine *engine, const struct sl_side *side)
{
	const struct sl_front *front = sl_snapshot_front(engine->snapshot, side->front);
	const struct sl_front *endpoint = sl_snapshot_front(engine->snapshot, side->endpoint);
	const struct sl_server *server = sl_snapshot_server(engine->snapshot, side->server);

	if (front == NULL || endpoint == NULL)
		return true;
	if (side->server == SL_ID_NONE)
		return front->kind != SL_FRONT_MASQUERADE || endpoint->kind != SL_FRONT_MASQUERADE;
	return server == NULL || server->front != side->front ||
		endpoint->kind != SL_FRONT_ENDPOINT;
}

static void adopt_sides(struct sl_engine *engine, struct sl_worker *w)
{
	for (uint32_t i = 1; i <= sl_side_count(w); i++) {
		if (sl_side_at(w, i)->front != SL_ID_NONE &&
			side_is_stray(engine, sl_side_at(w, i)))
			sl_side_drop(w, i);
	}
}

static void adopt_connections(struct sl_engine *engine)
{
	sl_tick now = (sl_tick)(sl_clock_ns(engine->clock) / SL_NS_PER_S);

	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_worker *w = engine->workers[i];

		while (!sl_conn_sweep(
			w->narrow, UINT16_MAX, now, &sl_timeouts_default, entry_is_stray, engine))
			;
		while (!sl_conn_sweep(
			w->wide, UINT16_MAX, now, &sl_timeouts_default, entry_is_stray, engine))
			;
		adopt_sides(engine, w);
		sl_worker_recount(w);
	}
}

static void teardown(struct sl_engine *engine)
{
	sl_registry_free(engine->registry);
	sl_worker_free_all(engine);
	sl_free(engine->alloc, engine->server_map);
	sl_free(engine->alloc, engine->front_map);
	sl_free(engine->alloc, engine->vip_local);
	sl_free(engine->alloc, engine->path_mtu);
	sl_free(engine->alloc, engine->adjs);
	sl_fib_free(engine->fib);
	sl_publication_free(engine);
	sl_free(engine->alloc, engine);
}

static struct sl_engine *build(const struct sl_engine_params *params,
	const struct sl_store_secrets *secrets, bool adopt, struct sl_err *err)
{
	unsigned rate = params->icmp_rate ? params->icmp_rate : ICMP_RATE_DEFAULT;
	struct sl_engine *engine = sl_zalloc(params->alloc, sizeof(*engine), SL_CACHE_LINE, -1);

	if (engine == NULL) {
		sl_err_set(err, ENOMEM, NULL, "no memory for the engine");
		return NULL;
	}
	engine->alloc = params->alloc;
	engine->clock = params->clock;
	engine->n_workers = params->n_workers;
	engine->owner_mask = owner_mask_of(params);
	engine->icmp_interval_ns = params->n_workers * SL_NS_PER_S / rate;
	engine->loads_next = 1;
	engine->adopted = adopt;
	sl_toeplitz_set(&engine->toeplitz, secrets->toeplitz_key);
	if (sl_publication_new(engine) != 0 || words_new(engine, params) != 0) {
		sl_err_set(err, ENOMEM, NULL, "no memory for the engine");
		goto failed;
	}
	if (sl_worker_new_all(engine, params, secrets->hash, adopt, err) != 0)
		goto failed;
	if (registry_new(engine, params, adopt, err) != 0)
		goto failed;
	sl_publish_snapshot(&engine->snapshot, sl_registry_latest(engine->registry));
	if (adopt)
		adopt_connections(engine);
	return engine;

failed:
	teardown(engine);
	return NULL;
}

static void new_secrets(const struct sl_engine_params *params, struct sl_store_secrets *secrets)
{
	struct sl_toeplitz toeplitz;
	struct sl_rand rand;

	memset(secrets, 0, sizeof(*secrets));
	sl_rand_seed(&rand, params->seed[0] + params->seed[1]);
	sl_toeplitz_init(&toeplitz, &rand);
	memcpy(secrets->toeplitz_key, toeplitz.key, sizeof(secrets->toeplitz_key));
	secrets->hash[0] = params->seed[0];
	secrets->hash[1] = params->seed[1];
}

static struct sl_engine *build_in_store(const struct sl_engine_params *params, struct sl_err *err)
{
	struct sl_store_layout layout = {
		.version = LAYOUT_VERSION,
		.n_workers = params->n_workers,
		.connections = params->connections,
		.connections_wide = sl_connections_wide(params),
		.sides = sl_sides(params),
		.fronts = params->fronts,
		.servers = params->servers,
		.owner_mask = owner_mask_of(params),
	};
	struct sl_store_secrets secrets;
	struct sl_engine *engine;
	char why[160], ignored[160];
	bool adopt;

	new_secrets(params, &secrets);
	adopt = sl_store_begin(params->store, &layout, &secrets, why, sizeof(why));
	if (adopt) {
		struct sl_err damage = {0};

		engine = build(params, &secrets, true, &damage);
		if (engine != NULL)
			return engine;
		if (damage.code !=
			EINVAL) { /* short of memory: the tables wait for a better start */
			sl_err_set(err, damage.code, NULL, "%s", damage.message);
			sl_err_hint(err, "%s", damage.hint);
			return NULL;
		}
		snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, damage.message);
		sl_store_discard(params->store);
		new_secrets(params, &secrets);
		sl_store_begin(params->store, &layout, &secrets, ignored, sizeof(ignored));
	}
	engine = build(params, &secrets, false, err);
	if (engine == NULL) {
		sl_store_discard(params->store); /* half-made files would keep their memory */
		return NULL;
	}
	snprintf(engine->not_adopted, sizeof(engine->not_adopted), "%s", why);
	if (sl_store_complete(params->store) != 0) {
		sl_err_set(err, EIO, NULL, "cannot complete the store of connection tables");
		teardown(engine);
		return NULL;
	}
	return engine;
}

struct sl_engine *sl_engine_new(const struct sl_engine_params *params, struct sl_err *err)
{
	struct sl_store_secrets secrets;

	if (check_params(params, err) != 0)
		return NULL;
	if (params->store != NULL)
		return build_in_store(params, err);
	new_secrets(params, &secrets);
	return build(params, &secrets, false, err);
}

void sl_engine_free(struct sl_engine *engine)
{
	if (engine != NULL)
		teardown(engine);
}

void sl_engine_counters(const struct sl_engine *engine, sl_id server, struct sl_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < engine->n_workers; i++) {
		const struct sl_counters *line = sl_worker_counters_of(engine, i, server);

		if (line == NULL)
			continue;
		sum->in_packets += sl_count_read(line->in_packets);
		sum->in_bytes += sl_count_read(line->in_bytes);
		sum->out_packets += sl_count_read(line->out_packets);
		sum->out_bytes += sl_count_read(line->out_bytes);
		sum->connections += sl_count_read(line->connections);
		sum->active += sl_count_read(line->active);
		sum->inactive += sl_count_read(line->inactive);
	}
}

/* Whether anybody schedules by the server's load. */
static bool goes_by_load(const struct sl_snapshot *snapshot, sl_id id)
{
	const struct sl_server *server = sl_snapshot_server(snapshot, id);
	const struct sl_front *front;

	if (server == NULL || server->state != SL_ID_LIVE)
		return false;
	front = sl_snapshot_front(snapshot, server->front);
	return front != NULL && front->service != NULL &&
		front->service->sched->load_changed != NULL;
}

/*
 * Compared is what the worker itself has written down: a message that it has not taken yet, or that
 * its ring had no room for, is simply sent again the next time.
 */
static void send_loads(struct sl_engine *engine, sl_id server)
{
	struct sl_counters sum;

	sl_engine_counters(engine, server, &sum);
	for (unsigned i = 0; i < engine->n_workers; i++) {
		const struct sl_counters *line = sl_worker_counters_of(engine, i, server);
		struct sl_load_message message = {.server = server};

		if (line == NULL)
			continue;
		message.others_active = sum.active - sl_count_read(line->active);
		message.others_inactive = sum.inactive - sl_count_read(line->inactive);
		if (message.others_active == sl_count_read(line->others_active) &&
			message.others_inactive == sl_count_read(line->others_inactive))
			continue;
		rte_ring_sp_enqueue_elem(engine->workers[i]->loads, &message, sizeof(message));
	}
}

void sl_engine_exchange_loads(struct sl_engine *engine, unsigned servers)
{
	const struct sl_snapshot *snapshot = engine->snapshot; /* this thread publishes it */
	sl_id end = snapshot->n_server_pages * SL_PAGE;
	sl_id from = engine->loads_next;
	unsigned looks = LOOKS_MAX;

	if (engine->n_workers < 2)
		return;
	for (sl_id looked = 0; looked < end && servers > 0 && looks > 0; looked++, looks--) {
		sl_id id = (from + looked) % end;

		if (id % SL_PAGE == 0 && snapshot->server_pages[id / SL_PAGE] == NULL) {
			looked += SL_PAGE - 1;
			engine->loads_next = (id + SL_PAGE) % end;
			continue;
		}
		engine->loads_next = (id + 1) % end;
		if (!goes_by_load(snapshot, id))
			continue;
		send_loads(engine, id);
		servers--;
	}
}

void sl_engine_query_post(struct sl_engine *engine, unsigned worker, struct sl_conn_query *query)
{
	query->done = 0;
	query->lines = 0;
	sl_publish_pointer(&engine->workers[worker]->query, query);
}

bool sl_engine_query_done(const struct sl_conn_query *query)
{
	return sl_read_pointer(&query->done) != 0;
}
