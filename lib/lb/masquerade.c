/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/masquerade.h"

#include <netinet/in.h>

#include "lb/engine.h"
#include "lb/front.h"
#include "lb/local_port.h"
#include "lb/pair.h"
#include "lb/stage.h"
#include "net/rewrite.h"

/* The endpoints that decide: the packet's own, or those of what an error quotes turned round. */
static bool read_flow(struct sl_pkt *pkt)
{
	const struct sl_parsed *p = &pkt->parsed, *quoted = &pkt->error->quoted;

	pkt->flow = p;
	pkt->is_error = false;
	if (pkt->kind == SL_PARSE_L4)
		return true;
	if (pkt->kind != SL_PARSE_IP || !sl_icmp_is_error(p->family, p->icmp_type))
		return false;
	sl_parse_quoted(rte_pktmbuf_mtod(pkt->mbuf, const void *), pkt->mbuf->data_len, p,
		&pkt->error->quoted);
	if (!quoted->has_l4 || !sl_ip_equal(&quoted->src, &p->dst))
		return false;
	sl_pkt_follow_quoted(pkt);
	pkt->is_error = true;
	return true;
}

static sl_id front_of(const struct sl_worker *w, const struct sl_parsed *flow)
{
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return SL_ID_NONE;
	return w->snapshot->masquerade[flow->family == 6][flow->protocol == IPPROTO_UDP];
}

/* Handed over to the worker whose the endpoint is, if it is another. */
static bool
is_elsewhere(struct sl_worker *w, struct sl_pkt *pkt, const union sl_ip *ip, rte_be16_t port)
{
	unsigned owner = sl_engine_owner(w->engine, pkt->flow->family, ip, port);
	struct sl_mbuf_meta *meta = rte_mbuf_to_priv(pkt->mbuf);

	if (owner == w->index)
		return false;
	meta->unclaimed = true;
	sl_emit_handover(w, pkt->mbuf, owner);
	return true;
}

/* The mapping by one of its two keys; 0 = none. One that is over goes. */
static uint32_t find(struct sl_worker *w, const struct sl_pkt *pkt, const union sl_ip *ip,
	rte_be16_t port, enum sl_conn_kind kind)
{
	struct sl_conn_table *table = pkt->flow->family == 6 ? w->wide : w->narrow;
	struct sl_conn_key key = {
		.client = *ip, .client_port = port, .front = front_of(w, pkt->flow)};
	struct sl_conn_ref ref = sl_conn_find(table, &key, sl_conn_hash(table, &key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return 0;
	sl_conn_view(table, ref, &view);
	if (view.kind != kind)
		return 0;
	if (!sl_side_is_over(w, sl_side_at(w, view.side)))
		return view.side;
	if (!(sl_side_at(w, view.side)->flags & SL_SIDE_LINGERS))
		sl_side_remove(w, view.side);
	return 0;
}

/* Tells one peer from another; not for good. */
static uint32_t
peer_of(const struct sl_worker *w, uint8_t family, const union sl_ip *ip, rte_be16_t port)
{
	return (uint32_t)(sl_conn_hash_client(family == 6 ? w->wide : w->narrow, ip, port) >> 32);
}

static bool is_closed(const struct sl_side *side)
{
	return side->state == SL_STATE_CLOSE || side->state == SL_STATE_TIME_WAIT;
}

/*
 * Towards one peer the endpoint is followed as a connection. Once it speaks to several at a time,
 * the end of one connection is not the end of the others: it lasts until it is idle. A connection
 * to another peer after the end of the last one is again the only one.
 */
static void follow(struct sl_worker *w, const struct sl_pkt *pkt, struct sl_side *side,
	enum sl_direction direction)
{
	const struct sl_parsed *p = &pkt->parsed;
	bool data = direction == SL_DIR_IN && p->payload > 0;
	uint16_t flags = side->flags | (data ? SL_SIDE_DATA : 0);
	enum sl_state state = (enum sl_state)side->state;
	uint32_t peer;

	if (pkt->is_error)
		return;
	peer = direction == SL_DIR_IN ? peer_of(w, p->family, &p->dst, p->dst_port) : side->peer;
	if (peer != side->peer && is_closed(side) && (p->tcp_flags & SL_TCP_SYN)) {
		side->peer = peer;
		flags &= (uint16_t)~SL_SIDE_PEERS;
		state = SL_STATE_NONE;
	} else if (peer != side->peer) {
		flags |= SL_SIDE_PEERS;
	}
	state = sl_pkt_next_state(pkt, SL_CONN_SIDE, state, direction);
	if ((flags & SL_SIDE_PEERS) && p->protocol == IPPROTO_TCP)
		state = SL_STATE_ESTABLISHED;
	sl_side_update(w, side, state, flags);
}

/* The server's end of services that the packet goes to, by which FullNAT knows its replies. */
static sl_id endpoint_of(const struct sl_worker *w, const struct sl_parsed *p)
{
	const struct sl_front_table *table = w->snapshot->table;
	sl_id id = SL_ID_NONE;

	if (w->snapshot->n_endpoints > 0)
		id = sl_front_table_find(
			table, SL_FRONT_ENDPOINT, p->family, p->protocol, &p->dst, p->dst_port);
	if (id == SL_ID_NONE && w->snapshot->n_any_endpoints > 0)
		id = sl_front_table_find(
			table, SL_FRONT_ENDPOINT, p->family, p->protocol, &p->dst, 0);
	return id;
}

static enum sl_drop open_mapping(struct sl_worker *w, const struct sl_pkt *pkt, uint32_t *index)
{
	const struct sl_parsed *p = &pkt->parsed;
	uint16_t wide = p->family == 6 ? SL_SIDE_WIDE | SL_SIDE_LOCAL_WIDE : 0;
	struct sl_side want = {
		.client = p->src,
		.client_port = p->src_port,
		.front = front_of(w, p),
		.endpoint = front_of(w, p),
		.state = (uint8_t)sl_pkt_next_state(pkt, SL_CONN_SIDE, SL_STATE_NONE, SL_DIR_IN),
		.flags = wide | (p->payload > 0 ? SL_SIDE_DATA : 0),
		.peer = peer_of(w, p->family, &p->dst, p->dst_port),
	};

	if (p->protocol == IPPROTO_TCP &&
		(p->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST)) != SL_TCP_SYN)
		return SL_DROP_NO_CONNECTION;
	if (sl_local_port_choose(w, &want, endpoint_of(w, p)) != 0)
		return SL_DROP_LOCAL_PORTS;
	return sl_side_insert(w, &want, index) == 0 ? SL_DROP_COUNT : SL_DROP_TABLE_FULL;
}

static void write(struct sl_pkt *pkt, const struct sl_tuple *to, const struct sl_tuple *quoted)
{
	void *frame = rte_pktmbuf_mtod(pkt->mbuf, void *);

	if (pkt->is_error)
		sl_rewrite_error(
			frame, pkt->mbuf->data_len, &pkt->parsed, &pkt->error->quoted, to, quoted);
	else
		sl_rewrite(frame, &pkt->parsed, to);
}

/* Out: from the local endpoint. What an error of the server's quotes had been sent to the server.
 */
static void aim_out(struct sl_pkt *pkt, const struct sl_side *side)
{
	struct sl_tuple to = sl_tuple_of(&pkt->parsed), quoted = sl_tuple_of(&pkt->error->quoted);

	to.src = side->local;
	to.src_port = side->local_port;
	quoted.dst = side->local;
	quoted.dst_port = side->local_port;
	write(pkt, &to, &quoted);
}

/* In: to the server. What an error quotes, the server had sent. */
static void aim_in(struct sl_pkt *pkt, const struct sl_side *side)
{
	struct sl_tuple to = sl_tuple_of(&pkt->parsed), quoted = sl_tuple_of(&pkt->error->quoted);

	to.dst = side->client;
	to.dst_port = side->client_port;
	quoted.src = side->client;
	quoted.src_port = side->client_port;
	write(pkt, &to, &quoted);
}

static bool outlives_hop(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (pkt->parsed.ttl > 1)
		return true;
	sl_emit_answer(w, pkt, SL_ICMP_TIME_EXCEEDED, 0, SL_DROP_TTL_EXCEEDED);
	return false;
}

void sl_masquerade_out(struct sl_worker *w, struct sl_pkt *pkt)
{
	enum sl_drop drop;
	sl_adj_word way;
	uint32_t index;

	pkt->direction = SL_DIR_OUT; /* answers come from the box itself */
	if (!read_flow(pkt) || front_of(w, pkt->flow) == SL_ID_NONE) {
		sl_emit_punt(w, pkt->mbuf, SL_PUNT_OTHER);
		return;
	}
	if (is_elsewhere(w, pkt, &pkt->flow->src, pkt->flow->src_port) || !outlives_hop(w, pkt))
		return;
	index = find(w, pkt, &pkt->flow->src, pkt->flow->src_port, SL_CONN_SIDE);
	if (index == 0) {
		drop = pkt->is_error ? SL_DROP_NO_CONNECTION : open_mapping(w, pkt, &index);
		if (drop != SL_DROP_COUNT) {
			sl_emit_drop(w, pkt->mbuf, drop);
			return;
		}
	} else if (sl_local_port_is_taken(w, sl_side_at(w, index), endpoint_of(w, pkt->flow))) {
		sl_emit_drop(w, pkt->mbuf, SL_DROP_LOCAL_PORTS);
		return;
	} else {
		follow(w, pkt, sl_side_at(w, index), SL_DIR_IN);
	}
	pkt->hash = index;
	if (!sl_emit_way_routed(w, pkt, &pkt->parsed.dst, &way))
		return;
	aim_out(pkt, sl_side_at(w, index));
	sl_emit_on_way(w, pkt, way);
}

static bool is_from_outside(const struct sl_pkt *pkt)
{
	return !pkt->is_error && pkt->parsed.protocol == IPPROTO_TCP &&
		(pkt->parsed.tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN;
}

/* Whether this is from somebody whom the endpoint may have spoken to. */
static bool
is_answer(const struct sl_worker *w, const struct sl_parsed *flow, const struct sl_side *side)
{
	return (side->flags & SL_SIDE_PEERS) ||
		side->peer == peer_of(w, flow->family, &flow->src, flow->src_port);
}

bool sl_masquerade_in(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_side *side;
	sl_adj_word way;
	uint32_t index;

	if (!sl_locals_has(w->snapshot->locals, pkt->parsed.family, &pkt->parsed.dst) ||
		!read_flow(pkt) || front_of(w, pkt->flow) == SL_ID_NONE || is_from_outside(pkt))
		return false;
	pkt->direction = SL_DIR_OUT;
	if (is_elsewhere(w, pkt, &pkt->flow->dst, pkt->flow->dst_port))
		return true;
	index = find(w, pkt, &pkt->flow->dst, pkt->flow->dst_port, SL_CONN_REVERSE);
	side = sl_side_at(w, index);
	if (index == 0 || !is_answer(w, pkt->flow, side))
		return false;
	if (!outlives_hop(w, pkt))
		return true;
	follow(w, pkt, sl_side_at(w, index), SL_DIR_OUT);
	pkt->hash = index;
	if (!sl_emit_way_routed(w, pkt, &side->client, &way))
		return true;
	aim_in(pkt, side);
	sl_emit_on_way(w, pkt, way);
	return true;
}
