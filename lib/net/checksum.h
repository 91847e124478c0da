/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum: the one implementation for headers, payloads, pseudo headers and
 * incremental changes. Source: RFC 1071, RFC 1624 (equation 3).
 * Sums are 32-bit accumulators in network byte order words, folded at the end.
 */
#ifndef SL_NET_CHECKSUM_H
#define SL_NET_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

/* Adds `length` bytes to `sum`; an odd last byte counts as if a zero followed. */
uint32_t sl_csum_add(uint32_t sum, const void *data, size_t length);

/*
 * The sum of the pseudo header of TCP, UDP and ICMPv6: addresses of `size` bytes each, and the
 * `length` bytes from the L4 header on. RFC 9293, section 3.1; RFC 8200, section 8.1.
 */
uint32_t
sl_csum_pseudo(const void *src, const void *dst, size_t size, uint8_t protocol, size_t length);

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

/*
 * What it adds to a sum when `length` bytes (even, at an even place) go from `from` to `to`. Below
 * 2^17, so changes may be added to each other.
 */
static inline uint32_t sl_csum_change(const void *from, const void *to, size_t length)
{
	const uint8_t *old = from, *new = to;
	uint64_t wide = 0;
	uint32_t a, b;
	size_t at = 0;

	for (; at + sizeof(a) <= length; at += sizeof(a)) {
		memcpy(&a, old + at, sizeof(a));
		memcpy(&b, new + at, sizeof(b));
		wide += (uint64_t)(uint32_t)~a + b;
	}
	if (at < length) {
		uint16_t c, d;

		memcpy(&c, old + at, sizeof(c));
		memcpy(&d, new + at, sizeof(d));
		wide += (uint32_t)(uint16_t)~c + d;
	}
	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (wide & 0xffffffff) + (wide >> 32);
	return (uint32_t)((wide & 0xffff) + (wide >> 16));
}

/* The checksum field after what it covers changed by `change`, which may be any sum. */
static inline uint16_t sl_csum_apply(uint16_t checksum, uint32_t change)
{
	uint32_t sum = (uint16_t)~checksum + (change & 0xffff) + (change >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * Brings a checksum field, at any address, up to date after what it covers changed by `change`.
 * With `udp` 0 stands for "none": it stays, and is never written. Returns what this in turn adds
 * to a sum that covers the field.
 */
static inline uint32_t sl_csum_fix(void *field, uint32_t change, bool udp)
{
	uint16_t before, after;

	memcpy(&before, field, sizeof(before));
	if (udp && before == 0)
		return 0;
	after = sl_csum_apply(before, change);
	if (udp && after == 0)
		after = 0xffff;
	memcpy(field, &after, sizeof(after));
	return sl_csum_change(&before, &after, sizeof(after));
}

#endif
