/* SPDX-License-Identifier: BSD-3-Clause */
#include "sound.h"

#include <stdlib.h>
#include <string.h>

#include "lb/conn.h"
#include "lb/datagram.h"
#include "lb/side.h"
#include "lb/worker_setup.h"

#define VIEWS 64

/* What a walk over a worker's tables and records comes to. */
struct tally {
	uint64_t entries, paired; /* of the table that is being walked; of both */
	uint64_t sides, lingering;
	uint32_t n_servers;
	uint32_t *active, *inactive; /* by server id */
};

static void tally_connection(struct tally *tally, sl_id server, enum sl_state state)
{
	if (server != SL_ID_NONE && server < tally->n_servers)
		(sl_state_is_active(state) ? tally->active : tally->inactive)[server]++;
}

static bool in_use(const struct sl_worker *w, uint32_t side)
{
	return side > 0 && side <= w->sides->high && sl_side_at(w, side)->front != SL_ID_NONE;
}

static uint64_t hash_of(const struct sl_conn_table *table, const struct sl_conn_view *view)
{
	return view->kind == SL_CONN_NAT
		? sl_conn_hash_client(table, &view->key.client, view->key.client_port)
		: sl_conn_hash(table, &view->key);
}

/* Found by its key it is this one: of two with one key the other would be found. */
static const char *entry_wrong(const struct sl_worker *w, const struct sl_conn_table *table,
	const struct sl_conn_view *view, struct tally *tally)
{
	struct sl_conn_ref ref = sl_conn_find(table, &view->key, hash_of(table, view));
	struct sl_conn_view found;

	if (ref.slot == NULL)
		return "an entry that is not found by its key";
	sl_conn_view(table, ref, &found);
	if (found.kind != view->kind || found.server != view->server || found.side != view->side ||
		found.tick != view->tick)
		return "two entries of one key";
	if (view->key.front == SL_ID_NONE || view->state >= SL_STATE_COUNT)
		return "an entry that cannot be";
	if (view->kind < SL_CONN_SIDE) {
		tally_connection(tally, view->server, view->state);
		return NULL;
	}
	tally->paired++;
	return in_use(w, view->side) ? NULL : "an entry whose record is free";
}

static const char *
table_wrong(const struct sl_worker *w, struct sl_conn_table *table, struct tally *tally)
{
	struct sl_conn_view views[VIEWS];
	const char *wrong = NULL;

	tally->entries = 0;
	for (uint64_t cursor = 0; cursor != UINT64_MAX && wrong == NULL;) {
		unsigned n = sl_conn_copy(table, &cursor, VIEWS, views, VIEWS);

		tally->entries += n;
		for (unsigned i = 0; i < n && wrong == NULL; i++)
			wrong = entry_wrong(w, table, &views[i], tally);
	}
	if (wrong == NULL && tally->entries != sl_conn_table_stats(table)->entries)
		wrong = "a table's number of entries";
	return wrong;
}

static bool names(const struct sl_conn_table *table, const struct sl_conn_key *key,
	enum sl_conn_kind kind, uint32_t side)
{
	struct sl_conn_ref ref = sl_conn_find(table, key, sl_conn_hash(table, key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return false;
	sl_conn_view(table, ref, &view);
	return view.kind == kind && view.side == side;
}

static const char *side_wrong(const struct sl_worker *w, uint32_t i, struct tally *tally)
{
	const struct sl_side *side = sl_side_at(w, i);
	struct sl_conn_key forward, reverse;
	struct sl_conn_table *table;

	if (side->front == SL_ID_NONE)
		return NULL;
	forward = sl_side_forward_key(side);
	reverse = sl_side_reverse_key(side);
	table = sl_side_forward_table(w, side);
	tally->sides++;
	if (!names(sl_side_reverse_table(w, side), &reverse, SL_CONN_REVERSE, i))
		return "a record without its reverse entry";
	if (side->flags & SL_SIDE_LINGERS) {
		tally->lingering++;
		return NULL;
	}
	tally_connection(tally, side->server, (enum sl_state)side->state);
	if (!names(table, &forward, SL_CONN_SIDE, i))
		return "a record without its forward entry";
	if ((side->flags & SL_SIDE_SPILLED) &&
		!sl_conn_spilled(
			table, sl_conn_hash_client(table, &side->client, side->client_port)))
		return "a spilled connection whose client's line does not say so";
	return NULL;
}

static const char *sides_wrong(const struct sl_worker *w, struct tally *tally)
{
	const struct sl_side_stats *stats = &w->sides->stats;
	const char *wrong = NULL;

	for (uint32_t i = 1; i <= w->sides->high && wrong == NULL; i++)
		wrong = side_wrong(w, i, tally);
	if (wrong != NULL)
		return wrong;
	if (tally->sides != stats->sides || tally->lingering != stats->lingering)
		return "the number of side records";
	return tally->paired != 2 * tally->sides - tally->lingering ? "an entry of no record"
								    : NULL;
}

static const char *counts_wrong(const struct sl_worker *w, const struct tally *tally)
{
	for (sl_id id = 1; id < tally->n_servers; id++) {
		const struct sl_counters *line = sl_worker_counters_of(w->engine, w->index, id);

		if (line == NULL ? tally->active[id] + tally->inactive[id] != 0
				 : line->active != tally->active[id] ||
					line->inactive != tally->inactive[id])
			return "a server's number of connections";
	}
	return NULL;
}

const char *sound_worker(struct sl_worker *w)
{
	struct tally tally = {.n_servers = w->engine->n_adjs};
	const char *wrong;

	tally.active = calloc(2 * (size_t)tally.n_servers, sizeof(*tally.active));
	if (tally.active == NULL)
		return "no memory for the tally";
	tally.inactive = tally.active + tally.n_servers;
	wrong = table_wrong(w, w->narrow, &tally);
	if (wrong == NULL)
		wrong = table_wrong(w, w->wide, &tally);
	if (wrong == NULL)
		wrong = sides_wrong(w, &tally);
	if (wrong == NULL)
		wrong = counts_wrong(w, &tally);
	free(tally.active);
	return wrong;
}

const char *sound_engine(struct sl_engine *engine)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < engine->n_workers && wrong == NULL; i++)
		wrong = sound_worker(engine->workers[i]);
	return wrong;
}

const char *sound_empty(struct sl_engine *engine)
{
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct sl_worker *w = engine->workers[i];
		struct sl_datagrams_count fragments = sl_datagrams_count(w->datagrams);

		if (sl_conn_table_stats(w->narrow)->entries != 0 ||
			sl_conn_table_stats(w->wide)->entries != 0)
			return "an entry is left";
		if (w->sides->stats.sides != 0)
			return "a side record is left";
		if (sl_conn_table_stats(w->narrow)->stash != 0 ||
			sl_conn_table_stats(w->wide)->stash != 0)
			return "the stash is not empty";
		if (fragments.datagrams != 0 || fragments.waiting != 0)
			return "a fragment waits";
	}
	return sound_engine(engine);
}
