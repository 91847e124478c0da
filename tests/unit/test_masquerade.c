/* SPDX-License-Identifier: BSD-3-Clause */
/* Masquerading with several workers, through the whole packet path. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"
#include "rig.h"

#define VIP       PACKET_IP(198, 51, 100, 1)
#define SERVER    PACKET_IP(192, 0, 2, 12)
#define LOCAL     PACKET_IP(10, 9, 0, 1)
#define OUTSIDE   PACKET_IP(203, 0, 113, 53)
#define ENDPOINTS 200

static void open_rig(struct rig *rig, unsigned workers, uint16_t low, uint16_t high)
{
	const struct rig_params params = {.workers = workers, .connections = 40000};
	const struct sl_addr gateway = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(192, 0, 2, 254)));
	const struct sl_addr local = sl_addr_v4(rte_cpu_to_be_32(LOCAL));
	struct sl_prefix all;

	rig_open(rig, &params);
	assert_int_equal(sl_prefix_parse("0.0.0.0/0", &all), 0);
	rig_route(rig, &all, SL_ROUTE_HOP, 0, &gateway);
	rig_local(rig, LOCAL);
	rig_full_nat(rig, &local, 1, low, high);
	rig_masquerade(rig, true);
	rig->engine->ports[0].transit = SL_TRANSIT_MASQUERADE;
}

/* Sends a packet where it arrives, and lets workers hand it on as long as they like. */
static void pass(struct rig *rig, const struct packet *p, unsigned worker, struct sl_parsed *out)
{
	struct rte_mbuf *mbuf = packet_make(p);
	unsigned what, n = rig->engine->n_workers, sent = 0;

	rig_poll(rig, worker, &mbuf, 1);
	for (unsigned i = 0; i < 4 * n; i++)
		rig_poll_handover(rig, i % n);
	for (unsigned i = 0; i < n; i++)
		sent += rig_end_of(rig, i, mbuf, &what) == RIG_SENT;
	assert_int_equal(sent, 1);
	assert_int_equal(
		sl_parse(rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len, mbuf->pkt_len, true, out),
		SL_PARSE_L4);
	packet_free(mbuf);
}

/*
 * A server of a NAT service on any port sends on its own account. What it sends may be a reply, so
 * the worker that would have the client's connection sees it first, and then the one that has the
 * masqueraded endpoint; whichever worker it came to.
 */
static void a_nat_server_is_masqueraded_by_any_number_of_workers(void **state)
{
	static const unsigned workers[] = {1, 2, 4, 8};
	const struct rig_server server = {.address = SERVER, .weight = 1, .fwd = SL_FWD_NAT};

	for (size_t n = 0; n < RTE_DIM(workers); n++) {
		struct rig rig;

		open_rig(&rig, workers[n], 1024, 65535);
		rig_service(&rig, IPPROTO_TCP, VIP, 0, "rr", &server, 1);
		for (uint16_t i = 0; i < ENDPOINTS; i++) {
			struct sl_parsed out, back;
			struct packet p = {.src = SERVER,
				.dst = OUTSIDE,
				.src_port = 4000 + i,
				.dst_port = 443,
				.flags = SL_TCP_SYN};

			pass(&rig, &p, i % workers[n], &out);
			assert_int_equal(out.src.v4, rte_cpu_to_be_32(LOCAL));
			p = (struct packet){.src = OUTSIDE,
				.dst = LOCAL,
				.src_port = 443,
				.dst_port = rte_be_to_cpu_16(out.src_port),
				.flags = SL_TCP_SYN | SL_TCP_ACK};
			pass(&rig, &p, (i + 1u) % workers[n], &back);
			assert_int_equal(back.dst.v4, rte_cpu_to_be_32(SERVER));
			assert_int_equal(rte_be_to_cpu_16(back.dst_port), 4000 + i);
		}
		rig_close(&rig);
	}
}

static enum rig_end end_of(struct rig *rig, uint32_t src, uint32_t dst, uint16_t dst_port)
{
	const struct packet p = {.src = src,
		.dst = dst,
		.src_port = 4000,
		.dst_port = dst_port,
		.flags = SL_TCP_SYN};
	struct rte_mbuf *mbuf = packet_make(&p);
	enum rig_end end;
	unsigned what;

	rig_poll(rig, 0, &mbuf, 1);
	end = rig_end_of(rig, 0, mbuf, &what);
	packet_free(mbuf);
	return end;
}

/*
 * FullNAT and masquerade take from the same local ports: towards the server of a service, one port
 * is of one of the two, so that its answers are.
 */
static void a_local_port_is_of_one_of_the_two(void **state)
{
	const struct rig_server server = {
		.address = SERVER, .weight = 1, .fwd = SL_FWD_FULLNAT, .port = 80};
	const uint32_t client = PACKET_IP(203, 0, 113, 1), inside = PACKET_IP(192, 0, 2, 13);
	struct rig rig;

	open_rig(&rig, 1, 5000, 5000);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", &server, 1);
	assert_int_equal(end_of(&rig, client, VIP, 80), RIG_SENT);
	assert_int_equal(end_of(&rig, inside, SERVER, 80), RIG_DROPPED);
	assert_int_equal(end_of(&rig, inside, SERVER, 81), RIG_SENT);
	assert_int_equal(end_of(&rig, inside, SERVER, 80), RIG_DROPPED);
	rig_close(&rig);

	open_rig(&rig, 1, 5000, 5000);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", &server, 1);
	assert_int_equal(end_of(&rig, inside, SERVER, 80), RIG_SENT);
	end_of(&rig, client, VIP, 80); /* answered */
	assert_int_equal(rig.engine->workers[0]->stats.drops[SL_DROP_LOCAL_PORTS], 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nat_server_is_masqueraded_by_any_number_of_workers),
		cmocka_unit_test(a_local_port_is_of_one_of_the_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
