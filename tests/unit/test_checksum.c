/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "net/checksum.h"

/* RFC 1071 to the letter: 16-bit words, big endian, carries added back. */
static uint16_t reference(const uint8_t *data, size_t length)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)data[i] << 8 | (i + 1 < length ? data[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return rte_cpu_to_be_16((uint16_t)~sum);
}

static void the_example_of_rfc_1071(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	assert_int_equal(
		sl_csum_finish(sl_csum_add(0, data, sizeof(data))), RTE_BE16(0xffff - 0xddf2));
}

static void equals_the_definition_at_every_length(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 1);
	for (size_t length = 0; length <= 300; length++) {
		uint8_t *data = malloc(length + 1); /* a read past the end is seen by ASAN */
		uint8_t *at = data + 1;             /* misaligned on purpose */

		for (size_t i = 0; i < length; i++)
			at[i] = (uint8_t)sl_rand_u64(&rand);
		assert_int_equal(sl_csum_finish(sl_csum_add(0, at, length)), reference(at, length));
		memset(at, 0xff, length); /* the most carries there can be */
		assert_int_equal(sl_csum_finish(sl_csum_add(0, at, length)), reference(at, length));
		free(data);
	}
}

static void parts_add_up(void **state)
{
	uint8_t data[256];
	struct sl_rand rand;

	sl_rand_seed(&rand, 2);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)sl_rand_u64(&rand);
	for (size_t cut = 0; cut <= sizeof(data); cut += 2) {
		uint32_t sum = sl_csum_add(0, data, cut);

		sum = sl_csum_add(sum, data + cut, sizeof(data) - cut);
		assert_int_equal(sl_csum_finish(sum), reference(data, sizeof(data)));
	}
	/* A sum that is nearly full takes more without losing its carry. */
	assert_int_equal(sl_csum_finish(sl_csum_add(0xffffffff, data, sizeof(data))),
		reference(data, sizeof(data)));
}

static void updates_equal_a_new_sum(void **state)
{
	struct sl_rand rand;

	sl_rand_seed(&rand, 3);
	for (int i = 0; i < 20000; i++) {
		uint32_t words[5] = {0x45, 1, 2, 3, 4}, to = (uint32_t)sl_rand_u64(&rand);
		uint16_t checksum, half = (uint16_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? 0xffff : to);

		for (int j = 1; j < 5; j++)
			words[j] = (uint32_t)sl_rand_u64(&rand);
		if (i % 5 == 0)
			to = i % 2 ? 0 : 0xffffffff;
		checksum = sl_csum_finish(sl_csum_add(0, words, sizeof(words)));
		checksum = sl_csum_update32(checksum, words[2], to);
		words[2] = to;
		checksum = sl_csum_update16(checksum, (uint16_t)words[3], half);
		words[3] = (words[3] & 0xffff0000) | half;
		assert_int_equal(checksum, sl_csum_finish(sl_csum_add(0, words, sizeof(words))));
	}
}

static void the_example_of_rfc_1624(void **state)
{
	/* Section 4: with equation 2 of RFC 1141 this gives 0xffff, a checksum that never verifies.
	 */
	assert_int_equal(sl_csum_update16(RTE_BE16(0xdd2f), RTE_BE16(0x5555), RTE_BE16(0x3285)),
		RTE_BE16(0x0000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_1071),
		cmocka_unit_test(equals_the_definition_at_every_length),
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(updates_equal_a_new_sum),
		cmocka_unit_test(the_example_of_rfc_1624),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
