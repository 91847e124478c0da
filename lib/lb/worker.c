/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/worker.h"

#include <string.h>

#include "lb/datagram.h"
#include "lb/engine.h"
#include "lb/publish.h"
#include "lb/side.h"

#define LOADS_PER_POLL     32
#define SWEEP_ROUND_NS     (2 * SL_NS_PER_S)
#define SWEEP_LINES_MAX    256 /* lines looked at per poll: 16 KB, read in sequence */
#define SIDE_LINES         4 /* a side record's entries lie elsewhere: it counts as so many lines */
#define COPY_LINES         16 /* lines copied per poll for a listing: SL_QUERY_ROOM entries */
#define DATAGRAMS_PER_POLL 16 /* looked at for being too old */

/* ---- the turns of the loop ---- */

static void take_loads(struct sl_worker *w);
static void answer_query(struct sl_worker *w);
static void sweep(struct sl_worker *w);

void sl_worker_poll_begin(struct sl_worker *w, uint64_t now_ns)
{
	w->now_ns = now_ns;
	w->tick = (sl_tick)(now_ns / SL_NS_PER_S);
	w->snapshot = sl_read_snapshot(&w->engine->snapshot);
	take_loads(w);
}

unsigned sl_worker_take_handover(struct sl_worker *w, struct rte_mbuf **pkts)
{
	unsigned n_workers = w->engine->n_workers, taken, waited, share;

	/* Half a burst at most, or a flood of them would leave nothing to the rings. */
	waited = sl_datagrams_take(w->datagrams, pkts, SL_BURST / 2);
	if (n_workers < 2)
		return waited;
	taken = waited;
	share = RTE_MAX(SL_BURST / (n_workers - 1), 1u);
	for (unsigned i = 0; i < n_workers && taken < SL_BURST; i++) {
		/* Another one is first each time: nobody starves behind a busy ring. */
		unsigned from = (unsigned)((w->stats.polls + i) % n_workers);

		if (w->handover_in[from] == NULL)
			continue;
		taken += rte_ring_sc_dequeue_burst(w->handover_in[from], (void **)&pkts[taken],
			RTE_MIN(share, SL_BURST - taken), NULL);
	}
	sl_count_add(w->stats.handover_received, taken - waited);
	return taken;
}

void sl_worker_housekeeping(struct sl_worker *w)
{
	sweep(w);
	sl_datagrams_expire(w->datagrams, w->now_ns, DATAGRAMS_PER_POLL);
	answer_query(w);
}

void sl_worker_poll_end(struct sl_worker *w)
{
	w->snapshot = NULL;
	rte_rcu_qsbr_quiescent(w->engine->qsbr, w->index);
}

bool sl_worker_is_asked(const struct sl_worker *w)
{
	return sl_read_pointer(&w->query) != NULL;
}

void sl_worker_offline(struct sl_worker *w)
{
	rte_rcu_qsbr_thread_offline(w->engine->qsbr, w->index);
}

void sl_worker_online(struct sl_worker *w)
{
	rte_rcu_qsbr_thread_online(w->engine->qsbr, w->index);
}

/* ---- counts ---- */

struct sl_counters *sl_worker_counters(struct sl_worker *w, sl_id server)
{
	struct sl_counters *page = sl_read_pointer(&w->counters->pages[server / SL_COUNTERS_PAGE]);

	return &page[server % SL_COUNTERS_PAGE];
}

static void load_changed(struct sl_worker *w, sl_id id)
{
	const struct sl_server *server = sl_snapshot_server(w->snapshot, id);
	const struct sl_front *front;

	if (server == NULL || server->state != SL_ID_LIVE)
		return;
	front = sl_snapshot_front(w->snapshot, server->front);
	if (front != NULL && front->service != NULL && front->service->sched->load_changed != NULL)
		front->service->sched->load_changed(w, front->service, server->position);
}

static void count_one(struct sl_counters *line, enum sl_state state, uint32_t by)
{
	if (state == SL_STATE_COUNT)
		return;
	if (sl_state_is_active(state))
		sl_count_add(line->active, by);
	else
		sl_count_add(line->inactive, by);
}

void sl_worker_count(struct sl_worker *w, sl_id server, enum sl_state from, enum sl_state to)
{
	struct sl_counters *line = sl_worker_counters(w, server);

	count_one(line, from, -1u);
	count_one(line, to, 1);
	load_changed(w, server);
}

static void recount_table(struct sl_worker *w, const struct sl_conn_table *table)
{
	struct sl_conn_view views[SL_QUERY_ROOM];

	for (uint64_t cursor = 0; cursor != UINT64_MAX;) {
		unsigned n = sl_conn_copy(table, &cursor, COPY_LINES, views, SL_QUERY_ROOM);

		for (unsigned i = 0; i < n; i++) {
			if (views[i].kind < SL_CONN_SIDE)
				count_one(
					sl_worker_counters(w, views[i].server), views[i].state, 1);
		}
	}
}

void sl_worker_recount(struct sl_worker *w)
{
	recount_table(w, w->narrow);
	recount_table(w, w->wide);
	for (uint32_t i = 1; i <= sl_side_count(w); i++) {
		const struct sl_side *side = sl_side_at(w, i);

		if (side->front != SL_ID_NONE && side->server != SL_ID_NONE &&
			!(side->flags & SL_SIDE_LINGERS))
			count_one(
				sl_worker_counters(w, side->server), (enum sl_state)side->state, 1);
	}
}

/* What the others have, as the control core says: counts for scheduling only. */
static void take_loads(struct sl_worker *w)
{
	struct sl_load_message messages[LOADS_PER_POLL];
	unsigned n = rte_ring_sc_dequeue_burst_elem(
		w->loads, messages, sizeof(messages[0]), LOADS_PER_POLL, NULL);

	for (unsigned i = 0; i < n; i++) {
		struct sl_counters *line;

		/* It may have been freed since the message was written. */
		if (sl_snapshot_server(w->snapshot, messages[i].server) == NULL)
			continue;
		line = sl_worker_counters(w, messages[i].server);
		sl_count_add(line->others_active, messages[i].others_active - line->others_active);
		sl_count_add(
			line->others_inactive, messages[i].others_inactive - line->others_inactive);
		load_changed(w, messages[i].server);
	}
}

/* ---- the sweep: a bounded slice per poll, a round every two seconds ---- */

/* Whether an entry goes: it expired, or nobody may know its ids any more. */
static bool goes(void *arg, const struct sl_conn_view *view, bool expired)
{
	struct sl_worker *w = arg;

	if (!expired && w->snapshot->reaping) {
		const struct sl_front *front = sl_snapshot_front(w->snapshot, view->key.front);
		const struct sl_server *server = sl_snapshot_server(w->snapshot, view->server);

		expired = front == NULL || front->state == SL_ID_REAPING || server == NULL ||
			server->state == SL_ID_REAPING;
	}
	if (expired)
		sl_worker_count(w, view->server, view->state, SL_STATE_COUNT);
	return expired;
}

/*
 * Scheduling positions name servers, too: while ids are being reaped, a round of the sweep ends
 * with a walk over the cells. Returns true when it is through.
 */
static bool sweep_cells(struct sl_worker *w)
{
	unsigned page = w->sweep_cells_done;
	struct sl_sched_cell *cells;

	if (!w->snapshot->reaping || page >= w->snapshot->n_front_pages)
		return true;
	w->sweep_cells_done++;
	cells = sl_read_pointer(&w->cells[page]);
	for (unsigned i = 0; cells != NULL && i < SL_PAGE; i++)
		sl_sched_forget_reaped(w, &cells[i]);
	return w->sweep_cells_done >= w->snapshot->n_front_pages;
}

static void sweep_begin_round(struct sl_worker *w)
{
	w->sweep_started_ns = w->now_ns;
	w->sweep_lines_done = 0;
	w->sweep_cells_done = 0;
	w->sweep_stage = 0;
	w->sweep_snapshot = w->snapshot->generation;
}

/* The tables and the pool, one after the other; cells come last. */
enum { SWEEP_NARROW, SWEEP_WIDE, SWEEP_SIDES, SWEEP_CELLS };

/* What a stage is worth in lines, which are what a round is spread over. */
static uint64_t sweep_lines_of(const struct sl_worker *w, unsigned stage)
{
	switch (stage) {
	case SWEEP_NARROW:
		return sl_conn_lines(w->narrow);
	case SWEEP_WIDE:
		return sl_conn_lines(w->wide);
	case SWEEP_SIDES:
		return (uint64_t)sl_side_count(w) * SIDE_LINES;
	default:
		return 0;
	}
}

/* A slice of the stage. Returns true when that is through. */
static bool sweep_slice(struct sl_worker *w, unsigned stage, unsigned lines)
{
	const struct sl_timeouts *timeouts = &w->snapshot->timeouts;

	switch (stage) {
	case SWEEP_NARROW:
		return sl_conn_sweep(w->narrow, lines, w->tick, timeouts, goes, w);
	case SWEEP_WIDE:
		return sl_conn_sweep(w->wide, lines, w->tick, timeouts, goes, w);
	default:
		return sl_side_sweep(w, (lines + SIDE_LINES - 1) / SIDE_LINES);
	}
}

/* One slice for what is due by now; a stage that is through has done all that is due of it. */
static void sweep_due(struct sl_worker *w)
{
	uint64_t elapsed = w->now_ns - w->sweep_started_ns, total = 0, through = 0, due;
	unsigned lines;

	for (unsigned stage = SWEEP_NARROW; stage < SWEEP_CELLS; stage++) {
		total += sweep_lines_of(w, stage);
		if (stage <= w->sweep_stage)
			through = total;
	}
	due = elapsed >= SWEEP_ROUND_NS
		? total
		: total * (elapsed / SL_NS_PER_US) / (SWEEP_ROUND_NS / SL_NS_PER_US);
	if (due <= w->sweep_lines_done && w->sweep_lines_done < total)
		return;
	lines = due <= w->sweep_lines_done
		? 1
		: (unsigned)RTE_MIN(due - w->sweep_lines_done, (uint64_t)SWEEP_LINES_MAX);
	if (sweep_slice(w, w->sweep_stage, lines)) {
		w->sweep_stage++;
		w->sweep_lines_done = through;
	} else {
		w->sweep_lines_done += lines;
	}
}

static void sweep(struct sl_worker *w)
{
	if (w->sweep_started_ns == 0)
		sweep_begin_round(w);
	if (w->sweep_stage < SWEEP_CELLS)
		sweep_due(w);
	if (w->sweep_stage < SWEEP_CELLS || !sweep_cells(w))
		return;
	sl_count_add(w->sweep_rounds, 1);
	sl_publish_progress(&w->sweep_generation, w->sweep_snapshot);
	sweep_begin_round(w);
}

/* ---- listings ---- */

/* Addresses of both families may have the same bytes: the front tells which it is. */
static bool is_from(const struct sl_worker *w, const struct sl_conn_query *query,
	const struct sl_conn_view *view)
{
	const struct sl_front *front = sl_snapshot_front(w->snapshot, view->key.front);

	return front != NULL && front->v6 == (query->client_family == 6) &&
		sl_ip_equal(&query->client, &view->key.client);
}

static bool is_wanted(const struct sl_worker *w, const struct sl_conn_query *query,
	const struct sl_conn_view *view)
{
	sl_tick age = (sl_tick)(w->tick - view->tick);

	if (age >= w->snapshot->timeouts.s[view->state])
		return false;
	if (query->front != SL_ID_NONE && query->front != view->key.front)
		return false;
	if (query->server != SL_ID_NONE && query->server != view->server)
		return false;
	if (query->state >= 0 && query->state != (int)view->state)
		return false;
	return query->client_family == 0 || is_from(w, query, view);
}

/* A pair is listed once, by its forward entry, with what its record says. */
static bool complete(const struct sl_worker *w, struct sl_conn_view *view)
{
	const struct sl_side *side;

	if (view->kind == SL_CONN_REVERSE)
		return false;
	if (view->kind != SL_CONN_SIDE)
		return true;
	side = sl_side_at(w, view->side);
	view->server = side->server;
	view->state = (enum sl_state)side->state;
	view->flags = side->flags & SL_CONN_DATA;
	view->tick = side->tick;
	return true;
}

static void
answer(const struct sl_worker *w, struct sl_conn_query *query, struct sl_conn_view *view)
{
	if (!complete(w, view) || !is_wanted(w, query, view))
		return;
	if (query->sides != NULL && view->kind == SL_CONN_SIDE)
		query->sides[query->n] = *sl_side_at(w, view->side);
	query->out[query->n++] = *view;
}

static void answer_query(struct sl_worker *w)
{
	struct sl_conn_query *query = sl_read_pointer(&w->query);
	struct sl_conn_view views[SL_QUERY_ROOM];
	unsigned n;

	if (query == NULL)
		return;
	n = sl_conn_copy(query->wide ? w->wide : w->narrow, &query->cursor, COPY_LINES, views,
		RTE_MIN(query->max - query->n, (uint32_t)SL_QUERY_ROOM));
	for (unsigned i = 0; i < n; i++)
		answer(w, query, &views[i]);
	query->now = w->tick;
	query->lines += COPY_LINES;
	if (query->cursor != UINT64_MAX && query->max - query->n >= SL_QUERY_ROOM &&
		query->lines < SL_QUERY_LINES)
		return;
	/* The mailbox first: once it is done, the asker may post the next one or free this. */
	sl_publish_pointer(&w->query, NULL);
	sl_publish_id(&query->done, 1);
}
