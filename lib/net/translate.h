/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From IPv4 to IPv6 and back, for connections whose client and server are of different families.
 *
 * Translated: TCP and UDP in whole packets, their fragments, and ICMP errors about them.
 *	IPv4 header		IPv6 header
 *	TOS			traffic class; the flow label becomes 0
 *	TTL			hop limit (as it is: the director has spent one of it)
 *	identification, MF,	fragment header, if the packet is a fragment; from IPv6 the lower
 *	fragment offset		16 bits of the identification
 *	DF			not carried over; from IPv6 without a fragment header: set if the
 *IPv4 packet has more than 1260 bytes, otherwise clear with an identification that the L4 checksum
 *gives options			left out; a source route that is not over: refused -
 *hop-by-hop and destination options, a routing header that is over: left out; one that is not over,
 *authentication: refused
 *
 *	ICMP 3 / 0 1 5 6 7 8 11 12	ICMPv6 1 / 0	unreachable
 *	3 / 2				4 / 1		protocol: pointer to the next header
 *	3 / 3				1 / 4		port
 *	3 / 4				2 / 0		too big: MTU + 20, at least 1280; without an
 *MTU the plateau of RFC 1191 below the quoted length 3 / 9 10 13 15			1 / 1
 *prohibited 11 / any			3 / same	time exceeded
 *	12 / 0 2			4 / 0		parameter problem, where the field exists
 *there and from ICMPv6: 1 / 0 2 3 to 3 / 1; 1 / 1 to 3 / 10; 1 / 4 to 3 / 3; 2 to 3 / 4 with MTU -
 *20, or
 *	- 28 if the quoted packet has a fragment header, at least 68; 3 to 11; 4 / 0 to 12 / 0; 4 /
 *1 to 3 / 2. All others are refused. The quoted packet is translated, too, and cut to what an error
 *may have (1280 bytes over IPv6, 576 over IPv4); extensions (RFC 4884) are left out.
 *
 * Not translated: everything else; ICMP messages that are no errors; a UDP datagram over IPv4
 *without a checksum that is in fragments (IPv6 needs one). The checksums of TCP and UDP change by
 *difference, so that damage stays damage; a UDP checksum is computed where IPv4 had none. The
 *checksum of an ICMP error is verified, then computed anew. An IPv4 packet without DF may be too
 *long when it has become IPv6: split it before (lib/lb/split.h).
 *
 * Bytes only, headers checked by sl_parse() and sl_parse_quoted(). Any thread. Source: RFC 7915.
 */
#ifndef SL_NET_TRANSLATE_H
#define SL_NET_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

#include "net/parse.h"
#include "net/rewrite.h"

#define SL_TRANSLATE_ROOM 48 /* bytes in front of the frame that are always enough */

struct sl_translated {
	int shift;          /* bytes by which the frame's start moved; positive: it shrank */
	uint16_t l3_length; /* of the packet now; an error may have lost its end */
};

/*
 * Makes a packet of the other family. `length` bytes of the frame lie in this buffer, `room` bytes
 * in front of it are free. `inner` is what an ICMP error quotes, with `inner_to`; NULL for TCP and
 * UDP. `to` is of the other family; of an error it gives the addresses only. What lies in front of
 * the IP header moves along, and its last two bytes become the new Ethernet type. Returns 0, or,
 * and nothing has changed, -ENOTSUP for what is not translated (above), -EBADMSG for an error whose
 * checksum is wrong, -ENOBUFS when there is too little room.
 */
int sl_translate(void *frame, size_t length, size_t room, const struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to,
	struct sl_translated *out);

#endif
