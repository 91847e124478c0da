/* SPDX-License-Identifier: BSD-3-Clause */
/* What the schema cannot say, because it spans several values. Declared in conf/load.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"
#include "lb/fwd.h"

#define HINT(err, ...) (sl_err_hint(err, __VA_ARGS__), -EINVAL)

#define REFUSE(err, path, ...) sl_err_set(err, EINVAL, path, __VA_ARGS__)

#define PATH_BYTES 96

__attribute__((format(printf, 2, 3))) static const char *
path_to(char path[PATH_BYTES], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path, PATH_BYTES, format, args);
	va_end(args);
	return path;
}

/* Something with an address that must not be there twice, and where it stands. */
struct entry {
	struct sl_addr address;
	uint32_t port; /* a port's index, or a server's port */
	uint32_t index;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = sl_addr_compare(&left->address, &right->address);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = sl_addr_compare(&left->address, &right->address);

	if (order == 0)
		order = (left->port > right->port) - (left->port < right->port);
	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static bool is_network_address(const struct sl_prefix *prefix, bool broadcast)
{
	uint32_t mask, host;

	if (prefix->length >= 31)
		return false;
	mask = prefix->length == 0 ? UINT32_MAX : UINT32_MAX >> prefix->length;
	host = ntohl(prefix->addr.v4) & mask;
	return host == (broadcast ? mask : 0);
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
			if (is_network_address(&prefix, false) || is_network_address(&prefix, true))
				return true;
		}
	}
	return false;
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
	if (prefix->length == 0 || is_network_address(prefix, false) ||
		is_network_address(prefix, true)) {
		REFUSE(err, path, "%s is the network's own or broadcast address", text);
		return HINT(err,
			"give the director's own address in the network, such as "
			"\"192.168.8.11/24\"");
	}
	return 0;
}

static int check_addresses(const struct sl_conf *conf, struct sl_err *err)
{
	struct entry *all;
	uint32_t n = 0;
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
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
			path_to(path, "/ports/%u/addresses/%u", i, j);
			rc = check_own_address(&port->addresses[j], path, err);
			all[n++] = (struct entry){port->addresses[j].addr, i, j};
		}
	}
	qsort(all, n, sizeof(*all), compare_endpoints);
	for (uint32_t i = 1; i < n && rc == 0; i++) {
		if (!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		path_to(path, "/ports/%u/addresses/%u", all[i].port, all[i].index);
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
	char path[PATH_BYTES], text[SL_ADDR_TEXT], mac[18];
	static const uint8_t no_mac[6];

	sl_addr_format(&neighbour->address, text);
	if ((neighbour->mac[0] & 1) != 0 || memcmp(neighbour->mac, no_mac, 6) == 0) {
		path_to(path, "/ports/%u/neighbours/%u/mac", port_index, index);
		REFUSE(err, path, "%s is not the address of one station",
			sl_mac_format(neighbour->mac, mac));
		return HINT(
			err, "the first byte of a station's address is even, and not all are 0");
	}
	path_to(path, "/ports/%u/neighbours/%u/address", port_index, index);
	if (!sl_addr_is_unicast(&neighbour->address) ||
		sl_conf_is_local(conf, &neighbour->address)) {
		REFUSE(err, path, "%s is no neighbour: it is %s", text,
			sl_addr_is_unicast(&neighbour->address) ? "an address of this box"
								: "not a host's address");
		return HINT(err, "give the address of another host on the port's segment");
	}
	if (port->n_addresses != 0 && !is_on_port(port, &neighbour->address)) {
		REFUSE(err, path, "%s lies in no prefix of port \"%s\"", text, port->name);
		return HINT(err,
			"move it to the port whose segment it is on, or correct the "
			"port's \"addresses\"");
	}
	return 0;
}

static int check_neighbours(const struct sl_conf *conf, uint32_t port_index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[port_index];
	struct entry *all = calloc((size_t)port->n_neighbours + 1, sizeof(*all));
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
	int rc = 0;

	if (all == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory to check the configuration");
	for (uint32_t i = 0; i < port->n_neighbours && rc == 0; i++) {
		rc = check_neighbour(conf, port_index, i, err);
		all[i] = (struct entry){port->neighbours[i].address, 0, i};
	}
	if (rc == 0)
		qsort(all, port->n_neighbours, sizeof(*all), compare_entries);
	for (uint32_t i = 1; i < port->n_neighbours && rc == 0; i++) {
		if (!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		path_to(path, "/ports/%u/neighbours/%u/address", port_index, all[i].index);
		REFUSE(err, path, "%s is there twice", sl_addr_format(&all[i].address, text));
		rc = HINT(err, "keep one of the two");
	}
	free(all);
	return rc;
}

static bool is_reserved_name(const char *name)
{
	static const char *const reserved[] = {"lo", "all", "default"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(reserved[i], name) == 0)
			return true;
	}
	return false;
}

/* Whether two devices are one: their names, without arguments, are the same. */
static bool is_same_device(const char *a, const char *b)
{
	size_t length = strcspn(a, ",");

	return length == strcspn(b, ",") && strncasecmp(a, b, length) == 0;
}

static int check_port(const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_port *port = &conf->ports[index];
	char path[PATH_BYTES];

	if (is_reserved_name(port->name)) {
		REFUSE(err, path_to(path, "/ports/%u/name", index),
			"\"%s\" means something else to Linux", port->name);
		return HINT(err, "choose another name, such as \"lan0\"");
	}
	for (uint32_t i = 0; i < index; i++) {
		if (strcmp(conf->ports[i].name, port->name) == 0) {
			REFUSE(err, path_to(path, "/ports/%u/name", index),
				"there are two ports \"%s\"", port->name);
			return HINT(err, "give each port a name of its own");
		}
		if (is_same_device(conf->ports[i].device, port->device)) {
			REFUSE(err, path_to(path, "/ports/%u/device", index),
				"port \"%s\" has this device already", conf->ports[i].name);
			return HINT(err, "one device makes one port");
		}
	}
	if (!port->twin && port->transit == SL_TRANSIT_LINUX) {
		REFUSE(err, path_to(path, "/ports/%u/transit", index),
			"without a twin, Linux cannot route what comes in on port \"%s\"",
			port->name);
		return HINT(err, "write \"transit\": \"drop\", or give the port its twin");
	}
	return check_neighbours(conf, index, err);
}

static int check_workers(const struct sl_conf *conf, struct sl_err *err)
{
	char path[PATH_BYTES];

	for (uint32_t i = 0; i < conf->n_workers && conf->cores[i] >= 0; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (conf->cores[i] != conf->cores[j])
				continue;
			REFUSE(err, path_to(path, "/workers/cores/%u", i), "core %d is there twice",
				conf->cores[i]);
			return HINT(err, "each worker needs a core of its own");
		}
	}
	return 0;
}

/* What other keys decide must not be overruled behind their back. */
static int check_eal_args(const struct sl_conf *conf, struct sl_err *err)
{
	static const struct {
		const char *argument, *key;
	} decided[] = {
		{"-l", "workers.cores"},
		{"-c", "workers.cores"},
		{"--lcores", "workers.cores"},
		{"--main-lcore", "workers.control_core"},
		{"--file-prefix", "instance"},
		{"-m", "dpdk.memory"},
		{"--socket-mem", "dpdk.memory"},
		{"--no-huge", "dpdk.huge_pages"},
		{"--proc-type", NULL},
		{"--in-memory", NULL},
	};
	char path[PATH_BYTES];

	for (uint32_t i = 0; i < conf->n_eal_args; i++) {
		size_t length = strcspn(conf->eal_args[i], "=");

		for (size_t j = 0; j < sizeof(decided) / sizeof(decided[0]); j++) {
			if (strlen(decided[j].argument) != length ||
				strncmp(conf->eal_args[i], decided[j].argument, length) != 0)
				continue;
			REFUSE(err, path_to(path, "/dpdk/eal_args/%u", i), "sluice sets %s itself",
				decided[j].argument);
			return decided[j].key != NULL
				? HINT(err, "take it out and set %s", decided[j].key)
				: HINT(err, "take it out");
		}
	}
	return 0;
}

/* A VIP's own address, wherever it was given. */
static int check_vip_address(
	const struct sl_conf *conf, const struct sl_addr *vip, const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT];

	sl_addr_format(vip, text);
	if (!sl_addr_is_unicast(vip) || sl_addr_is_loopback(vip) || is_of_all(conf, vip)) {
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

static int check_vip(const struct sl_conf *conf, const struct sl_conf_vip *vip, struct sl_err *err)
{
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
	int rc;

	path_to(path, "/vips/%u/vip", vip->index);
	rc = check_vip_address(conf, &vip->address, path, err);
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
		REFUSE(err, path_to(path, "/vips/%u/address", vip->index),
			"port \"%s\" has no twin on which somebody else could put %s",
			conf->ports[vip->port].name, text);
		return HINT(err, "write \"managed\", or give the port its twin");
	}
	return 0;
}

static int check_server(const struct sl_conf *conf, const struct sl_conf_service *service,
	const struct sl_conf_server *server, const char *base, uint32_t index, struct sl_err *err)
{
	char path[PATH_BYTES], text[SL_ADDR_TEXT];

	sl_addr_format(&server->address, text);
	path_to(path, "%s/servers/%u/address", base, index);
	if (!sl_addr_is_unicast(&server->address) || is_of_all(conf, &server->address)) {
		REFUSE(err, path, "%s is not the address of one server", text);
		return HINT(err, "give the server's own address");
	}
	if (sl_conf_vip_find(conf, &server->address) != NULL) {
		REFUSE(err, path, "%s is a virtual address: packets would go round in a circle",
			text);
		return HINT(err,
			"give the server's own address, not the VIP on its loopback "
			"interface");
	}
	if (server->port != service->key.port &&
		!(sl_fwds[sl_conf_server_fwd(conf, server)]->traits & SL_FWD_SETS_PORT)) {
		REFUSE(err, path_to(path, "%s/servers/%u/port", base, index),
			"port %u is not the service's port, %u: this forwarding method does not "
			"change it",
			server->port, service->key.port);
		return HINT(err, "leave \"port\" out");
	}
	return 0;
}

/* Whether a server that has to be on a segment of ours is; without prefixes we cannot know. */
static int check_on_link(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *base, uint32_t index, struct sl_err *err)
{
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
	const struct sl_conf_port *first = NULL;

	for (uint32_t i = 0; i < conf->n_ports && first == NULL; i++) {
		if (conf->ports[i].n_addresses != 0)
			first = &conf->ports[i];
	}
	if (first == NULL ||
		!(sl_fwds[sl_conf_server_fwd(conf, server)]->traits & SL_FWD_NEEDS_LINK) ||
		sl_conf_port_of(conf, &server->address) != SL_CONF_NO_PORT)
		return 0;
	REFUSE(err, path_to(path, "%s/servers/%u/address", base, index),
		"%s lies in no prefix of a port, and direct routing reaches only servers on a "
		"segment of the director's",
		sl_addr_format(&server->address, text));
	return HINT(err,
		"correct it, or give a port an address on its segment (port \"%s\" has %s)",
		first->name, sl_prefix_format(&first->addresses[0], text));
}

static int
check_servers_differ(const struct sl_conf_service *service, const char *base, struct sl_err *err)
{
	struct entry *all;
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
	int rc = 0;

	if (service->n_servers < 2)
		return 0;
	all = malloc(service->n_servers * sizeof(*all));
	if (all == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory to check the configuration");
	for (uint32_t i = 0; i < service->n_servers; i++)
		all[i] = (struct entry){service->servers[i].address, service->servers[i].port, i};
	qsort(all, service->n_servers, sizeof(*all), compare_endpoints);
	for (uint32_t i = 1; i < service->n_servers && rc == 0; i++) {
		if (all[i - 1].port != all[i].port ||
			!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		REFUSE(err, path_to(path, "%s/servers/%u/address", base, all[i].index),
			"%s is there twice, as server %u and %u of the service",
			sl_addr_format(&all[i].address, text), all[i - 1].index + 1,
			all[i].index + 1);
		rc = HINT(
			err, "keep one of the two; a larger \"weight\" gives it more connections");
	}
	free(all);
	return rc;
}

static int check_service(const struct sl_conf *conf, const struct sl_conf_service *service,
	const char *base, struct sl_err *err)
{
	const struct sl_conf_vip *vip = sl_conf_vip_find(conf, &service->key.vip);
	char path[PATH_BYTES], text[SL_ADDR_TEXT];
	int rc;

	path_to(path, "%s/address", base);
	rc = check_vip_address(conf, &service->key.vip, path, err);
	if (rc == 0 && (vip == NULL || vip->port == SL_CONF_NO_PORT)) {
		REFUSE(err, path, "%s lies in no prefix of a port",
			sl_addr_format(&service->key.vip, text));
		rc = HINT(err, "list it in \"vips\": {\"vip\": \"%s\", \"port\": \"%s\"}", text,
			conf->ports[0].name);
	}
	for (uint32_t i = 0; i < service->n_servers && rc == 0; i++) {
		rc = check_server(conf, service, &service->servers[i], base, i, err);
		if (rc == 0)
			rc = check_on_link(conf, &service->servers[i], base, i, err);
	}
	return rc < 0 ? rc : check_servers_differ(service, base, err);
}

static const char *protocol_name(const struct sl_service_key *key)
{
	return key->protocol == IPPROTO_TCP ? "tcp" : "udp";
}

static int check_services(const struct sl_conf *conf, struct sl_err *err)
{
	char base[PATH_BYTES], text[SL_ADDR_TEXT];
	int rc = 0;

	for (uint32_t i = 0; i < conf->n_services && rc == 0; i++) {
		const struct sl_conf_service *service = conf->services[i];

		path_to(base, "/services/%u", service->index);
		if (i > 0 &&
			sl_service_key_compare(&service->key, &conf->services[i - 1]->key) == 0) {
			REFUSE(err, base, "service %s %s:%u is there twice",
				protocol_name(&service->key),
				sl_addr_format(&service->key.vip, text), service->key.port);
			return HINT(err, "put all its servers into one");
		}
		rc = check_service(conf, service, base, err);
	}
	return rc;
}

static int check_limits(const struct sl_conf *conf, struct sl_err *err)
{
	uint64_t servers = 0;

	for (uint32_t i = 0; i < conf->n_services; i++)
		servers += conf->services[i]->n_servers;
	if (conf->n_services > conf->max_services) {
		REFUSE(err, "/services", "%u services are more than max_services, %u",
			conf->n_services, conf->max_services);
		return HINT(err, "raise \"max_services\" and restart");
	}
	if (servers > conf->max_servers) {
		REFUSE(err, "/services", "%llu servers are more than max_servers, %u",
			(unsigned long long)servers, conf->max_servers);
		return HINT(err, "raise \"max_servers\" and restart");
	}
	return 0;
}

int sl_conf_check(
	const struct sl_conf *conf, const struct sl_conf_service *service, struct sl_err *err)
{
	int rc;

	rc = check_limits(conf, err);
	if (rc < 0 || service != NULL)
		return rc < 0 ? rc : check_service(conf, service, "", err);
	rc = check_eal_args(conf, err);
	if (rc == 0)
		rc = check_workers(conf, err);
	for (uint32_t i = 0; i < conf->n_ports && rc == 0; i++)
		rc = check_port(conf, i, err);
	if (rc == 0)
		rc = check_addresses(conf, err);
	for (uint32_t i = 0; i < conf->n_vips && rc == 0; i++) {
		if (conf->vips[i].listed)
			rc = check_vip(conf, &conf->vips[i], err);
	}
	return rc < 0 ? rc : check_services(conf, err);
}
