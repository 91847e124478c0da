/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time, injected: whoever needs the time takes a struct sl_clock, so that tests move it by hand
 * and nothing waits for a timeout to test it.
 */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>

#define SL_NS_PER_S  1000000000ull
#define SL_NS_PER_MS 1000000ull
#define SL_NS_PER_US 1000ull

struct sl_clock {
	uint64_t (*now_ns)(void *arg); /* never goes backwards */
	void *arg;
};

static inline uint64_t sl_clock_ns(const struct sl_clock *clock)
{
	return clock->now_ns(clock->arg);
}

/*
 * The machine's clock: CLOCK_BOOTTIME. It goes on while the process is not running, which the
 * connection tables that outlive a process rely on.
 */
extern const struct sl_clock sl_clock_system;

/* A clock that stands still until it is set. */
struct sl_clock_manual {
	uint64_t ns;
};

/* `manual` must outlive the clock. */
struct sl_clock sl_clock_from_manual(struct sl_clock_manual *manual);

#endif
