/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration puts into Linux: the director's own addresses, managed VIPs, static
 * neighbours and the MTU of the twins, through rtnetlink. What others put there stays: an
 * address or neighbour of ours carries SL_KERNEL_PROTOCOL (kernels that know no such mark: what
 * this process added, and at the start what the configuration names).
 *
 * Configuration thread, or main while starting; every call waits for the kernel.
 */
#ifndef SL_KERNEL_H
#define SL_KERNEL_H

#include "base/err.h"
#include "conf/model.h"

#define SL_KERNEL_PROTOCOL 83 /* IFA_PROTO, NDA_PROTOCOL: "put here by sluice" */

struct sl_kernel;

/* The twins exist (sl_twin_new()). `conf` is read during the call only. NULL with `err` set. */
struct sl_kernel *sl_kernel_new(const struct sl_conf *conf, struct sl_err *err);
void sl_kernel_free(struct sl_kernel *kernel); /* accepts NULL; what was put into Linux stays */

/*
 * Makes Linux follow `to`: adds what is missing (own addresses first, then VIPs, as hosts), then
 * removes what is ours and no longer wanted. All or nothing: after an error what had been added
 * is taken out again. New VIPs are announced. Also to be called when the mirror says that Linux
 * drifted (mirror.h): it compares with what Linux really has each time. 0 or -errno; the message
 * names address and twin.
 */
int sl_kernel_apply(struct sl_kernel *kernel, const struct sl_conf *to, struct sl_err *err);

/* Removes the twins of a configuration, whether or not they exist. 0 or the first -errno. */
int sl_kernel_purge(const struct sl_conf *conf, struct sl_err *err);

#endif
