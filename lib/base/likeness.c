/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/likeness.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LENGTH_MAX 63 /* longer words are unlike all others */
#define BEGIN_MIN  3  /* characters that say something as the beginning of a word */
#define BEGINNING  1  /* "prot" is rather "protocol" than "port" */
#define MISTAKE    2

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits between two words, a change of neighbours being one (optimal string alignment). */
static unsigned edits(const char *a, size_t length_a, const char *b, size_t length_b)
{
	unsigned rows[3][LENGTH_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= length_b; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= length_b; j++) {
			row[j] = least(above[j - 1] + !same(a[i - 1], b[j - 1]),
				least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[length_b];
}

/* Mistakes that a word of this length may have and still be recognised. */
static unsigned tolerated(size_t length)
{
	if (length <= 3)
		return 1;
	return length <= 8 ? 2 : 3;
}

unsigned sl_unlikeness(const char *written, const char *known)
{
	size_t length_written = strlen(written), length_known = strlen(known);
	size_t shorter = length_written < length_known ? length_written : length_known;
	unsigned count;

	if (length_written > LENGTH_MAX || length_known > LENGTH_MAX)
		return SL_UNLIKE;
	if (shorter >= BEGIN_MIN && strncasecmp(written, known, shorter) == 0)
		return length_written == length_known ? 0 : BEGINNING;
	count = edits(written, length_written, known, length_known);
	return count <= tolerated(shorter) ? count * MISTAKE : SL_UNLIKE;
}
