/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a look-up in the forwarding table costs: nanoseconds each, of a burst of addresses that lie
 * in random routes, for the table of a small network and for a full one. Argument: routes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "lb/fib.h"

#define LOOK_UPS  (1u << 24)
#define ADDRESSES (1u << 16)

static struct sl_addr random_addr(struct sl_rand *rand, uint8_t family)
{
	struct sl_addr addr = {.family = family};
	const uint64_t value = sl_rand_u64(rand);

	if (family == 4)
		addr.v4 = (rte_be32_t)value;
	else
		memcpy(addr.bytes, &value, sizeof(value));
	if (family == 6)
		addr.bytes[0] = 0x20; /* as on the Internet, all in 2000::/8 */
	return addr;
}

static unsigned fill(struct sl_fib *fib, struct sl_rand *rand, uint8_t family, unsigned routes)
{
	static const uint8_t lengths[2][4] = {{24, 24, 22, 16}, {48, 48, 40, 32}};
	unsigned n = 0;

	for (unsigned i = 0; i < routes; i++) {
		const struct sl_prefix prefix = {.addr = random_addr(rand, family),
			.length = lengths[family == 6][sl_rand_below(rand, 4)]};
		const struct sl_fib_via via = {.kind = SL_ROUTE_GLEAN, .port = (uint8_t)(i % 16)};

		n += sl_fib_set(fib, &prefix, &via) == 0;
	}
	return n;
}

static void measure(struct sl_fib *fib, struct sl_rand *rand, uint8_t family, unsigned routes)
{
	union sl_ip *addresses = calloc(ADDRESSES, sizeof(addresses[0]));
	struct sl_fib_stats stats;
	uint64_t start, end, sum = 0;
	struct sl_next next;

	start = sl_clock_ns(&sl_clock_system);
	routes = fill(fib, rand, family, routes);
	end = sl_clock_ns(&sl_clock_system);
	sl_fib_stats(fib, &stats);
	printf("IPv%u: %u routes, %u nodes, %.2f us to add one; ", family, routes, stats.nodes,
		(double)(end - start) / 1e3 / routes);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct sl_addr addr = random_addr(rand, family);

		addresses[i] = sl_ip_from_addr(&addr);
	}
	start = sl_clock_ns(&sl_clock_system);
	for (unsigned i = 0; i < LOOK_UPS; i++) {
		sl_fib_next(fib, family, &addresses[i % ADDRESSES], i, &next);
		sum += next.port;
	}
	end = sl_clock_ns(&sl_clock_system);
	printf("%.2f ns a look-up (%u of them, sum %llu)\n", (double)(end - start) / LOOK_UPS,
		LOOK_UPS, (unsigned long long)sum);
	free(addresses);
}

int main(int argc, char **argv)
{
	unsigned routes = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	struct rte_rcu_qsbr *qsbr =
		sl_zalloc(&sl_alloc_heap, rte_rcu_qsbr_get_memsize(1), SL_CACHE_LINE, -1);
	struct sl_rand rand;

	rte_rcu_qsbr_init(qsbr, 1);
	sl_rand_seed(&rand, 1);
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_fib *fib = sl_fib_new(&sl_alloc_heap, qsbr, 2 * routes);

		measure(fib, &rand, family, routes);
		sl_fib_free(fib);
	}
	sl_free(&sl_alloc_heap, qsbr);
	return 0;
}
