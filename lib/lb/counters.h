/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters: one cache line per (worker, server), written by that worker, read by anybody
 * (lb/publish.h). Lines are never zeroed: zeroing stores a baseline elsewhere (lb/stats.h).
 */
#ifndef SL_LB_COUNTERS_H
#define SL_LB_COUNTERS_H

#include <stdint.h>

#include "lb/types.h"

struct sl_counters {
	uint64_t in_packets; /* from clients, forwarded */
	uint64_t in_bytes;   /* of IP */
	uint64_t out_packets;
	uint64_t out_bytes;
	uint64_t connections; /* ever scheduled */
	uint32_t active;
	uint32_t inactive;
	/* What the other workers have, as the control core last said; written by the worker. */
	uint32_t others_active;
	uint32_t others_inactive;
	uint64_t spare;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct sl_counters) == 64, "one line per worker and server");

#define SL_COUNTERS_PAGE 256

/* Pages by server id; allocated by the configuration thread before the id is published, kept. */
struct sl_counter_pages {
	struct sl_counters *pages[(SL_ID_MAX + 1) / SL_COUNTERS_PAGE];
};

#endif
