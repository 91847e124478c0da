/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every forwarding method, both ways, with many workers: what has to be true of a connection's
 * packets, whoever scheduled it. The model keeps a connection's two tuples, taken from what the
 * engine chose for its first packet, and its state; from then on every packet of it, its replies,
 * errors about either and fragments of either have to come out as the tuples say, byte for byte.
 */
#ifndef SIM_METHODS_H
#define SIM_METHODS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "lb/fwd.h"
#include "packet.h"
#include "rig.h"

#define METHODS_SERVICES 40
#define METHODS_SERVERS  5
#define METHODS_HOSTS    9 /* last bytes of servers' addresses: 1 to 8 */
#define METHODS_CONNS    4096
#define METHODS_FLIGHTS  4096
#define METHODS_LATER    64
#define METHODS_FIRSTS   256

struct end {
	struct sl_addr addr;
	uint16_t port;
};

struct service {
	struct sl_service_key key;
	const struct sl_fwd *fwd;
	bool present;
	unsigned n;
	struct rig_server servers[METHODS_SERVERS];
	/* By the last byte of a server's address: when it was removed, 0 = it was not; and its last
	 * method of those that rewrite nothing (struct sl_server, `plain`). */
	uint64_t removed_ns[METHODS_HOSTS];
	const struct sl_fwd *plain[METHODS_HOSTS];
};

struct conn {
	bool used;
	const struct service *service;
	const struct sl_fwd *fwd;         /* of the server when it was made */
	struct end client, local, server; /* local: what the server sees as its client */
	enum sl_state state;
	uint64_t seen_s;
	uint64_t ended_s; /* when it was forgotten: how soon is its tuple used again? */
};

enum kind { REQUEST, REPLY, ERROR_TO_SERVER, ERROR_TO_CLIENT };

/* A packet from its arrival to its end. */
struct flight {
	struct rte_mbuf *mbuf; /* NULL = free */
	enum kind kind;
	struct packet packet;
	struct packet quoted;
	const struct service *service; /* of a request */
	uint8_t protocol;
	struct end local, server; /* of the others: the server-side tuple that it belongs to */
	uint64_t arrived_ns;
};

/* A datagram's first fragment that was sent on. */
struct first {
	const struct service *service;
	struct end client;
	uint16_t id;
	uint64_t ns;
};

struct bench {
	uint64_t seed;
	struct sl_rand rand;
	struct rig rig;
	unsigned n_workers;
	const struct sl_snapshot *snapshot; /* of the worker that polls */
	struct service services[METHODS_SERVICES];
	unsigned n_services;
	struct conn conns[METHODS_CONNS];
	struct flight flights[METHODS_FLIGHTS];
	struct flight *later[METHODS_LATER]; /* fragments that have not arrived yet */
	unsigned n_later;
	struct first firsts[METHODS_FIRSTS]; /* the last ones */
	unsigned n_firsts;
	uint64_t packets, sent[4], created, dropped, punted, answered, held, busy, handed_over,
		fragments;
};

void methods_fail(const struct bench *b, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* The bench with one service of each method, family and protocol that the engine has. */
struct bench *methods_new(uint64_t seed, unsigned workers);
void methods_free(struct bench *b);

struct sl_addr methods_address(uint8_t family, unsigned net, unsigned n);

/*
 * A random change of a service, published. The model gets it by methods_follow(): a poll may be
 * under way that began before.
 */
struct methods_change {
	struct service *at; /* NULL = none */
	struct service next;
};
void methods_change(struct bench *b, struct methods_change *change);
void methods_follow(const struct methods_change *change);

struct end end_of(const struct sl_addr *addr, uint16_t port);
bool end_equal(const struct end *a, const struct end *b);

/* How a packet ended, held against what must be. The frame is NULL unless it was sent. */
void methods_judge(struct bench *b, const struct flight *f, enum rig_end end, const uint8_t *frame,
	size_t length, const char *reason);

/* Ids have moved along: connections of servers that were removed 120 s ago are gone. */
void methods_age(struct bench *b);

unsigned methods_host(const struct sl_addr *server); /* last byte of its address */

#endif
