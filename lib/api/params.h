/* SPDX-License-Identifier: BSD-3-Clause */
/* Parameters that several methods take, as pieces of schema and as C. Configuration thread. */
#ifndef SL_API_PARAMS_H
#define SL_API_PARAMS_H

#include <stdint.h>

#include <jansson.h>

#include "api/rpc.h"
#include "conf/model.h"
#include "lb/registry.h"

/* Pieces of JSON Schema; they stand inside "properties": {...}. */
#define SL_SCHEMA(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define SL_SCHEMA_NEEDS(required, properties)                                                      \
	"{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"

#define SL_SCHEMA_SERVICE_KEY                                                                      \
	"\"service\":{\"title\":\"The virtual service\",\"type\":\"object\","                      \
	"\"additionalProperties\":false,\"required\":[\"protocol\",\"address\",\"port\"],"         \
	"\"properties\":{\"protocol\":{\"$ref\":\"#/$defs/protocol\"},"                            \
	"\"address\":{\"$ref\":\"#/$defs/address\"},"                                              \
	"\"port\":{\"$ref\":\"#/$defs/service_port\"}}}"

#define SL_SCHEMA_PAGE                                                                             \
	"\"cursor\":{\"title\":\"Where to go on: the cursor of the page before\","                 \
	"\"type\":\"string\",\"maxLength\":128},"                                                  \
	"\"limit\":{\"title\":\"Entries in a page, about\",\"type\":\"integer\","                  \
	"\"minimum\":1,\"maximum\":10000}"

#define SL_PAGE_DEFAULT 1000

/* The limit of SL_SCHEMA_PAGE, or its default. */
unsigned sl_param_limit(const struct sl_call *call);

/* Reads a service's or a server's address and port from an object that was checked. */
void sl_param_service_key(const json_t *object, struct sl_service_key *key);
void sl_param_address(const json_t *object, const char *key, struct sl_addr *address);

/*
 * The service that params.service names; NULL after sl_call_fail(): then the call's code is
 * SL_RPC_NO_SERVICE.
 */
const struct sl_conf_service *sl_param_service(struct sl_call *call);

/* An object {protocol, address, port}; NULL without memory. */
json_t *sl_service_key_json(const struct sl_service_key *key);

/* "tcp 192.168.8.100:80", for messages and cursors. */
#define SL_SERVICE_KEY_TEXT 72
const char *sl_service_key_text(const struct sl_service_key *key, char text[SL_SERVICE_KEY_TEXT]);

/*
 * One page over the services of the running configuration, in order. `row` returns how many entries
 * it has put, 0 when it leaves the service out, or a negative number when there is no memory. Sets
 * "cursor" in the result when more follows. Returns 0 or an enum sl_rpc_code.
 */
typedef int (*sl_service_row)(
	struct sl_call *call, const struct sl_conf_service *service, json_t *array);
int sl_page_services(struct sl_call *call, const char *member, sl_service_row row);

/* The same for an array that is at hand; it is taken over, NULL is a lack of memory. */
int sl_page_array(struct sl_call *call, const char *member, json_t *array);

#endif
