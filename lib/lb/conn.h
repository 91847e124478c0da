/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection table: one per worker, read and written by that worker alone.
 * Layout and rules: docs/architecture.md, "The connection entry".
 *
 * Two forms of one source: narrow entries (16 bytes, IPv4, exact fronts) and wide entries (32
 * bytes, either family, with the service port in the key: any-port fronts).
 */
#ifndef SL_LB_CONN_H
#define SL_LB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "lb/tcp_state.h"
#include "lb/types.h"
#include "net/addr.h"

#define SL_CONN_DATA 0x1 /* flag: the client has sent payload; the connection is proven */
#define SL_CONN_ALT  0x2 /* flag: lies in its second bucket (the table's own business) */

/*
 * What an entry is, and by what it is placed. A front's entries may be of several kinds at a time:
 * whoever looks one up looks in each place that the front may have used.
 */
enum sl_conn_kind {
	/* By the whole key. DR, TUN, local. */
	SL_CONN_PLAIN,
	/*
	 * By the client's endpoint alone, so that a server's reply finds it, too, which knows
	 * client and server but not the VIP. Eight services of one client endpoint find room so
	 * (four in a wide table); more are pairs (lb/side.h), and the endpoint's home line is
	 * marked.
	 */
	SL_CONN_NAT,
	/*
	 * A pair of entries by their whole keys, (client, front) and (local address and port, the
	 * server's front), which name one side record. The record has their state; the table never
	 * expires nor evicts them.
	 */
	SL_CONN_SIDE,
	SL_CONN_REVERSE,
};

/* One entry, taken apart: what is looked up, inserted, listed and swept. Not the stored form. */
struct sl_conn_key {
	union sl_ip client;
	rte_be16_t client_port;
	rte_be16_t service_port; /* wide only; 0 in narrow keys */
	sl_id front;
};

/* Where an entry lies; valid until the next insert or sweep of the table. */
struct sl_conn_ref {
	void *slot; /* NULL = none */
};

struct sl_conn_view {
	struct sl_conn_key key;
	sl_id server; /* PLAIN and NAT, else SL_ID_NONE */
	enum sl_state state;
	uint8_t flags;
	sl_tick tick; /* last seen */
	enum sl_conn_kind kind;
	uint32_t side; /* SIDE and REVERSE: index of the record, never 0; else 0 */
};

struct sl_conn_stats {    /* one writer, the worker; others read (lb/publish.h) */
	uint64_t entries; /* now */
	uint64_t inserted;
	uint64_t expired;           /* swept, or in the way of an insertion */
	uint64_t evicted_embryonic; /* not ESTABLISHED */
	uint64_t evicted_unproven;  /* ESTABLISHED, never carried data */
	uint64_t refused;           /* table full of proven ones */
	uint64_t moved;             /* entries moved to their other bucket */
	uint64_t stash;             /* entries in the stash now */
	uint64_t reaped;            /* removed because their server's id is being reaped */
};

struct sl_conn_table;

enum sl_conn_form { SL_CONN_NARROW, SL_CONN_WIDE };

/*
 * Bytes of memory a table for `capacity` connections needs (header and stash included). The table
 * is four fifths full then. It takes more, up to nearly all of its slots, but looks less far for
 * room.
 */
size_t sl_conn_table_bytes(enum sl_conn_form form, uint64_t capacity);

/*
 * Makes a table in `memory` (64-byte aligned, zeroed, of sl_conn_table_bytes), or takes over the
 * one that lies there when `adopt`: entries are checked, impossible ones dropped, counts redone.
 * `secret` seeds the hash and must be the one the adopted table was made with. The handle is on the
 * heap; the memory stays the caller's. Returns NULL without memory, or when `adopt` finds nothing
 * usable.
 */
struct sl_conn_table *sl_conn_table_open(void *memory, enum sl_conn_form form, uint64_t capacity,
	const uint64_t secret[2], bool adopt);
void sl_conn_table_close(struct sl_conn_table *table);

/* Where entries lie: by their whole key, and NAT entries by the client's endpoint. */
uint64_t sl_conn_hash(const struct sl_conn_table *table, const struct sl_conn_key *key);
uint64_t sl_conn_hash_client(
	const struct sl_conn_table *table, const union sl_ip *client, rte_be16_t client_port);
void sl_conn_prefetch(const struct sl_conn_table *table, uint64_t hash);

/*
 * The entry with exactly this key, expired or not, among those that `hash` places; .slot NULL when
 * there is none. It may be of another kind than was looked for, if that happens to lie in the same
 * line: the view tells.
 */
struct sl_conn_ref
sl_conn_find(const struct sl_conn_table *table, const struct sl_conn_key *key, uint64_t hash);

/*
 * The NAT entry of this client endpoint, expired or not, for which `match` says yes: it is asked
 * for one after the other, of whatever front. .slot NULL when it never does.
 */
typedef bool (*sl_conn_match)(void *arg, const struct sl_conn_view *view);
struct sl_conn_ref sl_conn_find_reply(const struct sl_conn_table *table, const union sl_ip *client,
	rte_be16_t client_port, uint64_t client_hash, sl_conn_match match, void *arg);

/*
 * Whether NAT connections of a client endpoint with this hash found no room as such and became
 * pairs: then a look-up goes on by the whole key. Wrong at times, but only by saying yes.
 */
bool sl_conn_spilled(const struct sl_conn_table *table, uint64_t client_hash);
/* One more of them, one less. The mark is not kept across sl_conn_table_open(). */
void sl_conn_spill(struct sl_conn_table *table, uint64_t client_hash);
void sl_conn_unspill(struct sl_conn_table *table, uint64_t client_hash);

/*
 * Adds an entry that is not there, last seen `now` (entry->tick is not read); `hash` is what places
 * an entry of its kind. Bounded work (docs/architecture.md). When the room of another was taken,
 * *evicted describes that one, expired or not, for the accounting; else evicted->key.front is
 * SL_ID_NONE. Returns .slot NULL when only proven ones are in the way; and for a NAT entry when its
 * client's lines and the stash are full while the table is not: it can be a pair.
 */
struct sl_conn_ref
sl_conn_insert(struct sl_conn_table *table, const struct sl_conn_view *entry, uint64_t hash,
	sl_tick now, const struct sl_timeouts *timeouts, struct sl_conn_view *evicted);

void sl_conn_remove(struct sl_conn_table *table, struct sl_conn_ref ref);

/* Reads and changes of an entry's own fields. */
void sl_conn_view(
	const struct sl_conn_table *table, struct sl_conn_ref ref, struct sl_conn_view *view);
void sl_conn_update(struct sl_conn_table *table, struct sl_conn_ref ref, enum sl_state state,
	uint8_t flags, sl_tick now);

/*
 * Looks at the next `lines` lines (and, at the end of a round, the stash). `verdict` is asked for
 * each PLAIN and NAT entry and says whether it goes; it is called after expiry has been decided
 * (`expired`) and must do the accounting for those that go. Returns true when a round was
 * completed.
 */
typedef bool (*sl_conn_verdict)(void *arg, const struct sl_conn_view *view, bool expired);
bool sl_conn_sweep(struct sl_conn_table *table, unsigned lines, sl_tick now,
	const struct sl_timeouts *timeouts, sl_conn_verdict verdict, void *arg);

/*
 * Removes each entry of a pair for which `is_known` says no. Walks over all of the table: once,
 * when it was taken over.
 */
void sl_conn_drop_pairs(struct sl_conn_table *table, sl_conn_match is_known, void *arg);

/* Lines in one round of the sweep, and the entries that they can hold. */
uint64_t sl_conn_lines(const struct sl_conn_table *table);
uint64_t sl_conn_slots(const struct sl_conn_table *table);

/*
 * Copies entries from line *cursor on: at most `max` (4 or more: lines are not split), from at most
 * `lines` lines; moves *cursor, UINT64_MAX when the table's end is reached. Returns the number
 * copied.
 */
unsigned sl_conn_copy(const struct sl_conn_table *table, uint64_t *cursor, unsigned lines,
	struct sl_conn_view *out, unsigned max);

struct sl_conn_stats *sl_conn_table_stats(struct sl_conn_table *table);

#endif
