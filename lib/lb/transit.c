/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transit: packets of others, of either family, that reach our MAC address and are for no address
 * of the box, forwarded along Linux's routes as a router does. RFC 1812, section 5; RFC 8200,
 * section 3. What a router has to look into more closely is left to Linux.
 */
#include <rte_ip.h>

#include "lb/emit.h"
#include "lb/stage.h"

/* To or from an address that means nothing beyond its link: RFC 4291, section 2.5.6. */
static bool stays_on_link(const struct sl_parsed *p)
{
	const uint8_t *src = p->src.bytes, *dst = p->dst.bytes;

	return p->family == 6 &&
		((src[0] == 0xfe && (src[1] & 0xc0) == 0x80) ||
			(dst[0] == 0xfe && (dst[1] & 0xc0) == 0x80));
}

/* Some options of IPv4 are for the routers on the way. */
static bool has_options(const struct sl_pkt *pkt)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(pkt->mbuf, const void *, pkt->parsed.l3_offset);

	return pkt->parsed.family == 4 && ip->version_ihl != RTE_IPV4_VHL_DEF;
}

static bool leave_to_linux(struct sl_worker *w, struct sl_pkt *pkt)
{
	sl_emit_punt(w, pkt->mbuf, SL_PUNT_OTHER);
	return false;
}

/* Of both addresses alone, so that fragments go the way of their datagram. */
static uint64_t flow_hash(const struct sl_parsed *p)
{
	uint64_t hash = (p->src.words[0] ^ p->src.words[1]) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ hash >> 32 ^ p->dst.words[0] ^ p->dst.words[1]) * 0x9e3779b97f4a7c15ull;
	return hash >> 32;
}

bool sl_transit_forward(struct sl_worker *w, struct sl_pkt *pkt)
{
	sl_adj_word way;

	if (stays_on_link(&pkt->parsed))
		return sl_unclaimed_punt(w, pkt, false);
	if (!sl_ip_is_host(pkt->parsed.family, &pkt->parsed.dst) || has_options(pkt))
		return leave_to_linux(w, pkt);
	pkt->direction = SL_DIR_OUT; /* answers come from the port's own address */
	pkt->hash = flow_hash(&pkt->parsed);
	if (pkt->parsed.ttl <= 1) {
		sl_emit_answer(w, pkt, SL_ICMP_TIME_EXCEEDED, 0, SL_DROP_TTL_EXCEEDED);
		return false;
	}
	if (!sl_emit_way_routed(w, pkt, &pkt->parsed.dst, &way))
		return false;
	if (sl_adj_flags(way) & SL_ADJ_LOCAL)
		return leave_to_linux(w, pkt);
	sl_emit_on_way(w, pkt, way);
	return false;
}
