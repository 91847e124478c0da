/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <netinet/in.h>
#include <string.h>

#define IPV6_HEADER  40
#define NO_ICMP_TYPE 255

/* Extension headers by number. */
#define HOP_BY_HOP     0
#define ROUTING        43
#define FRAGMENT       44
#define AUTHENTICATION 51
#define DESTINATION    60

unsigned wire_get16(const uint8_t *at)
{
	return (unsigned)(at[0] << 8 | at[1]);
}

uint32_t wire_get32(const uint8_t *at)
{
	return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}

void wire_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void wire_put32(uint8_t *at, uint32_t value)
{
	wire_put16(at, value >> 16);
	wire_put16(at + 2, value & 0xffff);
}

union sl_ip wire_ip(uint8_t family, uint8_t n)
{
	static const uint8_t v4[3] = {192, 0, 2}, v6[4] = {0x20, 0x01, 0x0d, 0xb8};
	union sl_ip ip = {.words = {0, 0}};

	if (family == 4) {
		memcpy(ip.bytes, v4, sizeof(v4));
		ip.bytes[3] = n;
	} else {
		memcpy(ip.bytes, v6, sizeof(v6));
		ip.bytes[15] = n;
	}
	return ip;
}

uint16_t wire_sum(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < length; i++) {
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t wire_pseudo(const uint8_t *l3, uint8_t protocol, size_t length)
{
	bool v6 = l3[0] >> 4 == 6;

	return (uint32_t)wire_sum(0, l3 + (v6 ? 8 : 12), v6 ? 32 : 8) + protocol +
		(uint32_t)(length >> 16) + (uint32_t)(length & 0xffff);
}

static void put_checksum(uint8_t *at, uint32_t sum, const void *data, size_t length)
{
	wire_put16(at, (uint16_t)~wire_sum(sum, data, length));
}

static size_t write_ipv4(const struct wire *w, uint8_t *l3, size_t behind)
{
	size_t header = 20 + (size_t)w->ip_options;
	union sl_ip src = wire_ip(4, w->n_src), dst = wire_ip(4, w->n_dst);

	memset(l3, 1, header);
	memset(l3, 0, 20);
	l3[0] = (uint8_t)(0x40 | header / 4);
	l3[1] = w->tos;
	wire_put16(l3 + 2, (unsigned)(header + behind));
	wire_put16(l3 + 4, w->id);
	wire_put16(l3 + 6, w->dont_fragment ? 0x4000 : 0);
	l3[8] = w->ttl != 0 ? w->ttl : 64;
	l3[9] = w->protocol != 0 ? w->protocol : IPPROTO_TCP;
	memcpy(l3 + 12, src.bytes, 4);
	memcpy(l3 + 16, dst.bytes, 4);
	put_checksum(l3 + 10, 0, l3, header);
	return header;
}

static size_t write_ipv6(const struct wire *w, uint8_t *l3, size_t behind)
{
	uint8_t protocol = w->protocol != 0 ? w->protocol : IPPROTO_TCP;
	union sl_ip src = wire_ip(6, w->n_src), dst = wire_ip(6, w->n_dst);

	memset(l3, 0, IPV6_HEADER + (size_t)w->ip_options);
	wire_put32(l3, 6u << 28 | (uint32_t)w->tos << 20 | 0x12345);
	wire_put16(l3 + 4, (unsigned)(w->ip_options + behind));
	l3[6] = w->ip_options > 0 ? DESTINATION : protocol;
	l3[7] = w->ttl != 0 ? w->ttl : 64;
	memcpy(l3 + 8, src.bytes, 16);
	memcpy(l3 + 24, dst.bytes, 16);
	if (w->ip_options > 0) {
		uint8_t *at = l3 + IPV6_HEADER;

		at[0] = protocol;
		at[1] = (uint8_t)(w->ip_options / 8 - 1);
		at[2] = 1; /* PadN */
		at[3] = (uint8_t)(w->ip_options - 4);
	}
	return IPV6_HEADER + (size_t)w->ip_options;
}

static void write_tcp(const struct wire *w, uint8_t *l4)
{
	memset(l4, 0, 20);
	wire_put16(l4, w->src_port);
	wire_put16(l4 + 2, w->dst_port);
	wire_put32(l4 + 4, w->seq);
	wire_put32(l4 + 8, w->ack);
	l4[12] = (uint8_t)((20 + w->n_tcp_options) / 4 << 4);
	l4[13] = w->flags;
	wire_put16(l4 + 14, 0x7210);
	if (w->n_tcp_options > 0)
		memcpy(l4 + 20, w->tcp_options, w->n_tcp_options);
}

static void write_udp(const struct wire *w, uint8_t *l4)
{
	memset(l4, 0, 8);
	wire_put16(l4, w->src_port);
	wire_put16(l4 + 2, w->dst_port);
	wire_put16(l4 + 4, 8u + w->payload);
}

struct wire wire_plain(uint8_t family, uint8_t protocol, uint16_t payload)
{
	return (struct wire){.family = family,
		.protocol = protocol,
		.n_src = 1,
		.n_dst = 2,
		.src_port = 40000,
		.dst_port = 53,
		.payload = payload};
}

size_t wire_write(const struct wire *w, uint8_t *frame)
{
	bool v6 = w->family == 6, udp = w->protocol == IPPROTO_UDP;
	uint8_t protocol = w->protocol != 0 ? w->protocol : IPPROTO_TCP;
	size_t header = protocol == IPPROTO_TCP ? 20 + (size_t)w->n_tcp_options : udp ? 8 : 0;
	size_t behind = header + w->payload;
	uint8_t *l3 = frame + WIRE_ETHER, *l4;

	memset(frame, 2, 12);
	wire_put16(frame + 12, v6 ? 0x86dd : 0x0800);
	l4 = l3 + (v6 ? write_ipv6(w, l3, behind) : write_ipv4(w, l3, behind));
	for (size_t i = 0; i < w->payload; i++)
		l4[header + i] = (uint8_t)(i * 31 + 7);
	if (protocol == IPPROTO_TCP) {
		write_tcp(w, l4);
		put_checksum(l4 + 16, wire_pseudo(l3, protocol, behind), l4, behind);
	} else if (udp) {
		write_udp(w, l4);
		put_checksum(l4 + 6, wire_pseudo(l3, protocol, behind), l4, behind);
		if (wire_get16(l4 + 6) == 0)
			wire_put16(l4 + 6, 0xffff);
		if (w->no_checksum)
			wire_put16(l4 + 6, 0);
	}
	return (size_t)(l4 - frame) + behind;
}

size_t wire_cut(const uint8_t *frame, size_t offset, size_t n, uint32_t id, uint8_t *out)
{
	struct sl_parsed p = wire_parsed(frame, WIRE_MAX);
	bool v6 = p.family == 6;
	size_t header = (size_t)p.l4_offset - WIRE_ETHER, whole = p.l3_length - header;
	bool more = offset + n < whole;
	uint8_t *l3 = out + WIRE_ETHER;

	memcpy(out, frame, p.l4_offset);
	memcpy(l3 + header + (v6 ? 8 : 0), frame + p.l4_offset + offset, n);
	if (!v6) {
		wire_put16(l3 + 2, (unsigned)(header + n));
		wire_put16(l3 + 4, id & 0xffff);
		wire_put16(l3 + 6, (unsigned)(offset / 8) | (more ? 0x2000 : 0));
		wire_put16(l3 + 10, 0);
		put_checksum(l3 + 10, 0, l3, header);
		return WIRE_ETHER + header + n;
	}
	wire_put16(l3 + 4, (unsigned)(header - IPV6_HEADER + 8 + n));
	memset(l3 + header, 0, 8);
	l3[header] = p.protocol;
	*(header > IPV6_HEADER ? l3 + IPV6_HEADER : l3 + 6) = FRAGMENT;
	wire_put16(l3 + header + 2, (unsigned)offset | more);
	wire_put32(l3 + header + 4, id);
	return WIRE_ETHER + header + 8 + n;
}

size_t wire_error(uint8_t family, uint8_t type, uint8_t code, uint32_t rest, const void *quoted,
	size_t n, uint8_t *out)
{
	struct wire w = {.family = family,
		.protocol = family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		.n_src = 200,
		.n_dst = 1,
		.payload = (uint16_t)(8 + n)};
	size_t length = wire_write(&w, out);
	uint8_t *l3 = out + WIRE_ETHER, *icmp = out + length - 8 - n;

	icmp[0] = type;
	icmp[1] = code;
	wire_put16(icmp + 2, 0);
	wire_put32(icmp + 4, rest);
	memcpy(icmp + 8, quoted, n);
	put_checksum(icmp + 2, family == 6 ? wire_pseudo(l3, w.protocol, 8 + n) : 0, icmp, 8 + n);
	return length;
}

static bool is_extension(uint8_t next)
{
	return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT ||
		next == AUTHENTICATION || next == DESTINATION;
}

/* The IP header and what follows it up to L4; returns false when `end` comes first. */
static bool read_ip(const uint8_t *frame, size_t end, struct sl_parsed *p)
{
	const uint8_t *l3 = frame + p->l3_offset;
	size_t at = p->l3_offset + (size_t)IPV6_HEADER;

	if (p->l3_offset + 20u > end)
		return false;
	p->family = l3[0] >> 4;
	if (p->family == 4) {
		p->tos = l3[1];
		p->l3_length = (uint16_t)wire_get16(l3 + 2);
		p->fragment_id = (rte_be32_t)htonl(wire_get16(l3 + 4));
		p->dont_fragment = l3[6] & 0x40;
		p->more_fragments = l3[6] & 0x20;
		p->fragment_offset = (uint16_t)((wire_get16(l3 + 6) & 0x1fff) * 8);
		p->ttl = l3[8];
		p->protocol = l3[9];
		memcpy(p->src.bytes, l3 + 12, 4);
		memcpy(p->dst.bytes, l3 + 16, 4);
		p->l4_offset = (uint16_t)(p->l3_offset + (l3[0] & 15) * 4);
		return p->l4_offset <= end;
	}
	if (p->family != 6 || at > end)
		return false;
	p->tos = (uint8_t)(wire_get16(l3) >> 4);
	p->l3_length = (uint16_t)(IPV6_HEADER + wire_get16(l3 + 4));
	p->protocol = l3[6];
	p->ttl = l3[7];
	memcpy(p->src.bytes, l3 + 8, 16);
	memcpy(p->dst.bytes, l3 + 24, 16);
	while (at + 8 <= end && is_extension(p->protocol)) {
		const uint8_t *header = frame + at;

		if (p->protocol == ROUTING && header[3] != 0)
			break; /* not there yet: the checksum is that of another destination */
		if (p->protocol == FRAGMENT) {
			p->fragment_header = (uint16_t)at;
			p->more_fragments = header[3] & 1;
			p->fragment_offset = (uint16_t)(wire_get16(header + 2) & ~7u);
			memcpy(&p->fragment_id, header + 4, 4);
		}
		at += p->protocol == FRAGMENT           ? 8
			: p->protocol == AUTHENTICATION ? (header[1] + 2u) * 4
							: (header[1] + 1u) * 8;
		p->protocol = header[0];
		if (p->fragment_offset > 0)
			break; /* what follows is the middle of something */
	}
	p->l4_offset = (uint16_t)at;
	return at <= end;
}

/* `enough` bytes of TCP or UDP make an L4 header. */
static void read_l4(const uint8_t *frame, size_t end, size_t enough, struct sl_parsed *p)
{
	const uint8_t *l4 = frame + p->l4_offset;
	size_t header = p->protocol == IPPROTO_TCP ? enough : 8;

	if (p->fragment_offset > 0)
		return;
	if ((p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) &&
		p->l4_offset + 8u <= end) {
		p->icmp_type = l4[0];
		p->icmp_code = l4[1];
	}
	if ((p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP) ||
		p->l4_offset + header > end)
		return;
	p->has_l4 = true;
	memcpy(&p->src_port, l4, 2);
	memcpy(&p->dst_port, l4 + 2, 2);
	if (p->protocol == IPPROTO_TCP && enough > 8) {
		header = (l4[12] >> 4) * 4u;
		p->tcp_flags = l4[13];
	}
	p->payload = (uint16_t)(p->l3_offset + p->l3_length - p->l4_offset - header);
}

struct sl_parsed wire_parsed(const uint8_t *frame, size_t length)
{
	struct sl_parsed p = {.l3_offset = WIRE_ETHER, .icmp_type = NO_ICMP_TYPE};

	memcpy(&p.ether_type, frame + 12, 2);
	if (read_ip(frame, length, &p))
		read_l4(frame, length, 20, &p);
	return p;
}

struct sl_parsed wire_quoted(const uint8_t *frame, size_t length, const struct sl_parsed *outer)
{
	struct sl_parsed p = {.l3_offset = (uint16_t)(outer->l4_offset + 8),
		.icmp_type = NO_ICMP_TYPE,
		.ether_type = outer->ether_type};

	if (read_ip(frame, length, &p))
		read_l4(frame, length, 8, &p);
	return p;
}

static const char *wrong_l4(const uint8_t *l3, const uint8_t *l4, size_t length, uint8_t protocol)
{
	uint32_t pseudo = wire_pseudo(l3, protocol, length);
	bool v6 = l3[0] >> 4 == 6;

	switch (protocol) {
	case IPPROTO_TCP:
		return wire_sum(pseudo, l4, length) != 0xffff ? "TCP checksum" : NULL;
	case IPPROTO_UDP:
		if (length < 8 || wire_get16(l4 + 4) > length || wire_get16(l4 + 4) < 8)
			return "UDP length";
		length = wire_get16(l4 + 4);
		pseudo = wire_pseudo(l3, protocol, length);
		if (wire_get16(l4 + 6) == 0)
			return v6 ? "UDP without a checksum" : NULL;
		return wire_sum(pseudo, l4, length) != 0xffff ? "UDP checksum" : NULL;
	case IPPROTO_ICMP:
		return wire_sum(0, l4, length) != 0xffff ? "ICMP checksum" : NULL;
	case IPPROTO_ICMPV6:
		return wire_sum(pseudo, l4, length) != 0xffff ? "ICMPv6 checksum" : NULL;
	default:
		return NULL;
	}
}

const char *wire_wrong(const uint8_t *frame, size_t length)
{
	struct sl_parsed p = {.l3_offset = WIRE_ETHER};
	const uint8_t *l3 = frame + WIRE_ETHER;

	if (!read_ip(frame, length, &p))
		return "IP header";
	if ((p.family == 6) != (wire_get16(frame + 12) == 0x86dd) ||
		(p.family == 4) != (wire_get16(frame + 12) == 0x0800))
		return "Ethernet type";
	if (WIRE_ETHER + (size_t)p.l3_length > length || p.l3_offset + p.l3_length < p.l4_offset)
		return "IP length";
	if (p.family == 4 && wire_sum(0, l3, (l3[0] & 15) * 4u) != 0xffff)
		return "IPv4 checksum";
	if (p.more_fragments || p.fragment_offset > 0)
		return NULL;
	return wrong_l4(l3, frame + p.l4_offset, p.l3_offset + (size_t)p.l3_length - p.l4_offset,
		p.protocol);
}

static void repair_l4(const uint8_t *l3, uint8_t *l4, size_t length, uint8_t protocol)
{
	size_t at = protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;
	uint32_t pseudo;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_ICMP &&
		    protocol != IPPROTO_ICMPV6) ||
		at + 2 > length || (protocol == IPPROTO_UDP && wire_get16(l4 + at) == 0))
		return;
	if (protocol == IPPROTO_UDP && wire_get16(l4 + 4) <= length && wire_get16(l4 + 4) >= 8)
		length = wire_get16(l4 + 4);
	pseudo = protocol == IPPROTO_ICMP ? 0 : wire_pseudo(l3, protocol, length);
	wire_put16(l4 + at, 0);
	put_checksum(l4 + at, pseudo, l4, length);
	if (protocol == IPPROTO_UDP && wire_get16(l4 + at) == 0)
		wire_put16(l4 + at, 0xffff);
}

void wire_repair(uint8_t *frame, size_t length)
{
	struct sl_parsed p = {.l3_offset = WIRE_ETHER};
	uint8_t *l3 = frame + WIRE_ETHER;

	if (!read_ip(frame, length, &p) || WIRE_ETHER + (size_t)p.l3_length > length ||
		p.l3_offset + p.l3_length < p.l4_offset)
		return;
	if (p.family == 4 && p.l4_offset >= p.l3_offset + 20) {
		wire_put16(l3 + 10, 0);
		put_checksum(l3 + 10, 0, l3, (l3[0] & 15) * 4u);
	}
	if (!p.more_fragments && p.fragment_offset == 0)
		repair_l4(l3, frame + p.l4_offset, p.l3_offset + (size_t)p.l3_length - p.l4_offset,
			p.protocol);
}
