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
	uint64_t mtu = sl_read_word(&w->engine->ports[sl_adj_port(way)].mtu);

	return mtu == 0 ? MTU_NONE : (unsigned)mtu;
}

/* An error may be cut instead of growing beyond an MTU. */
static unsigned overhead(const struct sl_pkt *pkt, int growth)
{
	return pkt->is_error || growth < 0 ? 0 : (unsigned)growth;
}

static int reply_growth(const struct sl_parsed *p, uint8_t family)
{
	if (family <= p->family)
		return 0;
	return p->fragment_offset > 0 || p->more_fragments
		? SL_FULLNAT_V6_MORE + SL_FULLNAT_V6_FRAGMENT
		: SL_FULLNAT_V6_MORE;
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

static void
send(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_fullnat *c, sl_adj_word way)
{
	enum sl_drop drop;

	if (pkt->is_error && pkt->direction == SL_DIR_IN)
		drop = sl_fullnat_error_to_server(c, pkt->mbuf, &pkt->parsed, &pkt->error->quoted);
	else if (pkt->is_error)
		drop = sl_fullnat_error_to_client(c, pkt->mbuf, &pkt->parsed, &pkt->error->quoted);
	else
		drop = sl_fullnat_aim(c, pkt->direction, pkt->mbuf, &pkt->parsed);
	if (drop != SL_DROP_COUNT)
		sl_emit_drop(w, pkt->mbuf, drop);
	else
		sl_emit_on_way(w, pkt, way);
}

static void request(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct sl_fullnat c = connection_of(pkt);
	unsigned more = overhead(pkt, sl_fullnat_growth(&c, &pkt->parsed));
	enum sl_drop drop = SL_DROP_COUNT;
	sl_adj_word way;

	if (!sl_emit_way_to_server(w, pkt, more, false, &way))
		return;
	if (!pkt->is_error)
		drop = sl_fullnat_name_client(w, &c, pkt->mbuf, &pkt->parsed, mtu_of(w, way));
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
	unsigned more = overhead(pkt, reply_growth(&pkt->parsed, family));
	sl_adj_word way;

	if (!sl_emit_way_to(w, pkt, family, &c.side->client, more, &way))
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
