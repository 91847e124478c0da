/* SPDX-License-Identifier: BSD-3-Clause */
/* What mirror.c and mirror_report.c share. */
#ifndef SL_MIRROR_STATE_H
#define SL_MIRROR_STATE_H

#include <pthread.h>

#include "adjacency.h"
#include "direct.h"
#include "feed.h"
#include "glean.h"
#include "keeper.h"
#include "mirror.h"
#include "space.h"
#include "vip.h"

struct sl_mirror_space {
	struct sl_space space;
	struct sl_rtnl requests; /* for what we ask of Linux */
	struct event *readable;
	struct sl_mirror *mirror;
	uint8_t index;
	char netns[64];
};

struct sl_mirror_port {
	char name[SL_NAME_MAX];
	int space;   /* -1 = no twin */
	int ifindex; /* of the twin; 0 = not there */
	bool macs_changed;
	/* configured */
	uint32_t mtu;
	struct sl_addr own[2]; /* IPv4, IPv6; family 0 = none */
};

struct sl_mirror {
	struct sl_mirror_params params;
	unsigned n_spaces, n_ports;
	struct sl_mirror_space spaces[SL_PORTS_MAX];
	struct sl_mirror_port ports[SL_PORTS_MAX];
	struct sl_adjacencies adjacencies;
	struct sl_vips vips;
	struct sl_keeper keeper;
	struct sl_direct *direct;
	struct sl_feed feed;
	TAILQ_HEAD(, sl_next_hop) gateways; /* next hops of routes */
	uint32_t n_gateways;
	struct sl_glean glean;
	struct event *gleaner;
	unsigned refresh_space; /* where the refreshing of neighbours goes on */
	struct sl_map_walk refresh;
	bool refused_said; /* in the log */
	struct event *work, *tick;
	uint64_t ticks;
	bool synced;         /* everything has been dumped once; before that nothing resolves */
	bool routes_changed; /* adjacencies wait for the next walk */
	bool local_changed;  /* the set of local addresses is to be made anew */
	bool drifted;
	uint64_t walk_ns; /* when adjacencies were last expired as a whole */
	uint64_t local_ns;
	/*
	 * Held by the control core when it adds to or removes from the maps of adjacencies and
	 * VIPs, and by other threads while they look something up there.
	 */
	pthread_mutex_t lock;
};

/* The port that an interface belongs to: a twin, or a macvlan over one. -1 = none. */
int sl_mirror_port_of(
	const struct sl_mirror *mirror, const struct sl_mirror_space *space, int ifindex);

/* mirror_local.c */
void sl_mirror_set_local(struct sl_mirror *mirror);
void sl_mirror_set_mtu(struct sl_mirror *mirror, unsigned index);
void sl_mirror_configure_port(
	struct sl_mirror *mirror, unsigned index, const struct sl_conf_port *conf);

/* mirror_routes.c */
int sl_mirror_routes_init(struct sl_mirror *mirror, uint64_t seed); /* 0 or -ENOMEM */
void sl_mirror_routes_tick(struct sl_mirror *mirror);               /* once a second */
void sl_mirror_route_changed(struct sl_mirror *mirror, const struct sl_prefix *prefix, bool local);
void sl_mirror_hop_changed(void *arg, struct sl_next_hop *hop);

/* Where an address lies by a namespace's routes. False: nowhere that our ports lead to. */
bool sl_mirror_way_through(struct sl_mirror *mirror, struct sl_mirror_space *space,
	const struct sl_addr *address, struct sl_adjacency_way *way);

/* Asks the kernel about a neighbour. 0 or -errno. */
int sl_mirror_request(struct sl_mirror *mirror, uint8_t space, enum sl_rtmsg_neighbour_op op,
	int ifindex, const struct sl_addr *address);

#endif
