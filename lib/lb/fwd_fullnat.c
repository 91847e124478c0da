/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FullNAT: a connection goes on from a local address and port of ours, so that its server needs
 * neither a route through the director nor a module, and may be of the other address family. What
 * its packets become: lib/lb/fullnat.c.
 */
#include <string.h>

#include "lb/emit.h"
#include "lb/engine.h"
#include "lb/fullnat.h"
#include "lb/fwd.h"
#include "lb/path_mtu.h"
#include "lb/split.h"

#define MTU_NONE UINT16_MAX

static struct sl_fullnat connection_of(const struct sl_pkt *pkt)
{
	return (struct sl_fullnat){.side = pkt->side, .front = pkt->front, .server = pkt->server};
}

/*
 * Between the look-up and now, packets behind this one in the burst may have ended the connection,
 * and its record may be another's already.
 */
static bool is_gone(const struct sl_pkt *pkt)
{
	struct sl_conn_key key = sl_side_forward_key(pkt->side);

	return memcmp(&key, &pkt->key, sizeof(key)) != 0;
}

static unsigned mtu_of(const struct sl_worker *w, sl_adj_word way)
{
	uint64_t mtu = sl_emit_mtu(w, way);

	return mtu == 0 ? MTU_NONE : (unsigned)mtu;
}

/* How long a packet to the server may become by what it can go without. */
static unsigned server_mtu(const struct sl_worker *w, const struct sl_pkt *pkt, sl_adj_word way)
{
	unsigned mtu = mtu_of(w, way), known = sl_path_mtu(w, pkt->server->adj);

	return known == 0 ? mtu : RTE_MIN(mtu, known);
}

/* An error may be cut instead of growing beyond an MTU. */
static int growth_of(const struct sl_pkt *pkt, int growth)
{
	return pkt->is_error ? RTE_MIN(growth, 0) : growth;
}

/* Nobody but the sender cuts IPv6: what becomes that is cut before. */
static void
aim_pieces(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_fullnat *c, sl_adj_word way)
{
	uint16_t size = RTE_MAX(pkt->cut, SL_FULLNAT_V6_FRAGMENT) - SL_FULLNAT_V6_FRAGMENT;
	struct rte_mbuf *pieces[SL_SPLIT_MAX];
	unsigned n = sl_split(w, pkt->mbuf, &pkt->parsed, size, pieces);

	for (unsigned i = 0; i < n; i++) {
		struct sl_parsed p;
		enum sl_drop drop;

		sl_parse(rte_pktmbuf_mtod(pieces[i], void *), pieces[i]->data_len,
			pieces[i]->pkt_len, false, &p);
		drop = sl_fullnat_aim(c, pkt->direction, pieces[i], &p);
		if (drop != SL_DROP_COUNT)
			sl_emit_drop(w, pieces[i], drop);
		else
			sl_emit_frame(w, pieces[i], way);
	}
}

/* What a router says about packets to the server, which are longer here than their sender knows. */
static void hear_path(struct sl_worker *w, const struct sl_pkt *pkt, const struct sl_fullnat *c)
{
	const struct sl_parsed *p = &pkt->parsed;

	sl_path_mtu_hear(w, c->server->adj, p->family,
		rte_pktmbuf_mtod_offset(pkt->mbuf, void *, p->l4_offset),
		pkt->mbuf->data_len - p->l4_offset);
}

static void
send(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_fullnat *c, sl_adj_word way)
{
	enum sl_drop drop;

	if (pkt->is_error && pkt->direction == SL_DIR_IN) {
		drop = sl_fullnat_error_to_server(c, pkt->mbuf, &pkt->parsed, &pkt->error->quoted);
	} else if (pkt->is_error) {
		hear_path(w, pkt, c);
		drop = sl_fullnat_error_to_client(c, pkt->mbuf, &pkt->parsed, &pkt->error->quoted);
	} else {
		drop = sl_fullnat_aim(c, pkt->direction, pkt->mbuf, &pkt->parsed);
	}
	if (drop != SL_DROP_COUNT)
		sl_emit_drop(w, pkt->mbuf, drop);
	else
		sl_emit_on_way(w, pkt, way);
}

/*
 * An IPv6 packet that nobody may ask the client to make shorter, but that is longer now than what
 * RFC 7915 leaves without DF (section 5.1): whoever has to may cut it.
 */
static void allow_cut(const struct sl_worker *w, struct sl_pkt *pkt, sl_adj_word way)
{
	pkt->cut = (uint16_t)mtu_of(w, way); /* it fits: no more happens than that DF is cleared */
	pkt->cut_late = true;
}

static enum sl_drop
name_client(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_fullnat *c, sl_adj_word way)
{
	struct sl_parsed *p = &pkt->parsed;
	unsigned least = sl_mtu_min(p->family);
	bool is_short = p->l3_length <= least;
	enum sl_drop drop = sl_fullnat_name_client(w, c, pkt->mbuf, p, server_mtu(w, pkt, way));

	if (pkt->cut == 0 && c->server->family < p->family && is_short && p->l3_length > least)
		allow_cut(w, pkt, way);
	return drop;
}

static void request(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_fullnat c = connection_of(pkt);
	int growth = growth_of(pkt, sl_fullnat_growth(&c, &pkt->parsed));
	enum sl_drop drop = SL_DROP_COUNT;
	sl_adj_word way;

	if (!sl_emit_way_to_server(w, pkt, growth, false, &way))
		return;
	if (!pkt->is_error && sl_fullnat_names_client(&c))
		drop = name_client(w, pkt, &c, way);
	if (drop != SL_DROP_COUNT)
		sl_emit_drop(w, pkt->mbuf, drop);
	else if (pkt->cut != 0 && c.server->family > pkt->parsed.family)
		aim_pieces(w, pkt, &c, way);
	else
		send(w, pkt, &c, way);
}

static void answer(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_fullnat c = connection_of(pkt);
	uint8_t family = c.front->v6 ? 6 : 4;
	int growth = growth_of(pkt, sl_fullnat_family_growth(&pkt->parsed, family));
	sl_adj_word way;

	if (!sl_emit_way_to(w, pkt, family, &c.side->client, growth, &way))
		return;
	if (!pkt->is_error)
		sl_fullnat_hear_server(&c, pkt->mbuf, &pkt->parsed);
	if (pkt->cut != 0 && family > pkt->parsed.family)
		aim_pieces(w, pkt, &c, way);
	else
		send(w, pkt, &c, way);
}

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (is_gone(pkts[i]))
			sl_emit_drop(w, pkts[i]->mbuf, SL_DROP_PAIR_GONE);
		else
			request(w, pkts[i]);
	}
}

static void reply(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (is_gone(pkts[i]))
			sl_emit_drop(w, pkts[i]->mbuf, SL_DROP_PAIR_GONE);
		else
			answer(w, pkts[i]);
	}
}

const struct sl_fwd sl_fwd_fullnat = {
	.name = "fullnat",
	.listing = "FullNAT",
	.method = SL_FWD_FULLNAT,
	.traits = SL_FWD_SETS_PORT | SL_FWD_SETS_SOURCE | SL_FWD_ANY_FAMILY,
	.routes = true,
	.kind = SL_CONN_SIDE,
	.forward = forward,
	.reply = reply,
	.letter = 'b',
	.help = "source and destination are replaced",
	.text = "source and destination are replaced: the server sees a local address of the "
		"director, and needs to know nothing.",
};
