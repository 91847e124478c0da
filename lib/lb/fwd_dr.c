/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Direct routing: the frame goes to the server's MAC address with the IP packet unchanged (but for
 * its TTL); the server has the VIP and answers the client itself.
 */
#include <string.h>

#include "lb/emit.h"
#include "lb/engine.h"
#include "lb/fwd.h"

static void send_to_server(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct sl_engine *engine = w->engine;
	sl_adj_word adj = sl_read_adj(&engine->adjs[pkt->server->adj]);
	uint8_t flags = sl_adj_flags(adj), port = sl_adj_port(adj);
	uint8_t *ether = rte_pktmbuf_mtod(pkt->mbuf, uint8_t *);

	if (flags & SL_ADJ_LOCAL) {
		sl_emit_punt(w, pkt->mbuf, SL_PUNT_HOST);
		return;
	}
	if (!(flags & SL_ADJ_RESOLVED)) {
		sl_emit_drop(w, pkt->mbuf, SL_DROP_NEIGHBOUR_UNRESOLVED);
		return;
	}
	if (!(flags & SL_ADJ_ON_LINK)) {
		sl_emit_drop(w, pkt->mbuf, SL_DROP_SERVER_NOT_ON_LINK);
		return;
	}
	memcpy(ether, &adj, 6); /* the word begins with the MAC (lb/adj.h) */
	memcpy(ether + 6, engine->ports[port].mac, 6);
	sl_emit_tx(w, pkt->mbuf, port);
}

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		send_to_server(w, pkts[i]);
}

const struct sl_fwd sl_fwd_dr = {
	.name = "dr",
	.listing = "Route",
	.method = SL_FWD_DR,
	.traits = SL_FWD_NEEDS_LINK,
	.routes = true,
	.forward = forward,
};
