/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration to JSON: sl_conf_to_json() and sl_conf_service_to_json() of conf/load.h. */
#include <netinet/in.h>
#include <string.h>

#include "base/units.h"
#include "conf/keys.h"
#include "conf/load.h"
#include "lb/fwd.h"
#include "net/encap.h"
#include "lb/sched.h"

/* An object that is being written. A failure for want of memory sticks: `failed` is looked at once.
 */
struct writer {
	const struct sl_schema *schema;
	json_t *object;
	bool defaults; /* written too */
	bool *failed;
};

/* Whatever the default is. What this build's schema does not have is not written. */
static void put_always(struct writer w, const char *key, json_t *value)
{
	if (value == NULL)
		*w.failed = true;
	else if (sl_schema_member(w.schema, key) == NULL)
		json_decref(value);
	else if (json_object_set_new(w.object, key, value) < 0)
		*w.failed = true;
}

static void put(struct writer w, const char *key, json_t *value)
{
	json_t *fallback = sl_schema_annotation(w.schema, key, "default");

	if (!w.defaults && value != NULL && fallback != NULL && json_equal(fallback, value))
		json_decref(value);
	else
		put_always(w, key, value);
}

static void put_text(struct writer w, const char *key, const char *text)
{
	put(w, key, json_string(text));
}

static void put_integer(struct writer w, const char *key, uint64_t value)
{
	put(w, key, json_integer((json_int_t)value));
}

static void put_address(struct writer w, const char *key, const struct sl_addr *address)
{
	char text[SL_ADDR_TEXT];

	put_text(w, key, sl_addr_format(address, text));
}

/* An object of its own: put() it when it is complete. */
static struct writer inside(struct writer w, const char *key)
{
	return (struct writer){
		.schema = sl_schema_member(w.schema, key),
		.object = json_object(),
		.defaults = w.defaults,
		.failed = w.failed,
	};
}

/* For the elements of the list `key`. */
static struct writer element(struct writer w, const char *key)
{
	struct writer e = inside(w, key);

	e.schema = sl_schema_element(e.schema);
	return e;
}

static void append(struct writer w, json_t *list, json_t *value)
{
	if (value == NULL || json_array_append_new(list, value) < 0)
		*w.failed = true;
}

static void write_dpdk(struct writer w, const struct sl_conf *conf)
{
	struct writer dpdk = inside(w, "dpdk");
	json_t *args = json_array();
	char text[24];

	if (conf->memory != 0) {
		sl_size_format(text, sizeof(text), conf->memory);
		put_text(dpdk, "memory", text);
	}
	put_text(dpdk, "huge_pages", sl_conf_huge_pages[conf->huge_pages]);
	for (uint32_t i = 0; i < conf->n_eal_args; i++)
		append(w, args, json_string(conf->eal_args[i]));
	put(dpdk, "eal_args", args);
	put(w, "dpdk", dpdk.object);
}

static void write_workers(struct writer w, const struct sl_conf *conf)
{
	struct writer workers = inside(w, "workers");
	json_t *cores = json_array();

	for (uint32_t i = 0; i < conf->n_workers && conf->cores[i] >= 0; i++)
		append(w, cores, json_integer(conf->cores[i]));
	if (conf->n_workers != (json_array_size(cores) != 0 ? json_array_size(cores) : 1) ||
		w.defaults)
		put_integer(workers, "count", conf->n_workers);
	if (json_array_size(cores) != 0)
		put(workers, "cores", json_incref(cores));
	json_decref(cores);
	if (conf->control_core >= 0)
		put_integer(workers, "control_core", (uint64_t)conf->control_core);
	put_text(workers, "poll", sl_conf_polls[conf->poll]);
	put(w, "workers", workers.object);
}

static void write_neighbours(struct writer w, const struct sl_conf_port *port)
{
	json_t *list = json_array();
	char mac[18];

	for (uint32_t i = 0; i < port->n_neighbours; i++) {
		struct writer neighbour = element(w, "neighbours");

		put_address(neighbour, "address", &port->neighbours[i].address);
		put_text(neighbour, "mac", sl_mac_format(port->neighbours[i].mac, mac));
		append(w, list, neighbour.object);
	}
	put(w, "neighbours", list);
}

/* What a port has of its own when it has a device, else whose VLAN it is. */
static void
write_device(struct writer w, const struct sl_conf *conf, const struct sl_conf_port *port)
{
	json_t *members = json_array();

	for (uint32_t i = 0; i < port->n_members; i++)
		append(w, members, json_string(port->members[i]));
	if (port->parent == SL_CONF_NO_PORT) {
		put_text(w, "device", port->device);
		put(w, "members", json_incref(members));
		put_integer(w, "rx_descriptors", port->rx_descriptors);
		put_integer(w, "tx_descriptors", port->tx_descriptors);
	} else {
		put_text(w, "parent", conf->ports[port->parent].name);
		put_integer(w, "vlan", port->vlan);
	}
	json_decref(members);
}

static json_t *
write_port(struct writer w, const struct sl_conf *conf, const struct sl_conf_port *port)
{
	json_t *addresses = json_array();
	char text[SL_ADDR_TEXT];

	put_text(w, "name", port->name);
	write_device(w, conf, port);
	put(w, "twin",
		port->twin_netns[0] != '\0' ? json_pack("{s:s}", "netns", port->twin_netns)
					    : json_boolean(port->twin));
	if (port->parent == SL_CONF_NO_PORT)
		put_integer(w, "mtu", port->mtu);
	else if (w.defaults || port->mtu != conf->ports[port->parent].mtu)
		put_always(w, "mtu", json_integer(port->mtu));
	for (uint32_t i = 0; i < port->n_addresses; i++)
		append(w, addresses, json_string(sl_prefix_format(&port->addresses[i], text)));
	put(w, "addresses", addresses);
	write_neighbours(w, port);
	if (w.defaults || port->transit != (port->twin ? SL_TRANSIT_LINUX : SL_TRANSIT_DROP))
		put_text(w, "transit", sl_conf_transits[port->transit]);
	return w.object;
}

static void write_ports(struct writer w, const struct sl_conf *conf)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < conf->n_ports; i++)
		append(w, list, write_port(element(w, "ports"), conf, &conf->ports[i]));
	put(w, "ports", list);
}

static void write_vips(struct writer w, const struct sl_conf *conf)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < conf->n_vips; i++) {
		const struct sl_conf_vip *vip = &conf->vips[i];
		struct writer one;

		if (!vip->listed)
			continue;
		one = element(w, "vips");
		put_address(one, "vip", &vip->address);
		put_text(one, "address", sl_conf_vip_modes[vip->mode]);
		if (w.defaults || vip->port != sl_conf_port_of(conf, &vip->address))
			put_text(one, "port", conf->ports[vip->port].name);
		append(w, list, one.object);
	}
	put(w, "vips", list);
}

static void write_local_addresses(struct writer w, const struct sl_conf *conf)
{
	struct writer ports = inside(w, "local_ports");
	json_t *list = json_array();

	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		const struct sl_conf_local *local = &conf->local_addresses[i];
		struct writer one = element(w, "local_addresses");

		put_address(one, "address", &local->address);
		if (w.defaults || local->port != sl_conf_port_of(conf, &local->address))
			put_text(one, "port", conf->ports[local->port].name);
		append(w, list, one.object);
	}
	put(w, "local_addresses", list);
	put_integer(ports, "low", conf->local_ports.low);
	put_integer(ports, "high", conf->local_ports.high);
	put(w, "local_ports", ports.object);
}

static void write_tunnels(struct writer w, const struct sl_conf *conf)
{
	struct writer tunnels = inside(w, "tunnels");

	put(tunnels, "dscp",
		conf->tunnels.dscp < 0 ? json_string("copy") : json_integer(conf->tunnels.dscp));
	put_text(tunnels, "df", sl_conf_tunnel_dfs[conf->tunnels.df]);
	put_integer(tunnels, "ttl", conf->tunnels.ttl);
	put(w, "tunnels", tunnels.object);
}

static void write_timeouts(struct writer w, const struct sl_conf *conf)
{
	struct writer timeouts = inside(w, "timeouts");
	char key[24], text[24];

	for (int i = 0; i < SL_STATE_COUNT; i++) {
		sl_duration_format(text, sizeof(text), conf->timeouts.s[i] * 1000ull);
		put_text(timeouts, sl_conf_timeout_key((enum sl_state)i, key), text);
	}
	put(w, "timeouts", timeouts.object);
}

static void write_punt(struct writer w, const struct sl_conf *conf)
{
	struct writer punt = inside(w, "punt");

	for (int i = 0; i < SL_PUNT_COUNT; i++)
		put_integer(punt, sl_conf_punts[i], conf->punt_rates[i]);
	put(w, "punt", punt.object);
}

static void write_tunnel(struct writer w, const struct sl_conf_server *server)
{
	struct writer tunnel = inside(w, "tunnel");

	put_text(tunnel, "type", sl_conf_tunnel_types[server->tunnel.type]);
	if (!w.defaults || server->tunnel.type == SL_TUNNEL_GUE)
		put_integer(tunnel, "port", server->tunnel.port);
	put_text(tunnel, "checksum", sl_conf_tunnel_checksums[server->tunnel.flags]);
	put(w, "tunnel", tunnel.object);
}

static json_t *write_server(struct writer w, const struct sl_conf_service *service, uint32_t index)
{
	const struct sl_conf_server *server = &service->servers[index];

	put_address(w, "address", &server->address);
	if (w.defaults || server->port != service->key.port)
		put_integer(w, "port", server->port);
	put_integer(w, "weight", server->weight);
	put_text(w, "forward", sl_fwds[server->fwd]->name);
	if (sl_fwds[server->fwd]->traits & SL_FWD_TUNNELS)
		write_tunnel(w, server);
	return w.object;
}

static void put_flags(struct writer w, uint8_t flags)
{
	json_t *list = json_array();

	for (unsigned bit = 0; sl_conf_sched_flags[bit] != NULL; bit++) {
		if (flags & 1u << bit)
			append(w, list, json_string(sl_conf_sched_flags[bit]));
	}
	put(w, "scheduler_flags", list);
}

static void write_options(struct writer w, const struct sl_conf_service *service)
{
	put_text(w, "protocol", service->key.protocol == IPPROTO_TCP ? "tcp" : "udp");
	put_address(w, "address", &service->key.vip);
	put_integer(w, "port", service->key.port);
	put_text(w, "scheduler", service->sched->name);
	put_flags(w, service->sched_flags);
	put_text(w, "proxy_protocol", sl_conf_proxy_protocols[service->proxy_protocol]);
	put(w, "toa", json_boolean(service->toa));
}

static json_t *write_service(struct writer w, const struct sl_conf_service *service)
{
	json_t *servers = json_array();

	write_options(w, service);
	for (uint32_t i = 0; i < service->n_servers; i++)
		append(w, servers, write_server(element(w, "servers"), service, i));
	put(w, "servers", servers);
	return w.object;
}

static void write_services(struct writer w, const struct sl_conf *conf)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < conf->n_services; i++)
		append(w, list, write_service(element(w, "services"), conf->services[i]));
	put(w, "services", list);
}

static json_t *finish(struct writer w)
{
	if (!*w.failed)
		return w.object;
	json_decref(w.object);
	return NULL;
}

json_t *sl_conf_write(const struct sl_conf *conf, unsigned flags)
{
	bool failed = false;
	struct writer w = {
		.schema = sl_conf_schema(),
		.object = json_object(),
		.defaults = (flags & SL_CONF_DEFAULTS) != 0,
		.failed = &failed,
	};
	char run_directory[sizeof(conf->run_directory)];

	put_text(w, "instance", conf->instance);
	sl_conf_default_run_directory(conf->instance, run_directory, sizeof(run_directory));
	if (w.defaults || strcmp(run_directory, conf->run_directory) != 0)
		put_text(w, "run_directory", conf->run_directory);
	put_text(w, "log_level", sl_conf_log_levels[conf->log_level - SL_LOG_ERROR]);
	write_dpdk(w, conf);
	write_workers(w, conf);
	if (conf->connections != 0)
		put_integer(w, "connections", conf->connections);
	if (conf->connections_wide != 0)
		put_integer(w, "connections_wide", conf->connections_wide);
	if (conf->fullnat_connections != 0)
		put_integer(w, "fullnat_connections", conf->fullnat_connections);
	put_integer(w, "max_services", conf->max_services);
	put_integer(w, "max_servers", conf->max_servers);
	put_integer(w, "max_routes", conf->max_routes);
	write_ports(w, conf);
	write_vips(w, conf);
	write_local_addresses(w, conf);
	write_tunnels(w, conf);
	write_timeouts(w, conf);
	write_punt(w, conf);
	put_integer(w, "icmp_rate", conf->icmp_rate);
	if ((flags & SL_CONF_NO_SERVICES) == 0)
		write_services(w, conf);
	return finish(w);
}

json_t *sl_conf_to_json(const struct sl_conf *conf)
{
	return sl_conf_write(conf, 0);
}

json_t *sl_conf_service_to_json(const struct sl_conf_service *service)
{
	bool failed = false;
	struct writer w = {
		.schema = sl_conf_service_schema(),
		.object = json_object(),
		.failed = &failed,
	};

	write_service(w, service);
	return finish(w);
}

json_t *sl_conf_write_options(const struct sl_conf_service *service)
{
	bool failed = false;
	struct writer w = {
		.schema = sl_conf_service_schema(),
		.object = json_object(),
		.defaults = true,
		.failed = &failed,
	};

	write_options(w, service);
	return finish(w);
}

json_t *sl_conf_write_server(const struct sl_conf_service *service, uint32_t index)
{
	bool failed = false;
	struct writer w = {
		.schema = sl_schema_element(sl_schema_member(sl_conf_service_schema(), "servers")),
		.object = json_object(),
		.defaults = true,
		.failed = &failed,
	};

	write_server(w, service, index);
	return finish(w);
}
