/* SPDX-License-Identifier: BSD-3-Clause */
#include "map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

int sl_map_init(struct sl_map *map, uint64_t seed)
{
	*map = (struct sl_map){.mask = BUCKETS_MIN - 1, .seed = seed};
	TAILQ_INIT(&map->seen);
	map->buckets = calloc(BUCKETS_MIN, sizeof(map->buckets[0]));
	return map->buckets != NULL ? 0 : -ENOMEM;
}

void sl_map_done(struct sl_map *map)
{
	free(map->buckets);
	map->buckets = NULL;
}

uint64_t sl_map_hash(const struct sl_map *map, const void *key, size_t length)
{
	const uint8_t *bytes = key;
	uint64_t hash = map->seed ^ length, word;

	while (length > 0) {
		size_t part = length < sizeof(word) ? length : sizeof(word);
		unsigned __int128 product;

		word = 0;
		memcpy(&word, bytes, part);
		product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash = (uint64_t)product ^ (uint64_t)(product >> 64);
		hash += 0x2545f4914f6cdd1dull;
		bytes += part;
		length -= part;
	}
	return hash ^ hash >> 29;
}

static void put(struct sl_map *map, struct sl_map_node *node)
{
	struct sl_map_node **bucket = &map->buckets[node->hash & map->mask];

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct sl_map *map)
{
	size_t n = 2 * (map->mask + 1);
	struct sl_map_node **buckets = calloc(n, sizeof(buckets[0])), *node;

	if (buckets == NULL)
		return;
	free(map->buckets);
	map->buckets = buckets;
	map->mask = n - 1;
	TAILQ_FOREACH (node, &map->seen, seen)
		put(map, node);
}

void sl_map_insert(struct sl_map *map, struct sl_map_node *node, uint64_t hash)
{
	if (map->n > map->mask)
		grow(map);
	node->hash = hash;
	node->epoch = map->epoch;
	put(map, node);
	TAILQ_INSERT_TAIL(&map->seen, node, seen);
	map->n++;
}

void sl_map_remove(struct sl_map *map, struct sl_map_node *node)
{
	struct sl_map_node **at = &map->buckets[node->hash & map->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	TAILQ_REMOVE(&map->seen, node, seen);
	map->n--;
}

struct sl_map_node *sl_map_first(const struct sl_map *map, uint64_t hash)
{
	struct sl_map_node *node = map->buckets[hash & map->mask];

	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

struct sl_map_node *sl_map_next(const struct sl_map_node *node)
{
	struct sl_map_node *next = node->next;

	while (next != NULL && next->hash != node->hash)
		next = next->next;
	return next;
}

struct sl_map_node *sl_map_next_bucket(const struct sl_map *map, struct sl_map_walk *walk)
{
	if (walk->mask != map->mask)
		*walk = (struct sl_map_walk){.mask = map->mask};
	if (walk->at > map->mask) {
		walk->at = SIZE_MAX;
		return NULL;
	}
	return map->buckets[walk->at++];
}

void sl_map_begin(struct sl_map *map)
{
	map->epoch++;
}

void sl_map_touch(struct sl_map *map, struct sl_map_node *node)
{
	node->epoch = map->epoch;
	TAILQ_REMOVE(&map->seen, node, seen);
	TAILQ_INSERT_TAIL(&map->seen, node, seen);
}

void sl_map_expire(struct sl_map *map, struct sl_map_node *node)
{
	node->epoch = map->epoch - 1;
	TAILQ_REMOVE(&map->seen, node, seen);
	TAILQ_INSERT_HEAD(&map->seen, node, seen);
}

struct sl_map_node *sl_map_stale(const struct sl_map *map)
{
	struct sl_map_node *node = TAILQ_FIRST(&map->seen);

	return node != NULL && node->epoch != map->epoch ? node : NULL;
}
