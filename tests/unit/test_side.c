/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/side.h"

#define CAPACITY 32
#define SERVER   7
#define FRONT    11
#define ENDPOINT 12

static const uint64_t secret[2] = {1, 2};

/* A worker of which nothing is there but what sides need; its memory is shared with children. */
struct fixture {
	struct sl_worker w;
	struct sl_snapshot snapshot;
	struct sl_counter_pages *counters;
	void *memory[3];
	size_t bytes[3];
	uint64_t capacity, sides;
};

static void open_tables(struct fixture *f, bool adopt)
{
	f->w.narrow = sl_conn_table_open(f->memory[0], SL_CONN_NARROW, f->capacity, secret, adopt);
	f->w.wide = sl_conn_table_open(f->memory[1], SL_CONN_WIDE, f->capacity, secret, adopt);
	f->w.sides = sl_side_pool_open(f->memory[2], f->sides, adopt);
	assert_non_null(f->w.narrow);
	assert_non_null(f->w.wide);
	assert_non_null(f->w.sides);
	if (adopt)
		sl_side_adopt(&f->w);
}

static void close_tables(struct fixture *f)
{
	sl_conn_table_close(f->w.narrow);
	sl_conn_table_close(f->w.wide);
	sl_side_pool_close(f->w.sides);
}

static void fixture_open(struct fixture *f, uint64_t capacity, uint64_t sides)
{
	memset(f, 0, sizeof(*f));
	f->capacity = capacity;
	f->sides = sides;
	f->bytes[0] = sl_conn_table_bytes(SL_CONN_NARROW, capacity);
	f->bytes[1] = sl_conn_table_bytes(SL_CONN_WIDE, capacity);
	f->bytes[2] = sl_side_pool_bytes(sides);
	for (int i = 0; i < 3; i++) {
		f->memory[i] = mmap(NULL, f->bytes[i], PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(f->memory[i], MAP_FAILED);
	}
	f->counters = calloc(1, sizeof(*f->counters));
	f->counters->pages[0] = aligned_alloc(64, SL_COUNTERS_PAGE * sizeof(struct sl_counters));
	memset(f->counters->pages[0], 0, SL_COUNTERS_PAGE * sizeof(struct sl_counters));
	f->snapshot.timeouts = sl_timeouts_default;
	f->w.snapshot = &f->snapshot;
	f->w.counters = f->counters;
	f->w.tick = 1000;
	open_tables(f, false);
}

static void fixture_close(struct fixture *f)
{
	close_tables(f);
	for (int i = 0; i < 3; i++)
		munmap(f->memory[i], f->bytes[i]);
	free(f->counters->pages[0]);
	free(f->counters);
}

/* The n-th pair; every other one is IPv6 at the one end, every third at the other. */
static struct sl_side side_of(unsigned n, enum sl_state state, uint16_t flags)
{
	struct sl_side side = {
		.client_port = rte_cpu_to_be_16((uint16_t)(1000 + n)),
		.local_port = rte_cpu_to_be_16((uint16_t)(2000 + n)),
		.front = FRONT,
		.endpoint = ENDPOINT,
		.server = SERVER,
		.state = (uint8_t)state,
		.flags = flags,
	};

	side.client.bytes[0] = 203;
	side.local.bytes[0] = 10;
	if (n % 2 == 1) {
		side.client.bytes[15] = 1;
		side.service_port = (rte_be16_t)n;
		side.flags |= SL_SIDE_WIDE;
	}
	if (n % 3 == 1) {
		side.local.bytes[15] = 1;
		side.flags |= SL_SIDE_LOCAL_WIDE;
	}
	return side;
}

static uint32_t insert(struct fixture *f, const struct sl_side *want)
{
	uint32_t index = 0;

	assert_int_equal(sl_side_insert(&f->w, want, &index), 0);
	assert_int_not_equal(index, 0);
	return index;
}

static uint32_t
find(const struct sl_conn_table *table, const struct sl_conn_key *key, enum sl_conn_kind kind)
{
	struct sl_conn_ref ref = sl_conn_find(table, key, sl_conn_hash(table, key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return 0;
	sl_conn_view(table, ref, &view);
	assert_int_equal(view.kind, kind);
	return view.side;
}

static uint32_t find_forward(struct fixture *f, const struct sl_side *side)
{
	struct sl_conn_key key = sl_side_forward_key(side);

	return find(sl_side_forward_table(&f->w, side), &key, SL_CONN_SIDE);
}

static uint32_t find_reverse(struct fixture *f, const struct sl_side *side)
{
	struct sl_conn_key key = sl_side_reverse_key(side);

	return find(sl_side_reverse_table(&f->w, side), &key, SL_CONN_REVERSE);
}

/* What must hold at any time: records and entries belong together, and are counted. */
static void assert_sound(struct fixture *f)
{
	uint64_t forward = 0, reverse = 0, lingering = 0;
	uint32_t is_free = 0;

	for (uint32_t i = 1; i <= f->w.sides->high; i++) {
		const struct sl_side *side = sl_side_at(&f->w, i);

		if (side->front == SL_ID_NONE) {
			is_free++;
			continue;
		}
		reverse++;
		assert_int_equal(find_reverse(f, side), i);
		if (side->flags & SL_SIDE_LINGERS)
			lingering++;
		else
			assert_int_equal(find_forward(f, side), i);
		forward += !(side->flags & SL_SIDE_LINGERS);
	}
	assert_int_equal(
		sl_conn_table_stats(f->w.narrow)->entries + sl_conn_table_stats(f->w.wide)->entries,
		forward + reverse);
	assert_int_equal(f->w.sides->stats.sides, reverse);
	assert_int_equal(f->w.sides->stats.lingering, lingering);
	for (uint32_t at = f->w.sides->free; at != 0; at = sl_side_at(&f->w, at)->next)
		is_free--;
	assert_int_equal(is_free, 0);
}

static void assert_counts(struct fixture *f, uint32_t active, uint32_t inactive)
{
	const struct sl_counters *line = sl_worker_counters(&f->w, SERVER);

	assert_int_equal(line->active, active);
	assert_int_equal(line->inactive, inactive);
}

static void sweep_round(struct fixture *f)
{
	while (!sl_side_sweep(&f->w, 3))
		;
}

static void a_pair_is_found_from_both_ends(void **state)
{
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	for (unsigned n = 0; n < 24; n++) {
		struct sl_side want = side_of(n, SL_STATE_SYN_RECV, SL_SIDE_PROXY);
		const struct sl_side *side;
		uint32_t index;

		want.isn = n;
		index = insert(&f, &want);
		side = sl_side_at(&f.w, index);
		assert_int_equal(find_forward(&f, &want), index);
		assert_int_equal(find_reverse(&f, &want), index);
		assert_int_equal(side->tick, 1000);
		assert_int_equal(side->isn, n);
		assert_int_equal(side->flags & SL_SIDE_PROXY, SL_SIDE_PROXY);
		assert_sound(&f);
	}
	assert_counts(&f, 24, 0);
	fixture_close(&f);
}

static void neither_key_is_given_twice(void **state)
{
	struct sl_side first = side_of(0, SL_STATE_SYN_RECV, 0), second = first;
	struct fixture f;
	uint32_t index = 99;

	fixture_open(&f, 100, CAPACITY);
	insert(&f, &first);
	second.local_port++;
	assert_int_equal(sl_side_insert(&f.w, &second, &index), -EEXIST);
	second = first;
	second.client_port++;
	assert_int_equal(sl_side_insert(&f.w, &second, &index), -EEXIST);
	assert_int_equal(index, 99);
	second.endpoint++;
	assert_int_equal(sl_side_insert(&f.w, &second, &index), 0);
	assert_sound(&f);
	fixture_close(&f);
}

static void an_update_is_counted(void **state)
{
	struct sl_side want = side_of(1, SL_STATE_SYN_RECV, 0);
	struct sl_side *side;
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	side = sl_side_at(&f.w, insert(&f, &want));
	f.w.tick = 1050;
	sl_side_update(&f.w, side, SL_STATE_FIN_WAIT, side->flags | SL_SIDE_DATA);
	assert_counts(&f, 0, 1);
	assert_int_equal(side->state, SL_STATE_FIN_WAIT);
	assert_int_equal(side->tick, 1050);
	assert_true(side->flags & SL_SIDE_DATA);
	fixture_close(&f);
}

/* Its local endpoint is not free again for a minute after its last packet. */
static void a_pair_that_ends_early_lingers(void **state)
{
	struct sl_side want = side_of(1, SL_STATE_CLOSE, 0), again = want;
	struct fixture f;
	uint32_t index;

	fixture_open(&f, 100, CAPACITY);
	index = insert(&f, &want);
	f.w.tick += 10;
	assert_true(sl_side_is_over(&f.w, sl_side_at(&f.w, index)));
	sweep_round(&f);
	assert_counts(&f, 0, 0);
	assert_int_equal(find_forward(&f, &want), 0);
	assert_int_equal(find_reverse(&f, &want), index);
	assert_true(sl_side_is_over(&f.w, sl_side_at(&f.w, index)));
	assert_sound(&f);
	assert_int_equal(sl_side_insert(&f.w, &again, &index), -EEXIST);
	again.local_port++; /* the same client comes again, by another port */
	insert(&f, &again);
	assert_sound(&f);
	f.w.tick += 49;
	sweep_round(&f);
	assert_int_not_equal(find_reverse(&f, &want), 0);
	f.w.tick++;
	sweep_round(&f);
	assert_int_equal(find_reverse(&f, &want), 0);
	assert_sound(&f);
	fixture_close(&f);
}

static void a_pair_that_was_silent_long_goes_at_once(void **state)
{
	struct sl_side want = side_of(0, SL_STATE_TIME_WAIT, 0);
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	insert(&f, &want);
	f.w.tick += 119;
	sweep_round(&f);
	assert_int_not_equal(find_forward(&f, &want), 0);
	f.w.tick++;
	sweep_round(&f);
	assert_int_equal(find_forward(&f, &want), 0);
	assert_int_equal(find_reverse(&f, &want), 0);
	assert_int_equal(f.w.sides->stats.sides, 0);
	assert_int_equal(f.w.sides->stats.expired, 1);
	assert_counts(&f, 0, 0);
	assert_sound(&f);
	fixture_close(&f);
}

static void a_spilled_nat_connection_marks_its_client(void **state)
{
	struct sl_side want = side_of(0, SL_STATE_ESTABLISHED, SL_SIDE_SPILLED);
	struct fixture f;
	uint32_t index;
	uint64_t hash;

	fixture_open(&f, 100, CAPACITY);
	want.local = want.client;
	want.local_port = want.client_port;
	hash = sl_conn_hash_client(f.w.narrow, &want.client, want.client_port);
	assert_false(sl_conn_spilled(f.w.narrow, hash));
	index = insert(&f, &want);
	assert_true(sl_conn_spilled(f.w.narrow, hash));
	close_tables(&f);
	open_tables(&f, true);
	assert_true(sl_conn_spilled(f.w.narrow, hash));
	assert_int_equal(find_forward(&f, &want), index);
	/* Nobody else gets the client's own port: there is nothing to wait for. */
	sl_side_remove(&f.w, index);
	assert_false(sl_conn_spilled(f.w.narrow, hash));
	assert_int_equal(f.w.sides->stats.sides, 0);
	assert_sound(&f);
	fixture_close(&f);
}

/* Fills the pool, all alike but the last; returns whom a further one costs its place, 0 = refused.
 */
static uint32_t who_goes(const struct sl_side *all, const struct sl_side *last)
{
	struct sl_side more = side_of(100, SL_STATE_SYN_RECV, 0);
	struct fixture f;
	uint32_t index = 0;

	fixture_open(&f, 100, 16);
	for (unsigned n = 0; n < 16; n++) {
		struct sl_side want = side_of(n, SL_STATE_NONE, 0);
		const struct sl_side *like = n == 9 ? last : all;

		want.state = like->state;
		want.flags |= like->flags & SL_SIDE_DATA;
		f.w.tick = like->tick;
		insert(&f, &want);
	}
	f.w.tick = 1000;
	if (last->flags & SL_SIDE_LINGERS)
		sl_side_remove(&f.w, 10);
	if (sl_side_insert(&f.w, &more, &index) == 0)
		assert_int_equal(f.w.sides->stats.evicted + f.w.sides->stats.expired, 1);
	else
		assert_int_equal(f.w.sides->stats.refused, 1);
	assert_sound(&f);
	fixture_close(&f);
	return index;
}

static void the_order_of_eviction(void **state)
{
	static const struct sl_side proven = {.state = SL_STATE_ESTABLISHED,
					    .flags = SL_SIDE_DATA,
					    .tick = 900},
				    unproven = {.state = SL_STATE_ESTABLISHED, .tick = 990},
				    unproven_old = {.state = SL_STATE_ESTABLISHED, .tick = 900},
				    embryonic = {.state = SL_STATE_SYN_RECV, .tick = 995},
				    embryonic_old = {.state = SL_STATE_SYN_RECV, .tick = 980},
				    lingering = {.state = SL_STATE_TIME_WAIT,
					    .flags = SL_SIDE_LINGERS,
					    .tick = 999},
				    expired = {.state = SL_STATE_CLOSE, .tick = 990};

	assert_int_equal(who_goes(&proven, &proven), 0);
	assert_int_equal(who_goes(&proven, &unproven), 10);
	assert_int_equal(who_goes(&unproven, &unproven_old), 10);
	assert_int_equal(who_goes(&unproven_old, &embryonic), 10);
	assert_int_equal(who_goes(&embryonic, &embryonic_old), 10);
	assert_int_equal(who_goes(&embryonic_old, &lingering), 10);
	assert_int_equal(who_goes(&embryonic_old, &expired), 10);
}

/* Where the tables have no room for both entries, nothing at all is left behind. */
static void without_room_nothing_is_made(void **state)
{
	struct fixture f;
	uint32_t index;
	unsigned n = 0;
	int rc;

	fixture_open(&f, 16, 1000);
	do {
		struct sl_side want = side_of(n++, SL_STATE_ESTABLISHED, SL_SIDE_DATA);

		rc = sl_side_insert(&f.w, &want, &index);
		assert_sound(&f);
	} while (rc == 0);
	assert_int_equal(rc, -ENOSPC);
	assert_in_range(n, 16, 200);
	assert_int_equal(f.w.sides->stats.refused, 1);
	assert_counts(&f, n - 1, 0);
	fixture_close(&f);
}

/* An ordinary connection that has to make room is no longer counted. */
static void who_makes_room_is_uncounted(void **state)
{
	struct fixture f;
	unsigned n = 0;

	fixture_open(&f, 4, 1000);
	for (;; n++) {
		struct sl_conn_view evicted,
			entry = {.key = {.client_port = (rte_be16_t)n, .front = FRONT},
				.server = SERVER,
				.state = SL_STATE_SYN_RECV};

		if (sl_conn_insert(f.w.narrow, &entry, sl_conn_hash(f.w.narrow, &entry.key), 999,
			    &sl_timeouts_default, &evicted)
					.slot == NULL ||
			evicted.key.front != SL_ID_NONE)
			break;
		sl_worker_count(&f.w, SERVER, SL_STATE_COUNT, SL_STATE_SYN_RECV);
	}
	assert_counts(&f, n, 0);
	insert(&f,
		&(struct sl_side){.front = FRONT,
			.endpoint = ENDPOINT,
			.client_port = 60000,
			.state = SL_STATE_TIME_WAIT,
			.server = SERVER});
	assert_counts(&f, n - 2, 1);
	fixture_close(&f);
}

static void one_of_no_server_is_counted_nowhere(void **state)
{
	struct sl_side want = side_of(0, SL_STATE_ESTABLISHED, 0);
	struct fixture f;
	uint32_t index;

	fixture_open(&f, 100, CAPACITY);
	want.server = SL_ID_NONE;
	index = insert(&f, &want);
	sl_side_update(&f.w, sl_side_at(&f.w, index), SL_STATE_CLOSE, 0);
	sl_side_remove(&f.w, index);
	assert_counts(&f, 0, 0);
	assert_int_equal(sl_worker_counters(&f.w, SL_ID_NONE)->active, 0);
	assert_int_equal(sl_worker_counters(&f.w, SL_ID_NONE)->inactive, 0);
	fixture_close(&f);
}

static void records_of_reaped_ids_go(void **state)
{
	struct sl_side want = side_of(0, SL_STATE_ESTABLISHED, SL_SIDE_DATA);
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	insert(&f, &want);
	sweep_round(&f);
	assert_int_equal(f.w.sides->stats.sides, 1);
	f.snapshot.reaping = true; /* and it knows no id at all */
	sweep_round(&f);
	assert_int_equal(f.w.sides->stats.sides, 0);
	assert_counts(&f, 0, 0);
	assert_sound(&f);
	fixture_close(&f);
}

/* ---- adoption ---- */

static void fill(struct fixture *f, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		struct sl_side want = side_of(i, SL_STATE_ESTABLISHED, SL_SIDE_DATA);

		insert(f, &want);
	}
}

static void reopen(struct fixture *f)
{
	close_tables(f);
	open_tables(f, true);
}

static void everything_is_taken_over(void **state)
{
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	fill(&f, 0, 20);
	sl_side_remove(&f.w, 3); /* lingers */
	sl_side_drop(&f.w, 5);
	reopen(&f);
	assert_int_equal(f.w.sides->stats.sides, 19);
	assert_int_equal(f.w.sides->stats.lingering, 1);
	assert_int_equal(f.w.sides->high, 20);
	assert_sound(&f);
	fill(&f, 100, 10); /* room is found again */
	assert_sound(&f);
	fixture_close(&f);
}

static void another_pool_is_not_taken_over(void **state)
{
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	assert_null(sl_side_pool_open(f.memory[2], CAPACITY + 1, true));
	for (size_t byte = 0; byte < sizeof(struct sl_side); byte++) {
		((uint8_t *)f.memory[2])[byte] ^= 1;
		assert_null(sl_side_pool_open(f.memory[2], CAPACITY, true));
		((uint8_t *)f.memory[2])[byte] ^= 1;
	}
	fixture_close(&f);
}

/* Each kind of damage to one record costs that one and no other. */
static void impossible_records_are_dropped(void **state)
{
	struct sl_side damages[] = {
		{.front = 1u << 24},
		{.front = 1},
		{.endpoint = 1u << 25},
		{.endpoint = ENDPOINT}, /* becomes none */
		{.server = 1u << 24},
		{.state = 0x40},
		{.flags = 0x4000},
		{.flags = SL_SIDE_WIDE},
		{.flags = SL_SIDE_LOCAL_WIDE},
		{.flags = SL_SIDE_SPILLED},
		{.client_port = 1},
		{.service_port = 1},
		{.local_port = 1},
		{.client.bytes[3] = 1},
		{.client.bytes[9] = 1},
		{.local.bytes[0] = 1},
		{.local.bytes[15] = 1},
		{.flags = SL_SIDE_LINGERS | SL_SIDE_SPILLED},
	};

	for (size_t d = 0; d < sizeof(damages) / sizeof(damages[0]); d++) {
		struct fixture f;
		uint8_t *record;

		fixture_open(&f, 100, CAPACITY);
		fill(&f, 0, 20);
		record = (uint8_t *)sl_side_at(&f.w, 7); /* IPv4 at both ends */
		for (size_t i = 0; i < sizeof(damages[d]); i++)
			record[i] ^= ((const uint8_t *)&damages[d])[i];
		reopen(&f);
		if (f.w.sides->stats.sides != 19)
			fail_msg("damage %zu: %u records are kept", d,
				(unsigned)f.w.sides->stats.sides);
		assert_sound(&f);
		fixture_close(&f);
	}
}

/* Two records that say the same, and entries that name what they should not. */
static void entries_and_records_belong_together(void **state)
{
	struct fixture f;

	fixture_open(&f, 100, CAPACITY);
	fill(&f, 0, 20);
	*sl_side_at(&f.w, 25) = *sl_side_at(&f.w, 7);
	*sl_side_at(&f.w, 8) = *sl_side_at(&f.w, 9);
	reopen(&f);
	assert_int_equal(f.w.sides->stats.sides, 19);
	assert_sound(&f);
	fixture_close(&f);
}

static void hostile_memory_does_no_harm(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (unsigned round = 0; round < 300; round++) {
		struct fixture f;

		fixture_open(&f, 100, CAPACITY);
		fill(&f, 0, 20);
		for (unsigned i = 0; i < round * 3; i++) {
			unsigned m = (unsigned)sl_rand_below(&rand, 3);
			uint64_t at = 64 + sl_rand_below(&rand, f.bytes[m] - 64);

			((uint8_t *)f.memory[m])[at] = (uint8_t)sl_rand_u64(&rand);
		}
		close_tables(&f);
		open_tables(&f, true);
		for (uint32_t i = 1; i <= f.w.sides->high; i++) {
			const struct sl_side *side = sl_side_at(&f.w, i);

			if (side->front == SL_ID_NONE)
				continue;
			assert_int_equal(find_reverse(&f, side), i);
			sl_side_drop(&f.w, i);
		}
		assert_int_equal(f.w.sides->stats.sides, 0);
		fixture_close(&f);
	}
}

/* ---- killed at any instruction ---- */

enum deed { INSERT, REMOVE, DROP, EVICT };

static void victim(struct fixture *f, enum deed deed)
{
	struct sl_side want = side_of(100, SL_STATE_SYN_RECV, 0);
	uint32_t index;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	if (deed == REMOVE)
		sl_side_remove(&f->w, 7);
	else if (deed == DROP)
		sl_side_drop(&f->w, 7);
	else
		sl_side_insert(&f->w, &want, &index);
	raise(SIGSTOP);
	_exit(0);
}

/* What a new process finds in a copy of the memory as it is now: at most one pair less. */
static void assert_adoptable(const struct fixture *f, uint64_t sides)
{
	struct fixture now = *f;

	for (int i = 0; i < 3; i++) {
		now.memory[i] = aligned_alloc(64, f->bytes[i]);
		memcpy(now.memory[i], f->memory[i], f->bytes[i]);
	}
	open_tables(&now, true);
	assert_sound(&now);
	assert_in_range(now.w.sides->stats.sides, sides - 1, sides + 1);
	close_tables(&now);
	for (int i = 0; i < 3; i++)
		free(now.memory[i]);
}

static bool has_changed(const struct fixture *f, uint8_t *last)
{
	bool changed = false;

	for (int i = 0; i < 3; last += f->bytes[i++]) {
		if (memcmp(last, f->memory[i], f->bytes[i]) == 0)
			continue;
		memcpy(last, f->memory[i], f->bytes[i]);
		changed = true;
	}
	return changed;
}

static unsigned kill_everywhere(struct fixture *f, enum deed deed)
{
	uint64_t sides = f->w.sides->stats.sides;
	uint8_t *last = calloc(1, f->bytes[0] + f->bytes[1] + f->bytes[2]);
	unsigned changes = 0;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		victim(f, deed);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	has_changed(f, last);
	for (unsigned steps = 0; steps < 1000000; steps++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (has_changed(f, last)) {
			changes++;
			assert_adoptable(f, sides);
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	free(last);
	return changes;
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

static void a_kill_costs_no_other_pair(void **state)
{
	if (!can_step())
		skip();
	for (enum deed deed = INSERT; deed <= EVICT; deed++) {
		struct fixture f;

		/* The tables are nearly full, so that entries have to move. */
		fixture_open(&f, 26, deed == EVICT ? 20 : CAPACITY);
		insert(&f,
			&(struct sl_side){.front = FRONT,
				.endpoint = ENDPOINT,
				.local_port = 9,
				.state = SL_STATE_SYN_RECV});
		fill(&f, 0, 19);
		assert_true(kill_everywhere(&f, deed) >= 2);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_found_from_both_ends),
		cmocka_unit_test(neither_key_is_given_twice),
		cmocka_unit_test(an_update_is_counted),
		cmocka_unit_test(a_pair_that_ends_early_lingers),
		cmocka_unit_test(a_pair_that_was_silent_long_goes_at_once),
		cmocka_unit_test(a_spilled_nat_connection_marks_its_client),
		cmocka_unit_test(the_order_of_eviction),
		cmocka_unit_test(without_room_nothing_is_made),
		cmocka_unit_test(who_makes_room_is_uncounted),
		cmocka_unit_test(one_of_no_server_is_counted_nowhere),
		cmocka_unit_test(records_of_reaped_ids_go),
		cmocka_unit_test(everything_is_taken_over),
		cmocka_unit_test(another_pool_is_not_taken_over),
		cmocka_unit_test(impossible_records_are_dropped),
		cmocka_unit_test(entries_and_records_belong_together),
		cmocka_unit_test(hostile_memory_does_no_harm),
		cmocka_unit_test(a_kill_costs_no_other_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
