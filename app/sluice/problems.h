/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What keeps the director from starting: all that was found, each with what mends it, so that
 * one look is enough.
 */
#ifndef SLUICE_PROBLEMS_H
#define SLUICE_PROBLEMS_H

#include <stdio.h>

#define SL_PROBLEMS_MAX 32

struct sl_problem {
	char text[384]; /* a sentence without its full stop */
	char mend[384]; /* its end: "run: COMMAND", or an advice; may be "" */
};

struct sl_problems {
	unsigned n; /* may exceed SL_PROBLEMS_MAX: the last ones are counted only */
	struct sl_problem list[SL_PROBLEMS_MAX];
};

void sl_problem_add(struct sl_problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What mends the problem that was added last. */
void sl_problem_mend(struct sl_problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One line each. */
void sl_problems_print(const struct sl_problems *problems, FILE *out);

#endif
