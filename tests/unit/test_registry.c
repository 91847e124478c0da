/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "lb/front.h"

/* What a packet finds for TCP port 80 of the fixture's VIP. */
static sl_id find80(const struct sl_snapshot *s)
{
	union sl_ip vip = sl_ip_v4(RTE_BE32(0xc0a80864));

	return sl_front_table_find(s->table, SL_FRONT_SERVICE, 4, IPPROTO_TCP, &vip, RTE_BE16(80));
}

static const struct sl_server *record(const struct sl_snapshot *s, sl_id id)
{
	const struct sl_server *server = sl_snapshot_server(s, id);

	assert_non_null(server);
	return server;
}

static const struct sl_service *service_of(const struct sl_snapshot *s, sl_id front)
{
	const struct sl_front *f = sl_snapshot_front(s, front);

	assert_non_null(f);
	return f->service;
}

static void a_service_is_what_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec servers[] = {
		server_spec(12, 80, 6),
		server_spec(13, 80, 0),
		server_spec(14, 80, 4),
	};
	struct sl_service_spec spec = {
		.key = key_of(80),
		.sched = sl_sched_find("wrr"),
		.servers = servers,
		.n_servers = 3,
	};
	struct sl_txn *txn = sl_txn_begin(f->registry);
	const struct sl_service *service;
	const struct sl_snapshot *s;
	const struct sl_front *front;
	sl_id id;

	assert_int_equal(sl_txn_service_set(txn, &spec, NULL), 0);
	s = finish(f, txn);
	id = find80(s);
	assert_int_equal(id, front_id(f, 80));
	front = sl_snapshot_front(s, id);
	assert_int_equal(front->state, SL_ID_LIVE);
	assert_int_equal(front->port, RTE_BE16(80));
	assert_int_not_equal(front->index, 0);
	service = front->service;
	assert_int_equal(service->front, id);
	assert_ptr_equal(service->sched, spec.sched);
	assert_int_equal(service->n_servers, 3);
	assert_int_equal(service->n_usable, 2);
	assert_int_equal(service->weight_gcd, 2);
	assert_int_equal(service->weight_max, 6);
	assert_int_not_equal(service->epoch, 0);
	for (uint32_t i = 0; i < 3; i++) { /* the last one added stands first */
		const struct sl_server *server = record(s, service->servers[i]);

		assert_int_equal(service->servers[i], server_id(f, 80, 14 - i));
		assert_int_equal(service->weights[i], servers[2 - i].weight);
		assert_int_equal(server->position, i);
		assert_int_equal(server->front, id);
		assert_int_equal(server->fwd, SL_FWD_DR);
		assert_int_equal(server->port, RTE_BE16(80));
		assert_memory_equal(&server->address, &servers[2 - i].address.v4, 4);
		assert_int_not_equal(server->adj, SL_ADJ_NONE);
	}
	assert_int_equal(s->n_services, 1);
	assert_int_equal(s->n_any_port, 0);
}

static void any_port_fronts_are_counted_while_they_have_an_id(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(service(f, 0, HOSTS(1))->n_any_port, 1);
	assert_int_equal(service(f, 80, HOSTS(1))->n_any_port, 1);
	assert_int_equal(no_service(f, 0)->n_any_port, 1);
	assert_int_equal(sl_registry_latest(f->registry)->n_services, 1);
}

static void servers_keep_their_ids_when_a_service_is_set_anew(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s;
	sl_id front, kept, epoch;

	s = service(f, 80, HOSTS(1, 2, 3));
	front = front_id(f, 80);
	kept = server_id(f, 80, 2);
	epoch = service_of(s, front)->epoch;
	s = service(f, 80, HOSTS(2, 4));
	assert_int_equal(front_id(f, 80), front);
	assert_int_equal(server_id(f, 80, 2), kept);
	assert_int_equal(server_id(f, 80, 1), SL_ID_NONE);
	assert_int_equal(record(s, kept)->position, 1);
	assert_int_equal(service_of(s, front)->epoch, epoch);
}

static void scheduling_starts_anew_when_service_or_scheduler_do(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s = service(f, 80, HOSTS(1, 2));
	uint32_t epoch = service_of(s, front_id(f, 80))->epoch;
	struct sl_txn *txn = sl_txn_begin(f->registry);

	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1, 2)), 0);
	s = finish(f, txn);
	assert_int_not_equal(service_of(s, front_id(f, 80))->epoch, epoch);
	epoch = service_of(s, front_id(f, 80))->epoch;
	no_service(f, 80);
	txn = sl_txn_begin(f->registry);
	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1, 2)), 0);
	s = finish(f, txn);
	assert_int_not_equal(service_of(s, front_id(f, 80))->epoch, epoch);
}

static void removed_servers_name_the_one_before_them(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s;
	sl_id a, b, c;

	service(f, 80, HOSTS(1, 2, 3)); /* list: 3 2 1 */
	a = server_id(f, 80, 3);
	b = server_id(f, 80, 2);
	c = server_id(f, 80, 1);
	s = service(f, 80, HOSTS(2, 3));
	assert_int_equal(record(s, c)->state, SL_ID_DELETED);
	assert_int_equal(record(s, c)->position, b);
	assert_int_equal(record(s, c)->adj, SL_ADJ_NONE);
	s = service(f, 80, HOSTS(9)); /* b and a go together */
	assert_int_equal(record(s, b)->position, a);
	assert_int_equal(record(s, a)->position, SL_ID_NONE);
	assert_int_equal(record(s, c)->position, b);
}

static void a_deleted_service_leaves_its_front(void **state)
{
	struct fixture *f = *state;
	sl_id front, server;
	const struct sl_snapshot *s;
	struct sl_service_key key;
	struct sl_addr address;
	uint16_t port;
	sl_id parent;

	service(f, 80, HOSTS(1));
	front = front_id(f, 80);
	server = server_id(f, 80, 1);
	s = no_service(f, 80);
	assert_int_equal(front_id(f, 80), SL_ID_NONE);
	assert_int_equal(find80(s), front);
	assert_int_equal(sl_snapshot_front(s, front)->state, SL_ID_DELETED);
	assert_null(service_of(s, front));
	assert_int_equal(record(s, server)->state, SL_ID_DELETED);
	assert_int_equal(s->n_services, 0);
	assert_true(sl_registry_front_key(f->registry, front, &key));
	assert_int_equal(key.port, 80);
	assert_true(sl_registry_server_endpoint(f->registry, server, &address, &port, &parent));
	assert_int_equal(parent, front);
	assert_int_equal(port, 80);
	assert_false(sl_registry_front_key(f->registry, front + 1, &key));
	assert_null(no_service(f, 80));
}

static void revived_within_two_minutes(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s;
	sl_id front, server;

	service(f, 80, HOSTS(1, 2));
	front = front_id(f, 80);
	server = server_id(f, 80, 1);
	no_service(f, 80);
	f->manual.ns += 119 * SECOND;
	all_swept(f);
	assert_true(age(f));
	s = service(f, 80, HOSTS(1));
	assert_int_equal(front_id(f, 80), front);
	assert_int_equal(server_id(f, 80, 1), server);
	assert_int_equal(record(s, server)->state, SL_ID_LIVE);
	assert_int_not_equal(record(s, server)->adj, SL_ADJ_NONE);
	f->manual.ns += 500 * SECOND;
	all_swept(f);
	assert_true(age(f));
	assert_int_equal(record(sl_registry_latest(f->registry), server)->state, SL_ID_LIVE);
}

static void reused_only_after_two_minutes_and_every_workers_sweep(void **state)
{
	struct fixture *f = *state;
	sl_id front, server;
	const struct sl_snapshot *s;

	service(f, 80, HOSTS(1));
	front = front_id(f, 80);
	server = server_id(f, 80, 1);
	no_service(f, 80);
	f->manual.ns += 120 * SECOND;
	all_swept(f); /* began before the id was to be reaped: does not count */
	assert_true(age(f));
	s = sl_registry_latest(f->registry);
	assert_int_equal(record(s, server)->state, SL_ID_REAPING);
	assert_true(s->reaping);
	/* its front waits for it */
	assert_int_equal(sl_snapshot_front(s, front)->state, SL_ID_DELETED);
	service(f, 81, HOSTS(1));
	assert_int_not_equal(server_id(f, 81, 1), server);

	sl_publish_progress(&f->engine->workers[0]->sweep_generation,
		sl_registry_latest(f->registry)->generation);
	assert_true(age(f));
	assert_int_equal(record(sl_registry_latest(f->registry), server)->state, SL_ID_REAPING);
	all_swept(f);
	assert_true(age(f));
	s = sl_registry_latest(f->registry);
	assert_null(sl_snapshot_server(s, server));

	assert_true(age(f)); /* now the front */
	s = sl_registry_latest(f->registry);
	assert_int_equal(sl_snapshot_front(s, front)->state, SL_ID_REAPING);
	assert_int_equal(find80(s), SL_ID_NONE);
	all_swept(f);
	assert_true(age(f));
	s = sl_registry_latest(f->registry);
	assert_null(sl_snapshot_front(s, front));
	assert_false(s->reaping);
	service(f, 82, HOSTS(7));
	assert_int_equal(front_id(f, 82), front);
	assert_int_equal(server_id(f, 82, 7), server);
}

static void a_front_that_is_being_reaped_gets_a_new_id(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s;
	sl_id front;

	service(f, 80, HOSTS(1));
	front = front_id(f, 80);
	no_service(f, 80);
	f->manual.ns += 120 * SECOND;
	for (unsigned i = 0; i < 2; i++) {
		assert_true(age(f));
		all_swept(f);
	}
	assert_true(age(f));
	assert_int_equal(
		sl_snapshot_front(sl_registry_latest(f->registry), front)->state, SL_ID_REAPING);
	s = service(f, 80, HOSTS(1));
	assert_int_not_equal(front_id(f, 80), front);
	assert_int_equal(find80(s), front_id(f, 80));
}

static void ids_run_out_and_come_back(void **state)
{
	struct fixture small;
	struct fixture *f = &small;

	fixture_params(f);
	f->params.fronts = 2;
	f->params.servers = 3;
	assert_true(fixture_start(f));
	assert_non_null(service(f, 1, HOSTS(1, 2)));
	assert_null(service(f, 2, HOSTS(1, 2))); /* four servers */
	assert_int_equal(front_id(f, 2), SL_ID_NONE);
	assert_non_null(service(f, 2, HOSTS(1)));
	assert_null(service(f, 3, HOSTS(0))); /* three fronts */
	for (unsigned round = 0; round < 50; round++) {
		assert_non_null(no_service(f, 2));
		assert_null(service(f, 2, HOSTS(round + 100)));
		assert_int_equal(front_id(f, 2), SL_ID_NONE);
		f->manual.ns += 121 * SECOND;
		for (unsigned i = 0; i < 4; i++) {
			assert_true(age(f));
			all_swept(f);
		}
		assert_non_null(service(f, 2, HOSTS(round + 100)));
	}
	sl_engine_free(f->engine);
	assert_int_equal(f->memory.outstanding, 0);
}

static void old_generations_stay_as_they_were(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *before, *after;
	struct sl_front front;
	struct sl_server server;
	sl_id fid, sid;

	for (unsigned i = 0; i < f->engine->n_workers; i++) { /* nothing is reclaimed */
		sl_worker_online(f->engine->workers[i]);
		sl_worker_poll_begin(f->engine->workers[i], f->manual.ns);
	}
	before = service(f, 80, HOSTS(1, 2, 3));
	fid = front_id(f, 80);
	sid = server_id(f, 80, 1);
	front = *sl_snapshot_front(before, fid);
	server = *record(before, sid);
	service(f, 80, HOSTS(4));
	after = no_service(f, 80);
	assert_null(sl_snapshot_front(after, fid)->service);
	assert_memory_equal(&front, sl_snapshot_front(before, fid), sizeof(front));
	assert_memory_equal(&server, record(before, sid), sizeof(server));
	assert_int_equal(front.service->n_servers, 3);
	assert_int_equal(front.service->servers[2], sid);
}

static void what_does_not_change_is_shared(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *a, *b;
	sl_id one, other;

	for (uint16_t port = 1; port <= 300; port++) /* two pages */
		assert_non_null(service(f, port, HOSTS(1)));
	a = sl_registry_latest(f->registry);
	one = front_id(f, 1);
	other = front_id(f, 300);
	assert_int_not_equal(one / SL_PAGE, other / SL_PAGE);
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_worker_online(f->engine->workers[i]);
	b = service(f, 1, HOSTS(1)); /* the same again */
	assert_ptr_equal(service_of(a, one), service_of(b, one));
	assert_ptr_equal(a->front_pages[one / SL_PAGE], b->front_pages[one / SL_PAGE]);
	b = service(f, 1, HOSTS(2));
	assert_ptr_not_equal(service_of(a, one), service_of(b, one));
	assert_ptr_equal(service_of(a, other), service_of(b, other));
	assert_ptr_equal(a->front_pages[other / SL_PAGE], b->front_pages[other / SL_PAGE]);
	assert_ptr_equal(a->table, b->table);
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_worker_poll_end(f->engine->workers[i]);
}

static void one_weight_costs_what_it_touches(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec server = server_spec(1, 7, 1);
	struct sl_service_spec spec = {
		.key = key_of(7),
		.sched = sl_sched_find("rr"),
		.servers = &server,
		.n_servers = 1,
	};
	struct sl_txn *txn;
	long calls;

	for (uint16_t port = 1; port <= 500; port++)
		assert_non_null(service(f, port, HOSTS(1)));
	calls = f->memory.calls;
	txn = sl_txn_begin(f->registry);
	server.weight = 9;
	assert_int_equal(sl_txn_service_set(txn, &spec, NULL), 0);
	assert_non_null(finish(f, txn));
	/* transaction, its two lists, generation, one page, one service, its block per worker */
	assert_int_equal(f->memory.calls - calls, 6 + 2);
}

struct watched {
	unsigned added, removed;
	uint32_t last;
};

static struct watched watches(struct fixture *f, int what)
{
	struct watched seen = {0};
	struct sl_watch w[3];
	unsigned n;

	while ((n = sl_registry_watches(f->registry, w, 3)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			if ((int)w[i].what != what)
				continue;
			seen.added += w[i].added;
			seen.removed += !w[i].added;
			seen.last = w[i].index;
		}
	}
	return seen;
}

static void addresses_are_watched_once_however_many_use_them(void **state)
{
	struct fixture *f = *state;
	struct watched seen;

	service(f, 80, HOSTS(1, 2));
	service(f, 81, HOSTS(2, 3));
	seen = watches(f, SL_WATCH_ADJ);
	assert_int_equal(seen.added, 3);
	assert_int_equal(seen.removed, 0);
	assert_int_equal(record(sl_registry_latest(f->registry), server_id(f, 80, 2))->adj,
		record(sl_registry_latest(f->registry), server_id(f, 81, 2))->adj);
	service(f, 80, HOSTS(1));
	assert_int_equal(watches(f, SL_WATCH_ADJ).removed, 0);
	service(f, 81, HOSTS(3));
	seen = watches(f, SL_WATCH_ADJ);
	assert_int_equal(seen.removed, 1);
	assert_int_equal(seen.added, 0);
}

static void an_index_rests_before_it_stands_for_another(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	service(f, 80, HOSTS(1));
	index = watches(f, SL_WATCH_ADJ).last;
	service(f, 80, HOSTS(2));
	watches(f, SL_WATCH_ADJ);
	for (unsigned i = 0; i < 3; i++) {
		service(f, 80, HOSTS(10 + i));
		assert_int_not_equal(
			record(sl_registry_latest(f->registry), server_id(f, 80, 10 + i))->adj,
			index);
		assert_true(age(f));
	}
	service(f, 80, HOSTS(20));
	assert_int_equal(record(sl_registry_latest(f->registry), server_id(f, 80, 20))->adj, index);
}

static void an_index_rests_while_a_worker_may_hold_an_old_generation(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	service(f, 80, HOSTS(1));
	index = watches(f, SL_WATCH_ADJ).last;
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_worker_online(f->engine->workers[i]);
	service(f, 80, HOSTS(2));
	watches(f, SL_WATCH_ADJ);
	for (unsigned i = 0; i < 10; i++)
		assert_true(age(f));
	service(f, 80, HOSTS(3));
	assert_int_not_equal(
		record(sl_registry_latest(f->registry), server_id(f, 80, 3))->adj, index);
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_worker_poll_end(f->engine->workers[i]);
	sl_engine_reclaim(f->engine);
	for (unsigned i = 0; i < 4; i++)
		assert_true(age(f));
	service(f, 80, HOSTS(4));
	assert_int_equal(record(sl_registry_latest(f->registry), server_id(f, 80, 4))->adj, index);
}

static void a_vip_is_watched_while_a_front_has_an_id(void **state)
{
	struct fixture *f = *state;
	struct watched seen;

	service(f, 80, HOSTS(1));
	service(f, 81, HOSTS(1));
	seen = watches(f, SL_WATCH_VIP);
	assert_int_equal(seen.added, 1);
	no_service(f, 80);
	no_service(f, 81);
	assert_int_equal(watches(f, SL_WATCH_VIP).removed, 0);
	f->manual.ns += 121 * SECOND;
	for (unsigned i = 0; i < 4; i++) {
		assert_true(age(f));
		all_swept(f);
	}
	seen = watches(f, SL_WATCH_VIP);
	assert_int_equal(seen.removed, 1);
	assert_int_equal(seen.added, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(a_service_is_what_was_asked_for),
		T(any_port_fronts_are_counted_while_they_have_an_id),
		T(servers_keep_their_ids_when_a_service_is_set_anew),
		T(scheduling_starts_anew_when_service_or_scheduler_do),
		T(removed_servers_name_the_one_before_them),
		T(a_deleted_service_leaves_its_front),
		T(revived_within_two_minutes),
		T(reused_only_after_two_minutes_and_every_workers_sweep),
		T(a_front_that_is_being_reaped_gets_a_new_id),
		cmocka_unit_test(ids_run_out_and_come_back),
		T(old_generations_stay_as_they_were),
		T(what_does_not_change_is_shared),
		T(one_weight_costs_what_it_touches),
		T(addresses_are_watched_once_however_many_use_them),
		T(an_index_rests_before_it_stands_for_another),
		T(an_index_rests_while_a_worker_may_hold_an_old_generation),
		T(a_vip_is_watched_while_a_front_has_an_id),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
