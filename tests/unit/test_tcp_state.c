/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lb/tcp_state.h"
#include "net/parse.h"

/* The columns and rows of docs/lvs.md, "TCP states". */
static const char *const columns[] = {"NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT",
	"TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK"};
static const char short_names[] = "NOESSSSRFWTWCLCWLALISA";

static const struct row {
	uint8_t flag;
	const char *next;
} client_only[] =
	{
		{SL_TCP_SYN, "SR ES ES SR SR SR SR SR SR SR SR"},
		{SL_TCP_FIN, "CL FW SS TW FW TW CL CW LA LI TW"},
		{SL_TCP_ACK, "ES ES SS ES FW TW CL CW CL LI ES"},
		{SL_TCP_RST, "CL CL CL SR CL CL CL CL LA LI CL"},
},
  in[] =
	  {
		  {SL_TCP_SYN, "SR ES ES SR SR SR SR SR SR SR SR"},
		  {SL_TCP_FIN, "CL CW SS TW TW TW CL CW LA LI TW"},
		  {SL_TCP_ACK, "ES ES SS ES FW TW CL CW CL LI ES"},
		  {SL_TCP_RST, "CL CL CL SR CL CL CL CL LA LI SR"},
},
  out[] = {
	  {SL_TCP_SYN, "SS ES SS SR SS SS SS SS SS LI SR"},
	  {SL_TCP_FIN, "TW FW SS TW FW TW CL TW LA LI TW"},
	  {SL_TCP_ACK, "ES ES SS ES FW TW CL CW LA ES ES"},
	  {SL_TCP_RST, "CL CL SS CL CL TW CL CL CL CL CL"},
};

/* The three views as functions of one shape. */
static enum sl_state next_in(enum sl_state state, uint8_t flags)
{
	return sl_tcp_next(state, flags, SL_DIR_IN);
}

static enum sl_state next_out(enum sl_state state, uint8_t flags)
{
	return sl_tcp_next(state, flags, SL_DIR_OUT);
}

static const struct view {
	const struct row *rows;
	enum sl_state (*next)(enum sl_state state, uint8_t flags);
} views[] = {{client_only, sl_tcp_next_oneside}, {in, next_in}, {out, next_out}};

#define VIEWS (sizeof(views) / sizeof(views[0]))
#define ROWS  (sizeof(in) / sizeof(in[0]))

static enum sl_state by_name(const char *name)
{
	for (int i = 0; i < SL_STATE_COUNT; i++) {
		if (strcmp(sl_state_names[i], name) == 0)
			return (enum sl_state)i;
	}
	fail_msg("no state is called %s", name);
	return SL_STATE_NONE;
}

static enum sl_state by_short_name(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (memcmp(short_names + 2 * i, name, 2) == 0)
			return by_name(columns[i]);
	}
	fail_msg("no column is called %.2s", name);
	return SL_STATE_NONE;
}

static void every_cell_is_lvs_s(void **state)
{
	for (const struct view *v = views; v < views + VIEWS; v++) {
		for (size_t r = 0; r < ROWS; r++) {
			for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
				enum sl_state next = v->next(by_name(columns[c]), v->rows[r].flag);

				assert_string_equal(sl_state_names[next],
					sl_state_names[by_short_name(v->rows[r].next + 3 * c)]);
			}
		}
	}
}

static void assert_first_flag_decides(const struct view *v, enum sl_state s, uint8_t flags)
{
	static const uint8_t order[] = {SL_TCP_RST, SL_TCP_SYN, SL_TCP_FIN, SL_TCP_ACK};

	for (size_t i = 0; i < sizeof(order); i++) {
		if (!(flags & order[i]))
			continue;
		assert_int_equal(v->next(s, flags), v->next(s, order[i]));
		return;
	}
}

static void the_first_flag_of_rst_syn_fin_ack_decides(void **state)
{
	for (const struct view *v = views; v < views + VIEWS; v++) {
		for (int s = 0; s <= SL_STATE_SYNACK; s++) {
			for (unsigned flags = 1; flags < 256; flags++)
				assert_first_flag_decides(v, (enum sl_state)s, (uint8_t)flags);
		}
	}
}

static void a_segment_without_these_flags_closes(void **state)
{
	static const uint8_t others[] = {0, 0x08, 0x20}; /* none, PSH, URG */

	for (const struct view *v = views; v < views + VIEWS; v++) {
		for (int s = 0; s <= SL_STATE_SYNACK; s++) {
			for (size_t i = 0; i < sizeof(others); i++)
				assert_int_equal(
					v->next((enum sl_state)s, others[i]), SL_STATE_CLOSE);
		}
	}
}

static void udp_stays_udp(void **state)
{
	for (const struct view *v = views; v < views + VIEWS; v++) {
		for (unsigned flags = 0; flags < 256; flags++)
			assert_int_equal(v->next(SL_STATE_UDP, (uint8_t)flags), SL_STATE_UDP);
	}
}

static void active_states(void **state)
{
	static const char *const active[] = {"ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++)
		assert_true(sl_state_is_active(by_name(active[i])));
	for (int i = 0; i < SL_STATE_COUNT; i++)
		n += sl_state_is_active((enum sl_state)i);
	assert_int_equal(n, sizeof(active) / sizeof(active[0]));
#define X(NAME, name, timeout, active)                                                             \
	assert_int_equal(sl_state_is_active(SL_STATE_##NAME), active);
	SL_STATES(X)
#undef X
}

static void default_timeouts_are_lvs_s(void **state)
{
	static const struct {
		const char *name;
		uint16_t seconds;
	} cases[] = {{"NONE", 2}, {"ESTABLISHED", 900}, {"SYN_SENT", 120}, {"SYN_RECV", 60},
		{"FIN_WAIT", 120}, {"TIME_WAIT", 120}, {"CLOSE", 10}, {"CLOSE_WAIT", 60},
		{"LAST_ACK", 30}, {"LISTEN", 120}, {"SYNACK", 120}, {"UDP", 300}};

	assert_int_equal(sizeof(cases) / sizeof(cases[0]), SL_STATE_COUNT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sl_timeouts_default.s[by_name(cases[i].name)], cases[i].seconds);
}

static void a_syn_starts_over_what_has_ended(void **state)
{
	static const char *const reusable[] = {"TIME_WAIT", "CLOSE"};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(reusable) / sizeof(reusable[0]); i++)
		assert_true(sl_tcp_reusable(by_name(reusable[i])));
	for (int i = 0; i < SL_STATE_COUNT; i++)
		n += sl_tcp_reusable((enum sl_state)i);
	assert_int_equal(n, sizeof(reusable) / sizeof(reusable[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_lvs_s),
		cmocka_unit_test(the_first_flag_of_rst_syn_fin_ack_decides),
		cmocka_unit_test(a_segment_without_these_flags_closes),
		cmocka_unit_test(udp_stays_udp),
		cmocka_unit_test(active_states),
		cmocka_unit_test(default_timeouts_are_lvs_s),
		cmocka_unit_test(a_syn_starts_over_what_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
