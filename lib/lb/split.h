/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that are longer than an MTU and may be cut go on in fragments: IPv4 without DF, by
 * whoever sent them (RFC 791, section 3.2); and those of either family that are the director's own,
 * such as what a tunnel puts around a packet (RFC 8200, section 4.5).
 */
#ifndef SL_LB_SPLIT_H
#define SL_LB_SPLIT_H

#include <stdint.h>

#include "lb/worker.h"
#include "net/parse.h"

/*
 * A number for a packet of our own that may be cut: no other has the same, of whichever worker, as
 * far as 32 bits go. For IPv4, the lower 16 of them.
 */
uint32_t sl_split_id(struct sl_worker *w);

/*
 * Cuts a packet, perhaps a fragment itself, into fragments of at most `mtu` bytes, which go to
 * `out` in order; returns how many. The first one stays in the packet's own buffer, the others get
 * one each from the worker's `alloc`, with the same bytes in front of the IP header. `p` says what
 * the packet is now. IPv4: DF is cleared, the identification stays. IPv6: it gets a fragment
 * header, if it has none, even if it fits otherwise.
 *
 * Returns 0 when it was dropped instead, whole: `segments` if it lies in several buffers;
 * `no_headroom` without room for the fragment header; `no_mbuf` without memory; `split_limit` if it
 * would become more than SL_SPLIT_MAX fragments, or if too many of the run's packets have been cut
 * already.
 */
unsigned sl_split(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	uint16_t mtu, struct rte_mbuf *out[SL_SPLIT_MAX]);

#endif
