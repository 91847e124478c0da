/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that a worker reads to forward: one immutable generation.
 * Built by lb/registry.h on the configuration thread, published and reclaimed by lb/engine.h.
 */
#ifndef SL_LB_SNAPSHOT_H
#define SL_LB_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "lb/locals.h"
#include "lb/tcp_state.h"
#include "lb/types.h"
#include "net/addr.h"

#define SL_PAGE 256 /* records in a page of the front and server directories */

struct sl_sched;
struct sl_front_table;

/*
 * A front, 32 bytes. service is NULL for one whose service was deleted (a tombstone), and for kinds
 * that have none.
 */
struct sl_front {
	const struct sl_service *service;
	uint32_t index;    /* SERVICE: into sl_engine.vip_local; ENDPOINT: adjacency of the RIP */
	uint8_t state : 2; /* enum sl_id_state */
	uint8_t kind : 2;  /* enum sl_front_kind */
	uint8_t v6 : 1;
	uint8_t has_nat : 1; /* SERVICE: servers have or had methods whose entries are placed by */
	uint8_t has_other : 1; /* the client alone, or by the whole key; while the id lives */
	uint8_t protocol;      /* of a tunnel's far end: IPPROTO_IPIP */
	rte_be16_t port;       /* 0 = any */
	union sl_ip address;
};

#define SL_SERVER_PROXY 0x01 /* connections begin with a PROXY protocol header */
#define SL_SERVER_TOA   0x02 /* the client's address in a TCP option */

enum sl_server_hold { SL_HOLD_PORT, SL_HOLD_TUNNEL, SL_HOLDS };

/* A server, one cache line: the first half is what a packet of any method reads. */
struct sl_server {
	uint32_t adj;    /* index of its adjacency */
	uint8_t fwd;     /* enum sl_fwd_method */
	uint8_t state;   /* enum sl_id_state */
	rte_be16_t port; /* 0 = the client's */
	sl_id front;
	/*
	 * LIVE: its position in the service's list. DELETED: the id of the server that stood before
	 * it when it was deleted (SL_ID_NONE = it stood first), so that a position can be carried
	 * over.
	 */
	uint32_t position;
	union sl_ip address;
	uint8_t family;       /* of the address: 4 or 6 */
	uint8_t tunnel;       /* enum sl_tunnel (net/encap.h) */
	uint8_t tunnel_flags; /* SL_TUNNEL_CSUM, ... */
	uint8_t options;      /* SL_SERVER_PROXY, SL_SERVER_TOA */
	rte_be16_t tunnel_port;
	/*
	 * The last method it had that keeps no rewritten address (dr, tun, local): a connection
	 * goes on by the kind of method under which it was made, as in LVS. So an entry placed by
	 * its whole key without a pair takes this one, whatever `fwd` has become; NAT entries and
	 * pairs say themselves what they are. Servers that go from dr to tun take their connections
	 * along.
	 */
	uint8_t plain;
	sl_id endpoint;       /* front of kind ENDPOINT of its method; SL_ID_NONE for dr, local */
	sl_id held[SL_HOLDS]; /* those that its methods have needed since it got its id */
	uint32_t spare[3];
};

_Static_assert(sizeof(struct sl_front) == 32, "two fronts to a cache line");
_Static_assert(sizeof(struct sl_server) == 64, "one server to a cache line");

enum sl_tunnel_df { SL_TUNNEL_DF_COPY, SL_TUNNEL_DF_SET, SL_TUNNEL_DF_CLEAR };

/* How the outer headers of tunnels are filled. */
struct sl_tunnel_policy {
	int16_t dscp; /* -1 = as the inner header */
	uint8_t df;   /* enum sl_tunnel_df */
	uint8_t ttl;
};

/*
 * A service and its servers in LVS's list order: the last one added stands first.
 * Immutable, shared by the generations in which nothing about it changed.
 */
struct sl_service {
	uint64_t version; /* unique among all service objects of the process, never 0 */
	/*
	 * Changes when the service is created, created again or given another scheduler, never 0:
	 * scheduling then starts at the beginning of the list, as in LVS.
	 */
	uint32_t epoch;
	bool switched; /* the epoch began with another scheduler for servers that were there */
	sl_id front;
	const struct sl_sched *sched;
	uint8_t sched_flags; /* SL_SCHED_FALLBACK, SL_SCHED_PORT (lb/sched.h) */
	uint32_t n_servers;
	uint32_t n_usable;       /* with a weight above 0 */
	const sl_id *servers;    /* [n_servers] */
	const uint32_t *weights; /* [n_servers], 0 = quiesced */
	/* [n_servers], the same; of one that is quiesced, its weight before. 0 = it never had one.
	 */
	const uint32_t *full_weights;
	uint32_t weight_gcd; /* of the weights above 0; 0 when there is none */
	uint32_t weight_max;
	void *const *sched_state; /* [workers]; NULL when the scheduler needs none (lb/sched.h) */
};

struct sl_snapshot {
	uint64_t generation;
	const struct sl_front_table *table; /* -> front id, of all generations */
	const struct sl_front *const *front_pages;
	const struct sl_server *const *server_pages;
	uint32_t n_front_pages;
	uint32_t n_server_pages;
	uint32_t n_services; /* live ones */
	/* Fronts that are not FREE; 0 saves their look-up. */
	uint32_t n_any_port;      /* of services for any port */
	uint32_t n_endpoints;     /* of servers' ports, */
	uint32_t n_any_endpoints; /* those for any port among them, */
	uint32_t n_tunnels;       /* of tunnels' far ends */
	bool reaping;             /* some server or front is REAPING: the sweep has to look */
	struct sl_timeouts timeouts;
	sl_id masquerade[2][2];         /* [IPv6][UDP]; SL_ID_NONE when off */
	const struct sl_locals *locals; /* NULL = none */
	struct sl_tunnel_policy tunnel_policy;
};

/* The record, or NULL when this generation does not know the id. */
static inline const struct sl_front *sl_snapshot_front(const struct sl_snapshot *s, sl_id id)
{
	const struct sl_front *front;

	if (id / SL_PAGE >= s->n_front_pages || s->front_pages[id / SL_PAGE] == NULL)
		return NULL;
	front = &s->front_pages[id / SL_PAGE][id % SL_PAGE];
	return front->state == SL_ID_FREE ? NULL : front;
}

static inline const struct sl_server *sl_snapshot_server(const struct sl_snapshot *s, sl_id id)
{
	const struct sl_server *server;

	if (id / SL_PAGE >= s->n_server_pages || s->server_pages[id / SL_PAGE] == NULL)
		return NULL;
	server = &s->server_pages[id / SL_PAGE][id % SL_PAGE];
	return server->state == SL_ID_FREE ? NULL : server;
}

#endif
