/* SPDX-License-Identifier: BSD-3-Clause */
/* What differs between two configurations, and how that becomes a generation. */
#ifndef SL_CONF_CHANGE_H
#define SL_CONF_CHANGE_H

#include <jansson.h>

#include "base/err.h"
#include "conf/model.h"
#include "lb/registry.h"

/* Refuses, naming the key, a change of what only a start can change. 0 or -EINVAL (err->path names
 * it). */
int sl_conf_check_live(const struct sl_conf *from, const struct sl_conf *to, struct sl_err *err);

/*
 * The differences as a JSON array of {"op": "add"|"remove"|"change", "path", "from", "to"}; of
 * a service with changed servers one element per server. In the paths, elements of lists go by
 * what tells them apart: /services/tcp:192.168.8.100:80/servers/192.168.8.12:80. At most `max`
 * elements, then one {"op": "more", "count"}.
 */
json_t *sl_conf_diff(const struct sl_conf *from, const struct sl_conf *to, size_t max);

/* Builds the generation for `to`; `from` is what the registry has (NULL: nothing). Same returns as
 * sl_txn_commit(). */
int sl_conf_build(struct sl_registry *registry, const struct sl_conf *from,
	const struct sl_conf *to, struct sl_snapshot **out, struct sl_err *err);

#endif
