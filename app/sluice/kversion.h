/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the running kernel is new enough for what it does not otherwise say. */
#ifndef SL_KVERSION_H
#define SL_KVERSION_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

static inline bool sl_kversion_at_least(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned a, b;

	if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

#endif
