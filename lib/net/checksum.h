/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum: the one implementation for headers, payloads, pseudo headers and
 * incremental changes. Source: RFC 1071, RFC 1624 (equation 3).
 * Sums are 32-bit accumulators in network byte order words, folded at the end.
 */
#ifndef SL_NET_CHECKSUM_H
#define SL_NET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

/* Adds `length` bytes to `sum`; an odd last byte counts as if a zero followed. */
uint32_t sl_csum_add(uint32_t sum, const void *data, size_t length);

/* The checksum field for an accumulated sum. */
uint16_t sl_csum_finish(uint32_t sum);

/* The checksum after one 16-bit word changed from `from` to `to`, all in wire order. */
static inline uint16_t sl_csum_update16(uint16_t checksum, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint16_t sl_csum_update32(uint16_t checksum, uint32_t from, uint32_t to)
{
	checksum = sl_csum_update16(checksum, (uint16_t)from, (uint16_t)to);
	return sl_csum_update16(checksum, (uint16_t)(from >> 16), (uint16_t)(to >> 16));
}

#endif
