/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/local_set.h"

#include <stdlib.h>
#include <string.h>

static int compare4(const void *a, const void *b)
{
	rte_be32_t left = *(const rte_be32_t *)a;
	rte_be32_t right = *(const rte_be32_t *)b;

	return left < right ? -1 : left > right;
}

static int compare6(const void *a, const void *b)
{
	const union sl_ip *left = a, *right = b;

	for (unsigned i = 0; i < 2; i++) {
		if (left->words[i] != right->words[i])
			return left->words[i] < right->words[i] ? -1 : 1;
	}
	return 0;
}

static void
set_sources(struct sl_local_set *set, const struct sl_local_source *sources, unsigned n_sources)
{
	for (unsigned i = 0; i < n_sources; i++) {
		if (sources[i].port < SL_PORTS_MAX)
			set->sources[sources[i].port][sources[i].address.family == 6] =
				sl_ip_from_addr(&sources[i].address);
	}
}

struct sl_local_set *sl_local_set_new(const struct sl_alloc *alloc, const struct sl_addr *addresses,
	uint32_t n, const struct sl_local_source *sources, unsigned n_sources)
{
	uint32_t n6 = 0, n4;
	struct sl_local_set *set;
	union sl_ip *v6;
	rte_be32_t *v4;

	for (uint32_t i = 0; i < n; i++)
		n6 += addresses[i].family == 6;
	n4 = n - n6;
	set = sl_zalloc(
		alloc, sizeof(*set) + n6 * sizeof(*v6) + n4 * sizeof(*v4), SL_CACHE_LINE, -1);
	if (set == NULL)
		return NULL;
	v6 = (union sl_ip *)(set + 1);
	v4 = (rte_be32_t *)(v6 + n6);
	for (uint32_t i = 0; i < n; i++) {
		if (addresses[i].family == 6)
			v6[set->n6++] = sl_ip_from_addr(&addresses[i]);
		else
			v4[set->n4++] = addresses[i].v4;
	}
	qsort(v4, n4, sizeof(*v4), compare4);
	qsort(v6, n6, sizeof(*v6), compare6);
	set->v4 = v4;
	set->v6 = v6;
	set_sources(set, sources, n_sources);
	return set;
}

bool sl_local_set_has6(const struct sl_local_set *set, const union sl_ip *address)
{
	uint32_t from = 0, end = set->n6;

	while (from < end) {
		uint32_t middle = from + (end - from) / 2;
		int order = compare6(&set->v6[middle], address);

		if (order == 0)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			end = middle;
	}
	return false;
}

const union sl_ip *
sl_local_set_source(const struct sl_local_set *set, unsigned port, uint8_t family)
{
	static const union sl_ip none;
	const union sl_ip *source;

	if (set == NULL || port >= SL_PORTS_MAX)
		return NULL;
	source = &set->sources[port][family == 6];
	return sl_ip_equal(source, &none) ? NULL : source;
}
