/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet costs in the pipeline alone, no device around it: direct routing, one worker, ten
 * servers, each packet of a connection chosen at random among `flows`.
 *
 *	bench_pipeline [FLOWS] [SCHEDULER]
 *
 * Packets are stamped from an array before each run; rounds that only stamp are taken in turn with
 * whole ones and subtracted. Prints the best round: other work on the machine only ever adds.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/rand.h"
#include "net/parse.h"
#include "packet.h"
#include "rig.h"

#define VIP     PACKET_IP(198, 51, 100, 1)
#define SERVERS 10
#define ROUNDS  10
#define FRAME   54 /* Ethernet, IPv4, TCP */
#define PAGE    (2u << 20)

#define OFFSET_SOURCE      26
#define OFFSET_SOURCE_PORT 34
#define OFFSET_FLAGS       47

struct endpoint {
	rte_be32_t address;
	rte_be16_t port;
};

struct bench {
	struct rig rig;
	struct endpoint *flows;
	uint64_t n_flows;
	struct rte_mbuf *mbufs[SL_BURST];
	uint8_t frame[PACKET_MAX];
};

/* Large pieces on huge pages, as in the director. */
static void *zalloc(void *arg, size_t size, size_t align, int numa)
{
	void *memory;

	if (size < PAGE)
		return sl_alloc_heap.zalloc(NULL, size, align, numa);
	size = RTE_ALIGN_CEIL(size, (size_t)PAGE);
	memory = aligned_alloc(PAGE, size);
	if (memory == NULL)
		return NULL;
	madvise(memory, size, MADV_HUGEPAGE);
	return memset(memory, 0, size);
}

static void release(void *arg, void *memory)
{
	free(memory);
}

static const struct sl_alloc huge_pages = {.zalloc = zalloc, .free = release};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void stamp(struct bench *b, uint64_t first)
{
	for (unsigned i = 0; i < SL_BURST; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(b->mbufs[i], uint8_t *);
		const struct endpoint *from = &b->flows[first + i];

		memcpy(frame, b->frame, FRAME);
		memcpy(frame + OFFSET_SOURCE, &from->address, sizeof(from->address));
		memcpy(frame + OFFSET_SOURCE_PORT, &from->port, sizeof(from->port));
		b->mbufs[i]->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	}
}

/* Once over all flows; ns per packet. */
static double round_ns(struct bench *b, bool run)
{
	struct sl_worker *w = b->rig.engine->workers[0];
	uint64_t start, bursts = b->n_flows / SL_BURST;

	sl_worker_poll_begin(w, b->rig.time.ns);
	start = cpu_ns();
	for (uint64_t i = 0; i < bursts; i++) {
		stamp(b, i * SL_BURST);
		if (!run)
			continue;
		sl_pipeline_run(w, b->mbufs, SL_BURST);
		if (w->tx[0].n != SL_BURST) {
			fprintf(stderr, "bench: %u packets dropped\n", w->freed.n);
			exit(1);
		}
		w->tx[0].n = 0;
	}
	sl_worker_poll_end(w);
	return (double)(cpu_ns() - start) / (double)(bursts * SL_BURST);
}

static double best(double a, double b)
{
	return a < b ? a : b;
}

static void set_up(struct bench *b, const char *scheduler)
{
	struct packet packet = {.src = 1, .dst = VIP, .src_port = 1, .dst_port = 80};
	struct rig_server servers[SERVERS];
	struct sl_rand rand;

	rig_open(&b->rig,
		&(struct rig_params){
			.connections = b->n_flows + b->n_flows / 8, .alloc = &huge_pages});
	for (unsigned i = 0; i < SERVERS; i++)
		servers[i] = (struct rig_server){
			.address = PACKET_IP(192, 0, 2, 10) + i, .weight = 1, .fwd = SL_FWD_DR};
	rig_service(&b->rig, IPPROTO_TCP, VIP, 80, scheduler, servers, SERVERS);
	packet_write(&packet, b->frame);
	for (unsigned i = 0; i < SL_BURST; i++)
		b->mbufs[i] = packet_make(&packet);
	b->flows = zalloc(NULL, b->n_flows * sizeof(*b->flows), 64, -1);
	if (b->flows == NULL)
		abort();
	sl_rand_seed(&rand, 1);
	for (uint64_t i = 0; i < b->n_flows; i++)
		b->flows[i] = (struct endpoint){.address = rte_cpu_to_be_32(PACKET_IP(20, 0, 0, 0) +
							(uint32_t)sl_rand_below(&rand, 1u << 24)),
			.port = rte_cpu_to_be_16((uint16_t)(1024 + sl_rand_below(&rand, 60000)))};
}

static void shuffle(struct bench *b)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 2);
	for (uint64_t i = b->n_flows - 1; i > 0; i--) {
		uint64_t other = sl_rand_below(&rand, i + 1);
		struct endpoint kept = b->flows[i];

		b->flows[i] = b->flows[other];
		b->flows[other] = kept;
	}
}

int main(int argc, char **argv)
{
	double created, stamping = 1e9, whole = 1e9;
	struct bench b = {.n_flows = argc > 1 ? strtoull(argv[1], NULL, 0) : 1u << 20};
	const char *scheduler = argc > 2 ? argv[2] : "rr";

	b.n_flows = RTE_MAX(b.n_flows / SL_BURST, 1u) * SL_BURST;
	set_up(&b, scheduler);
	b.frame[OFFSET_FLAGS] = SL_TCP_SYN;
	created = round_ns(&b, true);
	b.frame[OFFSET_FLAGS] = SL_TCP_ACK;
	shuffle(&b);
	for (unsigned i = 0; i < ROUNDS; i++) {
		stamping = best(stamping, round_ns(&b, false));
		whole = best(whole, round_ns(&b, true));
	}
	printf("%llu flows, %s: %.1f ns/packet (%.1f less %.1f for stamping); new connections "
	       "%.1f ns\n",
		(unsigned long long)b.n_flows, scheduler, whole - stamping, whole, stamping,
		created - stamping);
	for (unsigned i = 0; i < SL_BURST; i++)
		packet_free(b.mbufs[i]);
	free(b.flows);
	rig_close(&b.rig);
	return 0;
}
