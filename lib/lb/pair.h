/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that are a pair of entries (lb/side.h), as lib/lb/balance.c finds and makes them. The
 * view of such a connection is its record's; packets name the record as pkt->side.
 */
#ifndef SL_LB_PAIR_H
#define SL_LB_PAIR_H

#include <stdbool.h>

#include "lb/drop.h"
#include "lb/pipeline.h"
#include "lb/side.h"

static inline bool sl_pair_is(const struct sl_conn_view *view)
{
	return view->kind >= SL_CONN_SIDE;
}

/* The packet's entry is of a pair: the view gets what the record says. */
void sl_pair_found(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view);

/* Finds the pair of a server's reply by its reverse key; false: there is none. */
bool sl_pair_find_reply(struct sl_worker *w, struct sl_pkt *pkt, struct sl_conn_view *view);

/*
 * Finds the pair of the packet's client that ends at this port of the server chosen for the packet:
 * of a NAT connection that was made when there was no place.
 */
bool sl_pair_find_rival(
	struct sl_worker *w, struct sl_pkt *pkt, rte_be16_t port, struct sl_conn_view *view);

/*
 * Makes a pair for the packet, whose server has been chosen and whose key says where the forward
 * entry goes: FullNAT's, with a local endpoint; or that of a NAT connection that found no place,
 * `spilled`. SL_DROP_COUNT, or why there is none.
 */
enum sl_drop sl_pair_open(
	struct sl_worker *w, struct sl_pkt *pkt, enum sl_state state, uint16_t flags, bool spilled);

#endif
