/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the program reports of itself: the parts of struct sl_host that return JSON. Configuration
 * thread; `arg` is the struct sl_app. New references, NULL without memory.
 */
#ifndef SLUICE_HOST_REPORT_H
#define SLUICE_HOST_REPORT_H

#include <jansson.h>

json_t *sl_host_ports(void *arg);
json_t *sl_host_neighbours(void *arg);
json_t *sl_host_workers(void *arg);
json_t *sl_host_twins(void *arg); /* NULL when there is none */
json_t *sl_host_vips(void *arg);
json_t *sl_host_routes(void *arg);

#endif
