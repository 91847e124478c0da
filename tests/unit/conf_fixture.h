/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations from a few words, for the tests of what works on them. */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"
#include "lb/sched.h"

/* A port lan0 with 192.168.8.11/24, and more members of the document ("" or ", ..."),
 * single-quoted. */
static inline struct sl_conf *conf_with(const char *more)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};
	char text[8192];

	snprintf(text, sizeof(text),
		"{'ports': [{'name': 'lan0', 'device': 'net_null0',"
		" 'addresses': ['192.168.8.11/24']}]%s}",
		more);
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '\'')
			*at = '"';
	}
	if (sl_conf_parse(text, strlen(text), &conf, &err) < 0)
		fail_msg("%s: %s: %s", text, err.path, err.message);
	return conf;
}

static inline struct sl_service_key conf_key(uint8_t protocol, const char *vip, uint16_t port)
{
	struct sl_service_key key = {.protocol = protocol, .port = port};

	assert_int_equal(sl_addr_parse(vip, &key.vip), 0);
	return key;
}

/* A service with one server for each address; NULL ends the list. */
static inline struct sl_conf_service *
conf_service(struct sl_service_key key, const char *sched, const char *const *servers)
{
	struct sl_conf_service *service;
	uint32_t n = 0;

	while (servers != NULL && servers[n] != NULL)
		n++;
	service = sl_conf_service_new(n);
	assert_non_null(service);
	service->key = key;
	service->sched = sl_sched_find(sched);
	assert_non_null(service->sched);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(sl_addr_parse(servers[i], &service->servers[i].address), 0);
		service->servers[i].port = key.port;
		service->servers[i].weight = 1;
		service->servers[i].fwd = SL_FWD_DR;
	}
	return service;
}

#define SERVERS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
