/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/fullnat.h"

#include <netinet/in.h>
#include <string.h>

#include "lb/preface.h"
#include "lb/publish.h"
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/rewrite.h"
#include "net/translate.h"

static uint8_t family_of(const struct sl_front *front)
{
	return front->v6 ? 6 : 4;
}

/* A packet of the connection on its four ways: through the director, and from each end. */
static struct sl_tuple towards_server(const struct sl_fullnat *c, uint8_t protocol)
{
	rte_be16_t port = c->server->port != 0 ? c->server->port
		: c->front->port != 0          ? c->front->port
					       : c->side->service_port;

	return (struct sl_tuple){.src = c->side->local,
		.dst = c->server->address,
		.src_port = c->side->local_port,
		.dst_port = port,
		.family = c->server->family,
		.protocol = protocol};
}

static struct sl_tuple from_client(const struct sl_fullnat *c, uint8_t protocol)
{
	return (struct sl_tuple){.src = c->side->client,
		.dst = c->front->address,
		.src_port = c->side->client_port,
		.dst_port = c->front->port != 0 ? c->front->port : c->side->service_port,
		.family = family_of(c->front),
		.protocol = protocol};
}

static struct sl_tuple turned(struct sl_tuple t)
{
	return (struct sl_tuple){.src = t.dst,
		.dst = t.src,
		.src_port = t.dst_port,
		.dst_port = t.src_port,
		.family = t.family,
		.protocol = t.protocol};
}

static void *frame_of(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, void *);
}

/* The frame's start moves, and what lies behind the IP packet goes. */
static void set_bounds(struct rte_mbuf *mbuf, int shift, const struct sl_parsed *p, unsigned l3)
{
	mbuf->data_off = (uint16_t)(mbuf->data_off + shift);
	mbuf->data_len = (uint16_t)(mbuf->data_len - shift);
	mbuf->pkt_len = (uint32_t)((int64_t)mbuf->pkt_len - shift);
	if (mbuf->nb_segs == 1 && mbuf->data_len > p->l3_offset + l3) {
		mbuf->data_len = (uint16_t)(p->l3_offset + l3);
		mbuf->pkt_len = mbuf->data_len;
	}
}

static enum sl_drop translate(struct rte_mbuf *mbuf, struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to)
{
	struct sl_translated done;

	if (sl_translate(frame_of(mbuf), mbuf->data_len, rte_pktmbuf_headroom(mbuf), p, inner, to,
		    inner_to, &done) != 0)
		return SL_DROP_NOT_TRANSLATED;
	set_bounds(mbuf, done.shift, p, done.l3_length);
	sl_parse(frame_of(mbuf), mbuf->data_len, mbuf->pkt_len, false, p);
	return SL_DROP_COUNT;
}

static enum sl_drop rewrite(struct rte_mbuf *mbuf, struct sl_parsed *p, const struct sl_tuple *to)
{
	if (to->family != p->family)
		return translate(mbuf, p, NULL, to, NULL);
	sl_rewrite(frame_of(mbuf), p, to);
	p->src = to->src;
	p->dst = to->dst;
	if (p->has_l4) {
		p->src_port = to->src_port;
		p->dst_port = to->dst_port;
	}
	return SL_DROP_COUNT;
}

static enum sl_drop rewrite_error(struct rte_mbuf *mbuf, struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to)
{
	if (to->family != p->family)
		return translate(mbuf, p, inner, to, inner_to);
	sl_rewrite_error(frame_of(mbuf), mbuf->data_len, p, inner, to, inner_to);
	p->src = to->src;
	p->dst = to->dst;
	return SL_DROP_COUNT;
}

/* ---- the packets of the connection ---- */

/* Bytes of a PROXY header that this packet, or one of its size, may get. */
static unsigned proxy_growth(const struct sl_fullnat *c, uint8_t protocol)
{
	if (!(c->side->flags & SL_SIDE_PROXY))
		return 0;
	if (protocol == IPPROTO_TCP && (c->side->flags & SL_SIDE_TOLD))
		return 0;
	return sl_proxy_length(family_of(c->front));
}

int sl_fullnat_family_growth(const struct sl_parsed *p, uint8_t family)
{
	if (family < p->family)
		return -SL_FULLNAT_V6_MORE;
	if (family == p->family)
		return 0;
	return p->fragment_offset > 0 || p->more_fragments
		? SL_FULLNAT_V6_MORE + SL_FULLNAT_V6_FRAGMENT
		: SL_FULLNAT_V6_MORE;
}

int sl_fullnat_growth(const struct sl_fullnat *c, const struct sl_parsed *p)
{
	int growth = sl_fullnat_family_growth(p, c->server->family);

	/* Of a segment's SYN the payload goes, and fragments that are not the first only move. */
	if (p->fragment_offset > 0 || (p->tcp_flags & SL_TCP_SYN))
		return growth;
	return growth + (int)proxy_growth(c, p->protocol);
}

static enum sl_drop put_preface(struct sl_worker *w, const struct sl_fullnat *c,
	struct rte_mbuf *mbuf, struct sl_parsed *p, unsigned mtu)
{
	unsigned grown;

	if (rte_pktmbuf_headroom(mbuf) < SL_PREFACE_ROOM)
		return SL_DROP_NO_HEADROOM;
	/* The payload of a SYN goes; it is all in one buffer, or nobody knows where it ends. */
	if (mbuf->nb_segs > 1 && (p->tcp_flags & SL_TCP_SYN))
		return SL_DROP_SEGMENTS;
	switch (sl_preface_in(c->side, frame_of(mbuf), p, mtu, &grown)) {
	case SL_PREFACE_FRAGMENT:
		return SL_DROP_PROXY_FRAGMENT;
	case SL_PREFACE_TOO_LONG:
		return SL_DROP_PROXY_TOO_LONG;
	case SL_PREFACE_NO_TOA:
		sl_count_add(w->stats.toa_left_out, 1);
		break;
	case SL_PREFACE_DONE:
		break;
	}
	set_bounds(mbuf, -(int)grown, p, p->l3_length);
	return SL_DROP_COUNT;
}

enum sl_drop sl_fullnat_name_client(struct sl_worker *w, const struct sl_fullnat *c,
	struct rte_mbuf *mbuf, struct sl_parsed *p, unsigned mtu)
{
	/* What the family adds is not there yet. */
	unsigned differ = c->server->family > p->family ? SL_FULLNAT_V6_MORE : 0;

	if (!sl_fullnat_names_client(c))
		return SL_DROP_COUNT;
	return put_preface(w, c, mbuf, p, mtu - RTE_MIN(differ, mtu));
}

void sl_fullnat_hear_server(
	const struct sl_fullnat *c, const struct rte_mbuf *mbuf, const struct sl_parsed *p)
{
	if (sl_fullnat_names_client(c))
		sl_preface_out(c->side, family_of(c->front), frame_of(mbuf), p);
}

enum sl_drop sl_fullnat_aim(const struct sl_fullnat *c, enum sl_direction direction,
	struct rte_mbuf *mbuf, struct sl_parsed *p)
{
	struct sl_tuple to = direction == SL_DIR_IN ? towards_server(c, p->protocol)
						    : turned(from_client(c, p->protocol));

	return rewrite(mbuf, p, &to);
}

/* ---- errors about them ---- */

/*
 * The next hop's MTU leaves that much less to the client, but not less than an IPv6 client heeds:
 * what is too long then is cut (lb/emit.c). It is the second half of the error's
 * second word, of IPv6 all of it, and its upper half is 0 then.
 */
static void
lower_mtu(const struct sl_fullnat *c, void *frame, const struct sl_parsed *p, unsigned by)
{
	uint8_t *icmp = (uint8_t *)frame + p->l4_offset;
	rte_be16_t before, after;
	uint32_t said, least = sl_mtu_min(c->front->v6 ? p->family : 4);

	memcpy(&before, icmp + 6, sizeof(before));
	said = rte_be_to_cpu_16(before);
	if (said <= by || said <= least)
		return; /* none is said, or one that cannot be */
	after = rte_cpu_to_be_16((uint16_t)RTE_MAX(said - by, least));
	memcpy(icmp + 6, &after, sizeof(after));
	sl_csum_fix(icmp + 2, sl_csum_change(&before, &after, sizeof(after)), false);
}

enum sl_drop sl_fullnat_error_to_client(const struct sl_fullnat *c, struct rte_mbuf *mbuf,
	struct sl_parsed *p, const struct sl_parsed *inner)
{
	struct sl_tuple to, inner_to = from_client(c, inner->protocol);
	uint32_t mtu;

	to = turned(inner_to);
	if (sl_fullnat_names_client(c)) {
		sl_preface_quoted(c->side, to.family, frame_of(mbuf), mbuf->data_len, p, inner);
		if (sl_icmp_is_too_big(p->family,
			    rte_pktmbuf_mtod_offset(mbuf, void *, p->l4_offset),
			    mbuf->data_len - p->l4_offset, &mtu))
			lower_mtu(c, frame_of(mbuf), p, proxy_growth(c, inner->protocol));
	}
	return rewrite_error(mbuf, p, inner, &to, &inner_to);
}

enum sl_drop sl_fullnat_error_to_server(const struct sl_fullnat *c, struct rte_mbuf *mbuf,
	struct sl_parsed *p, const struct sl_parsed *inner)
{
	struct sl_tuple to = towards_server(c, inner->protocol), inner_to = turned(to);

	return rewrite_error(mbuf, p, inner, &to, &inner_to);
}
