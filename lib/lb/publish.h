/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that crosses threads, with its memory order and the reason. Packets and load
 * messages cross in rte_rings (SPSC), which bring their own; nothing else crosses but what is here.
 */
#ifndef SL_LB_PUBLISH_H
#define SL_LB_PUBLISH_H

#include <stdint.h>

#include "lb/adj.h"

struct sl_snapshot;

/*
 * The snapshot. Release: all of the new generation is written before its pointer can be seen.
 * Acquire: a worker that sees the pointer sees the contents. The old one is freed only after every
 * worker has reported a quiescent state (QSBR), which each does once per poll, holding nothing.
 */
static inline void
sl_publish_snapshot(const struct sl_snapshot **where, const struct sl_snapshot *snapshot)
{
	__atomic_store_n(where, snapshot, __ATOMIC_RELEASE);
}

static inline const struct sl_snapshot *sl_read_snapshot(const struct sl_snapshot *const *where)
{
	return __atomic_load_n(where, __ATOMIC_ACQUIRE);
}

/*
 * Any pointer to an object that is complete before it is published (pages of counters, sets of
 * local addresses): the same pair.
 */
#define sl_publish_pointer(where, pointer) __atomic_store_n((where), (pointer), __ATOMIC_RELEASE)
#define sl_read_pointer(where)             __atomic_load_n((where), __ATOMIC_ACQUIRE)

/*
 * Counters. Relaxed: a reader wants each number whole, not in any order with others. The writer is
 * alone, so it adds with a plain load and one store, no locked instruction.
 */
#define sl_count_add(counter, n) __atomic_store_n(&(counter), (counter) + (n), __ATOMIC_RELAXED)
#define sl_count_read(counter)   __atomic_load_n(&(counter), __ATOMIC_RELAXED)

/*
 * An adjacency. Relaxed: the word is complete in itself and refers to nothing else.
 */
static inline void sl_publish_adj(sl_adj_word *where, sl_adj_word word)
{
	__atomic_store_n(where, word, __ATOMIC_RELAXED);
}

static inline sl_adj_word sl_read_adj(const sl_adj_word *where)
{
	return __atomic_load_n(where, __ATOMIC_RELAXED);
}

/*
 * A MAC address that a port accepts (struct sl_port), complete in one word like an adjacency.
 */
static inline void sl_publish_mac(uint64_t *where, uint64_t mac)
{
	__atomic_store_n(where, mac, __ATOMIC_RELAXED);
}

static inline uint64_t sl_read_mac(const uint64_t *where)
{
	return __atomic_load_n(where, __ATOMIC_RELAXED);
}

/* Whether a VIP is an address of this box; what a port does with transit. Relaxed: a byte that
 * guards no other memory. */
static inline void sl_publish_flag(uint8_t *where, uint8_t value)
{
	__atomic_store_n(where, value, __ATOMIC_RELAXED);
}

static inline uint8_t sl_read_flag(const uint8_t *where)
{
	return __atomic_load_n(where, __ATOMIC_RELAXED);
}

/*
 * A number that the configuration sets while workers read it, or that any worker learns (path MTU).
 * Relaxed: it guards nothing else, and of two writers either will do.
 */
static inline void sl_publish_word(uint64_t *where, uint64_t value)
{
	__atomic_store_n(where, value, __ATOMIC_RELAXED);
}

static inline uint64_t sl_read_word(const uint64_t *where)
{
	return __atomic_load_n(where, __ATOMIC_RELAXED);
}

/*
 * A word of the forwarding table (lb/fib.h): a node, or a group of next hops. Release and acquire:
 * who sees the number sees what it stands for, which was complete before. Nodes and groups that are
 * replaced are used again only after every worker has passed a quiescent state.
 */
static inline void sl_publish_route(uint32_t *where, uint32_t word)
{
	__atomic_store_n(where, word, __ATOMIC_RELEASE);
}

static inline uint32_t sl_read_route(const uint32_t *where)
{
	return __atomic_load_n(where, __ATOMIC_ACQUIRE);
}

/*
 * Progress, from 0 upwards: of a worker's sweep (the generation under which the last complete round
 * began), and of reclamation (the oldest generation that a worker may still hold). Release and
 * acquire: who reads the number may free what the other has let go of before it wrote it.
 */
static inline void sl_publish_progress(uint64_t *where, uint64_t value)
{
	__atomic_store_n(where, value, __ATOMIC_RELEASE);
}

static inline uint64_t sl_read_progress(const uint64_t *where)
{
	return __atomic_load_n(where, __ATOMIC_ACQUIRE);
}

/*
 * A request that is handed to a worker and handed back done (listing of connections). The mailbox
 * holds a pointer: release when posted, acquire when taken; `done` likewise on the way back. The
 * worker never waits; the asker does, and keeps the memory until done.
 */

/*
 * Fronts are added to the shared hash in place. Release on the id (the slot's last field): a worker
 * that sees an id sees the key before it; an id of 0 ends the search.
 */
static inline void sl_publish_id(uint32_t *where, uint32_t id)
{
	__atomic_store_n(where, id, __ATOMIC_RELEASE);
}

static inline uint32_t sl_read_id(const uint32_t *where)
{
	return __atomic_load_n(where, __ATOMIC_ACQUIRE);
}

#endif
