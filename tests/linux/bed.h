/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two namespaces and a wire between them that runs through the twin thread: the director's with the
 * twin `wan0`, and the other side's with `wire0`. What Linux sends on wan0 comes out of wire0; what
 * comes out of Linux on wire0 is put into the punt rings, as the packet path would.
 */
#ifndef TEST_BED_H
#define TEST_BED_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"
#include "lb/engine.h"
#include "mirror.h"
#include "twin.h"

#define BED_DIRECTOR "twin-test-dir"
#define BED_OTHER    "twin-test-srv"
#define BED_ADJS     16
#define BED_VIPS     16

struct bed {
	struct sl_conf conf;
	struct sl_conf_port port;
	struct sl_prefix addresses[8];
	struct sl_conf_vip vips[8];
	struct sl_conf_neighbour neighbours[4];

	struct sl_engine engine;
	sl_adj_word adjs[BED_ADJS];
	uint8_t vip_local[BED_VIPS];
	struct sl_worker *worker;
	struct rte_rcu_qsbr *qsbr;
	struct sl_twin *twin;
	struct event_base *base;
	struct sl_mirror *mirror;

	json_t *events; /* array of {class, ...details} */
	unsigned n_macs;
	uint8_t macs[SL_PORT_MACS][6];
	unsigned n_drifted;

	int wire; /* of wire0 */
	pthread_t thread;
	bool stop;
};

/* Runs a command line in a namespace ("" = here); returns its exit code. */
int bed_run(const char *netns, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What it prints contains `text`. */
bool bed_prints(const char *netns, const char *command, const char *text);

int bed_setup(void **state);
int bed_teardown(void **state);

void bed_address(struct bed *bed, const char *text);
void bed_vip(struct bed *bed, const char *text, enum sl_vip_mode mode);
void bed_neighbour(struct bed *bed, const char *address, const char *mac);
void bed_watch(struct bed *bed, bool added, bool vip, uint32_t index, const char *address);
struct sl_addr bed_addr(const char *text);

void bed_twin_start(struct bed *bed);
void bed_twin_stop(struct bed *bed); /* the interface stays */
void bed_mirror_start(struct bed *bed);

/* Runs the event loop until the condition holds; false after 5 s. */
#define bed_until(bed, condition)                                                                  \
	({                                                                                         \
		bool held = false;                                                                 \
		for (unsigned step = 0; step < 500 && !(held = (condition)); step++)               \
			bed_loop(bed, 10);                                                         \
		held;                                                                              \
	})
void bed_loop(struct bed *bed, unsigned ms);

/* Whether an event of the class with "key": "value" came. */
bool bed_saw(struct bed *bed, const char *event_class, const char *key, const char *value);

#endif
