/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the connection table, for lib/lb/conn*.c alone.
 *
 * Memory: a header line, then the lines (buckets), then the stash, which is made of lines too. What
 * depends on the form takes it as a parameter that is a constant wherever it is called, so that
 * the compiler makes the narrow and the wide code from one source.
 */
#ifndef SL_LB_CONN_LAYOUT_H
#define SL_LB_CONN_LAYOUT_H

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "lb/conn.h"
#include "lb/publish.h"

#define CONN_LINE          64
#define CONN_STASH         64  /* entries */
#define CONN_COUNT_MAX     255 /* then a line's count no longer counts, and stays */
#define CONN_SLOTS(form)   ((form) == SL_CONN_NARROW ? 4u : 2u)
#define CONN_STASHED(form) (CONN_STASH / CONN_SLOTS(form)) /* lines */

#define CONN_ID_MASK     0x00ffffffu
#define CONN_FLAG_SHIFT  28
#define CONN_STATE_SHIFT 24
#define CONN_ALT_BIT     ((uint32_t)SL_CONN_ALT << CONN_FLAG_SHIFT)
#define CONN_DATA_BIT    ((uint32_t)SL_CONN_DATA << CONN_FLAG_SHIFT)
#define CONN_KIND_SHIFT  30 /* the two upper flags */
#define CONN_KIND_MASK   (3u << CONN_KIND_SHIFT)

/*
 * The last 16 bytes of an entry, the same in both forms; a narrow entry is nothing else.
 * One word is one store, and a slot is in use when its front is not 0. So a process that is
 * killed between any two stores leaves each slot either whole or free, provided that the front
 * comes last when a slot is filled and goes first when it is freed.
 */
struct conn_tail {
	/*
	 * The low 48 bits belong to the key. Narrow: client address, client port. Wide: client
	 * port, service port, 16 zero bits. The high 16 are the tick.
	 */
	uint64_t key_tick;
	uint32_t front_state;  /* 24 bits front, 4 state, 4 flags */
	uint32_t server_spare; /* 24 bits server or side, 8 of the line (slots 0 and 1: its counts)
				*/
};

struct conn_wide {
	uint64_t client[2];
	struct conn_tail tail;
};

union conn_line {
	struct conn_tail narrow[4];
	struct conn_wide wide[2];
} __attribute__((aligned(CONN_LINE)));

_Static_assert(sizeof(struct conn_tail) == 16, "docs/architecture.md: four entries to a line");
_Static_assert(sizeof(struct conn_wide) == 32, "docs/architecture.md: two wide ones");
_Static_assert(sizeof(union conn_line) == CONN_LINE, "a bucket is a cache line");
_Static_assert(SL_STATE_COUNT <= 16, "a state has four bits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words of an entry, byte by byte");

struct conn_header {
	uint64_t magic;
	uint32_t version;
	uint32_t form;
	uint64_t lines;
	uint64_t secret_check;
	uint64_t spare[4];
};

_Static_assert(sizeof(struct conn_header) == CONN_LINE, "the lines behind it stay aligned");

struct sl_conn_table {
	/* read on every packet */
	union conn_line *lines; /* n_lines, then the stash's */
	uint64_t n_lines;
	uint64_t seed[4];
	enum sl_conn_form form;

	uint64_t sweep_at;
	uint64_t capacity; /* beyond it, insertions look less far for room */
	struct sl_conn_stats stats __attribute__((aligned(CONN_LINE)));
};

/* A key in the words in which entries hold it. */
struct conn_key {
	uint64_t client[2]; /* wide */
	uint64_t word;      /* 48 bits, as in conn_tail.key_tick */
	uint32_t front;
};

static __rte_always_inline struct conn_key
conn_key_of(enum sl_conn_form form, const struct sl_conn_key *key)
{
	struct conn_key k = {.front = key->front};

	if (form == SL_CONN_NARROW) {
		k.word = key->client.v4 | (uint64_t)key->client_port << 32;
	} else {
		memcpy(k.client, key->client.words, sizeof(k.client));
		k.word = key->client_port | (uint64_t)key->service_port << 16;
	}
	return k;
}

/* Multiply and fold: the one step that is not linear in the key. */
static inline uint64_t conn_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static __rte_always_inline uint64_t conn_hash(
	enum sl_conn_form form, const uint64_t seed[4], const struct conn_key *k)
{
	uint64_t word = k->word;

	if (form == SL_CONN_WIDE)
		word ^= conn_fold(k->client[0] ^ seed[2], k->client[1] ^ seed[3]);
	return conn_fold(conn_fold(word ^ seed[0], k->front ^ seed[1]) ^ seed[2], seed[3]);
}

/* The two lines of a key: independent of each other, each from half of the hash. */
static inline uint64_t conn_home(uint64_t n_lines, uint64_t hash)
{
	return ((hash & 0xffffffff) * n_lines) >> 32;
}

static inline uint64_t conn_alt(uint64_t n_lines, uint64_t hash)
{
	uint64_t alt = ((hash >> 32) * n_lines) >> 32;

	if (unlikely(alt == conn_home(n_lines, hash)))
		alt = alt + 1 == n_lines ? 0 : alt + 1;
	return alt;
}

static __rte_always_inline struct conn_tail *
conn_slot(enum sl_conn_form form, union conn_line *line, unsigned i)
{
	return form == SL_CONN_NARROW ? &line->narrow[i] : &line->wide[i].tail;
}

static inline union conn_line *conn_line_of(const struct conn_tail *tail)
{
	return (union conn_line *)((uintptr_t)tail & ~(uintptr_t)(CONN_LINE - 1));
}

static inline struct conn_wide *conn_wide_of(const struct conn_tail *tail)
{
	return (struct conn_wide *)((uintptr_t)tail - offsetof(struct conn_wide, tail));
}

static inline bool conn_in_stash(const struct sl_conn_table *t, const struct conn_tail *tail)
{
	return conn_line_of(tail) >= t->lines + t->n_lines;
}

static inline uint32_t conn_front(const struct conn_tail *tail)
{
	return tail->front_state & CONN_ID_MASK;
}

static inline enum sl_state conn_state(const struct conn_tail *tail)
{
	return (enum sl_state)((tail->front_state >> CONN_STATE_SHIFT) & 0xf);
}

static inline enum sl_conn_kind conn_kind(const struct conn_tail *tail)
{
	return (enum sl_conn_kind)(tail->front_state >> CONN_KIND_SHIFT);
}

/* One of a pair: its side record knows all about it. */
static inline bool conn_is_paired(const struct conn_tail *tail)
{
	return conn_kind(tail) >= SL_CONN_SIDE;
}

static inline sl_tick conn_tick(const struct conn_tail *tail)
{
	return (sl_tick)(tail->key_tick >> 48);
}

static inline uint16_t conn_age(const struct conn_tail *tail, sl_tick now)
{
	return (uint16_t)(now - conn_tick(tail));
}

static inline bool
conn_expired(const struct conn_tail *tail, sl_tick now, const struct sl_timeouts *timeouts)
{
	return conn_age(tail, now) >= timeouts->s[conn_state(tail)];
}

/* Entries that belong to this line and lie elsewhere. 0 saves the look into the second line. */
static inline uint8_t *conn_overflow(enum sl_conn_form form, union conn_line *line)
{
	return (uint8_t *)&conn_slot(form, line, 0)->server_spare + 3;
}

/* NAT connections of clients whose home this line is that had to become pairs. */
static inline uint8_t *conn_spills(enum sl_conn_form form, union conn_line *line)
{
	return (uint8_t *)&conn_slot(form, line, 1)->server_spare + 3;
}

static inline void conn_count_more(uint8_t *count)
{
	if (*count < CONN_COUNT_MAX)
		(*count)++;
}

static inline void conn_count_less(uint8_t *count)
{
	if (*count > 0 && *count < CONN_COUNT_MAX)
		(*count)--;
}

static inline void conn_overflow_more(enum sl_conn_form form, union conn_line *line)
{
	conn_count_more(conn_overflow(form, line));
}

static inline void conn_overflow_less(enum sl_conn_form form, union conn_line *line)
{
	conn_count_less(conn_overflow(form, line));
}

static __rte_always_inline struct conn_key
conn_key_in(enum sl_conn_form form, const struct conn_tail *tail)
{
	struct conn_key k = {
		.word = tail->key_tick & 0x0000ffffffffffff,
		.front = conn_front(tail),
	};

	if (form == SL_CONN_WIDE)
		memcpy(k.client, conn_wide_of(tail)->client, sizeof(k.client));
	return k;
}

/* What of a key is the client's endpoint, in the same words. */
static __rte_always_inline struct conn_key
conn_client_of(enum sl_conn_form form, const struct conn_key *k)
{
	struct conn_key client = *k;

	client.front = SL_ID_NONE;
	if (form == SL_CONN_WIDE)
		client.word = (uint16_t)client.word;
	return client;
}

/* The hash that placed an entry. */
static __rte_always_inline uint64_t conn_placed_by(
	enum sl_conn_form form, const uint64_t seed[4], const struct conn_tail *tail)
{
	struct conn_key k = conn_key_in(form, tail);

	if (conn_kind(tail) == SL_CONN_NAT)
		k = conn_client_of(form, &k);
	return conn_hash(form, seed, &k);
}

/* Whether the slot holds this key; one that is free does not, as no key has front 0. */
static __rte_always_inline unsigned
conn_matches(enum sl_conn_form form, const struct conn_tail *tail, const struct conn_key *k)
{
	unsigned same = ((tail->key_tick ^ k->word) << 16 == 0) &
		((tail->front_state ^ k->front) << 8 == 0);

	if (form == SL_CONN_WIDE)
		same &= ((conn_wide_of(tail)->client[0] ^ k->client[0]) |
				(conn_wide_of(tail)->client[1] ^ k->client[1])) == 0;
	return same;
}

/* All slots are compared without a branch: which of them it is cannot be predicted. */
static __rte_always_inline struct conn_tail *
conn_find_in(enum sl_conn_form form, union conn_line *line, const struct conn_key *k)
{
	unsigned found = 0;

	for (unsigned i = 0; i < CONN_SLOTS(form); i++)
		found |= conn_matches(form, conn_slot(form, line, i), k) << i;
	return found != 0 ? conn_slot(form, line, (unsigned)__builtin_ctz(found)) : NULL;
}

static __rte_always_inline struct conn_tail *
conn_find_free(enum sl_conn_form form, union conn_line *line)
{
	for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
		if (conn_front(conn_slot(form, line, i)) == SL_ID_NONE)
			return conn_slot(form, line, i);
	}
	return NULL;
}

/* Keeps stores in this order for whoever finds the memory after this process was killed. */
static inline void conn_store_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Copies an entry into a free slot, `flip` inverted in its flags. */
static __rte_always_inline void conn_copy_to(
	enum sl_conn_form form, struct conn_tail *to, const struct conn_tail *from, uint32_t flip)
{
	if (form == SL_CONN_WIDE)
		memcpy(conn_wide_of(to)->client, conn_wide_of(from)->client,
			sizeof(conn_wide_of(to)->client));
	to->key_tick = from->key_tick;
	to->server_spare = (to->server_spare & ~CONN_ID_MASK) | (from->server_spare & CONN_ID_MASK);
	conn_store_order();
	to->front_state = from->front_state ^ flip;
	conn_store_order();
}

static inline void conn_free_slot(struct conn_tail *tail)
{
	tail->front_state = 0;
	conn_store_order();
}

/* Taken apart, the table's own flag left out. */
void conn_take_apart(
	enum sl_conn_form form, const struct conn_tail *tail, struct sl_conn_view *view);

/* Frees the slot and what the counts say of it, but for the reason why. */
void conn_drop(struct sl_conn_table *t, struct conn_tail *tail);

/* Checks every entry of memory that another process left, drops what cannot be, and counts. */
void conn_adopt(struct sl_conn_table *t);

#endif
