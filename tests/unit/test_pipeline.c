/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What holds for every packet and every burst. What happens to which packet is written down in
 * tests/vector.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/publish.h"
#include "packet.h"
#include "rig.h"

#define VIP    PACKET_IP(198, 51, 100, 1)
#define OTHER  PACKET_IP(198, 51, 100, 2) /* a VIP with an any-port service */
#define DIP    PACKET_IP(192, 0, 2, 1)
#define CLIENT PACKET_IP(203, 0, 113, 0)
#define SERVER PACKET_IP(192, 0, 2, 12)

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static const struct rig_server three[] = {
	{SERVER, 1, SL_FWD_DR}, {SERVER + 1, 2, SL_FWD_DR}, {SERVER + 2, 0, SL_FWD_DR}};

static struct packet tcp(uint16_t client_port, uint8_t flags)
{
	return (struct packet){.src = CLIENT + 1,
		.dst = VIP,
		.src_port = client_port,
		.dst_port = 80,
		.flags = flags};
}

static uint64_t drops(const struct rig *rig, unsigned worker, enum sl_drop reason)
{
	return sl_count_read(rig->engine->workers[worker]->stats.drops[reason]);
}

/* One packet through a worker; gone afterwards. */
static enum rig_end pass(struct rig *rig, unsigned worker, const struct packet *p, unsigned *what)
{
	struct rte_mbuf *mbuf = packet_make(p);
	enum rig_end end;

	rig_poll(rig, worker, &mbuf, 1);
	end = rig_end_of(rig, worker, mbuf, what);
	packet_free(mbuf);
	return end;
}

static void assert_forwarded(struct rig *rig, const struct packet *p)
{
	unsigned what;

	assert_int_equal(pass(rig, 0, p, &what), RIG_SENT);
}

static void assert_dropped(struct rig *rig, const struct packet *p, enum sl_drop reason)
{
	uint64_t before = drops(rig, 0, reason);
	unsigned what;

	assert_int_equal(pass(rig, 0, p, &what), RIG_DROPPED);
	assert_int_equal(drops(rig, 0, reason), before + 1);
}

/* ---- bursts ---- */

/* Few clients and ports, so that connections meet themselves within a burst. */
static void random_packet(struct sl_rand *rand, struct packet *p)
{
	static const uint8_t flags[] = {SYN, SYN, ACK, ACK, ACK, FIN | ACK, RST, SYN | ACK, 0};
	static const uint16_t ports[] = {80, 80, 80, 443, 22, 53};

	*p = (struct packet){
		.src = CLIENT + 1 + (uint32_t)sl_rand_below(rand, 2),
		.dst = sl_rand_below(rand, 4) > 0 ? VIP : OTHER,
		.src_port = (uint16_t)(1000 + sl_rand_below(rand, 4)),
		.dst_port = ports[sl_rand_below(rand, RTE_DIM(ports))],
		.protocol = sl_rand_below(rand, 6) > 0 ? IPPROTO_TCP : IPPROTO_UDP,
		.flags = flags[sl_rand_below(rand, RTE_DIM(flags))],
		.ttl = sl_rand_below(rand, 20) > 0 ? 64 : 1,
		.payload = (uint16_t)(sl_rand_below(rand, 2) * 10),
		.fragment = sl_rand_below(rand, 50) > 0 ? 0 : 0x2000,
	};
	/* A server's: to the client of some connection, or of none. */
	if (sl_rand_below(rand, 4) == 0) {
		p->dst = p->src;
		p->dst_port = p->src_port;
		p->src = SERVER + (uint32_t)sl_rand_below(rand, 3);
		p->src_port = 443;
	}
}

static struct sl_addr in_ipv6(uint32_t address)
{
	struct sl_addr addr = {.family = 6, .bytes = {0x20, 1, 0x0d, 0xb8}};
	rte_be32_t wire = rte_cpu_to_be_32(address);

	memcpy(addr.bytes + 12, &wire, sizeof(wire));
	return addr;
}

/* Of either family, and errors about the packets of it; `quoted` is what they quote. */
static void random_kind(struct sl_rand *rand, struct packet *p, struct packet *quoted)
{
	random_packet(rand, p);
	if (sl_rand_below(rand, 6) == 0) {
		*quoted = *p;
		p->src = quoted->dst + (uint32_t)sl_rand_below(rand, 2);
		p->dst = quoted->src;
		p->protocol = IPPROTO_ICMP;
		p->icmp_type = sl_rand_below(rand, 2) == 0 ? 3 : 11;
		p->quoted = quoted;
		p->quote = (uint16_t)(sl_rand_below(rand, 3) * 14);
		p->fragment = quoted->fragment = 0;
	} else if (sl_rand_below(rand, 4) == 0) {
		p->from = in_ipv6(p->src);
		p->to = in_ipv6(p->dst);
		p->fragment = 0;
	}
}

static void set_ipv6(struct rig *rig)
{
	const struct rig_server servers[] = {
		{.weight = 1, .fwd = SL_FWD_NAT, .addr = in_ipv6(SERVER)},
		{.weight = 1, .fwd = SL_FWD_DR, .addr = in_ipv6(SERVER + 1)}};
	struct sl_service_key key = {.protocol = IPPROTO_TCP, .vip = in_ipv6(VIP), .port = 443};
	const struct sl_addr gateway = in_ipv6(DIP), gateway4 = sl_addr_v4(rte_cpu_to_be_32(DIP));
	const struct sl_prefix all4 = {.addr = {.family = 4}}, all6 = {.addr = {.family = 6}};

	rig_set(rig, &key, "rr", servers, 2, 0);
	rig_route(rig, &all4, SL_ROUTE_HOP, 0, &gateway4);
	rig_route(rig, &all6, SL_ROUTE_HOP, 0, &gateway);
}

static void random_change(struct rig *rig, uint64_t choice)
{
	static const struct rig_server masked[] = {
		{SERVER, 1, SL_FWD_NAT}, {SERVER + 1, 1, SL_FWD_NAT}};

	static const char *const schedulers[] = {"rr", "wrr", "lc", "wlc"};

	rig_service(rig, IPPROTO_TCP, VIP, 80, schedulers[choice / 8 % 4], three, choice % 4);
	rig_service(rig, IPPROTO_TCP, OTHER, 0, "lc", three, 3);
	rig_service(rig, IPPROTO_UDP, VIP, 53, "rr", three, 2);
	rig_service(rig, IPPROTO_TCP, VIP, 443, "rr", choice % 7 == 0 ? three : masked, 2);
	if (choice % 3 == 0)
		rig_service_delete(rig, IPPROTO_UDP, VIP, 53);
	if (choice % 5 == 0)
		rig_service(rig, IPPROTO_TCP, OTHER, 80, "wlc", three, 3);
}

static void
assert_same_end(struct rig *a, struct rte_mbuf *in_a, struct rig *b, struct rte_mbuf *in_b)
{
	unsigned what_a = 0, what_b = 0;
	enum rig_end end = rig_end_of(a, 0, in_a, &what_a);

	assert_int_not_equal(end, RIG_LOST);
	assert_int_equal(rig_end_of(b, 0, in_b, &what_b), end);
	assert_int_equal(what_a, what_b);
	assert_int_equal(in_a->data_len, in_b->data_len);
	assert_memory_equal(
		rte_pktmbuf_mtod(in_a, void *), rte_pktmbuf_mtod(in_b, void *), in_a->data_len);
	packet_free(in_a);
	packet_free(in_b);
}

/* A burst ends as its packets would have, one after the other. */
static void a_burst_is_its_packets(void **state)
{
	struct rig whole, single;
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	rig_open(&whole, NULL);
	rig_open(&single, NULL);
	set_ipv6(&whole);
	set_ipv6(&single);
	for (int round = 0; round < 600; round++) {
		struct rte_mbuf *in_whole[SL_BURST], *in_single[SL_BURST];
		unsigned n = 1 + (unsigned)sl_rand_below(&rand, SL_BURST);
		uint64_t choice = sl_rand_u64(&rand);

		if (round % 10 == 0) {
			random_change(&whole, choice);
			random_change(&single, choice);
		}
		whole.time.ns += choice % (20 * SL_NS_PER_S);
		single.time.ns = whole.time.ns;
		for (unsigned i = 0; i < n; i++) {
			struct packet p, quoted;

			random_kind(&rand, &p, &quoted);
			in_whole[i] = packet_make(&p);
			in_single[i] = packet_make(&p);
		}
		rig_poll(&whole, 0, in_whole, n);
		for (unsigned i = 0; i < n; i++) {
			rig_poll(&single, 0, &in_single[i], 1);
			assert_same_end(&whole, in_whole[i], &single, in_single[i]);
		}
	}
	assert_memory_equal(whole.engine->workers[0]->stats.drops,
		single.engine->workers[0]->stats.drops,
		sizeof(whole.engine->workers[0]->stats.drops));
	rig_close(&whole);
	rig_close(&single);
}

/* What a scheduler by load sees: each packet of the burst counted before the next. */
static void loads_count_within_a_burst(void **state)
{
	static const struct rig_server two[] = {{SERVER, 1, SL_FWD_DR}, {SERVER + 1, 1, SL_FWD_DR}};
	struct rte_mbuf *pkts[SL_BURST];
	struct sl_counters a, b;
	struct rig rig;
	unsigned what;

	rig_open(&rig, NULL);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "lc", two, 2);
	for (unsigned i = 0; i < SL_BURST; i++) {
		struct packet p = tcp((uint16_t)(1000 + i), SYN);

		pkts[i] = packet_make(&p);
	}
	rig_poll(&rig, 0, pkts, SL_BURST);
	for (unsigned i = 0; i < SL_BURST; i++) {
		assert_int_equal(rig_end_of(&rig, 0, pkts[i], &what), RIG_SENT);
		packet_free(pkts[i]);
	}
	rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER, &a);
	rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER + 1, &b);
	assert_int_equal(a.active, SL_BURST / 2);
	assert_int_equal(b.active, SL_BURST / 2);
	rig_close(&rig);
}

/* ---- any bytes ---- */

/* A frame with a few bytes changed and perhaps cut, whose header checksum is right again, often. */
static struct rte_mbuf *broken_packet(struct sl_rand *rand)
{
	uint8_t frame[PACKET_MAX];
	struct packet p, quoted;
	size_t length;

	random_kind(rand, &p, &quoted);
	length = packet_write(&p, frame);
	for (uint64_t n = sl_rand_below(rand, 4); n > 0; n--)
		frame[sl_rand_below(rand, length)] = (uint8_t)sl_rand_u64(rand);
	if (sl_rand_below(rand, 3) > 0) {
		uint16_t checksum;

		frame[24] = frame[25] = 0;
		checksum = packet_checksum(frame + 14, 20);
		frame[24] = (uint8_t)(checksum >> 8);
		frame[25] = (uint8_t)checksum;
	}
	if (sl_rand_below(rand, 4) == 0)
		length = sl_rand_below(rand, length + 1);
	return packet_mbuf(frame, length, 0);
}

static void every_packet_has_one_end(void **state)
{
	struct sl_rand rand;
	struct rig rig;

	sl_rand_seed(&rand, 2);
	rig_open(&rig, NULL);
	rig_local(&rig, VIP);
	random_change(&rig, 5);
	set_ipv6(&rig);
	for (int round = 0; round < 2000; round++) {
		struct rte_mbuf *pkts[SL_BURST];
		struct sl_worker *w = rig.engine->workers[0];
		uint64_t before = 0, after = 0, sent = w->stats.icmp_sent;
		unsigned n = 1 + (unsigned)sl_rand_below(&rand, SL_BURST), dropped = 0, what;

		for (unsigned i = 0; i < n; i++)
			pkts[i] = broken_packet(&rand);
		for (unsigned i = 0; i < SL_DROP_COUNT; i++)
			before += w->stats.drops[i];
		rig_poll(&rig, 0, pkts, n);
		for (unsigned i = 0; i < SL_DROP_COUNT; i++)
			after += w->stats.drops[i];
		for (unsigned i = 0; i < n; i++) {
			enum rig_end end = rig_end_of(&rig, 0, pkts[i], &what);

			assert_int_not_equal(end, RIG_LOST);
			assert_int_equal(rig_end_of(&rig, 0, pkts[i], &what), RIG_LOST);
			dropped += end == RIG_DROPPED;
			packet_free(pkts[i]);
		}
		/* Counted as dropped: those, and those that became the errors about themselves. */
		assert_int_equal(after - before, dropped + w->stats.icmp_sent - sent);
		rig.time.ns += SL_NS_PER_MS * 50;
	}
	rig_close(&rig);
}

/* ---- hand-over ---- */

static unsigned owner_of(const struct rig *rig, const struct packet *p)
{
	return rig_owner(rig, p->src, p->src_port);
}

static void packets_reach_their_owner(void **state)
{
	const struct rig_params params = {.workers = 3};
	struct packet p = tcp(1000, SYN), foreign = tcp(1000, SYN);
	unsigned owner, other, what;
	struct rte_mbuf *mbuf;
	struct rig rig;

	rig_open(&rig, &params);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 3);
	owner = owner_of(&rig, &p);
	other = (owner + 1) % 3;
	mbuf = packet_make(&p);
	rig_poll(&rig, other, &mbuf, 1);
	assert_int_equal(rig.engine->workers[other]->stats.handed_over[0], 1);
	assert_int_equal(rig_poll_handover(&rig, owner), 1);
	assert_int_equal(rig_end_of(&rig, owner, mbuf, &what), RIG_SENT);
	assert_int_equal(rig.engine->workers[owner]->stats.handover_received, 1);
	/* For a front once, at the worker that received it. */
	assert_int_equal(rig.engine->workers[other]->stats.balanced[0], 1);
	assert_int_equal(rig.engine->workers[owner]->stats.balanced[0], 0);
	packet_free(mbuf);

	/* Traffic that is not balanced stays where it arrived. */
	foreign.dst = DIP;
	rig_local(&rig, DIP);
	assert_int_equal(pass(&rig, other, &foreign, &what), RIG_PUNTED);
	assert_int_equal(what, SL_PUNT_HOST);
	rig_close(&rig);
}

static void a_packet_travels_once(void **state)
{
	const struct rig_params params = {.workers = 2};
	struct packet p = tcp(1000, SYN);
	struct rte_mbuf *mbuf;
	struct rig rig;
	unsigned other, what;

	rig_open(&rig, &params);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 3);
	other = 1 - owner_of(&rig, &p);
	mbuf = packet_make(&p);
	((struct sl_mbuf_meta *)rte_mbuf_to_priv(mbuf))->hops = 1;
	rig_poll(&rig, other, &mbuf, 1);
	assert_int_equal(rig_end_of(&rig, other, mbuf, &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, other, SL_DROP_HANDOVER_LOOP), 1);
	packet_free(mbuf);
	rig_close(&rig);
}

static void full_rings_drop(void **state)
{
	const struct rig_params params = {.workers = 2, .ring = 2};
	struct packet p = tcp(1000, SYN),
		      ping = {.src = CLIENT + 1, .dst = VIP, .protocol = 1, .payload = 8};
	struct rte_mbuf *pkts[3];
	struct rig rig;
	unsigned other, what;

	rig_open(&rig, &params);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 3);
	rig_local(&rig, VIP);
	other = 1 - owner_of(&rig, &p);
	for (int i = 0; i < 3; i++)
		pkts[i] = packet_make(&p);
	rig_poll(&rig, other, pkts, 3);
	assert_int_equal(rig_end_of(&rig, other, pkts[0], &what), RIG_HANDED_OVER);
	assert_int_equal(rig_end_of(&rig, other, pkts[1], &what), RIG_HANDED_OVER);
	assert_int_equal(rig_end_of(&rig, other, pkts[2], &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, other, SL_DROP_HANDOVER_FULL), 1);
	for (int i = 0; i < 3; i++) {
		packet_free(pkts[i]);
		pkts[i] = packet_make(&ping);
	}
	rig_poll(&rig, other, pkts, 3);
	assert_int_equal(rig_end_of(&rig, other, pkts[1], &what), RIG_PUNTED);
	assert_int_equal(what, SL_PUNT_ECHO);
	assert_int_equal(rig_end_of(&rig, other, pkts[0], &what), RIG_PUNTED);
	assert_int_equal(rig_end_of(&rig, other, pkts[2], &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, other, SL_DROP_PUNT_FULL), 1);
	for (int i = 0; i < 3; i++)
		packet_free(pkts[i]);
	rig_close(&rig);
}

/* ---- a full table ---- */

static void a_flood_takes_no_proven_connection(void **state)
{
	const struct rig_params params = {.connections = 64};
	struct sl_counters line;
	struct rig rig;
	unsigned refused = 0, what;

	rig_open(&rig, &params);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 1);
	for (uint16_t i = 0; i < 40; i++) {
		struct packet syn = tcp(1000 + i, SYN), data = tcp(1000 + i, ACK);

		data.payload = 1;
		assert_forwarded(&rig, &syn);
		assert_forwarded(&rig, &data);
	}
	for (uint16_t i = 0; i < 5000; i++) {
		struct packet syn = tcp(5000 + i, SYN);

		refused += pass(&rig, 0, &syn, &what) == RIG_DROPPED;
	}
	assert_int_equal(refused, drops(&rig, 0, SL_DROP_TABLE_FULL));
	for (uint16_t i = 0; i < 40; i++) {
		struct packet data = tcp(1000 + i, ACK);

		assert_forwarded(&rig, &data);
	}
	/* Those that had to go are no longer counted. */
	rig_counters(&rig, IPPROTO_TCP, VIP, 80, SERVER, &line);
	assert_int_equal(line.active, sl_conn_table_stats(rig.engine->workers[0]->narrow)->entries);
	assert_true(sl_conn_table_stats(rig.engine->workers[0]->narrow)->evicted_embryonic > 4000);
	rig_close(&rig);
}

static void only_proven_ones_refuse(void **state)
{
	const struct rig_params params = {.connections = 16};
	struct rig rig;
	unsigned what;

	rig_open(&rig, &params);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 1);
	for (uint16_t i = 0; i < 2000 && drops(&rig, 0, SL_DROP_TABLE_FULL) == 0; i++) {
		struct packet syn = tcp(1000 + i, SYN), data = tcp(1000 + i, ACK);

		data.payload = 1;
		pass(&rig, 0, &syn, &what);
		pass(&rig, 0, &data, &what);
	}
	assert_int_equal(drops(&rig, 0, SL_DROP_TABLE_FULL), 1);
	rig_close(&rig);
}

/* ---- a port without Linux ---- */

static void without_a_twin(void **state)
{
	struct packet ack = tcp(1000, ACK),
		      ping = {.src = CLIENT + 1, .dst = VIP, .protocol = 1, .payload = 8};
	struct packet syn = tcp(1001, SYN), udp = tcp(1002, 0), elsewhere = tcp(1003, SYN);
	struct rig rig;

	rig_open(&rig, NULL);
	rig.engine->ports[0].twin = false;
	rig.engine->ports[0].transit = SL_TRANSIT_DROP;
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 1);
	rig_local(&rig, VIP);
	udp.protocol = IPPROTO_UDP;
	elsewhere.dst = DIP;
	assert_forwarded(&rig, &syn);
	assert_dropped(&rig, &ack, SL_DROP_NO_CONNECTION);
	assert_dropped(&rig, &ping, SL_DROP_PUNT_NO_TWIN);
	assert_dropped(&rig, &udp, SL_DROP_PUNT_NO_TWIN);
	assert_dropped(&rig, &elsewhere, SL_DROP_TRANSIT);
	rig_close(&rig);
}

/* ---- servers whose time is over ---- */

static void a_reaped_server_is_forgotten(void **state)
{
	struct packet syn = tcp(1000, SYN), ack = tcp(1000, ACK);
	struct sl_conn_stats *stats;
	struct rig rig;
	unsigned what;

	rig_open(&rig, NULL);
	rig_timeout(&rig, SL_STATE_ESTABLISHED, 3600);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 2);
	stats = sl_conn_table_stats(rig.engine->workers[0]->narrow);
	assert_forwarded(&rig, &syn); /* to the second: it stands first */
	assert_forwarded(&rig, &ack);
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 1);
	assert_dropped(&rig, &ack, SL_DROP_SERVER_REMOVED);
	rig_sweep(&rig, 2);
	assert_int_equal(stats->entries, 1);

	/* It comes back within its 120 s, and so does the connection. */
	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 2);
	assert_forwarded(&rig, &ack);

	rig_service(&rig, IPPROTO_TCP, VIP, 80, "rr", three, 1);
	rig.time.ns += 121 * SL_NS_PER_S;
	rig_age(&rig);
	/* The server is being reaped: a miss, even before the sweep has come by. */
	rig_local(&rig, VIP);
	assert_int_equal(pass(&rig, 0, &ack, &what), RIG_PUNTED);
	assert_int_equal(what, SL_PUNT_STRAY);
	rig_sweep(&rig, 2);
	assert_int_equal(stats->entries, 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_its_packets),
		cmocka_unit_test(loads_count_within_a_burst),
		cmocka_unit_test(every_packet_has_one_end),
		cmocka_unit_test(packets_reach_their_owner),
		cmocka_unit_test(a_packet_travels_once),
		cmocka_unit_test(full_rings_drop),
		cmocka_unit_test(a_flood_takes_no_proven_connection),
		cmocka_unit_test(only_proven_ones_refuse),
		cmocka_unit_test(without_a_twin),
		cmocka_unit_test(a_reaped_server_is_forgotten),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
