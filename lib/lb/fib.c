/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/fib.h"

#include <errno.h>
#include <string.h>

#include "lb/fib_private.h"
#include "lb/publish.h"

/*
 * A word is a child node, or a leaf: the group, and how many bits of this node's stride its route
 * fixes (0: the route ends above this node).
 */
#define CHILD       0x80000000u
#define DEPTH_SHIFT 26
#define NUMBER      ((1u << DEPTH_SHIFT) - 1)

#define ROOT_BITS  16
#define ROOT_WORDS (1u << ROOT_BITS)
#define NODE_BITS  8
#define LEVELS_MAX ((128 - ROOT_BITS) / NODE_BITS)

#define GROUPS_MAX 65536u

/* ---- workers ---- */

static uint32_t look_up(const struct sl_fib *fib, unsigned v6, const uint8_t *dst)
{
	uint32_t word = sl_read_route(&fib->roots[v6][dst[0] << 8 | dst[1]]);

	for (unsigned i = 2; (word & CHILD) && i < 16; i++)
		word = sl_read_route(&fib->nodes[word & NUMBER].words[dst[i]]);
	word &= NUMBER;
	return word != 0 ? word : sl_read_route(&fib->fallback[v6]);
}

void sl_fib_next(const struct sl_fib *fib, uint8_t family, const union sl_ip *dst,
	uint32_t flow_hash, struct sl_next *out)
{
	const struct sl_fib_group *group = &fib->groups[look_up(fib, family == 6, dst->bytes)];
	/* The caller's hash may vary in few of its bits only. */
	uint64_t hash = flow_hash * 0x9e3779b1u;
	unsigned at;

	*out = (struct sl_next){.kind = group->kind, .port = group->port};
	if (group->kind != SL_ROUTE_HOP)
		return;
	at = (unsigned)(hash * group->n_hops >> 32);
	for (unsigned i = 0; i < group->n_hops; i++) {
		out->adj = sl_read_adj(&fib->hops[group->hops[at]]);
		if (sl_adj_flags(out->adj) & SL_ADJ_RESOLVED)
			break;
		at = at + 1 < group->n_hops ? at + 1 : 0;
	}
	out->port = sl_adj_port(out->adj);
}

/* ---- life ---- */

/* Where the parts lie in the table's one piece of memory. */
struct layout {
	size_t fib, roots[2], nodes, groups, hops;
	size_t node_infos, group_infos, hop_users, rules, rule_heads, group_heads;
	size_t node_links, group_links, hop_links, rule_links;
	size_t end;
	uint32_t n_nodes, n_groups, n_rules, n_heads;
};

static size_t place(size_t *end, size_t n, size_t size)
{
	size_t at = *end;

	*end = (at + n * size + SL_CACHE_LINE - 1) / SL_CACHE_LINE * SL_CACHE_LINE;
	return at;
}

static struct layout lay_out(uint32_t routes)
{
	struct layout l = {0};
	size_t *end = &l.end;

	l.n_rules = routes != 0 ? routes : SL_FIB_ROUTES_DEFAULT;
	/*
	 * A full IPv4 table takes a node for 20 routes, one of IPv6 for 2, and a lonely IPv6
	 * neighbour 14 of them.
	 */
	l.n_nodes = 4096 + l.n_rules / 8;
	l.n_groups = l.n_rules < GROUPS_MAX ? l.n_rules : GROUPS_MAX;
	for (l.n_heads = 64; l.n_heads < l.n_rules;)
		l.n_heads *= 2;
	l.fib = place(end, 1, sizeof(struct sl_fib));
	for (unsigned v6 = 0; v6 < 2; v6++)
		l.roots[v6] = place(end, ROOT_WORDS, sizeof(uint32_t));
	l.nodes = place(end, l.n_nodes + 1, sizeof(struct sl_fib_node));
	l.groups = place(end, l.n_groups + 1, sizeof(struct sl_fib_group));
	l.hops = place(end, l.n_groups + 1, sizeof(sl_adj_word));
	l.node_infos = place(end, l.n_nodes + 1, sizeof(struct sl_fib_node_info));
	l.group_infos = place(end, l.n_groups + 1, sizeof(struct sl_fib_group_info));
	l.hop_users = place(end, l.n_groups + 1, sizeof(uint32_t));
	l.rules = place(end, l.n_rules + 1, sizeof(struct sl_fib_rule));
	l.rule_heads = place(end, l.n_heads, sizeof(uint32_t));
	l.group_heads = place(end, l.n_heads, sizeof(uint32_t));
	l.node_links = place(end, l.n_nodes + 1, sizeof(uint32_t));
	l.group_links = place(end, l.n_groups + 1, sizeof(uint32_t));
	l.hop_links = place(end, l.n_groups + 1, sizeof(uint32_t));
	l.rule_links = place(end, l.n_rules + 1, sizeof(uint32_t));
	return l;
}

size_t sl_fib_bytes(uint32_t routes)
{
	return lay_out(routes).end;
}

static struct sl_fib_pool pool(uint8_t *memory, size_t links, uint32_t max)
{
	return (struct sl_fib_pool){.links = (void *)(memory + links), .max = max, .fresh = 1};
}

struct sl_fib *sl_fib_new(const struct sl_alloc *alloc, struct rte_rcu_qsbr *qsbr, uint32_t routes)
{
	const struct layout l = lay_out(routes);
	uint8_t *memory = sl_zalloc(alloc, l.end, SL_CACHE_LINE, -1);
	struct sl_fib *fib = (void *)memory;

	if (memory == NULL)
		return NULL;
	*fib = (struct sl_fib){
		.roots = {(void *)(memory + l.roots[0]), (void *)(memory + l.roots[1])},
		.nodes = (void *)(memory + l.nodes),
		.groups = (void *)(memory + l.groups),
		.hops = (void *)(memory + l.hops),
		.node_infos = (void *)(memory + l.node_infos),
		.group_infos = (void *)(memory + l.group_infos),
		.hop_users = (void *)(memory + l.hop_users),
		.rules = (void *)(memory + l.rules),
		.rule_heads = (void *)(memory + l.rule_heads),
		.group_heads = (void *)(memory + l.group_heads),
		.mask = l.n_heads - 1,
		.node_pool = pool(memory, l.node_links, l.n_nodes),
		.group_pool = pool(memory, l.group_links, l.n_groups),
		.hop_pool = pool(memory, l.hop_links, l.n_groups),
		.rule_pool = pool(memory, l.rule_links, l.n_rules),
		.qsbr = qsbr,
		.alloc = alloc,
	};
	return fib;
}

void sl_fib_free(struct sl_fib *fib)
{
	if (fib != NULL)
		sl_free(fib->alloc, fib);
}

void sl_fib_stats(const struct sl_fib *fib, struct sl_fib_stats *out)
{
	*out = (struct sl_fib_stats){
		.routes = {fib->n_routes[0], fib->n_routes[1]},
		.routes_max = fib->rule_pool.max,
		.nodes = fib->node_pool.used,
		.nodes_max = fib->node_pool.max,
		.groups = fib->group_pool.used,
		.hops = fib->hop_pool.used,
		.refused = fib->refused,
	};
}

/* ---- the prefixes that have a route ---- */

static uint32_t *rule_head(const struct sl_fib *fib, const struct sl_prefix *prefix)
{
	uint64_t words[2], hash = prefix->addr.family | (uint64_t)prefix->length << 8;

	memcpy(words, prefix->addr.bytes, sizeof(words));
	for (unsigned i = 0; i < 2; i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return &fib->rule_heads[hash & fib->mask];
}

/* Where the number of the prefix's rule stands; 0 stands there when there is none. */
static uint32_t *find_rule(const struct sl_fib *fib, const struct sl_prefix *prefix)
{
	uint32_t *at = rule_head(fib, prefix);

	while (*at != 0) {
		struct sl_fib_rule *rule = &fib->rules[*at];

		if (rule->length == prefix->length && rule->family == prefix->addr.family &&
			memcmp(rule->bytes, prefix->addr.bytes, sizeof(rule->bytes)) == 0)
			break;
		at = &rule->next;
	}
	return at;
}

static struct sl_prefix masked(const struct sl_prefix *prefix, unsigned length)
{
	struct sl_prefix out = {.length = (uint8_t)length};

	out.addr.family = prefix->addr.family;
	memcpy(out.addr.bytes, prefix->addr.bytes, length / 8);
	if (length % 8 != 0)
		out.addr.bytes[length / 8] =
			prefix->addr.bytes[length / 8] & (uint8_t)(0xff00 >> length % 8);
	return out;
}

/* ---- the trie ---- */

static uint32_t leaf(unsigned depth, uint32_t group)
{
	return depth << DEPTH_SHIFT | group;
}

static unsigned depth_of(uint32_t word)
{
	return word >> DEPTH_SHIFT;
}

/* The way down to where a prefix ends: nodes[n - 1] is the last one, 0 the root. */
struct path {
	unsigned n;
	uint32_t nodes[LEVELS_MAX + 1];
	uint32_t slots[LEVELS_MAX + 1]; /* where in each node it goes on */
	unsigned missing;               /* nodes that are not there yet */
};

static uint32_t *words_of(struct sl_fib *fib, const struct sl_prefix *prefix, uint32_t node)
{
	return node != 0 ? fib->nodes[node].words : fib->roots[prefix->addr.family == 6];
}

static unsigned offset_of(unsigned level)
{
	return level == 0 ? 0 : ROOT_BITS + NODE_BITS * (level - 1);
}

static void walk(struct sl_fib *fib, const struct sl_prefix *prefix, struct path *path)
{
	const uint8_t *bytes = prefix->addr.bytes;
	unsigned levels = prefix->length <= ROOT_BITS
		? 1
		: 1 + (prefix->length - ROOT_BITS + NODE_BITS - 1) / NODE_BITS;

	path->n = 1;
	path->nodes[0] = 0;
	path->slots[0] = (uint32_t)(bytes[0] << 8 | bytes[1]);
	while (path->n < levels) {
		uint32_t word =
			words_of(fib, prefix, path->nodes[path->n - 1])[path->slots[path->n - 1]];

		if (!(word & CHILD))
			break;
		path->nodes[path->n] = word & NUMBER;
		path->slots[path->n] = bytes[path->n + 1];
		path->n++;
	}
	path->missing = levels - path->n;
}

/* Nodes that say what the leaf above them said, so nothing changes for who reads. */
static void grow(struct sl_fib *fib, const struct sl_prefix *prefix, struct path *path)
{
	for (; path->missing > 0; path->missing--) {
		uint32_t above = path->nodes[path->n - 1];
		uint32_t *word = &words_of(fib, prefix, above)[path->slots[path->n - 1]];
		uint32_t number = sl_fib_pool_take(&fib->node_pool);

		fib->node_infos[number] = (struct sl_fib_node_info){.under = *word};
		for (unsigned i = 0; i < SL_FIB_NODE_WORDS; i++)
			fib->nodes[number].words[i] = leaf(0, *word & NUMBER);
		sl_publish_route(word, CHILD | number);
		fib->node_infos[above].contents++;
		path->nodes[path->n] = number;
		path->slots[path->n] = prefix->addr.bytes[path->n + 1];
		path->n++;
	}
}

/*
 * The leaf `want` for a run of words that one prefix covers, but for those that a longer prefix
 * has: deeper than `depth`. And what lies below.
 */
static void put(struct sl_fib *fib, uint32_t *words, unsigned n, unsigned depth, uint32_t want)
{
	for (unsigned i = 0; i < n; i++) {
		struct sl_fib_node_info *info;

		if (!(words[i] & CHILD)) {
			if (depth_of(words[i]) <= depth)
				sl_publish_route(&words[i], want);
			continue;
		}
		info = &fib->node_infos[words[i] & NUMBER];
		if (depth_of(info->under) > depth)
			continue;
		info->under = want;
		/* As deep as the trie is: LEVELS_MAX. */
		put(fib, fib->nodes[words[i] & NUMBER].words, SL_FIB_NODE_WORDS, 0,
			leaf(0, want & NUMBER));
	}
}

/* The words that the prefix covers, and no longer one, become `want`. */
static void put_prefix(
	struct sl_fib *fib, const struct sl_prefix *prefix, const struct path *path, uint32_t want)
{
	unsigned level = path->n - 1, bits = level == 0 ? ROOT_BITS : NODE_BITS;
	unsigned depth = prefix->length - offset_of(level), run = 1u << (bits - depth);
	uint32_t first = path->slots[level] & ~(run - 1);

	put(fib, words_of(fib, prefix, path->nodes[level]) + first, run, depth, want);
}

/* Takes out nodes in which no route ends any more, from below. */
static void shrink(struct sl_fib *fib, const struct sl_prefix *prefix, struct path *path)
{
	for (; path->n > 1; path->n--) {
		uint32_t number = path->nodes[path->n - 1], above = path->nodes[path->n - 2];
		const struct sl_fib_node_info *info = &fib->node_infos[number];

		if (info->contents > 0)
			return;
		sl_publish_route(
			&words_of(fib, prefix, above)[path->slots[path->n - 2]], info->under);
		sl_fib_pool_retire(&fib->node_pool, number);
		fib->node_infos[above].contents--;
	}
}

/* ---- routes ---- */

static void set_group(struct sl_fib *fib, const struct sl_prefix *prefix, uint32_t group)
{
	struct path path;

	if (prefix->length == 0) {
		sl_publish_route(&fib->fallback[prefix->addr.family == 6], group);
		return;
	}
	walk(fib, prefix, &path);
	grow(fib, prefix, &path);
	put_prefix(fib, prefix, &path, leaf(prefix->length - offset_of(path.n - 1), group));
}

static bool has_room(struct sl_fib *fib, const struct sl_prefix *prefix)
{
	struct path path = {0};

	if (prefix->length > 0)
		walk(fib, prefix, &path);
	return path.missing <= sl_fib_pool_left(&fib->node_pool) &&
		sl_fib_pool_left(&fib->rule_pool) > 0;
}

static void add_rule(struct sl_fib *fib, const struct sl_prefix *prefix, uint32_t group)
{
	uint32_t *head = rule_head(fib, prefix);
	uint32_t number = sl_fib_pool_take(&fib->rule_pool);
	struct sl_fib_rule *rule = &fib->rules[number];
	struct path path;

	*rule = (struct sl_fib_rule){
		.next = *head,
		.group = group,
		.family = prefix->addr.family,
		.length = prefix->length,
	};
	memcpy(rule->bytes, prefix->addr.bytes, sizeof(rule->bytes));
	*head = number;
	fib->n_routes[rule->family == 6]++;
	set_group(fib, prefix, group);
	if (prefix->length == 0)
		return;
	walk(fib, prefix, &path);
	fib->node_infos[path.nodes[path.n - 1]].contents++;
}

int sl_fib_set(struct sl_fib *fib, const struct sl_prefix *prefix, const struct sl_fib_via *via)
{
	const struct sl_prefix key = masked(prefix, prefix->length);
	uint32_t number = *find_rule(fib, &key), group, before;

	if ((number == 0 && !has_room(fib, &key)) || sl_fib_group_get(fib, via, &group) != 0) {
		fib->refused++;
		return -ENOSPC;
	}
	if (number == 0) {
		add_rule(fib, &key, group);
		return 0;
	}
	before = fib->rules[number].group;
	if (before != group) {
		fib->rules[number].group = group;
		set_group(fib, &key, group);
	}
	sl_fib_group_put(fib, before);
	return 0;
}

bool sl_fib_get(const struct sl_fib *fib, const struct sl_prefix *prefix, struct sl_fib_via *via)
{
	const struct sl_prefix key = masked(prefix, prefix->length);
	uint32_t number = *find_rule(fib, &key);
	const struct sl_fib_group *group = &fib->groups[fib->rules[number].group];

	if (number == 0)
		return false;
	*via = (struct sl_fib_via){
		.kind = group->kind, .port = group->port, .n_hops = group->n_hops};
	memcpy(via->hops, group->hops, sizeof(via->hops));
	return true;
}

/* The leaf that covers the prefix without itself: of the next shorter one, or from above. */
static uint32_t
leaf_without(const struct sl_fib *fib, const struct sl_prefix *prefix, const struct path *path)
{
	uint32_t node = path->nodes[path->n - 1];
	unsigned offset = offset_of(path->n - 1);

	for (unsigned length = prefix->length - 1; length > offset; length--) {
		const struct sl_prefix shorter = masked(prefix, length);
		uint32_t number = *find_rule(fib, &shorter);

		if (number != 0)
			return leaf(length - offset, fib->rules[number].group);
	}
	return leaf(0, node != 0 ? fib->node_infos[node].under & NUMBER : 0);
}

bool sl_fib_remove(struct sl_fib *fib, const struct sl_prefix *prefix)
{
	const struct sl_prefix key = masked(prefix, prefix->length);
	uint32_t *at = find_rule(fib, &key), number = *at;
	struct path path;

	if (number == 0)
		return false;
	*at = fib->rules[number].next;
	fib->n_routes[key.addr.family == 6]--;
	if (key.length == 0) {
		sl_publish_route(&fib->fallback[key.addr.family == 6], 0);
	} else {
		walk(fib, &key, &path);
		put_prefix(fib, &key, &path, leaf_without(fib, &key, &path));
		fib->node_infos[path.nodes[path.n - 1]].contents--;
		shrink(fib, &key, &path);
	}
	sl_fib_group_put(fib, fib->rules[number].group);
	sl_fib_pool_give(&fib->rule_pool, number);
	return true;
}
