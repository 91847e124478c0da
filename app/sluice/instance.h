/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What belongs to an instance on this machine, whatever namespaces it uses: its lock, its run
 * directory, the directory of its tables. One process at a time holds the lock.
 */
#ifndef SLUICE_INSTANCE_H
#define SLUICE_INSTANCE_H

#include <limits.h>

#include "base/err.h"

#define SL_LOCK_DIRECTORY "/run/sluice"

struct sl_instance {
	int lock; /* descriptor */
	char lock_path[PATH_MAX];
	char run_directory[PATH_MAX];
};

/*
 * Takes the lock, without waiting, and makes the run directory (mode 0755). -EBUSY when another
 * process has it: the message says which, and since when. Other -errno with a message.
 */
int sl_instance_acquire(struct sl_instance *instance, const char *lock_directory, const char *name,
	const char *run_directory, struct sl_err *err);

/* Removes the run directory if it is empty, and the lock. */
void sl_instance_release(struct sl_instance *instance);

#endif
