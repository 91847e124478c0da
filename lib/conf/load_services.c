/* SPDX-License-Identifier: BSD-3-Clause */
/* Services and servers from JSON: part of conf/load.h. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/reader.h"
#include "lb/fwd.h"
#include "lb/sched.h"

static int read_server(struct sl_conf_server *server, struct sl_part part, uint16_t service_port,
	struct sl_err *err)
{
	const char *forward = sl_part_text(part, "forward");
	const struct sl_fwd *fwd = sl_fwd_find(forward);
	struct sl_part tunnel = sl_part_of(part, "tunnel");

	if (fwd == NULL)
		return sl_err_set(
			err, EINVAL, NULL, "forwarding method \"%s\" is not built in", forward);
	server->fwd = fwd->method;
	server->address = sl_part_address(part, "address");
	server->port = (uint16_t)sl_part_integer(part, "port", service_port);
	server->weight = (uint32_t)sl_part_integer(part, "weight", 0);
	server->tunnel.given = json_object_get(part.object, "tunnel") != NULL;
	server->tunnel.type = (uint8_t)sl_part_choice(tunnel, "type", sl_conf_tunnel_types);
	server->tunnel.port = (uint16_t)sl_part_integer(tunnel, "port", 0);
	server->tunnel.flags =
		(uint8_t)sl_part_choice(tunnel, "checksum", sl_conf_tunnel_checksums);
	return 0;
}

static uint8_t read_flags(struct sl_part list)
{
	uint8_t flags = 0;
	const json_t *name;
	size_t i;

	json_array_foreach (list.object, i, name) {
		for (unsigned bit = 0; sl_conf_sched_flags[bit] != NULL; bit++) {
			if (strcmp(json_string_value(name), sl_conf_sched_flags[bit]) == 0)
				flags |= (uint8_t)(1u << bit);
		}
	}
	return flags;
}

static void read_options(struct sl_conf_service *service, struct sl_part part)
{
	const json_t *toa = sl_schema_get(part.schema, part.object, "toa");

	service->proxy_protocol = (enum sl_proxy_protocol)sl_part_choice(
		part, "proxy_protocol", sl_conf_proxy_protocols);
	service->toa = json_is_true(toa);
	service->sched_flags = read_flags(sl_part_of(part, "scheduler_flags"));
}

int sl_conf_read_service(struct sl_part part, struct sl_conf_service **out, struct sl_err *err)
{
	struct sl_part servers = sl_part_of(part, "servers");
	uint32_t n = (uint32_t)json_array_size(servers.object);
	struct sl_conf_service *service = sl_conf_service_new(n);
	int rc = 0;

	if (service == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory for the configuration");
	service->key.protocol =
		strcmp(sl_part_text(part, "protocol"), "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	service->key.vip = sl_part_address(part, "address");
	service->key.port = (uint16_t)sl_part_integer(part, "port", 0);
	read_options(service, part);
	service->sched = sl_sched_find(sl_part_text(part, "scheduler"));
	if (service->sched == NULL)
		rc = sl_err_set(err, EINVAL, NULL, "scheduler \"%s\" is not built in",
			sl_part_text(part, "scheduler"));
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = read_server(
			&service->servers[i], sl_part_element(servers, i), service->key.port, err);
	if (rc < 0)
		sl_conf_service_unref(service);
	else
		*out = service;
	return rc;
}
