/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection of a packet: found, or made by its service's scheduler. Look-up order: the exact
 * front's entries before the any-port front's, and the service only on a miss
 * (docs/architecture.md, "Look-up order").
 *
 * One packet is through with all of this before the next begins: that one may belong to the
 * connection that this one makes, and schedulers by load have to see it counted.
 */
#include <netinet/in.h>

#include "lb/engine.h"
#include "lb/fwd.h"
#include "lb/pair.h"
#include "lb/stage.h"

#define PICKS_MAX 4 /* servers tried for one that the client does not talk to already */

/* ---- where its entry lies ---- */

/* By the client's endpoint alone, if the front has entries of no other kind. */
static bool is_by_client(const struct sl_front *front)
{
	return front->has_nat && !front->has_other;
}

/* Sets key, table and hash for an entry of this front. */
static void aim(struct sl_worker *w, struct sl_pkt *pkt, sl_id front, bool by_client)
{
	bool any = front == pkt->any;

	pkt->table = any || pkt->flow->family == 6 ? w->wide : w->narrow;
	pkt->key = (struct sl_conn_key){
		.client = pkt->flow->src,
		.client_port = pkt->flow->src_port,
		.service_port = any ? pkt->flow->dst_port : 0,
		.front = front,
	};
	pkt->hash = by_client
		? sl_conn_hash_client(pkt->table, &pkt->key.client, pkt->key.client_port)
		: sl_conn_hash(pkt->table, &pkt->key);
}

/* A reply knows no front: its client's line it is. */
static void aim_reply(struct sl_pkt *pkt, struct sl_conn_table *table)
{
	pkt->table = table;
	pkt->hash = sl_conn_hash_client(table, &pkt->flow->dst, pkt->flow->dst_port);
}

static bool fetch(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (pkt->direction == SL_DIR_IN) {
		sl_id front = pkt->exact != SL_ID_NONE ? pkt->exact : pkt->any;

		aim(w, pkt, front, is_by_client(sl_snapshot_front(w->snapshot, front)));
	} else {
		aim_reply(pkt, pkt->flow->family == 6 ? w->wide : w->narrow);
	}
	sl_conn_prefetch(pkt->table, pkt->hash);
	return true;
}

unsigned sl_stage_fetch(struct sl_worker *w, struct sl_pkt **pkts, unsigned n)
{
	return sl_stage_each(w, pkts, n, fetch);
}

/* ---- found ---- */

/* The service that takes new connections for this packet. */
static const struct sl_service *service_of(struct sl_worker *w, const struct sl_pkt *pkt)
{
	const struct sl_front *exact = NULL, *any = NULL;

	if (pkt->exact != SL_ID_NONE)
		exact = sl_snapshot_front(w->snapshot, pkt->exact);
	if (exact != NULL && exact->service != NULL)
		return exact->service;
	if (pkt->any != SL_ID_NONE)
		any = sl_snapshot_front(w->snapshot, pkt->any);
	return any == NULL ? NULL : any->service;
}

static bool is_expired(const struct sl_worker *w, const struct sl_conn_view *view)
{
	return (sl_tick)(w->tick - view->tick) >= w->snapshot->timeouts.s[view->state];
}

/* Whether a packet opens a connection anew on an entry in this state. */
static bool reopens(const struct sl_pkt *pkt, enum sl_state state)
{
	return pkt->direction == SL_DIR_IN && !pkt->is_error &&
		pkt->parsed.protocol == IPPROTO_TCP && (pkt->parsed.tcp_flags & SL_TCP_SYN) &&
		sl_tcp_reusable(state);
}

/* Whether an entry stands in the packet's way: it counts for nothing any more. */
static bool is_over(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_conn_view *view)
{
	if (is_expired(w, view))
		return true;
	pkt->server = sl_snapshot_server(w->snapshot, view->server);
	return pkt->server == NULL || pkt->server->state == SL_ID_REAPING;
}

static void forget(struct sl_worker *w, struct sl_conn_table *table, struct sl_conn_ref ref,
	const struct sl_conn_view *view)
{
	if (sl_pair_is(view)) {
		sl_side_remove(w, view->side);
		return;
	}
	sl_conn_remove(table, ref);
	sl_worker_count(w, view->server, view->state, SL_STATE_COUNT);
}

/* Looks at where the packet aims; an entry that is over is removed. */
static bool find_here(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	pkt->conn = sl_conn_find(pkt->table, &pkt->key, pkt->hash);
	if (pkt->conn.slot == NULL)
		return false;
	sl_conn_view(pkt->table, pkt->conn, view);
	if (sl_pair_is(view))
		sl_pair_found(w, pkt, view);
	if (!is_over(w, pkt, view)) {
		if (!reopens(pkt, view->state))
			return true;
		if (service_of(w, pkt) == NULL)
			return false; /* nobody takes the new one, and this one stays, as in LVS */
		sl_count_add(w->stats.reused, 1);
	}
	forget(w, pkt->table, pkt->conn, view);
	return false;
}

/* NAT connections of a client with too many services are pairs, which lie by the whole key. */
static bool find_spilled(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	if (likely(!sl_conn_spilled(pkt->table, pkt->hash)))
		return false;
	aim(w, pkt, pkt->key.front, false);
	return find_here(w, pkt, view);
}

/* Looks in each place that entries of the front can have, first where the packet aims already. */
static bool find_of_front(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	const struct sl_front *front = sl_snapshot_front(w->snapshot, pkt->key.front);

	pkt->front = front;
	if (find_here(w, pkt, view))
		return true;
	if (!front->has_nat)
		return false;
	if (!front->has_other)
		return find_spilled(w, pkt, view);
	aim(w, pkt, pkt->key.front, true);
	return find_here(w, pkt, view);
}

static bool find_request(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	if (find_of_front(w, pkt, view))
		return true;
	if (pkt->exact == SL_ID_NONE || pkt->any == SL_ID_NONE)
		return false;
	aim(w, pkt, pkt->any, is_by_client(sl_snapshot_front(w->snapshot, pkt->any)));
	return find_of_front(w, pkt, view);
}

/* Server-side tuples: of NAT entries of one client endpoint, the one with this server's end. */
struct server_end {
	const struct sl_worker *w;
	sl_id exact; /* servers' fronts, either may be SL_ID_NONE */
	sl_id any;
	rte_be16_t port;
};

static bool has_server_end(void *arg, const struct sl_conn_view *view)
{
	const struct server_end *end = arg;
	const struct sl_server *server = sl_snapshot_server(end->w->snapshot, view->server);
	sl_id endpoint = server == NULL ? SL_ID_NONE : server->held[SL_HOLD_PORT];

	if (endpoint == SL_ID_NONE)
		return false;
	/* A server for any port has the port that the client asked for. */
	return endpoint == end->exact ||
		(endpoint == end->any && view->key.service_port == end->port);
}

static bool find_reply_in(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	struct server_end end = {w, pkt->exact, pkt->any, pkt->flow->src_port};

	pkt->conn = sl_conn_find_reply(
		pkt->table, &pkt->flow->dst, pkt->flow->dst_port, pkt->hash, has_server_end, &end);
	if (pkt->conn.slot == NULL)
		return false;
	sl_conn_view(pkt->table, pkt->conn, view);
	pkt->key = view->key;
	pkt->front = sl_snapshot_front(w->snapshot, view->key.front);
	if (!is_over(w, pkt, view) && pkt->front != NULL)
		return true;
	forget(w, pkt->table, pkt->conn, view);
	return false;
}

static bool find_nat_reply(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	if (find_reply_in(w, pkt, view))
		return true;
	if (pkt->table == w->wide || w->snapshot->n_any_port == 0)
		return false;
	aim_reply(pkt, w->wide);
	return find_reply_in(w, pkt, view);
}

static bool find_reply(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	if (find_nat_reply(w, pkt, view))
		return true;
	if (!sl_pair_find_reply(w, pkt, view))
		return false;
	if (!is_over(w, pkt, view))
		return true;
	sl_side_remove(w, view->side);
	return false;
}

/* ---- followed ---- */

/* What proves a connection is payload of the client's. */
static uint8_t data_flag(const struct sl_pkt *pkt)
{
	return pkt->direction == SL_DIR_IN && pkt->parsed.payload > 0 ? SL_CONN_DATA : 0;
}

static void count_packet(struct sl_worker *w, const struct sl_pkt *pkt)
{
	struct sl_counters *line = sl_worker_counters(w, pkt->server_id);

	if (pkt->direction == SL_DIR_IN) {
		sl_count_add(line->in_packets, 1);
		sl_count_add(line->in_bytes, pkt->parsed.l3_length);
	} else {
		sl_count_add(line->out_packets, 1);
		sl_count_add(line->out_bytes, pkt->parsed.l3_length);
	}
}

/* What the packet changes in its entry, written only if it does. Errors change nothing. */
static void update(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_conn_view *view)
{
	enum sl_state state = sl_pkt_next_state(pkt, view->kind, view->state, pkt->direction);
	uint8_t flags = view->flags | data_flag(pkt);

	if (sl_pair_is(view)) {
		sl_side_update(w, pkt->side, state, pkt->side->flags | flags);
		return;
	}
	if (state != view->state)
		sl_worker_count(w, view->server, view->state, state);
	if (state != view->state || flags != view->flags || w->tick != view->tick)
		sl_conn_update(pkt->table, pkt->conn, state, flags, w->tick);
}

static uint8_t method_of(const struct sl_pkt *pkt, const struct sl_conn_view *view)
{
	if (sl_pair_is(view))
		return pkt->side->flags & SL_SIDE_SPILLED ? SL_FWD_NAT : SL_FWD_FULLNAT;
	return view->kind == SL_CONN_NAT ? SL_FWD_NAT : pkt->server->plain;
}

/* A packet of a known connection, which goes on by the method under which it began. */
static bool follow(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_conn_view *view)
{
	/* Replies of a server that was removed still leave, as with LVS. */
	if (pkt->server->state == SL_ID_DELETED && pkt->direction == SL_DIR_IN)
		return sl_stage_drop(w, pkt, SL_DROP_SERVER_REMOVED);
	pkt->server_id = view->server;
	pkt->method = method_of(pkt, view);
	if (!pkt->is_error)
		update(w, pkt, view);
	count_packet(w, pkt);
	return true;
}

/* ---- made ---- */

static struct sl_sched_cell *cell_of(struct sl_worker *w, sl_id front)
{
	return &sl_read_pointer(&w->cells[front / SL_PAGE])[front % SL_PAGE];
}

/* Puts the connection into the table; another may have to make room for it. */
static enum sl_drop insert(struct sl_worker *w, struct sl_pkt *pkt, enum sl_conn_kind kind)
{
	struct sl_conn_view evicted,
		entry = {
			.key = pkt->key,
			.server = pkt->server_id,
			.state = sl_pkt_next_state(pkt, kind, SL_STATE_NONE, pkt->direction),
			.flags = data_flag(pkt),
			.tick = w->tick,
			.kind = kind,
		};

	if (kind == SL_CONN_SIDE)
		return sl_pair_open(w, pkt, entry.state, entry.flags, false);
	pkt->conn = sl_conn_insert(
		pkt->table, &entry, pkt->hash, w->tick, &w->snapshot->timeouts, &evicted);
	if (evicted.key.front != SL_ID_NONE)
		sl_worker_count(w, evicted.server, evicted.state, SL_STATE_COUNT);
	if (pkt->conn.slot != NULL) {
		sl_worker_count(w, entry.server, SL_STATE_COUNT, entry.state);
		return SL_DROP_COUNT;
	}
	if (kind == SL_CONN_NAT)
		return sl_pair_open(w, pkt, entry.state, entry.flags, true);
	return SL_DROP_TABLE_FULL;
}

/* A NAT connection of the same client endpoint that ends at the same port of the server. */
struct rival {
	struct sl_conn_table *table; /* of one that is no pair */
	struct sl_conn_ref conn;
	struct sl_conn_view view;
};

static rte_be16_t server_port(const struct sl_pkt *pkt)
{
	return pkt->server->port != 0 ? pkt->server->port : pkt->flow->dst_port;
}

static bool
find_rival_in(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_table *table, struct rival *r)
{
	sl_id endpoint = pkt->server->endpoint;
	struct server_end end = {
		w, pkt->server->port != 0 ? endpoint : SL_ID_NONE, endpoint, server_port(pkt)};
	uint64_t hash = sl_conn_hash_client(table, &pkt->flow->src, pkt->flow->src_port);

	r->table = table;
	r->conn = sl_conn_find_reply(
		table, &pkt->flow->src, pkt->flow->src_port, hash, has_server_end, &end);
	if (r->conn.slot == NULL)
		return false;
	sl_conn_view(table, r->conn, &r->view);
	return true;
}

static bool find_rival(struct sl_worker *w, struct sl_pkt *pkt, struct rival *r)
{
	if (find_rival_in(w, pkt, pkt->flow->family == 6 ? w->wide : w->narrow, r))
		return true;
	if (pkt->flow->family != 6 && w->snapshot->n_any_port > 0 &&
		find_rival_in(w, pkt, w->wide, r))
		return true;
	return sl_pair_find_rival(w, pkt, server_port(pkt), &r->view);
}

/* Whether the server picked has such a connection; one that is over is removed. */
static bool has_rival(struct sl_worker *w, struct sl_pkt *pkt, struct rival *r)
{
	const struct sl_server *server;

	if (sl_fwds[pkt->server->fwd]->kind != SL_CONN_NAT || !find_rival(w, pkt, r))
		return false;
	server = sl_snapshot_server(w->snapshot, r->view.server);
	if (!is_expired(w, &r->view) && server != NULL && server->state != SL_ID_REAPING)
		return true;
	forget(w, r->table, r->conn, &r->view);
	return false;
}

/* A server without a rival; else the rival's entry if that is closing. */
static bool pick(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_service *service)
{
	struct rival rival;

	for (unsigned n = 0; n < PICKS_MAX; n++) {
		uint32_t position =
			service->sched->pick(w, service, cell_of(w, service->front), pkt->flow);

		if (position == SL_SCHED_NONE) {
			sl_emit_answer(w, pkt, SL_ICMP_PORT_UNREACHABLE, 0, SL_DROP_NO_SERVER);
			return false;
		}
		pkt->server_id = service->servers[position];
		pkt->server = sl_snapshot_server(w->snapshot, pkt->server_id);
		if (!has_rival(w, pkt, &rival))
			return true;
	}
	if (!sl_tcp_reusable(rival.view.state))
		return sl_stage_drop(w, pkt, SL_DROP_NAT_TUPLE_BUSY);
	forget(w, rival.table, rival.conn, &rival.view);
	sl_count_add(w->stats.reused, 1);
	return true;
}

/* A client's packet without a connection. */
static bool schedule(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_parsed *parsed = &pkt->parsed;
	const struct sl_service *service = service_of(w, pkt);
	enum sl_conn_kind kind;
	enum sl_drop drop;

	if (parsed->fragment_offset > 0)
		return sl_stage_drop(w, pkt, SL_DROP_FRAGMENT); /* the first made no connection */
	if (service == NULL ||
		(parsed->protocol == IPPROTO_TCP &&
			(parsed->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) != SL_TCP_SYN))
		return sl_unclaimed_stray(w, pkt);
	/* Nobody else sends from our own addresses. */
	if (sl_local_set_has(sl_read_pointer(&w->engine->local), parsed->family, &parsed->src))
		return sl_stage_drop(w, pkt, SL_DROP_SOURCE_ADDRESS);
	if (!pick(w, pkt, service))
		return false;
	pkt->method = pkt->server->fwd;
	kind = sl_fwds[pkt->method]->kind;
	aim(w, pkt, service->front, kind == SL_CONN_NAT);
	pkt->front = sl_snapshot_front(w->snapshot, service->front);
	drop = insert(w, pkt, kind);
	if (drop == SL_DROP_LOCAL_PORTS) {
		sl_emit_answer(w, pkt, SL_ICMP_PORT_UNREACHABLE, 0, drop);
		return false;
	}
	if (drop != SL_DROP_COUNT)
		return sl_stage_drop(w, pkt, drop);
	sl_count_add(sl_worker_counters(w, pkt->server_id)->connections, 1);
	count_packet(w, pkt);
	return true;
}

static bool balance(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_conn_view view;

	if (pkt->direction == SL_DIR_OUT)
		return find_reply(w, pkt, &view) ? follow(w, pkt, &view) : sl_unclaimed(w, pkt);
	if (find_request(w, pkt, &view))
		return follow(w, pkt, &view);
	return pkt->is_error ? sl_unclaimed(w, pkt) : schedule(w, pkt);
}

unsigned sl_stage_balance(struct sl_worker *w, struct sl_pkt **pkts, unsigned n)
{
	return sl_stage_each(w, pkts, n, balance);
}
