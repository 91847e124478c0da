/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of a worker core, on devices that are arrays and in one thread. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "packet.h"
#include "rig.h"
#include "worker.h"

#define VIP    PACKET_IP(192, 168, 8, 100)
#define CLIENT PACKET_IP(192, 168, 8, 1)
#define SERVER PACKET_IP(192, 168, 8, 12)

/* One queue pair of a device. */
struct fake {
	struct rte_mbuf *rx[SL_BURST];
	unsigned n_rx;
	struct rte_mbuf *tx[4 * SL_BURST];
	unsigned n_tx, room;
	unsigned hold;  /* polls before something arrives */
	unsigned polls; /* until the loop is stopped */
	struct sl_worker_loop *loop;
};

struct bench {
	struct rig rig;
	struct fake fake;
	void *queues[2];
	void *callbacks[2];
	struct sl_ports ports;
	struct sl_tsc clock;
	struct sl_worker_loop loop;
};

static uint16_t fake_rx(void *queue, struct rte_mbuf **pkts, uint16_t max)
{
	struct fake *fake = queue;
	uint16_t n = (uint16_t)RTE_MIN(fake->n_rx, max);

	if (fake->hold > 0) {
		fake->hold--;
		n = 0;
	} else {
		memcpy(pkts, fake->rx, n * sizeof(*pkts));
		fake->n_rx = 0;
	}
	if (fake->polls-- == 0)
		sl_worker_stop(fake->loop);
	return n;
}

static uint16_t fake_tx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct fake *fake = queue;

	if (n > fake->room)
		n = (uint16_t)fake->room;
	memcpy(fake->tx + fake->n_tx, pkts, n * sizeof(*pkts));
	fake->n_tx += n;
	fake->room -= n;
	return n;
}

static struct rte_ring *make_ring(void)
{
	struct rte_ring *ring;

	if (posix_memalign((void **)&ring, 64, (size_t)rte_ring_get_memsize(64)) != 0)
		abort();
	rte_ring_init(ring, "test", 64, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return ring;
}

static int setup(void **state)
{
	const struct rig_params params = {.workers = 2, .connections = 100000};
	const struct rig_server server = {SERVER, 1, SL_FWD_DR};
	struct bench *b = calloc(1, sizeof(*b));
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[3];

	rig_open(&b->rig, &params);
	rig_service(&b->rig, 6, VIP, 80, "rr", &server, 1);
	b->fake.room = 4 * SL_BURST;
	b->queues[0] = &b->fake;
	b->queues[1] = &b->fake;
	ops->rx_pkt_burst = fake_rx;
	ops->tx_pkt_burst = fake_tx;
	ops->rxq.data = b->queues;
	ops->txq.data = b->queues;
	ops->rxq.clbk = b->callbacks;
	ops->txq.clbk = b->callbacks;
	b->ports.n = 1;
	b->ports.dev[0] = (struct sl_port_dev){
		.ethdev = 3, .n_rxq = 1, .n_txq = 1, .n_worker_txq = 1, .twin_ring = make_ring()};
	b->ports.dev[0].worker_ring[1] = make_ring();
	sl_tsc_init(&b->clock, 1000000000);
	sl_tsc_anchor(&b->clock, 0, b->rig.time.ns);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < b->fake.n_tx; i++)
		packet_free(b->fake.tx[i]);
	free(b->ports.dev[0].twin_ring);
	free(b->ports.dev[0].worker_ring[1]);
	rig_close(&b->rig);
	free(b);
	return 0;
}

/* Runs the loop of a worker for some polls. */
static struct sl_worker *run(struct bench *b, unsigned worker, bool adaptive, unsigned polls)
{
	struct sl_worker *w = b->rig.engine->workers[worker];

	sl_worker_loop_init(&b->loop, w, &b->ports, &b->clock, adaptive);
	b->fake.loop = &b->loop;
	b->fake.polls = polls;
	if (b->loop.n_rx == 0) { /* nobody counts its polls: one is enough */
		b->loop.rx[b->loop.n_rx++] = (struct sl_worker_rx){.ethdev = 3};
		b->fake.polls = 0;
	}
	assert_int_equal(sl_worker_run(&b->loop), 0);
	return w;
}

/* A SYN from a client that worker 0 owns. */
static struct rte_mbuf *syn(const struct bench *b, unsigned owner)
{
	struct packet p = {
		.src = CLIENT, .dst = VIP, .src_port = 1024, .dst_port = 80, .flags = SL_TCP_SYN};

	while (rig_owner(&b->rig, p.src, p.src_port) != owner)
		p.src_port++;
	return packet_make(&p);
}

static void a_packet_goes_in_and_out(void **state)
{
	struct bench *b = *state;
	struct rte_mbuf *mbuf = syn(b, 0);
	struct sl_mbuf_meta *meta = rte_mbuf_to_priv(mbuf);
	struct sl_worker *w;
	uint8_t mac[6];

	mbuf->port = 3; /* DPDK's number */
	meta->hops = 2; /* of the buffer's last use */
	b->fake.rx[b->fake.n_rx++] = mbuf;
	w = run(b, 0, false, 3);
	assert_int_equal(b->fake.n_tx, 1);
	rig_mac_of(SERVER, mac);
	assert_memory_equal(rte_pktmbuf_mtod(b->fake.tx[0], uint8_t *), mac, 6);
	assert_int_equal(mbuf->port, 0);
	assert_int_equal(meta->hops, 0);
	assert_int_equal(w->stats.rx_packets[0], 1);
	assert_int_equal(w->stats.rx_bytes[0], mbuf->pkt_len);
	assert_int_equal(w->stats.tx_packets[0], 1);
	assert_int_equal(w->stats.tx_bytes[0], mbuf->pkt_len);
	assert_int_equal(w->stats.bursts, 1);
	assert_int_equal(w->stats.polls, 4);
	assert_int_equal(w->stats.polls_idle, 3);
	assert_true(w->stats.busy_tsc > 0 && w->stats.busy_tsc < w->stats.total_tsc);
}

/* A VLAN sends through its parent; both count. */
static void a_vlan_sends_through_its_parent(void **state)
{
	const struct rig_server server = {SERVER, 1, SL_FWD_DR};
	struct bench *b = *state;
	struct rte_mbuf *mbuf = syn(b, 0);
	struct sl_worker *w;

	b->ports.n = 2;
	b->ports.dev[1] = (struct sl_port_dev){
		.ethdev = 3, .index = 1, .parent = &b->ports.dev[0], .vlan = 5};
	rig_vlan(&b->rig, 5);
	b->rig.adj_port = 1;
	rig_service_delete(&b->rig, 6, VIP, 80);
	rig_service(&b->rig, 6, VIP, 80, "rr", &server, 1);
	assert_int_equal(sl_port_device(&b->ports.dev[1])->index, 0);
	b->fake.rx[b->fake.n_rx++] = mbuf;
	w = run(b, 0, false, 1);
	assert_int_equal(b->loop.n_rx, 1);
	assert_int_equal(b->fake.n_tx, 1);
	assert_memory_equal(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, 12), "\x81\x00\x00\x05", 4);
	for (unsigned port = 0; port < 2; port++) {
		assert_int_equal(w->stats.tx_packets[port], 1);
		assert_int_equal(w->stats.tx_bytes[port], mbuf->pkt_len);
	}
}

static void what_the_device_refuses_is_counted_and_freed(void **state)
{
	struct bench *b = *state;
	struct rte_mbuf *mbuf = syn(b, 0);
	struct sl_worker *w;

	rte_mbuf_refcnt_set(mbuf, 2);
	b->fake.rx[b->fake.n_rx++] = mbuf;
	b->fake.room = 0;
	w = run(b, 0, false, 1);
	assert_int_equal(w->stats.drops[SL_DROP_TX_FULL], 1);
	assert_int_equal(w->stats.tx_packets[0], 0);
	assert_int_equal(w->stats.tx_bytes[0], 0);
	assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
	packet_free(mbuf);
}

static void what_linux_sent_goes_first(void **state)
{
	struct bench *b = *state;
	struct rte_mbuf *hello = packet_mbuf("hello", 5, 0);

	b->fake.rx[b->fake.n_rx++] = syn(b, 0);
	rte_ring_sp_enqueue(b->ports.dev[0].twin_ring, hello);
	run(b, 0, false, 1);
	assert_int_equal(b->fake.n_tx, 2);
	assert_ptr_equal(b->fake.tx[0], hello);
}

static void a_worker_without_a_queue_sends_through_the_owner(void **state)
{
	struct bench *b = *state;
	struct sl_worker *one, *zero;

	/* Worker 0 hands over, worker 1 forwards into the ring, worker 0 sends. */
	b->fake.rx[b->fake.n_rx++] = syn(b, 1);
	zero = run(b, 0, false, 1);
	assert_int_equal(zero->stats.handed_over[0], 1);
	assert_int_equal(b->fake.n_tx, 0);
	one = run(b, 1, false, 1);
	assert_int_equal(one->stats.handover_received, 1);
	assert_int_equal(b->fake.n_tx, 0);
	assert_int_equal(rte_ring_count(b->ports.dev[0].worker_ring[1]), 1);
	zero = run(b, 0, false, 1);
	assert_int_equal(b->fake.n_tx, 1);
	assert_int_equal(one->stats.tx_packets[0], 1);
	assert_int_equal(zero->stats.tx_packets[0], 0);
}

static void only_an_adaptive_worker_sleeps_and_only_when_idle(void **state)
{
	struct bench *b = *state;

	assert_int_equal(run(b, 0, false, 2000)->stats.sleeps, 0);
	assert_int_equal(run(b, 0, true, 100)->stats.sleeps, 0);
	assert_in_range(run(b, 0, true, 530)->stats.sleeps, 1, 40);
}

static uint64_t cycles_of_a_sleep(void)
{
	uint64_t began = rte_rdtsc();

	nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	return rte_rdtsc() - began;
}

/* One try in which nobody takes the processor away in the middle is enough. */
static void sleep_is_not_work(void **state)
{
	struct bench *b = *state;
	struct sl_worker_stats *stats = &b->rig.engine->workers[0]->stats;
	uint64_t sleep = cycles_of_a_sleep();
	bool told_apart = false;

	for (unsigned i = 0; i < 20 && !told_apart; i++) {
		uint64_t busy = stats->busy_tsc, total = stats->total_tsc;

		b->fake.hold = 513;
		b->fake.rx[b->fake.n_rx++] = syn(b, 0);
		run(b, 0, true, 513);
		assert_int_equal(stats->sleeps, i + 1);
		assert_true(stats->total_tsc - total > stats->busy_tsc - busy);
		told_apart = stats->busy_tsc - busy < sleep / 2;
	}
	assert_true(told_apart);
}

static void a_listing_keeps_a_worker_awake(void **state)
{
	static struct sl_conn_view views[SL_QUERY_ROOM];
	struct sl_conn_query query = {.state = -1, .max = SL_QUERY_ROOM, .out = views};
	struct bench *b = *state;

	sl_engine_query_post(b->rig.engine, 0, &query);
	assert_int_equal(run(b, 0, true, 600)->stats.sleeps, 0);
	assert_false(sl_engine_query_done(&query)); /* it was there all the time */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_packet_goes_in_and_out),
		TEST(a_vlan_sends_through_its_parent),
		TEST(what_the_device_refuses_is_counted_and_freed),
		TEST(what_linux_sent_goes_first),
		TEST(a_worker_without_a_queue_sends_through_the_owner),
		TEST(only_an_adaptive_worker_sleeps_and_only_when_idle),
		TEST(sleep_is_not_work),
		TEST(a_listing_keeps_a_worker_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
