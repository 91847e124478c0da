/* SPDX-License-Identifier: BSD-3-Clause */
/* Results as a person wants to see them; each fits ctl_command.show. */
#ifndef SLUICECTL_SHOW_H
#define SLUICECTL_SHOW_H

#include "sluicectl/command.h"

typedef void ctl_show(struct ctl *ctl, const struct ctl_args *args, const json_t *result);

ctl_show ctl_show_json, ctl_show_members, ctl_show_config, ctl_show_test, ctl_show_diff,
	ctl_show_apply, ctl_show_saved, ctl_show_services, ctl_show_service, ctl_show_servers,
	ctl_show_connections, ctl_show_stats, ctl_show_drops, ctl_show_timeouts, ctl_show_workers,
	ctl_show_ports, ctl_show_neighbours, ctl_show_vips, ctl_show_classes, ctl_show_methods;

/* A notification, one line. */
void ctl_show_event(struct ctl *ctl, const json_t *notification);

#endif
