/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink messages as bytes: taken apart with every length checked, and put together. No socket.
 * Source: rtnetlink(7), the kernel's uapi headers.
 */
#ifndef SL_RTMSG_H
#define SL_RTMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "net/addr.h"
#include "net/cursor.h"

#define SL_RTMSG_HOPS 16  /* next hops of a route that are kept */
#define SL_RTMSG_MAX  256 /* bytes that any message built here fits into */

enum sl_rtmsg_kind { SL_RTMSG_LINK, SL_RTMSG_ADDRESS, SL_RTMSG_ROUTE, SL_RTMSG_NEIGHBOUR };

struct sl_rtmsg_link {
	int ifindex;
	int parent; /* of a macvlan; 0 for everything else */
	uint32_t mtu;
	bool up;
	bool carrier;
	bool has_mac;
	uint8_t mac[6];
	char name[16];
};

struct sl_rtmsg_address {
	int ifindex;
	struct sl_prefix prefix;
	uint8_t protocol; /* IFA_PROTO; 0 = none */
	uint8_t scope;    /* RT_SCOPE_* */
	uint32_t flags;   /* IFA_F_* */
};

struct sl_rtmsg_hop {
	int ifindex;
	uint8_t weight;         /* among the route's next hops, 1 and up */
	struct sl_addr gateway; /* family 0 = on link */
};

struct sl_rtmsg_route {
	struct sl_prefix prefix; /* host bits are zero */
	uint32_t table;
	uint32_t metric;
	uint8_t type; /* RTN_* */
	uint8_t tos;
	bool append; /* stands behind another of the same prefix and metric: the kernel uses that */
	bool encap;  /* a next hop puts other headers on (RTA_ENCAP) */
	uint8_t n_hops;
	struct sl_rtmsg_hop hops[SL_RTMSG_HOPS];
};

struct sl_rtmsg_neighbour {
	int ifindex;
	struct sl_addr address;
	uint16_t state; /* NUD_* */
	uint8_t flags;  /* NTF_* */
	uint8_t protocol;
	bool managed; /* NTF_EXT_MANAGED */
	bool has_mac;
	uint8_t mac[6];
};

/* Whether packets can be sent to it. */
bool sl_rtmsg_neighbour_usable(const struct sl_rtmsg_neighbour *neighbour);

struct sl_rtmsg {
	enum sl_rtmsg_kind kind;
	bool gone; /* a deletion */
	union {
		struct sl_rtmsg_link link;
		struct sl_rtmsg_address address;
		struct sl_rtmsg_route route;
		struct sl_rtmsg_neighbour neighbour;
	};
};

/*
 * The next message of what a read returned: its header, with the whole of nlmsg_len behind it.
 * NULL at the end, or when the rest is no whole message.
 */
const struct nlmsghdr *sl_rtmsg_next(struct sl_cursor *cursor);

/*
 * Takes apart one message that sl_rtmsg_next() returned. 0; -ENOENT for what is not mirrored
 * (another type or family, a cached route); -EBADMSG when it is shorter than its fields say.
 */
int sl_rtmsg_parse(const struct nlmsghdr *header, struct sl_rtmsg *out);

/* The error that NLMSG_ERROR or NLMSG_DONE carries: 0 or -errno; -EBADMSG when it is too short. */
int sl_rtmsg_error(const struct nlmsghdr *header);

/*
 * The ones below write a request with NLM_F_ACK into `buffer` (4-byte aligned, SL_RTMSG_MAX bytes),
 * nlmsg_seq left 0, and return it.
 */

/* `type` RTM_GET*; asks for everything, so no ACK: NLMSG_DONE ends it. */
struct nlmsghdr *sl_rtmsg_dump(void *buffer, uint16_t type, uint8_t family);

/* A VIP never gets a route of its own, duplicate detection, or the part of a source address. */
struct nlmsghdr *sl_rtmsg_put_address(void *buffer, bool add, int ifindex,
	const struct sl_prefix *prefix, bool vip, uint8_t protocol);

struct nlmsghdr *sl_rtmsg_put_mtu(void *buffer, int ifindex, uint32_t mtu);

enum sl_rtmsg_neighbour_op {
	SL_RTMSG_NEIGHBOUR_STATIC,  /* permanent, with this MAC */
	SL_RTMSG_NEIGHBOUR_MANAGED, /* the kernel keeps it resolved from now on */
	SL_RTMSG_NEIGHBOUR_USE,     /* the kernel resolves it once more: before Linux 5.16 */
	SL_RTMSG_NEIGHBOUR_RESOLVE, /* the same, for one that Linux forgets by itself */
	SL_RTMSG_NEIGHBOUR_DELETE,
};
struct nlmsghdr *sl_rtmsg_put_neighbour(void *buffer, enum sl_rtmsg_neighbour_op op, int ifindex,
	const struct sl_addr *address, const uint8_t mac[6], uint8_t protocol);

#endif
