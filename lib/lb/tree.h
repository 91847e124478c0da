/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tournament over the positions 0 .. n-1 of a service's list: every inner node holds the
 * position that wins below it, so the winner of all is known at once, and a change or a search from
 * the middle takes log2(n) steps. The left one wins a tie, which is what a scan from the
 * beginning of the list would say.
 *
 * Lies in a scheduler's block (lb/sched.h): allocated zeroed, hence not ready, and built once. The
 * functions are inline so that `better` and `enough` are, too.
 */
#ifndef SL_LB_TREE_H
#define SL_LB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_TREE_NONE UINT32_MAX /* nobody: the place of a position beyond n */

struct sl_tree {
	uint32_t leaves;   /* a power of two; 0 = not built yet */
	uint32_t winner[]; /* by node: 1 is the root, 2i and 2i+1 stand below i, leaves + p is p */
};

/* Whether position `b` beats position `a`, which stands to its left. Neither is SL_TREE_NONE. */
typedef bool (*sl_tree_better)(const void *arg, uint32_t b, uint32_t a);
typedef bool (*sl_tree_enough)(const void *arg, uint32_t position);

static inline uint32_t sl_tree_leaves(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static inline size_t sl_tree_bytes(uint32_t n)
{
	return sizeof(struct sl_tree) + 2 * (size_t)sl_tree_leaves(n) * sizeof(uint32_t);
}

static inline __attribute__((always_inline)) void
sl_tree_play(struct sl_tree *tree, uint32_t node, sl_tree_better better, const void *arg)
{
	uint32_t a = tree->winner[2 * node], b = tree->winner[2 * node + 1];

	if (a == SL_TREE_NONE || (b != SL_TREE_NONE && better(arg, b, a)))
		a = b;
	tree->winner[node] = a;
}

static inline __attribute__((always_inline)) void
sl_tree_build(struct sl_tree *tree, uint32_t n, sl_tree_better better, const void *arg)
{
	tree->leaves = sl_tree_leaves(n);
	for (uint32_t i = 0; i < tree->leaves; i++)
		tree->winner[tree->leaves + i] = i < n ? i : SL_TREE_NONE;
	for (uint32_t node = tree->leaves - 1; node > 0; node--)
		sl_tree_play(tree, node, better, arg);
}

/* What `better` says about `position` has changed. */
static inline __attribute__((always_inline)) void
sl_tree_changed(struct sl_tree *tree, uint32_t position, sl_tree_better better, const void *arg)
{
	for (uint32_t node = (tree->leaves + position) / 2; node > 0; node /= 2)
		sl_tree_play(tree, node, better, arg);
}

static inline uint32_t sl_tree_winner(const struct sl_tree *tree)
{
	return tree->winner[1];
}

/*
 * The first position >= `from` that is `enough`, SL_TREE_NONE if there is none. `enough` must hold
 * for a winner whenever it holds for anybody below it.
 */
static inline __attribute__((always_inline)) uint32_t
sl_tree_next(const struct sl_tree *tree, uint32_t from, sl_tree_enough enough, const void *arg)
{
	uint32_t node = tree->leaves + from;

	if (from >= tree->leaves)
		return SL_TREE_NONE;
	/* Up, as long as nobody at or right of `from` is below: then the next subtree on the right.
	 */
	while (tree->winner[node] == SL_TREE_NONE || !enough(arg, tree->winner[node])) {
		while (node & 1)
			node /= 2;
		if (node == 0)
			return SL_TREE_NONE;
		node++;
	}
	/* Down, to the leftmost. */
	while (node < tree->leaves) {
		uint32_t left = tree->winner[2 * node];

		node = 2 * node + (left == SL_TREE_NONE || !enough(arg, left));
	}
	return tree->winner[node];
}

#endif
