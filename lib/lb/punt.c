/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/punt.h"

#include <netinet/in.h>

#include <rte_ether.h>

#define PROTOCOL_OSPF 89
#define PROTOCOL_VRRP 112
#define PORT_BGP      RTE_BE16(179)
#define PORT_BFD      RTE_BE16(3784)
#define PORT_BFD_ECHO RTE_BE16(3785)
#define PORT_BFD_HOPS RTE_BE16(4784) /* multihop */
#define ICMP6_ND_MIN  133            /* router solicitation ... */
#define ICMP6_ND_MAX  137            /* ... to redirect */
#define ND_HOP_LIMIT  255

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

bool sl_punt_is_discovery(const struct sl_parsed *parsed)
{
	return parsed->family == 6 && parsed->protocol == IPPROTO_ICMPV6 &&
		parsed->icmp_type >= ICMP6_ND_MIN && parsed->icmp_type <= ICMP6_ND_MAX &&
		parsed->ttl == ND_HOP_LIMIT;
}

static enum sl_punt_class classify_ip(const struct sl_parsed *parsed, bool group, bool to_vip)
{
	bool ports = parsed->protocol == IPPROTO_TCP || parsed->protocol == IPPROTO_UDP;

	/* Whoever floods a VIP chooses the ports: none of them leads to a better class. */
	if (ports && to_vip)
		return SL_PUNT_STRAY;
	if (is_routing(parsed->protocol, parsed->src_port, parsed->dst_port))
		return SL_PUNT_ROUTING;
	if (sl_punt_is_discovery(parsed))
		return SL_PUNT_NEIGHBOUR;
	if (parsed->protocol == (parsed->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return SL_PUNT_ECHO;
	return ports && !group ? SL_PUNT_HOST : SL_PUNT_OTHER;
}

enum sl_punt_class sl_punt_classify(const struct sl_parsed *parsed, bool group, bool to_vip)
{
	switch (parsed->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		return classify_ip(parsed, group, to_vip);
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		return SL_PUNT_NEIGHBOUR;
	case RTE_BE16(RTE_ETHER_TYPE_SLOW): /* LACP */
		return SL_PUNT_ROUTING;
	default:
		return SL_PUNT_OTHER;
	}
}
