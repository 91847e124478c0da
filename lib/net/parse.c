/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/parse.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "net/checksum.h"
#include "net/cursor.h"

#define ICMP_TYPE_NONE              255
#define FRAGMENT_MASK               RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
#define TCP_HEADER_LENGTH(data_off) (((data_off) >> 4) * 4u)

/* `room` is what the IP packet holds behind its header, whether or not it is in this buffer. */
static enum sl_parse_result parse_tcp(struct sl_cursor *c, size_t room, struct sl_parsed *out)
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
	return SL_PARSE_L4;
}

static enum sl_parse_result parse_udp(struct sl_cursor *c, size_t room, struct sl_parsed *out)
{
	const struct rte_udp_hdr *udp = sl_cursor_take(c, sizeof(*udp));
	uint16_t length;

	if (udp == NULL)
		return SL_PARSE_TRUNCATED;
	length = rte_be_to_cpu_16(udp->dgram_len);
	if (length < sizeof(*udp))
		return SL_PARSE_MALFORMED;
	if (length > room)
		return SL_PARSE_TRUNCATED;
	out->src_port = udp->src_port;
	out->dst_port = udp->dst_port;
	out->payload = (uint16_t)(length - sizeof(*udp));
	return SL_PARSE_L4;
}

/*
 * The IPv4 header, and nothing behind it. `room` is what the frame has behind Ethernet. Leaves the
 * cursor at the payload, cut to what the total length promises. SL_PARSE_IP when all is well.
 */
static enum sl_parse_result
parse_ipv4(struct sl_cursor *c, size_t room, int verify_checksum, struct sl_parsed *out)
{
	const struct rte_ipv4_hdr *ip = sl_cursor_take(c, sizeof(*ip));
	size_t header, total;

	if (ip == NULL)
		return SL_PARSE_TRUNCATED;
	header = (ip->version_ihl & RTE_IPV4_HDR_IHL_MASK) * (size_t)RTE_IPV4_IHL_MULTIPLIER;
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || total < header)
		return SL_PARSE_MALFORMED;
	if (total > room || sl_cursor_take(c, header - sizeof(*ip)) == NULL)
		return SL_PARSE_TRUNCATED;
	if (verify_checksum && sl_csum_finish(sl_csum_add(0, ip, header)) != 0)
		return SL_PARSE_CHECKSUM;
	sl_cursor_limit(c, total - header);
	out->l4_offset = (uint8_t)(out->l3_offset + header);
	out->l3_length = (uint16_t)total;
	out->protocol = ip->next_proto_id;
	out->ttl = ip->time_to_live;
	out->src = ip->src_addr;
	out->dst = ip->dst_addr;
	return (ip->fragment_offset & FRAGMENT_MASK) != 0 ? SL_PARSE_FRAGMENT : SL_PARSE_IP;
}

enum sl_parse_result sl_parse(const void *data, size_t length, size_t frame_length,
	int verify_checksum, struct sl_parsed *out)
{
	struct sl_cursor c = sl_cursor_over(data, length);
	const struct rte_ether_hdr *ether = sl_cursor_take(&c, sizeof(*ether));
	const struct rte_icmp_hdr *icmp;
	enum sl_parse_result result;
	size_t room;

	*out = (struct sl_parsed){.icmp_type = ICMP_TYPE_NONE};
	if (ether == NULL)
		return SL_PARSE_TRUNCATED;
	out->ether_type = ether->ether_type;
	out->l3_offset = sizeof(*ether);
	if (ether->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return SL_PARSE_OTHER;

	result = parse_ipv4(&c, frame_length - sizeof(*ether), verify_checksum, out);
	if (result != SL_PARSE_IP)
		return result;
	room = out->l3_length - (size_t)(out->l4_offset - out->l3_offset);
	switch (out->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(&c, room, out);
	case IPPROTO_UDP:
		return parse_udp(&c, room, out);
	case IPPROTO_ICMP:
		icmp = sl_cursor_take(&c, sizeof(*icmp));
		if (icmp != NULL)
			out->icmp_type = icmp->icmp_type;
		return SL_PARSE_IP;
	default:
		return SL_PARSE_IP;
	}
}
