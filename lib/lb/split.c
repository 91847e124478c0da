/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/split.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>

#include "lb/emit.h"
#include "lb/engine.h"
#include "net/checksum.h"
#include "net/option.h"

#define UNIT            8u
#define OPTIONS_MAX     40u
#define OPTION_COPY     0x80 /* bit of those that each fragment has */
#define FRAGMENT_HEADER 8
#define V6_NEXT         6 /* where the number of the next header lies */

/* What the packet is cut into. */
struct plan {
	uint8_t *l3;
	uint8_t family;
	size_t front; /* bytes of the frame in front of the IP header */
	/* Of the first fragment, behind which the payload lies; of the others. */
	size_t first_header, header;
	size_t common; /* bytes of the others' header that are the packet's own: all but `options`
			*/
	uint8_t options[OPTIONS_MAX];
	size_t payload, first_size,
		size; /* bytes behind the header: of all, the first, the others */
	unsigned others;
	uint32_t offset; /* of the packet itself, in its datagram */
	bool more;
};

uint32_t sl_split_id(struct sl_worker *w)
{
	return w->ip_id++ * w->engine->n_workers + w->index;
}

/* The options that fragments behind the first one have, too; returns their length, padded. */
static size_t copy_options(uint8_t *to, const uint8_t *l3, size_t header)
{
	size_t n = 0, at = sl_option_from(l3, header, sizeof(struct rte_ipv4_hdr));

	for (; at != 0; at = sl_option_next(l3, header, at)) {
		if (l3[at] & OPTION_COPY) {
			memcpy(to + n, l3 + at, l3[at + 1]);
			n += l3[at + 1];
		}
	}
	for (; n % 4 != 0; n++)
		to[n] = SL_OPTION_END;
	return n;
}

/*
 * RFC 8200, section 4.5: each fragment has the IPv6 header and what routers on the way read, up to
 * the options for every hop or a routing header. Returns how many of the `headers` bytes that are;
 * *next is where the number of what follows stands.
 */
static size_t per_fragment_headers(const uint8_t *l3, size_t headers, size_t *next)
{
	size_t at = sizeof(struct rte_ipv6_hdr), end = at, field = V6_NEXT;

	*next = field;
	while (at + UNIT <= headers) {
		uint8_t kind = l3[field];

		if (kind != IPPROTO_HOPOPTS && kind != IPPROTO_DSTOPTS && kind != IPPROTO_ROUTING)
			break;
		field = at;
		at += (l3[at + 1] + 1u) * UNIT;
		if (kind == IPPROTO_DSTOPTS || at > headers)
			continue;
		*next = field;
		end = at;
	}
	return end;
}

/*
 * The packet becomes its own only fragment, by a header that takes room in front of the frame.
 * Returns the length of all headers up to that one, or 0 without room.
 */
static size_t
add_fragment_header(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p)
{
	uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *), *l3 = frame + p->l3_offset;
	rte_be32_t id = rte_cpu_to_be_32(sl_split_id(w));
	size_t next, end = per_fragment_headers(l3, (size_t)p->l4_offset - p->l3_offset, &next);
	uint8_t header[FRAGMENT_HEADER] = {l3[next]};

	if (rte_pktmbuf_headroom(mbuf) < sizeof(header))
		return 0;
	l3[next] = IPPROTO_FRAGMENT;
	memcpy(header + 4, &id, sizeof(id));
	memmove(frame - sizeof(header), frame, p->l3_offset + end);
	memcpy(l3 + end - sizeof(header), header, sizeof(header));
	mbuf->data_off = (uint16_t)(mbuf->data_off - sizeof(header));
	mbuf->data_len = (uint16_t)(mbuf->data_len + sizeof(header));
	mbuf->pkt_len += (uint32_t)sizeof(header);
	return end + sizeof(header);
}

static enum sl_drop plan_headers6(
	struct sl_worker *w, struct plan *plan, struct rte_mbuf *mbuf, const struct sl_parsed *p)
{
	if (p->fragment_header != 0) {
		plan->header = (size_t)p->fragment_header + FRAGMENT_HEADER - p->l3_offset;
		plan->payload = p->l3_length - plan->header;
	} else {
		plan->header = add_fragment_header(w, mbuf, p);
		if (plan->header == 0)
			return SL_DROP_NO_HEADROOM;
		plan->l3 -= FRAGMENT_HEADER;
		plan->payload = p->l3_length + FRAGMENT_HEADER - plan->header;
	}
	plan->first_header = plan->common = plan->header;
	return SL_DROP_COUNT;
}

static enum sl_drop plan_headers4(struct plan *plan, const struct sl_parsed *p)
{
	plan->first_header = (size_t)p->l4_offset - p->l3_offset;
	plan->common = sizeof(struct rte_ipv4_hdr);
	plan->header = plan->common + copy_options(plan->options, plan->l3, plan->first_header);
	plan->payload = p->l3_length - plan->first_header;
	return SL_DROP_COUNT;
}

/* Returns the reason why it cannot be, or SL_DROP_COUNT. */
static enum sl_drop make_plan(struct sl_worker *w, struct plan *plan, struct rte_mbuf *mbuf,
	const struct sl_parsed *p, uint16_t mtu)
{
	enum sl_drop reason;
	size_t rest;

	if (mbuf->nb_segs > 1)
		return SL_DROP_SEGMENTS;
	*plan = (struct plan){.l3 = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, p->l3_offset),
		.family = p->family,
		.front = p->l3_offset,
		.offset = p->fragment_offset,
		.more = p->more_fragments};
	reason = p->family == 6 ? plan_headers6(w, plan, mbuf, p) : plan_headers4(plan, p);
	if (reason != SL_DROP_COUNT)
		return reason;
	if (mtu < plan->first_header + UNIT)
		return SL_DROP_SPLIT_LIMIT;
	plan->first_size = (mtu - plan->first_header) / UNIT * UNIT;
	plan->size = (mtu - plan->header) / UNIT * UNIT;
	rest = plan->payload > plan->first_size ? plan->payload - plan->first_size : 0;
	plan->others = (unsigned)((rest + plan->size - 1) / plan->size);
	return plan->others < SL_SPLIT_MAX ? SL_DROP_COUNT : SL_DROP_SPLIT_LIMIT;
}

static void finish_header4(uint8_t *l3, size_t header, size_t n, size_t offset, bool more)
{
	struct rte_ipv4_hdr *ip = (void *)l3;
	size_t field = offset / UNIT | (more ? RTE_IPV4_HDR_MF_FLAG : 0u);

	ip->version_ihl = (uint8_t)(RTE_IPV4_VHL_DEF - RTE_IPV4_MIN_IHL + header / 4);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header + n));
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)field);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = sl_csum_finish(sl_csum_add(0, ip, header));
}

static void finish_header6(uint8_t *l3, size_t header, size_t n, size_t offset, bool more)
{
	struct rte_ipv6_hdr *ip = (void *)l3;
	rte_be16_t field = rte_cpu_to_be_16((uint16_t)(offset | more));

	ip->payload_len = rte_cpu_to_be_16((uint16_t)(header - sizeof(*ip) + n));
	memcpy(l3 + header - FRAGMENT_HEADER + 2, &field, sizeof(field));
}

/* The header at `l3` becomes that of the fragment with `n` bytes from `at` of the packet's payload.
 */
static void finish_header(uint8_t *l3, size_t header, const struct plan *plan, size_t at, size_t n)
{
	bool more = plan->more || at + n < plan->payload;

	if (plan->family == 6)
		finish_header6(l3, header, n, plan->offset + at, more);
	else
		finish_header4(l3, header, n, plan->offset + at, more);
}

/* A fragment behind the first: a buffer of its own. */
static struct rte_mbuf *
make_other(struct sl_worker *w, const struct rte_mbuf *from, const struct plan *plan, size_t at)
{
	size_t n = RTE_MIN(plan->size, plan->payload - at);
	size_t length = plan->front + plan->header + n;
	struct rte_mbuf *mbuf = w->alloc == NULL ? NULL : w->alloc(w->alloc_arg);
	uint8_t *frame;

	if (mbuf == NULL)
		return NULL;
	mbuf->port = from->port;
	if (rte_pktmbuf_tailroom(mbuf) < length) {
		w->freed.pkts[w->freed.n++] = mbuf;
		return NULL;
	}
	mbuf->data_len = (uint16_t)length;
	mbuf->pkt_len = mbuf->data_len;
	frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
	memcpy(frame, plan->l3 - plan->front, plan->front + plan->common);
	frame += plan->front;
	memcpy(frame + plan->common, plan->options, plan->header - plan->common);
	memcpy(frame + plan->header, plan->l3 + plan->first_header + at, n);
	finish_header(frame, plan->header, plan, at, n);
	return mbuf;
}

/* All but the first into `others`. Returns the reason why there are none, or SL_DROP_COUNT. */
static enum sl_drop make_others(struct sl_worker *w, const struct rte_mbuf *mbuf,
	const struct plan *plan, struct rte_mbuf **others)
{
	size_t at = plan->first_size;

	/* Room for the run's other packets stays in the lists of what leaves it. */
	if (w->split + plan->others > SL_OUT - SL_BURST)
		return SL_DROP_SPLIT_LIMIT;
	for (unsigned i = 0; i < plan->others; i++, at += plan->size) {
		w->split++;
		others[i] = make_other(w, mbuf, plan, at);
		if (others[i] != NULL)
			continue;
		while (i > 0)
			w->freed.pkts[w->freed.n++] = others[--i];
		return SL_DROP_NO_MBUF;
	}
	return SL_DROP_COUNT;
}

unsigned sl_split(struct sl_worker *w, struct rte_mbuf *mbuf, const struct sl_parsed *p,
	uint16_t mtu, struct rte_mbuf *out[SL_SPLIT_MAX])
{
	struct plan plan;
	enum sl_drop reason = make_plan(w, &plan, mbuf, p, mtu);
	size_t size;

	if (reason == SL_DROP_COUNT)
		reason = make_others(w, mbuf, &plan, out + 1);
	if (reason != SL_DROP_COUNT) {
		sl_emit_drop(w, mbuf, reason);
		return 0;
	}
	size = RTE_MIN(plan.first_size, plan.payload);
	finish_header(plan.l3, plan.first_header, &plan, 0, size);
	mbuf->data_len = (uint16_t)(plan.front + plan.first_header + size);
	mbuf->pkt_len = mbuf->data_len;
	out[0] = mbuf;
	return 1 + plan.others;
}
