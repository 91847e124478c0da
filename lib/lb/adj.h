/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adjacencies: how a server is reached on the wire. One 64-bit word each, so that a
 * worker always sees a MAC, port and state that belong together, however often they change.
 * Index 0 never resolves. Indexes are given out by the configuration thread (lb/registry.h), words
 * are written by the control core.
 */
#ifndef SL_LB_ADJ_H
#define SL_LB_ADJ_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SL_ADJ_RESOLVED 0x01 /* the MAC is known */
#define SL_ADJ_ON_LINK  0x02 /* reached without a gateway */
#define SL_ADJ_LOCAL    0x04 /* an address of this box */
#define SL_ADJ_GATEWAY  0x08 /* reached by a gateway, whose MAC it is */

typedef uint64_t sl_adj_word; /* bytes 0..5 MAC, 6 port, 7 flags, in memory order */

static inline sl_adj_word sl_adj_make(const uint8_t mac[6], uint8_t port, uint8_t flags)
{
	uint8_t bytes[8];
	sl_adj_word word;

	memcpy(bytes, mac, 6);
	bytes[6] = port;
	bytes[7] = flags;
	memcpy(&word, bytes, 8);
	return word;
}

static inline uint8_t sl_adj_flags(sl_adj_word word)
{
	return ((const uint8_t *)&word)[7];
}

static inline uint8_t sl_adj_port(sl_adj_word word)
{
	return ((const uint8_t *)&word)[6];
}

#endif
