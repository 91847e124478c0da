/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the registry tells the statistics about the lives of ids, so that an id's next identity
 * starts at zero and a service's total keeps what a removed server had counted. All accept NULL: no
 * statistics.
 */
#ifndef SL_LB_STATS_PRIVATE_H
#define SL_LB_STATS_PRIVATE_H

#include "lb/types.h"

struct sl_stats;

/* Memory for an id, before it is published. 0 or -ENOMEM. */
int sl_stats_reserve_front(struct sl_stats *stats, sl_id front);
int sl_stats_reserve_server(struct sl_stats *stats, sl_id server);

void sl_stats_front_new(struct sl_stats *stats, sl_id front);
void sl_stats_server_new(struct sl_stats *stats, sl_id server);
void sl_stats_server_gone(struct sl_stats *stats, sl_id server, sl_id front); /* deleted */
void sl_stats_server_back(struct sl_stats *stats, sl_id server, sl_id front); /* revived */
void sl_stats_server_free(struct sl_stats *stats, sl_id server, sl_id front);

#endif
