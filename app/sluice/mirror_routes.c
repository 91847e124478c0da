/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirror's part that feeds the forwarding table, and what that needs of Linux. */
#include <errno.h>

#include <linux/neighbour.h>

#include "base/log.h"
#include "kernel.h"
#include "lb/publish.h"
#include "mirror_state.h"

#define GATEWAYS_PER_TICK 64  /* looked at for whether a route still leads through them */
#define REFRESH_ROUND_S   30  /* in which each neighbour is looked at once */
#define REFRESH_PER_TICK  128 /* requests: at most 2 ms */
#define GLEAN_MS          20
#define GLEANS_PER_TURN   128

static int port_of(void *arg, unsigned space, int ifindex)
{
	struct sl_mirror *mirror = arg;

	return sl_mirror_port_of(mirror, &mirror->spaces[space], ifindex);
}

void sl_mirror_hop_changed(void *arg, struct sl_next_hop *hop)
{
	struct sl_mirror *mirror = arg;

	if (hop->number != 0)
		sl_fib_hop_set(mirror->params.engine->fib, hop->number,
			sl_adj_make(hop->mac, hop->way.port, hop->resolved ? SL_ADJ_RESOLVED : 0));
}

/* A gateway of routes is kept resolved like a server. */
static uint32_t gateway(void *arg, const struct sl_adjacency_way *way)
{
	struct sl_mirror *mirror = arg;
	struct sl_next_hop *hop = sl_next_hop_find(&mirror->adjacencies, way);

	if (hop == NULL || hop->number != 0)
		return hop != NULL ? hop->number : 0;
	if (sl_fib_hop_new(mirror->params.engine->fib, &hop->number) != 0) {
		sl_next_hop_let_go(&mirror->adjacencies, hop);
		return 0;
	}
	TAILQ_INSERT_TAIL(&mirror->gateways, hop, gateways);
	mirror->n_gateways++;
	sl_mirror_hop_changed(mirror, hop);
	return hop->number;
}

/* Routes come and go; a gateway goes when none has led through it for a moment. */
static void drop_gateways(struct sl_mirror *mirror)
{
	struct sl_fib *fib = mirror->params.engine->fib;

	for (unsigned i = 0; i < GATEWAYS_PER_TICK; i++) {
		struct sl_next_hop *hop = TAILQ_FIRST(&mirror->gateways);

		if (hop == NULL)
			return;
		TAILQ_REMOVE(&mirror->gateways, hop, gateways);
		if (sl_fib_hop_in_use(fib, hop->number)) {
			TAILQ_INSERT_TAIL(&mirror->gateways, hop, gateways);
			continue;
		}
		mirror->n_gateways--;
		sl_fib_hop_release(fib, hop->number);
		hop->number = 0;
		sl_next_hop_let_go(&mirror->adjacencies, hop);
	}
}

/* What an earlier director left with the kernel to be kept, and nobody needs any more. */
static bool is_left_over(struct sl_mirror *mirror, const struct sl_rtmsg_neighbour *neighbour)
{
	const struct sl_mirror_space *space = &mirror->spaces[mirror->refresh_space];

	/* Not before all that is needed has been told. */
	return mirror->ticks > REFRESH_ROUND_S && neighbour->protocol == SL_KERNEL_PROTOCOL &&
		neighbour->managed && sl_mirror_port_of(mirror, space, neighbour->ifindex) >= 0 &&
		sl_next_hop_changed(&mirror->adjacencies, space->index, neighbour->ifindex,
			&neighbour->address) == NULL;
}

/*
 * What the fast path sends does not tell Linux that the neighbour is there, so the entry gets stale
 * and a new MAC address would go unnoticed: Linux is asked to make sure, now and then.
 */
static void refresh_one(
	struct sl_mirror *mirror, const struct sl_rtmsg_neighbour *neighbour, unsigned *requests)
{
	const struct sl_prefix host = {
		neighbour->address, neighbour->address.family == 4 ? 32 : 128};
	struct sl_fib_via via;

	if (is_left_over(mirror, neighbour)) {
		sl_mirror_request(mirror, (uint8_t)mirror->refresh_space, SL_RTMSG_NEIGHBOUR_DELETE,
			neighbour->ifindex, &neighbour->address);
		++*requests;
		return;
	}
	if (!(neighbour->state & NUD_STALE) || neighbour->managed ||
		(neighbour->flags & NTF_EXT_LEARNED) ||
		!sl_fib_get(mirror->params.engine->fib, &host, &via) || via.kind != SL_ROUTE_HOP)
		return;
	sl_mirror_request(mirror, (uint8_t)mirror->refresh_space, SL_RTMSG_NEIGHBOUR_RESOLVE,
		neighbour->ifindex, &neighbour->address);
	++*requests;
}

static void refresh_neighbours(struct sl_mirror *mirror)
{
	const struct sl_map *map;
	size_t buckets;
	unsigned requests = 0;

	if (mirror->n_spaces == 0)
		return;
	map = &mirror->spaces[mirror->refresh_space].space.neighbours;
	buckets = (map->mask + 1) * mirror->n_spaces / REFRESH_ROUND_S + 1;
	for (; buckets > 0 && requests < REFRESH_PER_TICK; buckets--) {
		const struct sl_map_node *node = sl_map_next_bucket(map, &mirror->refresh);

		for (; node != NULL; node = node->next)
			refresh_one(mirror,
				&sl_map_entry(node, const struct sl_space_neighbour, node)
					 ->neighbour,
				&requests);
		if (mirror->refresh.at == SIZE_MAX) {
			mirror->refresh = (struct sl_map_walk){0};
			mirror->refresh_space = (mirror->refresh_space + 1) % mirror->n_spaces;
			return;
		}
	}
}

/* The interface on which a neighbour of the port lies: the twin, or a macvlan over it. */
static void resolve(struct sl_mirror *mirror, uint8_t index, const struct sl_addr *address)
{
	const struct sl_rtmsg_neighbour *neighbour;
	struct sl_adjacency_way way = {0};
	struct sl_mirror_space *space;

	if (index >= mirror->n_ports || mirror->ports[index].space < 0 ||
		!sl_glean_may_ask(
			&mirror->glean, index, address, sl_clock_ns(mirror->params.clock)))
		return;
	space = &mirror->spaces[mirror->ports[index].space];
	if (!sl_mirror_way_through(mirror, space, address, &way) || way.kind != SL_WAY_HOP ||
		!way.on_link)
		return;
	neighbour = sl_space_find_neighbour(&space->space, way.ifindex, address);
	/* Linux is at it already, or has nothing to find out. */
	if (neighbour != NULL &&
		(neighbour->managed ||
			(neighbour->state & (NUD_PERMANENT | NUD_NOARP | NUD_INCOMPLETE))))
		return;
	sl_mirror_request(mirror, space->index, SL_RTMSG_NEIGHBOUR_RESOLVE, way.ifindex, address);
}

/* What the workers want to reach and nobody has resolved. */
static void on_gleans(evutil_socket_t fd, short what, void *arg)
{
	struct sl_mirror *mirror = arg;
	const struct sl_engine *engine = mirror->params.engine;
	struct sl_glean_message message;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct rte_ring *ring = engine->workers[i]->gleans;

		for (unsigned n = 0; n < GLEANS_PER_TURN / engine->n_workers + 1; n++) {
			struct sl_addr address;

			if (rte_ring_sc_dequeue_elem(ring, &message, sizeof(message)) != 0)
				break;
			address = sl_addr_from_ip(message.family, &message.address);
			resolve(mirror, message.port, &address);
		}
	}
}

void sl_mirror_route_changed(struct sl_mirror *mirror, const struct sl_prefix *prefix, bool local)
{
	if (!mirror->synced)
		return;
	sl_feed_prefix(&mirror->feed, prefix);
	/* A local prefix hides what lies in it, hosts aside. */
	if (local && prefix->length < (prefix->addr.family == 4 ? 32 : 128))
		sl_feed_all(&mirror->feed);
}

void sl_mirror_routes_tick(struct sl_mirror *mirror)
{
	struct sl_fib_stats stats;

	if (!mirror->synced)
		return;
	drop_gateways(mirror);
	refresh_neighbours(mirror);
	sl_fib_stats(mirror->params.engine->fib, &stats);
	if (mirror->feed.refused > 0 && !mirror->refused_said)
		sl_log_warning("routes: there is no room for %u of them beside the %u that the "
			       "forwarding table has",
			mirror->feed.refused, stats.routes[0] + stats.routes[1]);
	mirror->refused_said = mirror->feed.refused > 0;
	/* There may be room by now. */
	if (mirror->feed.refused > 0 && !mirror->feed.walking && mirror->ticks % 10 == 0)
		sl_feed_all(&mirror->feed);
}

int sl_mirror_routes_init(struct sl_mirror *mirror, uint64_t seed)
{
	const struct timeval turn = {.tv_usec = GLEAN_MS * 1000};

	TAILQ_INIT(&mirror->gateways);
	sl_glean_init(&mirror->glean, seed);
	mirror->feed.fib = mirror->params.engine->fib;
	mirror->feed.port = port_of;
	mirror->feed.gateway = gateway;
	mirror->feed.arg = mirror;
	mirror->gleaner = event_new(mirror->params.base, -1, EV_PERSIST, on_gleans, mirror);
	return mirror->gleaner != NULL && event_add(mirror->gleaner, &turn) == 0 ? 0 : -ENOMEM;
}
