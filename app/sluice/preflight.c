/* SPDX-License-Identifier: BSD-3-Clause */
#include "preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "device.h"
#include "netns.h"
#include "preflight_device.h"
#include "sysfile.h"

static bool has_pci(const struct sl_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		const struct sl_conf_port *port = &conf->ports[i];

		if (port->device != NULL && sl_device_is_pci(port->device))
			return true;
		for (uint32_t k = 0; k < port->n_members; k++) {
			if (sl_device_is_pci(port->members[k]))
				return true;
		}
	}
	return false;
}

/* A port that makes or enters an interface of Linux. */
static bool has_kernel_interface(const struct sl_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		const char *device = conf->ports[i].device;

		if (conf->ports[i].twin ||
			(device != NULL && strncmp(device, "net_tap", strlen("net_tap")) == 0))
			return true;
	}
	return false;
}

static bool has_netns(const struct sl_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		if (conf->ports[i].twin && conf->ports[i].twin_netns[0] != '\0')
			return true;
	}
	return false;
}

static void check_tun(const struct sl_preflight *p, struct sl_problems *problems)
{
	if (!has_kernel_interface(p->conf) || sl_sysfile_exists("%s/dev/net/tun", p->root))
		return;
	sl_problem_add(problems, "/dev/net/tun does not exist: twins and net_tap need it");
	sl_problem_mend(problems, "run: modprobe tun");
}

static uint64_t effective_capabilities(const char *root)
{
	char text[4096];
	const char *at;

	if (sl_sysfile_read(text, sizeof(text), "%s/proc/self/status", root) < 0)
		return UINT64_MAX;
	at = strstr(text, "CapEff:");
	return at != NULL ? strtoull(at + 7, NULL, 16) : UINT64_MAX;
}

static void need_capability(
	uint64_t have, int bit, const char *name, const char *what, struct sl_problems *problems)
{
	if (have & (1ull << bit))
		return;
	sl_problem_add(problems, "the capability %s is missing: %s needs it", name, what);
	sl_problem_mend(
		problems, "run it as root, or put AmbientCapabilities=%s into its unit", name);
}

static void check_capabilities(const struct sl_preflight *p, struct sl_problems *problems)
{
	uint64_t have = effective_capabilities(p->root);
	struct rlimit locked;

	if (has_kernel_interface(p->conf))
		need_capability(have, CAP_NET_ADMIN, "CAP_NET_ADMIN", "making twins", problems);
	if (has_netns(p->conf))
		need_capability(have, CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
			"opening a twin in another namespace", problems);
	if (has_pci(p->conf) && getrlimit(RLIMIT_MEMLOCK, &locked) == 0 &&
		locked.rlim_cur != RLIM_INFINITY)
		need_capability(have, CAP_IPC_LOCK, "CAP_IPC_LOCK",
			"a network card that reads our memory", problems);
}

static void
check_core(const struct sl_preflight *p, int core, const char *what, struct sl_problems *problems)
{
	if (core < 0)
		return;
	if ((unsigned)core >= p->cpus->n || !p->cpus->cpu[core].online) {
		sl_problem_add(problems,
			"core %d for the %s does not exist: this machine has 0 to %u", core, what,
			p->cpus->n - 1);
		sl_problem_mend(problems, "lscpu --extended lists them");
	} else if (!p->cpus->cpu[core].allowed) {
		sl_problem_add(problems,
			"core %d for the %s is not among those that this process may use", core,
			what);
		sl_problem_mend(problems,
			"taskset -cp $$ shows them; see also AllowedCPUs= and "
			"CPUAffinity= of the unit");
	}
}

static void check_cores(const struct sl_preflight *p, struct sl_problems *problems)
{
	check_core(p, p->conf->control_core, "control thread", problems);
	for (uint32_t i = 0; i < p->conf->n_workers; i++) {
		char what[24];

		snprintf(what, sizeof(what), "worker %u", i);
		check_core(p, p->conf->cores[i], what, problems);
	}
}

static int compare_addresses(const void *a, const void *b)
{
	return sl_addr_compare(a, b);
}

/* Of the family, in a prefix of ours; where we have none of the family we cannot know. */
static bool is_neighbour(const struct sl_conf *conf, const struct sl_addr *server, uint8_t family)
{
	bool prefixes = false;

	if (server->family != family)
		return false;
	for (uint32_t i = 0; i < conf->n_ports && !prefixes; i++) {
		for (uint32_t k = 0; k < conf->ports[i].n_addresses; k++)
			prefixes |= conf->ports[i].addresses[k].addr.family == family;
	}
	return !prefixes || sl_conf_port_of(conf, server) != SL_CONF_NO_PORT;
}

/* Different addresses of servers on our segments: so many neighbours Linux has to keep. */
static uint64_t count_neighbours(const struct sl_conf *conf, uint8_t family)
{
	struct sl_addr *all;
	uint64_t n = 0, different = 0;

	for (uint32_t i = 0; i < conf->n_services; i++)
		n += conf->services[i]->n_servers;
	all = n > 0 ? malloc(n * sizeof(*all)) : NULL;
	if (all == NULL)
		return n;
	n = 0;
	for (uint32_t i = 0; i < conf->n_services; i++) {
		for (uint32_t k = 0; k < conf->services[i]->n_servers; k++) {
			const struct sl_addr *address = &conf->services[i]->servers[k].address;

			if (is_neighbour(conf, address, family))
				all[n++] = *address;
		}
	}
	qsort(all, n, sizeof(*all), compare_addresses);
	for (uint64_t i = 0; i < n; i++)
		different += i == 0 || !sl_addr_equal(&all[i], &all[i - 1]);
	free(all);
	return different;
}

static void
check_neighbours(const struct sl_preflight *p, uint8_t family, struct sl_problems *problems)
{
	uint64_t servers = count_neighbours(p->conf, family), limit;
	uint64_t needed = servers + 128; /* clients on the segment, routers */

	if (!has_kernel_interface(p->conf) || (family == 6 && servers == 0) ||
		sl_sysfile_number(&limit, "%s/proc/sys/net/ipv%u/neigh/default/gc_thresh3", p->root,
			family) < 0 ||
		limit >= needed)
		return;
	sl_problem_add(problems,
		"Linux keeps at most %" PRIu64
		" IPv%u neighbours, the configuration's servers need %" PRIu64,
		limit, family, needed);
	sl_problem_mend(problems,
		"run: sysctl net.ipv%u.neigh.default.gc_thresh3=%" PRIu64
		" net.ipv%u.neigh.default.gc_thresh2=%" PRIu64,
		family, 2 * needed, family, needed);
}

static bool has_ipv6(const struct sl_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		for (uint32_t k = 0; k < conf->ports[i].n_addresses; k++) {
			if (conf->ports[i].addresses[k].addr.family == 6)
				return true;
		}
	}
	for (uint32_t i = 0; i < conf->n_vips; i++) {
		if (conf->vips[i].address.family == 6)
			return true;
	}
	return false;
}

static void check_ipv6(const struct sl_preflight *p, struct sl_problems *problems)
{
	if (!has_kernel_interface(p->conf) || !has_ipv6(p->conf) ||
		sl_sysfile_exists("%s/proc/sys/net/ipv6", p->root))
		return;
	sl_problem_add(problems, "this Linux runs without IPv6, the configuration has addresses");
	sl_problem_mend(problems, "boot without ipv6.disable=1");
}

static void check_twin(
	const struct sl_preflight *p, const struct sl_conf_port *port, struct sl_problems *problems)
{
	bool named = port->twin_netns[0] != '\0' && port->twin_netns[0] != '/';
	int kind;

	if (!port->twin)
		return;
	if (port->twin_netns[0] != '\0' &&
		!sl_sysfile_exists(
			"%s%s%s", p->root, named ? "/run/netns/" : "", port->twin_netns)) {
		sl_problem_add(problems, "port %s: there is no network namespace %s for its twin",
			port->name, port->twin_netns);
		if (named)
			sl_problem_mend(problems, "run: ip netns add %s", port->twin_netns);
		return;
	}
	kind = p->interface_kind(port->name, port->twin_netns);
	if (kind == 0 || kind == 1 || kind == -EPERM)
		return;
	sl_problem_add(problems,
		"port %s: there is an interface of that name already, and it is no TAP interface "
		"that could be its twin",
		port->name);
	sl_problem_mend(problems,
		"rename the port in the configuration, or that interface: ip link "
		"set %s name OTHER",
		port->name);
}

static int is_tap(const char *name)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (char *)&info;
	rc = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(fd);
	if (rc == -ENODEV)
		return 0;
	return rc == 0 && strcmp(info.driver, "tun") == 0 && strcmp(info.bus_info, "tap") == 0
		? 1
		: -EEXIST;
}

static int ask_kind(void *arg)
{
	return is_tap(arg);
}

int sl_preflight_interface_kind(const char *name, const char *netns)
{
	return sl_netns_run(netns, ask_kind, (void *)(uintptr_t)name);
}

void sl_preflight_run(const struct sl_preflight *p, struct sl_problems *problems)
{
	check_tun(p, problems);
	check_capabilities(p, problems);
	check_cores(p, problems);
	for (uint32_t i = 0; i < p->conf->n_ports; i++) {
		sl_preflight_device(p, &p->conf->ports[i], problems);
		check_twin(p, &p->conf->ports[i], problems);
	}
	check_ipv6(p, problems);
	check_neighbours(p, 4, problems);
	check_neighbours(p, 6, problems);
}
