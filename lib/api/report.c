/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/report.h"

#include <string.h>

#include "api/params.h"
#include "conf/keys.h"
#include "lb/fwd.h"

/* Counts of a server; zero for one that the registry does not have. */
static struct sl_stats_view server_view(const struct sl_director *director,
	const struct sl_conf_service *service, const struct sl_conf_server *server)
{
	struct sl_stats_view view = {0};
	sl_id id = sl_registry_server(
		director->engine->registry, &service->key, &server->address, server->port);

	if (id != SL_ID_NONE)
		sl_stats_server(director->stats, id, &view);
	return view;
}

static struct sl_stats_view
service_view(const struct sl_director *director, const struct sl_conf_service *service)
{
	struct sl_stats_view view = {0};
	sl_id id = sl_registry_front(director->engine->registry, &service->key);

	if (id != SL_ID_NONE)
		sl_stats_service(director->stats, id, &view);
	return view;
}

static json_t *server_key(const struct sl_conf_server *server)
{
	char address[SL_ADDR_TEXT];

	return json_pack("{s:s, s:i}", "address", sl_addr_format(&server->address, address), "port",
		server->port);
}

/* All that the document says of a server, defaults included; "forward" is how it really is. */
static json_t *server_row(
	const struct sl_director *director, const struct sl_conf_service *service, uint32_t index)
{
	const struct sl_conf_server *server = &service->servers[index];
	struct sl_stats_view view = server_view(director, service, server);
	const struct sl_fwd *fwd = sl_fwds[sl_conf_server_fwd(director->conf, server)];
	const char *state =
		director->host->reachability(director->host->arg, &server->address, fwd->method);
	json_t *row = sl_conf_write_server(service, index);

	json_object_set_new(row, "forward", json_string(fwd->name));
	json_object_set_new(row, "lvs_forward", json_string(fwd->listing));
	sl_json_count(row, "active", view.active);
	sl_json_count(row, "inactive", view.inactive);
	json_object_set_new(row, "state", json_string(state != NULL ? state : "unknown"));
	return row;
}

json_t *sl_report_servers(struct sl_director *director, const struct sl_conf_service *service)
{
	json_t *servers = json_array();

	for (uint32_t i = 0; i < service->n_servers; i++) {
		json_t *row = server_row(director, service, i);

		if (row == NULL || json_array_append_new(servers, row) < 0) {
			json_decref(servers);
			return NULL;
		}
	}
	return servers;
}

json_t *sl_report_service(struct sl_director *director, const struct sl_conf_service *service)
{
	struct sl_stats_view view = service_view(director, service);
	json_t *row = sl_conf_write_options(service);

	sl_json_count(row, "active", view.active);
	sl_json_count(row, "inactive", view.inactive);
	if (json_object_set_new(row, "servers", sl_report_servers(director, service)) < 0) {
		json_decref(row);
		return NULL;
	}
	return row;
}

static void put_numbers(json_t *row, const struct sl_stats_view *view, enum sl_report_numbers which)
{
	const struct sl_stats_numbers *n = which == SL_REPORT_RATES ? &view->rate : &view->total;

	sl_json_count(row, "connections", n->connections);
	sl_json_count(row, "in_packets", n->in_packets);
	sl_json_count(row, "out_packets", n->out_packets);
	sl_json_count(row, "in_bytes", n->in_bytes);
	sl_json_count(row, "out_bytes", n->out_bytes);
}

json_t *sl_report_stats(struct sl_director *director, const struct sl_conf_service *service,
	enum sl_report_numbers which)
{
	struct sl_stats_view view = service_view(director, service);
	json_t *row = sl_service_key_json(&service->key), *servers = json_array();

	put_numbers(row, &view, which);
	for (uint32_t i = 0; i < service->n_servers; i++) {
		json_t *server = server_key(&service->servers[i]);

		view = server_view(director, service, &service->servers[i]);
		put_numbers(server, &view, which);
		json_array_append_new(servers, server);
	}
	if (json_array_size(servers) == service->n_servers &&
		json_object_set_new(row, "servers", servers) == 0)
		return row;
	json_decref(row);
	return NULL;
}
