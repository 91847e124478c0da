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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_of_many_nat_services_spills),
		cmocka_unit_test(fullnat_works_with_any_number_of_workers),
		cmocka_unit_test(a_syn_on_a_closed_connection_opens_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
