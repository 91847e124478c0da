/* SPDX-License-Identifier: BSD-3-Clause */
/* What scenarios over the rig (tests/lib/rig.h) need on top: whole round trips in one call. */
#ifndef SIM_BOX_H
#define SIM_BOX_H

#include <stdint.h>

#include "packet.h"
#include "rig.h"

/* A TCP service of servers of weight 1, in one transaction. Addresses in host order. */
void box_service(struct rig *rig, uint32_t vip, uint16_t port, const char *scheduler,
	const uint32_t *servers, unsigned n);

/* A complete sweep of one worker, begun and ended at one instant. Moves the clock 6 s on. */
void box_sweep(struct rig *rig, unsigned worker);

enum box_fate { BOX_FORWARDED, BOX_ANSWERED, BOX_DROPPED, BOX_LINUX };

/* One packet through the worker that owns its connection. *server is set when it was forwarded. */
enum box_fate box_send(struct rig *rig, const struct packet *packet, uint32_t *server);

#endif
