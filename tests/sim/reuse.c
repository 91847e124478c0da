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

static void open_all(struct rig *rig, unsigned round)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct packet syn = from(round, i, SL_TCP_SYN), data = from(round, i, SL_TCP_ACK);
		uint32_t server = 0;

		if (box_send(rig, &syn, &server) != BOX_FORWARDED || server != server_of(round))
			fail("a SYN did not reach the only server", round, server);
		if (box_send(rig, &data, &server) != BOX_FORWARDED || server != server_of(round))
			fail("data did not follow its SYN", round, server);
	}
}

/* Clients of rounds before go on: dropped while the server is remembered, then strangers. */
static void knock(struct rig *rig, unsigned round)
{
	for (unsigned past = round > 4 ? round - 4 : 0; past < round; past++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			struct packet data = from(past, i, SL_TCP_ACK);
			uint32_t server = 0;

			if (box_send(rig, &data, &server) == BOX_FORWARDED)
				fail("a packet of a deleted server's connection reached another",
					round, server);
		}
	}
}

static sl_id id_of(const struct rig *rig, unsigned round)
{
	struct sl_service_key key = {.protocol = IPPROTO_TCP, .port = 80};
	struct sl_addr address = sl_addr_v4(rte_cpu_to_be_32(server_of(round)));

	key.vip = sl_addr_v4(rte_cpu_to_be_32(VIP));
	return sl_registry_server(rig->engine->registry, &key, &address, 80);
}

/* Lets 130 s pass, with traffic and all workers but `absent` at work. */
static void let_time_pass(struct rig *rig, unsigned round, unsigned absent)
{
	for (unsigned s = 0; s < 130; s += 10) {
		for (unsigned i = 0; i < WORKERS; i++) {
			if (i != absent)
				rig_idle(rig, i);
		}
		if (absent == WORKERS)
			knock(rig, round);
		rig->time.ns += 10 * SL_NS_PER_S;
		rig_age(rig);
	}
}

/* Whether the id stands for something still, if only for what is being reaped. */
static bool is_taken(const struct rig *rig, sl_id id)
{
	struct sl_addr address;
	uint16_t port;
	sl_id front;

	return sl_registry_server_endpoint(rig->engine->registry, id, &address, &port, &front);
}

static sl_id replace_server(struct rig *rig, unsigned round)
{
	uint32_t server = server_of(round);
	sl_id id;

	/* This deletes the server of the round before. */
	box_service(rig, VIP, 80, "wrr", &server, 1);
	id = id_of(rig, round);
	if (id > IDS)
		fail("an id beyond the map", round, id);
	return id;
}

int main(void)
{
	unsigned seen[IDS + 1] = {0}, reused = 0, held = 0;
	sl_id id = SL_ID_NONE, before;
	struct rig rig;

	rig_open(&rig,
		&(struct rig_params){.seed = 3,
			.workers = WORKERS,
			.connections = 65536,
			.servers = IDS,
			.handover = 2});
	rig.in_flight = true;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned absent = round % 3 == 0 ? round % WORKERS : WORKERS;

		before = id;
		id = replace_server(&rig, round);
		reused += seen[id]++ > 0;
		open_all(&rig, round);
		knock(&rig, round);
		let_time_pass(&rig, round, absent);
		if (before != SL_ID_NONE && absent < WORKERS) {
			if (!is_taken(&rig, before))
				fail("an id went free while a worker had not swept", round, before);
			held++;
		}
		for (unsigned i = 0; i < WORKERS; i++)
			box_sweep(&rig, i);
		rig_age(&rig);
		if (before != SL_ID_NONE && is_taken(&rig, before))
			fail("an id stays though every worker has swept", round, before);
		knock(&rig, round);
	}
	if (reused < ROUNDS / 2 || held == 0)
		fail("ids did not come around", ROUNDS, reused);
	printf("reuse: %u servers on %u ids, %u times a used one, no connection went astray\n",
		ROUNDS, IDS, reused);
	rig_close(&rig);
	return 0;
}
