/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to lib/net: the part of rewriting that is the same within and across address families. */
#ifndef SL_NET_L4_H
#define SL_NET_L4_H

#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>

#include "net/checksum.h"
#include "net/rewrite.h"

/* Where checksums lie in their headers. */
#define SL_TCP_CHECKSUM  16
#define SL_UDP_CHECKSUM  6
#define SL_ICMP_CHECKSUM 2

#define SL_L4_WHOLE SIZE_MAX

/* Writes `length` bytes (even, at an even place); returns what that adds to a sum. */
static __rte_always_inline uint32_t sl_put(uint8_t *at, const void *to, size_t length)
{
	uint32_t change = sl_csum_change(at, to, length);

	memcpy(at, to, length);
	return change;
}

/*
 * Ports, and the checksum, which changes by `addresses`, too. Of the header's bytes `there` are
 * there: at least the ports; SL_L4_WHOLE at compile time saves the question. `protocol` is a
 * constant: TCP or UDP. Returns what this adds to a sum over the packet.
 */
static __rte_always_inline uint32_t sl_l4_rewrite(
	uint8_t *l4, size_t there, uint8_t protocol, const struct sl_tuple *to, uint32_t addresses)
{
	size_t checksum = protocol == IPPROTO_TCP ? SL_TCP_CHECKSUM : SL_UDP_CHECKSUM;
	uint32_t ports = sl_put(l4, &to->src_port, 2) + sl_put(l4 + 2, &to->dst_port, 2);

	if (there != SL_L4_WHOLE && checksum + 2 > there)
		return ports;
	return ports + sl_csum_fix(l4 + checksum, addresses + ports, protocol == IPPROTO_UDP);
}

#endif
