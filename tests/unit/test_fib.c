/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/fib.h"
#include "lb/publish.h"

#define READERS 1
#define ROUTES  512

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
static struct rte_rcu_qsbr *qsbr;
static struct sl_fib *fib;

static int begin(uint32_t routes)
{
	qsbr = sl_zalloc(&sl_alloc_heap, rte_rcu_qsbr_get_memsize(READERS), SL_CACHE_LINE, -1);
	rte_rcu_qsbr_init(qsbr, READERS);
	rte_rcu_qsbr_thread_register(qsbr, 0);
	fib = sl_fib_new(&sl_alloc_heap, qsbr, routes);
	return fib == NULL;
}

static int setup(void **state)
{
	return begin(ROUTES);
}

static int teardown(void **state)
{
	sl_fib_free(fib);
	sl_free(&sl_alloc_heap, qsbr);
	return 0;
}

static struct sl_prefix prefix(const char *text)
{
	struct sl_prefix out;

	assert_int_equal(sl_prefix_parse(text, &out), 0);
	return out;
}

/* A route that is told apart by its port. */
static int set(const char *text, uint8_t port)
{
	const struct sl_prefix p = prefix(text);
	const struct sl_fib_via via = {.kind = SL_ROUTE_GLEAN, .port = port};

	return sl_fib_set(fib, &p, &via);
}

static bool removed(const char *text)
{
	const struct sl_prefix p = prefix(text);

	return sl_fib_remove(fib, &p);
}

static struct sl_next look_at(const char *text, uint32_t hash)
{
	const struct sl_prefix p = prefix(text);
	const union sl_ip ip = sl_ip_from_addr(&p.addr);
	struct sl_next next;

	sl_fib_next(fib, p.addr.family, &ip, hash, &next);
	return next;
}

/* The port of the route, -1 without one. */
static int port_of(const char *text)
{
	const struct sl_next next = look_at(text, 0);

	return next.kind == SL_ROUTE_GLEAN ? next.port : -1;
}

static uint32_t hop(uint8_t port, bool resolved)
{
	uint32_t number;

	assert_int_equal(sl_fib_hop_new(fib, &number), 0);
	sl_fib_hop_set(fib, number, sl_adj_make(mac, port, resolved ? SL_ADJ_RESOLVED : 0));
	return number;
}

static void the_longest_prefix_wins(void **state)
{
	assert_int_equal(port_of("10.1.2.3"), -1);
	assert_int_equal(set("10.0.0.0/8", 1), 0);
	assert_int_equal(set("10.1.0.0/16", 2), 0);
	assert_int_equal(set("10.1.2.0/23", 3), 0);
	assert_int_equal(set("10.1.2.3", 4), 0);
	assert_int_equal(set("0.0.0.0/0", 5), 0);
	assert_int_equal(set("2001:db8::/32", 6), 0);
	assert_int_equal(set("2001:db8::1", 7), 0);
	assert_int_equal(port_of("10.1.2.3"), 4);
	assert_int_equal(port_of("10.1.3.255"), 3);
	assert_int_equal(port_of("10.1.4.0"), 2);
	assert_int_equal(port_of("10.2.0.0"), 1);
	assert_int_equal(port_of("11.0.0.0"), 5);
	assert_int_equal(port_of("2001:db8::1"), 7);
	assert_int_equal(port_of("2001:db8::2"), 6);
	assert_int_equal(port_of("2001:db9::"), -1);
	/* The shorter ones come to light again. */
	assert_true(removed("10.1.2.3"));
	assert_false(removed("10.1.2.3"));
	assert_int_equal(port_of("10.1.2.3"), 3);
	assert_true(removed("10.1.2.0/23"));
	assert_int_equal(port_of("10.1.2.3"), 2);
	assert_true(removed("10.1.0.0/16"));
	assert_int_equal(port_of("10.1.2.3"), 1);
	assert_true(removed("10.0.0.0/8"));
	assert_int_equal(port_of("10.1.2.3"), 5);
	assert_true(removed("0.0.0.0/0"));
	assert_int_equal(port_of("10.1.2.3"), -1);
	assert_int_equal(port_of("2001:db8::1"), 7);
}

static void host_bits_do_not_count(void **state)
{
	set("10.1.2.3/16", 1);
	set("10.1.9.9/16", 2);
	assert_int_equal(port_of("10.1.0.1"), 2);
	assert_true(removed("10.1.7.7/16"));
	assert_int_equal(port_of("10.1.0.1"), -1);
}

static void an_unreachable_prefix_hides_the_default_route(void **state)
{
	const struct sl_prefix p = prefix("10.0.0.0/8");
	struct sl_fib_via via = {.kind = SL_ROUTE_NONE};

	set("0.0.0.0/0", 1);
	assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	assert_int_equal(look_at("10.0.0.1", 0).kind, SL_ROUTE_NONE);
	assert_int_equal(port_of("11.0.0.1"), 1);
	via.kind = SL_ROUTE_PROHIBIT;
	assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	assert_int_equal(look_at("10.0.0.1", 0).kind, SL_ROUTE_PROHIBIT);
}

static void flows_spread_over_the_resolved_hops(void **state)
{
	const struct sl_prefix p = prefix("0.0.0.0/0");
	struct sl_fib_via via = {.kind = SL_ROUTE_HOP, .n_hops = 3};
	unsigned seen[4] = {0};

	for (unsigned i = 0; i < 3; i++)
		via.hops[i] = hop(i, true);
	assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct sl_next next = look_at("1.2.3.4", i);

		assert_int_equal(next.kind, SL_ROUTE_HOP);
		assert_memory_equal(&next.adj, mac, sizeof(mac));
		assert_int_equal(next.port, sl_adj_port(next.adj));
		assert_int_equal(next.port, look_at("9.9.9.9", i).port);
		seen[next.port]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(seen[i], 900, 1100);
	/* What went through the one that is gone goes through the next. */
	sl_fib_hop_set(fib, via.hops[1], sl_adj_make(mac, 1, 0));
	for (unsigned i = 0; i < 100; i++)
		assert_int_not_equal(look_at("1.2.3.4", i).port, 1);
	sl_fib_hop_set(fib, via.hops[0], 0);
	sl_fib_hop_set(fib, via.hops[2], 0);
	assert_int_equal(look_at("1.2.3.4", 5).kind, SL_ROUTE_HOP);
	assert_int_equal(sl_adj_flags(look_at("1.2.3.4", 5).adj) & SL_ADJ_RESOLVED, 0);
}

static void a_way_is_kept_once(void **state)
{
	struct sl_fib_via via = {.kind = SL_ROUTE_HOP, .n_hops = 1, .hops = {hop(3, true)}};
	struct sl_fib_stats stats;
	struct sl_prefix p = prefix("10.0.0.0/24");

	for (unsigned i = 0; i < 100; i++) {
		p.addr.bytes[2] = (uint8_t)i;
		assert_int_equal(sl_fib_set(fib, &p, &via), 0);
		assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	}
	sl_fib_stats(fib, &stats);
	assert_int_equal(stats.groups, 1);
	assert_int_equal(stats.hops, 1);
	assert_int_equal(stats.routes[0], 100);
	/* Routes keep the hop that its owner has released. */
	assert_true(sl_fib_hop_in_use(fib, via.hops[0]));
	sl_fib_hop_release(fib, via.hops[0]);
	assert_int_equal(look_at("10.0.5.1", 0).port, 3);
	for (unsigned i = 0; i < 100; i++) {
		p.addr.bytes[2] = (uint8_t)i;
		assert_true(sl_fib_remove(fib, &p));
	}
	sl_fib_stats(fib, &stats);
	assert_int_equal(stats.groups, 0);
	assert_int_equal(stats.hops, 0);
	assert_int_equal(stats.nodes, 0);
	assert_int_equal(stats.routes[0], 0);
}

static void beyond_its_room_it_refuses(void **state)
{
	struct sl_prefix p = prefix("10.0.0.0/24");
	const struct sl_fib_via via = {.kind = SL_ROUTE_LINUX};
	struct sl_fib_stats stats;

	for (unsigned i = 0; i < ROUTES; i++) {
		p.addr.bytes[1] = (uint8_t)(i >> 8);
		p.addr.bytes[2] = (uint8_t)i;
		assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	}
	assert_int_equal(set("192.168.0.0/16", 1), -ENOSPC);
	assert_int_equal(port_of("192.168.0.1"), -1);
	/* What is there already can change, and what went makes room. */
	assert_int_equal(set("10.0.0.0/24", 2), 0);
	assert_int_equal(port_of("10.0.0.1"), 2);
	assert_true(removed("10.0.0.0/24"));
	assert_int_equal(set("192.168.0.0/16", 1), 0);
	sl_fib_stats(fib, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.routes_max, ROUTES);
}

static void what_a_reader_may_hold_is_not_used_again(void **state)
{
	struct sl_fib_stats stats;
	unsigned rounds = 0;

	rte_rcu_qsbr_thread_online(qsbr, 0);
	/* 14 nodes each time: all of them are gone at last, while the reader does not report. */
	while (set("2001:db8::1", 1) == 0) {
		assert_true(removed("2001:db8::1"));
		assert_true(sl_fib_reclaim(fib));
		rounds++;
	}
	sl_fib_stats(fib, &stats);
	assert_int_equal(rounds, stats.nodes_max / 14);
	assert_int_equal(stats.nodes, 0);
	assert_int_equal(port_of("2001:db8::1"), -1);
	rte_rcu_qsbr_quiescent(qsbr, 0);
	assert_true(sl_fib_reclaim(fib)); /* those retired since the token was taken */
	assert_int_equal(set("2001:db8::1", 1), 0);
	rte_rcu_qsbr_quiescent(qsbr, 0);
	assert_false(sl_fib_reclaim(fib));
	assert_int_equal(port_of("2001:db8::1"), 1);
}

/* A table as one would write it with no thought for speed. */
static struct {
	struct sl_prefix prefix;
	uint8_t port;
} model[ROUTES];
static unsigned n_model;

static int model_port(const struct sl_addr *addr)
{
	int best = -1, port = -1;

	for (unsigned i = 0; i < n_model; i++) {
		if (model[i].prefix.length > best && sl_prefix_contains(&model[i].prefix, addr)) {
			best = model[i].prefix.length;
			port = model[i].port;
		}
	}
	return port;
}

/* Few different bits, so that prefixes nest and meet. */
static struct sl_prefix random_prefix(struct sl_rand *rand, uint8_t family)
{
	struct sl_prefix p = {.addr.family = family};
	unsigned bytes = family == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++)
		p.addr.bytes[i] = (uint8_t)(0x80 * sl_rand_below(rand, 2) +
			(sl_rand_below(rand, 4) == 0) * sl_rand_below(rand, 256));
	p.length = (uint8_t)sl_rand_below(rand, bytes * 8 + 1);
	for (unsigned i = p.length; i < bytes * 8; i++)
		p.addr.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return p;
}

static unsigned find_in_model(const struct sl_prefix *p)
{
	unsigned i = 0;

	while (i < n_model &&
		(model[i].prefix.length != p->length ||
			!sl_addr_equal(&model[i].prefix.addr, &p->addr)))
		i++;
	return i;
}

static void change_both(struct sl_rand *rand)
{
	struct sl_prefix p = random_prefix(rand, sl_rand_below(rand, 2) ? 4 : 6);
	struct sl_fib_via via = {.kind = SL_ROUTE_GLEAN, .port = (uint8_t)sl_rand_below(rand, 32)};
	unsigned at;

	if (n_model > 0 && (n_model == 200 || sl_rand_below(rand, 3) == 0)) {
		at = (unsigned)sl_rand_below(rand, n_model);
		assert_true(sl_fib_remove(fib, &model[at].prefix));
		model[at] = model[--n_model];
		return;
	}
	assert_int_equal(sl_fib_set(fib, &p, &via), 0);
	at = find_in_model(&p);
	model[at].prefix = p;
	model[at].port = via.port;
	n_model += at == n_model;
}

/* An address of a prefix, or beside it. */
static struct sl_addr random_address(struct sl_rand *rand)
{
	struct sl_addr addr;

	if (n_model == 0 || sl_rand_below(rand, 4) == 0)
		return random_prefix(rand, sl_rand_below(rand, 2) ? 4 : 6).addr;
	addr = model[sl_rand_below(rand, n_model)].prefix.addr;
	addr.bytes[sl_rand_below(rand, addr.family == 4 ? 4 : 16)] ^=
		(uint8_t)(1 << sl_rand_below(rand, 8));
	return addr;
}

static void compare(struct sl_rand *rand, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct sl_addr addr = random_address(rand);
		const union sl_ip ip = sl_ip_from_addr(&addr);
		struct sl_next next;
		int want = model_port(&addr);

		sl_fib_next(fib, addr.family, &ip, (uint32_t)i, &next);
		assert_int_equal(next.kind == SL_ROUTE_GLEAN ? next.port : -1, want);
	}
}

static void any_changes_agree_with_the_model(void **state)
{
	struct sl_fib_stats stats;
	struct sl_rand rand;

	n_model = 0;
	sl_rand_seed(&rand, 4711);
	for (unsigned i = 0; i < 6000; i++) {
		change_both(&rand);
		sl_fib_reclaim(fib); /* no reader is online */
		compare(&rand, 12);
	}
	while (n_model > 0)
		assert_true(sl_fib_remove(fib, &model[--n_model].prefix));
	sl_fib_stats(fib, &stats);
	assert_int_equal(stats.nodes, 0);
	assert_int_equal(stats.groups, 0);
	compare(&rand, 100);
}

/*
 * A reader while the writer works: whatever comes and goes around them, these addresses have one
 * of two routes at every moment. Under thread sanitizer this looks at the memory order, too.
 */
static bool stop;

static void *read_on(void *arg)
{
	static const union sl_ip inside = {.bytes = {10, 1, 2, 3}};
	static const union sl_ip other = {.bytes = {10, 1, 2, 4}};
	static const union sl_ip v6 = {.bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct sl_next next;
	uint64_t wrong = 0;

	rte_rcu_qsbr_thread_online(qsbr, 0);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		sl_fib_next(fib, 4, &inside, 0, &next);
		wrong += next.port != 1 && next.port != 2;
		sl_fib_next(fib, 4, &other, 0, &next);
		wrong += next.port != 1 && next.port != 4;
		sl_fib_next(fib, 6, &v6, 0, &next);
		wrong += next.port != 1 && next.port != 3;
		rte_rcu_qsbr_quiescent(qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	*(uint64_t *)arg = wrong;
	return NULL;
}

static void churn(void)
{
	struct sl_prefix p = prefix("10.1.2.128/25");
	const struct sl_fib_via via = {.kind = SL_ROUTE_GLEAN, .port = 9};

	set("10.1.2.3", 2);
	set("10.1.2.4/30", 4);
	set("2001:db8::/64", 3);
	set("2001:db8::1", 1);
	/* What had been theirs is used for others. */
	for (unsigned i = 0; i < 16; i++) {
		p.addr.bytes[0] = (uint8_t)(100 + i);
		sl_fib_set(fib, &p, &via);
	}
	removed("10.1.2.3");
	removed("2001:db8::1");
	removed("2001:db8::/64");
	removed("10.1.2.4/30");
	for (unsigned i = 0; i < 16; i++) {
		p.addr.bytes[0] = (uint8_t)(100 + i);
		sl_fib_remove(fib, &p);
	}
}

static void a_reader_finds_the_old_or_the_new_route(void **state)
{
	uint64_t wrong = UINT64_MAX;
	pthread_t thread;

	set("10.0.0.0/8", 1);
	set("::/0", 1);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, read_on, &wrong), 0);
	for (unsigned i = 0; i < 3000; i++) {
		churn();
		sl_fib_reclaim(fib);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
}

static void fail_free(void *arg, void *memory)
{
}

static void *fail_zalloc(void *arg, size_t size, size_t align, int numa)
{
	return NULL;
}

static void without_memory_there_is_none(void **state)
{
	const struct sl_alloc none = {.zalloc = fail_zalloc, .free = fail_free};

	assert_null(sl_fib_new(&none, qsbr, 16));
	assert_true(sl_fib_bytes(0) == sl_fib_bytes(SL_FIB_ROUTES_DEFAULT));
	assert_true(sl_fib_bytes(1000000) < 300u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_prefix_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(host_bits_do_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_unreachable_prefix_hides_the_default_route, setup, teardown),
		cmocka_unit_test_setup_teardown(
			flows_spread_over_the_resolved_hops, setup, teardown),
		cmocka_unit_test_setup_teardown(a_way_is_kept_once, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_its_room_it_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_reader_may_hold_is_not_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(any_changes_agree_with_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_reader_finds_the_old_or_the_new_route, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory_there_is_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
