/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Durations and sizes as people write them: "90s", "15m", "250ms", "512M", "2G".
 * A number without a unit is not accepted here: whoever takes bare numbers says in which unit.
 */
#ifndef SL_BASE_UNITS_H
#define SL_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Units ms, s, m, h, d. Returns 0, -EINVAL (not a duration) or -ERANGE (beyond 64 bits). */
int sl_duration_parse(const char *text, uint64_t *milliseconds);

/* Units K, M, G, T (powers of 1,024), with an optional trailing B. Same returns. */
int sl_size_parse(const char *text, uint64_t *bytes);

/* The shortest exact way to write it ("15m", "1500ms"); `size` of at least 24. */
void sl_duration_format(char *text, size_t size, uint64_t milliseconds);
void sl_size_format(char *text, size_t size, uint64_t bytes);

#endif
