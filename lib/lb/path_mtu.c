/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/path_mtu.h"

#include <stdbool.h>

#include <rte_common.h>

#include "net/icmp.h"

/* Several paths may lead there: while a lower limit holds, it does. */
static void note(struct sl_worker *w, uint32_t adj, uint32_t mtu)
{
	uint64_t now_s = w->now_ns / SL_NS_PER_S, known = sl_read_word(&w->engine->path_mtu[adj]);

	if (known >> 16 > now_s && (known & UINT16_MAX) < mtu)
		return;
	sl_publish_word(&w->engine->path_mtu[adj], (now_s + SL_PATH_MTU_S) << 16 | mtu);
}

void sl_path_mtu_hear(
	struct sl_worker *w, uint32_t adj, uint8_t family, const void *icmp, size_t length)
{
	uint32_t mtu;

	if (!sl_icmp_is_too_big(family, icmp, length, &mtu) || mtu == 0 || mtu > UINT16_MAX)
		return;
	if (family == 4)
		note(w, adj, RTE_MAX(mtu, (uint32_t)SL_PATH_MTU_MIN4));
	else if (mtu >= sl_mtu_min(6))
		note(w, adj, mtu);
}
