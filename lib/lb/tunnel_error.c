/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/tunnel_error.h"

#include <netinet/in.h>

#include "lb/engine.h"
#include "lb/front.h"
#include "lb/stage.h"
#include "net/icmp.h"

/* Whoever guesses the addresses of a tunnel can send us such errors: it gets no narrower than that.
 */
#define V4_MTU_MIN 552 /* Linux's net.ipv4.route.min_pmtu */
#define V6_MTU_MIN 1280

/* The adjacency of the tunnel's far end. */
static bool find_tunnel(const struct sl_worker *w, const struct sl_parsed *quoted, uint32_t *adj)
{
	const struct sl_snapshot *s = w->snapshot;
	const struct sl_front *front;
	sl_id id;

	if (s->n_tunnels == 0 ||
		!sl_local_set_has(sl_read_pointer(&w->engine->local), quoted->family, &quoted->src))
		return false;
	id = sl_front_table_find(
		s->table, SL_FRONT_ENDPOINT, quoted->family, IPPROTO_IPIP, &quoted->dst, 0);
	front = id == SL_ID_NONE ? NULL : sl_snapshot_front(s, id);
	if (front == NULL)
		return false;
	*adj = front->index;
	return true;
}

static bool is_of_a_tunnel(const struct sl_parsed *quoted)
{
	switch (quoted->protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
	case IPPROTO_UDP:
		return true;
	default:
		return false;
	}
}

/* What the error says of the MTU, 0 = nothing. */
static uint32_t mtu_of(const struct sl_pkt *pkt)
{
	const struct sl_parsed *p = &pkt->parsed;
	uint32_t mtu;

	if (!sl_icmp_is_too_big(p->family, rte_pktmbuf_mtod_offset(pkt->mbuf, void *, p->l4_offset),
		    pkt->mbuf->data_len - p->l4_offset, &mtu))
		return 0;
	if (p->family == 6)
		return RTE_MAX(mtu, (uint32_t)V6_MTU_MIN);
	return mtu == 0 ? 0 : RTE_MAX(mtu, (uint32_t)V4_MTU_MIN);
}

/* Several paths may lead there: while a lower limit holds, it does. */
static void note_mtu(struct sl_worker *w, uint32_t adj, uint32_t mtu)
{
	uint64_t now_s = w->now_ns / SL_NS_PER_S, known = sl_read_word(&w->engine->path_mtu[adj]);

	if (known >> 16 > now_s && (known & UINT16_MAX) < mtu)
		return;
	sl_publish_word(&w->engine->path_mtu[adj], (now_s + SL_PATH_MTU_S) << 16 | mtu);
}

bool sl_tunnel_error(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_parsed *quoted)
{
	uint32_t adj, mtu;

	if (!is_of_a_tunnel(quoted) || !find_tunnel(w, quoted, &adj))
		return false;
	mtu = mtu_of(pkt);
	if (mtu != 0 && mtu <= UINT16_MAX)
		note_mtu(w, adj, mtu);
	sl_stage_drop(w, pkt, SL_DROP_TUNNEL_ERROR);
	return true;
}
