/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include "net/checksum.h"
#include "net/cursor.h"
#include "net/ip_head.h"
#include "net/parse.h"

#define ERROR_TTL 64
#define ERROR_TOS 0xc0 /* internetwork control: RFC 1812, section 4.3.2.5 */

/* ICMP types */
#define UNREACHABLE4   3
#define SOURCE_QUENCH4 4
#define TIME_EXCEEDED4 11
#define PARAMETER4     12
#define FRAG_NEEDED4   4 /* code of UNREACHABLE4 */
#define UNREACHABLE6   1
#define TOO_BIG6       2
#define TIME_EXCEEDED6 3
#define PARAMETER6     4
#define REDIRECT6      137
#define INFORMATIONAL6 128 /* and above: RFC 4443, section 2.1 */

struct message { /* an ICMP header, of either family */
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	rte_be32_t rest;
};

_Static_assert(sizeof(struct message) == SL_ICMP_HEADER, "without what is quoted");

struct kind {
	uint8_t type, code;
};

static const struct kind errors4[] = {
	[SL_ICMP_PORT_UNREACHABLE] = {UNREACHABLE4, 3},
	[SL_ICMP_HOST_UNREACHABLE] = {UNREACHABLE4, 1},
	[SL_ICMP_PROHIBITED] = {UNREACHABLE4, 13},
	[SL_ICMP_TIME_EXCEEDED] = {TIME_EXCEEDED4, 0},
	[SL_ICMP_TOO_BIG] = {UNREACHABLE4, FRAG_NEEDED4},
};

static const struct kind errors6[] = {
	[SL_ICMP_PORT_UNREACHABLE] = {UNREACHABLE6, 4},
	[SL_ICMP_HOST_UNREACHABLE] = {UNREACHABLE6, 3},
	[SL_ICMP_PROHIBITED] = {UNREACHABLE6, 1},
	[SL_ICMP_TIME_EXCEEDED] = {TIME_EXCEEDED6, 0},
	[SL_ICMP_TOO_BIG] = {TOO_BIG6, 0},
};

bool sl_icmp_is_error(uint8_t family, uint8_t type)
{
	if (family == 4)
		return type == UNREACHABLE4 || type == SOURCE_QUENCH4 || type == TIME_EXCEEDED4 ||
			type == PARAMETER4;
	return type >= UNREACHABLE6 && type <= PARAMETER6;
}

bool sl_icmp_is_too_big(uint8_t family, const void *icmp, size_t length, uint32_t *mtu)
{
	struct sl_cursor c = sl_cursor_over(icmp, length);
	const void *at = sl_cursor_take(&c, sizeof(struct message));
	struct message m;

	if (at == NULL)
		return false;
	memcpy(&m, at, sizeof(m));
	*mtu = rte_be_to_cpu_32(m.rest);
	if (family == 6)
		return m.type == TOO_BIG6;
	*mtu &= 0xffff; /* RFC 1191, section 4: the upper half is unused */
	return m.type == UNREACHABLE4 && m.code == FRAG_NEEDED4;
}

/* Queries and their answers. Types that nobody knows may be errors: silence is the safe side. */
static bool is_query(uint8_t family, uint8_t icmp_type)
{
	if (family == 6)
		return icmp_type >= INFORMATIONAL6 && icmp_type != REDIRECT6 &&
			icmp_type != SL_ICMP_TYPE_NONE;
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

bool sl_icmp_may_answer(uint8_t family, const void *l3, size_t length)
{
	struct sl_parsed p;
	enum sl_parse_result result = sl_parse_head(l3, length, family, &p);

	if (result != SL_PARSE_L4 && result != SL_PARSE_IP && result != SL_PARSE_FRAGMENT)
		return false;
	if (p.fragment_offset != 0)
		return false;
	if (!sl_ip_is_host(family, &p.src) || sl_ip_is_group(family, &p.dst))
		return false;
	/* Of a first fragment the type is not read. */
	if (p.protocol == (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return result == SL_PARSE_IP && is_query(family, p.icmp_type);
	return true;
}

void sl_icmp_error(void *headers, uint8_t family, size_t quoted, enum sl_icmp_error what,
	uint32_t mtu, const union sl_ip *src, const union sl_ip *dst)
{
	const struct kind *kind = family == 4 ? &errors4[what] : &errors6[what];
	struct message m = {
		.type = kind->type,
		.code = kind->code,
		.rest = what == SL_ICMP_TOO_BIG ? rte_cpu_to_be_32(mtu) : 0,
	};
	size_t payload = sizeof(m) + quoted;
	struct sl_ip_head ip = {
		.family = family,
		.protocol = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.tos = ERROR_TOS,
		.ttl = ERROR_TTL,
		.payload = (uint16_t)payload,
		/* Never fragmented, so an id of 0 is as good as any: RFC 6864, section 4.1. */
		.fragment = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.src = src,
		.dst = dst,
	};
	uint8_t *at = (uint8_t *)headers + sl_ip_head_write(headers, &ip);
	uint32_t sum = 0;

	if (family == 6) /* RFC 4443, section 2.3 */
		sum = sl_csum_pseudo(src, dst, sizeof(*src), IPPROTO_ICMPV6, payload);
	memcpy(at, &m, sizeof(m));
	m.checksum = sl_csum_finish(sl_csum_add(sum, at, payload));
	memcpy(at, &m, sizeof(m));
}
