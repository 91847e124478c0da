/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet is to the services: a client's packet to a front, a server's reply to one of its
 * clients, or an ICMP error about either, told by the packet that it quotes. Errors about our own
 * tunnels end here; what is none of these is unclaimed.
 */
#include <netinet/in.h>

#include "lb/engine.h"
#include "lb/front.h"
#include "lb/stage.h"
#include "lb/tunnel_error.h"

/* ---- fronts ---- */

static __rte_always_inline const struct sl_front *live_front(const struct sl_worker *w, sl_id id)
{
	const struct sl_front *front = id == SL_ID_NONE ? NULL : sl_snapshot_front(w->snapshot, id);

	return front == NULL || front->state == SL_ID_REAPING ? NULL : front;
}

/* The front's id if this generation has it and its VIP is an address of this box now. */
static sl_id service_of(const struct sl_worker *w, const struct sl_parsed *flow, rte_be16_t port)
{
	sl_id id = sl_front_table_find(w->snapshot->table, SL_FRONT_SERVICE, flow->family,
		flow->protocol, &flow->dst, port);
	const struct sl_front *front = live_front(w, id);

	return front == NULL || !sl_read_flag(&w->engine->vip_local[front->index]) ? SL_ID_NONE
										   : id;
}

static __rte_always_inline bool is_for_service(struct sl_worker *w, struct sl_pkt *pkt)
{
	pkt->exact = service_of(w, pkt->flow, pkt->flow->dst_port);
	pkt->any = w->snapshot->n_any_port > 0 ? service_of(w, pkt->flow, 0) : SL_ID_NONE;
	pkt->direction = SL_DIR_IN;
	return (pkt->exact | pkt->any) != SL_ID_NONE;
}

static sl_id endpoint_of(const struct sl_worker *w, const struct sl_parsed *flow, rte_be16_t port)
{
	sl_id id = sl_front_table_find(w->snapshot->table, SL_FRONT_ENDPOINT, flow->family,
		flow->protocol, &flow->src, port);

	return live_front(w, id) == NULL ? SL_ID_NONE : id;
}

static bool is_from_server(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_snapshot *s = w->snapshot;

	pkt->exact =
		s->n_endpoints > 0 ? endpoint_of(w, pkt->flow, pkt->flow->src_port) : SL_ID_NONE;
	pkt->any = s->n_any_endpoints > 0 ? endpoint_of(w, pkt->flow, 0) : SL_ID_NONE;
	pkt->direction = SL_DIR_OUT;
	return (pkt->exact | pkt->any) != SL_ID_NONE;
}

/* ---- ICMP errors ---- */

static __rte_noinline bool find_error_front(struct sl_worker *w, struct sl_pkt *pkt)
{
	sl_pkt_follow_quoted(pkt);
	pkt->is_error = is_for_service(w, pkt) || is_from_server(w, pkt);
	if (!pkt->is_error)
		pkt->flow = &pkt->parsed;
	return pkt->is_error;
}

static bool classify_error(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_parsed *quoted = &pkt->error->quoted;

	sl_parse_quoted(rte_pktmbuf_mtod(pkt->mbuf, const void *), pkt->mbuf->data_len,
		&pkt->parsed, &pkt->error->quoted);
	/* An error goes to the sender of what it is about, and to nobody else. */
	if (!sl_ip_equal(&quoted->src, &pkt->parsed.dst))
		return sl_unclaimed(w, pkt);
	if (quoted->has_l4 && find_error_front(w, pkt))
		return true;
	return sl_tunnel_error(w, pkt, quoted) ? false : sl_unclaimed(w, pkt);
}

/* ---- the stage ---- */

/* What is no TCP or UDP, or not all of it. */
static bool classify_other(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (sl_icmp_is_error(pkt->parsed.family, pkt->parsed.icmp_type))
		return classify_error(w, pkt);
	return sl_unclaimed(w, pkt);
}

static bool classify(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_mbuf_meta *meta = rte_mbuf_to_priv(pkt->mbuf);

	/* Without any service sluice is out of the way, as LVS is. */
	if (w->snapshot->n_services == 0 || meta->unclaimed)
		return sl_unclaimed(w, pkt);
	if (pkt->kind != SL_PARSE_L4) {
		if (!classify_other(w, pkt))
			return false;
	} else if (!is_for_service(w, pkt) && !is_from_server(w, pkt)) {
		return sl_unclaimed(w, pkt);
	}
	if (meta->hops == 0)
		sl_count_add(w->stats.balanced[pkt->mbuf->port], 1);
	return true;
}

unsigned sl_stage_classify(struct sl_worker *w, struct sl_pkt **pkts, unsigned n)
{
	return sl_stage_each(w, pkts, n, classify);
}
