/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_ring.h>

#include "lb/worker.h"
#include "relay.h"

#define WORKERS   2
#define RING      1024
#define PORT      3
#define UNLIMITED 1000000000u

/*
 * A relay between rings on the heap and one end of a socket pair that keeps frames apart as a TAP
 * descriptor does; `linux` is the other end.
 */
struct rig {
	struct sl_relay relay;
	struct sl_worker *workers[WORKERS];
	int kernel;
	unsigned allocated;    /* mbufs that exist */
	unsigned allocate_max; /* alloc fails beyond */
	size_t room;           /* bytes of each mbuf's buffer */
	unsigned send_max;
	unsigned n_sent;
	struct rte_mbuf *sent[64];
	struct rte_mbuf *late; /* punted as ROUTING at the first packet that is given back */
};

static struct rte_mbuf *mbuf_new(struct rig *rig)
{
	struct rte_mbuf *mbuf;

	if (rig->allocated >= rig->allocate_max)
		return NULL;
	mbuf = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*mbuf));
	memset(mbuf, 0, sizeof(*mbuf));
	mbuf->buf_addr = malloc(rig->room);
	mbuf->buf_len = rig->room;
	mbuf->nb_segs = 1;
	rig->allocated++;
	return mbuf;
}

static void mbuf_free(struct rig *rig, struct rte_mbuf *mbuf)
{
	while (mbuf != NULL) {
		struct rte_mbuf *next = mbuf->next;

		free(mbuf->buf_addr);
		free(mbuf);
		rig->allocated--;
		mbuf = next;
	}
}

static struct rte_mbuf *rig_alloc(void *arg)
{
	return mbuf_new(arg);
}

static void rig_free(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	struct rig *rig = arg;

	if (rig->late != NULL) {
		assert_int_equal(
			rte_ring_sp_enqueue(rig->workers[0]->punt[SL_PUNT_ROUTING], rig->late), 0);
		rig->late = NULL;
	}
	for (unsigned i = 0; i < n; i++)
		mbuf_free(rig, pkts[i]);
}

static unsigned rig_send(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	struct rig *rig = arg;

	if (n > rig->send_max)
		n = rig->send_max;
	memcpy(&rig->sent[rig->n_sent], pkts, n * sizeof(pkts[0]));
	rig->n_sent += n;
	return n;
}

static struct rte_ring *ring_new(void)
{
	struct rte_ring *ring =
		aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)rte_ring_get_memsize(RING));

	assert_int_equal(rte_ring_init(ring, "", RING, RING_F_SP_ENQ | RING_F_SC_DEQ), 0);
	return ring;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int pair[2], size = 4 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	rig->kernel = pair[1];
	rig->room = 2048;
	rig->allocate_max = UINT32_MAX;
	rig->send_max = 64;
	for (unsigned w = 0; w < WORKERS; w++) {
		rig->workers[w] = aligned_alloc(64, sizeof(struct sl_worker));
		memset(rig->workers[w], 0, sizeof(struct sl_worker));
		for (unsigned c = 0; c < SL_PUNT_COUNT; c++)
			rig->workers[w]->punt[c] = ring_new();
	}
	rig->relay.workers = rig->workers;
	rig->relay.n_workers = WORKERS;
	rig->relay.free = rig_free;
	rig->relay.free_arg = rig;
	for (unsigned i = 0; i < SL_PORTS_MAX; i++)
		rig->relay.ports[i].fd = -1;
	rig->relay.ports[PORT] = (struct sl_relay_port){
		.fd = pair[0], .mtu = 1500, .alloc = rig_alloc, .send = rig_send, .arg = rig};
	for (unsigned c = 0; c < SL_PUNT_COUNT; c++)
		rig->relay.rates[c] = UNLIMITED;
	*state = rig;
	return 0;
}

/* Nothing may be lost or held: every test ends with as many mbufs as it began with. */
static int teardown(void **state)
{
	struct rig *rig = *state;
	void *mbuf;
	int leaked;

	for (unsigned i = 0; i < rig->n_sent; i++)
		mbuf_free(rig, rig->sent[i]);
	for (unsigned w = 0; w < WORKERS; w++) {
		for (unsigned c = 0; c < SL_PUNT_COUNT; c++) {
			while (rte_ring_sc_dequeue(rig->workers[w]->punt[c], &mbuf) == 0)
				mbuf_free(rig, mbuf);
			free(rig->workers[w]->punt[c]);
		}
		free(rig->workers[w]);
	}
	leaked = rig->allocated != 0;
	close(rig->relay.ports[PORT].fd);
	close(rig->kernel);
	free(rig);
	return leaked;
}

static struct rte_mbuf *frame(struct rig *rig, uint8_t mark)
{
	struct rte_mbuf *mbuf = mbuf_new(rig);

	memset(mbuf->buf_addr, mark, 60);
	mbuf->data_len = 60;
	mbuf->pkt_len = 60;
	mbuf->port = PORT;
	return mbuf;
}

static void punt(struct rig *rig, unsigned worker, enum sl_punt_class class, uint8_t mark)
{
	assert_int_equal(
		rte_ring_sp_enqueue(rig->workers[worker]->punt[class], frame(rig, mark)), 0);
}

/* The first byte of the next frame that Linux got, -1 when there is none. */
static int next(struct rig *rig)
{
	uint8_t data[4096];
	ssize_t n = recv(rig->kernel, data, sizeof(data), MSG_DONTWAIT);

	return n > 0 ? data[0] : -1;
}

static uint64_t drops(struct rig *rig, enum sl_drop reason)
{
	return rig->relay.stats.drops[reason];
}

static void classes_go_in_strict_order(void **state)
{
	struct rig *rig = *state;

	for (int c = SL_PUNT_COUNT - 1; c >= 0; c--) {
		for (unsigned w = 0; w < WORKERS; w++)
			punt(rig, w, c, c);
	}
	assert_int_equal(sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5), WORKERS * SL_PUNT_COUNT);
	for (unsigned c = 0; c < SL_PUNT_COUNT; c++) {
		assert_int_equal(next(rig), c);
		assert_int_equal(next(rig), c);
		assert_int_equal(rig->relay.stats.to_linux[c], 2);
	}
	assert_int_equal(next(rig), -1);
	assert_int_equal(rig->relay.stats.to_linux_bytes, 60 * WORKERS * SL_PUNT_COUNT);
}

/* What comes in a higher class while a lower one is being written waits for one chunk at most. */
static void a_higher_class_overtakes(void **state)
{
	struct rig *rig = *state;
	int place = 0, mark;

	for (unsigned i = 0; i < 4 * SL_RELAY_CHUNK; i++)
		punt(rig, 0, SL_PUNT_ECHO, 9);
	rig->late = frame(rig, 1);
	sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5);
	while ((mark = next(rig)) == 9)
		place++;
	assert_int_equal(mark, 1);
	assert_int_equal(place, SL_RELAY_CHUNK);
}

/* An ARP flood stands above the box's own traffic; over its rate it must not keep that waiting. */
static void a_flood_keeps_no_class_waiting(void **state)
{
	struct rig *rig = *state;

	rig->relay.rates[SL_PUNT_NEIGHBOUR] = 100;
	for (unsigned i = 0; i < RING - 1; i++) {
		punt(rig, 0, SL_PUNT_NEIGHBOUR, 2);
		punt(rig, 1, SL_PUNT_NEIGHBOUR, 2);
	}
	for (unsigned i = 0; i < 5; i++) {
		punt(rig, 0, SL_PUNT_HOST, 3);
		punt(rig, 1, SL_PUNT_ROUTING, 1);
	}
	assert_int_equal(sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5), 5 + 10 + 5);
	assert_int_equal(rig->relay.stats.to_linux[SL_PUNT_ROUTING], 5);
	assert_int_equal(rig->relay.stats.to_linux[SL_PUNT_NEIGHBOUR], 10);
	assert_int_equal(rig->relay.stats.to_linux[SL_PUNT_HOST], 5);
	assert_in_range(drops(rig, SL_DROP_PUNT_RATE), SL_RELAY_PASS, 2 * SL_RELAY_PASS);
}

static void a_rate_is_the_whole_boxs(void **state)
{
	struct rig *rig = *state;
	uint64_t now_ns = 5 * SL_NS_PER_S;
	unsigned written = 0;

	rig->relay.rates[SL_PUNT_ECHO] = 100;
	for (unsigned i = 0; i < 50; i++) {
		punt(rig, 0, SL_PUNT_ECHO, 1);
		punt(rig, 1, SL_PUNT_ECHO, 2);
	}
	assert_int_equal(sl_relay_to_linux(&rig->relay, now_ns), 10);
	assert_int_equal(drops(rig, SL_DROP_PUNT_RATE), 90);
	for (unsigned i = 0; i < 100; i++) {
		now_ns += 5 * SL_NS_PER_MS;
		punt(rig, i % WORKERS, SL_PUNT_ECHO, 1);
		written += sl_relay_to_linux(&rig->relay, now_ns);
	}
	assert_int_equal(written, 50);
}

static void what_linux_does_not_take_is_counted(void **state)
{
	struct rig *rig = *state;
	struct rte_mbuf *astray = frame(rig, 1);
	int fd = rig->relay.ports[PORT].fd;

	astray->port = PORT + 1;
	rte_ring_sp_enqueue(rig->workers[0]->punt[SL_PUNT_HOST], astray);
	astray = frame(rig, 1);
	astray->port = UINT16_MAX;
	rte_ring_sp_enqueue(rig->workers[0]->punt[SL_PUNT_HOST], astray);
	punt(rig, 0, SL_PUNT_HOST, 1);
	rig->relay.ports[PORT].fd = open("/dev/full", O_WRONLY);
	assert_int_equal(sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5), 0);
	close(rig->relay.ports[PORT].fd);
	rig->relay.ports[PORT].fd = fd;
	assert_int_equal(drops(rig, SL_DROP_PUNT_NO_TWIN), 2);
	assert_int_equal(drops(rig, SL_DROP_TWIN_WRITE), 1);
	assert_int_equal(rig->relay.stats.to_linux[SL_PUNT_HOST], 0);
}

static void segments_are_one_frame(void **state)
{
	struct rig *rig = *state;
	struct rte_mbuf *head = frame(rig, 1), *tail = head;
	uint8_t data[4096];

	for (unsigned i = 2; i <= 5; i++) {
		tail->next = frame(rig, i);
		tail = tail->next;
		head->nb_segs++;
		head->pkt_len += 60;
	}
	rte_ring_sp_enqueue(rig->workers[1]->punt[SL_PUNT_HOST], head);
	assert_int_equal(sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5), 1);
	assert_int_equal(recv(rig->kernel, data, sizeof(data), 0), 300);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(data[i], 1 + i / 60);
}

static void from_kernel(struct rig *rig, size_t length, uint8_t mark)
{
	uint8_t data[4096];

	for (size_t i = 0; i < length; i++)
		data[i] = mark + i;
	assert_int_equal(send(rig->kernel, data, length, 0), length);
}

static void frames_of_any_length_arrive_whole(void **state)
{
	static const struct {
		size_t length, room;
		unsigned segments;
	} cases[] = {
		{14, 2048, 1},
		{59, 2048, 1},
		{60, 2048, 1},
		{61, 60, 2},
		{1514, 2048, 1},
		{1518, 2048, 1},
		{1518, 128, 12},
		{20, 7, 9},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = cases[i].length < 60 ? 60 : cases[i].length, at = 0;
		struct rte_mbuf *mbuf;

		rig->room = cases[i].room;
		from_kernel(rig, cases[i].length, 7 * i);
		assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 1);
		assert_int_equal(rig->n_sent, i + 1);
		mbuf = rig->sent[i];
		assert_int_equal(mbuf->pkt_len, length);
		assert_int_equal(mbuf->nb_segs, cases[i].segments);
		assert_int_equal(mbuf->port, PORT);
		for (; mbuf != NULL; mbuf = mbuf->next) {
			const uint8_t *data = rte_pktmbuf_mtod(mbuf, const uint8_t *);

			for (unsigned j = 0; j < mbuf->data_len; j++, at++)
				assert_int_equal(
					data[j], at < cases[i].length ? (uint8_t)(7 * i + at) : 0);
		}
		assert_int_equal(at, length);
	}
	assert_int_equal(rig->relay.stats.from_linux, sizeof(cases) / sizeof(cases[0]));
}

static void bad_frames_from_linux_are_dropped(void **state)
{
	struct rig *rig = *state;

	from_kernel(rig, 13, 0);
	from_kernel(rig, 1519, 0);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 2);
	assert_int_equal(drops(rig, SL_DROP_TRUNCATED), 1);
	assert_int_equal(drops(rig, SL_DROP_MALFORMED), 1);
	assert_int_equal(rig->n_sent, 0);
}

static void no_buffers_and_a_full_queue(void **state)
{
	struct rig *rig = *state;

	rig->room = 100;
	rig->allocate_max = 2; /* the frame needs three */
	from_kernel(rig, 300, 0);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 1);
	assert_int_equal(drops(rig, SL_DROP_NO_MBUF), 1);
	assert_int_equal(rig->allocated, 0);

	rig->allocate_max = UINT32_MAX;
	rig->send_max = 2;
	for (unsigned i = 0; i < 5; i++)
		from_kernel(rig, 80, 0);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 5);
	assert_int_equal(drops(rig, SL_DROP_TX_FULL), 3);
	assert_int_equal(rig->relay.stats.from_linux, 2);
	assert_int_equal(rig->relay.stats.from_linux_bytes, 160);
}

static void a_call_is_bounded(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < RING - 1; i++)
		punt(rig, 0, SL_PUNT_HOST, 1);
	for (unsigned i = 0; i < SL_RELAY_CHUNK + 1; i++)
		from_kernel(rig, 60, 1);
	assert_int_equal(sl_relay_to_linux(&rig->relay, SL_NS_PER_S * 5), SL_RELAY_PASS);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), SL_RELAY_CHUNK);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 1);
	assert_int_equal(sl_relay_from_linux(&rig->relay, PORT), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(classes_go_in_strict_order),
		TEST(a_higher_class_overtakes),
		TEST(a_flood_keeps_no_class_waiting),
		TEST(a_rate_is_the_whole_boxs),
		TEST(what_linux_does_not_take_is_counted),
		TEST(segments_are_one_frame),
		TEST(frames_of_any_length_arrive_whole),
		TEST(bad_frames_from_linux_are_dropped),
		TEST(no_buffers_and_a_full_queue),
		TEST(a_call_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
