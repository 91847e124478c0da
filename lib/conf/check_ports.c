/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports, VLANs on them and bonding devices: part of sl_conf_check(). */
#include <string.h>
#include <strings.h>

#include "conf/check.h"

#define MTU_MIN_IPV6 1280 /* RFC 8200, 5 */

static bool is_reserved_name(const char *name)
{
	static const char *const reserved[] = {"lo", "all", "default"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(reserved[i], name) == 0)
			return true;
	}
	return false;
}

static int check_name(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const char *name = conf->ports[index].name;
	char path[SL_CHECK_PATH];

	sl_check_path(path, "/ports/%u/name", index);
	if (is_reserved_name(name)) {
		REFUSE(err, path, "\"%s\" means something else to Linux", name);
		return HINT(err, "choose another name, such as \"lan0\"");
	}
	for (uint32_t i = 0; i < index; i++) {
		if (strcmp(conf->ports[i].name, name) != 0)
			continue;
		REFUSE(err, path, "there are two ports \"%s\"", name);
		return HINT(err, "give each port a name of its own");
	}
	return 0;
}

/* Whether two devices are one: their names, without arguments, are the same. */
static bool is_same_device(const char *a, const char *b)
{
	size_t length = strcspn(a, ",");

	return length == strcspn(b, ",") && strncasecmp(a, b, length) == 0;
}

/* The one of the first `n` ports whose own device it is, or NULL. */
static const struct sl_conf_port *
find_device(const struct sl_conf *conf, uint32_t n, const char *device)
{
	for (uint32_t i = 0; i < n; i++) {
		if (conf->ports[i].device != NULL && is_same_device(conf->ports[i].device, device))
			return &conf->ports[i];
	}
	return NULL;
}

/* The port that has the device among its members, of those before member `n` of port `index`. */
static const struct sl_conf_port *
find_member(const struct sl_conf *conf, uint32_t index, uint32_t n, const char *device)
{
	for (uint32_t i = 0; i <= index; i++) {
		const struct sl_conf_port *port = &conf->ports[i];

		for (uint32_t k = 0; k < (i < index ? port->n_members : n); k++) {
			if (is_same_device(port->members[k], device))
				return port;
		}
	}
	return NULL;
}

static bool is_bonding(const char *device)
{
	return strncmp(device, "net_bonding", strlen("net_bonding")) == 0;
}

static int check_members(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index], *other;
	char path[SL_CHECK_PATH];

	for (uint32_t k = 0; k < port->n_members; k++) {
		const char *member = port->members[k];

		sl_check_path(path, "/ports/%u/members/%u", index, k);
		if (is_bonding(member)) {
			REFUSE(err, path, "a bonding device cannot be a member of one");
			return HINT(err, "list the devices that it is made of");
		}
		other = find_device(conf, conf->n_ports, member);
		if (other != NULL) {
			REFUSE(err, path, "port \"%s\" has this device already", other->name);
			return HINT(err, "a member is no port of its own: take one of the two out");
		}
		other = find_member(conf, index, k, member);
		if (other != NULL) {
			REFUSE(err, path, "port \"%s\" has this member already", other->name);
			return HINT(err, "keep one of the two");
		}
	}
	return 0;
}

static int check_device(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index], *other;
	char path[SL_CHECK_PATH];

	if (port->device == NULL) {
		REFUSE(err, sl_check_path(path, "/ports/%u", index), "\"device\" is missing");
		return HINT(err, "add \"device\": a PCI address or the name of a virtual device");
	}
	if (port->vlan != 0) {
		REFUSE(err, sl_check_path(path, "/ports/%u/vlan", index),
			"the VLAN of which port is not said");
		return HINT(err,
			"write \"parent\": NAME in place of \"device\", beside a port of that "
			"device");
	}
	other = find_device(conf, index, port->device);
	if (other != NULL) {
		REFUSE(err, sl_check_path(path, "/ports/%u/device", index),
			"port \"%s\" has this device already", other->name);
		return HINT(err, "one device makes one port");
	}
	if (port->n_members != 0 && !is_bonding(port->device)) {
		REFUSE(err, sl_check_path(path, "/ports/%u/members", index),
			"only a bonding device has members");
		return HINT(err, "write \"device\": \"net_bonding0,mode=1\", for example");
	}
	if (port->n_members == 0 && is_bonding(port->device)) {
		REFUSE(err, sl_check_path(path, "/ports/%u/device", index),
			"the bonding device has no members");
		return HINT(err, "add \"members\": the devices that it is made of");
	}
	return check_members(conf, index, err);
}

static int check_vlan(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index];
	const struct sl_conf_port *parent = &conf->ports[port->parent];
	char path[SL_CHECK_PATH];

	if (parent->parent != SL_CONF_NO_PORT) {
		REFUSE(err, sl_check_path(path, "/ports/%u/parent", index),
			"\"%s\" is a VLAN itself", parent->name);
		return HINT(err, "name a port that has a device");
	}
	if (port->vlan == 0) {
		REFUSE(err, sl_check_path(path, "/ports/%u", index), "\"vlan\" is missing");
		return HINT(err, "add \"vlan\": its number, 1 to 4094");
	}
	if (port->mtu > parent->mtu) {
		REFUSE(err, sl_check_path(path, "/ports/%u/mtu", index),
			"%u is more than the %u of port \"%s\", on whose wire the VLAN is",
			port->mtu, parent->mtu, parent->name);
		return HINT(err, "raise the \"mtu\" of \"%s\", or lower this one", parent->name);
	}
	for (uint32_t i = 0; i < index; i++) {
		if (conf->ports[i].parent != port->parent || conf->ports[i].vlan != port->vlan)
			continue;
		REFUSE(err, sl_check_path(path, "/ports/%u/vlan", index),
			"port \"%s\" is VLAN %u of \"%s\" already", conf->ports[i].name, port->vlan,
			parent->name);
		return HINT(err, "keep one of the two");
	}
	return 0;
}

static bool has_ipv6(const struct sl_conf *conf, uint32_t index)
{
	for (uint32_t i = 0; i < conf->ports[index].n_addresses; i++) {
		if (conf->ports[index].addresses[i].addr.family == 6)
			return true;
	}
	for (uint32_t i = 0; i < conf->n_vips; i++) {
		if (conf->vips[i].port == index && conf->vips[i].address.family == 6)
			return true;
	}
	return false;
}

static int check_mtu(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index];
	char path[SL_CHECK_PATH];

	if (port->mtu >= MTU_MIN_IPV6 || !has_ipv6(conf, index))
		return 0;
	REFUSE(err, sl_check_path(path, "/ports/%u/mtu", index),
		"%u is too little for IPv6, whose packets have up to %u bytes on any link",
		port->mtu, MTU_MIN_IPV6);
	return HINT(err, "raise it to %u, or take the port's IPv6 addresses out", MTU_MIN_IPV6);
}

static int check_transit(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index];
	char path[SL_CHECK_PATH];

	sl_check_path(path, "/ports/%u/transit", index);
	if (!port->twin && port->transit == SL_TRANSIT_LINUX) {
		REFUSE(err, path, "without a twin, Linux cannot route what comes in on port \"%s\"",
			port->name);
		return HINT(err, "write \"transit\": \"drop\", or give the port its twin");
	}
	if (port->transit == SL_TRANSIT_MASQUERADE && conf->n_local_addresses == 0) {
		REFUSE(err, path, "there is no local address to masquerade with");
		return HINT(err, "add \"local_addresses\": [{\"address\": ...}]");
	}
	return 0;
}

int sl_check_port(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	int rc = check_name(conf, index, err);

	if (rc == 0)
		rc = conf->ports[index].parent == SL_CONF_NO_PORT ? check_device(conf, index, err)
								  : check_vlan(conf, index, err);
	if (rc == 0)
		rc = check_mtu(conf, index, err);
	if (rc == 0)
		rc = check_transit(conf, index, err);
	return rc < 0 ? rc : sl_check_neighbours(conf, index, err);
}
