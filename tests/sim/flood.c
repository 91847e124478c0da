/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that is full, and a SYN flood: no connection that has carried data is lost, none of its
 * packets goes astray, and clients still get in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "box.h"
#include "net/parse.h"

#define VIP         PACKET_IP(198, 51, 100, 1)
#define CONNECTIONS 8192
#define PROVEN      5000
#define FLOOD       200000

static const uint32_t servers[] = {0x0a000001, 0x0a000002, 0x0a000003};

static void fail(const char *what, uint64_t n)
{
	fprintf(stderr, "flood: %s (%" PRIu64 ")\n", what, n);
	exit(1);
}

static struct packet from(uint32_t client, uint16_t port, uint8_t flags, uint16_t payload)
{
	return (struct packet){.src = client,
		.dst = VIP,
		.src_port = port,
		.dst_port = 80,
		.flags = flags,
		.payload = payload};
}

static bool
send_to(struct rig *rig, uint32_t client, uint8_t flags, uint16_t payload, uint32_t *server)
{
	struct packet packet = from(client, 40000, flags, payload);

	return box_send(rig, &packet, server) == BOX_FORWARDED;
}

/* SYN, ACK, data: true when all of it reached one server. */
static bool open_connection(struct rig *rig, uint32_t client, uint32_t *server)
{
	uint32_t second = 0, third = 0;

	return send_to(rig, client, SL_TCP_SYN, 0, server) &&
		send_to(rig, client, SL_TCP_ACK, 0, &second) &&
		send_to(rig, client, SL_TCP_ACK | SL_TCP_PSH, 100, &third) && second == *server &&
		third == *server;
}

static uint32_t proven_client(unsigned i)
{
	return PACKET_IP(192, 0, 2, 0) + i;
}

static void check_proven(struct rig *rig, const uint32_t *server_of)
{
	for (unsigned i = 0; i < PROVEN; i++) {
		uint32_t server = 0;

		if (!send_to(rig, proven_client(i), SL_TCP_ACK, 10, &server) ||
			server != server_of[i])
			fail("a proven connection was lost", i);
	}
}

static uint64_t evicted(const struct rig *rig)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < rig->engine->n_workers; i++)
		total += sl_conn_table_stats(rig->engine->workers[i]->narrow)->evicted_embryonic;
	return total;
}

static void run(unsigned workers)
{
	static uint32_t server_of[PROVEN];
	unsigned latecomers = 0, admitted = 0;
	struct sl_rand rand;
	struct rig rig;

	sl_rand_seed(&rand, workers);
	rig_open(&rig,
		&(struct rig_params){.seed = 7,
			.workers = workers,
			.connections = CONNECTIONS,
			.servers = 64,
			.handover = 2});
	box_service(&rig, VIP, 80, "rr", servers, 3);
	for (unsigned i = 0; i < PROVEN; i++) {
		if (!open_connection(&rig, proven_client(i), &server_of[i]))
			fail("a connection was refused while there was room", i);
	}
	for (unsigned i = 0; i < FLOOD; i++) {
		struct packet syn =
			from(PACKET_IP(203, 0, 0, 0) + (uint32_t)sl_rand_below(&rand, 1u << 22),
				(uint16_t)sl_rand_below(&rand, 65536), SL_TCP_SYN, 0);
		uint32_t server;

		rig.time.ns += 10000; /* 100,000 SYNs a second */
		box_send(&rig, &syn, &server);
		if (i % 50000 == 0)
			check_proven(&rig, server_of);
		if (i % 1000 == 999) {
			latecomers++;
			admitted += open_connection(&rig, PACKET_IP(100, 64, 0, 0) + i, &server);
		}
	}
	check_proven(&rig, server_of);
	if (evicted(&rig) < FLOOD / 2)
		fail("the table was not full: evictions", evicted(&rig));
	if (admitted * 100 < latecomers * 95)
		fail("clients shut out by the flood", latecomers - admitted);
	printf("flood: %u workers: %u proven connections kept, %u of %u new clients served, "
	       "%" PRIu64 " embryonic ones evicted\n",
		workers, PROVEN, admitted, latecomers, evicted(&rig));
	rig_close(&rig);
}

int main(void)
{
	run(1);
	run(4);
	return 0;
}
