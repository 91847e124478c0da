/* SPDX-License-Identifier: BSD-3-Clause */
/* What the service manager is told (sd_notify(3)). Without one, or without libsystemd, nothing. */
#ifndef SLUICE_NOTIFY_H
#define SLUICE_NOTIFY_H

#include <stdint.h>

void sl_notify_ready(void);
void sl_notify_reloading(void);
void sl_notify_stopping(void);
void sl_notify_alive(void);

/* Microseconds within which sl_notify_alive() is expected again and again; 0 = never. */
uint64_t sl_notify_watchdog_us(void);

#endif
