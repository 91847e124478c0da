/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK       512   /* entries in one query */
#define QUERIES_MAX 64    /* in one page */
#define PAUSE_NS    50000 /* between two looks at a query */
#define PAUSES_MAX  40000 /* 2 s: a worker that is in time answers in microseconds */

struct sl_listing {
	struct sl_engine *engine;
	const struct sl_host *host;
	bool out; /* a worker has the query and did not answer: it must not be touched */
	unsigned out_worker;
	struct sl_conn_query query;
	struct sl_conn_view views[CHUNK];
	struct sl_side sides[CHUNK];
};

struct sl_listing *sl_listing_new(struct sl_engine *engine, const struct sl_host *host)
{
	struct sl_listing *listing = calloc(1, sizeof(*listing));

	if (listing != NULL) {
		listing->engine = engine;
		listing->host = host;
	}
	return listing;
}

void sl_listing_free(struct sl_listing *listing)
{
	free(listing);
}

static void pause_a_moment(const struct sl_listing *listing)
{
	struct timespec moment = {0, PAUSE_NS};

	if (listing->host->pause != NULL)
		listing->host->pause(listing->host->arg);
	else
		nanosleep(&moment, NULL);
}

/* Waits for the answer; -EBUSY when it does not come. */
static int wait_answer(struct sl_listing *listing, unsigned pauses, struct sl_err *err)
{
	while (!sl_engine_query_done(&listing->query)) {
		if (pauses-- == 0)
			return sl_err_set(err, EBUSY, NULL,
				"worker %u does not answer: is it running?", listing->out_worker);
		pause_a_moment(listing);
	}
	listing->out = false;
	return 0;
}

static int ask(struct sl_listing *listing, const struct sl_listing_filter *filter,
	const struct sl_listing_place *place, unsigned max, struct sl_err *err)
{
	struct sl_conn_query *query = &listing->query;

	memset(query, 0, sizeof(*query));
	query->front = filter->front;
	query->server = filter->server;
	query->client_family = filter->client.family;
	query->client = sl_ip_from_addr(&filter->client);
	query->state = filter->state;
	query->max = max < SL_QUERY_ROOM ? SL_QUERY_ROOM : max < CHUNK ? max : CHUNK;
	query->wide = place->table == 1;
	query->cursor = place->line;
	query->out = listing->views;
	query->sides = listing->sides;
	listing->out = true;
	listing->out_worker = place->worker;
	sl_engine_query_post(listing->engine, place->worker, query);
	return wait_answer(listing, PAUSES_MAX, err);
}

static void move_on(struct sl_listing_place *place, uint64_t line)
{
	if (line != UINT64_MAX) {
		place->line = line;
		return;
	}
	place->line = 0;
	if (++place->table == 2) {
		place->table = 0;
		place->worker++;
	}
}

int sl_listing_page(struct sl_listing *listing, const struct sl_listing_filter *filter,
	struct sl_listing_place *place, unsigned max, sl_listing_entry entry, void *arg,
	struct sl_err *err)
{
	unsigned taken = 0;
	int rc;

	if (listing->out && (rc = wait_answer(listing, 0, err)) < 0)
		return rc;
	for (unsigned i = 0; i < QUERIES_MAX && taken < max; i++) {
		if (sl_listing_at_end(listing, place))
			break;
		rc = ask(listing, filter, place, max - taken, err);
		if (rc < 0)
			return rc;
		for (unsigned n = 0; n < listing->query.n; n++) {
			const struct sl_conn_view *view = &listing->views[n];

			taken += entry(arg, place->worker, view,
				view->kind == SL_CONN_SIDE ? &listing->sides[n] : NULL,
				listing->query.now);
		}
		move_on(place, listing->query.cursor);
	}
	return 0;
}

bool sl_listing_at_end(const struct sl_listing *listing, const struct sl_listing_place *place)
{
	return place->worker >= listing->engine->n_workers;
}

void sl_listing_cursor_format(const struct sl_listing_place *place, char text[SL_LISTING_CURSOR])
{
	snprintf(text, SL_LISTING_CURSOR, "%x.%x.%" PRIx64, place->worker, place->table,
		place->line);
}

int sl_listing_cursor_parse(
	const struct sl_listing *listing, const char *text, struct sl_listing_place *place)
{
	int used = 0;

	if (strlen(text) >= SL_LISTING_CURSOR ||
		sscanf(text, "%x.%x.%" SCNx64 "%n", &place->worker, &place->table, &place->line,
			&used) != 3 ||
		text[used] != '\0' || place->table > 1 || place->line == UINT64_MAX ||
		sl_listing_at_end(listing, place))
		return -EINVAL;
	return 0;
}
