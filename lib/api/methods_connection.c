/* SPDX-License-Identifier: BSD-3-Clause */
/* connection.list: the workers' connection tables, page by page. */
#include <errno.h>
#include <string.h>

#include "api/listing.h"
#include "api/params.h"
#include "api/state.h"

struct page {
	struct sl_call *call;
	json_t *array;
	struct sl_listing_filter filter;
	struct sl_addr server; /* family 0 = any */
};

static enum sl_state state_find(const char *name)
{
	unsigned state = 0;

	while (state < SL_STATE_COUNT && strcmp(sl_state_names[state], name) != 0)
		state++;
	return state;
}

static int seconds_left(const struct sl_call *call, const struct sl_conn_view *view, sl_tick now)
{
	const struct sl_snapshot *latest = sl_registry_latest(call->director->engine->registry);
	int left = latest->timeouts.s[view->state] - (sl_tick)(now - view->tick);

	return left > 0 ? left : 0;
}

/* FullNAT: where the connection comes from as its server sees it. */
static void put_local(json_t *row, const struct sl_side *side)
{
	unsigned family = side->flags & SL_SIDE_LOCAL_WIDE ? 6 : 4;
	struct sl_addr local = sl_addr_from_ip((uint8_t)family, &side->local);
	char text[SL_ADDR_TEXT];

	json_object_set_new(row, "local", json_string(sl_addr_format(&local, text)));
	json_object_set_new(row, "local_port", json_integer(rte_be_to_cpu_16(side->local_port)));
}

static bool is_masqueraded(const struct sl_side *side)
{
	return side != NULL && side->server == SL_ID_NONE;
}

/* One that a server began has no service and no server: it shows where it leaves. */
static bool masqueraded_ends(const struct sl_registry *registry, const struct sl_side *side,
	struct sl_service_key *key, struct sl_addr *server)
{
	const struct sl_front *front = sl_snapshot_front(sl_registry_latest(registry), side->front);
	uint8_t family = side->flags & SL_SIDE_LOCAL_WIDE ? 6 : 4;

	if (front == NULL)
		return false;
	*key = (struct sl_service_key){
		.protocol = front->protocol,
		.vip = sl_addr_from_ip(family, &side->local),
		.port = rte_be_to_cpu_16(side->local_port),
	};
	*server = (struct sl_addr){.family = family};
	return true;
}

/* What the connection's ids stand for: those of one that is about to be reaped may be nobody's. */
static bool ends_of(const struct sl_registry *registry, const struct sl_conn_view *view,
	const struct sl_side *side, struct sl_service_key *key, struct sl_addr *server,
	uint16_t *port)
{
	sl_id front;

	*port = 0;
	if (is_masqueraded(side))
		return masqueraded_ends(registry, side, key, server);
	return sl_registry_front_key(registry, view->key.front, key) &&
		sl_registry_server_endpoint(registry, view->server, server, port, &front);
}

static bool put_entry(void *arg, unsigned worker, const struct sl_conn_view *view,
	const struct sl_side *side, sl_tick now)
{
	struct page *page = arg;
	const struct sl_registry *registry = page->call->director->engine->registry;
	struct sl_addr client, server;
	char client_text[SL_ADDR_TEXT], server_text[SL_ADDR_TEXT];
	struct sl_service_key key;
	uint16_t port;
	json_t *row;

	if (!ends_of(registry, view, side, &key, &server, &port))
		return false;
	if (page->server.family != 0 && !sl_addr_equal(&page->server, &server))
		return false;
	client = sl_addr_from_ip(key.vip.family, &view->key.client);
	if (key.port == 0)
		key.port = rte_be_to_cpu_16(view->key.service_port);
	row = sl_service_key_json(&key);
	json_object_update_new(row,
		json_pack("{s:s, s:i, s:s, s:i, s:s, s:i, s:i, s:b}", "client",
			sl_addr_format(&client, client_text), "client_port",
			rte_be_to_cpu_16(view->key.client_port), "server",
			sl_addr_format(&server, server_text), "server_port",
			port != 0 || is_masqueraded(side) ? port : key.port, "state",
			sl_state_names[view->state], "expires_s",
			seconds_left(page->call, view, now), "worker", (int)worker, "proven",
			view->flags & SL_CONN_DATA ? 1 : 0));
	if (is_masqueraded(side))
		json_object_set_new(row, "masquerade", json_true());
	else if (side != NULL && !(side->flags & SL_SIDE_SPILLED))
		put_local(row, side);
	if (json_array_append_new(page->array, row) < 0)
		page->call->no_memory = true;
	return true;
}

/* The filter that the parameters say. 0 or an enum sl_rpc_code. */
static int take_filter(struct sl_call *call, struct page *page)
{
	json_t *client = json_object_get(call->params, "client");
	json_t *server = json_object_get(call->params, "server");
	const char *state = json_string_value(json_object_get(call->params, "state"));
	const struct sl_conf_service *service;

	page->filter.state = -1;
	if (client != NULL)
		sl_param_address(call->params, "client", &page->filter.client);
	if (server != NULL)
		sl_param_address(call->params, "server", &page->server);
	if (state != NULL && strcmp(state, "any") != 0)
		page->filter.state = state_find(state);
	if (json_object_get(call->params, "service") == NULL)
		return 0;
	service = sl_param_service(call);
	if (service == NULL)
		return SL_RPC_NO_SERVICE;
	page->filter.front = sl_registry_front(call->director->engine->registry, &service->key);
	return 0;
}

static int connection_list(struct sl_call *call)
{
	struct sl_listing *listing = call->director->listing;
	const char *cursor = json_string_value(json_object_get(call->params, "cursor"));
	struct sl_listing_place place = {0};
	struct page page = {.call = call};
	char text[SL_LISTING_CURSOR];
	int code = take_filter(call, &page);

	if (code != 0)
		return code;
	if (cursor != NULL && sl_listing_cursor_parse(listing, cursor, &place) < 0)
		return sl_call_fail(
			call, SL_RPC_CURSOR, "/params/cursor", "no cursor of this list");
	page.array = json_array();
	if (sl_listing_page(listing, &page.filter, &place, sl_param_limit(call), put_entry, &page,
		    &call->err) < 0) {
		json_decref(page.array);
		return SL_RPC_BUSY;
	}
	sl_call_put(call, "connections", page.array);
	if (!sl_listing_at_end(listing, &place)) {
		sl_listing_cursor_format(&place, text);
		sl_call_put(call, "cursor", json_string(text));
	}
	return 0;
}

#define X(NAME, name, timeout, active) "\"" name "\","
#define STATE_NAMES                    SL_STATES(X) "\"any\""

const struct sl_method sl_methods_connection[] = {
	{
		.name = "connection.list",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE
			"," SL_SCHEMA_SERVICE_KEY ",\"client\":{\"title\":\"Only of this client\","
			"\"$ref\":\"#/$defs/address\"}"
			",\"server\":{\"title\":\"Only on this real server\","
			"\"$ref\":\"#/$defs/address\"}"
			",\"state\":{\"title\":\"Only in this state\",\"type\":\"string\","
			"\"enum\":[" STATE_NAMES "]}"),
		.result = "connections: [{protocol, address, port, client, client_port, server, "
			  "server_port, state, expires_s, worker, proven, local and local_port "
			  "with fullnat, masquerade: true of what a server began (it leaves from "
			  "address and port)}], cursor while there may be more (a page may be "
			  "empty before the end)",
		.handler = connection_list,
		.help = "Lists connections: of everything, or of a client, service, server or "
			"state. Pages are no snapshot: what comes and goes meanwhile may be "
			"missed.",
	},
	{.name = NULL},
};
#undef X
