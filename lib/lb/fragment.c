/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/fragment.h"

#include <netinet/in.h>

#include "lb/datagram.h"
#include "lb/emit.h"
#include "lb/engine.h"
#include "lb/front.h"

/*
 * An IPv6 fragment that is not the first names what its fragment header is followed by, which need
 * not be the L4 header yet.
 */
static bool may_be_l4(const struct sl_parsed *p)
{
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		return true;
	return p->family == 6 && p->fragment_offset > 0 &&
		(p->protocol == IPPROTO_DSTOPTS || p->protocol == IPPROTO_AH);
}

static bool masquerades(const struct sl_snapshot *s)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		if (s->masquerade[v6][0] != SL_ID_NONE || s->masquerade[v6][1] != SL_ID_NONE)
			return true;
	}
	return false;
}

/*
 * Whether anybody asks for its ports: a service at a VIP; or for what comes from a server, or goes
 * out by masquerading, whatever its destination. Linux puts its own fragments together itself.
 */
static bool is_asked_for(const struct sl_worker *w, const struct sl_parsed *p)
{
	const struct sl_snapshot *s = w->snapshot;

	if (!may_be_l4(p))
		return false;
	if (s->n_services > 0 && sl_front_table_has_vip(s->table, p->family, &p->dst))
		return true;
	if (s->n_endpoints == 0 && !masquerades(s))
		return false;
	return s->locals != NULL ||
		!sl_local_set_has(sl_read_pointer(&w->engine->local), p->family, &p->dst);
}

static void take_ports(struct sl_pkt *pkt, const struct sl_mbuf_meta *meta)
{
	struct sl_parsed *p = &pkt->parsed;

	pkt->kind = SL_PARSE_L4;
	if (p->fragment_offset == 0)
		return;
	p->protocol = meta->protocol;
	p->src_port = meta->src_port;
	p->dst_port = meta->dst_port;
	p->tcp_flags = 0;
	p->payload = (uint16_t)(p->l3_length - (p->l4_offset - p->l3_offset));
}

/* On the worker that keeps its datagram. */
static bool join_here(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_mbuf_meta *meta)
{
	enum sl_drop reason;

	switch (sl_datagrams_add(w->datagrams, &pkt->parsed, pkt->mbuf, w->now_ns, &reason)) {
	case SL_DATAGRAM_GO:
		take_ports(pkt, meta);
		return true;
	case SL_DATAGRAM_WAIT:
		return false;
	default:
		sl_emit_drop(w, pkt->mbuf, reason);
		return false;
	}
}

bool sl_fragment_join(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_mbuf_meta *meta = rte_mbuf_to_priv(pkt->mbuf);
	unsigned keeper;

	if (meta->fragment == SL_FRAGMENT_OVER) {
		sl_emit_drop(w, pkt->mbuf, meta->drop);
		return false;
	}
	if (meta->fragment == SL_FRAGMENT_KNOWN) {
		take_ports(pkt, meta);
		return true;
	}
	if (!is_asked_for(w, &pkt->parsed))
		return true;
	keeper = sl_datagram_worker(w->datagrams, &pkt->parsed, w->engine->n_workers);
	if (keeper == w->index)
		return join_here(w, pkt, meta);
	sl_emit_handover(w, pkt->mbuf, keeper);
	return false;
}
