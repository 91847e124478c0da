/* SPDX-License-Identifier: BSD-3-Clause */
/* IP addresses and prefixes of either family, as text and as bytes. */
#ifndef SL_NET_ADDR_H
#define SL_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#define SL_ADDR_TEXT 48 /* bytes that any address, prefix ("/128") included, needs as text */

struct sl_addr {
	uint8_t family; /* 0 = none, 4 or 6 */
	union {
		rte_be32_t v4;
		uint8_t bytes[16]; /* unused bytes are zero */
	};
};

/* An address as packets and entries hold it: IPv4 in the first four bytes, the rest zero. */
union sl_ip {
	uint8_t bytes[16];
	rte_be32_t v4;
	uint64_t words[2];
};

struct sl_prefix {
	struct sl_addr addr;
	uint8_t length; /* bits */
};

static inline struct sl_addr sl_addr_v4(rte_be32_t v4)
{
	struct sl_addr addr = {.family = 4};

	addr.v4 = v4;
	return addr;
}

static inline bool sl_ip_equal(const union sl_ip *a, const union sl_ip *b)
{
	return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1])) == 0;
}

static inline union sl_ip sl_ip_v4(rte_be32_t v4)
{
	union sl_ip ip = {.words = {0, 0}};

	ip.v4 = v4;
	return ip;
}

static inline union sl_ip sl_ip_from_addr(const struct sl_addr *addr)
{
	union sl_ip ip;

	memcpy(&ip, addr->bytes, sizeof(ip));
	return ip;
}

static inline struct sl_addr sl_addr_from_ip(uint8_t family, const union sl_ip *ip)
{
	struct sl_addr addr = {.family = family};

	memcpy(addr.bytes, ip, sizeof(*ip));
	return addr;
}

/*
 * Whether a packet may come from, or an error be sent to, this address: it stands for one host on
 * the network, neither unspecified, loopback, a group nor (IPv6) an IPv4 address in disguise.
 * RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.
 */
bool sl_ip_is_host(uint8_t family, const union sl_ip *ip);

/* A group's address, or IPv4's broadcast address. */
bool sl_ip_is_group(uint8_t family, const union sl_ip *ip);

/* Numeric addresses only; no names, no "010.1.1.1", no zone. Return 0 or -EINVAL. */
int sl_addr_parse(const char *text, struct sl_addr *addr);

/* "192.168.8.11/24"; without a length it is a host. Host bits are kept. Returns 0 or -EINVAL. */
int sl_prefix_parse(const char *text, struct sl_prefix *prefix);

/* Write text of at most SL_ADDR_TEXT bytes into `text` and return it. */
const char *sl_addr_format(const struct sl_addr *addr, char text[SL_ADDR_TEXT]);
const char *sl_prefix_format(const struct sl_prefix *prefix, char text[SL_ADDR_TEXT]);

/* "192.168.8.12:80", "[2001:db8::12]:80"; at most SL_ENDPOINT_TEXT bytes. */
#define SL_ENDPOINT_TEXT (SL_ADDR_TEXT + 8)
const char *
sl_endpoint_format(const struct sl_addr *addr, uint16_t port, char text[SL_ENDPOINT_TEXT]);
/* The same back. Returns 0 or -EINVAL. */
int sl_endpoint_parse(const char *text, struct sl_addr *addr, uint16_t *port);

bool sl_addr_equal(const struct sl_addr *a, const struct sl_addr *b);
int sl_addr_compare(const struct sl_addr *a, const struct sl_addr *b); /* family, then value */
bool sl_prefix_contains(const struct sl_prefix *prefix, const struct sl_addr *addr);

/* Neither unspecified, nor multicast, nor the IPv4 broadcast address. */
bool sl_addr_is_unicast(const struct sl_addr *addr);
bool sl_addr_is_loopback(const struct sl_addr *addr);

/* "02:00:00:00:00:01". Returns 0 or -EINVAL. */
int sl_mac_parse(const char *text, uint8_t mac[6]);
const char *sl_mac_format(const uint8_t mac[6], char text[18]);

#endif
