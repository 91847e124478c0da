/* SPDX-License-Identifier: BSD-3-Clause */
/* Services and their servers: part of sl_conf_check(). */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/keys.h"
#include "lb/fwd.h"
#include "net/encap.h"

#define GUE_PORT 6080 /* the schema's default: what a tunnel without "port" has */

static unsigned traits_of(const struct sl_conf *conf, const struct sl_conf_server *server)
{
	return sl_fwds[sl_conf_server_fwd(conf, server)]->traits;
}

/* The methods with a trait, for hints: "tun" or "fullnat"; false when none is built in. */
static bool methods_with(unsigned trait, char text[64])
{
	text[0] = '\0';
	for (unsigned i = 0; i < SL_FWD_METHODS; i++) {
		size_t length = strlen(text);

		if (sl_fwds[i]->traits & trait)
			snprintf(text + length, 64 - length, "%s\"%s\"", length != 0 ? " or " : "",
				sl_fwds[i]->name);
	}
	return text[0] != '\0';
}

static bool is_local_address(const struct sl_conf *conf, const struct sl_addr *address)
{
	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		if (sl_addr_equal(&conf->local_addresses[i].address, address))
			return true;
	}
	return false;
}

static int check_server_address(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT];

	sl_addr_format(&server->address, text);
	if (!sl_check_is_host(conf, &server->address)) {
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
	if (is_local_address(conf, &server->address)) {
		REFUSE(err, path, "%s is one of local_addresses", text);
		return HINT(err, "give the server's own address");
	}
	return 0;
}

/* Where only other methods go from one address family to the other. */
static int check_family(const struct sl_conf *conf, const struct sl_conf_service *service,
	const struct sl_conf_server *server, const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT], methods[64];

	if (server->address.family == service->key.vip.family ||
		(traits_of(conf, server) & SL_FWD_ANY_FAMILY))
		return 0;
	REFUSE(err, path, "%s is IPv%u and the service IPv%u, which \"%s\" does not translate",
		sl_addr_format(&server->address, text), server->address.family,
		service->key.vip.family, sl_fwds[sl_conf_server_fwd(conf, server)]->name);
	if (sl_conf_is_local(conf, &server->address) || !methods_with(SL_FWD_ANY_FAMILY, methods))
		return HINT(err, "give the server's IPv%u address", service->key.vip.family);
	return HINT(err, "give the server's IPv%u address, or reach it by \"forward\": %s",
		service->key.vip.family, methods);
}

/* Whether a server that has to be on a segment of ours is; without prefixes we cannot know. */
static int check_on_link(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *base, uint32_t index, struct sl_err *err)
{
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	const struct sl_conf_port *first = NULL;

	for (uint32_t i = 0; i < conf->n_ports && first == NULL; i++) {
		if (conf->ports[i].n_addresses != 0)
			first = &conf->ports[i];
	}
	if (first == NULL || !(traits_of(conf, server) & SL_FWD_NEEDS_LINK) ||
		sl_conf_port_of(conf, &server->address) != SL_CONF_NO_PORT)
		return 0;
	REFUSE(err, sl_check_path(path, "%s/servers/%u/address", base, index),
		"%s lies in no prefix of a port, and direct routing reaches only servers on a "
		"segment of the director's",
		sl_addr_format(&server->address, text));
	return HINT(err,
		"correct it, or give a port an address on its segment (port \"%s\" has %s)",
		first->name, sl_prefix_format(&first->addresses[0], text));
}

/* Without a twin on any port there are no routes: what lies in no prefix cannot be reached. */
static int check_route(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *path, struct sl_err *err)
{
	char text[SL_ADDR_TEXT];
	bool prefixes = false;

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		if (conf->ports[i].twin)
			return 0;
		prefixes |= conf->ports[i].n_addresses != 0;
	}
	if (!prefixes || sl_conf_is_local(conf, &server->address) ||
		sl_conf_port_of(conf, &server->address) != SL_CONF_NO_PORT)
		return 0;
	REFUSE(err, path, "there is no route to %s: it lies in no prefix of a port",
		sl_addr_format(&server->address, text));
	return HINT(err, "correct it, or give a port a twin, through which Linux's routes come");
}

static int check_server_port(const struct sl_conf *conf, const struct sl_conf_service *service,
	const struct sl_conf_server *server, const char *path, struct sl_err *err)
{
	enum sl_fwd_method fwd = sl_conf_server_fwd(conf, server);

	if (server->port == service->key.port)
		return 0;
	if (!(sl_fwds[fwd]->traits & SL_FWD_SETS_PORT)) {
		REFUSE(err, path, "port %u is not the service's port, %u, and %s\"%s\" keeps it",
			server->port, service->key.port,
			fwd != server->fwd ? "an address of the director is reached by " : "",
			sl_fwds[fwd]->name);
		return HINT(err, "leave \"port\" out");
	}
	if (server->port != 0 && service->key.port != 0)
		return 0;
	REFUSE(err, path,
		service->key.port == 0
			? "a service on any port keeps the port that the client names"
			: "port 0 stands for any port, and the service has one");
	return HINT(err, "leave \"port\" out");
}

static int check_tunnel(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *base, uint32_t index, struct sl_err *err)
{
	const char *method = sl_fwds[server->fwd]->name;
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];

	if (!(sl_fwds[server->fwd]->traits & SL_FWD_TUNNELS)) {
		if (!server->tunnel.given)
			return 0;
		REFUSE(err, sl_check_path(path, "%s/servers/%u/tunnel", base, index),
			"a server of \"%s\" has no tunnel", method);
		return HINT(err, "take it out, or write \"forward\": \"tun\"");
	}
	if (sl_conf_is_local(conf, &server->address)) {
		REFUSE(err, sl_check_path(path, "%s/servers/%u/address", base, index),
			"%s is the director itself: a tunnel would end where it begins",
			sl_addr_format(&server->address, text));
		return HINT(err, "give the server's own address, or write \"forward\": \"local\"");
	}
	if (server->tunnel.type != SL_TUNNEL_GUE && server->tunnel.port != GUE_PORT) {
		REFUSE(err, sl_check_path(path, "%s/servers/%u/tunnel/port", base, index),
			"only a tunnel of type \"gue\" has a port");
		return HINT(err, "take it out");
	}
	if (server->tunnel.flags == 0 || server->tunnel.type == SL_TUNNEL_GUE ||
		(server->tunnel.type == SL_TUNNEL_GRE && server->tunnel.flags == SL_TUNNEL_CSUM))
		return 0;
	REFUSE(err, sl_check_path(path, "%s/servers/%u/tunnel/checksum", base, index),
		server->tunnel.type == SL_TUNNEL_GRE
			? "remote checksum offload is of \"gue\" only"
			: "IP in IP has no checksum beside that of the IP header");
	return HINT(err, "take it out");
}

/* A method that replaces the source needs something to replace it by. */
static int check_source(const struct sl_conf *conf, const struct sl_conf_server *server,
	const char *path, struct sl_err *err)
{
	unsigned family = server->address.family;

	if (!(traits_of(conf, server) & SL_FWD_SETS_SOURCE))
		return 0;
	for (uint32_t i = 0; i < conf->n_local_addresses; i++) {
		if (conf->local_addresses[i].address.family == family)
			return 0;
	}
	REFUSE(err, path, "there is no local IPv%u address from which \"%s\" could reach it",
		family, sl_fwds[server->fwd]->name);
	return HINT(err, "add \"local_addresses\": [{\"address\": ...}]");
}

static int check_server(const struct sl_conf *conf, const struct sl_conf_service *service,
	const char *base, uint32_t index, struct sl_err *err)
{
	const struct sl_conf_server *server = &service->servers[index];
	char path[SL_CHECK_PATH], port[SL_CHECK_PATH];
	int rc;

	sl_check_path(path, "%s/servers/%u/address", base, index);
	sl_check_path(port, "%s/servers/%u/port", base, index);
	rc = check_server_address(conf, server, path, err);
	if (rc == 0)
		rc = check_tunnel(conf, server, base, index, err);
	if (rc == 0)
		rc = check_family(conf, service, server, path, err);
	if (rc == 0)
		rc = check_server_port(conf, service, server, port, err);
	if (rc == 0)
		rc = check_on_link(conf, server, base, index, err);
	if (rc == 0)
		rc = check_route(conf, server, path, err);
	return rc < 0 ? rc : check_source(conf, server, path, err);
}

static int
check_servers_differ(const struct sl_conf_service *service, const char *base, struct sl_err *err)
{
	struct sl_check_entry *all;
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc = 0;

	if (service->n_servers < 2)
		return 0;
	all = malloc(service->n_servers * sizeof(*all));
	if (all == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory to check the configuration");
	for (uint32_t i = 0; i < service->n_servers; i++)
		all[i] = (struct sl_check_entry){
			service->servers[i].address, service->servers[i].port, i};
	sl_check_sort(all, service->n_servers);
	for (uint32_t i = 1; i < service->n_servers && rc == 0; i++) {
		if (all[i - 1].port != all[i].port ||
			!sl_addr_equal(&all[i - 1].address, &all[i].address))
			continue;
		REFUSE(err, sl_check_path(path, "%s/servers/%u/address", base, all[i].index),
			"%s is there twice, as server %u and %u of the service",
			sl_addr_format(&all[i].address, text), all[i - 1].index + 1,
			all[i].index + 1);
		rc = HINT(
			err, "keep one of the two; a larger \"weight\" gives it more connections");
	}
	free(all);
	return rc;
}

/* What a service asks of its scheduler has to mean something to it. */
static int
check_sched_flags(const struct sl_conf_service *service, const char *base, struct sl_err *err)
{
	char path[SL_CHECK_PATH];
	unsigned bit;

	if ((service->sched_flags & ~service->sched->flags) == 0)
		return 0;
	bit = (unsigned)__builtin_ctz(service->sched_flags & ~service->sched->flags);
	REFUSE(err, sl_check_path(path, "%s/scheduler_flags", base),
		"\"%s\" means nothing to the scheduler \"%s\"", sl_conf_sched_flags[bit],
		service->sched->name);
	return HINT(err, "take it out, or choose a scheduler that hashes, \"sh\" for example");
}

/* Only whoever replaces the client's address has to hand it on. */
static int check_handed_on(const struct sl_conf *conf, const struct sl_conf_service *service,
	const char *base, struct sl_err *err)
{
	const char *key = service->toa ? "toa" : "proxy_protocol";
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT], methods[64];

	if (!service->toa && service->proxy_protocol == SL_PROXY_OFF)
		return 0;
	sl_check_path(path, "%s/%s", base, key);
	if (service->toa && service->key.protocol != IPPROTO_TCP) {
		REFUSE(err, path, "TOA is an option of TCP");
		return HINT(err, "write \"proxy_protocol\": \"v2\", which UDP can have");
	}
	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct sl_conf_server *server = &service->servers[i];

		if (traits_of(conf, server) & SL_FWD_SETS_SOURCE)
			continue;
		methods_with(SL_FWD_SETS_SOURCE, methods);
		REFUSE(err, path,
			"server %s is reached by \"%s\", which keeps the client's address",
			sl_addr_format(&server->address, text),
			sl_fwds[sl_conf_server_fwd(conf, server)]->name);
		return HINT(err,
			"take it out: the server sees the client's address; or reach "
			"all servers by \"forward\": %s",
			methods);
	}
	return 0;
}

int sl_check_service(const struct sl_conf *conf, const struct sl_conf_service *service,
	const char *base, struct sl_err *err)
{
	const struct sl_conf_vip *vip = sl_conf_vip_find(conf, &service->key.vip);
	char path[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc;

	sl_check_path(path, "%s/address", base);
	rc = sl_check_vip_address(conf, &service->key.vip, path, err);
	if (rc == 0 && is_local_address(conf, &service->key.vip)) {
		REFUSE(err, path, "%s is one of local_addresses",
			sl_addr_format(&service->key.vip, text));
		rc = HINT(err, "give the service an address of its own");
	}
	if (rc == 0 && (vip == NULL || vip->port == SL_CONF_NO_PORT)) {
		REFUSE(err, path, "%s lies in no prefix of a port",
			sl_addr_format(&service->key.vip, text));
		rc = HINT(err, "list it in \"vips\": {\"vip\": \"%s\", \"port\": \"%s\"}", text,
			conf->ports[0].name);
	}
	for (uint32_t i = 0; i < service->n_servers && rc == 0; i++)
		rc = check_server(conf, service, base, i, err);
	if (rc == 0)
		rc = check_sched_flags(service, base, err);
	if (rc == 0)
		rc = check_handed_on(conf, service, base, err);
	return rc < 0 ? rc : check_servers_differ(service, base, err);
}
