/* SPDX-License-Identifier: BSD-3-Clause */
/* Weighted least connections: the lowest load per weight; of equals, the first in the list. */
#include "lb/sched.h"
#include "lb/sched_load.h"

/*
 * load / weight compared by cross multiplication. A quiesced server, of weight 0 and the highest
 * load, loses by the same rule.
 */
static bool less_loaded(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_load *load = arg;

	return (unsigned __int128)load->loads[a] * load->weights[b] >
		(unsigned __int128)load->loads[b] * load->weights[a];
}

static uint32_t
pick(struct sl_worker *w, const struct sl_service *service, struct sl_sched_cell *cell)
{
	return sl_load_pick(w, service, cell, less_loaded);
}

static void load_changed(struct sl_worker *w, const struct sl_service *service, uint32_t position)
{
	sl_load_changed(w, service, position, less_loaded);
}

const struct sl_sched sl_sched_wlc = {
	.name = "wlc",
	.help = "weighted least connections, the fewest for its weight",
	.pick = pick,
	.block_bytes = sl_load_bytes,
	.load_changed = load_changed,
};
