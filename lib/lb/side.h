/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Side records: connections whose two directions have nothing in common by which one entry could
 * be found. Such a connection is a pair of entries, one by the client's endpoint and the service's
 * front, one by the local endpoint and the server's front, and both name one record here.
 *
 * FullNAT and masquerade have them, and NAT connections that found no room in their client's lines
 * (lb/conn.h). A worker has its own pool and is alone in reading and writing it. All functions
 * keep the servers' counts of active and inactive connections (sl_worker_count()).
 */
#ifndef SL_LB_SIDE_H
#define SL_LB_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "lb/conn.h"
#include "lb/types.h"
#include "lb/worker.h"
#include "net/addr.h"

#define SL_SIDE_DATA       SL_CONN_DATA /* the client has sent payload */
#define SL_SIDE_WIDE       0x0002       /* the forward entry lies in the wide table */
#define SL_SIDE_LOCAL_WIDE 0x0004       /* the reverse one does: the local address is IPv6 */
#define SL_SIDE_SPILLED    0x0008       /* of NAT: local endpoint and client's are the same */
#define SL_SIDE_LINGERS    0x0010       /* over; has no forward entry any more */
#define SL_SIDE_PROXY      0x0020       /* begins with a PROXY protocol header */
#define SL_SIDE_TOA        0x0040       /* says the client's address in a TCP option */
#define SL_SIDE_TOLD       0x0080       /* the server has acknowledged the start of the stream */
#define SL_SIDE_PEERS      0x0100       /* masqueraded, and has spoken to more than `peer` */

/*
 * For so long after a pair was last seen, its local endpoint is not used towards the same server
 * again: the server may still remember the connection. A pair that ends sooner loses its forward
 * entry and lingers.
 */
#define SL_SIDE_LINGER_S 60

struct sl_side {
	union sl_ip client;
	union sl_ip local;
	rte_be16_t client_port;
	rte_be16_t service_port; /* as in the forward key: 0 for a front with a port */
	rte_be16_t local_port;
	sl_tick tick;   /* last seen */
	sl_id front;    /* of the forward key; SL_ID_NONE = the record is free */
	sl_id endpoint; /* front of the reverse key */
	sl_id server;   /* SL_ID_NONE: a server's own connection, masqueraded */
	uint8_t state;  /* enum sl_state */
	uint8_t spare;
	uint16_t flags;
	union {
		uint32_t isn;  /* TCP: the client's first sequence number, host order */
		uint32_t peer; /* masqueraded: bits of the hash of whom it speaks to */
	};
	uint32_t next; /* of a free record: the next free one */
};

_Static_assert(sizeof(struct sl_side) == 64, "a side record is a cache line");

struct sl_side_stats {  /* one writer, the worker; others read (lb/publish.h) */
	uint64_t sides; /* now, the lingering ones included */
	uint64_t lingering;
	uint64_t inserted;
	uint64_t spilled; /* of these, NAT connections without room as such */
	uint64_t expired;
	uint64_t evicted;
	uint64_t no_port; /* no local endpoint was free (lb/local_port.h) */
	uint64_t refused; /* the pool, or one of the tables, is full of proven ones */
};

struct sl_side_pool {
	struct sl_side *sides; /* from 1 on */
	uint32_t capacity;
	uint32_t high; /* those above it were never used */
	uint32_t free; /* first of the list of free ones up to `high`; 0 = none */
	uint32_t sweep_at;
	uint32_t evict_at;
	struct sl_side_stats stats;
};

/* Bytes of memory that a pool of `capacity` (at most SL_ID_MAX) records needs. */
size_t sl_side_pool_bytes(uint64_t capacity);

/*
 * Makes a pool in `memory` (64-byte aligned, zeroed), or takes over the one that lies there when
 * `adopt`: then sl_side_adopt() has to follow. NULL without memory, or when there is no pool of
 * this capacity to take over.
 */
struct sl_side_pool *sl_side_pool_open(void *memory, uint64_t capacity, bool adopt);
void sl_side_pool_close(struct sl_side_pool *pool);

/*
 * Once, when the worker's tables and pool were taken over and nothing runs yet: records and entries
 * that do not belong together in threes, and records that cannot be, are dropped.
 */
void sl_side_adopt(struct sl_worker *w);

/* `index` is of an entry's view (lb/conn.h). */
static inline struct sl_side *sl_side_at(const struct sl_worker *w, uint32_t index)
{
	return &w->sides->sides[index];
}

/* The keys of its two entries, and the tables where they lie. */
struct sl_conn_key sl_side_forward_key(const struct sl_side *side);
struct sl_conn_key sl_side_reverse_key(const struct sl_side *side);

static inline struct sl_conn_table *
sl_side_forward_table(const struct sl_worker *w, const struct sl_side *side)
{
	return side->flags & SL_SIDE_WIDE ? w->wide : w->narrow;
}

static inline struct sl_conn_table *
sl_side_reverse_table(const struct sl_worker *w, const struct sl_side *side)
{
	return side->flags & SL_SIDE_LOCAL_WIDE ? w->wide : w->narrow;
}

/*
 * Makes the record and both entries, or nothing; last seen now. 0 and *index; -EEXIST when one of
 * the two keys is taken, -ENOSPC when pool or tables are full of proven connections (of 16 records
 * that are looked at, the oldest embryonic or unproven one makes room).
 */
int sl_side_insert(struct sl_worker *w, const struct sl_side *want, uint32_t *index);

/* The connection is over: record and entries go, or linger. */
void sl_side_remove(struct sl_worker *w, uint32_t index);

/* Takes record and entries out without a word to the servers' counts: what was adopted in vain. */
void sl_side_drop(struct sl_worker *w, uint32_t index);

/* A packet of it was seen. Writes what changed only. */
void sl_side_update(struct sl_worker *w, struct sl_side *side, enum sl_state state, uint16_t flags);

/* Whether it counts for nothing any more: expired, or it lingers. */
bool sl_side_is_over(const struct sl_worker *w, const struct sl_side *side);

/*
 * Looks at the next `n` records; removes those that expired, or whose ids are being reaped.
 * Returns true when a round was completed.
 */
bool sl_side_sweep(struct sl_worker *w, uint32_t n);

/* Records in one round of the sweep. */
static inline uint32_t sl_side_count(const struct sl_worker *w)
{
	return w->sides->high;
}

#endif
