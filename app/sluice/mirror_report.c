/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/neighbour.h>

#include "lb/publish.h"
#include "mirror_state.h"

struct neighbour {
	struct sl_addr address;
	uint16_t state; /* NUD_* */
	uint8_t port;
	bool managed;
	bool linked; /* to an interface: else a static one of a port without a twin */
	bool resolved;
	uint8_t mac[6];
	uint32_t n_servers;
	char interface[16];
};

struct twin {
	bool wanted;
	bool present;
	char netns[64];
	struct sl_rtmsg_link link;
	unsigned n_macs;
	uint8_t macs[SL_PORT_MACS][6];
	struct sl_prefix *addresses;
	uint32_t n_addresses;
};

struct sl_mirror_report {
	unsigned n_ports;
	char names[SL_PORTS_MAX][SL_NAME_MAX];
	struct twin twins[SL_PORTS_MAX];
	struct neighbour *neighbours;
	uint32_t n_neighbours;
	struct sl_fib_stats routes;
	uint32_t refused, gateways;
};

static void copy_macs(struct twin *twin, const struct sl_mirror_space *space)
{
	struct sl_map_node *node;

	TAILQ_FOREACH (node, &space->space.links.seen, seen) {
		const struct sl_rtmsg_link *link =
			&sl_map_entry(node, struct sl_space_link, node)->link;

		if (link->parent == twin->link.ifindex && link->has_mac && link->up &&
			twin->n_macs < SL_PORT_MACS)
			memcpy(twin->macs[twin->n_macs++], link->mac, 6);
	}
}

static int copy_addresses(struct twin *twin, const struct sl_mirror_space *space)
{
	struct sl_map_node *node;

	twin->addresses = calloc(space->space.addresses.n + 1, sizeof(twin->addresses[0]));
	if (twin->addresses == NULL)
		return -1;
	TAILQ_FOREACH (node, &space->space.addresses.seen, seen) {
		const struct sl_rtmsg_address *address =
			&sl_map_entry(node, struct sl_space_address, node)->address;

		if (address->ifindex == twin->link.ifindex)
			twin->addresses[twin->n_addresses++] = address->prefix;
	}
	return 0;
}

static int copy_twin(struct twin *twin, const struct sl_mirror *mirror, unsigned index)
{
	const struct sl_mirror_port *port = &mirror->ports[index];
	const struct sl_mirror_space *space;
	const struct sl_rtmsg_link *link;

	if (port->space < 0)
		return 0;
	space = &mirror->spaces[port->space];
	twin->wanted = true;
	memcpy(twin->netns, space->netns, sizeof(twin->netns));
	link = sl_space_find_link(&space->space, port->ifindex);
	if (link == NULL)
		return 0;
	twin->present = true;
	twin->link = *link;
	copy_macs(twin, space);
	return copy_addresses(twin, space);
}

static void
copy_hop(struct neighbour *out, const struct sl_mirror *mirror, const struct sl_next_hop *hop)
{
	const struct sl_rtmsg_neighbour *known;
	const struct sl_rtmsg_link *link;

	out->address = hop->way.next;
	out->port = hop->way.port;
	out->n_servers = hop->n_users;
	out->resolved = hop->resolved;
	memcpy(out->mac, hop->mac, sizeof(out->mac));
	if (hop->way.ifindex == 0)
		return;
	out->linked = true;
	known = sl_space_find_neighbour(
		&mirror->spaces[hop->way.space].space, hop->way.ifindex, &hop->way.next);
	link = sl_space_find_link(&mirror->spaces[hop->way.space].space, hop->way.ifindex);
	if (known != NULL) {
		out->state = known->state;
		out->managed = known->managed;
	}
	if (link != NULL)
		memcpy(out->interface, link->name, sizeof(out->interface));
}

struct sl_mirror_report *sl_mirror_report(struct sl_mirror *mirror)
{
	struct sl_mirror_report *report = calloc(1, sizeof(*report));
	struct sl_map_node *node;

	if (report == NULL)
		return NULL;
	report->n_ports = mirror->n_ports;
	sl_fib_stats(mirror->params.engine->fib, &report->routes);
	report->refused = mirror->feed.refused;
	report->gateways = mirror->n_gateways;
	report->neighbours = calloc(mirror->adjacencies.hops.n + 1, sizeof(struct neighbour));
	if (report->neighbours == NULL)
		goto failed;
	for (unsigned i = 0; i < mirror->n_ports; i++) {
		memcpy(report->names[i], mirror->ports[i].name, SL_NAME_MAX);
		if (copy_twin(&report->twins[i], mirror, i) != 0)
			goto failed;
	}
	TAILQ_FOREACH (node, &mirror->adjacencies.hops.seen, seen)
		copy_hop(&report->neighbours[report->n_neighbours++], mirror,
			sl_map_entry(node, struct sl_next_hop, node));
	return report;

failed:
	sl_mirror_report_free(report);
	return NULL;
}

void sl_mirror_report_free(struct sl_mirror_report *report)
{
	if (report == NULL)
		return;
	for (unsigned i = 0; i < report->n_ports; i++)
		free(report->twins[i].addresses);
	free(report->neighbours);
	free(report);
}

static const char *state_name(const struct neighbour *neighbour)
{
	static const struct {
		uint16_t state;
		const char *name;
	} names[] = {
		{NUD_PERMANENT, "permanent"},
		{NUD_NOARP, "noarp"},
		{NUD_REACHABLE, "reachable"},
		{NUD_STALE, "stale"},
		{NUD_DELAY, "delay"},
		{NUD_PROBE, "probe"},
		{NUD_INCOMPLETE, "incomplete"},
		{NUD_FAILED, "failed"},
	};

	if (!neighbour->linked)
		return neighbour->resolved ? "permanent" : "none";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (neighbour->state & names[i].state)
			return names[i].name;
	}
	return "none";
}

static int compare(const void *a, const void *b)
{
	const struct neighbour *x = *(const struct neighbour *const *)a;
	const struct neighbour *y = *(const struct neighbour *const *)b;
	int order = sl_addr_compare(&x->address, &y->address);

	return order != 0 ? order : x->port - y->port;
}

static json_t *
neighbour_json(const struct sl_mirror_report *report, const struct neighbour *neighbour)
{
	char address[SL_ADDR_TEXT], mac[18];

	return json_pack("{s:s,s:s,s:s?,s:s?,s:s,s:b,s:i}", "address",
		sl_addr_format(&neighbour->address, address), "port",
		report->names[neighbour->port], "interface",
		neighbour->linked ? neighbour->interface : NULL, "mac",
		neighbour->resolved ? sl_mac_format(neighbour->mac, mac) : NULL, "state",
		state_name(neighbour), "managed", neighbour->managed, "servers",
		(int)neighbour->n_servers);
}

json_t *sl_mirror_report_neighbours(const struct sl_mirror_report *report)
{
	const struct neighbour **sorted = malloc((report->n_neighbours + 1) * sizeof(sorted[0]));
	json_t *array = json_array();

	for (uint32_t i = 0; sorted != NULL && i < report->n_neighbours; i++)
		sorted[i] = &report->neighbours[i];
	if (sorted != NULL)
		qsort(sorted, report->n_neighbours, sizeof(sorted[0]), compare);
	for (uint32_t i = 0; sorted != NULL && array != NULL && i < report->n_neighbours; i++) {
		if (json_array_append_new(array, neighbour_json(report, sorted[i])) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	if (sorted == NULL && array != NULL) {
		json_decref(array);
		array = NULL;
	}
	free(sorted);
	return array;
}

json_t *sl_mirror_report_twin(const struct sl_mirror_report *report, uint16_t port)
{
	const struct twin *twin;
	json_t *macs, *addresses;
	char text[SL_ADDR_TEXT];

	if (port >= report->n_ports || !report->twins[port].wanted)
		return json_null();
	twin = &report->twins[port];
	macs = json_array();
	addresses = json_array();
	for (unsigned i = 0; i < twin->n_macs; i++)
		json_array_append_new(macs, json_string(sl_mac_format(twin->macs[i], text)));
	for (uint32_t i = 0; i < twin->n_addresses; i++)
		json_array_append_new(
			addresses, json_string(sl_prefix_format(&twin->addresses[i], text)));
	return json_pack("{s:s,s:s,s:b,s:i,s:b,s:b,s:s?,s:o,s:i,s:o}", "interface",
		report->names[port], "netns", twin->netns, "present", twin->present, "ifindex",
		twin->link.ifindex, "up", twin->link.up, "carrier", twin->link.carrier, "mac",
		twin->link.has_mac ? sl_mac_format(twin->link.mac, text) : NULL, "macs", macs,
		"mtu", (int)twin->link.mtu, "addresses", addresses);
}

json_t *sl_mirror_report_routes(const struct sl_mirror_report *report)
{
	const struct sl_fib_stats *stats = &report->routes;

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "ipv4", (json_int_t)stats->routes[0], "ipv6",
		(json_int_t)stats->routes[1], "max", (json_int_t)stats->routes_max, "refused",
		(json_int_t)report->refused, "gateways", (json_int_t)report->gateways);
}

json_t *sl_mirror_report_vips(struct sl_mirror *mirror, const struct sl_conf *conf)
{
	json_t *array = json_array();
	char text[SL_ADDR_TEXT];

	for (uint32_t i = 0; array != NULL && i < conf->n_vips; i++) {
		const struct sl_conf_vip *vip = &conf->vips[i];
		json_t *item = json_pack("{s:s,s:s,s:s,s:b}", "address",
			sl_addr_format(&vip->address, text), "mode",
			vip->mode == SL_VIP_MANAGED ? "managed" : "external", "port",
			conf->ports[vip->port].name, "local",
			sl_mirror_vip_local(mirror, &vip->address));

		if (json_array_append_new(array, item) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}
