/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/publish.h"
#include "lb/side_layout.h"

#define LOOKED_AT 16 /* records, for one that gives way */

static uint32_t capacity_of(uint64_t capacity)
{
	return (uint32_t)RTE_MIN(capacity, (uint64_t)SL_ID_MAX);
}

size_t sl_side_pool_bytes(uint64_t capacity)
{
	return sizeof(struct side_header) + (size_t)capacity_of(capacity) * sizeof(struct sl_side);
}

struct sl_side_pool *sl_side_pool_open(void *memory, uint64_t capacity, bool adopt)
{
	struct side_header expected = {
		.magic = SIDE_MAGIC, .version = SIDE_VERSION, .capacity = capacity_of(capacity)};
	struct sl_side_pool *pool;

	_Static_assert(sizeof(expected) == sizeof(struct sl_side), "it lies where record 0 would");
	if (adopt && memcmp(memory, &expected, sizeof(expected)) != 0)
		return NULL;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return NULL;
	memcpy(memory, &expected, sizeof(expected));
	pool->sides = memory;
	pool->capacity = expected.capacity;
	pool->sweep_at = 1;
	pool->evict_at = 1;
	return pool;
}

void sl_side_pool_close(struct sl_side_pool *pool)
{
	free(pool);
}

struct sl_conn_key sl_side_forward_key(const struct sl_side *side)
{
	return (struct sl_conn_key){.client = side->client,
		.client_port = side->client_port,
		.service_port = side->service_port,
		.front = side->front};
}

struct sl_conn_key sl_side_reverse_key(const struct sl_side *side)
{
	return (struct sl_conn_key){
		.client = side->local, .client_port = side->local_port, .front = side->endpoint};
}

/* ---- how long a record counts ---- */

static uint16_t age_of(const struct sl_worker *w, const struct sl_side *side)
{
	return (uint16_t)(w->tick - side->tick);
}

static uint16_t timeout_of(const struct sl_worker *w, const struct sl_side *side)
{
	if (side->flags & SL_SIDE_LINGERS)
		return SL_SIDE_LINGER_S;
	return w->snapshot->timeouts.s[side->state];
}

bool sl_side_is_over(const struct sl_worker *w, const struct sl_side *side)
{
	return (side->flags & SL_SIDE_LINGERS) || age_of(w, side) >= timeout_of(w, side);
}

static void count(struct sl_worker *w, sl_id server, enum sl_state from, enum sl_state to)
{
	if (server != SL_ID_NONE)
		sl_worker_count(w, server, from, to);
}

void sl_side_update(struct sl_worker *w, struct sl_side *side, enum sl_state state, uint16_t flags)
{
	if (side->state != state) {
		count(w, side->server, (enum sl_state)side->state, state);
		side->state = (uint8_t)state;
	}
	if (side->flags != flags)
		side->flags = flags;
	if (side->tick != w->tick)
		side->tick = w->tick;
}

/* ---- entries ---- */

static void forget_entry(struct sl_conn_table *table, const struct sl_conn_key *key, uint32_t index)
{
	struct sl_conn_ref ref = sl_conn_find(table, key, sl_conn_hash(table, key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return;
	sl_conn_view(table, ref, &view);
	if (view.side == index)
		sl_conn_remove(table, ref);
}

static uint64_t client_hash(const struct sl_conn_table *table, const struct sl_side *side)
{
	return sl_conn_hash_client(table, &side->client, side->client_port);
}

static void forget_forward(struct sl_worker *w, const struct sl_side *side, uint32_t index)
{
	struct sl_conn_table *table = sl_side_forward_table(w, side);
	struct sl_conn_key key = sl_side_forward_key(side);

	forget_entry(table, &key, index);
	if (side->flags & SL_SIDE_SPILLED)
		sl_conn_unspill(table, client_hash(table, side));
}

static bool is_taken(const struct sl_conn_table *table, const struct sl_conn_key *key)
{
	return sl_conn_find(table, key, sl_conn_hash(table, key)).slot != NULL;
}

/* One entry of the pair; an ordinary connection may have to make room for it. */
static bool enter(struct sl_worker *w, struct sl_conn_table *table, enum sl_conn_kind kind,
	const struct sl_conn_key *key, uint32_t index)
{
	struct sl_conn_view evicted, entry = {.key = *key, .kind = kind, .side = index};
	struct sl_conn_ref ref = sl_conn_insert(
		table, &entry, sl_conn_hash(table, key), w->tick, &w->snapshot->timeouts, &evicted);

	if (evicted.key.front != SL_ID_NONE)
		sl_worker_count(w, evicted.server, evicted.state, SL_STATE_COUNT);
	return ref.slot != NULL;
}

static bool enter_both(struct sl_worker *w, const struct sl_side *side, uint32_t index)
{
	struct sl_conn_key forward = sl_side_forward_key(side), reverse = sl_side_reverse_key(side);

	if (!enter(w, sl_side_forward_table(w, side), SL_CONN_SIDE, &forward, index))
		return false;
	if (enter(w, sl_side_reverse_table(w, side), SL_CONN_REVERSE, &reverse, index))
		return true;
	forget_entry(sl_side_forward_table(w, side), &forward, index);
	return false;
}

/* ---- records ---- */

static void give_back(struct sl_side_pool *pool, uint32_t index)
{
	side_free(pool, index);
	sl_count_add(pool->stats.sides, -1);
}

void sl_side_drop(struct sl_worker *w, uint32_t index)
{
	struct sl_side *side = sl_side_at(w, index);
	struct sl_conn_key reverse = sl_side_reverse_key(side);

	if (side->flags & SL_SIDE_LINGERS)
		sl_count_add(w->sides->stats.lingering, -1);
	else
		forget_forward(w, side, index);
	forget_entry(sl_side_reverse_table(w, side), &reverse, index);
	give_back(w->sides, index);
}

static void end_completely(struct sl_worker *w, uint32_t index)
{
	const struct sl_side *side = sl_side_at(w, index);

	if (!(side->flags & SL_SIDE_LINGERS))
		count(w, side->server, (enum sl_state)side->state, SL_STATE_COUNT);
	sl_side_drop(w, index);
}

/* No other connection can take the endpoint of a spilled one: it is the client's own. */
static bool may_linger(const struct sl_worker *w, const struct sl_side *side)
{
	return !(side->flags & (SL_SIDE_SPILLED | SL_SIDE_LINGERS)) &&
		age_of(w, side) < SL_SIDE_LINGER_S;
}

void sl_side_remove(struct sl_worker *w, uint32_t index)
{
	struct sl_side *side = sl_side_at(w, index);

	if (!may_linger(w, side)) {
		end_completely(w, index);
		return;
	}
	count(w, side->server, (enum sl_state)side->state, SL_STATE_COUNT);
	side->flags |= SL_SIDE_LINGERS; /* before the entry goes: a new process knows why it is not
					   there */
	side_store_order();
	forget_forward(w, side, index);
	sl_count_add(w->sides->stats.lingering, 1);
}

enum rank { PROVEN, UNPROVEN, EMBRYONIC, LINGERING, EXPIRED };

static enum rank rank_of(const struct sl_worker *w, const struct sl_side *side)
{
	if (age_of(w, side) >= timeout_of(w, side))
		return EXPIRED;
	if (side->flags & SL_SIDE_LINGERS)
		return LINGERING;
	if (side->state != SL_STATE_ESTABLISHED)
		return EMBRYONIC;
	return side->flags & SL_SIDE_DATA ? PROVEN : UNPROVEN;
}

/* In a full pool: whoever gives way most readily of the next few. 0 = nobody. */
static uint32_t evict(struct sl_worker *w)
{
	struct sl_side_pool *pool = w->sides;
	enum rank best = PROVEN;
	uint32_t who = 0;

	for (unsigned i = 0; i < LOOKED_AT && i < pool->high; i++) {
		const struct sl_side *side = sl_side_at(w, pool->evict_at);
		enum rank rank = rank_of(w, side);

		if (rank > best ||
			(rank == best && who != 0 &&
				age_of(w, side) > age_of(w, sl_side_at(w, who)))) {
			best = rank;
			who = pool->evict_at;
		}
		pool->evict_at = pool->evict_at < pool->high ? pool->evict_at + 1 : 1;
	}
	if (who == 0)
		return 0;
	if (best == EXPIRED)
		sl_count_add(pool->stats.expired, 1);
	else
		sl_count_add(pool->stats.evicted, 1);
	end_completely(w, who);
	return side_take(pool);
}

int sl_side_insert(struct sl_worker *w, const struct sl_side *want, uint32_t *index)
{
	struct sl_conn_key forward = sl_side_forward_key(want), reverse = sl_side_reverse_key(want);
	struct sl_side_pool *pool = w->sides;
	uint32_t at;

	if (is_taken(sl_side_forward_table(w, want), &forward) ||
		is_taken(sl_side_reverse_table(w, want), &reverse))
		return -EEXIST;
	at = side_take(pool);
	if (at == 0)
		at = evict(w);
	if (at == 0) {
		sl_count_add(pool->stats.refused, 1);
		return -ENOSPC;
	}
	side_fill(sl_side_at(w, at), want, w->tick);
	sl_count_add(pool->stats.sides, 1);
	if (!enter_both(w, want, at)) {
		give_back(pool, at);
		sl_count_add(pool->stats.refused, 1);
		return -ENOSPC;
	}
	if (want->flags & SL_SIDE_SPILLED) {
		struct sl_conn_table *table = sl_side_forward_table(w, want);

		sl_conn_spill(table, client_hash(table, want));
		sl_count_add(pool->stats.spilled, 1);
	}
	sl_count_add(pool->stats.inserted, 1);
	count(w, want->server, SL_STATE_COUNT, (enum sl_state)want->state);
	*index = at;
	return 0;
}

/* ---- the sweep ---- */

/* Nobody may know its ids any more. */
static bool is_reaped(const struct sl_worker *w, const struct sl_side *side)
{
	const struct sl_front *front, *endpoint;
	const struct sl_server *server;

	if (!w->snapshot->reaping)
		return false;
	front = sl_snapshot_front(w->snapshot, side->front);
	endpoint = sl_snapshot_front(w->snapshot, side->endpoint);
	if (front == NULL || front->state == SL_ID_REAPING || endpoint == NULL ||
		endpoint->state == SL_ID_REAPING)
		return true;
	if (side->server == SL_ID_NONE)
		return false;
	server = sl_snapshot_server(w->snapshot, side->server);
	return server == NULL || server->state == SL_ID_REAPING;
}

bool sl_side_sweep(struct sl_worker *w, uint32_t n)
{
	struct sl_side_pool *pool = w->sides;

	for (; n > 0 && pool->sweep_at <= pool->high; n--, pool->sweep_at++) {
		const struct sl_side *side = sl_side_at(w, pool->sweep_at);

		if (side->front == SL_ID_NONE)
			continue;
		if (is_reaped(w, side)) {
			end_completely(w, pool->sweep_at);
		} else if (age_of(w, side) >= timeout_of(w, side)) {
			sl_count_add(pool->stats.expired, !(side->flags & SL_SIDE_LINGERS));
			sl_side_remove(w, pool->sweep_at);
		}
	}
	if (pool->sweep_at <= pool->high)
		return false;
	pool->sweep_at = 1;
	return true;
}
