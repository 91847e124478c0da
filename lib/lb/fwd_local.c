/* SPDX-License-Identifier: BSD-3-Clause */
/* The server is this box: the packet goes to Linux as it came. */
#include "lb/emit.h"
#include "lb/fwd.h"

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sl_emit_punt(w, pkts[i]->mbuf, SL_PUNT_HOST);
}

const struct sl_fwd sl_fwd_local = {
	.name = "local",
	.listing = "Local",
	.method = SL_FWD_LOCAL,
	.forward = forward,
	.help = "the server is the director itself",
	.text = "the server is this box.",
};
