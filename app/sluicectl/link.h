/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's connection to a director: one call at a time, and notifications. */
#ifndef SLUICECTL_LINK_H
#define SLUICECTL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct ctl_link {
	int fd; /* -1 = not connected */
	unsigned timeout_s;
	bool verbose; /* what goes over the wire is shown on standard error */
	uint64_t id;  /* of the last request */
	char *in;     /* what was read and not yet taken */
	size_t length;
	size_t room;
	size_t scanned; /* bytes of `in` without a newline */
};

/*
 * Connects to `path`. 0, or -errno with a sentence on standard error that says what to do. An
 * existing connection stays.
 */
int ctl_link_open(struct ctl_link *link, const char *path);
void ctl_link_close(struct ctl_link *link);

/*
 * Calls a method; takes over `params`. The whole reply, with "result" or "error"; NULL when the
 * connection broke or the time was over, which was said on standard error.
 */
json_t *ctl_link_call(struct ctl_link *link, const char *method, json_t *params);

/* The next line from the director, waiting as long as it takes; NULL at the end. */
json_t *ctl_link_next(struct ctl_link *link);

#endif
