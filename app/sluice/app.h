/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The director's parts. Filled rung by rung by main.c's ladder, in the order in which they stand
 * here, and undone in the reverse order.
 */
#ifndef SLUICE_APP_H
#define SLUICE_APP_H

#include "api/director.h"
#include "api/executor.h"
#include "api/listener.h"
#include "control.h"
#include "instance.h"
#include "kernel.h"
#include "lb/store.h"
#include "memory.h"
#include "mirror.h"
#include "options.h"
#include "placement.h"
#include "port.h"
#include "tsc.h"
#include "twin.h"
#include "worker.h"

struct sl_app {
	struct sl_options options;
	struct sl_conf *conf; /* the start's; sl_director_conf() is the running one */
	uint64_t started_ns;
	struct sl_instance instance;
	struct sl_placement placement;
	struct sl_memory memory;
	struct sl_ports ports;
	struct sl_store *store;
	struct sl_engine *engine;
	struct sl_control *control;
	struct sl_twin *twin; /* NULL when no port has one */
	struct sl_kernel *kernel;
	struct sl_mirror *mirror;
	struct sl_executor *executor;
	struct sl_host host;
	struct sl_director *director;
	struct sl_tsc tsc __attribute__((aligned(64))); /* workers read it in each poll */
	struct sl_worker_loop *loops[SL_WORKERS_MAX];
	struct sl_listener *listener;
	bool reclaiming; /* a timer frees old generations; control core */
};

#endif
