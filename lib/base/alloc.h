/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory, injected: the director takes it from DPDK's heap on the right NUMA node, tests from
 * malloc, and a test that counts or fails allocations brings its own.
 * Never called from the packet path.
 */
#ifndef SL_BASE_ALLOC_H
#define SL_BASE_ALLOC_H

#include <stddef.h>

#define SL_CACHE_LINE 64

struct sl_alloc {
	/* Zeroed, aligned to `align` (a power of two); NULL when there is none. numa < 0 = any. */
	void *(*zalloc)(void *arg, size_t size, size_t align, int numa);
	void (*free)(void *arg, void *memory); /* accepts NULL */
	void *arg;
};

/* The C library's heap. */
extern const struct sl_alloc sl_alloc_heap;

static inline void *sl_zalloc(const struct sl_alloc *a, size_t size, size_t align, int numa)
{
	return a->zalloc(a->arg, size, align, numa);
}

static inline void sl_free(const struct sl_alloc *a, void *memory)
{
	a->free(a->arg, memory);
}

#endif
