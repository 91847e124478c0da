/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of the known words a mistyped one was meant to be, for hints. */
#ifndef SL_BASE_LIKENESS_H
#define SL_BASE_LIKENESS_H

#include <limits.h>

#define SL_UNLIKE UINT_MAX /* nobody meant that */

/*
 * How unlike a known word the written one is: 2 for each letter that was left out, added, taken for
 * another or changed about with its neighbour, upper and lower case being the same; 1 when one of
 * the words begins the other. SL_UNLIKE when there are too many mistakes for its length.
 */
unsigned sl_unlikeness(const char *written, const char *known);

#endif
