/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/tcp_state.h"

#include "net/parse.h"

const char *const sl_state_names[SL_STATE_COUNT] = {
#define X(NAME, name, timeout, active) [SL_STATE_##NAME] = name,
	SL_STATES(X)
#undef X
};

const struct sl_timeouts sl_timeouts_default = {.s = {
#define X(NAME, name, timeout, active) [SL_STATE_##NAME] = timeout,
							SL_STATES(X)
#undef X
						}};

#define X(NAME, name, timeout, active)                                                             \
	_Static_assert(timeout <= SL_TIMEOUT_MAX_S, "a default timeout of " name " is too long");
SL_STATES(X)
#undef X

enum row { SYN, FIN, ACK, RST, ROWS };

/* Short names, in the order of the columns: the table reads as docs/lvs.md prints it. */
#define NO SL_STATE_NONE
#define ES SL_STATE_ESTABLISHED
#define SS SL_STATE_SYN_SENT
#define SR SL_STATE_SYN_RECV
#define FW SL_STATE_FIN_WAIT
#define TW SL_STATE_TIME_WAIT
#define CL SL_STATE_CLOSE
#define CW SL_STATE_CLOSE_WAIT
#define LA SL_STATE_LAST_ACK
#define LI SL_STATE_LISTEN
#define SA SL_STATE_SYNACK

/* clang-format off */
static const uint8_t twoside[][ROWS][SA + 1] = {
	[SL_DIR_IN] = {
		/*	   NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[FIN] = { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW },
		[ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR },
	},
	[SL_DIR_OUT] = {
		/*	   NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[SYN] = { SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR },
		[FIN] = { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		[ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES },
		[RST] = { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
};

static const uint8_t oneside[ROWS][SA + 1] = {
	/*	   NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
	[SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
	[FIN] = { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
	[ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
	[RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
};
/* clang-format on */

static enum sl_state next_in(const uint8_t table[ROWS][SA + 1], enum sl_state state, uint8_t flags)
{
	if (state > SA)
		return state;
	if (flags & SL_TCP_RST)
		return table[RST][state];
	if (flags & SL_TCP_SYN)
		return table[SYN][state];
	if (flags & SL_TCP_FIN)
		return table[FIN][state];
	if (flags & SL_TCP_ACK)
		return table[ACK][state];
	return CL; /* no segment of a connection that goes on has none of them */
}

enum sl_state sl_tcp_next(enum sl_state state, uint8_t flags, enum sl_direction direction)
{
	return next_in(twoside[direction], state, flags);
}

enum sl_state sl_tcp_next_oneside(enum sl_state state, uint8_t flags)
{
	return next_in(oneside, state, flags);
}

bool sl_tcp_reusable(enum sl_state state)
{
	return state == TW || state == CL;
}
