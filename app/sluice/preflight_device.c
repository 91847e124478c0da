/* SPDX-License-Identifier: BSD-3-Clause */
#include "preflight_device.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/likeness.h"
#include "device.h"
#include "sysfile.h"

/* Drivers of Linux under which DPDK drives a device itself, and those that it shares it with. */
static const char *const usable_drivers[] = {
	"vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core", "mlx5_core", "mana", "ifcvf", NULL};

/* vdevs whose name differs from that of the file their driver lies in. */
static const struct {
	const char *driver;
	const char *file;
} renamed[] = {{"net_tun", "net_tap"}, {"net_virtio_user", "net_virtio"},
	{"net_bonding", "net_bond"}, {"net_eth_vhost", "net_vhost"}};

static bool driver_exists(const char *plugins, const char *driver)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		if (strcmp(driver, renamed[i].driver) == 0)
			driver = renamed[i].file;
	}
	return sl_sysfile_exists("%s/librte_%s.so", plugins, driver);
}

/* The installed driver whose name is most like one that is none; "" when none is like it. */
static void most_alike(const char *plugins, const char *driver, char best[SL_DEVICE_NAME])
{
	DIR *directory = opendir(plugins);
	const struct dirent *entry;
	unsigned least = SL_UNLIKE;

	best[0] = '\0';
	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		const char *name = entry->d_name + strlen("librte_"), *dot;
		char known[SL_DEVICE_NAME];
		unsigned unlikeness;

		if (strncmp(entry->d_name, "librte_net_", 11) != 0 ||
			(dot = strstr(name, ".so")) == NULL || dot[3] != '\0')
			continue;
		snprintf(known, sizeof(known), "%.*s", (int)(dot - name), name);
		unlikeness = sl_unlikeness(driver, known);
		if (unlikeness < least) {
			least = unlikeness;
			strcpy(best, known);
		}
	}
	closedir(directory);
}

/* EAL accepts any name that begins like a driver's, or none at all, and says nothing. */
static void check_vdev(const struct sl_preflight *p, const struct sl_conf_port *port,
	const char *device, struct sl_problems *problems)
{
	char driver[SL_DEVICE_NAME], best[SL_DEVICE_NAME];

	sl_device_driver(device, driver);
	/* A DPDK that is linked in has no such directory: its drivers speak for themselves. */
	if (!sl_sysfile_exists("%s", p->plugins) || driver_exists(p->plugins, driver))
		return;
	sl_problem_add(problems, "port %s: DPDK has no driver '%s' for its device %.*s", port->name,
		driver, (int)strcspn(device, ","), device);
	most_alike(p->plugins, driver, best);
	if (best[0] != '\0')
		sl_problem_mend(problems, "did you mean %s0?", best);
	else
		sl_problem_mend(problems,
			"it has to be a PCI address like 0000:03:00.0, or one of the drivers in "
			"%s: net_tap0, "
			"net_af_packet0, ...",
			p->plugins);
}

/* The base name of what a link below the device's directory leads to; false when there is none. */
static bool
linked_name(const struct sl_preflight *p, const char *pci, const char *link, char name[64])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/%s", p->root, pci, link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, 64, "%.63s", slash != NULL ? slash + 1 : target);
	return true;
}

static bool usable(const char *driver)
{
	for (unsigned i = 0; usable_drivers[i] != NULL; i++) {
		if (strcmp(driver, usable_drivers[i]) == 0)
			return true;
	}
	return false;
}

static void check_vfio(const struct sl_preflight *p, const struct sl_conf_port *port,
	const char *pci, struct sl_problems *problems)
{
	char group[64];

	if (!linked_name(p, pci, "iommu_group", group)) {
		if (sl_sysfile_exists(
			    "%s/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", p->root))
			return;
		sl_problem_add(problems,
			"port %s: %s is bound to vfio-pci but the machine has no IOMMU in use",
			port->name, pci);
		sl_problem_mend(problems,
			"boot with intel_iommu=on iommu=pt (AMD: iommu=pt), or: "
			"modprobe vfio enable_unsafe_noiommu_mode=1");
	} else if (!sl_sysfile_exists("%s/dev/vfio/%s", p->root, group) &&
		!sl_sysfile_exists("%s/dev/vfio/noiommu-%s", p->root, group)) {
		sl_problem_add(problems, "port %s: /dev/vfio/%s, the group of %s, does not exist",
			port->name, group, pci);
		sl_problem_mend(problems, "run: modprobe vfio-pci");
	}
}

static void check_pci(const struct sl_preflight *p, const struct sl_conf_port *port,
	const char *device, struct sl_problems *problems)
{
	char pci[SL_DEVICE_NAME], driver[64];

	sl_device_name(device, pci);
	if (!sl_sysfile_exists("%s/sys/bus/pci/devices/%s", p->root, pci)) {
		sl_problem_add(problems, "port %s: there is no PCI device %s", port->name, pci);
		sl_problem_mend(problems, "dpdk-devbind.py --status-dev net lists what is there");
		return;
	}
	if (!linked_name(p, pci, "driver", driver))
		snprintf(driver, sizeof(driver), "no driver");
	if (usable(driver)) {
		if (strcmp(driver, "vfio-pci") == 0)
			check_vfio(p, port, pci, problems);
		return;
	}
	sl_problem_add(problems, "port %s: %s is bound to %s, which DPDK cannot use", port->name,
		pci, driver);
	sl_problem_mend(problems,
		"run: modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci %s (to keep it over "
		"reboots: "
		"driverctl set-override %s vfio-pci)",
		pci, pci);
}

static void check_device(const struct sl_preflight *p, const struct sl_conf_port *port,
	const char *device, struct sl_problems *problems)
{
	if (sl_device_is_pci(device))
		check_pci(p, port, device, problems);
	else
		check_vdev(p, port, device, problems);
}

void sl_preflight_device(
	const struct sl_preflight *p, const struct sl_conf_port *port, struct sl_problems *problems)
{
	if (port->device != NULL) /* a VLAN has none */
		check_device(p, port, port->device, problems);
	for (uint32_t i = 0; i < port->n_members; i++)
		check_device(p, port, port->members[i], problems);
}
