/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that no service and no connection claims: the box's own, or somebody else's. */
#include <netinet/in.h>

#include <rte_ether.h>

#include "lb/engine.h"
#include "lb/front.h"
#include "lb/masquerade.h"
#include "lb/stage.h"

bool sl_unclaimed_punt(struct sl_worker *w, struct sl_pkt *pkt, bool to_vip)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);
	bool group = rte_is_multicast_ether_addr(&ether->dst_addr);

	sl_emit_punt(w, pkt->mbuf, sl_punt_classify(&pkt->parsed, group, to_vip));
	return false;
}

/* To a VIP, and neither service nor connection wants it: Linux answers, if there is one. */
bool sl_unclaimed_stray(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (pkt->parsed.protocol == IPPROTO_TCP && !w->engine->ports[pkt->mbuf->port].twin)
		return sl_stage_drop(w, pkt, SL_DROP_NO_CONNECTION);
	return sl_unclaimed_punt(w, pkt, true);
}

/* For somebody else: what the port's policy says. */
static bool transit(struct sl_worker *w, struct sl_pkt *pkt)
{
	switch (sl_read_flag(&w->engine->ports[pkt->mbuf->port].transit)) {
	case SL_TRANSIT_DROP:
		return sl_stage_drop(w, pkt, SL_DROP_TRANSIT);
	case SL_TRANSIT_FAST:
		return sl_transit_forward(w, pkt);
	case SL_TRANSIT_MASQUERADE:
		sl_masquerade_out(w, pkt);
		return false;
	default:
		sl_emit_punt(w, pkt->mbuf, SL_PUNT_OTHER);
		return false;
	}
}

bool sl_unclaimed(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_parsed *parsed = &pkt->parsed;

	if (!sl_local_set_has(sl_read_pointer(&w->engine->local), parsed->family, &parsed->dst))
		return transit(w, pkt);
	if (sl_masquerade_in(w, pkt))
		return false;
	if (sl_front_table_has_vip(w->snapshot->table, parsed->family, &parsed->dst))
		return sl_unclaimed_stray(w, pkt);
	return sl_unclaimed_punt(w, pkt, false);
}
