/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/params.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/state.h"

unsigned sl_param_limit(const struct sl_call *call)
{
	json_t *limit = json_object_get(call->params, "limit");

	return limit != NULL ? json_integer_value(limit) : SL_PAGE_DEFAULT;
}

void sl_param_address(const json_t *object, const char *key, struct sl_addr *address)
{
	memset(address, 0, sizeof(*address));
	sl_addr_parse(json_string_value(json_object_get(object, key)), address);
}

void sl_param_service_key(const json_t *object, struct sl_service_key *key)
{
	const char *protocol = json_string_value(json_object_get(object, "protocol"));

	memset(key, 0, sizeof(*key));
	key->protocol = strcmp(protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	sl_param_address(object, "address", &key->vip);
	key->port = json_integer_value(json_object_get(object, "port"));
}

const struct sl_conf_service *sl_param_service(struct sl_call *call)
{
	const struct sl_conf_service *service;
	char text[SL_SERVICE_KEY_TEXT];
	struct sl_service_key key;

	sl_param_service_key(json_object_get(call->params, "service"), &key);
	service = sl_conf_service_find(call->director->conf, &key);
	if (service == NULL)
		sl_call_fail(call, SL_RPC_NO_SERVICE, "/params/service",
			"there is no virtual service %s", sl_service_key_text(&key, text));
	return service;
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

json_t *sl_service_key_json(const struct sl_service_key *key)
{
	char address[SL_ADDR_TEXT];

	return json_pack("{s:s, s:s, s:i}", "protocol", protocol_name(key->protocol), "address",
		sl_addr_format(&key->vip, address), "port", key->port);
}

const char *sl_service_key_text(const struct sl_service_key *key, char text[SL_SERVICE_KEY_TEXT])
{
	char endpoint[SL_ENDPOINT_TEXT];

	snprintf(text, SL_SERVICE_KEY_TEXT, "%s %s", protocol_name(key->protocol),
		sl_endpoint_format(&key->vip, key->port, endpoint));
	return text;
}

/* What sl_service_key_text() wrote. 0 or -1. */
static int key_from_text(const char *text, struct sl_service_key *key)
{
	const char *blank = strchr(text, ' ');

	memset(key, 0, sizeof(*key));
	if (blank == NULL)
		return -1;
	key->protocol = strncmp(text, "udp ", 4) == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	return sl_endpoint_parse(blank + 1, &key->vip, &key->port);
}

/* The index of the first service behind `key`. */
static uint32_t first_behind(const struct sl_conf *conf, const struct sl_service_key *key)
{
	uint32_t low = 0, high = conf->n_services;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sl_service_key_compare(&conf->services[middle]->key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int page_start(struct sl_call *call, uint32_t *first)
{
	const char *cursor = json_string_value(json_object_get(call->params, "cursor"));
	struct sl_service_key key;

	*first = 0;
	if (cursor == NULL)
		return 0;
	if (key_from_text(cursor, &key) < 0)
		return sl_call_fail(
			call, SL_RPC_CURSOR, "/params/cursor", "no cursor of this list");
	*first = first_behind(call->director->conf, &key);
	return 0;
}

int sl_page_services(struct sl_call *call, const char *member, sl_service_row row)
{
	const struct sl_conf *conf = call->director->conf;
	unsigned limit = sl_param_limit(call), put = 0;
	json_t *array = json_array();
	char text[SL_SERVICE_KEY_TEXT];
	uint32_t i;
	int rc = page_start(call, &i);

	for (; rc == 0 && i < conf->n_services && put < limit; i++) {
		int n = row(call, conf->services[i], array);

		if (n < 0)
			rc = sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
		else
			put += n;
	}
	if (rc != 0) {
		json_decref(array);
		return rc;
	}
	sl_call_put(call, member, array);
	if (i < conf->n_services)
		sl_call_put(call, "cursor",
			json_string(sl_service_key_text(&conf->services[i - 1]->key, text)));
	return 0;
}

int sl_page_array(struct sl_call *call, const char *member, json_t *array)
{
	const char *cursor = json_string_value(json_object_get(call->params, "cursor"));
	size_t first = 0, limit = sl_param_limit(call);
	json_t *page = json_array();
	char next[24], *end;

	if (array == NULL || page == NULL)
		call->no_memory = true;
	if (cursor != NULL) {
		first = strtoull(cursor, &end, 10);
		if (*cursor < '0' || *cursor > '9' || *end != '\0') {
			json_decref(page);
			json_decref(array);
			return sl_call_fail(
				call, SL_RPC_CURSOR, "/params/cursor", "no cursor of this list");
		}
	}
	for (size_t i = first; i < json_array_size(array) && i - first < limit; i++) {
		if (json_array_append(page, json_array_get(array, i)) < 0)
			call->no_memory = true;
	}
	if (first + limit < json_array_size(array)) {
		snprintf(next, sizeof(next), "%zu", first + limit);
		sl_call_put(call, "cursor", json_string(next));
	}
	sl_call_put(call, member, page);
	json_decref(array);
	return 0;
}
