/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path on a bench: a real engine with a clock that is set by hand, and in place of the
 * control core somebody who knows every MAC address at once.
 */
#ifndef SL_TESTS_RIG_H
#define SL_TESTS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "lb/datagram.h"
#include "lb/engine.h"
#include "lb/pipeline.h"
#include "lb/vlan.h"

#define RIG_SERVERS_MAX 64
#define RIG_PORTS       2 /* with the MAC addresses 02:00:00:00:N:01 */

struct rig {
	struct sl_clock_manual time;
	struct sl_clock clock;
	struct sl_engine *engine;
	/* what the control core would know; by default every VIP is local, every server resolves */
	bool vips_not_local;
	uint8_t adj_flags;
	uint8_t vlan_map[SL_VLANS]; /* of port 0 */
	uint8_t adj_port; /* that servers are behind: those whose address is new from now on */
	/*
	 * Generations are published while workers are in the middle of an iteration: they are not
	 * stepped for it, and what the older generation uses stays as it is.
	 */
	bool in_flight;
	/* fragments that no longer wait because rig_end_of() asked for one of them */
	struct rte_mbuf *given_up[SL_WAITING];
	unsigned n_given_up;
};

struct rig_params {
	unsigned workers;          /* 0 = 1 */
	uint64_t connections;      /* 0 = 1000 */
	uint64_t connections_wide; /* 0 = the engine's default, as these two */
	uint64_t sides;
	unsigned fronts;              /* ids of services; 0 = 100 */
	unsigned servers;             /* ids; 0 = 1000 */
	unsigned icmp_rate;           /* 0 = the engine's default */
	unsigned ring;                /* entries of punt rings; 0 = 1024 */
	unsigned handover;            /* entries of hand-over rings; 0 = as many */
	uint64_t seed;                /* of hashes and ownership; 0 = 1 */
	const struct sl_alloc *alloc; /* NULL = the heap */
	struct sl_store *store;       /* where tables live; NULL = in memory */
};

struct rig_server {
	uint32_t address; /* IPv4, host order */
	uint32_t weight;
	enum sl_fwd_method fwd;
	struct sl_addr addr; /* of either family; unless it is none, in place of `address` */
	uint16_t port;       /* 0 = the service's */
	uint8_t tunnel;      /* enum sl_tunnel, SL_TUNNEL_CSUM, ... (net/encap.h) */
	uint8_t tunnel_flags;
	uint16_t tunnel_port;
};

/* These end the program when they cannot do what they say. `params` may be NULL. */
void rig_open(struct rig *rig, const struct rig_params *params);
void rig_close(struct rig *rig);

/* Sets a service as one transaction, servers in the order in which they are added. */
void rig_service(struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port,
	const char *scheduler, const struct rig_server *servers, unsigned n);
void rig_service_delete(struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port);

/*
 * The same for services of either family; `options` are SL_SERVER_PROXY and SL_SERVER_TOA. Behind
 * the scheduler's name may stand its flags: "sh/3" is with SL_SCHED_FALLBACK and SL_SCHED_PORT.
 */
void rig_set(struct rig *rig, const struct sl_service_key *key, const char *scheduler,
	const struct rig_server *servers, unsigned n, uint8_t options);
void rig_delete(struct rig *rig, const struct sl_service_key *key);

/* FullNAT's local addresses; masquerading; how tunnels fill their outer headers. */
void rig_full_nat(
	struct rig *rig, const struct sl_addr *addresses, uint32_t n, uint16_t low, uint16_t high);
void rig_masquerade(struct rig *rig, bool on);
void rig_tunnels(struct rig *rig, const struct sl_tunnel_policy *policy);

void rig_timeout(struct rig *rig, enum sl_state state, uint16_t seconds);

/* Publishes a generation as the control core does; all workers pass it. Accepts NULL. */
void rig_publish(struct rig *rig, struct sl_snapshot *snapshot);

/* What the director does once a second: ids move along. */
void rig_age(struct rig *rig);

/* The box has this address, besides its VIPs; 0 = it has none any more. */
void rig_local(struct rig *rig, uint32_t address);
void rig_locals(struct rig *rig, const struct sl_addr *addresses, uint32_t n,
	const struct sl_local_source *sources, unsigned n_sources);

/*
 * A route: through a neighbour on a port, whose MAC address is that of rig_mac(); or, without one
 * (family 0), of the kind said.
 */
void rig_route(struct rig *rig, const struct sl_prefix *prefix, enum sl_route_kind kind,
	uint8_t port, const struct sl_addr *neighbour);

/* Port 1 is this VLAN on port 0. */
void rig_vlan(struct rig *rig, uint16_t id);

/* The worker that owns the client's endpoint. */
unsigned rig_owner(const struct rig *rig, uint32_t client, uint16_t port);

sl_id rig_server_id(
	const struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port, uint32_t address);
void rig_counters(const struct rig *rig, uint8_t protocol, uint32_t vip, uint16_t port,
	uint32_t address, struct sl_counters *sum);

/* The MAC address of a neighbour: 02:00 and its IPv4 address, or the last four bytes of its IPv6
 * address. */
void rig_mac_of(uint32_t address, uint8_t mac[6]);
void rig_mac(const struct sl_addr *address, uint8_t mac[6]);

/* One poll of a worker with these packets from ports; what leaves it stays in its lists. */
void rig_poll(struct rig *rig, unsigned worker, struct rte_mbuf **pkts, unsigned n);

/* One poll without packets but those that were handed over. */
unsigned rig_poll_handover(struct rig *rig, unsigned worker);

/* Polls until each worker has completed `rounds` rounds of its sweep, the clock moving with them.
 */
void rig_sweep(struct rig *rig, unsigned rounds);

/* One empty iteration of a worker, its slice of the sweep included. */
void rig_idle(struct rig *rig, unsigned worker);

/* The address of the server whose MAC address this is. */
uint32_t rig_address_of(const uint8_t mac[6]);

enum rig_end { RIG_LOST, RIG_SENT, RIG_DROPPED, RIG_PUNTED, RIG_HANDED_OVER, RIG_WAITING };

/*
 * Where a packet ended: takes it out of there. *what is the port, the punt class, or the worker;
 * for dropped ones, look at the counters. For one that waits for its datagram's first fragment,
 * the worker gives up all that wait.
 */
enum rig_end rig_end_of(struct rig *rig, unsigned worker, struct rte_mbuf *mbuf, unsigned *what);

#endif
