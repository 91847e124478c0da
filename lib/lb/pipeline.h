/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. sl_pipeline_run() takes a burst through the stages in the order in which
 * pipeline.c has them; each packet ends in exactly one place: a port's transmit list (w->tx), the
 * ring of another worker, a punt ring, or w->freed with a drop reason counted.
 */
#ifndef SL_LB_PIPELINE_H
#define SL_LB_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "lb/snapshot.h"
#include "lb/worker.h"
#include "net/parse.h"

/* What belongs to an ICMP error about a connection. */
struct sl_error {
	struct sl_parsed quoted; /* the packet that it is about, as it was when it failed */
	struct sl_parsed flow;   /* its endpoints the other way round: those of the error's way */
};

/* One packet on its way through the stages: scratch of one run. */
struct sl_pkt {
	struct rte_mbuf *mbuf;
	/*
	 * What says to which connection the packet belongs: its own headers, or those that it
	 * quotes (error->flow). From there on both go the same way.
	 */
	const struct sl_parsed *flow;
	struct sl_error *error; /* scratch, filled when is_error */
	const struct sl_server *server;
	const struct sl_front *front; /* of the connection; the service's, in both directions */
	struct sl_conn_table *table;
	struct sl_conn_ref conn;
	struct sl_side *side; /* of a connection that is a pair (lb/pair.h), in place of `conn` */
	uint64_t hash;        /* the key's; of a NAT connection, its client's */
	struct sl_parsed parsed;
	struct sl_conn_key key;
	/*
	 * IN: the fronts of its destination. OUT: the servers' fronts (endpoints) of its source.
	 * The one with the port, and the one for any port; SL_ID_NONE = there is none.
	 */
	sl_id exact;
	sl_id any;
	sl_id server_id;
	uint16_t cut;      /* leaves in fragments of so many bytes; 0 = as it is */
	bool cut_late;     /* with `cut`: when it has become what leaves; else before it grows */
	bool path_cuts;    /* of a tunnel: its path may be narrower than we believe, and cut */
	uint8_t kind;      /* enum sl_parse_result */
	uint8_t direction; /* enum sl_direction */
	uint8_t method;    /* enum sl_fwd_method, the connection's */
	bool is_error;     /* an ICMP error about a connection */
};

/* At most SL_BURST packets, each with mbuf->port set. w->tx and w->freed must be empty. */
void sl_pipeline_run(struct sl_worker *w, struct rte_mbuf **pkts, unsigned n);

#endif
