/* SPDX-License-Identifier: BSD-3-Clause */
#include "placement.h"

#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sysfile.h"

void sl_cpus_read(const char *root, struct sl_cpus *cpus)
{
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	bool nodes = numa_available() >= 0;
	cpu_set_t allowed;

	memset(cpus, 0, sizeof(*cpus));
	cpus->n = configured > SL_CPUS_MAX ? SL_CPUS_MAX : (unsigned)configured;
	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (unsigned i = 0; i < cpus->n; i++) {
		struct sl_cpu *cpu = &cpus->cpu[i];
		char text[64];

		cpu->allowed = i < CPU_SETSIZE && CPU_ISSET(i, &allowed);
		cpu->node = nodes ? numa_node_of_cpu((int)i) : -1;
		cpu->core = (int)i;
		/* CPU 0 often has no such file: it cannot be taken offline. */
		if (sl_sysfile_read(text, sizeof(text), "%s/sys/devices/system/cpu/cpu%u/online",
			    root, i) < 0)
			cpu->online = true;
		else
			cpu->online = text[0] != '0';
		if (sl_sysfile_read(text, sizeof(text),
			    "%s/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", root,
			    i) > 0)
			cpu->core = atoi(text);
	}
}

int sl_ports_node(const char *root, const struct sl_conf *conf)
{
	char text[32];

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		const char *device = conf->ports[i].device;

		if (device != NULL &&
			sl_sysfile_read(text, sizeof(text), "%s/sys/bus/pci/devices/%.*s/numa_node",
				root, (int)strcspn(device, ","), device) > 0 &&
			atoi(text) >= 0)
			return atoi(text);
	}
	return -1;
}

struct choice {
	const struct sl_cpus *cpus;
	unsigned char threads[SL_CPUS_MAX]; /* of ours, on each CPU */
	int node;
};

static bool sibling_busy(const struct choice *c, unsigned cpu)
{
	for (unsigned i = 0; i < c->cpus->n; i++) {
		if (i != cpu && c->threads[i] > 0 && c->cpus->cpu[i].core == c->cpus->cpu[cpu].core)
			return true;
	}
	return false;
}

/* The CPU with the fewest of our threads; among these on the node; among these a physical core
 * alone. */
static int best_cpu(const struct choice *c)
{
	unsigned best_cost = UINT32_MAX;
	int best = 0;

	for (unsigned i = 0; i < c->cpus->n; i++) {
		const struct sl_cpu *cpu = &c->cpus->cpu[i];
		unsigned cost = c->threads[i] * 4u;

		if (!cpu->allowed || !cpu->online)
			continue;
		if (c->node >= 0 && cpu->node >= 0 && cpu->node != c->node)
			cost += 2;
		if (sibling_busy(c, i))
			cost += 1;
		if (cost < best_cost) {
			best_cost = cost;
			best = (int)i;
		}
	}
	return best;
}

static int take(struct choice *c, int cpu)
{
	if (cpu < 0)
		cpu = best_cpu(c);
	c->threads[cpu]++;
	return cpu;
}

void sl_placement_choose(
	const struct sl_conf *conf, const struct sl_cpus *cpus, int node, struct sl_placement *out)
{
	struct choice choice = {.cpus = cpus, .node = node};

	memset(out, 0, sizeof(*out));
	out->n_workers = conf->n_workers;
	/* What is named comes first: what is chosen then keeps out of its way. */
	for (unsigned i = 0; i < conf->n_workers; i++) {
		if (conf->cores[i] >= 0)
			take(&choice, conf->cores[i]);
	}
	out->control = take(&choice, conf->control_core);
	for (unsigned i = 0; i < conf->n_workers; i++) {
		out->worker[i] = conf->cores[i] >= 0 ? conf->cores[i] : take(&choice, -1);
		out->node[i] = cpus->cpu[out->worker[i]].node;
	}
	for (unsigned i = 0; i < conf->n_workers; i++)
		out->shared |= choice.threads[out->worker[i]] > 1;
}

void sl_placement_log(const struct sl_conf *conf, const struct sl_placement *placement, int node)
{
	sl_log_info("control core %d", placement->control);
	for (unsigned i = 0; i < placement->n_workers; i++) {
		sl_log_info("worker %u on core %d", i, placement->worker[i]);
		if (node >= 0 && placement->node[i] >= 0 && placement->node[i] != node)
			sl_log_warning(
				"worker %u runs on core %d of NUMA node %d, the ports are on "
				"node %d: each packet crosses between them; name other cores "
				"in \"workers\"",
				i, placement->worker[i], placement->node[i], node);
	}
	if (placement->shared && conf->poll == SL_POLL_BUSY)
		sl_log_warning("%u workers and the control thread share too few cores for busy "
			       "polling: polling is adaptive",
			placement->n_workers);
}
