/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The addresses of the box, of both families, and which of them it uses itself on a port.
 * Immutable, published by pointer (lb/publish.h); sl_engine_set_local() replaces it.
 */
#ifndef SL_LB_LOCAL_SET_H
#define SL_LB_LOCAL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "lb/types.h"
#include "net/addr.h"

/* The address that the box has as its own on a port: the source of what it sends itself. */
struct sl_local_source {
	unsigned port;
	struct sl_addr address;
};

struct sl_local_set {
	uint32_t n4, n6;
	/* Sorted by the stored numbers as they are, whatever the machine's byte order makes of
	 * them. */
	const rte_be32_t *v4;
	const union sl_ip *v6;
	union sl_ip sources[SL_PORTS_MAX][2]; /* [IPv6]; all zero = none */
};

/* One piece of memory for sl_free(); NULL when there is none. */
struct sl_local_set *sl_local_set_new(const struct sl_alloc *alloc, const struct sl_addr *addresses,
	uint32_t n, const struct sl_local_source *sources, unsigned n_sources);

bool sl_local_set_has6(const struct sl_local_set *set, const union sl_ip *address);

/* Any thread. NULL is the empty set. */
static inline bool
sl_local_set_has(const struct sl_local_set *set, uint8_t family, const union sl_ip *address)
{
	uint32_t from = 0, end = set == NULL ? 0 : set->n4;

	if (family != 4)
		return set != NULL && sl_local_set_has6(set, address);
	while (from < end) {
		uint32_t middle = from + (end - from) / 2;

		if (set->v4[middle] == address->v4)
			return true;
		if (set->v4[middle] < address->v4)
			from = middle + 1;
		else
			end = middle;
	}
	return false;
}

/* Any thread. The address that the box uses on a port (outer source of tunnels, of ICMP without a
 * VIP); NULL = it has none of this family there. */
const union sl_ip *
sl_local_set_source(const struct sl_local_set *set, unsigned port, uint8_t family);

#endif
