/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines for the API, as whoever reaches its sockets may send them. Each must be answered with one
 * line of JSON, or not at all. Writes are carried out, on an engine of its own.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api_rig.h"
#include "base/log.h"
#include "fuzz.h"

static void check(const char *answer, size_t length)
{
	json_t *document;

	FUZZ_ASSERT(memchr(answer, '\n', length) == answer + length - 1);
	document = json_loadb(answer, length, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_ASSERT(document != NULL);
	json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct api_rig rig;
	static bool is_open;
	char *answer;
	size_t length;

	if (!is_open) {
		sl_log_set_level(SL_LOG_ERROR);
		api_rig_open(&rig, NULL);
		is_open = true;
	}
	answer = sl_rpc_answer(rig.director, &rig.control, (const char *)data, size, &length);
	if (answer != NULL)
		check(answer, length);
	free(answer);
	return 0;
}
