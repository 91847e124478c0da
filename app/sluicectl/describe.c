/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the build: writes the API's table of methods as JSON, for the client's help and
 * completion and for the man page. So the client needs neither a running director nor DPDK to know
 * what there is.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "api/method.h"

static void put(void *arg, const struct sl_method *method)
{
	json_array_append_new(arg,
		json_pack("{s:s, s:b, s:o, s:s, s:s}", "name", method->name, "write",
			method->flags & SL_METHOD_WRITE ? 1 : 0, "params", sl_method_schema(method),
			"result", method->result, "help", method->help));
}

int main(void)
{
	json_t *methods = json_array();
	int rc;

	sl_method_each(put, methods);
	rc = json_dumpf(methods, stdout, JSON_INDENT(1));
	json_decref(methods);
	return rc == 0 && fclose(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
