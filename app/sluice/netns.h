/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work in another network namespace. A thread of its own enters the namespace and ends, so no
 * other thread of the process ever changes its own.
 *
 * A namespace is named as `ip netns` does, or is a path ("/proc/1234/ns/net"); "" is the one that
 * the process runs in.
 */
#ifndef SL_NETNS_H
#define SL_NETNS_H

/*
 * Runs fn(arg) in the namespace and returns what it returned, or -errno when the namespace
 * cannot be entered (-ENOENT: there is none of that name).
 */
int sl_netns_run(const char *netns, int (*fn)(void *arg), void *arg);

/* A socket that lives in the namespace, or -errno. */
int sl_netns_socket(const char *netns, int domain, int type, int protocol);

#endif
