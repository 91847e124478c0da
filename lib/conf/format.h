/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Formats of text that a schema names with "x-format". A format is a row of the table in
 * format.c.
 */
#ifndef SL_CONF_FORMAT_H
#define SL_CONF_FORMAT_H

#include <stddef.h>
#include <stdint.h>

struct sl_format {
	const char *name;
	const char *expects; /* "an IP address": completes "must be ..." */
	const char *example; /* may be NULL */

	/* 0 or -EINVAL; *hint may be set to a constant that says what to do. */
	int (*check)(const char *text, const char **hint);

	/*
	 * NULL unless minimum and maximum bound it: the number that valid text stands for
	 * (saturated), and back.
	 */
	uint64_t (*quantity)(const char *text);
	void (*print)(char *text, size_t size, uint64_t quantity);
};

/* NULL when there is none. */
const struct sl_format *sl_format_find(const char *name);

#endif
