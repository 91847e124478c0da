/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Weighted round robin as LVS does it: rounds over the list in which those take part whose weight
 * reaches the current weight, which falls from the highest by the weights' greatest common
 * divisor at the end of each round. Any change of the list or of a weight starts a round at the
 * list's beginning with the current weight kept, if it is still one that occurs (docs/lvs.md).
 */
#include "lb/sched.h"
#include "lb/tree.h"
#include "lb/worker.h"

struct round {
	const struct sl_service *service;
	int64_t weight;
};

static bool heavier(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_service *service = arg;

	return service->weights[b] > service->weights[a];
}

static bool takes_part(const void *arg, uint32_t position)
{
	const struct round *round = arg;

	return round->service->weights[position] >= round->weight;
}

static int64_t top_weight(const struct sl_service *service)
{
	return (int64_t)service->weight_max - (service->weight_gcd - 1);
}

static void list_changed(const struct sl_service *service, struct sl_sched_cell *cell)
{
	int64_t gcd = service->weight_gcd == 0 ? 1 : service->weight_gcd;
	int64_t top = service->n_usable == 0 ? 0 : top_weight(service);

	cell->position = SL_SCHED_NONE;
	cell->last = SL_ID_NONE;
	if (cell->current_weight > top || cell->current_weight == 0)
		cell->current_weight = top;
	else if (gcd > 1)
		cell->current_weight = cell->current_weight / gcd * gcd + 1;
}

static uint32_t
pick(struct sl_worker *w, const struct sl_service *service, struct sl_sched_cell *cell)
{
	struct sl_tree *tree = service->sched_state[w->index];
	struct round round = {.service = service};
	uint32_t from;

	if (sl_sched_position(w, service, cell))
		list_changed(service, cell);
	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	if (tree->leaves == 0)
		sl_tree_build(tree, service->n_servers, heavier, service);
	round.weight = cell->current_weight;
	from = cell->position + 1; /* SL_SCHED_NONE + 1 is 0 */
	cell->position = sl_tree_next(tree, from, takes_part, &round);
	if (cell->position == SL_TREE_NONE) {
		/* The heaviest takes part in every round, so the next one finds somebody. */
		round.weight -= service->weight_gcd;
		if (round.weight <= 0)
			round.weight = top_weight(service);
		cell->current_weight = round.weight;
		cell->position = sl_tree_next(tree, 0, takes_part, &round);
	}
	cell->last = service->servers[cell->position];
	return cell->position;
}

const struct sl_sched sl_sched_wrr = {
	.name = "wrr",
	.help = "weighted round robin: in turn, heavier servers more often",
	.pick = pick,
	.block_bytes = sl_tree_bytes,
};
