/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a pair's packets become (lb/side.h). Towards the server the source is the local endpoint and
 * the destination the server's; towards the client it is the VIP and the client, in any combination
 * of families. The client may be named to the server (lb/preface.h). Errors about either are
 * rewritten with what they quote.
 *
 * Each returns SL_DROP_COUNT, with the buffer and `p` describing the new packet, or why the packet
 * has to be dropped; it may have been changed then. On the worker that owns the connection.
 */
#ifndef SL_LB_FULLNAT_H
#define SL_LB_FULLNAT_H

#include <rte_mbuf.h>

#include "lb/drop.h"
#include "lb/side.h"
#include "lb/snapshot.h"
#include "net/parse.h"

#define SL_FULLNAT_V6_MORE     20 /* bytes by which an IPv6 header is longer */
#define SL_FULLNAT_V6_FRAGMENT 8  /* and a fragment's header */

/* The two ends of a connection, as its packets show them on either side of the director. */
struct sl_fullnat {
	struct sl_side *side;
	const struct sl_front *front; /* the service's: of the VIP */
	const struct sl_server *server;
};

/* By how much a packet grows when it becomes one of `family`, in bytes of IP; negative: it shrinks.
 */
int sl_fullnat_family_growth(const struct sl_parsed *p, uint8_t family);

/* The same for a client's packet, with what names the client to the server: at most. */
int sl_fullnat_growth(const struct sl_fullnat *c, const struct sl_parsed *p);

/* Whether the server is told who the client is. */
static inline bool sl_fullnat_names_client(const struct sl_fullnat *c)
{
	return c->side->flags & (SL_SIDE_PROXY | SL_SIDE_TOA);
}

/*
 * What happens to a packet before its endpoints do: a client's gets the client's name, with the TOA
 * option if it has at most `mtu` bytes then; what a server's acknowledges is moved.
 */
enum sl_drop sl_fullnat_name_client(struct sl_worker *w, const struct sl_fullnat *c,
	struct rte_mbuf *mbuf, struct sl_parsed *p, unsigned mtu);
void sl_fullnat_hear_server(
	const struct sl_fullnat *c, const struct rte_mbuf *mbuf, const struct sl_parsed *p);

/* Then a client's packet is aimed at the server (SL_DIR_IN), a server's at the client: or each of
 * the fragments that it was cut into. */
enum sl_drop sl_fullnat_aim(const struct sl_fullnat *c, enum sl_direction direction,
	struct rte_mbuf *mbuf, struct sl_parsed *p);

/* An ICMP error about what the server was sent, for the client; `inner` is what it quotes. */
enum sl_drop sl_fullnat_error_to_client(const struct sl_fullnat *c, struct rte_mbuf *mbuf,
	struct sl_parsed *p, const struct sl_parsed *inner);

/* An ICMP error about what the client was sent, for the server. */
enum sl_drop sl_fullnat_error_to_server(const struct sl_fullnat *c, struct rte_mbuf *mbuf,
	struct sl_parsed *p, const struct sl_parsed *inner);

#endif
