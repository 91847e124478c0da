/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overflow: the highest weight among the servers that have at most as many active connections as
 * their weight says; of equals, the first in the list. None if all have more.
 */
#include "lb/sched.h"
#include "lb/sched_load.h"

static uint64_t active_ones(uint32_t active, uint32_t inactive)
{
	(void)inactive;
	return active;
}

/* A quiesced server's load is beyond every weight. */
static bool has_room(const struct sl_load *load, uint32_t position)
{
	return load->loads[position] <= load->weights[position];
}

static bool takes_it(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_load *load = arg;

	if (!has_room(load, b))
		return false;
	return !has_room(load, a) || load->weights[b] > load->weights[a];
}

static const struct sl_load_rule rule = {.measure = active_ones, .better = takes_it};

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	uint32_t first = sl_load_pick(w, service, rule);
	struct sl_load load = {
		.loads = service->sched_state[w->index], .weights = service->weights};

	return first != SL_SCHED_NONE && has_room(&load, first) ? first : SL_SCHED_NONE;
}

static void load_changed(struct sl_worker *w, const struct sl_service *service, uint32_t position)
{
	sl_load_changed(w, service, position, rule);
}

const struct sl_sched sl_sched_ovf = {
	.name = "ovf",
	.help = "overflow: the highest weight among those with at most as many active connections",
	.pick = pick,
	.block_bytes = sl_load_bytes,
	.load_changed = load_changed,
};
