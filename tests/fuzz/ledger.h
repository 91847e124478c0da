/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every packet that goes into a rig, until it comes out: as often as it went in, once, and in
 * order. What does not hold ends the process.
 */
#ifndef TESTS_FUZZ_LEDGER_H
#define TESTS_FUZZ_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rig.h"
#include "wire.h"

#define LEDGER_OPEN_MAX 4096 /* packets that are in the rig at a time */

struct ledger_packet {
	struct rte_mbuf *mbuf;
	bool came;      /* from outside; else the worker asked for the buffer */
	bool right;     /* checksums and lengths, by wire_wrong() */
	uint8_t family; /* 0 = no IP */
};

struct ledger {
	struct rig *rig;
	unsigned n;
	struct ledger_packet packets[LEDGER_OPEN_MAX];
	unsigned allocs,
		fail_every; /* buffers asked for; each such one is not there; 0 = all are */
	/* The last packet that left through a port. */
	uint8_t last[WIRE_MAX];
	size_t last_length;
};

void ledger_open(struct ledger *ledger, struct rig *rig);

/* How a frame lies in its buffer. */
struct ledger_how {
	uint8_t port;
	bool split;   /* in two segments */
	bool cramped; /* hardly a byte in front of it */
};

/* The frame arrives at a worker; the packet, and all that it sets free, come to their ends. */
void ledger_send(struct ledger *ledger, unsigned worker, const uint8_t *frame, size_t length,
	struct ledger_how how);

/* One iteration of each worker, with what was handed over. */
void ledger_idle(struct ledger *ledger);

#endif
