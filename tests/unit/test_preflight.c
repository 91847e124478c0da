/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "fake_root.h"
#include "preflight.h"

/* A machine on which everything is there, and a configuration that needs all of it. */
struct bench {
	struct sl_conf_port ports[2];
	char pci[16];
	char tap[32];
	struct sl_conf conf;
	struct sl_cpus cpus;
	struct sl_preflight preflight;
	char plugins[PATH_MAX];
	struct sl_problems problems;
};

static int kind; /* what the interface of the twin's name is */

static int fake_kind(const char *name, const char *netns)
{
	(void)name;
	(void)netns;
	return kind;
}

static void good_machine(const struct fake_root *root, struct bench *b)
{
	memset(b, 0, sizeof(*b));
	strcpy(b->pci, "0000:03:00.0");
	strcpy(b->tap, "net_tap0,iface=wire0");
	b->ports[0] = (struct sl_conf_port){
		.name = "wan", .device = b->pci, .twin = true, .twin_netns = "host"};
	b->ports[1] = (struct sl_conf_port){.name = "lan", .device = b->tap};
	b->conf = (struct sl_conf){.ports = b->ports,
		.n_ports = 2,
		.n_workers = 2,
		.cores = {1, -1},
		.control_core = 0};
	b->cpus.n = 2;
	for (int i = 0; i < 2; i++)
		b->cpus.cpu[i] = (struct sl_cpu){.online = true, .allowed = true};
	snprintf(b->plugins, sizeof(b->plugins), "%s/pmds", root->path);
	b->preflight = (struct sl_preflight){.conf = &b->conf,
		.cpus = &b->cpus,
		.root = root->path,
		.plugins = b->plugins,
		.interface_kind = fake_kind};
	kind = 1;
	fake_file(root, "/pmds/librte_net_tap.so", " ");
	fake_file(root, "/pmds/librte_net_null.so", " ");
	fake_file(root, "/dev/net/tun", " ");
	fake_file(root, "/dev/vfio/7", " ");
	fake_file(root, "/run/netns/host", " ");
	fake_file(root, "/proc/self/status", "Name:\tsluice\nCapEff:\t000001ffffffffff\n");
	fake_file(root, "/proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
	fake_link(root, "/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/vfio-pci");
	fake_link(root, "/sys/bus/pci/devices/0000:03:00.0/iommu_group", "../../groups/7");
}

/* Exactly one problem, with these words in it and in what mends it. */
static void expect(struct bench *b, const char *text, const char *mend)
{
	b->problems.n = 0;
	sl_preflight_run(&b->preflight, &b->problems);
	if (b->problems.n != 1)
		sl_problems_print(&b->problems, stdout);
	assert_int_equal(b->problems.n, 1);
	if (strstr(b->problems.list[0].text, text) == NULL ||
		strstr(b->problems.list[0].mend, mend) == NULL)
		sl_problems_print(&b->problems, stdout);
	assert_non_null(strstr(b->problems.list[0].text, text));
	assert_non_null(strstr(b->problems.list[0].mend, mend));
}

static void nothing_is_missing(void **state)
{
	struct bench b;

	good_machine(*state, &b);
	sl_preflight_run(&b.preflight, &b.problems);
	sl_problems_print(&b.problems, stdout);
	assert_int_equal(b.problems.n, 0);
}

static void pci_devices(void **state)
{
	const struct fake_root *root = *state;
	struct bench b;

	good_machine(root, &b);
	fake_link(root, "/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/ixgbe");
	expect(&b, "bound to ixgbe", "dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
	fake_remove(root, "/sys/bus/pci/devices/0000:03:00.0/driver");
	expect(&b, "bound to no driver", "driverctl set-override 0000:03:00.0 vfio-pci");
	fake_link(root, "/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/mlx5_core");
	sl_preflight_run(&b.preflight, &b.problems);
	assert_int_equal(b.problems.n, 1); /* the one before: none was added */
	strcpy(b.pci, "0000:04:00.0");
	expect(&b, "port wan: there is no PCI device 0000:04:00.0", "dpdk-devbind.py --status");
}

static void vfio_without_an_iommu(void **state)
{
	const struct fake_root *root = *state;
	struct bench b;

	good_machine(root, &b);
	fake_remove(root, "/dev/vfio/7");
	expect(&b, "/dev/vfio/7", "modprobe vfio-pci");
	fake_remove(root, "/sys/bus/pci/devices/0000:03:00.0/iommu_group");
	expect(&b, "no IOMMU", "intel_iommu=on");
}

static void misspelt_vdevs_are_refused(void **state)
{
	struct bench b;

	good_machine(*state, &b);
	strcpy(b.tap, "net_tapp0,iface=wire0");
	expect(&b, "no driver 'net_tapp' for its device net_tapp0", "did you mean net_tap0?");
	strcpy(b.tap, "net_tpa0,iface=wire0");
	fake_file(*state, "/pmds/librte_net_thunderx.so", " ");
	expect(&b, "no driver 'net_tpa' for its device net_tpa0", "did you mean net_tap0?");
	strcpy(b.tap, "eth0");
	expect(&b, "no driver 'eth'", "PCI address");
}

static void what_linux_has_to_have(void **state)
{
	const struct fake_root *root = *state;
	struct bench b;

	good_machine(root, &b);
	fake_remove(root, "/dev/net/tun");
	expect(&b, "/dev/net/tun", "modprobe tun");
	fake_file(root, "/dev/net/tun", " ");
	fake_remove(root, "/run/netns/host");
	expect(&b, "no network namespace host", "ip netns add host");
	fake_file(root, "/run/netns/host", " ");
	kind = -EEXIST;
	expect(&b, "an interface of that name already", "ip link set wan name OTHER");
	kind = 0;
	fake_file(root, "/proc/sys/net/ipv4/neigh/default/gc_thresh3", "100\n");
	expect(&b, "at most 100 IPv4 neighbours", "sysctl net.ipv4.neigh.default.gc_thresh3=256");
}

static void ipv6_and_its_neighbours(void **state)
{
	const struct fake_root *root = *state;
	struct sl_prefix own[2];
	struct sl_conf_service *service = sl_conf_service_new(3);
	struct bench b;

	good_machine(root, &b);
	sl_prefix_parse("192.168.8.11/24", &own[0]);
	sl_prefix_parse("2001:db8::11/64", &own[1]);
	b.conf.ports[0].addresses = own;
	b.conf.ports[0].n_addresses = 2;
	expect(&b, "runs without IPv6", "boot without");
	/* Two on the segment, one behind a router. */
	sl_addr_parse("2001:db8::12", &service->servers[0].address);
	sl_addr_parse("2001:db8::13", &service->servers[1].address);
	sl_addr_parse("2001:db8:9::14", &service->servers[2].address);
	b.conf.services = &service;
	b.conf.n_services = 1;
	fake_file(root, "/proc/sys/net/ipv6/neigh/default/gc_thresh3", "130\n");
	b.problems.n = 0;
	sl_preflight_run(&b.preflight, &b.problems);
	assert_int_equal(b.problems.n, 0);
	fake_file(root, "/proc/sys/net/ipv6/neigh/default/gc_thresh3", "129\n");
	expect(&b, "at most 129 IPv6 neighbours, the configuration's servers need 130",
		"net.ipv6.neigh.default.gc_thresh3=260");
	b.conf.ports[0].n_addresses = 0;
	b.conf.n_services = 0;
	sl_conf_service_unref(service);
}

static void capabilities(void **state)
{
	const struct fake_root *root = *state;
	struct bench b;

	good_machine(root, &b);
	fake_file(root, "/proc/self/status", "CapEff:\t%016x\n", 0x1fffffff & ~(1u << 12));
	expect(&b, "CAP_NET_ADMIN is missing", "AmbientCapabilities=CAP_NET_ADMIN");
	fake_file(root, "/proc/self/status", "CapEff:\t%016x\n", 0x1fffffff & ~(1u << 21));
	expect(&b, "CAP_SYS_ADMIN is missing", "run it as root");
}

static void cores(void **state)
{
	struct bench b;

	good_machine(*state, &b);
	b.conf.cores[1] = 2;
	expect(&b, "core 2 for the worker 1 does not exist", "lscpu");
	b.conf.cores[1] = -1;
	b.cpus.cpu[0].allowed = false;
	expect(&b, "core 0 for the control thread is not among those", "taskset");
}

static void all_problems_are_listed(void **state)
{
	const struct fake_root *root = *state;
	struct bench b;

	good_machine(root, &b);
	strcpy(b.pci, "0000:04:00.0");
	strcpy(b.tap, "net_tapp0");
	fake_remove(root, "/dev/net/tun");
	sl_preflight_run(&b.preflight, &b.problems);
	assert_int_equal(b.problems.n, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_missing),
		TEST(pci_devices),
		TEST(vfio_without_an_iommu),
		TEST(misspelt_vdevs_are_refused),
		TEST(what_linux_has_to_have),
		TEST(ipv6_and_its_neighbours),
		TEST(capabilities),
		TEST(cores),
		TEST(all_problems_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
