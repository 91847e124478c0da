/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to lib/net: ICMP errors in the terms of the other family (RFC 7915, sections 4.2, 5.2).
 */
#ifndef SL_NET_ICMP_MAP_H
#define SL_NET_ICMP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_icmp_head {
	uint8_t type, code;
	uint32_t rest; /* the header's second word, host order */
};

/*
 * `from` is an error of the family `family`; the packet that it quotes says that it has
 * `quoted_length` bytes, and has an IPv6 fragment header or not. Returns false if the other family
 * has no word for it.
 */
bool sl_icmp_map(uint8_t family, const struct sl_icmp_head *from, size_t quoted_length,
	bool fragment_header, struct sl_icmp_head *to);

/*
 * Bytes of the quoted packet in an error that has `length` of them behind its header: fewer, if
 * extensions follow (RFC 4884).
 */
size_t sl_icmp_quoted(uint8_t family, const struct sl_icmp_head *head, size_t length);

#endif
