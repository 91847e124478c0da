/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker does besides forwarding: the sweep, listings, loads of the others, hand-over. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lb/publish.h"
#include "lb/side.h"
#include "packet.h"
#include "rig.h"

#define VIP    PACKET_IP(198, 51, 100, 1)
#define CLIENT PACKET_IP(203, 0, 113, 1)
#define SERVER PACKET_IP(192, 0, 2, 12)

static const struct rig_server two[] = {{SERVER, 1, SL_FWD_DR}, {SERVER + 1, 1, SL_FWD_DR}};

static void pass(struct rig *rig, uint16_t client_port, uint16_t port, uint8_t flags)
{
	struct packet p = {.src = CLIENT,
		.dst = VIP,
		.src_port = client_port,
		.dst_port = port,
		.flags = flags};
	struct rte_mbuf *mbuf = packet_make(&p);
	unsigned what;

	rig_poll(rig, 0, &mbuf, 1);
	assert_int_equal(rig_end_of(rig, 0, mbuf, &what), RIG_SENT);
	packet_free(mbuf);
}

static void open_rig(struct rig *rig, uint64_t connections)
{
	const struct rig_params params = {.connections = connections};

	rig_open(rig, &params);
	rig_service(rig, IPPROTO_TCP, VIP, 80, "rr", two, 2);
	rig_service(rig, IPPROTO_TCP, VIP, 0, "rr", two, 1);
}

static void house(struct rig *rig)
{
	struct sl_worker *w = rig->engine->workers[0];

	sl_worker_poll_begin(w, rig->time.ns);
	sl_worker_housekeeping(w);
	sl_worker_poll_end(w);
}

static void counts(struct rig *rig, uint32_t *active, uint32_t *inactive)
{
	*active = *inactive = 0;
	for (uint32_t i = 0; i < 2; i++) {
		struct sl_counters line;

		rig_counters(rig, IPPROTO_TCP, VIP, 80, SERVER + i, &line);
		*active += line.active;
		*inactive += line.inactive;
	}
}

/* ---- the sweep ---- */

/* Polled often or seldom, a round takes two seconds; each poll looks at a bounded piece. */
static void a_round_takes_two_seconds(void **state)
{
	static const uint64_t steps_ms[] = {1, 7, 50};

	for (size_t i = 0; i < RTE_DIM(steps_ms); i++) {
		struct sl_worker *w;
		struct rig rig;
		uint64_t begun;

		open_rig(&rig, 10000);
		w = rig.engine->workers[0];
		rig_sweep(&rig, 1);
		begun = rig.time.ns;
		for (uint64_t rounds = w->sweep_rounds; w->sweep_rounds < rounds + 3;) {
			uint64_t done = w->sweep_lines_done;

			rig.time.ns += steps_ms[i] * SL_NS_PER_MS;
			house(&rig);
			assert_true(w->sweep_lines_done < done + 257);
		}
		assert_in_range((rig.time.ns - begun) / SL_NS_PER_MS, 6000, 6000 + 4 * steps_ms[i]);
		rig_close(&rig);
	}
}

/* After a pause of whatever length, no poll catches up at once. */
static void a_late_sweep_stays_bounded(void **state)
{
	struct sl_worker *w;
	struct rig rig;
	unsigned polls = 0;
	uint64_t rounds;

	open_rig(&rig, 10000);
	w = rig.engine->workers[0];
	rig_sweep(&rig, 1);
	rounds = w->sweep_rounds;
	rig.time.ns += 3600 * SL_NS_PER_S;
	while (w->sweep_rounds == rounds) {
		house(&rig);
		assert_true(++polls < 1000);
	}
	assert_true(polls >= sl_conn_lines(w->narrow) / 256);
	rig_close(&rig);
}

static void what_expires_is_no_longer_counted(void **state)
{
	uint32_t active, inactive;
	struct rig rig;

	open_rig(&rig, 1000);
	for (uint16_t i = 0; i < 100; i++) {
		pass(&rig, 1000 + i, 80, 0x02);
		if (i % 4 == 0)
			pass(&rig, 1000 + i, 80, 0x11); /* FIN: TIME_WAIT, 120 s */
	}
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 75);
	assert_int_equal(inactive, 25);
	rig.time.ns += 61 * SL_NS_PER_S;
	rig_sweep(&rig, 2);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 0);
	assert_int_equal(inactive, 25);
	rig.time.ns += 60 * SL_NS_PER_S;
	rig_sweep(&rig, 2);
	counts(&rig, &active, &inactive);
	assert_int_equal(inactive, 0);
	assert_int_equal(sl_conn_table_stats(rig.engine->workers[0]->narrow)->expired, 100);
	rig_close(&rig);
}

/* Progress names the generation that a complete round began under, not the one it ended under. */
static void progress_is_that_of_the_beginning(void **state)
{
	struct sl_worker *w;
	struct rig rig;
	uint64_t before, rounds;

	open_rig(&rig, 1000);
	w = rig.engine->workers[0];
	rig_sweep(&rig, 2);
	before = sl_registry_latest(rig.engine->registry)->generation;
	assert_int_equal(sl_engine_swept(rig.engine), before);
	/* Into the middle of a round, then a change. */
	rig.time.ns += SL_NS_PER_S;
	house(&rig);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", two, 1);
	rounds = w->sweep_rounds;
	rig_sweep(&rig, 1);
	assert_int_equal(w->sweep_rounds, rounds + 1);
	assert_int_equal(sl_engine_swept(rig.engine), before);
	rig_sweep(&rig, 1);
	assert_int_equal(sl_engine_swept(rig.engine), before + 1);
	rig_close(&rig);
}

/* What adoption does: counts come from the entries alone. */
static void a_recount_finds_all(void **state)
{
	struct sl_counters line;
	uint32_t active, inactive;
	struct sl_worker *w;
	struct rig rig;

	open_rig(&rig, 1000);
	w = rig.engine->workers[0];
	for (uint16_t i = 0; i < 300; i++)
		pass(&rig, 1000 + i, i % 3 == 0 ? 81 : 80, 0x02);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 200);
	for (uint32_t i = 0; i < 2; i++) {
		sl_id id = rig_server_id(&rig, IPPROTO_TCP, VIP, 80, SERVER + i);

		sl_worker_counters(w, id)->active = 0;
	}
	sl_worker_counters(w, rig_server_id(&rig, IPPROTO_TCP, VIP, 0, SERVER))->active = 0;
	sl_worker_recount(w);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 200);
	rig_counters(&rig, IPPROTO_TCP, VIP, 0, SERVER, &line);
	assert_int_equal(line.active, 100);
	rig_close(&rig);
}

/* ---- listings ---- */

static uint32_t list(struct rig *rig, struct sl_conn_query *query)
{
	struct sl_conn_view out[100];
	uint32_t total = 0;

	query->cursor = 0;
	do {
		query->out = out;
		query->max = RTE_DIM(out);
		query->n = 0;
		query->done = 0;
		sl_engine_query_post(rig->engine, 0, query);
		for (unsigned polls = 0; !sl_engine_query_done(query); polls++) {
			assert_true(polls < 10000);
			house(rig);
		}
		for (uint32_t i = 0; i < query->n; i++)
			assert_int_equal(out[i].key.client.bytes[0], 203);
		total += query->n;
	} while (query->cursor != UINT64_MAX);
	return total;
}

static void listings_are_complete_and_filtered(void **state)
{
	struct sl_conn_query query = {.state = -1};
	struct rig rig;

	open_rig(&rig, 2000);
	for (uint16_t i = 0; i < 700; i++)
		pass(&rig, 1000 + i, 80, 0x02);
	for (uint16_t i = 0; i < 70; i++) {
		pass(&rig, 1000 + i, 80, 0x10);
		pass(&rig, 1000 + i, 81, 0x02);
	}
	assert_int_equal(list(&rig, &query), 700);
	query.server = rig_server_id(&rig, IPPROTO_TCP, VIP, 80, SERVER);
	assert_int_equal(list(&rig, &query), 350);
	query.server = SL_ID_NONE;
	query.state = SL_STATE_ESTABLISHED;
	assert_int_equal(list(&rig, &query), 70);
	query.state = -1;
	query.client_family = 4;
	memcpy(query.client.bytes, (const uint8_t[]){203, 0, 113, 2}, 4);
	assert_int_equal(list(&rig, &query), 0);
	query.client.bytes[3] = 1;
	assert_int_equal(list(&rig, &query), 700);
	query.wide = true;
	assert_int_equal(list(&rig, &query), 70);
	query.wide = false;
	query.front = SL_ID_MAX;
	assert_int_equal(list(&rig, &query), 0);
	query.front = SL_ID_NONE;
	/* What has expired is not listed, swept or not. */
	rig.time.ns += 61 * SL_NS_PER_S;
	assert_int_equal(list(&rig, &query), 70);
	rig_close(&rig);
}

static uint32_t pair(struct rig *rig, uint16_t client_port, enum sl_state state)
{
	struct sl_worker *w = rig->engine->workers[0];
	struct sl_side want = {
		.client = sl_ip_v4(rte_cpu_to_be_32(CLIENT)),
		.local = sl_ip_v4(rte_cpu_to_be_32(SERVER + 9)),
		.client_port = rte_cpu_to_be_16(client_port),
		.local_port = rte_cpu_to_be_16(client_port),
		.front = 1,
		.endpoint = 2,
		.server = rig_server_id(rig, IPPROTO_TCP, VIP, 80, SERVER),
		.state = (uint8_t)state,
	};
	uint32_t index = 0;

	sl_worker_poll_begin(w, rig->time.ns);
	assert_int_equal(sl_side_insert(w, &want, &index), 0);
	sl_worker_poll_end(w);
	return index;
}

static void a_pair_is_listed_once_with_its_record(void **state)
{
	struct sl_conn_query query = {.state = SL_STATE_ESTABLISHED};
	struct sl_side sides[SL_QUERY_ROOM];
	struct sl_conn_view out[SL_QUERY_ROOM];
	struct rig rig;

	open_rig(&rig, 2000);
	pass(&rig, 1000, 80, 0x02);
	pair(&rig, 2000, SL_STATE_ESTABLISHED);
	pair(&rig, 2001, SL_STATE_SYN_RECV);
	assert_int_equal(list(&rig, &query), 1);
	query.state = -1;
	assert_int_equal(list(&rig, &query), 3);
	query.server = rig_server_id(&rig, IPPROTO_TCP, VIP, 80, SERVER);
	assert_in_range(list(&rig, &query), 2, 3);
	query = (struct sl_conn_query){
		.state = SL_STATE_ESTABLISHED, .out = out, .sides = sides, .max = SL_QUERY_ROOM};
	sl_engine_query_post(rig.engine, 0, &query);
	while (!sl_engine_query_done(&query))
		house(&rig);
	assert_int_equal(query.n, 1);
	assert_int_equal(out[0].kind, SL_CONN_SIDE);
	assert_int_equal(sides[0].local_port, rte_cpu_to_be_16(2000));
	assert_int_equal(sides[0].local.v4, rte_cpu_to_be_32(SERVER + 9));
	rig_close(&rig);
}

static void pairs_are_counted_and_swept(void **state)
{
	uint32_t active, inactive;
	struct sl_worker *w;
	struct rig rig;

	open_rig(&rig, 2000);
	w = rig.engine->workers[0];
	for (uint16_t i = 0; i < 100; i++)
		pair(&rig, 1000 + i, SL_STATE_SYN_RECV);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 100);
	sl_worker_counters(w, rig_server_id(&rig, IPPROTO_TCP, VIP, 80, SERVER))->active = 0;
	sl_worker_recount(w);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 100);
	rig.time.ns += 60 * SL_NS_PER_S;
	rig_sweep(&rig, 2);
	counts(&rig, &active, &inactive);
	assert_int_equal(active, 0);
	assert_int_equal(w->sides->stats.sides, 0);
	assert_int_equal(sl_conn_table_stats(w->narrow)->entries, 0);
	rig_close(&rig);
}

/* A table in which nothing matches: the asker hears of it in good time, and where to go on. */
static void a_listing_is_answered_in_bounded_time(void **state)
{
	struct sl_conn_view out[SL_QUERY_ROOM];
	struct sl_conn_query query = {.state = -1, .max = SL_QUERY_ROOM, .out = out};
	struct rig rig;
	unsigned polls = 0;

	open_rig(&rig, 400000);
	assert_true(sl_conn_lines(rig.engine->workers[0]->narrow) > SL_QUERY_LINES);
	sl_engine_query_post(rig.engine, 0, &query);
	for (; !sl_engine_query_done(&query); polls++)
		house(&rig);
	assert_int_equal(query.cursor, SL_QUERY_LINES);
	assert_in_range(polls, 1, SL_QUERY_LINES / 16);
	assert_int_equal(query.n, 0);
	rig_close(&rig);
}

/* ---- loads of the others ---- */

static void loads_of_others_count(void **state)
{
	struct sl_load_message message = {.others_active = 5};
	struct sl_counters a, b;
	struct rig rig;

	rig_open(&rig, NULL);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "lc", two, 2);
	pass(&rig, 1000, 80, 0x02); /* to the second, which stands first; now the first is due */
	message.server = rig_server_id(&rig, IPPROTO_TCP, VIP, 80, SERVER);
	assert_int_equal(
		rte_ring_sp_enqueue_elem(rig.engine->workers[0]->loads, &message, sizeof(message)),
		0);
	for (uint16_t i = 1; i <= 4; i++)
		pass(&rig, 1000 + i, 80, 0x02);
	rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER, &a);
	rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER + 1, &b);
	assert_int_equal(a.active, 0);
	assert_int_equal(b.active, 5);
	/* A message about somebody whom this generation does not know changes nothing. */
	message.server = 900;
	rte_ring_sp_enqueue_elem(rig.engine->workers[0]->loads, &message, sizeof(message));
	house(&rig);
	rig_close(&rig);
}

/* ---- hand-over ---- */

/* One worker that sends all the time does not keep the others' packets waiting. */
static void all_rings_get_their_turn(void **state)
{
	const struct rig_params params = {.workers = 4, .ring = 256};
	struct rte_mbuf *pkts[SL_BURST], *mbufs[600];
	struct sl_worker *w;
	struct rig rig;
	unsigned seen[4] = {0}, n = 0;

	rig_open(&rig, &params);
	w = rig.engine->workers[0];
	for (unsigned i = 0; i < RTE_DIM(mbufs); i++) {
		mbufs[i] = packet_make(&(struct packet){.src = CLIENT, .dst = VIP});
		mbufs[i]->port = (uint16_t)(i < 220 ? 1 : i < 410 ? 2 : 3);
		assert_int_equal(rte_ring_sp_enqueue(w->handover_in[mbufs[i]->port], mbufs[i]), 0);
	}
	for (unsigned poll = 0; poll < 3; poll++) {
		unsigned taken = sl_worker_take_handover(w, pkts);

		assert_true(taken <= SL_BURST);
		for (unsigned i = 0; i < taken; i++, n++)
			seen[pkts[i]->port]++;
		w->stats.polls++;
	}
	assert_true(n > 3 * SL_BURST * 9 / 10);
	for (unsigned from = 1; from < 4; from++)
		assert_in_range(seen[from], n / 4, n / 2);
	for (unsigned from = 1; from < 4; from++)
		rte_ring_reset(w->handover_in[from]);
	for (unsigned i = 0; i < RTE_DIM(mbufs); i++)
		packet_free(mbufs[i]);
	rig_close(&rig);
}

/* A worker that sleeps holds up nobody; one that is awake and idle does until it polls. */
static void sleeping_holds_up_nothing(void **state)
{
	struct sl_snapshot *snapshot;
	struct sl_txn *txn;
	struct rig rig;
	unsigned late;

	open_rig(&rig, 100);
	txn = sl_txn_begin(rig.engine->registry);
	sl_txn_timeouts(txn, &sl_timeouts_default);
	assert_int_equal(sl_txn_commit(txn, &snapshot, NULL), 0);
	assert_int_equal(sl_engine_publish(rig.engine, snapshot, &late), 0);
	assert_true(sl_engine_reclaim(rig.engine) > 0);
	sl_worker_offline(rig.engine->workers[0]);
	assert_int_equal(sl_engine_reclaim(rig.engine), 0);
	sl_worker_online(rig.engine->workers[0]);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_round_takes_two_seconds),
		cmocka_unit_test(a_late_sweep_stays_bounded),
		cmocka_unit_test(what_expires_is_no_longer_counted),
		cmocka_unit_test(progress_is_that_of_the_beginning),
		cmocka_unit_test(a_recount_finds_all),
		cmocka_unit_test(listings_are_complete_and_filtered),
		cmocka_unit_test(a_pair_is_listed_once_with_its_record),
		cmocka_unit_test(pairs_are_counted_and_swept),
		cmocka_unit_test(a_listing_is_answered_in_bounded_time),
		cmocka_unit_test(loads_of_others_count),
		cmocka_unit_test(all_rings_get_their_turn),
		cmocka_unit_test(sleeping_holds_up_nothing),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
