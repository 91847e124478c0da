/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/toeplitz.h"

#include <stdbool.h>
#include <string.h>

#define HASH_BITS     32
#define PORT_BITS     16
#define EXACT_WORKERS 4  /* log2 of the number of queues over which ports spread exactly */
#define STRIDE_BITS   2  /* ports that step by 4 still reach all of those */
#define TUPLE4_BYTES  12 /* source, destination, source port, destination port */
#define TUPLE6_BYTES  36
#define ADDRESS4_BITS 32

/* First bits of the tuple's fields, in the order in which NICs feed them to the hash. */
struct layout {
	unsigned src, dst, src_port, dst_port, end;
};

static const struct layout layouts[] = {
	{0, 32, 64, 80, 96},     /* IPv4 */
	{0, 128, 256, 272, 288}, /* IPv6 */
};

static bool key_bit(const uint8_t *key, unsigned n)
{
	return (key[n / 8] >> (7 - n % 8)) & 1;
}

static void set_key_bit(uint8_t *key, unsigned n, bool value)
{
	uint8_t mask = (uint8_t)(0x80 >> n % 8);

	key[n / 8] = (uint8_t)(value ? key[n / 8] | mask : key[n / 8] & ~mask);
}

/* What input bit n contributes to the hash. */
static uint32_t window(const uint8_t *key, unsigned n)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < HASH_BITS; i++)
		bits = bits << 1 | key_bit(key, n + i);
	return bits;
}

/* Input bits first .. last-1 no longer reach the low bits of the hash. */
static void mute(uint8_t *key, unsigned first, unsigned last)
{
	for (unsigned n = first + HASH_BITS - SL_TOEPLITZ_LOW_BITS; n < last + HASH_BITS - 1; n++)
		set_key_bit(key, n, false);
}

/*
 * The mirrored key needs these to be zero: where it repeats what the first byte of an IPv4 source
 * does to the low bits, it also has to mute the last byte of one.
 */
static void leave_room_for_mirror(uint8_t *key)
{
	for (unsigned n = HASH_BITS - SL_TOEPLITZ_LOW_BITS; n < HASH_BITS - 1; n++)
		set_key_bit(key, n, false);
}

static void mute_destinations(uint8_t *key)
{
	leave_room_for_mirror(key);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		mute(key, layouts[i].dst, layouts[i].src_port);
		mute(key, layouts[i].dst_port, layouts[i].end);
	}
}

/* Rank over GF(2) of the rows' low 32 bits. */
static unsigned rank(uint32_t *rows, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t low;

		if (rows[i] == 0)
			continue;
		low = rows[i] & -rows[i];
		for (unsigned j = i + 1; j < n; j++)
			rows[j] ^= rows[j] & low ? rows[i] : 0;
		found++;
	}
	return found;
}

/*
 * The rank of the map from `n` bits of a field, the lowest of them `skip` bits above the lowest of
 * the field (which ends before input bit `end`), to the top `bits` of the low bits of the hash.
 * Full rank means that each block of 2^bits values, aligned, with the bits below fixed, meets every
 * queue once.
 */
static unsigned
field_rank(const uint8_t *key, unsigned end, unsigned skip, unsigned n, unsigned bits)
{
	uint32_t rows[PORT_BITS];

	for (unsigned i = 0; i < n; i++) {
		uint32_t low = window(key, end - 1 - skip - i) & SL_TOEPLITZ_LOW_MASK;

		rows[i] = low >> (SL_TOEPLITZ_LOW_BITS - bits);
	}
	return rank(rows, n);
}

static bool spreads(const uint8_t *key, const struct layout *l)
{
	for (unsigned bits = 1; bits <= EXACT_WORKERS; bits++) {
		if (field_rank(key, l->dst_port, 0, bits, bits) != bits || /* consecutive ports */
			field_rank(key, l->dst_port, 1, bits, bits) != bits || /* even ports */
			field_rank(key, l->dst, 0, bits, bits) != bits) /* consecutive addresses */
			return false;
	}
	return field_rank(key, l->dst_port, STRIDE_BITS, PORT_BITS - STRIDE_BITS, EXACT_WORKERS) ==
		EXACT_WORKERS;
}

/* The bits of the key that the low bits of the hash see of a source field. */
static void draw(uint8_t *key, unsigned first, unsigned last, struct sl_rand *rand)
{
	for (unsigned n = first + HASH_BITS - SL_TOEPLITZ_LOW_BITS; n < last + HASH_BITS - 1; n++)
		set_key_bit(key, n, sl_rand_below(rand, 2));
}

void sl_toeplitz_init(struct sl_toeplitz *t, struct sl_rand *rand)
{
	uint8_t key[SL_TOEPLITZ_KEY];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)sl_rand_below(rand, 256);
	mute_destinations(key);
	/*
	 * One key in about a hundred will do for one family. The two families see different bits of
	 * the key, but for the IPv6 source, of which only the end, which IPv4 does not see, is
	 * judged.
	 */
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct layout *l = &layouts[i];

		while (!spreads(key, l)) {
			draw(key, l->dst - PORT_BITS, l->dst, rand);
			draw(key, l->src_port, l->dst_port, rand);
			mute_destinations(key);
		}
	}
	sl_toeplitz_set(t, key);
}

/* The hash is linear: that of a tuple is the XOR of those of its bytes. */
static void
fill(uint32_t table[][256], const uint8_t *key, const uint8_t *positions, unsigned n, size_t length)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t tuple[TUPLE6_BYTES] = {0};

			tuple[positions[i]] = (uint8_t)value;
			table[i][value] = sl_toeplitz_hash(key, tuple, length);
		}
	}
}

void sl_toeplitz_set(struct sl_toeplitz *t, const uint8_t key[SL_TOEPLITZ_KEY])
{
	static const uint8_t positions4[SL_TOEPLITZ_BYTES4] = {0, 1, 2, 3, 8, 9};
	/* Without 4 to 7 and 10 to 11, which IPv4's destination address and port mute. */
	static const uint8_t positions6[SL_TOEPLITZ_BYTES6] = {
		0, 1, 2, 3, 8, 9, 12, 13, 14, 15, 32, 33};

	memcpy(t->key, key, SL_TOEPLITZ_KEY);
	fill(t->table4, key, positions4, SL_TOEPLITZ_BYTES4, TUPLE4_BYTES);
	fill(t->table6, key, positions6, SL_TOEPLITZ_BYTES6, TUPLE6_BYTES);
}

/* Input bits first .. last-1 get the effect on the low bits that those `distance` before have. */
static void
repeat(uint8_t *mirrored, const uint8_t *key, unsigned first, unsigned last, unsigned distance)
{
	for (unsigned n = first + HASH_BITS - SL_TOEPLITZ_LOW_BITS; n < last + HASH_BITS - 1; n++)
		set_key_bit(mirrored, n, key_bit(key, n - distance));
}

void sl_toeplitz_mirror(const uint8_t key[SL_TOEPLITZ_KEY], uint8_t mirrored[SL_TOEPLITZ_KEY])
{
	const struct layout *l = &layouts[0];

	/* All else is zero, so sources are muted: where the two meet, what is repeated is zero. */
	memset(mirrored, 0, SL_TOEPLITZ_KEY);
	repeat(mirrored, key, l->dst, l->src_port, ADDRESS4_BITS);
	repeat(mirrored, key, l->dst_port, l->end, PORT_BITS);
}

uint32_t sl_toeplitz_hash(const uint8_t key[SL_TOEPLITZ_KEY], const void *tuple, size_t length)
{
	const uint8_t *bytes = tuple;
	uint32_t bits = window(key, 0);
	uint32_t hash = 0;

	for (unsigned n = 0; n < length * 8; n++) {
		if (key_bit(bytes, n))
			hash ^= bits;
		bits = bits << 1 | key_bit(key, n + HASH_BITS);
	}
	return hash;
}
