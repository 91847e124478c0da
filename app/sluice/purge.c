/* SPDX-License-Identifier: BSD-3-Clause */
#include "purge.h"

#include <dirent.h>
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

/* Removes the files of a directory whose names begin with `prefix`; not what lies deeper. */
static void remove_files(const char *path, const char *prefix)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	closedir(directory);
}

static int purge_stores(const struct sl_conf *conf, struct sl_err *err)
{
	char path[PATH_MAX + 64], prefix[SL_INSTANCE_MAX + 32];
	int result = 0;

	snprintf(prefix, sizeof(prefix), SL_EAL_PREFIX "%smap_", conf->instance);
	for (unsigned n = 0; sl_memory_store_candidate("", conf->instance, n, path); n++) {
		int rc = sl_store_purge(path, err);

		if (rc == 0)
			sl_log_info("removed the tables in %s", path);
		else if (rc != -ENOENT && result == 0)
			result = rc;
		/* EAL's pages lie beside the tables. */
		*strrchr(path, '/') = '\0';
		remove_files(path, prefix);
	}
	return result;
}

static void purge_run_directories(const struct sl_conf *conf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SL_EAL_RUN_DIRECTORY "/" SL_EAL_PREFIX "%s", conf->instance);
	remove_files(path, "");
	rmdir(path);
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
