/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Direct routing: the frame goes to the server's MAC address with the IP packet unchanged (but for
 * its TTL); the server has the VIP and answers the client itself.
 */
#include "lb/emit.h"
#include "lb/fwd.h"

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	sl_adj_word way;

	for (unsigned i = 0; i < n; i++) {
		if (sl_emit_way_to_server(w, pkts[i], 0, true, &way))
			sl_emit_on_way(w, pkts[i], way);
	}
}

const struct sl_fwd sl_fwd_dr = {
	.name = "dr",
	.listing = "Route",
	.method = SL_FWD_DR,
	.traits = SL_FWD_NEEDS_LINK,
	.routes = true,
	.forward = forward,
	.letter = 'g',
	.help = "direct routing",
	.text = "direct routing, the frame goes to the server's Ethernet address with the IP "
		"packet as it was; the server has the VIP on its loopback interface.",
};
