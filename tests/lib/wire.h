/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of both families for tests of lib/net, written field by field, and a reader that checks
 * them. Nothing here comes from lib/net but names: a fault there cannot hide behind itself.
 */
#ifndef TESTS_LIB_WIRE_H
#define TESTS_LIB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/parse.h"

#define WIRE_MAX   2048
#define WIRE_ETHER 14

/* What is zero or NULL gets the default in brackets. */
struct wire {
	uint8_t family;       /* [4] */
	uint8_t protocol;     /* [TCP] */
	uint8_t ttl, tos;     /* [64], 0 */
	uint8_t n_src, n_dst; /* 192.0.2.n, 2001:db8::n */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;         /* of TCP */
	uint8_t ip_options;    /* IPv4: bytes of no-operations; IPv6: of a header of options */
	uint8_t n_tcp_options; /* bytes, a multiple of 4 */
	const uint8_t *tcp_options;
	uint16_t payload; /* bytes behind the L4 header */
	uint16_t id;
	bool dont_fragment;
	bool no_checksum; /* UDP */
};

union sl_ip wire_ip(uint8_t family, uint8_t n);

/* Of host 1 to port 53 of host 2, without anything special. */
struct wire wire_plain(uint8_t family, uint8_t protocol, uint16_t payload);

/* Writes the frame into `frame` (WIRE_MAX bytes); returns its length. */
size_t wire_write(const struct wire *w, uint8_t *frame);

/*
 * The fragment of a whole frame that has `n` bytes of its IP payload from `offset` on (both in
 * bytes). Returns the length of what it wrote into `out`.
 */
size_t wire_cut(const uint8_t *frame, size_t offset, size_t n, uint32_t id, uint8_t *out);

/* An ICMP or ICMPv6 error that quotes `n` bytes; `rest` is its second word. Returns the length. */
size_t wire_error(uint8_t family, uint8_t type, uint8_t code, uint32_t rest, const void *quoted,
	size_t n, uint8_t *out);

/* What sl_parse() and sl_parse_quoted() promise to find. */
struct sl_parsed wire_parsed(const uint8_t *frame, size_t length);
struct sl_parsed wire_quoted(const uint8_t *frame, size_t length, const struct sl_parsed *outer);

/* NULL, or what is wrong with lengths and checksums of the frame's IP packet (which is whole). */
const char *wire_wrong(const uint8_t *frame, size_t length);

/* Computes the checksums that wire_wrong() looks at, where there is room for them. */
void wire_repair(uint8_t *frame, size_t length);

/* The sum of big-endian words, folded: 0xffff when a checksum within holds. */
uint16_t wire_sum(uint32_t sum, const void *data, size_t length);
/* The sum of what TCP, UDP and ICMPv6 put in front. */
uint32_t wire_pseudo(const uint8_t *l3, uint8_t protocol, size_t length);

unsigned wire_get16(const uint8_t *at);
uint32_t wire_get32(const uint8_t *at);
void wire_put16(uint8_t *at, unsigned value);
void wire_put32(uint8_t *at, uint32_t value);

#endif
