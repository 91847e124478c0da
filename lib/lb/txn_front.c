/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fronts of a transaction, and the table in which packets find them.
 *
 * An endpoint is what replies of a server are known by. Servers of several services may have the
 * same one. A server holds those that its methods have needed, until its own id is FREE: as long as
 * there can be an entry whose packets come from there. The endpoint is LIVE while a LIVE server
 * holds it, and DELETED from then on, as a service's front is with its servers.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lb/front.h"
#include "lb/stats_private.h"
#include "lb/txn_private.h"
#include "lb/worker_setup.h"

static struct sl_identity
identity_of(enum sl_front_kind kind, uint8_t protocol, const struct sl_addr *address, uint16_t port)
{
	struct sl_identity identity = {.port = port, .family = address->family};

	memcpy(identity.address, address->bytes, sizeof(identity.address));
	identity.protocol = protocol;
	identity.parent = kind;
	return identity;
}

struct sl_identity sl_txn_service_identity(const struct sl_service_key *key)
{
	return identity_of(SL_FRONT_SERVICE, key->protocol, &key->vip, key->port);
}

struct sl_identity sl_txn_endpoint_identity(
	enum sl_server_hold hold, uint8_t protocol, const struct sl_addr *address, uint16_t port)
{
	if (hold == SL_HOLD_TUNNEL)
		return identity_of(SL_FRONT_ENDPOINT, IPPROTO_IPIP, address, 0);
	return identity_of(SL_FRONT_ENDPOINT, protocol, address, port);
}

int sl_txn_service_front(
	struct sl_txn *txn, const struct sl_service_key *key, struct sl_touch **touch)
{
	struct sl_identity identity = sl_txn_service_identity(key);
	struct sl_registry *r = txn->registry;
	int error;

	*touch = sl_txn_acquire_front(txn, &identity, &error);
	if (*touch == NULL)
		return error;
	if ((*touch)->fresh && (*touch)->watch == 0) {
		if (r->service_ids + txn->fresh_services >= r->n_services)
			return -ENOSPC;
		(*touch)->watch = sl_watch_acquire(r->vips, &key->vip);
		if ((*touch)->watch == 0)
			return -ENOSPC;
		txn->fresh_services++;
	}
	error = sl_worker_reserve_front(r->engine, (*touch)->id);
	return error != 0 ? error : sl_stats_reserve_front(r->stats, (*touch)->id);
}

/* A front without a service: its id, LIVE, with its record. */
static int
front_put(struct sl_txn *txn, const struct sl_identity *identity, uint32_t index, sl_id *id)
{
	const struct sl_front *known;
	struct sl_front *front;
	struct sl_touch *touch;
	int error;

	touch = sl_txn_acquire_front(txn, identity, &error);
	if (touch == NULL)
		return error;
	*id = touch->id;
	known = sl_snapshot_front(sl_txn_snapshot(txn), touch->id);
	if (known != NULL && known->state == SL_ID_LIVE && known->index == index)
		return 0;
	front = sl_draft_front(&txn->draft, touch->id);
	if (front == NULL)
		return -ENOMEM;
	*front = (struct sl_front){
		.index = index,
		.state = SL_ID_LIVE,
		.kind = identity->parent,
		.v6 = identity->family == 6,
		.protocol = identity->protocol,
		.port = rte_cpu_to_be_16(identity->port),
	};
	memcpy(&front->address, identity->address, sizeof(front->address));
	return 0;
}

int sl_txn_endpoint(struct sl_txn *txn, enum sl_server_hold hold, uint8_t protocol,
	const struct sl_addr *address, uint16_t port, uint32_t adj, sl_id *id)
{
	struct sl_identity identity = sl_txn_endpoint_identity(hold, protocol, address, port);

	return front_put(txn, &identity, adj, id);
}

static sl_id held_live(const struct sl_server *server, unsigned hold)
{
	return server != NULL && server->state == SL_ID_LIVE ? server->held[hold] : SL_ID_NONE;
}

int sl_txn_endpoints_prepare(struct sl_txn *txn)
{
	const struct sl_touches *touches = &txn->registry->touched_servers;

	for (uint32_t i = 0; i < touches->n; i++) {
		sl_id id = touches->v[i].id;
		const struct sl_server *before = sl_txn_server_base(txn, id);
		const struct sl_server *now = sl_snapshot_server(sl_txn_snapshot(txn), id);

		for (unsigned hold = 0; hold < SL_HOLDS; hold++) {
			sl_id was = held_live(before, hold), is = held_live(now, hold);

			if (was == is)
				continue;
			if (was != SL_ID_NONE && sl_txn_front(txn, was) == NULL)
				return -ENOMEM;
			if (is != SL_ID_NONE && sl_txn_front(txn, is) == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

void sl_txn_endpoints_settle(struct sl_txn *txn)
{
	const struct sl_registry *r = txn->registry;

	for (uint32_t i = 0; i < r->touched_fronts.n; i++) {
		sl_id id = r->touched_fronts.v[i].id;
		struct sl_front *front = &txn->draft.next->fronts[id / SL_PAGE][id % SL_PAGE];

		/* One that lives on without a change may lie in a page of earlier generations. */
		if (front->kind != SL_FRONT_ENDPOINT || front->state != SL_ID_LIVE ||
			r->live_holders[id] > 0)
			continue;
		front->state = SL_ID_DELETED;
		front->index = SL_ADJ_NONE;
	}
}

int sl_txn_masquerade(struct sl_txn *txn, bool on)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	if (txn->failed != 0)
		return txn->failed;
	for (unsigned i = 0; i < 4; i++) {
		unsigned v6 = i / 2, udp = i % 2;
		struct sl_addr any = {.family = v6 ? 6 : 4};
		struct sl_identity identity =
			identity_of(SL_FRONT_MASQUERADE, protocols[udp], &any, 0);
		sl_id *id = &sl_txn_snapshot(txn)->masquerade[v6][udp];
		struct sl_front *front;

		if (on) {
			txn->failed = front_put(txn, &identity, 0, id);
		} else if (*id != SL_ID_NONE) {
			front = sl_txn_front(txn, *id);
			if (front != NULL)
				front->state = SL_ID_DELETED;
			txn->failed = front != NULL ? 0 : -ENOMEM;
			*id = SL_ID_NONE;
		}
		if (txn->failed != 0)
			return txn->failed;
	}
	return 0;
}

static void table_add(struct sl_front_table *table, const struct sl_front *front, sl_id id)
{
	sl_front_table_add(table, front->kind, front->v6 ? 6 : 4, front->protocol, &front->address,
		front->port, id);
}

/* A table without the fronts that are being reaped, with room to grow. */
static struct sl_front_table *table_rebuild(struct sl_txn *txn, uint32_t n)
{
	struct sl_registry *r = txn->registry;
	struct sl_front_table *table;

	table = sl_front_table_new(r->alloc, 2 * n, r->hash_secret);
	for (sl_id id = 1; table != NULL && id < sl_ids_end(r->fronts); id++) {
		const struct sl_front *front = sl_snapshot_front(sl_txn_snapshot(txn), id);

		if (front != NULL && front->state != SL_ID_REAPING)
			table_add(table, front, id);
	}
	return table;
}

int sl_txn_table_prepare(struct sl_txn *txn, bool *add)
{
	const struct sl_front_table *table = sl_txn_snapshot(txn)->table;
	const struct sl_touches *touches = &txn->registry->touched_fronts;
	uint32_t n = table ? sl_front_table_count(table) : 0;
	bool rebuild = table == NULL;

	for (uint32_t i = 0; i < touches->n; i++) {
		const struct sl_touch *touch = &touches->v[i];
		const struct sl_front *front = sl_snapshot_front(sl_txn_snapshot(txn), touch->id);

		if (touch->before == SL_ID_FREE)
			n++;
		if (touch->before == SL_ID_DELETED && front && front->state == SL_ID_REAPING)
			rebuild = true;
	}
	*add = !rebuild && n <= sl_front_table_room(table);
	if (*add)
		return 0;
	table = table_rebuild(txn, n);
	if (table == NULL)
		return -ENOMEM;
	sl_txn_snapshot(txn)->table = table;
	return 0;
}

void sl_txn_table_add(struct sl_txn *txn)
{
	const struct sl_touches *touches = &txn->registry->touched_fronts;
	struct sl_snapshot *snapshot = sl_txn_snapshot(txn);

	for (uint32_t i = 0; i < touches->n; i++) {
		const struct sl_touch *touch = &touches->v[i];
		const struct sl_front *front = sl_snapshot_front(snapshot, touch->id);

		if (touch->fresh)
			table_add((struct sl_front_table *)(uintptr_t)snapshot->table, front,
				touch->id);
	}
}
