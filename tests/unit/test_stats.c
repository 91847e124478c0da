/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "lb/stats.h"

struct with_stats {
	struct fixture f;
	struct sl_stats *stats;
};

static int setup(void **state)
{
	struct with_stats *s = malloc(sizeof(*s));

	fixture_params(&s->f);
	*state = s;
	if (!fixture_start(&s->f))
		return -1;
	s->stats = sl_stats_new(s->f.engine);
	return s->stats == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct with_stats *s = *state;

	sl_stats_free(s->stats);
	sl_engine_free(s->f.engine);
	assert_int_equal(s->f.memory.outstanding, 0);
	free(s);
	return 0;
}

/* Packets of 100 bytes from clients, one connection each, counted by one worker. */
static void traffic(struct with_stats *s, sl_id server, unsigned worker, uint64_t packets)
{
	struct sl_counters *line = sl_worker_counters(s->f.engine->workers[worker], server);

	line->in_packets += packets;
	line->in_bytes += 100 * packets;
	line->connections += packets;
}

static uint64_t server_packets(struct with_stats *s, sl_id server)
{
	struct sl_stats_view view;

	assert_int_equal(sl_stats_server(s->stats, server, &view), 0);
	assert_int_equal(view.total.in_bytes, 100 * view.total.in_packets);
	return view.total.in_packets;
}

static uint64_t service_packets(struct with_stats *s, uint16_t port)
{
	struct sl_stats_view view;

	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, port), &view), 0);
	return view.total.in_packets;
}

static void a_service_is_the_sum_of_its_servers(void **state)
{
	struct with_stats *s = *state;
	struct sl_stats_view view;
	sl_id a, b;

	service(&s->f, 80, HOSTS(1, 2));
	a = server_id(&s->f, 80, 1);
	b = server_id(&s->f, 80, 2);
	traffic(s, a, 0, 3);
	traffic(s, a, 1, 4);
	traffic(s, b, 1, 10);
	sl_worker_counters(s->f.engine->workers[0], a)->active = 2;
	sl_worker_counters(s->f.engine->workers[1], b)->inactive = 5;
	assert_int_equal(server_packets(s, a), 7);
	assert_int_equal(service_packets(s, 80), 17);
	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, 80), &view), 0);
	assert_int_equal(view.active, 2);
	assert_int_equal(view.inactive, 5);
	assert_int_equal(view.total.connections, 17);
	assert_int_equal(sl_stats_server(s->stats, b + 1, &view), -ENOENT);
	assert_int_equal(sl_stats_service(s->stats, SL_ID_NONE, &view), -ENOENT);
}

static void a_removed_server_leaves_its_share(void **state)
{
	struct with_stats *s = *state;
	struct sl_stats_view view;
	sl_id a, b;

	service(&s->f, 80, HOSTS(1, 2));
	a = server_id(&s->f, 80, 1);
	b = server_id(&s->f, 80, 2);
	traffic(s, a, 0, 100);
	traffic(s, b, 0, 1);
	service(&s->f, 80, HOSTS(2));
	assert_int_equal(service_packets(s, 80), 101);
	assert_int_equal(sl_stats_server(s->stats, a, &view), -ENOENT);
	service(&s->f, 80, HOSTS(2, 1)); /* back: what it counted counts once */
	assert_int_equal(server_packets(s, a), 100);
	assert_int_equal(service_packets(s, 80), 101);
}

static void the_next_owner_of_an_id_starts_at_zero(void **state)
{
	struct with_stats *s = *state;
	sl_id a;

	service(&s->f, 80, HOSTS(1, 2));
	a = server_id(&s->f, 80, 1);
	traffic(s, a, 0, 100);
	service(&s->f, 80, HOSTS(2));
	traffic(s, a, 0, 1); /* was on its way */
	s->f.manual.ns += 121 * SECOND;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(age(&s->f));
		all_swept(&s->f);
	}
	assert_int_equal(service_packets(s, 80), 101);
	service(&s->f, 81, HOSTS(9));
	assert_int_equal(server_id(&s->f, 81, 9), a);
	assert_int_equal(server_packets(s, a), 0);
	assert_int_equal(service_packets(s, 81), 0);
	assert_int_equal(service_packets(s, 80), 101);
}

static void zeroing_one_service_or_all(void **state)
{
	struct with_stats *s = *state;
	sl_id a, b, gone;

	service(&s->f, 80, HOSTS(1, 3));
	service(&s->f, 81, HOSTS(2));
	a = server_id(&s->f, 80, 1);
	b = server_id(&s->f, 81, 2);
	gone = server_id(&s->f, 80, 3);
	traffic(s, a, 0, 10);
	traffic(s, b, 0, 20);
	traffic(s, gone, 1, 5);
	service(&s->f, 80, HOSTS(1));
	assert_int_equal(service_packets(s, 80), 15);
	assert_int_equal(sl_stats_zero(s->stats, front_id(&s->f, 80)), 0);
	assert_int_equal(service_packets(s, 80), 0);
	assert_int_equal(server_packets(s, a), 0);
	assert_int_equal(service_packets(s, 81), 20);
	traffic(s, a, 1, 3);
	assert_int_equal(service_packets(s, 80), 3);
	service(&s->f, 80, HOSTS(1, 3));
	assert_int_equal(service_packets(s, 80), 3);
	assert_int_equal(sl_stats_zero(s->stats, SL_ID_NONE), 0);
	assert_int_equal(service_packets(s, 81), 0);
	assert_int_equal(sl_stats_zero(s->stats, 500), -ENOENT);
	/* The lines themselves are the workers'. */
	assert_int_equal(sl_worker_counters(s->f.engine->workers[0], a)->in_packets, 10);
}

static struct sl_stats_numbers rate_of(struct with_stats *s, sl_id server)
{
	struct sl_stats_view view;

	assert_int_equal(sl_stats_server(s->stats, server, &view), 0);
	return view.rate;
}

static void rates_go_a_quarter_of_the_way(void **state)
{
	struct with_stats *s = *state;
	struct sl_stats_view view;
	uint64_t now = s->f.manual.ns;
	sl_id a;

	service(&s->f, 80, HOSTS(1));
	a = server_id(&s->f, 80, 1);
	traffic(s, a, 0, 5000);
	sl_stats_tick(s->stats, now); /* the first sample only sets out */
	assert_int_equal(rate_of(s, a).in_packets, 0);
	traffic(s, a, 1, 1600);
	sl_stats_tick(s->stats, now + SL_STATS_INTERVAL_NS - 1); /* too early */
	assert_int_equal(rate_of(s, a).in_packets, 0);
	sl_stats_tick(s->stats, now += SL_STATS_INTERVAL_NS); /* 800 a second */
	assert_int_equal(rate_of(s, a).in_packets, 200);
	assert_int_equal(rate_of(s, a).connections, 200);
	assert_int_equal(rate_of(s, a).in_bytes, 20000);
	assert_int_equal(rate_of(s, a).out_packets, 0);
	traffic(s, a, 1, 3200);
	sl_stats_tick(s->stats, now += 2 * SL_STATS_INTERVAL_NS); /* late: still 800 a second */
	assert_int_equal(rate_of(s, a).in_packets, 350);
	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, 80), &view), 0);
	assert_int_equal(view.rate.in_packets, 350);
	for (unsigned i = 0; i < 100; i++)
		sl_stats_tick(s->stats, now += SL_STATS_INTERVAL_NS);
	assert_int_equal(rate_of(s, a).in_packets, 0);
}

static void zeroing_forgets_rates(void **state)
{
	struct with_stats *s = *state;
	struct sl_stats_view view;
	uint64_t now = s->f.manual.ns;
	sl_id a;

	service(&s->f, 80, HOSTS(1));
	a = server_id(&s->f, 80, 1);
	sl_stats_tick(s->stats, now);
	traffic(s, a, 0, 800);
	sl_stats_tick(s->stats, now + SL_STATS_INTERVAL_NS);
	assert_int_equal(rate_of(s, a).in_packets, 100);
	assert_int_equal(sl_stats_zero(s->stats, front_id(&s->f, 80)), 0);
	assert_int_equal(rate_of(s, a).in_packets, 0);
	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, 80), &view), 0);
	assert_int_equal(view.rate.in_packets, 0);
}

static void made_late_they_know_what_is_there(void **state)
{
	struct with_stats *s = *state;
	sl_id a;

	sl_stats_free(s->stats);
	service(&s->f, 80, HOSTS(1));
	a = server_id(&s->f, 80, 1);
	traffic(s, a, 0, 3);
	s->stats = sl_stats_new(s->f.engine);
	assert_int_equal(server_packets(s, a), 3);
	assert_int_equal(service_packets(s, 80), 3);
}

/* What servers answer is counted and has rates as what they are sent. */
static void replies_have_totals_and_rates(void **state)
{
	struct with_stats *s = *state;
	struct sl_counters *line;
	struct sl_stats_view view;
	sl_id server;

	service(&s->f, 80, HOSTS(1));
	server = server_id(&s->f, 80, 1);
	sl_stats_tick(s->stats, s->f.manual.ns);
	line = sl_worker_counters(s->f.engine->workers[1], server);
	line->out_packets += 800;
	line->out_bytes += 80000;
	sl_stats_tick(s->stats, s->f.manual.ns + SL_STATS_INTERVAL_NS);
	assert_int_equal(sl_stats_server(s->stats, server, &view), 0);
	assert_int_equal(view.total.out_packets, 800);
	assert_int_equal(view.rate.out_packets, 100); /* a quarter of 400 a second */
	assert_int_equal(view.rate.out_bytes, 10000);
	assert_int_equal(view.rate.in_packets, 0);
	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, 80), &view), 0);
	assert_int_equal(view.total.out_bytes, 80000);
	assert_int_equal(view.rate.out_packets, 100);
	assert_int_equal(sl_stats_zero(s->stats, front_id(&s->f, 80)), 0);
	assert_int_equal(sl_stats_server(s->stats, server, &view), 0);
	assert_int_equal(view.total.out_packets, 0);
	assert_int_equal(view.rate.out_packets, 0);
}

/* Ids of servers' endpoints fill pages in which no service has one. */
static void fronts_without_a_service_have_none(void **state)
{
	static struct sl_server_spec specs[2 * SL_PAGE];
	struct with_stats *s = *state;
	struct sl_service_spec spec = {
		.key = key_of(80),
		.sched = sl_sched_find("rr"),
		.servers = specs,
		.n_servers = 2 * SL_PAGE,
	};
	struct sl_txn *txn = sl_txn_begin(s->f.registry);
	struct sl_stats_view view;

	for (uint32_t i = 0; i < spec.n_servers; i++) {
		specs[i] = server_spec(i + 1, 8080, 1);
		specs[i].fwd = SL_FWD_NAT;
	}
	assert_int_equal(sl_txn_service_set(txn, &spec, NULL), 0);
	assert_non_null(finish(&s->f, txn));
	assert_int_equal(s->f.engine->snapshot->n_endpoints, spec.n_servers);
	sl_stats_tick(s->stats, s->f.manual.ns);
	sl_stats_tick(s->stats, s->f.manual.ns + SL_STATS_INTERVAL_NS);
	assert_int_equal(sl_stats_zero(s->stats, SL_ID_NONE), 0);
	assert_int_equal(sl_stats_service(s->stats, front_id(&s->f, 80), &view), 0);
	for (sl_id id = 1; id <= spec.n_servers; id++) {
		if (id != front_id(&s->f, 80))
			assert_int_equal(sl_stats_service(s->stats, id, &view), -ENOENT);
	}
}

static void no_memory_is_said_before_anything_changes(void **state)
{
	struct with_stats *s = *state;
	uint64_t generation = sl_registry_latest(s->f.registry)->generation;

	for (long k = 1; k < 12; k++) {
		struct sl_txn *txn;

		s->f.memory.fail_at = k;
		txn = sl_txn_begin(s->f.registry);
		if (txn == NULL)
			continue;
		set_service(txn, 80, "rr", HOSTS(1));
		sl_txn_abort(txn);
	}
	s->f.memory.fail_at = 0;
	assert_int_equal(sl_registry_latest(s->f.registry)->generation, generation);
	assert_non_null(service(&s->f, 80, HOSTS(1)));
	assert_int_equal(service_packets(s, 80), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_service_is_the_sum_of_its_servers),
		T(a_removed_server_leaves_its_share),
		T(the_next_owner_of_an_id_starts_at_zero),
		T(zeroing_one_service_or_all),
		T(rates_go_a_quarter_of_the_way),
		T(zeroing_forgets_rates),
		T(made_late_they_know_what_is_there),
		T(replies_have_totals_and_rates),
		T(fronts_without_a_service_have_none),
		T(no_memory_is_said_before_anything_changes),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
