/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes put into a packet: a header of the PROXY protocol, a TCP option. What lies in front of them
 * moves forward, so that the payload, which is longer, stays where it is.
 * Bytes only, headers checked by sl_parse(); any thread.
 */
#ifndef SL_NET_INSERT_H
#define SL_NET_INSERT_H

#include <stdbool.h>
#include <stddef.h>

#include "net/parse.h"

/*
 * Puts `n` bytes (even) into a packet that has its TCP or UDP header, at `at` bytes from the start
 * of the frame: there or anywhere behind that header, at an even distance from it. The frame begins
 * `n` bytes earlier from then on, where the caller has seen to it that there is room. IP and UDP
 * lengths and all checksums follow (UDP checksum 0 stays), and so does `p`. Of a datagram's first
 * fragment only if `n` is a multiple of 8; the others then need sl_shift_fragment(). The packet
 * must not become longer than 65,535 bytes.
 */
void sl_insert(void *frame, struct sl_parsed *p, size_t at, const void *bytes, unsigned n);

/*
 * A fragment that is not the first moves back in its datagram by `n` bytes, a multiple of 8.
 * Returns false, and changes nothing, if it would end beyond what a datagram can have.
 */
bool sl_shift_fragment(void *frame, struct sl_parsed *p, unsigned n);

/* Takes out what lies behind the TCP header of a whole segment; the frame becomes shorter. */
void sl_cut_payload(void *frame, struct sl_parsed *p);

#endif
