/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/emit.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ether.h>

#include "lb/engine.h"
#include "lb/fib.h"
#include "lb/path_mtu.h"
#include "lb/split.h"
#include "net/rewrite.h"

#define ICMP_BURST_NS (SL_NS_PER_S / 10) /* errors of this long may come at once */

static struct sl_mbuf_meta *meta_of(struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv(mbuf);
}

void sl_emit_punt(struct sl_worker *w, struct rte_mbuf *mbuf, enum sl_punt_class class)
{
	if (!w->engine->ports[mbuf->port].twin) {
		sl_emit_drop(w, mbuf, SL_DROP_PUNT_NO_TWIN);
		return;
	}
	if (rte_ring_sp_enqueue(w->punt[class], mbuf) != 0) {
		sl_emit_drop(w, mbuf, SL_DROP_PUNT_FULL);
		return;
	}
	sl_count_add(w->stats.punted[class], 1);
}

void sl_emit_handover(struct sl_worker *w, struct rte_mbuf *mbuf, unsigned to)
{
	struct sl_mbuf_meta *meta = meta_of(mbuf);
	unsigned port = mbuf->port; /* once it is in the ring, it is not ours to look at */

	/*
	 * A fragment goes to the worker that keeps its datagram first; what may be a reply, to the
	 * worker that would have the client's connection.
	 */
	if (meta->hops > (meta->fragment == SL_FRAGMENT_KNOWN) + meta->unclaimed) {
		sl_emit_drop(w, mbuf, SL_DROP_HANDOVER_LOOP);
		return;
	}
	meta->hops++;
	if (rte_ring_sp_enqueue(w->handover_out[to], mbuf) != 0) {
		sl_emit_drop(w, mbuf, SL_DROP_HANDOVER_FULL);
		return;
	}
	sl_count_add(w->stats.handed_over[port], 1);
}

void sl_emit_glean(struct sl_worker *w, struct rte_mbuf *mbuf, uint8_t port, uint8_t family,
	const union sl_ip *dst)
{
	struct sl_glean_message want = {.address = *dst, .family = family, .port = port};

	sl_emit_drop(w, mbuf, SL_DROP_NEIGHBOUR_UNRESOLVED);
	if (w->gleaned_tick == w->tick && memcmp(&w->gleaned, &want, sizeof(want)) == 0)
		return;
	/* Full: the next packet asks again. */
	if (rte_ring_sp_enqueue_elem(w->gleans, &want, sizeof(want)) != 0)
		return;
	w->gleaned = want;
	w->gleaned_tick = w->tick;
}

/* The rate as one time stamp: when the next error would be due if they came evenly. */
static bool may_send_error(struct sl_worker *w)
{
	if (w->icmp_tokens_ns > w->now_ns + ICMP_BURST_NS)
		return false;
	w->icmp_tokens_ns =
		RTE_MAX(w->icmp_tokens_ns, w->now_ns) + sl_read_word(&w->engine->icmp_interval_ns);
	return true;
}

/* Back to the neighbour, from the address that it used: the port's, or a macvlan child's. */
static void turn_ether(const uint8_t *from, uint8_t *to, unsigned length)
{
	uint8_t ether[UINT8_MAX];

	memcpy(ether, from, length);
	memcpy(to, ether, length);
	memcpy(to, ether + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN);
	memcpy(to + RTE_ETHER_ADDR_LEN, ether, RTE_ETHER_ADDR_LEN);
}

/* The packet becomes the error: its own head is what the error quotes. */
static void make_error(struct rte_mbuf *mbuf, const struct sl_parsed *p, enum sl_icmp_error what,
	uint32_t mtu, const union sl_ip *src)
{
	uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
	unsigned headers = sl_icmp_headers(p->family);
	uint32_t quoted = RTE_MIN(p->l3_length, sl_icmp_quote_max(p->family));

	quoted = RTE_MIN(quoted, (uint32_t)mbuf->data_len - p->l3_offset);
	mbuf->data_off -= (uint16_t)headers;
	mbuf->data_len = (uint16_t)(p->l3_offset + headers + quoted);
	mbuf->pkt_len = mbuf->data_len;
	mbuf->ol_flags = 0;
	turn_ether(frame, frame - headers, p->l3_offset);
	sl_icmp_error(frame + p->l3_offset - headers, p->family, quoted, what, mtu, src, &p->src);
}

/* The error takes the place of the packet's first buffer; it needs no other. */
static void cut_tail(struct sl_worker *w, struct rte_mbuf *mbuf)
{
	if (mbuf->next == NULL)
		return;
	mbuf->next->nb_segs = (uint16_t)(mbuf->nb_segs - 1);
	w->freed.pkts[w->freed.n++] = mbuf->next;
	mbuf->next = NULL;
	mbuf->nb_segs = 1;
}

void sl_emit_icmp_error(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	enum sl_icmp_error what, uint32_t mtu, const union sl_ip *src, enum sl_drop reason)
{
	/* A packet without room in front, for a VLAN's tag, too, goes unanswered. */
	if (rte_pktmbuf_headroom(mbuf) < sl_icmp_headers(p->family) + RTE_VLAN_HLEN ||
		!sl_icmp_may_answer(p->family, rte_pktmbuf_mtod_offset(mbuf, void *, p->l3_offset),
			mbuf->data_len - p->l3_offset)) {
		sl_emit_drop(w, mbuf, reason);
		return;
	}
	if (!may_send_error(w)) {
		sl_emit_drop(w, mbuf, SL_DROP_ICMP_RATE);
		return;
	}
	cut_tail(w, mbuf);
	make_error(mbuf, p, what, mtu, src);
	sl_count_add(w->stats.drops[reason], 1);
	sl_count_add(w->stats.icmp_sent, 1);
	sl_emit_tx(w, mbuf, mbuf->port);
}

void sl_emit_answer(struct sl_worker *w, struct sl_pkt *pkt, enum sl_icmp_error what, uint32_t mtu,
	enum sl_drop reason)
{
	const union sl_ip *src = &pkt->parsed.dst;

	if (pkt->direction != SL_DIR_IN)
		src = sl_local_set_source(
			sl_read_pointer(&w->engine->local), pkt->mbuf->port, pkt->parsed.family);
	if (src == NULL)
		sl_emit_drop(w, pkt->mbuf, reason);
	else
		sl_emit_icmp_error(w, pkt->mbuf, &pkt->parsed, what, mtu, src, reason);
}

/* ---- ways out ---- */

static bool drop(struct sl_worker *w, struct sl_pkt *pkt, enum sl_drop reason)
{
	sl_emit_drop(w, pkt->mbuf, reason);
	return false;
}

static bool answer(struct sl_worker *w, struct sl_pkt *pkt, enum sl_icmp_error what, uint32_t mtu,
	enum sl_drop reason)
{
	sl_emit_answer(w, pkt, what, mtu, reason);
	return false;
}

/*
 * The packet does not go into `mtu` bytes once it is `growth` longer: it is answered, or cut. IPv4
 * that may be is cut before it grows. The others are told what fits; below what every link carries
 * their sender does not heed that, and no more is asked of him: what we make of the packet is our
 * own, and is cut then (RFC 2473, section 7.1; RFC 4213, section 3.2; RFC 7915, section 5).
 */
static __rte_noinline bool make_fit(struct sl_worker *w, struct sl_pkt *pkt, int mtu, int growth)
{
	int room = mtu - growth, least = (int)sl_mtu_min(pkt->parsed.family);

	if (pkt->parsed.dont_fragment &&
		(growth == 0 || room >= least || pkt->parsed.l3_length > least))
		return answer(w, pkt, SL_ICMP_TOO_BIG, (uint32_t)RTE_MAX(room, least),
			SL_DROP_PACKET_TOO_BIG);
	pkt->cut_late = pkt->parsed.dont_fragment;
	pkt->cut = (uint16_t)(pkt->cut_late ? mtu : RTE_MAX(room, 1));
	sl_spend_ttl(rte_pktmbuf_mtod(pkt->mbuf, void *), &pkt->parsed);
	return true;
}

/*
 * The last question, whether the packet goes into `mtu` bytes (0 = any number), or may be cut; then
 * it is a router's to send on, one hop older. Answers quote it as it came.
 */
static bool passes(struct sl_worker *w, struct sl_pkt *pkt, uint64_t mtu, int growth)
{
	if (unlikely(mtu != 0 && pkt->parsed.l3_length + growth > (int)mtu))
		return make_fit(w, pkt, (int)mtu, growth);
	sl_spend_ttl(rte_pktmbuf_mtod(pkt->mbuf, void *), &pkt->parsed);
	return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

bool sl_emit_way_to_server(
	struct sl_worker *w, struct sl_pkt *pkt, int growth, bool on_link, sl_adj_word *way)
{
	uint32_t adj = pkt->server->adj, known;
	uint8_t flags;
	uint64_t mtu;

	*way = sl_read_adj(&w->engine->adjs[adj]);
	flags = sl_adj_flags(*way);
	if (flags & SL_ADJ_LOCAL) {
		sl_emit_punt(w, pkt->mbuf, SL_PUNT_HOST);
		return false;
	}
	if (!(flags & (SL_ADJ_RESOLVED | SL_ADJ_ON_LINK | SL_ADJ_GATEWAY)))
		return drop(w, pkt, SL_DROP_NO_ROUTE); /* not yet, perhaps: nobody is told */
	if (!(flags & SL_ADJ_RESOLVED))
		return drop(w, pkt, SL_DROP_NEIGHBOUR_UNRESOLVED);
	if (on_link && !(flags & SL_ADJ_ON_LINK))
		return drop(w, pkt, SL_DROP_SERVER_NOT_ON_LINK);
	mtu = sl_emit_mtu(w, *way);
	if (growth > 0) {
		known = sl_path_mtu(w, adj);
		pkt->path_cuts = known != 0 && known <= SL_PATH_MTU_MIN4;
		mtu = least(mtu, known);
	}
	return passes(w, pkt, mtu, growth);
}

bool sl_emit_way_to(struct sl_worker *w, struct sl_pkt *pkt, uint8_t family, const union sl_ip *dst,
	int growth, sl_adj_word *way)
{
	static const uint8_t no_mac[6];
	struct sl_next next;

	sl_fib_next(w->engine->fib, family, dst, (uint32_t)pkt->hash, &next);
	switch (next.kind) {
	case SL_ROUTE_HOP:
		break;
	case SL_ROUTE_LINUX: /* which spends the TTL itself */
		*way = sl_adj_make(no_mac, 0, SL_ADJ_LOCAL);
		pkt->cut = 0;
		return true;
	case SL_ROUTE_GLEAN:
		sl_emit_glean(w, pkt->mbuf, next.port, family, dst);
		return false;
	case SL_ROUTE_BLACKHOLE:
		return drop(w, pkt, SL_DROP_ROUTE_BLACKHOLE);
	case SL_ROUTE_PROHIBIT:
		return answer(w, pkt, SL_ICMP_PROHIBITED, 0, SL_DROP_ROUTE_PROHIBIT);
	default:
		return answer(w, pkt, SL_ICMP_HOST_UNREACHABLE, 0, SL_DROP_NO_ROUTE);
	}
	*way = next.adj;
	if (!(sl_adj_flags(next.adj) & SL_ADJ_RESOLVED))
		return drop(w, pkt, SL_DROP_NEIGHBOUR_UNRESOLVED);
	return passes(w, pkt, sl_emit_mtu(w, next.adj), growth);
}

bool sl_emit_way_routed(
	struct sl_worker *w, struct sl_pkt *pkt, const union sl_ip *dst, sl_adj_word *way)
{
	return sl_emit_way_to(w, pkt, pkt->parsed.family, dst, 0, way);
}

void sl_emit_frame(struct sl_worker *w, struct rte_mbuf *mbuf, sl_adj_word way)
{
	uint8_t *ether = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint8_t port = sl_adj_port(way);

	if (sl_adj_flags(way) & SL_ADJ_LOCAL) {
		sl_emit_punt(w, mbuf, SL_PUNT_HOST);
		return;
	}
	memcpy(ether, &way, RTE_ETHER_ADDR_LEN); /* the word begins with the MAC (lb/adj.h) */
	memcpy(ether + RTE_ETHER_ADDR_LEN, w->engine->ports[port].mac, RTE_ETHER_ADDR_LEN);
	sl_emit_tx(w, mbuf, port);
}

void sl_emit_on_way(struct sl_worker *w, struct sl_pkt *pkt, sl_adj_word way)
{
	struct rte_mbuf *pieces[SL_SPLIT_MAX];
	unsigned n;

	if (likely(pkt->cut == 0)) {
		sl_emit_frame(w, pkt->mbuf, way);
		return;
	}
	n = sl_split(w, pkt->mbuf, &pkt->parsed, pkt->cut, pieces);
	for (unsigned i = 0; i < n; i++)
		sl_emit_frame(w, pieces[i], way);
}
