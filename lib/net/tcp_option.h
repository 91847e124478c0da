/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a director that stands between two TCP ends has to change in a segment's header: the maximum
 * segment size, sequence numbers, and the option that hands the client's address on. The checksum
 * is kept right by difference, so that damage stays damage.
 *
 * `tcp` is a header of `header_length` bytes (20 to 60, checked by sl_parse()); options are walked
 * with a bound, and from the first one that cannot be they are let be. Any thread.
 *
 * Sources: RFC 9293 sections 3.1 and 3.2 (options, MSS), RFC 2018 (SACK); option 254 as LVS's
 * FullNAT patch defines it, and its 20 byte form for IPv6.
 */
#ifndef SL_NET_TCP_OPTION_H
#define SL_NET_TCP_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/parse.h"

#define SL_TCP_MSS_MIN 88 /* bytes: sl_tcp_lower_mss() goes no lower, as Linux does not either */
#define SL_TOA_MAX     20 /* bytes */

/* Lowers the MSS that the sender of a SYN announces. False: it announces none. */
bool sl_tcp_lower_mss(void *tcp, size_t header_length, uint16_t by);

/* Adds to the sequence number: `by` bytes were put in front of the sender's stream. */
void sl_tcp_shift_seq(void *tcp, uint32_t by);

/*
 * Takes from the acknowledgement number and all edges of SACK blocks: `by` bytes that the segment's
 * receiver has not sent. While the other end may still acknowledge only part of these, `floor` is
 * the number of the first byte of the receiver's own, and nothing goes below it; NULL afterwards.
 */
void sl_tcp_shift_ack(void *tcp, size_t header_length, uint32_t by, const uint32_t *floor);

/* Bytes of the TOA option: 8 for an IPv4 client, 20 for IPv6. */
unsigned sl_toa_length(uint8_t family);

/*
 * Puts the TOA option behind the others. The frame begins sl_toa_length() bytes earlier then, where
 * there is room (lib/net/insert.h); `p`, that of a whole TCP segment or of the first fragment,
 * follows. False, and nothing changes: the header cannot take so many more options.
 */
bool sl_tcp_add_toa(void *frame, struct sl_parsed *p, uint8_t family, const union sl_ip *client,
	rte_be16_t port);

#endif
