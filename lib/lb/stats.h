/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What listings show of the counters: totals since the last zeroing, and rates. Counter lines are
 * never zeroed (lb/counters.h): zeroing keeps a baseline here. A service's total is the sum of its
 * servers plus what servers that were removed had counted. Owner: the configuration thread. At most
 * one per engine; the registry tells it which servers come and go.
 */
#ifndef SL_LB_STATS_H
#define SL_LB_STATS_H

#include <stdint.h>

#include "lb/types.h"

#define SL_STATS_INTERVAL_NS 2000000000ull /* between two samples of the rates, as LVS */

struct sl_engine;
struct sl_stats;

/* Counts, or rates per second; bytes are of IP. */
struct sl_stats_numbers {
	uint64_t connections;
	uint64_t in_packets;
	uint64_t out_packets;
	uint64_t in_bytes;
	uint64_t out_bytes;
};

struct sl_stats_view {
	struct sl_stats_numbers total; /* since the last zeroing */
	struct sl_stats_numbers rate;  /* connections, packets and bytes per second */
	uint64_t active;               /* connections now, of the whole box */
	uint64_t inactive;
};

/* NULL without memory. To be freed before its engine. */
struct sl_stats *sl_stats_new(struct sl_engine *engine);
void sl_stats_free(struct sl_stats *stats); /* accepts NULL */

/*
 * Moves the rates along, once SL_STATS_INTERVAL_NS have passed since the last time; called more
 * often it does nothing. As LVS: a rate moves a quarter of the way to the new sample.
 */
void sl_stats_tick(struct sl_stats *stats, uint64_t now_ns);

/* A server or a service of the latest generation. 0, or -ENOENT when it is not there (any more). */
int sl_stats_server(const struct sl_stats *stats, sl_id server, struct sl_stats_view *view);
int sl_stats_service(const struct sl_stats *stats, sl_id front, struct sl_stats_view *view);

/* Zeroes the totals and rates of a service and its servers; of all for SL_ID_NONE. 0 or -ENOENT. */
int sl_stats_zero(struct sl_stats *stats, sl_id front);

#endif
