/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publication and reclamation (the sl_engine_*() of lb/engine.h that swap what workers read). The
 * control core owns it; the only thing that leaves it is the number of sl_engine_released().
 */
#ifndef SL_LB_PUBLICATION_H
#define SL_LB_PUBLICATION_H

#include "lb/engine.h"

/* Makes engine->qsbr, with every worker registered and offline, and engine->reclaim. 0 or -ENOMEM.
 */
int sl_publication_new(struct sl_engine *engine);
void sl_publication_free(struct sl_engine *engine);

#endif
