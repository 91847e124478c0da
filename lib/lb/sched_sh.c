/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source hashing: the buckets are filled with the servers in turn, each taking as many in a row as
 * its weight says, and the client's address names one.
 */
#include "lb/sched.h"
#include "lb/sched_hash.h"

static void
prepare(void *block, const struct sl_service *service, const struct sl_server_spec *servers)
{
	struct sl_sched_buckets *buckets = block;
	uint32_t position = 0, taken = 0;

	for (uint32_t i = 0; i < SL_SCHED_BUCKETS && service->n_servers > 0; i++) {
		buckets->positions[i] = position;
		if (++taken >= service->weights[position]) {
			position = (position + 1) % service->n_servers;
			taken = 0;
		}
	}
}

/* From the client's own bucket on, until one has a server that takes connections. */
static uint32_t
fall_back(const struct sl_worker *w, const struct sl_service *service, uint32_t value)
{
	uint32_t first = sl_sched_bucket(value, 0);

	for (uint32_t i = 0; i < SL_SCHED_BUCKETS; i++) {
		uint32_t position = sl_sched_in_bucket(
			w, service, sl_sched_bucket(value, (i + first) % SL_SCHED_BUCKETS));

		if (position != SL_SCHED_NONE)
			return position;
	}
	return SL_SCHED_NONE;
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	uint32_t value = sl_sched_fold(flow->family, &flow->src), position;

	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	if (service->sched_flags & SL_SCHED_PORT)
		value += rte_be_to_cpu_16(flow->src_port);
	position = sl_sched_in_bucket(w, service, sl_sched_bucket(value, 0));
	if (position == SL_SCHED_NONE && (service->sched_flags & SL_SCHED_FALLBACK))
		return fall_back(w, service, value);
	return position;
}

const struct sl_sched sl_sched_sh = {
	.name = "sh",
	.help = "source hashing: by the client's address",
	.flags = SL_SCHED_FALLBACK | SL_SCHED_PORT,
	.shared = true,
	.pick = pick,
	.block_bytes = sl_sched_buckets_bytes,
	.prepare = prepare,
};
