/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/proxy.h"
#include "wire.h"

static struct sl_tuple tuple(uint8_t family)
{
	return (struct sl_tuple){.family = family,
		.src = wire_ip(family, 1),
		.dst = wire_ip(family, 2),
		.src_port = RTE_BE16(40000),
		.dst_port = RTE_BE16(443)};
}

static void check(uint8_t family, bool udp, const uint8_t *wanted, size_t length)
{
	struct sl_tuple t = tuple(family);
	uint8_t *out = malloc(length);

	assert_non_null(out);
	assert_int_equal(sl_proxy_length(family), length);
	sl_proxy_write(out, &t, udp);
	assert_memory_equal(out, wanted, length);
	free(out);
}

/* Written down from the specification's section 2.2, byte by byte. */
static void ipv4(void **state)
{
	uint8_t wanted[32] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54,
		0x0a, 0x21, 0x11, 0x00, 0x10, 192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0x01, 0xbb,
		0x04, 0x00, 0x01, 0x00};

	check(4, false, wanted, sizeof(wanted));
	wanted[13] = 0x12;
	check(4, true, wanted, sizeof(wanted));
}

static void ipv6(void **state)
{
	uint8_t wanted[56] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54,
		0x0a, 0x21, 0x21, 0x00, 0x28, 0x20, 0x01, 0x0d, 0xb8, [31] = 1, 0x20, 0x01, 0x0d,
		0xb8, [47] = 2, 0x9c, 0x40, 0x01, 0xbb, 0x04, 0x00, 0x01, 0x00};

	check(6, false, wanted, sizeof(wanted));
	wanted[13] = 0x22;
	check(6, true, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
