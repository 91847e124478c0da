/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_icmp.h>
#include <rte_ip.h>

#include "net/checksum.h"
#include "net/cursor.h"

#define ERROR_TTL 64
#define ERROR_TOS 0xc0 /* internetwork control: RFC 1812, section 4.3.2.5 */

_Static_assert(SL_ICMP4_ERROR_HEADERS == sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr),
	"IPv4 without options, then ICMP");
_Static_assert(SL_ICMP4_ERROR_HEADERS + SL_ICMP4_QUOTE_MAX == 576, "RFC 1812, section 4.3.2.3");

/* Queries and their answers. Types that nobody knows may be errors: silence is the safe side. */
static bool is_query(uint8_t icmp_type)
{
	switch (icmp_type) {
	case 0:  /* echo reply */
	case 8:  /* echo */
	case 9:  /* router advertisement */
	case 10: /* router solicitation */
	case 13: /* timestamp, and its reply */
	case 14:
	case 15: /* information, and its reply */
	case 16:
	case 17: /* address mask, and its reply */
	case 18:
		return true;
	default:
		return false;
	}
}

/* A source that stands for one host on the network: RFC 1122, section 3.2.2. */
static bool is_host(uint32_t addr)
{
	return (addr >> 24) != 0 && (addr >> 24) != 127 && addr < 0xe0000000;
}

static bool is_group(uint32_t addr)
{
	return (addr >> 28) == 0xe || addr == 0xffffffff;
}

bool sl_icmp4_may_answer(const void *l3, size_t length)
{
	struct sl_cursor c = sl_cursor_over(l3, length);
	const struct rte_ipv4_hdr *ip = sl_cursor_take(&c, sizeof(*ip));
	const uint8_t *icmp_type;

	if (ip == NULL || rte_ipv4_hdr_len(ip) < sizeof(*ip))
		return false;
	if (sl_cursor_take(&c, rte_ipv4_hdr_len(ip) - sizeof(*ip)) == NULL)
		return false;
	if ((ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	if (!is_host(rte_be_to_cpu_32(ip->src_addr)) || is_group(rte_be_to_cpu_32(ip->dst_addr)))
		return false;
	if (ip->next_proto_id != IPPROTO_ICMP)
		return true;
	icmp_type = sl_cursor_take(&c, 1);
	return icmp_type != NULL && is_query(*icmp_type);
}

void sl_icmp4_error(void *headers, size_t quoted, uint8_t type, uint8_t code, uint32_t rest,
	rte_be32_t src, rte_be32_t dst)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = ERROR_TOS,
		.total_length = rte_cpu_to_be_16((uint16_t)(SL_ICMP4_ERROR_HEADERS + quoted)),
		/* Never fragmented, so an id of 0 is as good as any: RFC 6864, section 4.1. */
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = ERROR_TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = src,
		.dst_addr = dst,
	};
	struct rte_icmp_hdr icmp = {.icmp_type = type, .icmp_code = code};
	uint8_t *at = headers;
	rte_be32_t rest_be = rte_cpu_to_be_32(rest);

	ip.hdr_checksum = sl_csum_finish(sl_csum_add(0, &ip, sizeof(ip)));
	memcpy(&icmp.icmp_ident, &rest_be, sizeof(rest_be));
	memcpy(at, &ip, sizeof(ip));
	memcpy(at + sizeof(ip), &icmp, sizeof(icmp));
	icmp.icmp_cksum = sl_csum_finish(sl_csum_add(0, at + sizeof(ip), sizeof(icmp) + quoted));
	memcpy(at + sizeof(ip), &icmp, sizeof(icmp));
}
