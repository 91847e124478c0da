/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Never queue: the first server in the list without an active connection; if each has one, the
 * shortest expected delay.
 */
#include "lb/sched.h"
#include "lb/sched_load.h"

static bool is_idle(uint64_t load)
{
	return load == sl_load_expected(0, 0);
}

static bool sooner(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_load *load = arg;

	if (is_idle(load->loads[a]))
		return false;
	return is_idle(load->loads[b]) || sl_load_less_for_weight(arg, b, a);
}

static const struct sl_load_rule rule = {.measure = sl_load_expected, .better = sooner};

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	return sl_load_pick(w, service, rule);
}

static void load_changed(struct sl_worker *w, const struct sl_service *service, uint32_t position)
{
	sl_load_changed(w, service, position, rule);
}

const struct sl_sched sl_sched_nq = {
	.name = "nq",
	.help = "never queue: a server without active connections, else the shortest expected "
		"delay",
	.pick = pick,
	.block_bytes = sl_load_bytes,
	.load_changed = load_changed,
};
