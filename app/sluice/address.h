/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which addresses and static neighbours the configuration wants on the twins, and what has to
 * change to get there from what Linux has. No system calls.
 */
#ifndef SL_ADDRESS_H
#define SL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"
#include "net/addr.h"

struct sl_address {
	uint16_t port;
	bool vip;       /* wanted: a managed VIP, always a host */
	bool ours;      /* present: put there by us */
	bool neighbour; /* a static one with this `mac`, not an address */
	uint8_t mac[6];
	struct sl_prefix prefix;
};

struct sl_address_list {
	struct sl_address *items;
	uint32_t n;
	uint32_t room;
};

/* Appends a copy. 0 or -ENOMEM. */
int sl_address_add(struct sl_address_list *list, const struct sl_address *item);
void sl_address_list_free(struct sl_address_list *list);

/*
 * What the configuration wants on ports with a twin: first each port's own addresses, then managed
 * VIPs that are not among those, then static neighbours. 0 or -ENOMEM.
 */
int sl_address_wanted(const struct sl_conf *conf, struct sl_address_list *out);

struct sl_address_change {
	bool add;
	const struct sl_address *item;     /* in `wanted` if add, else in `present` */
	const struct sl_address *replaced; /* a neighbour that had another MAC; NULL = none */
};

/*
 * The changes that lead from `present` to `wanted`: additions in the order of `wanted`, then
 * removals of what is ours: marked so, or in `previous`, which is what was put there last.
 * `out` has room for wanted->n + present->n. Returns their number, or -ENOMEM.
 */
int sl_address_diff(const struct sl_address_list *wanted, const struct sl_address_list *present,
	const struct sl_address_list *previous, struct sl_address_change *out);

#endif
