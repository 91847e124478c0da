/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>

#include "io/bare.h"
#include "lb/worker.h"
#include "packet.h"

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

/* The checksum of a TCP or UDP segment with its pseudo header, addresses from the IPv4 header. */
static uint16_t segment_checksum(const uint8_t *ip, const uint8_t *segment, size_t length)
{
	uint32_t sum = sum16(0, ip + 12, 8) + ip[9] + (uint32_t)length;

	return fold(sum16(sum, segment, length));
}

static size_t write_tcp(const struct packet *p, const uint8_t *ip, uint8_t *at)
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
	put16(at + 16, segment_checksum(ip, at, length));
	return length;
}

static size_t write_udp(const struct packet *p, const uint8_t *ip, uint8_t *at)
{
	size_t length = 8u + p->payload;
	uint16_t checksum;

	put16(at, p->src_port);
	put16(at + 2, p->dst_port);
	put16(at + 4, (uint32_t)length);
	memset(at + 8, 'x', p->payload);
	checksum = segment_checksum(ip, at, length);
	put16(at + 6, checksum == 0 ? 0xffff : checksum);
	return length;
}

size_t packet_write(const struct packet *p, uint8_t *frame)
{
	uint8_t *ip = frame + 14, *l4 = ip + 20;
	uint8_t protocol = p->protocol == 0 ? IPPROTO_TCP : p->protocol;
	size_t length;

	memset(frame, 0, 14 + 20 + 20);
	memcpy(frame, p->dst_mac == NULL ? packet_port_mac : p->dst_mac, 6);
	memcpy(frame + 6, p->src_mac == NULL ? packet_client_mac : p->src_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 4, p->id);
	put16(ip + 6, p->fragment);
	ip[8] = p->ttl == 0 ? 64 : p->ttl;
	ip[9] = protocol;
	put32(ip + 12, p->src);
	put32(ip + 16, p->dst);
	if (protocol == IPPROTO_TCP) {
		length = write_tcp(p, ip, l4);
	} else if (protocol == IPPROTO_UDP) {
		length = write_udp(p, ip, l4);
	} else {
		memset(l4, 'x', p->payload);
		length = p->payload;
	}
	put16(ip + 2, (uint32_t)(20 + length));
	put16(ip + 10, packet_checksum(ip, 20));
	return 14 + 20 + length;
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
