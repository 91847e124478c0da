/* SPDX-License-Identifier: BSD-3-Clause */
#include "keeper.h"

#include <stdlib.h>

#include <linux/neighbour.h>

#include "kernel.h"

#define FIXED (NUD_PERMANENT | NUD_NOARP) /* nothing to resolve, and not ours to change */

void sl_keeper_init(struct sl_keeper *keeper)
{
	TAILQ_INIT(&keeper->todo);
	TAILQ_INIT(&keeper->later);
	TAILQ_INIT(&keeper->orders);
}

void sl_keeper_done(struct sl_keeper *keeper)
{
	struct sl_keeper_order *order;

	while ((order = TAILQ_FIRST(&keeper->orders)) != NULL) {
		TAILQ_REMOVE(&keeper->orders, order, link);
		free(order);
	}
}

static void unqueue(struct sl_keeper *keeper, struct sl_next_hop *hop)
{
	if (hop->queue != SL_HOP_IDLE)
		TAILQ_REMOVE(hop->queue == SL_HOP_TODO ? &keeper->todo : &keeper->later, hop, work);
	hop->queue = SL_HOP_IDLE;
}

static void queue(struct sl_keeper *keeper, struct sl_next_hop *hop, bool now)
{
	unqueue(keeper, hop);
	hop->queue = now ? SL_HOP_TODO : SL_HOP_LATER;
	TAILQ_INSERT_TAIL(now ? &keeper->todo : &keeper->later, hop, work);
}

void sl_keeper_needed(struct sl_keeper *keeper, struct sl_next_hop *hop)
{
	if (hop->way.ifindex != 0)
		queue(keeper, hop, true);
}

void sl_keeper_released(struct sl_keeper *keeper, struct sl_next_hop *hop)
{
	struct sl_keeper_order *order;

	unqueue(keeper, hop);
	if (!hop->installed)
		return;
	order = malloc(sizeof(*order));
	if (order == NULL)
		return; /* Linux keeps on resolving it: a pity, no more */
	order->space = hop->way.space;
	order->ifindex = hop->way.ifindex;
	order->address = hop->way.next;
	TAILQ_INSERT_TAIL(&keeper->orders, order, link);
}

void sl_keeper_changed(struct sl_keeper *keeper, struct sl_next_hop *hop,
	const struct sl_rtmsg_neighbour *neighbour, bool gone)
{
	bool kept = !gone &&
		((neighbour->state & FIXED) || neighbour->managed ||
			(!keeper->managed && (neighbour->flags & NTF_EXT_LEARNED)));

	/* What we asked for a moment ago and has not happened yet is on its way: not twice. */
	if (kept || hop->queue != SL_HOP_IDLE || !hop->installed)
		return;
	hop->installed = false;
	queue(keeper, hop, false);
}

static void install(struct sl_keeper *keeper, struct sl_next_hop *hop)
{
	const struct sl_rtmsg_neighbour *neighbour =
		keeper->find(keeper->arg, hop->way.space, hop->way.ifindex, &hop->way.next);

	unqueue(keeper, hop);
	if (neighbour != NULL && (neighbour->state & FIXED)) {
		hop->installed = true; /* to hear when it ceases to be */
		return;
	}
	if (!keeper->ready(keeper->arg, hop) ||
		keeper->request(keeper->arg, hop->way.space,
			keeper->managed ? SL_RTMSG_NEIGHBOUR_MANAGED : SL_RTMSG_NEIGHBOUR_USE,
			hop->way.ifindex, &hop->way.next) != 0) {
		queue(keeper, hop, false);
		return;
	}
	hop->installed = true;
}

static void carry_out(struct sl_keeper *keeper, struct sl_keeper_order *order)
{
	const struct sl_rtmsg_neighbour *neighbour =
		keeper->find(keeper->arg, order->space, order->ifindex, &order->address);

	TAILQ_REMOVE(&keeper->orders, order, link);
	if (neighbour != NULL && !(neighbour->state & FIXED) &&
		neighbour->protocol == SL_KERNEL_PROTOCOL)
		keeper->request(keeper->arg, order->space, SL_RTMSG_NEIGHBOUR_DELETE,
			order->ifindex, &order->address);
	free(order);
}

bool sl_keeper_work(struct sl_keeper *keeper, unsigned max)
{
	/* Removals first: what is needed again would otherwise be installed and then removed. */
	for (; max > 0; max--) {
		if (!TAILQ_EMPTY(&keeper->orders))
			carry_out(keeper, TAILQ_FIRST(&keeper->orders));
		else if (!TAILQ_EMPTY(&keeper->todo))
			install(keeper, TAILQ_FIRST(&keeper->todo));
		else
			return false;
	}
	return !TAILQ_EMPTY(&keeper->orders) || !TAILQ_EMPTY(&keeper->todo);
}

bool sl_keeper_tick(struct sl_keeper *keeper)
{
	struct sl_next_hop *hop;

	TAILQ_FOREACH (hop, &keeper->later, work)
		hop->queue = SL_HOP_TODO;
	TAILQ_CONCAT(&keeper->todo, &keeper->later, work);
	return !TAILQ_EMPTY(&keeper->orders) || !TAILQ_EMPTY(&keeper->todo);
}

void sl_keeper_use(struct sl_keeper *keeper, struct sl_next_hop *hop)
{
	if (!keeper->managed && hop->way.ifindex != 0 && hop->queue == SL_HOP_IDLE)
		queue(keeper, hop, true);
}
