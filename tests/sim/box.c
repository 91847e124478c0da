/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static void die(const char *what)
{
	fprintf(stderr, "box: %s\n", what);
	exit(1);
}

void box_service(struct rig *rig, uint32_t vip, uint16_t port, const char *scheduler,
	const uint32_t *servers, unsigned n)
{
	struct rig_server list[RIG_SERVERS_MAX];

	if (n > RIG_SERVERS_MAX)
		die("too many servers");
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct rig_server){.address = servers[i], .weight = 1, .fwd = SL_FWD_DR};
	rig_service(rig, IPPROTO_TCP, vip, port, scheduler, list, n);
}

void box_sweep(struct rig *rig, unsigned worker)
{
	struct sl_worker *w = rig->engine->workers[worker];

	/* Finish the round under way, start one now and let it end 2 s on: all of it at once. */
	for (unsigned round = 0; round < 3; round++) {
		uint64_t before = w->sweep_rounds;

		rig->time.ns += 2 * SL_NS_PER_S;
		for (unsigned i = 0; w->sweep_rounds == before; i++) {
			if (i == 100000)
				die("a worker does not finish its sweep");
			rig_idle(rig, worker);
		}
	}
}

enum box_fate box_send(struct rig *rig, const struct packet *packet, uint32_t *server)
{
	unsigned owner = rig_owner(rig, packet->src, packet->src_port);
	struct rte_mbuf *mbuf = packet_make(packet);
	const uint8_t *frame;
	enum box_fate fate;
	unsigned what;

	rig_poll(rig, owner, &mbuf, 1);
	frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	switch (rig_end_of(rig, owner, mbuf, &what)) {
	case RIG_SENT:
		fate = frame[23] == IPPROTO_ICMP ? BOX_ANSWERED : BOX_FORWARDED;
		*server = rig_address_of(frame);
		break;
	case RIG_DROPPED:
		fate = BOX_DROPPED;
		break;
	case RIG_PUNTED:
		fate = BOX_LINUX;
		break;
	default:
		die("a packet vanished");
		abort();
	}
	packet_free(mbuf);
	rig_idle(rig, owner);
	return fate;
}
