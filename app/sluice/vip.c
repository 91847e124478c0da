/* SPDX-License-Identifier: BSD-3-Clause */
#include "vip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const struct sl_map *map, const struct sl_addr *address)
{
	uint8_t key[17];

	key[0] = address->family;
	memcpy(key + 1, address->bytes, 16);
	return sl_map_hash(map, key, sizeof(key));
}

int sl_vips_init(struct sl_vips *vips, uint64_t seed)
{
	return sl_map_init(&vips->map, seed);
}

void sl_vips_done(struct sl_vips *vips)
{
	struct sl_map_node *node;

	while (vips->map.buckets != NULL && (node = TAILQ_FIRST(&vips->map.seen)) != NULL) {
		sl_map_remove(&vips->map, node);
		free(sl_map_entry(node, struct sl_vip, node));
	}
	sl_map_done(&vips->map);
}

static struct sl_vip *next_of(struct sl_map_node *node, const struct sl_addr *address)
{
	for (; node != NULL; node = sl_map_next(node)) {
		struct sl_vip *vip = sl_map_entry(node, struct sl_vip, node);

		if (sl_addr_equal(&vip->address, address))
			return vip;
	}
	return NULL;
}

struct sl_vip *sl_vip_find(const struct sl_vips *vips, const struct sl_addr *address)
{
	return next_of(sl_map_first(&vips->map, hash_of(&vips->map, address)), address);
}

int sl_vip_add(struct sl_vips *vips, const struct sl_addr *address, uint32_t index)
{
	struct sl_vip *vip = calloc(1, sizeof(*vip));

	if (vip == NULL)
		return -ENOMEM;
	vip->address = *address;
	vip->index = index;
	sl_map_insert(&vips->map, &vip->node, hash_of(&vips->map, address));
	sl_map_expire(&vips->map, &vip->node);
	/* The number may have been another's: whatever that was, this one is not known yet. */
	vips->publish(vips->arg, vip);
	return 0;
}

void sl_vip_remove(struct sl_vips *vips, const struct sl_addr *address, uint32_t index)
{
	struct sl_vip *vip = sl_vip_find(vips, address);

	while (vip != NULL && vip->index != index)
		vip = next_of(sl_map_next(&vip->node), address);
	if (vip == NULL)
		return;
	sl_map_remove(&vips->map, &vip->node);
	free(vip);
}

void sl_vip_expire_all(struct sl_vips *vips)
{
	sl_map_begin(&vips->map);
}

void sl_vip_expire(struct sl_vips *vips, const struct sl_addr *address)
{
	struct sl_vip *vip = sl_vip_find(vips, address);

	for (; vip != NULL; vip = next_of(sl_map_next(&vip->node), address))
		sl_map_expire(&vips->map, &vip->node);
}

bool sl_vip_walk(struct sl_vips *vips, unsigned max)
{
	struct sl_map_node *node;

	for (; (node = sl_map_stale(&vips->map)) != NULL && max > 0; max--) {
		struct sl_vip *vip = sl_map_entry(node, struct sl_vip, node);
		bool local = vips->is_local(vips->arg, &vip->address);

		sl_map_touch(&vips->map, node);
		if (local == vip->local)
			continue;
		vip->local = local;
		vips->publish(vips->arg, vip);
	}
	return node != NULL;
}
