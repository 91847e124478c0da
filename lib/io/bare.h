/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bare mbufs: packets on the C library's heap, with no mempool and no EAL behind them. What the
 * packet path needs to run as a library: in tests, vectors and tools.
 */
#ifndef SL_IO_BARE_H
#define SL_IO_BARE_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define SL_BARE_ROOM 2048 /* bytes behind the headroom, unless the packet is longer */

/*
 * An mbuf of one segment with these bytes behind the usual headroom, and a zeroed private area of
 * `priv_size` bytes (a multiple of 8). At most 65,535 bytes in all; NULL beyond, or without memory.
 */
struct rte_mbuf *sl_bare_new(const void *data, size_t length, uint16_t priv_size);

/* Frees an mbuf of sl_bare_new(); accepts NULL. Never rte_pktmbuf_free(): there is no pool. */
void sl_bare_free(struct rte_mbuf *mbuf);

#endif
