/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/icmp_map.h"

#include <rte_common.h>

/* ICMP (RFC 792). */
#define V4_UNREACHABLE   3
#define V4_TOO_BIG       4 /* code of "unreachable" */
#define V4_TIME_EXCEEDED 11
#define V4_PARAMETER     12

/* ICMPv6 (RFC 4443). */
#define V6_UNREACHABLE   1
#define V6_TOO_BIG       2
#define V6_TIME_EXCEEDED 3
#define V6_PARAMETER     4

#define HEADERS_DIFFER  20 /* bytes that an IPv6 header is longer */
#define FRAGMENT_HEADER 8
#define V6_MTU_MIN      1280
#define V4_MTU_MIN      68

#define NONE 0xff

/* By code of ICMP's unreachable. */
static const struct {
	uint8_t type, code;
} v4_unreachable[] = {
	[0] = {V6_UNREACHABLE, 0}, /* network */
	[1] = {V6_UNREACHABLE, 0}, /* host */
	[2] = {V6_PARAMETER, 1},   /* protocol: not a known next header */
	[3] = {V6_UNREACHABLE, 4}, /* port */
	[4] = {V6_TOO_BIG, 0},
	[5] = {V6_UNREACHABLE, 0}, /* source route failed */
	[6] = {V6_UNREACHABLE, 0}, /* network, host unknown */
	[7] = {V6_UNREACHABLE, 0},
	[8] = {V6_UNREACHABLE, 0}, /* isolated */
	[9] = {V6_UNREACHABLE, 1}, /* network, host prohibited */
	[10] = {V6_UNREACHABLE, 1},
	[11] = {V6_UNREACHABLE, 0}, /* for this type of service */
	[12] = {V6_UNREACHABLE, 0},
	[13] = {V6_UNREACHABLE, 1}, /* prohibited */
	[14] = {NONE, 0},           /* host precedence */
	[15] = {V6_UNREACHABLE, 1}, /* precedence cut-off */
};

/* By code of ICMPv6's unreachable: code of ICMP's. */
static const uint8_t v6_unreachable[] = {1, 10, 1, 1, 3};

/* By byte of the header that a parameter problem points to; from IPv6 fields of several bytes on.
 */
static const uint8_t v4_pointer[] = {
	0, 1, 4, 4, NONE, NONE, NONE, NONE, 7, 6, NONE, NONE, 8, 8, 8, 8, 24, 24, 24, 24};
static const uint8_t v6_pointer[] = {0, 1, NONE, NONE, 2, 2, 9, 8};

#define V6_SRC 8
#define V6_DST 24
#define V6_END 40

static uint32_t pointer_to_v6(uint32_t pointer)
{
	return pointer < RTE_DIM(v4_pointer) ? v4_pointer[pointer] : NONE;
}

static uint32_t pointer_to_v4(uint32_t pointer)
{
	if (pointer < RTE_DIM(v6_pointer))
		return v6_pointer[pointer];
	return pointer < V6_DST ? 12 : pointer < V6_END ? 16 : NONE;
}

/* RFC 1191, section 7.1: a router that names no MTU. */
static uint32_t plateau_below(size_t length)
{
	static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492};

	for (size_t i = 0; i < RTE_DIM(plateaus); i++) {
		if (plateaus[i] < length)
			return plateaus[i];
	}
	return V6_MTU_MIN;
}

static uint32_t mtu_to_v6(uint32_t mtu, size_t quoted_length)
{
	if (mtu == 0)
		return plateau_below(quoted_length);
	return RTE_MAX(mtu + HEADERS_DIFFER, (uint32_t)V6_MTU_MIN);
}

/* What became longer when it became IPv6 must fit. */
static uint32_t mtu_to_v4(uint32_t mtu, bool fragment_header)
{
	uint32_t more = HEADERS_DIFFER + (fragment_header ? FRAGMENT_HEADER : 0);

	return RTE_MIN(mtu < V4_MTU_MIN + more ? V4_MTU_MIN : mtu - more, (uint32_t)UINT16_MAX);
}

static bool to_v6(const struct sl_icmp_head *from, size_t quoted_length, struct sl_icmp_head *to)
{
	*to = (struct sl_icmp_head){.type = V6_TIME_EXCEEDED, .code = from->code};
	switch (from->type) {
	case V4_TIME_EXCEEDED:
		return true;
	case V4_PARAMETER:
		*to = (struct sl_icmp_head){
			.type = V6_PARAMETER, .rest = pointer_to_v6(from->rest >> 24)};
		return (from->code == 0 || from->code == 2) && to->rest != NONE;
	case V4_UNREACHABLE:
		if (from->code >= RTE_DIM(v4_unreachable))
			return false;
		to->type = v4_unreachable[from->code].type;
		to->code = v4_unreachable[from->code].code;
		if (from->code == V4_TOO_BIG)
			to->rest = mtu_to_v6(from->rest & UINT16_MAX, quoted_length);
		else if (to->type == V6_PARAMETER)
			to->rest = 6; /* the next header's place */
		return to->type != NONE;
	default:
		return false;
	}
}

static bool to_v4(const struct sl_icmp_head *from, bool fragment_header, struct sl_icmp_head *to)
{
	*to = (struct sl_icmp_head){.type = V4_UNREACHABLE};
	switch (from->type) {
	case V6_UNREACHABLE:
		if (from->code >= RTE_DIM(v6_unreachable))
			return false;
		to->code = v6_unreachable[from->code];
		return true;
	case V6_TOO_BIG:
		to->code = V4_TOO_BIG;
		to->rest = mtu_to_v4(from->rest, fragment_header);
		return true;
	case V6_TIME_EXCEEDED:
		to->type = V4_TIME_EXCEEDED;
		to->code = from->code;
		return true;
	case V6_PARAMETER:
		if (from->code == 1) {
			to->code = 2; /* protocol */
			return true;
		}
		to->type = V4_PARAMETER;
		to->rest = pointer_to_v4(from->rest);
		if (from->code != 0 || to->rest == NONE)
			return false;
		to->rest <<= 24;
		return true;
	default:
		return false;
	}
}

bool sl_icmp_map(uint8_t family, const struct sl_icmp_head *from, size_t quoted_length,
	bool fragment_header, struct sl_icmp_head *to)
{
	return family == 4 ? to_v6(from, quoted_length, to) : to_v4(from, fragment_header, to);
}

size_t sl_icmp_quoted(uint8_t family, const struct sl_icmp_head *head, size_t length)
{
	size_t words = 0;

	/* The header's second byte counts 32-bit words, its first in ICMPv6 64-bit words. */
	if (family == 4 &&
		(head->type == V4_UNREACHABLE || head->type == V4_TIME_EXCEEDED ||
			head->type == V4_PARAMETER))
		words = (head->rest >> 16 & 0xff) * 4;
	else if (family == 6 && (head->type == V6_UNREACHABLE || head->type == V6_TIME_EXCEEDED))
		words = (head->rest >> 24) * 8;
	return words != 0 && words < length ? words : length;
}
