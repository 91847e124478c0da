/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Room for a new entry. Its two lines first; then a search, breadth first, through the lines where
 * the entries in the way could go instead; then the stash; then somebody has to leave.
 */
#include "lb/conn.h"

#include <rte_prefetch.h>

#include "lb/conn_layout.h"

/*
 * Lines looked at for one insertion. While the table holds no more than it was made for, the first
 * few have room almost always, and the limit is there for the unlucky. Beyond that a search is
 * mostly in vain, and whoever floods the table must not buy work with it.
 */
#define SEARCH      64
#define SEARCH_FULL 10
#define ROOT        0xff

/* A line that was looked at, and how an entry would get there: out of `slot` of step `from`. */
struct step {
	union conn_line *line;
	uint8_t from; /* ROOT: one of the new entry's own two lines */
	uint8_t slot;
};

/* How readily an entry gives way. */
enum rank { PROVEN, UNPROVEN, EMBRYONIC, EXPIRED, FREE };

struct room {
	enum rank rank;
	uint16_t age;
	uint8_t step;
	uint8_t slot;
};

struct search {
	const struct sl_timeouts *timeouts;
	sl_tick now;
	unsigned n, limit;
	bool spills;
	struct room best;
	struct step steps[SEARCH];
};

static inline enum rank rank_of(const struct conn_tail *tail, const struct search *s)
{
	if (conn_front(tail) == SL_ID_NONE)
		return FREE;
	if (conn_is_paired(tail))
		return PROVEN; /* whether it is, its side record knows; it goes with that */
	if (conn_expired(tail, s->now, s->timeouts))
		return EXPIRED;
	if (conn_state(tail) != SL_STATE_ESTABLISHED)
		return EMBRYONIC;
	return tail->front_state & CONN_DATA_BIT ? PROVEN : UNPROVEN;
}

/* Ranks the slots of a step; true when one of them costs no living connection. */
static __rte_always_inline bool look_at(enum sl_conn_form form, struct search *s, unsigned step)
{
	for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
		const struct conn_tail *tail = conn_slot(form, s->steps[step].line, i);
		enum rank rank = rank_of(tail, s);
		uint16_t age = rank == FREE ? 0 : conn_age(tail, s->now);

		if (rank > s->best.rank || (rank == s->best.rank && age > s->best.age))
			s->best = (struct room){rank, age, (uint8_t)step, (uint8_t)i};
	}
	return s->best.rank >= EXPIRED;
}

/* A chain that came by a line before would move an entry that is no longer there. */
static inline bool on_the_way(const struct search *s, unsigned step, const union conn_line *line)
{
	for (; step != ROOT; step = s->steps[step].from) {
		if (s->steps[step].line == line)
			return true;
	}
	return false;
}

/* A round of the sweep must not miss an entry because it went where the round has been already. */
static inline bool
escapes_sweep(const struct sl_conn_table *t, const union conn_line *from, const union conn_line *to)
{
	return from - t->lines >= (ptrdiff_t)t->sweep_at && to - t->lines < (ptrdiff_t)t->sweep_at;
}

/* Adds the lines where the entries of a step could lie as well. */
static __rte_always_inline void
branch(enum sl_conn_form form, const struct sl_conn_table *t, struct search *s, unsigned step)
{
	for (unsigned i = 0; i < CONN_SLOTS(form) && s->n < s->limit; i++) {
		const struct conn_tail *tail = conn_slot(form, s->steps[step].line, i);
		uint64_t hash = conn_placed_by(form, t->seed, tail);
		union conn_line *line = tail->front_state & CONN_ALT_BIT
			? &t->lines[conn_home(t->n_lines, hash)]
			: &t->lines[conn_alt(t->n_lines, hash)];

		if (on_the_way(s, step, line) || escapes_sweep(t, s->steps[step].line, line))
			continue;
		rte_prefetch0(line);
		s->steps[s->n++] = (struct step){line, (uint8_t)step, (uint8_t)i};
	}
}

/* Moves an entry to a free slot of its other line, and keeps its home line's count. */
static __rte_always_inline void
move(enum sl_conn_form form, struct sl_conn_table *t, struct conn_tail *to, struct conn_tail *from)
{
	bool was_home = !(from->front_state & CONN_ALT_BIT);

	conn_copy_to(form, to, from, CONN_ALT_BIT);
	if (was_home)
		conn_overflow_more(form, conn_line_of(from));
	else
		conn_overflow_less(form, conn_line_of(to));
	conn_free_slot(from);
	sl_count_add(t->stats.moved, 1);
}

/* Each entry on the way from the free slot back to the root goes one step forward. */
static __rte_always_inline struct conn_tail *
shift(enum sl_conn_form form, struct sl_conn_table *t, const struct search *s, unsigned *root)
{
	unsigned step = s->best.step;
	struct conn_tail *room = conn_slot(form, s->steps[step].line, s->best.slot);

	while (s->steps[step].from != ROOT) {
		unsigned from = s->steps[step].from;
		struct conn_tail *source =
			conn_slot(form, s->steps[from].line, s->steps[step].slot);

		move(form, t, room, source);
		room = source;
		step = from;
	}
	*root = step;
	return room;
}

static __rte_always_inline struct conn_tail *
free_in_stash(enum sl_conn_form form, const struct sl_conn_table *t)
{
	struct conn_tail *room = NULL;

	if (t->stats.stash == CONN_STASH)
		return NULL;
	for (unsigned i = 0; i < CONN_STASHED(form) && room == NULL; i++)
		room = conn_find_free(form, &t->lines[t->n_lines + i]);
	return room;
}

/* Whoever lies in the best slot leaves. */
static void evict(struct sl_conn_table *t, const struct search *s, struct conn_tail *tail,
	struct sl_conn_view *evicted)
{
	conn_take_apart(t->form, tail, evicted);
	conn_drop(t, tail);
	if (s->best.rank == EXPIRED)
		sl_count_add(t->stats.expired, 1);
	else if (s->best.rank == EMBRYONIC)
		sl_count_add(t->stats.evicted_embryonic, 1);
	else
		sl_count_add(t->stats.evicted_unproven, 1);
}

/* A free slot for the key, and in *home whether it lies in its home line. NULL when refused. */
static __rte_always_inline struct conn_tail *
find_room(enum sl_conn_form form, struct sl_conn_table *t, uint64_t hash, struct search *s,
	bool *home, struct sl_conn_view *evicted)
{
	struct conn_tail *room;
	unsigned root;

	s->steps[0] = (struct step){&t->lines[conn_home(t->n_lines, hash)], ROOT, 0};
	s->steps[1] = (struct step){&t->lines[conn_alt(t->n_lines, hash)], ROOT, 0};
	for (unsigned i = 0, branched = 0; i < s->n && !look_at(form, s, i); i++) {
		for (; i > 0 && branched <= i; branched++) /* not before both roots were seen */
			branch(form, t, s, branched);
	}
	*home = false;
	if (s->best.rank < EXPIRED) {
		room = free_in_stash(form, t);
		if (room != NULL) {
			sl_count_add(t->stats.stash, 1);
			return room;
		}
	}
	if (s->best.rank == PROVEN || (s->spills && s->best.rank < EXPIRED))
		return NULL;
	if (s->best.rank != FREE)
		evict(t, s, conn_slot(form, s->steps[s->best.step].line, s->best.slot), evicted);
	room = shift(form, t, s, &root);
	*home = root == 0;
	return room;
}

static __rte_always_inline struct conn_tail *
insert(enum sl_conn_form form, struct sl_conn_table *t, const struct sl_conn_view *entry,
	uint64_t hash, struct search *s, struct sl_conn_view *evicted)
{
	struct conn_key k = conn_key_of(form, &entry->key);
	bool paired = entry->kind >= SL_CONN_SIDE;
	struct conn_wide image = {
		.client = {k.client[0], k.client[1]},
		.tail.key_tick = k.word | (uint64_t)s->now << 48,
		.tail.front_state = k.front | (uint32_t)entry->state << CONN_STATE_SHIFT |
			(uint32_t)(entry->flags & SL_CONN_DATA) << CONN_FLAG_SHIFT |
			(uint32_t)entry->kind << CONN_KIND_SHIFT,
		.tail.server_spare = (paired ? entry->side : entry->server) & CONN_ID_MASK,
	};
	struct conn_tail *room;
	bool home;

	room = find_room(form, t, hash, s, &home, evicted);
	if (room == NULL) {
		sl_count_add(t->stats.refused, !s->spills);
		return NULL;
	}
	if (!home)
		conn_overflow_more(form, &t->lines[conn_home(t->n_lines, hash)]);
	conn_copy_to(form, room, &image.tail, home ? 0 : CONN_ALT_BIT);
	sl_count_add(t->stats.entries, 1);
	sl_count_add(t->stats.inserted, 1);
	return room;
}

struct sl_conn_ref
sl_conn_insert(struct sl_conn_table *t, const struct sl_conn_view *entry, uint64_t hash,
	sl_tick now, const struct sl_timeouts *timeouts, struct sl_conn_view *evicted)
{
	struct search s;
	void *slot;

	s.timeouts = timeouts;
	s.now = now;
	s.n = 2;
	s.limit = t->stats.entries < t->capacity ? SEARCH : SEARCH_FULL;
	/* Crowded are its client's lines, not the table: nobody has to leave, it can be a pair. */
	s.spills = entry->kind == SL_CONN_NAT && t->stats.entries < t->capacity;
	s.best = (struct room){.rank = PROVEN};
	evicted->key.front = SL_ID_NONE;
	if (t->form == SL_CONN_NARROW)
		slot = insert(SL_CONN_NARROW, t, entry, hash, &s, evicted);
	else
		slot = insert(SL_CONN_WIDE, t, entry, hash, &s, evicted);
	return (struct sl_conn_ref){.slot = slot};
}

static __rte_always_inline void
forget_home(enum sl_conn_form form, struct sl_conn_table *t, const struct conn_tail *tail)
{
	uint64_t hash = conn_placed_by(form, t->seed, tail);

	conn_overflow_less(form, &t->lines[conn_home(t->n_lines, hash)]);
}

void conn_drop(struct sl_conn_table *t, struct conn_tail *tail)
{
	if (tail->front_state & CONN_ALT_BIT) {
		if (t->form == SL_CONN_NARROW)
			forget_home(SL_CONN_NARROW, t, tail);
		else
			forget_home(SL_CONN_WIDE, t, tail);
	}
	if (conn_in_stash(t, tail))
		sl_count_add(t->stats.stash, -1);
	conn_free_slot(tail);
	sl_count_add(t->stats.entries, -1);
}

void sl_conn_remove(struct sl_conn_table *t, struct sl_conn_ref ref)
{
	conn_drop(t, ref.slot);
}
