/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the addresses that servers have to adjacency words: route, next hop, neighbour.
 * Re-evaluated in slices when routes change, at once when a next hop's neighbour does. A word is
 * published only when it differs from the last one. What it needs to know and to do it is given:
 * no sockets here.
 */
#ifndef SL_ADJACENCY_H
#define SL_ADJACENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "lb/adj.h"
#include "map.h"
#include "net/addr.h"

/* Where an address lies, by the routes. */
struct sl_adjacency_way {
	enum { SL_WAY_NONE, SL_WAY_LOCAL, SL_WAY_HOP } kind;
	bool on_link;
	uint8_t port;
	uint8_t space;       /* the namespace */
	int ifindex;         /* 0 = a port without a twin */
	struct sl_addr next; /* the address itself, or its gateway */
};

/* A neighbour that servers or routes are reached through. */
struct sl_next_hop {
	struct sl_map_node node;
	struct sl_adjacency_way way;
	TAILQ_HEAD(, sl_adjacency) users;
	uint32_t n_users;
	/* Its number in the forwarding table while routes lead through it; 0 = none do. */
	uint32_t number;
	TAILQ_ENTRY(sl_next_hop) gateways;
	bool resolved;
	uint8_t mac[6];
	/* keeper.h: what it has still to tell Linux */
	TAILQ_ENTRY(sl_next_hop) work;
	enum { SL_HOP_IDLE, SL_HOP_TODO, SL_HOP_LATER } queue;
	bool installed;
};

struct sl_adjacency {
	struct sl_map_node node; /* by address */
	TAILQ_ENTRY(sl_adjacency) link;
	struct sl_addr address;
	uint32_t index;
	struct sl_next_hop *hop; /* NULL = none needed */
	bool on_link;
	bool known; /* evaluated at least once */
	sl_adj_word word;
};

struct sl_adjacency_ops {
	void (*way)(void *arg, const struct sl_addr *address, struct sl_adjacency_way *way);
	/* Whether the neighbour is resolved, and its MAC. */
	bool (*neighbour)(void *arg, const struct sl_adjacency_way *way, uint8_t mac[6]);
	/* A next hop is needed from now on; no longer. It is freed right after `released`. */
	void (*needed)(void *arg, struct sl_next_hop *hop);
	void (*released)(void *arg, struct sl_next_hop *hop);
	/* Whether it is resolved changed, or its MAC, or its port. */
	void (*changed)(void *arg, struct sl_next_hop *hop);
	/* The adjacency's word changed from `before`. */
	void (*publish)(void *arg, const struct sl_adjacency *adjacency, sl_adj_word before);
	void *arg;
};

struct sl_adjacencies {
	struct sl_map by_address;
	struct sl_map hops;
	struct sl_adjacency_ops ops;
};

/* 0 or -ENOMEM. */
int sl_adjacencies_init(
	struct sl_adjacencies *adjacencies, uint64_t seed, const struct sl_adjacency_ops *ops);
void sl_adjacencies_done(struct sl_adjacencies *adjacencies);

/* A new one is evaluated by the next sl_adjacency_walk(). 0 or -ENOMEM. */
int sl_adjacency_add(
	struct sl_adjacencies *adjacencies, const struct sl_addr *address, uint32_t index);
void sl_adjacency_remove(
	struct sl_adjacencies *adjacencies, const struct sl_addr *address, uint32_t index);
struct sl_adjacency *
sl_adjacency_find(const struct sl_adjacencies *adjacencies, const struct sl_addr *address);

/* Routes changed: all are to be evaluated again, or only this address. */
void sl_adjacency_expire_all(struct sl_adjacencies *adjacencies);
void sl_adjacency_expire(struct sl_adjacencies *adjacencies, const struct sl_addr *address);

/* Evaluates up to `max` of them. Returns whether some are left. */
bool sl_adjacency_walk(struct sl_adjacencies *adjacencies, unsigned max);

/* The neighbour of a next hop may have changed. The next hop, NULL when it is none. */
struct sl_next_hop *sl_next_hop_changed(struct sl_adjacencies *adjacencies, uint8_t space,
	int ifindex, const struct sl_addr *address);

/* The same for one that is at hand. */
void sl_next_hop_refresh(struct sl_adjacencies *adjacencies, struct sl_next_hop *hop);

/*
 * The next hop of this way, made if there is none: for routes, which hold it while its number is
 * not 0. NULL without memory.
 */
struct sl_next_hop *
sl_next_hop_find(struct sl_adjacencies *adjacencies, const struct sl_adjacency_way *way);

/* No route leads through it any more (number is 0): it goes, unless servers need it. */
void sl_next_hop_let_go(struct sl_adjacencies *adjacencies, struct sl_next_hop *hop);

/* "reachable", "unresolved", "no route", "local", or "not on link" where that is needed. */
const char *sl_adjacency_reachability(sl_adj_word word, bool needs_link);

#endif
