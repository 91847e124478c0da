/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "conf/keys.h"
#include "conf/schema_node.h"

#define PATH_BYTES sizeof(((struct sl_err *)0)->path)

/* Of one place in both documents; a value may be NULL. Not `live`: only a start can change it. */
struct pair {
	const struct sl_schema *schema;
	const json_t *from, *to;
	bool live;
};

static int refuse_live(const char *path, const struct pair *pair, struct sl_err *err)
{
	const char *key = strrchr(path, '/');
	char *from = pair->from != NULL ? json_dumps(pair->from, JSON_ENCODE_ANY) : NULL;

	sl_err_set(err, EINVAL, path, "\"%s\" cannot be changed while sluice is running",
		key != NULL ? key + 1 : path);
	if (from != NULL && strlen(from) < 80)
		sl_err_hint(err, "restart sluice, or set it back to %s", from);
	else if (from == NULL)
		sl_err_hint(err, "restart sluice, or take it out again");
	else
		sl_err_hint(err, "restart sluice, or set it back");
	free(from);
	return -EINVAL;
}

static int compare_live(const struct pair *pair, char path[PATH_BYTES], struct sl_err *err);

static int compare_members(const struct pair *pair, char path[PATH_BYTES], struct sl_err *err)
{
	size_t length = strlen(path);
	int rc = 0;

	for (size_t i = 0; i < pair->schema->n_members && rc == 0; i++) {
		const struct sl_schema_member *member = &pair->schema->members[i];
		const json_t *mark = sl_schema_annotation(pair->schema, member->name, "x-live");
		const struct pair inside = {
			.schema = member->schema,
			.from = json_object_get(pair->from, member->name),
			.to = json_object_get(pair->to, member->name),
			.live = mark != NULL ? json_is_true(mark) : pair->live,
		};

		sl_json_path_key(path, PATH_BYTES, member->name, strlen(member->name));
		rc = compare_live(&inside, path, err);
		path[length] = '\0';
	}
	return rc;
}

static int compare_elements(const struct pair *pair, char path[PATH_BYTES], struct sl_err *err)
{
	size_t length = strlen(path), n = json_array_size(pair->from);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct pair inside = {
			.schema = pair->schema->items,
			.from = json_array_get(pair->from, i),
			.to = json_array_get(pair->to, i),
			.live = pair->live,
		};

		sl_json_path_index(path, PATH_BYTES, i);
		rc = compare_live(&inside, path, err);
		path[length] = '\0';
	}
	return rc;
}

static int compare_live(const struct pair *pair, char path[PATH_BYTES], struct sl_err *err)
{
	if (pair->from == pair->to)
		return 0;
	if (json_is_object(pair->from) && json_is_object(pair->to))
		return compare_members(pair, path, err);
	if (pair->schema->items != NULL && pair->schema->items->n_members != 0 && !pair->live &&
		json_is_array(pair->from) && json_is_array(pair->to) &&
		json_array_size(pair->from) == json_array_size(pair->to))
		return compare_elements(pair, path, err);
	if (pair->live || json_equal((json_t *)pair->from, (json_t *)pair->to))
		return 0;
	return refuse_live(path, pair, err);
}

int sl_conf_check_live(const struct sl_conf *from, const struct sl_conf *to, struct sl_err *err)
{
	json_t *old = sl_conf_write(from, SL_CONF_DEFAULTS | SL_CONF_NO_SERVICES);
	json_t *new = sl_conf_write(to, SL_CONF_DEFAULTS | SL_CONF_NO_SERVICES);
	const struct pair whole = {
		.schema = sl_conf_schema(), .from = old, .to = new, .live = true};
	char path[PATH_BYTES] = "";
	int rc;

	if (old == NULL || new == NULL)
		rc = sl_err_set(err, ENOMEM, NULL, "no memory to compare configurations");
	else
		rc = compare_live(&whole, path, err);
	json_decref(old);
	json_decref(new);
	return rc;
}

static struct sl_server_spec
server_spec(const struct sl_conf *conf, const struct sl_conf_server *server)
{
	return (struct sl_server_spec){
		.address = server->address,
		.port = server->port,
		.weight = server->weight,
		.fwd = sl_conf_server_fwd(conf, server),
		.tunnel = server->tunnel.type,
		.tunnel_flags = server->tunnel.flags,
		.tunnel_port = server->tunnel.port,
	};
}

static uint8_t server_options(const struct sl_conf_service *service)
{
	return (service->proxy_protocol == SL_PROXY_V2 ? SL_SERVER_PROXY : 0) |
		(service->toa ? SL_SERVER_TOA : 0);
}

/* Whether the engine sees no difference: what `from` says about the service is what `to` says. */
static bool is_same_service(const struct sl_conf *from, const struct sl_conf_service *old,
	const struct sl_conf *to, const struct sl_conf_service *new)
{
	if (old->sched != new->sched || old->sched_flags != new->sched_flags ||
		old->n_servers != new->n_servers || server_options(old) != server_options(new))
		return false;
	for (uint32_t i = 0; i < old->n_servers; i++) {
		const struct sl_server_spec a = server_spec(from, &old->servers[i]);
		const struct sl_server_spec b = server_spec(to, &new->servers[i]);

		if (a.port != b.port || a.weight != b.weight || a.fwd != b.fwd ||
			!sl_addr_equal(&a.address, &b.address) || a.tunnel != b.tunnel ||
			a.tunnel_flags != b.tunnel_flags || a.tunnel_port != b.tunnel_port)
			return false;
	}
	return true;
}

static int set_service(struct sl_txn *txn, const struct sl_conf *conf,
	const struct sl_conf_service *service, struct sl_err *err)
{
	struct sl_server_spec *servers;
	struct sl_service_spec spec = {
		.key = service->key,
		.sched = service->sched,
		.sched_flags = service->sched_flags,
		.n_servers = service->n_servers,
		.server_options = server_options(service),
	};
	char path[32];
	int rc;

	servers = calloc((size_t)service->n_servers + 1, sizeof(*servers));
	if (servers == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory for a service");
	for (uint32_t i = 0; i < service->n_servers; i++) {
		servers[i] = server_spec(conf, &service->servers[i]);
	}
	spec.servers = servers;
	rc = sl_txn_service_set(txn, &spec, err);
	free(servers);
	if (rc < 0 && err != NULL && err->path[0] == '\0') {
		snprintf(path, sizeof(path), "/services/%u", service->index);
		memcpy(err->path, path, sizeof(path));
	}
	return rc;
}

/* Both lists are sorted: one walk over both finds what went, what came and what is in both. */
static int change_services(struct sl_txn *txn, const struct sl_conf *from, const struct sl_conf *to,
	struct sl_err *err)
{
	uint32_t n_old = from != NULL ? from->n_services : 0, i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < n_old || j < to->n_services)) {
		int order = i == n_old ? 1
			: j == to->n_services
			? -1
			: sl_service_key_compare(&from->services[i]->key, &to->services[j]->key);

		if (order < 0) {
			rc = sl_txn_service_delete(txn, &from->services[i++]->key);
		} else if (order > 0) {
			rc = set_service(txn, to, to->services[j++], err);
		} else {
			if (!is_same_service(from, from->services[i], to, to->services[j]))
				rc = set_service(txn, to, to->services[j], err);
			i++;
			j++;
		}
	}
	return rc;
}

static bool masquerades(const struct sl_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		if (conf->ports[i].transit == SL_TRANSIT_MASQUERADE)
			return true;
	}
	return false;
}

static bool is_same_locals(const struct sl_conf *from, const struct sl_conf *to)
{
	if (from->n_local_addresses != to->n_local_addresses ||
		from->local_ports.low != to->local_ports.low ||
		from->local_ports.high != to->local_ports.high)
		return false;
	for (uint32_t i = 0; i < from->n_local_addresses; i++) {
		if (!sl_addr_equal(
			    &from->local_addresses[i].address, &to->local_addresses[i].address))
			return false;
	}
	return true;
}

static int set_locals(struct sl_txn *txn, const struct sl_conf *to)
{
	struct sl_addr *addresses = calloc((size_t)to->n_local_addresses + 1, sizeof(*addresses));
	int rc;

	if (addresses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < to->n_local_addresses; i++)
		addresses[i] = to->local_addresses[i].address;
	rc = sl_txn_locals(
		txn, addresses, to->n_local_addresses, to->local_ports.low, to->local_ports.high);
	free(addresses);
	return rc;
}

static bool is_same_policy(const struct sl_tunnel_policy *a, const struct sl_tunnel_policy *b)
{
	return a->dscp == b->dscp && a->df == b->df && a->ttl == b->ttl;
}

/* What is not a service's, where it differs from what the registry has. */
static int change_globals(struct sl_txn *txn, const struct sl_conf *from, const struct sl_conf *to)
{
	int rc = 0;

	if (from == NULL || memcmp(&from->timeouts, &to->timeouts, sizeof(to->timeouts)) != 0)
		sl_txn_timeouts(txn, &to->timeouts);
	if (from == NULL || !is_same_policy(&from->tunnels, &to->tunnels))
		sl_txn_tunnel_policy(txn, &to->tunnels);
	if (from == NULL ? to->n_local_addresses != 0 : !is_same_locals(from, to))
		rc = set_locals(txn, to);
	if (rc == 0 && (from != NULL && masquerades(from)) != masquerades(to))
		rc = sl_txn_masquerade(txn, masquerades(to));
	return rc;
}

int sl_conf_build(struct sl_registry *registry, const struct sl_conf *from,
	const struct sl_conf *to, struct sl_snapshot **out, struct sl_err *err)
{
	struct sl_txn *txn = sl_txn_begin(registry);
	int rc;

	if (txn == NULL)
		return sl_err_set(err, ENOMEM, NULL, "no memory for a transaction");
	rc = change_services(txn, from, to, err);
	if (rc == 0)
		rc = change_globals(txn, from, to);
	if (rc < 0) {
		sl_txn_abort(txn);
		return sl_err_set(
			err, -rc, NULL, "the services cannot be changed: %s", strerror(-rc));
	}
	return sl_txn_commit(txn, out, err);
}
