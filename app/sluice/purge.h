/* SPDX-License-Identifier: BSD-3-Clause */
/* Removes what an instance leaves behind on purpose, for its next start. */
#ifndef SLUICE_PURGE_H
#define SLUICE_PURGE_H

#include "base/err.h"
#include "conf/model.h"

/*
 * Twins, connection tables, EAL's files and the run directory. The instance's lock is held. What
 * is not there is no error. 0, or the first -errno after trying everything.
 */
int sl_purge(const struct sl_conf *conf, struct sl_err *err);

#endif
