/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: formatting takes the first that divides. */
static const struct unit duration_units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {
	{"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20}, {"K", 1ull << 10}, {NULL, 0}};

/* Reads the digits, leaves `*text` at the unit. */
static int parse_digits(const char **text, uint64_t *value)
{
	const char *at = *text;

	if (!isdigit((unsigned char)*at))
		return -EINVAL;
	*value = 0;
	for (; isdigit((unsigned char)*at); at++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
			return -ERANGE;
	}
	*text = at;
	return 0;
}

static int scale(const struct unit *units, const char *name, uint64_t value, uint64_t *result)
{
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, name) != 0)
			continue;
		return __builtin_mul_overflow(value, units->factor, result) ? -ERANGE : 0;
	}
	return -EINVAL;
}

int sl_duration_parse(const char *text, uint64_t *milliseconds)
{
	uint64_t value;
	int rc = parse_digits(&text, &value);

	return rc < 0 ? rc : scale(duration_units, text, value, milliseconds);
}

int sl_size_parse(const char *text, uint64_t *bytes)
{
	char name[2] = {0};
	uint64_t value;
	int rc = parse_digits(&text, &value);

	if (rc < 0)
		return rc;
	if (text[0] == '\0' || (text[1] != '\0' && strcmp(text + 1, "B") != 0))
		return -EINVAL;
	name[0] = (char)toupper((unsigned char)text[0]);
	return scale(size_units, name, value, bytes);
}

static void format(char *text, size_t size, const struct unit *units, uint64_t value)
{
	for (; units->name != NULL; units++) {
		if (value != 0 && value % units->factor == 0) {
			snprintf(text, size, "%" PRIu64 "%s", value / units->factor, units->name);
			return;
		}
	}
	snprintf(text, size, "%" PRIu64, value);
}

void sl_duration_format(char *text, size_t size, uint64_t milliseconds)
{
	if (milliseconds == 0)
		snprintf(text, size, "0s");
	else
		format(text, size, duration_units, milliseconds);
}

void sl_size_format(char *text, size_t size, uint64_t bytes)
{
	format(text, size, size_units, bytes);
}
