/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers for addresses: which adjacency index stands for which server address, which VIP index
 * for which VIP. Users are counted; an index that nobody uses any more is told to the control core
 * as REMOVED and rests before it stands for another address. Index 0 is never given out. Owner: the
 * configuration thread. All memory is taken at the start: acquiring cannot run out of it.
 */
#ifndef SL_LB_WATCH_H
#define SL_LB_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "lb/registry.h"

struct sl_watch_set;

/* Indexes 1 .. capacity. NULL without memory. */
struct sl_watch_set *sl_watch_set_new(const struct sl_alloc *alloc, uint32_t capacity);
void sl_watch_set_free(const struct sl_alloc *alloc, struct sl_watch_set *set);

/* One more user of the address's index. 0 when all are taken. */
uint32_t sl_watch_acquire(struct sl_watch_set *set, const struct sl_addr *address);

/* One user less; `generation` is the first that does without. */
void sl_watch_release(struct sl_watch_set *set, uint32_t index, uint64_t generation);

/* Undo of an acquire that no generation has seen. */
void sl_watch_abandon(struct sl_watch_set *set, uint32_t index);

/* Fills `index`, `added` and `address` of up to `max` changes since the last call. */
unsigned sl_watch_changes(struct sl_watch_set *set, struct sl_watch *out, unsigned max);

/*
 * About once a second: indexes that have rested through two calls are free, once generations before
 * `released` are gone.
 */
void sl_watch_age(struct sl_watch_set *set, uint64_t released);

#endif
