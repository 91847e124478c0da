/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Masquerading: what servers begin themselves, TCP and UDP, leaves from a local address and port of
 * the box. The mapping is that of the server's own endpoint, whomever it talks to (RFC 4787,
 * section 4.1); it is a pair (lb/side.h) of no server, whose two keys have the masquerading front
 * of their protocol and family. Connections begin inside only: a SYN from outside finds nobody.
 */
#ifndef SL_LB_MASQUERADE_H
#define SL_LB_MASQUERADE_H

#include <stdbool.h>

#include "lb/pipeline.h"

/*
 * A packet for somebody else, on a port whose policy is SL_TRANSIT_MASQUERADE: ends it. Linux gets
 * what is neither TCP nor UDP nor an error about them.
 */
void sl_masquerade_out(struct sl_worker *w, struct sl_pkt *pkt);

/* A packet for an address of the box: ends it if it is a reply to a masqueraded connection. */
bool sl_masquerade_in(struct sl_worker *w, struct sl_pkt *pkt);

#endif
