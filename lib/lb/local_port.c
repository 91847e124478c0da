/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/local_port.h"

#include <errno.h>

#include "lb/engine.h"
#include "lb/publish.h"

/*
 * Candidates for each worker that are looked at to find one of our own, which is one in so many: of
 * 16 probes wanted, nearly all are found.
 */
#define CANDIDATES (4u * SL_LOCAL_PORT_PROBES)

/*
 * Strides from one candidate to the next. Primes that are greater than any number of ports: so a
 * walk meets every candidate, unless there are a multiple of that prime of them, and two walks that
 * meet mostly part again.
 */
static const uint32_t strides[16] = {65537, 65539, 65543, 65551, 65557, 65563, 65579, 65581, 65587,
	65599, 65609, 65617, 65629, 65633, 65647, 65651};

/* All local endpoints of a family, by number. */
struct space {
	const union sl_ip *addresses;
	uint8_t family;
	uint16_t low;
	uint32_t n_ports;
	uint64_t size;
};

static struct space space_of(const struct sl_locals *locals, uint16_t flags)
{
	struct space s = {.low = locals->low, .n_ports = locals->high - locals->low + 1u};

	if (flags & SL_SIDE_LOCAL_WIDE) {
		s.addresses = locals->v6;
		s.family = 6;
		s.size = (uint64_t)locals->n6 * s.n_ports;
	} else {
		s.addresses = locals->v4;
		s.family = 4;
		s.size = (uint64_t)locals->n4 * s.n_ports;
	}
	return s;
}

static bool is_ours(const struct sl_worker *w, const struct space *s, const struct sl_side *side)
{
	return w->engine->n_workers == 1 ||
		sl_engine_owner(w->engine, s->family, &side->local, side->local_port) == w->index;
}

bool sl_local_port_is_taken(const struct sl_worker *w, const struct sl_side *side, sl_id front)
{
	struct sl_conn_table *table = sl_side_reverse_table(w, side);
	struct sl_conn_key key = sl_side_reverse_key(side);

	key.front = front;
	return front != SL_ID_NONE &&
		sl_conn_find(table, &key, sl_conn_hash(table, &key)).slot != NULL;
}

static int
choose(const struct sl_worker *w, const struct space *s, struct sl_side *want, sl_id other)
{
	struct sl_conn_key key = sl_side_forward_key(want);
	uint64_t hash = sl_conn_hash(sl_side_forward_table(w, want), &key);
	uint32_t stride = strides[hash >> 60];
	unsigned probes = 0;
	/* Beyond its size the space repeats itself. */
	uint64_t limit = RTE_MIN((uint64_t)CANDIDATES * w->engine->n_workers, s->size);
	/* The tick: a client that comes again gets another port, if this one does not do. */
	uint64_t at = (hash + w->tick) % s->size;

	for (uint64_t i = 0; i < limit && probes < SL_LOCAL_PORT_PROBES; i++) {
		want->local = s->addresses[at / s->n_ports];
		want->local_port = rte_cpu_to_be_16((uint16_t)(s->low + at % s->n_ports));
		at = (at + stride) % s->size;
		if (!is_ours(w, s, want))
			continue;
		if (!sl_local_port_is_taken(w, want, want->endpoint) &&
			!sl_local_port_is_taken(w, want, other))
			return 0;
		probes++;
	}
	return -EADDRNOTAVAIL;
}

int sl_local_port_choose(struct sl_worker *w, struct sl_side *want, sl_id other)
{
	const struct sl_locals *locals = w->snapshot->locals;
	struct space s;

	if (locals != NULL) {
		s = space_of(locals, want->flags);
		if (s.size > 0 && choose(w, &s, want, other) == 0)
			return 0;
	}
	sl_count_add(w->sides->stats.no_port, 1);
	return -EADDRNOTAVAIL;
}
