/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One pass over a packet's headers: Ethernet, then IPv4 or IPv6 with its extension headers, then
 * TCP, UDP or the first bytes of ICMP. It reads bytes and nothing else: no mbuf, no
 * configuration. Everything it reports lies inside `length`.
 *
 * Sources: IEEE 802.3; RFC 791 (IPv4), RFC 8200 (IPv6), RFC 6946 (atomic fragments), RFC 9293
 * (TCP), RFC 768 (UDP), RFC 792 and RFC 4443 (ICMP).
 */
#ifndef SL_NET_PARSE_H
#define SL_NET_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "net/addr.h"

enum sl_parse_result {
	SL_PARSE_L4,         /* IP, whole, TCP or UDP header read */
	SL_PARSE_IP,         /* IP, whole, of another protocol (ICMP, VRRP, ...) */
	SL_PARSE_FRAGMENT,   /* a fragment, first ones included */
	SL_PARSE_OTHER,      /* not IP (ARP, LLDP, a VLAN tag, ...); only Ethernet was read */
	SL_PARSE_TRUNCATED,  /* shorter than its headers or their length fields say */
	SL_PARSE_MALFORMED,  /* version, header length or total length cannot be */
	SL_PARSE_CHECKSUM,   /* IPv4 header checksum is wrong */
	SL_PARSE_EXTENSIONS, /* IPv6 extension headers: too many, or in an order that cannot be */
};

/* TCP flags as on the wire. */
#define SL_TCP_FIN 0x01
#define SL_TCP_SYN 0x02
#define SL_TCP_RST 0x04
#define SL_TCP_PSH 0x08
#define SL_TCP_ACK 0x10

#define SL_ICMP_TYPE_NONE 255 /* not ICMP, or not all of its header is there */

/* Extension headers are walked so far: an honest packet has one or two, of a few dozen bytes. */
#define SL_EXTENSIONS_MAX       8
#define SL_EXTENSIONS_BYTES_MAX 256

/* One cache line. */
struct sl_parsed {
	union sl_ip src;
	union sl_ip dst;
	rte_be32_t fragment_id; /* of a fragment */
	rte_be16_t ether_type;
	rte_be16_t src_port; /* with has_l4 */
	rte_be16_t dst_port;
	uint16_t l3_offset;       /* of the IP header, from the frame's start */
	uint16_t l4_offset;       /* behind all IPv6 extension headers; of a fragment's data */
	uint16_t l3_length;       /* from the IP header on; the frame may carry padding behind it */
	uint16_t payload;         /* bytes behind the TCP or UDP header, with has_l4 */
	uint16_t fragment_offset; /* bytes */
	uint16_t fragment_header; /* IPv6: where the fragment header lies in the frame; 0 = none */
	uint8_t family;           /* 4, 6; 0 = not IP */
	uint8_t protocol;         /* IPPROTO_*, the last header of the chain */
	uint8_t ttl;              /* or hop limit */
	uint8_t tos;              /* or traffic class */
	uint8_t tcp_flags;
	uint8_t icmp_type; /* ICMP in IPv4, ICMPv6 in IPv6; SL_ICMP_TYPE_NONE = neither */
	uint8_t icmp_code;
	bool more_fragments;
	bool dont_fragment; /* IPv4's flag; IPv6: always */
	bool has_l4;        /* TCP or UDP, and its header is there: all but of later fragments */
};

/*
 * `data` holds the first `length` bytes of a frame whose whole length is `frame_length`
 * (>= length; more when the packet continues in another segment). Headers must lie within
 * `length`, length fields are checked against `frame_length`. `out` is complete only as far
 * as the result says. The IPv4 header checksum is verified only if `verify_checksum`.
 *
 * An IPv6 packet of a single ("atomic") fragment counts as whole. A first fragment that does not
 * hold its L4 header has no has_l4. A routing header that is not used up ends the walk with
 * SL_PARSE_IP and its own number as the protocol: the packet's destination is another one yet.
 * Lengths of fragments are not judged here (lb/datagram.h).
 */
enum sl_parse_result sl_parse(const void *data, size_t length, size_t frame_length,
	bool verify_checksum, struct sl_parsed *out);

/*
 * The packet that an ICMP or ICMPv6 error quotes: `outer` is what sl_parse() said of the frame
 * `data`, of which `length` bytes are here. Offsets count from the frame's start. It is often cut
 * short, so no length field has to hold, and the checksum is not verified: SL_PARSE_L4, or
 * SL_PARSE_FRAGMENT with has_l4, says that the IP header and eight bytes of TCP or UDP are there
 * (`payload` is 0, tcp_flags are not read).
 */
enum sl_parse_result sl_parse_quoted(
	const void *data, size_t length, const struct sl_parsed *outer, struct sl_parsed *inner);

/*
 * An IP packet of `family` without a frame around it, or the head of one, read as leniently as a
 * quoted one. Offsets count from `l3`.
 */
enum sl_parse_result
sl_parse_head(const void *l3, size_t length, uint8_t family, struct sl_parsed *out);

#endif
