/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding methods. One file each (fwd_NAME.c) that defines `const struct sl_fwd sl_fwd_NAME`;
 * its name in lib/lb/meson.build's list does the rest.
 */
#ifndef SL_LB_FWD_H
#define SL_LB_FWD_H

#include <stdbool.h>

#include "lb/pipeline.h"

struct sl_fwd {
	const char *name;    /* in the configuration: "dr" */
	const char *listing; /* in LVS's listing: "Route" */
	enum sl_fwd_method method;
	bool routes; /* passes the packet on: the TTL is decremented before forward() */

	/*
	 * Sends each of `n` packets (entry found or made, server live, TTL decremented if `routes`)
	 * to its server: ends it by sl_emit_tx(), sl_emit_punt() or sl_emit_drop() (lb/emit.h).
	 */
	void (*forward)(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n);
};

extern const struct sl_fwd *const sl_fwds[SL_FWD_METHODS];
const struct sl_fwd *sl_fwd_find(const char *name);

#endif
