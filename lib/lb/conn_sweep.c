/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over the whole table, a bounded piece at a time: expiry, and listing. */
#include "lb/conn.h"

#include "lb/conn_layout.h"

uint64_t sl_conn_lines(const struct sl_conn_table *t)
{
	return t->n_lines + CONN_STASHED(t->form);
}

uint64_t sl_conn_slots(const struct sl_conn_table *t)
{
	return sl_conn_lines(t) * CONN_SLOTS(t->form);
}

/* An entry of the stash goes to one of its own lines as soon as there is room again. */
static __rte_always_inline void
unstash(enum sl_conn_form form, struct sl_conn_table *t, struct conn_tail *tail)
{
	uint64_t hash = conn_placed_by(form, t->seed, tail);
	union conn_line *home = &t->lines[conn_home(t->n_lines, hash)];
	struct conn_tail *room = conn_find_free(form, home);

	if (room != NULL) {
		conn_copy_to(form, room, tail, CONN_ALT_BIT);
		conn_overflow_less(form, home);
	} else {
		room = conn_find_free(form, &t->lines[conn_alt(t->n_lines, hash)]);
		if (room == NULL)
			return;
		conn_copy_to(form, room, tail, 0);
	}
	conn_free_slot(tail);
	sl_count_add(t->stats.stash, -1);
	sl_count_add(t->stats.moved, 1);
}

struct sweep {
	sl_tick now;
	const struct sl_timeouts *timeouts;
	sl_conn_verdict verdict;
	void *arg;
};

/* Whether the entry went. */
static __rte_always_inline bool sweep_entry(enum sl_conn_form form, struct sl_conn_table *t,
	struct conn_tail *tail, const struct sweep *s)
{
	struct sl_conn_view view;
	bool expired;

	if (conn_is_paired(tail))
		return false;
	expired = conn_expired(tail, s->now, s->timeouts);
	conn_take_apart(form, tail, &view);
	if (!s->verdict(s->arg, &view, expired))
		return false;
	conn_drop(t, tail);
	if (expired)
		sl_count_add(t->stats.expired, 1);
	else
		sl_count_add(t->stats.reaped, 1);
	return true;
}

static __rte_always_inline void
sweep_line(enum sl_conn_form form, struct sl_conn_table *t, uint64_t at, const struct sweep *s)
{
	for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
		struct conn_tail *tail = conn_slot(form, &t->lines[at], i);

		if (conn_front(tail) == SL_ID_NONE || sweep_entry(form, t, tail, s))
			continue;
		if (at >= t->n_lines)
			unstash(form, t, tail);
	}
}

bool sl_conn_sweep(struct sl_conn_table *t, unsigned lines, sl_tick now,
	const struct sl_timeouts *timeouts, sl_conn_verdict verdict, void *arg)
{
	const struct sweep s = {now, timeouts, verdict, arg};
	uint64_t end = RTE_MIN(t->sweep_at + lines, sl_conn_lines(t));

	for (; t->sweep_at < end; t->sweep_at++) {
		if (t->form == SL_CONN_NARROW)
			sweep_line(SL_CONN_NARROW, t, t->sweep_at, &s);
		else
			sweep_line(SL_CONN_WIDE, t, t->sweep_at, &s);
	}
	if (t->sweep_at < sl_conn_lines(t))
		return false;
	t->sweep_at = 0;
	return true;
}

unsigned sl_conn_copy(const struct sl_conn_table *t, uint64_t *cursor, unsigned lines,
	struct sl_conn_view *out, unsigned max)
{
	unsigned n = 0;

	for (; lines > 0 && *cursor < sl_conn_lines(t); lines--, (*cursor)++) {
		union conn_line *line = &t->lines[*cursor];

		if (max - n < CONN_SLOTS(t->form))
			return n;
		for (unsigned i = 0; i < CONN_SLOTS(t->form); i++) {
			const struct conn_tail *tail = conn_slot(t->form, line, i);

			if (conn_front(tail) != SL_ID_NONE)
				conn_take_apart(t->form, tail, &out[n++]);
		}
	}
	if (*cursor >= sl_conn_lines(t))
		*cursor = UINT64_MAX;
	return n;
}
