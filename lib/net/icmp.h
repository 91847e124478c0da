/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP and ICMPv6 errors: which messages are, what may be answered with one, and how to make one in
 * the buffer of the packet that it is about.
 * Sources: RFC 792, RFC 1191, RFC 1122 section 3.2.2 (what must not be answered), RFC 1812 section
 * 4.3.2.3 (as much of the original as fits in 576 bytes); RFC 4443 (ICMPv6; there in 1280 bytes).
 */
#ifndef SL_NET_ICMP_H
#define SL_NET_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

enum sl_icmp_error {
	SL_ICMP_PORT_UNREACHABLE,
	SL_ICMP_HOST_UNREACHABLE,
	SL_ICMP_PROHIBITED, /* administratively: a route says so */
	SL_ICMP_TIME_EXCEEDED,
	SL_ICMP_TOO_BIG, /* IPv4: fragmentation needed */
};

#define SL_ICMP_HEADER 8 /* of every ICMP and ICMPv6 message here */

/* Bytes put before the quoted packet, and at most quoted of it. */
static inline unsigned sl_icmp_headers(uint8_t family)
{
	return family == 4 ? 28 : 48;
}

static inline unsigned sl_icmp_quote_max(uint8_t family)
{
	return family == 4 ? 548 : 1232;
}

/* What every link carries: nobody has to send shorter packets (RFC 791; RFC 8200, section 5). */
static inline uint32_t sl_mtu_min(uint8_t family)
{
	return family == 4 ? 68 : 1280;
}

/*
 * Whether this type is an error for the sender of the packet that it quotes: unreachable (too big
 * included), source quench, time exceeded, parameter problem. No redirects: those are for hosts.
 */
bool sl_icmp_is_error(uint8_t family, uint8_t type);

/* Whether it says that the packet did not fit: then *mtu is the limit that it names, 0 = none. */
bool sl_icmp_is_too_big(uint8_t family, const void *icmp, size_t length, uint32_t *mtu);

/*
 * Whether an error about this packet (`l3`, `length` bytes of it) may be sent: not about ICMP
 * errors, later fragments, what went to a group, or came from a source that is no host.
 */
bool sl_icmp_may_answer(uint8_t family, const void *l3, size_t length);

/*
 * Writes the IP and ICMP headers, sl_icmp_headers() bytes, to `headers`; the quoted packet of
 * `quoted` bytes follows them in memory. From `src` to `dst`, TTL 64. `mtu` is for
 * SL_ICMP_TOO_BIG alone.
 */
void sl_icmp_error(void *headers, uint8_t family, size_t quoted, enum sl_icmp_error what,
	uint32_t mtu, const union sl_ip *src, const union sl_ip *dst);

#endif
