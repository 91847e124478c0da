/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams that arrive in fragments. Only the first fragment says which connection it belongs to,
 * so one worker keeps for each datagram what its first fragment said, and which bytes have come;
 * fragments that come before the first wait for it. Nothing is put together: each goes on by
 * itself, in the order in which it came, once the ports are known.
 *
 * Dropped, each with a reason of its own (lb/drop.h):
 * - fragments that cannot be: empty, not a multiple of 8 bytes but for the last, behind their
 *   datagram's end or beyond 65,535 bytes;
 * - tiny ones: a first without its whole TCP or UDP header, or another that begins inside one;
 * - overlapping ones, and with them the rest of their datagram for a second. A fragment of which
 *   every byte has come before is a duplicate, and harms nothing else.
 * A fragment that does not fit into a datagram that began more than a second ago begins a new one:
 * senders use identifications again.
 *
 * All is bounded: datagrams, ranges of bytes known of one, fragments that wait and for how long.
 * What is full gives up what is oldest, so that a flood costs later datagrams nothing.
 *
 * Single owner: one worker. Time is handed in.
 * Sources: RFC 791, RFC 8200 section 4.5, RFC 1858 and RFC 3128 (tiny ones), RFC 5722 (overlaps),
 * RFC 7112 (the first fragment has all headers).
 */
#ifndef SL_LB_DATAGRAM_H
#define SL_LB_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/clock.h"
#include "lb/drop.h"
#include "net/parse.h"

#define SL_DATAGRAMS        4096 /* incomplete ones at a time */
#define SL_DATAGRAM_RANGES  16   /* runs of bytes known of one */
#define SL_DATAGRAM_WAITING 64   /* fragments of one that wait for its first */
#define SL_WAITING          1024 /* of all */
#define SL_DATAGRAM_WAIT_NS SL_NS_PER_S
#define SL_DATAGRAM_LIFE_NS (30 * SL_NS_PER_S) /* after its first fragment */

struct sl_datagrams;

/* `seed`: the same for all workers, or they would disagree on who has a datagram. */
size_t sl_datagrams_bytes(void);
struct sl_datagrams *sl_datagrams_open(void *memory, const uint64_t seed[2]);

/* The worker, of `n`, that keeps the datagram of this fragment. */
unsigned sl_datagram_worker(const struct sl_datagrams *d, const struct sl_parsed *p, unsigned n);

enum sl_datagram_verdict {
	SL_DATAGRAM_GO,   /* the datagram's ports are in the mbuf's meta */
	SL_DATAGRAM_WAIT, /* kept; comes out of sl_datagrams_take() */
	SL_DATAGRAM_DROP, /* *reason says why */
};

/*
 * A fragment of TCP or UDP: `p` as sl_parse() left it (SL_PARSE_FRAGMENT). The mbuf is not touched
 * but for its private area (struct sl_mbuf_meta: protocol, ports, fragment). Constant time.
 */
enum sl_datagram_verdict sl_datagrams_add(struct sl_datagrams *d, const struct sl_parsed *p,
	struct rte_mbuf *mbuf, uint64_t now_ns, enum sl_drop *reason);

/* Gives up what is too old; looks at no more than `max` datagrams. */
void sl_datagrams_expire(struct sl_datagrams *d, uint64_t now_ns, unsigned max);

/*
 * Up to `max` fragments that need wait no longer, in the order in which they came: their meta says
 * that they are known, or why they are to be dropped.
 */
unsigned sl_datagrams_take(struct sl_datagrams *d, struct rte_mbuf **mbufs, unsigned max);

/* What there is at the moment. Any thread. */
struct sl_datagrams_count {
	uint32_t datagrams;
	uint32_t waiting; /* fragments, those that could be taken included */
};
struct sl_datagrams_count sl_datagrams_count(const struct sl_datagrams *d);

#endif
