/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transit: packets of others, of either family, that reach our MAC address and are for no address
 * of the box, forwarded along Linux's routes as a router does. RFC 1812, section 5; RFC 8200,
 * section 3. What a router has to look into more closely is left to Linux.
 */
#include <rte_ip.h>

#include "lb/emit.h"
#include "lb/stage.h"

static bool is_link_local6(const union sl_ip *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/*
 * To or from an address that means nothing beyond its link, or is no host's; or with IPv4 options,
 * some of which are for the routers on the way.
 */
static bool is_for_linux(const struct sl_pkt *pkt)
{
	const struct sl_parsed *p = &pkt->parsed;
	const struct rte_ipv4_hdr *ip;

	if (!sl_ip_is_host(p->family, &p->dst))
		return true;
	if (p->family == 6)
		return is_link_local6(&p->src) || is_link_local6(&p->dst);
	ip = rte_pktmbuf_mtod_offset(pkt->mbuf, const void *, p->l3_offset);
	return ip->version_ihl != RTE_IPV4_VHL_DEF;
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

	if (is_for_linux(pkt))
		return sl_unclaimed_punt(w, pkt, false);
	pkt->direction = SL_DIR_OUT; /* answers come from the port's own address */
	pkt->hash = flow_hash(&pkt->parsed);
	if (pkt->parsed.ttl <= 1)
		sl_emit_answer(w, pkt, SL_ICMP_TIME_EXCEEDED, 0, SL_DROP_TTL_EXCEEDED);
	else if (sl_emit_way_routed(w, pkt, &pkt->parsed.dst, &way))
		sl_emit_on_way(w, pkt, way);
	return false;
}
