/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/tunnel_error.h"

#include <netinet/in.h>

#include "lb/engine.h"
#include "lb/front.h"
#include "lb/path_mtu.h"
#include "lb/stage.h"

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

bool sl_tunnel_error(struct sl_worker *w, struct sl_pkt *pkt, const struct sl_parsed *quoted)
{
	const struct sl_parsed *p = &pkt->parsed;
	uint32_t adj;

	if (!is_of_a_tunnel(quoted) || !find_tunnel(w, quoted, &adj))
		return false;
	sl_path_mtu_hear(w, adj, p->family,
		rte_pktmbuf_mtod_offset(pkt->mbuf, void *, p->l4_offset),
		pkt->mbuf->data_len - p->l4_offset);
	sl_stage_drop(w, pkt, SL_DROP_TUNNEL_ERROR);
	return true;
}
