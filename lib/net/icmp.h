/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about a packet, made in the packet's own buffer.
 * Sources: RFC 792, RFC 1122 section 3.2.2 (what must not be answered), RFC 1812 section 4.3.2.3
 * (as much of the original as fits in 576 bytes).
 */
#ifndef SL_NET_ICMP_H
#define SL_NET_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#define SL_ICMP4_UNREACHABLE      3
#define SL_ICMP4_PORT_UNREACHABLE 3 /* code */
#define SL_ICMP4_TIME_EXCEEDED    11
#define SL_ICMP4_ERROR_HEADERS    28  /* bytes put before the quoted packet */
#define SL_ICMP4_QUOTE_MAX        548 /* bytes of the original that are quoted */

/*
 * Whether an error about this IPv4 packet (`l3`, `length` bytes, header checked) may be sent:
 * not about ICMP errors, non-first fragments, multicast, broadcast or a source that is none.
 */
bool sl_icmp4_may_answer(const void *l3, size_t length);

/*
 * Writes the IPv4 and ICMP headers, SL_ICMP4_ERROR_HEADERS bytes, to `headers`; the quoted
 * packet of `quoted` bytes follows them in memory. From `src` to `dst`, TTL 64. `rest`
 * is the second word of the ICMP header, in host order (an MTU, a pointer, or 0).
 */
void sl_icmp4_error(void *headers, size_t quoted, uint8_t type, uint8_t code, uint32_t rest,
	rte_be32_t src, rte_be32_t dst);

#endif
