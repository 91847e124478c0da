/* SPDX-License-Identifier: BSD-3-Clause */
/* Round robin: the next usable server behind the one picked last, whatever its weight. */
#include "lb/sched.h"
#include "lb/tree.h"
#include "lb/worker.h"

static bool heavier(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_service *service = arg;

	return service->weights[b] > service->weights[a];
}

static bool usable(const void *arg, uint32_t position)
{
	const struct sl_service *service = arg;

	return service->weights[position] > 0;
}

static size_t block_bytes(const struct sl_service *service)
{
	return sl_tree_bytes(service->n_servers);
}

static void
prepare(void *block, const struct sl_service *service, const struct sl_server_spec *servers)
{
	sl_tree_build(block, service->n_servers, heavier, service);
}

static uint32_t
next_usable(const struct sl_service *service, const struct sl_tree *tree, uint32_t from)
{
	uint32_t position;

	if (from < service->n_servers && usable(service, from))
		return from;
	position = sl_tree_next(tree, from, usable, service);
	return position != SL_TREE_NONE ? position : sl_tree_next(tree, 0, usable, service);
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	sl_sched_position(w, service, cell);
	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	/* SL_SCHED_NONE + 1 is 0: the beginning of the list. */
	cell->position = next_usable(service, service->sched_state[w->index], cell->position + 1);
	cell->last = service->servers[cell->position];
	return cell->position;
}

const struct sl_sched sl_sched_rr = {
	.name = "rr",
	.help = "round robin, one server after the other",
	.pick = pick,
	.block_bytes = block_bytes,
	.prepare = prepare,
};
