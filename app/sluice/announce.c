/* SPDX-License-Identifier: BSD-3-Clause */
#include "announce.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "net/checksum.h"
#include "netns.h"

#define ADVERTISEMENT 136
#define OVERRIDE      0x20 /* what was known before counts no more */
#define TARGET_LINK   2    /* option: the link-layer address */
#define HOP_LIMIT     255

struct advertisement {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
	uint8_t option, option_length; /* in units of 8 bytes */
	uint8_t mac[RTE_ETHER_ADDR_LEN];
};

_Static_assert(SL_ANNOUNCE_MAX ==
		sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv6_hdr) +
			sizeof(struct advertisement),
	"the longer of the two");

int sl_announce_open(const char *netns)
{
	return sl_netns_socket(netns, AF_PACKET, SOCK_RAW, 0);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static uint8_t *
put_ether(uint8_t *at, const uint8_t dst[6], const uint8_t mac[6], rte_be16_t ether_type)
{
	at = put(at, dst, RTE_ETHER_ADDR_LEN);
	at = put(at, mac, RTE_ETHER_ADDR_LEN);
	return put(at, &ether_type, sizeof(ether_type));
}

static size_t put_arp(uint8_t *frame, const uint8_t mac[6], rte_be32_t address)
{
	static const uint8_t everybody[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct rte_arp_hdr arp = {
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = sizeof(address),
		.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST),
		.arp_data = {.arp_sip = address, .arp_tip = address},
	};
	uint8_t *at = put_ether(frame, everybody, mac, RTE_BE16(RTE_ETHER_TYPE_ARP));

	memcpy(arp.arp_data.arp_sha.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	put(at, &arp, sizeof(arp));
	return RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN;
}

static size_t put_advertisement(uint8_t *frame, const uint8_t mac[6], const uint8_t address[16])
{
	static const uint8_t all_nodes_mac[] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	struct advertisement na = {.type = ADVERTISEMENT,
		.flags = OVERRIDE,
		.option = TARGET_LINK,
		.option_length = 1};
	struct rte_ipv6_hdr ip = {.vtc_flow = RTE_BE32(6u << 28),
		.payload_len = RTE_BE16(sizeof(na)),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = HOP_LIMIT};
	uint8_t *at = put_ether(frame, all_nodes_mac, mac, RTE_BE16(RTE_ETHER_TYPE_IPV6));

	memcpy(ip.src_addr, address, 16);
	memcpy(ip.dst_addr, all_nodes, 16);
	memcpy(na.target, address, 16);
	memcpy(na.mac, mac, RTE_ETHER_ADDR_LEN);
	na.checksum = rte_ipv6_phdr_cksum(&ip, 0);
	na.checksum = sl_csum_finish(sl_csum_add(0, &na, sizeof(na)));
	at = put(at, &ip, sizeof(ip));
	put(at, &na, sizeof(na));
	return SL_ANNOUNCE_MAX;
}

size_t sl_announce_frame(
	uint8_t frame[SL_ANNOUNCE_MAX], const uint8_t mac[6], const struct sl_addr *address)
{
	memset(frame, 0, SL_ANNOUNCE_MAX);
	if (address->family == 4)
		return put_arp(frame, mac, address->v4);
	return put_advertisement(frame, mac, address->bytes);
}

int sl_announce(int fd, int ifindex, const uint8_t mac[6], const struct sl_addr *address)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = ifindex,
		.sll_halen = RTE_ETHER_ADDR_LEN,
	};
	uint8_t frame[SL_ANNOUNCE_MAX];
	size_t length = sl_announce_frame(frame, mac, address);

	if (sendto(fd, frame, length, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}
