/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static _Atomic int log_level = SL_LOG_INFO;

static const struct {
	const char *name;
	enum sl_log_level level;
} levels[] = {
	{"error", SL_LOG_ERROR},
	{"warning", SL_LOG_WARNING},
	{"notice", SL_LOG_NOTICE},
	{"info", SL_LOG_INFO},
	{"debug", SL_LOG_DEBUG},
};

void sl_log_set_level(enum sl_log_level level)
{
	log_level = level;
}

int sl_log_level_parse(const char *name, enum sl_log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *level_name(enum sl_log_level level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (levels[i].level == level)
			return levels[i].name;
	}
	return "?";
}

static int line_prefix(char *line, size_t size, enum sl_log_level level)
{
	struct timespec now;
	struct tm local;
	char stamp[32];

	if (getenv("JOURNAL_STREAM") != NULL)
		return snprintf(line, size, "<%d>", level);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local);
	return snprintf(
		line, size, "%s.%03ld %-7s ", stamp, now.tv_nsec / 1000000, level_name(level));
}

void sl_log(enum sl_log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int length, n;

	if ((int)level > log_level)
		return;
	length = line_prefix(line, sizeof(line), level);
	va_start(args, format);
	n = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	length += n;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	/* One write: lines of several threads do not mix. A full pipe loses the line, not us. */
	if (write(STDERR_FILENO, line, length) < 0)
		return;
}
