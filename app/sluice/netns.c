/* SPDX-License-Identifier: BSD-3-Clause */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct job {
	const char *netns;
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static int enter(const char *netns)
{
	char path[PATH_MAX];
	int fd, ret;

	if (strchr(netns, '/') != NULL)
		ret = snprintf(path, sizeof(path), "%s", netns);
	else
		ret = snprintf(path, sizeof(path), "/run/netns/%s", netns);
	if (ret >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = setns(fd, CLONE_NEWNET) == 0 ? 0 : -errno;
	close(fd);
	return ret;
}

static void *run(void *arg)
{
	struct job *job = arg;

	job->result = enter(job->netns);
	if (job->result == 0)
		job->result = job->fn(job->arg);
	return NULL;
}

int sl_netns_run(const char *netns, int (*fn)(void *arg), void *arg)
{
	struct job job = {.netns = netns, .fn = fn, .arg = arg};
	pthread_t thread;
	int ret;

	if (netns[0] == '\0')
		return fn(arg);
	ret = pthread_create(&thread, NULL, run, &job);
	if (ret != 0)
		return -ret;
	pthread_join(thread, NULL);
	return job.result;
}

struct socket_args {
	int domain, type, protocol;
};

static int open_socket(void *arg)
{
	const struct socket_args *args = arg;
	int fd = socket(args->domain, args->type | SOCK_CLOEXEC, args->protocol);

	return fd >= 0 ? fd : -errno;
}

int sl_netns_socket(const char *netns, int domain, int type, int protocol)
{
	struct socket_args args = {.domain = domain, .type = type, .protocol = protocol};

	return sl_netns_run(netns, open_socket, &args);
}
