/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sl_err_set(struct sl_err *err, int code, const char *path, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code != 0)
		return -code;
	err->code = code;
	snprintf(err->path, sizeof(err->path), "%s", path != NULL ? path : "");
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -code;
}

void sl_err_hint(struct sl_err *err, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code == 0 || err->hint[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}
