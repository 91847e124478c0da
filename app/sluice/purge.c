/* SPDX-License-Identifier: BSD-3-Clause */
#include "purge.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/listener.h"
#include "base/log.h"
#include "eal.h"
#include "kernel.h"
#include "lb/store.h"
#include "memory.h"

static int purge_stores(const struct sl_conf *conf, struct sl_err *err)
{
	char path[PATH_MAX + 64];
	int result = 0;

	for (unsigned n = 0; sl_memory_store_candidate("", conf->instance, n, path); n++) {
		int rc = sl_store_purge(path, err);

		if (rc == 0)
			sl_log_info("removed the tables in %s", path);
		else if (rc != -ENOENT && result == 0)
			result = rc;
		/* EAL's pages lie beside the tables. */
		*strrchr(path, '/') = '\0';
		sl_eal_remove_pages(path, conf->instance);
	}
	return result;
}

static void purge_run_directories(const struct sl_conf *conf)
{
	char path[PATH_MAX];

	sl_eal_remove_run_directory(conf->instance);
	snprintf(path, sizeof(path), "%s/%s", conf->run_directory, SL_CONTROL_SOCKET);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", conf->run_directory, SL_VIEW_SOCKET);
	unlink(path);
}

int sl_purge(const struct sl_conf *conf, struct sl_err *err)
{
	int twins = sl_kernel_purge(conf, err);
	int stores = purge_stores(conf, err);

	purge_run_directories(conf);
	return twins < 0 ? twins : stores;
}
