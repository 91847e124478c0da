/* SPDX-License-Identifier: BSD-3-Clause */
/* What fib.c, fib_group.c and fib_pool.c share. */
#ifndef SL_LB_FIB_PRIVATE_H
#define SL_LB_FIB_PRIVATE_H

#include "lb/fib.h"

/*
 * Numbers 1 .. max of things in an array. One that is given up rests until the workers have
 * passed, then it is free again. Lists are chained through `links`.
 */
struct sl_fib_pool {
	uint32_t *links;
	uint32_t max;
	uint32_t fresh; /* never given out yet, and all behind it */
	uint32_t used;  /* given out, resting ones not counted */
	uint32_t free;
	struct {
		uint32_t first, last, n;
	} retired, waiting; /* since the last token was taken; for the token */
};

uint32_t sl_fib_pool_take(struct sl_fib_pool *pool);              /* 0 = there is none */
void sl_fib_pool_give(struct sl_fib_pool *pool, uint32_t number); /* that no worker knew */
void sl_fib_pool_retire(struct sl_fib_pool *pool, uint32_t number);
static inline uint32_t sl_fib_pool_left(const struct sl_fib_pool *pool)
{
	return pool->max - pool->used - pool->retired.n - pool->waiting.n;
}

#define SL_FIB_NODE_WORDS 256

struct sl_fib_node {
	uint32_t words[SL_FIB_NODE_WORDS];
};

/* What workers read of a group: one line. Complete before its number is published. */
struct sl_fib_group {
	uint8_t kind;
	uint8_t n_hops;
	uint8_t port;
	uint8_t spare;
	uint32_t hops[SL_FIB_HOPS];
};

/* The control core's side of a node, a group, a hop, a route. */
struct sl_fib_node_info {
	uint32_t under;    /* the leaf that would stand in its place */
	uint32_t contents; /* routes that end in it, and nodes right below it */
};

struct sl_fib_group_info {
	uint32_t users; /* routes */
	uint32_t next;  /* with the same hash */
};

struct sl_fib_rule {
	uint8_t bytes[16];
	uint32_t next; /* with the same hash */
	uint32_t group;
	uint8_t family;
	uint8_t length;
};

struct sl_fib {
	/* read by workers */
	uint32_t *roots[2];   /* IPv4, IPv6 */
	uint32_t fallback[2]; /* groups of the default routes */
	struct sl_fib_node *nodes;
	struct sl_fib_group *groups;
	sl_adj_word *hops; /* lb/publish.h, adjacency */

	/* the control core's */
	struct sl_fib_node_info *node_infos;
	struct sl_fib_group_info *group_infos;
	uint32_t *hop_users; /* groups, and the caller */
	struct sl_fib_rule *rules;
	uint32_t *rule_heads, *group_heads; /* as many as `mask` says */
	uint32_t mask;
	struct sl_fib_pool node_pool, group_pool, hop_pool, rule_pool;
	bool waiting; /* for `token` */
	uint64_t token;
	uint32_t n_routes[2];
	uint64_t refused;
	struct rte_rcu_qsbr *qsbr;
	const struct sl_alloc *alloc;
};

/* The group that goes this way, made if there is none, with one user more. 0 or -ENOSPC. */
int sl_fib_group_get(struct sl_fib *fib, const struct sl_fib_via *via, uint32_t *group);
void sl_fib_group_put(struct sl_fib *fib, uint32_t group);

#endif
