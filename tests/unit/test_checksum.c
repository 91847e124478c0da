/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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
		checksum = sl_csum_apply(checksum, sl_csum_change(&words[2], &to, sizeof(to)));
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

/* `length` bytes of a packet change; `field` is its checksum, somewhere else in it. */
static void check_change(uint8_t *packet, size_t size, size_t at, size_t length, bool udp)
{
	uint8_t before[64];
	uint16_t field, wanted;
	uint32_t change;

	memcpy(before, packet + at, length);
	memset(packet + size - 2, 0, 2);
	field = reference(packet, size);
	if (udp && field == 0)
		field = 0xffff; /* which sums up to the same */
	for (size_t i = 0; i < length; i++)
		packet[at + i] = (uint8_t)(packet[at + i] * 5 + 3);
	wanted = reference(packet, size);
	memcpy(packet + size - 2, &field, 2);
	change = sl_csum_change(before, packet + at, length);
	/* What the field itself changes keeps the whole sum where it was: at 0xffff. */
	change += sl_csum_fix(packet + size - 2, change, udp);
	assert_int_equal(sl_csum_finish(change), 0);
	memcpy(&field, packet + size - 2, 2);
	assert_int_equal(field, udp && wanted == 0 ? 0xffff : wanted);
}

static void changes_of_any_length_equal_a_new_sum(void **state)
{
	uint8_t packet[80];
	struct sl_rand rand;

	sl_rand_seed(&rand, 4);
	for (int i = 0; i < 200000; i++) {
		size_t at = 2 * sl_rand_below(&rand, 8);
		size_t length = 2 * sl_rand_below(&rand, 32);

		for (size_t k = 0; k < sizeof(packet); k++)
			packet[k] = (uint8_t)sl_rand_u64(&rand);
		check_change(packet, sizeof(packet), at, length, i % 2);
	}
}

static void zero_is_no_checksum_of_udp(void **state)
{
	uint8_t field[2] = {0, 0};

	assert_int_equal(sl_csum_fix(field, 77, true), 0);
	assert_memory_equal(field, "\0\0", 2);
	/* The change takes the sum to 0xffff, whose complement is 0. */
	memcpy(field, &(uint16_t){0x1234}, 2);
	sl_csum_fix(field, 0x1234, true);
	assert_memory_equal(field, "\xff\xff", 2);
	memcpy(field, &(uint16_t){0x1234}, 2);
	sl_csum_fix(field, 0x1234, false);
	assert_memory_equal(field, "\0\0", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_1071),
		cmocka_unit_test(equals_the_definition_at_every_length),
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(updates_equal_a_new_sum),
		cmocka_unit_test(the_example_of_rfc_1624),
		cmocka_unit_test(changes_of_any_length_equal_a_new_sum),
		cmocka_unit_test(zero_is_no_checksum_of_udp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
