/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One pass over a packet's headers: Ethernet, then IPv4, then TCP or UDP. It reads bytes
 * and nothing else: no mbuf, no configuration. Everything it reports is inside `length`.
 *
 * Sources: IEEE 802.3; RFC 791 (IPv4), RFC 9293 (TCP), RFC 768 (UDP).
 */
#ifndef SL_NET_PARSE_H
#define SL_NET_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

enum sl_parse_result {
	SL_PARSE_L4,        /* IPv4, first or only fragment-free packet, TCP or UDP header read */
	SL_PARSE_IP,        /* IPv4, whole, of another protocol (ICMP, VRRP, ...); l4 not read */
	SL_PARSE_FRAGMENT,  /* IPv4 fragment, first ones included; l4 not read */
	SL_PARSE_OTHER,     /* not IPv4 (ARP, IPv6, LLDP, ...); only Ethernet was read */
	SL_PARSE_TRUNCATED, /* shorter than its headers or their length fields say */
	SL_PARSE_MALFORMED, /* version, header length or total length cannot be */
	SL_PARSE_CHECKSUM,  /* IPv4 header checksum is wrong */
};

/* TCP flags as on the wire. */
#define SL_TCP_FIN 0x01
#define SL_TCP_SYN 0x02
#define SL_TCP_RST 0x04
#define SL_TCP_PSH 0x08
#define SL_TCP_ACK 0x10

struct sl_parsed {
	rte_be16_t ether_type;
	uint8_t l3_offset; /* bytes from the start of the frame */
	uint8_t l4_offset;
	uint8_t protocol; /* IPPROTO_*; 0 when not IP */
	uint8_t ttl;
	uint8_t tcp_flags;
	uint8_t icmp_type; /* of an ICMP packet that is long enough, else 255 */
	rte_be32_t src;
	rte_be32_t dst;
	rte_be16_t src_port;
	rte_be16_t dst_port;
	uint16_t l3_length; /* IPv4 total length: the frame may carry padding behind it */
	uint16_t payload;   /* bytes behind the TCP or UDP header */
};

/*
 * `data` holds the first `length` bytes of a frame whose whole length is `frame_length`
 * (>= length; more when the packet continues in another segment). Headers must lie within
 * `length`, length fields are checked against `frame_length`. `out` is complete only as far
 * as the result says. The IPv4 header checksum is verified only if `verify_checksum`.
 */
enum sl_parse_result sl_parse(const void *data, size_t length, size_t frame_length,
	int verify_checksum, struct sl_parsed *out);

#endif
