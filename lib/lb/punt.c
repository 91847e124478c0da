/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/punt.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "net/cursor.h"

#define PROTOCOL_OSPF 89
#define PROTOCOL_VRRP 112
#define PORT_BGP      RTE_BE16(179)
#define PORT_BFD      RTE_BE16(3784)
#define PORT_BFD_ECHO RTE_BE16(3785)
#define PORT_BFD_HOPS RTE_BE16(4784) /* multihop */
#define ICMP6_ND_MIN  133            /* router solicitation ... */
#define ICMP6_ND_MAX  137            /* ... to redirect */

const struct sl_punt_info sl_punt_infos[SL_PUNT_COUNT] = {
#define X(NAME, text, rate, explanation)                                                           \
	[SL_PUNT_##NAME] = {.name = text, .default_rate = rate, .help = explanation},
	SL_PUNT_CLASSES(X)
#undef X
};

static bool is_routing(uint8_t protocol, rte_be16_t src_port, rte_be16_t dst_port)
{
	switch (protocol) {
	case PROTOCOL_OSPF:
	case PROTOCOL_VRRP:
		return true;
	case IPPROTO_TCP:
		return src_port == PORT_BGP || dst_port == PORT_BGP;
	case IPPROTO_UDP:
		return dst_port == PORT_BFD || dst_port == PORT_BFD_ECHO ||
			dst_port == PORT_BFD_HOPS;
	default:
		return false;
	}
}

static enum sl_punt_class classify_ipv4(const struct sl_parsed *parsed, bool group, bool to_vip)
{
	bool ports = parsed->protocol == IPPROTO_TCP || parsed->protocol == IPPROTO_UDP;

	/* Whoever floods a VIP chooses the ports: none of them leads to a better class. */
	if (ports && to_vip)
		return SL_PUNT_STRAY;
	if (is_routing(parsed->protocol, parsed->src_port, parsed->dst_port))
		return SL_PUNT_ROUTING;
	if (parsed->protocol == IPPROTO_ICMP)
		return SL_PUNT_ECHO;
	return ports && !group ? SL_PUNT_HOST : SL_PUNT_OTHER;
}

/* Behind extension headers there is neither discovery nor routing that could not wait. */
static enum sl_punt_class classify_ipv6(struct sl_cursor *c, bool group)
{
	const struct rte_ipv6_hdr *ip = sl_cursor_take(c, sizeof(*ip));
	const rte_be16_t *ports;
	const uint8_t *type;

	if (ip == NULL)
		return SL_PUNT_OTHER;
	switch (ip->proto) {
	case IPPROTO_ICMPV6:
		type = sl_cursor_take(c, 1);
		if (type != NULL && *type >= ICMP6_ND_MIN && *type <= ICMP6_ND_MAX)
			return SL_PUNT_NEIGHBOUR;
		return SL_PUNT_ECHO;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		ports = sl_cursor_take(c, 2 * sizeof(*ports));
		if (ports != NULL && is_routing(ip->proto, ports[0], ports[1]))
			return SL_PUNT_ROUTING;
		return group ? SL_PUNT_OTHER : SL_PUNT_HOST;
	default:
		return is_routing(ip->proto, 0, 0) ? SL_PUNT_ROUTING : SL_PUNT_OTHER;
	}
}

enum sl_punt_class
sl_punt_classify(const void *frame, size_t length, const struct sl_parsed *parsed, bool to_vip)
{
	struct sl_cursor c = sl_cursor_over(frame, length);
	const struct rte_ether_hdr *ether = sl_cursor_take(&c, sizeof(*ether));
	bool group;

	if (ether == NULL)
		return SL_PUNT_OTHER;
	group = rte_is_multicast_ether_addr(&ether->dst_addr);
	switch (ether->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		return classify_ipv4(parsed, group, to_vip);
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		return classify_ipv6(&c, group);
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		return SL_PUNT_NEIGHBOUR;
	case RTE_BE16(RTE_ETHER_TYPE_SLOW): /* LACP */
		return SL_PUNT_ROUTING;
	default:
		return SL_PUNT_OTHER;
	}
}
