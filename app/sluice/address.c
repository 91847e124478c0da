/* SPDX-License-Identifier: BSD-3-Clause */
#include "address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sl_address_add(struct sl_address_list *list, const struct sl_address *item)
{
	if (list->n == list->room) {
		uint32_t room = list->room > 0 ? 2 * list->room : 64;
		struct sl_address *items = realloc(list->items, room * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	list->items[list->n++] = *item;
	return 0;
}

void sl_address_list_free(struct sl_address_list *list)
{
	free(list->items);
	*list = (struct sl_address_list){0};
}

static uint8_t host_length(const struct sl_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

static bool is_own(const struct sl_conf *conf, const struct sl_conf_vip *vip)
{
	const struct sl_conf_port *port = &conf->ports[vip->port];

	for (uint32_t i = 0; i < port->n_addresses; i++) {
		if (sl_addr_equal(&port->addresses[i].addr, &vip->address))
			return true;
	}
	return false;
}

static int want_own(const struct sl_conf *conf, struct sl_address_list *out)
{
	for (uint32_t p = 0; p < conf->n_ports; p++) {
		const struct sl_conf_port *port = &conf->ports[p];

		for (uint32_t i = 0; port->twin && i < port->n_addresses; i++) {
			struct sl_address item = {.port = p, .prefix = port->addresses[i]};

			if (sl_address_add(out, &item) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int want_vips(const struct sl_conf *conf, struct sl_address_list *out)
{
	for (uint32_t i = 0; i < conf->n_vips; i++) {
		const struct sl_conf_vip *vip = &conf->vips[i];
		struct sl_address item = {
			.port = vip->port,
			.vip = true,
			.prefix = {vip->address, host_length(&vip->address)},
		};

		if (vip->mode != SL_VIP_MANAGED || !conf->ports[vip->port].twin ||
			is_own(conf, vip))
			continue;
		if (sl_address_add(out, &item) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* As VIPs: servers send to them, and Linux must not choose them for its own traffic. */
static int want_locals(const struct sl_conf *conf, struct sl_address_list *out)
{
	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		const struct sl_conf_local *local = &conf->local_addresses[i];
		struct sl_address item = {
			.port = local->port,
			.vip = true,
			.prefix = {local->address, host_length(&local->address)},
		};

		if (conf->ports[local->port].twin && sl_address_add(out, &item) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int want_neighbours(const struct sl_conf *conf, struct sl_address_list *out)
{
	for (uint32_t p = 0; p < conf->n_ports; p++) {
		const struct sl_conf_port *port = &conf->ports[p];

		for (uint32_t i = 0; port->twin && i < port->n_neighbours; i++) {
			const struct sl_addr *addr = &port->neighbours[i].address;
			struct sl_address item = {
				.port = p,
				.neighbour = true,
				.prefix = {*addr, host_length(addr)},
			};

			memcpy(item.mac, port->neighbours[i].mac, sizeof(item.mac));
			if (sl_address_add(out, &item) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int sl_address_wanted(const struct sl_conf *conf, struct sl_address_list *out)
{
	*out = (struct sl_address_list){0};
	if (want_own(conf, out) != 0 || want_vips(conf, out) != 0 || want_locals(conf, out) != 0 ||
		want_neighbours(conf, out) != 0) {
		sl_address_list_free(out);
		return -ENOMEM;
	}
	return 0;
}

/* By what identifies an address or a neighbour in Linux. */
static int compare(const void *a, const void *b)
{
	const struct sl_address *x = *(const struct sl_address *const *)a;
	const struct sl_address *y = *(const struct sl_address *const *)b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->neighbour != y->neighbour)
		return x->neighbour ? 1 : -1;
	if (x->prefix.length != y->prefix.length)
		return x->prefix.length < y->prefix.length ? -1 : 1;
	return sl_addr_compare(&x->prefix.addr, &y->prefix.addr);
}

static const struct sl_address **sorted(const struct sl_address_list *list)
{
	const struct sl_address **index = malloc((list->n + 1) * sizeof(index[0]));

	if (index == NULL)
		return NULL;
	for (uint32_t i = 0; i < list->n; i++)
		index[i] = &list->items[i];
	qsort(index, list->n, sizeof(index[0]), compare);
	return index;
}

static const struct sl_address *
find(const struct sl_address **index, uint32_t n, const struct sl_address *item)
{
	const struct sl_address **found = bsearch(&item, index, n, sizeof(index[0]), compare);

	return found != NULL ? *found : NULL;
}

int sl_address_diff(const struct sl_address_list *wanted, const struct sl_address_list *present,
	const struct sl_address_list *previous, struct sl_address_change *out)
{
	const struct sl_address **want = sorted(wanted), **have = sorted(present);
	const struct sl_address **had = sorted(previous);
	int n = -ENOMEM;

	if (want == NULL || have == NULL || had == NULL)
		goto out;
	n = 0;
	for (uint32_t i = 0; i < wanted->n; i++) {
		const struct sl_address *item = &wanted->items[i];
		const struct sl_address *old = find(have, present->n, item);

		if (old == NULL ||
			(item->neighbour && memcmp(old->mac, item->mac, sizeof(old->mac)) != 0))
			out[n++] = (struct sl_address_change){true, item, old};
	}
	for (uint32_t i = 0; i < present->n; i++) {
		const struct sl_address *item = &present->items[i];

		if ((item->ours || find(had, previous->n, item) != NULL) &&
			find(want, wanted->n, item) == NULL)
			out[n++] = (struct sl_address_change){false, item, NULL};
	}
out:
	free(want);
	free(have);
	free(had);
	return n;
}
