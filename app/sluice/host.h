/* SPDX-License-Identifier: BSD-3-Clause */
/* The program as the API sees it (api/director.h, struct sl_host). */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H

#include "app.h"

/* Fills app->host. */
void sl_host_init(struct sl_app *app);

/*
 * Configuration thread. Tells the control core what it has to watch since the last time; after
 * each generation, and now and then for what ageing removed.
 */
void sl_host_pass_watches(struct sl_app *app);

#endif
