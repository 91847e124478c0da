/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking over the pairs of a process that is gone. Killed between any two stores, it may have left
 * a record without its entries, or an entry without the other or without a record; and nothing in a
 * file is believed. What stays belongs together: each record with both of its entries (one that
 * lingers, with the reverse one), each entry with its record.
 */
#include "lb/publish.h"
#include "lb/side.h"
#include "lb/side_layout.h"

#define FLAGS_KNOWN                                                                                \
	(SL_SIDE_DATA | SL_SIDE_WIDE | SL_SIDE_LOCAL_WIDE | SL_SIDE_SPILLED | SL_SIDE_LINGERS |    \
		SL_SIDE_PROXY | SL_SIDE_TOA | SL_SIDE_TOLD | SL_SIDE_PEERS)

static bool is_v4(const union sl_ip *ip)
{
	union sl_ip plain = sl_ip_v4(ip->v4);

	return sl_ip_equal(ip, &plain);
}

static bool plausible(const struct sl_side *side)
{
	if (side->front > SL_ID_MAX || side->endpoint == SL_ID_NONE || side->endpoint > SL_ID_MAX ||
		side->server > SL_ID_MAX)
		return false;
	if (side->state >= SL_STATE_COUNT || (side->flags & ~FLAGS_KNOWN) != 0)
		return false;
	if (!(side->flags & SL_SIDE_WIDE) && (!is_v4(&side->client) || side->service_port != 0))
		return false;
	if (!(side->flags & SL_SIDE_LOCAL_WIDE) && !is_v4(&side->local))
		return false;
	if (!(side->flags & SL_SIDE_SPILLED))
		return true;
	return sl_ip_equal(&side->client, &side->local) && side->client_port == side->local_port &&
		!(side->flags & SL_SIDE_LINGERS);
}

static bool has_entry(const struct sl_conn_table *table, const struct sl_conn_key *key,
	enum sl_conn_kind kind, uint32_t index)
{
	struct sl_conn_ref ref = sl_conn_find(table, key, sl_conn_hash(table, key));
	struct sl_conn_view view;

	if (ref.slot == NULL)
		return false;
	sl_conn_view(table, ref, &view);
	return view.kind == kind && view.side == index;
}

static bool is_whole(const struct sl_worker *w, const struct sl_side *side, uint32_t index)
{
	struct sl_conn_key forward = sl_side_forward_key(side), reverse = sl_side_reverse_key(side);

	if (!plausible(side) ||
		!has_entry(sl_side_reverse_table(w, side), &reverse, SL_CONN_REVERSE, index))
		return false;
	return (side->flags & SL_SIDE_LINGERS) ||
		has_entry(sl_side_forward_table(w, side), &forward, SL_CONN_SIDE, index);
}

static bool same_key(const struct sl_conn_key *a, const struct sl_conn_key *b)
{
	return sl_ip_equal(&a->client, &b->client) && a->client_port == b->client_port &&
		a->service_port == b->service_port && a->front == b->front;
}

struct table_of {
	const struct sl_worker *w;
	const struct sl_conn_table *table;
};

/* Whether the entry's record is in use and says that the entry is its own. */
static bool is_of_a_record(void *arg, const struct sl_conn_view *view)
{
	const struct table_of *of = arg;
	const struct sl_side *side;
	struct sl_conn_key key;

	if (view->side == 0 || view->side > of->w->sides->high)
		return false;
	side = sl_side_at(of->w, view->side);
	if (side->front == SL_ID_NONE)
		return false;
	if (view->kind == SL_CONN_REVERSE) {
		key = sl_side_reverse_key(side);
		return sl_side_reverse_table(of->w, side) == of->table &&
			same_key(&key, &view->key);
	}
	key = sl_side_forward_key(side);
	return !(side->flags & SL_SIDE_LINGERS) &&
		sl_side_forward_table(of->w, side) == of->table && same_key(&key, &view->key);
}

static void count_adopted(struct sl_worker *w, const struct sl_side *side)
{
	struct sl_conn_table *table = sl_side_forward_table(w, side);

	sl_count_add(w->sides->stats.sides, 1);
	sl_count_add(w->sides->stats.lingering, (side->flags & SL_SIDE_LINGERS) != 0);
	if (side->flags & SL_SIDE_SPILLED)
		sl_conn_spill(table, sl_conn_hash_client(table, &side->client, side->client_port));
}

void sl_side_adopt(struct sl_worker *w)
{
	struct sl_side_pool *pool = w->sides;
	struct table_of narrow = {w, w->narrow}, wide = {w, w->wide};

	for (uint32_t i = 1; i <= pool->capacity; i++) {
		struct sl_side *side = sl_side_at(w, i);

		if (side->front == SL_ID_NONE)
			continue;
		if (!is_whole(w, side, i)) {
			side->front = SL_ID_NONE;
			continue;
		}
		pool->high = i;
		count_adopted(w, side);
	}
	for (uint32_t i = pool->high; i > 0; i--) {
		if (sl_side_at(w, i)->front == SL_ID_NONE)
			side_free(pool, i);
	}
	sl_conn_drop_pairs(w->narrow, is_of_a_record, &narrow);
	sl_conn_drop_pairs(w->wide, is_of_a_record, &wide);
}
