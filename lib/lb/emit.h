/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends of the packet path: the only places where a packet leaves a run of the pipeline. */
#ifndef SL_LB_EMIT_H
#define SL_LB_EMIT_H

#include "lb/adj.h"
#include "lb/engine.h"
#include "lb/pipeline.h"
#include "lb/publish.h"
#include "lb/vlan.h"
#include "lb/worker.h"
#include "net/icmp.h"
#include "net/parse.h"

static inline void sl_emit_drop(struct sl_worker *w, struct rte_mbuf *mbuf, enum sl_drop reason)
{
	sl_count_add(w->stats.drops[reason], 1);
	w->freed.pkts[w->freed.n++] = mbuf;
}

/* Out of a port. On a VLAN with its tag, or dropped with no_headroom. */
static inline void sl_emit_tx(struct sl_worker *w, struct rte_mbuf *mbuf, uint16_t port)
{
	uint16_t vlan = w->engine->ports[port].vlan;

	if (unlikely(vlan != 0) && !sl_vlan_leave(mbuf, vlan)) {
		sl_emit_drop(w, mbuf, SL_DROP_NO_HEADROOM);
		return;
	}
	w->tx[port].pkts[w->tx[port].n++] = mbuf;
}

/* To Linux, or dropped with punt_full or punt_no_twin. mbuf->port says which twin. */
void sl_emit_punt(struct sl_worker *w, struct rte_mbuf *mbuf, enum sl_punt_class class);

/* To worker `to`, or dropped with handover_full or handover_loop. */
void sl_emit_handover(struct sl_worker *w, struct rte_mbuf *mbuf, unsigned to);

/*
 * A packet for a host on the port's own network whose neighbour nobody knows (SL_ROUTE_GLEAN):
 * Linux is asked to resolve it, and the packet dropped (neighbour_unresolved). Those that come
 * after go by the route that the neighbour then has.
 */
void sl_emit_glean(struct sl_worker *w, struct rte_mbuf *mbuf, uint8_t port, uint8_t family,
	const union sl_ip *dst);

/*
 * Turns the packet, headers parsed as `p`, into an ICMP error about itself from `src`, and sends it
 * back to the neighbour that it came from; or drops it. `reason` is counted when it was answered or
 * must not be, icmp_rate when over the limit. `mtu` is for SL_ICMP_TOO_BIG alone.
 */
void sl_emit_icmp_error(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	enum sl_icmp_error what, uint32_t mtu, const union sl_ip *src, enum sl_drop reason);

/*
 * Answers the packet with an error about it, from the VIP that a client sent it to, or from the
 * box's own address on the port where a server's packet or somebody else's came in. Without such an
 * address it is dropped for `reason` alone.
 */
void sl_emit_answer(struct sl_worker *w, struct sl_pkt *pkt, enum sl_icmp_error what, uint32_t mtu,
	enum sl_drop reason);

/*
 * The two ways out. Each is asked for before the packet is changed, because answers quote it as it
 * came: false = there is none, or it does not fit (`growth` is by how much longer the method will
 * make it; negative: shorter), and the packet has ended. When there is one, the packet's TTL has
 * been spent, unless it leads to Linux; then sl_emit_on_way(). If it has to be cut first (pkt->cut)
 * and becomes another one before that, it is up to the method when that is (pkt->cut_late).
 */

/* What goes out on a way in one piece, 0 = anything. */
static inline uint64_t sl_emit_mtu(const struct sl_worker *w, sl_adj_word way)
{
	return sl_read_word(&w->engine->ports[sl_adj_port(way)].mtu);
}

/* To the packet's server, which has to be on a segment of ours if `on_link`. */
bool sl_emit_way_to_server(
	struct sl_worker *w, struct sl_pkt *pkt, int growth, bool on_link, sl_adj_word *way);

/* By the routes, to `dst`. */
bool sl_emit_way_routed(
	struct sl_worker *w, struct sl_pkt *pkt, const union sl_ip *dst, sl_adj_word *way);

/* The same for a packet that becomes one of `family`, and longer by `growth`. */
bool sl_emit_way_to(struct sl_worker *w, struct sl_pkt *pkt, uint8_t family, const union sl_ip *dst,
	int growth, sl_adj_word *way);

/* Sends the packet, in fragments if it has to be cut; a way with SL_ADJ_LOCAL leads to Linux. */
void sl_emit_on_way(struct sl_worker *w, struct sl_pkt *pkt, sl_adj_word way);

/* The same for one frame, which fits. */
void sl_emit_frame(struct sl_worker *w, struct rte_mbuf *mbuf, sl_adj_word way);

#endif
