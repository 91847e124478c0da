/* SPDX-License-Identifier: BSD-3-Clause */
#include "glean.h"

#include <string.h>

#include "base/clock.h"

#define INTERVAL_NS (SL_NS_PER_S / SL_GLEAN_RATE)
#define BURST_NS    (SL_NS_PER_S / 2) /* requests of this long may come at once */

void sl_glean_init(struct sl_glean *glean, uint64_t seed)
{
	memset(glean, 0, sizeof(*glean));
	glean->seed = seed;
}

static unsigned slot_of(const struct sl_glean *glean, uint8_t port, const struct sl_addr *address)
{
	uint64_t words[2], hash = glean->seed ^ (uint64_t)port << 8 ^ address->family;

	memcpy(words, address->bytes, sizeof(words));
	for (unsigned i = 0; i < 2; i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return hash % SL_GLEAN_SLOTS;
}

bool sl_glean_may_ask(
	struct sl_glean *glean, uint8_t port, const struct sl_addr *address, uint64_t now_ns)
{
	unsigned i = slot_of(glean, port, address);

	/* Another address that was asked for in this second keeps its place: this one waits. */
	if (glean->slots[i].address.family != 0 && now_ns - glean->slots[i].asked_ns < SL_NS_PER_S)
		return false;
	if (glean->due_ns > now_ns + BURST_NS)
		return false;
	glean->due_ns = (glean->due_ns > now_ns ? glean->due_ns : now_ns) + INTERVAL_NS;
	glean->slots[i].address = *address;
	glean->slots[i].port = port;
	glean->slots[i].asked_ns = now_ns;
	return true;
}
