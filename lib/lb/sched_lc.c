/* SPDX-License-Identifier: BSD-3-Clause */
/* Least connections: the lowest load; of equals, the first in the list. */
#include "lb/sched.h"
#include "lb/sched_load.h"

static bool less_loaded(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_load *load = arg;

	return load->loads[b] < load->loads[a];
}

static const struct sl_load_rule rule = {.measure = sl_load_all, .better = less_loaded};

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	return sl_load_pick(w, service, rule);
}

static void load_changed(struct sl_worker *w, const struct sl_service *service, uint32_t position)
{
	sl_load_changed(w, service, position, rule);
}

const struct sl_sched sl_sched_lc = {
	.name = "lc",
	.help = "least connections: the server with the fewest",
	.pick = pick,
	.block_bytes = sl_load_bytes,
	.load_changed = load_changed,
};
