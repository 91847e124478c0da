/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/format.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"
#include "net/addr.h"

static int check_address(const char *text, const char **hint)
{
	struct sl_addr addr;

	if (strchr(text, '%') != NULL)
		*hint = "an address does not name its interface here";
	return sl_addr_parse(text, &addr);
}

static int check_prefix(const char *text, const char **hint)
{
	struct sl_prefix prefix;

	if (sl_prefix_parse(text, &prefix) < 0)
		return -EINVAL;
	if (strchr(text, '/') != NULL)
		return 0;
	*hint = prefix.addr.family == 4
		? "add the length of the prefix: /24, or /32 for the address alone"
		: "add the length of the prefix: /64, or /128 for the address alone";
	return -EINVAL;
}

static int check_mac(const char *text, const char **hint)
{
	uint8_t mac[6];

	return sl_mac_parse(text, mac);
}

/* "192.168.8.12:80", "[2001:db8::12]:80" */
static int check_endpoint(const char *text, const char **hint)
{
	struct sl_addr addr;
	uint16_t port;

	return sl_endpoint_parse(text, &addr, &port);
}

static int check_duration(const char *text, const char **hint)
{
	size_t length = strlen(text);
	uint64_t ms;
	int rc = sl_duration_parse(text, &ms);

	if (rc == -EINVAL && length != 0 && strspn(text, "0123456789") == length)
		*hint = "add the unit (s, m or h), or leave the quotes out for seconds";
	if (rc != -EINVAL && length > 2 && strcmp(text + length - 2, "ms") == 0) {
		*hint = "whole seconds are the smallest unit here";
		return -EINVAL;
	}
	return rc == -ERANGE ? 0 : rc; /* a duration, though beyond any maximum */
}

static uint64_t duration_seconds(const char *text)
{
	uint64_t ms;

	return sl_duration_parse(text, &ms) == 0 ? ms / 1000 : UINT64_MAX;
}

static void print_duration(char *text, size_t size, uint64_t seconds)
{
	sl_duration_format(text, size, seconds * 1000);
}

static int check_size(const char *text, const char **hint)
{
	uint64_t bytes;
	int rc = sl_size_parse(text, &bytes);

	if (rc == -EINVAL && isdigit((unsigned char)text[0]))
		*hint = "add the unit: K, M, G or T";
	return rc == -ERANGE ? 0 : rc;
}

static uint64_t size_bytes(const char *text)
{
	uint64_t bytes;

	return sl_size_parse(text, &bytes) == 0 ? bytes : UINT64_MAX;
}

/* Letters, digits and `others` (but these not in front, except for _), 1 to `max` of them. */
static bool is_name(const char *text, const char *others, size_t max)
{
	if (!isalnum((unsigned char)text[0]) && (text[0] != '_' || strchr(others, '_') == NULL))
		return false;
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (i >= max ||
			(!isalnum((unsigned char)text[i]) && strchr(others, text[i]) == NULL))
			return false;
	}
	return true;
}

static int check_instance(const char *text, const char **hint)
{
	return isalnum((unsigned char)text[0]) && is_name(text, "_.-", 31) ? 0 : -EINVAL;
}

static int check_interface(const char *text, const char **hint)
{
	if (is_name(text, "_.-", 15))
		return 0;
	if (strlen(text) > 15)
		*hint = "Linux takes at most 15 characters in the name of an interface";
	return -EINVAL;
}

static int check_netns(const char *text, const char **hint)
{
	if (is_name(text, "_.-", 63))
		return 0;
	if (text[0] == '/')
		*hint = "give the name that ip netns shows, not a path";
	return -EINVAL;
}

/* Of a DSCP that is written as text. */
static int check_dscp(const char *text, const char **hint)
{
	return strcmp(text, "copy") == 0 ? 0 : -EINVAL;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < '!' || *text > '~')
			return false;
	}
	return true;
}

static int check_path(const char *text, const char **hint)
{
	if (text[0] != '/') {
		*hint = "start it with /";
		return -EINVAL;
	}
	return is_printable(text) && strlen(text) <= 90 ? 0 : -EINVAL;
}

/* "0000:03:00.0" */
static bool is_pci(const char *text, size_t length)
{
	static const char shape[] = "xxxx:xx:xx.7";

	if (length != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool fits = shape[i] == 'x' ? isxdigit((unsigned char)text[i]) != 0
			: shape[i] == '7'   ? text[i] >= '0' && text[i] <= '7'
					    : text[i] == shape[i];
		if (!fits)
			return false;
	}
	return true;
}

static int check_device(const char *text, const char **hint)
{
	size_t length = strcspn(text, ",");
	char name[256];

	if (!is_printable(text) || (text[length] == ',' && text[length + 1] == '\0'))
		return -EINVAL;
	if (is_pci(text, length))
		return 0;
	if (memchr(text, ':', length) != NULL)
		*hint = "a PCI address has domain, bus, device and function: 0000:03:00.0";
	if (length >= sizeof(name) || !isalpha((unsigned char)text[0]))
		return -EINVAL;
	memcpy(name, text, length);
	name[length] = '\0';
	return is_name(name, "_.-", sizeof(name)) ? 0 : -EINVAL;
}

static const struct sl_format formats[] = {
	{"address", "an IP address", "192.168.8.12", check_address},
	{"prefix", "an IP address with the length of its prefix", "192.168.8.11/24", check_prefix},
	{"endpoint", "an IP address and a port", "192.168.8.12:80", check_endpoint},
	{"mac", "an Ethernet address", "02:00:00:00:00:01", check_mac},
	{"duration", "a duration", "15m", check_duration, duration_seconds, print_duration},
	{"size", "a size", "512M", check_size, size_bytes, sl_size_format},
	{"interface", "1 to 15 letters, digits, _, . and -", "lan0", check_interface},
	{"instance", "1 to 31 letters, digits, _, . and -", "lb1", check_instance},
	{"netns", "the name of a network namespace", "director", check_netns},
	{"path", "an absolute path of at most 90 characters", "/run/sluice", check_path},
	{"device", "a PCI address or the name of a virtual device", "0000:03:00.0", check_device},
	{"dscp", "\"copy\" or a DSCP from 0 to 63", "copy", check_dscp},
	{NULL},
};

const struct sl_format *sl_format_find(const char *name)
{
	for (const struct sl_format *format = formats; format->name != NULL; format++) {
		if (strcmp(format->name, name) == 0)
			return format;
	}
	return NULL;
}
