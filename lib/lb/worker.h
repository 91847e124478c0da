/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's own state: everything the pipeline writes. One thread owns it (in the director the
 * loop of app/sluice/worker.c; in tests whoever steps it).
 *
 * One iteration of the loop:
 *	sl_worker_poll_begin(w, now_ns);            takes the snapshot, the time, load messages
 *	n = sl_worker_take_handover(w, pkts);       packets of other workers first
 *	sl_pipeline_run(w, pkts, n);                then transmit w->tx[], free w->freed
 *	n = rx_burst(...); sl_pipeline_run(...);    likewise for each port
 *	sl_worker_housekeeping(w);                  a slice of the sweep, of a listing
 *	sl_worker_poll_end(w);                      quiescent: holds no snapshot any more
 */
#ifndef SL_LB_WORKER_H
#define SL_LB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lb/conn.h"
#include "lb/counters.h"
#include "lb/drop.h"
#include "lb/punt.h"
#include "lb/sched.h"
#include "lb/snapshot.h"
#include "lb/types.h"

struct sl_datagrams;
struct sl_engine;
struct sl_side;
struct sl_side_pool;

#define SL_SPLIT_MAX 32               /* fragments that a packet may leave in */
#define SL_OUT       (SL_BURST + 192) /* a whole burst, and what some of it is cut into */

/* Packets that leave the pipeline; whoever runs it empties the list after each run. */
struct sl_out {
	uint16_t n;
	struct rte_mbuf *pkts[SL_OUT];
};

/* What is known of a fragment (lb/datagram.h). */
enum sl_fragment {
	SL_FRAGMENT_NONE,  /* no fragment, or nothing is known of it yet */
	SL_FRAGMENT_KNOWN, /* protocol and ports are those of its datagram */
	SL_FRAGMENT_OVER,  /* it waited in vain: to be dropped, for the reason `drop` */
};

/*
 * What travels with a packet in the private area of its mbuf (rte_mbuf_to_priv(); every pool is
 * made with SL_MBUF_PRIV bytes of it). Zeroed at receive by whoever fills the burst.
 */
struct sl_mbuf_meta {
	uint8_t hops;     /* times handed over; 0 when received from a port */
	uint8_t fragment; /* enum sl_fragment */
	uint8_t protocol;
	uint8_t drop; /* enum sl_drop */
	rte_be16_t src_port, dst_port;
	/*
	 * Neither a service's packet nor a server's reply, as the worker knew that would have the
	 * connection: on its way to the one that has the masqueraded endpoint.
	 */
	bool unclaimed;
};
#define SL_MBUF_PRIV 64

#define SL_QUERY_ROOM  64 /* entries; a worker copies up to so many at once and stops below */
#define SL_QUERY_LINES 65536

/* Asks a worker for a piece of its connection table; stays the asker's (lb/publish.h, mailbox). */
struct sl_conn_query {
	/* in: which; SL_ID_NONE and family 0 match all */
	sl_id front;
	sl_id server;
	uint8_t client_family;
	union sl_ip client;
	int state;    /* enum sl_state, -1 = any */
	uint32_t max; /* room in out, at least SL_QUERY_ROOM */
	bool wide;    /* which of the worker's two tables */
	/* in, out */
	uint64_t cursor; /* 0 = from the start; UINT64_MAX when through */
	uint32_t lines;  /* looked at: however few match, an answer takes SL_QUERY_LINES at most */
	/* out */
	struct sl_conn_view *out; /* pairs are there once, as SIDE, with their record's fields */
	struct sl_side *sides;    /* of the same room, or NULL: the record of each SIDE in `out` */
	uint32_t n;
	sl_tick now; /* the worker's, for what is left of each timeout */
	uint32_t done;
};

/* Written by the worker, read by anybody, relaxed. */
struct sl_worker_stats {
	uint64_t polls;
	uint64_t polls_idle; /* without a packet */
	uint64_t busy_tsc;   /* TSC cycles of iterations with packets */
	uint64_t total_tsc;
	uint64_t bursts;                   /* runs of the pipeline with packets */
	uint64_t rx_packets[SL_PORTS_MAX]; /* from ports */
	uint64_t rx_bytes[SL_PORTS_MAX];
	uint64_t tx_packets[SL_PORTS_MAX];
	uint64_t tx_bytes[SL_PORTS_MAX];
	uint64_t balanced[SL_PORTS_MAX];    /* of these, for a front */
	uint64_t handed_over[SL_PORTS_MAX]; /* of these, to another worker, by port of arrival */
	uint64_t handover_received;
	uint64_t punted[SL_PUNT_COUNT];
	uint64_t drops[SL_DROP_COUNT];
	uint64_t icmp_sent;
	uint64_t reused;       /* entries given to a new connection by a SYN */
	uint64_t sleeps;       /* adaptive polling */
	uint64_t toa_left_out; /* segments without room for the option that names the client */
};

struct sl_load_message { /* control core -> worker */
	sl_id server;
	uint32_t others_active;
	uint32_t others_inactive;
};

/* A destination on a connected network whose neighbour is not known; worker -> control core. */
struct sl_glean_message {
	union sl_ip address;
	uint8_t family;
	uint8_t port;
	uint8_t spare[6];
};

struct sl_worker {
	/* read on every packet */
	struct sl_engine *engine;
	const struct sl_snapshot *snapshot; /* of this iteration */
	uint64_t now_ns;
	sl_tick tick;
	uint16_t index;
	int16_t numa; /* of its memory; -1 = any */
	struct sl_conn_table *narrow;
	struct sl_conn_table *wide;
	struct sl_datagrams *datagrams; /* of the fragments whose datagrams are kept here */
	struct sl_side_pool *sides;
	struct sl_counter_pages *counters;
	struct sl_sched_cell **cells; /* pages of SL_PAGE cells by front id (lb/publish.h) */

	/* written by the pipeline, emptied by its caller */
	struct sl_out tx[SL_PORTS_MAX];
	struct sl_out freed; /* dropped packets */
	uint16_t split;      /* buffers that this run has taken for fragments */

	/*
	 * An empty buffer, or NULL: for what leaves in more packets than it came in. Set by whoever
	 * runs the worker, who frees it as he frees others; NULL = there are none.
	 */
	struct rte_mbuf *(*alloc)(void *arg);
	void *alloc_arg;

	struct rte_ring *handover_in[SL_WORKERS_MAX];  /* from each other worker, consumer: us */
	struct rte_ring *handover_out[SL_WORKERS_MAX]; /* to each, producer: us */
	struct rte_ring *punt[SL_PUNT_COUNT];          /* consumer: the twin thread */
	struct rte_ring *loads;          /* struct sl_load_message, producer: control */
	struct rte_ring *gleans;         /* struct sl_glean_message, consumer: control */
	struct sl_glean_message gleaned; /* the last one, and when: a burst to one host is one */
	sl_tick gleaned_tick;

	uint32_t ip_id; /* of our own packets that may be cut (lb/split.h) */

	/* token bucket of ICMP errors: this worker's share of the box's rate */
	uint64_t icmp_tokens_ns;

	/* the sweep */
	uint64_t sweep_started_ns;
	uint64_t sweep_lines_done;
	unsigned sweep_stage;
	uint32_t sweep_cells_done; /* pages of cells */
	uint64_t sweep_snapshot;   /* generation under which this round began */
	uint64_t sweep_generation; /* of the last complete round (lb/publish.h, progress) */
	uint64_t sweep_rounds;

	struct sl_conn_query *query; /* mailbox */

	void *narrow_memory; /* NULL when they lie in a store */
	void *wide_memory;
	void *sides_memory;

	struct sl_worker_stats stats;
} __attribute__((aligned(64)));

void sl_worker_poll_begin(struct sl_worker *w, uint64_t now_ns);

/*
 * Up to SL_BURST packets: fragments that need wait no longer, and what other workers handed over,
 * taken fairly from all rings.
 */
unsigned sl_worker_take_handover(struct sl_worker *w, struct rte_mbuf **pkts);

void sl_worker_housekeeping(struct sl_worker *w);
void sl_worker_poll_end(struct sl_worker *w);

/* Whether a listing goes on in the next poll: its asker waits, so the worker should not sleep. */
bool sl_worker_is_asked(const struct sl_worker *w);

/* Before sleeping and after: between them the worker holds up no reclamation. */
void sl_worker_offline(struct sl_worker *w);
void sl_worker_online(struct sl_worker *w);

/* The worker's counter line of a server that the snapshot knows. */
struct sl_counters *sl_worker_counters(struct sl_worker *w, sl_id server);

/*
 * A connection of the server goes from one state to another: active and inactive counts, and the
 * scheduler if it goes by them. SL_STATE_COUNT stands for "no connection", before and after.
 */
void sl_worker_count(struct sl_worker *w, sl_id server, enum sl_state from, enum sl_state to);

/*
 * Counts the connections of adopted tables into the counter lines. Once, before the worker runs,
 * when the pages of all adopted servers are there; it needs no snapshot.
 */
void sl_worker_recount(struct sl_worker *w);

#endif
