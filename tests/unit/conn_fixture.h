/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the connection table share: a table in memory of exactly its size, and keys. */
#ifndef TESTS_UNIT_CONN_FIXTURE_H
#define TESTS_UNIT_CONN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/conn.h"
#include "lb/conn_layout.h"

static const enum sl_conn_form forms[] = {SL_CONN_NARROW, SL_CONN_WIDE};
static const uint64_t test_secret[2] = {1, 2};

/*
 * How the entries of a test are placed: every test runs once with each. MIXED has both kinds in one
 * table, by the key.
 */
static enum { BY_KEY, BY_CLIENT, MIXED } placing;

struct fixture {
	struct sl_conn_table *t;
	void *memory;
	size_t bytes;
	enum sl_conn_form form;
	uint64_t capacity;
};

static inline void fixture_open(struct fixture *f, enum sl_conn_form form, uint64_t capacity)
{
	f->form = form;
	f->capacity = capacity;
	f->bytes = sl_conn_table_bytes(form, capacity);
	assert_int_equal(f->bytes % CONN_LINE, 0);
	f->memory = aligned_alloc(CONN_LINE, f->bytes);
	assert_non_null(f->memory);
	memset(f->memory, 0, f->bytes);
	f->t = sl_conn_table_open(f->memory, form, capacity, test_secret, false);
	assert_non_null(f->t);
}

static inline void fixture_close(struct fixture *f)
{
	sl_conn_table_close(f->t);
	free(f->memory);
}

/* As a restarted process would: the handle is lost, the memory stays. */
static inline void fixture_adopt(struct fixture *f)
{
	sl_conn_table_close(f->t);
	f->t = sl_conn_table_open(f->memory, f->form, f->capacity, test_secret, true);
	assert_non_null(f->t);
}

/* The n-th key; keys of different numbers differ in any one of their fields. */
static inline struct sl_conn_key key_of(enum sl_conn_form form, uint64_t n)
{
	struct sl_conn_key key = {.front = 1};

	switch (n % 4) {
	case 0:
		memcpy(key.client.bytes, &n, 4);
		break;
	case 1:
		key.client_port = (rte_be16_t)(n / 4 % 65535 + 1);
		key.client.bytes[3] = (uint8_t)(n / 4 / 65535);
		break;
	case 2:
		key.front = 2 + (sl_id)(n / 4);
		key.client.bytes[2] = placing != BY_KEY;
		break;
	default:
		if (form == SL_CONN_WIDE) {
			key.service_port = (rte_be16_t)(n / 4);
			key.client.bytes[15] = (uint8_t)(n / 4 / 65536) + 1;
		} else {
			key.client_port = 0x100;
			memcpy(key.client.bytes, &n, 4);
		}
	}
	/* Many of one client find no room where it alone decides. */
	if (placing != BY_KEY && n % 4 >= 2)
		key.client_port = (rte_be16_t)(n / 4);
	return key;
}

static inline enum sl_conn_kind kind_of(const struct sl_conn_key *key)
{
	bool nat = placing == BY_CLIENT || (placing == MIXED && key->client_port % 2 == 0);

	return nat ? SL_CONN_NAT : SL_CONN_PLAIN;
}

/* The hash that places an entry of this key and kind. */
static inline uint64_t
hash_as(const struct sl_conn_table *t, enum sl_conn_kind kind, const struct sl_conn_key *key)
{
	return kind == SL_CONN_NAT ? sl_conn_hash_client(t, &key->client, key->client_port)
				   : sl_conn_hash(t, key);
}

static inline uint64_t hash_of(const struct sl_conn_table *t, const struct sl_conn_key *key)
{
	return hash_as(t, kind_of(key), key);
}

static inline struct sl_conn_view
entry_of(struct sl_conn_key key, enum sl_state state, uint8_t flags)
{
	return (struct sl_conn_view){
		.key = key, .server = 7, .state = state, .flags = flags, .kind = kind_of(&key)};
}

static inline struct sl_conn_ref find_key(struct fixture *f, const struct sl_conn_key *key)
{
	return sl_conn_find(f->t, key, hash_of(f->t, key));
}

static inline struct sl_conn_ref insert_entry(struct fixture *f, const struct sl_conn_view *entry,
	sl_tick now, struct sl_conn_view *evicted)
{
	struct sl_conn_view ignored;

	return sl_conn_insert(f->t, entry, hash_as(f->t, entry->kind, &entry->key), now,
		&sl_timeouts_default, evicted != NULL ? evicted : &ignored);
}

/* The next key, from *n on, with these lines. UINT64_MAX = any. */
static inline struct sl_conn_key
key_with_lines(struct fixture *f, uint64_t *n, uint64_t home, uint64_t alt)
{
	for (;;) {
		struct sl_conn_key key = key_of(f->form, (*n)++);
		uint64_t hash = hash_of(f->t, &key);

		if ((home == UINT64_MAX || conn_home(f->t->n_lines, hash) == home) &&
			(alt == UINT64_MAX || conn_alt(f->t->n_lines, hash) == alt))
			return key;
	}
}

/*
 * What must hold at any time: each entry lies in one of its lines or in the stash, is found, and is
 * counted by its home when it lies elsewhere.
 */
static inline void assert_sound(struct fixture *f)
{
	struct sl_conn_table *t = f->t;
	uint64_t entries = 0, stash = 0;
	unsigned *elsewhere = calloc(t->n_lines, sizeof(*elsewhere));

	for (uint64_t at = 0; at < sl_conn_lines(t); at++) {
		for (unsigned i = 0; i < CONN_SLOTS(f->form); i++) {
			struct conn_tail *tail = conn_slot(f->form, &t->lines[at], i);
			struct sl_conn_view v;
			uint64_t hash, home;
			bool is_alt = tail->front_state & CONN_ALT_BIT;

			if (conn_front(tail) == SL_ID_NONE)
				continue;
			conn_take_apart(f->form, tail, &v);
			hash = hash_as(t, v.kind, &v.key);
			home = conn_home(t->n_lines, hash);
			entries++;
			stash += at >= t->n_lines;
			assert_int_equal(is_alt, at != home);
			if (at != home) {
				elsewhere[home]++;
				assert_true(at >= t->n_lines || at == conn_alt(t->n_lines, hash));
			}
			assert_ptr_equal(sl_conn_find(t, &v.key, hash).slot, tail);
		}
	}
	for (uint64_t at = 0; at < t->n_lines; at++) {
		unsigned count = *conn_overflow(f->form, &t->lines[at]);

		assert_true(count == elsewhere[at] || count == CONN_COUNT_MAX);
	}
	assert_int_equal(t->stats.entries, entries);
	assert_int_equal(t->stats.stash, stash);
	free(elsewhere);
}

/* Each test with each way of placing. */
#define run_with_each_placing(tests)                                                               \
	({                                                                                         \
		int failed = 0;                                                                    \
                                                                                                   \
		for (placing = BY_KEY; placing <= MIXED; placing++)                                \
			failed += cmocka_run_group_tests(tests, NULL, NULL);                       \
		failed;                                                                            \
	})

#endif
