/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "lb/front.h"

/* What can be seen of the registry and its latest generation. */
struct seen {
	uint64_t generation;
	const struct sl_snapshot *snapshot;
	struct sl_snapshot copy;
	uint32_t table_count;
	sl_id ids[8];
	uint64_t sum; /* of all records and services */
};

static uint64_t mix(uint64_t sum, const void *memory, size_t size)
{
	const uint8_t *bytes = memory;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ull;
	return sum;
}

static uint64_t sum_of(const struct sl_snapshot *s)
{
	uint64_t sum = 1;

	for (sl_id id = 1; id < 600; id++) {
		const struct sl_front *front = sl_snapshot_front(s, id);
		const struct sl_server *server = sl_snapshot_server(s, id);

		if (server != NULL)
			sum = mix(sum, server, sizeof(*server));
		if (front == NULL)
			continue;
		sum = mix(sum, front, sizeof(*front));
		if (front->service == NULL)
			continue;
		sum = mix(sum, front->service, sizeof(*front->service));
		sum = mix(sum, front->service->servers, front->service->n_servers * sizeof(sl_id));
		sum = mix(sum, front->service->weights, front->service->n_servers * 4);
	}
	return sum;
}

static struct seen look(const struct fixture *f)
{
	const struct sl_snapshot *s = sl_registry_latest(f->registry);
	struct seen seen;

	memset(&seen, 0, sizeof(seen)); /* compared with its padding */
	seen.generation = s->generation;
	seen.snapshot = s;
	memcpy(&seen.copy, s, sizeof(*s));
	seen.table_count = sl_front_table_count(s->table);
	seen.sum = sum_of(s);
	for (uint16_t port = 0; port < 4; port++) {
		seen.ids[2 * port] = front_id(f, 80 + port);
		seen.ids[2 * port + 1] = server_id(f, 80 + port, 1);
	}
	return seen;
}

static unsigned drain_watches(struct fixture *f)
{
	struct sl_watch w[8];
	unsigned n, sum = 0;

	while ((n = sl_registry_watches(f->registry, w, 8)) > 0)
		sum += n;
	return sum;
}

/* 80 lives, 81 was deleted, 82 has never been. */
static void prepare(struct fixture *f)
{
	assert_non_null(service(f, 80, HOSTS(1, 2, 3)));
	assert_non_null(service(f, 81, HOSTS(1)));
	assert_non_null(no_service(f, 81));
	drain_watches(f);
}

/* A bit of everything. 0, or the first error; the transaction has ended then. */
static int change_everything(struct fixture *f, struct sl_snapshot **out)
{
	struct sl_timeouts timeouts = sl_timeouts_default;
	struct sl_txn *txn = sl_txn_begin(f->registry);
	struct sl_service_key key = key_of(80);
	int error = 0;

	if (txn == NULL)
		return -ENOMEM;
	timeouts.s[SL_STATE_UDP] = 7;
	sl_txn_timeouts(txn, &timeouts);
	if (error == 0)
		error = set_service(txn, 80, "wlc", HOSTS(2, 4, 5)); /* new, kept, deleted */
	if (error == 0)
		error = set_service(txn, 81, "rr", HOSTS(1, 6)); /* revived and new */
	for (uint16_t port = 82; error == 0 && port < 122; port++)
		error = set_service(txn, port, "wlc", HOSTS(1, port));
	if (error == 0)
		error = sl_txn_service_delete(txn, &key);
	if (error == 0)
		error = set_service(txn, 80, "wlc", HOSTS(9, 2)); /* the same one back */
	if (error != 0) {
		sl_txn_abort(txn);
		return error;
	}
	return sl_txn_commit(txn, out, NULL);
}

/* Whichever allocation fails: nothing has changed, nothing leaks, and the next try works. */
static void any_allocation_may_fail(void **state)
{
	long k;

	for (k = 1; k < 1000; k++) {
		struct sl_snapshot *out;
		struct fixture f;
		struct seen before, after;
		int error;

		fixture_params(&f);
		assert_true(fixture_start(&f));
		prepare(&f);
		before = look(&f);
		f.memory.fail_at = k;
		error = change_everything(&f, &out);
		if (f.memory.fail_at > 0) { /* there were not so many calls */
			assert_int_equal(error, 0);
			sl_engine_free(f.engine);
			assert_int_equal(f.memory.outstanding, 0);
			break;
		}
		assert_int_equal(error, -ENOMEM);
		after = look(&f);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(drain_watches(&f), 0);

		assert_int_equal(change_everything(&f, &out), 0);
		assert_int_equal(out->generation, before.generation + 1);
		assert_int_not_equal(server_id(&f, 80, 9), SL_ID_NONE);
		assert_int_equal(server_id(&f, 80, 1), SL_ID_NONE);
		sl_engine_free(f.engine);
		assert_int_equal(f.memory.outstanding, 0);
	}
	assert_in_range(k, 50, 999); /* it was a transaction of many allocations */
}

/* A failed one takes no ids: the same ids are given out as if it had never been. */
static void a_failed_one_gives_its_ids_back(void **state)
{
	struct fixture *f = *state;
	struct sl_snapshot *out;
	sl_id next_front, next_server;

	prepare(f);
	service(f, 90, HOSTS(1));
	next_front = front_id(f, 90) + 1;
	next_server = server_id(f, 90, 1) + 1;
	for (unsigned i = 0; i < 100; i++) {
		f->memory.fail_at = 60;
		assert_int_equal(change_everything(f, &out), -ENOMEM);
	}
	f->memory.fail_at = 0;
	service(f, 91, HOSTS(1));
	assert_int_equal(front_id(f, 91), next_front);
	assert_int_equal(server_id(f, 91, 1), next_server);
	/* The one that had been deleted stays so, with its own time. */
	f->manual.ns += 121 * SECOND;
	assert_true(age(f));
	service(f, 81, HOSTS(1));
	assert_non_null(sl_snapshot_server(sl_registry_latest(f->registry), server_id(f, 81, 1)));
}

static void an_abort_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct seen before, after;
	struct sl_txn *txn;

	prepare(f);
	before = look(f);
	txn = sl_txn_begin(f->registry);
	assert_null(sl_txn_begin(f->registry)); /* one at a time */
	assert_int_equal(set_service(txn, 80, "rr", HOSTS(7)), 0);
	assert_int_equal(set_service(txn, 81, "rr", HOSTS(1)), 0);
	assert_int_equal(set_service(txn, 83, "rr", HOSTS(1)), 0);
	sl_txn_abort(txn);
	after = look(f);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(drain_watches(f), 0);
}

static void the_same_server_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct seen before, after;
	struct sl_snapshot *out;
	struct sl_err err = {0};
	struct sl_txn *txn;

	prepare(f);
	before = look(f);
	txn = sl_txn_begin(f->registry);
	assert_int_equal(set_service(txn, 82, "rr", HOSTS(1, 2, 1)), -EINVAL);
	assert_int_equal(set_service(txn, 83, "rr", HOSTS(1)), -EINVAL); /* nor can it go on */
	assert_int_equal(sl_txn_commit(txn, &out, &err), -EINVAL);
	assert_null(out);
	assert_int_equal(err.code, EINVAL);
	after = look(f);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void impossible_services_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec server = server_spec(1, 80, 1);
	const struct sl_service_spec good = {
		.key = key_of(80),
		.sched = sl_sched_find("rr"),
		.servers = &server,
		.n_servers = 1,
	};

	for (unsigned i = 0; i < 5; i++) {
		struct sl_txn *txn = sl_txn_begin(f->registry);
		struct sl_service_spec spec = good;

		server = server_spec(1, 80, 1);
		if (i == 0)
			spec.key.protocol = IPPROTO_SCTP;
		if (i == 1)
			spec.key.vip.family = 0;
		if (i == 2)
			spec.sched = NULL;
		if (i == 3)
			server.address.family = 6;
		if (i == 4)
			server.fwd = SL_FWD_METHODS;
		assert_int_equal(sl_txn_service_set(txn, &spec, NULL), -EINVAL);
		sl_txn_abort(txn);
	}
}

static void created_and_deleted_in_one(void **state)
{
	struct fixture *f = *state;
	struct sl_service_key key = key_of(80);
	struct sl_txn *txn = sl_txn_begin(f->registry);
	const struct sl_snapshot *s;

	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1, 2)), 0);
	assert_int_equal(sl_txn_service_delete(txn, &key), 0);
	assert_int_equal(sl_txn_service_delete(txn, &key), -ENOENT);
	s = finish(f, txn);
	assert_int_equal(s->n_services, 0);
	assert_int_equal(front_id(f, 80), SL_ID_NONE);
	assert_int_equal(drain_watches(f), 1); /* the VIP, as long as the front has its id */
}

static void deleted_and_created_again_in_one(void **state)
{
	struct fixture *f = *state;
	struct sl_service_key key = key_of(80);
	const struct sl_snapshot *s;
	sl_id front, server;
	uint32_t adj;
	struct sl_txn *txn;

	s = service(f, 80, HOSTS(1, 2));
	drain_watches(f);
	front = front_id(f, 80);
	server = server_id(f, 80, 1);
	adj = sl_snapshot_server(s, server)->adj;
	txn = sl_txn_begin(f->registry);
	assert_int_equal(sl_txn_service_delete(txn, &key), 0);
	assert_int_equal(set_service(txn, 80, "rr", HOSTS(1)), 0);
	s = finish(f, txn);
	assert_int_equal(front_id(f, 80), front);
	assert_int_equal(server_id(f, 80, 1), server);
	assert_int_equal(sl_snapshot_server(s, server)->adj, adj);
	assert_int_equal(sl_snapshot_server(s, server)->state, SL_ID_LIVE);
	assert_int_equal(drain_watches(f), 1); /* 10.0.0.2 went */
}

static void timeouts_travel_with_the_generation(void **state)
{
	struct fixture *f = *state;
	struct sl_timeouts timeouts = sl_timeouts_default;
	struct sl_txn *txn = sl_txn_begin(f->registry);

	timeouts.s[SL_STATE_ESTABLISHED] = 77;
	sl_txn_timeouts(txn, &timeouts);
	assert_int_equal(finish(f, txn)->timeouts.s[SL_STATE_ESTABLISHED], 77);
	assert_int_equal(service(f, 80, HOSTS(1))->timeouts.s[SL_STATE_ESTABLISHED], 77);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_allocation_may_fail),
		T(a_failed_one_gives_its_ids_back),
		T(an_abort_changes_nothing),
		T(the_same_server_twice_is_refused),
		T(impossible_services_are_refused),
		T(created_and_deleted_in_one),
		T(deleted_and_created_again_in_one),
		T(timeouts_travel_with_the_generation),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
