/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids that run out and come around under traffic: server A is deleted while its clients go on
 * sending, others take its place, and none of them ever gets a packet of A's connections. One
 * worker stays away for long, and its entries hold the ids back.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "box.h"
#include "net/parse.h"

#define VIP     PACKET_IP(198, 51, 100, 1)
#define IDS     6 /* room in the id map: it is through in two rounds */
#define ROUNDS  40
#define CLIENTS 64
#define WORKERS 4

static void fail(const char *what, unsigned round, unsigned n)
{
	fprintf(stderr, "reuse: round %u: %s (%u)\n", round, what, n);
	exit(1);
}

static uint32_t server_of(unsigned round)
{
	return PACKET_IP(10, 0, 0, 0) + round + 1;
}

static struct packet from(unsigned round, unsigned i, uint8_t flags)
{
	return (struct packet){.src = PACKET_IP(192, 0, 2, 0) + i,
		.dst = VIP,
		.src_port = (uint16_t)(1024 + round),
		.dst_port = 80,
		.flags = flags,
		.payload = flags == SL_TCP_SYN ? 0 : 20};
}

static void open_all(struct box *box, unsigned round)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct packet syn = from(round, i, SL_TCP_SYN), data = from(round, i, SL_TCP_ACK);
		uint32_t server = 0;

		if (box_send(box, &syn, &server) != BOX_FORWARDED || server != server_of(round))
			fail("a SYN did not reach the only server", round, server);
		if (box_send(box, &data, &server) != BOX_FORWARDED || server != server_of(round))
			fail("data did not follow its SYN", round, server);
	}
}

/* Clients of rounds before go on: dropped while the server is remembered, then strangers. */
static void knock(struct box *box, unsigned round)
{
	for (unsigned past = round > 4 ? round - 4 : 0; past < round; past++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			struct packet data = from(past, i, SL_TCP_ACK);
			uint32_t server = 0;

			if (box_send(box, &data, &server) == BOX_FORWARDED)
				fail("a packet of a deleted server's connection reached another",
					round, server);
		}
	}
}

static sl_id id_of(const struct box *box, unsigned round)
{
	struct sl_service_key key = {.protocol = IPPROTO_TCP, .port = 80};
	struct sl_addr address = sl_addr_v4(rte_cpu_to_be_32(server_of(round)));

	key.vip = sl_addr_v4(rte_cpu_to_be_32(VIP));
	return sl_registry_server(box->engine->registry, &key, &address, 80);
}

/* Lets 130 s pass, with traffic and all workers but `absent` at work. */
static void let_time_pass(struct box *box, unsigned round, unsigned absent)
{
	for (unsigned s = 0; s < 130; s += 10) {
		for (unsigned i = 0; i < WORKERS; i++) {
			if (i != absent)
				box_idle(box, i);
		}
		if (absent == WORKERS)
			knock(box, round);
		box->time.ns += 10 * SL_NS_PER_S;
		box_age(box);
	}
}

int main(void)
{
	unsigned seen[64] = {0}, reused = 0;
	struct box box;

	box_init(&box,
		&(struct box_params){.seed = 3,
			.workers = WORKERS,
			.connections = 65536,
			.servers = IDS,
			.handover_ring = 2});
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t server = server_of(round);

		/* This deletes the server of the round before. */
		box_service(&box, VIP, 80, "wrr", &server, 1);
		if (id_of(&box, round) >= 64)
			fail("an id beyond the map", round, id_of(&box, round));
		reused += seen[id_of(&box, round)]++ > 0;
		open_all(&box, round);
		knock(&box, round);
		let_time_pass(&box, round, round % 3 == 0 ? round % WORKERS : WORKERS);
		for (unsigned i = 0; i < WORKERS; i++)
			box_sweep(&box, i);
		box_age(&box);
		knock(&box, round);
	}
	if (reused < ROUNDS / 2)
		fail("ids did not come around", ROUNDS, reused);
	printf("reuse: %u servers on %u ids, %u times a used one, no connection went astray\n",
		ROUNDS, IDS, reused);
	box_close(&box);
	return 0;
}
