/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which virtual addresses are local: a front serves only while its VIP belongs to the box. Asked
 * anew for all of them, in slices, when a local prefix changes, and at once for one whose own
 * host route did.
 */
#ifndef SL_VIP_H
#define SL_VIP_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "net/addr.h"

struct sl_vip {
	struct sl_map_node node; /* by address */
	struct sl_addr address;
	uint32_t index; /* into sl_engine.vip_local */
	bool local;
};

struct sl_vips {
	struct sl_map map;
	bool (*is_local)(void *arg, const struct sl_addr *address);
	/*
	 * The VIP became local or ceased to be; also called for a new one, which is not local yet.
	 */
	void (*publish)(void *arg, const struct sl_vip *vip);
	void *arg;
};

int sl_vips_init(struct sl_vips *vips, uint64_t seed); /* 0 or -ENOMEM; then set the functions */
void sl_vips_done(struct sl_vips *vips);

int sl_vip_add(struct sl_vips *vips, const struct sl_addr *address, uint32_t index);
void sl_vip_remove(struct sl_vips *vips, const struct sl_addr *address, uint32_t index);
struct sl_vip *sl_vip_find(const struct sl_vips *vips, const struct sl_addr *address);

void sl_vip_expire_all(struct sl_vips *vips);
void sl_vip_expire(struct sl_vips *vips, const struct sl_addr *address);

/* Asks for up to `max` of them. Returns whether some are left. */
bool sl_vip_walk(struct sl_vips *vips, unsigned max);

#endif
