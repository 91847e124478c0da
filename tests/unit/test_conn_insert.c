/* SPDX-License-Identifier: BSD-3-Clause */
#include "conn_fixture.h"

#define NOW 1000

/* Small enough that an insertion sees all of it: 11 narrow lines, or 22 wide ones. */
#define SMALL 32

/* Inserts keys until one is refused or evicts, all alike but for the tick. */
static uint64_t fill(struct fixture *f, enum sl_state state, uint8_t flags, sl_tick tick)
{
	uint64_t n = 0;

	for (;; n++) {
		struct sl_conn_view evicted, entry = entry_of(key_of(f->form, n), state, flags);

		if (insert_entry(f, &entry, tick, &evicted).slot == NULL)
			return n;
		assert_int_equal(evicted.key.front, SL_ID_NONE);
	}
}

static void proven_ones_are_never_evicted(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct sl_conn_stats *stats;
		struct fixture f;
		uint64_t n;

		fixture_open(&f, forms[form], SMALL);
		stats = sl_conn_table_stats(f.t);
		n = fill(&f, SL_STATE_ESTABLISHED, SL_CONN_DATA, NOW);
		assert_int_equal(stats->refused, 1);
		for (uint64_t flood = n; flood < n + 2000; flood++) {
			struct sl_conn_view evicted,
				entry = entry_of(key_of(f.form, flood), SL_STATE_SYN_RECV, 0);

			insert_entry(&f, &entry, NOW + 1, &evicted);
			assert_true(evicted.key.front == SL_ID_NONE ||
				evicted.state == SL_STATE_SYN_RECV);
		}
		for (uint64_t i = 0; i < n; i++) {
			struct sl_conn_key key = key_of(f.form, i);

			assert_non_null(find_key(&f, &key).slot);
		}
		assert_true(n > SMALL);
		assert_sound(&f);
		fixture_close(&f);
	}
}

/* Sets up every entry by its position in the walk over the table. */
static void set_all(struct fixture *f, enum sl_state state, uint8_t flags, sl_tick tick)
{
	for (uint64_t at = 0; at < sl_conn_lines(f->t); at++) {
		for (unsigned i = 0; i < CONN_SLOTS(f->form); i++) {
			struct sl_conn_ref ref = {conn_slot(f->form, &f->t->lines[at], i)};

			if (conn_front(ref.slot) != SL_ID_NONE)
				sl_conn_update(f->t, ref, state, flags, tick);
		}
	}
}

/* A slot of the new key's own line, which every insertion looks at. */
static struct sl_conn_ref own_slot(struct fixture *f, const struct sl_conn_key *key, unsigned i)
{
	uint64_t home = conn_home(f->t->n_lines, hash_of(f->t, key));

	return (struct sl_conn_ref){conn_slot(f->form, &f->t->lines[home], i)};
}

struct candidate {
	enum sl_state state;
	uint8_t flags;
	sl_tick tick;
};

/*
 * In a table full of proven entries, the first slot of the new key's line is made `loser` and the
 * second `winner`, then the other way round: the winner goes each time.
 */
static void assert_goes_first(const struct candidate *winner, const struct candidate *loser)
{
	for (unsigned form = 0; form < 2; form++) {
		for (unsigned turn = 0; turn < 2; turn++) {
			struct sl_conn_view evicted, view, entry;
			struct sl_conn_ref first, second;
			struct fixture f;
			uint64_t n;

			fixture_open(&f, forms[form], SMALL);
			n = fill(&f, SL_STATE_ESTABLISHED, SL_CONN_DATA, NOW);
			entry = entry_of(key_of(f.form, n), SL_STATE_SYN_RECV, 0);
			first = own_slot(&f, &entry.key, turn);
			second = own_slot(&f, &entry.key, !turn);
			sl_conn_update(f.t, first, winner->state, winner->flags, winner->tick);
			sl_conn_update(f.t, second, loser->state, loser->flags, loser->tick);
			sl_conn_view(f.t, first, &view);
			assert_non_null(insert_entry(&f, &entry, NOW, &evicted).slot);
			assert_memory_equal(&evicted.key, &view.key, sizeof(view.key));
			assert_int_equal(evicted.state, winner->state);
			assert_int_equal(evicted.tick, winner->tick);
			assert_int_equal(evicted.server, 7);
			assert_null(find_key(&f, &view.key).slot);
			assert_non_null(find_key(&f, &entry.key).slot);
			assert_sound(&f);
			fixture_close(&f);
		}
	}
}

static void the_order_of_eviction(void **state)
{
	const struct candidate proven = {SL_STATE_ESTABLISHED, SL_CONN_DATA, NOW - 800},
			       unproven = {SL_STATE_ESTABLISHED, 0, NOW - 10},
			       unproven_old = {SL_STATE_ESTABLISHED, 0, NOW - 800},
			       embryonic = {SL_STATE_SYN_RECV, 0, NOW - 5},
			       embryonic_old = {SL_STATE_SYN_RECV, 0, NOW - 50},
			       closing = {SL_STATE_FIN_WAIT, SL_CONN_DATA, NOW - 60},
			       udp = {SL_STATE_UDP, SL_CONN_DATA, NOW - 100},
			       expired = {SL_STATE_CLOSE, 0, NOW - 10},
			       expired_proven = {SL_STATE_ESTABLISHED, SL_CONN_DATA, NOW - 900};

	assert_goes_first(&unproven, &proven);
	assert_goes_first(&unproven_old, &unproven);
	assert_goes_first(&embryonic, &unproven_old);
	assert_goes_first(&embryonic_old, &embryonic);
	assert_goes_first(&closing, &embryonic_old);
	assert_goes_first(&udp, &closing);
	assert_goes_first(&expired, &udp);
	assert_goes_first(&expired_proven, &udp);
}

/* Ages, not ticks, are compared: a tick of before the wrap-around is older than one behind it. */
static void age_is_right_across_the_wrap(void **state)
{
	struct sl_conn_view evicted, view, entry;
	struct sl_conn_ref young, old;
	struct fixture f;
	uint64_t n;

	fixture_open(&f, SL_CONN_NARROW, SMALL);
	n = fill(&f, SL_STATE_ESTABLISHED, SL_CONN_DATA, 5);
	entry = entry_of(key_of(f.form, n), SL_STATE_SYN_RECV, 0);
	young = own_slot(&f, &entry.key, 0);
	old = own_slot(&f, &entry.key, 1);
	sl_conn_update(f.t, young, SL_STATE_SYN_RECV, 0, 3);
	sl_conn_update(f.t, old, SL_STATE_SYN_RECV, 0, 65530);
	sl_conn_view(f.t, old, &view);
	insert_entry(&f, &entry, 6, &evicted);
	assert_memory_equal(&evicted.key, &view.key, sizeof(view.key));
	fixture_close(&f);
}

static void each_case_has_its_counter(void **state)
{
	struct sl_conn_stats *stats;
	struct sl_conn_view entry;
	struct fixture f;
	uint64_t n;

	fixture_open(&f, SL_CONN_NARROW, SMALL);
	stats = sl_conn_table_stats(f.t);
	n = fill(&f, SL_STATE_ESTABLISHED, SL_CONN_DATA, NOW);
	assert_int_equal(stats->inserted, n);
	assert_int_equal(stats->entries, n);
	assert_int_equal(stats->refused, 1);
	set_all(&f, SL_STATE_ESTABLISHED, 0, NOW);
	entry = entry_of(key_of(f.form, n), SL_STATE_ESTABLISHED, 0);
	insert_entry(&f, &entry, NOW, NULL);
	assert_int_equal(stats->evicted_unproven, 1);
	set_all(&f, SL_STATE_SYN_RECV, 0, NOW);
	entry.key = key_of(f.form, n + 1);
	insert_entry(&f, &entry, NOW, NULL);
	assert_int_equal(stats->evicted_embryonic, 1);
	set_all(&f, SL_STATE_CLOSE, 0, NOW - 10);
	entry.key = key_of(f.form, n + 2);
	insert_entry(&f, &entry, NOW, NULL);
	assert_int_equal(stats->expired, 1);
	assert_int_equal(stats->entries, n);
	assert_int_equal(stats->inserted, n + 3);
	assert_sound(&f);
	fixture_close(&f);
}

/* Keys that all share both lines: no move helps, so the stash takes 64, and only then is it over.
 */
static void keys_of_the_same_lines_go_to_the_stash(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		unsigned in_lines = 2 * CONN_SLOTS(forms[form]);
		struct sl_conn_key keys[2 * 4 + CONN_STASH];
		struct sl_conn_view entry;
		struct sl_conn_key key;
		struct fixture f;
		uint64_t n = 0;

		fixture_open(&f, forms[form], SMALL);
		for (unsigned i = 0; i < in_lines + CONN_STASH; i++) {
			keys[i] = key_with_lines(&f, &n, 3, 5);
			entry = entry_of(keys[i], SL_STATE_ESTABLISHED, SL_CONN_DATA);
			assert_non_null(insert_entry(&f, &entry, NOW, NULL).slot);
			assert_int_equal(sl_conn_table_stats(f.t)->stash,
				i < in_lines ? 0 : i + 1 - in_lines);
			assert_sound(&f);
		}
		key = key_with_lines(&f, &n, 3, 5);
		assert_null(find_key(&f, &key).slot);
		entry = entry_of(key, SL_STATE_SYN_RECV, 0);
		assert_null(insert_entry(&f, &entry, NOW, NULL).slot);
		/* Out of the stash again, in any order. */
		for (unsigned i = 0; i < in_lines + CONN_STASH; i++) {
			struct sl_conn_ref ref =
				find_key(&f, &keys[i * 7 % (in_lines + CONN_STASH)]);

			if (ref.slot != NULL)
				sl_conn_remove(f.t, ref);
		}
		for (unsigned i = 0; i < in_lines + CONN_STASH; i++) {
			struct sl_conn_ref ref = find_key(&f, &keys[i]);

			if (ref.slot != NULL)
				sl_conn_remove(f.t, ref);
		}
		assert_sound(&f);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, 0);
		assert_int_equal(sl_conn_table_stats(f.t)->stash, 0);
		assert_int_equal(*conn_overflow(f.form, &f.t->lines[3]), 0);
		fixture_close(&f);
	}
}

/* A count that has reached its end stays there: wrong by a look too many, never by one too few. */
static void a_saturated_overflow_count_stays(void **state)
{
	struct sl_conn_key key;
	struct sl_conn_ref ref;
	struct fixture f;
	uint64_t n = 0;

	fixture_open(&f, SL_CONN_NARROW, SMALL);
	*conn_overflow(f.form, &f.t->lines[3]) = CONN_COUNT_MAX - 1;
	for (unsigned i = 0; i < 8; i++) {
		struct sl_conn_view entry;

		key = key_with_lines(&f, &n, 3, 5);
		entry = entry_of(key, SL_STATE_ESTABLISHED, SL_CONN_DATA);
		assert_non_null(insert_entry(&f, &entry, NOW, NULL).slot);
	}
	assert_int_equal(*conn_overflow(f.form, &f.t->lines[3]), CONN_COUNT_MAX);
	ref = find_key(&f, &key);
	assert_non_null(ref.slot);
	sl_conn_remove(f.t, ref);
	assert_int_equal(*conn_overflow(f.form, &f.t->lines[3]), CONN_COUNT_MAX);
	assert_null(find_key(&f, &key).slot);
	fixture_close(&f);
}

/* A full line whose entries can go elsewhere gives way without anybody leaving. */
static void entries_move_before_anybody_leaves(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct sl_conn_view evicted, entry;
		struct fixture f;
		uint64_t n = 0;

		fixture_open(&f, forms[form], SMALL);
		/* Lines 1 and 2 are filled with keys that may lie in 1 or 4, and in 2 or 5. */
		for (unsigned i = 0; i < 2 * CONN_SLOTS(f.form); i++) {
			uint64_t line = i % 2 ? 1 : 2;

			entry = entry_of(
				key_with_lines(&f, &n, line, line + 3), SL_STATE_SYN_RECV, 0);
			assert_non_null(insert_entry(&f, &entry, NOW, NULL).slot);
		}
		entry = entry_of(key_with_lines(&f, &n, 1, 2), SL_STATE_SYN_RECV, 0);
		assert_non_null(insert_entry(&f, &entry, NOW, &evicted).slot);
		assert_int_equal(evicted.key.front, SL_ID_NONE);
		assert_int_equal(sl_conn_table_stats(f.t)->moved, 1);
		assert_int_equal(sl_conn_table_stats(f.t)->stash, 0);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, 2 * CONN_SLOTS(f.form) + 1);
		assert_sound(&f);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proven_ones_are_never_evicted),
		cmocka_unit_test(the_order_of_eviction),
		cmocka_unit_test(age_is_right_across_the_wrap),
		cmocka_unit_test(each_case_has_its_counter),
		cmocka_unit_test(keys_of_the_same_lines_go_to_the_stash),
		cmocka_unit_test(a_saturated_overflow_count_stays),
		cmocka_unit_test(entries_move_before_anybody_leaves),
	};

	return run_with_each_placing(tests);
}
