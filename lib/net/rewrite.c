/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/rewrite.h"

#include <netinet/in.h>

#include "net/l4.h"

/* Where fields lie in their headers. */
#define IPV4_SRC 12
#define IPV6_SRC 8

/* Both addresses: of the pseudo header, too. */
static __rte_always_inline uint32_t put_addresses(uint8_t *l3, const struct sl_tuple *to, bool v6)
{
	uint8_t *at = l3 + (v6 ? IPV6_SRC : IPV4_SRC);
	size_t size = v6 ? 16 : 4;

	return sl_put(at, &to->src, size) + sl_put(at + size, &to->dst, size);
}

/*
 * The engine, specialised by its constant arguments. `protocol` is 0 when there are no ports to
 * write; `there` counts the bytes of the L4 header. Returns what all of this adds to a sum over the
 * packet.
 */
static __rte_always_inline uint32_t rewrite_as(uint8_t *frame, size_t there,
	const struct sl_parsed *p, const struct sl_tuple *to, bool v6, uint8_t protocol)
{
	uint8_t *l3 = frame + p->l3_offset, *l4 = frame + p->l4_offset;
	uint32_t change = put_addresses(l3, to, v6), whole = change;

	if (!v6)
		whole += sl_csum_fix(l3 + SL_IPV4_CHECKSUM, change, false);
	if (protocol != 0)
		return whole + sl_l4_rewrite(l4, there, protocol, to, change);
	if (v6 && p->protocol == IPPROTO_ICMPV6 && p->icmp_type != SL_ICMP_TYPE_NONE &&
		there >= SL_ICMP_CHECKSUM + 2)
		whole += sl_csum_fix(l4 + SL_ICMP_CHECKSUM, change, false);
	return whole;
}

static __rte_always_inline uint32_t rewrite(
	uint8_t *frame, size_t there, const struct sl_parsed *p, const struct sl_tuple *to)
{
	bool v6 = p->family == 6;

	switch (p->has_l4 ? p->protocol : 0) {
	case IPPROTO_TCP:
		return v6 ? rewrite_as(frame, there, p, to, true, IPPROTO_TCP)
			  : rewrite_as(frame, there, p, to, false, IPPROTO_TCP);
	case IPPROTO_UDP:
		return v6 ? rewrite_as(frame, there, p, to, true, IPPROTO_UDP)
			  : rewrite_as(frame, there, p, to, false, IPPROTO_UDP);
	default:
		return v6 ? rewrite_as(frame, there, p, to, true, 0)
			  : rewrite_as(frame, there, p, to, false, 0);
	}
}

void sl_rewrite(void *frame, const struct sl_parsed *p, const struct sl_tuple *to)
{
	rewrite(frame, SL_L4_WHOLE, p, to);
}

void sl_rewrite_error(void *frame, size_t length, const struct sl_parsed *outer,
	const struct sl_parsed *inner, const struct sl_tuple *outer_to,
	const struct sl_tuple *inner_to)
{
	size_t end = RTE_MIN(length, (size_t)outer->l3_offset + outer->l3_length);
	size_t there = end > inner->l4_offset ? end - inner->l4_offset : 0;
	uint8_t *l3 = (uint8_t *)frame + outer->l3_offset;
	uint8_t *icmp = (uint8_t *)frame + outer->l4_offset;
	uint32_t change = rewrite(frame, there, inner, inner_to);

	if (outer->family == 6)
		change += put_addresses(l3, outer_to, true);
	else
		sl_csum_fix(l3 + SL_IPV4_CHECKSUM, put_addresses(l3, outer_to, false), false);
	sl_csum_fix(icmp + SL_ICMP_CHECKSUM, change, false);
}
