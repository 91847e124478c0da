/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking over the table of a process that is gone. It may have been killed between any two stores,
 * and its file may have been damaged since: nothing is believed. What is derived (overflow counts,
 * where an entry lies, totals) is made anew; entries that cannot be are dropped. A move copies
 * before it frees, so a key may be there twice: then the copy further from home goes.
 */
#include "lb/conn.h"

#include "lb/conn_layout.h"

#define WIDE_WORD_UNUSED 0x0000ffff00000000ull

static __rte_always_inline bool plausible(enum sl_conn_form form, const struct conn_tail *tail)
{
	if ((tail->server_spare & CONN_ID_MASK) == SL_ID_NONE) /* nor is there a side 0 */
		return false;
	if (conn_state(tail) >= SL_STATE_COUNT)
		return false;
	/* State and flags of a pair are its side record's, which is checked against it later. */
	if (conn_is_paired(tail) &&
		(conn_state(tail) != SL_STATE_NONE || (tail->front_state & CONN_DATA_BIT) != 0))
		return false;
	return form == SL_CONN_NARROW || (tail->key_tick & WIDE_WORD_UNUSED) == 0;
}

/* Whether the key lies in `line` in another slot than this one. */
static __rte_always_inline bool is_in(enum sl_conn_form form, union conn_line *line,
	const struct conn_key *k, const struct conn_tail *but)
{
	for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
		const struct conn_tail *tail = conn_slot(form, line, i);

		if (tail != but && conn_matches(form, tail, k))
			return true;
	}
	return false;
}

static __rte_always_inline bool
is_in_stash_before(enum sl_conn_form form, const struct sl_conn_table *t, uint64_t at,
	const struct conn_key *k, const struct conn_tail *but)
{
	for (uint64_t i = t->n_lines; i <= at; i++) {
		if (is_in(form, &t->lines[i], k, but))
			return true;
	}
	return false;
}

/* Whether the entry in line `at` may stay; then its own flag is right and its home counts it. */
static __rte_always_inline bool
settle(enum sl_conn_form form, struct sl_conn_table *t, uint64_t at, struct conn_tail *tail)
{
	struct conn_key k = conn_key_in(form, tail);
	uint64_t hash = conn_placed_by(form, t->seed, tail);
	uint64_t home = conn_home(t->n_lines, hash), alt = conn_alt(t->n_lines, hash);
	bool stashed = at >= t->n_lines;

	if (!plausible(form, tail))
		return false;
	if (at == home) {
		if (is_in(form, &t->lines[home], &k, tail))
			return false;
		tail->front_state &= ~CONN_ALT_BIT;
		return true;
	}
	if (!stashed && at != alt)
		return false;
	if (is_in(form, &t->lines[home], &k, tail) || is_in(form, &t->lines[alt], &k, tail))
		return false;
	if (stashed && is_in_stash_before(form, t, at, &k, tail))
		return false;
	tail->front_state |= CONN_ALT_BIT;
	conn_overflow_more(form, &t->lines[home]);
	sl_count_add(t->stats.stash, stashed);
	return true;
}

static __rte_always_inline void adopt(enum sl_conn_form form, struct sl_conn_table *t)
{
	uint64_t end = t->n_lines + CONN_STASHED(form), entries = 0;

	for (uint64_t at = 0; at < end; at++) {
		for (unsigned i = 0; i < CONN_SLOTS(form); i++)
			conn_slot(form, &t->lines[at], i)->server_spare &= CONN_ID_MASK;
	}
	for (uint64_t at = 0; at < end; at++) {
		for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
			struct conn_tail *tail = conn_slot(form, &t->lines[at], i);

			if (conn_front(tail) != SL_ID_NONE && settle(form, t, at, tail))
				entries++;
			else
				conn_free_slot(tail);
		}
	}
	sl_count_add(t->stats.entries, entries);
}

void conn_adopt(struct sl_conn_table *t)
{
	if (t->form == SL_CONN_NARROW)
		adopt(SL_CONN_NARROW, t);
	else
		adopt(SL_CONN_WIDE, t);
}

void sl_conn_drop_pairs(struct sl_conn_table *t, sl_conn_match is_known, void *arg)
{
	for (uint64_t at = 0; at < sl_conn_lines(t); at++) {
		for (unsigned i = 0; i < CONN_SLOTS(t->form); i++) {
			struct conn_tail *tail = conn_slot(t->form, &t->lines[at], i);
			struct sl_conn_view view;

			if (conn_front(tail) == SL_ID_NONE || !conn_is_paired(tail))
				continue;
			conn_take_apart(t->form, tail, &view);
			if (!is_known(arg, &view))
				conn_drop(t, tail);
		}
	}
}
