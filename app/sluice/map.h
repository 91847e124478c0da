/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash of nodes that lie inside what they stand for, which also remembers which of them have been
 * looked at since a moment: a dump confirms what is still there, a walk re-evaluates everything in
 * slices, and both find what is left without a search. One owner.
 */
#ifndef SL_MAP_H
#define SL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct sl_map_node {
	struct sl_map_node *next; /* in its bucket */
	TAILQ_ENTRY(sl_map_node) seen;
	uint64_t hash;
	uint32_t epoch;
};

TAILQ_HEAD(sl_map_list, sl_map_node);

struct sl_map {
	struct sl_map_node **buckets;
	size_t mask;
	size_t n;
	uint32_t epoch;
	struct sl_map_list seen; /* the longest ago first */
	uint64_t seed;
};

#define sl_map_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* 0 or -ENOMEM. `seed` keeps others from choosing keys that collide. */
int sl_map_init(struct sl_map *map, uint64_t seed);
void sl_map_done(struct sl_map *map); /* of what remains in it only the chain is lost */

/* `key` in whole: padding inside it must be zero. */
uint64_t sl_map_hash(const struct sl_map *map, const void *key, size_t length);

/* Adds the node, as looked at just now. Without memory to grow the chains get longer. */
void sl_map_insert(struct sl_map *map, struct sl_map_node *node, uint64_t hash);
void sl_map_remove(struct sl_map *map, struct sl_map_node *node);

/* The first node with this hash, and the next one; the caller compares keys. */
struct sl_map_node *sl_map_first(const struct sl_map *map, uint64_t hash);
struct sl_map_node *sl_map_next(const struct sl_map_node *node);

/*
 * A walk over everything in pieces, whatever comes and goes between them: one bucket, its nodes
 * chained by `next`, each time. What the map had at the beginning is seen; when it grows meanwhile,
 * all of it once more. A walk of all zeros begins; `at` is SIZE_MAX at the end. NULL: nothing here.
 */
struct sl_map_walk {
	size_t at, mask;
};
struct sl_map_node *sl_map_next_bucket(const struct sl_map *map, struct sl_map_walk *walk);

/* From now on nothing has been looked at. */
void sl_map_begin(struct sl_map *map);
void sl_map_touch(struct sl_map *map, struct sl_map_node *node);

/* This one alone has not been looked at. */
void sl_map_expire(struct sl_map *map, struct sl_map_node *node);

/* One that has not been looked at; NULL when all have. */
struct sl_map_node *sl_map_stale(const struct sl_map *map);

/* Whether the node has been looked at. */
static inline bool sl_map_fresh(const struct sl_map *map, const struct sl_map_node *node)
{
	return node->epoch == map->epoch;
}

#endif
