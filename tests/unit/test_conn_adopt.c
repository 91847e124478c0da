/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn_fixture.h"

#define SMALL 32

static struct conn_tail *tail_of(struct fixture *f, const struct sl_conn_key *key)
{
	struct conn_tail *tail = find_key(f, key).slot;

	assert_non_null(tail);
	return tail;
}

static void insert_proven(struct fixture *f, struct sl_conn_key key)
{
	struct sl_conn_view entry = entry_of(key, SL_STATE_ESTABLISHED, SL_CONN_DATA);

	assert_non_null(insert_entry(f, &entry, 1, NULL).slot);
}

static void everything_is_taken_over(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		enum { N = 1000 };
		struct fixture f;
		void *before;

		fixture_open(&f, forms[form], N);
		for (uint64_t n = 0; n < N; n++)
			insert_proven(&f, key_of(f.form, n));
		before = malloc(f.bytes);
		memcpy(before, f.memory, f.bytes);
		fixture_adopt(&f);
		assert_memory_equal(before, f.memory, f.bytes);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, N);
		assert_sound(&f);
		free(before);
		fixture_close(&f);
	}
}

static void the_stash_is_taken_over(void **state)
{
	struct fixture f;
	uint64_t n = 0;

	fixture_open(&f, SL_CONN_WIDE, SMALL);
	for (unsigned i = 0; i < 4 + 9; i++)
		insert_proven(&f, key_with_lines(&f, &n, 3, 5));
	fixture_adopt(&f);
	assert_int_equal(sl_conn_table_stats(f.t)->stash, 9);
	assert_int_equal(sl_conn_table_stats(f.t)->entries, 13);
	assert_sound(&f);
	fixture_close(&f);
}

static void another_table_is_not_taken_over(void **state)
{
	static const uint64_t other_secret[2] = {1, 3};
	struct fixture f;

	fixture_open(&f, SL_CONN_NARROW, 1000);
	assert_null(sl_conn_table_open(f.memory, SL_CONN_WIDE, 1000, test_secret, true));
	assert_null(sl_conn_table_open(f.memory, SL_CONN_NARROW, 900, test_secret, true));
	assert_null(sl_conn_table_open(f.memory, SL_CONN_NARROW, 1000, other_secret, true));
	for (size_t byte = 0; byte < CONN_LINE; byte++) {
		((uint8_t *)f.memory)[byte] ^= 1;
		assert_null(sl_conn_table_open(f.memory, SL_CONN_NARROW, 1000, test_secret, true));
		((uint8_t *)f.memory)[byte] ^= 1;
	}
	fixture_adopt(&f);
	memset(f.memory, 0, f.bytes);
	assert_null(sl_conn_table_open(f.memory, SL_CONN_NARROW, 1000, test_secret, true));
	fixture_close(&f);
}

/* Each kind of damage to one entry costs that entry and no other. */
static void impossible_entries_are_dropped(void **state)
{
	static const struct {
		const char *what;
		uint64_t key_tick;
		uint32_t front_state, server_spare;
		bool wide_only, by_key_only;
	} damages[] = {
		{"a state that there is not", .front_state = 0xfu << CONN_STATE_SHIFT},
		{"a kind that lies in other lines", .front_state = 1u << CONN_KIND_SHIFT},
		{"one of a pair, with a state", .front_state = 2u << CONN_KIND_SHIFT},
		{"no server", .server_spare = 7},
		{"another front, whose lines are others", .front_state = 0x800,
			.by_key_only = true},
		{"another client, likewise", .key_tick = 1},
		{"bits that are never set", .key_tick = 1ull << 40, .wide_only = true},
	};

	for (unsigned form = 0; form < 2; form++) {
		for (size_t d = 0; d < sizeof(damages) / sizeof(damages[0]); d++) {
			struct sl_conn_key key = key_of(forms[form], 2);
			struct conn_tail *tail;
			struct fixture f;

			if (damages[d].wide_only && forms[form] != SL_CONN_WIDE)
				continue;
			if (damages[d].by_key_only && kind_of(&key) != SL_CONN_PLAIN)
				continue;
			fixture_open(&f, forms[form], 1000);
			for (uint64_t n = 0; n < 20; n++)
				insert_proven(&f, key_of(f.form, n));
			tail = tail_of(&f, &key);
			tail->key_tick ^= damages[d].key_tick;
			tail->front_state ^= damages[d].front_state;
			tail->server_spare ^= damages[d].server_spare;
			fixture_adopt(&f);
			assert_null(find_key(&f, &key).slot);
			if (sl_conn_table_stats(f.t)->entries != 19)
				fail_msg("%s: is kept", damages[d].what);
			assert_sound(&f);
			fixture_close(&f);
		}
	}
}

static void derived_fields_are_made_anew(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;

		fixture_open(&f, forms[form], SMALL);
		for (uint64_t n = 0; n < SMALL; n++)
			insert_proven(&f, key_of(f.form, n));
		for (uint64_t at = 0; at < sl_conn_lines(f.t); at++) {
			for (unsigned i = 0; i < CONN_SLOTS(f.form); i++) {
				struct conn_tail *tail = conn_slot(f.form, &f.t->lines[at], i);

				tail->server_spare ^= 0xa5000000;
				if (conn_front(tail) != SL_ID_NONE)
					tail->front_state ^= CONN_ALT_BIT;
				else
					tail->front_state = 0xff000000; /* of a freed slot */
			}
		}
		fixture_adopt(&f);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, SMALL);
		assert_sound(&f);
		fixture_close(&f);
	}
}

/* The same key in any two places that it may have: one of the two stays. */
static void duplicates_are_dropped(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		for (unsigned first = 0; first < 3; first++) {
			for (unsigned second = 0; second < 3; second++) {
				struct sl_conn_key key;
				struct conn_tail *tail;
				uint64_t at[3], n = 0;
				struct fixture f;

				fixture_open(&f, forms[form], SMALL);
				key = key_with_lines(&f, &n, 3, 5);
				insert_proven(&f, key);
				tail = tail_of(&f, &key);
				at[0] = 3;
				at[1] = 5;
				at[2] = f.t->n_lines + 2;
				conn_copy_to(f.form, conn_slot(f.form, &f.t->lines[at[first]], 1),
					tail, 0);
				conn_copy_to(f.form, conn_slot(f.form, &f.t->lines[at[second]], 0),
					tail, 0);
				fixture_adopt(&f);
				assert_int_equal(sl_conn_table_stats(f.t)->entries, 1);
				assert_sound(&f);
				fixture_close(&f);
			}
		}
	}
}

/* Anything at all behind a good header: no crash, and a table that works. */
static void hostile_memory_does_no_harm(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (unsigned round = 0; round < 300; round++) {
		struct fixture f;
		unsigned damages = round % 3 == 0 ? 5000 : round;

		fixture_open(&f, forms[round % 2], SMALL);
		for (uint64_t n = 0; n < SMALL; n++)
			insert_proven(&f, key_of(f.form, n));
		for (unsigned i = 0; i < damages; i++) {
			uint64_t at = CONN_LINE + sl_rand_below(&rand, f.bytes - CONN_LINE);

			((uint8_t *)f.memory)[at] = (uint8_t)sl_rand_u64(&rand);
		}
		fixture_adopt(&f);
		assert_sound(&f);
		for (uint64_t n = 0; n < 200; n++) {
			struct sl_conn_view entry =
				entry_of(key_of(f.form, 100 + n), SL_STATE_SYN_RECV, 0);
			struct sl_conn_ref ref = find_key(&f, &entry.key);

			if (ref.slot == NULL)
				insert_entry(&f, &entry, 1, NULL);
			else
				sl_conn_remove(f.t, ref);
		}
		assert_sound(&f);
		fixture_close(&f);
	}
}

/* ---- killed at any instruction ---- */

struct crash {
	struct fixture f; /* its memory is shared with the child */
	uint64_t keys;    /* 0 .. keys-1 are there before */
	struct sl_conn_view change;
	bool remove;    /* else insert */
	bool may_evict; /* one of the keys may go */
};

/* The child: does the one thing between two stops. */
static void victim(struct crash *c)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	if (c->remove)
		sl_conn_remove(c->f.t, find_key(&c->f, &c->change.key));
	else
		insert_entry(&c->f, &c->change, 2, NULL);
	raise(SIGSTOP);
	_exit(0);
}

/* What a new process finds in a copy of the memory as it is now. */
static void assert_adoptable(const struct crash *c)
{
	struct fixture now = c->f;
	unsigned missing = 0;

	now.memory = aligned_alloc(CONN_LINE, now.bytes);
	memcpy(now.memory, c->f.memory, now.bytes);
	now.t = sl_conn_table_open(now.memory, now.form, now.capacity, test_secret, true);
	assert_non_null(now.t);
	assert_sound(&now);
	for (uint64_t n = 0; n < c->keys; n++) {
		struct sl_conn_key key = key_of(now.form, n);
		struct sl_conn_ref ref = find_key(&now, &key);
		struct sl_conn_view view;

		if (ref.slot != NULL) {
			sl_conn_view(now.t, ref, &view);
			assert_int_equal(view.server, 7);
		} else if (memcmp(&key, &c->change.key, sizeof(key)) != 0) {
			missing++;
		}
	}
	assert_in_range(missing, 0, c->may_evict);
	if (!c->remove) {
		struct sl_conn_ref ref = find_key(&now, &c->change.key);
		struct sl_conn_view view;

		if (ref.slot != NULL) {
			sl_conn_view(now.t, ref, &view);
			assert_int_equal(view.server, c->change.server);
			assert_int_equal(view.state, c->change.state);
		}
	}
	fixture_close(&now);
}

/* Steps the child by single instructions; at each that changed the table, it might have been
 * killed. */
static unsigned kill_everywhere(struct crash *c)
{
	unsigned changes = 0;
	void *last = malloc(c->f.bytes);
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		victim(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	memcpy(last, c->f.memory, c->f.bytes);
	for (unsigned steps = 0; steps < 1000000; steps++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (memcmp(last, c->f.memory, c->f.bytes) == 0)
			continue;
		memcpy(last, c->f.memory, c->f.bytes);
		changes++;
		assert_adoptable(c);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	free(last);
	return changes;
}

static void crash_open(struct crash *c, enum sl_conn_form form, uint64_t keys, enum sl_state st)
{
	memset(c, 0, sizeof(*c));
	c->f.form = form;
	c->f.capacity = SMALL;
	c->f.bytes = sl_conn_table_bytes(form, SMALL);
	c->f.memory =
		mmap(NULL, c->f.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(c->f.memory, MAP_FAILED);
	c->f.t = sl_conn_table_open(c->f.memory, form, SMALL, test_secret, false);
	for (; c->keys < keys; c->keys++) {
		struct sl_conn_view evicted, entry = entry_of(key_of(form, c->keys), st, 0);

		if (sl_conn_table_stats(c->f.t)->stash == CONN_STASH)
			break;
		assert_non_null(insert_entry(&c->f, &entry, 1, &evicted).slot);
	}
	c->change = entry_of(key_of(form, c->keys), SL_STATE_SYN_RECV, 0);
	c->change.server = 9;
}

static void crash_close(struct crash *c)
{
	sl_conn_table_close(c->f.t);
	munmap(c->f.memory, c->f.bytes);
}

/* Whether this kernel lets a process be stepped at all. */
static bool can_step(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* With 25 to 60 keys: plain insertions, ones with moves, then the stash, then evictions. */
static void a_kill_during_an_insertion_costs_nothing(void **state)
{
	unsigned changes = 0;

	if (!can_step())
		skip();
	for (uint64_t keys = 25; keys <= 60; keys += 5) {
		struct crash c;

		crash_open(&c, forms[keys / 5 % 2], keys, SL_STATE_SYN_RECV);
		changes += kill_everywhere(&c);
		crash_close(&c);
	}
	assert_true(changes > 8 * 3);
	for (unsigned form = 0; form < 2; form++) {
		struct crash c;

		crash_open(&c, forms[form], 1000, SL_STATE_SYN_RECV);
		assert_true(c.keys < 1000); /* full, with its stash */
		c.may_evict = true;
		assert_true(kill_everywhere(&c) >= 3);
		crash_close(&c);
	}
}

static void a_kill_during_a_removal_costs_nothing_else(void **state)
{
	if (!can_step())
		skip();
	for (unsigned form = 0; form < 2; form++) {
		for (unsigned victim_key = 0; victim_key < 60; victim_key += 9) {
			struct crash c;

			crash_open(&c, forms[form], 60, SL_STATE_ESTABLISHED);
			c.remove = true;
			c.change.key = key_of(forms[form], victim_key);
			assert_true(kill_everywhere(&c) >= 1);
			crash_close(&c);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_taken_over),
		cmocka_unit_test(the_stash_is_taken_over),
		cmocka_unit_test(another_table_is_not_taken_over),
		cmocka_unit_test(impossible_entries_are_dropped),
		cmocka_unit_test(derived_fields_are_made_anew),
		cmocka_unit_test(duplicates_are_dropped),
		cmocka_unit_test(hostile_memory_does_no_harm),
		cmocka_unit_test(a_kill_during_an_insertion_costs_nothing),
		cmocka_unit_test(a_kill_during_a_removal_costs_nothing_else),
	};

	return run_with_each_placing(tests);
}
