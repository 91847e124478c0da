/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which core runs what. Cores that the configuration names are taken as they are; others are
 * chosen among those that the process may use: on the node of the ports, one thread per physical
 * core first, the control core aside.
 */
#ifndef SLUICE_PLACEMENT_H
#define SLUICE_PLACEMENT_H

#include <stdbool.h>

#include "conf/model.h"

#define SL_CPUS_MAX 1024

struct sl_cpu {
	bool online;
	bool allowed; /* by the affinity that the process was started with */
	int node;     /* -1 = not known */
	int core;     /* lowest CPU of the same physical core */
};

struct sl_cpus {
	unsigned n; /* CPUs 0 .. n-1 are described */
	struct sl_cpu cpu[SL_CPUS_MAX];
};

struct sl_placement {
	int control; /* CPU of the control, configuration and twin threads */
	unsigned n_workers;
	int worker[SL_WORKERS_MAX]; /* CPU of each */
	int node[SL_WORKERS_MAX];   /* its NUMA node, -1 = not known */
	bool shared; /* a worker's CPU has another worker or the control thread: no busy polling */
};

/*
 * Reads the machine: affinity of this thread, nodes (libnuma), physical cores (below `root`/sys).
 */
void sl_cpus_read(const char *root, struct sl_cpus *cpus);

/*
 * Chooses. `node` is that of the ports, -1 when it is not known. CPUs that the configuration names
 * must be allowed (preflight has looked).
 */
void sl_placement_choose(
	const struct sl_conf *conf, const struct sl_cpus *cpus, int node, struct sl_placement *out);

/* The node of the first port that has one: PCI devices do, vdevs do not. -1 = none. */
int sl_ports_node(const char *root, const struct sl_conf *conf);

/* Says in the log what runs where, and warns of workers far from `node` and of shared cores. */
void sl_placement_log(const struct sl_conf *conf, const struct sl_placement *placement, int node);

#endif
