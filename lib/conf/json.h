/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON text: parsing with positions, which jansson does not keep for values. A scanner of our
 * own finds them, only when there is an error to report. Lines that start with // (after
 * blanks) are comments.
 */
#ifndef SL_CONF_JSON_H
#define SL_CONF_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

#define SL_JSON_DEPTH_MAX 32 /* objects and lists inside each other */
#define SL_JSON_COMMENTS  1  /* flag of sl_json_parse(): comment lines are allowed */

/*
 * 0; -EINVAL with code EBADMSG, line, column and path when the text is not UTF-8, not JSON,
 * deeper than SL_JSON_DEPTH_MAX or has a key twice in an object; -ENOMEM. Any value may stand
 * at the top.
 */
int sl_json_parse(
	const char *text, size_t length, unsigned flags, json_t **out, struct sl_err *err);

/*
 * Fills in err->line and err->column from err->path (and err->at_key): where the value begins
 * that the path names or, if it is not there, the innermost one around it that is. Text that
 * sl_json_parse() took.
 */
void sl_json_locate(const char *text, size_t length, struct sl_err *err);

/* Adds "/key" or "/index" to a JSON pointer of at most `size` bytes, "/" and "~" escaped. */
void sl_json_path_key(char *path, size_t size, const char *key, size_t key_length);
void sl_json_path_index(char *path, size_t size, size_t index);

#endif
