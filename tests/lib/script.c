/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "lb/fwd.h"
#include "net/addr.h"
#include "net/encap.h"

#define GUE_PORT 6080

const char *const script_tunnels[SCRIPT_TUNNELS] = {
	[SL_TUNNEL_IPIP] = "ipip", [SL_TUNNEL_GUE] = "gue", [SL_TUNNEL_GRE] = "gre"};

const struct script_option script_options[SCRIPT_OPTIONS] = {
	{"proxy", SL_SERVER_PROXY}, {"toa", SL_SERVER_TOA}};

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

struct sl_addr script_addr(const char *text)
{
	struct sl_addr addr;

	if (sl_addr_parse(text, &addr) != 0)
		script_die("not an address", text);
	return addr;
}

struct sl_addr script_addr_port(char *text, uint16_t *port)
{
	char *colon;

	if (text[0] == '[') {
		char *end = strchr(text++, ']');

		if (end == NULL)
			script_die("no closing bracket", text);
		*end = '\0';
		colon = end[1] == ':' ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		if (colon != NULL && strchr(colon + 1, ':') != NULL)
			colon = NULL; /* a bare IPv6 address */
	}
	*port = colon != NULL ? (uint16_t)atoi(colon + 1) : 0;
	if (colon != NULL)
		*colon = '\0';
	return script_addr(text);
}

/* TYPE[:PORT[:on|remote]] */
static void set_tunnel(struct rig_server *server, char *text)
{
	char *words[3] = {NULL};

	for (unsigned i = 0; i < RTE_DIM(words); i++)
		words[i] = strsep(&text, ":");
	server->tunnel = SCRIPT_TUNNELS;
	for (uint8_t i = 0; i < SCRIPT_TUNNELS; i++) {
		if (strcmp(script_tunnels[i], words[0]) == 0)
			server->tunnel = i;
	}
	if (server->tunnel == SCRIPT_TUNNELS)
		script_die("no such tunnel", words[0]);
	server->tunnel_port = words[1] != NULL ? (uint16_t)atoi(words[1]) : GUE_PORT;
	if (words[2] != NULL)
		server->tunnel_flags =
			strcmp(words[2], "remote") == 0 ? SL_TUNNEL_REMCSUM : SL_TUNNEL_CSUM;
}

static struct rig_server server_of(char *text)
{
	struct rig_server server = {.weight = 1, .fwd = SL_FWD_DR, .tunnel_port = GUE_PORT};
	char *method = strchr(text, '/'), *weight, *tunnel;

	if (method != NULL) {
		*method++ = '\0';
		tunnel = strchr(method, ':');
		if (tunnel != NULL) {
			*tunnel++ = '\0';
			set_tunnel(&server, tunnel);
		}
		if (sl_fwd_find(method) == NULL)
			script_die("no such forwarding method", method);
		server.fwd = sl_fwd_find(method)->method;
	}
	weight = strchr(text, '*');
	if (weight != NULL) {
		*weight++ = '\0';
		server.weight = (uint32_t)strtoul(weight, NULL, 10);
	}
	server.addr = script_addr_port(text, &server.port);
	return server;
}

static struct sl_service_key key_of(char **words)
{
	struct sl_service_key key = {.protocol = script_protocol(words[1])};

	key.vip = script_addr_port(words[2], &key.port);
	return key;
}

static uint8_t option_of(const char *word)
{
	for (unsigned i = 0; i < SCRIPT_OPTIONS; i++) {
		if (strcmp(script_options[i].name, word) == 0)
			return script_options[i].option;
	}
	return 0;
}

void script_service(struct rig *rig, char **words, unsigned n)
{
	struct rig_server servers[SCRIPT_WORDS_MAX];
	struct sl_service_key key = key_of(words);
	unsigned n_servers = 0;
	uint8_t options = 0;

	for (unsigned i = 4; i < n; i++) {
		if (option_of(words[i]) != 0)
			options |= option_of(words[i]);
		else
			servers[n_servers++] = server_of(words[i]);
	}
	rig_set(rig, &key, words[3], servers, n_servers, options);
}

void script_delete(struct rig *rig, char **words)
{
	struct sl_service_key key = key_of(words);

	rig_delete(rig, &key);
}
