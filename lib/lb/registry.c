/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/registry.h"

#include <errno.h>
#include <string.h>

#include "lb/front.h"
#include "lb/registry_private.h"
#include "lb/stats_private.h"
#include "lb/txn_private.h"
#include "lb/worker_setup.h"

#define TUNNEL_TTL 64   /* of outer headers, unless the configuration says another */
#define AGE_BATCH  1024 /* ids of a kind that one sl_registry_age() moves along */

struct sl_registry *sl_engine_registry(struct sl_engine *engine)
{
	return engine->registry;
}

void sl_registry_collect(struct sl_registry *registry)
{
	uint64_t released = sl_engine_released(registry->engine);

	while (registry->oldest != registry->latest &&
		registry->oldest->snapshot.generation < released) {
		struct sl_generation *next = registry->oldest->next;

		sl_generation_free(registry->alloc, registry->oldest);
		registry->oldest = next;
	}
}

static int age_to(struct sl_txn *txn, enum sl_id_state state, const sl_id *servers,
	unsigned n_servers, const sl_id *fronts, unsigned n_fronts)
{
	for (unsigned i = 0; i < n_servers; i++) {
		struct sl_server *server = sl_txn_server(txn, servers[i]);

		if (server == NULL)
			return -ENOMEM;
		server->state = state;
	}
	for (unsigned i = 0; i < n_fronts; i++) {
		struct sl_front *front = sl_txn_front(txn, fronts[i]);

		if (front == NULL)
			return -ENOMEM;
		front->state = state;
	}
	return 0;
}

/* Fronts that may go on to REAPING: those none of whose servers has an id any more. */
static unsigned without_servers(const struct sl_registry *r, sl_id *fronts, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (r->servers_of[fronts[i]] == 0)
			fronts[kept++] = fronts[i];
	return kept;
}

int sl_registry_age(struct sl_registry *r, uint64_t now_ns, struct sl_snapshot **out)
{
	uint64_t swept = sl_engine_swept(r->engine);
	sl_id due_servers[AGE_BATCH], due_fronts[AGE_BATCH];
	sl_id swept_servers[AGE_BATCH], swept_fronts[AGE_BATCH];
	unsigned n_due_servers, n_due_fronts, n_swept_servers, n_swept_fronts;
	struct sl_txn *txn;
	int error;

	*out = NULL;
	sl_registry_collect(r);
	sl_watch_age(r->adjs, r->oldest->snapshot.generation);
	sl_watch_age(r->vips, r->oldest->snapshot.generation);
	n_due_servers = sl_ids_due(r->servers, now_ns, due_servers, AGE_BATCH);
	n_due_fronts = sl_ids_due(r->fronts, now_ns, due_fronts, AGE_BATCH);
	n_due_fronts = without_servers(r, due_fronts, n_due_fronts);
	n_swept_servers = sl_ids_swept(r->servers, swept, swept_servers, AGE_BATCH);
	n_swept_fronts = sl_ids_swept(r->fronts, swept, swept_fronts, AGE_BATCH);
	if (n_due_servers + n_due_fronts + n_swept_servers + n_swept_fronts == 0)
		return 0;

	txn = sl_txn_begin(r);
	if (txn == NULL)
		return -ENOMEM;
	error = age_to(txn, SL_ID_REAPING, due_servers, n_due_servers, due_fronts, n_due_fronts);
	if (error == 0)
		error = age_to(txn, SL_ID_FREE, swept_servers, n_swept_servers, swept_fronts,
			n_swept_fronts);
	if (error != 0) {
		sl_txn_abort(txn);
		return error;
	}
	return sl_txn_commit(txn, out, NULL);
}

unsigned sl_registry_watches(struct sl_registry *registry, struct sl_watch *out, unsigned max)
{
	unsigned n_vips = sl_watch_changes(registry->vips, out, max);
	unsigned n;

	for (n = 0; n < n_vips; n++)
		out[n].what = SL_WATCH_VIP;
	n += sl_watch_changes(registry->adjs, out + n, max - n);
	for (unsigned i = n_vips; i < n; i++)
		out[i].what = SL_WATCH_ADJ;
	return n;
}

const struct sl_snapshot *sl_registry_latest(const struct sl_registry *registry)
{
	return &registry->latest->snapshot;
}

sl_id sl_registry_front(const struct sl_registry *registry, const struct sl_service_key *key)
{
	struct sl_identity identity = sl_txn_service_identity(key);
	sl_id id = sl_ids_find(registry->fronts, &identity);

	return sl_ids_state(registry->fronts, id) == SL_ID_LIVE ? id : SL_ID_NONE;
}

sl_id sl_registry_server(const struct sl_registry *registry, const struct sl_service_key *key,
	const struct sl_addr *address, uint16_t port)
{
	struct sl_identity identity = {.port = port, .family = address->family};
	sl_id id;

	memcpy(identity.address, address->bytes, sizeof(identity.address));
	identity.parent = sl_registry_front(registry, key);
	if (identity.parent == SL_ID_NONE)
		return SL_ID_NONE;
	id = sl_ids_find(registry->servers, &identity);
	return sl_ids_state(registry->servers, id) == SL_ID_LIVE ? id : SL_ID_NONE;
}

static struct sl_addr address_of(const struct sl_identity *identity)
{
	struct sl_addr address = {.family = identity->family};

	memcpy(address.bytes, identity->address, sizeof(address.bytes));
	return address;
}

bool sl_registry_front_key(
	const struct sl_registry *registry, sl_id front, struct sl_service_key *key)
{
	const struct sl_identity *identity;

	if (sl_ids_state(registry->fronts, front) == SL_ID_FREE)
		return false;
	identity = sl_ids_identity(registry->fronts, front);
	if (identity->parent != SL_FRONT_SERVICE)
		return false;
	*key = (struct sl_service_key){
		.protocol = identity->protocol,
		.vip = address_of(identity),
		.port = identity->port,
	};
	return true;
}

bool sl_registry_server_endpoint(const struct sl_registry *registry, sl_id server,
	struct sl_addr *address, uint16_t *port, sl_id *front)
{
	const struct sl_identity *identity;

	if (sl_ids_state(registry->servers, server) == SL_ID_FREE)
		return false;
	identity = sl_ids_identity(registry->servers, server);
	*address = address_of(identity);
	*port = identity->port;
	*front = identity->parent;
	return true;
}

/* What an earlier process left: LIVE ids are DELETED as of now, until a commit names them again. */
static uint8_t adopted_state(enum sl_id_state state)
{
	return state == SL_ID_REAPING ? SL_ID_REAPING : SL_ID_DELETED;
}

static int adopt_front(struct sl_registry *r, struct sl_txn *txn, sl_id id)
{
	const struct sl_identity *identity = sl_ids_identity(r->fronts, id);
	struct sl_addr address = address_of(identity);
	uint32_t note = sl_ids_noted(r->fronts, id);
	struct sl_front *front;

	if (identity->parent > SL_FRONT_MASQUERADE)
		return -EINVAL;
	front = sl_txn_front(txn, id);
	if (front == NULL || sl_worker_reserve_front(r->engine, id) != 0)
		return -ENOMEM;
	*front = (struct sl_front){
		.state = adopted_state(sl_ids_state(r->fronts, id)),
		.kind = identity->parent,
		.v6 = identity->family == 6,
		.has_nat = note & 1,
		.has_other = note >> 1 & 1,
		.protocol = identity->protocol,
		.port = rte_cpu_to_be_16(identity->port),
		.address = sl_ip_from_addr(&address),
	};
	if (front->kind == SL_FRONT_SERVICE)
		front->index = sl_watch_acquire(r->vips, &address);
	return 0;
}

static bool may_be_held(enum sl_id_state state)
{
	return state == SL_ID_LIVE || state == SL_ID_DELETED;
}

/* What the note says of the server: -EINVAL when an endpoint is not there. */
static int adopt_holds(const struct sl_registry *r, sl_id id, struct sl_server *server)
{
	const struct sl_identity *identity = sl_ids_identity(r->servers, id);
	const struct sl_identity *front = sl_ids_identity(r->fronts, identity->parent);
	struct sl_addr address = address_of(identity);
	uint32_t note = sl_ids_noted(r->servers, id);

	server->plain = (uint8_t)(note >> 8);
	if (server->plain >= SL_FWD_METHODS)
		return -EINVAL;
	for (unsigned hold = 0; hold < SL_HOLDS; hold++) {
		struct sl_identity endpoint;

		if (!(note >> hold & 1))
			continue;
		endpoint =
			sl_txn_endpoint_identity(hold, front->protocol, &address, identity->port);
		server->held[hold] = sl_ids_find(r->fronts, &endpoint);
		if (!may_be_held(sl_ids_state(r->fronts, server->held[hold])))
			return -EINVAL;
	}
	return 0;
}

/* -EINVAL when its fronts cannot be those of a server with an id. */
static int adopt_server(struct sl_registry *r, struct sl_txn *txn, sl_id id)
{
	const struct sl_identity *identity = sl_ids_identity(r->servers, id);
	struct sl_server *server;

	if (!may_be_held(sl_ids_state(r->fronts, identity->parent)) ||
		sl_ids_identity(r->fronts, identity->parent)->parent != SL_FRONT_SERVICE)
		return -EINVAL;
	server = sl_txn_server(txn, id);
	if (server == NULL || sl_worker_reserve_server(r->engine, id) != 0)
		return -ENOMEM;
	server->state = adopted_state(sl_ids_state(r->servers, id));
	server->port = rte_cpu_to_be_16(identity->port);
	server->front = identity->parent;
	server->family = identity->family;
	memcpy(&server->address, identity->address, sizeof(server->address));
	return adopt_holds(r, id, server);
}

/* The first generation: no service, and what was adopted. */
static int first_generation(struct sl_registry *r)
{
	struct sl_txn *txn = sl_txn_begin(r);
	struct sl_snapshot *first;
	int error = 0;

	if (txn == NULL)
		return -ENOMEM;
	sl_txn_timeouts(txn, &sl_timeouts_default);
	sl_txn_tunnel_policy(txn,
		&(struct sl_tunnel_policy){.dscp = -1, .df = SL_TUNNEL_DF_COPY, .ttl = TUNNEL_TTL});
	for (sl_id id = 1; error == 0 && id < sl_ids_end(r->fronts); id++)
		if (sl_ids_state(r->fronts, id) != SL_ID_FREE)
			error = adopt_front(r, txn, id);
	for (sl_id id = 1; error == 0 && id < sl_ids_end(r->servers); id++)
		if (sl_ids_state(r->servers, id) != SL_ID_FREE)
			error = adopt_server(r, txn, id);
	if (error != 0) {
		sl_txn_abort(txn);
		return error;
	}
	return sl_txn_commit(txn, &first, NULL);
}

static int registry_allocate(struct sl_registry *r)
{
	size_t fronts = (r->n_fronts + 1ull) * sizeof(uint32_t);
	size_t servers = (r->n_servers + 1ull) * sizeof(uint32_t);

	r->adjs = sl_watch_set_new(r->alloc, r->engine->n_adjs - 1);
	r->vips = sl_watch_set_new(r->alloc, r->engine->n_vips - 1);
	r->servers_of = sl_zalloc(r->alloc, fronts, SL_CACHE_LINE, -1);
	r->live_holders = sl_zalloc(r->alloc, fronts, SL_CACHE_LINE, -1);
	r->touched_fronts.place = sl_zalloc(r->alloc, fronts, SL_CACHE_LINE, -1);
	r->touched_servers.place = sl_zalloc(r->alloc, servers, SL_CACHE_LINE, -1);
	r->stamps = sl_zalloc(r->alloc, 2 * servers, SL_CACHE_LINE, -1);
	if (r->adjs == NULL || r->vips == NULL || r->servers_of == NULL ||
		r->live_holders == NULL || r->stamps == NULL || r->touched_fronts.place == NULL ||
		r->touched_servers.place == NULL)
		return -ENOMEM;
	return 0;
}

struct sl_registry *sl_registry_new(const struct sl_registry_params *params, struct sl_err *err)
{
	const struct sl_alloc *alloc = params->engine->alloc;
	struct sl_registry *r = sl_zalloc(alloc, sizeof(*r), SL_CACHE_LINE, -1);
	int error = -ENOMEM;

	if (r == NULL)
		goto no_memory;
	r->engine = params->engine;
	r->alloc = alloc;
	r->clock = params->engine->clock;
	r->hash_secret = params->hash_secret;
	r->n_fronts = params->engine->n_front_ids;
	r->n_services = params->services;
	r->n_servers = params->servers;
	error = registry_allocate(r);
	if (error != 0)
		goto no_memory;
	r->fronts = sl_ids_open(params->front_map, r->n_fronts, params->adopt);
	r->servers = sl_ids_open(params->server_map, params->servers, params->adopt);
	if (r->fronts == NULL || r->servers == NULL) {
		sl_err_set(err, params->adopt ? EINVAL : ENOMEM, NULL,
			params->adopt ? "the id map is damaged" : "no memory for the id map");
		goto failed;
	}
	error = first_generation(r);
	if (error == -EINVAL) {
		sl_err_set(err, EINVAL, NULL, "the id maps contradict each other");
		goto failed;
	}
	if (error != 0)
		goto no_memory;
	return r;

no_memory:
	sl_err_set(err, ENOMEM, NULL, "no memory for the registry of services");
failed:
	sl_registry_free(r);
	return NULL;
}

void sl_registry_free(struct sl_registry *r)
{
	if (r == NULL)
		return;
	if (r->txn != NULL)
		sl_txn_abort(r->txn);
	while (r->oldest != r->latest) {
		struct sl_generation *next = r->oldest->next;

		sl_generation_free(r->alloc, r->oldest);
		r->oldest = next;
	}
	sl_generation_free_last(r->alloc, r->latest, r->engine->n_workers);
	sl_ids_close(r->servers);
	sl_ids_close(r->fronts);
	sl_free(r->alloc, r->stamps);
	sl_free(r->alloc, r->touched_servers.place);
	sl_free(r->alloc, r->touched_fronts.place);
	sl_free(r->alloc, r->live_holders);
	sl_free(r->alloc, r->servers_of);
	sl_watch_set_free(r->alloc, r->vips);
	sl_watch_set_free(r->alloc, r->adjs);
	sl_free(r->alloc, r);
}
