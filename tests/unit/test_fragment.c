/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/datagram.h"
#include "lb/publish.h"
#include "packet.h"
#include "rig.h"

#define CLIENT PACKET_IP(203, 0, 113, 1)
#define VIP    PACKET_IP(198, 51, 100, 1)
#define SERVER PACKET_IP(192, 0, 2, 10)
#define MORE   0x2000
#define PIECES 5
#define PIECE  800 /* bytes */

static const struct rig_server servers[] = {
	{SERVER, 1, SL_FWD_DR}, {SERVER + 1, 1, SL_FWD_DR}, {SERVER + 2, 1, SL_FWD_DR}};

/* The n-th piece of datagram `id`: 800 bytes each, the last one shorter. */
static struct packet piece(uint16_t id, unsigned n)
{
	return (struct packet){
		.src = CLIENT,
		.dst = VIP,
		.src_port = (uint16_t)(1000 + id),
		.dst_port = 53,
		.protocol = IPPROTO_UDP,
		.id = id,
		.fragment = (uint16_t)((n + 1 < PIECES ? MORE : 0) | n * PIECE / 8),
		.payload = n + 1 < PIECES ? PIECE - 8 : 100,
	};
}

static struct rte_mbuf *make(uint16_t id, unsigned n)
{
	struct packet p = piece(id, n);

	return packet_make(&p);
}

static uint64_t drops(const struct rig *rig, enum sl_drop reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rig->engine->n_workers; i++)
		sum += rig->engine->workers[i]->stats.drops[reason];
	return sum;
}

static void open_rig(struct rig *rig, unsigned workers)
{
	rig_open(rig, &(struct rig_params){.workers = workers});
	rig_service(rig, IPPROTO_UDP, VIP, 53, "rr", servers, 3);
}

/* Polls until nobody hands anything over any more. */
static void settle(struct rig *rig)
{
	unsigned moved;

	do {
		moved = 0;
		for (unsigned i = 0; i < rig->engine->n_workers; i++)
			moved += rig_poll_handover(rig, i);
	} while (moved > 0);
}

/* The server that it went to, from whichever worker; 0 if it was not sent. Frees it. */
static uint32_t sent_to(struct rig *rig, struct rte_mbuf *mbuf)
{
	uint32_t address = 0;
	unsigned what;

	for (unsigned i = 0; i < rig->engine->n_workers && address == 0; i++) {
		if (rig_end_of(rig, i, mbuf, &what) == RIG_SENT)
			address = rig_address_of(rte_pktmbuf_mtod(mbuf, uint8_t *));
	}
	packet_free(mbuf);
	return address;
}

static void in_order_all_go_to_one_server(void **state)
{
	struct rte_mbuf *pkts[PIECES];
	struct rig rig;
	uint32_t server;

	open_rig(&rig, 1);
	for (unsigned i = 0; i < PIECES; i++)
		pkts[i] = make(1, i);
	rig_poll(&rig, 0, pkts, PIECES);
	for (unsigned i = 0; i < PIECES; i++) /* and in order */
		assert_ptr_equal(rig.engine->workers[0]->tx[0].pkts[i], pkts[i]);
	server = sent_to(&rig, pkts[0]);
	assert_int_not_equal(server, 0);
	for (unsigned i = 1; i < PIECES; i++)
		assert_int_equal(sent_to(&rig, pkts[i]), server);
	assert_int_equal(sl_datagrams_count(rig.engine->workers[0]->datagrams).datagrams, 0);
	rig_close(&rig);
}

static void reversed_they_wait_for_the_first(void **state)
{
	struct sl_counters counters;
	struct rte_mbuf *pkts[PIECES];
	struct rig rig;
	uint32_t server;

	open_rig(&rig, 1);
	for (unsigned i = 0; i < PIECES; i++)
		pkts[i] = make(1, PIECES - 1 - i);
	rig_poll(&rig, 0, pkts, PIECES);
	assert_int_equal(rig.engine->workers[0]->tx[0].n, 1); /* the first fragment */
	server = sent_to(&rig, pkts[PIECES - 1]);
	assert_int_equal(rig_poll_handover(&rig, 0), PIECES - 1);
	for (unsigned i = 0; i < PIECES - 1; i++)
		assert_ptr_equal(rig.engine->workers[0]->tx[0].pkts[i], pkts[i]);
	for (unsigned i = 0; i < PIECES - 1; i++)
		assert_int_equal(sent_to(&rig, pkts[i]), server);
	rig_counters(&rig, IPPROTO_UDP, VIP, 53, server, &counters);
	assert_int_equal(counters.connections, 1);
	assert_int_equal(counters.in_packets, PIECES);
	rig_close(&rig);
}

/* Any worker gets any fragment, in any order: each datagram ends with one server, whole. */
static void whoever_gets_them(void **state)
{
	enum { DATAGRAMS = 8, ALL = DATAGRAMS * PIECES };
	static const unsigned workers[] = {1, 2, 4, 8};
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (int round = 0; round < 200; round++) {
		struct rte_mbuf *pkts[ALL];
		unsigned order[ALL], n = workers[round % 4];
		struct rig rig;

		open_rig(&rig, n);
		for (unsigned i = 0; i < ALL; i++) {
			unsigned k = (unsigned)sl_rand_below(&rand, i + 1);

			order[i] = order[k];
			order[k] = i;
			pkts[i] = make((uint16_t)(i / PIECES), i % PIECES);
		}
		for (unsigned i = 0; i < ALL; i++) {
			rig_poll(&rig, (unsigned)sl_rand_below(&rand, n), &pkts[order[i]], 1);
			if (sl_rand_below(&rand, 4) == 0)
				rig_poll_handover(&rig, (unsigned)sl_rand_below(&rand, n));
		}
		settle(&rig);
		for (unsigned i = 0; i < ALL; i += PIECES) {
			uint32_t server = sent_to(&rig, pkts[i]);

			assert_int_not_equal(server, 0);
			for (unsigned k = 1; k < PIECES; k++)
				assert_int_equal(sent_to(&rig, pkts[i + k]), server);
		}
		rig_close(&rig);
	}
}

static void a_first_fragment_that_never_comes(void **state)
{
	struct rig rig;
	struct rte_mbuf *mbuf;
	unsigned what;

	open_rig(&rig, 1);
	mbuf = make(1, 2);
	rig_poll(&rig, 0, &mbuf, 1);
	rig.time.ns += SL_DATAGRAM_WAIT_NS - 1;
	rig_idle(&rig, 0);
	assert_int_equal(rig_poll_handover(&rig, 0), 0);
	rig.time.ns += 1;
	rig_idle(&rig, 0);
	assert_int_equal(rig_poll_handover(&rig, 0), 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, SL_DROP_FRAGMENT_TIMEOUT), 1);
	packet_free(mbuf);
	rig_close(&rig);
}

/* The first got an ICMP error; the others get none, and make no connection. */
static void without_a_server_only_the_first_is_answered(void **state)
{
	static const struct rig_server quiesced[] = {{SERVER, 0, SL_FWD_DR}};
	struct rte_mbuf *pkts[2] = {make(1, 0), make(1, 1)};
	struct rig rig;
	unsigned what;

	rig_open(&rig, NULL);
	rig_service(&rig, IPPROTO_UDP, VIP, 53, "rr", quiesced, 1);
	rig_poll(&rig, 0, pkts, 2);
	assert_int_equal(drops(&rig, SL_DROP_NO_SERVER), 1);
	assert_int_equal(rig_end_of(&rig, 0, pkts[0], &what), RIG_SENT); /* as the error */
	assert_int_equal(rig_end_of(&rig, 0, pkts[1], &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, SL_DROP_FRAGMENT), 1);
	packet_free(pkts[0]);
	packet_free(pkts[1]);
	rig_close(&rig);
}

static void what_is_not_for_a_service_does_not_wait(void **state)
{
	struct packet p = piece(1, 2);
	struct rte_mbuf *mbuf;
	struct rig rig;
	unsigned what;

	open_rig(&rig, 1);
	rig_local(&rig, VIP + 1);
	p.dst = VIP + 1;
	mbuf = packet_make(&p);
	rig_poll(&rig, 0, &mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_PUNTED);
	packet_free(mbuf);
	p = piece(1, 2);
	p.protocol = IPPROTO_ICMP;
	mbuf = packet_make(&p);
	rig_poll(&rig, 0, &mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_PUNTED);
	packet_free(mbuf);
	rig_close(&rig);
}

/* To a port of the VIP that nobody serves: Linux puts it together and answers. */
static void an_unserved_port_is_linux_business(void **state)
{
	struct packet p = piece(1, 0);
	struct rte_mbuf *pkts[2];
	struct rig rig;
	unsigned what;

	open_rig(&rig, 1);
	rig_local(&rig, VIP);
	p.dst_port = 99;
	pkts[0] = packet_make(&p);
	pkts[1] = make(1, 1);
	rig_poll(&rig, 0, pkts, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rig_end_of(&rig, 0, pkts[i], &what), RIG_PUNTED);
		packet_free(pkts[i]);
	}
	rig_close(&rig);
}

/* A segment in pieces counts once for the state of its connection. */
static void later_fragments_say_nothing_of_the_state(void **state)
{
	struct packet syn = piece(1, 0), rest = piece(1, 1);
	struct sl_counters counters;
	struct rte_mbuf *pkts[2];
	struct rig rig;

	rig_open(&rig, NULL);
	rig_service(&rig, IPPROTO_TCP, VIP, 53, "rr", servers, 1);
	syn.protocol = IPPROTO_TCP;
	syn.flags = 0x02;
	syn.payload = PIECE - 20;
	rest.protocol = IPPROTO_TCP;
	rest.payload = PIECE - 20;
	pkts[0] = packet_make(&syn);
	pkts[1] = packet_make(&rest);
	rig_poll(&rig, 0, pkts, 2);
	assert_int_equal(sent_to(&rig, pkts[0]), SERVER);
	assert_int_equal(sent_to(&rig, pkts[1]), SERVER);
	rig_counters(&rig, IPPROTO_TCP, VIP, 53, SERVER, &counters);
	assert_int_equal(counters.active, 1); /* SYN_RECV, as the first fragment said */
	assert_int_equal(counters.inactive, 0);
	rig_close(&rig);
}

/* A flood of fragments that wait takes half of what a poll takes from others, at most. */
static void a_flood_leaves_room_for_other_workers(void **state)
{
	struct rte_mbuf *flood[2 * SL_WAITING], *mbuf = NULL, *pkts[SL_BURST];
	struct sl_worker *w;
	struct rig rig;
	unsigned n;

	open_rig(&rig, 2);
	w = rig.engine->workers[0];
	for (unsigned i = 0; i < RTE_DIM(flood); i++) {
		flood[i] = make((uint16_t)i, 2);
		rig_poll(&rig, 0, &flood[i], 1);
	}
	rig.time.ns += SL_DATAGRAM_WAIT_NS;
	rig_idle(&rig, 0);
	rig_idle(&rig, 0);
	rig_idle(&rig, 0);
	mbuf = make(1, 0);
	assert_int_equal(rte_ring_sp_enqueue(w->handover_in[1], mbuf), 0);
	sl_worker_poll_begin(w, rig.time.ns);
	n = sl_worker_take_handover(w, pkts);
	assert_int_equal(n, SL_BURST / 2 + 1);
	assert_ptr_equal(pkts[n - 1], mbuf);
	sl_worker_poll_end(w);
	for (unsigned i = 0; i < RTE_DIM(flood); i++)
		packet_free(flood[i]);
	packet_free(mbuf);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_all_go_to_one_server),
		cmocka_unit_test(reversed_they_wait_for_the_first),
		cmocka_unit_test(whoever_gets_them),
		cmocka_unit_test(a_first_fragment_that_never_comes),
		cmocka_unit_test(without_a_server_only_the_first_is_answered),
		cmocka_unit_test(what_is_not_for_a_service_does_not_wait),
		cmocka_unit_test(an_unserved_port_is_linux_business),
		cmocka_unit_test(later_fragments_say_nothing_of_the_state),
		cmocka_unit_test(a_flood_leaves_room_for_other_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
