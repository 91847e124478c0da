/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local addresses and ports of FullNAT and masquerade. No list of ports is kept: one is free
 * towards a server when no pair has the reverse key (lb/side.h), so a port serves many servers at a
 * time. Pairs linger for a minute after their last packet, and so the same server does not meet a
 * port again sooner.
 */
#ifndef SL_LB_LOCAL_PORT_H
#define SL_LB_LOCAL_PORT_H

#include "lb/side.h"

#define SL_LOCAL_PORT_PROBES 16

/*
 * Fills `local` and `local_port` of a pair that is about to be inserted; everything else that its
 * keys need is there. Replies to that endpoint belong to this worker (sl_engine_owner()). The start
 * is a secret function of the forward key; at most SL_LOCAL_PORT_PROBES keys are looked up.
 * `other` is a front under which the endpoint must not be taken either, or SL_ID_NONE: FullNAT and
 * masquerade share the ports, and an answer must be of one of the two.
 * 0; -EADDRNOTAVAIL when there is no local address of the family, or when every key that was looked
 * up is taken.
 */
int sl_local_port_choose(struct sl_worker *w, struct sl_side *want, sl_id other);

/* Whether a pair of this worker has the local endpoint of `side` under this front. */
bool sl_local_port_is_taken(const struct sl_worker *w, const struct sl_side *side, sl_id front);

#endif
