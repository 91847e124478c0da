/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything in lib/net that changes a packet, on any packet that sl_parse() lets through. Input: 8
 * bytes of choices, then the frame. What was right before is right afterwards, what was wrong stays
 * wrong, by a check that shares nothing with lib/net (tests/lib/wire.c).
 */
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "net/encap.h"
#include "net/insert.h"
#include "net/proxy.h"
#include "net/rewrite.h"
#include "net/tcp_option.h"
#include "net/translate.h"
#include "wire.h"

#define CHOICES 8
#define ROOM    SL_ENCAP_MAX /* more than anything needs */

struct input {
	const uint8_t *choices, *frame;
	size_t length;
	enum sl_parse_result result;
	struct sl_parsed p, inner;
	bool error; /* it quotes a packet */
	bool right; /* by wire_wrong() */
};

/* A copy with room in front, at an even address, of exactly the size. */
struct copy {
	uint8_t *memory, *frame;
	size_t length;
	struct sl_parsed p;
};

static struct copy copy_of(const struct input *in)
{
	struct copy c = {.memory = malloc(ROOM + in->length), .length = in->length, .p = in->p};

	FUZZ_ASSERT(c.memory != NULL);
	c.frame = c.memory + ROOM;
	memset(c.memory, 0xee, ROOM);
	memcpy(c.frame, in->frame, in->length);
	return c;
}

static bool is_right(const uint8_t *frame, size_t length)
{
	return wire_wrong(frame, length) == NULL;
}

static struct sl_tuple tuple(const struct input *in, uint8_t family, unsigned salt)
{
	const uint8_t *c = in->choices;

	return (struct sl_tuple){.family = family,
		.protocol = in->p.protocol,
		.src = wire_ip(family, (uint8_t)(c[1] + salt)),
		.dst = wire_ip(family, (uint8_t)(c[2] + salt)),
		.src_port = (rte_be16_t)(c[3] << 8 | c[4]),
		.dst_port = (rte_be16_t)(c[5] << 8 | c[6])};
}

static bool is_l4(const struct input *in)
{
	return in->p.has_l4 && (in->p.protocol == IPPROTO_TCP || in->p.protocol == IPPROTO_UDP);
}

static void rewrite(const struct input *in)
{
	struct sl_tuple to = tuple(in, in->p.family, 0);
	struct copy c = copy_of(in);

	sl_rewrite(c.frame, &c.p, &to);
	FUZZ_ASSERT(is_right(c.frame, c.length) == in->right);
	if (in->p.ttl > 0)
		sl_spend_ttl(c.frame, &c.p);
	FUZZ_ASSERT(is_right(c.frame, c.length) == in->right);
	free(c.memory);
}

static void rewrite_error(const struct input *in)
{
	struct sl_tuple to = tuple(in, in->p.family, 0), inner_to = tuple(in, in->p.family, 7);
	struct copy c = copy_of(in);

	sl_rewrite_error(c.frame, c.length, &c.p, &in->inner, &to, &inner_to);
	FUZZ_ASSERT(is_right(c.frame, c.length) == in->right);
	free(c.memory);
}

static void translate(const struct input *in)
{
	uint8_t family = in->p.family == 4 ? 6 : 4;
	struct sl_tuple to = tuple(in, family, 0), inner_to = tuple(in, family, 7);
	struct sl_translated out;
	struct copy c = copy_of(in);
	int rc;

	rc = sl_translate(c.frame, c.length, SL_TRANSLATE_ROOM, &c.p, in->error ? &in->inner : NULL,
		&to, &inner_to, &out);
	if (rc < 0) {
		FUZZ_ASSERT(memcmp(c.frame, in->frame, c.length) == 0);
	} else {
		FUZZ_ASSERT(out.shift + SL_TRANSLATE_ROOM >= 0);
		FUZZ_ASSERT((long)in->p.l3_offset + out.shift + out.l3_length <= (long)c.length);
		FUZZ_ASSERT(!in->right ||
			is_right(c.frame + out.shift, c.length - (size_t)(long)out.shift));
	}
	free(c.memory);
}

/* As the receiver of remote checksum offload does. */
static void put_checksum_back(uint8_t *gue, uint8_t *inner, size_t length)
{
	size_t start = wire_get16(gue + 8), at = wire_get16(gue + 10);

	if (wire_get16(gue + 2) == 0)
		return;
	FUZZ_ASSERT(start < at && at + 2 <= length);
	wire_put16(inner + at, (uint16_t)~wire_sum(0, inner + start, length - start));
}

static void encap(const struct input *in, enum sl_tunnel type, uint8_t outer_family)
{
	struct sl_encap e = {.type = type,
		.flags = in->choices[7] & 3,
		.inner_family = in->p.family,
		.outer_family = outer_family,
		.ttl = 64,
		.port = RTE_BE16(6080),
		.src = wire_ip(outer_family, 1),
		.dst = wire_ip(outer_family, 2)};
	struct copy c = copy_of(in);
	uint8_t *inner = c.frame + c.p.l3_offset, *outer;
	unsigned headers;

	if (in->result == SL_PARSE_L4) {
		e.inner_l4 = (uint16_t)(c.p.l4_offset - c.p.l3_offset);
		e.inner_protocol = c.p.protocol;
	}
	headers = sl_encap_length(&e);
	outer = inner - headers;
	sl_encap_write(&e, outer, inner, c.p.l3_length);
	wire_put16(outer - 2, outer_family == 6 ? 0x86dd : 0x0800);
	if (type != SL_TUNNEL_GUE || outer_family == 4 || e.flags != 0)
		FUZZ_ASSERT(is_right(outer - WIRE_ETHER, WIRE_ETHER + headers + c.p.l3_length));
	if (type == SL_TUNNEL_GUE && e.flags & SL_TUNNEL_REMCSUM)
		put_checksum_back(outer + (outer_family == 6 ? 48 : 28), inner, c.p.l3_length);
	FUZZ_ASSERT(memcmp(inner, in->frame + c.p.l3_offset, c.p.l3_length) == 0);
	free(c.memory);
}

static void insert(const struct input *in)
{
	struct sl_tuple t = tuple(in, in->choices[7] & 4 ? 6 : 4, 0);
	bool udp = in->p.protocol == IPPROTO_UDP;
	unsigned n = sl_proxy_length(t.family);
	struct copy c = copy_of(in);
	uint8_t header[SL_PROXY_MAX];
	size_t at = c.p.l4_offset + (udp ? 8u : (in->frame[c.p.l4_offset + 12] >> 4) * 4u);

	sl_proxy_write(header, &t, udp);
	sl_insert(c.frame, &c.p, at, header, n);
	FUZZ_ASSERT(is_right(c.frame - n, c.length + n) == in->right);
	FUZZ_ASSERT(memcmp(c.frame - n + at, header, n) == 0);
	FUZZ_ASSERT(c.p.l3_length == in->p.l3_length + n);
	free(c.memory);
}

static void shift(const struct input *in)
{
	struct copy c = copy_of(in);

	if (sl_shift_fragment(c.frame, &c.p, 32))
		FUZZ_ASSERT(c.p.fragment_offset == in->p.fragment_offset + 32);
	FUZZ_ASSERT(is_right(c.frame, c.length) == in->right);
	free(c.memory);
}

static void tcp(const struct input *in)
{
	uint8_t family = in->choices[7] & 4 ? 6 : 4;
	union sl_ip client = wire_ip(family, 9);
	uint32_t floor = in->choices[1] * 0x01010101u;
	struct copy c = copy_of(in);
	uint8_t *header = c.frame + c.p.l4_offset;
	size_t length = (header[12] >> 4) * 4u;

	sl_tcp_lower_mss(header, length, 56);
	sl_tcp_shift_seq(header, floor);
	sl_tcp_shift_ack(header, length, 56, in->choices[7] & 8 ? &floor : NULL);
	FUZZ_ASSERT(is_right(c.frame, c.length) == in->right);
	if (sl_tcp_add_toa(c.frame, &c.p, family, &client, 1)) {
		unsigned n = sl_toa_length(family);

		FUZZ_ASSERT(is_right(c.frame - n, c.length + n) == in->right);
	} else {
		FUZZ_ASSERT(length + sl_toa_length(family) > 60);
	}
	free(c.memory);
}

static void run(const struct input *in)
{
	/* Without its header ICMPv6, whose checksum covers addresses, is left alone. */
	if (in->p.protocol != IPPROTO_ICMPV6 || in->p.icmp_type != SL_ICMP_TYPE_NONE)
		rewrite(in);
	if (in->error)
		rewrite_error(in);
	translate(in);
	for (unsigned i = 0; i < 6; i++)
		encap(in, (enum sl_tunnel)(i % 3), i < 3 ? 4 : 6);
	if (is_l4(in))
		insert(in);
	else if (in->p.fragment_offset > 0)
		shift(in);
	if (is_l4(in) && in->p.protocol == IPPROTO_TCP)
		tcp(in);
}

static void try(const uint8_t *choices, const uint8_t *frame, size_t length)
{
	struct input in = {.choices = choices, .frame = frame, .length = length};

	in.result = sl_parse(in.frame, in.length, in.length, false, &in.p);
	if (in.result != SL_PARSE_L4 && in.result != SL_PARSE_IP && in.result != SL_PARSE_FRAGMENT)
		return;
	in.right = is_right(in.frame, in.length);
	if (in.p.icmp_type != SL_ICMP_TYPE_NONE) {
		enum sl_parse_result quoted =
			sl_parse_quoted(in.frame, in.length, &in.p, &in.inner);

		in.error = quoted == SL_PARSE_L4 || quoted == SL_PARSE_FRAGMENT;
	}
	run(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame;

	if (size < CHOICES)
		return 0;
	size -= CHOICES;
	frame = malloc(size + 1);
	FUZZ_ASSERT(frame != NULL);
	memcpy(frame, data + CHOICES, size);
	/* Checksums that hold are rare among random bytes. */
	if (data[0] & 1 && size >= WIRE_ETHER)
		wire_repair(frame, size);
	try(data, frame, size);
	free(frame);
	return 0;
}
