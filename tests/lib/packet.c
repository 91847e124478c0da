/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include <rte_byteorder.h>

#include "io/bare.h"
#include "lb/worker.h"
#include "packet.h"

#define PACKET_WHOLE 65536 /* of which a fragment takes a part */

const uint8_t packet_port_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t packet_client_mac[6] = {0x02, 0, 0, 0, 0, 0x99};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint32_t sum16(uint32_t sum, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

uint16_t packet_checksum(const void *data, size_t length)
{
	return fold(sum16(0, data, length));
}

struct sl_addr packet_from(const struct packet *p)
{
	return p->from.family != 0 ? p->from : sl_addr_v4(rte_cpu_to_be_32(p->src));
}

struct sl_addr packet_to(const struct packet *p)
{
	return p->to.family != 0 ? p->to : sl_addr_v4(rte_cpu_to_be_32(p->dst));
}

static uint8_t protocol_of(const struct packet *p)
{
	if (p->quoted != NULL)
		return packet_from(p).family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	return p->protocol == 0 ? IPPROTO_TCP : p->protocol;
}

/* The checksum of what is behind the IP header, with the pseudo header if it has one. */
static uint16_t l4_checksum(const struct packet *p, const uint8_t *l4, size_t length)
{
	struct sl_addr from = packet_from(p), to = packet_to(p);
	size_t bytes = from.family == 6 ? 16 : 4;
	uint32_t sum = 0;

	if (protocol_of(p) != IPPROTO_ICMP)
		sum = sum16(sum16(0, from.bytes, bytes), to.bytes, bytes) + protocol_of(p) +
			(uint32_t)length;
	return fold(sum16(sum, l4, length));
}

static size_t write_tcp(const struct packet *p, uint8_t *at)
{
	size_t length = 20u + p->payload;

	put16(at, p->src_port);
	put16(at + 2, p->dst_port);
	put32(at + 4, 1000);
	put32(at + 8, p->flags & 0x10 ? 2000 : 0);
	at[12] = 5 << 4;
	at[13] = p->flags;
	put16(at + 14, 64240);
	memset(at + 20, 'x', p->payload);
	put16(at + 16, l4_checksum(p, at, length));
	return length;
}

static size_t write_udp(const struct packet *p, uint8_t *at)
{
	size_t length = 8u + p->payload;
	uint16_t checksum;

	put16(at, p->src_port);
	put16(at + 2, p->dst_port);
	put16(at + 4, (uint32_t)length);
	memset(at + 8, 'x', p->payload);
	checksum = l4_checksum(p, at, length);
	put16(at + 6, checksum == 0 ? 0xffff : checksum);
	return length;
}

static size_t write_l4(const struct packet *p, uint8_t *at);
static size_t write_ip(const struct packet *p, const uint8_t *l4, size_t length, uint8_t *ip);

static size_t write_error(const struct packet *p, uint8_t *at)
{
	uint8_t l4[PACKET_WHOLE], ip[PACKET_WHOLE];
	size_t quoted = write_ip(p->quoted, l4, write_l4(p->quoted, l4), ip);

	if (p->quote != 0 && p->quote < quoted)
		quoted = p->quote;
	at[0] = p->icmp_type;
	at[1] = p->icmp_code;
	put32(at + 4, p->icmp_rest);
	memcpy(at + 8, ip, quoted);
	put16(at + 2, l4_checksum(p, at, 8 + quoted));
	return 8 + quoted;
}

/* All that is behind the IP header. */
static size_t write_l4(const struct packet *p, uint8_t *at)
{
	memset(at, 0, 20);
	if (p->quoted != NULL)
		return write_error(p, at);
	if (protocol_of(p) == IPPROTO_TCP)
		return write_tcp(p, at);
	if (protocol_of(p) == IPPROTO_UDP)
		return write_udp(p, at);
	memset(at, 'x', p->payload);
	return p->payload;
}

static size_t write_ipv4(const struct packet *p, size_t length, bool more, uint8_t *ip)
{
	struct sl_addr from = packet_from(p), to = packet_to(p);
	uint16_t part = (uint16_t)(p->part_from / 8 | (more ? 0x2000 : 0));

	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(20 + length));
	put16(ip + 4, p->id);
	put16(ip + 6, p->fragment | part);
	ip[8] = p->ttl == 0 ? 64 : p->ttl;
	ip[9] = protocol_of(p);
	memcpy(ip + 12, from.bytes, 4);
	memcpy(ip + 16, to.bytes, 4);
	put16(ip + 10, packet_checksum(ip, 20));
	return 20;
}

static size_t write_ipv6(const struct packet *p, size_t length, bool more, uint8_t *ip)
{
	struct sl_addr from = packet_from(p), to = packet_to(p);
	size_t extension = more || p->part_from != 0 ? 8 : 0;

	memset(ip, 0, 48);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)(extension + length));
	ip[6] = extension != 0 ? IPPROTO_FRAGMENT : protocol_of(p);
	ip[7] = p->ttl == 0 ? 64 : p->ttl;
	memcpy(ip + 8, from.bytes, 16);
	memcpy(ip + 24, to.bytes, 16);
	if (extension != 0) {
		ip[40] = protocol_of(p);
		put16(ip + 42, p->part_from | more);
		put32(ip + 44, p->id);
	}
	return 40 + extension;
}

/* The IP packet, or its part, around what is behind the header. */
static size_t write_ip(const struct packet *p, const uint8_t *l4, size_t length, uint8_t *ip)
{
	size_t end = p->part_to == 0 || p->part_to > length ? length : p->part_to;
	size_t n = end - p->part_from, header;

	header = packet_from(p).family == 6 ? write_ipv6(p, n, end < length, ip)
					    : write_ipv4(p, n, end < length, ip);
	memcpy(ip + header, l4 + p->part_from, n);
	return header + n;
}

size_t packet_write(const struct packet *p, uint8_t *frame)
{
	uint8_t l4[PACKET_WHOLE];

	memcpy(frame, p->dst_mac == NULL ? packet_port_mac : p->dst_mac, 6);
	memcpy(frame + 6, p->src_mac == NULL ? packet_client_mac : p->src_mac, 6);
	put16(frame + 12, packet_from(p).family == 6 ? 0x86dd : 0x0800);
	return 14 + write_ip(p, l4, write_l4(p, l4), frame + 14);
}

struct rte_mbuf *packet_mbuf(const void *frame, size_t length, uint16_t port)
{
	struct rte_mbuf *mbuf = sl_bare_new(frame, length, SL_MBUF_PRIV);

	if (mbuf != NULL)
		mbuf->port = port;
	return mbuf;
}

struct rte_mbuf *packet_make(const struct packet *p)
{
	uint8_t frame[PACKET_MAX];
	size_t length = packet_write(p, frame);

	return packet_mbuf(frame, length, 0);
}

void packet_free(struct rte_mbuf *mbuf)
{
	sl_bare_free(mbuf);
}
