/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/split.h"

#include <string.h>

#include <rte_ip.h>

#include "lb/emit.h"
#include "net/checksum.h"

#define UNIT        8u
#define HEADER_MAX  60u
#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_COPY 0x80 /* bit of those that each fragment has */

/* What the packet is cut into. */
struct plan {
	uint8_t *l3;
	size_t front; /* bytes of the frame in front of the IP header */
	size_t first_header, header;
	uint8_t options[HEADER_MAX -
		sizeof(struct rte_ipv4_hdr)]; /* of the fragments behind the first */
	size_t payload, first_size,
		size; /* bytes behind the header: of all, the first, the others */
	unsigned others;
	uint32_t offset; /* of the packet itself, in its datagram */
	bool more;
	uint16_t flags; /* as they were, without MF */
};

/* The options that fragments behind the first one have, too; returns their length, padded. */
static size_t copy_options(uint8_t *to, const uint8_t *l3, size_t header)
{
	size_t n = 0, at = sizeof(struct rte_ipv4_hdr);

	while (at < header && l3[at] != OPTION_END) {
		if (l3[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 2 > header || l3[at + 1] < 2 || at + l3[at + 1] > header)
			break;
		if (l3[at] & OPTION_COPY) {
			memcpy(to + n, l3 + at, l3[at + 1]);
			n += l3[at + 1];
		}
		at += l3[at + 1];
	}
	for (; n % 4 != 0; n++)
		to[n] = OPTION_END;
	return n;
}

/* Returns the reason why it cannot be, or SL_DROP_COUNT. */
static enum sl_drop
make_plan(struct plan *plan, const struct rte_mbuf *mbuf, const struct sl_parsed *p, uint16_t mtu)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, void *, p->l3_offset);
	size_t rest;

	if (mbuf->nb_segs > 1)
		return SL_DROP_SEGMENTS;
	*plan = (struct plan){.l3 = (uint8_t *)ip,
		.front = p->l3_offset,
		.first_header = (size_t)p->l4_offset - p->l3_offset,
		.offset = p->fragment_offset,
		.more = p->more_fragments};
	plan->payload = p->l3_length - plan->first_header;
	plan->flags = rte_be_to_cpu_16(ip->fragment_offset) &
		(uint16_t) ~(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	plan->header = sizeof(*ip) + copy_options(plan->options, plan->l3, plan->first_header);
	if (mtu < plan->first_header + UNIT)
		return SL_DROP_SPLIT_LIMIT;
	plan->first_size = (mtu - plan->first_header) / UNIT * UNIT;
	plan->size = (mtu - plan->header) / UNIT * UNIT;
	rest = plan->payload > plan->first_size ? plan->payload - plan->first_size : 0;
	plan->others = (unsigned)((rest + plan->size - 1) / plan->size);
	return plan->others < SL_SPLIT_MAX ? SL_DROP_COUNT : SL_DROP_SPLIT_LIMIT;
}

/* The header at `l3` becomes that of the fragment with `n` bytes from `at` of the packet's payload.
 */
static void finish_header(uint8_t *l3, size_t header, const struct plan *plan, size_t at, size_t n)
{
	struct rte_ipv4_hdr *ip = (void *)l3;
	bool more = plan->more || at + n < plan->payload;
	unsigned field = plan->flags | (more ? RTE_IPV4_HDR_MF_FLAG : 0) |
		(unsigned)((plan->offset + at) / UNIT);

	ip->version_ihl = (uint8_t)(RTE_IPV4_VHL_DEF - RTE_IPV4_MIN_IHL + header / 4);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header + n));
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)field);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = sl_csum_finish(sl_csum_add(0, ip, header));
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
	memcpy(frame, plan->l3 - plan->front, plan->front + sizeof(struct rte_ipv4_hdr));
	frame += plan->front;
	memcpy(frame + sizeof(struct rte_ipv4_hdr), plan->options,
		plan->header - sizeof(struct rte_ipv4_hdr));
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
	enum sl_drop reason = make_plan(&plan, mbuf, p, mtu);
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
