/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of IPv4 and TCP headers: one byte of kind, then, but for padding, one of length, which
 * counts both. Sources: RFC 791 section 3.1, RFC 9293 section 3.1.
 */
#ifndef SL_NET_OPTION_H
#define SL_NET_OPTION_H

#include <stddef.h>
#include <stdint.h>

#define SL_OPTION_END 0
#define SL_OPTION_NOP 1

/*
 * Where the option at or behind `at` lies that has a length, all of it within the header of `end`
 * bytes; 0 when there are no more.
 */
static inline size_t sl_option_from(const uint8_t *header, size_t end, size_t at)
{
	while (at < end && header[at] == SL_OPTION_NOP)
		at++;
	if (at + 2 > end || header[at] == SL_OPTION_END || header[at + 1] < 2 ||
		at + header[at + 1] > end)
		return 0;
	return at;
}

/* The one behind the option at `at`. */
static inline size_t sl_option_next(const uint8_t *header, size_t end, size_t at)
{
	return sl_option_from(header, end, at + header[at + 1]);
}

#endif
