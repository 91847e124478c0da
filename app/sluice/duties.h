/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control core does by the clock, on signals, and for the mirror of Linux. */
#ifndef SLUICE_DUTIES_H
#define SLUICE_DUTIES_H

#include "app.h"

/* Begins with timers and signals. 0, or -ENOMEM with `err` set. They end with the loop. */
int sl_duties_start(struct sl_app *app, struct sl_err *err);

/* The mirror's callbacks (mirror.h); `arg` is the struct sl_app. */
void sl_duties_event(void *arg, const char *event_class, json_t *details);
void sl_duties_macs(void *arg, uint16_t port, const uint8_t (*macs)[6], unsigned n);
void sl_duties_drifted(void *arg);

/* The configuration thread's, about once a second; `arg` is the struct sl_app. */
void sl_duties_tick(void *arg);

#endif
