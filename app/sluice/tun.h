/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's TAP interface that stands for a port: /dev/net/tun. */
#ifndef SL_TUN_H
#define SL_TUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sl_tun_params {
	const char *name;
	const char *netns; /* netns.h */
	uint8_t mac[6];
	uint16_t mtu;
};

/*
 * Opens the interface, made new or taken over with the addresses and routes that it has. Sysctls
 * are written before it first comes up. Returns a non-blocking descriptor, one frame per read
 * and write, or -errno with `err` set: -EBUSY when another process has it open.
 */
int sl_tun_open(const struct sl_tun_params *params, struct sl_err *err);

/* 0 or -errno. */
int sl_tun_set_carrier(int fd, bool up);

/*
 * Removes the interface if it is a TAP interface. 0, -ENOENT, -EBUSY (a process has it open) or
 * -errno.
 */
int sl_tun_remove(const char *name, const char *netns);

#endif
