/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static void the_heap_is_zeroed_and_aligned(void **state)
{
	for (size_t align = 1; align <= 4096; align *= 2) {
		for (size_t size = 1; size < 300; size += 37) {
			uint8_t *memory = sl_zalloc(&sl_alloc_heap, size, align, -1);

			assert_non_null(memory);
			assert_int_equal((uintptr_t)memory % align, 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(memory[i], 0);
			memset(memory, 0xff, size); /* for whoever gets it next */
			sl_free(&sl_alloc_heap, memory);
		}
	}
}

static void nothing_is_given_for_nothing(void **state)
{
	assert_null(sl_zalloc(&sl_alloc_heap, 0, 64, -1));
	sl_free(&sl_alloc_heap, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_is_zeroed_and_aligned),
		cmocka_unit_test(nothing_is_given_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
