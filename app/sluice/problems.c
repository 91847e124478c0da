/* SPDX-License-Identifier: BSD-3-Clause */
#include "problems.h"

#include <stdarg.h>

void sl_problem_add(struct sl_problems *problems, const char *format, ...)
{
	va_list args;

	if (problems->n < SL_PROBLEMS_MAX) {
		struct sl_problem *problem = &problems->list[problems->n];

		va_start(args, format);
		vsnprintf(problem->text, sizeof(problem->text), format, args);
		va_end(args);
		problem->mend[0] = '\0';
	}
	problems->n++;
}

void sl_problem_mend(struct sl_problems *problems, const char *format, ...)
{
	va_list args;

	if (problems->n == 0 || problems->n > SL_PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(
		problems->list[problems->n - 1].mend, sizeof(problems->list[0].mend), format, args);
	va_end(args);
}

void sl_problems_print(const struct sl_problems *problems, FILE *out)
{
	unsigned shown = problems->n < SL_PROBLEMS_MAX ? problems->n : SL_PROBLEMS_MAX;

	for (unsigned i = 0; i < shown; i++) {
		const struct sl_problem *problem = &problems->list[i];

		fprintf(out, "sluice: %s%s%s\n", problem->text,
			problem->mend[0] != '\0' ? "; " : "", problem->mend);
	}
	if (shown < problems->n)
		fprintf(out, "sluice: and %u more\n", problems->n - shown);
}
