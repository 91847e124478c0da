/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services and servers as the API shows them: configuration, counts and reachability. Configuration
 * thread.
 */
#ifndef SL_API_REPORT_H
#define SL_API_REPORT_H

#include <jansson.h>

#include "api/state.h"
#include "lb/stats.h"

/* As in service.list; NULL without memory. */
json_t *sl_report_service(struct sl_director *director, const struct sl_conf_service *service);
json_t *sl_report_servers(struct sl_director *director, const struct sl_conf_service *service);

/* Totals or rates of a service and its servers, as in stats.get; NULL without memory. */
enum sl_report_numbers { SL_REPORT_TOTALS, SL_REPORT_RATES };
json_t *sl_report_stats(struct sl_director *director, const struct sl_conf_service *service,
	enum sl_report_numbers which);

#endif
