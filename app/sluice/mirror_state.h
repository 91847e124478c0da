/* SPDX-License-Identifier: BSD-3-Clause */
/* What mirror.c and mirror_report.c share. */
#ifndef SL_MIRROR_STATE_H
#define SL_MIRROR_STATE_H

#include <pthread.h>

#include "adjacency.h"
#include "direct.h"
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
	struct event *work, *tick;
	uint64_t ticks;
	bool synced;
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

#endif
