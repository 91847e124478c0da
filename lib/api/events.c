/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct sl_event_info sl_event_infos[SL_EVENT_COUNT] = {
#define X(NAME, name, help) {name, help},
	SL_EVENT_CLASSES(X)
#undef X
};

struct kept {
	char *line; /* the whole notification with its newline; NULL = there was no memory */
	size_t length;
	uint32_t class_bit;
};

struct sl_events {
	uint64_t next;
	struct sl_subscription *subscriptions;
	struct kept ring[SL_EVENTS_KEPT]; /* by sequence number */
};

enum sl_event_class sl_event_class_find(const char *name)
{
	for (unsigned i = 0; i < SL_EVENT_COUNT; i++) {
		if (strcmp(sl_event_infos[i].name, name) == 0)
			return i;
	}
	return SL_EVENT_COUNT;
}

struct sl_events *sl_events_new(void)
{
	struct sl_events *events = calloc(1, sizeof(*events));

	if (events != NULL)
		events->next = 1;
	return events;
}

void sl_events_free(struct sl_events *events)
{
	if (events == NULL)
		return;
	for (unsigned i = 0; i < SL_EVENTS_KEPT; i++)
		free(events->ring[i].line);
	free(events);
}

/* The notification as a line of text. Takes over `details`. */
static char *render(uint64_t sequence, const char *class, json_t *details, size_t *length)
{
	char stamp[32];
	struct timespec now;
	struct tm utc;
	json_t *notification;
	char *text, *line = NULL;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", now.tv_nsec / 1000000);
	notification = json_pack("{s:s, s:s, s:{s:I, s:s, s:s, s:o}}", "jsonrpc", "2.0", "method",
		"events.event", "params", "sequence", (json_int_t)sequence, "class", class, "time",
		stamp, "details", details != NULL ? details : json_object());
	text = notification == NULL ? NULL : json_dumps(notification, JSON_COMPACT);
	json_decref(notification);
	if (text != NULL && (n = asprintf(&line, "%s\n", text)) < 0)
		line = NULL;
	*length = line == NULL ? 0 : (size_t)n;
	free(text);
	return line;
}

void sl_events_add(struct sl_events *events, enum sl_event_class class, json_t *details)
{
	struct kept *kept = &events->ring[events->next % SL_EVENTS_KEPT];

	free(kept->line);
	kept->line = render(events->next, sl_event_infos[class].name, details, &kept->length);
	kept->class_bit = 1u << class;
	events->next++;
	for (struct sl_subscription *s = events->subscriptions; s != NULL; s = s->link) {
		if (s->classes & kept->class_bit)
			s->wake(s);
	}
}

uint64_t sl_events_next(const struct sl_events *events)
{
	return events->next;
}

void sl_events_subscribe(struct sl_events *events, struct sl_subscription *subscription,
	uint32_t classes, uint64_t since)
{
	if (subscription->classes == 0) {
		subscription->link = events->subscriptions;
		events->subscriptions = subscription;
	}
	subscription->classes = classes;
	subscription->next = since == 0 || since > events->next ? events->next : since;
	if (subscription->next != events->next)
		subscription->wake(subscription);
}

void sl_events_unsubscribe(struct sl_events *events, struct sl_subscription *subscription)
{
	struct sl_subscription **link = &events->subscriptions;

	if (subscription->classes == 0)
		return;
	while (*link != subscription)
		link = &(*link)->link;
	*link = subscription->link;
	subscription->classes = 0;
}

/* Writes that [from, to) is gone. */
static void write_lost(FILE *out, uint64_t from, uint64_t to)
{
	fprintf(out,
		"{\"jsonrpc\":\"2.0\",\"method\":\"events.lost\",\"params\":{\"from\":%" PRIu64
		",\"next\":%" PRIu64 ",\"count\":%" PRIu64 "}}\n",
		from, to, to - from);
}

char *sl_events_take(struct sl_events *events, struct sl_subscription *subscription, size_t max,
	size_t *length, bool *more)
{
	uint64_t oldest = events->next > SL_EVENTS_KEPT ? events->next - SL_EVENTS_KEPT : 1;
	uint64_t next = subscription->next;
	char *text = NULL;
	FILE *out;

	*length = 0;
	*more = false;
	if (subscription->classes == 0 || next == events->next)
		return NULL;
	out = open_memstream(&text, length);
	if (out == NULL)
		return NULL;
	if (next < oldest) {
		write_lost(out, next, oldest);
		next = oldest;
	}
	for (; next < events->next && (size_t)ftell(out) < max; next++) {
		const struct kept *kept = &events->ring[next % SL_EVENTS_KEPT];

		if (!(kept->class_bit & subscription->classes))
			continue;
		if (kept->line != NULL)
			fwrite(kept->line, 1, kept->length, out);
		else
			write_lost(out, next, next + 1);
	}
	*more = next < events->next;
	if (fclose(out) != 0) {
		free(text);
		*length = 0;
		return NULL;
	}
	subscription->next = next;
	if (*length == 0) {
		free(text);
		return NULL;
	}
	return text;
}
