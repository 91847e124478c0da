/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/drop.h"

const struct sl_drop_info sl_drop_infos[SL_DROP_COUNT] = {
#define X(NAME, text, explanation) [SL_DROP_##NAME] = {.name = text, .help = explanation},
	SL_DROP_REASONS(X)
#undef X
};
