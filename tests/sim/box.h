/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A director without a NIC: a real engine, a clock that is set by hand, and the control core's
 * part done at once (every server's MAC resolves, every VIP is local).
 */
#ifndef SIM_BOX_H
#define SIM_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/clock.h"
#include "lb/engine.h"
#include "lb/pipeline.h"
#include "packet.h"

struct box {
	struct sl_clock_manual time;
	struct sl_clock clock;
	struct sl_engine *engine;
};

struct box_params {
	uint64_t seed;
	unsigned workers;
	uint64_t connections;
	unsigned servers; /* capacity of the id map */
	unsigned handover_ring;
};

/* Both end the program when they cannot do it. */
void box_init(struct box *box, const struct box_params *params);
void box_publish(struct box *box, struct sl_snapshot *snapshot); /* NULL: nothing to publish */
void box_close(struct box *box);

/* One service alone in one transaction; no servers and `remove` deletes it. Addresses in host
 * order. */
void box_service(struct box *box, uint32_t vip, uint16_t port, const char *scheduler,
	const uint32_t *servers, unsigned n);
void box_service_delete(struct box *box, uint32_t vip, uint16_t port);

/* Ages ids as the director does once a second. */
void box_age(struct box *box);

/* One empty iteration of a worker, its slice of the sweep included. */
void box_idle(struct box *box, unsigned worker);

/* Complete sweeps of one worker, begun and ended now. Moves the clock 6 s on. */
void box_sweep(struct box *box, unsigned worker);

enum box_fate { BOX_FORWARDED, BOX_ANSWERED, BOX_DROPPED, BOX_LINUX };

/* One packet through the worker that owns its connection. *server is set when it was forwarded. */
enum box_fate box_send(struct box *box, const struct packet *packet, uint32_t *server);

/* The MAC that the box resolves a server's address to, and back. */
void box_mac_of(uint32_t address, uint8_t mac[6]);
uint32_t box_address_of(const uint8_t mac[6]);

/* Whether the mbuf is in one of the worker's punt rings; takes it out. */
bool box_take_punted(struct sl_worker *worker, const struct rte_mbuf *mbuf);

/* Whether the mbuf is in the list; takes it out. */
bool box_take_out(struct sl_out *out, const struct rte_mbuf *mbuf);

#endif
