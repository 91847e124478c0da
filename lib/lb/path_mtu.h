/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ICMP errors have said of the paths to servers. It counts for packets that the director makes
 * longer than they came: those of tunnels, and of FullNAT where it adds bytes; about all others the
 * errors go to who sent them.
 *
 * Whoever guesses the addresses of a tunnel can send such errors, so a path is never believed to be
 * narrower than SL_PATH_MTU_MIN4, and one of IPv6 never than IPv6 allows (RFC 8201, section 4).
 */
#ifndef SL_LB_PATH_MTU_H
#define SL_LB_PATH_MTU_H

#include <stddef.h>
#include <stdint.h>

#include "lb/engine.h"
#include "lb/publish.h"
#include "lb/worker.h"

#define SL_PATH_MTU_S    600 /* seconds for which a limit that was learned holds (as Linux) */
#define SL_PATH_MTU_MIN4 552 /* Linux's net.ipv4.route.min_pmtu */

/* What is known of the path to an adjacency's address, 0 = nothing. */
static inline uint32_t sl_path_mtu(const struct sl_worker *w, uint32_t adj)
{
	uint64_t word = sl_read_word(&w->engine->path_mtu[adj]);

	return word >> 16 > w->now_ns / SL_NS_PER_S ? word & UINT16_MAX : 0;
}

/*
 * An ICMP error of `family` about a packet to the adjacency's address; `length` bytes of it, from
 * the ICMP header on, are there. Notes the MTU that it names, if it does and that can be.
 */
void sl_path_mtu_hear(
	struct sl_worker *w, uint32_t adj, uint8_t family, const void *icmp, size_t length);

#endif
