/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine as one would write it with no thought for speed: lists, full tuples, plain scans.
 * The simulator gives the model and the real engine the same packets, changes and clock, and
 * compares every outcome. It shares no code with the engine but the tables of TCP states.
 *
 * What the model leaves out: buckets and eviction (its table is never full, and
 * the engine's so large that an insertion need not take the place of an expired entry), and pacing
 * (an entry that has expired is gone at once; the engine's counts follow at its next sweep).
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lb/tcp_state.h"

#define MODEL_WORKERS 8
#define MODEL_CONNS   65536

enum model_sched { MODEL_RR, MODEL_WRR, MODEL_LC, MODEL_WLC, MODEL_SCHEDS };

struct model_server {
	struct model_server *next; /* LVS's list order: the last one added stands first */
	uint32_t address;          /* host order everywhere in the model */
	uint16_t port;
	uint32_t weight;
	bool deleted;
	bool reaped; /* its id is on its way to somebody else */
	uint64_t deleted_ns;
	struct model_service *service;
	struct model_server *before; /* when deleted: whom it stood behind, NULL = first */
	/* of each worker: its own connections, and those of the others as it was last told */
	uint32_t active[MODEL_WORKERS], inactive[MODEL_WORKERS];
	uint32_t others_active[MODEL_WORKERS], others_inactive[MODEL_WORKERS];
};

struct model_service {
	struct model_service *next;
	uint8_t protocol;
	uint32_t vip;
	uint16_t port; /* 0 = any */
	bool deleted;
	enum model_sched sched;
	bool switched;                /* from another scheduler, with servers that were there */
	struct model_server *servers; /* live ones */
	struct {                      /* scheduler position of each worker */
		struct model_server *last;
		int64_t current_weight;
		uint64_t version;
	} worker[MODEL_WORKERS];
	uint64_t version; /* changes with every change of the list or of a weight */
};

struct model_conn {
	bool used;
	uint8_t protocol;
	uint32_t client;
	uint16_t client_port;
	uint32_t vip;
	uint16_t service_port; /* the packet's */
	bool any_port;         /* made through an any-port service */
	struct model_server *server;
	enum sl_state state;
	bool data;
	uint64_t seen_s;
	unsigned worker;
};

struct model {
	unsigned n_workers;
	uint64_t now_ns;
	uint64_t versions;
	struct sl_timeouts timeouts;
	struct model_service *services; /* deleted ones too: their connections may outlive them */
	struct model_server *graveyard; /* deleted servers, chained by next */
	struct model_conn conns[MODEL_CONNS];
	unsigned n_conns; /* slots ever used */
};

struct model_packet {
	uint8_t protocol;
	uint32_t client, vip;
	uint16_t client_port, service_port;
	uint8_t tcp_flags;
	uint16_t payload;
	uint8_t ttl;
};

enum model_verdict {
	MODEL_FORWARD,     /* to `server` */
	MODEL_UNREACHABLE, /* no usable server: ICMP port unreachable */
	MODEL_TIME_EXCEEDED,
	MODEL_SERVER_REMOVED, /* dropped */
	MODEL_LINUX,          /* the host's business */
};

struct model_outcome {
	enum model_verdict verdict;
	uint32_t server;
	bool created;
};

struct model *model_new(unsigned n_workers);
void model_free(struct model *m);

/* One packet, handled by the worker that owns its connection. */
struct model_outcome model_packet(struct model *m, unsigned worker, const struct model_packet *p);

/* Servers in the order in which they were added. */
struct model_server_spec {
	uint32_t address;
	uint16_t port;
	uint32_t weight;
};
void model_service_set(struct model *m, uint8_t protocol, uint32_t vip, uint16_t port,
	enum model_sched sched, const struct model_server_spec *servers, unsigned n);
void model_service_delete(struct model *m, uint8_t protocol, uint32_t vip, uint16_t port);

/* Once a second: servers deleted 120 s ago lose their connections for good. */
void model_age(struct model *m);

/* Removes expired connections, as a complete sweep of one worker does. */
void model_sweep(struct model *m, unsigned worker);

/* What the others have, told to a worker. */
void model_exchange(struct model *m, unsigned worker);

struct model_server *model_server_find(struct model *m, uint8_t protocol, uint32_t vip,
	uint16_t port, uint32_t address, uint16_t server_port);

#endif
