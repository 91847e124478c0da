/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/ids.h"

#include <stdlib.h>
#include <string.h>

#include <rte_atomic.h>
#include <rte_common.h>

#define MAGIC   0x31736469746f6c73ull
#define VERSION 2u
#define BUCKETS 2 /* hash chains per id */

/* The map, as it lies in memory that may outlive the process: header, then records by id. */
struct map {
	uint64_t magic;
	uint32_t version;
	uint32_t capacity;
	uint64_t spare[6];
};

struct record {
	struct sl_identity identity;
	uint32_t state; /* enum sl_id_state; written last, so that a killed process leaves no half
			   record */
	uint32_t note;
	uint64_t deleted_ns;
	uint64_t generation; /* that says REAPING */
};

_Static_assert(sizeof(struct sl_identity) == 24, "compared and hashed as three words");
_Static_assert(sizeof(struct record) == 48, "part of the stored layout");

/* Ids in order of time. FREE ids are a stack that uses `next` alone. */
struct list {
	sl_id first;
	sl_id last;
};

struct sl_ids {
	struct map *map;
	struct record *records; /* [capacity + 1], by id */
	unsigned capacity;
	unsigned end;
	sl_id never_used; /* from here on, ids have not been given out since the map was opened */
	sl_id free;       /* stack of FREE ids below that */
	struct list deleted; /* by deleted_ns */
	struct list reaping; /* by generation */
	uint32_t *next;      /* neighbours in the list that the id's state puts it in */
	uint32_t *previous;
	uint32_t *chain; /* next in the hash chain; LIVE and DELETED ids only */
	uint32_t *heads;
	uint32_t bucket_mask;
};

size_t sl_ids_bytes(unsigned capacity)
{
	return sizeof(struct map) + ((size_t)capacity + 1) * sizeof(struct record);
}

static void list_append(struct sl_ids *ids, struct list *list, sl_id id)
{
	ids->next[id] = SL_ID_NONE;
	ids->previous[id] = list->last;
	if (list->last != SL_ID_NONE)
		ids->next[list->last] = id;
	else
		list->first = id;
	list->last = id;
}

static void list_insert_before(struct sl_ids *ids, struct list *list, sl_id id, sl_id place)
{
	sl_id before = ids->previous[place];

	ids->next[id] = place;
	ids->previous[id] = before;
	ids->previous[place] = id;
	if (before != SL_ID_NONE)
		ids->next[before] = id;
	else
		list->first = id;
}

static void list_remove(struct sl_ids *ids, struct list *list, sl_id id)
{
	sl_id before = ids->previous[id];
	sl_id after = ids->next[id];

	if (before != SL_ID_NONE)
		ids->next[before] = after;
	else
		list->first = after;
	if (after != SL_ID_NONE)
		ids->previous[after] = before;
	else
		list->last = before;
}

static uint32_t *bucket_of(const struct sl_ids *ids, const struct sl_identity *identity)
{
	uint64_t words[3];
	uint64_t hash = 0;

	memcpy(words, identity, sizeof(words));
	for (unsigned i = 0; i < 3; i++) {
		__uint128_t product = (__uint128_t)(hash ^ words[i] ^ 0x9e3779b97f4a7c15ull) *
			0xd6e8feb86659fd93ull;

		hash = (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return &ids->heads[hash & ids->bucket_mask];
}

static void chain_add(struct sl_ids *ids, sl_id id)
{
	uint32_t *head = bucket_of(ids, &ids->records[id].identity);

	ids->chain[id] = *head;
	*head = id;
}

static void chain_remove(struct sl_ids *ids, sl_id id)
{
	uint32_t *at = bucket_of(ids, &ids->records[id].identity);

	while (*at != id)
		at = &ids->chain[*at];
	*at = ids->chain[id];
}

/* The state is what makes a record count; it changes only when the rest is in memory. */
static void set_state(struct sl_ids *ids, sl_id id, enum sl_id_state state)
{
	rte_compiler_barrier();
	ids->records[id].state = state;
	rte_compiler_barrier();
}

/* Puts an id among the DELETED ones; times nearly always come in order. */
static void deleted_insert(struct sl_ids *ids, sl_id id, uint64_t deleted_ns)
{
	sl_id after = SL_ID_NONE;
	sl_id at = ids->deleted.last;

	ids->records[id].deleted_ns = deleted_ns;
	for (; at != SL_ID_NONE && ids->records[at].deleted_ns > deleted_ns; at = ids->previous[at])
		after = at;
	if (after == SL_ID_NONE)
		list_append(ids, &ids->deleted, id);
	else
		list_insert_before(ids, &ids->deleted, id, after);
}

static void make_free(struct sl_ids *ids, sl_id id)
{
	set_state(ids, id, SL_ID_FREE);
	ids->next[id] = ids->free;
	ids->free = id;
	while (ids->end > 1 && ids->records[ids->end - 1].state == SL_ID_FREE)
		ids->end--;
}

static bool record_is_possible(const struct record *record)
{
	if (record->state == SL_ID_FREE)
		return true;
	return record->state <= SL_ID_REAPING &&
		(record->identity.family == 4 || record->identity.family == 6) &&
		record->identity.parent <= SL_ID_MAX;
}

static int by_time(const void *a, const void *b, void *arg)
{
	const struct record *records = arg;
	uint64_t left = records[*(const sl_id *)a].deleted_ns;
	uint64_t right = records[*(const sl_id *)b].deleted_ns;

	return left < right ? -1 : left > right;
}

/* Sorts adopted DELETED ids into their list. `previous` is the room to sort in: not in use yet. */
static void adopt_deleted(struct sl_ids *ids)
{
	unsigned n = 0;
	sl_id *sorted = malloc(sizeof(*sorted) * (ids->end + 1));

	for (sl_id id = 1; id < ids->end; id++) {
		if (ids->records[id].state != SL_ID_DELETED)
			continue;
		if (sorted != NULL)
			sorted[n++] = id;
		else /* slower, and right all the same */
			deleted_insert(ids, id, ids->records[id].deleted_ns);
	}
	if (n > 0)
		qsort_r(sorted, n, sizeof(*sorted), by_time, ids->records);
	for (unsigned i = 0; i < n; i++)
		list_append(ids, &ids->deleted, sorted[i]);
	free(sorted);
}

/* Rebuilds lists and chains from the records. False when they contradict each other. */
static bool adopt_records(struct sl_ids *ids)
{
	for (sl_id id = 1; id <= ids->capacity; id++) {
		if (!record_is_possible(&ids->records[id]))
			return false;
		if (ids->records[id].state != SL_ID_FREE)
			ids->end = id + 1;
	}
	ids->never_used = ids->end;
	for (sl_id id = ids->end - 1; id > 0; id--) {
		switch (ids->records[id].state) {
		case SL_ID_FREE:
			ids->next[id] = ids->free;
			ids->free = id;
			break;
		case SL_ID_REAPING:
			list_append(ids, &ids->reaping, id);
			break;
		default:
			if (sl_ids_find(ids, &ids->records[id].identity) != SL_ID_NONE)
				return false;
			chain_add(ids, id);
		}
	}
	adopt_deleted(ids);
	return true;
}

struct sl_ids *sl_ids_open(void *memory, unsigned capacity, bool adopt)
{
	struct map *map = memory;
	struct sl_ids *ids;

	if (capacity == 0 || capacity > SL_ID_MAX)
		return NULL;
	if (adopt && (map->magic != MAGIC || map->version != VERSION || map->capacity != capacity))
		return NULL;
	ids = calloc(1, sizeof(*ids));
	if (ids == NULL)
		return NULL;
	ids->map = map;
	ids->records = (struct record *)(map + 1);
	ids->capacity = capacity;
	ids->end = 1;
	ids->never_used = 1;
	ids->bucket_mask = rte_align32pow2(capacity * BUCKETS) - 1;
	ids->next = calloc((size_t)capacity + 1, sizeof(*ids->next));
	ids->previous = calloc((size_t)capacity + 1, sizeof(*ids->previous));
	ids->chain = calloc((size_t)capacity + 1, sizeof(*ids->chain));
	ids->heads = calloc((size_t)ids->bucket_mask + 1, sizeof(*ids->heads));
	if (ids->next == NULL || ids->previous == NULL || ids->chain == NULL || ids->heads == NULL)
		goto unusable;
	if (adopt) {
		if (!adopt_records(ids))
			goto unusable;
	} else {
		map->version = VERSION;
		map->capacity = capacity;
		map->magic = MAGIC;
	}
	return ids;

unusable:
	sl_ids_close(ids);
	return NULL;
}

void sl_ids_close(struct sl_ids *ids)
{
	if (ids == NULL)
		return;
	free(ids->heads);
	free(ids->chain);
	free(ids->previous);
	free(ids->next);
	free(ids);
}

sl_id sl_ids_acquire(struct sl_ids *ids, const struct sl_identity *identity, bool *revived)
{
	sl_id id = sl_ids_find(ids, identity);

	*revived = false;
	if (id != SL_ID_NONE) {
		if (ids->records[id].state == SL_ID_DELETED) {
			*revived = true;
			list_remove(ids, &ids->deleted, id);
			set_state(ids, id, SL_ID_LIVE);
		}
		return id;
	}
	if (ids->free != SL_ID_NONE) {
		id = ids->free;
		ids->free = ids->next[id];
	} else if (ids->never_used <= ids->capacity) {
		id = ids->never_used++;
	} else {
		return SL_ID_NONE;
	}
	ids->records[id].identity = *identity;
	ids->records[id].note = 0;
	ids->records[id].deleted_ns = 0;
	ids->records[id].generation = 0;
	set_state(ids, id, SL_ID_LIVE);
	chain_add(ids, id);
	ids->end = RTE_MAX(ids->end, id + 1);
	return id;
}

sl_id sl_ids_find(const struct sl_ids *ids, const struct sl_identity *identity)
{
	sl_id id = *bucket_of(ids, identity);

	while (id != SL_ID_NONE &&
		memcmp(&ids->records[id].identity, identity, sizeof(*identity)) != 0)
		id = ids->chain[id];
	return id;
}

void sl_ids_abandon(struct sl_ids *ids, sl_id id, bool revived, uint64_t deleted_ns)
{
	if (revived) {
		set_state(ids, id, SL_ID_DELETED);
		deleted_insert(ids, id, deleted_ns);
		return;
	}
	chain_remove(ids, id);
	make_free(ids, id);
}

void sl_ids_note(struct sl_ids *ids, sl_id id, uint32_t note)
{
	ids->records[id].note = note;
}

uint32_t sl_ids_noted(const struct sl_ids *ids, sl_id id)
{
	return ids->records[id].note;
}

void sl_ids_delete(struct sl_ids *ids, sl_id id, uint64_t now_ns)
{
	deleted_insert(ids, id, now_ns);
	set_state(ids, id, SL_ID_DELETED);
}

unsigned sl_ids_due(const struct sl_ids *ids, uint64_t now_ns, sl_id *out, unsigned max)
{
	unsigned n = 0;

	for (sl_id id = ids->deleted.first; id != SL_ID_NONE && n < max; id = ids->next[id]) {
		if (ids->records[id].deleted_ns + SL_ID_QUARANTINE_NS > now_ns)
			break;
		out[n++] = id;
	}
	return n;
}

void sl_ids_reap(struct sl_ids *ids, sl_id id, uint64_t generation)
{
	if (ids->records[id].state == SL_ID_REAPING) { /* adopted: the workers are new */
		list_remove(ids, &ids->reaping, id);
	} else {
		list_remove(ids, &ids->deleted, id);
		chain_remove(ids, id);
	}
	ids->records[id].generation = generation;
	set_state(ids, id, SL_ID_REAPING);
	list_append(ids, &ids->reaping, id);
}

unsigned sl_ids_swept(const struct sl_ids *ids, uint64_t swept, sl_id *out, unsigned max)
{
	unsigned n = 0;

	for (sl_id id = ids->reaping.first; id != SL_ID_NONE && n < max; id = ids->next[id]) {
		if (ids->records[id].generation > swept)
			break;
		out[n++] = id;
	}
	return n;
}

void sl_ids_free(struct sl_ids *ids, sl_id id)
{
	list_remove(ids, &ids->reaping, id);
	make_free(ids, id);
}

enum sl_id_state sl_ids_state(const struct sl_ids *ids, sl_id id)
{
	if (id == SL_ID_NONE || id > ids->capacity)
		return SL_ID_FREE;
	return ids->records[id].state;
}

uint64_t sl_ids_deleted_ns(const struct sl_ids *ids, sl_id id)
{
	return ids->records[id].deleted_ns;
}

const struct sl_identity *sl_ids_identity(const struct sl_ids *ids, sl_id id)
{
	return &ids->records[id].identity;
}

unsigned sl_ids_end(const struct sl_ids *ids)
{
	return ids->end;
}
