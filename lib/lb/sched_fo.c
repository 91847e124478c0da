/* SPDX-License-Identifier: BSD-3-Clause */
/* Fail-over: the highest weight of all, and the next highest once that one is gone or quiesced. */
#include "lb/sched.h"
#include "lb/worker.h"

/* The block is the position of the one that takes everything. */
static size_t block_bytes(const struct sl_service *service)
{
	(void)service;
	return sizeof(uint32_t);
}

static void
prepare(void *block, const struct sl_service *service, const struct sl_server_spec *servers)
{
	uint32_t *first = block;

	*first = SL_SCHED_NONE;
	for (uint32_t i = 0; i < service->n_servers; i++) {
		if (service->weights[i] > (*first == SL_SCHED_NONE ? 0 : service->weights[*first]))
			*first = i;
	}
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	const uint32_t *first = service->sched_state[w->index];

	return *first;
}

const struct sl_sched sl_sched_fo = {
	.name = "fo",
	.help = "fail-over: the highest weight takes everything",
	.shared = true,
	.pick = pick,
	.block_bytes = block_bytes,
	.prepare = prepare,
};
