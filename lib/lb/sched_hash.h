/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the schedulers by hash share: a table of 256 buckets, each of which is a position in the
 * service's list, and LVS's hash (found by watching Linux 6.1: docs/lvs.md).
 */
#ifndef SL_LB_SCHED_HASH_H
#define SL_LB_SCHED_HASH_H

#include <rte_byteorder.h>

#include "lb/sched.h"
#include "lb/worker.h"

#define SL_SCHED_BUCKETS 256

struct sl_sched_buckets {
	uint32_t positions[SL_SCHED_BUCKETS];
};

static inline size_t sl_sched_buckets_bytes(const struct sl_service *service)
{
	(void)service;
	return sizeof(struct sl_sched_buckets);
}

/* An address as one word: IPv6 folded. */
static inline uint32_t sl_sched_fold(uint8_t family, const union sl_ip *ip)
{
	rte_be32_t word = ip->v4;

	if (family == 6) {
		const uint32_t *words = (const uint32_t *)ip->bytes;

		word = words[0] ^ words[1] ^ words[2] ^ words[3];
	}
	return rte_be_to_cpu_32(word);
}

/* Multiplicative hashing by the golden ratio; the upper 8 bits of 32. */
static inline uint32_t sl_sched_bucket(uint32_t value, uint32_t offset)
{
	return (offset + (value * 0x61c88647u >> 24)) % SL_SCHED_BUCKETS;
}

/* The position in that bucket if its server takes connections. */
static inline uint32_t
sl_sched_in_bucket(const struct sl_worker *w, const struct sl_service *service, uint32_t bucket)
{
	const struct sl_sched_buckets *buckets = service->sched_state[w->index];
	uint32_t position = buckets->positions[bucket];

	return service->weights[position] > 0 ? position : SL_SCHED_NONE;
}

#endif
