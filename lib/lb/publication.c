/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A generation that is replaced waits until every worker has reported a quiescent state since. The
 * control core asks, it never waits. What has passed is not freed here: the configuration thread
 * made it, shares parts of it with later generations, and learns by one number how far it may free.
 * So no generation is counted or locked, and the control core spends no time on freeing 100,000
 * records.
 */
#include "lb/publication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/publish.h"
#include "lb/registry_private.h"

struct waiting {
	uint64_t
		next_generation; /* that replaced it: all before that are gone when it has passed */
	uint64_t token;
};

struct waiting_set {
	struct waiting_set *next;
	uint64_t token;
	struct sl_local_set *set;
};

struct sl_reclaim {
	struct waiting waiting[SL_GENERATIONS_MAX]; /* oldest first */
	unsigned n;
	uint64_t released;         /* lb/publish.h, progress */
	struct waiting_set *local; /* the published set */
	struct waiting_set *sets;  /* replaced ones, newest first */
};

int sl_publication_new(struct sl_engine *engine)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(engine->n_workers);

	engine->reclaim = sl_zalloc(engine->alloc, sizeof(*engine->reclaim), SL_CACHE_LINE, -1);
	engine->qsbr = sl_zalloc(engine->alloc, bytes, SL_CACHE_LINE, -1);
	if (engine->reclaim == NULL || engine->qsbr == NULL)
		return -ENOMEM;
	rte_rcu_qsbr_init(engine->qsbr, engine->n_workers);
	for (unsigned i = 0; i < engine->n_workers; i++)
		rte_rcu_qsbr_thread_register(engine->qsbr, i);
	return 0;
}

static void set_free(const struct sl_alloc *alloc, struct waiting_set *set)
{
	if (set == NULL)
		return;
	sl_free(alloc, set->set);
	sl_free(alloc, set);
}

void sl_publication_free(struct sl_engine *engine)
{
	struct sl_reclaim *r = engine->reclaim;

	while (r != NULL && r->sets != NULL) {
		struct waiting_set *next = r->sets->next;

		set_free(engine->alloc, r->sets);
		r->sets = next;
	}
	if (r != NULL)
		set_free(engine->alloc, r->local);
	sl_free(engine->alloc, r);
	sl_free(engine->alloc, engine->qsbr);
}

uint64_t sl_engine_released(const struct sl_engine *engine)
{
	return sl_read_progress(&engine->reclaim->released);
}

/* The worker that the oldest generation waits for. */
static unsigned late_worker(const struct sl_engine *engine)
{
	uint64_t token = engine->reclaim->waiting[0].token;

	for (unsigned i = 0; i < engine->n_workers; i++) {
		uint64_t seen = sl_read_progress(&engine->qsbr->qsbr_cnt[i].cnt);

		if (seen != __RTE_QSBR_CNT_THR_OFFLINE && seen < token)
			return i;
	}
	return 0; /* it has passed just now */
}

int sl_engine_publish(struct sl_engine *engine, struct sl_snapshot *snapshot, unsigned *late)
{
	struct sl_reclaim *r = engine->reclaim;

	if (!sl_engine_can_publish(engine, late))
		return -EBUSY;
	sl_publish_snapshot(&engine->snapshot, snapshot);
	r->waiting[r->n++] = (struct waiting){
		.next_generation = snapshot->generation,
		.token = rte_rcu_qsbr_start(engine->qsbr),
	};
	sl_engine_reclaim(engine); /* done at once when every worker is asleep */
	return 0;
}

bool sl_engine_can_publish(struct sl_engine *engine, unsigned *late)
{
	if (sl_engine_reclaim(engine) < SL_GENERATIONS_MAX)
		return true;
	if (late != NULL)
		*late = late_worker(engine);
	return false;
}

static void reclaim_sets(struct sl_engine *engine)
{
	struct waiting_set **at = &engine->reclaim->sets;

	/* Newest first: when one has passed, all behind it have. */
	while (*at != NULL && rte_rcu_qsbr_check(engine->qsbr, (*at)->token, false) != 1)
		at = &(*at)->next;
	while (*at != NULL) {
		struct waiting_set *set = *at;

		*at = set->next;
		set_free(engine->alloc, set);
	}
}

unsigned sl_engine_reclaim(struct sl_engine *engine)
{
	struct sl_reclaim *r = engine->reclaim;
	unsigned passed = 0;

	while (passed < r->n &&
		rte_rcu_qsbr_check(engine->qsbr, r->waiting[passed].token, false) == 1)
		passed++;
	if (passed > 0) {
		sl_publish_progress(&r->released, r->waiting[passed - 1].next_generation);
		r->n -= passed;
		memmove(r->waiting, r->waiting + passed, r->n * sizeof(r->waiting[0]));
	}
	reclaim_sets(engine);
	return r->n;
}

int sl_engine_set_local(struct sl_engine *engine, const struct sl_addr *addresses, uint32_t n,
	const struct sl_local_source *sources, unsigned n_sources)
{
	struct sl_reclaim *r = engine->reclaim;
	struct waiting_set *fresh;

	fresh = sl_zalloc(engine->alloc, sizeof(*fresh), SL_CACHE_LINE, -1);
	if (fresh == NULL)
		return -ENOMEM;
	fresh->set = sl_local_set_new(engine->alloc, addresses, n, sources, n_sources);
	if (fresh->set == NULL) {
		sl_free(engine->alloc, fresh);
		return -ENOMEM;
	}
	sl_publish_pointer(&engine->local, fresh->set);
	if (r->local != NULL) {
		r->local->token = rte_rcu_qsbr_start(engine->qsbr);
		r->local->next = r->sets;
		r->sets = r->local;
	}
	r->local = fresh;
	reclaim_sets(engine);
	return 0;
}

uint64_t sl_engine_swept(const struct sl_engine *engine)
{
	uint64_t lowest = UINT64_MAX;

	for (unsigned i = 0; i < engine->n_workers; i++) {
		uint64_t swept = sl_read_progress(&engine->workers[i]->sweep_generation);

		if (swept < lowest)
			lowest = swept;
	}
	return lowest;
}
