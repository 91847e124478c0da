/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sl_conf_parse() on any bytes: it is refused with a message, a hint and a place inside the text,
 * or it is a configuration that can be written and read again.
 */
#include <errno.h>
#include <string.h>

#include "conf/load.h"
#include "fuzz.h"

static void check_refusal(const uint8_t *data, size_t size, int rc, const struct sl_err *err)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	FUZZ_ASSERT(rc == -EINVAL);
	FUZZ_ASSERT(err->code == EBADMSG || err->code == EINVAL);
	FUZZ_ASSERT(err->message[0] != '\0' && err->hint[0] != '\0');
	FUZZ_ASSERT(err->line >= 1 && err->line <= lines);
	FUZZ_ASSERT(err->column >= 1 && err->column <= size + 1);
}

static void check_written(const struct sl_conf *conf)
{
	json_t *written = sl_conf_to_json(conf), *rewritten;
	struct sl_conf *again = NULL;

	FUZZ_ASSERT(written != NULL);
	FUZZ_ASSERT(sl_conf_from_json(written, &again, NULL) == 0);
	rewritten = sl_conf_to_json(again);
	FUZZ_ASSERT(json_equal(written, rewritten));
	json_decref(written);
	json_decref(rewritten);
	sl_conf_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};
	int rc = sl_conf_parse((const char *)data, size, &conf, &err);

	if (rc < 0)
		check_refusal(data, size, rc, &err);
	else
		check_written(conf);
	sl_conf_unref(conf);
	return 0;
}
