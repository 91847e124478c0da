/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "methods.h"

#define QUARANTINE_NS (120 * SL_NS_PER_S)
#define LINGER_S      60 /* FullNAT: before a local endpoint is used towards the same server again */

void methods_fail(const struct bench *b, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "methods: seed %" PRIu64 ", %u workers, packet %" PRIu64 ": ", b->seed,
		b->n_workers, b->packets);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

struct end end_of(const struct sl_addr *addr, uint16_t port)
{
	return (struct end){*addr, port};
}

bool end_equal(const struct end *a, const struct end *b)
{
	return a->port == b->port && sl_addr_equal(&a->addr, &b->addr);
}

static uint64_t now_s(const struct bench *b)
{
	return b->rig.time.ns / SL_NS_PER_S;
}

static bool both_ways(const struct sl_fwd *fwd)
{
	return fwd->traits & SL_FWD_SETS_PORT;
}

static void forget(struct bench *b, struct conn *c)
{
	c->used = false;
	c->ended_s = c->seen_s;
}

static bool is_over(const struct bench *b, const struct conn *c)
{
	return now_s(b) - c->seen_s >= sl_timeouts_default.s[c->state];
}

/* The connection, if it still counts. */
static struct conn *find(struct bench *b, const struct service *s, const struct end *client)
{
	for (unsigned i = 0; i < METHODS_CONNS; i++) {
		struct conn *c = &b->conns[i];

		if (!c->used || c->service != s || !end_equal(&c->client, client))
			continue;
		if (!is_over(b, c))
			return c;
		forget(b, c);
	}
	return NULL;
}

/* The service's server with this address; NULL when it has none. */
static const struct rig_server *server_of(const struct service *s, const struct sl_addr *address)
{
	for (unsigned i = 0; s->present && i < s->n; i++) {
		if (sl_addr_equal(&s->servers[i].addr, address))
			return &s->servers[i];
	}
	return NULL;
}

unsigned methods_host(const struct sl_addr *server)
{
	return server->bytes[server->family == 6 ? 15 : 3];
}

void methods_age(struct bench *b)
{
	for (unsigned i = 0; i < METHODS_CONNS; i++) {
		struct conn *c = &b->conns[i];
		uint64_t removed;

		if (!c->used)
			continue;
		removed = c->service->removed_ns[methods_host(&c->server.addr)];
		if (removed != 0 && b->rig.time.ns - removed >= QUARANTINE_NS)
			forget(b, c);
	}
}

static void step_state(struct bench *b, struct conn *c, uint8_t flags, enum sl_direction direction)
{
	if (c->service->key.protocol == IPPROTO_UDP)
		c->state = SL_STATE_UDP;
	else if (both_ways(c->fwd))
		c->state = sl_tcp_next(c->state, flags, direction);
	else
		c->state = sl_tcp_next_oneside(c->state, flags);
	c->seen_s = now_s(b);
}

/* ---- what has to come out ---- */

static struct packet changed(const struct packet *p, const struct end *from, const struct end *to)
{
	struct packet out = *p;

	out.from = from->addr;
	out.src_port = from->port;
	out.to = to->addr;
	out.dst_port = to->port;
	return out;
}

/* The bytes of `want` from the IP header on, one TTL less, in a frame to `neighbour`. */
static void check_bytes(const struct bench *b, struct packet want, const struct sl_addr *neighbour,
	const uint8_t *frame, size_t length)
{
	static uint8_t expected[65536];
	uint8_t mac[6];
	size_t n;

	want.ttl = (uint8_t)((want.ttl == 0 ? 64 : want.ttl) - 1);
	n = packet_write(&want, expected);
	rig_mac(neighbour, mac);
	memcpy(expected, mac, 6);
	memcpy(expected + 6, packet_port_mac, 6);
	if (n == length && memcmp(frame, expected, n) == 0)
		return;
	for (size_t i = 0; i < n && i < length; i++) {
		if (frame[i] != expected[i])
			methods_fail(b, "byte %zu is %02x, must be %02x (of %zu, %zu)", i, frame[i],
				expected[i], length, n);
	}
	methods_fail(b, "%zu bytes came out, must be %zu", length, n);
}

static const struct sl_addr *gateway(uint8_t family)
{
	static struct sl_addr gateways[2];

	sl_addr_parse("10.9.9.9", &gateways[0]);
	sl_addr_parse("2001:db8:9::9", &gateways[1]);
	return &gateways[family == 6];
}

static struct end vip_of(const struct conn *c)
{
	return end_of(&c->service->key.vip, c->service->key.port);
}

/* A tunnel's inner packet; DR and local have none around it. */
static void check_request(const struct bench *b, const struct flight *f, const struct conn *c,
	const uint8_t *frame, size_t length)
{
	struct packet want = f->packet;
	uint8_t inner[2048];
	size_t outer = c->server.addr.family == 6 ? 40 : 20;

	if (!(c->fwd->traits & SL_FWD_TUNNELS)) {
		if (both_ways(c->fwd))
			want = changed(&f->packet, &c->local, &c->server);
		check_bytes(b, want, &c->server.addr, frame, length);
		return;
	}
	if (length < 14 + outer || length - outer > sizeof(inner))
		methods_fail(b, "no room for a tunnel in %zu bytes", length);
	memcpy(inner, frame, 14);
	memcpy(inner + 14, frame + 14 + outer, length - 14 - outer);
	inner[12] = f->service->key.vip.family == 6 ? 0x86 : 0x08;
	inner[13] = f->service->key.vip.family == 6 ? 0xdd : 0x00;
	if (memcmp(frame + (outer == 40 ? 38 : 30), c->server.addr.bytes, outer == 40 ? 16 : 4) !=
		0)
		methods_fail(b, "a tunnel to another server");
	check_bytes(b, want, &c->server.addr, inner, length - outer);
}

/* ---- a new connection: what the engine chose ---- */

static struct end end_in(const uint8_t *at, uint8_t family, const uint8_t *port)
{
	struct end end = {.addr = {.family = family}};

	memcpy(end.addr.bytes, at, family == 6 ? 16 : 4);
	end.port = (uint16_t)(port[0] << 8 | port[1]);
	return end;
}

/* Whom the packet went to, and what as. */
static void choose(const struct bench *b, struct conn *c, const uint8_t *frame, bool fragment)
{
	const struct service *s = c->service;
	bool v6 = frame[14] >> 4 == 6;
	const uint8_t *ip = frame + 14, *l4 = ip + (v6 ? 40 : 20) + (v6 && fragment ? 8 : 0);

	c->local = c->client;
	for (unsigned i = 0; i < s->n; i++) {
		const struct rig_server *server = &s->servers[i];
		uint8_t mac[6];

		rig_mac(&server->addr, mac);
		if (memcmp(frame, mac, 6) != 0)
			continue;
		if (server->weight == 0)
			methods_fail(b, "a new connection to a server of weight 0");
		c->fwd = sl_fwds[server->fwd];
		c->server = end_of(&server->addr, server->port);
		if (c->fwd->traits & SL_FWD_SETS_SOURCE)
			c->local = end_in(ip + (v6 ? 8 : 12), v6 ? 6 : 4, l4);
		return;
	}
	methods_fail(b, "a new connection to nobody's server");
}

/*
 * A server's reply has to be told from those of every other connection. NAT takes the place of one
 * that is closing.
 */
static void check_unique(struct bench *b, const struct conn *c)
{
	bool source = c->fwd->traits & SL_FWD_SETS_SOURCE;

	for (unsigned i = 0; i < METHODS_CONNS && both_ways(c->fwd); i++) {
		struct conn *other = &b->conns[i];
		uint64_t since = now_s(b) - other->ended_s;

		if (other == c || other->service == NULL || !both_ways(other->fwd) ||
			other->service->key.protocol != c->service->key.protocol ||
			!end_equal(&other->local, &c->local) ||
			!end_equal(&other->server, &c->server))
			continue;
		if (other->used && !source && sl_tcp_reusable(other->state))
			forget(b, other);
		else if (other->used ? !is_over(b, other) : source && since < LINGER_S)
			methods_fail(b, "two connections with the same server-side tuple");
	}
}

static struct conn *new_conn(struct bench *b)
{
	struct conn *oldest = NULL;

	for (unsigned i = 0; i < METHODS_CONNS; i++) {
		struct conn *c = &b->conns[i];

		if (c->used && is_over(b, c))
			forget(b, c);
		if (!c->used && (oldest == NULL || c->ended_s < oldest->ended_s))
			oldest = c;
	}
	if (oldest == NULL)
		methods_fail(b, "the model is full");
	return oldest;
}

static void create(struct bench *b, const struct flight *f, const uint8_t *frame, size_t length)
{
	struct conn *c = new_conn(b);
	struct sl_addr from = packet_from(&f->packet);

	*c = (struct conn){.service = f->service, .client = end_of(&from, f->packet.src_port)};
	choose(b, c, frame, f->packet.part_to != 0);
	check_unique(b, c);
	c->used = true;
	c->state = SL_STATE_NONE;
	step_state(b, c, f->packet.flags, SL_DIR_IN);
	check_request(b, f, c, frame, length);
	b->created++;
}

/* Whether the client has a connection to one of the service's servers' ports already. */
static bool is_busy(const struct bench *b, const struct service *s, const struct end *client)
{
	for (unsigned i = 0; i < METHODS_CONNS; i++) {
		const struct conn *c = &b->conns[i];
		const struct rig_server *server;

		if (!c->used || !end_equal(&c->local, client) ||
			c->service->key.protocol != s->key.protocol)
			continue;
		server = server_of(s, &c->server.addr);
		if (server != NULL && server->port == c->server.port)
			return true;
	}
	return false;
}

/* Why a new connection may be refused. */
static void check_refused(struct bench *b, const struct service *s, const struct end *client,
	enum rig_end end, const char *reason, bool answered)
{
	bool usable = false;

	for (unsigned i = 0; i < s->n; i++)
		usable |= s->servers[i].weight > 0;
	if (!usable && answered)
		return;
	if (end == RIG_DROPPED && strcmp(reason, "nat_tuple_busy") == 0 && is_busy(b, s, client)) {
		b->busy++;
		return;
	}
	methods_fail(b, "a new connection was refused: %s", reason);
}

static bool opens(const struct flight *f)
{
	if (f->packet.part_from != 0)
		return false;
	return f->service->key.protocol == IPPROTO_UDP ||
		(f->packet.flags & (SL_TCP_SYN | SL_TCP_RST)) == SL_TCP_SYN;
}

static void request(struct bench *b, const struct flight *f, enum rig_end end, const uint8_t *frame,
	size_t length, const char *reason, bool answered)
{
	struct sl_addr from = packet_from(&f->packet);
	struct end client = end_of(&from, f->packet.src_port);
	struct conn *c = find(b, f->service, &client);
	bool sent = end == RIG_SENT && !answered;

	if (b->snapshot->n_services == 0) { /* the engine is out of the way */
		if (sent)
			methods_fail(b, "a packet was forwarded without any service");
		return;
	}
	if (c != NULL && f->service->key.protocol == IPPROTO_TCP &&
		(f->packet.flags & SL_TCP_SYN) && sl_tcp_reusable(c->state)) {
		forget(b, c);
		c = NULL;
	}
	if (c != NULL && server_of(f->service, &c->server.addr) == NULL) {
		if (end != RIG_DROPPED)
			methods_fail(b, "a removed server's connection goes on");
		return;
	}
	if (c != NULL) {
		if (!sent)
			methods_fail(b, "a connection's packet was not forwarded: %s", reason);
		/* dr and tun take each other's connections over */
		if (!both_ways(c->fwd))
			c->fwd = f->service->plain[methods_host(&c->server.addr)];
		step_state(b, c, f->packet.flags, SL_DIR_IN);
		check_request(b, f, c, frame, length);
		return;
	}
	if (!f->service->present || !opens(f)) {
		if (sent)
			methods_fail(b, "a packet of no connection was forwarded");
		return;
	}
	if (sent)
		create(b, f, frame, length);
	else
		check_refused(b, f->service, &client, end, reason, answered);
}

static void reply(struct bench *b, const struct flight *f, struct conn *c, bool sent,
	const uint8_t *frame, size_t length, const char *reason)
{
	struct end vip = vip_of(c);

	if (!sent)
		methods_fail(b, "a reply was not forwarded: %s", reason);
	step_state(b, c, f->packet.flags, SL_DIR_OUT);
	check_bytes(
		b, changed(&f->packet, &vip, &c->client), gateway(vip.addr.family), frame, length);
}

/* An error about a packet of the other direction, which it quotes. */
static void error(struct bench *b, const struct flight *f, const struct conn *c, bool sent,
	const uint8_t *frame, size_t length, const char *reason)
{
	struct end vip = vip_of(c);
	struct packet quoted, want = f->packet;

	if (!sent)
		methods_fail(b, "an ICMP error was not forwarded: %s", reason);
	want.quoted = &quoted;
	if (f->kind == ERROR_TO_SERVER) {
		quoted = changed(&f->quoted, &c->server, &c->local);
		want.to = c->server.addr;
		if (c->fwd->traits & SL_FWD_SETS_SOURCE)
			want.from = c->local.addr;
		check_bytes(b, want, &c->server.addr, frame, length);
		return;
	}
	quoted = changed(&f->quoted, &c->client, &vip);
	want.from = vip.addr;
	want.to = c->client.addr;
	check_bytes(b, want, gateway(vip.addr.family), frame, length);
}

/* The connection that a reply or an error belongs to now: while it was on its way, the tuple may
 * have become another one's. */
static struct conn *find_tuple(struct bench *b, const struct flight *f)
{
	for (unsigned i = 0; i < METHODS_CONNS; i++) {
		struct conn *c = &b->conns[i];

		if (c->used && both_ways(c->fwd) && !is_over(b, c) &&
			c->service->key.protocol == f->protocol &&
			end_equal(&c->local, &f->local) && end_equal(&c->server, &f->server))
			return c;
	}
	return NULL;
}

/* Whether a packet may have been lost on its way to where it would have been known. */
static void check_lost(const struct bench *b, const struct flight *f, const char *reason)
{
	struct sl_addr from = packet_from(&f->packet);
	struct end client = end_of(&from, f->packet.src_port);

	if (strcmp(reason, "handover_full") == 0 && b->n_workers > 1)
		return;
	if (strcmp(reason, "fragment_timeout") != 0 || f->packet.part_to == 0)
		methods_fail(b, "a packet was dropped: %s", reason);
	/* With rings between them, who can say when each came to the worker that counts? */
	for (unsigned i = 0; i < METHODS_FIRSTS && b->n_workers == 1; i++) {
		const struct first *first = &b->firsts[i];
		uint64_t between = first->ns > f->arrived_ns ? first->ns - f->arrived_ns
							     : f->arrived_ns - first->ns;

		if (first->service == f->service && first->id == f->packet.id &&
			end_equal(&first->client, &client) && between < SL_NS_PER_S)
			methods_fail(b, "a fragment was given up, and its first one came");
	}
}

static void count_fragment(struct bench *b, const struct flight *f)
{
	struct sl_addr from = packet_from(&f->packet);

	b->fragments += f->packet.part_from != 0;
	if (f->packet.part_from != 0 || f->packet.part_to == 0)
		return;
	b->firsts[b->n_firsts++ % METHODS_FIRSTS] = (struct first){
		.service = f->service,
		.client = end_of(&from, f->packet.src_port),
		.id = f->packet.id,
		.ns = f->arrived_ns,
	};
}

static bool is_loss(const char *reason)
{
	return strcmp(reason, "handover_full") == 0 || strncmp(reason, "fragment_", 9) == 0;
}

void methods_judge(struct bench *b, const struct flight *f, enum rig_end end, const uint8_t *frame,
	size_t length, const char *reason)
{
	bool answered = end == RIG_SENT && reason != NULL;
	bool sent = end == RIG_SENT && !answered;
	struct conn *c;

	b->sent[f->kind] += sent;
	b->answered += answered;
	b->dropped += end == RIG_DROPPED;
	b->punted += end == RIG_PUNTED;
	if (reason == NULL)
		reason = end == RIG_PUNTED ? "punted" : "";
	if (sent)
		count_fragment(b, f);
	/* With rings of two entries, packets are lost on their way; a fragment without its first
	 * one likewise. */
	if (end == RIG_DROPPED && is_loss(reason)) {
		check_lost(b, f, reason);
		return;
	}
	if (f->kind == REQUEST) {
		request(b, f, end, frame, length, reason, answered);
		return;
	}
	c = find_tuple(b, f);
	if (c == NULL)
		return; /* it is transit by now */
	/* What removed servers have to say still leaves, as with LVS. */
	if (f->kind == ERROR_TO_SERVER && server_of(c->service, &c->server.addr) == NULL)
		return;
	if (f->kind == REPLY)
		reply(b, f, c, sent, frame, length, reason);
	else
		error(b, f, c, sent, frame, length, reason);
}
