/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#ifdef SL_HAVE_SYSTEMD
#include <inttypes.h>
#include <time.h>

#include <systemd/sd-daemon.h>

void sl_notify_ready(void)
{
	sd_notify(0, "READY=1\nSTATUS=forwarding");
}

void sl_notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reloading",
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void sl_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void sl_notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

uint64_t sl_notify_watchdog_us(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

#else /* no libsystemd */

void sl_notify_ready(void)
{
}

void sl_notify_reloading(void)
{
}

void sl_notify_stopping(void)
{
}

void sl_notify_alive(void)
{
}

uint64_t sl_notify_watchdog_us(void)
{
	return 0;
}

#endif
