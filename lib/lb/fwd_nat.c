/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network address translation (LVS: masquerading). A client's packet gets the server's address and
 * port for the VIP's; the server's reply, for which the director is the gateway, gets them back. An
 * ICMP error gets the same on its way, and so does the packet that it quotes.
 */
#include "lb/emit.h"
#include "lb/fwd.h"
#include "net/rewrite.h"

/* The connection's end at the server, and at the VIP. */
static rte_be16_t server_port(const struct sl_pkt *pkt)
{
	return pkt->server->port != 0 ? pkt->server->port : pkt->key.service_port;
}

static rte_be16_t service_port(const struct sl_pkt *pkt)
{
	return pkt->front->port != 0 ? pkt->front->port : pkt->key.service_port;
}

static void rewrite(struct sl_pkt *pkt, const struct sl_tuple *to)
{
	sl_rewrite(rte_pktmbuf_mtod(pkt->mbuf, void *), &pkt->parsed, to);
}

static void
rewrite_error(struct sl_pkt *pkt, const struct sl_tuple *outer, const struct sl_tuple *quoted)
{
	sl_rewrite_error(rte_pktmbuf_mtod(pkt->mbuf, void *), pkt->mbuf->data_len, &pkt->parsed,
		&pkt->error->quoted, outer, quoted);
}

/* To the server. What an error of the client's quotes had come from the server's end. */
static void aim_at_server(struct sl_pkt *pkt)
{
	struct sl_tuple to = sl_tuple_of(&pkt->parsed), quoted;

	to.dst = pkt->server->address;
	if (!pkt->is_error) {
		to.dst_port = server_port(pkt);
		rewrite(pkt, &to);
		return;
	}
	quoted = sl_tuple_of(&pkt->error->quoted);
	quoted.src = pkt->server->address;
	quoted.src_port = server_port(pkt);
	rewrite_error(pkt, &to, &quoted);
}

/*
 * To the client, from the VIP. Errors, too, whoever of the servers' side they come from: no address
 * of that side means anything to the client (as LVS; RFC 5508, section 4.2).
 */
static void aim_at_client(struct sl_pkt *pkt)
{
	struct sl_tuple to = sl_tuple_of(&pkt->parsed), quoted;

	to.src = pkt->front->address;
	if (!pkt->is_error) {
		to.src_port = service_port(pkt);
		rewrite(pkt, &to);
		return;
	}
	quoted = sl_tuple_of(&pkt->error->quoted);
	quoted.dst = pkt->front->address;
	quoted.dst_port = service_port(pkt);
	rewrite_error(pkt, &to, &quoted);
}

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	sl_adj_word way;

	for (unsigned i = 0; i < n; i++) {
		if (!sl_emit_way_to_server(w, pkts[i], 0, false, &way))
			continue;
		aim_at_server(pkts[i]);
		sl_emit_on_way(w, pkts[i], way);
	}
}

static void reply(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	sl_adj_word way;

	for (unsigned i = 0; i < n; i++) {
		if (!sl_emit_way_routed(w, pkts[i], &pkts[i]->parsed.dst, &way))
			continue;
		aim_at_client(pkts[i]);
		sl_emit_on_way(w, pkts[i], way);
	}
}

const struct sl_fwd sl_fwd_nat = {
	.name = "nat",
	.listing = "Masq",
	.method = SL_FWD_NAT,
	.traits = SL_FWD_SETS_PORT,
	.routes = true,
	.kind = SL_CONN_NAT,
	.forward = forward,
	.reply = reply,
	.letter = 'm',
	.help = "masquerading: the destination is replaced (NAT)",
	.text = "the destination becomes the server's address and port, and its answers, which "
		"have to come back through the director, get the virtual ones.",
};
