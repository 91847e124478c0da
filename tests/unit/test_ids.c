/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lb/ids.h"

#define CAPACITY 4
#define SECOND   1000000000ull

struct fixture {
	void *memory;
	struct sl_ids *ids;
};

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	f->memory = calloc(1, sl_ids_bytes(CAPACITY));
	f->ids = sl_ids_open(f->memory, CAPACITY, false);
	assert_non_null(f->ids);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sl_ids_close(f->ids);
	free(f->memory);
	free(f);
	return 0;
}

/* The process ends and another one takes the map over. */
static struct sl_ids *restart(struct fixture *f)
{
	sl_ids_close(f->ids);
	f->ids = sl_ids_open(f->memory, CAPACITY, true);
	return f->ids;
}

static struct sl_identity server(uint16_t port)
{
	struct sl_identity identity = {.address = {10, 0, 0, 1}, .port = port, .family = 4};

	identity.parent = 7;
	return identity;
}

static sl_id acquire(struct sl_ids *ids, uint16_t port)
{
	struct sl_identity identity = server(port);
	bool revived;

	return sl_ids_acquire(ids, &identity, &revived);
}

static bool is_due(struct sl_ids *ids, uint64_t now_ns, sl_id id)
{
	sl_id due[CAPACITY];
	unsigned n = sl_ids_due(ids, now_ns, due, CAPACITY);

	for (unsigned i = 0; i < n; i++)
		if (due[i] == id)
			return true;
	return false;
}

static void an_identity_keeps_its_id(void **state)
{
	struct fixture *f = *state;
	struct sl_identity identity = server(80);
	bool revived;
	sl_id id = acquire(f->ids, 80);

	assert_int_not_equal(id, SL_ID_NONE);
	assert_int_not_equal(acquire(f->ids, 81), id);
	assert_int_equal(sl_ids_acquire(f->ids, &identity, &revived), id);
	assert_false(revived);
	assert_int_equal(sl_ids_find(f->ids, &identity), id);
	assert_memory_equal(sl_ids_identity(f->ids, id), &identity, sizeof(identity));
	identity.parent++;
	assert_int_equal(sl_ids_find(f->ids, &identity), SL_ID_NONE);
}

static void a_deleted_one_is_revived(void **state)
{
	struct fixture *f = *state;
	struct sl_identity identity = server(80);
	bool revived;
	sl_id id = acquire(f->ids, 80);

	sl_ids_delete(f->ids, id, 5 * SECOND);
	assert_int_equal(sl_ids_state(f->ids, id), SL_ID_DELETED);
	assert_int_equal(sl_ids_acquire(f->ids, &identity, &revived), id);
	assert_true(revived);
	assert_int_equal(sl_ids_state(f->ids, id), SL_ID_LIVE);
	assert_false(is_due(f->ids, 500 * SECOND, id));
}

static void due_after_its_quarantine_and_not_before(void **state)
{
	struct fixture *f = *state;
	sl_id first = acquire(f->ids, 1);
	sl_id second = acquire(f->ids, 2);

	sl_ids_delete(f->ids, first, 10 * SECOND);
	sl_ids_delete(f->ids, second, 11 * SECOND);
	assert_false(is_due(f->ids, 130 * SECOND - 1, first));
	assert_true(is_due(f->ids, 130 * SECOND, first));
	assert_false(is_due(f->ids, 130 * SECOND, second));
	assert_true(is_due(f->ids, 131 * SECOND, second));
}

static void free_only_when_swept(void **state)
{
	struct fixture *f = *state;
	struct sl_identity identity = server(1);
	sl_id id = acquire(f->ids, 1);
	sl_id out[CAPACITY];

	sl_ids_delete(f->ids, id, 0);
	sl_ids_reap(f->ids, id, 42);
	assert_int_equal(sl_ids_state(f->ids, id), SL_ID_REAPING);
	assert_int_equal(sl_ids_find(f->ids, &identity), SL_ID_NONE);
	assert_int_not_equal(acquire(f->ids, 1), id);
	assert_int_equal(sl_ids_swept(f->ids, 41, out, CAPACITY), 0);
	assert_int_equal(sl_ids_swept(f->ids, 42, out, CAPACITY), 1);
	assert_int_equal(out[0], id);
	sl_ids_free(f->ids, id);
	assert_int_equal(sl_ids_state(f->ids, id), SL_ID_FREE);
	assert_int_equal(sl_ids_swept(f->ids, 42, out, CAPACITY), 0);
}

static void all_taken_then_reused(void **state)
{
	struct fixture *f = *state;
	sl_id ids[CAPACITY];

	for (uint16_t i = 0; i < CAPACITY; i++) {
		ids[i] = acquire(f->ids, i);
		assert_in_range(ids[i], 1, CAPACITY);
	}
	assert_int_equal(acquire(f->ids, 100), SL_ID_NONE);
	assert_int_equal(sl_ids_end(f->ids), CAPACITY + 1);
	sl_ids_delete(f->ids, ids[2], 0);
	assert_int_equal(acquire(f->ids, 100), SL_ID_NONE);
	sl_ids_reap(f->ids, ids[2], 1);
	assert_int_equal(acquire(f->ids, 100), SL_ID_NONE);
	sl_ids_free(f->ids, ids[2]);
	assert_int_equal(acquire(f->ids, 100), ids[2]);
	assert_int_equal(acquire(f->ids, 101), SL_ID_NONE);
}

static void the_end_follows(void **state)
{
	struct fixture *f = *state;
	sl_id a = acquire(f->ids, 1), b = acquire(f->ids, 2), c = acquire(f->ids, 3);

	for (sl_id id = b; id <= c; id++) {
		sl_ids_delete(f->ids, id, 0);
		sl_ids_reap(f->ids, id, 1);
	}
	sl_ids_free(f->ids, b);
	assert_int_equal(sl_ids_end(f->ids), c + 1);
	sl_ids_free(f->ids, c);
	assert_int_equal(sl_ids_end(f->ids), a + 1);
}

static void abandon_is_an_exact_undo(void **state)
{
	struct fixture *f = *state;
	struct sl_identity identity = server(80);
	bool revived;
	sl_id old = acquire(f->ids, 80), later = acquire(f->ids, 81), fresh;
	uint64_t deleted_ns;

	sl_ids_delete(f->ids, old, 10 * SECOND);
	sl_ids_delete(f->ids, later, 20 * SECOND);
	deleted_ns = sl_ids_deleted_ns(f->ids, old);
	assert_int_equal(sl_ids_acquire(f->ids, &identity, &revived), old);
	fresh = acquire(f->ids, 90);
	sl_ids_abandon(f->ids, fresh, false, 0);
	sl_ids_abandon(f->ids, old, true, deleted_ns);

	assert_int_equal(sl_ids_state(f->ids, fresh), SL_ID_FREE);
	assert_int_equal(sl_ids_end(f->ids), later + 1);
	assert_int_equal(sl_ids_state(f->ids, old), SL_ID_DELETED);
	assert_true(is_due(f->ids, 130 * SECOND, old));
	assert_false(is_due(f->ids, 130 * SECOND, later));
	assert_true(is_due(f->ids, 140 * SECOND, later));
	assert_int_equal(acquire(f->ids, 91), fresh);
}

static void a_restart_finds_what_was_there(void **state)
{
	struct fixture *f = *state;
	sl_id live = acquire(f->ids, 1), late = acquire(f->ids, 2), early = acquire(f->ids, 3);
	sl_id reaping = acquire(f->ids, 4), out[CAPACITY];

	sl_ids_delete(f->ids, reaping, 0);
	sl_ids_reap(f->ids, reaping, 99);
	sl_ids_delete(f->ids, early, 5 * SECOND);
	sl_ids_delete(f->ids, late, 50 * SECOND);
	assert_non_null(restart(f));

	assert_int_equal(sl_ids_state(f->ids, live), SL_ID_LIVE);
	assert_int_equal(acquire(f->ids, 1), live);
	assert_int_equal(sl_ids_due(f->ids, 125 * SECOND, out, CAPACITY), 1);
	assert_int_equal(out[0], early);
	assert_int_equal(acquire(f->ids, 2), late);
	assert_int_equal(sl_ids_state(f->ids, reaping), SL_ID_REAPING);
	sl_ids_reap(f->ids, reaping, 1); /* generations begin anew */
	assert_int_equal(sl_ids_swept(f->ids, 1, out, CAPACITY), 1);
	assert_int_equal(acquire(f->ids, 77), SL_ID_NONE);
	sl_ids_free(f->ids, reaping);
	assert_int_equal(acquire(f->ids, 77), reaping);
}

static void a_damaged_map_is_not_adopted(void **state)
{
	struct fixture *f = *state;
	size_t size = sl_ids_bytes(CAPACITY);
	uint8_t *good = malloc(size);

	acquire(f->ids, 1);
	acquire(f->ids, 2);
	memcpy(good, f->memory, size);
	/* magic, version, capacity; of record 1: the state, the address family */
	for (unsigned i = 0; i < 5; i++) {
		static const size_t offsets[] = {0, 8, 12, 64 + 48 + 24, 64 + 48 + 18};

		memcpy(f->memory, good, size);
		((uint8_t *)f->memory)[offsets[i]] ^= 0x40;
		assert_null(restart(f));
	}
	memcpy(f->memory, good, size);
	memcpy((uint8_t *)f->memory + 64 + 2 * 48, good + 64 + 48, 48); /* 2 is the same as 1 */
	assert_null(restart(f));
	memcpy(f->memory, good, size);
	assert_non_null(restart(f));
	free(good);
}

static void sizes_that_cannot_be(void **state)
{
	struct fixture *f = *state;

	assert_null(sl_ids_open(f->memory, 0, false));
	assert_null(sl_ids_open(f->memory, SL_ID_MAX + 1, false));
	assert_null(sl_ids_open(f->memory, CAPACITY - 1, true));
	assert_int_equal(sl_ids_state(f->ids, CAPACITY + 1), SL_ID_FREE);
	assert_int_equal(sl_ids_state(f->ids, SL_ID_NONE), SL_ID_FREE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_identity_keeps_its_id),
		T(a_deleted_one_is_revived),
		T(due_after_its_quarantine_and_not_before),
		T(free_only_when_swept),
		T(all_taken_then_reused),
		T(the_end_follows),
		T(abandon_is_an_exact_undo),
		T(a_restart_finds_what_was_there),
		T(a_damaged_map_is_not_adopted),
		T(sizes_that_cannot_be),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
