/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listings in the formats of LVS's ipvsadm, column for column, so that scripts that read those read
 * these. Source: its documented and observed output (docs/lvs.md). The rows are the API's.
 */
#ifndef SLUICECTL_FORMAT_H
#define SLUICECTL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

enum ctl_listing { CTL_LIST_PLAIN, CTL_LIST_STATS, CTL_LIST_RATE };

struct ctl_format {
	enum ctl_listing listing;
	bool exact;  /* counts in full instead of 100M */
	bool nosort; /* servers in the order of the schedulers */
};

/* The two or three lines on top. `size` is the number of connections there is room for. */
void ctl_format_head(
	FILE *out, const struct ctl_format *format, const char *version, uint64_t size);

/* A service and its servers: a row of service.list, stats.get or stats.rates. */
void ctl_format_service(FILE *out, const struct ctl_format *format, const json_t *service);

/* "192.168.8.12:80", "[2001:db8::12]:80", of a row's members. */
#define CTL_ENDPOINT_TEXT 64
const char *ctl_format_endpoint(const json_t *row, const char *address_key, const char *port_key,
	char text[CTL_ENDPOINT_TEXT]);

void ctl_format_connections_head(FILE *out);
/* A row of connection.list. */
void ctl_format_connection(FILE *out, const json_t *connection);

/* The result of timeouts.get: "Timeout (tcp tcpfin udp): 900 120 300". */
void ctl_format_timeouts(FILE *out, const json_t *timeouts);

/* A count as LVS shortens it, with what goes before it: 9 characters or more. */
#define CTL_COUNT_TEXT 32
const char *ctl_format_count(uint64_t count, bool exact, char text[CTL_COUNT_TEXT]);

#endif
