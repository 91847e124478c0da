/* SPDX-License-Identifier: BSD-3-Clause */
#include "conn_fixture.h"

struct seen {
	unsigned asked, expired;
	sl_id reap; /* goes in any case */
	bool keep;  /* nobody goes */
};

static bool verdict(void *arg, const struct sl_conn_view *view, bool expired)
{
	struct seen *seen = arg;

	seen->asked++;
	seen->expired += expired;
	return !seen->keep && (expired || view->server == seen->reap);
}

static struct seen sweep_round(struct fixture *f, sl_tick now, sl_id reap, bool keep)
{
	struct seen seen = {.reap = reap, .keep = keep};
	unsigned calls = 0;

	while (!sl_conn_sweep(f->t, 3, now, &sl_timeouts_default, verdict, &seen))
		calls++;
	assert_int_equal(calls, (sl_conn_lines(f->t) - 1) / 3);
	return seen;
}

static void fill(struct fixture *f, unsigned n, sl_tick now)
{
	for (unsigned i = 0; i < n; i++) {
		struct sl_conn_view entry =
			entry_of(key_of(f->form, i), (enum sl_state)(i % SL_STATE_COUNT), 0);

		entry.server = 1 + i % 5;
		assert_non_null(insert_entry(f, &entry, now, NULL).slot);
	}
}

/* To the second, in every state, wherever the tick stands in its 16 bits. */
static void entries_expire_by_their_state(void **state)
{
	static const sl_tick starts[] = {0, 1, 30000, 64700, 65000, 65535};

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (int st = 0; st < SL_STATE_COUNT; st++) {
			uint16_t timeout = sl_timeouts_default.s[st];
			struct sl_conn_view entry =
				entry_of(key_of(SL_CONN_WIDE, 3), (enum sl_state)st, SL_CONN_DATA);
			struct fixture f;

			fixture_open(&f, SL_CONN_WIDE, 10);
			insert_entry(&f, &entry, starts[s], NULL);
			sweep_round(&f, (sl_tick)(starts[s] + timeout - 1), 0, false);
			assert_non_null(find_key(&f, &entry.key).slot);
			sweep_round(&f, (sl_tick)(starts[s] + timeout), 0, false);
			assert_null(find_key(&f, &entry.key).slot);
			assert_int_equal(sl_conn_table_stats(f.t)->expired, 1);
			assert_int_equal(sl_conn_table_stats(f.t)->entries, 0);
			fixture_close(&f);
		}
	}
}

static void each_entry_is_asked_about_once_a_round(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;
		struct seen seen;

		fixture_open(&f, forms[form], 100);
		fill(&f, 100, 50);
		seen = sweep_round(&f, 50 + 60, 0, true);
		assert_int_equal(seen.asked, 100);
		/* NONE, SYN_RECV, CLOSE, CLOSE_WAIT and LAST_ACK are over by then. */
		assert_int_equal(seen.expired, 9 + 9 + 8 + 8 + 8);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, 100);
		assert_int_equal(sl_conn_table_stats(f.t)->expired, 0);
		seen = sweep_round(&f, 50 + 60, 0, false);
		assert_int_equal(seen.asked, 100);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, 100 - 42);
		assert_int_equal(sl_conn_table_stats(f.t)->expired, 42);
		assert_sound(&f);
		fixture_close(&f);
	}
}

static void removed_servers_are_reaped(void **state)
{
	struct fixture f;

	fixture_open(&f, SL_CONN_NARROW, 100);
	fill(&f, 100, 50);
	sweep_round(&f, 50, 3, false);
	assert_int_equal(sl_conn_table_stats(f.t)->reaped, 20);
	assert_int_equal(sl_conn_table_stats(f.t)->expired, 0);
	for (unsigned i = 0; i < 100; i++) {
		struct sl_conn_key key = key_of(f.form, i);

		assert_int_equal(find_key(&f, &key).slot == NULL, 1 + i % 5 == 3);
	}
	assert_sound(&f);
	fixture_close(&f);
}

/* The stash empties into the lines as soon as they have room, home first. */
static void the_stash_is_left_again(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		unsigned in_lines = 2 * CONN_SLOTS(forms[form]), stashed = 5;
		struct sl_conn_key keys[8 + 5];
		struct fixture f;
		uint64_t n = 0;

		fixture_open(&f, forms[form], 32);
		for (unsigned i = 0; i < in_lines + stashed; i++) {
			struct sl_conn_view entry;

			keys[i] = key_with_lines(&f, &n, 3, 5);
			entry = entry_of(keys[i], SL_STATE_ESTABLISHED, SL_CONN_DATA);
			assert_non_null(insert_entry(&f, &entry, 1, NULL).slot);
		}
		sweep_round(&f, 1, 0, true);
		assert_int_equal(sl_conn_table_stats(f.t)->stash, stashed);
		/* One goes of the home line, one of the other. */
		sl_conn_remove(f.t, find_key(&f, &keys[0]));
		sl_conn_remove(f.t, find_key(&f, &keys[in_lines - 1]));
		sweep_round(&f, 1, 0, true);
		assert_int_equal(sl_conn_table_stats(f.t)->stash, stashed - 2);
		assert_sound(&f);
		for (unsigned i = 1; i < in_lines + stashed; i++) {
			if (i != in_lines - 1)
				assert_non_null(find_key(&f, &keys[i]).slot);
		}
		fixture_close(&f);
	}
}

static void listing_meets_each_entry_once(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		enum { N = 120 };
		bool met[N] = {false};
		struct sl_conn_view views[6];
		uint64_t cursor = 0;
		unsigned total = 0;
		struct fixture f;

		fixture_open(&f, forms[form], 100);
		fill(&f, N, 1);
		while (cursor != UINT64_MAX) {
			unsigned n = sl_conn_copy(f.t, &cursor, 5, views, 6);

			assert_true(n <= 6);
			for (unsigned i = 0; i < n; i++) {
				for (unsigned k = 0; k < N; k++) {
					struct sl_conn_key key = key_of(f.form, k);

					if (memcmp(&key, &views[i].key, sizeof(key)) == 0) {
						assert_false(met[k]);
						met[k] = true;
						total++;
					}
				}
			}
		}
		assert_int_equal(total, N);
		/* A cursor from elsewhere is the end. */
		cursor = UINT64_MAX - 1;
		assert_int_equal(sl_conn_copy(f.t, &cursor, 5, views, 6), 0);
		assert_int_equal(cursor, UINT64_MAX);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_expire_by_their_state),
		cmocka_unit_test(each_entry_is_asked_about_once_a_round),
		cmocka_unit_test(removed_servers_are_reaped),
		cmocka_unit_test(the_stash_is_left_again),
		cmocka_unit_test(listing_meets_each_entry_once),
	};

	return run_with_each_placing(tests);
}
