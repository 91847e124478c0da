/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages of the pipeline that have files of their own, and what stages share. A stage looks at
 * one packet after the other; those that go on move up, and it returns how many do. The others it
 * has ended. In which order a packet meets them: lib/lb/pipeline.c.
 */
#ifndef SL_LB_STAGE_H
#define SL_LB_STAGE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "lb/emit.h"
#include "lb/pipeline.h"

/* classify.c: a service's packet, a server's reply, an error about either; all else ends here. */
unsigned sl_stage_classify(struct sl_worker *w, struct sl_pkt **pkts, unsigned n);

/* balance.c: the connection's line in the table is fetched; then it is found, or made. */
unsigned sl_stage_fetch(struct sl_worker *w, struct sl_pkt **pkts, unsigned n);
unsigned sl_stage_balance(struct sl_worker *w, struct sl_pkt **pkts, unsigned n);

/*
 * unclaimed.c: ends of packets that no service and no connection claims. All return false: the
 * packet goes on nowhere. A stray is one to a VIP.
 */
bool sl_unclaimed(struct sl_worker *w, struct sl_pkt *pkt);
bool sl_unclaimed_stray(struct sl_worker *w, struct sl_pkt *pkt);
bool sl_unclaimed_punt(struct sl_worker *w, struct sl_pkt *pkt, bool to_vip);

/* transit.c: for somebody else, on a port that forwards such packets. Returns false. */
bool sl_transit_forward(struct sl_worker *w, struct sl_pkt *pkt);

static inline bool sl_stage_drop(struct sl_worker *w, struct sl_pkt *pkt, enum sl_drop reason)
{
	sl_emit_drop(w, pkt->mbuf, reason);
	return false;
}

typedef bool (*sl_stage_step)(struct sl_worker *w, struct sl_pkt *pkt);

/* Takes the packets through one step, which says whether a packet goes on. */
static __rte_always_inline unsigned
sl_stage_each(struct sl_worker *w, struct sl_pkt **pkts, unsigned n, sl_stage_step step)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		if (step(w, pkts[i]))
			pkts[left++] = pkts[i];
	}
	return left;
}

/* The client's endpoint: what both directions of a connection have in common. */
static inline const union sl_ip *sl_pkt_client(const struct sl_pkt *pkt)
{
	return pkt->direction == SL_DIR_IN ? &pkt->flow->src : &pkt->flow->dst;
}

static inline rte_be16_t sl_pkt_client_port(const struct sl_pkt *pkt)
{
	return pkt->direction == SL_DIR_IN ? pkt->flow->src_port : pkt->flow->dst_port;
}

/* An ICMP error goes by the endpoints of what it quotes, turned round: it comes as a reply would.
 */
static inline void sl_pkt_follow_quoted(struct sl_pkt *pkt)
{
	const struct sl_parsed *quoted = &pkt->error->quoted;
	struct sl_parsed *flow = &pkt->error->flow;

	*flow = *quoted;
	flow->src = quoted->dst;
	flow->dst = quoted->src;
	flow->src_port = quoted->dst_port;
	flow->dst_port = quoted->src_port;
	pkt->flow = flow;
}

/* The state of a connection of this kind after a packet of this direction. */
static inline enum sl_state sl_pkt_next_state(const struct sl_pkt *pkt, enum sl_conn_kind kind,
	enum sl_state state, enum sl_direction direction)
{
	if (pkt->parsed.protocol == IPPROTO_UDP)
		return SL_STATE_UDP;
	if (pkt->parsed.fragment_offset > 0)
		return state; /* the first fragment had the flags */
	if (kind == SL_CONN_PLAIN)
		return sl_tcp_next_oneside(state, pkt->parsed.tcp_flags);
	return sl_tcp_next(state, pkt->parsed.tcp_flags, direction);
}

#endif
