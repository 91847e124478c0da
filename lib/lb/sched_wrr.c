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

struct block {
	int64_t first_weight; /* the current weight of a service that is new */
	struct sl_tree tree;  /* last: its array follows */
};

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

static int64_t top_weight(uint32_t divisor, uint32_t max)
{
	return divisor == 0 ? 0 : (int64_t)max - (divisor - 1);
}

/* The current weight after a change that made these the divisor and the highest weight. */
static int64_t kept_weight(int64_t current, uint32_t divisor, uint32_t max)
{
	int64_t top = top_weight(divisor, max);

	if (current > top || current == 0)
		return top;
	return divisor > 1 ? current / divisor * divisor + 1 : current;
}

/*
 * A new service's is as if the servers had been added one by one, the last in the list first: LVS
 * has no other way. One that changes to this scheduler begins with the heaviest.
 */
static int64_t first_weight(const struct sl_service *service)
{
	uint32_t divisor = 0, max = 0;
	int64_t current = 0;

	if (service->switched)
		return top_weight(service->weight_gcd, service->weight_max);
	for (uint32_t i = service->n_servers; i-- > 0;) {
		divisor = sl_sched_gcd(divisor, service->weights[i]);
		max = RTE_MAX(max, service->weights[i]);
		current = kept_weight(current, divisor, max);
	}
	return current;
}

static size_t block_bytes(const struct sl_service *service)
{
	return offsetof(struct block, tree) + sl_tree_bytes(service->n_servers);
}

static void
prepare(void *memory, const struct sl_service *service, const struct sl_server_spec *servers)
{
	struct block *block = memory;

	block->first_weight = first_weight(service);
	sl_tree_build(&block->tree, service->n_servers, heavier, service);
}

static void follow_changes(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct block *block)
{
	bool first_time = cell->epoch != service->epoch;

	if (!sl_sched_position(w, service, cell))
		return;
	cell->position = SL_SCHED_NONE;
	cell->last = SL_ID_NONE;
	if (first_time)
		cell->current_weight = block->first_weight;
	else
		cell->current_weight =
			kept_weight(cell->current_weight, service->weight_gcd, service->weight_max);
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	const struct block *block = service->sched_state[w->index];
	struct round round = {.service = service};
	uint32_t from;

	follow_changes(w, service, cell, block);
	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	round.weight = cell->current_weight;
	from = cell->position + 1; /* SL_SCHED_NONE + 1 is 0 */
	cell->position = sl_tree_next(&block->tree, from, takes_part, &round);
	if (cell->position == SL_TREE_NONE) {
		/* The heaviest takes part in every round, so the next one finds somebody. */
		round.weight -= service->weight_gcd;
		if (round.weight <= 0)
			round.weight = top_weight(service->weight_gcd, service->weight_max);
		cell->current_weight = round.weight;
		cell->position = sl_tree_next(&block->tree, 0, takes_part, &round);
	}
	cell->last = service->servers[cell->position];
	return cell->position;
}

const struct sl_sched sl_sched_wrr = {
	.name = "wrr",
	.help = "weighted round robin, heavier servers have more turns",
	.pick = pick,
	.block_bytes = block_bytes,
	.prepare = prepare,
};
