/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The headers that a tunnel puts in front of an IP packet, as Linux's ipip, sit, ip6_tunnel, gre
 * and fou devices take them off and as LVS's `--tun-type` puts them on: either family in either.
 *
 *	IPIP  IP (4 or 41)
 *	GRE   IP (47), GRE [with a checksum]
 *	GUE   IP (17), UDP, GUE [with remote checksum offload]
 *
 * Bytes only; any thread. What the outer header's TTL, DSCP and DF are to be is the caller's
 *policy.
 *
 * Sources: RFC 2003, RFC 2473, RFC 4213 (IP in IP); RFC 2784 (GRE); draft-ietf-intarea-gue-09 and
 * Linux's include/net/gue.h (GUE: version 0, a data message, private flags in an option);
 * draft-herbert-remotecsumoffload-02; RFC 768, RFC 6935 (UDP checksum 0 over IPv6).
 */
#ifndef SL_NET_ENCAP_H
#define SL_NET_ENCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "net/addr.h"

enum sl_tunnel { SL_TUNNEL_IPIP, SL_TUNNEL_GUE, SL_TUNNEL_GRE };

/* Flags; the ones that a type does not know are ignored. */
#define SL_TUNNEL_CSUM    0x01 /* GRE: the optional checksum. GUE: one in the outer UDP header */
#define SL_TUNNEL_REMCSUM 0x02 /* GUE: remote checksum offload; implies SL_TUNNEL_CSUM */

#define SL_ENCAP_MAX 60 /* bytes that any tunnel puts in front, at most */

struct sl_encap {
	enum sl_tunnel type;
	uint8_t flags;
	uint8_t inner_family, outer_family; /* 4 or 6 */
	uint8_t tos, ttl;
	bool df;            /* IPv4 */
	rte_be16_t id;      /* IPv4 */
	rte_be16_t port;    /* GUE: UDP destination */
	rte_be16_t entropy; /* GUE: UDP source; the same for all packets of a connection */
	/*
	 * Where the inner packet's whole TCP or UDP header begins, in bytes from its IP header on,
	 * and which of them it is; 0 = neither (a fragment, another protocol).
	 */
	uint16_t inner_l4;
	uint8_t inner_protocol;
	union sl_ip src, dst;
};

/* Bytes in front of the inner IP header. Depends on type, flags and families alone. */
unsigned sl_encap_length(const struct sl_encap *e);

/*
 * Writes sl_encap_length() bytes to `headers`. The inner packet of `inner_length` bytes lies at
 * `inner`, in one piece when a checksum is asked for (nothing of it is read otherwise). With remote
 * checksum offload its own checksum is taken out, which the receiver puts back; a packet without
 * a checksum, or with a wrong one, is sent as it is.
 */
void sl_encap_write(const struct sl_encap *e, void *headers, void *inner, size_t inner_length);

#endif
