/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/conn.h"

#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "base/rand.h"
#include "lb/conn_layout.h"

#define MAGIC        0x4e4e4f436c731a0aull /* "\n\x1a" "slCONN" in memory order */
#define VERSION      2
#define CAPACITY_MAX (1ull << 32)

/* Four slots in five may be in use, and moving still finds room. */
static uint64_t lines_for(enum sl_conn_form form, uint64_t capacity)
{
	uint64_t slots = RTE_MIN(capacity, CAPACITY_MAX) / 4 * 5 + 5;

	return RTE_MAX((slots + CONN_SLOTS(form) - 1) / CONN_SLOTS(form), 2u);
}

size_t sl_conn_table_bytes(enum sl_conn_form form, uint64_t capacity)
{
	return sizeof(struct conn_header) +
		(lines_for(form, capacity) + CONN_STASHED(form)) * CONN_LINE;
}

/* Any 128 bits will do for a secret: what the hash multiplies by never is a simple number. */
static void make_seed(uint64_t seed[4], const uint64_t secret[2])
{
	struct sl_rand a, b;

	sl_rand_seed(&a, secret[0]);
	sl_rand_seed(&b, secret[1]);
	for (int i = 0; i < 4; i++)
		seed[i] = a.s[i] - b.s[3 - i];
}

struct sl_conn_table *sl_conn_table_open(void *memory, enum sl_conn_form form, uint64_t capacity,
	const uint64_t secret[2], bool adopt)
{
	struct conn_header *header = memory;
	struct conn_header expected = {.magic = MAGIC, .version = VERSION, .form = form};
	struct sl_conn_table *t;

	t = aligned_alloc(CONN_LINE, RTE_ALIGN_CEIL(sizeof(*t), CONN_LINE));
	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->form = form;
	t->capacity = capacity;
	t->n_lines = lines_for(form, capacity);
	t->lines = (union conn_line *)(header + 1);
	make_seed(t->seed, secret);
	expected.lines = t->n_lines;
	expected.secret_check = conn_fold(t->seed[0] ^ t->seed[2], t->seed[1] ^ t->seed[3]);
	if (!adopt) {
		*header = expected;
		return t;
	}
	if (memcmp(header, &expected, sizeof(expected)) != 0) {
		free(t);
		return NULL;
	}
	conn_adopt(t);
	return t;
}

void sl_conn_table_close(struct sl_conn_table *table)
{
	free(table);
}

static __rte_always_inline uint64_t hash_of(
	enum sl_conn_form form, const struct sl_conn_table *t, const struct sl_conn_key *key)
{
	struct conn_key k = conn_key_of(form, key);

	return conn_hash(form, t->seed, &k);
}

uint64_t sl_conn_hash(const struct sl_conn_table *t, const struct sl_conn_key *key)
{
	return t->form == SL_CONN_NARROW ? hash_of(SL_CONN_NARROW, t, key)
					 : hash_of(SL_CONN_WIDE, t, key);
}

uint64_t sl_conn_hash_client(
	const struct sl_conn_table *t, const union sl_ip *client, rte_be16_t client_port)
{
	struct sl_conn_key key = {
		.client = *client, .client_port = client_port, .front = SL_ID_NONE};

	return sl_conn_hash(t, &key);
}

void sl_conn_prefetch(const struct sl_conn_table *t, uint64_t hash)
{
	rte_prefetch0(&t->lines[conn_home(t->n_lines, hash)]);
}

static struct conn_tail *find_in_stash(const struct sl_conn_table *t, const struct conn_key *k)
{
	union conn_line *stash = t->lines + t->n_lines;
	struct conn_tail *found = NULL;

	for (unsigned i = 0; i < CONN_STASHED(t->form) && found == NULL; i++)
		found = t->form == SL_CONN_NARROW ? conn_find_in(SL_CONN_NARROW, &stash[i], k)
						  : conn_find_in(SL_CONN_WIDE, &stash[i], k);
	return found;
}

static __rte_always_inline struct conn_tail *find(enum sl_conn_form form,
	const struct sl_conn_table *t, const struct sl_conn_key *key, uint64_t hash)
{
	union conn_line *home = &t->lines[conn_home(t->n_lines, hash)];
	struct conn_key k = conn_key_of(form, key);
	struct conn_tail *found = conn_find_in(form, home, &k);

	if (likely(found != NULL) || *conn_overflow(form, home) == 0)
		return found;
	found = conn_find_in(form, &t->lines[conn_alt(t->n_lines, hash)], &k);
	if (found == NULL && unlikely(t->stats.stash > 0))
		found = find_in_stash(t, &k);
	return found;
}

struct sl_conn_ref
sl_conn_find(const struct sl_conn_table *t, const struct sl_conn_key *key, uint64_t hash)
{
	return (struct sl_conn_ref){.slot = t->form == SL_CONN_NARROW
			? find(SL_CONN_NARROW, t, key, hash)
			: find(SL_CONN_WIDE, t, key, hash)};
}

void conn_take_apart(enum sl_conn_form form, const struct conn_tail *tail, struct sl_conn_view *v)
{
	uint32_t v4 = (uint32_t)tail->key_tick;
	sl_id id = tail->server_spare & CONN_ID_MASK;
	bool paired = conn_is_paired(tail);

	*v = (struct sl_conn_view){
		.key.front = conn_front(tail),
		.server = paired ? SL_ID_NONE : id,
		.state = conn_state(tail),
		.flags = (uint8_t)(tail->front_state >> CONN_FLAG_SHIFT) & SL_CONN_DATA,
		.tick = conn_tick(tail),
		.kind = conn_kind(tail),
		.side = paired ? id : 0,
	};
	if (form == SL_CONN_NARROW) {
		v->key.client.v4 = v4;
		v->key.client_port = (rte_be16_t)(tail->key_tick >> 32);
	} else {
		memcpy(v->key.client.words, conn_wide_of(tail)->client, sizeof(v->key.client));
		v->key.client_port = (rte_be16_t)tail->key_tick;
		v->key.service_port = (rte_be16_t)(tail->key_tick >> 16);
	}
}

void sl_conn_view(const struct sl_conn_table *t, struct sl_conn_ref ref, struct sl_conn_view *view)
{
	conn_take_apart(t->form, ref.slot, view);
}

/* Most packets change nothing: then the line is not written, and stays clean in the cache. */
void sl_conn_update(struct sl_conn_table *t, struct sl_conn_ref ref, enum sl_state state,
	uint8_t flags, sl_tick now)
{
	struct conn_tail *tail = ref.slot;
	uint32_t kept = tail->front_state & (CONN_ID_MASK | CONN_ALT_BIT | CONN_KIND_MASK);
	uint32_t word = kept | (uint32_t)state << CONN_STATE_SHIFT |
		(uint32_t)(flags & SL_CONN_DATA) << CONN_FLAG_SHIFT;

	if (tail->front_state != word)
		tail->front_state = word;
	if (conn_tick(tail) != now)
		tail->key_tick = (tail->key_tick & 0x0000ffffffffffff) | (uint64_t)now << 48;
}

struct sl_conn_stats *sl_conn_table_stats(struct sl_conn_table *t)
{
	return &t->stats;
}
