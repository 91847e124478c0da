/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/fib_private.h"

uint32_t sl_fib_pool_take(struct sl_fib_pool *pool)
{
	uint32_t number = pool->free;

	if (number != 0)
		pool->free = pool->links[number];
	else if (pool->fresh <= pool->max)
		number = pool->fresh++;
	else
		return 0;
	pool->used++;
	return number;
}

void sl_fib_pool_give(struct sl_fib_pool *pool, uint32_t number)
{
	pool->links[number] = pool->free;
	pool->free = number;
	pool->used--;
}

void sl_fib_pool_retire(struct sl_fib_pool *pool, uint32_t number)
{
	pool->links[number] = 0;
	if (pool->retired.n++ == 0)
		pool->retired.first = number;
	else
		pool->links[pool->retired.last] = number;
	pool->retired.last = number;
	pool->used--;
}

/* What was retired waits from now on. */
static void wait_for_readers(struct sl_fib_pool *pool)
{
	pool->waiting.first = pool->retired.first;
	pool->waiting.last = pool->retired.last;
	pool->waiting.n = pool->retired.n;
	pool->retired.n = 0;
}

/* What waited is free: however many there are, one link is written. */
static void recycle(struct sl_fib_pool *pool)
{
	if (pool->waiting.n == 0)
		return;
	pool->links[pool->waiting.last] = pool->free;
	pool->free = pool->waiting.first;
	pool->waiting.n = 0;
}

bool sl_fib_reclaim(struct sl_fib *fib)
{
	struct sl_fib_pool *pools[] = {&fib->node_pool, &fib->group_pool, &fib->hop_pool};
	uint32_t retired = 0;

	if (fib->waiting && rte_rcu_qsbr_check(fib->qsbr, fib->token, false) != 1)
		return true;
	for (unsigned i = 0; i < 3; i++) {
		recycle(pools[i]);
		retired += pools[i]->retired.n;
	}
	fib->waiting = retired > 0;
	if (!fib->waiting)
		return false;
	for (unsigned i = 0; i < 3; i++)
		wait_for_readers(pools[i]);
	fib->token = rte_rcu_qsbr_start(fib->qsbr);
	return true;
}
