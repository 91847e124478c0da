/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lb/locals.h"

#define MAX 300

/* IPv4 and IPv6 in turn; of one IPv6 address the bytes are those of an IPv4 address. */
static struct sl_addr address(uint32_t n)
{
	struct sl_addr addr = {.family = n % 2 == 0 ? 4 : 6};

	addr.v4 = rte_cpu_to_be_32(0x0a000000 + n / 2);
	if (addr.family == 6 && n != 1)
		addr.bytes[15] = (uint8_t)n;
	return addr;
}

static bool has(const struct sl_locals *locals, const struct sl_addr *addr)
{
	union sl_ip ip = sl_ip_from_addr(addr);

	return sl_locals_has(locals, addr->family, &ip);
}

static void it_has_what_it_was_given_and_nothing_else(void **state)
{
	struct sl_addr addresses[MAX];

	for (uint32_t n = 0; n < MAX; n++)
		addresses[n] = address(n);
	for (uint32_t n = 1; n <= MAX; n++) {
		struct sl_locals *locals = calloc(1, sl_locals_bytes(n));

		sl_locals_fill(locals, addresses, n, 7, 9);
		assert_int_equal(locals->n4, (n + 1) / 2);
		assert_int_equal(locals->n6, n / 2);
		for (uint32_t i = 0; i < MAX; i++)
			assert_int_equal(has(locals, &addresses[i]), i < n);
		free(locals);
	}
}

static void without_any_nothing_is_local(void **state)
{
	struct sl_addr addr = address(0);

	assert_false(has(NULL, &addr));
}

/* However many there are, a look-up sees a handful. */
static void look_ups_are_short(void **state)
{
	struct sl_locals *locals = calloc(1, sl_locals_bytes(MAX));
	struct sl_addr addresses[MAX];
	uint32_t run = 0, longest = 0;

	for (uint32_t n = 0; n < MAX; n++)
		addresses[n] = address(n);
	sl_locals_fill(locals, addresses, MAX, 1, 2);
	for (uint32_t at = 0; at <= locals->mask; at++) {
		run = locals->index[at] == 0 ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	assert_in_range(longest, 1, 16);
	free(locals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_what_it_was_given_and_nothing_else),
		cmocka_unit_test(without_any_nothing_is_local),
		cmocka_unit_test(look_ups_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
