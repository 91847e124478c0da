/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Schedulers against LVS's loops written as plain scans, over lists, weights and loads chosen at
 * random; and the short sequences that were seen on a real LVS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/registry.h"
#include "lb/sched.h"
#include "lb/tree.h"
#include "lb/worker.h"

#define SERVERS_MAX 40
#define FRONT       1

/* A worker, a service and its servers' records, with nothing else around them. */
struct world {
	struct sl_worker worker;
	struct sl_counter_pages counter_pages;
	struct sl_counters counters[SL_COUNTERS_PAGE];
	struct sl_server servers[SL_PAGE]; /* by id */
	const struct sl_server *server_pages[1];
	struct sl_front fronts[SL_PAGE];
	const struct sl_front *front_pages[1];
	struct sl_snapshot snapshot;
	struct sl_service service;
	struct sl_sched_cell cell;
	sl_id list[SERVERS_MAX];
	uint32_t weights[SERVERS_MAX], full_weights[SERVERS_MAX];
	void *blocks[1];
	uint64_t versions;
	/* what the plain scans keep */
	struct sl_parsed flow; /* of the packet that is scheduled */
	int64_t position;      /* -1 = the beginning */
	int64_t current_weight;
};

static struct world *world_new(const struct sl_sched *sched)
{
	struct world *world = aligned_alloc(64, RTE_ALIGN(sizeof(*world), 64));

	assert_non_null(world);
	memset(world, 0, sizeof(*world));
	world->counter_pages.pages[0] = world->counters;
	world->server_pages[0] = world->servers;
	world->front_pages[0] = world->fronts;
	world->snapshot.server_pages = world->server_pages;
	world->snapshot.n_server_pages = 1;
	world->snapshot.front_pages = world->front_pages;
	world->snapshot.n_front_pages = 1;
	world->fronts[FRONT].state = SL_ID_LIVE;
	world->fronts[FRONT].service = &world->service;
	world->worker.snapshot = &world->snapshot;
	world->worker.counters = &world->counter_pages;
	world->service.front = FRONT;
	world->service.sched = sched;
	world->service.epoch = 1;
	world->service.servers = world->list;
	world->service.weights = world->weights;
	world->service.sched_state = world->blocks;
	world->position = -1;
	return world;
}

static void world_free(struct world *world)
{
	free(world->blocks[0]);
	free(world);
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	return b == 0 ? a : gcd(b, a % b);
}

/* Makes the list, as it is now, a new service object. */
static void renew(struct world *world)
{
	struct sl_server_spec specs[SERVERS_MAX] = {0};
	struct sl_service *s = &world->service;

	for (uint32_t i = 0; i < s->n_servers; i++) {
		specs[s->n_servers - 1 - i].address = sl_addr_v4(rte_cpu_to_be_32(world->list[i]));
		world->full_weights[i] = world->weights[i] > 0 ? world->weights[i] : 1;
	}
	s->full_weights = world->full_weights;
	s->version = ++world->versions;
	s->n_usable = s->weight_gcd = s->weight_max = 0;
	for (uint32_t i = 0; i < s->n_servers; i++) {
		struct sl_server *server = &world->servers[world->list[i]];

		*server = (struct sl_server){.state = SL_ID_LIVE, .front = FRONT, .position = i};
		s->n_usable += world->weights[i] > 0;
		s->weight_gcd = gcd(s->weight_gcd, world->weights[i]);
		s->weight_max = RTE_MAX(s->weight_max, world->weights[i]);
	}
	free(world->blocks[0]);
	world->blocks[0] = NULL;
	if (s->sched->block_bytes != NULL)
		world->blocks[0] = calloc(1, s->sched->block_bytes(s));
	if (s->sched->prepare != NULL)
		s->sched->prepare(world->blocks[0], s, specs);
}

/* The last one added stands first. */
static void add(struct world *world, sl_id id, uint32_t weight)
{
	uint32_t n = world->service.n_servers++;

	memmove(&world->list[1], &world->list[0], n * sizeof(world->list[0]));
	memmove(&world->weights[1], &world->weights[0], n * sizeof(world->weights[0]));
	world->list[0] = id;
	world->weights[0] = weight;
	if (world->position >= 0)
		world->position++;
}

static void delete (struct world *world, uint32_t at)
{
	uint32_t behind = --world->service.n_servers - at;
	struct sl_server *server = &world->servers[world->list[at]];

	server->state = SL_ID_DELETED;
	server->position = at == 0 ? SL_ID_NONE : world->list[at - 1];
	memmove(&world->list[at], &world->list[at + 1], behind * sizeof(world->list[0]));
	memmove(&world->weights[at], &world->weights[at + 1], behind * sizeof(world->weights[0]));
	if (world->position >= (int64_t)at)
		world->position--;
}

static sl_id pick(struct world *world)
{
	uint32_t position = world->service.sched->pick(
		&world->worker, &world->service, &world->cell, &world->flow);

	return position == SL_SCHED_NONE ? SL_ID_NONE : world->list[position];
}

static void expect(struct world *world, const sl_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sl_id id = pick(world);

		assert_int_equal(id, ids[i]);
		world->counters[id].active++;
		if (world->service.sched->load_changed != NULL)
			world->service.sched->load_changed(
				&world->worker, &world->service, world->servers[id].position);
	}
}

/* Servers .12 .13 .14 with weights 3 2 1, added one by one: what Linux 6.1 answered. */
static void as_seen_on_lvs(void **state)
{
	static const struct {
		const char *sched;
		sl_id picks[8];
	} cases[] = {
		{"rr", {14, 13, 12, 14, 13, 12, 14, 13}},
		{"wrr", {14, 13, 12, 12, 13, 12, 14, 13}},
		{"lc", {14, 13, 12, 14, 13, 12, 14, 13}},
		{"wlc", {14, 13, 12, 12, 13, 12, 14, 13}},
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct world *world = world_new(sl_sched_find(cases[i].sched));

		add(world, 12, 3);
		add(world, 13, 2);
		add(world, 14, 1);
		renew(world);
		expect(world, cases[i].picks, 8);
		world_free(world);
	}
	assert_null(sl_sched_find("nosuch"));
}

/* ---- LVS's loops ---- */

static sl_id scan_rr(struct world *world)
{
	const struct sl_service *s = &world->service;

	for (uint32_t i = 1; i <= s->n_servers; i++) {
		uint32_t at = (uint32_t)(world->position + i) % s->n_servers;

		if (world->weights[at] > 0) {
			world->position = at;
			return world->list[at];
		}
	}
	return SL_ID_NONE;
}

static void scan_wrr_changed(struct world *world)
{
	const struct sl_service *s = &world->service;
	int64_t divisor = s->weight_gcd == 0 ? 1 : s->weight_gcd;
	int64_t top = s->weight_max - (divisor - 1);

	world->position = -1;
	if (s->n_usable == 0)
		top = 0;
	if (world->current_weight > top || world->current_weight == 0)
		world->current_weight = top;
	else if (divisor > 1)
		world->current_weight = world->current_weight / divisor * divisor + 1;
}

static sl_id scan_wrr(struct world *world)
{
	const struct sl_service *s = &world->service;

	while (s->n_usable > 0) {
		if (++world->position == s->n_servers) {
			world->position = -1;
			world->current_weight -= s->weight_gcd;
			if (world->current_weight <= 0)
				world->current_weight = s->weight_max - (s->weight_gcd - 1);
		} else if (world->weights[world->position] >= world->current_weight) {
			return world->list[world->position];
		}
	}
	return SL_ID_NONE;
}

static uint64_t overhead(const struct world *world, uint32_t at)
{
	const struct sl_counters *line = &world->counters[world->list[at]];

	return 256ull * (line->active + line->others_active) + line->inactive +
		line->others_inactive;
}

static sl_id scan_least(struct world *world, bool weighted)
{
	int64_t best = -1;

	for (uint32_t i = 0; i < world->service.n_servers; i++) {
		uint64_t weight = weighted ? world->weights[i] : 1;

		if (world->weights[i] == 0)
			continue;
		if (best < 0 ||
			overhead(world, (uint32_t)best) * weight >
				overhead(world, i) * (weighted ? world->weights[best] : 1))
			best = i;
	}
	return best < 0 ? SL_ID_NONE : world->list[best];
}

static uint64_t active(const struct world *world, uint32_t at)
{
	const struct sl_counters *line = &world->counters[world->list[at]];

	return (uint64_t)line->active + line->others_active;
}

static sl_id scan_expected_delay(struct world *world, bool never_queue)
{
	int64_t best = -1;

	for (uint32_t i = 0; i < world->service.n_servers; i++) {
		if (world->weights[i] == 0)
			continue;
		if (never_queue && active(world, i) == 0)
			return world->list[i];
		if (best < 0 ||
			(active(world, (uint32_t)best) + 1) * world->weights[i] >
				(active(world, i) + 1) * world->weights[best])
			best = i;
	}
	return best < 0 ? SL_ID_NONE : world->list[best];
}

static sl_id scan_highest_weight(struct world *world, bool with_room)
{
	uint32_t highest = 0;
	sl_id best = SL_ID_NONE;

	for (uint32_t i = 0; i < world->service.n_servers; i++) {
		if (world->weights[i] <= highest ||
			(with_room && active(world, i) > world->weights[i]))
			continue;
		highest = world->weights[i];
		best = world->list[i];
	}
	return best;
}

static sl_id in_bucket(const struct world *world, uint32_t position)
{
	return world->weights[position] > 0 ? world->list[position] : SL_ID_NONE;
}

/* LVS's table filled anew for each packet; sh with its fallback and the port where wanted. */
static sl_id scan_buckets(struct world *world, const struct sl_parsed *flow, bool by_source)
{
	const struct sl_service *s = &world->service;
	uint32_t table[256], value, first, position = 0, taken = 0;
	sl_id id;

	if (s->n_servers == 0)
		return SL_ID_NONE;
	for (unsigned i = 0; i < 256; i++) {
		table[i] = position;
		if (++taken >= (by_source ? world->weights[position] : 1)) {
			position = (position + 1) % s->n_servers;
			taken = 0;
		}
	}
	value = rte_be_to_cpu_32(by_source ? flow->src.v4 : flow->dst.v4);
	value += s->sched_flags & SL_SCHED_PORT ? rte_be_to_cpu_16(flow->src_port) : 0;
	first = (value * 0x61c88647u) >> 24;
	id = in_bucket(world, table[first]);
	for (unsigned i = 0; id == SL_ID_NONE && (s->sched_flags & SL_SCHED_FALLBACK) && i < 256;
		i++)
		id = in_bucket(world, table[(first + (first + i)) % 256]);
	return id;
}

static sl_id scan(struct world *world)
{
	const char *name = world->service.sched->name;

	if (strcmp(name, "sh") == 0 || strcmp(name, "dh") == 0)
		return scan_buckets(world, &world->flow, strcmp(name, "sh") == 0);

	if (strcmp(name, "sed") == 0 || strcmp(name, "nq") == 0)
		return scan_expected_delay(world, strcmp(name, "nq") == 0);
	if (strcmp(name, "fo") == 0 || strcmp(name, "ovf") == 0)
		return scan_highest_weight(world, strcmp(name, "ovf") == 0);

	if (strcmp(name, "rr") == 0)
		return scan_rr(world);
	if (strcmp(name, "wrr") == 0)
		return scan_wrr(world);
	return scan_least(world, strcmp(name, "wlc") == 0);
}

/* A change of the list as an operator makes it: a server comes, goes, or gets another weight. */
static void change(struct world *world, struct sl_rand *rand)
{
	static const uint32_t weights[] = {0, 0, 1, 1, 2, 3, 4, 6, 9, 100, INT32_MAX};
	uint32_t weight = weights[sl_rand_below(rand, RTE_DIM(weights))];
	uint32_t n = world->service.n_servers;
	sl_id id = 1 + (sl_id)sl_rand_below(rand, SERVERS_MAX);
	bool listed = false;

	for (uint32_t i = 0; i < n; i++)
		listed |= world->list[i] == id;
	switch (sl_rand_below(rand, 3)) {
	case 0:
		if (!listed)
			add(world, id, weight);
		break;
	case 1:
		if (n > 0)
			delete (world, (uint32_t)sl_rand_below(rand, n));
		break;
	default:
		if (n > 0)
			world->weights[sl_rand_below(rand, n)] = weight;
	}
	renew(world);
	if (strcmp(world->service.sched->name, "wrr") == 0)
		scan_wrr_changed(world);
}

static void move_load(struct world *world, struct sl_rand *rand)
{
	uint32_t at = (uint32_t)sl_rand_below(rand, world->service.n_servers);
	struct sl_counters *line = &world->counters[world->list[at]];

	switch (sl_rand_below(rand, 5)) {
	case 0:
		line->active = (uint32_t)sl_rand_below(rand, 4);
		break;
	case 1:
		line->inactive = (uint32_t)sl_rand_below(rand, 600);
		break;
	case 2:
		line->others_active = (uint32_t)sl_rand_below(rand, 4);
		break;
	case 3:
		line->others_inactive = (uint32_t)sl_rand_below(rand, 600);
		break;
	default:
		line->active++;
	}
	if (world->service.sched->load_changed != NULL)
		world->service.sched->load_changed(&world->worker, &world->service, at);
}

/* Positions are carried over a change before the next one: as if each were its own generation. */
static void like_a_scan(const char *name, uint64_t seed)
{
	struct world *world = world_new(sl_sched_find(name));
	struct sl_rand rand;

	sl_rand_seed(&rand, seed);
	world->service.sched_flags = world->service.sched->flags & (uint8_t)seed;
	world->flow.family = 4;
	renew(world);
	pick(world); /* the epoch begins with no servers */
	for (int step = 0; step < 20000; step++) {
		if (sl_rand_below(&rand, 20) == 0) {
			change(world, &rand);
			sl_sched_position(&world->worker, &world->service,
				&(struct sl_sched_cell){0}); /* must not depend on other cells */
		}
		if (world->service.n_servers > 0 && sl_rand_below(&rand, 2) == 0)
			move_load(world, &rand);
		world->flow.src.v4 = (rte_be32_t)sl_rand_u64(&rand);
		world->flow.dst.v4 = (rte_be32_t)sl_rand_u64(&rand);
		world->flow.src_port = (rte_be16_t)sl_rand_u64(&rand);
		assert_int_equal(pick(world), scan(world));
	}
	world_free(world);
}

static void all_like_scans(void **state)
{
	static const char *const names[] = {
		"rr", "wrr", "lc", "wlc", "sed", "nq", "fo", "ovf", "dh", "sh"};

	for (size_t i = 0; i < RTE_DIM(names); i++) {
		for (uint64_t seed = 1; seed <= 5; seed++)
			like_a_scan(names[i], seed);
	}
}

/* A count that moves while nobody looks (before the first pick) is seen by the first pick. */
static void loads_of_before(void **state)
{
	struct world *world = world_new(sl_sched_find("lc"));

	add(world, 12, 1);
	add(world, 13, 1);
	renew(world);
	world->counters[13].active = 1;
	world->service.sched->load_changed(&world->worker, &world->service, 0);
	assert_int_equal(pick(world), 12);
	world_free(world);
}

/* The product of load and weight needs more than 64 bits. */
static void huge_loads(void **state)
{
	struct world *world = world_new(sl_sched_find("wlc"));

	add(world, 12, 1u << 25);
	add(world, 13, 1);
	renew(world);
	world->counters[12].active = 1u << 31;
	world->counters[13].active = 1u << 31;
	assert_int_equal(pick(world), 12);
	world_free(world);
}

static void position_survives_removals(void **state)
{
	struct world *world = world_new(sl_sched_find("rr"));

	for (sl_id id = 1; id <= 20; id++)
		add(world, id, 1);
	renew(world);
	expect(world, (const sl_id[]){20, 19, 18, 17, 16, 15, 14, 13}, 8);
	for (uint32_t at = 7; at > 3; at--) /* 13, 14, 15, 16 */
		delete (world, at);
	renew(world);
	expect(world, (const sl_id[]){12, 11}, 2);
	world_free(world);
}

/* More removals than are followed: bounded work comes before the order. */
static void position_gets_lost(void **state)
{
	struct world *world = world_new(sl_sched_find("rr"));

	for (sl_id id = 1; id <= 20; id++)
		add(world, id, 1);
	renew(world);
	expect(world, (const sl_id[]){20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10}, 11);
	for (uint32_t at = 10; at > 0; at--)
		delete (world, at);
	renew(world);
	expect(world, (const sl_id[]){20, 9}, 2);
	world_free(world);
}

/* Deleted and added again, or given another scheduler: from the beginning. */
static void epoch_starts_anew(void **state)
{
	struct world *world = world_new(sl_sched_find("wrr"));

	add(world, 12, 3);
	add(world, 13, 2);
	renew(world);
	expect(world, (const sl_id[]){13, 12, 12, 13}, 4);
	renew(world); /* a change keeps the current weight, 2 */
	expect(world, (const sl_id[]){13, 12, 13}, 3);
	world->service.epoch++;
	renew(world);
	expect(world, (const sl_id[]){13, 12, 12}, 3);
	world_free(world);
}

#define CLIENTS 4096

/* Whom each of many clients gets. */
static void ask_all(struct world *world, sl_id answers[CLIENTS])
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		world->flow.src.v4 = rte_cpu_to_be_32(0x0a000000 + i);
		answers[i] = pick(world);
	}
}

static unsigned share_of(const sl_id answers[CLIENTS], sl_id id)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += answers[i] == id;
	return n;
}

static struct world *maglev(const sl_id *ids, unsigned n)
{
	struct world *world = world_new(sl_sched_find("mh"));

	world->flow.family = 4;
	for (unsigned i = 0; i < n; i++)
		add(world, ids[i], ids[i] == 13 ? 3 : 1);
	renew(world);
	return world;
}

/* The same table in whatever order servers were added, and shares that are the weights'. */
static void maglev_goes_by_servers_not_by_their_order(void **state)
{
	struct world *world = maglev((const sl_id[]){11, 12, 13, 14}, 4);
	sl_id first[CLIENTS], second[CLIENTS];

	ask_all(world, first);
	for (sl_id id = 11; id <= 14; id++)
		assert_in_range(share_of(first, id), CLIENTS / 6 * (id == 13 ? 3 : 1) * 9 / 10,
			CLIENTS / 6 * (id == 13 ? 3 : 1) * 11 / 10);
	world_free(world);
	world = maglev((const sl_id[]){13, 11, 14, 12}, 4);
	ask_all(world, second);
	assert_memory_equal(first, second, sizeof(first));
	world_free(world);
}

/* A server that goes takes few with it; one that is quiesced nobody but its own. */
static void maglev_moves_few(void **state)
{
	struct world *world = maglev((const sl_id[]){11, 12, 13, 14}, 4);
	sl_id before[CLIENTS], after[CLIENTS];
	unsigned moved = 0;

	world->service.sched_flags = SL_SCHED_FALLBACK;
	ask_all(world, before);
	world->weights[0] = 0; /* 14 */
	renew(world);
	ask_all(world, after);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		assert_true(after[i] != 14);
		assert_true(before[i] == 14 || after[i] == before[i]);
	}
	delete (world, 0);
	renew(world);
	ask_all(world, after);
	for (uint32_t i = 0; i < CLIENTS; i++)
		moved += before[i] != 14 && after[i] != before[i];
	assert_in_range(moved, 0, CLIENTS / 10);
	world_free(world);
}

static bool bigger(const void *arg, uint32_t b, uint32_t a)
{
	const uint32_t *values = arg;

	return values[b] > values[a];
}

static bool at_least_five(const void *arg, uint32_t position)
{
	const uint32_t *values = arg;

	return values[position] >= 5;
}

static void tree_searches(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 7);
	for (uint32_t n = 1; n <= 67; n++) {
		struct sl_tree *tree = calloc(1, sl_tree_bytes(n));
		uint32_t values[67];

		for (uint32_t i = 0; i < n; i++)
			values[i] = (uint32_t)sl_rand_below(&rand, 7);
		sl_tree_build(tree, n, bigger, values);
		for (uint32_t from = 0; from <= n + 1; from++) {
			uint32_t wanted = from;

			while (wanted < n && values[wanted] < 5)
				wanted++;
			assert_int_equal(sl_tree_next(tree, from, at_least_five, values),
				wanted < n ? wanted : SL_TREE_NONE);
		}
		free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_seen_on_lvs),
		cmocka_unit_test(all_like_scans),
		cmocka_unit_test(loads_of_before),
		cmocka_unit_test(huge_loads),
		cmocka_unit_test(position_survives_removals),
		cmocka_unit_test(position_gets_lost),
		cmocka_unit_test(epoch_starts_anew),
		cmocka_unit_test(maglev_goes_by_servers_not_by_their_order),
		cmocka_unit_test(maglev_moves_few),
		cmocka_unit_test(tree_searches),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
