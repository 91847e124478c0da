/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, of ports, neighbours and VIPs, and local ones: part of sl_conf_check(). */
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"

/* The host's part of an address in the prefix: all zero, or all one. */
static bool is_host_part(const struct sl_prefix *prefix, uint8_t wanted)
{
	unsigned bits = prefix->addr.family == 4 ? 32 : 128;

	for (unsigned bit = prefix->length; bit < bits; bit++) {
		if ((prefix->addr.bytes[bit / 8] >> (7 - bit % 8) & 1) != wanted)
			return false;
	}
	return true;
}

/* Whether the address is its prefix's own, or stands for everybody in it. */
static bool is_network(const struct sl_prefix *prefix)
{
	unsigned bits = prefix->addr.family == 4 ? 32 : 128;

	/* Networks of two addresses have neither (RFC 3021, RFC 6164). */
	if (prefix->length + 1u >= bits)
		return false;
	return is_host_part(prefix, 0) || (prefix->addr.family == 4 && is_host_part(prefix, 1));
}

/* Whether an address stands for a whole network of ours, or for everybody in it. */
static bool is_of_all(const struct sl_conf *conf, const struct sl_addr *address)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		for (uint32_t j = 0; j < conf->ports[i].n_addresses; j++) {
			struct sl_prefix prefix = conf->ports[i].addresses[j];

			if (!sl_prefix_contains(&prefix, address))
				continue;
			prefix.addr = *address;
			if (is_network(&prefix))
				return true;
		}
	}
	return false;
}

/* Every port has it, given or not. */
static const struct sl_prefix link_local = {
	.addr = {.family = 6, .bytes = {0xfe, 0x80}}, .length = 10};
static const struct sl_prefix mapped = {
	.addr = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}}, .length = 96};

bool sl_check_is_host(const struct sl_conf *conf, const struct sl_addr *address)
{
	return sl_addr_is_unicast(address) && !sl_prefix_contains(&link_local, address) &&
		!sl_prefix_contains(&mapped, address) && !is_of_all(conf, address);
}

static int check_own_address(const struct sl_prefix *prefix, const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT];

	sl_prefix_format(prefix, text);
	if (!sl_addr_is_unicast(&prefix->addr) || sl_addr_is_loopback(&prefix->addr)) {
		REFUSE(err, path, "%s is no address for a port", text);
		return HINT(err,
			"give the director's own address in the network, such as "
			"\"192.168.8.11/24\"");
	}
	if (prefix->length == 0 || is_network(prefix)) {
		REFUSE(err, path, "%s is the network's own or broadcast address", text);
		return HINT(err,
			"give the director's own address in the network, such as "
			"\"192.168.8.11/24\"");
	}
	return 0;
}

int sl_check_addresses(const struct sl_conf *conf, struct sl_err *err)
{
	struct sl_check_entry *all;
	uint32_t n = 0;
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc = 0;

	for (uint32_t i = 0; i < conf->n_ports; i++)
		n += conf->ports[i].n_addresses;
	all = calloc((size_t)n + 1, sizeof(*all));
	if (all == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory to check the configuration");
	n = 0;
	for (uint32_t i = 0; i < conf->n_ports && rc == 0; i++) {
		const struct sl_conf_port *port = &conf->ports[i];

		for (uint32_t j = 0; j < port->n_addresses && rc == 0; j++) {
			sl_check_path(path, "/ports/%u/addresses/%u", i, j);
			rc = check_own_address(&port->addresses[j], path, err);
			all[n++] = (struct sl_check_entry){port->addresses[j].addr, i, j};
		}
	}
	sl_check_sort(all, n);
	for (uint32_t i = 1; i < n && rc == 0; i++) {
		if (!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		sl_check_path(path, "/ports/%u/addresses/%u", all[i].port, all[i].index);
		REFUSE(err, path, "%s is there twice: port \"%s\" has it too",
			sl_addr_format(&all[i].address, text), conf->ports[all[i - 1].port].name);
		rc = HINT(err, "keep one of the two");
	}
	free(all);
	return rc;
}

static bool is_on_port(const struct sl_conf_port *port, const struct sl_addr *address)
{
	for (uint32_t i = 0; i < port->n_addresses; i++) {
		if (sl_prefix_contains(&port->addresses[i], address))
			return true;
	}
	return false;
}

static int
check_neighbour(const struct sl_conf *conf, uint32_t port_index, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[port_index];
	const struct sl_conf_neighbour *neighbour = &port->neighbours[index];
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT], mac[18];
	static const uint8_t no_mac[6];

	sl_addr_format(&neighbour->address, text);
	if ((neighbour->mac[0] & 1) != 0 || memcmp(neighbour->mac, no_mac, 6) == 0) {
		sl_check_path(path, "/ports/%u/neighbours/%u/mac", port_index, index);
		REFUSE(err, path, "%s is not the address of one station",
			sl_mac_format(neighbour->mac, mac));
		return HINT(
			err, "the first byte of a station's address is even, and not all are 0");
	}
	sl_check_path(path, "/ports/%u/neighbours/%u/address", port_index, index);
	if (!sl_addr_is_unicast(&neighbour->address) ||
		sl_conf_is_local(conf, &neighbour->address)) {
		REFUSE(err, path, "%s is no neighbour: it is %s", text,
			sl_addr_is_unicast(&neighbour->address) ? "an address of this box"
								: "not a host's address");
		return HINT(err, "give the address of another host on the port's segment");
	}
	if (port->n_addresses != 0 && !is_on_port(port, &neighbour->address) &&
		!sl_prefix_contains(&link_local, &neighbour->address)) {
		REFUSE(err, path, "%s lies in no prefix of port \"%s\"", text, port->name);
		return HINT(err,
			"move it to the port whose segment it is on, or correct the "
			"port's \"addresses\"");
	}
	return 0;
}

int sl_check_neighbours(const struct sl_conf *conf, uint32_t port_index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[port_index];
	struct sl_check_entry *all = calloc((size_t)port->n_neighbours + 1, sizeof(*all));
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc = 0;

	if (all == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory to check the configuration");
	for (uint32_t i = 0; i < port->n_neighbours && rc == 0; i++) {
		rc = check_neighbour(conf, port_index, i, err);
		all[i] = (struct sl_check_entry){port->neighbours[i].address, 0, i};
	}
	if (rc == 0)
		sl_check_sort(all, port->n_neighbours);
	for (uint32_t i = 1; i < port->n_neighbours && rc == 0; i++) {
		if (!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		sl_check_path(path, "/ports/%u/neighbours/%u/address", port_index, all[i].index);
		REFUSE(err, path, "%s is there twice", sl_addr_format(&all[i].address, text));
		rc = HINT(err, "keep one of the two");
	}
	free(all);
	return rc;
}

/* A VIP's own address, wherever it was given. */
int sl_check_vip_address(
	const struct sl_conf *conf, const struct sl_addr *vip, const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT];

	sl_addr_format(vip, text);
	if (!sl_check_is_host(conf, vip) || sl_addr_is_loopback(vip)) {
		REFUSE(err, path, "%s cannot be a virtual address", text);
		return HINT(err, "give an address that clients can send to");
	}
	if (sl_conf_is_local(conf, vip)) {
		REFUSE(err, path, "%s is the director's own address on a port", text);
		return HINT(err,
			"give the service an address of its own: the director's is for "
			"its own traffic");
	}
	return 0;
}

int sl_check_vip(const struct sl_conf *conf, const struct sl_conf_vip *vip, struct sl_err *err)
{
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc;

	sl_check_path(path, "/vips/%u/vip", vip->index);
	rc = sl_check_vip_address(conf, &vip->address, path, err);
	if (rc < 0)
		return rc;
	sl_addr_format(&vip->address, text);
	if (vip > conf->vips && sl_addr_equal(&vip[-1].address, &vip->address)) {
		REFUSE(err, path, "%s is there twice", text);
		return HINT(err, "keep one of the two");
	}
	if (vip->port == SL_CONF_NO_PORT) {
		REFUSE(err, path, "%s lies in no prefix of a port", text);
		return HINT(err, "name its port: \"port\": \"%s\"", conf->ports[0].name);
	}
	if (vip->mode == SL_VIP_EXTERNAL && !conf->ports[vip->port].twin) {
		REFUSE(err, sl_check_path(path, "/vips/%u/address", vip->index),
			"port \"%s\" has no twin on which somebody else could put %s",
			conf->ports[vip->port].name, text);
		return HINT(err, "write \"managed\", or give the port its twin");
	}
	return 0;
}

static int check_local_address(const struct sl_conf *conf, const struct sl_conf_local *local,
	uint32_t index, struct sl_err *err)
{
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];

	sl_addr_format(&local->address, text);
	sl_check_path(path, "/local_addresses/%u/address", index);
	if (!sl_check_is_host(conf, &local->address) || sl_addr_is_loopback(&local->address)) {
		REFUSE(err, path, "%s cannot be a local address", text);
		return HINT(err, "give an address that servers can answer to");
	}
	if (sl_conf_is_local(conf, &local->address)) {
		REFUSE(err, path, "%s is the director's own address on a port", text);
		return HINT(err,
			"give an address of its own: the director's is for its own traffic, whose "
			"ports would clash");
	}
	if (sl_conf_vip_find(conf, &local->address) != NULL) {
		REFUSE(err, path, "%s is a virtual address", text);
		return HINT(err, "give an address that has no other use");
	}
	if (local->port == SL_CONF_NO_PORT) {
		REFUSE(err, path, "%s lies in no prefix of a port", text);
		return HINT(err, "name its port: \"port\": \"%s\"", conf->ports[0].name);
	}
	return 0;
}

int sl_check_local_addresses(const struct sl_conf *conf, struct sl_err *err)
{
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];

	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		int rc = check_local_address(conf, &conf->local_addresses[i], i, err);

		if (rc < 0)
			return rc;
		for (uint32_t j = 0; j < i; j++) {
			const struct sl_addr *address = &conf->local_addresses[i].address;

			if (!sl_addr_equal(address, &conf->local_addresses[j].address))
				continue;
			REFUSE(err, sl_check_path(path, "/local_addresses/%u/address", i),
				"%s is there twice", sl_addr_format(address, text));
			return HINT(err, "keep one of the two");
		}
	}
	if (conf->local_ports.low <= conf->local_ports.high)
		return 0;
	REFUSE(err, "/local_ports/low", "the first port, %u, is above the last, %u",
		conf->local_ports.low, conf->local_ports.high);
	return HINT(err, "exchange the two");
}
