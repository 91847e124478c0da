/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bounds-checked cursor over a packet's bytes. Every read of a header goes through
 * sl_cursor_take(): there is no other way from a length to a pointer.
 */
#ifndef SL_NET_CURSOR_H
#define SL_NET_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct sl_cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static inline struct sl_cursor sl_cursor_over(const void *data, size_t length)
{
	const uint8_t *bytes = data;

	return (struct sl_cursor){.at = bytes, .end = bytes + length};
}

static inline size_t sl_cursor_left(const struct sl_cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next `n` bytes, which the cursor passes; NULL, and the cursor stays, when fewer are left. */
static inline const void *sl_cursor_take(struct sl_cursor *c, size_t n)
{
	const uint8_t *at = c->at;

	if (sl_cursor_left(c) < n)
		return NULL;
	c->at += n;
	return at;
}

/* Cuts the end off, to what a length field promises. Never makes it longer. */
static inline void sl_cursor_limit(struct sl_cursor *c, size_t n)
{
	if (sl_cursor_left(c) > n)
		c->end = c->at + n;
}

#endif
