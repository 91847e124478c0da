/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "map.h"

struct thing {
	uint32_t key;
	struct sl_map_node node;
};

static struct sl_map map;

static int setup(void **state)
{
	return sl_map_init(&map, 7);
}

static int teardown(void **state)
{
	struct sl_map_node *node;

	while ((node = TAILQ_FIRST(&map.seen)) != NULL) {
		sl_map_remove(&map, node);
		free(sl_map_entry(node, struct thing, node));
	}
	sl_map_done(&map);
	return map.n != 0;
}

static uint64_t hash_of(uint32_t key)
{
	return sl_map_hash(&map, &key, sizeof(key));
}

static struct thing *add(uint32_t key)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	thing->key = key;
	sl_map_insert(&map, &thing->node, hash_of(key));
	return thing;
}

static struct thing *find(uint32_t key)
{
	struct sl_map_node *node = sl_map_first(&map, hash_of(key));

	for (; node != NULL; node = sl_map_next(node)) {
		struct thing *thing = sl_map_entry(node, struct thing, node);

		if (thing->key == key)
			return thing;
	}
	return NULL;
}

static void finds_what_is_there_while_it_grows(void **state)
{
	unsigned longest = 0;

	for (uint32_t i = 0; i < 100000; i++)
		add(i);
	for (uint32_t i = 0; i < 100000; i += 3) {
		struct thing *thing = find(i);

		assert_non_null(thing);
		sl_map_remove(&map, &thing->node);
		free(thing);
	}
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(find(i) != NULL, i % 3 != 0);
	/* Chains stay short: nothing is quadratic. */
	for (size_t b = 0; b <= map.mask; b++) {
		unsigned length = 0;

		for (struct sl_map_node *node = map.buckets[b]; node != NULL; node = node->next)
			length++;
		longest = length > longest ? length : longest;
	}
	assert_in_range(longest, 1, 16);
}

static void equal_hashes_are_told_apart(void **state)
{
	struct thing *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	sl_map_insert(&map, &a->node, 5);
	sl_map_insert(&map, &b->node, 5);
	assert_ptr_equal(sl_map_first(&map, 5), &b->node);
	assert_ptr_equal(sl_map_next(&b->node), &a->node);
	assert_null(sl_map_next(&a->node));
	assert_null(sl_map_first(&map, 5 + map.mask + 1));
}

static void remembers_what_was_looked_at(void **state)
{
	struct thing *a = add(1), *b = add(2), *c = add(3);

	assert_null(sl_map_stale(&map));
	sl_map_begin(&map);
	sl_map_touch(&map, &a->node);
	assert_ptr_equal(sl_map_stale(&map), &b->node);
	sl_map_touch(&map, &b->node);
	add(4);
	assert_ptr_equal(sl_map_stale(&map), &c->node);
	sl_map_touch(&map, &c->node);
	assert_null(sl_map_stale(&map));
	sl_map_expire(&map, &b->node);
	assert_false(sl_map_fresh(&map, &b->node));
	assert_ptr_equal(sl_map_stale(&map), &b->node);
	sl_map_touch(&map, &b->node);
	assert_null(sl_map_stale(&map));
}

/* A walk that is begun again and again still comes to everything. */
static void every_walk_gets_on(void **state)
{
	unsigned seen[10] = {0};

	for (uint32_t i = 0; i < 10; i++)
		add(i);
	for (unsigned round = 0; round < 20; round++) {
		struct sl_map_node *node;

		sl_map_begin(&map);
		node = sl_map_stale(&map);
		seen[sl_map_entry(node, struct thing, node)->key]++;
		sl_map_touch(&map, node);
	}
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(seen[i], 2);
}

static unsigned walk_on(struct sl_map_walk *walk, unsigned buckets, unsigned *seen)
{
	unsigned n = 0;

	for (; buckets > 0 && walk->at != SIZE_MAX; buckets--) {
		const struct sl_map_node *node = sl_map_next_bucket(&map, walk);

		for (; node != NULL; node = node->next, n++)
			seen[sl_map_entry(node, struct thing, node)->key]++;
	}
	return n;
}

static void a_walk_in_pieces_sees_what_stays(void **state)
{
	struct sl_map_walk walk = {0};
	unsigned seen[400] = {0};
	struct thing *gone = add(0);

	for (uint32_t i = 1; i < 50; i++)
		add(i);
	walk_on(&walk, 20, seen);
	sl_map_remove(&map, &gone->node);
	free(gone);
	/* It grows, and moves everything. */
	for (uint32_t i = 50; i < 400; i++)
		add(i);
	walk_on(&walk, UINT32_MAX, seen);
	for (unsigned i = 1; i < 400; i++)
		assert_in_range(seen[i], 1, 2);
	assert_int_equal(walk_on(&walk, 1, seen), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(finds_what_is_there_while_it_grows),
		TEST(equal_hashes_are_told_apart),
		TEST(remembers_what_was_looked_at),
		TEST(every_walk_gets_on),
		TEST(a_walk_in_pieces_sees_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
