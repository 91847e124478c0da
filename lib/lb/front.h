/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash of fronts: (kind, family, protocol, address, port) -> front id.
 * One writer (the configuration thread) adds in place while workers read; a grown or cleaned
 * table is a new object that the next generation carries. Memory order: lb/publish.h.
 */
#ifndef SL_LB_FRONT_H
#define SL_LB_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "base/alloc.h"
#include "lb/types.h"
#include "net/addr.h"

struct sl_front_table;

/* NULL without memory. */
struct sl_front_table *
sl_front_table_new(const struct sl_alloc *alloc, uint32_t capacity, uint64_t secret);
void sl_front_table_free(const struct sl_alloc *alloc, struct sl_front_table *table);

/*
 * Adds a front that is not there; family 4 or 6. -ENOSPC when as many are in it as it takes: the
 * caller makes a larger one.
 */
int sl_front_table_add(struct sl_front_table *table, enum sl_front_kind kind, uint8_t family,
	uint8_t protocol, const union sl_ip *address, rte_be16_t port, sl_id id);

/* Any thread. SL_ID_NONE when there is none. Exact match only: port 0 finds the any-port front. */
sl_id sl_front_table_find(const struct sl_front_table *table, enum sl_front_kind kind,
	uint8_t family, uint8_t protocol, const union sl_ip *address, rte_be16_t port);

/* Any thread. Whether any service's front in the table has this VIP, of any protocol and port. */
bool sl_front_table_has_vip(
	const struct sl_front_table *table, uint8_t family, const union sl_ip *vip);

/* The writer's: fronts in it, and how many it takes. */
uint32_t sl_front_table_count(const struct sl_front_table *table);
uint32_t sl_front_table_room(const struct sl_front_table *table);

#endif
