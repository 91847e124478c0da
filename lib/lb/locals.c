/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/locals.h"

#include <rte_common.h>

static uint32_t slots_for(uint32_t n)
{
	return rte_align32pow2(2 * n + 1);
}

size_t sl_locals_bytes(uint32_t n)
{
	return sizeof(struct sl_locals) + n * sizeof(union sl_ip) + slots_for(n) * sizeof(uint32_t);
}

void sl_locals_fill(struct sl_locals *locals, const struct sl_addr *addresses, uint32_t n,
	uint16_t low, uint16_t high)
{
	union sl_ip *all = (union sl_ip *)(locals + 1);
	uint32_t *index = (uint32_t *)(all + n), n4 = 0, n6 = 0;

	for (uint32_t i = 0; i < n; i++)
		n4 += addresses[i].family == 4;
	*locals = (struct sl_locals){.n4 = n4,
		.n6 = n - n4,
		.v4 = all,
		.v6 = all + n4,
		.low = low,
		.high = high,
		.mask = slots_for(n) - 1,
		.index = index};
	n4 = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = addresses[i].family == 4 ? n4++ : locals->n4 + n6++, at;

		all[place] = sl_ip_from_addr(&addresses[i]);
		at = sl_locals_slot(locals, &all[place]);
		while (index[at] != 0)
			at = (at + 1) & locals->mask;
		index[at] = place + 1;
	}
}

bool sl_locals_equal(const struct sl_locals *a, const struct sl_locals *b)
{
	return a != NULL && a->n4 == b->n4 && a->n6 == b->n6 && a->low == b->low &&
		a->high == b->high && memcmp(a->v4, b->v4, a->n4 * sizeof(*a->v4)) == 0 &&
		memcmp(a->v6, b->v6, a->n6 * sizeof(*a->v6)) == 0;
}
