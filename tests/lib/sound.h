/* SPDX-License-Identifier: BSD-3-Clause */
/* What has to hold between a worker's tables, its side records and its counts at any time. */
#ifndef SL_TESTS_SOUND_H
#define SL_TESTS_SOUND_H

#include "lb/engine.h"

/*
 * Each entry is found by its key, once; pairs and records belong together; totals are right, and
 * each server's active and inactive connections are those that are there. NULL, or what is wrong.
 */
const char *sound_worker(struct sl_worker *w);

/* sound_worker() of all of them. */
const char *sound_engine(struct sl_engine *engine);

/* NULL when no worker has a connection, a record, a packet that waits or a count of any. */
const char *sound_empty(struct sl_engine *engine);

#endif
