/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control side of the engine: interns fronts and servers, and builds generations by
 * transactions. Every function runs on the configuration thread. A transaction starts from the
 * latest generation built, is committed into a snapshot, and that is given to sl_engine_publish().
 */
#ifndef SL_LB_REGISTRY_H
#define SL_LB_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "lb/sched.h"
#include "lb/snapshot.h"
#include "lb/tcp_state.h"
#include "net/addr.h"

struct sl_engine;
struct sl_registry;
struct sl_txn;

struct sl_service_key {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	struct sl_addr vip;
	uint16_t port; /* host order; 0 = any port */
};

struct sl_server_spec {
	struct sl_addr address; /* of the service's family but for SL_FWD_ANY_FAMILY (lb/fwd.h) */
	uint16_t port;   /* host order; the service's, or one of its own with SL_FWD_SETS_PORT */
	uint32_t weight; /* 0 = quiesced */
	enum sl_fwd_method fwd;
	uint8_t tunnel;       /* enum sl_tunnel (net/encap.h) */
	uint8_t tunnel_flags; /* SL_TUNNEL_CSUM, SL_TUNNEL_REMCSUM */
	uint16_t tunnel_port; /* host order */
};

struct sl_service_spec {
	struct sl_service_key key;
	const struct sl_sched *sched;
	const struct sl_server_spec *servers; /* in the order in which they were added */
	uint32_t n_servers;
	uint8_t sched_flags;    /* SL_SCHED_FALLBACK, SL_SCHED_PORT (lb/sched.h) */
	uint8_t server_options; /* SL_SERVER_PROXY, SL_SERVER_TOA (lb/snapshot.h) */
};

/* Made by sl_engine_new(). */
struct sl_registry *sl_engine_registry(struct sl_engine *engine);

/* NULL when out of memory. One transaction at a time. */
struct sl_txn *sl_txn_begin(struct sl_registry *registry);

/*
 * Adds the service or replaces it. Servers that it had, by address and port, keep their ids,
 * counters and connections; those it no longer names are deleted; a scheduler that stays keeps its
 * position. A server whose method changes keeps its connections, too: those made under a method of
 * another kind (rewritten or not) go on by that one (struct sl_server, `plain`). 0, -ENOMEM,
 * -ENOSPC (out of ids), -EINVAL (twice the same server, or one that its method cannot reach). After
 * an error the transaction is good for sl_txn_abort() only; a commit returns the same error.
 */
int sl_txn_service_set(struct sl_txn *txn, const struct sl_service_spec *spec, struct sl_err *err);

/* -ENOENT when there is none. Its servers go with it. */
int sl_txn_service_delete(struct sl_txn *txn, const struct sl_service_key *key);

void sl_txn_timeouts(struct sl_txn *txn, const struct sl_timeouts *timeouts);

/* Whether some port masquerades: connections that leave there need fronts of their own. 0, or
 * -ENOMEM, -ENOSPC as above. */
int sl_txn_masquerade(struct sl_txn *txn, bool on);

/* FullNAT's local addresses and the ports of them that it uses, `low` to `high`. 0, -ENOMEM, or
 * -EINVAL: 0 < low <= high. */
int sl_txn_locals(struct sl_txn *txn, const struct sl_addr *addresses, uint32_t n, uint16_t low,
	uint16_t high);

void sl_txn_tunnel_policy(struct sl_txn *txn, const struct sl_tunnel_policy *policy);

/*
 * Builds the next generation: 0, and *out is to be published. The transaction ends, whatever is
 * returned; after an error nothing has changed.
 */
int sl_txn_commit(struct sl_txn *txn, struct sl_snapshot **out, struct sl_err *err);
void sl_txn_abort(struct sl_txn *txn);

/*
 * Moves ids along: those whose 120 s are over to REAPING, swept ones to FREE. Where that needs a
 * new generation, *out gets it, else NULL. To be called about once a second, when
 * sl_engine_can_publish(). 0 or -ENOMEM; then the next call does it. Also frees the generations
 * that are over, as sl_txn_begin() does.
 */
int sl_registry_age(struct sl_registry *registry, uint64_t now_ns, struct sl_snapshot **out);

/*
 * What the control core has to watch, as changes since the last call, in order. kind ADDED: an
 * adjacency index or VIP index now stands for `address`; REMOVED: it no longer does, and its number
 * will not be used for another before sl_registry_age() has run twice.
 */
struct sl_watch {
	enum { SL_WATCH_ADJ, SL_WATCH_VIP } what;
	bool added;
	uint32_t index;
	struct sl_addr address;
};
unsigned sl_registry_watches(struct sl_registry *registry, struct sl_watch *out, unsigned max);

/* The latest generation built. */
const struct sl_snapshot *sl_registry_latest(const struct sl_registry *registry);

/* The ids of a service and of one of its servers in the latest generation; SL_ID_NONE if there are
 * none. */
sl_id sl_registry_front(const struct sl_registry *registry, const struct sl_service_key *key);
sl_id sl_registry_server(const struct sl_registry *registry, const struct sl_service_key *key,
	const struct sl_addr *address, uint16_t port);

/* What an id stands for, also while it is DELETED; false when it is FREE. */
bool sl_registry_front_key(
	const struct sl_registry *registry, sl_id front, struct sl_service_key *key);
bool sl_registry_server_endpoint(const struct sl_registry *registry, sl_id server,
	struct sl_addr *address, uint16_t *port, sl_id *front);

#endif
