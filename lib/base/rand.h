/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Randomness: a seeded generator for everything that must be repeatable, and the kernel's for
 * secrets. One owner per generator; no locking.
 * Source: xoshiro256** and splitmix64 (Blackman and Vigna, "Scrambled Linear Pseudorandom
 * Number Generators", 2018), written from the paper's definition.
 */
#ifndef SL_BASE_RAND_H
#define SL_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct sl_rand {
	uint64_t s[4];
};

void sl_rand_seed(struct sl_rand *rand, uint64_t seed);
uint64_t sl_rand_u64(struct sl_rand *rand);

/* Uniform in 0 .. bound-1; bound must not be 0. */
uint64_t sl_rand_below(struct sl_rand *rand, uint64_t bound);

/* Fills `buffer` with the kernel's randomness. Returns 0 or -errno. */
int sl_rand_secret(void *buffer, size_t size);

#endif
