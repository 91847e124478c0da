/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/ip_head.h"

#include <string.h>

#include "net/checksum.h"

static void write_ipv4(void *at, const struct sl_ip_head *head)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = head->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + head->payload)),
		.packet_id = head->id,
		.fragment_offset = head->fragment,
		.time_to_live = head->ttl,
		.next_proto_id = head->protocol,
		.src_addr = head->src->v4,
		.dst_addr = head->dst->v4,
	};

	ip.hdr_checksum = sl_csum_finish(sl_csum_add(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
}

static void write_ipv6(void *at, const struct sl_ip_head *head)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow =
			rte_cpu_to_be_32(6u << 28 | (uint32_t)head->tos << RTE_IPV6_HDR_TC_SHIFT),
		.payload_len = rte_cpu_to_be_16(head->payload),
		.proto = head->protocol,
		.hop_limits = head->ttl,
	};

	memcpy(ip.src_addr, head->src->bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, head->dst->bytes, sizeof(ip.dst_addr));
	memcpy(at, &ip, sizeof(ip));
}

size_t sl_ip_head_write(void *at, const struct sl_ip_head *head)
{
	if (head->family == 6)
		write_ipv6(at, head);
	else
		write_ipv4(at, head);
	return sl_ip_head_size(head->family);
}
