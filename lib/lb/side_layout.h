/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the pool of side records, for lib/lb/side*.c alone. */
#ifndef SL_LB_SIDE_LAYOUT_H
#define SL_LB_SIDE_LAYOUT_H

#include "lb/side.h"

#define SIDE_MAGIC   0x454449534c731a0aull /* "\n\x1a" "slSIDE" in memory order */
#define SIDE_VERSION 1

struct side_header {
	uint64_t magic;
	uint32_t version;
	uint32_t capacity;
	uint64_t spare[6];
};

/* Keeps stores in this order for whoever finds the memory after this process was killed. */
static inline void side_store_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* A record is in use when it has a front: that comes last, and goes first. */
static inline void side_fill(struct sl_side *side, const struct sl_side *want, sl_tick now)
{
	struct sl_side image = *want;

	image.tick = now;
	image.front = SL_ID_NONE;
	image.flags &= (uint16_t)~SL_SIDE_LINGERS;
	image.next = 0;
	*side = image;
	side_store_order();
	side->front = want->front;
	side_store_order();
}

static inline void side_free(struct sl_side_pool *pool, uint32_t index)
{
	struct sl_side *side = &pool->sides[index];

	side->front = SL_ID_NONE;
	side_store_order();
	side->next = pool->free;
	pool->free = index;
}

/* A free record; 0 = none. */
static inline uint32_t side_take(struct sl_side_pool *pool)
{
	uint32_t index = pool->free;

	if (index != 0)
		pool->free = pool->sides[index].next;
	else if (pool->high < pool->capacity)
		index = ++pool->high;
	return index;
}

#endif
