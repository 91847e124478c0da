/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding methods. One file each (fwd_NAME.c) that defines `const struct sl_fwd sl_fwd_NAME`;
 * its name in lib/lb/meson.build's list does the rest.
 */
#ifndef SL_LB_FWD_H
#define SL_LB_FWD_H

#include <stdbool.h>

#include "lb/pipeline.h"

/* What a configuration that names the method has to heed; bits of sl_fwd.traits. */
#define SL_FWD_NEEDS_LINK  0x01 /* the server has to be on a segment of the director's */
#define SL_FWD_SETS_PORT   0x02 /* the server's port may differ from the service's */
#define SL_FWD_SETS_SOURCE 0x04 /* to a local address, of which there has to be one */
#define SL_FWD_TUNNELS     0x08 /* takes the options of a tunnel */
#define SL_FWD_ANY_FAMILY  0x10 /* the server's address family may differ from the service's */

struct sl_fwd {
	const char *name;    /* in the configuration: "dr" */
	const char *listing; /* in LVS's listing: "Route" */
	enum sl_fwd_method method;
	uint8_t traits;         /* SL_FWD_NEEDS_LINK, ... */
	bool routes;            /* passes the packet on: the TTL is decremented before forward() */
	enum sl_conn_kind kind; /* of the entries that it makes: where replies find them */

	/*
	 * Sends each of `n` packets (entry found or made, TTL above 1 if `routes`) to its
	 * server (SL_DIR_IN), or a server's to its client (SL_DIR_OUT): ends it by one of the
	 * functions of lb/emit.h. ICMP errors come with the others (pkt->is_error). `reply` is NULL
	 * where servers answer their clients themselves.
	 */
	void (*forward)(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n);
	void (*reply)(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n);

	/* What the build takes from here for people (lib/conf/choices.c). */
	char letter;      /* of sluicectl's option --NAME, as ipvsadm's; 0 = none */
	const char *help; /* one line: of that option */
	const char *text; /* what sluice.json(5) says about the method */
};

extern const struct sl_fwd *const sl_fwds[SL_FWD_METHODS];
const struct sl_fwd *sl_fwd_find(const char *name);

#endif
