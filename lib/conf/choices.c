/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the build: writes which schedulers and forwarding methods lib/lb has, and what they say
 * about themselves, for the schema (schema.py) and for the client, which links neither.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "lb/fwd.h"
#include "lb/sched.h"

static json_t *schedulers(void)
{
	json_t *list = json_array();

	for (const struct sl_sched *const *sched = sl_scheds; *sched != NULL; sched++)
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "name", (*sched)->name, "text", (*sched)->help));
	return list;
}

static json_t *methods(void)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < SL_FWD_METHODS; i++) {
		const struct sl_fwd *fwd = sl_fwds[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s#, s:s}", "name", fwd->name, "text", fwd->text,
				"letter", &fwd->letter, fwd->letter != 0 ? 1 : 0, "help",
				fwd->help));
	}
	return list;
}

int main(void)
{
	json_t *choices = json_pack("{s:o, s:o}", "schedulers", schedulers(), "methods", methods());
	int rc = json_dumpf(choices, stdout, JSON_INDENT(1));

	json_decref(choices);
	return rc == 0 && fclose(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
