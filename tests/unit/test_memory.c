/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "base/clock.h"
#include "fake_root.h"
#include "lb/engine.h"
#include "lb/store.h"
#include "memory.h"

#define MB ((uint64_t)1 << 20)

static struct sl_conf_port ports[] = {
	{.name = "wan", .mtu = 1500, .rx_descriptors = 1024, .tx_descriptors = 1024}};

static struct sl_conf conf_of(uint64_t connections, enum sl_huge_pages huge)
{
	return (struct sl_conf){.instance = "one",
		.n_workers = 2,
		.ports = ports,
		.n_ports = 1,
		.max_services = 1000,
		.max_servers = 10000,
		.connections = connections,
		.huge_pages = huge};
}

static void pages(const struct fake_root *root, unsigned total, unsigned free_pages)
{
	fake_file(root, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "%u\n", total);
	fake_file(root, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "%u\n",
		free_pages);
}

/* Mounted inside the fake root, so that files can be put there. */
static void mounted(const struct fake_root *root)
{
	fake_file(root, "/huge/keep", " ");
	fake_file(root, "/proc/self/mounts",
		"hugetlbfs %s/huge hugetlbfs rw,relatime,pagesize=2M 0 0\n", root->path);
}

static void machine(const struct fake_root *root)
{
	fake_file(root, "/proc/meminfo",
		"MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\nHugepagesize: 2048 kB\n");
	fake_file(root, "/dev/shm/keep", " ");
}

static void enough_huge_pages_are_used(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_AUTO);
	struct sl_problems problems = {0};
	struct sl_memory m;

	machine(root);
	pages(root, 1024, 1000);
	mounted(root);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 0);
	assert_true(m.huge);
	assert_int_equal(m.page, 2 * MB);
	assert_int_equal(m.connections, 100000);
	assert_non_null(strstr(m.store, "/huge/sluice-one"));
}

/* Other mounts belong to others, who may take them away. */
static void the_mount_with_our_tables_comes_first(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_ON);
	struct sl_problems problems = {0};
	struct sl_memory m;

	machine(root);
	pages(root, 1024, 1000);
	fake_file(root, "/proc/self/mounts",
		"hugetlbfs /other hugetlbfs rw,pagesize=2M 0 0\n"
		"hugetlbfs /big hugetlbfs rw,pagesize=1024M 0 0\n"
		"hugetlbfs /dev/hugepages hugetlbfs rw 0 0\n"
		"hugetlbfs %s/huge hugetlbfs rw,pagesize=2M 0 0\n",
		root->path);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_string_equal(m.mount, "/dev/hugepages");
	fake_file(root, "/huge/sluice-one/header", " ");
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_non_null(strstr(m.store, "/huge/sluice-one"));
	assert_int_equal(problems.n, 0);
}

static void auto_falls_back_to_small_pages(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_AUTO);
	struct sl_problems problems = {0};
	struct sl_memory m;

	machine(root);
	pages(root, 1024, 10);
	mounted(root);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 0);
	assert_false(m.huge);
	assert_non_null(strstr(m.store, "/dev/shm/sluice-one"));
	/* Not mounted is as good as none. */
	pages(root, 1024, 1024);
	fake_remove(root, "/proc/self/mounts");
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_false(m.huge);
}

static void on_names_the_command_for_each_lack(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_ON);
	struct sl_problems problems = {0};
	struct sl_memory m;
	uint64_t needed;
	char expected[96];

	machine(root);
	pages(root, 7, 3);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 2);
	needed = (m.dpdk_bytes + m.store_bytes) / (2 * MB);
	snprintf(expected, sizeof(expected),
		"echo %u > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
		(unsigned)(needed - 3 + 7));
	assert_non_null(strstr(problems.list[0].mend, expected));
	assert_non_null(strstr(problems.list[1].mend, "mount -t hugetlbfs"));
}

static uint64_t bytes_of_files(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat status;
	uint64_t bytes = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' &&
			fstatat(dirfd(directory), entry->d_name, &status, 0) == 0)
			bytes += (uint64_t)status.st_size;
	}
	closedir(directory);
	return bytes;
}

/* What is planned for the tables is what the engine then takes: a page less, and it cannot start.
 */
static void
store_as_planned(const struct fake_root *root, uint64_t connections_wide, uint64_t sides)
{
	struct sl_conf conf = conf_of(1000, SL_HUGE_OFF);
	struct sl_engine_params params = {
		.n_workers = conf.n_workers,
		.connections = conf.connections,
		.connections_wide = connections_wide,
		.sides = sides,
		.fronts = conf.max_services,
		.servers = conf.max_servers,
		.handover_ring = 8,
		.punt_ring = 8,
		.alloc = &sl_alloc_heap,
		.clock = &sl_clock_system,
	};
	struct sl_problems problems = {0};
	struct sl_engine *engine;
	struct sl_memory m;

	conf.connections_wide = connections_wide;
	conf.fullnat_connections = sides;
	machine(root);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(m.connections_wide, connections_wide != 0 ? connections_wide : 125);
	assert_int_equal(m.sides, sides != 0 ? sides : 125);
	assert_int_equal(sl_store_open(m.store, m.page, &params.store, NULL), 0);
	engine = sl_engine_new(&params, NULL);
	assert_non_null(engine);
	assert_int_equal(bytes_of_files(m.store), m.store_bytes);
	sl_engine_free(engine);
	sl_store_close(params.store);
}

static void the_store_is_as_large_as_planned(void **state)
{
	store_as_planned(*state, 0, 0);
}

static void so_it_is_with_a_number_of_wide_connections(void **state)
{
	store_as_planned(*state, 30000, 0);
}

static void so_it_is_with_a_number_of_side_records(void **state)
{
	store_as_planned(*state, 0, 30000);
}

static void what_an_earlier_run_holds_counts_as_free(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_ON);
	struct sl_problems problems = {0};
	struct sl_memory m;
	char *block = calloc(1, 3 * MB);

	machine(root);
	mounted(root);
	pages(root, 1024, 1024);
	sl_memory_plan(&conf, root->path, &m, &problems);
	pages(root, 1024, (unsigned)((m.dpdk_bytes + m.store_bytes) / (2 * MB) - 2));
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 1);
	problems.n = 0;
	memset(block, 'x', 3 * MB - 1);
	fake_file(root, "/huge/sluice-one/table", "%s", block);
	fake_file(root, "/huge/sluice-onemap_0", "%s", block);
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 0);
	free(block);
}

/* The tables of a killed director can be adopted only if the next start wants the same sizes. */
static void default_sizes_do_not_depend_on_what_is_free(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(0, SL_HUGE_ON);
	struct sl_problems problems = {0};
	struct sl_memory before, after;

	machine(root);
	mounted(root);
	pages(root, 4096, 4096);
	sl_memory_plan(&conf, root->path, &before, &problems);
	assert_true(before.connections >= 1 << 20);
	pages(root, 4096, 100);
	sl_memory_plan(&conf, root->path, &after, &problems);
	assert_int_equal(before.connections, after.connections);
	assert_int_equal(before.store_bytes, after.store_bytes);
}

static void too_little_memory_is_said(void **state)
{
	const struct fake_root *root = *state;
	struct sl_conf conf = conf_of(100000, SL_HUGE_OFF);
	struct sl_problems problems = {0};
	struct sl_memory m;

	machine(root);
	fake_file(root, "/proc/meminfo", "MemAvailable: 90000 kB\n");
	sl_memory_plan(&conf, root->path, &m, &problems);
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.list[0].text, "too little memory"));
}

static void a_larger_mtu_means_larger_buffers(void **state)
{
	struct sl_conf conf = conf_of(0, SL_HUGE_OFF);
	uint16_t usual = sl_memory_buffer_room(&conf);

	(void)state;
	assert_int_equal(usual, RTE_MBUF_DEFAULT_BUF_SIZE);
	ports[0].mtu = 9000;
	assert_in_range(sl_memory_buffer_room(&conf), 9000 + 128 + 18, 9300);
	ports[0].mtu = 1500;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(enough_huge_pages_are_used),
		TEST(the_mount_with_our_tables_comes_first),
		TEST(auto_falls_back_to_small_pages),
		TEST(on_names_the_command_for_each_lack),
		TEST(the_store_is_as_large_as_planned),
		TEST(so_it_is_with_a_number_of_wide_connections),
		TEST(so_it_is_with_a_number_of_side_records),
		TEST(what_an_earlier_run_holds_counts_as_free),
		TEST(default_sizes_do_not_depend_on_what_is_free),
		TEST(too_little_memory_is_said),
		TEST(a_larger_mtu_means_larger_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
