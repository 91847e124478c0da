/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the workers did lately: their counters' growth over the last interval, for shares and rates.
 * Configuration thread.
 */
#ifndef SL_API_WORK_RATES_H
#define SL_API_WORK_RATES_H

#include <stdint.h>

#include "lb/engine.h"

#define SL_WORK_INTERVAL_NS 2000000000ull

struct sl_work_rates;

struct sl_work_rate {
	double busy;              /* share of time in iterations with packets, 0 .. 1 */
	double packets_per_burst; /* of the runs of the pipeline with packets; 0 = there was none */
	double packets_per_s;     /* from ports and from other workers */
};

struct sl_work_rates *sl_work_rates_new(const struct sl_engine *engine); /* NULL without memory */
void sl_work_rates_free(struct sl_work_rates *rates);                    /* accepts NULL */

/* Takes a sample once SL_WORK_INTERVAL_NS have passed since the last. */
void sl_work_rates_tick(struct sl_work_rates *rates, uint64_t now_ns);

/* Of the last complete interval; zero before the first. */
struct sl_work_rate sl_work_rates_of(const struct sl_work_rates *rates, unsigned worker);

#endif
