/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int sl_addr_parse(const char *text, struct sl_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	/* inet_pton() takes four plain decimals only: neither "10.1" nor octal nor a zone. */
	if (inet_pton(AF_INET, text, addr->bytes) == 1) {
		addr->family = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, addr->bytes) == 1) {
		addr->family = 6;
		return 0;
	}
	memset(addr, 0, sizeof(*addr));
	return -EINVAL;
}

static unsigned bits_of(const struct sl_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

/* One to three decimal digits, no leading zero, at most `max`. */
static int parse_length(const char *text, unsigned max, uint8_t *length)
{
	unsigned value = 0;
	size_t n = strlen(text);

	if (n < 1 || n > 3 || (n > 1 && text[0] == '0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > max)
		return -EINVAL;
	*length = (uint8_t)value;
	return 0;
}

int sl_prefix_parse(const char *text, struct sl_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char address[SL_ADDR_TEXT];
	int rc;

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	rc = sl_addr_parse(address, &prefix->addr);
	if (rc < 0)
		return rc;
	prefix->length = (uint8_t)bits_of(&prefix->addr);
	return slash != NULL ? parse_length(slash + 1, prefix->length, &prefix->length) : 0;
}

const char *sl_addr_format(const struct sl_addr *addr, char text[SL_ADDR_TEXT])
{
	if (addr->family == 0)
		return strcpy(text, "none");
	return inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, text, SL_ADDR_TEXT);
}

const char *sl_prefix_format(const struct sl_prefix *prefix, char text[SL_ADDR_TEXT])
{
	size_t n;

	sl_addr_format(&prefix->addr, text);
	n = strlen(text);
	snprintf(text + n, SL_ADDR_TEXT - n, "/%u", prefix->length);
	return text;
}

const char *
sl_endpoint_format(const struct sl_addr *addr, uint16_t port, char text[SL_ENDPOINT_TEXT])
{
	char address[SL_ADDR_TEXT];

	sl_addr_format(addr, address);
	snprintf(text, SL_ENDPOINT_TEXT, addr->family == 6 ? "[%s]:%u" : "%s:%u", address, port);
	return text;
}

/* One to five decimal digits. */
static int parse_port(const char *text, uint16_t *port)
{
	unsigned value = 0;
	size_t n = strlen(text);

	if (n < 1 || n > 5)
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

int sl_endpoint_parse(const char *text, struct sl_addr *addr, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[';
	char address[SL_ADDR_TEXT];
	size_t n;

	if (colon == NULL || (brackets && (colon == text || colon[-1] != ']')))
		return -EINVAL;
	n = (size_t)(colon - text) - 2 * brackets;
	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text + brackets, n);
	address[n] = '\0';
	if (sl_addr_parse(address, addr) < 0 || (addr->family == 6) != brackets)
		return -EINVAL;
	return parse_port(colon + 1, port);
}

bool sl_addr_equal(const struct sl_addr *a, const struct sl_addr *b)
{
	return sl_addr_compare(a, b) == 0;
}

int sl_addr_compare(const struct sl_addr *a, const struct sl_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool sl_prefix_contains(const struct sl_prefix *prefix, const struct sl_addr *addr)
{
	unsigned whole = prefix->length / 8, rest = prefix->length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (prefix->addr.family != addr->family || addr->family == 0)
		return false;
	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 || ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) & mask) == 0;
}

bool sl_addr_is_unicast(const struct sl_addr *addr)
{
	static const uint8_t zero[16];

	if (addr->family == 0 || memcmp(addr->bytes, zero, sizeof(zero)) == 0)
		return false;
	if (addr->family == 4)
		return (addr->bytes[0] & 0xf0) != 0xe0 && addr->v4 != RTE_BE32(0xffffffff);
	return addr->bytes[0] != 0xff;
}

bool sl_addr_is_loopback(const struct sl_addr *addr)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (addr->family == 4)
		return addr->bytes[0] == 127;
	return addr->family == 6 && memcmp(addr->bytes, loopback6, sizeof(loopback6)) == 0;
}

bool sl_ip_is_host(uint8_t family, const union sl_ip *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const union sl_ip loopback6 = {.bytes = {[15] = 1}};

	if (family == 4)
		return ip->bytes[0] != 0 && ip->bytes[0] != 127 && ip->bytes[0] < 0xe0;
	if (ip->bytes[0] == 0xff)
		return false;
	if (ip->words[0] != 0)
		return true;
	return ip->words[1] != 0 && !sl_ip_equal(ip, &loopback6) &&
		memcmp(ip->bytes, mapped, sizeof(mapped)) != 0;
}

bool sl_ip_is_group(uint8_t family, const union sl_ip *ip)
{
	if (family == 4)
		return (ip->bytes[0] & 0xf0) == 0xe0 || ip->v4 == RTE_BE32(0xffffffff);
	return ip->bytes[0] == 0xff;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sl_mac_parse(const char *text, uint8_t mac[6])
{
	uint8_t bytes[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

const char *sl_mac_format(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
	return text;
}
