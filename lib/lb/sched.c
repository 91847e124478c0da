/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/sched.h"

#include <string.h>

#include "lb/publish.h"
#include "lb/sched_list.h" /* made by meson */
#include "lb/worker.h"

#define STEPS_MAX 8 /* removed servers that a position is carried across */

#define X(name) extern const struct sl_sched sl_sched_##name;
SL_SCHED_LIST(X)
#undef X

const struct sl_sched *const sl_scheds[] = {
#define X(name) &sl_sched_##name,
	SL_SCHED_LIST(X)
#undef X
		NULL,
};

const struct sl_sched *sl_sched_find(const char *name)
{
	for (size_t i = 0; sl_scheds[i] != NULL; i++) {
		if (strcmp(sl_scheds[i]->name, name) == 0)
			return sl_scheds[i];
	}
	return NULL;
}

/* Where `last` stands in the list; if it was removed, where the one before it stands. */
static uint32_t
position_of(const struct sl_snapshot *snapshot, const struct sl_service *service, sl_id last)
{
	for (unsigned step = 0; step <= STEPS_MAX && last != SL_ID_NONE; step++) {
		const struct sl_server *server = sl_snapshot_server(snapshot, last);

		if (server == NULL || server->front != service->front)
			break;
		if (server->state == SL_ID_LIVE)
			return server->position;
		last = server->position;
	}
	return SL_SCHED_NONE;
}

bool sl_sched_position(
	struct sl_worker *w, const struct sl_service *service, struct sl_sched_cell *cell)
{
	if (cell->version == service->version)
		return false;
	if (cell->epoch != service->epoch) {
		memset(cell, 0, sizeof(*cell));
		cell->epoch = service->epoch;
	}
	cell->version = service->version;
	cell->position = position_of(w->snapshot, service, cell->last);
	cell->last =
		cell->position == SL_SCHED_NONE ? SL_ID_NONE : service->servers[cell->position];
	return true;
}

void sl_sched_forget_reaped(struct sl_worker *w, struct sl_sched_cell *cell)
{
	for (unsigned step = 0; step <= STEPS_MAX && cell->last != SL_ID_NONE; step++) {
		const struct sl_server *server = sl_snapshot_server(w->snapshot, cell->last);

		if (server != NULL && server->state != SL_ID_REAPING)
			return;
		cell->last = server == NULL ? SL_ID_NONE : server->position;
	}
	cell->last = SL_ID_NONE;
}

void sl_sched_load(struct sl_worker *w, sl_id server, uint32_t *active, uint32_t *inactive)
{
	const struct sl_counters *line = sl_worker_counters(w, server);

	*active = line->active + line->others_active;
	*inactive = line->inactive + line->others_inactive;
}
