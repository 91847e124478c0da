/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "lb/publish.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "box: %s: %s\n", what, why);
	exit(1);
}

void box_mac_of(uint32_t address, uint8_t mac[6])
{
	mac[0] = 2;
	mac[1] = 0;
	for (int i = 0; i < 4; i++)
		mac[2 + i] = (uint8_t)(address >> (24 - 8 * i));
}

uint32_t box_address_of(const uint8_t mac[6])
{
	return (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
}

void box_init(struct box *box, const struct box_params *p)
{
	struct sl_engine_params params = {.n_workers = p->workers,
		.connections = p->connections,
		.fronts = 64,
		.servers = p->servers,
		.handover_ring = p->handover_ring,
		.punt_ring = 256,
		.icmp_rate = 1000000000,
		.alloc = &sl_alloc_heap,
		.seed = {p->seed, ~p->seed}};
	struct sl_err err = {0};

	box->time.ns = 1000 * SL_NS_PER_S;
	box->clock = sl_clock_from_manual(&box->time);
	params.clock = &box->clock;
	box->engine = sl_engine_new(&params, &err);
	if (box->engine == NULL)
		die("no engine", err.message);
	memcpy(box->engine->ports[0].mac, packet_port_mac, 6);
	memcpy(&box->engine->ports[0].macs[0], packet_port_mac, 6);
	box->engine->ports[0].twin = true;
}

void box_close(struct box *box)
{
	sl_engine_free(box->engine);
}

static void follow_watch(struct sl_engine *engine, const struct sl_watch *watch)
{
	uint8_t mac[6];

	box_mac_of(rte_be_to_cpu_32(watch->address.v4), mac);
	if (watch->what == SL_WATCH_VIP)
		sl_publish_flag(&engine->vip_local[watch->index], watch->added);
	else if (watch->added)
		sl_publish_adj(&engine->adjs[watch->index],
			sl_adj_make(mac, 0, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK));
	/* A removed one stays as it is: a worker may be in the middle of an older generation. */
}

void box_publish(struct box *box, struct sl_snapshot *snapshot)
{
	struct sl_watch watches[64];
	unsigned late, n;

	if (snapshot == NULL)
		return;
	if (sl_engine_publish(box->engine, snapshot, &late) != 0)
		die("a generation could not be published", "too many wait");
	sl_engine_reclaim(box->engine);
	while ((n = sl_registry_watches(box->engine->registry, watches, 64)) > 0) {
		for (unsigned i = 0; i < n; i++)
			follow_watch(box->engine, &watches[i]);
	}
}

static void commit(struct box *box, struct sl_txn *txn)
{
	struct sl_snapshot *snapshot;
	struct sl_err err = {0};

	if (sl_txn_commit(txn, &snapshot, &err) != 0)
		die("a change could not be committed", err.message);
	box_publish(box, snapshot);
}

void box_service(struct box *box, uint32_t vip, uint16_t port, const char *scheduler,
	const uint32_t *servers, unsigned n)
{
	struct sl_txn *txn = sl_txn_begin(box->engine->registry);
	struct sl_server_spec specs[64] = {0};
	struct sl_service_spec spec = {.key = {.protocol = IPPROTO_TCP,
					       .vip = sl_addr_v4(rte_cpu_to_be_32(vip)),
					       .port = port},
		.sched = sl_sched_find(scheduler),
		.servers = specs,
		.n_servers = n};
	struct sl_err err = {0};

	for (unsigned i = 0; i < n; i++)
		specs[i] =
			(struct sl_server_spec){.address = sl_addr_v4(rte_cpu_to_be_32(servers[i])),
				.port = port,
				.weight = 1,
				.fwd = SL_FWD_DR};
	if (sl_txn_service_set(txn, &spec, &err) != 0)
		die("a service could not be set", err.message);
	commit(box, txn);
}

void box_service_delete(struct box *box, uint32_t vip, uint16_t port)
{
	struct sl_service_key key = {
		.protocol = IPPROTO_TCP, .vip = sl_addr_v4(rte_cpu_to_be_32(vip)), .port = port};
	struct sl_txn *txn = sl_txn_begin(box->engine->registry);

	if (sl_txn_service_delete(txn, &key) != 0)
		die("a service could not be deleted", "there is none");
	commit(box, txn);
}

void box_age(struct box *box)
{
	struct sl_snapshot *snapshot = NULL;

	if (sl_registry_age(box->engine->registry, box->time.ns, &snapshot) != 0)
		die("ids", "could not be aged");
	box_publish(box, snapshot);
}

void box_idle(struct box *box, unsigned worker)
{
	struct sl_worker *w = box->engine->workers[worker];

	sl_worker_poll_begin(w, box->time.ns);
	sl_worker_housekeeping(w);
	sl_worker_poll_end(w);
}

void box_sweep(struct box *box, unsigned worker)
{
	struct sl_worker *w = box->engine->workers[worker];

	/* Finish the round under way, start one now, and end it 2 s on: all of it at one instant.
	 */
	for (unsigned round = 0; round < 3; round++) {
		uint64_t before = w->sweep_rounds;

		box->time.ns += 2 * SL_NS_PER_S;
		for (unsigned i = 0; w->sweep_rounds == before; i++) {
			if (i == 100000)
				die("a worker", "does not finish its sweep");
			box_idle(box, worker);
		}
	}
}

bool box_take_out(struct sl_out *out, const struct rte_mbuf *mbuf)
{
	for (unsigned i = 0; i < out->n; i++) {
		if (out->pkts[i] == mbuf) {
			out->pkts[i] = out->pkts[--out->n];
			return true;
		}
	}
	return false;
}

/* Goes once around the ring, keeping the order of those that stay. */
static bool take_from_ring(struct rte_ring *ring, const struct rte_mbuf *mbuf)
{
	bool found = false;
	void *at;

	for (unsigned n = rte_ring_count(ring); n > 0; n--) {
		if (rte_ring_sc_dequeue(ring, &at) != 0)
			break;
		if (at == mbuf)
			found = true;
		else
			rte_ring_sp_enqueue(ring, at);
	}
	return found;
}

bool box_take_punted(struct sl_worker *worker, const struct rte_mbuf *mbuf)
{
	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++) {
		if (worker->punt[class] != NULL && take_from_ring(worker->punt[class], mbuf))
			return true;
	}
	return false;
}

enum box_fate box_send(struct box *box, const struct packet *packet, uint32_t *server)
{
	unsigned owner = sl_engine_owner4(
		box->engine, rte_cpu_to_be_32(packet->src), rte_cpu_to_be_16(packet->src_port));
	struct sl_worker *w = box->engine->workers[owner];
	struct rte_mbuf *mbuf = packet_make(packet);
	enum box_fate fate;

	sl_worker_poll_begin(w, box->time.ns);
	sl_pipeline_run(w, &mbuf, 1);
	if (box_take_out(&w->tx[0], mbuf)) {
		const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

		fate = frame[23] == IPPROTO_ICMP ? BOX_ANSWERED : BOX_FORWARDED;
		*server = box_address_of(frame);
	} else if (box_take_out(&w->freed, mbuf)) {
		fate = BOX_DROPPED;
	} else if (box_take_punted(w, mbuf)) {
		fate = BOX_LINUX;
	} else {
		die("a packet", "vanished");
		fate = BOX_DROPPED;
	}
	packet_free(mbuf);
	sl_worker_housekeeping(w);
	sl_worker_poll_end(w);
	return fate;
}
