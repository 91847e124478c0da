/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "lb/side.h"
#include "lb/store.h"

static void all_online(struct fixture *f)
{
	for (unsigned i = 0; i < f->engine->n_workers; i++)
		sl_worker_online(f->engine->workers[i]);
}

static void poll_one(struct fixture *f, unsigned worker)
{
	sl_worker_poll_begin(f->engine->workers[worker], f->manual.ns);
	sl_worker_poll_end(f->engine->workers[worker]);
}

static int publish_any(struct fixture *f, unsigned *late)
{
	struct sl_txn *txn = sl_txn_begin(f->registry);
	struct sl_snapshot *s;

	assert_int_equal(sl_txn_commit(txn, &s, NULL), 0);
	return sl_engine_publish(f->engine, s, late);
}

static void workers_find_what_was_published(void **state)
{
	struct fixture *f = *state;
	const struct sl_snapshot *s = service(f, 80, HOSTS(1));

	sl_worker_poll_begin(f->engine->workers[1], f->manual.ns);
	assert_ptr_equal(f->engine->workers[1]->snapshot, s);
	sl_worker_poll_end(f->engine->workers[1]);
}

static void reclamation_waits_for_the_last_worker(void **state)
{
	struct fixture *f = *state;

	all_online(f);
	sl_worker_poll_begin(f->engine->workers[1], f->manual.ns);
	assert_int_equal(publish_any(f, NULL), 0);
	assert_int_equal(sl_engine_reclaim(f->engine), 1);
	poll_one(f, 0);
	assert_int_equal(sl_engine_reclaim(f->engine), 1);
	sl_worker_poll_end(f->engine->workers[1]);
	assert_int_equal(sl_engine_reclaim(f->engine), 0);
}

static void memory_of_old_generations_comes_back(void **state)
{
	struct fixture *f = *state;
	long before, now;

	service(f, 80, HOSTS(1, 2));
	service(f, 80, HOSTS(2, 1));
	before = f->memory.outstanding;
	for (unsigned i = 0; i < 1000; i++)
		assert_non_null(service(f, 80, i % 2 ? HOSTS(2, 1) : HOSTS(1, 2)));
	assert_true(age(f));
	now = f->memory.outstanding;
	assert_in_range(now, 1, before);

	/* while a worker holds an old one, it stays */
	all_online(f);
	sl_worker_poll_begin(f->engine->workers[0], f->manual.ns);
	poll_one(f, 1);
	assert_non_null(service(f, 80, HOSTS(1, 2)));
	poll_one(f, 1);
	assert_true(age(f));
	assert_true(f->memory.outstanding > now);
	sl_worker_poll_end(f->engine->workers[0]);
	poll_one(f, 1);
	sl_engine_reclaim(f->engine);
	assert_true(age(f));
	assert_int_equal(f->memory.outstanding, now);
}

static void busy_names_the_late_worker(void **state)
{
	struct fixture *f = *state;
	unsigned late = 99;

	all_online(f);
	for (unsigned i = 0; i < SL_GENERATIONS_MAX; i++) {
		assert_true(sl_engine_can_publish(f->engine, &late));
		assert_int_equal(publish_any(f, &late), 0);
		poll_one(f, 0);
	}
	assert_int_equal(late, 99);
	assert_false(sl_engine_can_publish(f->engine, &late));
	assert_int_equal(late, 1);
	late = 99;
	assert_int_equal(publish_any(f, &late), -EBUSY);
	assert_int_equal(late, 1);
	poll_one(f, 1);
	/* What was refused is built upon, not lost. */
	assert_int_equal(publish_any(f, &late), 0);
	assert_int_equal(
		f->engine->snapshot->generation, sl_registry_latest(f->registry)->generation);
	poll_one(f, 0);
	poll_one(f, 1);
	assert_int_equal(sl_engine_reclaim(f->engine), 0);
}

static void a_sleeping_worker_holds_nothing_up(void **state)
{
	struct fixture *f = *state;

	all_online(f);
	sl_worker_offline(f->engine->workers[1]);
	for (unsigned i = 0; i < 3 * SL_GENERATIONS_MAX; i++) {
		assert_int_equal(publish_any(f, NULL), 0);
		poll_one(f, 0);
	}
	assert_int_equal(sl_engine_reclaim(f->engine), 0);
}

static void local_addresses_are_sorted_and_replaced(void **state)
{
	struct fixture *f = *state;
	const struct sl_addr addresses[] = {sl_addr_v4(9), sl_addr_v4(3), sl_addr_v4(7)};
	long before = f->memory.outstanding;

	assert_int_equal(sl_engine_set_local(f->engine, addresses, 3, NULL, 0), 0);
	assert_int_equal(f->engine->local->n4, 3);
	assert_int_equal(f->engine->local->v4[0], 3);
	assert_int_equal(f->engine->local->v4[2], 9);
	all_online(f);
	assert_int_equal(sl_engine_set_local(f->engine, NULL, 0, NULL, 0), 0);
	assert_int_equal(f->engine->local->n4, 0);
	assert_int_equal(sl_engine_set_local(f->engine, addresses, 1, NULL, 0), 0);
	sl_engine_reclaim(f->engine);
	assert_int_equal(f->memory.outstanding, before + 6); /* two may still be read */
	poll_one(f, 0);
	poll_one(f, 1);
	sl_engine_reclaim(f->engine);
	assert_int_equal(f->memory.outstanding, before + 2);
	f->memory.fail_at = 1;
	assert_int_equal(sl_engine_set_local(f->engine, addresses, 3, NULL, 0), -ENOMEM);
	assert_int_equal(f->engine->local->n4, 1);
}

static void local_addresses_of_both_families(void **state)
{
	struct fixture *f = *state;
	struct sl_addr addresses[4] = {sl_addr_v4(RTE_BE32(0x0a000001))};
	struct sl_local_source sources[] = {{.port = 1}, {.port = 1}, {.port = SL_PORTS_MAX}};
	union sl_ip v4 = sl_ip_from_addr(&addresses[0]), v6, other;

	assert_false(sl_local_set_has(f->engine->local, 4, &v4));
	assert_null(sl_local_set_source(f->engine->local, 1, 4));
	sl_addr_parse("2001:db8::2", &addresses[1]);
	sl_addr_parse("2001:db8::1", &addresses[2]);
	sl_addr_parse("a00:1::", &addresses[3]); /* begins as the IPv4 address does */
	sources[0].address = addresses[0];
	sources[1].address = addresses[2];
	assert_int_equal(sl_engine_set_local(f->engine, addresses, 3, sources, 3), 0);
	assert_true(sl_local_set_has(f->engine->local, 4, &v4));
	for (unsigned i = 1; i < 3; i++) {
		v6 = sl_ip_from_addr(&addresses[i]);
		assert_true(sl_local_set_has(f->engine->local, 6, &v6));
	}
	other = sl_ip_from_addr(&addresses[3]);
	assert_false(sl_local_set_has(f->engine->local, 6, &other));
	assert_false(sl_local_set_has(f->engine->local, 6, &v4));
	v6 = sl_ip_from_addr(&addresses[2]);
	assert_memory_equal(sl_local_set_source(f->engine->local, 1, 4), &v4, sizeof(v4));
	assert_memory_equal(sl_local_set_source(f->engine->local, 1, 6), &v6, sizeof(v6));
	assert_null(sl_local_set_source(f->engine->local, 0, 4));
	assert_null(sl_local_set_source(f->engine->local, SL_PORTS_MAX, 4));
}

static void counters_are_summed_over_workers(void **state)
{
	struct fixture *f = *state;
	struct sl_counters sum;
	sl_id id;

	service(f, 80, HOSTS(1));
	id = server_id(f, 80, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct sl_counters *line = sl_worker_counters(f->engine->workers[i], id);

		*line = (struct sl_counters){
			1 + i, 10 + i, 100 + i, 1000 + i, 5 + i, 3, 4 + i, 77, 78, 0};
	}
	sl_engine_counters(f->engine, id, &sum);
	assert_int_equal(sum.in_packets, 3);
	assert_int_equal(sum.in_bytes, 21);
	assert_int_equal(sum.out_packets, 201);
	assert_int_equal(sum.out_bytes, 2001);
	assert_int_equal(sum.connections, 11);
	assert_int_equal(sum.active, 6);
	assert_int_equal(sum.inactive, 9);
	sl_engine_counters(f->engine, SL_ID_MAX, &sum);
	assert_int_equal(sum.in_packets, 0);
}

static unsigned load_messages(struct fixture *f, unsigned worker)
{
	return rte_ring_count(f->engine->workers[worker]->loads);
}

static void set_active(struct fixture *f, unsigned worker, sl_id id, uint32_t active)
{
	sl_worker_counters(f->engine->workers[worker], id)->active = active;
}

static void loads_go_to_those_who_schedule_by_them(void **state)
{
	struct fixture *f = *state;
	struct sl_txn *txn = sl_txn_begin(f->registry);
	sl_id by_load, in_turn;
	struct sl_counters *line;

	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1, 2)), 0);
	assert_int_equal(set_service(txn, 81, "rr", HOSTS(1)), 0);
	finish(f, txn);
	by_load = server_id(f, 80, 1);
	in_turn = server_id(f, 81, 1);
	set_active(f, 0, by_load, 5);
	set_active(f, 0, in_turn, 5);
	sl_engine_exchange_loads(f->engine, 100);
	assert_int_equal(load_messages(f, 0), 0); /* nothing has changed for it */
	assert_int_equal(load_messages(f, 1), 1);
	poll_one(f, 1);
	line = sl_worker_counters(f->engine->workers[1], by_load);
	assert_int_equal(line->others_active, 5);
	sl_engine_exchange_loads(f->engine, 100);
	assert_int_equal(load_messages(f, 1), 0); /* told already */
	set_active(f, 0, by_load, 4);
	set_active(f, 1, by_load, 9);
	sl_engine_exchange_loads(f->engine, 100);
	poll_one(f, 0);
	poll_one(f, 1);
	assert_int_equal(line->others_active, 4);
	assert_int_equal(sl_worker_counters(f->engine->workers[0], by_load)->others_active, 9);
}

static void loads_are_exchanged_in_turn(void **state)
{
	struct fixture *f = *state;
	struct sl_txn *txn = sl_txn_begin(f->registry);

	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1, 2, 3, 4, 5)), 0);
	finish(f, txn);
	for (uint32_t i = 1; i <= 5; i++)
		set_active(f, 0, server_id(f, 80, i), i);
	for (unsigned done = 2; done <= 4; done += 2) {
		sl_engine_exchange_loads(f->engine, 2);
		assert_int_equal(load_messages(f, 1), done);
	}
	poll_one(f, 1);
	sl_engine_exchange_loads(f->engine, 2);
	poll_one(f, 1);
	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(sl_worker_counters(f->engine->workers[1], server_id(f, 80, i))
					 ->others_active,
			i);
}

static void a_full_ring_delays_loads_and_loses_none(void **state)
{
	struct fixture *f = *state;
	struct sl_txn *txn = sl_txn_begin(f->registry);
	unsigned room;
	sl_id id;

	assert_int_equal(set_service(txn, 80, "wlc", HOSTS(1)), 0);
	finish(f, txn);
	id = server_id(f, 80, 1);
	set_active(f, 0, id, 3);
	room = rte_ring_get_capacity(f->engine->workers[1]->loads);
	for (unsigned i = 0; i < room + 10; i++)
		sl_engine_exchange_loads(f->engine, 1);
	assert_int_equal(load_messages(f, 1), room);
	set_active(f, 0, id, 8);
	sl_engine_exchange_loads(f->engine, 1); /* no room */
	for (unsigned i = 0; i < room; i++)
		poll_one(f, 1);
	assert_int_equal(sl_worker_counters(f->engine->workers[1], id)->others_active, 3);
	sl_engine_exchange_loads(f->engine, 1);
	poll_one(f, 1);
	assert_int_equal(sl_worker_counters(f->engine->workers[1], id)->others_active, 8);
}

static void rings_have_the_room_that_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct sl_worker *first = f->engine->workers[0], *second = f->engine->workers[1];

	assert_int_equal(rte_ring_get_capacity(first->handover_out[1]), 8);
	assert_ptr_equal(first->handover_out[1], second->handover_in[0]);
	assert_ptr_equal(second->handover_out[0], first->handover_in[1]);
	assert_null(first->handover_in[0]);
	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++)
		assert_int_equal(rte_ring_get_capacity(first->punt[class]), 8);
}

static void no_memory_leaves_nothing_behind(void **state)
{
	long k;

	for (k = 1; k < 1000; k++) {
		struct fixture f;
		struct sl_err err = {0};

		fixture_params(&f);
		f.memory.fail_at = k;
		f.engine = sl_engine_new(&f.params, &err);
		if (f.engine != NULL) {
			sl_engine_free(f.engine);
			assert_int_equal(f.memory.outstanding, 0);
			break;
		}
		assert_int_equal(err.code, ENOMEM);
		assert_int_equal(f.memory.outstanding, 0);
	}
	assert_in_range(k, 20, 999);
}

static void impossible_parameters(void **state)
{
	struct fixture *f = *state;
	const struct sl_engine_params good = f->params;

	for (unsigned i = 0; i < 6; i++) {
		struct sl_engine_params params = good;
		struct sl_err err = {0};

		params.n_workers = i == 0 ? 0 : i == 1 ? SL_WORKERS_MAX + 1 : 2;
		params.fronts = i == 2 ? 0 : 10;
		params.servers = i == 3 ? SL_ID_MAX + 1 : 10;
		params.connections = i == 4 ? 0 : 10;
		params.punt_ring = i == 5 ? 0 : 10;
		assert_null(sl_engine_new(&params, &err));
		assert_int_equal(err.code, EINVAL);
	}
}

/* ---- tables in files ---- */

struct files {
	struct fixture f;
	char base[64];
	char directory[96];
	struct sl_store *store;
};

static int files_setup(void **state)
{
	struct files *files = calloc(1, sizeof(*files));

	fixture_params(&files->f);
	snprintf(files->base, sizeof(files->base), "%s/sl-engine-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(files->base));
	snprintf(files->directory, sizeof(files->directory), "%s/tables", files->base);
	*state = files;
	return 0;
}

static void stop(struct files *files)
{
	sl_engine_free(files->f.engine);
	sl_store_close(files->store);
	files->f.engine = NULL;
	files->store = NULL;
	assert_int_equal(files->f.memory.outstanding, 0);
}

static int files_teardown(void **state)
{
	struct files *files = *state;

	stop(files);
	sl_store_purge(files->directory, NULL);
	rmdir(files->base);
	free(files);
	return 0;
}

/* A start after whatever end; the seed is another one each time. */
static bool start(struct files *files)
{
	stop(files);
	assert_int_equal(sl_store_open(files->directory, 4096, &files->store, NULL), 0);
	files->f.params.store = files->store;
	files->f.params.seed[0]++;
	assert_true(fixture_start(&files->f));
	return files->f.engine->adopted;
}

static struct sl_conn_key client(const struct fixture *f, uint16_t port)
{
	struct sl_conn_key key = {.client.bytes = {192, 168, 8, 1}, .front = front_id(f, 80)};

	key.client_port = rte_cpu_to_be_16(port);
	return key;
}

static void connect_to(const struct fixture *f, unsigned worker, uint16_t port, sl_id server)
{
	struct sl_conn_table *table = f->engine->workers[worker]->narrow;
	struct sl_conn_view entry =
				    {
					    .key = client(f, port),
					    .server = server,
					    .state = SL_STATE_ESTABLISHED,
					    .tick = (sl_tick)(f->manual.ns / SECOND),
				    },
			    evicted;

	assert_non_null(sl_conn_insert(table, &entry, sl_conn_hash(table, &entry.key), entry.tick,
		&sl_timeouts_default, &evicted)
				.slot);
}

static sl_id connected_to(const struct fixture *f, unsigned worker, const struct sl_conn_key *key)
{
	struct sl_conn_table *table = f->engine->workers[worker]->narrow;
	struct sl_conn_ref ref = sl_conn_find(table, key, sl_conn_hash(table, key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return SL_ID_NONE;
	sl_conn_view(table, ref, &view);
	return view.server;
}

/* Pairs stay when their ids are known and of the right kinds. */
static void a_restart_drops_pairs_of_strange_ids(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	struct sl_side strange[3];
	struct sl_worker *w;
	uint32_t index;

	assert_false(start(files));
	service(f, 80, HOSTS(1, 2));
	w = f->engine->workers[1];
	sl_worker_poll_begin(w, f->manual.ns);
	for (uint16_t i = 0; i < 3; i++) {
		strange[i] = (struct sl_side){
			.front = front_id(f, 80),
			.endpoint = front_id(f, 80),
			.client_port = i,
			.local_port = i,
			.state = SL_STATE_ESTABLISHED,
		};
	}
	strange[0].server = server_id(f, 80, 1); /* the endpoint is no server's */
	strange[1].endpoint = 500;               /* is nobody's */
	strange[2].server = SL_ID_NONE;          /* no masquerading front */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sl_side_insert(w, &strange[i], &index), 0);
	sl_worker_poll_end(w);

	assert_true(start(files));
	w = f->engine->workers[1];
	assert_int_equal(w->sides->stats.sides, 0);
	assert_int_equal(sl_conn_table_stats(w->narrow)->entries, 0);
}

static void a_restart_takes_tables_and_ids_over(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	struct sl_conn_key key;
	struct sl_counters sum;
	struct sl_toeplitz toeplitz;
	sl_id front, server;

	assert_false(start(files));
	assert_string_equal(f->engine->not_adopted, "");
	service(f, 80, HOSTS(1, 2));
	front = front_id(f, 80);
	server = server_id(f, 80, 1);
	connect_to(f, 1, 4000, server);
	key = client(f, 4000);
	toeplitz = f->engine->toeplitz;

	assert_true(start(files));
	assert_memory_equal(&f->engine->toeplitz, &toeplitz, sizeof(toeplitz));
	assert_int_equal(connected_to(f, 1, &key), server);
	sl_engine_counters(f->engine, server, &sum);
	assert_int_equal(sum.active, 1);
	/* until the configuration names them again, they count as just deleted */
	assert_int_equal(sl_snapshot_server(f->engine->snapshot, server)->state, SL_ID_DELETED);
	assert_int_equal(sl_snapshot_front(f->engine->snapshot, front)->state, SL_ID_DELETED);
	service(f, 80, HOSTS(1, 2));
	assert_int_equal(front_id(f, 80), front);
	assert_int_equal(server_id(f, 80, 1), server);
}

static void ids_that_nobody_names_after_a_restart_go(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	sl_id server;

	start(files);
	service(f, 80, HOSTS(1));
	server = server_id(f, 80, 1);
	assert_true(start(files));
	service(f, 81, HOSTS(1));
	assert_int_not_equal(server_id(f, 81, 1), server);
	f->manual.ns += 119 * SECOND;
	age(f);
	assert_int_equal(sl_snapshot_server(f->engine->snapshot, server)->state, SL_ID_DELETED);
	f->manual.ns += SECOND;
	age(f);
	assert_int_equal(sl_snapshot_server(f->engine->snapshot, server)->state, SL_ID_REAPING);
	assert_true(start(files)); /* in the middle of it */
	assert_int_equal(sl_snapshot_server(f->engine->snapshot, server)->state, SL_ID_REAPING);
	assert_true(f->engine->snapshot->reaping);
	age(f);
	assert_non_null(sl_snapshot_server(f->engine->snapshot, server)); /* not swept here yet */
	all_swept(f);
	age(f);
	assert_null(sl_snapshot_server(f->engine->snapshot, server));
}

static void entries_that_name_nothing_are_dropped(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	struct sl_conn_key key;

	start(files);
	service(f, 80, HOSTS(1));
	connect_to(f, 0, 4000, server_id(f, 80, 1) + 5);
	key = client(f, 4000);
	assert_true(start(files));
	assert_int_equal(connected_to(f, 0, &key), SL_ID_NONE);
}

static void another_layout_starts_empty_and_says_why(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;

	start(files);
	service(f, 80, HOSTS(1));
	f->params.n_workers = 1;
	assert_false(start(files));
	assert_non_null(strstr(f->engine->not_adopted, "workers"));
	assert_int_equal(f->engine->snapshot->n_services, 0);
	assert_null(sl_snapshot_server(f->engine->snapshot, 1));
}

/* Tables are given up for damage only: a start that lacks memory leaves them to the next one. */
static void a_start_without_memory_keeps_the_tables(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	struct sl_conn_key key;
	sl_id server;
	long k;

	start(files);
	service(f, 80, HOSTS(1));
	server = server_id(f, 80, 1);
	connect_to(f, 0, 4000, server);
	key = client(f, 4000);
	for (k = 1; k < 1000; k++) {
		struct sl_err err = {0};

		stop(files);
		assert_int_equal(sl_store_open(files->directory, 4096, &files->store, NULL), 0);
		f->params.store = files->store;
		f->memory.fail_at = k;
		f->engine = sl_engine_new(&f->params, &err);
		if (f->engine != NULL)
			break;
		assert_int_equal(err.code, ENOMEM);
		assert_int_equal(f->memory.outstanding, 0);
	}
	f->memory.fail_at = 0;
	assert_in_range(k, 20, 999);
	assert_true(f->engine->adopted);
	assert_int_equal(connected_to(f, 0, &key), server);
}

static void damage(struct files *files, const char *name, long offset)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", files->directory, name);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, offset, SEEK_SET);
	fputs("garbage", file);
	fclose(file);
}

static void damaged_files_start_empty_and_say_why(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	static const char *const names[] = {"fronts", "servers", "narrow-1", "header"};

	for (unsigned i = 0; i < 4; i++) {
		start(files);
		service(f, 80, HOSTS(1));
		stop(files);
		damage(files, names[i], 0);
		assert_false(start(files));
		assert_string_not_equal(f->engine->not_adopted, "");
		assert_null(sl_snapshot_server(f->engine->snapshot, 1));
		assert_non_null(service(f, 80, HOSTS(1)));
		assert_true(start(files)); /* and the next one adopts again */
	}
}

static void maps_that_contradict_each_other_are_not_adopted(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	char from[160], to[160];

	start(files);
	service(f, 80, HOSTS(1));
	stop(files);
	/* a map of fronts from before: the server's front is in none */
	snprintf(from, sizeof(from), "%s/fronts", files->directory);
	snprintf(to, sizeof(to), "%s/fronts.kept", files->base);
	assert_int_equal(rename(from, to), 0);
	assert_false(start(files));
	assert_non_null(strstr(f->engine->not_adopted, "missing"));
	service(f, 80, HOSTS(1));
	stop(files);
	damage(files, "fronts", 64 + 48 + 24); /* the state of front 1 */
	assert_false(start(files));
	unlink(to);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define F(name) cmocka_unit_test_setup_teardown(name, files_setup, files_teardown)
	const struct CMUnitTest tests[] = {
		T(workers_find_what_was_published),
		T(reclamation_waits_for_the_last_worker),
		T(memory_of_old_generations_comes_back),
		T(busy_names_the_late_worker),
		T(a_sleeping_worker_holds_nothing_up),
		T(local_addresses_are_sorted_and_replaced),
		T(local_addresses_of_both_families),
		T(counters_are_summed_over_workers),
		T(loads_go_to_those_who_schedule_by_them),
		T(loads_are_exchanged_in_turn),
		T(a_full_ring_delays_loads_and_loses_none),
		T(rings_have_the_room_that_was_asked_for),
		cmocka_unit_test(no_memory_leaves_nothing_behind),
		T(impossible_parameters),
		F(a_restart_takes_tables_and_ids_over),
		F(a_restart_drops_pairs_of_strange_ids),
		F(ids_that_nobody_names_after_a_restart_go),
		F(entries_that_name_nothing_are_dropped),
		F(another_layout_starts_empty_and_says_why),
		F(a_start_without_memory_keeps_the_tables),
		F(damaged_files_start_empty_and_say_why),
		F(maps_that_contradict_each_other_are_not_adopted),
	};
#undef T
#undef F

	return cmocka_run_group_tests(tests, NULL, NULL);
}
