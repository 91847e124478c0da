/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FullNAT's local addresses, and the range of their ports. Part of a snapshot, immutable.
 */
#ifndef SL_LB_LOCALS_H
#define SL_LB_LOCALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct sl_locals {
	uint32_t n4, n6;
	const union sl_ip *v4, *v6; /* v6 follows v4 */
	uint16_t low, high;         /* host order, both included */
	uint32_t mask;
	const uint32_t *index; /* open hash: 1 + place from v4 on; 0 = free, which half are */
};

/* Bytes for `n` addresses, which sl_locals_fill() takes zeroed. */
size_t sl_locals_bytes(uint32_t n);

/* Each family in the order given, by itself. */
void sl_locals_fill(struct sl_locals *locals, const struct sl_addr *addresses, uint32_t n,
	uint16_t low, uint16_t high);

bool sl_locals_equal(const struct sl_locals *a, const struct sl_locals *b);

static inline uint32_t sl_locals_slot(const struct sl_locals *locals, const union sl_ip *ip)
{
	return (uint32_t)(((ip->words[0] ^ ip->words[1]) * 0x9e3779b97f4a7c15) >> 32) &
		locals->mask;
}

/* Any thread. NULL has none. */
static inline bool
sl_locals_has(const struct sl_locals *locals, uint8_t family, const union sl_ip *ip)
{
	uint32_t at = locals == NULL ? 0 : sl_locals_slot(locals, ip);

	for (; locals != NULL && locals->index[at] != 0; at = (at + 1) & locals->mask) {
		uint32_t place = locals->index[at] - 1;

		if ((place < locals->n4) == (family == 4) && sl_ip_equal(&locals->v4[place], ip))
			return true;
	}
	return false;
}

#endif
