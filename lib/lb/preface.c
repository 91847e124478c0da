/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/preface.h"

#include <netinet/in.h>
#include <string.h>

#include "net/insert.h"
#include "net/l4.h"

/* Where fields lie in a TCP header. */
#define TCP_SEQ 4
#define TCP_ACK 8

#define DATAGRAM_MAX 65535

static uint32_t get32(const uint8_t *at)
{
	rte_be32_t value;

	memcpy(&value, at, sizeof(value));
	return rte_be_to_cpu_32(value);
}

static size_t tcp_header_length(const struct sl_parsed *p)
{
	return (size_t)p->l3_length - (size_t)(p->l4_offset - p->l3_offset) - p->payload;
}

static unsigned header_length(const struct sl_side *side, uint8_t family)
{
	return side->flags & SL_SIDE_PROXY ? sl_proxy_length(family) : 0;
}

/* Puts the header behind the L4 header. */
static unsigned put_header(void *frame, struct sl_parsed *p, size_t l4_length)
{
	const struct sl_tuple from = {.src = p->src,
		.dst = p->dst,
		.src_port = p->src_port,
		.dst_port = p->dst_port,
		.family = p->family,
		.protocol = p->protocol};
	uint8_t header[SL_PROXY_MAX];
	unsigned n = sl_proxy_length(p->family);

	sl_proxy_write(header, &from, p->protocol == IPPROTO_UDP);
	sl_insert(frame, p, p->l4_offset + l4_length, header, n);
	return n;
}

static enum sl_preface
udp_in(const struct sl_side *side, void *frame, struct sl_parsed *p, unsigned *grown)
{
	unsigned n = header_length(side, p->family);

	if (n == 0)
		return SL_PREFACE_DONE;
	if (p->fragment_offset > 0)
		return sl_shift_fragment(frame, p, n) ? SL_PREFACE_DONE : SL_PREFACE_TOO_LONG;
	if (p->l3_length + n > DATAGRAM_MAX)
		return SL_PREFACE_TOO_LONG;
	*grown = put_header(frame, p, 8);
	return SL_PREFACE_DONE;
}

/* A segment of the stream; `start` is the client's first byte behind its SYN. */
static void move_back(struct sl_side *side, void *frame, struct sl_parsed *p, uint32_t seq,
	uint32_t start, unsigned *grown)
{
	unsigned n = header_length(side, p->family);
	bool told = side->flags & SL_SIDE_TOLD;

	if (!told && seq == start && !(p->tcp_flags & SL_TCP_RST)) {
		*grown += put_header(frame, p, tcp_header_length(p));
		return;
	}
	/*
	 * Before the server has acknowledged anything, a keepalive says the byte before the start,
	 * and a reset is right for what it is known to have received: nothing.
	 */
	if (!told && (seq == start - 1 || (seq == start && (p->tcp_flags & SL_TCP_RST))))
		return;
	sl_tcp_shift_seq((uint8_t *)frame + p->l4_offset, n);
}

static enum sl_preface add_toa(void *frame, struct sl_parsed *p, unsigned mtu, unsigned *grown)
{
	unsigned n = sl_toa_length(p->family);
	union sl_ip client = p->src;

	if (p->l3_length + n > mtu || !sl_tcp_add_toa(frame, p, p->family, &client, p->src_port))
		return SL_PREFACE_NO_TOA;
	*grown += n;
	return SL_PREFACE_DONE;
}

/* A fragment of a segment: only where nothing has to be put in front any more. */
static enum sl_preface
fragment_in(const struct sl_side *side, void *frame, const struct sl_parsed *p)
{
	unsigned n = header_length(side, p->family);

	if (n == 0)
		return SL_PREFACE_DONE;
	if (!(side->flags & SL_SIDE_TOLD))
		return SL_PREFACE_FRAGMENT;
	if (p->has_l4)
		sl_tcp_shift_seq((uint8_t *)frame + p->l4_offset, n);
	return SL_PREFACE_DONE;
}

static enum sl_preface
tcp_in(struct sl_side *side, void *frame, struct sl_parsed *p, unsigned mtu, unsigned *grown)
{
	bool told = side->flags & SL_SIDE_TOLD, proxy = side->flags & SL_SIDE_PROXY;
	enum sl_preface result = SL_PREFACE_DONE;
	uint32_t seq;

	if (p->fragment_offset > 0 || p->more_fragments)
		return fragment_in(side, frame, p);
	seq = get32((uint8_t *)frame + p->l4_offset + TCP_SEQ);
	if (p->tcp_flags & SL_TCP_SYN) {
		if (!told)
			side->isn = seq;
		if (proxy && p->payload > 0)
			sl_cut_payload(frame, p);
	}
	if ((side->flags & SL_SIDE_TOA) && !told && !(p->tcp_flags & SL_TCP_RST) &&
		seq - side->isn <= 1) {
		result = add_toa(frame, p, mtu, grown);
		frame = (uint8_t *)frame - *grown;
	}
	if (proxy && !(p->tcp_flags & SL_TCP_SYN))
		move_back(side, frame, p, seq, side->isn + 1, grown);
	return result;
}

enum sl_preface
sl_preface_in(struct sl_side *side, void *frame, struct sl_parsed *p, unsigned mtu, unsigned *grown)
{
	*grown = 0;
	if (p->protocol == IPPROTO_UDP)
		return udp_in(side, frame, p, grown);
	return tcp_in(side, frame, p, mtu, grown);
}

/* The server says which SYN it takes: with another one the stream, and its header, begin anew. */
static void follow_syn_ack(struct sl_side *side, const uint8_t *tcp)
{
	uint32_t isn = get32(tcp + TCP_ACK) - 1;

	if (isn != side->isn) {
		side->isn = isn;
		side->flags &= (uint16_t)~SL_SIDE_TOLD;
	}
}

void sl_preface_out(struct sl_side *side, uint8_t family, void *frame, const struct sl_parsed *p)
{
	uint8_t *tcp = (uint8_t *)frame + p->l4_offset;
	unsigned n = header_length(side, family);
	uint32_t start, acked;

	if (p->protocol != IPPROTO_TCP || !p->has_l4)
		return;
	if ((p->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == (SL_TCP_SYN | SL_TCP_ACK))
		follow_syn_ack(side, tcp);
	if (n > 0 && (p->tcp_flags & SL_TCP_SYN))
		sl_tcp_lower_mss(tcp, tcp_header_length(p), (uint16_t)n);
	if (!(p->tcp_flags & SL_TCP_ACK))
		return;
	start = side->isn + 1;
	acked = get32(tcp + TCP_ACK) - start;
	if (!(side->flags & SL_SIDE_TOLD) && acked > 0 && acked >= n && acked < 1u << 31)
		side->flags |= SL_SIDE_TOLD;
	if (n > 0)
		sl_tcp_shift_ack(
			tcp, tcp_header_length(p), n, side->flags & SL_SIDE_TOLD ? NULL : &start);
}

void sl_preface_quoted(const struct sl_side *side, uint8_t family, void *frame, size_t length,
	const struct sl_parsed *outer, const struct sl_parsed *inner)
{
	uint8_t *tcp = (uint8_t *)frame + inner->l4_offset;
	unsigned n = header_length(side, family);
	uint32_t change, seq;
	rte_be32_t before, after;

	if (n == 0 || inner->protocol != IPPROTO_TCP || !inner->has_l4 ||
		inner->l4_offset + TCP_SEQ + sizeof(before) > length)
		return;
	memcpy(&before, tcp + TCP_SEQ, sizeof(before));
	seq = rte_be_to_cpu_32(before);
	/* Not what was not moved: the SYN, and the segment that carries the header. */
	if (seq == side->isn || seq == side->isn + 1)
		return;
	after = rte_cpu_to_be_32(seq - n);
	memcpy(tcp + TCP_SEQ, &after, sizeof(after));
	change = sl_csum_change(&before, &after, sizeof(after));
	/* The error's own checksum covers the quoted one, too, if that is there. */
	if (inner->l4_offset + SL_TCP_CHECKSUM + 2u <= length)
		change += sl_csum_fix(tcp + SL_TCP_CHECKSUM, change, false);
	sl_csum_fix((uint8_t *)frame + outer->l4_offset + SL_ICMP_CHECKSUM, change, false);
}
