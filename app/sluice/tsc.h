/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLOCK_BOOTTIME for the packet path: the time stamp counter, scaled, plus an offset that the
 * control core corrects once a second. No system call, no lock: the offset is one word.
 */
#ifndef SLUICE_TSC_H
#define SLUICE_TSC_H

#include <stdint.h>

#include "base/clock.h"

struct sl_tsc {
	uint64_t mult;      /* ns = tsc * mult >> 32 */
	uint64_t offset_ns; /* modulo 2^64; relaxed: it stands for itself alone */
};

/* `hz` of the counter. To be anchored before the first use. */
static inline void sl_tsc_init(struct sl_tsc *t, uint64_t hz)
{
	t->mult = (uint64_t)(((unsigned __int128)SL_NS_PER_S << 32) / hz);
	t->offset_ns = 0;
}

static inline uint64_t sl_tsc_scale(const struct sl_tsc *t, uint64_t tsc)
{
	return (uint64_t)(((unsigned __int128)tsc * t->mult) >> 32);
}

/* Control core: the clock says `now_ns` while the counter reads `tsc`. */
static inline void sl_tsc_anchor(struct sl_tsc *t, uint64_t tsc, uint64_t now_ns)
{
	__atomic_store_n(&t->offset_ns, now_ns - sl_tsc_scale(t, tsc), __ATOMIC_RELAXED);
}

/* A worker's time: not before `last_ns`, though an anchor may have moved back a little. */
static inline uint64_t sl_tsc_ns(const struct sl_tsc *t, uint64_t tsc, uint64_t last_ns)
{
	uint64_t now = sl_tsc_scale(t, tsc) + __atomic_load_n(&t->offset_ns, __ATOMIC_RELAXED);

	return now > last_ns ? now : last_ns;
}

#endif
