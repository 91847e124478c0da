/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that are pairs, through the whole packet path. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lb/side.h"
#include "packet.h"
#include "rig.h"

#define VIP      PACKET_IP(198, 51, 100, 1)
#define CLIENT   PACKET_IP(203, 0, 113, 1)
#define SERVER   PACKET_IP(192, 0, 2, 12)
#define SERVICES 90
#define OTHERS   9 /* the last of them, again */

static void open_rig(struct rig *rig, unsigned workers)
{
	const struct rig_params params = {.workers = workers, .connections = 4000};
	const struct sl_addr gateway = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(192, 0, 2, 254)));
	struct sl_prefix clients;

	rig_open(rig, &params);
	assert_int_equal(sl_prefix_parse("203.0.113.0/24", &clients), 0);
	rig_route(rig, &clients, SL_ROUTE_HOP, 0, &gateway);
}

/* Sends a packet where it arrives; what it became is in *out, and it has to have been sent. */
static void pass(struct rig *rig, const struct packet *p, unsigned worker, struct sl_parsed *out)
{
	struct rte_mbuf *mbuf = packet_make(p);
	unsigned what, sent = 0;

	rig_poll(rig, worker, &mbuf, 1);
	for (unsigned i = 0; i < rig->engine->n_workers; i++) {
		if (i != worker)
			rig_poll_handover(rig, i);
	}
	for (unsigned i = 0; i < rig->engine->n_workers; i++)
		sent += rig_end_of(rig, i, mbuf, &what) == RIG_SENT;
	assert_int_equal(sent, 1);
	assert_int_equal(
		sl_parse(rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len, mbuf->pkt_len, true, out),
		SL_PARSE_L4);
	packet_free(mbuf);
}

/*
 * One client port to more services than the client's lines have room for: all of them work, and
 * each reply comes from the service that it belongs to.
 */
static void a_client_of_many_nat_services_spills(void **state)
{
	struct sl_parsed seen;
	struct sl_worker *w;
	struct rig rig;

	open_rig(&rig, 1);
	w = rig.engine->workers[0];
	for (uint16_t i = 0; i < SERVICES; i++) {
		const struct rig_server server = {
			.address = SERVER, .weight = 1, .fwd = SL_FWD_NAT, .port = 8000 + i};
		const struct packet syn = {.src = CLIENT,
			.dst = VIP,
			.src_port = 1000,
			.dst_port = 100 + i,
			.flags = SL_TCP_SYN};

		rig_service(&rig, IPPROTO_TCP, VIP, 100 + i, "rr", &server, 1);
		pass(&rig, &syn, 0, &seen);
		assert_int_equal(rte_be_to_cpu_16(seen.dst_port), 8000 + i);
	}
	assert_int_equal(w->sides->stats.spilled, SERVICES - 8 - 64);
	for (unsigned round = 0; round < 2; round++) {
		for (uint16_t i = 0; i < SERVICES; i++) {
			const struct packet reply = {.src = SERVER,
						    .dst = CLIENT,
						    .src_port = 8000 + i,
						    .dst_port = 1000,
						    .flags = SL_TCP_SYN | SL_TCP_ACK},
					    ack = {.src = CLIENT,
						    .dst = VIP,
						    .src_port = 1000,
						    .dst_port = 100 + i,
						    .flags = SL_TCP_ACK};

			pass(&rig, &reply, 0, &seen);
			assert_int_equal(seen.src.v4, rte_cpu_to_be_32(VIP));
			assert_int_equal(rte_be_to_cpu_16(seen.src_port), 100 + i);
			pass(&rig, &ack, 0, &seen);
			assert_int_equal(rte_be_to_cpu_16(seen.dst_port), 8000 + i);
		}
	}
	/* Each was found again: none has been made anew. */
	assert_int_equal(w->sides->stats.inserted, SERVICES - 8 - 64);
	assert_int_equal(
		sl_conn_table_stats(w->narrow)->inserted, 72 + 2 * w->sides->stats.inserted);
	rig_close(&rig);
}

/*
 * A client port that has more NAT connections to one server than its lines hold: one more that
 * would have the same two ends there as one of those that found no place is refused.
 */
static void a_spilled_connection_keeps_its_end_at_the_server(void **state)
{
	struct packet syn = {.src = CLIENT, .dst = VIP, .src_port = 1000, .flags = SL_TCP_SYN};
	struct rig_server server = {.address = SERVER, .weight = 1, .fwd = SL_FWD_NAT};
	struct sl_parsed seen;
	struct rte_mbuf *mbuf;
	unsigned what;
	struct rig rig;

	open_rig(&rig, 1);
	for (uint16_t i = 0; i < SERVICES; i++) {
		server.port = 8000 + i;
		syn.dst_port = 100 + i;
		rig_service(&rig, IPPROTO_TCP, VIP, syn.dst_port, "rr", &server, 1);
		pass(&rig, &syn, 0, &seen);
	}
	/* the first ones are over, so there is room again */
	for (uint16_t i = 0; i < OTHERS; i++) {
		struct packet p = syn;

		p.dst_port = 100 + i;
		p.flags = SL_TCP_ACK;
		pass(&rig, &p, 0, &seen);
		p.flags = SL_TCP_RST;
		pass(&rig, &p, 0, &seen);
	}
	rig.time.ns += 30 * SL_NS_PER_S;
	rig_sweep(&rig, 2);
	for (uint16_t i = SERVICES - OTHERS; i < SERVICES; i++) {
		server.port = 8000 + i;
		syn.dst_port = 500 + i;
		rig_service(&rig, IPPROTO_TCP, VIP, syn.dst_port, "rr", &server, 1);
		mbuf = packet_make(&syn);
		rig_poll(&rig, 0, &mbuf, 1);
		assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_DROPPED);
		packet_free(mbuf);
	}
	assert_int_equal(rig.engine->workers[0]->stats.drops[SL_DROP_NAT_TUPLE_BUSY], OTHERS);
	rig_close(&rig);
}

/* Whichever worker packets arrive at: a connection's two directions belong to different endpoints.
 */
static void fullnat_works_with_any_number_of_workers(void **state)
{
	static const unsigned workers[] = {1, 2, 4, 8};

	for (size_t n = 0; n < RTE_DIM(workers); n++) {
		const struct sl_addr local = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(10, 9, 0, 1)));
		const struct rig_server server = {
			.address = SERVER, .weight = 1, .fwd = SL_FWD_FULLNAT, .port = 80};
		struct sl_counters line;
		struct rig rig;

		open_rig(&rig, workers[n]);
		rig_full_nat(&rig, &local, 1, 1024, 65535);
		rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", &server, 1);
		for (uint16_t i = 0; i < 200; i++) {
			struct sl_parsed out, back;
			struct packet p = {.src = CLIENT,
				.dst = VIP,
				.src_port = 2000 + i,
				.dst_port = 80,
				.flags = SL_TCP_SYN};

			pass(&rig, &p, i % workers[n], &out);
			assert_int_equal(out.src.v4, rte_cpu_to_be_32(PACKET_IP(10, 9, 0, 1)));
			assert_int_equal(rte_be_to_cpu_16(out.dst_port), 80);
			p = (struct packet){.src = SERVER,
				.dst = PACKET_IP(10, 9, 0, 1),
				.src_port = 80,
				.dst_port = rte_be_to_cpu_16(out.src_port),
				.flags = SL_TCP_SYN | SL_TCP_ACK};
			pass(&rig, &p, (i + 1u) % workers[n], &back);
			assert_int_equal(back.src.v4, rte_cpu_to_be_32(VIP));
			assert_int_equal(back.dst.v4, rte_cpu_to_be_32(CLIENT));
			assert_int_equal(rte_be_to_cpu_16(back.dst_port), 2000 + i);
		}
		rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER, &line);
		assert_int_equal(line.active, 200);
		assert_int_equal(line.connections, 200);
		assert_int_equal(line.in_packets, 200);
		assert_int_equal(line.out_packets, 200);
		rig_close(&rig);
	}
}

/* A client that comes again from the same port finds its connection over, and gets a new one. */
static void a_syn_on_a_closed_connection_opens_another(void **state)
{
	const struct sl_addr local = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(10, 9, 0, 1)));
	const struct rig_server server = {
		.address = SERVER, .weight = 1, .fwd = SL_FWD_FULLNAT, .port = 80};
	struct packet p = {
		.src = CLIENT, .dst = VIP, .src_port = 2000, .dst_port = 80, .flags = SL_TCP_SYN};
	struct sl_parsed first, second;
	struct sl_worker *w;
	struct rig rig;

	open_rig(&rig, 1);
	w = rig.engine->workers[0];
	rig_full_nat(&rig, &local, 1, 1024, 65535);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", &server, 1);
	pass(&rig, &p, 0, &first);
	p.flags = SL_TCP_ACK;
	pass(&rig, &p, 0, &second);
	assert_int_equal(second.src_port, first.src_port);
	p.flags = SL_TCP_RST;
	pass(&rig, &p, 0, &second);
	p.flags = SL_TCP_SYN;
	pass(&rig, &p, 0, &second);
	assert_int_not_equal(second.src_port, first.src_port);
	assert_int_equal(w->sides->stats.lingering, 1);
	assert_int_equal(w->sides->stats.sides, 2);
	rig_close(&rig);
}

#define PAIRS 16 /* that a full pool looks at for one to give way */

/* A pair of the pool, as a packet of its server's. */
static struct rte_mbuf *reply_of(struct rig *rig, uint32_t index)
{
	const struct sl_side *side = sl_side_at(rig->engine->workers[0], index);
	const struct packet p = {.src = SERVER,
		.dst = PACKET_IP(10, 9, 0, 1),
		.src_port = 80,
		.dst_port = rte_be_to_cpu_16(side->local_port),
		.flags = SL_TCP_SYN | SL_TCP_ACK};

	return packet_make(&p);
}

/* Each is sent to the client's port that it was for, or dropped. Returns how many were dropped. */
static unsigned check_replies(struct rig *rig, struct rte_mbuf **mbufs, const rte_be16_t *ports)
{
	struct sl_parsed seen;
	unsigned what, dropped = 0;

	for (unsigned i = 0; i < PAIRS; i++) {
		if (rig_end_of(rig, 0, mbufs[i], &what) == RIG_DROPPED) {
			dropped++;
		} else {
			assert_int_equal(
				sl_parse(rte_pktmbuf_mtod(mbufs[i], void *), mbufs[i]->data_len,
					mbufs[i]->pkt_len, true, &seen),
				SL_PARSE_L4);
			assert_int_equal(seen.dst_port, ports[i]);
		}
		packet_free(mbufs[i]);
	}
	return dropped;
}

/*
 * A full pool gives a pair's record to a new client while a reply of that pair is in the same
 * burst: the reply does not go to the new client.
 */
static void a_reply_never_goes_to_the_next_owner_of_its_record(void **state)
{
	const struct sl_addr local = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(10, 9, 0, 1)));
	const struct rig_server server = {
		.address = SERVER, .weight = 1, .fwd = SL_FWD_FULLNAT, .port = 80};
	struct packet syn = {.src = CLIENT, .dst = VIP, .dst_port = 80, .flags = SL_TCP_SYN};
	struct rte_mbuf *burst[PAIRS + 1];
	rte_be16_t ports[PAIRS];
	struct sl_parsed seen;
	struct sl_side_pool *pool;
	struct rig rig;
	unsigned what;

	open_rig(&rig, 1);
	pool = rig.engine->workers[0]->sides;
	rig_full_nat(&rig, &local, 1, 1024, 65535);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", &server, 1);
	for (syn.src_port = 2000; pool->stats.evicted == 0; syn.src_port++)
		pass(&rig, &syn, 0, &seen);
	for (unsigned i = 0; i < PAIRS; i++) {
		uint32_t index = 1 + (pool->evict_at - 1 + i) % pool->high;

		burst[i] = reply_of(&rig, index);
		ports[i] = sl_side_at(rig.engine->workers[0], index)->client_port;
	}
	burst[PAIRS] = packet_make(&syn);
	rig_poll(&rig, 0, burst, PAIRS + 1);
	assert_int_equal(pool->stats.evicted, 2);
	assert_int_equal(check_replies(&rig, burst, ports), 1);
	assert_int_equal(rig.engine->workers[0]->stats.drops[SL_DROP_PAIR_GONE], 1);
	assert_int_equal(rig_end_of(&rig, 0, burst[PAIRS], &what), RIG_SENT);
	packet_free(burst[PAIRS]);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_of_many_nat_services_spills),
		cmocka_unit_test(a_spilled_connection_keeps_its_end_at_the_server),
		cmocka_unit_test(a_reply_never_goes_to_the_next_owner_of_its_record),
		cmocka_unit_test(fullnat_works_with_any_number_of_workers),
		cmocka_unit_test(a_syn_on_a_closed_connection_opens_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
