/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet gets other endpoints: addresses, ports and every checksum that depends on them, by
 * difference, so that a packet that arrived damaged leaves damaged. One engine for IPv4 and IPv6,
 * TCP and UDP; a change of the address family is lib/net/translate.h.
 *
 * Bytes only. The headers have been checked by sl_parse() or sl_parse_quoted(), whose result is
 * handed on unchanged: it says what the packet was, not what it becomes. Any thread.
 *
 * Sources: RFC 1624 (checksums by difference), RFC 768 and RFC 8200 section 8.1 (UDP checksum 0),
 * RFC 3022 section 4.3 and RFC 5508 (ICMP errors through NAT), RFC 4443 section 2.3.
 */
#ifndef SL_NET_REWRITE_H
#define SL_NET_REWRITE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include "net/addr.h"
#include "net/checksum.h"
#include "net/parse.h"

/* The endpoints of a packet as it is to be. */
struct sl_tuple {
	union sl_ip src, dst;
	rte_be16_t src_port, dst_port;
	uint8_t family; /* 4 or 6 */
	uint8_t protocol;
};

/* Those that it has. */
static inline struct sl_tuple sl_tuple_of(const struct sl_parsed *p)
{
	return (struct sl_tuple){.src = p->src,
		.dst = p->dst,
		.src_port = p->src_port,
		.dst_port = p->dst_port,
		.family = p->family,
		.protocol = p->protocol};
}

/*
 * Writes addresses and, where the packet holds its L4 header (has_l4), ports. `to` is of the
 * packet's own family and protocol. A UDP checksum of 0 (there is none) stays 0, one that becomes 0
 * is written as 0xffff. Of protocols other than TCP and UDP only addresses are written, and the
 * checksum of ICMPv6, which covers them, if `p` has its type.
 */
void sl_rewrite(void *frame, const struct sl_parsed *p, const struct sl_tuple *to);

/*
 * The same for an ICMP or ICMPv6 error and the packet that it quotes. `length` counts the frame's
 * bytes in this buffer; of the quoted packet's checksums those are kept right that lie within it
 * and within the outer packet, the outer ones always. `outer_to` gives addresses only.
 */
void sl_rewrite_error(void *frame, size_t length, const struct sl_parsed *outer,
	const struct sl_parsed *inner, const struct sl_tuple *outer_to,
	const struct sl_tuple *inner_to);

#define SL_IPV4_TTL       8 /* where they lie in their headers */
#define SL_IPV4_CHECKSUM  10
#define SL_IPV6_HOP_LIMIT 7

/* TTL or hop limit less one; it must not be 0. Every packet that is passed on has this done. */
static inline void sl_spend_ttl(void *frame, const struct sl_parsed *p)
{
	uint8_t *l3 = (uint8_t *)frame + p->l3_offset;
	uint16_t before, after, checksum;

	if (p->family == 6) {
		l3[SL_IPV6_HOP_LIMIT]--;
		return;
	}
	memcpy(&before, l3 + SL_IPV4_TTL,
		sizeof(before)); /* the checksum's word holds TTL and protocol */
	l3[SL_IPV4_TTL]--;
	memcpy(&after, l3 + SL_IPV4_TTL, sizeof(after));
	memcpy(&checksum, l3 + SL_IPV4_CHECKSUM, sizeof(checksum));
	checksum = sl_csum_update16(checksum, before, after);
	memcpy(l3 + SL_IPV4_CHECKSUM, &checksum, sizeof(checksum));
}

#endif
