/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "announce.h"

/* RFC 826 and RFC 5227, byte for byte. */
static void an_announcement_asks_for_our_own_address(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	static const uint8_t want[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 100, 0, 0, 0, 0, 0, 0, 192, 0,
		2, 100};
	uint8_t frame[SL_ANNOUNCE_MAX];
	struct sl_addr addr;

	assert_int_equal(sl_addr_parse("192.0.2.100", &addr), 0);
	assert_int_equal(sl_announce_frame(frame, mac, &addr), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
}

/* The checksum of this one was computed by scapy. */
static void an_advertisement_overrides(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	static const uint8_t want[] = {0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60,
		0, 0, 0, 0, 32, 58, 255, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
		0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 136, 0, 0xf7, 0x2c, 0x20, 0, 0,
		0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 2, 0, 0, 0, 0, 1};
	uint8_t frame[SL_ANNOUNCE_MAX];
	struct sl_addr addr;

	assert_int_equal(sl_addr_parse("2001:db8::100", &addr), 0);
	assert_int_equal(sl_announce_frame(frame, mac, &addr), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_announcement_asks_for_our_own_address),
		cmocka_unit_test(an_advertisement_overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
