/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/emit.h"

#include <string.h>

#include <rte_ether.h>

#include "lb/engine.h"

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

	if (meta->hops > 0) {
		sl_emit_drop(w, mbuf, SL_DROP_HANDOVER_LOOP);
		return;
	}
	meta->hops = 1;
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

void sl_emit_icmp_error(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	enum sl_icmp_error what, uint32_t mtu, const union sl_ip *src, enum sl_drop reason)
{
	/* A packet of several buffers, or one without room in front, goes unanswered. */
	if (mbuf->nb_segs > 1 || rte_pktmbuf_headroom(mbuf) < sl_icmp_headers(p->family) ||
		!sl_icmp_may_answer(p->family, rte_pktmbuf_mtod_offset(mbuf, void *, p->l3_offset),
			mbuf->data_len - p->l3_offset)) {
		sl_emit_drop(w, mbuf, reason);
		return;
	}
	if (!may_send_error(w)) {
		sl_emit_drop(w, mbuf, SL_DROP_ICMP_RATE);
		return;
	}
	make_error(mbuf, p, what, mtu, src);
	sl_count_add(w->stats.drops[reason], 1);
	sl_count_add(w->stats.icmp_sent, 1);
	sl_emit_tx(w, mbuf, mbuf->port);
}
