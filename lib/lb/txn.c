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

#include "lb/stats_private.h"
#include "lb/txn_private.h"
#include "lb/worker_setup.h"

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

static uint8_t server_before(const struct sl_txn *txn, sl_id id)
{
	const struct sl_server *server = sl_txn_server_base(txn, id);

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

struct sl_touch *
sl_txn_acquire_front(struct sl_txn *txn, const struct sl_identity *identity, int *error)
{
	struct sl_registry *r = txn->registry;

	return acquire(txn, r->fronts, &r->touched_fronts, identity, front_before, error);
}

struct sl_touch *
sl_txn_acquire_server(struct sl_txn *txn, const struct sl_identity *identity, int *error)
{
	struct sl_registry *r = txn->registry;

	return acquire(txn, r->servers, &r->touched_servers, identity, server_before, error);
}

int sl_txn_fail(struct sl_txn *txn, struct sl_err *err, int error)
{
	txn->failed = error;
	switch (-error) {
	case ENOSPC:
		sl_err_set(err, ENOSPC, NULL,
			"no room for more: at most %u services and %u servers, those removed in "
			"the last two minutes included",
			txn->registry->n_services, txn->registry->n_servers);
		sl_err_hint(err, "raise max_services or max_servers and start anew");
		break;
	case EINVAL:
		sl_err_set(err, EINVAL, NULL,
			"a service needs an address, TCP or UDP, a scheduler, and servers of a "
			"family and port that their forwarding methods reach");
		break;
	default:
		sl_err_set(err, -error, NULL, "out of memory");
	}
	return error;
}

void sl_txn_timeouts(struct sl_txn *txn, const struct sl_timeouts *timeouts)
{
	sl_txn_snapshot(txn)->timeouts = *timeouts;
}

void sl_txn_tunnel_policy(struct sl_txn *txn, const struct sl_tunnel_policy *policy)
{
	sl_txn_snapshot(txn)->tunnel_policy = *policy;
}

int sl_txn_locals(struct sl_txn *txn, const struct sl_addr *addresses, uint32_t n, uint16_t low,
	uint16_t high)
{
	struct sl_snapshot *snapshot = sl_txn_snapshot(txn);
	struct sl_locals *locals;

	if (txn->failed != 0)
		return txn->failed;
	if (n == 0) {
		sl_draft_retire(&txn->draft, snapshot->locals);
		snapshot->locals = NULL;
		return 0;
	}
	if (low == 0 || low > high)
		return txn->failed = -EINVAL;
	locals = sl_draft_zalloc(&txn->draft, sl_locals_bytes(n), -1);
	if (locals == NULL)
		return txn->failed = -ENOMEM;
	sl_locals_fill(locals, addresses, n, low, high);
	if (sl_locals_equal(snapshot->locals, locals)) {
		sl_draft_retire(&txn->draft, locals);
		return 0;
	}
	sl_draft_retire(&txn->draft, snapshot->locals);
	snapshot->locals = locals;
	return 0;
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

/* How many fronts of each sort there are. */
static void front_count(struct sl_txn *txn, const struct sl_front *front, int by)
{
	struct sl_snapshot *snapshot = sl_txn_snapshot(txn);

	switch ((enum sl_front_kind)front->kind) {
	case SL_FRONT_SERVICE:
		txn->registry->service_ids += by;
		snapshot->n_any_port += front->port == 0 ? by : 0;
		break;
	case SL_FRONT_ENDPOINT:
		if (front->protocol == IPPROTO_IPIP) {
			snapshot->n_tunnels += by;
			break;
		}
		snapshot->n_endpoints += by;
		snapshot->n_any_endpoints += front->port == 0 ? by : 0;
		break;
	case SL_FRONT_MASQUERADE:
		break;
	}
}

static void front_follow(struct sl_txn *txn, const struct sl_touch *touch, uint64_t now_ns)
{
	struct sl_registry *r = txn->registry;
	struct sl_snapshot *snapshot = sl_txn_snapshot(txn);
	struct sl_front *front = &txn->draft.next->fronts[touch->id / SL_PAGE][touch->id % SL_PAGE];

	id_follow(r->fronts, touch, front->state, snapshot->generation, now_ns, &r->n_reaping);
	front_count(txn, front, (front->state != SL_ID_FREE) - (touch->before != SL_ID_FREE));
	if (front->kind == SL_FRONT_SERVICE) {
		snapshot->n_services +=
			(front->state == SL_ID_LIVE) - (touch->before == SL_ID_LIVE);
		sl_ids_note(r->fronts, touch->id, sl_txn_front_note(front));
		if (touch->fresh)
			sl_stats_front_new(r->stats, touch->id);
	}
	if (front->state != SL_ID_FREE)
		return;
	if (front->kind == SL_FRONT_SERVICE)
		sl_watch_release(r->vips, front->index, snapshot->generation);
	*front = (struct sl_front){0};
}

/* Who holds which front, and which of those are LIVE. */
static void
holds_follow(struct sl_registry *r, const struct sl_server *before, const struct sl_server *now)
{
	for (unsigned hold = 0; hold < SL_HOLDS; hold++) {
		if (before != NULL && before->held[hold] != SL_ID_NONE) {
			r->servers_of[before->held[hold]]--;
			r->live_holders[before->held[hold]] -= before->state == SL_ID_LIVE;
		}
		if (now->state != SL_ID_FREE && now->held[hold] != SL_ID_NONE) {
			r->servers_of[now->held[hold]]++;
			r->live_holders[now->held[hold]] += now->state == SL_ID_LIVE;
		}
	}
}

static void server_follow(struct sl_txn *txn, const struct sl_touch *touch, uint64_t now_ns)
{
	struct sl_registry *r = txn->registry;
	uint64_t generation = sl_txn_snapshot(txn)->generation;
	const struct sl_server *base = sl_txn_server_base(txn, touch->id);
	struct sl_server *server =
		&txn->draft.next->servers[touch->id / SL_PAGE][touch->id % SL_PAGE];
	bool was = touch->before == SL_ID_LIVE, is = server->state == SL_ID_LIVE;

	sl_ids_note(r->servers, touch->id, sl_txn_server_note(server));
	id_follow(r->servers, touch, server->state, generation, now_ns, &r->n_reaping);
	holds_follow(r, base, server);
	if (touch->before == SL_ID_FREE)
		r->servers_of[server->front]++;
	if (was && !is)
		sl_watch_release(r->adjs, base->adj, generation);
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
		error = sl_txn_endpoints_prepare(txn);
	if (error == 0)
		error = sl_txn_table_prepare(txn, &add);
	if (error != 0) {
		sl_txn_fail(txn, err, error);
		sl_txn_abort(txn);
		return error;
	}
	/* From here on nothing fails. */
	for (uint32_t i = 0; i < r->touched_servers.n; i++)
		server_follow(txn, &r->touched_servers.v[i], now_ns);
	sl_txn_endpoints_settle(txn);
	for (uint32_t i = 0; i < r->touched_fronts.n; i++)
		front_follow(txn, &r->touched_fronts.v[i], now_ns);
	sl_txn_snapshot(txn)->reaping = r->n_reaping > 0;
	if (add)
		sl_txn_table_add(txn);
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
