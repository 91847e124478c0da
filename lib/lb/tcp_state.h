/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection states as LVS learns them by watching both sides of a connection (NAT, FullNAT), or
 * the client's alone (direct routing, tunnels), and their timeouts. Source: LVS's documented and
 * observed behaviour (docs/lvs.md).
 */
#ifndef SL_LB_TCP_STATE_H
#define SL_LB_TCP_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* Four bits in an entry. X(NAME, "listing name", default timeout in s, active) */
#define SL_STATES(X)                                                                               \
	X(NONE, "NONE", 2, 0)                                                                      \
	X(ESTABLISHED, "ESTABLISHED", 900, 1)                                                      \
	X(SYN_SENT, "SYN_SENT", 120, 1)                                                            \
	X(SYN_RECV, "SYN_RECV", 60, 1)                                                             \
	X(FIN_WAIT, "FIN_WAIT", 120, 0)                                                            \
	X(TIME_WAIT, "TIME_WAIT", 120, 0)                                                          \
	X(CLOSE, "CLOSE", 10, 0)                                                                   \
	X(CLOSE_WAIT, "CLOSE_WAIT", 60, 0)                                                         \
	X(LAST_ACK, "LAST_ACK", 30, 0)                                                             \
	X(LISTEN, "LISTEN", 120, 0)                                                                \
	X(SYNACK, "SYNACK", 120, 1)                                                                \
	X(UDP, "UDP", 300, 0)

enum sl_state {
#define X(NAME, name, timeout, active) SL_STATE_##NAME,
	SL_STATES(X)
#undef X
		SL_STATE_COUNT,
};

#define SL_TIMEOUT_MAX_S 43200 /* a tick has 16 bits */

/* Seconds by state: what every connection of a snapshot uses. */
struct sl_timeouts {
	uint16_t s[SL_STATE_COUNT];
};

extern const char *const sl_state_names[SL_STATE_COUNT];
extern const struct sl_timeouts sl_timeouts_default;

/* Whether a connection in this state counts as active (else inactive). */
static inline bool sl_state_is_active(enum sl_state state)
{
	return (1u << state) &
		((1u << SL_STATE_ESTABLISHED) | (1u << SL_STATE_SYN_SENT) |
			(1u << SL_STATE_SYN_RECV) | (1u << SL_STATE_SYNACK));
}

enum sl_direction {
	SL_DIR_IN,  /* from the client to the server */
	SL_DIR_OUT, /* the server's reply */
};

/*
 * The next state for a segment; `flags` are SL_TCP_*. One with none of RST, SYN, FIN and ACK closes
 * (seen on Linux 6.1). SL_STATE_UDP stays what it is.
 */
enum sl_state sl_tcp_next(enum sl_state state, uint8_t flags, enum sl_direction direction);

/* Likewise where only the client's side is seen. */
enum sl_state sl_tcp_next_oneside(enum sl_state state, uint8_t flags);

/*
 * Whether a SYN of the client on an entry in this state opens a new connection. As LVS with
 * conn_reuse_mode 1: in FIN_WAIT, which is all that direct routing sees of a close, it does not
 * (seen on Linux 6.1).
 */
bool sl_tcp_reusable(enum sl_state state);

#endif
