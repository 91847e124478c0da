/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's world: a real engine and the model side by side, one clock, one generator.
 * All workers are stepped in this one thread, so that every run is repeatable from its seed.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/clock.h"
#include "base/rand.h"
#include "lb/engine.h"
#include "lb/pipeline.h"
#include "rig.h"
#include "model.h"

#define WORLD_VIPS     3
#define WORLD_KEYS     12 /* 3 VIPs x (tcp/80, tcp/443, tcp/any, udp/53) */
#define WORLD_SERVERS  10 /* real server addresses to choose from */
#define WORLD_LIST_MAX 8
#define WORLD_CLIENTS  48

struct world_service {
	uint8_t protocol;
	uint32_t vip;
	uint16_t port;
	bool present;
	enum model_sched sched;
	struct model_server_spec
		servers[WORLD_LIST_MAX]; /* in the order in which they were added */
	unsigned n_servers;
};

struct world_pending { /* a packet in a handover ring */
	struct rte_mbuf *mbuf;
	struct model_packet packet;
};

struct world {
	uint64_t seed;
	struct sl_rand rand;
	struct rig rig;
	struct model *model;
	unsigned n_workers;
	/*
	 * Workers sweep a slice in every iteration, as in life. Then counts fall at moments that
	 * the model cannot know, so only schedulers that go by no counts are used; otherwise
	 * sweeps are steps of their own.
	 */
	bool sweeps;
	struct world_service services[WORLD_KEYS];
	struct world_pending pending[SL_WORKERS_MAX * SL_WORKERS_MAX * 2];
	unsigned n_pending;
	uint64_t aged_ns;

	/* what happened, so that a run that exercised nothing is seen */
	uint64_t packets, forwarded, created, handed_over, handover_full, unreachable, removed,
		host, expired_ttl, generations, aborted, checkpoints, revived;
};

/* Stops the program with the seed and the step when the engine and the model differ. */
void world_fail(const struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

struct world *world_new(uint64_t seed, unsigned n_workers, bool sweeps);
void world_free(struct world *w);

/*
 * A random change of some services in one transaction, in three steps: built by the registry (NULL
 * when it was aborted on purpose or too many generations wait), published to the workers, made in
 * the model. Between the first two and the last, packets may be on their way.
 */
struct sl_snapshot *world_build(struct world *w, uint32_t *changed);
void world_publish(struct world *w, struct sl_snapshot *snapshot);
void world_follow(struct world *w, uint32_t changed);

/*
 * One iteration of a random worker with up to `n` random packets and what was handed over to it.
 * With `swap`, a new generation is published after the worker has taken its snapshot.
 */
void world_step_packets(struct world *w, unsigned n, bool swap);

void world_step_change(struct world *w);

void world_step_time(struct world *w);
void world_step_exchange(struct world *w);
void world_step_sweep(struct world *w);

/* Everything is delivered and swept; then all connections and counts must be the model's. */
void world_checkpoint(struct world *w);

#endif
