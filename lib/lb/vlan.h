/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 802.1Q: a frame with the tag of a VLAN sub-port is that port's, and is without its tag everywhere
 * between arrival and departure. A priority tag (VLAN 0) says nothing of a VLAN: the frame is the
 * port's own. Stacked tags (802.1ad) are for nobody.
 */
#ifndef SL_LB_VLAN_H
#define SL_LB_VLAN_H

#include <stdbool.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "lb/drop.h"
#include "lb/engine.h"

#define SL_VLAN_ID 0x0fff /* bits of the tag */
#define SL_VLANS   4096
#define SL_VLAN_NO 0xff /* in a sl_port.vlan_map: no sub-port */

static inline bool sl_vlan_is_tag(rte_be16_t ether_type)
{
	return ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN) ||
		ether_type == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

/* Whether the frame came with a tag, still in it or taken out by the NIC. It has its 14 bytes. */
static inline bool sl_vlan_is_tagged(const struct rte_mbuf *mbuf)
{
	return (mbuf->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)) !=
		0 ||
		sl_vlan_is_tag(rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *)->ether_type);
}

/*
 * Takes the tag off and makes the frame its sub-port's: mbuf->port. False, with the reason, when
 * there is no such port.
 */
static inline bool
sl_vlan_enter(const struct sl_engine *engine, struct rte_mbuf *mbuf, enum sl_drop *why)
{
	const struct sl_port *port = &engine->ports[mbuf->port];
	uint16_t id;

	*why = SL_DROP_VLAN_STACKED;
	if (mbuf->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED)
		return false;
	if (!(mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)) {
		if (mbuf->data_len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN) {
			*why = SL_DROP_TRUNCATED;
			return false;
		}
		if (rte_vlan_strip(mbuf) != 0) /* 802.1ad */
			return false;
	}
	if (sl_vlan_is_tag(rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *)->ether_type))
		return false;
	/* In the hands of another worker it is as if it never had one. */
	mbuf->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	id = mbuf->vlan_tci & SL_VLAN_ID;
	if (id == 0)
		return true;
	*why = SL_DROP_VLAN_UNKNOWN;
	if (port->vlan_map == NULL || port->vlan_map[id] == SL_VLAN_NO)
		return false;
	mbuf->port = port->vlan_map[id];
	return true;
}

/* Puts the tag in. False when the buffer is shared, or has no room in front of the frame. */
static inline bool sl_vlan_leave(struct rte_mbuf *mbuf, uint16_t id)
{
	mbuf->vlan_tci = id;
	return rte_vlan_insert(&mbuf) == 0;
}

#endif
