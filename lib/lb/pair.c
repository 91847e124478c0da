/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/pair.h"

#include <errno.h>
#include <netinet/in.h>

#include "lb/local_port.h"
#include "lb/snapshot.h"

static void show(const struct sl_side *side, struct sl_conn_view *view)
{
	view->server = side->server;
	view->state = (enum sl_state)side->state;
	view->flags = side->flags & SL_CONN_DATA;
	view->tick = side->tick;
}

void sl_pair_found(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	pkt->side = sl_side_at(w, view->side);
	show(pkt->side, view);
}

/* Where the connection's service and server listen, of those on any port what the client asked. */
static rte_be16_t server_port(const struct sl_worker *w, const struct sl_side *side)
{
	const struct sl_server *server = sl_snapshot_server(w->snapshot, side->server);
	const struct sl_front *front = sl_snapshot_front(w->snapshot, side->front);

	if (server != NULL && server->port != 0)
		return server->port;
	return front != NULL && front->port != 0 ? front->port : side->service_port;
}

/* The pair by its reverse key, with this port at the server. */
static bool find_reverse(struct sl_worker *w, const struct sl_pkt *pkt, const union sl_ip *local,
	rte_be16_t local_port, sl_id endpoint, rte_be16_t port, struct sl_conn_view *view)
{
	struct sl_conn_table *table = pkt->flow->family == 6 ? w->wide : w->narrow;
	struct sl_conn_key key = {.client = *local, .client_port = local_port, .front = endpoint};
	struct sl_conn_ref ref = sl_conn_find(table, &key, sl_conn_hash(table, &key));
	const struct sl_side *side;

	if (ref.slot == NULL)
		return false;
	sl_conn_view(table, ref, view);
	if (view->kind != SL_CONN_REVERSE)
		return false;
	side = sl_side_at(w, view->side);
	return !(side->flags & SL_SIDE_LINGERS) && side->server != SL_ID_NONE &&
		server_port(w, side) == port;
}

static bool
find_by(struct sl_worker *w, struct sl_pkt *pkt, sl_id endpoint, struct sl_conn_view *view)
{
	if (endpoint == SL_ID_NONE ||
		!find_reverse(w, pkt, &pkt->flow->dst, pkt->flow->dst_port, endpoint,
			pkt->flow->src_port, view))
		return false;
	sl_pair_found(w, pkt, view);
	return true;
}

bool sl_pair_find_reply(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view)
{
	const struct sl_front *front;

	if (w->sides->stats.sides == 0)
		return false;
	if (!find_by(w, pkt, pkt->exact, view) && !find_by(w, pkt, pkt->any, view))
		return false;
	front = sl_snapshot_front(w->snapshot, pkt->side->front);
	if (front == NULL)
		return false;
	pkt->front = front;
	pkt->key = sl_side_forward_key(pkt->side);
	return true;
}

bool sl_pair_find_rival(
	struct sl_worker *w, struct sl_pkt *pkt, rte_be16_t port, struct sl_conn_view *view)
{
	if (w->sides->stats.sides == 0 ||
		!find_reverse(w, pkt, &pkt->flow->src, pkt->flow->src_port, pkt->server->endpoint,
			port, view))
		return false;
	show(sl_side_at(w, view->side), view);
	return true;
}

/* The front under which a masqueraded host would have a local endpoint towards the server. */
static sl_id masquerade_of(const struct sl_worker *w, const struct sl_pkt *pkt)
{
	return w->snapshot
		->masquerade[pkt->server->family == 6][pkt->parsed.protocol == IPPROTO_UDP];
}

enum sl_drop sl_pair_open(
	struct sl_worker *w, struct sl_pkt *pkt, enum sl_state state, uint16_t flags, bool spilled)
{
	const struct sl_server *server = pkt->server;
	struct sl_side want = {
		.client = pkt->key.client,
		.local = pkt->key.client,
		.client_port = pkt->key.client_port,
		.local_port = pkt->key.client_port,
		.service_port = pkt->key.service_port,
		.front = pkt->key.front,
		.endpoint = server->endpoint,
		.server = pkt->server_id,
		.state = (uint8_t)state,
		.flags = flags,
	};
	uint32_t index;
	int rc;

	want.flags |= pkt->table == w->wide ? SL_SIDE_WIDE : 0;
	want.flags |= server->family == 6 ? SL_SIDE_LOCAL_WIDE : 0;
	if (spilled) {
		want.flags |= SL_SIDE_SPILLED;
	} else {
		want.flags |= server->options & SL_SERVER_PROXY ? SL_SIDE_PROXY : 0;
		want.flags |= server->options & SL_SERVER_TOA ? SL_SIDE_TOA : 0;
		if (sl_local_port_choose(w, &want, masquerade_of(w, pkt)) != 0)
			return SL_DROP_LOCAL_PORTS;
	}
	rc = sl_side_insert(w, &want, &index);
	if (rc == -EEXIST)
		return SL_DROP_NAT_TUPLE_BUSY;
	if (rc != 0)
		return SL_DROP_TABLE_FULL;
	pkt->side = sl_side_at(w, index);
	return SL_DROP_COUNT;
}
