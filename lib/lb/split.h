/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 packets that are longer than an MTU and may be cut: they go on in fragments (RFC 791,
 * section 3.2).
 */
#ifndef SL_LB_SPLIT_H
#define SL_LB_SPLIT_H

#include <stdint.h>

#include "lb/worker.h"
#include "net/parse.h"

/*
 * Cuts an IPv4 packet without DF, perhaps a fragment itself, into fragments of at most `mtu` bytes,
 * which go to `out` in order; returns how many. The first one stays in the packet's own buffer, the
 * others get one each from the worker's `alloc`, with the same bytes in front of the IP header. `p`
 * says what the packet is now.
 *
 * Returns 0 when it was dropped instead, whole: `segments` if it lies in several buffers; `no_mbuf`
 * without memory; `split_limit` if it would become more than SL_SPLIT_MAX fragments, or if too many
 * of the run's packets have been cut already.
 */
unsigned sl_split(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	uint16_t mtu, struct rte_mbuf *out[SL_SPLIT_MAX]);

#endif
