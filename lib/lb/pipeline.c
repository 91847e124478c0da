/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages stand here in the order in which a packet meets them. Each looks at one packet and
 * either lets it go on (true) or has ended it: sent to Linux, to another worker, or dropped. The
 * order of packets is kept throughout, so a burst has the outcome that its packets would have had
 * one by one.
 */
#include "lb/pipeline.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "lb/emit.h"
#include "lb/engine.h"
#include "lb/front.h"
#include "lb/fwd.h"
#include "net/checksum.h"

typedef bool (*stage)(struct sl_worker *w, struct sl_pkt *pkt);

static bool check_ether(struct sl_worker *w, struct sl_pkt *pkt);
static bool parse(struct sl_worker *w, struct sl_pkt *pkt);
static bool set_host_traffic_aside(struct sl_worker *w, struct sl_pkt *pkt);
static bool find_front(struct sl_worker *w, struct sl_pkt *pkt);
static bool find_owner(struct sl_worker *w, struct sl_pkt *pkt);
static bool fetch_line(struct sl_worker *w, struct sl_pkt *pkt);
static bool find_server(struct sl_worker *w, struct sl_pkt *pkt);
static bool spend_ttl(struct sl_worker *w, struct sl_pkt *pkt);
static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n);

/* Takes the packets through one stage; those that go on move up. Returns how many do. */
static inline __attribute__((always_inline)) unsigned
each(struct sl_worker *w, struct sl_pkt **pkts, unsigned n, stage step)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		if (step(w, pkts[i]))
			pkts[left++] = pkts[i];
	}
	return left;
}

void sl_pipeline_run(struct sl_worker *w, struct rte_mbuf **mbufs, unsigned n)
{
	struct sl_pkt burst[SL_BURST];
	struct sl_pkt *pkts[SL_BURST];

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
		burst[i].mbuf = mbufs[i];
		pkts[i] = &burst[i];
	}
	sl_count_add(w->stats.bursts, 1);

	n = each(w, pkts, n, check_ether);
	n = each(w, pkts, n, parse);
	n = each(w, pkts, n, set_host_traffic_aside);
	n = each(w, pkts, n, find_front);
	n = each(w, pkts, n, find_owner);
	n = each(w, pkts, n, fetch_line);
	n = each(w, pkts, n, find_server);
	n = each(w, pkts, n, spend_ttl);
	forward(w, pkts, n);
}

static bool drop(struct sl_worker *w, struct sl_pkt *pkt, enum sl_drop reason)
{
	sl_emit_drop(w, pkt->mbuf, reason);
	return false;
}

/* ---- what is for Linux ---- */

static bool punt(struct sl_worker *w, struct sl_pkt *pkt, bool to_vip)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);
	bool group = rte_is_multicast_ether_addr(&ether->dst_addr);

	sl_emit_punt(w, pkt->mbuf, sl_punt_classify(&pkt->parsed, group, to_vip));
	return false;
}

/* To a VIP, and neither service nor connection wants it: Linux answers, if there is one. */
static bool stray(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (pkt->parsed.protocol == IPPROTO_TCP && !w->engine->ports[pkt->mbuf->port].twin)
		return drop(w, pkt, SL_DROP_NO_CONNECTION);
	return punt(w, pkt, true);
}

/* IPv4 to our MAC address that no service claims: the box's own, or somebody else's. */
static bool unclaimed(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_engine *engine = w->engine;

	if (!sl_local_set_has(sl_read_pointer(&engine->local), 4, &pkt->parsed.dst)) {
		if (sl_read_flag(&engine->ports[pkt->mbuf->port].transit) == SL_TRANSIT_DROP)
			return drop(w, pkt, SL_DROP_TRANSIT);
		sl_emit_punt(w, pkt->mbuf, SL_PUNT_OTHER);
		return false;
	}
	if (sl_front_table_has_vip(w->snapshot->table, 4, &pkt->parsed.dst))
		return stray(w, pkt);
	return punt(w, pkt, false);
}

/* ---- 1. Ethernet: on which VLAN is it, from somebody else, and for us? ---- */

static bool enter_vlan(struct sl_worker *w, struct sl_pkt *pkt)
{
	uint16_t parent = pkt->mbuf->port;
	enum sl_drop why;

	if (!sl_vlan_enter(w->engine, pkt->mbuf, &why))
		return drop(w, pkt, why);
	if (pkt->mbuf->port != parent) {
		sl_count_add(w->stats.rx_packets[pkt->mbuf->port], 1);
		sl_count_add(w->stats.rx_bytes[pkt->mbuf->port], pkt->mbuf->pkt_len);
	}
	return true;
}

static uint64_t mac_word(const struct rte_ether_addr *mac)
{
	uint64_t word = 0;

	memcpy(&word, mac, sizeof(*mac));
	return word;
}

static bool is_ours(const struct sl_port *port, uint64_t mac)
{
	for (unsigned i = 0; i < SL_PORT_MACS; i++) {
		if (sl_read_mac(&port->macs[i]) == mac)
			return mac != 0; /* a free place */
	}
	return false;
}

static bool check_ether(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct rte_ether_hdr *ether;
	const struct sl_port *port;

	if (pkt->mbuf->data_len < sizeof(*ether))
		return drop(w, pkt, SL_DROP_TRUNCATED);
	if (unlikely(sl_vlan_is_tagged(pkt->mbuf)) && !enter_vlan(w, pkt))
		return false;
	ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);
	port = &w->engine->ports[pkt->mbuf->port];
	/* A macvlan child's may be: in VRRP the master sends from the address that all routers
	 * have. */
	if (rte_is_multicast_ether_addr(&ether->src_addr) ||
		rte_is_zero_ether_addr(&ether->src_addr) ||
		sl_read_mac(&port->macs[0]) == mac_word(&ether->src_addr))
		return drop(w, pkt, SL_DROP_SOURCE_MAC);
	if (!rte_is_multicast_ether_addr(&ether->dst_addr) &&
		!is_ours(port, mac_word(&ether->dst_addr)))
		return drop(w, pkt, SL_DROP_NOT_OUR_MAC);
	return true;
}

/* ---- 2. the headers ---- */

static bool parse(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct rte_mbuf *mbuf = pkt->mbuf;
	bool verified =
		(mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;

	pkt->kind = sl_parse(rte_pktmbuf_mtod(mbuf, const void *), mbuf->data_len, mbuf->pkt_len,
		!verified, &pkt->parsed);
	switch ((enum sl_parse_result)pkt->kind) {
	case SL_PARSE_TRUNCATED:
		return drop(w, pkt, SL_DROP_TRUNCATED);
	case SL_PARSE_MALFORMED:
		return drop(w, pkt, SL_DROP_MALFORMED);
	case SL_PARSE_CHECKSUM:
		return drop(w, pkt, SL_DROP_IP_CHECKSUM);
	case SL_PARSE_EXTENSIONS:
		return drop(w, pkt, SL_DROP_EXTENSIONS);
	default:
		return true;
	}
}

/* ---- 3. what cannot be balanced: group addresses, ARP, IPv6, ... ---- */

static bool set_host_traffic_aside(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);

	if (pkt->parsed.family != 4 || rte_is_multicast_ether_addr(&ether->dst_addr))
		return punt(w, pkt, false);
	if (!sl_ip_is_host(4, &pkt->parsed.src))
		return drop(w, pkt, SL_DROP_SOURCE_ADDRESS);
	return true;
}

/* ---- 4. the front: is there, or was there, a service? ---- */

/* The front's id if this generation has it and its VIP is an address of this box now. */
static sl_id front_of(struct sl_worker *w, const struct sl_parsed *parsed, rte_be16_t port)
{
	const struct sl_front *front;
	sl_id id;

	id = sl_front_table_find(
		w->snapshot->table, SL_FRONT_SERVICE, 4, parsed->protocol, &parsed->dst, port);
	if (id == SL_ID_NONE)
		return SL_ID_NONE;
	front = sl_snapshot_front(w->snapshot, id);
	if (front == NULL || front->state == SL_ID_REAPING ||
		!sl_read_flag(&w->engine->vip_local[front->index]))
		return SL_ID_NONE;
	return id;
}

static bool is_fragment_for_service(struct sl_worker *w, const struct sl_pkt *pkt)
{
	uint8_t protocol = pkt->parsed.protocol;

	return pkt->kind == SL_PARSE_FRAGMENT &&
		(protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) &&
		sl_front_table_has_vip(w->snapshot->table, 4, &pkt->parsed.dst);
}

static bool find_front(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_mbuf_meta *meta = rte_mbuf_to_priv(pkt->mbuf);

	/* Without any service sluice is out of the way, as LVS is. */
	if (w->snapshot->n_services == 0)
		return unclaimed(w, pkt);
	if (is_fragment_for_service(w, pkt))
		return drop(w, pkt, SL_DROP_FRAGMENT);
	if (pkt->kind != SL_PARSE_L4)
		return unclaimed(w, pkt);
	pkt->exact = front_of(w, &pkt->parsed, pkt->parsed.dst_port);
	pkt->any = w->snapshot->n_any_port > 0 ? front_of(w, &pkt->parsed, 0) : SL_ID_NONE;
	if (pkt->exact == SL_ID_NONE && pkt->any == SL_ID_NONE)
		return unclaimed(w, pkt);
	if (meta->hops == 0)
		sl_count_add(w->stats.balanced[pkt->mbuf->port], 1);
	return true;
}

/* ---- 5. the owner of the client's endpoint ---- */

static bool find_owner(struct sl_worker *w, struct sl_pkt *pkt)
{
	unsigned owner = sl_engine_owner(w->engine, 4, &pkt->parsed.src, pkt->parsed.src_port);

	if (owner == w->index)
		return true;
	sl_emit_handover(w, pkt->mbuf, owner);
	return false;
}

/* ---- 6. the connection's line, fetched for all of the burst before it is needed ---- */

static void set_key(struct sl_pkt *pkt, bool wide)
{
	pkt->key = (struct sl_conn_key){
		.client = pkt->parsed.src,
		.client_port = pkt->parsed.src_port,
		.service_port = wide ? pkt->parsed.dst_port : 0,
		.front = wide ? pkt->any : pkt->exact,
	};
}

static struct sl_conn_table *aim(struct sl_worker *w, struct sl_pkt *pkt, bool wide)
{
	struct sl_conn_table *table = wide ? w->wide : w->narrow;

	set_key(pkt, wide);
	pkt->hash = sl_conn_hash(table, &pkt->key);
	return table;
}

static bool fetch_line(struct sl_worker *w, struct sl_pkt *pkt)
{
	sl_conn_prefetch(aim(w, pkt, pkt->exact == SL_ID_NONE), pkt->hash);
	return true;
}

/*
 * ---- 7. the connection: found, or made by its service's scheduler ----
 * One packet is through with all of this before the next begins: that one may belong to the
 * connection that this one makes, and schedulers by load have to see it counted.
 */

static bool is_expired(const struct sl_worker *w, const struct sl_conn_view *view)
{
	return (sl_tick)(w->tick - view->tick) >= w->snapshot->timeouts.s[view->state];
}

/* Whether an entry stands in the packet's way: it counts for nothing any more. */
static bool is_over(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_conn_view *view)
{
	if (is_expired(w, view))
		return true;
	pkt->server = sl_snapshot_server(w->snapshot, view->server);
	if (pkt->server == NULL || pkt->server->state == SL_ID_REAPING)
		return true;
	if (pkt->parsed.protocol != IPPROTO_TCP || !(pkt->parsed.tcp_flags & SL_TCP_SYN) ||
		!sl_tcp_reusable(view->state))
		return false;
	sl_count_add(w->stats.reused, 1);
	return true;
}

/* Finds the packet's entry in one table; one that is over is removed. */
static bool find_in(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_table *table,
	struct sl_conn_view *view)
{
	pkt->conn = sl_conn_find(table, &pkt->key, pkt->hash);
	if (pkt->conn.slot == NULL)
		return false;
	sl_conn_view(table, pkt->conn, view);
	if (!is_over(w, pkt, view))
		return true;
	sl_conn_remove(table, pkt->conn);
	sl_worker_count(w, view->server, view->state, SL_STATE_COUNT);
	return false;
}

/* Exact front's before any-port front's: docs/architecture.md, "Look-up order". */
static struct sl_conn_table *
find_conn(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	if (pkt->exact != SL_ID_NONE && find_in(w, pkt, w->narrow, view))
		return w->narrow;
	if (pkt->any == SL_ID_NONE)
		return NULL;
	if (pkt->exact != SL_ID_NONE)
		aim(w, pkt, true);
	return find_in(w, pkt, w->wide, view) ? w->wide : NULL;
}

static enum sl_state next_state(const struct sl_parsed *parsed, enum sl_state state)
{
	if (parsed->protocol == IPPROTO_UDP)
		return SL_STATE_UDP;
	return sl_tcp_next_oneside(state, parsed->tcp_flags);
}

static uint8_t data_flag(const struct sl_parsed *parsed)
{
	return parsed->payload > 0 ? SL_CONN_DATA : 0;
}

static void count_packet(struct sl_worker *w, sl_id server, const struct sl_parsed *parsed)
{
	struct sl_counters *line = sl_worker_counters(w, server);

	sl_count_add(line->in_packets, 1);
	sl_count_add(line->in_bytes, parsed->l3_length);
}

/* A packet of a known connection: what it changes, written only if it does. */
static bool follow(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_table *table,
	const struct sl_conn_view *view)
{
	enum sl_state state = next_state(&pkt->parsed, view->state);
	uint8_t flags = view->flags | data_flag(&pkt->parsed);

	if (pkt->server->state == SL_ID_DELETED)
		return drop(w, pkt, SL_DROP_SERVER_REMOVED);
	pkt->server_id = view->server;
	if (state != view->state)
		sl_worker_count(w, view->server, view->state, state);
	if (state != view->state || flags != view->flags || w->tick != view->tick)
		sl_conn_update(table, pkt->conn, state, flags, w->tick);
	count_packet(w, view->server, &pkt->parsed);
	return true;
}

static struct sl_sched_cell *cell_of(struct sl_worker *w, sl_id front)
{
	return &sl_read_pointer(&w->cells[front / SL_PAGE])[front % SL_PAGE];
}

/* The service that takes new connections for this packet, and its front's table. */
static const struct sl_service *
service_of(struct sl_worker *w, const struct sl_pkt *pkt, bool *wide)
{
	const struct sl_front *exact = NULL, *any = NULL;

	*wide = false;
	if (pkt->exact != SL_ID_NONE)
		exact = sl_snapshot_front(w->snapshot, pkt->exact);
	if (exact != NULL && exact->service != NULL)
		return exact->service;
	*wide = true;
	if (pkt->any != SL_ID_NONE)
		any = sl_snapshot_front(w->snapshot, pkt->any);
	return any == NULL ? NULL : any->service;
}

/* Puts the connection into the table; another may have to make room for it. */
static bool insert(struct sl_worker *w, struct sl_pkt *pkt, bool wide)
{
	struct sl_conn_table *table = aim(w, pkt, wide);
	struct sl_conn_view evicted,
		entry = {
			.key = pkt->key,
			.server = pkt->server_id,
			.state = next_state(&pkt->parsed, SL_STATE_NONE),
			.flags = data_flag(&pkt->parsed),
			.tick = w->tick,
		};

	pkt->conn =
		sl_conn_insert(table, &entry, pkt->hash, w->tick, &w->snapshot->timeouts, &evicted);
	if (evicted.key.front != SL_ID_NONE)
		sl_worker_count(w, evicted.server, evicted.state, SL_STATE_COUNT);
	if (pkt->conn.slot == NULL)
		return false;
	sl_worker_count(w, entry.server, SL_STATE_COUNT, entry.state);
	return true;
}

/* A packet without a connection. */
static bool schedule(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_parsed *parsed = &pkt->parsed;
	const struct sl_service *service;
	uint32_t position;
	bool wide;

	service = service_of(w, pkt, &wide);
	if (service == NULL ||
		(parsed->protocol == IPPROTO_TCP &&
			(parsed->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) != SL_TCP_SYN))
		return stray(w, pkt);
	/* Nobody else sends from our own addresses. */
	if (sl_local_set_has(sl_read_pointer(&w->engine->local), 4, &parsed->src))
		return drop(w, pkt, SL_DROP_SOURCE_ADDRESS);
	position = service->sched->pick(w, service, cell_of(w, service->front));
	if (position == SL_SCHED_NONE) {
		sl_emit_icmp_error(w, pkt->mbuf, parsed, SL_ICMP_PORT_UNREACHABLE, 0, &parsed->dst,
			SL_DROP_NO_SERVER);
		return false;
	}
	pkt->server_id = service->servers[position];
	pkt->server = sl_snapshot_server(w->snapshot, pkt->server_id);
	if (!insert(w, pkt, wide))
		return drop(w, pkt, SL_DROP_TABLE_FULL);
	sl_count_add(sl_worker_counters(w, pkt->server_id)->connections, 1);
	count_packet(w, pkt->server_id, parsed);
	return true;
}

static bool find_server(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_conn_view view;
	struct sl_conn_table *table = find_conn(w, pkt, &view);

	return table != NULL ? follow(w, pkt, table, &view) : schedule(w, pkt);
}

/* ---- 8. the TTL, as in any router ---- */

static bool spend_ttl(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(pkt->mbuf, struct rte_ipv4_hdr *, pkt->parsed.l3_offset);
	uint16_t before, after;

	if (!sl_fwds[pkt->server->fwd]->routes)
		return true;
	if (ip->time_to_live <= 1) {
		sl_emit_icmp_error(w, pkt->mbuf, &pkt->parsed, SL_ICMP_TIME_EXCEEDED, 0,
			&pkt->parsed.dst, SL_DROP_TTL_EXCEEDED);
		return false;
	}
	/* The checksum's word holds TTL and protocol. */
	memcpy(&before, &ip->time_to_live, sizeof(before));
	ip->time_to_live--;
	memcpy(&after, &ip->time_to_live, sizeof(after));
	ip->hdr_checksum = sl_csum_update16(ip->hdr_checksum, before, after);
	return true;
}

/* ---- 9. out, by forwarding method: packets of one connection have the same ---- */

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned method = 0; method < SL_FWD_METHODS; method++) {
		struct sl_pkt *batch[SL_BURST];
		unsigned size = 0;

		for (unsigned i = 0; i < n; i++) {
			if (pkts[i]->server->fwd == method)
				batch[size++] = pkts[i];
		}
		if (size > 0)
			sl_fwds[method]->forward(w, batch, size);
	}
}
