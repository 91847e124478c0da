/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where packets come in and go out: the loop of a worker core. One iteration takes what Linux
 * sent, what other workers handed over, then a burst from each port; the pipeline (lb/pipeline.c)
 * decides what becomes of each packet. A slice of the sweep and of listings ends the iteration,
 * with nothing of the snapshot in hand.
 */
#include "worker.h"

#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "lb/emit.h"
#include "lb/pipeline.h"

#define IDLE_POLLS 512 /* polls without a packet before an adaptive worker sleeps */
#define SLEEP_NS   100000

static unsigned from_linux(struct sl_worker_loop *loop);
static unsigned from_workers(struct sl_worker_loop *loop);
static unsigned from_ports(struct sl_worker_loop *loop);
static void account(struct sl_worker *w, unsigned packets, uint64_t cycles);
static uint64_t rest(struct sl_worker_loop *loop, unsigned packets, uint64_t now);

static bool stopping(const struct sl_worker_loop *loop)
{
	return __atomic_load_n(&loop->stop, __ATOMIC_RELAXED);
}

int sl_worker_run(void *arg)
{
	struct sl_worker_loop *loop = arg;
	struct sl_worker *w = loop->w;
	uint64_t began = rte_rdtsc();

	/* The kernel would else make sleeps longer by 50 us, to wake up for several at once. */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	sl_worker_online(w);
	while (!stopping(loop)) {
		unsigned packets;
		uint64_t ended;

		sl_worker_poll_begin(w, sl_tsc_ns(loop->clock, began, w->now_ns));
		packets = from_linux(loop);
		packets += from_workers(loop);
		packets += from_ports(loop);
		sl_worker_housekeeping(w);
		sl_worker_poll_end(w);

		ended = rte_rdtsc();
		account(w, packets, ended - began);
		began = rest(loop, packets, ended);
	}
	sl_worker_offline(w);
	return 0;
}

void sl_worker_stop(struct sl_worker_loop *loop)
{
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELAXED);
}

static uint64_t bytes_of(struct rte_mbuf *const *pkts, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
	return bytes;
}

/* Out of a port, or into the ring of the worker that has a queue there; never waits. */
static void transmit(struct sl_worker_loop *loop, unsigned port, struct rte_mbuf **pkts, unsigned n)
{
	const struct sl_worker_tx *tx = &loop->tx[port];
	struct sl_worker_stats *stats = &loop->w->stats;
	uint64_t bytes = bytes_of(pkts, n);
	unsigned sent;

	if (tx->ring != NULL)
		sent = rte_ring_sp_enqueue_burst(tx->ring, (void *const *)pkts, n, NULL);
	else
		sent = rte_eth_tx_burst(tx->ethdev, tx->queue, pkts, (uint16_t)n);
	if (unlikely(sent < n)) {
		bytes -= bytes_of(pkts + sent, n - sent);
		sl_count_add(stats->drops[SL_DROP_TX_FULL], n - sent);
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	}
	/* What goes by ring is counted here too: who decided to send it is who counts it. */
	sl_count_add(stats->tx_packets[port], sent);
	sl_count_add(stats->tx_bytes[port], bytes);
	if (unlikely(tx->device != port)) {
		sl_count_add(stats->tx_packets[tx->device], sent);
		sl_count_add(stats->tx_bytes[tx->device], bytes);
	}
}

/* One run of the pipeline, and the emptying of what it filled. */
static void forward(struct sl_worker_loop *loop, struct rte_mbuf **pkts, unsigned n)
{
	struct sl_worker *w = loop->w;

	sl_pipeline_run(w, pkts, n);
	for (unsigned port = 0; port < loop->n_ports; port++) {
		struct sl_out *out = &w->tx[port];

		if (out->n > 0)
			transmit(loop, port, out->pkts, out->n);
		out->n = 0;
	}
	if (w->freed.n > 0)
		rte_pktmbuf_free_bulk(w->freed.pkts, w->freed.n);
	w->freed.n = 0;
}

/*
 * What Linux sent goes out ahead of what is forwarded: a routing daemon's hello must not wait
 * behind a flood.
 */
static unsigned from_linux(struct sl_worker_loop *loop)
{
	struct rte_mbuf *pkts[SL_BURST];
	unsigned packets = 0;

	for (unsigned i = 0; i < loop->n_linux; i++) {
		const struct sl_worker_source *from = &loop->linux_tx[i];
		unsigned n = rte_ring_sc_dequeue_burst(from->ring, (void **)pkts, SL_BURST, NULL);

		if (n > 0)
			transmit(loop, from->port, pkts, n);
		packets += n;
	}
	return packets;
}

/* Sends for a worker that has no queue there and has counted the packets already. */
static unsigned send_for(struct sl_worker_loop *loop, const struct sl_worker_source *from)
{
	const struct sl_worker_tx *tx = &loop->tx[from->port];
	struct rte_mbuf *pkts[SL_BURST];
	unsigned n = rte_ring_sc_dequeue_burst(from->ring, (void **)pkts, SL_BURST, NULL);
	unsigned sent;

	if (n == 0)
		return 0;
	sent = rte_eth_tx_burst(tx->ethdev, tx->queue, pkts, (uint16_t)n);
	if (unlikely(sent < n)) {
		sl_count_add(loop->w->stats.drops[SL_DROP_TX_FULL], n - sent);
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	}
	return n;
}

/* Handed-over packets come before new ones: their owner's delay is another worker's full ring. */
static unsigned from_workers(struct sl_worker_loop *loop)
{
	struct rte_mbuf *pkts[SL_BURST];
	unsigned packets = 0, n;

	for (unsigned i = 0; i < loop->n_relay; i++)
		packets += send_for(loop, &loop->relay[i]);
	n = sl_worker_take_handover(loop->w, pkts);
	if (n > 0)
		forward(loop, pkts, n);
	return packets + n;
}

static unsigned from_ports(struct sl_worker_loop *loop)
{
	struct sl_worker_stats *stats = &loop->w->stats;
	struct rte_mbuf *pkts[SL_BURST];
	unsigned packets = 0;

	for (unsigned i = 0; i < loop->n_rx; i++) {
		const struct sl_worker_rx *rx = &loop->rx[i];
		unsigned n = rte_eth_rx_burst(rx->ethdev, rx->queue, pkts, SL_BURST);

		if (n == 0)
			continue;
		for (unsigned k = 0; k < n; k++) {
			struct sl_mbuf_meta *meta = rte_mbuf_to_priv(pkts[k]);

			pkts[k]->port = rx->port; /* our number of it, not DPDK's */
			*meta = (struct sl_mbuf_meta){0};
		}
		sl_count_add(stats->rx_packets[rx->port], n);
		sl_count_add(stats->rx_bytes[rx->port], bytes_of(pkts, n));
		forward(loop, pkts, n);
		packets += n;
	}
	return packets;
}

static void account(struct sl_worker *w, unsigned packets, uint64_t cycles)
{
	sl_count_add(w->stats.polls, 1);
	sl_count_add(w->stats.total_tsc, cycles);
	if (packets > 0)
		sl_count_add(w->stats.busy_tsc, cycles);
	else
		sl_count_add(w->stats.polls_idle, 1);
}

/*
 * Between two iterations. The only place where a worker sleeps. Returns the time at which the next
 * iteration begins: what was slept through is no part of it.
 */
static uint64_t rest(struct sl_worker_loop *loop, unsigned packets, uint64_t now)
{
	const struct timespec pause = {.tv_nsec = SLEEP_NS};
	uint64_t woken;

	/* A listing waits for a slice of work in each iteration: it goes on at full speed. */
	if (packets > 0 || sl_worker_is_asked(loop->w)) {
		loop->idle = 0;
		return now;
	}
	if (!loop->adaptive || loop->idle < IDLE_POLLS) {
		loop->idle++;
		rte_pause();
		return now;
	}
	sl_worker_offline(loop->w);
	nanosleep(&pause, NULL);
	sl_worker_online(loop->w);
	woken = rte_rdtsc();
	sl_count_add(loop->w->stats.sleeps, 1);
	sl_count_add(loop->w->stats.total_tsc, woken - now);
	return woken;
}

static void add_port(struct sl_worker_loop *loop, const struct sl_port_dev *dev, unsigned index,
	unsigned n_workers)
{
	const struct sl_port_dev *device = sl_port_device(dev);

	loop->tx[dev->index] = (struct sl_worker_tx){.ethdev = device->ethdev,
		.queue = (uint16_t)index,
		.ring = device->worker_ring[index],
		.device = device->index};
	if (dev->parent != NULL)
		return; /* what comes in and what others send is its parent's */
	if (index < dev->n_rxq)
		loop->rx[loop->n_rx++] = (struct sl_worker_rx){
			.ethdev = dev->ethdev, .queue = (uint16_t)index, .port = dev->index};
	if (index == 0 && dev->twin_ring != NULL)
		loop->linux_tx[loop->n_linux++] =
			(struct sl_worker_source){.ring = dev->twin_ring, .port = dev->index};
	for (unsigned other = dev->n_worker_txq; other < n_workers; other++) {
		if (other % dev->n_worker_txq == index)
			loop->relay[loop->n_relay++] = (struct sl_worker_source){
				.ring = dev->worker_ring[other], .port = dev->index};
	}
}

static struct rte_mbuf *alloc_buffer(void *pool)
{
	return rte_pktmbuf_alloc(pool);
}

/* That of the ports of the worker's own node, if there are any. */
static struct rte_mempool *pool_of(const struct sl_worker *w, const struct sl_ports *ports)
{
	struct rte_mempool *pool = NULL;

	for (unsigned i = 0; i < ports->n; i++) {
		if (pool == NULL || ports->dev[i].numa == w->numa)
			pool = ports->dev[i].pool;
	}
	return pool;
}

void sl_worker_loop_init(struct sl_worker_loop *loop, struct sl_worker *w,
	const struct sl_ports *ports, const struct sl_tsc *clock, bool adaptive)
{
	*loop = (struct sl_worker_loop){.w = w, .clock = clock, .adaptive = adaptive};
	w->alloc_arg = pool_of(w, ports);
	w->alloc = w->alloc_arg != NULL ? alloc_buffer : NULL;
	loop->n_ports = ports->n;
	for (unsigned i = 0; i < ports->n; i++)
		add_port(loop, &ports->dev[i], w->index, w->engine->n_workers);
}
