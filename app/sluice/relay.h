/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin thread's work without the thread: packets from punt rings to descriptors and from
 * descriptors to ports, a bounded number per call. Needs no EAL; a descriptor is whatever keeps
 * one frame per read and write.
 */
#ifndef SL_RELAY_H
#define SL_RELAY_H

#include <stdint.h>

#include "bucket.h"
#include "lb/types.h"
#include "twin.h"

#define SL_RELAY_CHUNK 32  /* packets moved before higher classes are looked at again */
#define SL_RELAY_PASS  256 /* packets taken from rings per call */

struct sl_relay_port {
	int fd;       /* -1 = none, or no longer usable */
	uint16_t mtu; /* relaxed: other threads change it */
	struct rte_mbuf *(*alloc)(void *arg);
	unsigned (*send)(void *arg, struct rte_mbuf **pkts, unsigned n);
	void *arg;
};

struct sl_relay {
	struct sl_worker *const *workers;
	unsigned n_workers;
	unsigned next_worker[SL_PUNT_COUNT];      /* whose ring is asked first */
	struct sl_relay_port ports[SL_PORTS_MAX]; /* by index of the port */
	struct sl_bucket buckets[SL_PUNT_COUNT];
	uint32_t rates[SL_PUNT_COUNT]; /* relaxed: other threads change them */
	void (*free)(void *arg, struct rte_mbuf **pkts, unsigned n);
	void *free_arg;
	struct sl_twin_stats stats;
	uint8_t frame[65536]; /* being read */
};

/* Empties rings into the twins. Returns the number of packets that Linux took. */
unsigned sl_relay_to_linux(struct sl_relay *relay, uint64_t now_ns);

/* Reads up to SL_RELAY_CHUNK frames of a port's twin. Returns the number read. */
unsigned sl_relay_from_linux(struct sl_relay *relay, uint16_t port);

#endif
