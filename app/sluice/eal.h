/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: its arguments from our configuration, its output into our log. */
#ifndef SLUICE_EAL_H
#define SLUICE_EAL_H

#include "base/alloc.h"
#include "base/err.h"
#include "conf/model.h"
#include "memory.h"
#include "placement.h"

/* Files of EAL in its run directory and on hugetlbfs begin with this and the instance's name. */
#define SL_EAL_PREFIX "sluice-"

/* Worker i runs on this EAL lcore; 0 is the control core. */
#define SL_WORKER_LCORE(i) ((i) + 1)

/*
 * Starts EAL. The calling thread becomes the control core's. 0, or -errno with EAL's own last
 * complaint in the message. Once per process.
 */
int sl_eal_start(const struct sl_conf *conf, const struct sl_placement *placement,
	const struct sl_memory *memory, struct sl_err *err);

/* Ends EAL and removes what it leaves behind. */
void sl_eal_stop(const struct sl_conf *conf, const struct sl_memory *memory);

/* Removes EAL's pages of an instance that does not run from a mount of hugetlbfs. */
void sl_eal_remove_pages(const char *mount, const char *instance);

/* Removes its run directory. */
void sl_eal_remove_run_directory(const char *instance);

/*
 * While `expected`, complaints are of no interest: something is tried that not every device takes.
 * Control core.
 */
void sl_eal_expect_errors(bool expected);

/* What EAL or a driver last reported as an error; "" when nothing was. Control core. */
const char *sl_eal_last_error(void);

/*
 * The arguments that sl_eal_start() uses, NULL at the end; on the heap, each and all. NULL without
 * memory.
 */
char **sl_eal_arguments(const struct sl_conf *conf, const struct sl_placement *placement,
	const struct sl_memory *memory);
void sl_eal_arguments_free(char **arguments);

/* DPDK's heap. Control core and configuration thread; never a worker. */
extern const struct sl_alloc sl_alloc_eal;

#endif
