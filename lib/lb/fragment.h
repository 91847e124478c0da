/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that gives fragments their ports: each goes to the worker that keeps its datagram
 * (lb/datagram.h), and from there on like any packet of its connection.
 */
#ifndef SL_LB_FRAGMENT_H
#define SL_LB_FRAGMENT_H

#include <stdbool.h>

#include "lb/pipeline.h"

/*
 * For a packet of kind SL_PARSE_FRAGMENT. True: it goes on; if a service, a server or masquerading
 * may be concerned, then as SL_PARSE_L4 with the ports of its datagram (`parsed` of a fragment that
 * is not the first has no tcp_flags and no has_l4). False: it has ended, or waits in the worker.
 */
bool sl_fragment_join(struct sl_worker *w, struct sl_pkt *pkt);

#endif
