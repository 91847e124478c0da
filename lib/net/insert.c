/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/insert.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>

#include "net/l4.h"

/* Where fields lie in their headers. */
#define IPV4_LENGTH   2
#define IPV4_FRAGMENT 6
#define IPV6_LENGTH   4
#define IPV6_FRAGMENT 2 /* of the fragment header */
#define UDP_LENGTH    4

#define DATAGRAM_MAX  65535
#define FRAGMENT_UNIT 8 /* bytes; IPv4 counts in these, IPv6 has flags in the bits below */

/* Adds to a number of 16 bits, without a carry beyond them; returns what that adds to a sum. */
static uint32_t add16(uint8_t *at, unsigned n)
{
	rte_be16_t before, after;

	memcpy(&before, at, sizeof(before));
	after = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(before) + n));
	memcpy(at, &after, sizeof(after));
	return sl_csum_change(&before, &after, sizeof(after));
}

static void lengthen_ip(uint8_t *l3, const struct sl_parsed *p, unsigned n)
{
	if (p->family == 6)
		add16(l3 + IPV6_LENGTH, n);
	else
		sl_csum_fix(l3 + SL_IPV4_CHECKSUM, add16(l3 + IPV4_LENGTH, n), false);
}

void sl_insert(void *frame, struct sl_parsed *p, size_t at, const void *bytes, unsigned n)
{
	uint8_t *start = (uint8_t *)frame - n, *l4 = start + p->l4_offset;
	uint32_t change = sl_csum_add(rte_cpu_to_be_16((uint16_t)n), bytes, n);
	bool udp = p->protocol == IPPROTO_UDP;

	memmove(start, frame, at);
	memcpy(start + at, bytes, n);
	lengthen_ip(start + p->l3_offset, p, n);
	/* The length stands in the pseudo header, and in UDP's own header again. */
	if (udp)
		change = (change & 0xffff) + (change >> 16) + add16(l4 + UDP_LENGTH, n);
	sl_csum_fix(l4 + (udp ? SL_UDP_CHECKSUM : SL_TCP_CHECKSUM), change, udp);
	p->l3_length = (uint16_t)(p->l3_length + n);
	p->payload = (uint16_t)(p->payload + n);
}

bool sl_shift_fragment(void *frame, struct sl_parsed *p, unsigned n)
{
	uint8_t *l3 = (uint8_t *)frame + p->l3_offset;
	size_t length = p->l3_length - (size_t)(p->l4_offset - p->l3_offset);

	if (p->fragment_offset + length + n > DATAGRAM_MAX)
		return false;
	if (p->family == 6)
		add16((uint8_t *)frame + p->fragment_header + IPV6_FRAGMENT, n);
	else
		sl_csum_fix(
			l3 + SL_IPV4_CHECKSUM, add16(l3 + IPV4_FRAGMENT, n / FRAGMENT_UNIT), false);
	p->fragment_offset = (uint16_t)(p->fragment_offset + n);
	return true;
}

void sl_cut_payload(void *frame, struct sl_parsed *p)
{
	uint8_t *l3 = (uint8_t *)frame + p->l3_offset, *l4 = (uint8_t *)frame + p->l4_offset;
	unsigned n = p->payload, fewer = (uint16_t)-n;
	uint32_t sum = sl_csum_add(0, l3 + p->l3_length - n, n);

	/* Without these bytes, and with so much less in the pseudo header. */
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += rte_cpu_to_be_16((uint16_t)n);
	sum = (sum & 0xffff) + (sum >> 16);
	sl_csum_fix(l4 + SL_TCP_CHECKSUM, (uint16_t)~sum, false);
	lengthen_ip(l3, p, fewer);
	p->l3_length = (uint16_t)(p->l3_length - n);
	p->payload = 0;
}
