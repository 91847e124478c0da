/* SPDX-License-Identifier: BSD-3-Clause */
/* The IP header of a packet that is made here: no options, no extension headers. */
#ifndef SL_NET_IP_HEAD_H
#define SL_NET_IP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "net/addr.h"

struct sl_ip_head {
	uint8_t family;   /* 4 or 6 */
	uint8_t protocol; /* of what follows, that is an extension header's number, too */
	uint8_t tos, ttl;
	uint16_t payload; /* bytes that follow */
	rte_be16_t id;    /* IPv4 alone, as are flags and offset */
	rte_be16_t fragment;
	const union sl_ip *src, *dst;
};

static inline size_t sl_ip_head_size(uint8_t family)
{
	return family == 6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
}

/* Writes it, IPv4's checksum included, to any address; returns its size. */
size_t sl_ip_head_write(void *at, const struct sl_ip_head *head);

#endif
