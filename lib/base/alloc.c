/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *heap_zalloc(void *arg, size_t size, size_t align, int numa)
{
	void *memory;

	(void)arg;
	(void)numa;
	if (align < sizeof(void *))
		align = sizeof(void *);
	if (size == 0 || posix_memalign(&memory, align, size) != 0)
		return NULL;
	return memset(memory, 0, size);
}

static void heap_free(void *arg, void *memory)
{
	(void)arg;
	free(memory);
}

const struct sl_alloc sl_alloc_heap = {.zalloc = heap_zalloc, .free = heap_free};
