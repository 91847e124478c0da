/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and addresses from JSON: part of conf/load.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/reader.h"

static int read_neighbours(struct sl_conf *conf, struct sl_conf_port *port, struct sl_part list)
{
	port->n_neighbours = (uint32_t)json_array_size(list.object);
	port->neighbours = sl_conf_alloc(conf, port->n_neighbours * sizeof(*port->neighbours));
	if (port->neighbours == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_neighbours; i++) {
		struct sl_part neighbour = sl_part_element(list, i);

		port->neighbours[i].address = sl_part_address(neighbour, "address");
		sl_mac_parse(sl_part_text(neighbour, "mac"), port->neighbours[i].mac);
	}
	return 0;
}

static int read_addresses(struct sl_conf *conf, struct sl_conf_port *port, struct sl_part list)
{
	port->n_addresses = (uint32_t)json_array_size(list.object);
	port->addresses = sl_conf_alloc(conf, port->n_addresses * sizeof(*port->addresses));
	if (port->addresses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_addresses; i++)
		sl_prefix_parse(
			json_string_value(json_array_get(list.object, i)), &port->addresses[i]);
	return 0;
}

static int read_members(struct sl_conf *conf, struct sl_conf_port *port, struct sl_part list)
{
	port->n_members = (uint32_t)json_array_size(list.object);
	port->members = sl_conf_alloc(conf, port->n_members * sizeof(*port->members));
	if (port->members == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_members; i++) {
		port->members[i] =
			sl_part_keep(conf, json_string_value(json_array_get(list.object, i)));
		if (port->members[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* What a port has of its own when it has a device. */
static int read_device(struct sl_conf *conf, struct sl_conf_port *port, struct sl_part part)
{
	const char *device = sl_part_text(part, "device");

	port->parent = SL_CONF_NO_PORT;
	port->rx_descriptors = (uint16_t)sl_part_integer(part, "rx_descriptors", 0);
	port->tx_descriptors = (uint16_t)sl_part_integer(part, "tx_descriptors", 0);
	if (device != NULL) {
		port->device = sl_part_keep(conf, device);
		if (port->device == NULL)
			return -ENOMEM;
	}
	return read_members(conf, port, sl_part_of(part, "members"));
}

static int read_port(struct sl_conf *conf, struct sl_conf_port *port, struct sl_part part)
{
	struct sl_part twin = sl_part_of(part, "twin");
	int rc;

	snprintf(port->name, sizeof(port->name), "%s", sl_part_text(part, "name"));
	port->twin = !json_is_false(twin.object);
	if (json_is_object(twin.object))
		snprintf(port->twin_netns, sizeof(port->twin_netns), "%s",
			sl_part_text(twin, "netns"));
	port->vlan = (uint16_t)sl_part_integer(part, "vlan", 0);
	port->mtu = (uint16_t)sl_part_integer(part, "mtu", 0);
	port->transit = port->twin ? SL_TRANSIT_LINUX : SL_TRANSIT_DROP;
	if (sl_part_text(part, "transit") != NULL)
		port->transit = (enum sl_transit)sl_part_choice(part, "transit", sl_conf_transits);
	rc = read_device(conf, port, part);
	if (rc == 0)
		rc = read_addresses(conf, port, sl_part_of(part, "addresses"));
	return rc < 0 ? rc : read_neighbours(conf, port, sl_part_of(part, "neighbours"));
}

/* A VLAN has no device: what only a device has would be said and never heeded. */
static int refuse_device_keys(struct sl_part part, uint32_t index, struct sl_err *err)
{
	static const char *const keys[] = {"device", "members", "rx_descriptors", "tx_descriptors"};
	char path[64];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (json_object_get(part.object, keys[i]) == NULL)
			continue;
		snprintf(path, sizeof(path), "/ports/%u/%s", index, keys[i]);
		sl_err_set(err, EINVAL, path, "a VLAN has the device of its \"parent\"");
		sl_err_hint(err, "take \"%s\" out, or \"parent\" and \"vlan\"", keys[i]);
		return -EINVAL;
	}
	return 0;
}

/* Parents, once all ports have their names. */
static int
read_parent(struct sl_conf *conf, uint32_t index, struct sl_part part, struct sl_err *err)
{
	struct sl_conf_port *port = &conf->ports[index];
	char base[32];
	int rc;

	snprintf(base, sizeof(base), "/ports/%u", index);
	rc = sl_part_port(conf, part, base, "parent", &port->parent, err);
	if (rc < 0 || port->parent == SL_CONF_NO_PORT)
		return rc;
	if (json_object_get(part.object, "mtu") == NULL)
		port->mtu = conf->ports[port->parent].mtu;
	return refuse_device_keys(part, index, err);
}

int sl_conf_read_ports(struct sl_conf *conf, struct sl_part list, struct sl_err *err)
{
	uint32_t n = (uint32_t)json_array_size(list.object);
	int rc = 0;

	conf->ports = sl_conf_alloc(conf, n * sizeof(*conf->ports));
	if (conf->ports == NULL)
		return -ENOMEM;
	conf->n_ports = n;
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = read_port(conf, &conf->ports[i], sl_part_element(list, i));
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = read_parent(conf, i, sl_part_element(list, i), err);
	return rc;
}

int sl_conf_read_local_addresses(struct sl_conf *conf, struct sl_part list, struct sl_err *err)
{
	uint32_t n = (uint32_t)json_array_size(list.object);
	int rc = 0;

	conf->local_addresses = sl_conf_alloc(conf, n * sizeof(*conf->local_addresses));
	if (conf->local_addresses == NULL)
		return -ENOMEM;
	conf->n_local_addresses = n;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct sl_conf_local *local = &conf->local_addresses[i];
		struct sl_part part = sl_part_element(list, i);
		char base[40];

		snprintf(base, sizeof(base), "/local_addresses/%u", i);
		local->address = sl_part_address(part, "address");
		rc = sl_part_port(conf, part, base, "port", &local->port, err);
		if (local->port == SL_CONF_NO_PORT)
			local->port = sl_conf_port_of(conf, &local->address);
	}
	return rc;
}

int sl_conf_read_vips(struct sl_conf *conf, struct sl_part list, struct sl_err *err)
{
	size_t n = json_array_size(list.object);

	conf->vips = calloc(n + 1, sizeof(*conf->vips));
	if (conf->vips == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct sl_part part = sl_part_element(list, i);
		struct sl_conf_vip *vip = &conf->vips[i];
		char base[32];
		int rc;

		vip->address = sl_part_address(part, "vip");
		vip->mode = (enum sl_vip_mode)sl_part_choice(part, "address", sl_conf_vip_modes);
		vip->listed = true;
		vip->index = (uint32_t)i;
		conf->n_vips++;
		snprintf(base, sizeof(base), "/vips/%zu", i);
		rc = sl_part_port(conf, part, base, "port", &vip->port, err);
		if (rc < 0)
			return rc;
		if (vip->port == SL_CONF_NO_PORT)
			vip->port = sl_conf_port_of(conf, &vip->address);
	}
	return 0;
}
