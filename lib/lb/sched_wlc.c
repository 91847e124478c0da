/* SPDX-License-Identifier: BSD-3-Clause */
/* Weighted least connections: the lowest load per weight; of equals, the first in the list. */
#include "lb/sched.h"
#include "lb/sched_load.h"

static const struct sl_load_rule rule = {.measure = sl_load_all, .better = sl_load_less_for_weight};

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	return sl_load_pick(w, service, rule);
}

static void load_changed(struct sl_worker *w, const struct sl_service *service, uint32_t position)
{
	sl_load_changed(w, service, position, rule);
}

const struct sl_sched sl_sched_wlc = {
	.name = "wlc",
	.help = "weighted least connections: the fewest for its weight",
	.pick = pick,
	.block_bytes = sl_load_bytes,
	.load_changed = load_changed,
};
