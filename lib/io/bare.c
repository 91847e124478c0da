/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/bare.h"

#include <stdlib.h>
#include <string.h>

struct rte_mbuf *sl_bare_new(const void *data, size_t length, uint16_t priv_size)
{
	size_t head = sizeof(struct rte_mbuf) + priv_size;
	size_t room = RTE_PKTMBUF_HEADROOM + RTE_MAX(length, (size_t)SL_BARE_ROOM);
	struct rte_mbuf *mbuf;

	if (room > UINT16_MAX || priv_size % 8 != 0)
		return NULL;
	mbuf = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(head + room, (size_t)RTE_CACHE_LINE_SIZE));
	if (mbuf == NULL)
		return NULL;
	memset(mbuf, 0, head);
	mbuf->buf_addr = (uint8_t *)mbuf + head;
	mbuf->buf_len = (uint16_t)room;
	mbuf->priv_size = priv_size;
	mbuf->data_off = RTE_PKTMBUF_HEADROOM;
	mbuf->nb_segs = 1;
	mbuf->data_len = (uint16_t)length;
	mbuf->pkt_len = (uint32_t)length;
	rte_mbuf_refcnt_set(mbuf, 1);
	if (length > 0)
		memcpy(rte_pktmbuf_mtod(mbuf, void *), data, length);
	return mbuf;
}

void sl_bare_free(struct rte_mbuf *mbuf)
{
	free(mbuf);
}
