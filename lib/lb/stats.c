/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/stats.h"

#include <errno.h>
#include <string.h>

#include "lb/engine.h"
#include "lb/registry_private.h"
#include "lb/stats_private.h"

#define NUMBERS 5 /* in struct sl_stats_numbers, taken as an array */

_Static_assert(sizeof(struct sl_stats_numbers) == NUMBERS * sizeof(uint64_t), "all of it");

struct counts {
	uint64_t v[NUMBERS];
};

struct estimate {
	double rate[NUMBERS]; /* per second */
};

struct server_stats {
	struct counts base; /* the counter line at the last zeroing */
	struct counts left; /* while DELETED: its share of the service's `gone` */
	struct counts last; /* at the last sample */
	struct estimate estimate;
};

struct front_stats {
	struct counts gone; /* what servers that were removed had counted */
	struct counts step; /* of all servers since the last sample */
	struct estimate estimate;
};

struct sl_stats {
	struct sl_engine *engine;
	struct sl_registry *registry;
	uint64_t sampled_ns; /* 0 = never */
	uint32_t n_front_pages;
	uint32_t n_server_pages;
	struct front_stats **fronts; /* pages of SL_PAGE by id */
	struct server_stats **servers;
};

static struct front_stats *front_of(const struct sl_stats *stats, sl_id front)
{
	return &stats->fronts[front / SL_PAGE][front % SL_PAGE];
}

static struct server_stats *server_of(const struct sl_stats *stats, sl_id server)
{
	return &stats->servers[server / SL_PAGE][server % SL_PAGE];
}

static struct counts read_counts(const struct sl_stats *stats, sl_id server)
{
	struct sl_counters sum;

	sl_engine_counters(stats->engine, server, &sum);
	return (struct counts){
		{sum.connections, sum.in_packets, sum.out_packets, sum.in_bytes, sum.out_bytes}};
}

static void add(struct counts *to, const struct counts *what)
{
	for (unsigned i = 0; i < NUMBERS; i++)
		to->v[i] += what->v[i];
}

static void subtract(struct counts *from, const struct counts *what)
{
	for (unsigned i = 0; i < NUMBERS; i++)
		from->v[i] -= what->v[i];
}

/* Since the server's last zeroing. */
static struct counts total_of(const struct sl_stats *stats, sl_id server)
{
	struct counts total = read_counts(stats, server);

	subtract(&total, &server_of(stats, server)->base);
	return total;
}

static int reserve(const struct sl_alloc *alloc, void **page, size_t size)
{
	if (*page == NULL)
		*page = sl_zalloc(alloc, SL_PAGE * size, SL_CACHE_LINE, -1);
	return *page == NULL ? -ENOMEM : 0;
}

int sl_stats_reserve_front(struct sl_stats *stats, sl_id front)
{
	if (stats == NULL)
		return 0;
	return reserve(stats->engine->alloc, (void **)&stats->fronts[front / SL_PAGE],
		sizeof(struct front_stats));
}

int sl_stats_reserve_server(struct sl_stats *stats, sl_id server)
{
	if (stats == NULL)
		return 0;
	return reserve(stats->engine->alloc, (void **)&stats->servers[server / SL_PAGE],
		sizeof(struct server_stats));
}

/* Ids that were there before the statistics: everything counted so far counts. */
static int reserve_known(struct sl_stats *stats)
{
	int error = 0;

	for (sl_id id = 1; error == 0 && id < sl_ids_end(stats->registry->fronts); id++)
		error = sl_stats_reserve_front(stats, id);
	for (sl_id id = 1; error == 0 && id < sl_ids_end(stats->registry->servers); id++)
		error = sl_stats_reserve_server(stats, id);
	return error;
}

struct sl_stats *sl_stats_new(struct sl_engine *engine)
{
	const struct sl_alloc *alloc = engine->alloc;
	struct sl_stats *stats = sl_zalloc(alloc, sizeof(*stats), SL_CACHE_LINE, -1);

	if (stats == NULL)
		return NULL;
	stats->engine = engine;
	stats->registry = engine->registry;
	stats->n_front_pages = engine->registry->n_fronts / SL_PAGE + 1;
	stats->n_server_pages = engine->registry->n_servers / SL_PAGE + 1;
	stats->fronts =
		sl_zalloc(alloc, stats->n_front_pages * sizeof(*stats->fronts), SL_CACHE_LINE, -1);
	stats->servers = sl_zalloc(
		alloc, stats->n_server_pages * sizeof(*stats->servers), SL_CACHE_LINE, -1);
	if (stats->fronts == NULL || stats->servers == NULL || reserve_known(stats) != 0) {
		sl_stats_free(stats);
		return NULL;
	}
	engine->registry->stats = stats;
	return stats;
}

void sl_stats_free(struct sl_stats *stats)
{
	const struct sl_alloc *alloc;

	if (stats == NULL)
		return;
	alloc = stats->engine->alloc;
	if (stats->registry->stats == stats)
		stats->registry->stats = NULL;
	for (uint32_t p = 0; stats->servers != NULL && p < stats->n_server_pages; p++)
		sl_free(alloc, stats->servers[p]);
	for (uint32_t p = 0; stats->fronts != NULL && p < stats->n_front_pages; p++)
		sl_free(alloc, stats->fronts[p]);
	sl_free(alloc, stats->servers);
	sl_free(alloc, stats->fronts);
	sl_free(alloc, stats);
}

/* ---- the lives of ids, told by the registry ---- */

static void server_restart(struct sl_stats *stats, sl_id server)
{
	struct server_stats *s = server_of(stats, server);

	memset(s, 0, sizeof(*s));
	s->base = read_counts(stats, server);
	s->last = s->base;
}

void sl_stats_front_new(struct sl_stats *stats, sl_id front)
{
	if (stats != NULL)
		memset(front_of(stats, front), 0, sizeof(struct front_stats));
}

void sl_stats_server_new(struct sl_stats *stats, sl_id server)
{
	if (stats != NULL)
		server_restart(stats, server);
}

void sl_stats_server_gone(struct sl_stats *stats, sl_id server, sl_id front)
{
	struct server_stats *s;

	if (stats == NULL)
		return;
	s = server_of(stats, server);
	s->left = total_of(stats, server);
	add(&front_of(stats, front)->gone, &s->left);
}

void sl_stats_server_back(struct sl_stats *stats, sl_id server, sl_id front)
{
	struct server_stats *s;

	if (stats == NULL)
		return;
	s = server_of(stats, server);
	subtract(&front_of(stats, front)->gone, &s->left);
	memset(&s->left, 0, sizeof(s->left));
	memset(&s->estimate, 0, sizeof(s->estimate));
	s->last = read_counts(stats, server);
}

void sl_stats_server_free(struct sl_stats *stats, sl_id server, sl_id front)
{
	struct counts late;

	if (stats == NULL)
		return;
	/* Packets that were on their way under an older generation when it was deleted. */
	late = total_of(stats, server);
	subtract(&late, &server_of(stats, server)->left);
	add(&front_of(stats, front)->gone, &late);
}

/* ---- rates ---- */

static void estimate_move(struct estimate *estimate, const struct counts *step, double seconds)
{
	for (unsigned i = 0; i < NUMBERS; i++)
		estimate->rate[i] += ((double)step->v[i] / seconds - estimate->rate[i]) / 4;
}

static void
sample_servers(struct sl_stats *stats, const struct sl_snapshot *latest, bool first, double seconds)
{
	for (sl_id id = 1; id < sl_ids_end(stats->registry->servers); id++) {
		const struct sl_server *server = sl_snapshot_server(latest, id);
		struct server_stats *s;
		struct counts now, step;

		if (server == NULL || server->state != SL_ID_LIVE)
			continue;
		s = server_of(stats, id);
		now = read_counts(stats, id);
		step = now;
		subtract(&step, &s->last);
		s->last = now;
		if (first)
			continue;
		estimate_move(&s->estimate, &step, seconds);
		add(&front_of(stats, server->front)->step, &step);
	}
}

void sl_stats_tick(struct sl_stats *stats, uint64_t now_ns)
{
	const struct sl_snapshot *latest = sl_registry_latest(stats->registry);
	bool first = stats->sampled_ns == 0;
	double seconds = (double)(now_ns - stats->sampled_ns) / (double)SL_NS_PER_S;

	if (!first && now_ns - stats->sampled_ns < SL_STATS_INTERVAL_NS)
		return;
	stats->sampled_ns = now_ns;
	sample_servers(stats, latest, first, seconds);
	for (sl_id id = 1; !first && id < sl_ids_end(stats->registry->fronts); id++) {
		const struct sl_front *front = sl_snapshot_front(latest, id);
		struct front_stats *f;

		if (front == NULL || front->kind != SL_FRONT_SERVICE)
			continue;
		f = front_of(stats, id);
		estimate_move(&f->estimate, &f->step, seconds);
		memset(&f->step, 0, sizeof(f->step));
	}
}

/* ---- views ---- */

static void
show(const struct counts *total, const struct estimate *estimate, struct sl_stats_view *view)
{
	uint64_t rate[NUMBERS];

	for (unsigned i = 0; i < NUMBERS; i++)
		rate[i] = (uint64_t)(estimate->rate[i] + 0.5);
	memcpy(&view->total, total, sizeof(view->total));
	memcpy(&view->rate, rate, sizeof(view->rate));
}

static void add_connections(const struct sl_stats *stats, sl_id server, struct sl_stats_view *view)
{
	struct sl_counters sum;

	sl_engine_counters(stats->engine, server, &sum);
	view->active += sum.active;
	view->inactive += sum.inactive;
}

int sl_stats_server(const struct sl_stats *stats, sl_id server, struct sl_stats_view *view)
{
	const struct sl_server *record =
		sl_snapshot_server(sl_registry_latest(stats->registry), server);
	struct counts total;

	if (record == NULL || record->state != SL_ID_LIVE)
		return -ENOENT;
	memset(view, 0, sizeof(*view));
	total = total_of(stats, server);
	show(&total, &server_of(stats, server)->estimate, view);
	add_connections(stats, server, view);
	return 0;
}

int sl_stats_service(const struct sl_stats *stats, sl_id front, struct sl_stats_view *view)
{
	const struct sl_front *record =
		sl_snapshot_front(sl_registry_latest(stats->registry), front);
	struct counts total;

	if (record == NULL || record->service == NULL)
		return -ENOENT;
	memset(view, 0, sizeof(*view));
	total = front_of(stats, front)->gone;
	for (uint32_t i = 0; i < record->service->n_servers; i++) {
		struct counts server = total_of(stats, record->service->servers[i]);

		add(&total, &server);
		add_connections(stats, record->service->servers[i], view);
	}
	show(&total, &front_of(stats, front)->estimate, view);
	return 0;
}

int sl_stats_zero(struct sl_stats *stats, sl_id front)
{
	const struct sl_snapshot *latest = sl_registry_latest(stats->registry);
	const struct sl_front *record = sl_snapshot_front(latest, front);

	if (front != SL_ID_NONE && (record == NULL || record->service == NULL))
		return -ENOENT;
	for (sl_id id = 1; id < sl_ids_end(stats->registry->servers); id++) {
		const struct sl_server *server = sl_snapshot_server(latest, id);

		if (server != NULL && (front == SL_ID_NONE || server->front == front))
			server_restart(stats, id);
	}
	for (sl_id id = 1; id < sl_ids_end(stats->registry->fronts); id++) {
		const struct sl_front *other = sl_snapshot_front(latest, id);

		if (other != NULL && other->kind == SL_FRONT_SERVICE &&
			(front == SL_ID_NONE || id == front))
			sl_stats_front_new(stats, id);
	}
	return 0;
}
