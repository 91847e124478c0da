/* SPDX-License-Identifier: BSD-3-Clause */
/* Text in columns as wide as they need to be. */
#ifndef SLUICECTL_TABLE_H
#define SLUICECTL_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct ctl_column {
	const char *title;
	const char *key; /* of the row's member; "a.b" reaches into it */
	/*
	 * How it is written; NULL = as it is: text, a number (right), yes or no, a list with
	 * commas.
	 */
	void (*print)(const json_t *value, char *text, size_t size);
};

/* The rows of an array as lines; `columns` end with a NULL title. */
void ctl_table(FILE *out, const struct ctl_column *columns, const json_t *rows);

/* Name and value, one a line, of an object's plain members. */
void ctl_table_members(FILE *out, const json_t *object);

/* For ctl_column.print: 0.25 as "25.0 %". */
void ctl_print_share(const json_t *value, char *text, size_t size);

#endif
