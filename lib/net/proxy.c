/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/proxy.h"

#include <string.h>

#define SIGNATURE     "\r\n\r\n\0\r\nQUIT\n" /* 12 bytes */
#define VERSION_PROXY 0x21                   /* version 2, command PROXY */
#define OVER_IPV4     0x10
#define OVER_IPV6     0x20
#define STREAM        0x01
#define DATAGRAM      0x02
#define TLV_NOOP      0x04

struct start {
	uint8_t signature[12];
	uint8_t command;
	uint8_t transport;
	rte_be16_t length; /* of what follows */
};

unsigned sl_proxy_length(uint8_t family)
{
	return family == 6 ? SL_PROXY_MAX : 32;
}

void sl_proxy_write(void *out, const struct sl_tuple *t, bool udp)
{
	bool v6 = t->family == 6;
	size_t size = v6 ? 16 : 4;
	uint8_t *at = out;
	struct start start = {
		.command = VERSION_PROXY,
		.transport = (uint8_t)((v6 ? OVER_IPV6 : OVER_IPV4) | (udp ? DATAGRAM : STREAM)),
		.length = rte_cpu_to_be_16((uint16_t)(sl_proxy_length(t->family) - sizeof(start))),
	};
	static const uint8_t padding[] = {TLV_NOOP, 0, 1, 0}; /* type, length, one byte */

	memcpy(start.signature, SIGNATURE, sizeof(start.signature));
	memcpy(at, &start, sizeof(start));
	at += sizeof(start);
	memcpy(at, &t->src, size);
	memcpy(at + size, &t->dst, size);
	at += 2 * size;
	memcpy(at, &t->src_port, 2);
	memcpy(at + 2, &t->dst_port, 2);
	memcpy(at + 4, padding, sizeof(padding));
}
