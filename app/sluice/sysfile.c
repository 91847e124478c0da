/* SPDX-License-Identifier: BSD-3-Clause */
#include "sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int read_path(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return (int)n;
}

int sl_sysfile_read(char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return read_path(text, size, path);
}

int sl_sysfile_number(uint64_t *value, const char *format, ...)
{
	char path[PATH_MAX], text[32];
	va_list args;
	char *end;
	int n;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	n = read_path(text, sizeof(text), path);
	if (n < 0)
		return n;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return end == text || errno != 0 ? -EINVAL : 0;
}

bool sl_sysfile_exists(const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return access(path, F_OK) == 0;
}
