/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include <time.h>

static uint64_t system_now_ns(void *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + (uint64_t)now.tv_nsec;
}

const struct sl_clock sl_clock_system = {.now_ns = system_now_ns};

static uint64_t manual_now_ns(void *arg)
{
	const struct sl_clock_manual *manual = arg;

	return manual->ns;
}

struct sl_clock sl_clock_from_manual(struct sl_clock_manual *manual)
{
	return (struct sl_clock){.now_ns = manual_now_ns, .arg = manual};
}
