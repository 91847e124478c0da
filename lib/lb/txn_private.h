/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of a transaction share: txn.c (beginning and end), txn_front.c (fronts and their
 * table), txn_service.c (services and servers). registry.c ages and adopts by it.
 */
#ifndef SL_LB_TXN_PRIVATE_H
#define SL_LB_TXN_PRIVATE_H

#include "lb/registry_private.h"

struct sl_txn {
	struct sl_registry *registry;
	struct sl_draft draft;
	uint32_t fresh_services; /* ids that it took for fronts of services */
	int failed; /* -errno of the first call that failed: the rest cannot be committed */
};

static inline struct sl_snapshot *sl_txn_snapshot(struct sl_txn *txn)
{
	return &txn->draft.next->snapshot;
}

/* The server's record in the generation that the transaction started from; NULL = FREE there. */
static inline const struct sl_server *sl_txn_server_base(const struct sl_txn *txn, sl_id id)
{
	return txn->draft.base ? sl_snapshot_server(&txn->draft.base->snapshot, id) : NULL;
}

/* Notes the error, with its message; returns it. */
int sl_txn_fail(struct sl_txn *txn, struct sl_err *err, int error);

/*
 * Records to be written by the open transaction for ids whose lives go on (deletion, ageing,
 * adoption); at commit the id maps follow what the records say. NULL without memory.
 */
struct sl_front *sl_txn_front(struct sl_txn *txn, sl_id id);
struct sl_server *sl_txn_server(struct sl_txn *txn, sl_id id);

/* The id of an identity, entered in the list of touched ones. NULL with *error set. */
struct sl_touch *
sl_txn_acquire_front(struct sl_txn *txn, const struct sl_identity *identity, int *error);
struct sl_touch *
sl_txn_acquire_server(struct sl_txn *txn, const struct sl_identity *identity, int *error);

/* ---- txn_front.c ---- */

struct sl_identity sl_txn_service_identity(const struct sl_service_key *key);
/* Of the endpoint by which a server of a service of this protocol is known. */
struct sl_identity sl_txn_endpoint_identity(
	enum sl_server_hold hold, uint8_t protocol, const struct sl_addr *address, uint16_t port);

/* The id of a service's front, with all that it needs before it may be published; its record is
 * the caller's to write. 0 or -errno. */
int sl_txn_service_front(
	struct sl_txn *txn, const struct sl_service_key *key, struct sl_touch **touch);

/* The id of a server's endpoint, LIVE and with its record written. 0 or -errno. */
int sl_txn_endpoint(struct sl_txn *txn, enum sl_server_hold hold, uint8_t protocol,
	const struct sl_addr *address, uint16_t port, uint32_t adj, sl_id *id);

/* What servers hold has changed: records of their endpoints to be written. 0 or -ENOMEM. */
int sl_txn_endpoints_prepare(struct sl_txn *txn);
/* Endpoints live while a LIVE server holds them. Cannot fail. */
void sl_txn_endpoints_settle(struct sl_txn *txn);

/*
 * Prepares the front table. Without reaped fronts and while it has room it stays, and `add` says
 * that the new ones go into it in place, which is the last thing a commit does. 0 or -ENOMEM.
 */
int sl_txn_table_prepare(struct sl_txn *txn, bool *add);
void sl_txn_table_add(struct sl_txn *txn);

/*
 * What the id maps note (sl_ids_note()), so that it outlives the process: which placements a
 * service's entries may have, which endpoints a server holds, and the method of its plain entries.
 */
static inline uint32_t sl_txn_front_note(const struct sl_front *front)
{
	return front->has_nat | (uint32_t)front->has_other << 1;
}

static inline uint32_t sl_txn_server_note(const struct sl_server *server)
{
	uint32_t note = (uint32_t)server->plain << 8;

	for (unsigned hold = 0; hold < SL_HOLDS; hold++)
		note |= (uint32_t)(server->held[hold] != SL_ID_NONE) << hold;
	return note;
}

#endif
