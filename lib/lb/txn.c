/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transactions: from the latest generation to the next, or nothing at all.
 *
 * What can fail (memory, ids, indexes) happens before the point of no return in sl_txn_commit():
 * new pages and service objects belong to the draft, acquired ids and indexes are in the lists of
 * touched ids, and an abort gives all of them back. What cannot fail follows: ids that lose their
 * server change state, indexes that nobody uses are released, new fronts are added to the table
 * that workers are reading.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lb/front.h"
#include "lb/registry_private.h"
#include "lb/stats_private.h"
#include "lb/worker_setup.h"

struct sl_txn {
	struct sl_registry *registry;
	struct sl_draft draft;
	int failed; /* -errno of the first call that failed: the rest cannot be committed */
};

static struct sl_snapshot *snapshot_of(struct sl_txn *txn)
{
	return &txn->draft.next->snapshot;
}

struct sl_txn *sl_txn_begin(struct sl_registry *registry)
{
	struct sl_txn *txn;

	if (registry->txn != NULL)
		return NULL;
	sl_registry_collect(registry);
	txn = sl_zalloc(registry->alloc, sizeof(*txn), SL_CACHE_LINE, -1);
	if (txn == NULL)
		return NULL;
	txn->registry = registry;
	if (sl_draft_begin(&txn->draft, registry->alloc, registry->latest,
		    registry->n_fronts / SL_PAGE + 1, registry->n_servers / SL_PAGE + 1) != 0) {
		sl_free(registry->alloc, txn);
		return NULL;
	}
	registry->txn = txn;
	return txn;
}

/* Room for one more, so that adding it cannot fail after its id has been acquired. */
static int touches_reserve(struct sl_txn *txn, struct sl_touches *touches)
{
	const struct sl_alloc *alloc = txn->registry->alloc;
	uint32_t room = touches->room ? 2 * touches->room : 64;
	struct sl_touch *larger;

	if (touches->n < touches->room)
		return 0;
	larger = sl_zalloc(alloc, room * sizeof(*larger), SL_CACHE_LINE, -1);
	if (larger == NULL)
		return -ENOMEM;
	if (touches->n > 0)
		memcpy(larger, touches->v, touches->n * sizeof(*larger));
	sl_free(alloc, touches->v);
	touches->v = larger;
	touches->room = room;
	return 0;
}

static struct sl_touch *touch_add(struct sl_touches *touches, sl_id id, uint8_t before)
{
	struct sl_touch *touch;

	if (touches->place[id] != 0)
		return &touches->v[touches->place[id] - 1];
	touch = &touches->v[touches->n++];
	*touch = (struct sl_touch){.id = id, .before = before};
	touches->place[id] = touches->n;
	return touch;
}

static uint8_t front_before(const struct sl_txn *txn, sl_id id)
{
	const struct sl_generation *base = txn->draft.base;
	const struct sl_front *front = base ? sl_snapshot_front(&base->snapshot, id) : NULL;

	return front ? front->state : SL_ID_FREE;
}

static const struct sl_server *server_base(const struct sl_txn *txn, sl_id id)
{
	const struct sl_generation *base = txn->draft.base;

	return base ? sl_snapshot_server(&base->snapshot, id) : NULL;
}

static uint8_t server_before(const struct sl_txn *txn, sl_id id)
{
	const struct sl_server *server = server_base(txn, id);

	return server ? server->state : SL_ID_FREE;
}

struct sl_front *sl_txn_front(struct sl_txn *txn, sl_id id)
{
	struct sl_touches *touches = &txn->registry->touched_fronts;

	if (touches_reserve(txn, touches) != 0)
		return NULL;
	touch_add(touches, id, front_before(txn, id));
	return sl_draft_front(&txn->draft, id);
}

struct sl_server *sl_txn_server(struct sl_txn *txn, sl_id id)
{
	struct sl_touches *touches = &txn->registry->touched_servers;

	if (touches_reserve(txn, touches) != 0)
		return NULL;
	touch_add(touches, id, server_before(txn, id));
	return sl_draft_server(&txn->draft, id);
}

/* The id of an identity, entered in the list of touched ones. NULL with *error set. */
static struct sl_touch *acquire(struct sl_txn *txn, struct sl_ids *ids, struct sl_touches *touches,
	const struct sl_identity *identity, uint8_t (*before)(const struct sl_txn *, sl_id),
	int *error)
{
	struct sl_touch *touch;
	bool revived;
	sl_id id;

	*error = touches_reserve(txn, touches);
	if (*error != 0)
		return NULL;
	id = sl_ids_acquire(ids, identity, &revived);
	if (id == SL_ID_NONE) {
		*error = -ENOSPC;
		return NULL;
	}
	touch = touch_add(touches, id, before(txn, id));
	touch->fresh = touch->before == SL_ID_FREE;
	if (revived) {
		touch->revived = true;
		touch->deleted_ns = sl_ids_deleted_ns(ids, id);
	}
	return touch;
}

/* The front's id, with all that it needs before it may be published. */
static int
front_acquire(struct sl_txn *txn, const struct sl_service_key *key, struct sl_touch **touch)
{
	struct sl_registry *r = txn->registry;
	struct sl_identity identity = {.port = key->port, .family = key->vip.family};
	int error;

	memcpy(identity.address, key->vip.bytes, sizeof(identity.address));
	identity.protocol = key->protocol;
	*touch = acquire(txn, r->fronts, &r->touched_fronts, &identity, front_before, &error);
	if (*touch == NULL)
		return error;
	if ((*touch)->fresh && (*touch)->watch == 0) {
		(*touch)->watch = sl_watch_acquire(r->vips, &key->vip);
		if ((*touch)->watch == 0)
			return -ENOSPC;
	}
	error = sl_worker_reserve_front(r->engine, (*touch)->id);
	return error != 0 ? error : sl_stats_reserve_front(r->stats, (*touch)->id);
}

/* The server's adjacency: the one that it has, or one more user of its address's. 0 = all taken. */
static uint32_t
server_adj(struct sl_txn *txn, struct sl_touch *touch, const struct sl_addr *address)
{
	if (touch->before == SL_ID_LIVE)
		return server_base(txn, touch->id)->adj;
	if (touch->watch == 0)
		touch->watch = sl_watch_acquire(txn->registry->adjs, address);
	return touch->watch;
}

/* Finds or makes the server and sets all of its record but the position. */
static int
server_acquire(struct sl_txn *txn, sl_id front, const struct sl_server_spec *spec, sl_id *id)
{
	struct sl_registry *r = txn->registry;
	struct sl_identity identity = {.port = spec->port, .family = spec->address.family};
	const struct sl_server *now;
	struct sl_server want = {
		.fwd = spec->fwd,
		.state = SL_ID_LIVE,
		.port = rte_cpu_to_be_16(spec->port),
		.front = front,
	};
	struct sl_touch *touch;
	struct sl_server *server;
	int error;

	memcpy(identity.address, spec->address.bytes, sizeof(identity.address));
	memcpy(&want.address, spec->address.bytes, sizeof(want.address));
	identity.parent = front;
	touch = acquire(txn, r->servers, &r->touched_servers, &identity, server_before, &error);
	if (touch == NULL)
		return error;
	want.adj = server_adj(txn, touch, &spec->address);
	if (want.adj == 0)
		return -ENOSPC;
	error = sl_worker_reserve_server(r->engine, touch->id);
	if (error == 0)
		error = sl_stats_reserve_server(r->stats, touch->id);
	if (error != 0)
		return error;
	*id = touch->id;
	now = sl_snapshot_server(snapshot_of(txn), touch->id);
	want.position = now ? now->position : 0;
	if (now != NULL && memcmp(now, &want, sizeof(want)) == 0)
		return 0;
	server = sl_draft_server(&txn->draft, touch->id);
	if (server == NULL)
		return -ENOMEM;
	*server = want;
	return 0;
}

static int server_delete(struct sl_txn *txn, const struct sl_service *service, uint32_t position)
{
	struct sl_server *server = sl_txn_server(txn, service->servers[position]);

	if (server == NULL)
		return -ENOMEM;
	server->state = SL_ID_DELETED;
	server->adj = SL_ADJ_NONE;
	server->position = position > 0 ? service->servers[position - 1] : SL_ID_NONE;
	return 0;
}

static void service_retire(struct sl_txn *txn, const struct sl_service *service)
{
	if (service == NULL)
		return;
	for (unsigned w = 0; service->sched_state && w < txn->registry->engine->n_workers; w++)
		sl_draft_retire(&txn->draft, service->sched_state[w]);
	sl_draft_retire(&txn->draft, service);
}

/* The object and its arrays are one piece of memory; the caller fills the arrays. */
static struct sl_service *service_new(struct sl_txn *txn, const struct sl_service_spec *spec,
	sl_id front, sl_id **servers, uint32_t **weights)
{
	unsigned n_workers = txn->registry->engine->n_workers;
	bool block = spec->sched->block_bytes != NULL;
	size_t states = block ? n_workers * sizeof(void *) : 0;
	struct sl_service *service;

	service = sl_draft_zalloc(&txn->draft,
		sizeof(*service) + states +
			spec->n_servers * (sizeof(**servers) + sizeof(**weights)),
		-1);
	if (service == NULL)
		return NULL;
	*servers = (sl_id *)((char *)(service + 1) + states);
	*weights = *servers + spec->n_servers;
	service->version = ++txn->registry->version;
	service->front = front;
	service->sched = spec->sched;
	service->n_servers = spec->n_servers;
	service->servers = *servers;
	service->weights = *weights;
	return service;
}

/* The scheduler's blocks, each on its worker's memory node. */
static int service_add_blocks(struct sl_txn *txn, struct sl_service *service)
{
	struct sl_engine *engine = txn->registry->engine;
	void **blocks = (void **)(service + 1);

	if (service->sched->block_bytes == NULL)
		return 0;
	for (unsigned w = 0; w < engine->n_workers; w++) {
		blocks[w] = sl_draft_zalloc(&txn->draft,
			service->sched->block_bytes(service->n_servers), engine->workers[w]->numa);
		if (blocks[w] == NULL)
			return -ENOMEM;
		if (service->sched->prepare != NULL)
			service->sched->prepare(blocks[w], service);
	}
	service->sched_state = blocks;
	return 0;
}

static bool service_equal(const struct sl_service *a, const struct sl_service *b)
{
	return a->sched == b->sched && a->n_servers == b->n_servers &&
		memcmp(a->servers, b->servers, a->n_servers * sizeof(*a->servers)) == 0 &&
		memcmp(a->weights, b->weights, a->n_servers * sizeof(*a->weights)) == 0;
}

static int twice(struct sl_err *err, const struct sl_server_spec *spec)
{
	char text[SL_ADDR_TEXT];

	return sl_err_set(err, EINVAL, NULL, "server %s port %u twice in one service",
		sl_addr_format(&spec->address, text), spec->port);
}

/* Names the servers in list order (the last one added stands first) and sums up their weights. */
static int service_fill(struct sl_txn *txn, const struct sl_service_spec *spec,
	struct sl_service *service, sl_id *servers, uint32_t *weights, struct sl_err *err)
{
	struct sl_registry *r = txn->registry;

	r->stamp++;
	for (uint32_t i = 0; i < spec->n_servers; i++) {
		uint32_t position = spec->n_servers - 1 - i;
		uint32_t weight = spec->servers[i].weight;
		sl_id id;
		int error;

		error = server_acquire(txn, service->front, &spec->servers[i], &id);
		if (error != 0)
			return error;
		if (r->stamps[id] == r->stamp)
			return twice(err, &spec->servers[i]);
		r->stamps[id] = r->stamp;
		servers[position] = id;
		weights[position] = weight;
		if (weight == 0)
			continue;
		service->n_usable++;
		service->weight_gcd = sl_sched_gcd(service->weight_gcd, weight);
		if (weight > service->weight_max)
			service->weight_max = weight;
	}
	return 0;
}

/* Positions of those that the service names, tombstones for those that it names no longer. */
static int
service_place(struct sl_txn *txn, const struct sl_service *old, const struct sl_service *service)
{
	struct sl_registry *r = txn->registry;
	int error;

	for (uint32_t i = 0; old != NULL && i < old->n_servers; i++) {
		if (r->stamps[old->servers[i]] == r->stamp)
			continue;
		error = server_delete(txn, old, i);
		if (error != 0)
			return error;
	}
	for (uint32_t i = 0; i < service->n_servers; i++) {
		struct sl_server *server;

		if (sl_snapshot_server(snapshot_of(txn), service->servers[i])->position == i)
			continue;
		server = sl_draft_server(&txn->draft, service->servers[i]);
		if (server == NULL)
			return -ENOMEM;
		server->position = i;
	}
	return 0;
}

static int service_set(struct sl_txn *txn, const struct sl_service_spec *spec, struct sl_err *err)
{
	const struct sl_service *old = NULL;
	struct sl_service *service;
	const struct sl_front *known;
	struct sl_front *front;
	struct sl_touch *touch;
	uint32_t *weights;
	sl_id *servers;
	int error;

	error = front_acquire(txn, &spec->key, &touch);
	if (error != 0)
		return error;
	known = sl_snapshot_front(snapshot_of(txn), touch->id);
	if (known != NULL)
		old = known->service;
	service = service_new(txn, spec, touch->id, &servers, &weights);
	if (service == NULL)
		return -ENOMEM;
	error = service_fill(txn, spec, service, servers, weights, err);
	if (error != 0)
		return error;
	if (old != NULL && service_equal(old, service)) {
		sl_draft_retire(&txn->draft, service);
		return 0;
	}
	service->switched = old != NULL && (old->switched || old->sched != spec->sched);
	error = service_place(txn, old, service);
	if (error == 0)
		error = service_add_blocks(txn, service);
	if (error != 0)
		return error;
	front = sl_draft_front(&txn->draft, touch->id);
	if (front == NULL)
		return -ENOMEM;
	service->epoch =
		old != NULL && old->sched == spec->sched ? old->epoch : ++txn->registry->epoch;
	front->index = touch->fresh ? touch->watch : front->index;
	front->state = SL_ID_LIVE;
	front->protocol = spec->key.protocol;
	front->port = rte_cpu_to_be_16(spec->key.port);
	front->v6 = spec->key.vip.family == 6;
	front->address = sl_ip_from_addr(&spec->key.vip);
	front->service = service;
	service_retire(txn, old);
	return 0;
}

static int fail(struct sl_txn *txn, struct sl_err *err, int error)
{
	txn->failed = error;
	switch (-error) {
	case ENOSPC:
		sl_err_set(err, ENOSPC, NULL,
			"no room for more: at most %u services and %u servers, those removed in "
			"the "
			"last two minutes included",
			txn->registry->n_fronts, txn->registry->n_servers);
		sl_err_hint(err, "raise max_services or max_servers and start anew");
		break;
	case EINVAL:
		sl_err_set(err, EINVAL, NULL,
			"a service needs an IPv4 address, TCP or UDP, a scheduler and IPv4 "
			"servers");
		break;
	default:
		sl_err_set(err, -error, NULL, "out of memory");
	}
	return error;
}

static bool spec_is_possible(const struct sl_service_spec *spec)
{
	if (spec->key.vip.family != 4 || spec->sched == NULL)
		return false;
	if (spec->key.protocol != IPPROTO_TCP && spec->key.protocol != IPPROTO_UDP)
		return false;
	for (uint32_t i = 0; i < spec->n_servers; i++)
		if (spec->servers[i].address.family != 4 ||
			(unsigned)spec->servers[i].fwd >= SL_FWD_METHODS)
			return false;
	return true;
}

int sl_txn_service_set(struct sl_txn *txn, const struct sl_service_spec *spec, struct sl_err *err)
{
	int error;

	if (txn->failed != 0)
		return txn->failed;
	error = spec_is_possible(spec) ? service_set(txn, spec, err) : -EINVAL;
	return error == 0 ? 0 : fail(txn, err, error);
}

int sl_txn_service_delete(struct sl_txn *txn, const struct sl_service_key *key)
{
	struct sl_identity identity = {.port = key->port, .family = key->vip.family};
	const struct sl_service *service;
	const struct sl_front *known;
	struct sl_front *front;
	sl_id id;

	if (txn->failed != 0)
		return txn->failed;
	memcpy(identity.address, key->vip.bytes, sizeof(identity.address));
	identity.protocol = key->protocol;
	id = sl_ids_find(txn->registry->fronts, &identity);
	known = id == SL_ID_NONE ? NULL : sl_snapshot_front(snapshot_of(txn), id);
	if (known == NULL || known->state != SL_ID_LIVE)
		return -ENOENT;
	service = known->service;
	for (uint32_t i = 0; i < service->n_servers; i++)
		if (server_delete(txn, service, i) != 0)
			return fail(txn, NULL, -ENOMEM);
	front = sl_txn_front(txn, id);
	if (front == NULL)
		return fail(txn, NULL, -ENOMEM);
	front->service = NULL;
	front->state = SL_ID_DELETED;
	service_retire(txn, service);
	return 0;
}

void sl_txn_timeouts(struct sl_txn *txn, const struct sl_timeouts *timeouts)
{
	snapshot_of(txn)->timeouts = *timeouts;
}

static void table_add(struct sl_front_table *table, const struct sl_front *front, sl_id id)
{
	sl_front_table_add(table, front->kind, front->v6 ? 6 : 4, front->protocol, &front->address,
		front->port, id);
}

/* A table without the fronts that are being reaped, with room to grow. */
static struct sl_front_table *table_rebuild(struct sl_txn *txn, uint32_t n)
{
	struct sl_registry *r = txn->registry;
	struct sl_front_table *table;

	table = sl_front_table_new(r->alloc, 2 * n, r->hash_secret);
	for (sl_id id = 1; table != NULL && id < sl_ids_end(r->fronts); id++) {
		const struct sl_front *front = sl_snapshot_front(snapshot_of(txn), id);

		if (front != NULL && front->state != SL_ID_REAPING)
			table_add(table, front, id);
	}
	return table;
}

/*
 * Prepares the front table. Without reaped fronts and while it has room it stays, and `add` says
 * that the new ones go into it in place, which is the last thing a commit does.
 */
static int table_prepare(struct sl_txn *txn, bool *add)
{
	const struct sl_front_table *table = snapshot_of(txn)->table;
	const struct sl_touches *touches = &txn->registry->touched_fronts;
	uint32_t n = table ? sl_front_table_count(table) : 0;
	bool rebuild = table == NULL;

	for (uint32_t i = 0; i < touches->n; i++) {
		const struct sl_touch *touch = &touches->v[i];
		const struct sl_front *front = sl_snapshot_front(snapshot_of(txn), touch->id);

		if (touch->before == SL_ID_FREE)
			n++;
		if (touch->before == SL_ID_DELETED && front && front->state == SL_ID_REAPING)
			rebuild = true;
	}
	*add = !rebuild && n <= sl_front_table_room(table);
	if (*add)
		return 0;
	table = table_rebuild(txn, n);
	if (table == NULL)
		return -ENOMEM;
	snapshot_of(txn)->table = table;
	return 0;
}

static void table_add_fresh(struct sl_txn *txn)
{
	const struct sl_touches *touches = &txn->registry->touched_fronts;
	struct sl_snapshot *snapshot = snapshot_of(txn);

	for (uint32_t i = 0; i < touches->n; i++) {
		const struct sl_touch *touch = &touches->v[i];
		const struct sl_front *front = sl_snapshot_front(snapshot, touch->id);

		if (touch->fresh)
			table_add((struct sl_front_table *)(uintptr_t)snapshot->table, front,
				touch->id);
	}
}

/* The id map follows what the record says; `reaping` counts ids in that state. */
static void id_follow(struct sl_ids *ids, const struct sl_touch *touch, uint8_t after,
	uint64_t generation, uint64_t now_ns, uint32_t *reaping)
{
	enum sl_id_state state = sl_ids_state(ids, touch->id);

	if (after == SL_ID_DELETED && state == SL_ID_LIVE)
		sl_ids_delete(ids, touch->id, now_ns);
	if (after == SL_ID_REAPING)
		sl_ids_reap(ids, touch->id, generation);
	if (after == SL_ID_FREE)
		sl_ids_free(ids, touch->id);
	*reaping += (after == SL_ID_REAPING) - (touch->before == SL_ID_REAPING);
}

static void front_follow(struct sl_txn *txn, const struct sl_touch *touch, uint64_t now_ns)
{
	struct sl_registry *r = txn->registry;
	struct sl_snapshot *snapshot = snapshot_of(txn);
	struct sl_front *front = &txn->draft.next->fronts[touch->id / SL_PAGE][touch->id % SL_PAGE];

	id_follow(r->fronts, touch, front->state, snapshot->generation, now_ns, &r->n_reaping);
	snapshot->n_services += (front->state == SL_ID_LIVE) - (touch->before == SL_ID_LIVE);
	if (front->port == 0)
		snapshot->n_any_port +=
			(front->state != SL_ID_FREE) - (touch->before != SL_ID_FREE);
	if (front->state == SL_ID_FREE) {
		sl_watch_release(r->vips, front->index, snapshot->generation);
		*front = (struct sl_front){0};
	}
	if (touch->fresh)
		sl_stats_front_new(r->stats, touch->id);
}

static void server_follow(struct sl_txn *txn, const struct sl_touch *touch, uint64_t now_ns)
{
	struct sl_registry *r = txn->registry;
	uint64_t generation = snapshot_of(txn)->generation;
	struct sl_server *server =
		&txn->draft.next->servers[touch->id / SL_PAGE][touch->id % SL_PAGE];
	bool was = touch->before == SL_ID_LIVE, is = server->state == SL_ID_LIVE;

	id_follow(r->servers, touch, server->state, generation, now_ns, &r->n_reaping);
	if (touch->before == SL_ID_FREE)
		r->servers_of[server->front]++;
	if (was && !is)
		sl_watch_release(r->adjs, server_base(txn, touch->id)->adj, generation);
	if (touch->watch != 0 && !is)
		sl_watch_release(r->adjs, touch->watch, generation);
	if (touch->fresh) {
		sl_worker_forget_loads(r->engine, touch->id);
		sl_stats_server_new(r->stats, touch->id);
	} else if (!was && is) {
		sl_stats_server_back(r->stats, touch->id, server->front);
	}
	if (was && !is)
		sl_stats_server_gone(r->stats, touch->id, server->front);
	if (server->state == SL_ID_FREE) {
		r->servers_of[server->front]--;
		sl_stats_server_free(r->stats, touch->id, server->front);
		*server = (struct sl_server){0};
	}
}

static void touches_reset(const struct sl_alloc *alloc, struct sl_touches *touches)
{
	for (uint32_t i = 0; i < touches->n; i++)
		touches->place[touches->v[i].id] = 0;
	sl_free(alloc, touches->v);
	touches->v = NULL;
	touches->n = 0;
	touches->room = 0;
}

static void txn_end(struct sl_txn *txn)
{
	struct sl_registry *r = txn->registry;

	touches_reset(r->alloc, &r->touched_fronts);
	touches_reset(r->alloc, &r->touched_servers);
	r->txn = NULL;
	sl_free(r->alloc, txn);
}

int sl_txn_commit(struct sl_txn *txn, struct sl_snapshot **out, struct sl_err *err)
{
	struct sl_registry *r = txn->registry;
	uint64_t now_ns = sl_clock_ns(r->clock);
	int error = txn->failed;
	bool add;

	*out = NULL;
	if (error == 0)
		error = table_prepare(txn, &add);
	if (error != 0) {
		fail(txn, err, error);
		sl_txn_abort(txn);
		return error;
	}
	/* From here on nothing fails. */
	for (uint32_t i = 0; i < r->touched_servers.n; i++)
		server_follow(txn, &r->touched_servers.v[i], now_ns);
	for (uint32_t i = 0; i < r->touched_fronts.n; i++)
		front_follow(txn, &r->touched_fronts.v[i], now_ns);
	snapshot_of(txn)->reaping = r->n_reaping > 0;
	if (add)
		table_add_fresh(txn);
	r->latest = sl_draft_commit(&txn->draft);
	if (r->oldest == NULL)
		r->oldest = r->latest;
	*out = &r->latest->snapshot;
	txn_end(txn);
	return 0;
}

static void
touches_undo(struct sl_touches *touches, struct sl_ids *ids, struct sl_watch_set *watches)
{
	for (uint32_t i = touches->n; i-- > 0;) {
		const struct sl_touch *touch = &touches->v[i];

		if (touch->watch != 0)
			sl_watch_abandon(watches, touch->watch);
		if (touch->fresh || touch->revived)
			sl_ids_abandon(ids, touch->id, touch->revived, touch->deleted_ns);
	}
}

void sl_txn_abort(struct sl_txn *txn)
{
	struct sl_registry *r = txn->registry;

	/* Servers first: in the map no server is ever without its front, wherever a kill may
	 * strike. */
	touches_undo(&r->touched_servers, r->servers, r->adjs);
	touches_undo(&r->touched_fronts, r->fronts, r->vips);
	sl_draft_abort(&txn->draft);
	txn_end(txn);
}
