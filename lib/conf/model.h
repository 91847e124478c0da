/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration as the program uses it: typed, complete with defaults, checked. Made from JSON
 * by conf/load.h. Immutable once made and shared by reference count; a change makes a new one that
 * shares every service it does not touch. Owner: the configuration thread (main while starting).
 */
#ifndef SL_CONF_MODEL_H
#define SL_CONF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "lb/engine.h"
#include "lb/registry.h"
#include "net/addr.h"

#define SL_NAME_MAX     16 /* port and interface names, with the final zero */
#define SL_INSTANCE_MAX 32

enum sl_poll { SL_POLL_BUSY, SL_POLL_ADAPTIVE };
enum sl_vip_mode { SL_VIP_MANAGED, SL_VIP_EXTERNAL };
enum sl_huge_pages { SL_HUGE_AUTO, SL_HUGE_ON, SL_HUGE_OFF };
enum sl_proxy_protocol { SL_PROXY_OFF, SL_PROXY_V2 };

struct sl_conf_neighbour {
	struct sl_addr address;
	uint8_t mac[6];
};

#define SL_CONF_NO_PORT UINT32_MAX

/* A DPDK port, or a VLAN on one, and its twin. */
struct sl_conf_port {
	char name[SL_NAME_MAX]; /* of the port and of the twin's interface */
	char *device;   /* "0000:03:00.0" or "net_tap0,iface=wire0,mac=02:..."; NULL: a VLAN */
	char **members; /* devices that a bonding device is made of */
	uint32_t n_members;
	uint32_t parent; /* of a VLAN, index into ports; SL_CONF_NO_PORT: it has a device */
	uint16_t vlan;   /* 0 = none */
	bool twin;
	char twin_netns[64]; /* "" = the director's own namespace */
	uint16_t mtu;
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	enum sl_transit transit;
	struct sl_prefix *addresses; /* the director's own (DIPs) */
	uint32_t n_addresses;
	struct sl_conf_neighbour *neighbours; /* static */
	uint32_t n_neighbours;
};

/* A virtual address. One that no entry lists is managed, on the port whose prefix has it. */
struct sl_conf_vip {
	struct sl_addr address;
	enum sl_vip_mode mode;
	uint32_t port;  /* index into ports; SL_CONF_NO_PORT is refused by sl_conf_check() */
	bool listed;    /* in the document's "vips": it stays when its last service goes */
	uint32_t index; /* there, for errors */
};

/* An address that the director puts in the place of a client's. */
struct sl_conf_local {
	struct sl_addr address;
	uint32_t port; /* as of a VIP */
};

struct sl_conf_server {
	struct sl_addr address;
	uint16_t port;
	uint32_t weight;
	enum sl_fwd_method fwd;
	struct {
		bool given;    /* in the document, whatever `fwd` is */
		uint8_t flags; /* SL_TUNNEL_CSUM or SL_TUNNEL_REMCSUM */
		uint16_t port; /* of GUE */
		uint8_t type;  /* enum sl_tunnel (net/encap.h) */
	} tunnel;
};

/* Immutable, shared by configurations; references counted by the configuration thread. */
struct sl_conf_service {
	uint32_t references;
	struct sl_service_key key;
	const struct sl_sched *sched;
	uint8_t sched_flags; /* SL_SCHED_FALLBACK, SL_SCHED_PORT (lb/sched.h) */
	enum sl_proxy_protocol proxy_protocol;
	bool toa;
	uint32_t index; /* in the document that it was read from, for errors */
	uint32_t n_servers;
	struct sl_conf_server servers[]; /* in the order in which they were added */
};

struct sl_conf_arena;

struct sl_conf {
	uint32_t references;
	struct sl_conf_arena *arena; /* of ports and eal_args; shared by changed copies */

	/* fixed by a start */
	char instance[SL_INSTANCE_MAX];
	char **eal_args;
	uint32_t n_eal_args;
	uint64_t memory; /* bytes for DPDK; 0 = chosen */
	enum sl_huge_pages huge_pages;
	uint32_t n_workers;
	int cores[SL_WORKERS_MAX]; /* [n_workers]; -1 = chosen */
	int control_core;          /* -1 = chosen */
	enum sl_poll poll;
	uint64_t connections;         /* 0 = chosen from the memory */
	uint64_t connections_wide;    /* 0 = chosen from connections */
	uint64_t fullnat_connections; /* the same */
	uint32_t max_services;
	uint32_t max_servers;
	uint32_t max_routes;
	struct sl_conf_port *ports; /* names, devices, twins, descriptors fixed; the rest is live */
	uint32_t n_ports;
	char run_directory[108]; /* sockets, lock */

	/* live */
	enum sl_log_level log_level;
	struct sl_timeouts timeouts;
	struct sl_conf_local *local_addresses;
	uint32_t n_local_addresses;
	struct {
		uint16_t low, high;
	} local_ports;
	struct sl_tunnel_policy tunnels;
	uint32_t icmp_rate;
	uint32_t punt_rates[SL_PUNT_COUNT];
	struct sl_conf_vip *vips; /* sorted by address; every service's VIP is here */
	uint32_t n_vips;
	struct sl_conf_service **services; /* sorted by key */
	uint32_t n_services;
};

struct sl_conf *sl_conf_ref(struct sl_conf *conf);
void sl_conf_unref(struct sl_conf *conf); /* accepts NULL */

/* An empty configuration with one reference; NULL without memory. For those who fill it in. */
struct sl_conf *sl_conf_new(void);

/* Zeroed memory that lives as long as the configuration and its changed copies, or NULL. */
void *sl_conf_alloc(struct sl_conf *conf, size_t size);

/* A service with room for `n_servers`, all zero, one reference; NULL without memory. */
struct sl_conf_service *sl_conf_service_new(uint32_t n_servers);
void sl_conf_service_unref(struct sl_conf_service *service); /* accepts NULL */

/* Index of the port that has the longest prefix with the address in it; SL_CONF_NO_PORT if none. */
uint32_t sl_conf_port_of(const struct sl_conf *conf, const struct sl_addr *address);

/* Whether the address is one of the director's own, or a loopback address. */
bool sl_conf_is_local(const struct sl_conf *conf, const struct sl_addr *address);

/* How a server is reached: one on an address of this box is local, whatever is asked for. */
enum sl_fwd_method
sl_conf_server_fwd(const struct sl_conf *conf, const struct sl_conf_server *server);

/* The virtual address, or NULL. */
const struct sl_conf_vip *
sl_conf_vip_find(const struct sl_conf *conf, const struct sl_addr *address);

/* The order of ipvsadm's listing: protocol, address, port. */
int sl_service_key_compare(const struct sl_service_key *a, const struct sl_service_key *b);

/* The service, or NULL. */
const struct sl_conf_service *
sl_conf_service_find(const struct sl_conf *conf, const struct sl_service_key *key);

/*
 * A new configuration with the service put in (in place of the one with its key) or
 * taken out: one reference, all else shared, its VIP put in or taken out with it. `service` is
 * taken over, also when NULL is returned: there is no memory.
 */
struct sl_conf *sl_conf_with_service(const struct sl_conf *conf, struct sl_conf_service *service);
struct sl_conf *
sl_conf_without_service(const struct sl_conf *conf, const struct sl_service_key *key);

/* A new configuration with these timeouts, all else shared. NULL without memory. */
struct sl_conf *
sl_conf_with_timeouts(const struct sl_conf *conf, const struct sl_timeouts *timeouts);

#endif
