/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "placement.h"

/* Two nodes of four physical cores with two threads each: CPUs 0-7 and their siblings 8-15. */
static void two_sockets(struct sl_cpus *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	cpus->n = 16;
	for (int i = 0; i < 16; i++)
		cpus->cpu[i] = (struct sl_cpu){
			.online = true, .allowed = true, .node = i % 8 / 4, .core = i % 8};
}

static void chosen(struct sl_conf *conf, unsigned n_workers)
{
	memset(conf, 0, sizeof(*conf));
	conf->n_workers = n_workers;
	conf->control_core = -1;
	for (unsigned i = 0; i < n_workers; i++)
		conf->cores[i] = -1;
}

static void workers_sit_on_the_ports_node_each_on_its_own_core(void **state)
{
	static struct sl_cpus cpus;
	struct sl_conf conf;
	struct sl_placement p;

	(void)state;
	two_sockets(&cpus);
	chosen(&conf, 3);
	sl_placement_choose(&conf, &cpus, 1, &p);
	assert_int_equal(p.control, 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(p.worker[i], 5 + i);
		assert_int_equal(p.node[i], 1);
	}
	assert_false(p.shared);
}

static void siblings_come_before_the_other_node(void **state)
{
	static struct sl_cpus cpus;
	struct sl_conf conf;
	struct sl_placement p;

	(void)state;
	two_sockets(&cpus);
	chosen(&conf, 8);
	sl_placement_choose(&conf, &cpus, 0, &p);
	for (int i = 3; i < 7; i++)
		assert_in_range(p.worker[i], 8, 11);
	assert_int_equal(p.node[7], 1);
	assert_false(p.shared);
}

static void named_cores_are_taken_and_avoided(void **state)
{
	static struct sl_cpus cpus;
	struct sl_conf conf;
	struct sl_placement p;

	(void)state;
	two_sockets(&cpus);
	chosen(&conf, 3);
	conf.cores[1] = 0;
	conf.control_core = 9;
	sl_placement_choose(&conf, &cpus, -1, &p);
	assert_int_equal(p.control, 9);
	assert_int_equal(p.worker[1], 0);
	/* CPU 1 is the sibling of 9. */
	assert_int_equal(p.worker[0], 2);
	assert_int_equal(p.worker[2], 3);
}

static void too_few_cores_are_shared_evenly(void **state)
{
	static struct sl_cpus cpus;
	struct sl_conf conf;
	struct sl_placement p;

	(void)state;
	memset(&cpus, 0, sizeof(cpus));
	cpus.n = 3;
	for (int i = 0; i < 3; i++)
		cpus.cpu[i] =
			(struct sl_cpu){.online = true, .allowed = i != 1, .node = -1, .core = i};
	chosen(&conf, 1);
	sl_placement_choose(&conf, &cpus, -1, &p);
	assert_int_equal(p.control, 0);
	assert_int_equal(p.worker[0], 2);
	assert_false(p.shared);
	chosen(&conf, 3);
	sl_placement_choose(&conf, &cpus, -1, &p);
	assert_true(p.shared);
	assert_int_equal(p.worker[0] + p.worker[1] + p.worker[2], 2 + 0 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_sit_on_the_ports_node_each_on_its_own_core),
		cmocka_unit_test(siblings_come_before_the_other_node),
		cmocka_unit_test(named_cores_are_taken_and_avoided),
		cmocka_unit_test(too_few_cores_are_shared_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
