/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnelling: the packet goes to the server inside another one, any number of hops away and over
 * either family; the server has the VIP, takes the outer headers off and answers the client itself.
 * Sources: RFC 2003, RFC 2473, RFC 2784, GUE (lib/net/encap.h); RFC 6040 (ECN), RFC 6864 (the
 * identification of packets that nobody may cut).
 */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ether.h>

#include "lb/engine.h"
#include "lb/fwd.h"
#include "lb/split.h"
#include "lb/stage.h"
#include "net/encap.h"

#define TOS_ECN        0x03
#define DSCP_SHIFT     2
#define ENTROPY_FIRST  49152 /* source ports of GUE: RFC 6335's dynamic ones */
#define ENTROPY_MASK   0x3fff
#define CHECKSUM_FLAGS (SL_TUNNEL_CSUM | SL_TUNNEL_REMCSUM)

/* Of which the length follows. */
static struct sl_encap tunnel_of(const struct sl_pkt *pkt)
{
	const struct sl_server *server = pkt->server;

	return (struct sl_encap){.type = (enum sl_tunnel)server->tunnel,
		.flags = server->tunnel_flags,
		.inner_family = pkt->parsed.family,
		.outer_family = server->family};
}

/* The inner ECN field is the outer one's in any case (RFC 6040, section 4.1). */
static uint8_t outer_tos(const struct sl_tunnel_policy *policy, uint8_t inner)
{
	if (policy->dscp < 0)
		return inner;
	return (uint8_t)(policy->dscp << DSCP_SHIFT | (inner & TOS_ECN));
}

static bool outer_df(const struct sl_tunnel_policy *policy, const struct sl_parsed *inner)
{
	if (policy->df == SL_TUNNEL_DF_COPY)
		return inner->dont_fragment;
	return policy->df == SL_TUNNEL_DF_SET;
}

/* Of an outer packet that may be cut on its way. */
static rte_be16_t next_id(struct sl_worker *w)
{
	return rte_cpu_to_be_16((uint16_t)sl_split_id(w));
}

/* Everything else that the outer headers say. */
static void
fill(struct sl_worker *w, const struct sl_pkt *pkt, const union sl_ip *src, struct sl_encap *e)
{
	const struct sl_tunnel_policy *policy = &w->snapshot->tunnel_policy;
	const struct sl_parsed *inner = &pkt->parsed;

	e->src = *src;
	e->dst = pkt->server->address;
	e->tos = outer_tos(policy, inner->tos);
	e->ttl = policy->ttl;
	e->df = outer_df(policy, inner) && !pkt->path_cuts;
	e->port = pkt->server->tunnel_port;
	e->entropy = rte_cpu_to_be_16((uint16_t)(ENTROPY_FIRST + (pkt->hash & ENTROPY_MASK)));
	if (inner->has_l4 && !inner->more_fragments) {
		e->inner_l4 = (uint16_t)(inner->l4_offset - inner->l3_offset);
		e->inner_protocol = inner->protocol;
	}
}

/* Puts the headers in front of an inner packet of `length` bytes; the frame's own move along. */
static bool
wrap(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_encap *e, size_t l3, size_t length)
{
	unsigned headers = sl_encap_length(e);
	rte_be16_t type = e->outer_family == 6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6)
					       : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	uint8_t *frame;

	if (mbuf->nb_segs > 1 && e->type != SL_TUNNEL_IPIP && e->flags & CHECKSUM_FLAGS) {
		sl_emit_drop(w, mbuf, SL_DROP_SEGMENTS);
		return false;
	}
	if (rte_pktmbuf_headroom(mbuf) < headers) {
		sl_emit_drop(w, mbuf, SL_DROP_NO_HEADROOM);
		return false;
	}
	if (mbuf->nb_segs == 1) { /* what fills a short frame is no part of the packet */
		mbuf->data_len = (uint16_t)(l3 + length);
		mbuf->pkt_len = mbuf->data_len;
	}
	mbuf->data_off = (uint16_t)(mbuf->data_off - headers);
	mbuf->data_len = (uint16_t)(mbuf->data_len + headers);
	mbuf->pkt_len += headers;
	mbuf->ol_flags = 0;
	frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
	memcpy(frame + l3 - sizeof(type), &type, sizeof(type));
	sl_encap_write(e, frame + l3, frame + l3 + headers, length);
	return true;
}

static void send_one(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_encap *e,
	size_t l3, size_t length, sl_adj_word way)
{
	if (wrap(w, mbuf, e, l3, length))
		sl_emit_frame(w, mbuf, way);
}

/* Cut before it is wrapped: the server's kernel, not its tunnel, puts it together. */
static void
send_pieces(struct sl_worker *w, struct sl_pkt *pkt, struct sl_encap *e, sl_adj_word way)
{
	struct rte_mbuf *pieces[SL_SPLIT_MAX];
	unsigned n = sl_split(w, pkt->mbuf, &pkt->parsed, pkt->cut, pieces);
	size_t l3 = pkt->parsed.l3_offset;

	e->inner_l4 = 0;
	for (unsigned i = 0; i < n; i++) {
		e->id = e->df ? 0 : next_id(w);
		send_one(w, pieces[i], e, l3, pieces[i]->data_len - l3, way);
	}
}

/*
 * Cut when it is wrapped: what is inside has to pass whole, and the server's kernel puts the
 * tunnel's packet together (RFC 2473, section 7.1; RFC 4213, section 3.2.2).
 */
static void send_cut(struct sl_worker *w, struct sl_pkt *pkt, struct sl_encap *e, sl_adj_word way)
{
	struct rte_mbuf *mbuf = pkt->mbuf, *pieces[SL_SPLIT_MAX];
	struct sl_parsed outer;
	unsigned n;

	e->df = false;
	e->id = e->outer_family == 4 ? next_id(w) : 0;
	if (!wrap(w, mbuf, e, pkt->parsed.l3_offset, pkt->parsed.l3_length))
		return;
	sl_parse(rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len, mbuf->pkt_len, false, &outer);
	n = sl_split(w, mbuf, &outer, pkt->cut, pieces);
	for (unsigned i = 0; i < n; i++)
		sl_emit_frame(w, pieces[i], way);
}

static void send_packet(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_encap e = tunnel_of(pkt);
	const union sl_ip *src;
	sl_adj_word way;

	if (!sl_emit_way_to_server(w, pkt, (int)sl_encap_length(&e), false, &way))
		return;
	src = sl_local_set_source(
		sl_read_pointer(&w->engine->local), sl_adj_port(way), e.outer_family);
	if (src == NULL) {
		sl_emit_drop(w, pkt->mbuf, SL_DROP_TUNNEL_SOURCE);
		return;
	}
	fill(w, pkt, src, &e);
	if (unlikely(pkt->cut != 0)) {
		(pkt->cut_late ? send_cut : send_pieces)(w, pkt, &e, way);
		return;
	}
	e.id = e.df ? 0 : next_id(w);
	send_one(w, pkt->mbuf, &e, pkt->parsed.l3_offset, pkt->parsed.l3_length, way);
}

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		send_packet(w, pkts[i]);
}

const struct sl_fwd sl_fwd_tun = {
	.name = "tun",
	.listing = "Tunnel",
	.method = SL_FWD_TUN,
	.traits = SL_FWD_TUNNELS | SL_FWD_ANY_FAMILY,
	.routes = true,
	.kind = SL_CONN_PLAIN,
	.forward = forward,
	.letter = 'i',
	.help = "tunneling",
	.text = "the packet goes to the server inside another one, over any number of routers; "
		"the server has a tunnel interface, and the VIP on its loopback interface.",
};
