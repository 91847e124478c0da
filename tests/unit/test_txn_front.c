/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "lb/front.h"
#include "lb/fwd.h"
#include "lb/store.h"

/*
 * Methods of the test's own, in the place of the library's: PLAIN rewrites nothing, what OTHER does
 * is said by each test.
 */
enum { PLAIN, OTHER };

static struct sl_fwd methods[SL_FWD_METHODS];

_Static_assert(SL_FWD_METHODS >= 2, "there is a place for each");
const struct sl_fwd *const sl_fwds[SL_FWD_METHODS] = {&methods[PLAIN], &methods[OTHER]};

#define NAT     SL_FWD_SETS_PORT
#define FULLNAT (SL_FWD_SETS_PORT | SL_FWD_SETS_SOURCE | SL_FWD_ANY_FAMILY)
#define TUN     (SL_FWD_TUNNELS | SL_FWD_ANY_FAMILY)

static int setup(void **state)
{
	memset(methods, 0, sizeof(methods));
	return fixture_setup(state);
}

static struct sl_server_spec server(uint32_t last, uint16_t port, unsigned method)
{
	struct sl_server_spec spec = server_spec(last, port, 1);

	spec.fwd = (enum sl_fwd_method)method;
	return spec;
}

static int set_one(struct sl_txn *txn, uint16_t port, const struct sl_server_spec *spec)
{
	const struct sl_service_spec service = {
		.key = key_of(port),
		.sched = sl_sched_find("rr"),
		.servers = spec,
		.n_servers = 1,
	};

	return sl_txn_service_set(txn, &service, NULL);
}

/* Service `port` with this one server, published. */
static const struct sl_snapshot *
one(struct fixture *f, uint16_t port, const struct sl_server_spec *spec)
{
	struct sl_txn *txn = sl_txn_begin(f->registry);

	assert_int_equal(set_one(txn, port, spec), 0);
	return finish(f, txn);
}

static const struct sl_snapshot *latest(const struct fixture *f)
{
	return sl_registry_latest(f->registry);
}

static const struct sl_server *
record(const struct fixture *f, uint16_t port, const struct sl_server_spec *spec)
{
	struct sl_service_key key = key_of(port);

	return sl_snapshot_server(
		latest(f), sl_registry_server(f->registry, &key, &spec->address, spec->port));
}

static sl_id
find(const struct fixture *f, uint8_t protocol, const struct sl_server_spec *spec, uint16_t port)
{
	union sl_ip address = sl_ip_from_addr(&spec->address);

	return sl_front_table_find(latest(f)->table, SL_FRONT_ENDPOINT, spec->address.family,
		protocol, &address, rte_cpu_to_be_16(port));
}

/* Moves every id along that can be, as time and the workers' sweeps would. */
static void settle(struct fixture *f)
{
	f->manual.ns += 121 * SECOND;
	for (unsigned i = 0; i < 8; i++) {
		assert_true(age(f));
		all_swept(f);
	}
}

static void a_rewriting_method_s_server_has_an_endpoint(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec plain = server(1, 80, PLAIN), nat = server(2, 8080, OTHER);
	const struct sl_front *endpoint;
	sl_id id;

	methods[OTHER].traits = NAT;
	one(f, 80, &plain);
	assert_int_equal(record(f, 80, &plain)->endpoint, SL_ID_NONE);
	assert_int_equal(latest(f)->n_endpoints, 0);
	assert_false(sl_snapshot_front(latest(f), front_id(f, 80))->has_nat);
	assert_true(sl_snapshot_front(latest(f), front_id(f, 80))->has_other);

	one(f, 81, &nat);
	id = record(f, 81, &nat)->endpoint;
	assert_int_not_equal(id, SL_ID_NONE);
	assert_int_equal(find(f, IPPROTO_TCP, &nat, 8080), id);
	assert_int_equal(find(f, IPPROTO_TCP, &nat, 81), SL_ID_NONE);
	assert_int_equal(find(f, IPPROTO_UDP, &nat, 8080), SL_ID_NONE);
	assert_true(sl_snapshot_front(latest(f), front_id(f, 81))->has_nat);
	assert_false(sl_snapshot_front(latest(f), front_id(f, 81))->has_other);
	endpoint = sl_snapshot_front(latest(f), id);
	assert_int_equal(endpoint->kind, SL_FRONT_ENDPOINT);
	assert_int_equal(endpoint->state, SL_ID_LIVE);
	assert_int_equal(endpoint->port, RTE_BE16(8080));
	assert_int_equal(endpoint->address.v4, nat.address.v4);
	assert_null(endpoint->service);
	assert_int_equal(endpoint->index, record(f, 81, &nat)->adj);
	assert_int_equal(latest(f)->n_endpoints, 1);
	assert_int_equal(latest(f)->n_any_endpoints, 0);
	assert_int_equal(latest(f)->n_services, 2);

	/* another service's server may be the same, and then its replies are found there, too */
	one(f, 82, &nat);
	assert_int_equal(record(f, 82, &nat)->endpoint, id);
	assert_int_equal(latest(f)->n_endpoints, 1);
	assert_false(sl_registry_front_key(f->registry, id, &(struct sl_service_key){0}));
}

static void a_tunnel_s_far_end_has_no_port(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec one_end = server(1, 80, OTHER), other_end = server(1, 80, OTHER);
	sl_id id;

	methods[OTHER].traits = TUN;
	one_end.tunnel = 1;
	one_end.tunnel_port = 6080;
	one(f, 80, &one_end);
	id = record(f, 80, &one_end)->endpoint;
	assert_int_equal(find(f, IPPROTO_IPIP, &one_end, 0), id);
	assert_int_equal(record(f, 80, &one_end)->tunnel, 1);
	assert_int_equal(record(f, 80, &one_end)->tunnel_port, RTE_BE16(6080));
	assert_int_equal(latest(f)->n_tunnels, 1);
	assert_int_equal(latest(f)->n_endpoints, 0);
	assert_int_equal(sl_addr_parse("2001:db8::5", &other_end.address), 0);
	one(f, 80, &other_end); /* an IPv6 server of an IPv4 service */
	assert_int_equal(record(f, 80, &other_end)->family, 6);
	assert_int_not_equal(find(f, IPPROTO_IPIP, &other_end, 0), SL_ID_NONE);
	assert_int_equal(sl_snapshot_front(latest(f), find(f, IPPROTO_IPIP, &other_end, 0))->v6, 1);
}

static void any_port_s_endpoints_are_counted(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec any = server(1, 0, OTHER);

	methods[OTHER].traits = NAT;
	one(f, 0, &any);
	assert_int_equal(find(f, IPPROTO_TCP, &any, 0), record(f, 0, &any)->endpoint);
	assert_int_equal(latest(f)->n_any_endpoints, 1);
	assert_int_equal(latest(f)->n_any_port, 1); /* the service */
}

/* Servers, their endpoint and the service's front let go one after the other. */
static void an_endpoint_lives_as_long_as_who_holds_it(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec nat = server(1, 8080, OTHER);
	sl_id id, server_80;

	methods[OTHER].traits = NAT;
	one(f, 80, &nat);
	one(f, 81, &nat);
	id = record(f, 80, &nat)->endpoint;
	server_80 = sl_snapshot_front(latest(f), front_id(f, 80))->service->servers[0];
	no_service(f, 80);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE); /* of 81 */
	settle(f);
	assert_null(sl_snapshot_server(latest(f), server_80));
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE);

	no_service(f, 81);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_DELETED);
	assert_int_equal(sl_snapshot_front(latest(f), id)->index, SL_ADJ_NONE);
	assert_int_equal(find(f, IPPROTO_TCP, &nat, 8080), id); /* replies still come */
	f->manual.ns += 121 * SECOND;
	assert_true(age(f));
	/* its server is being reaped: until every worker has seen that, the endpoint stays */
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_DELETED);
	assert_true(age(f));
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_DELETED);
	all_swept(f);
	assert_true(age(f)); /* the server is FREE */
	assert_int_equal(find(f, IPPROTO_TCP, &nat, 8080), id);
	assert_true(age(f));
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_REAPING);
	assert_int_equal(find(f, IPPROTO_TCP, &nat, 8080), SL_ID_NONE);
	assert_int_equal(latest(f)->n_endpoints, 1);
	all_swept(f);
	assert_true(age(f));
	assert_null(sl_snapshot_front(latest(f), id));
	assert_int_equal(latest(f)->n_endpoints, 0);
	assert_false(latest(f)->reaping);
}

static void it_comes_back_with_its_server(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec nat = server(1, 8080, OTHER);
	sl_id id;

	methods[OTHER].traits = NAT;
	one(f, 80, &nat);
	id = record(f, 80, &nat)->endpoint;
	no_service(f, 80);
	f->manual.ns += 119 * SECOND;
	assert_true(age(f));
	one(f, 80, &nat);
	assert_int_equal(record(f, 80, &nat)->endpoint, id);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE);
	assert_int_equal(sl_snapshot_front(latest(f), id)->index, record(f, 80, &nat)->adj);
	settle(f);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE);
	assert_int_equal(latest(f)->n_endpoints, 1);
}

/* There may be connections of each method that it had, which go on as they began. */
static void a_method_may_change(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec spec = server(1, 80, PLAIN);
	const struct sl_front *front;
	sl_id server_80, id;

	methods[OTHER].traits = NAT;
	one(f, 80, &spec);
	server_80 = server_id(f, 80, 1);
	spec.fwd = (enum sl_fwd_method)OTHER;
	one(f, 80, &spec);
	assert_int_equal(server_id(f, 80, 1), server_80);
	assert_int_equal(record(f, 80, &spec)->fwd, OTHER);
	assert_int_equal(record(f, 80, &spec)->plain, PLAIN);
	id = record(f, 80, &spec)->endpoint;
	front = sl_snapshot_front(latest(f), front_id(f, 80));
	assert_true(front->has_nat && front->has_other);

	spec.fwd = (enum sl_fwd_method)PLAIN;
	one(f, 80, &spec);
	assert_int_equal(record(f, 80, &spec)->endpoint, SL_ID_NONE);
	assert_int_equal(record(f, 80, &spec)->held[SL_HOLD_PORT], id);
	settle(f);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE);
	front = sl_snapshot_front(latest(f), front_id(f, 80));
	assert_true(front->has_nat && front->has_other);
	no_service(f, 80);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_DELETED);
	settle(f);
	assert_null(sl_snapshot_front(latest(f), id));
}

/* Nothing but the record of the front says so when the servers' ids and weights stay. */
static void an_unchanged_service_learns_of_its_new_method(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec spec = server(1, 80, PLAIN);
	const struct sl_service *before;

	methods[OTHER].traits = NAT;
	one(f, 80, &spec);
	before = sl_snapshot_front(latest(f), front_id(f, 80))->service;
	spec.fwd = (enum sl_fwd_method)OTHER;
	one(f, 80, &spec);
	assert_ptr_equal(sl_snapshot_front(latest(f), front_id(f, 80))->service, before);
	assert_true(sl_snapshot_front(latest(f), front_id(f, 80))->has_nat);
}

static void replaced_in_one_transaction(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec nat = server(1, 8080, OTHER), other = server(2, 8080, OTHER);
	struct sl_service_key key = key_of(80);
	struct sl_txn *txn;
	sl_id id;

	methods[OTHER].traits = FULLNAT;
	one(f, 80, &nat);
	id = record(f, 80, &nat)->endpoint;
	assert_false(sl_snapshot_front(latest(f), front_id(f, 80))->has_nat); /* pairs */
	txn = sl_txn_begin(f->registry);
	assert_int_equal(sl_txn_service_delete(txn, &key), 0);
	assert_int_equal(set_one(txn, 81, &other), 0);
	assert_int_equal(
		sl_txn_service_delete(txn, &(struct sl_service_key){key.protocol, key.vip, 81}), 0);
	assert_int_equal(set_one(txn, 80, &nat), 0);
	assert_non_null(finish(f, txn));
	assert_int_equal(record(f, 80, &nat)->endpoint, id);
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_LIVE);
	/* the one that came and went has an id until it is swept */
	assert_int_equal(sl_snapshot_front(latest(f), find(f, IPPROTO_TCP, &other, 8080))->state,
		SL_ID_DELETED);
	settle(f);
	assert_int_equal(latest(f)->n_endpoints, 1);
}

static void an_abort_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec nat = server(1, 8080, OTHER), next = server(2, 8080, OTHER);
	struct sl_txn *txn;
	sl_id id;

	methods[OTHER].traits = NAT;
	one(f, 80, &nat);
	id = record(f, 80, &nat)->endpoint;
	no_service(f, 80);
	for (unsigned i = 0; i < 3000; i++) {
		txn = sl_txn_begin(f->registry);
		assert_int_equal(set_one(txn, 80, &nat), 0); /* revived */
		assert_int_equal(set_one(txn, 81, &next), 0);
		assert_int_equal(sl_txn_masquerade(txn, true), 0);
		sl_txn_abort(txn);
	}
	assert_int_equal(sl_snapshot_front(latest(f), id)->state, SL_ID_DELETED);
	settle(f);
	assert_int_equal(latest(f)->n_endpoints, 0);
	assert_false(latest(f)->reaping);
}

static void families_and_ports_as_the_method_can(void **state)
{
	static const struct {
		uint8_t traits;
		bool port, family;
	} rows[] = {
		{0, false, false}, {NAT, true, false}, {TUN, false, true}, {FULLNAT, true, true}};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct sl_server_spec port = server(1, 8080, OTHER), family = server(1, 80, OTHER);
		struct sl_server_spec none = server(1, 0, OTHER);
		struct sl_txn *txn = sl_txn_begin(f->registry);

		methods[OTHER].traits = rows[i].traits;
		sl_addr_parse("2001:db8::1", &family.address);
		assert_int_equal(set_one(txn, 80, &port), rows[i].port ? 0 : -EINVAL);
		sl_txn_abort(txn);
		txn = sl_txn_begin(f->registry);
		assert_int_equal(set_one(txn, 80, &family), rows[i].family ? 0 : -EINVAL);
		sl_txn_abort(txn);
		txn = sl_txn_begin(f->registry);
		assert_int_equal(set_one(txn, 80, &none), -EINVAL);
		sl_txn_abort(txn);
	}
}

static void an_ipv6_service(void **state)
{
	struct fixture *f = *state;
	struct sl_server_spec spec = server(1, 80, PLAIN);
	struct sl_service_spec service = {
		.key = key_of(80),
		.sched = sl_sched_find("rr"),
		.servers = &spec,
		.n_servers = 1,
		.server_options = SL_SERVER_PROXY,
	};
	struct sl_txn *txn = sl_txn_begin(f->registry);
	const struct sl_front *front;
	union sl_ip vip;
	sl_id id;

	sl_addr_parse("2001:db8::100", &service.key.vip);
	sl_addr_parse("2001:db8::1", &spec.address);
	assert_int_equal(sl_txn_service_set(txn, &service, NULL), 0);
	assert_non_null(finish(f, txn));
	vip = sl_ip_from_addr(&service.key.vip);
	id = sl_front_table_find(
		latest(f)->table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &vip, RTE_BE16(80));
	assert_int_equal(id, sl_registry_front(f->registry, &service.key));
	front = sl_snapshot_front(latest(f), id);
	assert_true(front->v6);
	assert_memory_equal(&front->address, &vip, sizeof(vip));
	assert_int_equal(sl_snapshot_server(latest(f), front->service->servers[0])->options,
		SL_SERVER_PROXY);
}

static void masquerading_has_four_fronts(void **state)
{
	struct fixture *f = *state;
	struct sl_txn *txn = sl_txn_begin(f->registry);
	sl_id tcp4, udp6;

	assert_int_equal(sl_txn_masquerade(txn, true), 0);
	assert_int_equal(sl_txn_masquerade(txn, true), 0);
	assert_non_null(finish(f, txn));
	tcp4 = latest(f)->masquerade[0][0];
	udp6 = latest(f)->masquerade[1][1];
	assert_int_equal(sl_snapshot_front(latest(f), tcp4)->kind, SL_FRONT_MASQUERADE);
	assert_int_equal(sl_snapshot_front(latest(f), tcp4)->protocol, IPPROTO_TCP);
	assert_true(sl_snapshot_front(latest(f), udp6)->v6);
	assert_int_equal(sl_snapshot_front(latest(f), udp6)->protocol, IPPROTO_UDP);
	assert_int_equal(latest(f)->n_services, 0);

	txn = sl_txn_begin(f->registry);
	assert_int_equal(sl_txn_masquerade(txn, false), 0);
	assert_non_null(finish(f, txn));
	assert_int_equal(latest(f)->masquerade[0][0], SL_ID_NONE);
	assert_int_equal(sl_snapshot_front(latest(f), tcp4)->state, SL_ID_DELETED);
	txn = sl_txn_begin(f->registry);
	assert_int_equal(sl_txn_masquerade(txn, true), 0);
	assert_non_null(finish(f, txn));
	assert_int_equal(latest(f)->masquerade[0][0], tcp4); /* with its connections */
	txn = sl_txn_begin(f->registry);
	assert_int_equal(sl_txn_masquerade(txn, false), 0);
	assert_non_null(finish(f, txn));
	settle(f);
	assert_null(sl_snapshot_front(latest(f), tcp4));
	assert_null(sl_snapshot_front(latest(f), udp6));
}

static const struct sl_locals *locals(struct fixture *f, uint32_t n, uint16_t low, int result)
{
	struct sl_addr addresses[3] = {host(1), {0}, host(2)};
	struct sl_txn *txn = sl_txn_begin(f->registry);

	sl_addr_parse("2001:db8::1", &addresses[1]);
	assert_int_equal(sl_txn_locals(txn, addresses, n, low, 2000), result);
	if (result == 0)
		assert_non_null(finish(f, txn));
	else
		sl_txn_abort(txn);
	return latest(f)->locals;
}

static void local_addresses_are_shared_until_they_change(void **state)
{
	struct fixture *f = *state;
	const struct sl_locals *first, *second;

	assert_null(latest(f)->locals);
	first = locals(f, 3, 1024, 0);
	assert_int_equal(first->n4, 2);
	assert_int_equal(first->n6, 1);
	assert_int_equal(first->v4[1].v4, host(2).v4);
	assert_int_equal(first->v6[0].bytes[15], 1);
	assert_int_equal(first->low, 1024);
	assert_int_equal(first->high, 2000);
	assert_ptr_equal(locals(f, 3, 1024, 0), first);
	second = locals(f, 2, 1024, 0);
	assert_ptr_not_equal(second, first);
	assert_int_equal(second->n4, 1);
	assert_ptr_equal(locals(f, 2, 0, -EINVAL), second);
	assert_ptr_equal(locals(f, 2, 2001, -EINVAL), second);
	assert_null(locals(f, 0, 0, 0));
	locals(f, 3, 1024, 0); /* and freed with the engine */
}

static void the_policy_of_tunnels(void **state)
{
	const struct sl_tunnel_policy policy = {.dscp = 46, .df = SL_TUNNEL_DF_SET, .ttl = 9};
	struct fixture *f = *state;
	struct sl_txn *txn = sl_txn_begin(f->registry);

	assert_int_equal(latest(f)->tunnel_policy.dscp, -1);
	assert_int_equal(latest(f)->tunnel_policy.ttl, 64);
	sl_txn_tunnel_policy(txn, &policy);
	assert_non_null(finish(f, txn));
	assert_memory_equal(&latest(f)->tunnel_policy, &policy, sizeof(policy));
}

/* Whichever allocation fails: nothing leaks, and no id stays behind. */
static void any_allocation_may_fail(void **state)
{
	long k;

	methods[OTHER].traits = NAT;
	for (k = 1; k < 200; k++) {
		struct sl_server_spec nat = server(1, 8080, OTHER);
		struct sl_addr address = host(9);
		struct sl_snapshot *out;
		struct sl_txn *txn;
		struct fixture f;
		int error = -ENOMEM;

		fixture_params(&f);
		assert_true(fixture_start(&f));
		f.memory.fail_at = k;
		txn = sl_txn_begin(f.registry);
		if (txn != NULL) {
			set_one(txn, 80, &nat);
			sl_txn_masquerade(txn, true);
			sl_txn_locals(txn, &address, 1, 1, 2);
			error = sl_txn_commit(txn, &out, NULL);
		}
		if (f.memory.fail_at > 0) {
			assert_int_equal(error, 0);
			sl_engine_free(f.engine);
			break;
		}
		assert_int_equal(error, -ENOMEM);
		assert_int_equal(latest(&f)->n_endpoints, 0);
		assert_int_equal(latest(&f)->masquerade[0][0], SL_ID_NONE);
		one(&f, 80, &nat);
		assert_int_equal(record(&f, 80, &nat)->endpoint, 2); /* nobody has taken it */
		sl_engine_free(f.engine);
		assert_int_equal(f.memory.outstanding, 0);
	}
	assert_in_range(k, 10, 199);
}

/* ---- after a restart ---- */

struct files {
	struct fixture f;
	char base[64];
	struct sl_store *store;
};

static int files_setup(void **state)
{
	struct files *files = calloc(1, sizeof(*files));

	memset(methods, 0, sizeof(methods));
	fixture_params(&files->f);
	snprintf(files->base, sizeof(files->base), "%s/sl-fronts-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(files->base));
	*state = files;
	return 0;
}

static bool start(struct files *files)
{
	char directory[96];

	sl_engine_free(files->f.engine);
	sl_store_close(files->store);
	snprintf(directory, sizeof(directory), "%s/tables", files->base);
	assert_int_equal(sl_store_open(directory, 4096, &files->store, NULL), 0);
	files->f.params.store = files->store;
	assert_true(fixture_start(&files->f));
	return files->f.engine->adopted;
}

static int files_teardown(void **state)
{
	struct files *files = *state;
	char directory[96];

	snprintf(directory, sizeof(directory), "%s/tables", files->base);
	sl_engine_free(files->f.engine);
	sl_store_close(files->store);
	sl_store_purge(directory, NULL);
	rmdir(files->base);
	free(files);
	return 0;
}

static void a_restart_knows_what_servers_held(void **state)
{
	struct files *files = *state;
	struct fixture *f = &files->f;
	struct sl_server_spec spec = server(1, 80, OTHER);
	const struct sl_server *adopted;
	sl_id front, id, held;

	methods[OTHER].traits = NAT;
	start(files);
	one(f, 80, &spec);
	spec.fwd = (enum sl_fwd_method)PLAIN;
	one(f, 80, &spec);
	front = front_id(f, 80);
	id = server_id(f, 80, 1);
	held = record(f, 80, &spec)->held[SL_HOLD_PORT];

	assert_true(start(files));
	adopted = sl_snapshot_server(latest(f), id);
	assert_int_equal(adopted->state, SL_ID_DELETED);
	assert_int_equal(adopted->held[SL_HOLD_PORT], held);
	assert_int_equal(adopted->plain, PLAIN);
	assert_int_equal(sl_snapshot_front(latest(f), held)->state, SL_ID_DELETED);
	assert_int_equal(find(f, IPPROTO_TCP, &spec, 80), held);
	assert_true(sl_snapshot_front(latest(f), front)->has_nat);
	assert_true(sl_snapshot_front(latest(f), front)->has_other);
	assert_int_equal(latest(f)->n_endpoints, 1);

	one(f, 80, &spec); /* the configuration names it again */
	assert_int_equal(server_id(f, 80, 1), id);
	assert_int_equal(record(f, 80, &spec)->held[SL_HOLD_PORT], held);
	assert_int_equal(sl_snapshot_front(latest(f), held)->state, SL_ID_LIVE);
	no_service(f, 80);
	assert_true(start(files)); /* and nobody does */
	settle(f);
	assert_null(sl_snapshot_front(latest(f), held));
	assert_null(sl_snapshot_front(latest(f), front));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_rewriting_method_s_server_has_an_endpoint),
		T(a_tunnel_s_far_end_has_no_port),
		T(any_port_s_endpoints_are_counted),
		T(an_endpoint_lives_as_long_as_who_holds_it),
		T(it_comes_back_with_its_server),
		T(a_method_may_change),
		T(an_unchanged_service_learns_of_its_new_method),
		T(replaced_in_one_transaction),
		T(an_abort_takes_nothing),
		T(families_and_ports_as_the_method_can),
		T(an_ipv6_service),
		T(masquerading_has_four_fronts),
		T(local_addresses_are_shared_until_they_change),
		T(the_policy_of_tunnels),
		cmocka_unit_test(any_allocation_may_fail),
		cmocka_unit_test_setup_teardown(
			a_restart_knows_what_servers_held, files_setup, files_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
