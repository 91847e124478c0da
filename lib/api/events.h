/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Things that happened, numbered, and who wants to hear of them. The last SL_EVENTS_KEPT are kept:
 * a subscriber is no more than a place in that sequence, so that a slow one costs no memory and
 * learns how many it has lost. Configuration thread.
 */
#ifndef SL_API_EVENTS_H
#define SL_API_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define SL_EVENTS_KEPT 4096

/* X(NAME, "name", "what it tells") */
#define SL_EVENT_CLASSES(X)                                                                        \
	X(CONFIG, "config",                                                                        \
		"the running configuration changed, was confirmed, rolled back, saved")            \
	X(SERVER, "server", "a real server became reachable or unreachable on the wire")           \
	X(VIP, "vip", "a virtual address came to this box or left it")                             \
	X(LINK, "link", "a port's link or its twin went up or down")                               \
	X(ADDRESS, "address", "an address came to a twin or left it")                              \
	X(NEIGHBOUR, "neighbour", "a next hop's MAC address was learned, changed or lost")         \
	X(WORKER, "worker", "a worker is late, or in time again")                                  \
	X(SYSTEM, "system", "anything else about the director itself")

enum sl_event_class {
#define X(NAME, name, help) SL_EVENT_##NAME,
	SL_EVENT_CLASSES(X)
#undef X
		SL_EVENT_COUNT,
};

#define SL_EVENTS_ALL ((1u << SL_EVENT_COUNT) - 1)

struct sl_event_info {
	const char *name;
	const char *help;
};

extern const struct sl_event_info sl_event_infos[SL_EVENT_COUNT];

/* SL_EVENT_COUNT when there is none of that name. */
enum sl_event_class sl_event_class_find(const char *name);

struct sl_events;

struct sl_subscription {
	uint32_t classes; /* bits by enum sl_event_class; 0 = not subscribed */
	uint64_t next;    /* sequence number it gets next */
	void (*wake)(struct sl_subscription *); /* something new is there for it */
	struct sl_subscription *link;
};

struct sl_events *sl_events_new(void); /* NULL without memory */
void sl_events_free(struct sl_events *events);

/*
 * Takes over `details` (an object, NULL for none). An event that there is no memory for is lost,
 * and counted so.
 */
void sl_events_add(struct sl_events *events, enum sl_event_class class, json_t *details);

/* The number of the next event; the first is 1. */
uint64_t sl_events_next(const struct sl_events *events);

/*
 * Begins with event number `since`, or with what comes from now on when that is 0. May be called
 * again to change.
 */
void sl_events_subscribe(struct sl_events *events, struct sl_subscription *subscription,
	uint32_t classes, uint64_t since);
void sl_events_unsubscribe(struct sl_events *events, struct sl_subscription *subscription);

/*
 * What the subscriber has not had yet: notifications, one a line, to be freed; NULL when there are
 * none (or no memory: they stay). About `max` bytes; *more says that there is more. What was
 * overwritten before it could be told is told as events.lost.
 */
char *sl_events_take(struct sl_events *events, struct sl_subscription *subscription, size_t max,
	size_t *length, bool *more);

#endif
