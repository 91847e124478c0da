/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "lb/fwd.h"
#include "net/addr.h"

void script_die(const char *what, const char *which)
{
	fprintf(stderr, "script: %s: %s\n", what, which);
	exit(2);
}

unsigned script_split(char *line, char *words[SCRIPT_WORDS_MAX])
{
	char *rest = line;
	unsigned n = 0;

	while (n < SCRIPT_WORDS_MAX && (words[n] = strtok_r(rest, " \n", &rest)) != NULL)
		n++;
	return n;
}

uint32_t script_address(const char *text)
{
	struct sl_addr addr;

	if (sl_addr_parse(text, &addr) != 0 || addr.family != 4)
		script_die("not an IPv4 address", text);
	return rte_be_to_cpu_32(addr.v4);
}

uint32_t script_endpoint(char *text, uint16_t *port)
{
	char *colon = strchr(text, ':');

	if (colon == NULL)
		script_die("no port", text);
	*colon = '\0';
	*port = (uint16_t)atoi(colon + 1);
	return script_address(text);
}

uint8_t script_protocol(const char *text)
{
	if (strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0)
		script_die("not a protocol", text);
	return text[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
}

static struct rig_server server_of(char *text)
{
	struct rig_server server = {.weight = 1, .fwd = SL_FWD_DR};
	char *method = strchr(text, '/'), *weight;

	if (method != NULL) {
		*method++ = '\0';
		if (sl_fwd_find(method) == NULL)
			script_die("no such forwarding method", method);
		server.fwd = sl_fwd_find(method)->method;
	}
	weight = strchr(text, '*');
	if (weight != NULL) {
		*weight++ = '\0';
		server.weight = (uint32_t)strtoul(weight, NULL, 10);
	}
	server.address = script_address(text);
	return server;
}

void script_service(struct rig *rig, char **words, unsigned n)
{
	struct rig_server servers[SCRIPT_WORDS_MAX];
	uint16_t port;
	uint32_t vip;

	vip = script_endpoint(words[2], &port);
	for (unsigned i = 4; i < n; i++)
		servers[i - 4] = server_of(words[i]);
	rig_service(rig, script_protocol(words[1]), vip, port, words[3], servers, n - 4);
}

void script_delete(struct rig *rig, char **words)
{
	uint16_t port;
	uint32_t vip = script_endpoint(words[2], &port);

	rig_service_delete(rig, script_protocol(words[1]), vip, port);
}
