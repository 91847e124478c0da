/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/rand.h"
#include "net/toeplitz.h"

#define KEYS 16 /* keys that each property is tried on */

/* "Verifying the RSS Hash Calculation", Microsoft: its key and its tuples. */
static const uint8_t microsoft_key[SL_TOEPLITZ_KEY] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
	0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b,
	0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe,
	0xac, 0x01, 0xfa};

static const struct {
	const char *src, *dst;
	uint16_t src_port, dst_port;
	uint32_t with_ports, addresses_only;
} published[] = {
	{"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178, 0x323e8fc2},
	{"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea, 0xd718262a},
	{"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a, 0xd2d0a5de},
	{"38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f, 0x82989176},
	{"153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2, 0x5d1809c5},
	{"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d, 0x2cc18cd5},
	{"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf, 0x0f0c461c},
	{"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
		0x02d1feef, 0x4b61e985},
};

struct tuple {
	uint8_t bytes[36];
	size_t address; /* bytes */
};

static struct tuple random_tuple(struct sl_rand *rand, size_t address)
{
	struct tuple t = {.address = address};

	for (size_t i = 0; i < sizeof(t.bytes); i++)
		t.bytes[i] = (uint8_t)sl_rand_u64(rand);
	return t;
}

static size_t tuple_length(const struct tuple *t)
{
	return 2 * t->address + 4;
}

static void set_source_port(struct tuple *t, uint16_t port)
{
	t->bytes[2 * t->address] = (uint8_t)(port >> 8);
	t->bytes[2 * t->address + 1] = (uint8_t)port;
}

static void crafted(struct sl_toeplitz *t, uint64_t seed)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, seed);
	sl_toeplitz_init(t, &rand);
}

static void the_published_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		int family = strchr(published[i].src, ':') != NULL ? AF_INET6 : AF_INET;
		size_t address = family == AF_INET ? 4 : 16;
		uint16_t ports[2] = {htons(published[i].src_port), htons(published[i].dst_port)};
		uint8_t tuple[36];

		assert_int_equal(inet_pton(family, published[i].src, tuple), 1);
		assert_int_equal(inet_pton(family, published[i].dst, tuple + address), 1);
		memcpy(tuple + 2 * address, ports, sizeof(ports));
		assert_int_equal(sl_toeplitz_hash(microsoft_key, tuple, 2 * address + 4),
			published[i].with_ports);
		assert_int_equal(sl_toeplitz_hash(microsoft_key, tuple, 2 * address),
			published[i].addresses_only);
	}
}

static void the_destination_does_not_reach_the_low_bits(void **state)
{
	static const size_t addresses[] = {4, 16};
	static struct sl_toeplitz t;
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		crafted(&t, seed);
		for (int i = 0; i < 400; i++) {
			size_t address = addresses[i % 2];
			struct tuple a = random_tuple(&rand, address);
			struct tuple b = random_tuple(&rand, address);
			uint32_t hash_a, hash_b;

			memcpy(b.bytes, a.bytes, address);
			memcpy(b.bytes + 2 * address, a.bytes + 2 * address, 2);
			hash_a = sl_toeplitz_hash(t.key, a.bytes, tuple_length(&a));
			hash_b = sl_toeplitz_hash(t.key, b.bytes, tuple_length(&b));
			assert_int_equal((hash_a ^ hash_b) & SL_TOEPLITZ_LOW_MASK, 0);
		}
	}
}

static void the_client_s_hash_is_that_of_its_packets(void **state)
{
	static struct sl_toeplitz t;
	struct sl_rand rand;

	sl_rand_seed(&rand, 2);
	crafted(&t, 2);
	for (int i = 0; i < 2000; i++) {
		struct tuple tuple = random_tuple(&rand, 4);
		rte_be32_t addr;
		rte_be16_t port;

		memcpy(&addr, tuple.bytes, sizeof(addr));
		memcpy(&port, tuple.bytes + 8, sizeof(port));
		assert_int_equal(sl_toeplitz_client4(&t, addr, port) & SL_TOEPLITZ_LOW_MASK,
			sl_toeplitz_hash(t.key, tuple.bytes, tuple_length(&tuple)) &
				SL_TOEPLITZ_LOW_MASK);
	}
}

static void the_ipv6_client_s_hash_is_that_of_its_packets(void **state)
{
	static struct sl_toeplitz t;
	struct sl_rand rand;

	sl_rand_seed(&rand, 3);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		crafted(&t, seed);
		for (int i = 0; i < 400; i++) {
			struct tuple tuple = random_tuple(&rand, 16);
			rte_be16_t port;

			memcpy(&port, tuple.bytes + 32, sizeof(port));
			assert_int_equal(
				sl_toeplitz_client6(&t, tuple.bytes, port) & SL_TOEPLITZ_LOW_MASK,
				sl_toeplitz_hash(t.key, tuple.bytes, tuple_length(&tuple)) &
					SL_TOEPLITZ_LOW_MASK);
		}
	}
}

/* Whatever the client's and the server's endpoint, and whatever the VIP had been. */
static void a_reply_under_the_mirrored_key_meets_its_client(void **state)
{
	static struct sl_toeplitz t;
	uint8_t mirrored[SL_TOEPLITZ_KEY];
	struct sl_rand rand;

	sl_rand_seed(&rand, 4);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		crafted(&t, seed);
		sl_toeplitz_mirror(t.key, mirrored);
		for (int i = 0; i < 400; i++) {
			struct tuple request = random_tuple(&rand, 4);
			struct tuple reply = random_tuple(&rand, 4);

			memcpy(reply.bytes + 4, request.bytes, 4);
			memcpy(reply.bytes + 10, request.bytes + 8, 2);
			assert_int_equal(
				(sl_toeplitz_hash(mirrored, reply.bytes, tuple_length(&reply)) ^
					sl_toeplitz_hash(
						t.key, request.bytes, tuple_length(&request))) &
					SL_TOEPLITZ_LOW_MASK,
				0);
		}
	}
}

static void assert_even(const unsigned *counts, unsigned queues, unsigned each)
{
	for (unsigned q = 0; q < queues; q++)
		assert_int_equal(counts[q], each);
}

/* `step` 1: every port of a block; 2: the even ones, as Linux's connect() prefers; 4 in long
 * blocks. */
static void spread_ports(
	const struct sl_toeplitz *t, size_t address, unsigned step, unsigned block, uint32_t mask)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, step);
	for (unsigned queues = 2; queues <= 16; queues *= 2) {
		struct tuple tuple = random_tuple(&rand, address);
		unsigned length = queues * block;
		unsigned base = (unsigned)sl_rand_below(&rand, 65536) & ~(step * length - 1);
		unsigned counts[16] = {0};

		for (unsigned i = 0; i < length; i++) {
			set_source_port(&tuple, (uint16_t)(base + i * step));
			counts[sl_toeplitz_queue(
				sl_toeplitz_hash(t->key, tuple.bytes, tuple_length(&tuple)), mask,
				queues)]++;
		}
		assert_even(counts, queues, block);
	}
}

static void client_ports_spread_exactly(void **state)
{
	static struct sl_toeplitz t;

	for (uint64_t seed = 0; seed < KEYS; seed++) {
		crafted(&t, seed);
		for (size_t address = 4; address <= 16; address += 12) {
			/* The least that could: as many ports as there are queues. */
			spread_ports(&t, address, 1, 1, 511);
			spread_ports(&t, address, 2, 1, 511);
			spread_ports(&t, address, 4, 256, 511);
			/* A table of 128 entries sees the ports by fours. */
			spread_ports(&t, address, 1, 4, 127);
			spread_ports(&t, address, 2, 2, 127);
		}
	}
}

static void client_addresses_spread_exactly(void **state)
{
	static struct sl_toeplitz t;
	struct sl_rand rand;

	sl_rand_seed(&rand, 4);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		crafted(&t, seed);
		for (unsigned queues = 2; queues <= 16; queues *= 2) {
			for (size_t address = 4; address <= 16; address += 12) {
				struct tuple tuple = random_tuple(&rand, address);
				unsigned counts[16] = {0};

				for (unsigned i = 0; i < 256; i++) {
					tuple.bytes[address - 1] = (uint8_t)i;
					counts[sl_toeplitz_queue(
						sl_toeplitz_hash(
							t.key, tuple.bytes, tuple_length(&tuple)),
						511, queues)]++;
				}
				assert_even(counts, queues, 256 / queues);
			}
		}
	}
}

static void random_clients_spread_over_any_number(void **state)
{
	static struct sl_toeplitz t;
	struct sl_rand rand;

	sl_rand_seed(&rand, 5);
	crafted(&t, 5);
	for (unsigned queues = 2; queues <= 16; queues++) {
		unsigned counts[16] = {0};

		for (int i = 0; i < 32000; i++) {
			uint64_t bits = sl_rand_u64(&rand);

			counts[sl_toeplitz_queue(
				sl_toeplitz_client4(&t, (rte_be32_t)bits, (rte_be16_t)(bits >> 32)),
				511, queues)]++;
		}
		for (unsigned q = 0; q < queues; q++)
			assert_in_range(
				counts[q], 32000 / queues * 85 / 100, 32000 / queues * 115 / 100);
	}
}

static void a_key_can_be_taken_over(void **state)
{
	static struct sl_toeplitz a, b;

	crafted(&a, 6);
	crafted(&b, 7);
	assert_memory_not_equal(a.key, b.key, sizeof(a.key));
	sl_toeplitz_set(&b, a.key);
	assert_memory_equal(&a, &b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors),
		cmocka_unit_test(the_destination_does_not_reach_the_low_bits),
		cmocka_unit_test(the_client_s_hash_is_that_of_its_packets),
		cmocka_unit_test(the_ipv6_client_s_hash_is_that_of_its_packets),
		cmocka_unit_test(a_reply_under_the_mirrored_key_meets_its_client),
		cmocka_unit_test(client_ports_spread_exactly),
		cmocka_unit_test(client_addresses_spread_exactly),
		cmocka_unit_test(random_clients_spread_over_any_number),
		cmocka_unit_test(a_key_can_be_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
