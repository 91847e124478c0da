/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/parse.h"

#define QUARANTINE_NS (120ull * 1000000000ull)
#define CHAIN_MAX     8

struct model *model_new(unsigned n_workers)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	m->n_workers = n_workers;
	m->timeouts = sl_timeouts_default;
	return m;
}

static void free_servers(struct model_server *server)
{
	while (server != NULL) {
		struct model_server *next = server->next;

		free(server);
		server = next;
	}
}

void model_free(struct model *m)
{
	while (m->services != NULL) {
		struct model_service *next = m->services->next;

		free_servers(m->services->servers);
		free(m->services);
		m->services = next;
	}
	free_servers(m->graveyard);
	free(m);
}

/* ---- connections ---- */

static bool is_active(enum sl_state state)
{
	return state == SL_STATE_ESTABLISHED || state == SL_STATE_SYN_SENT ||
		state == SL_STATE_SYN_RECV || state == SL_STATE_SYNACK;
}

static void count(struct model_conn *conn, int by)
{
	uint32_t *counts = is_active(conn->state) ? conn->server->active : conn->server->inactive;

	counts[conn->worker] += (uint32_t)by;
}

static void set_state(struct model_conn *conn, enum sl_state state)
{
	count(conn, -1);
	conn->state = state;
	count(conn, 1);
}

static void forget(struct model_conn *conn)
{
	count(conn, -1);
	conn->used = false;
}

static bool is_expired(const struct model *m, const struct model_conn *conn)
{
	return m->now_ns / 1000000000 - conn->seen_s >= m->timeouts.s[conn->state];
}

/* The exact service's connection comes before the any-port one's. */
static struct model_conn *find_conn(struct model *m, const struct model_packet *p, bool any_port)
{
	for (unsigned i = 0; i < m->n_conns; i++) {
		struct model_conn *c = &m->conns[i];

		if (c->used && c->any_port == any_port && c->protocol == p->protocol &&
			c->client == p->client && c->client_port == p->client_port &&
			c->vip == p->vip && c->service_port == p->service_port)
			return c;
	}
	return NULL;
}

/* ---- services ---- */

static struct model_service *
find_service(struct model *m, uint8_t protocol, uint32_t vip, uint16_t port)
{
	for (struct model_service *s = m->services; s != NULL; s = s->next) {
		if (s->protocol == protocol && s->vip == vip && s->port == port)
			return s;
	}
	return NULL;
}

static struct model_server *find_in(struct model_server *list, const struct model_service *service,
	uint32_t address, uint16_t port)
{
	for (; list != NULL; list = list->next) {
		if (list->service == service && list->address == address && list->port == port &&
			!list->reaped)
			return list;
	}
	return NULL;
}

struct model_server *model_server_find(struct model *m, uint8_t protocol, uint32_t vip,
	uint16_t port, uint32_t address, uint16_t server_port)
{
	struct model_service *service = find_service(m, protocol, vip, port);
	struct model_server *server;

	if (service == NULL)
		return NULL;
	server = find_in(service->servers, service, address, server_port);
	return server != NULL ? server : find_in(m->graveyard, service, address, server_port);
}

static struct model_server **link_of(struct model_server **list, const struct model_server *server)
{
	while (*list != NULL && *list != server)
		list = &(*list)->next;
	return list;
}

static void bury(struct model *m, struct model_service *service, struct model_server *server)
{
	struct model_server *before = NULL;

	for (struct model_server *s = service->servers; s != server; s = s->next)
		before = s;
	*link_of(&service->servers, server) = server->next;
	server->before = before;
	server->deleted = true;
	server->deleted_ns = m->now_ns;
	server->next = m->graveyard;
	m->graveyard = server;
}

static bool
named(const struct model_server *server, const struct model_server_spec *specs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (specs[i].address == server->address && specs[i].port == server->port)
			return true;
	}
	return false;
}

/* Takes the server out of wherever it is, or makes one. */
static struct model_server *
obtain(struct model *m, struct model_service *service, const struct model_server_spec *spec)
{
	struct model_server *server = find_in(service->servers, service, spec->address, spec->port);

	if (server != NULL) {
		*link_of(&service->servers, server) = server->next;
	} else {
		server = find_in(m->graveyard, service, spec->address, spec->port);
		if (server != NULL)
			*link_of(&m->graveyard, server) = server->next;
		else
			server = calloc(1, sizeof(*server));
	}
	if (server == NULL)
		abort();
	server->service = service;
	server->address = spec->address;
	server->port = spec->port;
	server->weight = spec->weight;
	server->deleted = false;
	return server;
}

static void reset_positions(struct model_service *service)
{
	memset(service->worker, 0, sizeof(service->worker));
}

/* Whether the list named by `specs` is the one the service has, weights included. */
static bool
unchanged(const struct model_service *service, const struct model_server_spec *specs, unsigned n)
{
	const struct model_server *server = service->servers;

	for (unsigned i = n; i-- > 0; server = server->next) {
		if (server == NULL || server->address != specs[i].address ||
			server->port != specs[i].port || server->weight != specs[i].weight)
			return false;
	}
	return server == NULL;
}

void model_service_set(struct model *m, uint8_t protocol, uint32_t vip, uint16_t port,
	enum model_sched sched, const struct model_server_spec *servers, unsigned n)
{
	struct model_service *service = find_service(m, protocol, vip, port);
	struct model_server *list = NULL, *next;

	if (service == NULL) {
		service = calloc(1, sizeof(*service));
		if (service == NULL)
			abort();
		service->protocol = protocol;
		service->vip = vip;
		service->port = port;
		service->deleted = true;
		service->next = m->services;
		m->services = service;
	}
	if (service->deleted || service->sched != sched)
		reset_positions(service);
	else if (unchanged(service, servers, n))
		return;
	service->switched = !service->deleted && (service->switched || service->sched != sched);
	service->deleted = false;
	service->sched = sched;
	service->version = ++m->versions;
	for (struct model_server *s = service->servers; s != NULL; s = next) {
		next = s->next;
		if (!named(s, servers, n))
			bury(m, service, s);
	}
	for (unsigned i = 0; i < n; i++) {
		struct model_server *server = obtain(m, service, &servers[i]);

		server->next = list;
		list = server;
	}
	service->servers = list;
}

void model_service_delete(struct model *m, uint8_t protocol, uint32_t vip, uint16_t port)
{
	struct model_service *service = find_service(m, protocol, vip, port);

	if (service == NULL || service->deleted)
		return;
	service->deleted = true;
	while (service->servers != NULL)
		bury(m, service, service->servers);
}

void model_age(struct model *m)
{
	for (struct model_server *s = m->graveyard; s != NULL; s = s->next) {
		if (!s->reaped && m->now_ns - s->deleted_ns >= QUARANTINE_NS)
			s->reaped = true;
	}
}

void model_sweep(struct model *m, unsigned worker)
{
	for (unsigned i = 0; i < m->n_conns; i++) {
		struct model_conn *c = &m->conns[i];

		if (c->used && c->worker == worker && (c->server->reaped || is_expired(m, c)))
			forget(c);
	}
}

static void exchange_server(const struct model *m, struct model_server *server, unsigned worker)
{
	uint32_t active = 0, inactive = 0;

	for (unsigned w = 0; w < m->n_workers; w++) {
		active += w == worker ? 0 : server->active[w];
		inactive += w == worker ? 0 : server->inactive[w];
	}
	server->others_active[worker] = active;
	server->others_inactive[worker] = inactive;
}

void model_exchange(struct model *m, unsigned worker)
{
	for (struct model_service *s = m->services; s != NULL; s = s->next) {
		if (s->sched != MODEL_LC && s->sched != MODEL_WLC)
			continue;
		for (struct model_server *at = s->servers; at != NULL; at = at->next)
			exchange_server(m, at, worker);
	}
}

/* ---- scheduling: LVS's loops as plain scans ---- */

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * The last pick, or whom it stood behind when it was removed; NULL = the list's beginning. What was
 * found is kept: a server that comes back later is a new one at the head of the list.
 */
static struct model_server *last_pick(struct model_service *service, unsigned worker)
{
	struct model_server *last = service->worker[worker].last;

	for (int i = 0; last != NULL && last->deleted; i++)
		last = i < CHAIN_MAX ? last->before : NULL;
	service->worker[worker].last = last;
	return last;
}

static struct model_server *pick_rr(struct model_service *service, unsigned worker)
{
	struct model_server *last = last_pick(service, worker), *at = last;

	for (int i = 0; i < 2;) {
		at = at == NULL ? service->servers : at->next;
		if (at == NULL)
			i++; /* once around at most, and to the end again */
		else if (at->weight > 0)
			return at;
	}
	return NULL;
}

/* What becomes of the turn's weight when a change makes these the divisor and the highest weight.
 */
static int64_t keep_weight(int64_t current, uint32_t divisor, uint32_t max)
{
	int64_t top = divisor == 0 ? 0 : (int64_t)max - (divisor - 1);

	if (current > top || current == 0)
		return top;
	return divisor > 1 ? current / divisor * divisor + 1 : current;
}

static void weights_of(const struct model_server *list, uint32_t *divisor, uint32_t *max)
{
	*divisor = 0;
	*max = 0;
	for (; list != NULL; list = list->next) {
		*divisor = gcd(*divisor, list->weight);
		*max = list->weight > *max ? list->weight : *max;
	}
}

/* A new service gets its servers one by one, the last of the list first. */
static int64_t first_weight(const struct model_server *list)
{
	uint32_t divisor, max;
	int64_t current;

	if (list == NULL)
		return 0;
	current = first_weight(list->next);
	weights_of(list, &divisor, &max);
	return keep_weight(current, divisor, max);
}

static struct model_server *pick_wrr(struct model_service *service, unsigned worker)
{
	int64_t *cw = &service->worker[worker].current_weight;
	struct model_server *at = last_pick(service, worker);
	uint32_t divisor, max;

	weights_of(service->servers, &divisor, &max);
	if (service->worker[worker].version != service->version) {
		/* The list or a weight changed: from the beginning, the turn's weight kept. */
		at = NULL;
		if (service->worker[worker].version != 0)
			*cw = keep_weight(*cw, divisor, max);
		else
			*cw = service->switched ? keep_weight(0, divisor, max)
						: first_weight(service->servers);
		service->worker[worker].version = service->version;
		service->worker[worker].last = NULL;
	}
	if (max == 0)
		return NULL;
	for (;;) {
		at = at == NULL ? service->servers : at->next;
		if (at == NULL) {
			*cw -= divisor;
			if (*cw <= 0)
				*cw = keep_weight(0, divisor, max);
		} else if ((int64_t)at->weight >= *cw) {
			return at;
		}
	}
}

static uint64_t overhead(const struct model_server *server, unsigned worker)
{
	uint64_t active = server->active[worker] + server->others_active[worker];
	uint64_t inactive = server->inactive[worker] + server->others_inactive[worker];

	return active * 256 + inactive;
}

static struct model_server *
pick_least(struct model_service *service, unsigned worker, bool weighted)
{
	struct model_server *least = NULL;

	for (struct model_server *s = service->servers; s != NULL; s = s->next) {
		uint64_t lw = weighted && least != NULL ? least->weight : 1;
		uint64_t sw = weighted ? s->weight : 1;

		if (s->weight == 0)
			continue;
		if (least == NULL || overhead(least, worker) * sw > overhead(s, worker) * lw)
			least = s;
	}
	return least;
}

static struct model_server *pick(struct model_service *service, unsigned worker)
{
	struct model_server *server;

	switch (service->sched) {
	case MODEL_RR:
		server = pick_rr(service, worker);
		break;
	case MODEL_WRR:
		server = pick_wrr(service, worker);
		break;
	default:
		return pick_least(service, worker, service->sched == MODEL_WLC);
	}
	if (server != NULL)
		service->worker[worker].last = server;
	return server;
}

/* ---- a packet ---- */

static struct model_conn *new_conn(struct model *m)
{
	for (unsigned i = 0; i < m->n_conns; i++) {
		if (!m->conns[i].used)
			return &m->conns[i];
	}
	if (m->n_conns == MODEL_CONNS)
		abort();
	return &m->conns[m->n_conns++];
}

static enum sl_state next_state(const struct model_conn *conn, const struct model_packet *p)
{
	return p->protocol == IPPROTO_UDP ? SL_STATE_UDP
					  : sl_tcp_next_oneside(conn->state, p->tcp_flags);
}

static struct model_outcome
follow(struct model *m, struct model_conn *conn, const struct model_packet *p)
{
	if (conn->server->deleted)
		return (struct model_outcome){.verdict = MODEL_SERVER_REMOVED};
	set_state(conn, next_state(conn, p));
	conn->data |= p->payload > 0;
	conn->seen_s = m->now_ns / 1000000000;
	if (p->ttl <= 1)
		return (struct model_outcome){.verdict = MODEL_TIME_EXCEEDED};
	return (struct model_outcome){.verdict = MODEL_FORWARD, .server = conn->server->address};
}

static bool opens_connection(const struct model_packet *p)
{
	return p->protocol == IPPROTO_UDP ||
		(p->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) == SL_TCP_SYN;
}

static struct model_service *live(struct model_service *service)
{
	return service == NULL || service->deleted ? NULL : service;
}

struct model_outcome model_packet(struct model *m, unsigned worker, const struct model_packet *p)
{
	struct model_service *exact = live(find_service(m, p->protocol, p->vip, p->service_port));
	struct model_service *service =
		exact != NULL ? exact : live(find_service(m, p->protocol, p->vip, 0));
	struct model_outcome outcome;
	struct model_conn *conn;

	for (int any_port = 0; any_port < 2; any_port++) {
		conn = find_conn(m, p, any_port);
		if (conn == NULL)
			continue;
		if (conn->server->reaped || is_expired(m, conn)) {
			forget(conn);
		} else if (p->protocol == IPPROTO_TCP && (p->tcp_flags & SL_TCP_SYN) &&
			sl_tcp_reusable(conn->state)) {
			if (service != NULL)
				forget(conn);
		} else {
			return follow(m, conn, p);
		}
	}
	if (service == NULL)
		return (struct model_outcome){.verdict = MODEL_LINUX};
	if (!opens_connection(p))
		return (struct model_outcome){.verdict = MODEL_LINUX};
	conn = new_conn(m);
	*conn = (struct model_conn){.protocol = p->protocol,
		.client = p->client,
		.client_port = p->client_port,
		.vip = p->vip,
		.service_port = p->service_port,
		.any_port = service->port == 0,
		.worker = worker};
	conn->server = pick(service, worker);
	if (conn->server == NULL)
		return (struct model_outcome){.verdict = MODEL_UNREACHABLE};
	conn->used = true;
	conn->state = p->protocol == IPPROTO_UDP ? SL_STATE_UDP : SL_STATE_NONE;
	count(conn, 1);
	outcome = follow(m, conn, p);
	outcome.created = true;
	return outcome;
}
