/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/mman.h>

#include "conn_fixture.h"

/* The table as one would write it with no thought for speed. */
struct model {
	struct sl_conn_view *entries;
	unsigned n;
};

static bool same_key(const struct sl_conn_key *a, const struct sl_conn_key *b)
{
	return sl_ip_equal(&a->client, &b->client) && a->client_port == b->client_port &&
		a->service_port == b->service_port && a->front == b->front;
}

static struct sl_conn_view *model_find(struct model *m, const struct sl_conn_key *key)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (same_key(&m->entries[i].key, key))
			return &m->entries[i];
	}
	return NULL;
}

static void assert_same(const struct sl_conn_view *a, const struct sl_conn_view *b)
{
	assert_true(same_key(&a->key, &b->key));
	assert_int_equal(a->server, b->server);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->tick, b->tick);
}

static void model_remove(struct model *m, struct sl_conn_view *entry)
{
	*entry = m->entries[--m->n];
}

/* One random operation on both; the model follows evictions, which are judged in test_conn_insert.
 */
static void
step(struct fixture *f, struct model *m, struct sl_rand *rand, uint64_t keys, sl_tick now)
{
	struct sl_conn_key key = key_of(f->form, sl_rand_below(rand, keys));
	struct sl_conn_ref ref = find_key(f, &key);
	struct sl_conn_view *known = model_find(m, &key), view, evicted;
	enum sl_state state = (enum sl_state)sl_rand_below(rand, SL_STATE_COUNT);
	uint8_t flags = (uint8_t)sl_rand_below(rand, 2);

	assert_int_equal(ref.slot != NULL, known != NULL);
	if (known == NULL) {
		view = entry_of(key, state, flags);
		view.server = 1 + (sl_id)sl_rand_below(rand, SL_ID_MAX);
		ref = insert_entry(f, &view, now, &evicted);
		if (ref.slot == NULL)
			return;
		if (evicted.key.front != SL_ID_NONE) {
			known = model_find(m, &evicted.key);
			assert_non_null(known);
			assert_same(known, &evicted);
			model_remove(m, known);
		}
		view.tick = now;
		m->entries[m->n++] = view;
		return;
	}
	sl_conn_view(f->t, ref, &view);
	assert_same(known, &view);
	if (sl_rand_below(rand, 4) == 0) {
		sl_conn_remove(f->t, ref);
		model_remove(m, known);
		return;
	}
	known->state = state;
	known->flags = flags;
	known->tick = now;
	sl_conn_update(f->t, ref, state, flags, now);
}

static void behaves_as_the_model(void **state)
{
	/* Keys in proportion to the capacity: how full it gets. The last cannot all fit. */
	static const unsigned loads[] = {30, 120, 200, 600};
	enum { CAPACITY = 200, STEPS = 12000 };

	for (unsigned form = 0; form < 2; form++) {
		for (unsigned l = 0; l < sizeof(loads) / sizeof(loads[0]); l++) {
			struct model m = {.entries = calloc(CAPACITY * 8, sizeof(*m.entries))};
			struct fixture f;
			struct sl_rand rand;

			sl_rand_seed(&rand, form * 10 + l);
			fixture_open(&f, forms[form], CAPACITY);
			for (unsigned i = 0; i < STEPS; i++)
				step(&f, &m, &rand, CAPACITY * loads[l] / 100,
					(sl_tick)(65000 + i / 100));
			assert_sound(&f);
			assert_int_equal(sl_conn_table_stats(f.t)->entries, m.n);
			for (unsigned i = 0; i < m.n; i++)
				assert_non_null(find_key(&f, &m.entries[i].key).slot);
			fixture_close(&f);
			free(m.entries);
		}
	}
}

/* Two keys that differ in one bit are two connections, whichever bit it is. */
static void every_bit_of_the_key_counts(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		unsigned bytes = forms[form] == SL_CONN_NARROW ? 4 : 16;
		struct sl_conn_key key = {
			.client.bytes = {1, 2, 3, 4}, .client_port = 5, .front = 6};
		struct sl_conn_view entry = entry_of(key, SL_STATE_ESTABLISHED, 0);
		struct fixture f;

		fixture_open(&f, forms[form], 100);
		assert_non_null(insert_entry(&f, &entry, 1, NULL).slot);
		assert_non_null(find_key(&f, &key).slot);
		for (unsigned bit = 0; bit < bytes * 8 + 16 + 24 + 16; bit++) {
			struct sl_conn_key other = key;
			unsigned rest = bit - bytes * 8;

			if (bit < bytes * 8)
				other.client.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			else if (rest < 16)
				other.client_port ^= (rte_be16_t)(1 << rest);
			else if (rest < 16 + 24)
				other.front ^= 1u << (rest - 16);
			else if (forms[form] == SL_CONN_WIDE)
				other.service_port ^= (rte_be16_t)(1 << (rest - 40));
			else
				continue;
			/* In the same line, so that the comparison decides and not the hash. */
			assert_null(sl_conn_find(f.t, &other, hash_of(f.t, &key)).slot);
		}
		fixture_close(&f);
	}
}

static void four_fifths_always_fit(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		enum { CAPACITY = 20000 };
		struct fixture f;

		fixture_open(&f, forms[form], CAPACITY);
		for (uint64_t n = 0; n < CAPACITY; n++) {
			struct sl_conn_view evicted,
				entry = entry_of(key_of(forms[form], n), SL_STATE_SYN_RECV, 0);

			assert_non_null(insert_entry(&f, &entry, 1, &evicted).slot);
			assert_int_equal(evicted.key.front, SL_ID_NONE);
		}
		assert_sound(&f);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, CAPACITY);
		assert_true(sl_conn_table_stats(f.t)->moved > 0);
		fixture_close(&f);
	}
}

static void memory_is_in_proportion(void **state)
{
	for (uint64_t capacity = 1000; capacity < 100000000; capacity = capacity * 3 + 7) {
		size_t narrow = sl_conn_table_bytes(SL_CONN_NARROW, capacity);
		size_t wide = sl_conn_table_bytes(SL_CONN_WIDE, capacity);

		assert_in_range(narrow, capacity * 20, capacity * 20 + 4096);
		assert_in_range(wide, capacity * 40, capacity * 40 + 8192);
	}
	/* Absurd sizes do not wrap around to small ones. */
	assert_true(sl_conn_table_bytes(SL_CONN_WIDE, UINT64_MAX) > 1ull << 36);
}

static void an_update_changes_what_it_is_told(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct sl_conn_key key = key_of(forms[form], 7);
		struct sl_conn_view entry = entry_of(key, SL_STATE_ESTABLISHED, SL_CONN_DATA), view;
		struct sl_conn_ref ref;
		struct fixture f;

		entry.server = SL_ID_MAX;
		fixture_open(&f, forms[form], 100);
		ref = insert_entry(&f, &entry, 9, NULL);
		sl_conn_update(f.t, ref, SL_STATE_CLOSE, 0, 10);
		entry.state = SL_STATE_CLOSE;
		entry.flags = 0;
		entry.tick = 10;
		sl_conn_view(f.t, ref, &view);
		assert_same(&view, &entry);
		assert_ptr_equal(find_key(&f, &key).slot, ref.slot);
		fixture_close(&f);
	}
}

/* On pages that cannot be written, where a store would end the test. */
static void a_packet_that_changes_nothing_writes_nothing(void **state)
{
	struct sl_conn_view entry =
		entry_of(key_of(SL_CONN_NARROW, 4), SL_STATE_ESTABLISHED, SL_CONN_DATA);
	size_t bytes = sl_conn_table_bytes(SL_CONN_NARROW, 100);
	struct fixture f = {.form = SL_CONN_NARROW};
	struct sl_conn_ref ref;

	f.memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f.memory, MAP_FAILED);
	f.t = sl_conn_table_open(f.memory, SL_CONN_NARROW, 100, test_secret, false);
	insert_entry(&f, &entry, 9, NULL);
	assert_int_equal(mprotect(f.memory, bytes, PROT_READ), 0);
	ref = find_key(&f, &entry.key);
	assert_non_null(ref.slot);
	sl_conn_update(f.t, ref, SL_STATE_ESTABLISHED, SL_CONN_DATA, 9);
	sl_conn_table_close(f.t);
	munmap(f.memory, bytes);
}

/* Addresses and ports that count up, as real ones do, do not crowd in few lines. */
static void sequential_keys_spread(void **state)
{
	enum { LINES = 1000, KEYS = 64000 };

	for (unsigned form = 0; form < 2; form++) {
		static unsigned home[LINES], alt[LINES];
		double chi_home = 0, chi_alt = 0;
		struct fixture f;

		memset(home, 0, sizeof(home));
		memset(alt, 0, sizeof(alt));
		fixture_open(&f, forms[form], 1000);
		for (unsigned n = 0; n < KEYS; n++) {
			struct sl_conn_key key = {.client.bytes = {10, 0, 0, (uint8_t)(n >> 12)},
				.client_port = rte_cpu_to_be_16((uint16_t)(n & 0xfff)),
				.front = 1};
			uint64_t hash = hash_of(f.t, &key);

			home[conn_home(LINES, hash)]++;
			alt[conn_alt(LINES, hash)]++;
		}
		for (unsigned i = 0; i < LINES; i++) {
			double mean = (double)KEYS / LINES;

			chi_home += (home[i] - mean) * (home[i] - mean) / mean;
			chi_alt += (alt[i] - mean) * (alt[i] - mean) / mean;
		}
		/* 999 degrees of freedom: mean 999, standard deviation 45. */
		assert_in_range((unsigned)chi_home, 775, 1225);
		assert_in_range((unsigned)chi_alt, 775, 1225);
		fixture_close(&f);
	}
}

static void the_secret_decides_the_place(void **state)
{
	static const uint64_t other[2] = {1, 3};
	struct fixture f;
	struct sl_conn_table *t;
	unsigned same = 0;

	fixture_open(&f, SL_CONN_NARROW, 1000);
	t = sl_conn_table_open(f.memory, SL_CONN_NARROW, 1000, other, false);
	for (uint64_t n = 0; n < 1000; n++) {
		struct sl_conn_key key = key_of(SL_CONN_NARROW, n);

		same += conn_home(t->n_lines, hash_of(t, &key)) ==
			conn_home(t->n_lines, hash_of(f.t, &key));
	}
	assert_in_range(same, 0, 20); /* of 1,000 keys in 314 lines: about 3 */
	sl_conn_table_close(t);
	fixture_close(&f);
}

static bool is_of_server(void *arg, const struct sl_conn_view *view, bool expired)
{
	return view->server == *(const sl_id *)arg;
}

/*
 * The ids of servers are reused after a round of the sweep: it must have met every entry that was
 * there when it began, wherever insertions have moved it meanwhile.
 */
static void a_round_misses_nobody(void **state)
{
	enum { CAPACITY = 2000, KEYS = CAPACITY * 9 / 10, ROUNDS = 60 };

	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;
		struct sl_rand rand;

		sl_rand_seed(&rand, form);
		fixture_open(&f, forms[form], CAPACITY);
		for (sl_id round = 1; round <= ROUNDS; round++) {
			sl_id reaped = round - 1;
			struct sl_conn_view views[64];

			do {
				struct sl_conn_view entry =
					entry_of(key_of(f.form, sl_rand_below(&rand, KEYS)),
						SL_STATE_ESTABLISHED, SL_CONN_DATA);

				entry.server = round;
				for (int i = 0; i < 5; i++) {
					entry.key = key_of(f.form, sl_rand_below(&rand, KEYS));
					if (find_key(&f, &entry.key).slot == NULL)
						insert_entry(&f, &entry, 1, NULL);
				}
			} while (!sl_conn_sweep(
				f.t, 1, 1, &sl_timeouts_default, is_of_server, &reaped));
			for (uint64_t at = 0; at != UINT64_MAX;) {
				unsigned n = sl_conn_copy(f.t, &at, 16, views, 64);

				for (unsigned i = 0; i < n; i++)
					assert_int_not_equal(views[i].server, reaped);
			}
		}
		assert_true(sl_conn_table_stats(f.t)->moved > ROUNDS);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_as_the_model),
		cmocka_unit_test(every_bit_of_the_key_counts),
		cmocka_unit_test(four_fifths_always_fit),
		cmocka_unit_test(memory_is_in_proportion),
		cmocka_unit_test(an_update_changes_what_it_is_told),
		cmocka_unit_test(a_packet_that_changes_nothing_writes_nothing),
		cmocka_unit_test(sequential_keys_spread),
		cmocka_unit_test(the_secret_decides_the_place),
		cmocka_unit_test(a_round_misses_nobody),
	};

	return run_with_each_placing(tests);
}
