/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-1-3 of one 32-bit word. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF"
 * (2012), with one round for each block and three at the end.
 */
#ifndef SL_BASE_SIPHASH_H
#define SL_BASE_SIPHASH_H

#include <stdint.h>

static inline uint64_t sl_siphash_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sl_siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = sl_siphash_rotate(v[1], 13) ^ v[0];
	v[0] = sl_siphash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = sl_siphash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = sl_siphash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = sl_siphash_rotate(v[1], 17) ^ v[2];
	v[2] = sl_siphash_rotate(v[2], 32);
}

/* Of the word's four bytes, the lowest first. */
static inline uint64_t sl_siphash13_u32(uint32_t word, uint64_t key0, uint64_t key1)
{
	uint64_t last = (uint64_t)sizeof(word) << 56 | word;
	uint64_t v[4] = {key0 ^ 0x736f6d6570736575ull, key1 ^ 0x646f72616e646f6dull,
		key0 ^ 0x6c7967656e657261ull, key1 ^ 0x7465646279746573ull};

	v[3] ^= last;
	sl_siphash_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sl_siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
