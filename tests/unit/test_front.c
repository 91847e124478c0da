/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "lb/front.h"

#define HTTP RTE_BE16(80)

/* The n-th address of a family. */
static union sl_ip address(uint8_t family, uint32_t n)
{
	union sl_ip ip = sl_ip_v4(rte_cpu_to_be_32(n));

	if (family == 6)
		ip.words[1] = (uint64_t)n << 32 | 0x20010db8;
	return ip;
}

static int add(struct sl_front_table *table, uint8_t family, uint8_t protocol, uint32_t n, sl_id id)
{
	union sl_ip ip = address(family, n);

	return sl_front_table_add(table, SL_FRONT_SERVICE, family, protocol, &ip, HTTP, id);
}

static sl_id find(const struct sl_front_table *table, uint8_t family, uint8_t protocol, uint32_t n)
{
	union sl_ip ip = address(family, n);

	return sl_front_table_find(table, SL_FRONT_SERVICE, family, protocol, &ip, HTTP);
}

static void found_by_all_of_the_key(void **state)
{
	const uint8_t *family = *state, other_family = *family == 4 ? 6 : 4;
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, 16, 1);
	union sl_ip vip = address(*family, 0xc0a80864), other = address(*family, 0xc0a80865);

	assert_int_equal(add(table, *family, IPPROTO_TCP, 0xc0a80864, 1), 0);
	assert_int_equal(add(table, *family, IPPROTO_UDP, 0xc0a80864, 2), 0);
	assert_int_equal(add(table, *family, IPPROTO_TCP, 0xc0a80865, 3), 0);
	assert_int_equal(
		sl_front_table_add(table, SL_FRONT_SERVICE, *family, IPPROTO_TCP, &vip, 0, 4), 0);
	assert_int_equal(find(table, *family, IPPROTO_TCP, 0xc0a80864), 1);
	assert_int_equal(find(table, *family, IPPROTO_UDP, 0xc0a80864), 2);
	assert_int_equal(find(table, *family, IPPROTO_TCP, 0xc0a80865), 3);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_SERVICE, *family, IPPROTO_TCP, &vip, 0), 4);
	assert_int_equal(sl_front_table_find(
				 table, SL_FRONT_SERVICE, *family, IPPROTO_TCP, &vip, RTE_BE16(81)),
		SL_ID_NONE);
	assert_int_equal(find(table, *family, IPPROTO_UDP, 0xc0a80865), SL_ID_NONE);
	assert_int_equal(find(table, other_family, IPPROTO_TCP, 0xc0a80864), SL_ID_NONE);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_ENDPOINT, *family, IPPROTO_TCP, &vip, HTTP),
		SL_ID_NONE);
	assert_int_equal(sl_front_table_count(table), 4);
	assert_true(sl_front_table_has_vip(table, *family, &vip));
	assert_true(sl_front_table_has_vip(table, *family, &other));
	assert_false(sl_front_table_has_vip(table, other_family, &vip));
	other = address(*family, 0xc0a80866);
	assert_false(sl_front_table_has_vip(table, *family, &other));
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_SERVICE, *family, 0, &vip, HTTP), SL_ID_NONE);
	sl_front_table_free(&sl_alloc_heap, table);
}

/* A server's address and port may be a service's, too; and its address is no VIP. */
static void kinds_do_not_meet(void **state)
{
	const uint8_t *family = *state;
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, 16, 1);
	union sl_ip both = address(*family, 7);

	assert_int_equal(
		sl_front_table_add(table, SL_FRONT_ENDPOINT, *family, IPPROTO_TCP, &both, HTTP, 5),
		0);
	assert_int_equal(sl_front_table_add(
				 table, SL_FRONT_MASQUERADE, *family, IPPROTO_TCP, &both, HTTP, 6),
		0);
	assert_false(sl_front_table_has_vip(table, *family, &both));
	assert_int_equal(find(table, *family, IPPROTO_TCP, 7), SL_ID_NONE);
	assert_int_equal(add(table, *family, IPPROTO_TCP, 7, 8), 0);
	assert_true(sl_front_table_has_vip(table, *family, &both));
	assert_int_equal(find(table, *family, IPPROTO_TCP, 7), 8);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_ENDPOINT, *family, IPPROTO_TCP, &both, HTTP),
		5);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_MASQUERADE, *family, IPPROTO_TCP, &both, HTTP),
		6);
	sl_front_table_free(&sl_alloc_heap, table);
}

/* The end of these addresses takes the table's hash to 0, whatever stands before it. */
static void a_hash_of_an_address_is_not_the_address(void **state)
{
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, 16, 1);
	union sl_ip one = {.words = {1, 0xd6e8feb86659fd93}}, two = {.words = {2, one.words[1]}};

	assert_int_equal(
		sl_front_table_add(table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &one, HTTP, 1), 0);
	assert_false(sl_front_table_has_vip(table, 6, &two));
	assert_int_equal(sl_front_table_find(table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &two, HTTP),
		SL_ID_NONE);
	assert_int_equal(
		sl_front_table_add(table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &two, HTTP, 2), 0);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &one, HTTP), 1);
	assert_int_equal(
		sl_front_table_find(table, SL_FRONT_SERVICE, 6, IPPROTO_TCP, &two, HTTP), 2);
	sl_front_table_free(&sl_alloc_heap, table);
}

static void takes_what_it_was_made_for_and_no_more(void **state)
{
	static const uint32_t capacities[] = {1, 8, 9, 1000, 4096};
	const uint8_t *family = *state;

	for (unsigned c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		struct sl_front_table *table =
			sl_front_table_new(&sl_alloc_heap, capacities[c], c * 77);
		uint32_t n = 0;

		while (add(table, *family, IPPROTO_TCP, n, n + 1) == 0)
			n++;
		assert_in_range(n, capacities[c], 2 * capacities[c] + 8);
		assert_int_equal(n, sl_front_table_room(table));
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(find(table, *family, IPPROTO_TCP, i), i + 1);
		assert_int_equal(find(table, *family, IPPROTO_TCP, n), SL_ID_NONE);
		sl_front_table_free(&sl_alloc_heap, table);
	}
}

#define FRONTS 20000u

struct reading {
	const struct sl_front_table *table;
	uint8_t family;
};

/* A worker: what it has found once it finds always, and never with another's id. */
static void *reader(void *arg)
{
	const struct reading *r = arg;
	uint32_t known = 0;
	uintptr_t wrong = 0;

	for (uint32_t spins = 0; known < FRONTS && spins < 2000000000u; spins++) {
		sl_id id = find(r->table, r->family, IPPROTO_TCP, known);

		if (id == known + 1)
			known++;
		else if (id != SL_ID_NONE)
			wrong++;
		if (known > 0 &&
			find(r->table, r->family, IPPROTO_TCP, spins % known) != spins % known + 1)
			wrong++;
	}
	return (void *)(wrong + (known == FRONTS ? 0 : 1));
}

static void read_while_it_is_added_to(void **state)
{
	struct sl_front_table *table = sl_front_table_new(&sl_alloc_heap, FRONTS, 99);
	struct reading reading = {table, *(const uint8_t *)*state};
	pthread_t thread;
	void *wrong;

	assert_int_equal(pthread_create(&thread, NULL, reader, &reading), 0);
	for (uint32_t i = 0; i < FRONTS; i++)
		add(table, reading.family, IPPROTO_TCP, i, i + 1);
	pthread_join(thread, &wrong);
	assert_null(wrong);
	sl_front_table_free(&sl_alloc_heap, table);
}

int main(void)
{
	static uint8_t v4 = 4, v6 = 6;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(found_by_all_of_the_key, &v4),
		cmocka_unit_test_prestate(found_by_all_of_the_key, &v6),
		cmocka_unit_test_prestate(kinds_do_not_meet, &v4),
		cmocka_unit_test_prestate(kinds_do_not_meet, &v6),
		cmocka_unit_test(a_hash_of_an_address_is_not_the_address),
		cmocka_unit_test_prestate(takes_what_it_was_made_for_and_no_more, &v4),
		cmocka_unit_test_prestate(takes_what_it_was_made_for_and_no_more, &v6),
		cmocka_unit_test_prestate(read_while_it_is_added_to, &v4),
		cmocka_unit_test_prestate(read_while_it_is_added_to, &v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
