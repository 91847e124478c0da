/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of next hops. There is one for each different way, however many routes go it; what it says
 * never changes: a route that changes gets another group, a neighbour that changes another word.
 */
#include "lb/fib_private.h"

#include <errno.h>
#include <string.h>

#include "lb/publish.h"

static uint32_t hash_of(const struct sl_fib_group *group)
{
	uint64_t hash = group->kind | (uint64_t)group->port << 8 | (uint64_t)group->n_hops << 16;

	for (unsigned i = 0; i < group->n_hops; i++)
		hash = (hash ^ group->hops[i]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(hash >> 32 ^ hash);
}

static void fill(struct sl_fib_group *group, const struct sl_fib_via *via)
{
	memset(group, 0, sizeof(*group));
	group->kind = (uint8_t)via->kind;
	if (via->kind == SL_ROUTE_GLEAN)
		group->port = via->port;
	if (via->kind != SL_ROUTE_HOP)
		return;
	group->n_hops = via->n_hops;
	memcpy(group->hops, via->hops, via->n_hops * sizeof(via->hops[0]));
}

static void hop_put(struct sl_fib *fib, uint32_t hop)
{
	if (--fib->hop_users[hop] > 0)
		return;
	sl_fib_pool_retire(&fib->hop_pool, hop);
}

int sl_fib_group_get(struct sl_fib *fib, const struct sl_fib_via *via, uint32_t *group)
{
	struct sl_fib_group want;
	uint32_t *head, number;

	fill(&want, via);
	head = &fib->group_heads[hash_of(&want) & fib->mask];
	for (number = *head; number != 0; number = fib->group_infos[number].next) {
		if (memcmp(&fib->groups[number], &want, sizeof(want)) == 0)
			break;
	}
	if (number == 0) {
		number = sl_fib_pool_take(&fib->group_pool);
		if (number == 0)
			return -ENOSPC;
		fib->groups[number] = want;
		fib->group_infos[number] = (struct sl_fib_group_info){.next = *head};
		*head = number;
		for (unsigned i = 0; i < want.n_hops; i++)
			fib->hop_users[want.hops[i]]++;
	}
	fib->group_infos[number].users++;
	*group = number;
	return 0;
}

void sl_fib_group_put(struct sl_fib *fib, uint32_t group)
{
	const struct sl_fib_group *content = &fib->groups[group];
	uint32_t *at;

	if (--fib->group_infos[group].users > 0)
		return;
	at = &fib->group_heads[hash_of(content) & fib->mask];
	while (*at != group)
		at = &fib->group_infos[*at].next;
	*at = fib->group_infos[group].next;
	for (unsigned i = 0; i < content->n_hops; i++)
		hop_put(fib, content->hops[i]);
	sl_fib_pool_retire(&fib->group_pool, group);
}

int sl_fib_hop_new(struct sl_fib *fib, uint32_t *hop)
{
	*hop = sl_fib_pool_take(&fib->hop_pool);
	if (*hop == 0)
		return -ENOSPC;
	fib->hop_users[*hop] = 1;
	sl_publish_adj(&fib->hops[*hop], 0);
	return 0;
}

void sl_fib_hop_release(struct sl_fib *fib, uint32_t hop)
{
	hop_put(fib, hop);
}

void sl_fib_hop_set(struct sl_fib *fib, uint32_t hop, sl_adj_word word)
{
	sl_publish_adj(&fib->hops[hop], word);
}

sl_adj_word sl_fib_hop_word(const struct sl_fib *fib, uint32_t hop)
{
	return sl_read_adj(&fib->hops[hop]);
}

bool sl_fib_hop_in_use(const struct sl_fib *fib, uint32_t hop)
{
	return fib->hop_users[hop] > 1;
}
