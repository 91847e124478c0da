/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Toeplitz hash that NICs use to spread packets (RSS), and the crafted key that makes its low
 * bits depend on the source address and port alone.
 *
 * The input is source address, destination address, source port, destination port. Input bit b
 * (0 = the first) contributes key bits b .. b+31 to the hash. With key bits b+32-L .. b+31 zero for
 * every bit b of the destination, the low L bits of the hash, which index the redirection table,
 * see the source only. One key serves IPv4 and IPv6, though of an IPv6 source the low bits see
 * those bytes alone that are not IPv4's destination.
 *
 * Ports towards servers take the mirrored key: the low bits of a reply's hash see its destination,
 * which is the client, and have the value that they have for the client's own packets. Such a key
 * exists for one family alone; it is IPv4's.
 * Source: Microsoft, "RSS hashing functions", for the hash; docs/architecture.md for the key.
 */
#ifndef SL_NET_TOEPLITZ_H
#define SL_NET_TOEPLITZ_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "base/rand.h"

#define SL_TOEPLITZ_KEY      52 /* bytes, the longest key that NICs take; 40 are used */
#define SL_TOEPLITZ_LOW_BITS 9  /* L: redirection tables of up to 512 entries */
#define SL_TOEPLITZ_LOW_MASK ((1u << SL_TOEPLITZ_LOW_BITS) - 1)
#define SL_TOEPLITZ_BYTES4   6  /* of an IPv4 client's address and port */
#define SL_TOEPLITZ_BYTES6   12 /* of an IPv6 client's, those that reach the low bits */

struct sl_toeplitz {
	uint8_t key[SL_TOEPLITZ_KEY];
	/* hash of the client's endpoint by byte value: address bytes, then the port's two */
	uint32_t table4[SL_TOEPLITZ_BYTES4][256];
	uint32_t table6[SL_TOEPLITZ_BYTES6][256]; /* sl_toeplitz_client6() */
};

/*
 * Makes the key from `rand`, such that moreover consecutive client ports, consecutive even client
 * ports and consecutive client addresses spread evenly over 2, 4, 8 or 16 queues as
 * sl_toeplitz_queue() tells them apart.
 */
void sl_toeplitz_init(struct sl_toeplitz *t, struct sl_rand *rand);

/* Takes over a key that sl_toeplitz_init() made earlier. */
void sl_toeplitz_set(struct sl_toeplitz *t, const uint8_t key[SL_TOEPLITZ_KEY]);

/*
 * The mirrored key for the key of sl_toeplitz_init(): for any IPv4 client and any server, the low
 * SL_TOEPLITZ_LOW_BITS bits of the hash of server -> client under it are those of client -> server
 * under `key`.
 */
void sl_toeplitz_mirror(const uint8_t key[SL_TOEPLITZ_KEY], uint8_t mirrored[SL_TOEPLITZ_KEY]);

/*
 * The queue, of `n`, for a hash: how to fill entry `hash & mask` of a redirection table of mask + 1
 * entries (a power of two, at most 2^L). It goes by the index's upper bits because muting the
 * destination leaves the lower ones only the upper half of the port: clients that count their ports
 * up would stay on one queue for 256 connections.
 */
static inline unsigned sl_toeplitz_queue(uint32_t hash, uint32_t mask, unsigned n)
{
	return (unsigned)((uint64_t)(hash & mask) * n / ((uint64_t)mask + 1));
}

/* The whole hash as a NIC computes it, from the bytes of the tuple in the order above. */
uint32_t sl_toeplitz_hash(const uint8_t key[SL_TOEPLITZ_KEY], const void *tuple, size_t length);

/*
 * The low SL_TOEPLITZ_LOW_BITS bits for an IPv4 client endpoint: equal to those of the whole hash
 * of any packet from it. Only these bits of the result are defined.
 */
static inline uint32_t
sl_toeplitz_client4(const struct sl_toeplitz *t, rte_be32_t addr, rte_be16_t port)
{
	const uint8_t *a = (const uint8_t *)&addr;
	const uint8_t *p = (const uint8_t *)&port;

	return t->table4[0][a[0]] ^ t->table4[1][a[1]] ^ t->table4[2][a[2]] ^ t->table4[3][a[3]] ^
		t->table4[4][p[0]] ^ t->table4[5][p[1]];
}

/* The same for an IPv6 client endpoint. */
static inline uint32_t
sl_toeplitz_client6(const struct sl_toeplitz *t, const uint8_t a[16], rte_be16_t port)
{
	const uint8_t *p = (const uint8_t *)&port;

	return t->table6[0][a[0]] ^ t->table6[1][a[1]] ^ t->table6[2][a[2]] ^ t->table6[3][a[3]] ^
		t->table6[4][a[8]] ^ t->table6[5][a[9]] ^ t->table6[6][a[12]] ^
		t->table6[7][a[13]] ^ t->table6[8][a[14]] ^ t->table6[9][a[15]] ^
		t->table6[10][p[0]] ^ t->table6[11][p[1]];
}

#endif
