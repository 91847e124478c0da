/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A token bucket: `rate` packets per second, bursts of a tenth of that (at least one). One owner;
 * time is given. A change of the rate takes effect with the next packet.
 */
#ifndef SL_BUCKET_H
#define SL_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct sl_bucket {
	uint64_t credit; /* in packets * 10^9 */
	uint64_t filled_ns;
};

/* Whether one packet may pass now. A zeroed bucket is full once the clock has passed 1 s. */
static inline bool sl_bucket_take(struct sl_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	uint64_t elapsed = now_ns - bucket->filled_ns;
	/* The burst, and the fraction of a packet that is on its way. */
	uint64_t full = (rate >= 20 ? rate / 10 : 1) * SL_NS_PER_S + SL_NS_PER_S - 1;

	if (rate == 0)
		return false;
	if (elapsed > SL_NS_PER_S) /* more than fills it; keeps the product within 64 bits */
		elapsed = SL_NS_PER_S;
	bucket->credit += elapsed * rate;
	bucket->filled_ns = now_ns;
	if (bucket->credit > full)
		bucket->credit = full;
	if (bucket->credit < SL_NS_PER_S)
		return false;
	bucket->credit -= SL_NS_PER_S;
	return true;
}

#endif
