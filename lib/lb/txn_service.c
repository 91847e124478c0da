/* SPDX-License-Identifier: BSD-3-Clause */
/* Services and their servers, set and deleted in a transaction. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lb/fwd.h"
#include "lb/stats_private.h"
#include "lb/txn_private.h"
#include "lb/worker_setup.h"

/* The server's adjacency: the one that it has, or one more user of its address's. 0 = all taken. */
static uint32_t
server_adj(struct sl_txn *txn, struct sl_touch *touch, const struct sl_addr *address)
{
	if (touch->before == SL_ID_LIVE)
		return sl_txn_server_base(txn, touch->id)->adj;
	if (touch->watch == 0)
		touch->watch = sl_watch_acquire(txn->registry->adjs, address);
	return touch->watch;
}

/* Which endpoint a method knows its servers' packets by; SL_HOLDS = none. */
static enum sl_server_hold hold_of(enum sl_fwd_method method)
{
	if (sl_fwds[method]->traits & SL_FWD_TUNNELS)
		return SL_HOLD_TUNNEL;
	return sl_fwds[method]->traits & SL_FWD_SETS_PORT ? SL_HOLD_PORT : SL_HOLDS;
}

/* Whether a method's entries are placed by the client alone: no address but the VIP is rewritten.
 */
static bool is_nat(enum sl_fwd_method method)
{
	return (sl_fwds[method]->traits & (SL_FWD_SETS_PORT | SL_FWD_SETS_SOURCE)) ==
		SL_FWD_SETS_PORT;
}

static bool is_plain(enum sl_fwd_method method)
{
	return !(sl_fwds[method]->traits & SL_FWD_SETS_PORT);
}

/* The endpoints of the method and of those that the server had before: `now`, NULL = none. */
static int server_hold(struct sl_txn *txn, uint8_t protocol, const struct sl_server_spec *spec,
	const struct sl_server *now, struct sl_server *want)
{
	enum sl_server_hold needed = hold_of(spec->fwd);

	for (unsigned hold = 0; hold < SL_HOLDS; hold++) {
		bool had = now != NULL && now->held[hold] != SL_ID_NONE;
		int error;

		if (!had && hold != needed)
			continue;
		if (had && now->state == SL_ID_LIVE) {
			want->held[hold] = now->held[hold];
			continue;
		}
		error = sl_txn_endpoint(txn, hold, protocol, &spec->address, spec->port, want->adj,
			&want->held[hold]);
		if (error != 0)
			return error;
	}
	want->endpoint = needed < SL_HOLDS ? want->held[needed] : SL_ID_NONE;
	return 0;
}

/* The server's id, with its adjacency and all that it needs before it may be published. */
static int server_id(struct sl_txn *txn, sl_id front, const struct sl_server_spec *spec, sl_id *id,
	uint32_t *adj)
{
	struct sl_identity identity = {.port = spec->port, .family = spec->address.family};
	struct sl_registry *r = txn->registry;
	struct sl_touch *touch;
	int error;

	memcpy(identity.address, spec->address.bytes, sizeof(identity.address));
	identity.parent = front;
	touch = sl_txn_acquire_server(txn, &identity, &error);
	if (touch == NULL)
		return error;
	*id = touch->id;
	*adj = server_adj(txn, touch, &spec->address);
	if (*adj == 0)
		return -ENOSPC;
	error = sl_worker_reserve_server(r->engine, touch->id);
	return error != 0 ? error : sl_stats_reserve_server(r->stats, touch->id);
}

/* Finds or makes the server and sets all of its record but the position. */
static int server_acquire(struct sl_txn *txn, const struct sl_service_spec *service, sl_id front,
	const struct sl_server_spec *spec, sl_id *id)
{
	struct sl_server want = {
		.fwd = spec->fwd,
		.state = SL_ID_LIVE,
		.port = rte_cpu_to_be_16(spec->port),
		.front = front,
		.address = sl_ip_from_addr(&spec->address),
		.family = spec->address.family,
		.tunnel = spec->tunnel,
		.tunnel_flags = spec->tunnel_flags,
		.tunnel_port = rte_cpu_to_be_16(spec->tunnel_port),
		.options = service->server_options,
		.plain = SL_FWD_DR,
	};
	const struct sl_server *now;
	struct sl_server *server;
	int error;

	error = server_id(txn, front, spec, id, &want.adj);
	if (error != 0)
		return error;
	now = sl_snapshot_server(sl_txn_snapshot(txn), *id);
	if (now != NULL) {
		want.position = now->position;
		want.plain = now->plain;
	}
	if (is_plain(spec->fwd))
		want.plain = spec->fwd;
	error = server_hold(txn, service->key.protocol, spec, now, &want);
	if (error != 0 || (now != NULL && memcmp(now, &want, sizeof(want)) == 0))
		return error;
	server = sl_draft_server(&txn->draft, *id);
	if (server == NULL)
		return -ENOMEM;
	*server = want;
	return 0;
}

static int server_delete(struct sl_txn *txn, const struct sl_service *service, uint32_t position)
{
	struct sl_server *server = sl_txn_server(txn, service->servers[position]);

	if (server == NULL)
		return -ENOMEM;
	server->state = SL_ID_DELETED;
	server->adj = SL_ADJ_NONE;
	server->position = position > 0 ? service->servers[position - 1] : SL_ID_NONE;
	return 0;
}

/* How many blocks a service of this scheduler has. */
static unsigned blocks_of(const struct sl_txn *txn, const struct sl_sched *sched)
{
	if (sched->block_bytes == NULL)
		return 0;
	return sched->shared ? 1 : txn->registry->engine->n_workers;
}

static void service_retire(struct sl_txn *txn, const struct sl_service *service)
{
	if (service == NULL)
		return;
	for (unsigned w = 0; service->sched_state && w < blocks_of(txn, service->sched); w++)
		sl_draft_retire(&txn->draft, service->sched_state[w]);
	sl_draft_retire(&txn->draft, service);
}

/* A service's, to be filled. */
struct arrays {
	sl_id *servers;
	uint32_t *weights, *full_weights;
};

/* The object and its arrays are one piece of memory; the caller fills the arrays. */
static struct sl_service *service_new(
	struct sl_txn *txn, const struct sl_service_spec *spec, sl_id front, struct arrays *arrays)
{
	size_t bytes = spec->n_servers * (sizeof(sl_id) + 2 * sizeof(uint32_t));
	unsigned n_workers = txn->registry->engine->n_workers;
	bool block = spec->sched->block_bytes != NULL;
	size_t states = block ? n_workers * sizeof(void *) : 0;
	struct sl_service *service;

	service = sl_draft_zalloc(&txn->draft, sizeof(*service) + states + bytes, -1);
	if (service == NULL)
		return NULL;
	arrays->servers = (sl_id *)((char *)(service + 1) + states);
	arrays->weights = arrays->servers + spec->n_servers;
	arrays->full_weights = arrays->weights + spec->n_servers;
	service->version = ++txn->registry->version;
	service->front = front;
	service->sched = spec->sched;
	service->sched_flags = spec->sched_flags;
	service->n_servers = spec->n_servers;
	service->servers = arrays->servers;
	service->weights = arrays->weights;
	service->full_weights = arrays->full_weights;
	return service;
}

/* The scheduler's blocks, each on its worker's memory node. */
static int service_add_blocks(
	struct sl_txn *txn, struct sl_service *service, const struct sl_server_spec *servers)
{
	struct sl_engine *engine = txn->registry->engine;
	void **blocks = (void **)(service + 1);

	if (service->sched->block_bytes == NULL)
		return 0;
	for (unsigned w = 0; w < blocks_of(txn, service->sched); w++) {
		blocks[w] = sl_draft_zalloc(&txn->draft, service->sched->block_bytes(service),
			engine->workers[w]->numa);
		if (blocks[w] == NULL)
			return -ENOMEM;
		if (service->sched->prepare != NULL)
			service->sched->prepare(blocks[w], service, servers);
	}
	for (unsigned w = blocks_of(txn, service->sched); w < engine->n_workers; w++)
		blocks[w] = blocks[0];
	service->sched_state = blocks;
	return 0;
}

static bool service_equal(const struct sl_service *a, const struct sl_service *b)
{
	return a->sched == b->sched && a->sched_flags == b->sched_flags &&
		a->n_servers == b->n_servers &&
		memcmp(a->servers, b->servers, a->n_servers * sizeof(*a->servers)) == 0 &&
		memcmp(a->weights, b->weights, a->n_servers * sizeof(*a->weights)) == 0;
}

static int twice(struct sl_err *err, const struct sl_server_spec *spec)
{
	char text[SL_ADDR_TEXT];

	return sl_err_set(err, EINVAL, NULL, "server %s port %u twice in one service",
		sl_addr_format(&spec->address, text), spec->port);
}

/* What a server weighed before it was quiesced: what the service knew; 0 = it did not. */
static uint32_t full_weight_of(struct sl_txn *txn, const struct sl_service *old, sl_id id)
{
	const struct sl_server *server = sl_snapshot_server(sl_txn_snapshot(txn), id);

	if (old == NULL || server == NULL || server->position >= old->n_servers ||
		old->servers[server->position] != id)
		return 0;
	return old->full_weights[server->position];
}

/* Names the servers in list order (the last one added stands first) and sums up their weights. */
static int
service_fill(struct sl_txn *txn, const struct sl_service_spec *spec, const struct sl_service *old,
	struct sl_service *service, const struct arrays *arrays, struct sl_err *err)
{
	struct sl_registry *r = txn->registry;

	r->stamp++;
	for (uint32_t i = 0; i < spec->n_servers; i++) {
		uint32_t position = spec->n_servers - 1 - i;
		uint32_t weight = spec->servers[i].weight;
		sl_id id = SL_ID_NONE;
		int error;

		error = server_acquire(txn, spec, service->front, &spec->servers[i], &id);
		if (error != 0)
			return error;
		if (r->stamps[id] == r->stamp)
			return twice(err, &spec->servers[i]);
		r->stamps[id] = r->stamp;
		arrays->servers[position] = id;
		arrays->weights[position] = weight;
		arrays->full_weights[position] = weight > 0 ? weight : full_weight_of(txn, old, id);
		if (weight == 0)
			continue;
		service->n_usable++;
		service->weight_gcd = sl_sched_gcd(service->weight_gcd, weight);
		if (weight > service->weight_max)
			service->weight_max = weight;
	}
	return 0;
}

/* Positions of those that the service names, tombstones for those that it names no longer. */
static int
service_place(struct sl_txn *txn, const struct sl_service *old, const struct sl_service *service)
{
	struct sl_registry *r = txn->registry;
	int error;

	for (uint32_t i = 0; old != NULL && i < old->n_servers; i++) {
		if (r->stamps[old->servers[i]] == r->stamp)
			continue;
		error = server_delete(txn, old, i);
		if (error != 0)
			return error;
	}
	for (uint32_t i = 0; i < service->n_servers; i++) {
		struct sl_server *server;

		if (sl_snapshot_server(sl_txn_snapshot(txn), service->servers[i])->position == i)
			continue;
		server = sl_draft_server(&txn->draft, service->servers[i]);
		if (server == NULL)
			return -ENOMEM;
		server->position = i;
	}
	return 0;
}

/* The front's record as it is to be, all but the service; on top of the one that there is. */
static void
front_fill(struct sl_front *front, const struct sl_service_spec *spec, const struct sl_touch *touch)
{
	front->index = touch->fresh ? touch->watch : front->index;
	front->state = SL_ID_LIVE;
	front->kind = SL_FRONT_SERVICE;
	front->v6 = spec->key.vip.family == 6;
	front->protocol = spec->key.protocol;
	front->port = rte_cpu_to_be_16(spec->key.port);
	front->address = sl_ip_from_addr(&spec->key.vip);
	for (uint32_t i = 0; i < spec->n_servers; i++) {
		front->has_nat |= is_nat(spec->servers[i].fwd);
		front->has_other |= !is_nat(spec->servers[i].fwd);
	}
}

/* The service takes the old one's place. 0 or -ENOMEM. */
static int service_replace(struct sl_txn *txn, const struct sl_service *old,
	struct sl_service *service, const struct sl_server_spec *servers, struct sl_front *front)
{
	int error;

	service->switched = old != NULL && (old->switched || old->sched != service->sched);
	error = service_place(txn, old, service);
	if (error == 0)
		error = service_add_blocks(txn, service, servers);
	if (error != 0)
		return error;
	service->epoch =
		old != NULL && old->sched == service->sched ? old->epoch : ++txn->registry->epoch;
	front->service = service;
	service_retire(txn, old);
	return 0;
}

static int service_set(struct sl_txn *txn, const struct sl_service_spec *spec, struct sl_err *err)
{
	const struct sl_front *known;
	struct sl_front want = {0}, *front;
	struct sl_service *service;
	struct sl_touch *touch;
	struct arrays arrays;
	sl_id id;
	int error;

	error = sl_txn_service_front(txn, &spec->key, &touch);
	if (error != 0)
		return error;
	id = touch->id;
	known = sl_snapshot_front(sl_txn_snapshot(txn), id);
	if (known != NULL)
		want = *known;
	front_fill(&want, spec, touch);
	service = service_new(txn, spec, id, &arrays);
	if (service == NULL)
		return -ENOMEM;
	error = service_fill(txn, spec, want.service, service, &arrays, err);
	if (error != 0)
		return error;
	if (want.service != NULL && service_equal(want.service, service))
		sl_draft_retire(&txn->draft, service);
	else
		error = service_replace(txn, want.service, service, spec->servers, &want);
	if (error != 0 || (known != NULL && memcmp(known, &want, sizeof(want)) == 0))
		return error;
	front = sl_draft_front(&txn->draft, id);
	if (front == NULL)
		return -ENOMEM;
	*front = want;
	return 0;
}

static bool is_family(uint8_t family)
{
	return family == 4 || family == 6;
}

static bool
server_is_possible(const struct sl_service_key *key, const struct sl_server_spec *server)
{
	uint8_t traits;

	if ((unsigned)server->fwd >= SL_FWD_METHODS || !is_family(server->address.family))
		return false;
	traits = sl_fwds[server->fwd]->traits;
	if (server->address.family != key->vip.family && !(traits & SL_FWD_ANY_FAMILY))
		return false;
	return server->port == key->port || (server->port != 0 && (traits & SL_FWD_SETS_PORT));
}

static bool spec_is_possible(const struct sl_service_spec *spec)
{
	if (!is_family(spec->key.vip.family) || spec->sched == NULL)
		return false;
	if (spec->key.protocol != IPPROTO_TCP && spec->key.protocol != IPPROTO_UDP)
		return false;
	for (uint32_t i = 0; i < spec->n_servers; i++) {
		if (!server_is_possible(&spec->key, &spec->servers[i]))
			return false;
	}
	return true;
}

int sl_txn_service_set(struct sl_txn *txn, const struct sl_service_spec *spec, struct sl_err *err)
{
	int error;

	if (txn->failed != 0)
		return txn->failed;
	error = spec_is_possible(spec) ? service_set(txn, spec, err) : -EINVAL;
	return error == 0 ? 0 : sl_txn_fail(txn, err, error);
}

int sl_txn_service_delete(struct sl_txn *txn, const struct sl_service_key *key)
{
	struct sl_identity identity = sl_txn_service_identity(key);
	const struct sl_service *service;
	const struct sl_front *known;
	struct sl_front *front;
	sl_id id;

	if (txn->failed != 0)
		return txn->failed;
	id = sl_ids_find(txn->registry->fronts, &identity);
	known = id == SL_ID_NONE ? NULL : sl_snapshot_front(sl_txn_snapshot(txn), id);
	if (known == NULL || known->state != SL_ID_LIVE)
		return -ENOENT;
	service = known->service;
	for (uint32_t i = 0; i < service->n_servers; i++)
		if (server_delete(txn, service, i) != 0)
			return sl_txn_fail(txn, NULL, -ENOMEM);
	front = sl_txn_front(txn, id);
	if (front == NULL)
		return sl_txn_fail(txn, NULL, -ENOMEM);
	front->service = NULL;
	front->state = SL_ID_DELETED;
	service_retire(txn, service);
	return 0;
}
