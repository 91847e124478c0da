/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash of fronts: (protocol, IPv4 VIP, port) -> front id.
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

struct sl_front_table;

/* NULL without memory. */
struct sl_front_table *
sl_front_table_new(const struct sl_alloc *alloc, uint32_t capacity, uint64_t secret);
void sl_front_table_free(const struct sl_alloc *alloc, struct sl_front_table *table);

/*
 * Adds a front that is not there. -ENOSPC when as many are in it as it takes: the caller makes
 * a larger one.
 */
int sl_front_table_add(
	struct sl_front_table *table, uint8_t protocol, rte_be32_t vip, rte_be16_t port, sl_id id);

/* Any thread. SL_ID_NONE when there is none. Exact match only: port 0 finds the any-port front. */
sl_id sl_front_table_find(
	const struct sl_front_table *table, uint8_t protocol, rte_be32_t vip, rte_be16_t port);

/* Any thread. Whether any front in the table has this VIP, whatever its protocol and port. */
bool sl_front_table_has_vip(const struct sl_front_table *table, rte_be32_t vip);

/* The writer's: fronts in it, and how many it takes. */
uint32_t sl_front_table_count(const struct sl_front_table *table);
uint32_t sl_front_table_room(const struct sl_front_table *table);

#endif
