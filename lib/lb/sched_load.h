/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the schedulers by load share: a block with the load of each server, as this worker knows
 * it, and a tournament over them (lb/tree.h). Each brings its own comparison: the file is included,
 * not linked, so that the comparison is inlined.
 */
#ifndef SL_LB_SCHED_LOAD_H
#define SL_LB_SCHED_LOAD_H

#include "lb/sched.h"
#include "lb/tree.h"
#include "lb/worker.h"

#define SL_LOAD_QUIESCED UINT64_MAX /* loses against every other */

struct sl_load {
	const uint64_t *loads; /* by position */
	const uint32_t *weights;
};

static inline size_t sl_load_bytes(const struct sl_service *service)
{
	return service->n_servers * sizeof(uint64_t) + sl_tree_bytes(service->n_servers);
}

static inline struct sl_tree *sl_load_tree(void *block, uint32_t n)
{
	return (struct sl_tree *)((uint64_t *)block + n);
}

typedef uint64_t (*sl_load_measure)(uint32_t active, uint32_t inactive);

/* What a scheduler by load goes by. */
struct sl_load_rule {
	sl_load_measure measure;
	sl_tree_better better;
};

/* LVS's measure: an active connection weighs as much as 256 inactive ones. */
static inline uint64_t sl_load_all(uint32_t active, uint32_t inactive)
{
	return (uint64_t)active * 256 + inactive;
}

/* The active connections that there will be with one more. */
static inline uint64_t sl_load_expected(uint32_t active, uint32_t inactive)
{
	(void)inactive;
	return (uint64_t)active + 1;
}

/*
 * load / weight compared by cross multiplication. A quiesced server, of weight 0 and the highest
 * load, loses by the same rule.
 */
static inline bool sl_load_less_for_weight(const void *arg, uint32_t b, uint32_t a)
{
	const struct sl_load *load = arg;

	return (unsigned __int128)load->loads[a] * load->weights[b] >
		(unsigned __int128)load->loads[b] * load->weights[a];
}

static inline __attribute__((always_inline)) uint64_t sl_load_of(struct sl_worker *w,
	const struct sl_service *service, uint32_t position, sl_load_measure measure)
{
	uint32_t active, inactive;

	if (service->weights[position] == 0)
		return SL_LOAD_QUIESCED;
	sl_sched_load(w, service->servers[position], &active, &inactive);
	return measure(active, inactive);
}

static inline __attribute__((always_inline)) uint32_t
sl_load_pick(struct sl_worker *w, const struct sl_service *service, struct sl_load_rule rule)
{
	uint64_t *loads = service->sched_state[w->index];
	struct sl_tree *tree = sl_load_tree(loads, service->n_servers);
	struct sl_load load = {.loads = loads, .weights = service->weights};

	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	if (tree->leaves == 0) {
		for (uint32_t i = 0; i < service->n_servers; i++)
			loads[i] = sl_load_of(w, service, i, rule.measure);
		sl_tree_build(tree, service->n_servers, rule.better, &load);
	}
	return sl_tree_winner(tree);
}

static inline __attribute__((always_inline)) void sl_load_changed(struct sl_worker *w,
	const struct sl_service *service, uint32_t position, struct sl_load_rule rule)
{
	uint64_t *loads = service->sched_state[w->index];
	struct sl_tree *tree = sl_load_tree(loads, service->n_servers);
	struct sl_load load = {.loads = loads, .weights = service->weights};

	if (tree->leaves == 0)
		return; /* the first pick looks at all of them */
	loads[position] = sl_load_of(w, service, position, rule.measure);
	sl_tree_changed(tree, position, rule.better, &load);
}

#endif
