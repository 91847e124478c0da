/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An error that a person can act on: what is wrong, where, and what to do about it.
 *
 * Functions return -errno; those that take a struct sl_err also fill it, once: the first error
 * wins, so that a caller further up cannot hide the cause. `err` may be NULL everywhere.
 */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

#include <stdbool.h>

struct sl_err {
	int code;        /* errno value, positive; 0 = no error */
	unsigned line;   /* 1-based position in the source text; 0 = not known */
	unsigned column; /* 1-based, in bytes */
	bool at_key;     /* the position is that of the member's key, not of its value */
	char path[256];  /* JSON pointer of the offending value ("/services/0/port"); may be "" */
	char message[384];
	char hint[384]; /* what to do; may be "" */
};

/*
 * Records an error unless one is recorded already. `code` is an errno value (positive). `path`
 * may be NULL. Returns -code, so that `return sl_err_set(...)` reads naturally.
 */
int sl_err_set(struct sl_err *err, int code, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds the hint to the error that is recorded, unless it has one. */
void sl_err_hint(struct sl_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
