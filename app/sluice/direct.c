/* SPDX-License-Identifier: BSD-3-Clause */
#include "direct.h"

#include <stdlib.h>
#include <string.h>

struct segment {
	struct sl_prefix prefix;
	uint8_t port;
};

struct neighbour {
	struct sl_addr address;
	uint8_t port;
	uint8_t mac[6];
};

struct sl_direct {
	struct segment *segments;
	struct sl_addr *own;
	uint32_t n_segments;          /* and own addresses */
	struct neighbour *neighbours; /* sorted */
	uint32_t n_neighbours;
	struct sl_addr *vips; /* and FullNAT's local addresses; sorted */
	uint32_t n_vips;
};

static int compare_neighbours(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return sl_addr_compare(&x->address, &y->address);
}

static int compare_addresses(const void *a, const void *b)
{
	return sl_addr_compare(a, b);
}

static void copy_port(struct sl_direct *direct, const struct sl_conf_port *port, uint8_t index)
{
	for (uint32_t i = 0; i < port->n_addresses; i++) {
		direct->own[direct->n_segments] = port->addresses[i].addr;
		direct->segments[direct->n_segments].prefix = port->addresses[i];
		direct->segments[direct->n_segments++].port = index;
	}
	for (uint32_t i = 0; i < port->n_neighbours; i++) {
		struct neighbour *neighbour = &direct->neighbours[direct->n_neighbours++];

		neighbour->address = port->neighbours[i].address;
		neighbour->port = index;
		memcpy(neighbour->mac, port->neighbours[i].mac, sizeof(neighbour->mac));
	}
}

struct sl_direct *sl_direct_new(const struct sl_conf *conf)
{
	struct sl_direct *direct = calloc(1, sizeof(*direct));
	uint32_t n_addresses = 0, n_neighbours = 0;

	if (direct == NULL)
		return NULL;
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		n_addresses += conf->ports[i].n_addresses;
		n_neighbours += conf->ports[i].n_neighbours;
	}
	direct->segments = calloc(n_addresses + 1, sizeof(direct->segments[0]));
	direct->own = calloc(n_addresses + 1, sizeof(direct->own[0]));
	direct->neighbours = calloc(n_neighbours + 1, sizeof(direct->neighbours[0]));
	direct->vips =
		calloc((size_t)conf->n_vips + conf->n_local_addresses + 1, sizeof(direct->vips[0]));
	if (direct->segments == NULL || direct->own == NULL || direct->neighbours == NULL ||
		direct->vips == NULL) {
		sl_direct_free(direct);
		return NULL;
	}
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		if (!conf->ports[i].twin)
			copy_port(direct, &conf->ports[i], i);
	}
	for (uint32_t i = 0; i < conf->n_vips; i++) {
		if (!conf->ports[conf->vips[i].port].twin)
			direct->vips[direct->n_vips++] = conf->vips[i].address;
	}
	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		if (!conf->ports[conf->local_addresses[i].port].twin)
			direct->vips[direct->n_vips++] = conf->local_addresses[i].address;
	}
	qsort(direct->neighbours, direct->n_neighbours, sizeof(direct->neighbours[0]),
		compare_neighbours);
	qsort(direct->vips, direct->n_vips, sizeof(direct->vips[0]), compare_addresses);
	return direct;
}

void sl_direct_free(struct sl_direct *direct)
{
	if (direct == NULL)
		return;
	free(direct->segments);
	free(direct->own);
	free(direct->neighbours);
	free(direct->vips);
	free(direct);
}

bool sl_direct_way(
	const struct sl_direct *direct, const struct sl_addr *address, struct sl_adjacency_way *way)
{
	int best = -1;

	for (uint32_t i = 0; i < direct->n_segments; i++) {
		const struct segment *segment = &direct->segments[i];

		if (segment->prefix.length <= best ||
			!sl_prefix_contains(&segment->prefix, address))
			continue;
		best = segment->prefix.length;
		*way = (struct sl_adjacency_way){
			.kind = SL_WAY_HOP,
			.on_link = true,
			.port = segment->port,
			.next = *address,
		};
	}
	for (uint32_t i = 0; i < direct->n_segments; i++) {
		if (sl_addr_equal(&direct->own[i], address))
			way->kind = SL_WAY_LOCAL;
	}
	return best >= 0;
}

bool sl_direct_neighbour(
	const struct sl_direct *direct, uint8_t port, const struct sl_addr *address, uint8_t mac[6])
{
	const struct neighbour key = {.address = *address, .port = port};
	const struct neighbour *found = bsearch(
		&key, direct->neighbours, direct->n_neighbours, sizeof(key), compare_neighbours);

	if (found != NULL)
		memcpy(mac, found->mac, sizeof(found->mac));
	return found != NULL;
}

bool sl_direct_is_local(const struct sl_direct *direct, const struct sl_addr *address)
{
	for (uint32_t i = 0; i < direct->n_segments; i++) {
		if (sl_addr_equal(&direct->own[i], address))
			return true;
	}
	return bsearch(address, direct->vips, direct->n_vips, sizeof(*address),
		       compare_addresses) != NULL;
}

const struct sl_addr *sl_direct_own(const struct sl_direct *direct, uint32_t *n)
{
	*n = direct->n_segments;
	return direct->own;
}

static uint8_t host_length(const struct sl_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

enum sl_route_kind sl_direct_route(const struct sl_direct *direct, const struct sl_prefix *prefix,
	uint8_t *port, uint8_t mac[6])
{
	bool host = prefix->length == host_length(&prefix->addr);
	struct sl_adjacency_way way;

	if (host && sl_direct_is_local(direct, &prefix->addr))
		return SL_ROUTE_LINUX;
	if (host && sl_direct_way(direct, &prefix->addr, &way) &&
		sl_direct_neighbour(direct, way.port, &prefix->addr, mac)) {
		*port = way.port;
		return SL_ROUTE_HOP;
	}
	for (uint32_t i = 0; i < direct->n_segments; i++) {
		const struct segment *segment = &direct->segments[i];

		if (segment->prefix.length == prefix->length &&
			sl_prefix_contains(&segment->prefix, &prefix->addr)) {
			*port = segment->port;
			return SL_ROUTE_GLEAN;
		}
	}
	return SL_ROUTE_NONE;
}

bool sl_direct_prefix(const struct sl_direct *direct, uint32_t n, struct sl_prefix *prefix)
{
	const struct sl_addr *host;

	if (n < direct->n_segments) {
		*prefix = direct->segments[n].prefix;
		return true;
	}
	n -= direct->n_segments;
	if (n < direct->n_segments)
		host = &direct->own[n];
	else if ((n -= direct->n_segments) < direct->n_neighbours)
		host = &direct->neighbours[n].address;
	else if ((n -= direct->n_neighbours) < direct->n_vips)
		host = &direct->vips[n];
	else
		return false;
	*prefix = (struct sl_prefix){*host, host_length(host)};
	return true;
}
