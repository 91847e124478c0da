/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maglev hashing: every server has an order of its own in which it wants the table's places, and
 * they take turns, the heavier ones several places at a turn, until all are taken. A server that
 * comes or goes moves few of the others' places. Source: Eisenbud and others, "Maglev: A Fast and
 * Reliable Software Network Load Balancer" (NSDI 2016), section 3.4; hashes and turns are LVS's
 * (docs/lvs.md).
 *
 * The table does not depend on the order in which servers were added, and a server that is quiesced
 * keeps its places, so that the others keep theirs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "lb/registry.h"
#include "lb/sched.h"
#include "lb/sched_hash.h"

#define PLACES_PER_TURN 100 /* at least, of a server of the least weight */
#define FALLBACKS       256 /* other places that are looked at, all in LVS */

/* Hash keys: one for the first place wanted and for clients, one for the step to the next. */
#define FIRST 2654435761u
#define STEP  2654446892u

struct table {
	uint32_t size;
	uint32_t positions[]; /* [size], and behind them those of servers of a weight, [n_usable] */
};

/* What a server wants. */
struct taker {
	const struct sl_server_spec *spec;
	uint32_t position; /* in the service's list */
	uint32_t turns;
	uint32_t next, step;
};

static const uint32_t sizes[] = {4093, 8191, 16381, 32749, 65521, 131071}; /* primes */

static uint32_t hash(uint32_t value, uint32_t key)
{
	return (uint32_t)sl_siphash13_u32(value, key, key);
}

/* Places at a turn: the weight over the greatest common divisor of all. */
static uint64_t turns_of(const struct sl_service *service, uint32_t position, uint32_t divisor)
{
	return divisor == 0 ? 0 : service->full_weights[position] / divisor;
}

static uint32_t divisor_of(const struct sl_service *service)
{
	uint32_t divisor = 0;

	for (uint32_t i = 0; i < service->n_servers; i++)
		divisor = sl_sched_gcd(divisor, service->full_weights[i]);
	return divisor;
}

static uint32_t size_for(const struct sl_service *service)
{
	uint32_t divisor = divisor_of(service);
	uint64_t turns = 0;
	unsigned i = 0;

	for (uint32_t n = 0; n < service->n_servers; n++)
		turns += turns_of(service, n, divisor);
	while (i + 1 < RTE_DIM(sizes) && sizes[i] < turns * PLACES_PER_TURN)
		i++;
	return sizes[i];
}

static size_t block_bytes(const struct sl_service *service)
{
	return sizeof(struct table) + (size_for(service) + service->n_usable) * sizeof(uint32_t);
}

/* As LVS's list stands when servers were added by their addresses, from the lowest on. */
static int compare(const void *a, const void *b)
{
	const struct taker *x = a, *y = b;
	int order = memcmp(
		y->spec->address.bytes, x->spec->address.bytes, sizeof(x->spec->address.bytes));

	return order != 0 ? order : (int)y->spec->port - (int)x->spec->port;
}

static void set_takers(struct taker *takers, const struct sl_service *service,
	const struct sl_server_spec *servers, uint32_t size)
{
	uint32_t divisor = divisor_of(service), n = service->n_servers;

	for (uint32_t i = 0; i < n; i++) {
		const struct sl_server_spec *spec = &servers[n - 1 - i];
		union sl_ip address = sl_ip_from_addr(&spec->address);
		uint32_t value = sl_sched_fold(spec->address.family, &address) + spec->port;

		takers[i] = (struct taker){
			.spec = spec,
			.position = i,
			.turns = (uint32_t)RTE_MIN(turns_of(service, i, divisor), size),
			.next = hash(value, FIRST) % size,
			.step = hash(value, STEP) % (size - 1) + 1,
		};
	}
}

static void take_next(struct table *table, struct taker *taker)
{
	while (table->positions[taker->next] != SL_SCHED_NONE)
		taker->next = (taker->next + taker->step) % table->size;
	table->positions[taker->next] = taker->position;
}

static void list_usable(struct table *table, const struct sl_service *service)
{
	uint32_t n = table->size;

	for (uint32_t i = 0; i < service->n_servers; i++) {
		if (service->weights[i] > 0)
			table->positions[n++] = i;
	}
}

static void
prepare(void *block, const struct sl_service *service, const struct sl_server_spec *servers)
{
	struct taker *takers = calloc(service->n_servers + 1, sizeof(*takers));
	struct table *table = block;
	uint32_t taken = 0;

	table->size = size_for(service);
	memset(table->positions, 0xff, table->size * sizeof(table->positions[0]));
	list_usable(table, service);
	if (takers == NULL || divisor_of(service) == 0) {
		free(takers);
		return;
	}
	set_takers(takers, service, servers, table->size);
	qsort(takers, service->n_servers, sizeof(*takers), compare);
	while (taken < table->size) {
		for (uint32_t i = 0; i < service->n_servers; i++) {
			for (uint32_t n = 0; n < takers[i].turns && taken < table->size; n++) {
				take_next(table, &takers[i]);
				taken++;
			}
		}
	}
	free(takers);
}

/* The position in the place of that hash if its server takes connections. */
static uint32_t
in_place(const struct sl_service *service, const struct table *table, uint32_t place)
{
	uint32_t position = table->positions[place];

	return position != SL_SCHED_NONE && service->weights[position] > 0 ? position
									   : SL_SCHED_NONE;
}

/* Other places of the client, the first one's number on, until a server takes connections. */
static uint32_t
fall_back(const struct sl_service *service, const struct table *table, uint32_t value)
{
	uint32_t first = hash(value, FIRST) % table->size;

	for (uint32_t i = 0; i < FALLBACKS; i++) {
		uint32_t offset = (i + first) % table->size;
		uint32_t position =
			in_place(service, table, hash(offset + value, FIRST) % table->size);

		if (position != SL_SCHED_NONE)
			return position;
	}
	return table->positions[table->size + first % service->n_usable];
}

static uint32_t pick(struct sl_worker *w, const struct sl_service *service,
	struct sl_sched_cell *cell, const struct sl_parsed *flow)
{
	const struct table *table = service->sched_state[w->index];
	uint32_t value = sl_sched_fold(flow->family, &flow->src), position;

	if (service->n_usable == 0)
		return SL_SCHED_NONE;
	if (service->sched_flags & SL_SCHED_PORT)
		value += rte_be_to_cpu_16(flow->src_port);
	position = in_place(service, table, hash(value, FIRST) % table->size);
	if (position == SL_SCHED_NONE && (service->sched_flags & SL_SCHED_FALLBACK))
		return fall_back(service, table, value);
	return position;
}

const struct sl_sched sl_sched_mh = {
	.name = "mh",
	.help = "Maglev hashing: by the client's address, with few that move when servers change",
	.flags = SL_SCHED_FALLBACK | SL_SCHED_PORT,
	.shared = true,
	.pick = pick,
	.block_bytes = block_bytes,
	.prepare = prepare,
};
