/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has to be there before EAL starts, since EAL's own messages name neither the cause nor the
 * remedy: devices and their drivers, capabilities, cores, namespaces, the twins' names.
 */
#ifndef SLUICE_PREFLIGHT_H
#define SLUICE_PREFLIGHT_H

#include "conf/model.h"
#include "placement.h"
#include "problems.h"

struct sl_preflight {
	const struct sl_conf *conf;
	const struct sl_cpus *cpus;
	const char *root;    /* before /proc, /sys, /dev and /run: "" but in tests */
	const char *plugins; /* directory of DPDK's drivers */
	/* Of an interface in a namespace: 1 a TAP, 0 none of that name, else something else. */
	int (*interface_kind)(const char *name, const char *netns);
};

/* Adds all that is missing to `problems`. Changes nothing. */
void sl_preflight_run(const struct sl_preflight *preflight, struct sl_problems *problems);

/* The machine's: for struct sl_preflight. */
int sl_preflight_interface_kind(const char *name, const char *netns);

#endif
