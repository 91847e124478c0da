/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "lb/local_port.h"
#include "engine_fixture.h"

#define ENDPOINT 12

/* An engine that knows nobody; its first worker is given local addresses. */
struct world {
	struct fixture f;
	struct sl_snapshot snapshot;
	struct sl_locals locals;
	union sl_ip v4[4], v6[2];
	struct sl_worker *w;
};

static void open_world(struct world *x, unsigned workers, uint32_t n4, uint16_t low, uint16_t high)
{
	fixture_params(&x->f);
	x->f.params.n_workers = workers;
	x->f.params.connections = 8192 * workers;
	x->f.params.sides = 8192 * workers;
	assert_true(fixture_start(&x->f));
	for (unsigned i = 0; i < 4; i++)
		x->v4[i] = sl_ip_v4(rte_cpu_to_be_32(0x0a000001 + i));
	memset(x->v6, 0, sizeof(x->v6));
	x->v6[0].bytes[0] = x->v6[1].bytes[0] = 0xfd;
	x->v6[1].bytes[15] = 1;
	x->locals = (struct sl_locals){
		.n4 = n4, .n6 = 2, .v4 = x->v4, .v6 = x->v6, .low = low, .high = high};
	x->w = x->f.engine->workers[workers / 2];
	sl_worker_poll_begin(x->w, x->f.manual.ns);
	x->snapshot = *x->w->snapshot;
	x->snapshot.locals = &x->locals;
	x->w->snapshot = &x->snapshot;
}

static void close_world(struct world *x)
{
	sl_worker_poll_end(x->w);
	sl_engine_free(x->f.engine);
}

static struct sl_side client(unsigned n, sl_id endpoint)
{
	struct sl_side side = {
		.client_port = rte_cpu_to_be_16((uint16_t)n),
		.front = 11,
		.endpoint = endpoint,
		.state = SL_STATE_ESTABLISHED,
		.flags = SL_SIDE_DATA,
	};

	side.client = sl_ip_v4(rte_cpu_to_be_32(0xcb007100 + n / 65536));
	return side;
}

static int connect_one(struct world *x, struct sl_side *side, uint32_t *index)
{
	int rc = sl_local_port_choose(x->w, side, SL_ID_NONE);

	return rc < 0 ? rc : sl_side_insert(x->w, side, index);
}

/* As many connections to a server as there are local endpoints, and not one more. */
static void every_endpoint_is_used_before_it_is_refused(void **state)
{
	struct sl_side side;
	struct world x;
	uint32_t index;

	open_world(&x, 1, 2, 5000, 5004);
	for (unsigned n = 0; n < 10; n++) {
		side = client(n, ENDPOINT);
		assert_int_equal(connect_one(&x, &side, &index), 0);
		assert_in_range(rte_be_to_cpu_16(side.local_port), 5000, 5004);
	}
	side = client(10, ENDPOINT);
	assert_int_equal(connect_one(&x, &side, &index), -EADDRNOTAVAIL);
	assert_int_equal(x.w->sides->stats.no_port, 1);
	/* Towards another server they are all free. */
	for (unsigned n = 0; n < 10; n++) {
		side = client(20 + n, ENDPOINT + 1);
		assert_int_equal(connect_one(&x, &side, &index), 0);
	}
	close_world(&x);
}

/* One that ended is used again a minute after its last packet, not before. */
static void a_port_is_not_used_again_within_a_minute(void **state)
{
	struct sl_side side = client(1, ENDPOINT);
	struct world x;
	uint32_t index;

	open_world(&x, 1, 1, 5000, 5000);
	assert_int_equal(connect_one(&x, &side, &index), 0);
	sl_side_remove(x.w, index);
	side = client(2, ENDPOINT);
	x.w->tick += 59;
	while (!sl_side_sweep(x.w, 10))
		;
	assert_int_equal(connect_one(&x, &side, &index), -EADDRNOTAVAIL);
	x.w->tick++;
	while (!sl_side_sweep(x.w, 10))
		;
	assert_int_equal(connect_one(&x, &side, &index), 0);
	close_world(&x);
}

static void replies_come_to_the_worker_that_chose(void **state)
{
	static const unsigned workers[] = {2, 3, 8, 64};

	for (size_t i = 0; i < RTE_DIM(workers); i++) {
		struct world x;

		open_world(&x, workers[i], 4, 1024, 65535);
		for (unsigned n = 0; n < 500; n++) {
			struct sl_side side = client(n, ENDPOINT);
			uint32_t index;

			if (n % 5 == 0)
				side.flags |= SL_SIDE_LOCAL_WIDE;
			assert_int_equal(connect_one(&x, &side, &index), 0);
			assert_int_equal(sl_engine_owner(x.f.engine, n % 5 == 0 ? 6 : 4,
						 &side.local, side.local_port),
				x.w->index);
		}
		assert_int_equal(x.w->sides->stats.no_port, 0);
		close_world(&x);
	}
}

/* Addresses and ports get their even share, also of clients that count up. */
static void the_choice_is_even(void **state)
{
	unsigned by_address[4] = {0}, by_range[16] = {0};
	struct world x;

	open_world(&x, 2, 4, 1024, 65535);
	for (unsigned n = 0; n < 4000; n++) {
		struct sl_side side = client(n, ENDPOINT);
		uint32_t index;

		assert_int_equal(connect_one(&x, &side, &index), 0);
		by_address[side.local.bytes[3] - 1]++;
		by_range[(rte_be_to_cpu_16(side.local_port) - 1024u) / 4032]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(by_address[i], 850, 1150); /* 1,000, standard deviation 27 */
	for (unsigned i = 0; i < 16; i++)
		assert_in_range(by_range[i], 180, 320); /* 250, standard deviation 15 */
	close_world(&x);
}

/* Four in five endpoints in use towards one server: hardly anybody is refused. */
static void a_crowded_server_is_still_reached(void **state)
{
	enum { PORTS = 2000 };
	unsigned refused = 0;
	struct world x;

	open_world(&x, 1, 2, 1024, 1024 + PORTS / 2 - 1);
	for (unsigned n = 0; n < PORTS * 4 / 5; n++) {
		struct sl_side side = client(n, ENDPOINT);
		uint32_t index;

		refused += connect_one(&x, &side, &index) != 0;
	}
	assert_in_range(refused, 0, PORTS / 100);
	close_world(&x);
}

static void without_addresses_nothing_is_chosen(void **state)
{
	struct sl_side side = client(1, ENDPOINT);
	struct world x;

	open_world(&x, 1, 0, 1024, 65535);
	assert_int_equal(sl_local_port_choose(x.w, &side, SL_ID_NONE), -EADDRNOTAVAIL);
	side.flags |= SL_SIDE_LOCAL_WIDE;
	assert_int_equal(sl_local_port_choose(x.w, &side, SL_ID_NONE), 0);
	assert_int_equal(side.local.bytes[0], 0xfd);
	x.snapshot.locals = NULL;
	assert_int_equal(sl_local_port_choose(x.w, &side, SL_ID_NONE), -EADDRNOTAVAIL);
	assert_int_equal(x.w->sides->stats.no_port, 2);
	close_world(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_endpoint_is_used_before_it_is_refused),
		cmocka_unit_test(a_port_is_not_used_again_within_a_minute),
		cmocka_unit_test(replies_come_to_the_worker_that_chose),
		cmocka_unit_test(the_choice_is_even),
		cmocka_unit_test(a_crowded_server_is_still_reached),
		cmocka_unit_test(without_addresses_nothing_is_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
