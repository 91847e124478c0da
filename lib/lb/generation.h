/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generations and what they share.
 *
 * A generation is a snapshot with its directories of record pages. It shares with the one before
 * it every page and every service object that did not change. Nothing is counted: whoever builds
 * the next generation puts each object that it replaces on this one's garbage list, and the list is
 * freed with the generation. That is right because generations are freed strictly in the order in
 * which they were built, and an object in use by the n-th and the n+2nd is in use by the n+1st.
 *
 * Built and freed by the configuration thread alone. The control core publishes them and says by
 * one number, the oldest generation that a worker may still hold, how far they may be freed
 * (sl_engine_released()).
 */
#ifndef SL_LB_GENERATION_H
#define SL_LB_GENERATION_H

#include <stdint.h>

#include "base/alloc.h"
#include "lb/snapshot.h"

/* Stands before every object that generations share: pages, services, scheduler blocks, locals. */
struct sl_cow {
	struct sl_cow *next; /* in the list of a draft or in a garbage list */
	uint64_t born;       /* generation it was made for */
	uint8_t dead;        /* made for a draft and replaced in the same draft */
} __attribute__((aligned(SL_CACHE_LINE)));

struct sl_generation {
	struct sl_snapshot snapshot;
	struct sl_generation *next; /* built after this one */
	struct sl_cow *garbage;     /* objects that `next` does not share */
	struct sl_front **fronts;   /* the directories that the snapshot shows */
	struct sl_server **servers;
};

/* A generation in the making. What `base` has stays as it is. */
struct sl_draft {
	const struct sl_alloc *alloc;
	struct sl_generation *base; /* NULL when it is the first */
	struct sl_generation *next;
	struct sl_cow *fresh;   /* objects made for it */
	struct sl_cow *retired; /* objects of `base` that it does without */
};

/* 0 or -ENOMEM. Directories have a fixed number of pages, for all ids that there can be. */
int sl_draft_begin(struct sl_draft *draft, const struct sl_alloc *alloc, struct sl_generation *base,
	uint32_t n_front_pages, uint32_t n_server_pages);

/* Memory that the draft's generation will share; NULL when there is none. */
void *sl_draft_zalloc(struct sl_draft *draft, size_t size, int numa);

/* The draft does without this object, of `base` or of its own. Accepts NULL. */
void sl_draft_retire(struct sl_draft *draft, const void *object);

/* The record of an id, to be written: its page is copied first. NULL without memory. */
struct sl_front *sl_draft_front(struct sl_draft *draft, sl_id id);
struct sl_server *sl_draft_server(struct sl_draft *draft, sl_id id);

/* The draft becomes a generation, which can neither fail nor be undone; or is as if it had never
 * been. */
struct sl_generation *sl_draft_commit(struct sl_draft *draft);
void sl_draft_abort(struct sl_draft *draft);

/* Frees a generation that has a next one, and what the next one does not share. */
void sl_generation_free(const struct sl_alloc *alloc, struct sl_generation *generation);

/* Frees the last one, with everything in it. Accepts NULL. */
void sl_generation_free_last(
	const struct sl_alloc *alloc, struct sl_generation *generation, unsigned n_workers);

#endif
