/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages stand here in the order in which a packet meets them. Each looks at one packet and
 * either lets it go on (true) or has ended it: sent to Linux, to another worker, or dropped. The
 * order of packets is kept throughout, so a burst has the outcome that its packets would have had
 * one by one.
 */
#include "lb/pipeline.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_prefetch.h>

#include "lb/engine.h"
#include "lb/fragment.h"
#include "lb/fwd.h"
#include "lb/stage.h"

static bool check_ether(struct sl_worker *w, struct sl_pkt *pkt);
static bool parse(struct sl_worker *w, struct sl_pkt *pkt);
static bool set_host_traffic_aside(struct sl_worker *w, struct sl_pkt *pkt);
static bool join_datagram(struct sl_worker *w, struct sl_pkt *pkt);
static bool find_owner(struct sl_worker *w, struct sl_pkt *pkt);
static bool check_ttl(struct sl_worker *w, struct sl_pkt *pkt);
static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n);

void sl_pipeline_run(struct sl_worker *w, struct rte_mbuf **mbufs, unsigned n)
{
	struct sl_error errors[SL_BURST]; /* touched by those that are errors */
	struct sl_pkt burst[SL_BURST];
	struct sl_pkt *pkts[SL_BURST];

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
		burst[i].mbuf = mbufs[i];
		burst[i].flow = &burst[i].parsed;
		burst[i].error = &errors[i];
		burst[i].is_error = false;
		burst[i].direction = SL_DIR_OUT; /* not a client's, until it is found to be */
		burst[i].cut = 0;
		pkts[i] = &burst[i];
	}
	sl_count_add(w->stats.bursts, 1);
	w->split = 0;

	n = sl_stage_each(w, pkts, n, check_ether);
	n = sl_stage_each(w, pkts, n, parse);
	n = sl_stage_each(w, pkts, n, set_host_traffic_aside);
	n = sl_stage_each(w, pkts, n, join_datagram);
	n = sl_stage_classify(w, pkts, n);
	n = sl_stage_each(w, pkts, n, find_owner);
	n = sl_stage_fetch(w, pkts, n);
	n = sl_stage_balance(w, pkts, n);
	n = sl_stage_each(w, pkts, n, check_ttl);
	forward(w, pkts, n);
}

/* ---- 1. Ethernet: on which VLAN is it, from somebody else, and for us? ---- */

static bool enter_vlan(struct sl_worker *w, struct sl_pkt *pkt)
{
	uint16_t parent = pkt->mbuf->port;
	enum sl_drop why;

	if (!sl_vlan_enter(w->engine, pkt->mbuf, &why))
		return sl_stage_drop(w, pkt, why);
	if (pkt->mbuf->port != parent) {
		sl_count_add(w->stats.rx_packets[pkt->mbuf->port], 1);
		sl_count_add(w->stats.rx_bytes[pkt->mbuf->port], pkt->mbuf->pkt_len);
	}
	return true;
}

static uint64_t mac_word(const struct rte_ether_addr *mac)
{
	uint64_t word = 0;

	memcpy(&word, mac, sizeof(*mac));
	return word;
}

static bool is_ours(const struct sl_port *port, uint64_t mac)
{
	for (unsigned i = 0; i < SL_PORT_MACS; i++) {
		if (sl_read_mac(&port->macs[i]) == mac)
			return mac != 0; /* a free place */
	}
	return false;
}

static bool check_ether(struct sl_worker *w, struct sl_pkt *pkt)
{
	const struct rte_ether_hdr *ether;
	const struct sl_port *port;

	if (pkt->mbuf->data_len < sizeof(*ether))
		return sl_stage_drop(w, pkt, SL_DROP_TRUNCATED);
	if (unlikely(sl_vlan_is_tagged(pkt->mbuf)) && !enter_vlan(w, pkt))
		return false;
	ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);
	port = &w->engine->ports[pkt->mbuf->port];
	/* A macvlan child's may be: in VRRP the master sends from the address that all routers
	 * have. */
	if (rte_is_multicast_ether_addr(&ether->src_addr) ||
		rte_is_zero_ether_addr(&ether->src_addr) ||
		sl_read_mac(&port->macs[0]) == mac_word(&ether->src_addr))
		return sl_stage_drop(w, pkt, SL_DROP_SOURCE_MAC);
	if (!rte_is_multicast_ether_addr(&ether->dst_addr) &&
		!is_ours(port, mac_word(&ether->dst_addr)))
		return sl_stage_drop(w, pkt, SL_DROP_NOT_OUR_MAC);
	return true;
}

/* ---- 2. the headers ---- */

static bool parse(struct sl_worker *w, struct sl_pkt *pkt)
{
	struct rte_mbuf *mbuf = pkt->mbuf;
	bool verified =
		(mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;

	pkt->kind = sl_parse(rte_pktmbuf_mtod(mbuf, const void *), mbuf->data_len, mbuf->pkt_len,
		!verified, &pkt->parsed);
	switch ((enum sl_parse_result)pkt->kind) {
	case SL_PARSE_TRUNCATED:
		return sl_stage_drop(w, pkt, SL_DROP_TRUNCATED);
	case SL_PARSE_MALFORMED:
		return sl_stage_drop(w, pkt, SL_DROP_MALFORMED);
	case SL_PARSE_CHECKSUM:
		return sl_stage_drop(w, pkt, SL_DROP_IP_CHECKSUM);
	case SL_PARSE_EXTENSIONS:
		return sl_stage_drop(w, pkt, SL_DROP_EXTENSIONS);
	default:
		return true;
	}
}

/* ---- 3. what cannot be balanced: group addresses, ARP, neighbour discovery, ... ---- */

/* RFC 4291, section 2.5.6: no router passes these on, so they are for us. */
static bool is_link_local6(const union sl_ip *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool is_for_host(const struct sl_pkt *pkt)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt->mbuf, const void *);
	const struct sl_parsed *parsed = &pkt->parsed;

	if (parsed->family == 0 || rte_is_multicast_ether_addr(&ether->dst_addr))
		return true;
	return parsed->family == 6 &&
		(is_link_local6(&parsed->dst) || sl_punt_is_discovery(parsed));
}

static bool set_host_traffic_aside(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (is_for_host(pkt))
		return sl_unclaimed_punt(w, pkt, false);
	if (!sl_ip_is_host(pkt->parsed.family, &pkt->parsed.src))
		return sl_stage_drop(w, pkt, SL_DROP_SOURCE_ADDRESS);
	return true;
}

/* ---- fragments get the ports of their datagram, and go on as a part of it ---- */

static bool join_datagram(struct sl_worker *w, struct sl_pkt *pkt)
{
	return pkt->kind != SL_PARSE_FRAGMENT || sl_fragment_join(w, pkt);
}

/* ---- 4. whose is it? lib/lb/classify.c ---- */

/* ---- 5. the owner of the client's endpoint ---- */

static bool find_owner(struct sl_worker *w, struct sl_pkt *pkt)
{
	unsigned owner = sl_engine_owner(
		w->engine, pkt->flow->family, sl_pkt_client(pkt), sl_pkt_client_port(pkt));

	if (owner == w->index)
		return true;
	sl_emit_handover(w, pkt->mbuf, owner);
	return false;
}

/* ---- 6. and 7. the connection: lib/lb/balance.c ---- */

/* ---- 8. the TTL, as in any router ---- */

/* It is spent when the way is known (lb/emit.h). */
static bool check_ttl(struct sl_worker *w, struct sl_pkt *pkt)
{
	if (pkt->direction == SL_DIR_IN && !sl_fwds[pkt->method]->routes)
		return true;
	if (pkt->parsed.ttl > 1)
		return true;
	sl_emit_answer(w, pkt, SL_ICMP_TIME_EXCEEDED, 0, SL_DROP_TTL_EXCEEDED);
	return false;
}

/* ---- 9. out, by forwarding method and direction: packets of one connection have the same ---- */

/* One bit for each method and direction. */
static unsigned way_of(const struct sl_pkt *pkt)
{
	return 2u * pkt->method + pkt->direction;
}

static void forward(struct sl_worker *w, struct sl_pkt *const *pkts, unsigned n)
{
	unsigned ways = 0;

	for (unsigned i = 0; i < n; i++)
		ways |= 1u << way_of(pkts[i]);
	for (; ways != 0; ways &= ways - 1) {
		unsigned way = (unsigned)__builtin_ctz(ways), size = 0;
		const struct sl_fwd *fwd = sl_fwds[way / 2];
		struct sl_pkt *batch[SL_BURST];

		for (unsigned i = 0; i < n; i++) {
			if (way_of(pkts[i]) == way)
				batch[size++] = pkts[i];
		}
		(way % 2 == SL_DIR_IN ? fwd->forward : fwd->reply)(w, batch, size);
	}
}
