/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that are seen from both sides: who owns them, how their states move, what errors do
 * to them. The bytes are checked in tests/vector/vectors/nat.vec.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "packet.h"
#include "rig.h"

#define VIP    PACKET_IP(198, 51, 100, 1)
#define CLIENT PACKET_IP(203, 0, 113, 1)
#define SERVER PACKET_IP(192, 0, 2, 12)
#define ROUTER PACKET_IP(192, 0, 2, 99)

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static const struct rig_server nat[] = {{SERVER, 1, SL_FWD_NAT, .port = 8080}};

static void route(struct rig *rig, const char *text)
{
	struct sl_addr gateway = sl_addr_v4(rte_cpu_to_be_32(PACKET_IP(192, 0, 2, 254)));
	struct sl_prefix prefix;

	assert_int_equal(sl_prefix_parse(text, &prefix), 0);
	rig_route(rig, &prefix, SL_ROUTE_HOP, 0, &gateway);
}

static void open_nat(struct rig *rig, unsigned workers)
{
	const struct rig_params params = {.workers = workers};

	rig_open(rig, &params);
	route(rig, "0.0.0.0/0");
	rig_service(rig, IPPROTO_TCP, VIP, 80, "rr", nat, 1);
}

static struct packet request(uint16_t port, uint8_t flags)
{
	return (struct packet){
		.src = CLIENT, .dst = VIP, .src_port = port, .dst_port = 80, .flags = flags};
}

static struct packet response(uint16_t port, uint8_t flags)
{
	return (struct packet){
		.src = SERVER, .dst = CLIENT, .src_port = 8080, .dst_port = port, .flags = flags};
}

/* Gives the packet to one worker, and all of them a poll. Where it ended, and at which worker. */
static enum rig_end
deliver(struct rig *rig, unsigned to, const struct packet *p, unsigned *at, uint8_t frame[14 + 40])
{
	struct rte_mbuf *mbuf = packet_make(p);
	enum rig_end end = RIG_LOST;
	unsigned what;

	rig_poll(rig, to, &mbuf, 1);
	for (unsigned i = 0; i < rig->engine->n_workers; i++)
		rig_poll_handover(rig, i);
	for (*at = 0; *at < rig->engine->n_workers; (*at)++) {
		end = rig_end_of(rig, *at, mbuf, &what);
		if (end != RIG_LOST)
			break;
	}
	memcpy(frame, rte_pktmbuf_mtod(mbuf, void *), 14 + 40);
	packet_free(mbuf);
	return end;
}

/* Source and destination of a frame, IPv4. */
static void assert_endpoints(const uint8_t *frame, uint32_t src, uint32_t dst)
{
	rte_be32_t wire[2] = {rte_cpu_to_be_32(src), rte_cpu_to_be_32(dst)};

	assert_memory_equal(frame + 14 + 12, wire, sizeof(wire));
}

static void both_directions_meet_at_the_owner(void **state)
{
	static const unsigned counts[] = {1, 2, 4, 8};
	uint8_t frame[14 + 40];
	struct sl_rand rand;

	sl_rand_seed(&rand, 3);
	for (size_t i = 0; i < RTE_DIM(counts); i++) {
		struct rig rig;

		open_nat(&rig, counts[i]);
		for (uint16_t port = 1000; port < 1200; port++) {
			unsigned owner = rig_owner(&rig, CLIENT, port), at;
			struct packet in = request(port, SYN), out = response(port, SYN | ACK);
			struct packet error = {
				.src = ROUTER, .dst = CLIENT, .protocol = 1, .icmp_type = 11};
			struct packet gone = {.src = CLIENT,
				.dst = VIP,
				.protocol = 1,
				.icmp_type = 3,
				.icmp_code = 1};
			struct packet to_server = request(port, ACK),
				      to_client = response(port, ACK);

			to_server.dst = SERVER;
			to_server.dst_port = 8080;
			to_client.src = VIP;
			to_client.src_port = 80;
			error.quoted = &to_server;
			gone.quoted = &to_client;
			assert_int_equal(deliver(&rig, (unsigned)sl_rand_below(&rand, counts[i]),
						 &in, &at, frame),
				RIG_SENT);
			assert_int_equal(at, owner);
			assert_endpoints(frame, CLIENT, SERVER);
			assert_int_equal(deliver(&rig, (unsigned)sl_rand_below(&rand, counts[i]),
						 &out, &at, frame),
				RIG_SENT);
			assert_int_equal(at, owner);
			assert_endpoints(frame, VIP, CLIENT);
			/* Errors about either direction, from whomever. */
			assert_int_equal(deliver(&rig, (unsigned)sl_rand_below(&rand, counts[i]),
						 &error, &at, frame),
				RIG_SENT);
			assert_int_equal(at, owner);
			assert_endpoints(frame, VIP, CLIENT);
			assert_int_equal(deliver(&rig, (unsigned)sl_rand_below(&rand, counts[i]),
						 &gone, &at, frame),
				RIG_SENT);
			assert_int_equal(at, owner);
			assert_endpoints(frame, CLIENT, SERVER);
		}
		rig_close(&rig);
	}
}

static void assert_passes(struct rig *rig, struct packet p)
{
	uint8_t frame[14 + 40];
	unsigned at;

	assert_int_equal(deliver(rig, 0, &p, &at, frame), RIG_SENT);
}

static void count(const struct rig *rig, struct sl_counters *sum)
{
	struct sl_service_key key = {
		.protocol = IPPROTO_TCP, .vip = sl_addr_v4(rte_cpu_to_be_32(VIP)), .port = 80};
	struct sl_addr server = sl_addr_v4(rte_cpu_to_be_32(SERVER));

	sl_engine_counters(
		rig->engine, sl_registry_server(rig->engine->registry, &key, &server, 8080), sum);
}

static struct sl_conn_view only_entry(const struct rig *rig)
{
	struct sl_conn_view views[SL_QUERY_ROOM];
	uint64_t cursor = 0;
	unsigned n = 0;

	while (cursor != UINT64_MAX)
		n += sl_conn_copy(
			rig->engine->workers[0]->narrow, &cursor, 16, views + n, SL_QUERY_ROOM - n);
	assert_int_equal(n, 1);
	return views[0];
}

static void states_follow_both_sides(void **state)
{
	static const struct {
		bool out;
		uint8_t flags;
		enum sl_state state;
	} steps[] = {{false, SYN, SL_STATE_SYN_RECV}, {true, SYN | ACK, SL_STATE_SYN_RECV},
		{false, ACK, SL_STATE_ESTABLISHED}, {true, ACK, SL_STATE_ESTABLISHED},
		{true, FIN | ACK, SL_STATE_FIN_WAIT}, {false, FIN | ACK, SL_STATE_TIME_WAIT}};
	struct sl_counters sum;
	struct rig rig;

	open_nat(&rig, 1);
	for (size_t i = 0; i < RTE_DIM(steps); i++) {
		rig.time.ns += SL_NS_PER_S;
		assert_passes(&rig,
			steps[i].out ? response(1000, steps[i].flags)
				     : request(1000, steps[i].flags));
		assert_int_equal(only_entry(&rig).state, steps[i].state);
		assert_int_equal(only_entry(&rig).tick, (sl_tick)(rig.time.ns / SL_NS_PER_S));
		assert_int_equal(only_entry(&rig).kind, SL_CONN_NAT);
	}
	count(&rig, &sum);
	assert_int_equal(sum.in_packets, 3);
	assert_int_equal(sum.out_packets, 3);
	assert_int_equal(sum.in_bytes, 120);
	assert_int_equal(sum.out_bytes, 120);
	assert_int_equal(sum.active, 0);
	assert_int_equal(sum.inactive, 1);
	/* A SYN on what has ended begins anew. */
	assert_passes(&rig, request(1000, SYN));
	count(&rig, &sum);
	assert_int_equal(sum.connections, 2);
	assert_int_equal(sum.active, 1);
	assert_int_equal(sum.inactive, 0);
	rig_close(&rig);
}

/* A SYN of the server's does not take the client's place, and payload of its own proves nothing. */
static void replies_open_and_prove_nothing(void **state)
{
	struct packet data = response(1000, ACK), syn = response(1000, SYN);
	struct sl_counters sum;
	struct rig rig;

	open_nat(&rig, 1);
	assert_passes(&rig, request(1000, SYN));
	assert_passes(&rig, request(1000, RST));
	data.payload = 100;
	assert_passes(&rig, data);
	assert_int_equal(only_entry(&rig).flags & SL_CONN_DATA, 0);
	assert_passes(&rig, syn);
	count(&rig, &sum);
	assert_int_equal(sum.connections, 1);
	rig_close(&rig);
}

static void errors_change_nothing_but_counts(void **state)
{
	struct packet quoted = request(1000, ACK),
		      error = {.src = SERVER,
			      .dst = CLIENT,
			      .protocol = 1,
			      .icmp_type = 3,
			      .quoted = &quoted};
	struct sl_conn_view before, after;
	struct sl_counters sum;
	struct rig rig;

	open_nat(&rig, 1);
	assert_passes(&rig, request(1000, SYN));
	before = only_entry(&rig);
	quoted.dst = SERVER;
	quoted.dst_port = 8080;
	rig.time.ns += 5 * SL_NS_PER_S;
	assert_passes(&rig, error);
	after = only_entry(&rig);
	assert_int_equal(after.state, before.state);
	assert_int_equal(after.tick, before.tick);
	count(&rig, &sum);
	assert_int_equal(sum.out_packets, 1);
	rig_close(&rig);
}

/* As LVS: what clients send to a removed server is dropped, what it still sends to them leaves. */
static void a_removed_server_may_still_answer(void **state)
{
	struct packet in = request(1000, ACK);
	uint8_t frame[14 + 40];
	struct rig rig;
	unsigned at;

	open_nat(&rig, 1);
	rig_service(&rig, IPPROTO_TCP, VIP, 81, "rr", nat, 1);
	assert_passes(&rig, request(1000, SYN));
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", NULL, 0);
	assert_passes(&rig, response(1000, SYN | ACK));
	assert_int_equal(deliver(&rig, 0, &in, &at, frame), RIG_DROPPED);
	assert_int_equal(rig.engine->workers[0]->stats.drops[SL_DROP_SERVER_REMOVED], 1);
	rig_close(&rig);
}

/* A connection goes on by the method under which it began. */
static void another_method_is_for_new_connections(void **state)
{
	static const struct rig_server dr[] = {{SERVER, 1, SL_FWD_DR}};
	static const struct rig_server same_port[] = {{SERVER, 1, SL_FWD_NAT}};
	uint8_t frame[14 + 40];
	struct packet in = request(1000, ACK), fresh = request(1001, SYN);
	struct rig rig;
	unsigned at;

	open_nat(&rig, 1);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", same_port, 1);
	assert_passes(&rig, request(1000, SYN));
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", dr, 1);
	assert_int_equal(deliver(&rig, 0, &in, &at, frame), RIG_SENT);
	assert_endpoints(frame, CLIENT, SERVER);
	assert_int_equal(deliver(&rig, 0, &fresh, &at, frame), RIG_SENT);
	assert_endpoints(frame, CLIENT, VIP);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", same_port, 1);
	fresh.flags = ACK;
	assert_int_equal(deliver(&rig, 0, &fresh, &at, frame), RIG_SENT);
	assert_endpoints(frame, CLIENT, VIP);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_meet_at_the_owner),
		cmocka_unit_test(states_follow_both_sides),
		cmocka_unit_test(replies_open_and_prove_nothing),
		cmocka_unit_test(errors_change_nothing_but_counts),
		cmocka_unit_test(a_removed_server_may_still_answer),
		cmocka_unit_test(another_method_is_for_new_connections),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
