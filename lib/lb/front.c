/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/front.h"

#include <errno.h>

#include <rte_common.h>

#include "lb/publish.h"

/*
 * Open addressing with linear probing, never more than half full: a search ends at the first
 * slot with id 0. Nothing is ever taken out, so the only change that a reader can meet is an empty
 * slot that fills, the id last (lb/publish.h).
 *
 * A key is one word. With IPv4 it is the whole identity; with IPv6 the address is in it as a hash,
 * and stands in full in a row of its own, which is looked at when the keys are the same: IPv4 pays
 * nothing for it.
 *
 * A VIP has a slot of its own beside those of its fronts, that of protocol 0 and port 0.
 */
struct slot {
	uint64_t key;
	uint32_t id;
	uint32_t spare;
};

struct sl_front_table {
	uint64_t secret;
	uint32_t mask;
	uint32_t count;          /* of fronts; the writer's */
	union sl_ip *addresses6; /* of each slot; behind the slots */
	struct slot slots[];
};

/* Bits 0..7 protocol, 8..23 port, 24..26 kind, 27 family, 32..63 address. */
static uint64_t key_of(const struct sl_front_table *table, enum sl_front_kind kind, uint8_t family,
	uint8_t protocol, const union sl_ip *address, rte_be16_t port)
{
	uint64_t key = (uint32_t)port << 8 | protocol | (uint32_t)kind << 24;
	__uint128_t product;

	if (family == 4)
		return key | (uint64_t)address->v4 << 32;
	product = (__uint128_t)(address->words[0] ^ table->secret) *
		(address->words[1] ^ 0xd6e8feb86659fd93ull);
	return key | 1u << 27 | (uint64_t)(product ^ product >> 64) << 32;
}

static uint32_t first_slot(const struct sl_front_table *table, uint64_t key)
{
	__uint128_t product = (__uint128_t)(key ^ table->secret) * 0x9e3779b97f4a7c15ull;

	return ((uint32_t)product ^ (uint32_t)(product >> 64)) & table->mask;
}

struct sl_front_table *
sl_front_table_new(const struct sl_alloc *alloc, uint32_t capacity, uint64_t secret)
{
	uint64_t slots = rte_align64pow2(4 * (uint64_t)RTE_MAX(capacity, 8u));
	struct sl_front_table *table;

	table = sl_zalloc(alloc,
		sizeof(*table) + slots * (sizeof(table->slots[0]) + sizeof(union sl_ip)),
		SL_CACHE_LINE, -1);
	if (table == NULL)
		return NULL;
	table->secret = secret;
	table->mask = (uint32_t)(slots - 1);
	table->addresses6 = (union sl_ip *)&table->slots[slots];
	return table;
}

void sl_front_table_free(const struct sl_alloc *alloc, struct sl_front_table *table)
{
	sl_free(alloc, table);
}

static void put(struct sl_front_table *table, uint64_t key, const union sl_ip *address, sl_id id)
{
	uint32_t at = first_slot(table, key);

	while (table->slots[at].id != SL_ID_NONE)
		at = (at + 1) & table->mask;
	table->slots[at].key = key;
	table->addresses6[at] = *address;
	sl_publish_id(&table->slots[at].id, id);
}

int sl_front_table_add(struct sl_front_table *table, enum sl_front_kind kind, uint8_t family,
	uint8_t protocol, const union sl_ip *address, rte_be16_t port, sl_id id)
{
	if (table->count >= sl_front_table_room(table))
		return -ENOSPC;
	if (kind == SL_FRONT_SERVICE && !sl_front_table_has_vip(table, family, address))
		put(table, key_of(table, kind, family, 0, address, 0), address, id);
	put(table, key_of(table, kind, family, protocol, address, port), address, id);
	table->count++;
	return 0;
}

sl_id sl_front_table_find(const struct sl_front_table *table, enum sl_front_kind kind,
	uint8_t family, uint8_t protocol, const union sl_ip *address, rte_be16_t port)
{
	uint64_t key = key_of(table, kind, family, protocol, address, port);
	uint32_t at = first_slot(table, key);
	sl_id id;

	while ((id = sl_read_id(&table->slots[at].id)) != SL_ID_NONE) {
		if (table->slots[at].key == key &&
			(family == 4 || sl_ip_equal(&table->addresses6[at], address)))
			return id;
		at = (at + 1) & table->mask;
	}
	return SL_ID_NONE;
}

bool sl_front_table_has_vip(
	const struct sl_front_table *table, uint8_t family, const union sl_ip *vip)
{
	return sl_front_table_find(table, SL_FRONT_SERVICE, family, 0, vip, 0) != SL_ID_NONE;
}

uint32_t sl_front_table_count(const struct sl_front_table *table)
{
	return table->count;
}

uint32_t sl_front_table_room(const struct sl_front_table *table)
{
	return (table->mask + 1) / 4; /* twice the slots, if each has a VIP of its own */
}
