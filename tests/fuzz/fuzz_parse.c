/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sl_parse() on any bytes. Input: one byte of options (bit 0: verify the checksum; the rest: how
 * many more bytes than these the frame has, times 8), then the frame.
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

	FUZZ_ASSERT(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP);
	FUZZ_ASSERT(p->l4_offset + header <= length);
	FUZZ_ASSERT(ip_header + header + p->payload <= p->l3_length);
}

static void check(const uint8_t *frame, size_t length, size_t whole, int verify)
{
	struct sl_parsed p;
	enum sl_parse_result result = sl_parse(frame, length, whole, verify, &p);

	FUZZ_ASSERT(result <= SL_PARSE_CHECKSUM);
	FUZZ_ASSERT(verify || result != SL_PARSE_CHECKSUM);
	if (result > SL_PARSE_FRAGMENT)
		return;
	FUZZ_ASSERT(p.l3_offset <= p.l4_offset && p.l4_offset <= length);
	FUZZ_ASSERT(p.l3_offset + (size_t)p.l3_length <= whole);
	FUZZ_ASSERT(p.l4_offset - p.l3_offset <= p.l3_length);
	if (result == SL_PARSE_L4)
		check_l4(&p, length);
	sl_icmp4_may_answer(frame + p.l3_offset, length - p.l3_offset);
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
