/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small files of /proc and /sys. Paths are made as printf does; a root before them is for tests.
 */
#ifndef SLUICE_SYSFILE_H
#define SLUICE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The file's text without the last newline, cut to fit. Its length or -errno. */
int sl_sysfile_read(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The number at the beginning of the file. 0 or -errno. */
int sl_sysfile_number(uint64_t *value, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool sl_sysfile_exists(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
