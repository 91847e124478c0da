/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Schedulers. One file each (sched_NAME.c) that defines `const struct sl_sched sl_sched_NAME`;
 * the name in lib/lb/meson.build's list of schedulers does the rest.
 *
 * A pick runs on a worker, reads the immutable service and writes only that worker's own state:
 *  - the cell, one cache line per (worker, front) that stays while the service's generations
 *    change: positions and weights in turn; found again by server id (sl_sched_position());
 *  - the block, sized by the scheduler per (worker, service object), for those that keep a tree or
 * a table: allocated with the service, and filled then with what follows from the service alone.
 *    What the worker alone knows (loads), it adds at first use.
 * No unbounded loop in a pick: what grows with the number of servers belongs into a block.
 */
#ifndef SL_LB_SCHED_H
#define SL_LB_SCHED_H

#include <stddef.h>
#include <stdint.h>

#include "lb/snapshot.h"
#include "net/parse.h"

struct sl_server_spec;
struct sl_worker;

#define SL_SCHED_NONE UINT32_MAX /* no server takes connections */

/* What a service may ask of a scheduler that hashes: sl_service.sched_flags. */
#define SL_SCHED_FALLBACK 0x1 /* where the hash leads to a server that takes none, another */
#define SL_SCHED_PORT     0x2 /* the client's port is hashed, too */

struct sl_sched_cell {
	uint64_t version;  /* of the service object that `position` belongs to */
	uint32_t position; /* of the last pick in the list; SL_SCHED_NONE = before the first */
	sl_id last;        /* the server picked last; SL_ID_NONE = none */
	int64_t current_weight;
	uint32_t epoch; /* of the service; another one means that all of this is stale */
	uint32_t spare[9];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct sl_sched_cell) == 64, "one line per worker and service");

struct sl_sched {
	const char *name;
	const char *help; /* one line for people */
	uint8_t flags;    /* SL_SCHED_FALLBACK, SL_SCHED_PORT: those that mean something to it */
	bool shared;      /* nobody writes a block: one does for all workers */

	/*
	 * Position in the service's list, or SL_SCHED_NONE. Never a server of weight 0. `flow` is
	 * the client's packet that begins the connection.
	 */
	uint32_t (*pick)(struct sl_worker *w, const struct sl_service *service,
		struct sl_sched_cell *cell, const struct sl_parsed *flow);

	/* NULL unless the scheduler has a block: its size in bytes. */
	size_t (*block_bytes)(const struct sl_service *service);

	/*
	 * NULL unless the block is filled before the service is published. On the configuration
	 * thread; the service's other members are final, the block is zero. `servers` are in the
	 * order in which they were added: the service's list, backwards.
	 */
	void (*prepare)(void *block, const struct sl_service *service,
		const struct sl_server_spec *servers);

	/* NULL unless it goes by load: the counts of the server at `position` have changed. */
	void (*load_changed)(
		struct sl_worker *w, const struct sl_service *service, uint32_t position);
};

/* All schedulers, NULL at the end; and one by name, NULL when there is none. */
extern const struct sl_sched *const sl_scheds[];
const struct sl_sched *sl_sched_find(const char *name);

/*
 * Brings the cell up to the service object at hand: where the last pick stands now, or the place
 * it had before it was removed. At most 8 steps; lost beyond that means the list's beginning.
 * Returns true when the service object is new to the cell (cell->version was another).
 */
bool sl_sched_position(
	struct sl_worker *w, const struct sl_service *service, struct sl_sched_cell *cell);

/*
 * If the id of the server picked last is being reaped, makes the cell name the one before it: the
 * id may soon be another's. The sweep calls it for all cells.
 */
void sl_sched_forget_reaped(struct sl_worker *w, struct sl_sched_cell *cell);

/* Connections on a server, the whole box's as this worker knows them. */
void sl_sched_load(struct sl_worker *w, sl_id server, uint32_t *active, uint32_t *inactive);

/* The greatest common divisor; of 0 and b it is b. */
static inline uint32_t sl_sched_gcd(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

#endif
