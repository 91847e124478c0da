/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of the connection tables, asked of the workers piece by piece: each copies a bounded number
 * per poll, and nobody waits for one that does not answer. Configuration thread.
 */
#ifndef SL_API_LISTING_H
#define SL_API_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "api/director.h"
#include "base/err.h"
#include "lb/engine.h"
#include "lb/side.h"

#define SL_LISTING_CURSOR 48 /* bytes that a cursor needs as text */

struct sl_listing;

/* What is wanted; all zero but state -1 wants everything. */
struct sl_listing_filter {
	struct sl_addr client; /* family 0 = any */
	sl_id front;           /* SL_ID_NONE = any */
	sl_id server;          /* SL_ID_NONE = any */
	int state;             /* enum sl_state; -1 = any */
};

/* Where a listing goes on. All zero is the beginning. */
struct sl_listing_place {
	unsigned worker; /* the number of workers = the end */
	unsigned table;  /* 0 narrow, 1 wide */
	uint64_t line;
};

/*
 * One connection; `side` is the record of one that is a pair, else NULL. Returns whether it was
 * taken, that is, counts for the page's size.
 */
typedef bool (*sl_listing_entry)(void *arg, unsigned worker, const struct sl_conn_view *view,
	const struct sl_side *side, sl_tick now);

struct sl_listing *sl_listing_new(struct sl_engine *engine, const struct sl_host *host);
void sl_listing_free(struct sl_listing *listing); /* workers have stopped; accepts NULL */

/*
 * Up to about `max` entries from *place on, which is moved. A page may be short, also empty, before
 * the end: one call does a bounded piece of work. 0, or -EBUSY with `err` naming the worker that
 * does not answer.
 */
int sl_listing_page(struct sl_listing *listing, const struct sl_listing_filter *filter,
	struct sl_listing_place *place, unsigned max, sl_listing_entry entry, void *arg,
	struct sl_err *err);

bool sl_listing_at_end(const struct sl_listing *listing, const struct sl_listing_place *place);

/* A place as opaque text, and back: 0 or -EINVAL. */
void sl_listing_cursor_format(const struct sl_listing_place *place, char text[SL_LISTING_CURSOR]);
int sl_listing_cursor_parse(
	const struct sl_listing *listing, const char *text, struct sl_listing_place *place);

#endif
