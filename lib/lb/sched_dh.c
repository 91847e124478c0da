/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Destination hashing: the buckets are filled with the servers in turn, whatever their weight, and
 * the destination address names one. For marks, which stand for many destinations.
 */
#include "lb/sched.h"
#include "lb/sched_hash.h"

static void
prepare(void *block, const struct sl_service *service, const struct sl_server_spec *servers)
{
	struct sl_sched_buckets *buckets = block;

	for (uint32_t i = 0; i < SL_SCHED_BUCKETS && service->n_servers > 0; i++)
		buckets->positions[i] = i % service->n_servers;
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	return sl_sched_in_bucket(
		w, service, sl_sched_bucket(sl_sched_fold(flow->family, &flow->dst), 0));
}

const struct sl_sched sl_sched_dh = {
	.name = "dh",
	.help = "destination hashing: by the address that the client asks for",
	.shared = true,
	.pick = pick,
	.block_bytes = sl_sched_buckets_bytes,
	.prepare = prepare,
};
