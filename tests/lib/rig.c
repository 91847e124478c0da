/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "io/bare.h"
#include "lb/fwd.h"
#include "lb/publish.h"
#include "packet.h"

static void die(const char *what, const struct sl_err *err)
{
	fprintf(stderr, "rig: %s: %s\n", what, err == NULL ? "" : err->message);
	exit(2);
}

static struct rte_mbuf *alloc(void *arg)
{
	return sl_bare_new("", 0, SL_MBUF_PRIV);
}

void rig_open(struct rig *rig, const struct rig_params *p)
{
	static const struct rig_params none;
	struct sl_engine_params params = {.alloc = &sl_alloc_heap, .seed = {1, 2}};
	struct sl_err err = {0};

	if (p == NULL)
		p = &none;
	memset(rig, 0, sizeof(*rig));
	rig->time.ns = 1000 * SL_NS_PER_S;
	rig->clock = sl_clock_from_manual(&rig->time);
	rig->adj_flags = SL_ADJ_RESOLVED | SL_ADJ_ON_LINK;
	if (p->alloc != NULL)
		params.alloc = p->alloc;
	params.n_workers = p->workers == 0 ? 1 : p->workers;
	params.connections = p->connections == 0 ? 1000 : p->connections;
	params.connections_wide = p->connections_wide;
	params.sides = p->sides;
	params.store = p->store;
	params.fronts = p->fronts == 0 ? 100 : p->fronts;
	params.servers = p->servers == 0 ? 1000 : p->servers;
	params.punt_ring = p->ring == 0 ? 1024 : p->ring;
	params.handover_ring = p->handover == 0 ? params.punt_ring : p->handover;
	params.icmp_rate = p->icmp_rate;
	if (p->seed != 0) {
		params.seed[0] = p->seed;
		params.seed[1] = ~p->seed;
	}
	params.clock = &rig->clock;
	rig->engine = sl_engine_new(&params, &err);
	if (rig->engine == NULL)
		die("no engine", &err);
	for (unsigned i = 0; i < params.n_workers; i++)
		rig->engine->workers[i]->alloc = alloc;
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		struct sl_port *port = &rig->engine->ports[i];
		uint64_t mac = 0;

		memcpy(port->mac, packet_port_mac, 6);
		port->mac[4] = (uint8_t)i;
		memcpy(&mac, port->mac, 6);
		sl_publish_mac(&port->macs[0], mac);
		port->twin = true;
		sl_publish_word(&port->mtu, 1500);
	}
}

void rig_close(struct rig *rig)
{
	sl_engine_free(rig->engine);
}

void rig_mac_of(uint32_t address, uint8_t mac[6])
{
	rte_be32_t wire = rte_cpu_to_be_32(address);

	mac[0] = 2;
	mac[1] = 0;
	memcpy(mac + 2, &wire, 4);
}

void rig_mac(const struct sl_addr *address, uint8_t mac[6])
{
	mac[0] = 2;
	mac[1] = 0;
	memcpy(mac + 2, address->bytes + (address->family == 6 ? 12 : 0), 4);
}

uint32_t rig_address_of(const uint8_t mac[6])
{
	rte_be32_t wire;

	memcpy(&wire, mac + 2, 4);
	return rte_be_to_cpu_32(wire);
}

static void follow_watch(struct rig *rig, const struct sl_watch *watch)
{
	struct sl_engine *engine = rig->engine;
	uint8_t mac[6];

	if (watch->what == SL_WATCH_VIP) {
		sl_publish_flag(
			&engine->vip_local[watch->index], watch->added && !rig->vips_not_local);
		return;
	}
	if (!watch->added && rig->in_flight)
		return;
	rig_mac(&watch->address, mac);
	sl_publish_adj(&engine->adjs[watch->index],
		watch->added ? sl_adj_make(mac, rig->adj_port, rig->adj_flags) : 0);
}

void rig_publish(struct rig *rig, struct sl_snapshot *snapshot)
{
	struct sl_watch watches[16];
	unsigned late, n;

	if (snapshot == NULL)
		return;
	if (sl_engine_publish(rig->engine, snapshot, &late) != 0)
		die("too many generations", NULL);
	/* Idle workers have to pass a quiescent state, too. */
	for (unsigned i = 0; i < rig->engine->n_workers && !rig->in_flight; i++)
		rig_poll(rig, i, NULL, 0);
	sl_engine_reclaim(rig->engine);
	while ((n = sl_registry_watches(rig->engine->registry, watches, 16)) > 0) {
		for (unsigned i = 0; i < n; i++)
			follow_watch(rig, &watches[i]);
	}
}

static void commit(struct rig *rig, struct sl_txn *txn)
{
	struct sl_snapshot *snapshot;
	struct sl_err err = {0};

	if (sl_txn_commit(txn, &snapshot, &err) != 0)
		die("commit", &err);
	rig_publish(rig, snapshot);
}

static struct sl_service_key key_of(uint8_t protocol, uint32_t vip, uint16_t port)
{
	return (struct sl_service_key){
		.protocol = protocol,
		.vip = sl_addr_v4(rte_cpu_to_be_32(vip)),
		.port = port,
	};
}

static struct sl_server_spec spec_of(const struct rig_server *server, uint16_t port)
{
	return (struct sl_server_spec){
		.address = server->addr.family != 0 ? server->addr
						    : sl_addr_v4(rte_cpu_to_be_32(server->address)),
		.port = server->port != 0 ? server->port : port,
		.weight = server->weight,
		.fwd = server->fwd,
		.tunnel = server->tunnel,
		.tunnel_flags = server->tunnel_flags,
		.tunnel_port = server->tunnel_port,
	};
}

void rig_set(struct rig *rig, const struct sl_service_key *key, const char *scheduler,
	const struct rig_server *servers, unsigned n, uint8_t options)
{
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);
	struct sl_server_spec specs[RIG_SERVERS_MAX];
	const char *slash = strchr(scheduler, '/');
	char name[16];
	struct sl_service_spec spec = {
		.key = *key,
		.sched_flags = slash != NULL ? (uint8_t)atoi(slash + 1) : 0,
		.servers = specs,
		.n_servers = n,
		.server_options = options,
	};
	struct sl_err err = {0};

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(scheduler, "/"), scheduler);
	spec.sched = sl_sched_find(name);
	if (spec.sched == NULL || n > RIG_SERVERS_MAX)
		die("no such scheduler, or too many servers", NULL);
	for (unsigned i = 0; i < n; i++)
		specs[i] = spec_of(&servers[i], key->port);
	if (sl_txn_service_set(txn, &spec, &err) != 0)
		die("service", &err);
	commit(rig, txn);
}

void rig_service(struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port,
	const char *scheduler, const struct rig_server *servers, unsigned n)
{
	struct sl_service_key key = key_of(protocol, vip, port);

	rig_set(rig, &key, scheduler, servers, n, 0);
}

void rig_delete(struct rig *rig, const struct sl_service_key *key)
{
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);

	if (sl_txn_service_delete(txn, key) != 0)
		die("no such service", NULL);
	commit(rig, txn);
}

void rig_service_delete(struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port)
{
	struct sl_service_key key = key_of(protocol, vip, port);

	rig_delete(rig, &key);
}

void rig_full_nat(
	struct rig *rig, const struct sl_addr *addresses, uint32_t n, uint16_t low, uint16_t high)
{
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);

	if (sl_txn_locals(txn, addresses, n, low, high) != 0)
		die("local addresses of FullNAT", NULL);
	commit(rig, txn);
}

void rig_masquerade(struct rig *rig, bool on)
{
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);

	if (sl_txn_masquerade(txn, on) != 0)
		die("masquerading", NULL);
	commit(rig, txn);
}

void rig_tunnels(struct rig *rig, const struct sl_tunnel_policy *policy)
{
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);

	sl_txn_tunnel_policy(txn, policy);
	commit(rig, txn);
}

void rig_timeout(struct rig *rig, enum sl_state state, uint16_t seconds)
{
	struct sl_timeouts timeouts = sl_registry_latest(rig->engine->registry)->timeouts;
	struct sl_txn *txn = sl_txn_begin(rig->engine->registry);

	timeouts.s[state] = seconds;
	sl_txn_timeouts(txn, &timeouts);
	commit(rig, txn);
}

void rig_age(struct rig *rig)
{
	struct sl_snapshot *snapshot = NULL;

	if (sl_registry_age(rig->engine->registry, rig->time.ns, &snapshot) != 0)
		die("ids do not age", NULL);
	rig_publish(rig, snapshot);
}

void rig_local(struct rig *rig, uint32_t address)
{
	struct sl_addr wire = sl_addr_v4(rte_cpu_to_be_32(address));

	rig_locals(rig, &wire, address != 0, NULL, 0);
}

void rig_locals(struct rig *rig, const struct sl_addr *addresses, uint32_t n,
	const struct sl_local_source *sources, unsigned n_sources)
{
	if (sl_engine_set_local(rig->engine, addresses, n, sources, n_sources) != 0)
		die("local addresses", NULL);
}

void rig_route(struct rig *rig, const struct sl_prefix *prefix, enum sl_route_kind kind,
	uint8_t port, const struct sl_addr *neighbour)
{
	struct sl_fib_via via = {.kind = kind, .port = port};
	struct sl_fib *fib = rig->engine->fib;
	uint8_t mac[6];

	if (neighbour->family != 0) {
		via.kind = SL_ROUTE_HOP;
		via.n_hops = 1;
		if (sl_fib_hop_new(fib, &via.hops[0]) != 0)
			die("no room for a next hop", NULL);
		rig_mac(neighbour, mac);
		sl_fib_hop_set(
			fib, via.hops[0], sl_adj_make(mac, port, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK));
	}
	if (sl_fib_set(fib, prefix, &via) != 0)
		die("no room for a route", NULL);
	if (via.n_hops > 0)
		sl_fib_hop_release(fib, via.hops[0]);
}

void rig_vlan(struct rig *rig, uint16_t id)
{
	memset(rig->vlan_map, SL_VLAN_NO, sizeof(rig->vlan_map));
	rig->vlan_map[id] = 1;
	rig->engine->ports[0].vlan_map = rig->vlan_map;
	rig->engine->ports[1].vlan = id;
}

unsigned rig_owner(const struct rig *rig, uint32_t client, uint16_t port)
{
	union sl_ip ip = sl_ip_v4(rte_cpu_to_be_32(client));

	return sl_engine_owner(rig->engine, 4, &ip, rte_cpu_to_be_16(port));
}

sl_id rig_server_id(
	const struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port, uint32_t address)
{
	struct sl_service_key key = key_of(protocol, vip, port);
	struct sl_addr addr = sl_addr_v4(rte_cpu_to_be_32(address));

	return sl_registry_server(rig->engine->registry, &key, &addr, port);
}

void rig_counters(const struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port,
	uint32_t address, struct sl_counters *sum)
{
	sl_engine_counters(rig->engine, rig_server_id(rig, protocol, vip, port, address), sum);
}

void rig_poll(struct rig *rig, unsigned worker, struct rte_mbuf **pkts, unsigned n)
{
	struct sl_worker *w = rig->engine->workers[worker];

	sl_worker_poll_begin(w, rig->time.ns);
	sl_pipeline_run(w, pkts, n);
	sl_worker_poll_end(w);
}

void rig_idle(struct rig *rig, unsigned worker)
{
	struct sl_worker *w = rig->engine->workers[worker];

	sl_worker_poll_begin(w, rig->time.ns);
	sl_worker_housekeeping(w);
	sl_worker_poll_end(w);
}

unsigned rig_poll_handover(struct rig *rig, unsigned worker)
{
	struct sl_worker *w = rig->engine->workers[worker];
	struct rte_mbuf *pkts[SL_BURST];
	unsigned n;

	sl_worker_poll_begin(w, rig->time.ns);
	n = sl_worker_take_handover(w, pkts);
	sl_pipeline_run(w, pkts, n);
	sl_worker_housekeeping(w);
	sl_worker_poll_end(w);
	return n;
}

void rig_sweep(struct rig *rig, unsigned rounds)
{
	for (unsigned i = 0; i < rig->engine->n_workers; i++) {
		struct sl_worker *w = rig->engine->workers[i];
		uint64_t until = w->sweep_rounds + rounds;

		for (unsigned polls = 0; w->sweep_rounds < until; polls++) {
			if (polls > 1000000)
				die("a sweep does not end", NULL);
			rig->time.ns += SL_NS_PER_MS * 10;
			rig_idle(rig, i);
		}
	}
}

static bool take_from_list(struct sl_out *out, const struct rte_mbuf *mbuf)
{
	for (unsigned i = 0; i < out->n; i++) {
		if (out->pkts[i] != mbuf)
			continue;
		memmove(&out->pkts[i], &out->pkts[i + 1], (out->n - i - 1) * sizeof(mbuf));
		out->n--;
		return true;
	}
	return false;
}

/* Once around the ring, so that the others keep their order. */
static bool take_from_ring(struct rte_ring *ring, const struct rte_mbuf *mbuf)
{
	bool found = false;
	void *at = NULL;

	for (unsigned n = ring == NULL ? 0 : rte_ring_count(ring); n > 0; n--) {
		rte_ring_sc_dequeue(ring, &at);
		if (at == mbuf)
			found = true;
		else
			rte_ring_sp_enqueue(ring, at);
	}
	return found;
}

/* The table gives one out only with all others: these stay here until they are asked for. */
static bool take_from_datagrams(struct rig *rig, struct sl_worker *w, const struct rte_mbuf *mbuf)
{
	sl_datagrams_expire(w->datagrams, w->now_ns + SL_DATAGRAM_LIFE_NS, SL_DATAGRAMS);
	rig->n_given_up += sl_datagrams_take(
		w->datagrams, &rig->given_up[rig->n_given_up], SL_WAITING - rig->n_given_up);
	for (unsigned i = 0; i < rig->n_given_up; i++) {
		if (rig->given_up[i] != mbuf)
			continue;
		rig->given_up[i] = rig->given_up[--rig->n_given_up];
		return true;
	}
	return false;
}

enum rig_end rig_end_of(struct rig *rig, unsigned worker, struct rte_mbuf *mbuf, unsigned *what)
{
	struct sl_worker *w = rig->engine->workers[worker];

	if (take_from_list(&w->freed, mbuf))
		return RIG_DROPPED;
	for (*what = 0; *what < SL_PORTS_MAX; (*what)++) {
		if (take_from_list(&w->tx[*what], mbuf))
			return RIG_SENT;
	}
	for (*what = 0; *what < SL_PUNT_COUNT; (*what)++) {
		if (take_from_ring(w->punt[*what], mbuf))
			return RIG_PUNTED;
	}
	for (*what = 0; *what < rig->engine->n_workers; (*what)++) {
		if (take_from_ring(w->handover_out[*what], mbuf))
			return RIG_HANDED_OVER;
	}
	return take_from_datagrams(rig, w, mbuf) ? RIG_WAITING : RIG_LOST;
}
