/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about the packets that our own tunnels sent. */
#ifndef SL_LB_TUNNEL_ERROR_H
#define SL_LB_TUNNEL_ERROR_H

#include <stdbool.h>

#include "lb/pipeline.h"

/*
 * `quoted` is what the error `pkt` quotes. False: it is about none of our tunnels. True: it is, and
 * has ended by the reason tunnel_error; if it says that a packet was too big, the way to that
 * server takes no longer ones for some time (lb/path_mtu.h), so that the client's next one is
 * answered.
 */
bool sl_tunnel_error(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_parsed *quoted);

#endif
