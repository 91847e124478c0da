/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/fwd.h"

#include <string.h>

#include "lb/fwd_list.h" /* made by meson */

#define X(name) extern const struct sl_fwd sl_fwd_##name;
SL_FWD_LIST(X)
#undef X

const struct sl_fwd *const sl_fwds[SL_FWD_METHODS] = {
#define X(name) &sl_fwd_##name,
	SL_FWD_LIST(X)
#undef X
};

const struct sl_fwd *sl_fwd_find(const char *name)
{
	for (unsigned i = 0; i < SL_FWD_METHODS; i++) {
		if (strcmp(sl_fwds[i]->name, name) == 0)
			return sl_fwds[i];
	}
	return NULL;
}
