/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. sl_pipeline_run() takes a burst through the stages in the order in which
 * pipeline.c has them; each packet ends in exactly one place: a port's transmit list (w->tx), the
 * ring of another worker, a punt ring, or w->freed with a drop reason counted.
 */
#ifndef SL_LB_PIPELINE_H
#define SL_LB_PIPELINE_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "lb/snapshot.h"
#include "lb/worker.h"
#include "net/parse.h"

/* One packet on its way through the stages: scratch of one run. */
struct sl_pkt {
	struct rte_mbuf *mbuf;
	struct sl_parsed parsed;
	const struct sl_server *server;
	struct sl_conn_key key;
	struct sl_conn_ref conn;
	uint64_t hash;
	sl_id exact; /* the front of address, protocol and port; SL_ID_NONE = there is none */
	sl_id any;   /* the one of address and protocol, for any port */
	sl_id server_id;
	uint8_t kind; /* enum sl_parse_result */
};

/* At most SL_BURST packets, each with mbuf->port set. w->tx and w->freed must be empty. */
void sl_pipeline_run(struct sl_worker *w, struct rte_mbuf **pkts, unsigned n);

#endif
