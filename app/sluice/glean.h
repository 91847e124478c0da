/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How often Linux may be asked to resolve neighbours for the packet path: each address once a
 * second, all of them together at a rate that a scan of our networks cannot fill its neighbour
 * table with (1,024 entries by default, an unanswered one for 3 s).
 */
#ifndef SL_GLEAN_H
#define SL_GLEAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

#define SL_GLEAN_SLOTS 1024
#define SL_GLEAN_RATE  200 /* requests a second */

struct sl_glean {
	uint64_t seed;
	uint64_t due_ns; /* when the next request would be if they came evenly */
	struct {
		struct sl_addr address;
		uint8_t port;
		uint64_t asked_ns;
	} slots[SL_GLEAN_SLOTS];
};

void sl_glean_init(struct sl_glean *glean, uint64_t seed);

/* Whether to ask now; then it counts as asked. */
bool sl_glean_may_ask(
	struct sl_glean *glean, uint8_t port, const struct sl_addr *address, uint64_t now_ns);

#endif
