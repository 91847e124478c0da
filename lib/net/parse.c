/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/parse.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "net/checksum.h"
#include "net/cursor.h"

#define FRAGMENT_MASK               RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
#define TCP_HEADER_LENGTH(data_off) (((data_off) >> 4) * 4u)
#define PORTS_MIN                   8 /* of TCP or UDP that an error has to quote: RFC 792 */

_Static_assert(sizeof(struct sl_parsed) == 64, "a cache line of each packet's scratch");

/* How much of a packet has to be here; constants, so that each way is compiled by itself. */
enum depth {
	WHOLE,         /* length fields hold, headers are complete */
	WHOLE_CHECKED, /* and so does the IPv4 header checksum */
	HEAD,          /* the IP header and eight bytes are enough */
};

/* `room` is what the IP packet holds behind its header, whether or not it is in this buffer. */
static __rte_always_inline enum sl_parse_result
parse_tcp(struct sl_cursor *c, size_t room, struct sl_parsed *out)
{
	const struct rte_tcp_hdr *tcp = sl_cursor_take(c, sizeof(*tcp));
	size_t header;

	if (tcp == NULL)
		return SL_PARSE_TRUNCATED;
	header = TCP_HEADER_LENGTH(tcp->data_off);
	if (header < sizeof(*tcp))
		return SL_PARSE_MALFORMED;
	if (sl_cursor_take(c, header - sizeof(*tcp)) == NULL)
		return SL_PARSE_TRUNCATED;
	out->src_port = tcp->src_port;
	out->dst_port = tcp->dst_port;
	out->tcp_flags = tcp->tcp_flags;
	out->payload = (uint16_t)(room - header);
	out->has_l4 = true;
	return SL_PARSE_L4;
}

static __rte_always_inline enum sl_parse_result
parse_udp(struct sl_cursor *c, size_t room, struct sl_parsed *out)
{
	const struct rte_udp_hdr *udp = sl_cursor_take(c, sizeof(*udp));
	uint16_t length;

	if (udp == NULL)
		return SL_PARSE_TRUNCATED;
	length = rte_be_to_cpu_16(udp->dgram_len);
	if (length < sizeof(*udp))
		return SL_PARSE_MALFORMED;
	/* Of a fragmented datagram, not all is in this packet. */
	if (length > room && !out->more_fragments)
		return SL_PARSE_TRUNCATED;
	out->src_port = udp->src_port;
	out->dst_port = udp->dst_port;
	out->payload = (uint16_t)(RTE_MIN(length, room) - sizeof(*udp));
	out->has_l4 = true;
	return SL_PARSE_L4;
}

static enum sl_parse_result parse_icmp(struct sl_cursor *c, struct sl_parsed *out)
{
	const struct rte_icmp_hdr *icmp = sl_cursor_take(c, sizeof(*icmp));

	if (icmp != NULL) {
		out->icmp_type = icmp->icmp_type;
		out->icmp_code = icmp->icmp_code;
	}
	return SL_PARSE_IP;
}

/* The ports of a quoted packet: they stand at the same place in TCP and UDP. */
static enum sl_parse_result parse_ports(struct sl_cursor *c, struct sl_parsed *out)
{
	const rte_be16_t *ports = sl_cursor_take(c, PORTS_MIN);

	if (ports == NULL)
		return SL_PARSE_TRUNCATED;
	memcpy(&out->src_port, &ports[0], sizeof(out->src_port));
	memcpy(&out->dst_port, &ports[1], sizeof(out->dst_port));
	out->has_l4 = true;
	return SL_PARSE_L4;
}

static __rte_always_inline enum sl_parse_result
parse_l4(struct sl_cursor *c, enum depth depth, size_t room, struct sl_parsed *out)
{
	switch (out->protocol) {
	case IPPROTO_TCP:
		return depth == HEAD ? parse_ports(c, out) : parse_tcp(c, room, out);
	case IPPROTO_UDP:
		return depth == HEAD ? parse_ports(c, out) : parse_udp(c, room, out);
	case IPPROTO_ICMP:
		return out->family == 4 ? parse_icmp(c, out) : SL_PARSE_IP;
	case IPPROTO_ICMPV6:
		return out->family == 6 ? parse_icmp(c, out) : SL_PARSE_IP;
	default:
		return SL_PARSE_IP;
	}
}

/* The first fragment may hold the L4 header, which is where its datagram's ports stand. */
static __rte_noinline enum sl_parse_result
parse_fragment(struct sl_cursor *c, enum depth depth, size_t room, struct sl_parsed *out)
{
	if (out->fragment_offset == 0)
		parse_l4(c, depth, room, out);
	out->icmp_type = SL_ICMP_TYPE_NONE;
	return SL_PARSE_FRAGMENT;
}

/*
 * IPv4. `room` is what the frame has from the IP header on. The cursor is cut to what the total
 * length promises.
 */
static __rte_always_inline enum sl_parse_result
parse_ipv4(struct sl_cursor *c, enum depth depth, size_t room, struct sl_parsed *out)
{
	const struct rte_ipv4_hdr *ip = sl_cursor_take(c, sizeof(*ip));
	size_t header, total;

	if (ip == NULL)
		return SL_PARSE_TRUNCATED;
	header = (ip->version_ihl & RTE_IPV4_HDR_IHL_MASK) * (size_t)RTE_IPV4_IHL_MULTIPLIER;
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || total < header)
		return SL_PARSE_MALFORMED;
	if ((depth != HEAD && total > room) || sl_cursor_take(c, header - sizeof(*ip)) == NULL)
		return SL_PARSE_TRUNCATED;
	if (depth == WHOLE_CHECKED && sl_csum_finish(sl_csum_add(0, ip, header)) != 0)
		return SL_PARSE_CHECKSUM;
	sl_cursor_limit(c, total - header);
	out->family = 4;
	out->l4_offset = (uint16_t)(out->l3_offset + header);
	out->l3_length = (uint16_t)total;
	out->protocol = ip->next_proto_id;
	out->ttl = ip->time_to_live;
	out->tos = ip->type_of_service;
	out->src.v4 = ip->src_addr;
	out->dst.v4 = ip->dst_addr;
	out->dont_fragment = (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0;
	if (likely((ip->fragment_offset & FRAGMENT_MASK) == 0))
		return parse_l4(c, depth, total - header, out);
	out->fragment_id = rte_cpu_to_be_32(rte_be_to_cpu_16(ip->packet_id));
	out->more_fragments = (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG)) != 0;
	out->fragment_offset = (uint16_t)(rte_be_to_cpu_16(ip->fragment_offset) << 3);
	return parse_fragment(c, depth, total - header, out);
}

/* ---- IPv6 extension headers ---- */

struct extension { /* how all but the fragment header begin: RFC 8200, RFC 4302 */
	uint8_t next;
	uint8_t length; /* in eights, the first not counted; AH: in fours, two not counted */
	uint8_t routing_type;
	uint8_t segments_left;
	uint8_t rest[4];
};

enum step { STEP_ON, STEP_END, STEP_WRONG, STEP_SHORT };

/* The fragment header; whole packets may have one ("atomic fragments"). */
static enum step
take_fragment_header(struct sl_cursor *c, const uint8_t *start, struct sl_parsed *out)
{
	const uint8_t *at = sl_cursor_take(c, sizeof(struct extension));
	rte_be16_t field;

	if (at == NULL)
		return STEP_SHORT;
	if (out->fragment_header != 0)
		return STEP_WRONG;
	out->fragment_header = (uint16_t)(out->l3_offset + (size_t)(at - start));
	memcpy(&field, at + 2, sizeof(field));
	memcpy(&out->fragment_id, at + 4, sizeof(out->fragment_id));
	out->more_fragments = (field & RTE_BE16(1)) != 0;
	out->fragment_offset = rte_be_to_cpu_16(field) & 0xfff8;
	out->protocol = at[0];
	/* Behind it a later fragment has data, whatever the number of the next header. */
	return out->fragment_offset == 0 ? STEP_ON : STEP_END;
}

static enum step take_extension(struct sl_cursor *c, const uint8_t *start, struct sl_parsed *out)
{
	struct sl_cursor before = *c;
	const struct extension *head;
	size_t length;

	if (out->protocol == IPPROTO_FRAGMENT)
		return take_fragment_header(c, start, out);
	head = sl_cursor_take(c, sizeof(*head));
	if (head == NULL)
		return STEP_SHORT;
	length = out->protocol == IPPROTO_AH ? (head->length + 2) * 4u : (head->length + 1) * 8u;
	if (length < sizeof(*head))
		return STEP_WRONG;
	if (out->protocol == IPPROTO_ROUTING && head->segments_left != 0) {
		*c = before;
		return STEP_END;
	}
	if (sl_cursor_take(c, length - sizeof(*head)) == NULL)
		return STEP_SHORT;
	out->protocol = head->next;
	return STEP_ON;
}

static bool is_extension(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return true;
	default:
		return false;
	}
}

/*
 * Walks the extension headers behind the IPv6 header that begins at `start`: SL_PARSE_IP with the
 * cursor at the last header of the chain, or why not.
 */
static enum sl_parse_result
walk_extensions(struct sl_cursor *c, const uint8_t *start, struct sl_parsed *out)
{
	const uint8_t *first = c->at;

	for (unsigned n = 0; is_extension(out->protocol); n++) {
		enum step step;

		/* Options for every hop come first or not at all: RFC 8200, section 4.1. */
		if (n == SL_EXTENSIONS_MAX || (n > 0 && out->protocol == IPPROTO_HOPOPTS))
			return SL_PARSE_EXTENSIONS;
		step = take_extension(c, start, out);
		if (step == STEP_SHORT)
			return SL_PARSE_TRUNCATED;
		if (step == STEP_WRONG || c->at - first > SL_EXTENSIONS_BYTES_MAX)
			return SL_PARSE_EXTENSIONS;
		if (step == STEP_END)
			break;
	}
	return SL_PARSE_IP;
}

static __rte_always_inline enum sl_parse_result
parse_ipv6(struct sl_cursor *c, enum depth depth, size_t room, struct sl_parsed *out)
{
	const struct rte_ipv6_hdr *ip = sl_cursor_take(c, sizeof(*ip));
	enum sl_parse_result result;
	uint32_t flow;
	size_t total;

	if (ip == NULL)
		return SL_PARSE_TRUNCATED;
	flow = rte_be_to_cpu_32(ip->vtc_flow);
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	/* A total of more than 16 bits would not fit into any frame of ours either. */
	if (flow >> 28 != 6)
		return SL_PARSE_MALFORMED;
	if ((depth != HEAD && total > room) || total > UINT16_MAX)
		return SL_PARSE_TRUNCATED;
	sl_cursor_limit(c, total - sizeof(*ip));
	out->family = 6;
	out->l3_length = (uint16_t)total;
	out->protocol = ip->proto;
	out->ttl = ip->hop_limits;
	out->tos = (uint8_t)(flow >> RTE_IPV6_HDR_TC_SHIFT);
	out->dont_fragment = true;
	memcpy(out->src.bytes, ip->src_addr, sizeof(out->src.bytes));
	memcpy(out->dst.bytes, ip->dst_addr, sizeof(out->dst.bytes));
	result = walk_extensions(c, (const uint8_t *)ip, out);
	if (result != SL_PARSE_IP)
		return result;
	out->l4_offset = (uint16_t)(out->l3_offset + (size_t)(c->at - (const uint8_t *)ip));
	room = out->l3_length - (size_t)(out->l4_offset - out->l3_offset);
	if (unlikely(out->more_fragments || out->fragment_offset != 0))
		return parse_fragment(c, depth, room, out);
	return parse_l4(c, depth, room, out);
}

enum sl_parse_result sl_parse(const void *data, size_t length, size_t frame_length,
	bool verify_checksum, struct sl_parsed *out)
{
	struct sl_cursor c = sl_cursor_over(data, length);
	const struct rte_ether_hdr *ether = sl_cursor_take(&c, sizeof(*ether));
	size_t room = frame_length - sizeof(*ether);

	*out = (struct sl_parsed){.icmp_type = SL_ICMP_TYPE_NONE};
	if (ether == NULL)
		return SL_PARSE_TRUNCATED;
	out->ether_type = ether->ether_type;
	out->l3_offset = sizeof(*ether);
	switch (ether->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		return verify_checksum ? parse_ipv4(&c, WHOLE_CHECKED, room, out)
				       : parse_ipv4(&c, WHOLE, room, out);
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		return parse_ipv6(&c, WHOLE, room, out);
	default:
		return SL_PARSE_OTHER;
	}
}

/* The head of a packet that begins at the cursor. */
static enum sl_parse_result
parse_head(struct sl_cursor *c, uint8_t family, size_t l3_offset, struct sl_parsed *out)
{
	*out = (struct sl_parsed){
		.icmp_type = SL_ICMP_TYPE_NONE,
		.l3_offset = (uint16_t)l3_offset,
		.ether_type =
			family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6),
	};
	return family == 4 ? parse_ipv4(c, HEAD, 0, out) : parse_ipv6(c, HEAD, 0, out);
}

enum sl_parse_result
sl_parse_head(const void *l3, size_t length, uint8_t family, struct sl_parsed *out)
{
	struct sl_cursor c = sl_cursor_over(l3, length);

	return parse_head(&c, family, 0, out);
}

enum sl_parse_result sl_parse_quoted(
	const void *data, size_t length, const struct sl_parsed *outer, struct sl_parsed *inner)
{
	struct sl_cursor c = sl_cursor_over(data, length);
	size_t quoted = outer->l4_offset + sizeof(struct rte_icmp_hdr);

	/* What the outer packet does not hold is padding. */
	sl_cursor_limit(&c, outer->l3_offset + (size_t)outer->l3_length);
	if (sl_cursor_take(&c, quoted) == NULL) {
		*inner = (struct sl_parsed){.icmp_type = SL_ICMP_TYPE_NONE};
		return SL_PARSE_TRUNCATED;
	}
	return parse_head(&c, outer->family, quoted, inner);
}
