/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_option.h"

#include <string.h>

#include "net/insert.h"
#include "net/l4.h"
#include "net/option.h"

/* Where fields lie in the header. */
#define TCP_SEQ     4
#define TCP_ACK     8
#define TCP_OFFSET  12
#define TCP_OPTIONS 20
#define TCP_HEADER  60 /* at most */

#define OPTION_MSS  2
#define OPTION_SACK 5
#define OPTION_TOA  254

#define MSS_LENGTH 4
#define SACK_BLOCK 8

/* Writes `n` bytes (at most 4), which need not lie at an even place as the checksum's words do. */
static void put(uint8_t *tcp, size_t at, const void *bytes, size_t n)
{
	size_t first = at & ~(size_t)1, length = ((at + n + 1) & ~(size_t)1) - first;
	uint8_t before[6];

	memcpy(before, tcp + first, length);
	memcpy(tcp + at, bytes, n);
	sl_csum_fix(tcp + SL_TCP_CHECKSUM, sl_csum_change(before, tcp + first, length), false);
}

static uint32_t get32(const uint8_t *at)
{
	rte_be32_t value;

	memcpy(&value, at, sizeof(value));
	return rte_be_to_cpu_32(value);
}

static void put32(uint8_t *tcp, size_t at, uint32_t value)
{
	rte_be32_t wire = rte_cpu_to_be_32(value);

	put(tcp, at, &wire, sizeof(wire));
}

bool sl_tcp_lower_mss(void *tcp, size_t header_length, uint16_t by)
{
	uint8_t *bytes = tcp;
	bool found = false;

	for (size_t at = sl_option_from(bytes, header_length, TCP_OPTIONS); at != 0;
		at = sl_option_next(bytes, header_length, at)) {
		uint32_t mss;
		rte_be16_t wire;

		if (bytes[at] != OPTION_MSS || bytes[at + 1] != MSS_LENGTH)
			continue;
		found = true;
		mss = (uint32_t)(bytes[at + 2] << 8 | bytes[at + 3]);
		if (mss <= SL_TCP_MSS_MIN)
			continue;
		mss = mss < by + (uint32_t)SL_TCP_MSS_MIN ? SL_TCP_MSS_MIN : mss - by;
		wire = rte_cpu_to_be_16((uint16_t)mss);
		put(bytes, at + 2, &wire, sizeof(wire));
	}
	return found;
}

void sl_tcp_shift_seq(void *tcp, uint32_t by)
{
	put32(tcp, TCP_SEQ, get32((uint8_t *)tcp + TCP_SEQ) + by);
}

static void lower(uint8_t *tcp, size_t at, uint32_t by, const uint32_t *floor)
{
	uint32_t number = get32(tcp + at) - by;

	if (floor != NULL && (int32_t)(number - *floor) < 0)
		number = *floor;
	put32(tcp, at, number);
}

void sl_tcp_shift_ack(void *tcp, size_t header_length, uint32_t by, const uint32_t *floor)
{
	uint8_t *bytes = tcp;

	if (bytes[TCP_OFFSET + 1] & SL_TCP_ACK)
		lower(bytes, TCP_ACK, by, floor);
	for (size_t at = sl_option_from(bytes, header_length, TCP_OPTIONS); at != 0;
		at = sl_option_next(bytes, header_length, at)) {
		size_t end = at + bytes[at + 1];

		if (bytes[at] != OPTION_SACK)
			continue;
		for (size_t edge = at + 2; edge + SACK_BLOCK <= end; edge += SACK_BLOCK) {
			lower(bytes, edge, by, floor);
			lower(bytes, edge + SACK_BLOCK / 2, by, floor);
		}
	}
}

unsigned sl_toa_length(uint8_t family)
{
	return family == 6 ? SL_TOA_MAX : 8;
}

/* Nobody looks behind an end of options: it becomes padding of the other kind. */
static void open_end(uint8_t *tcp, size_t end)
{
	static const uint8_t nop = SL_OPTION_NOP;
	size_t at = TCP_OPTIONS, next;

	while ((next = sl_option_from(tcp, end, at)) != 0)
		at = next + tcp[next + 1];
	while (at < end && tcp[at] == SL_OPTION_NOP)
		at++;
	if (at >= end || tcp[at] != SL_OPTION_END)
		return;
	for (; at < end; at++)
		put(tcp, at, &nop, 1);
}

bool sl_tcp_add_toa(void *frame, struct sl_parsed *p, uint8_t family, const union sl_ip *client,
	rte_be16_t port)
{
	uint8_t *tcp = (uint8_t *)frame + p->l4_offset, option[SL_TOA_MAX], words;
	size_t header = (tcp[TCP_OFFSET] >> 4) * 4u;
	unsigned n = sl_toa_length(family);

	if (header + n > TCP_HEADER)
		return false;
	option[0] = OPTION_TOA;
	option[1] = (uint8_t)n;
	memcpy(option + 2, &port, sizeof(port));
	memcpy(option + 4, client, n - 4);
	open_end(tcp, header);
	words = (uint8_t)((header + n) / 4 << 4 | (tcp[TCP_OFFSET] & 0xf));
	put(tcp, TCP_OFFSET, &words, 1);
	sl_insert(frame, p, p->l4_offset + header, option, n);
	p->payload = (uint16_t)(p->payload - n);
	return true;
}
