/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/generation.h"

#include <errno.h>
#include <string.h>

#include "lb/front.h"

static struct sl_cow *header_of(const void *object)
{
	return (struct sl_cow *)(uintptr_t)object - 1;
}

int sl_draft_begin(struct sl_draft *draft, const struct sl_alloc *alloc, struct sl_generation *base,
	uint32_t n_front_pages, uint32_t n_server_pages)
{
	size_t fronts = n_front_pages * sizeof(struct sl_front *);
	size_t servers = n_server_pages * sizeof(struct sl_server *);
	struct sl_generation *next;

	next = sl_zalloc(alloc, sizeof(*next) + fronts + servers, SL_CACHE_LINE, -1);
	if (next == NULL)
		return -ENOMEM;
	next->fronts = (struct sl_front **)(next + 1);
	next->servers = (struct sl_server **)(next->fronts + n_front_pages);
	if (base != NULL) {
		next->snapshot = base->snapshot;
		memcpy(next->fronts, base->fronts, fronts);
		memcpy(next->servers, base->servers, servers);
	}
	next->snapshot.generation++;
	next->snapshot.front_pages = (const struct sl_front *const *)next->fronts;
	next->snapshot.server_pages = (const struct sl_server *const *)next->servers;
	next->snapshot.n_front_pages = n_front_pages;
	next->snapshot.n_server_pages = n_server_pages;
	*draft = (struct sl_draft){.alloc = alloc, .base = base, .next = next};
	return 0;
}

void *sl_draft_zalloc(struct sl_draft *draft, size_t size, int numa)
{
	struct sl_cow *cow;

	cow = sl_zalloc(draft->alloc, sizeof(*cow) + size, SL_CACHE_LINE, numa);
	if (cow == NULL)
		return NULL;
	cow->born = draft->next->snapshot.generation;
	cow->next = draft->fresh;
	draft->fresh = cow;
	return cow + 1;
}

void sl_draft_retire(struct sl_draft *draft, const void *object)
{
	struct sl_cow *cow;

	if (object == NULL)
		return;
	cow = header_of(object);
	if (cow->born == draft->next->snapshot.generation) {
		cow->dead = 1;
		return;
	}
	cow->next = draft->retired;
	draft->retired = cow;
}

/* The page, made the draft's own. */
static void *page_to_write(struct sl_draft *draft, void **page, size_t size)
{
	void *copy;

	if (*page != NULL && header_of(*page)->born == draft->next->snapshot.generation)
		return *page;
	copy = sl_draft_zalloc(draft, size, -1);
	if (copy == NULL)
		return NULL;
	if (*page != NULL)
		memcpy(copy, *page, size);
	sl_draft_retire(draft, *page);
	*page = copy;
	return copy;
}

struct sl_front *sl_draft_front(struct sl_draft *draft, sl_id id)
{
	struct sl_front *page;

	page = page_to_write(
		draft, (void **)&draft->next->fronts[id / SL_PAGE], SL_PAGE * sizeof(*page));
	return page == NULL ? NULL : &page[id % SL_PAGE];
}

struct sl_server *sl_draft_server(struct sl_draft *draft, sl_id id)
{
	struct sl_server *page;

	page = page_to_write(
		draft, (void **)&draft->next->servers[id / SL_PAGE], SL_PAGE * sizeof(*page));
	return page == NULL ? NULL : &page[id % SL_PAGE];
}

static void free_list(const struct sl_alloc *alloc, struct sl_cow *list)
{
	while (list != NULL) {
		struct sl_cow *next = list->next;

		sl_free(alloc, list);
		list = next;
	}
}

struct sl_generation *sl_draft_commit(struct sl_draft *draft)
{
	struct sl_cow *cow = draft->fresh;

	while (cow != NULL) {
		struct sl_cow *next = cow->next;

		if (cow->dead)
			sl_free(draft->alloc, cow);
		cow = next;
	}
	if (draft->base != NULL) {
		draft->base->garbage = draft->retired;
		draft->base->next = draft->next;
	}
	return draft->next;
}

void sl_draft_abort(struct sl_draft *draft)
{
	const struct sl_front_table *kept = draft->base ? draft->base->snapshot.table : NULL;

	if (draft->next->snapshot.table != kept)
		sl_front_table_free(draft->alloc,
			(struct sl_front_table *)(uintptr_t)draft->next->snapshot.table);
	free_list(draft->alloc, draft->fresh);
	sl_free(draft->alloc, draft->next);
}

void sl_generation_free(const struct sl_alloc *alloc, struct sl_generation *generation)
{
	if (generation->snapshot.table != generation->next->snapshot.table)
		sl_front_table_free(
			alloc, (struct sl_front_table *)(uintptr_t)generation->snapshot.table);
	free_list(alloc, generation->garbage);
	sl_free(alloc, generation);
}

static void
free_service(const struct sl_alloc *alloc, const struct sl_service *service, unsigned n_workers)
{
	if (service == NULL)
		return;
	for (unsigned w = 0; service->sched_state != NULL && w < n_workers; w++)
		sl_free(alloc, header_of(service->sched_state[w]));
	sl_free(alloc, header_of(service));
}

void sl_generation_free_last(
	const struct sl_alloc *alloc, struct sl_generation *generation, unsigned n_workers)
{
	if (generation == NULL)
		return;
	for (uint32_t p = 0; p < generation->snapshot.n_front_pages; p++) {
		struct sl_front *page = generation->fronts[p];

		for (unsigned i = 0; page != NULL && i < SL_PAGE; i++)
			free_service(alloc, page[i].service, n_workers);
		if (page != NULL)
			sl_free(alloc, header_of(page));
	}
	for (uint32_t p = 0; p < generation->snapshot.n_server_pages; p++)
		if (generation->servers[p] != NULL)
			sl_free(alloc, header_of(generation->servers[p]));
	if (generation->snapshot.locals != NULL)
		sl_free(alloc, header_of(generation->snapshot.locals));
	sl_front_table_free(alloc, (struct sl_front_table *)(uintptr_t)generation->snapshot.table);
	sl_free(alloc, generation);
}
