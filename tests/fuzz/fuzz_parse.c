/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sl_parse() and sl_parse_quoted() on any bytes. Input: one byte of options (bit 0: verify the
 * checksum; the rest: how many more bytes than these the frame has, times 8), then the frame.
 */
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "net/icmp.h"
#include "net/parse.h"

#define TCP_HEADER 20
#define UDP_HEADER 8

static void check_l4(const struct sl_parsed *p, size_t length)
{
	size_t header = p->protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;
	size_t ip_header = (size_t)p->l4_offset - p->l3_offset;

	FUZZ_ASSERT(p->has_l4);
	FUZZ_ASSERT(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP);
	FUZZ_ASSERT(p->l4_offset + header <= length);
	FUZZ_ASSERT(ip_header + header + p->payload <= p->l3_length);
}

static void check_extensions(const struct sl_parsed *p, size_t length)
{
	FUZZ_ASSERT(p->family == 6 || p->fragment_header == 0);
	FUZZ_ASSERT(p->family == 4 || p->l4_offset >= p->l3_offset + 40);
	FUZZ_ASSERT(p->family == 4 || p->l4_offset <= p->l3_offset + 40 + SL_EXTENSIONS_BYTES_MAX);
	FUZZ_ASSERT(p->fragment_header == 0 ||
		(p->fragment_header >= p->l3_offset + 40 &&
			p->fragment_header + 8 <= p->l4_offset));
}

static void check_quoted(const uint8_t *frame, size_t length, const struct sl_parsed *outer)
{
	struct sl_parsed p;
	enum sl_parse_result result = sl_parse_quoted(frame, length, outer, &p);

	if (result > SL_PARSE_FRAGMENT)
		return;
	FUZZ_ASSERT(p.family == outer->family);
	FUZZ_ASSERT(p.l3_offset == outer->l4_offset + 8);
	FUZZ_ASSERT(p.l4_offset <= length);
	FUZZ_ASSERT(p.l4_offset <= outer->l3_offset + outer->l3_length);
	FUZZ_ASSERT(!p.has_l4 || p.l4_offset + 8u <= length);
	check_extensions(&p, length);
}

static void check(const uint8_t *frame, size_t length, size_t whole, bool verify)
{
	struct sl_parsed p;
	enum sl_parse_result result = sl_parse(frame, length, whole, verify, &p);

	FUZZ_ASSERT(result <= SL_PARSE_EXTENSIONS);
	FUZZ_ASSERT(verify || result != SL_PARSE_CHECKSUM);
	if (result > SL_PARSE_FRAGMENT)
		return;
	FUZZ_ASSERT(p.family == 4 || p.family == 6);
	FUZZ_ASSERT(p.l3_offset <= p.l4_offset && p.l4_offset <= length);
	FUZZ_ASSERT(p.l3_offset + (size_t)p.l3_length <= whole);
	FUZZ_ASSERT(p.l4_offset - p.l3_offset <= p.l3_length);
	FUZZ_ASSERT((result == SL_PARSE_FRAGMENT) == (p.more_fragments || p.fragment_offset != 0));
	check_extensions(&p, length);
	if (result == SL_PARSE_L4 || p.has_l4)
		check_l4(&p, length);
	sl_icmp_may_answer(p.family, frame + p.l3_offset, length - p.l3_offset);
	if (sl_icmp_is_error(p.family, p.icmp_type))
		check_quoted(frame, length, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame;

	if (size < 1)
		return 0;
	/* A copy at an even address, as in a packet buffer, and of exactly the size. */
	frame = malloc(size > 1 ? size - 1 : 1);
	FUZZ_ASSERT(frame != NULL);
	memcpy(frame, data + 1, size - 1);
	check(frame, size - 1, size - 1 + (size_t)(data[0] >> 1) * 8, data[0] & 1);
	free(frame);
	return 0;
}
