/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirror's part that tells the engine which addresses are the box's own, and its MTUs. */
#include <stdlib.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "lb/publish.h"
#include "mirror_state.h"

/* Addresses of the local tables; those of ports without a twin. */
static void collect(const struct sl_mirror *mirror, struct sl_addr *out, uint32_t *n)
{
	struct sl_map_node *node;
	const struct sl_addr *own;
	uint32_t n_own = 0;

	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		TAILQ_FOREACH (
			node, &mirror->spaces[i].space.routes.maps[SL_TABLE_LOCAL].seen, seen) {
			const struct sl_route *route = sl_map_entry(node, struct sl_route, node);
			const struct sl_prefix *prefix = &route->prefix;

			if (route->type == RTN_LOCAL &&
				prefix->length == (prefix->addr.family == 4 ? 32 : 128))
				out[(*n)++] = prefix->addr;
		}
	}
	own = mirror->direct != NULL ? sl_direct_own(mirror->direct, &n_own) : NULL;
	for (uint32_t i = 0; i < n_own; i++)
		out[(*n)++] = own[i];
}

/*
 * How well an address does as the source of what the box sends on a port: configured for that is
 * best, one with a network of its own better than a host's, which may be anybody's VIP. 0: not.
 */
static unsigned fitness(const struct sl_mirror_port *port, const struct sl_rtmsg_address *address)
{
	const struct sl_prefix *prefix = &address->prefix;
	bool configured = false;

	if (address->ifindex != port->ifindex || address->scope != RT_SCOPE_UNIVERSE ||
		(address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		return 0;
	for (unsigned f = 0; f < 2; f++)
		configured |= sl_addr_equal(&port->own[f], &prefix->addr);
	if (!configured && (address->flags & IFA_F_DEPRECATED))
		return 0;
	return 1 + 4 * configured + 2 * (prefix->length < (prefix->addr.family == 4 ? 32 : 128)) +
		!(address->flags & IFA_F_SECONDARY);
}

static bool find_source(
	const struct sl_mirror *mirror, unsigned index, uint8_t family, struct sl_local_source *out)
{
	const struct sl_mirror_port *port = &mirror->ports[index];
	struct sl_map_node *node;
	unsigned best = 0;

	out->port = index;
	out->address = port->own[family == 6];
	if (port->space < 0)
		return out->address.family != 0;
	TAILQ_FOREACH (node, &mirror->spaces[port->space].space.addresses.seen, seen) {
		const struct sl_rtmsg_address *address =
			&sl_map_entry(node, struct sl_space_address, node)->address;
		unsigned fit = fitness(port, address);

		if (address->prefix.addr.family != family || fit == 0 || fit < best)
			continue;
		/* Among equals always the same one. */
		if (fit == best && sl_addr_compare(&address->prefix.addr, &out->address) > 0)
			continue;
		best = fit;
		out->address = address->prefix.addr;
	}
	return best > 0;
}

void sl_mirror_set_local(struct sl_mirror *mirror)
{
	struct sl_local_source sources[2 * SL_PORTS_MAX];
	uint32_t n_own = 0, n = 0;
	struct sl_addr *addresses;
	unsigned n_sources = 0;
	size_t room = 1;

	for (unsigned i = 0; i < mirror->n_spaces; i++)
		room += mirror->spaces[i].space.routes.maps[SL_TABLE_LOCAL].n;
	if (mirror->direct != NULL)
		sl_direct_own(mirror->direct, &n_own);
	addresses = malloc((room + n_own) * sizeof(addresses[0]));
	if (addresses == NULL)
		return; /* local_changed stays: the next tick tries again */
	collect(mirror, addresses, &n);
	for (unsigned i = 0; i < mirror->n_ports; i++) {
		n_sources += find_source(mirror, i, 4, &sources[n_sources]);
		n_sources += find_source(mirror, i, 6, &sources[n_sources]);
	}
	if (sl_engine_set_local(mirror->params.engine, addresses, n, sources, n_sources) == 0)
		mirror->local_changed = false;
	free(addresses);
}

/* The smaller one counts: the device takes no more, and Linux's may be lowered by hand. */
void sl_mirror_set_mtu(struct sl_mirror *mirror, unsigned index)
{
	const struct sl_mirror_port *port = &mirror->ports[index];
	const struct sl_rtmsg_link *link = NULL;
	uint32_t mtu = port->mtu;

	if (port->space >= 0)
		link = sl_space_find_link(&mirror->spaces[port->space].space, port->ifindex);
	if (link != NULL && link->mtu != 0 && link->mtu < mtu)
		mtu = link->mtu;
	sl_publish_word(&mirror->params.engine->ports[index].mtu, mtu);
}

/* What the configuration says about a port: its MTU, and the first address of each family. */
void sl_mirror_configure_port(
	struct sl_mirror *mirror, unsigned index, const struct sl_conf_port *conf)
{
	struct sl_mirror_port *port = &mirror->ports[index];

	port->mtu = conf->mtu;
	memset(port->own, 0, sizeof(port->own));
	for (uint32_t i = conf->n_addresses; i > 0; i--)
		port->own[conf->addresses[i - 1].addr.family == 6] = conf->addresses[i - 1].addr;
	sl_mirror_set_mtu(mirror, index);
}
