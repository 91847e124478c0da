/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids of fronts and servers: who has which, and for how long (docs/architecture.md, "Ids").
 * The map lies in memory that may be a file, so that a restarted director gives the same identity
 * the same id. Owner: the configuration thread.
 */
#ifndef SL_LB_IDS_H
#define SL_LB_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb/types.h"
#include "net/addr.h"

#define SL_ID_QUARANTINE_NS (120ull * 1000000000ull)

/* What an id stands for. */
struct sl_identity {
	uint8_t address[16];
	uint16_t port; /* host order */
	uint8_t family;
	uint8_t protocol; /* fronts only */
	sl_id parent;     /* fronts: enum sl_front_kind; servers: the front's id */
};

struct sl_ids;

size_t sl_ids_bytes(unsigned capacity);

/* As sl_conn_table_open(): `memory` zeroed and of sl_ids_bytes(), or adopted. NULL when unusable.
 */
struct sl_ids *sl_ids_open(void *memory, unsigned capacity, bool adopt);
void sl_ids_close(struct sl_ids *ids);

/*
 * The id of an identity: the LIVE or DELETED one it has (a DELETED one is LIVE again, *revived is
 * true), else a new one. REAPING ids are not revived. The record is complete in memory before the
 * call returns. Returns SL_ID_NONE when all are taken.
 */
sl_id sl_ids_acquire(struct sl_ids *ids, const struct sl_identity *identity, bool *revived);
sl_id sl_ids_find(const struct sl_ids *ids, const struct sl_identity *identity);

/* Undo of an acquire that was never published. */
void sl_ids_abandon(struct sl_ids *ids, sl_id id, bool revived, uint64_t deleted_ns);

/* A word of its owner's, kept with the id for as long as it is not FREE; 0 at first. */
void sl_ids_note(struct sl_ids *ids, sl_id id, uint32_t note);
uint32_t sl_ids_noted(const struct sl_ids *ids, sl_id id);

void sl_ids_delete(struct sl_ids *ids, sl_id id, uint64_t now_ns);

/* Collects up to `max` DELETED ids whose quarantine is over at `now_ns`. */
unsigned sl_ids_due(const struct sl_ids *ids, uint64_t now_ns, sl_id *out, unsigned max);

/*
 * DELETED -> REAPING, with the generation that says so to the workers. An adopted id that was
 * REAPING before gets this process's generation.
 */
void sl_ids_reap(struct sl_ids *ids, sl_id id, uint64_t generation);

/*
 * Collects up to `max` REAPING ids that no worker's table names any more: those of generations <=
 * `swept`. sl_ids_free() makes one of them FREE; the two are apart because a generation that says
 * so is built in between, and that may fail.
 */
unsigned sl_ids_swept(const struct sl_ids *ids, uint64_t swept, sl_id *out, unsigned max);
void sl_ids_free(struct sl_ids *ids, sl_id id);

/* FREE for any number that is no id. */
enum sl_id_state sl_ids_state(const struct sl_ids *ids, sl_id id);
/* When it was deleted, also after it was revived. */
uint64_t sl_ids_deleted_ns(const struct sl_ids *ids, sl_id id);
const struct sl_identity *sl_ids_identity(const struct sl_ids *ids, sl_id id);

/* One more than the highest id that is not FREE. */
unsigned sl_ids_end(const struct sl_ids *ids);

#endif
