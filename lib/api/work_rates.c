/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/work_rates.h"

#include <stdlib.h>

#include "base/clock.h"
#include "lb/publish.h"

struct sample {
	uint64_t busy_tsc;
	uint64_t total_tsc;
	uint64_t bursts;
	uint64_t packets;
};

struct sl_work_rates {
	const struct sl_engine *engine;
	uint64_t taken_ns; /* 0 = never */
	struct sample last[SL_WORKERS_MAX];
	struct sl_work_rate rates[SL_WORKERS_MAX];
};

static struct sample take(const struct sl_worker *worker)
{
	const struct sl_worker_stats *stats = &worker->stats;
	struct sample sample = {
		.busy_tsc = sl_count_read(stats->busy_tsc),
		.total_tsc = sl_count_read(stats->total_tsc),
		.bursts = sl_count_read(stats->bursts),
		.packets = sl_count_read(stats->handover_received),
	};

	for (unsigned port = 0; port < SL_PORTS_MAX; port++)
		sample.packets += sl_count_read(stats->rx_packets[port]);
	return sample;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (double)part / (double)whole;
}

struct sl_work_rates *sl_work_rates_new(const struct sl_engine *engine)
{
	struct sl_work_rates *rates = calloc(1, sizeof(*rates));

	if (rates != NULL)
		rates->engine = engine;
	return rates;
}

void sl_work_rates_free(struct sl_work_rates *rates)
{
	free(rates);
}

void sl_work_rates_tick(struct sl_work_rates *rates, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - rates->taken_ns;

	if (rates->taken_ns != 0 && passed_ns < SL_WORK_INTERVAL_NS)
		return;
	for (unsigned i = 0; i < rates->engine->n_workers; i++) {
		struct sample now = take(rates->engine->workers[i]), *last = &rates->last[i];

		if (rates->taken_ns != 0)
			rates->rates[i] = (struct sl_work_rate){
				ratio(now.busy_tsc - last->busy_tsc,
					now.total_tsc - last->total_tsc),
				ratio(now.packets - last->packets, now.bursts - last->bursts),
				ratio((now.packets - last->packets) * SL_NS_PER_S, passed_ns),
			};
		*last = now;
	}
	rates->taken_ns = now_ns;
}

struct sl_work_rate sl_work_rates_of(const struct sl_work_rates *rates, unsigned worker)
{
	return rates->rates[worker];
}
