/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/translate.h"

#include <errno.h>
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "net/icmp_map.h"
#include "net/ip_head.h"
#include "net/l4.h"
#include "net/option.h"

#define FRAGMENT_HEADER 8
#define ICMP_HEADER     8
#define UDP_HEADER      8
#define V4_UNSPLIT      1260 /* bytes that cross any path as IPv6 with 1280 */
#define V4_ERROR_MAX    576
#define V6_ERROR_MAX    1280

#define OPTION_LSRR 131
#define OPTION_SSRR 137

/* An IP header, of one family as it was or of the other as it is to be. */
struct header {
	uint8_t family, protocol, tos, ttl;
	bool fragment, more, df;
	uint16_t offset; /* bytes */
	uint32_t id;
	size_t payload; /* bytes behind the header and the extension headers */
	const union sl_ip *src, *dst;
};

static size_t header_size(const struct header *ip)
{
	bool extended = ip->family == 6 && ip->fragment;

	return sl_ip_head_size(ip->family) + (extended ? FRAGMENT_HEADER : 0);
}

static uint8_t other_icmp(uint8_t family)
{
	return family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* The header that takes the place of the one at `l3`; TTL and TOS are read where they lie. */
static struct header
describe(const uint8_t *l3, const struct sl_parsed *p, const struct sl_tuple *to)
{
	size_t header = (size_t)p->l4_offset - p->l3_offset;
	bool v4 = p->family == 4;
	struct header ip = {.family = v4 ? 6 : 4,
		.protocol = p->protocol,
		.tos = v4 ? l3[1] : (uint8_t)(l3[0] << 4 | l3[1] >> 4),
		.ttl = v4 ? l3[8] : l3[7],
		.fragment =
			v4 ? p->more_fragments || p->fragment_offset > 0 : p->fragment_header != 0,
		.more = p->more_fragments,
		.offset = p->fragment_offset,
		.id = rte_be_to_cpu_32(p->fragment_id),
		.payload = p->l3_length > header ? p->l3_length - header : 0,
		.src = &to->src,
		.dst = &to->dst};

	return ip;
}

static void write_ipv4(uint8_t *l3, const struct header *ip)
{
	unsigned flags =
		(ip->more ? RTE_IPV4_HDR_MF_FLAG : 0) | (ip->df ? RTE_IPV4_HDR_DF_FLAG : 0);
	struct sl_ip_head head = {
		.family = 4,
		.protocol = ip->protocol,
		.tos = ip->tos,
		.ttl = ip->ttl,
		.payload = (uint16_t)RTE_MIN(ip->payload, UINT16_MAX - sizeof(struct rte_ipv4_hdr)),
		.id = rte_cpu_to_be_16((uint16_t)ip->id),
		.fragment = rte_cpu_to_be_16((uint16_t)(flags | ip->offset / 8)),
		.src = ip->src,
		.dst = ip->dst,
	};

	sl_ip_head_write(l3, &head);
}

static void write_ipv6(uint8_t *l3, const struct header *ip)
{
	size_t payload = ip->payload + (ip->fragment ? FRAGMENT_HEADER : 0);
	rte_be16_t offset = rte_cpu_to_be_16((uint16_t)(ip->offset | ip->more));
	rte_be32_t id = rte_cpu_to_be_32(ip->id);
	struct sl_ip_head head = {
		.family = 6,
		.protocol = ip->fragment ? IPPROTO_FRAGMENT : ip->protocol,
		.tos = ip->tos,
		.ttl = ip->ttl,
		.payload = (uint16_t)RTE_MIN(payload, (size_t)UINT16_MAX),
		.src = ip->src,
		.dst = ip->dst,
	};
	uint8_t *fragment = l3 + sl_ip_head_write(l3, &head);

	if (!ip->fragment)
		return;
	fragment[0] = ip->protocol;
	fragment[1] = 0;
	memcpy(fragment + 2, &offset, sizeof(offset));
	memcpy(fragment + 4, &id, sizeof(id));
}

/* Writes the header so that it ends at `end`; returns where it begins. */
static uint8_t *write_ip(uint8_t *end, const struct header *ip)
{
	uint8_t *l3 = end - header_size(ip);

	if (ip->family == 4)
		write_ipv4(l3, ip);
	else
		write_ipv6(l3, ip);
	return l3;
}

/* ---- what is refused ---- */

/* RFC 7915, section 4.1: a source route that is not over (its pointer is within it). */
static bool has_source_route(const uint8_t *l3, size_t header)
{
	size_t at = sl_option_from(l3, header, sizeof(struct rte_ipv4_hdr));

	for (; at != 0; at = sl_option_next(l3, header, at)) {
		if ((l3[at] == OPTION_LSRR || l3[at] == OPTION_SSRR) && l3[at + 1] > 2 &&
			l3[at + 2] <= l3[at + 1])
			return true;
	}
	return false;
}

/* Section 5.1: a routing header with segments left; and authentication, which would be broken. */
static bool has_untranslatable(const uint8_t *l3, size_t header)
{
	uint8_t next = l3[6];
	size_t at = sizeof(struct rte_ipv6_hdr);

	while (at + 8 <= header) {
		const uint8_t *extension = l3 + at;

		if (next == IPPROTO_AH || (next == IPPROTO_ROUTING && extension[3] != 0))
			return true;
		at += next == IPPROTO_FRAGMENT ? FRAGMENT_HEADER : (extension[1] + 1u) * 8;
		next = extension[0];
	}
	return false;
}

/* Whether it is a UDP datagram that came without a checksum, which IPv6 does not have. */
static bool lacks_checksum(const uint8_t *frame, const struct sl_parsed *p)
{
	uint16_t checksum;

	if (p->family != 4 || p->protocol != IPPROTO_UDP || !p->has_l4)
		return false;
	memcpy(&checksum, frame + p->l4_offset + SL_UDP_CHECKSUM, sizeof(checksum));
	return checksum == 0;
}

static bool is_translatable(const uint8_t *frame, const struct sl_parsed *p)
{
	const uint8_t *l3 = frame + p->l3_offset;
	size_t header = (size_t)p->l4_offset - p->l3_offset;

	return p->family == 4 ? !has_source_route(l3, header) : !has_untranslatable(l3, header);
}

/* ---- TCP and UDP ---- */

/* What the pseudo header's sum changes by. */
static uint32_t address_change(const uint8_t *l3, uint8_t family, const struct sl_tuple *to)
{
	bool v4 = family == 4;
	uint32_t old = sl_csum_add(0, l3 + (v4 ? 12 : 8), v4 ? 8 : 32), new;

	new = sl_csum_add(0, &to->src, v4 ? 16 : 4);
	new = sl_csum_add(new, &to->dst, v4 ? 16 : 4);
	/* The old one's complement: subtracted. */
	return sl_csum_finish(old) + (new & 0xffff) + (new >> 16);
}

/* Of the L4 header `there` bytes are there. */
static void
change_l4(uint8_t *frame, const struct sl_parsed *p, size_t there, const struct sl_tuple *to)
{
	uint32_t addresses = address_change(frame + p->l3_offset, p->family, to);
	uint8_t *l4 = frame + p->l4_offset;

	if (!p->has_l4 || there < 4)
		return;
	if (p->protocol == IPPROTO_TCP)
		sl_l4_rewrite(l4, there, IPPROTO_TCP, to, addresses);
	else
		sl_l4_rewrite(l4, there, IPPROTO_UDP, to, addresses);
}

static uint32_t pseudo_header(const struct header *ip, size_t l4_length)
{
	return sl_csum_pseudo(ip->src, ip->dst, ip->family == 4 ? 4 : 16, ip->protocol, l4_length);
}

static void compute_udp(uint8_t *l4, const struct header *ip, size_t length)
{
	uint16_t checksum = sl_csum_finish(sl_csum_add(pseudo_header(ip, length), l4, length));

	if (checksum == 0)
		checksum = 0xffff;
	memcpy(l4 + SL_UDP_CHECKSUM, &checksum, sizeof(checksum));
}

/* From IPv6, which has no identification for it: a number that differs from packet to packet. */
static void mark_whole(struct header *ip, const uint8_t *checksum)
{
	rte_be16_t id;

	memcpy(&id, checksum, sizeof(id));
	ip->id = rte_be_to_cpu_16(id);
	ip->df = sizeof(struct rte_ipv4_hdr) + ip->payload > V4_UNSPLIT;
}

/* What is in front of the IP header goes where it goes. */
static void move_front(uint8_t *frame, const struct sl_parsed *p, int shift, uint8_t family)
{
	rte_be16_t type =
		family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);

	memmove(frame + shift, frame, p->l3_offset);
	memcpy(frame + shift + p->l3_offset - sizeof(type), &type, sizeof(type));
}

static int translate_packet(uint8_t *frame, size_t length, size_t room, const struct sl_parsed *p,
	const struct sl_tuple *to, struct sl_translated *out)
{
	struct header ip = describe(frame + p->l3_offset, p, to);
	size_t old = (size_t)p->l4_offset - p->l3_offset, udp = p->payload + (size_t)UDP_HEADER;
	bool is_udp = p->protocol == IPPROTO_UDP, compute = lacks_checksum(frame, p);
	uint8_t *l4 = frame + p->l4_offset;

	if ((p->protocol != IPPROTO_TCP && !is_udp) || (!p->has_l4 && p->fragment_offset == 0))
		return -ENOTSUP;
	if (compute && (ip.fragment || p->l4_offset + udp > length))
		return -ENOTSUP;
	out->shift = (int)old - (int)header_size(&ip);
	if (out->shift + (int)room < 0)
		return -ENOBUFS;
	change_l4(frame, p, SL_L4_WHOLE, to);
	if (compute)
		compute_udp(l4, &ip, udp);
	if (ip.family == 4 && !ip.fragment)
		mark_whole(&ip, l4 + (is_udp ? SL_UDP_CHECKSUM : SL_TCP_CHECKSUM));
	move_front(frame, p, out->shift, ip.family);
	out->l3_length = (uint16_t)(l4 - write_ip(l4, &ip) + ip.payload);
	return 0;
}

/* ---- ICMP errors ---- */

struct error {
	struct header ip, inner;
	struct sl_icmp_head head; /* as it is to be */
	size_t quoted;            /* bytes of the quoted packet behind its IP header */
	size_t headers;           /* bytes in front of these */
};

static bool is_damaged(const uint8_t *frame, const struct sl_parsed *p)
{
	const uint8_t *l3 = frame + p->l3_offset;
	size_t length = p->l3_offset + (size_t)p->l3_length - p->l4_offset;
	uint32_t sum = 0;

	if (p->family == 6)
		sum = sl_csum_pseudo(l3 + 8, l3 + 24, 16, p->protocol, length);
	return sl_csum_finish(sl_csum_add(sum, frame + p->l4_offset, length)) != 0;
}

static int plan_error(const uint8_t *frame, size_t length, const struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to,
	struct error *e)
{
	size_t end = p->l3_offset + (size_t)p->l3_length, quoted;
	const uint8_t *icmp = frame + p->l4_offset;
	struct sl_icmp_head from;
	rte_be32_t rest;

	if (end > length || p->l4_offset + (size_t)ICMP_HEADER > end || inner->l4_offset > end ||
		p->more_fragments || p->fragment_offset > 0 ||
		(inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP))
		return -ENOTSUP;
	if (is_damaged(frame, p))
		return -EBADMSG;
	memcpy(&rest, icmp + 4, sizeof(rest));
	from = (struct sl_icmp_head){icmp[0], icmp[1], rte_be_to_cpu_32(rest)};
	quoted = sl_icmp_quoted(p->family, &from, end - p->l4_offset - ICMP_HEADER);
	quoted += p->l4_offset + (size_t)ICMP_HEADER; /* from the frame's start, its end */
	if (quoted < inner->l4_offset ||
		!sl_icmp_map(
			p->family, &from, inner->l3_length, inner->fragment_header != 0, &e->head))
		return -ENOTSUP;
	e->ip = describe(frame + p->l3_offset, p, to);
	e->ip.fragment = false;
	e->ip.protocol = other_icmp(e->ip.family);
	e->inner = describe(frame + inner->l3_offset, inner, inner_to);
	e->inner.df = !e->inner.fragment;
	e->headers = header_size(&e->ip) + ICMP_HEADER + header_size(&e->inner);
	e->quoted = RTE_MIN(quoted - inner->l4_offset,
		(e->ip.family == 4 ? V4_ERROR_MAX : V6_ERROR_MAX) - e->headers);
	e->ip.payload = ICMP_HEADER + header_size(&e->inner) + e->quoted;
	return 0;
}

static void write_icmp(uint8_t *icmp, const struct error *e)
{
	rte_be32_t rest = rte_cpu_to_be_32(e->head.rest);
	uint32_t sum = e->ip.family == 6 ? pseudo_header(&e->ip, e->ip.payload) : 0;
	uint16_t checksum;

	icmp[0] = e->head.type;
	icmp[1] = e->head.code;
	memset(icmp + SL_ICMP_CHECKSUM, 0, sizeof(checksum));
	memcpy(icmp + 4, &rest, sizeof(rest));
	checksum = sl_csum_finish(sl_csum_add(sum, icmp, e->ip.payload));
	memcpy(icmp + SL_ICMP_CHECKSUM, &checksum, sizeof(checksum));
}

static int translate_error(uint8_t *frame, size_t length, size_t room, const struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to,
	struct sl_translated *out)
{
	uint8_t *icmp;
	struct error e;
	int rc = plan_error(frame, length, p, inner, to, inner_to, &e);

	if (rc < 0)
		return rc;
	out->shift = (int)inner->l4_offset - (int)e.headers - (int)p->l3_offset;
	if (out->shift + (int)room < 0)
		return -ENOBUFS;
	change_l4(frame, inner, e.quoted, inner_to);
	move_front(frame, p, out->shift, e.ip.family);
	icmp = write_ip(frame + inner->l4_offset, &e.inner) - ICMP_HEADER;
	write_icmp(icmp, &e);
	if (e.ip.family == 4)
		mark_whole(&e.ip, icmp + SL_ICMP_CHECKSUM);
	write_ip(icmp, &e.ip);
	out->l3_length = (uint16_t)(e.headers + e.quoted);
	return 0;
}

int sl_translate(void *frame, size_t length, size_t room, const struct sl_parsed *p,
	const struct sl_parsed *inner, const struct sl_tuple *to, const struct sl_tuple *inner_to,
	struct sl_translated *out)
{
	if (!is_translatable(frame, p))
		return -ENOTSUP;
	if (inner != NULL)
		return translate_error(frame, length, room, p, inner, to, inner_to, out);
	return translate_packet(frame, length, room, p, to, out);
}
