/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/checksum.h"

#include <string.h>

/*
 * Four bytes at a time into 64 bits. The Internet checksum does not care how the words are grouped:
 * carries are added back in when the sum is folded (RFC 1071, section 2).
 */
uint32_t sl_csum_add(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;
	uint64_t wide = sum;
	uint32_t word;

	for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		wide += word;
	}
	word = 0;
	memcpy(&word, at, length); /* what is left, as if zeros followed */
	wide += word;
	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (wide & 0xffffffff) + (wide >> 32);
	return (uint32_t)wide;
}

uint32_t
sl_csum_pseudo(const void *src, const void *dst, size_t size, uint8_t protocol, size_t length)
{
	rte_be32_t rest[2] = {rte_cpu_to_be_32((uint32_t)length), rte_cpu_to_be_32(protocol)};
	uint32_t sum = sl_csum_add(sl_csum_add(0, src, size), dst, size);

	return sl_csum_add(sum, rest, sizeof(rest));
}

uint16_t sl_csum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
