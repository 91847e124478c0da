/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and identities that the whole engine shares. */
#ifndef SL_LB_TYPES_H
#define SL_LB_TYPES_H

#include <stdint.h>

#include "lb/fwd_list.h" /* made by meson */

#define SL_BURST       64 /* packets that a stage sees at once, at most */
#define SL_WORKERS_MAX 64
#define SL_PORTS_MAX   32
#define SL_ID_BITS     24
#define SL_ID_NONE     0u /* never given out */
#define SL_ID_MAX      ((1u << SL_ID_BITS) - 1)
#define SL_ADJ_NONE    0u /* index of the adjacency that never resolves */

typedef uint32_t sl_id;   /* of a front or a server: docs/architecture.md, "Ids" */
typedef uint16_t sl_tick; /* seconds of CLOCK_BOOTTIME, modulo 2^16 */

/* Life of an id; FREE ids have no record. */
enum sl_id_state {
	SL_ID_FREE = 0,
	SL_ID_LIVE,
	SL_ID_DELETED, /* entries stay, their packets are dropped; the same identity revives it */
	SL_ID_REAPING, /* the sweep removes its entries; a packet that finds one is a miss */
};

/* What the address, protocol and port of a front stand for. */
enum sl_front_kind {
	SL_FRONT_SERVICE,    /* a virtual service, or one that was: VIP and port */
	SL_FRONT_ENDPOINT,   /* what servers answer from: RIP and port, or a tunnel's far end */
	SL_FRONT_MASQUERADE, /* connections that leave by a masquerading port, all of a protocol */
};

/*
 * Forwarding methods: SL_FWD_LOCAL, SL_FWD_DR, ..., one for each fwd_NAME.c, in the order of
 * lib/lb/meson.build's list (lb/fwd.h).
 */
enum sl_fwd_method { SL_FWD_ENUM SL_FWD_METHODS };

#endif
