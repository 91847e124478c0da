/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much memory, of which kind: huge pages or not, how many connections, where the tables lie.
 * Decided before EAL starts, from the configuration and from what the machine has in total, so
 * that a restart comes to the same sizes and can adopt the tables.
 */
#ifndef SLUICE_MEMORY_H
#define SLUICE_MEMORY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"
#include "problems.h"

#define SL_HANDOVER_RING 1024 /* entries of a ring between two workers */
#define SL_PUNT_RING     512  /* entries of a ring to the twin thread: one per worker and class */
#define SL_TX_RING       1024 /* entries of a ring to the owner of a transmit queue */
#define SL_POOL_CACHE    256  /* buffers that a worker keeps aside, of each pool */

struct sl_memory {
	bool huge;
	uint64_t page;       /* bytes: what files of the store are rounded up to */
	uint64_t dpdk_bytes; /* buffers, rings and the engine's objects */
	uint64_t store_bytes;
	uint64_t connections;      /* of the whole box */
	uint64_t connections_wide; /* likewise: IPv6, and services on any port */
	uint64_t sides;            /* likewise: those of fullnat */
	char mount[PATH_MAX];      /* of hugetlbfs; "" without huge pages */
	char store[PATH_MAX + 64]; /* directory of the tables */
};

/* Packet buffers that a port can hold at the same time. */
uint32_t sl_memory_buffers(const struct sl_conf *conf, const struct sl_conf_port *port);

/* Buffers that wait between threads, whatever port they came from. */
uint32_t sl_memory_buffers_in_rings(const struct sl_conf *conf);

/* Bytes of data room in a buffer: the largest MTU of the ports, or the usual one. */
uint16_t sl_memory_buffer_room(const struct sl_conf *conf);

/*
 * Decides; reads the machine below `root` ("" but in tests). What is missing is added to
 * `problems`, with the command that mends it; a fall-back to small pages is logged by
 * sl_memory_log().
 */
void sl_memory_plan(const struct sl_conf *conf, const char *root, struct sl_memory *memory,
	struct sl_problems *problems);

void sl_memory_log(const struct sl_conf *conf, const struct sl_memory *memory);

/*
 * Directories in which tables of an instance may lie, for a purge: the n-th, NULL after the last.
 */
const char *sl_memory_store_candidate(
	const char *root, const char *instance, unsigned n, char path[PATH_MAX + 64]);

#endif
