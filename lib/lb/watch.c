/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/watch.h"

#include <rte_common.h>

#define REST 2 /* calls of sl_watch_age() that an unused index rests through */

struct entry {
	struct sl_addr address; /* family 0 = the index is free */
	uint32_t users;
	uint32_t chain;      /* next in the hash chain, or in the stack of free ones */
	uint32_t rest_next;  /* next in the list of resting ones */
	uint64_t generation; /* first that did without */
	bool told;           /* the control core knows it */
	bool queued;         /* in the queue of changes */
	bool resting;
	uint8_t rested;
};

struct sl_watch_set {
	struct entry *entries; /* [capacity + 1] */
	uint32_t *heads;
	uint32_t *queue; /* changes to tell: a ring, each index at most once */
	uint32_t capacity;
	uint32_t bucket_mask;
	uint32_t never_used;
	uint32_t free;
	uint32_t queue_first;
	uint32_t queued;
	uint32_t rest_first;
	uint32_t rest_last;
};

struct sl_watch_set *sl_watch_set_new(const struct sl_alloc *alloc, uint32_t capacity)
{
	struct sl_watch_set *set = sl_zalloc(alloc, sizeof(*set), SL_CACHE_LINE, -1);
	uint32_t buckets = rte_align32pow2(capacity + 1);

	if (set == NULL)
		return NULL;
	set->capacity = capacity;
	set->bucket_mask = buckets - 1;
	set->never_used = 1;
	set->entries = sl_zalloc(alloc, (capacity + 1ull) * sizeof(*set->entries), 64, -1);
	set->heads = sl_zalloc(alloc, (size_t)buckets * sizeof(*set->heads), 64, -1);
	set->queue = sl_zalloc(alloc, (size_t)capacity * sizeof(*set->queue), 64, -1);
	if (set->entries == NULL || set->heads == NULL || set->queue == NULL) {
		sl_watch_set_free(alloc, set);
		return NULL;
	}
	return set;
}

void sl_watch_set_free(const struct sl_alloc *alloc, struct sl_watch_set *set)
{
	if (set == NULL)
		return;
	sl_free(alloc, set->queue);
	sl_free(alloc, set->heads);
	sl_free(alloc, set->entries);
	sl_free(alloc, set);
}

static uint32_t *head_of(const struct sl_watch_set *set, const struct sl_addr *address)
{
	uint64_t hash = address->family;

	for (unsigned i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * 0x100000001b3ull;
	return &set->heads[(hash ^ hash >> 32) & set->bucket_mask];
}

static void queue_change(struct sl_watch_set *set, uint32_t index)
{
	struct entry *e = &set->entries[index];

	if (e->queued)
		return;
	e->queued = true;
	set->queue[(set->queue_first + set->queued++) % set->capacity] = index;
}

static void rest(struct sl_watch_set *set, uint32_t index)
{
	struct entry *e = &set->entries[index];

	e->rested = 0;
	if (e->resting)
		return;
	e->resting = true;
	e->rest_next = 0;
	if (set->rest_last != 0)
		set->entries[set->rest_last].rest_next = index;
	else
		set->rest_first = index;
	set->rest_last = index;
}

static void make_free(struct sl_watch_set *set, uint32_t index)
{
	struct entry *e = &set->entries[index];
	uint32_t *at = head_of(set, &e->address);

	while (*at != index)
		at = &set->entries[*at].chain;
	*at = e->chain;
	e->address.family = 0;
	e->chain = set->free;
	set->free = index;
}

uint32_t sl_watch_acquire(struct sl_watch_set *set, const struct sl_addr *address)
{
	uint32_t *head = head_of(set, address);
	uint32_t index = *head;

	while (index != 0 && !sl_addr_equal(&set->entries[index].address, address))
		index = set->entries[index].chain;
	if (index == 0) {
		if (set->free != 0) {
			index = set->free;
			set->free = set->entries[index].chain;
		} else if (set->never_used <= set->capacity) {
			index = set->never_used++;
		} else {
			return 0;
		}
		set->entries[index].address = *address;
		set->entries[index].chain = *head;
		*head = index;
	}
	if (set->entries[index].users++ == 0)
		queue_change(set, index);
	return index;
}

void sl_watch_release(struct sl_watch_set *set, uint32_t index, uint64_t generation)
{
	struct entry *e = &set->entries[index];

	if (--e->users > 0)
		return;
	e->generation = generation;
	queue_change(set, index);
	rest(set, index);
}

void sl_watch_abandon(struct sl_watch_set *set, uint32_t index)
{
	struct entry *e = &set->entries[index];

	/* One that rests, or whose removal is still to be told, goes on with that. */
	if (--e->users > 0 || e->told || e->resting)
		return;
	/* It was queued by the acquire that is undone: the last in the queue, or found idle there.
	 */
	if (e->queued &&
		set->queue[(set->queue_first + set->queued - 1) % set->capacity] == index) {
		set->queued--;
		e->queued = false;
		make_free(set, index);
	} else {
		rest(set, index);
	}
}

unsigned sl_watch_changes(struct sl_watch_set *set, struct sl_watch *out, unsigned max)
{
	unsigned n = 0;

	while (set->queued > 0 && n < max) {
		uint32_t index = set->queue[set->queue_first];
		struct entry *e = &set->entries[index];

		set->queue_first = (set->queue_first + 1) % set->capacity;
		set->queued--;
		e->queued = false;
		if (e->told == (e->users > 0))
			continue;
		e->told = e->users > 0;
		if (!e->told)
			e->rested = 0; /* the rest counts from here */
		out[n].index = index;
		out[n].added = e->told;
		out[n].address = e->address;
		n++;
	}
	return n;
}

void sl_watch_age(struct sl_watch_set *set, uint64_t released)
{
	uint32_t index = set->rest_first;

	set->rest_first = 0;
	set->rest_last = 0;
	while (index != 0) {
		struct entry *e = &set->entries[index];
		uint32_t next = e->rest_next;
		bool rested = e->rested >= REST;

		e->resting = false;
		if (e->users > 0) {
			/* in use again */
		} else if (rested && !e->told && e->generation <= released) {
			make_free(set, index);
		} else {
			uint8_t so_far = e->rested;

			rest(set, index);
			e->rested = rested ? so_far : so_far + 1;
		}
		index = next;
	}
}
