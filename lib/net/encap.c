/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/encap.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "net/ip_head.h"
#include "net/l4.h"

/* IP headers lie at even addresses only: what is written here is packed, as DPDK's headers are. */

#define GRE_CHECKSUM RTE_BE16(0x8000)

#define GUE_PRIVATE RTE_BE16(0x0001)     /* flag: private flags are the first option */
#define GUE_REMCSUM RTE_BE32(0x80000000) /* private flag */

struct gre_header {
	rte_be16_t flags;
	rte_be16_t protocol;
} __rte_packed;

struct gre_checksum { /* follows if flagged */
	uint16_t checksum;
	uint16_t reserved;
} __rte_packed;

struct gue_header {
	uint8_t control;  /* version 0, no control message; low 5 bits: words of options */
	uint8_t protocol; /* of the inner packet */
	rte_be16_t flags;
} __rte_packed;

struct gue_remcsum { /* options: private flags, then places behind the GUE header and its options */
	rte_be32_t flags;
	rte_be16_t start;  /* the checksum covers what lies from here on */
	rte_be16_t offset; /* and belongs here, where its pseudo header's sum lies */
} __rte_packed;

unsigned sl_encap_length(const struct sl_encap *e)
{
	unsigned length = (unsigned)sl_ip_head_size(e->outer_family);

	switch (e->type) {
	case SL_TUNNEL_GUE:
		length += sizeof(struct rte_udp_hdr) + sizeof(struct gue_header);
		return e->flags & SL_TUNNEL_REMCSUM ? length + sizeof(struct gue_remcsum) : length;
	case SL_TUNNEL_GRE:
		length += sizeof(struct gre_header);
		return e->flags & SL_TUNNEL_CSUM ? length + sizeof(struct gre_checksum) : length;
	default:
		return length;
	}
}

static uint8_t inner_protocol(const struct sl_encap *e)
{
	return e->inner_family == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

static uint32_t inner_pseudo_header(const struct sl_encap *e, const uint8_t *inner, size_t length)
{
	bool v6 = e->inner_family == 6;
	const uint8_t *src = inner + (v6 ? 8 : 12);
	size_t size = v6 ? 16 : 4;

	return sl_csum_pseudo(src, src + size, size, e->inner_protocol, length - e->inner_l4);
}

/* Everything behind the outer IP header: `payload` bytes, then the inner packet. */
struct behind {
	uint8_t *at;
	size_t payload;
	uint8_t protocol;
};

static void
write_gre(const struct sl_encap *e, const struct behind *b, const void *inner, size_t inner_length)
{
	struct gre_header *gre = (void *)b->at;
	struct gre_checksum *option = (void *)(gre + 1);

	gre->flags = 0;
	gre->protocol = e->inner_family == 6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6)
					     : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	if (!(e->flags & SL_TUNNEL_CSUM))
		return;
	gre->flags = GRE_CHECKSUM;
	*option = (struct gre_checksum){0};
	option->checksum =
		sl_csum_finish(sl_csum_add(sl_csum_add(0, gre, sizeof(*gre)), inner, inner_length));
}

/*
 * Takes the inner checksum out, if it is there and right: in its place comes the sum of the pseudo
 * header, which the receiver's sum over the rest turns into the checksum again. It would make a
 * wrong one right, so that one is not touched.
 */
static bool
offload(const struct sl_encap *e, struct gue_remcsum *option, uint8_t *inner, size_t length)
{
	bool udp = e->inner_protocol == IPPROTO_UDP;
	size_t offset = e->inner_l4 + (size_t)(udp ? SL_UDP_CHECKSUM : SL_TCP_CHECKSUM);
	uint16_t checksum, pseudo;
	uint32_t sum;

	if (e->inner_l4 == 0 || offset + sizeof(checksum) > length)
		return false;
	memcpy(&checksum, inner + offset, sizeof(checksum));
	sum = inner_pseudo_header(e, inner, length);
	pseudo = (uint16_t)~sl_csum_finish(sum);
	/* UDP: 0 is no checksum, and 0xffff would come back as 0. */
	if ((udp && (checksum == 0 || checksum == 0xffff)) ||
		sl_csum_finish(sl_csum_add(sum, inner + e->inner_l4, length - e->inner_l4)) != 0)
		return false;
	memcpy(inner + offset, &pseudo, sizeof(pseudo));
	option->flags = GUE_REMCSUM;
	option->start = rte_cpu_to_be_16(e->inner_l4);
	option->offset = rte_cpu_to_be_16((uint16_t)offset);
	return true;
}

static void
write_gue(const struct sl_encap *e, const struct behind *b, void *inner, size_t inner_length)
{
	struct rte_udp_hdr *udp = (void *)b->at;
	struct gue_header *gue = (void *)(udp + 1);
	size_t headers = b->payload - inner_length;
	uint32_t sum;

	udp->src_port = e->entropy;
	udp->dst_port = e->port;
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)b->payload);
	udp->dgram_cksum = 0;
	*gue = (struct gue_header){.protocol = inner_protocol(e)};
	if (e->flags & SL_TUNNEL_REMCSUM) {
		struct gue_remcsum *option = (void *)(gue + 1);

		*option = (struct gue_remcsum){0};
		gue->control = sizeof(*option) / 4;
		if (offload(e, option, inner, inner_length))
			gue->flags = GUE_PRIVATE;
	}
	if (!(e->flags & (SL_TUNNEL_CSUM | SL_TUNNEL_REMCSUM)))
		return;
	/* What IPv4 does not use of an address is zero, and adds nothing. */
	sum = sl_csum_pseudo(&e->src, &e->dst, sizeof(e->src), IPPROTO_UDP, b->payload);
	sum = sl_csum_add(sl_csum_add(sum, udp, headers), inner, inner_length);
	udp->dgram_cksum = sl_csum_finish(sum);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

void sl_encap_write(const struct sl_encap *e, void *headers, void *inner, size_t inner_length)
{
	size_t ip = sl_ip_head_size(e->outer_family);
	struct behind b = {.at = (uint8_t *)headers + ip,
		.payload = sl_encap_length(e) - ip + inner_length,
		.protocol = inner_protocol(e)};

	switch (e->type) {
	case SL_TUNNEL_GUE:
		b.protocol = IPPROTO_UDP;
		write_gue(e, &b, inner, inner_length);
		break;
	case SL_TUNNEL_GRE:
		b.protocol = IPPROTO_GRE;
		write_gre(e, &b, inner, inner_length);
		break;
	default:
		break;
	}
	sl_ip_head_write(headers,
		&(struct sl_ip_head){.family = e->outer_family,
			.protocol = b.protocol,
			.tos = e->tos,
			.ttl = e->ttl,
			.payload = (uint16_t)b.payload,
			.id = e->id,
			.fragment = e->df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
			.src = &e->src,
			.dst = &e->dst});
}
