/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a server is told about the client in front of the client's own bytes: a PROXY protocol
 * header, version 2, and the TCP option TOA. No connection is terminated for it.
 *
 * TCP: the header takes the first sequence numbers behind the SYN, and everything that the client
 * sends is moved back by its length; what the server acknowledges is moved forward again. Each
 * segment that begins where the client's stream begins carries the header in front of its payload,
 * an empty one, too (the handshake's ACK), until the server has acknowledged it: lost, it is sent
 * again as the client sends again; twice there, it is the same bytes at the same place. The MSS in
 * the server's SYN is lowered, so that the segment still fits. Payload of a SYN (TFO) is left out:
 * the server does not acknowledge it, and the client sends it again behind the header.
 *
 * UDP: the header is in front of each datagram.
 *
 * Bytes and the connection's record, no more. On the worker that owns it. Source: haproxy's
 * proxy-protocol.txt, section 2.
 */
#ifndef SL_LB_PREFACE_H
#define SL_LB_PREFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb/side.h"
#include "net/parse.h"
#include "net/proxy.h"
#include "net/tcp_option.h"

/* Bytes in front of a frame that are always enough. */
#define SL_PREFACE_ROOM (SL_PROXY_MAX + SL_TOA_MAX)

enum sl_preface {
	SL_PREFACE_DONE,
	SL_PREFACE_NO_TOA,   /* likewise, but there was no room for the option */
	SL_PREFACE_FRAGMENT, /* of a TCP segment at the start of the stream: cannot be told apart */
	SL_PREFACE_TOO_LONG, /* the datagram would exceed 65,535 bytes */
};

/*
 * A client's packet, still with its own addresses and ports: `side` has SL_SIDE_PROXY or
 * SL_SIDE_TOA. The option is put in as long as the packet has at most `mtu` bytes with it. *grown
 * is by how much earlier the frame begins; p->l3_length may have become less (a SYN with payload).
 */
enum sl_preface sl_preface_in(
	struct sl_side *side, void *frame, struct sl_parsed *p, unsigned mtu, unsigned *grown);

/*
 * A server's packet of the same connection; `family` is the client's. Notes in `side` that the
 * server has acknowledged the start.
 */
void sl_preface_out(struct sl_side *side, uint8_t family, void *frame, const struct sl_parsed *p);

/*
 * An ICMP error that quotes what the server was sent: its sequence number becomes the client's.
 * `l3` is the error's outer header; `length` bytes of the frame are there.
 */
void sl_preface_quoted(const struct sl_side *side, uint8_t family, void *frame, size_t length,
	const struct sl_parsed *outer, const struct sl_parsed *inner);

#endif
