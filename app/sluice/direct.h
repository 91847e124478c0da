/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration alone says about ports that have no twin: there is no Linux to ask, so the
 * configured prefixes decide what is on link, the static neighbours how to get there, and a VIP is
 * always local.
 */
#ifndef SL_DIRECT_H
#define SL_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "adjacency.h"
#include "conf/model.h"
#include "lb/fib.h"

struct sl_direct;

/* Copies what it needs of the configuration. NULL without memory. */
struct sl_direct *sl_direct_new(const struct sl_conf *conf);
void sl_direct_free(struct sl_direct *direct); /* accepts NULL */

/* Whether the address lies in a prefix of a port without a twin; then *way leads there. */
bool sl_direct_way(const struct sl_direct *direct, const struct sl_addr *address,
	struct sl_adjacency_way *way);

/* The static neighbour of a port without a twin. */
bool sl_direct_neighbour(const struct sl_direct *direct, uint8_t port,
	const struct sl_addr *address, uint8_t mac[6]);

/* Whether the address is a VIP of such a port, a local address of FullNAT, or the port's own. */
bool sl_direct_is_local(const struct sl_direct *direct, const struct sl_addr *address);

/*
 * What the configuration says about exactly this prefix: SL_ROUTE_GLEAN for a port's prefix,
 * SL_ROUTE_HOP for a static neighbour, with its port and MAC; SL_ROUTE_LINUX for an own address or
 * a VIP; else SL_ROUTE_NONE.
 */
enum sl_route_kind sl_direct_route(const struct sl_direct *direct, const struct sl_prefix *prefix,
	uint8_t *port, uint8_t mac[6]);

/* The n-th prefix that it says something about (some twice). False after the last. */
bool sl_direct_prefix(const struct sl_direct *direct, uint32_t n, struct sl_prefix *prefix);

/* The ports' own addresses; n in *n. */
const struct sl_addr *sl_direct_own(const struct sl_direct *direct, uint32_t *n);

#endif
