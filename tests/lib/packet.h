/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets for tests: frames written field by field, and bare mbufs that carry them without a
 * mempool. Checksums are computed here by an implementation of its own, so that a fault in
 * lib/net/checksum.c cannot hide behind itself.
 */
#ifndef SL_TESTS_PACKET_H
#define SL_TESTS_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "net/addr.h"

#define PACKET_MAX 1514

/* What is zero or NULL gets the default in brackets. Addresses and ports in host order. */
struct packet {
	const uint8_t *dst_mac; /* [02:00:00:00:00:01] */
	const uint8_t *src_mac; /* [02:00:00:00:00:99] */
	uint32_t src, dst;
	struct sl_addr from,
		to; /* of either family; unless they are none, in place of src and dst */
	uint16_t src_port, dst_port;
	uint8_t protocol;  /* [6, TCP] */
	uint8_t ttl;       /* [64] */
	uint8_t flags;     /* of TCP */
	uint16_t fragment; /* the IPv4 field: flags and offset */
	uint16_t id;
	uint16_t payload; /* bytes behind the TCP or UDP header (or behind IP, if neither) */
	/* A fragment: these bytes of what is behind the IP header, `id` as above; [0, 0 = all]. */
	uint16_t part_from, part_to;
	/* An ICMP error about another packet, of which it quotes so many bytes [all]. */
	const struct packet *quoted;
	uint16_t quote;
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_rest; /* the header's second word */
};

#define PACKET_IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

extern const uint8_t packet_port_mac[6];   /* the default destination */
extern const uint8_t packet_client_mac[6]; /* the default source */

/* The addresses as they will be written. */
struct sl_addr packet_from(const struct packet *p);
struct sl_addr packet_to(const struct packet *p);

/* Writes the frame, not padded, into `frame` (PACKET_MAX bytes). Returns its length. */
size_t packet_write(const struct packet *p, uint8_t *frame);

/* An mbuf with these bytes, SL_MBUF_PRIV bytes of private area (zero) and the usual headroom. */
struct rte_mbuf *packet_mbuf(const void *frame, size_t length, uint16_t port);

/* packet_write() and packet_mbuf() in one, as received on port 0. */
struct rte_mbuf *packet_make(const struct packet *p);

/* Frees an mbuf of packet_mbuf(); accepts NULL. */
void packet_free(struct rte_mbuf *mbuf);

/* 0 when the Internet checksum over the bytes holds. */
uint16_t packet_checksum(const void *data, size_t length);

#endif
