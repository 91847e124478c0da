/* SPDX-License-Identifier: BSD-3-Clause */
/* The services of the bench, and how they change. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "methods.h"

#define FAMILIES 2

/* ---- the bench ---- */

struct sl_addr methods_address(uint8_t family, unsigned net, unsigned n)
{
	char text[SL_ADDR_TEXT];
	struct sl_addr addr;

	snprintf(text, sizeof(text), family == 6 ? "2001:db8:%x::%x" : "10.%u.0.%u", net, n);
	sl_addr_parse(text, &addr);
	return addr;
}

/* What the configuration says of the service from now on. */
static void set(struct bench *b, struct service *s)
{
	static const char *const schedulers[] = {"rr", "wlc"};

	if (!s->present) {
		if (sl_registry_front(b->rig.engine->registry, &s->key) != SL_ID_NONE)
			rig_delete(&b->rig, &s->key);
		return;
	}
	for (unsigned i = 0; i < s->n; i++) {
		const struct sl_fwd *fwd = sl_fwds[s->servers[i].fwd];

		if (!(fwd->traits & SL_FWD_SETS_PORT))
			s->plain[methods_host(&s->servers[i].addr)] = fwd;
	}
	rig_set(&b->rig, &s->key, schedulers[s->key.port % 2], s->servers, s->n, 0);
}

static void add_server(struct bench *b, struct service *s)
{
	uint8_t family = s->key.vip.family;
	unsigned host = 1 + (unsigned)sl_rand_below(&b->rand, METHODS_HOSTS - 1);
	struct rig_server server = {
		.addr = methods_address(family, 2, host),
		.weight = (uint32_t)sl_rand_below(&b->rand, 4),
		.fwd = s->fwd->method,
		/* few of them, so that services share servers' endpoints */
		.port = (uint16_t)(s->fwd->traits & SL_FWD_SETS_PORT ? 8000 + host % 2
								     : s->key.port),
	};

	for (unsigned i = 0; i < s->n; i++) {
		if (sl_addr_equal(&s->servers[i].addr, &server.addr))
			return;
	}
	if (s->n == METHODS_SERVERS)
		return;
	s->servers[s->n++] = server;
	if (s->present)
		s->removed_ns[host] = 0;
}

/* The service goes or comes, and all its servers with it. */
static void toggle(struct bench *b, struct service *s)
{
	s->present = !s->present;
	for (unsigned i = 0; i < s->n; i++)
		s->removed_ns[methods_host(&s->servers[i].addr)] = s->present ? 0 : b->rig.time.ns;
}

static void remove_server(struct bench *b, struct service *s, unsigned at)
{
	if (s->present)
		s->removed_ns[methods_host(&s->servers[at].addr)] = b->rig.time.ns;
	s->servers[at] = s->servers[--s->n];
}

static void
add_service(struct bench *b, const char *method, uint8_t family, uint8_t protocol, uint16_t port)
{
	struct service *s = &b->services[b->n_services];

	if (sl_fwd_find(method) == NULL)
		return;
	*s = (struct service){.fwd = sl_fwd_find(method), .present = true};
	s->key = (struct sl_service_key){.protocol = protocol,
		.vip = methods_address(family, 1, b->n_services + 1),
		.port = port};
	for (unsigned i = 0; i < METHODS_SERVERS; i++)
		add_server(b, s);
	set(b, s);
	b->n_services++;
}

static void add_routes(struct bench *b)
{
	static const char *const prefixes[FAMILIES] = {"0.0.0.0/0", "::/0"};
	static const char *const gateways[FAMILIES] = {"10.9.9.9", "2001:db8:9::9"};
	struct sl_addr locals[4], gateway;
	struct sl_prefix prefix;

	for (unsigned i = 0; i < FAMILIES; i++) {
		sl_prefix_parse(prefixes[i], &prefix);
		sl_addr_parse(gateways[i], &gateway);
		rig_route(&b->rig, &prefix, SL_ROUTE_HOP, 0, &gateway);
		for (unsigned n = 0; n < 2; n++)
			locals[2 * i + n] = methods_address(i == 0 ? 4 : 6, 3, n + 1);
	}
	rig_full_nat(&b->rig, locals, 4, 20000, 60000);
	/* the outer sources of tunnels */
	rig_locals(
		&b->rig, locals, 4, (struct sl_local_source[]){{0, locals[0]}, {0, locals[2]}}, 2);
}

struct bench *methods_new(uint64_t seed, unsigned workers)
{
	static const char *const methods[] = {"dr", "tun", "nat", "fullnat"};
	struct bench *b = calloc(1, sizeof(*b));

	if (b == NULL)
		abort();
	b->seed = seed;
	b->n_workers = workers;
	sl_rand_seed(&b->rand, seed);
	rig_open(&b->rig,
		&(struct rig_params){.seed = seed,
			.workers = workers,
			.connections = 8192 * workers,
			.icmp_rate = 1000000000,
			.handover = 2});
	for (unsigned i = 0; i < workers; i++)
		rig_idle(&b->rig, i);
	add_routes(b);
	for (unsigned m = 0; m < RTE_DIM(methods); m++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			add_service(b, methods[m], family, IPPROTO_TCP, 80);
			add_service(b, methods[m], family, IPPROTO_UDP, 53);
		}
	}
	/* One client's port meets more NAT services than its lines have room for. */
	for (unsigned i = 0; i < 12; i++)
		add_service(b, "nat", 4, IPPROTO_TCP, (uint16_t)(100 + i));
	b->rig.in_flight = true;
	return b;
}

void methods_free(struct bench *b)
{
	for (unsigned i = 0; i < METHODS_FLIGHTS; i++)
		packet_free(b->flights[i].mbuf);
	rig_close(&b->rig);
	free(b);
}

/* Another method for a server, one that its port allows. */
static void change_method(struct bench *b, const struct service *s, struct rig_server *server)
{
	const struct sl_fwd *fwd = sl_fwds[sl_rand_below(&b->rand, SL_FWD_METHODS)];

	if (fwd->routes && (server->port == s->key.port || (fwd->traits & SL_FWD_SETS_PORT)))
		server->fwd = fwd->method;
}

static void mutate(struct bench *b, struct service *s)
{
	unsigned at = s->n > 0 ? (unsigned)sl_rand_below(&b->rand, s->n) : 0;

	switch (sl_rand_below(&b->rand, 8)) {
	case 0:
		toggle(b, s);
		break;
	case 1:
		if (s->n > 0)
			remove_server(b, s, at);
		break;
	case 2:
		if (s->n > 0)
			s->servers[at].weight = (uint32_t)sl_rand_below(&b->rand, 3);
		break;
	case 3:
		if (s->n > 0)
			change_method(b, s, &s->servers[at]);
		break;
	default:
		add_server(b, s);
	}
}

void methods_change(struct bench *b, struct methods_change *change)
{
	unsigned late;

	change->at = NULL;
	if (!sl_engine_can_publish(b->rig.engine, &late))
		return;
	change->at = &b->services[sl_rand_below(&b->rand, b->n_services)];
	change->next = *change->at;
	mutate(b, &change->next);
	set(b, &change->next);
}

void methods_follow(const struct methods_change *change)
{
	if (change->at != NULL)
		*change->at = change->next;
}
