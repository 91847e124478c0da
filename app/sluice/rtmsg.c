/* SPDX-License-Identifier: BSD-3-Clause */
#include "rtmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

struct attribute {
	uint16_t type;
	size_t length;
	const uint8_t *value;
};

const struct nlmsghdr *sl_rtmsg_next(struct sl_cursor *cursor)
{
	struct sl_cursor at = *cursor;
	const struct nlmsghdr *header = sl_cursor_take(&at, sizeof(*header));
	size_t length;

	if (header == NULL || header->nlmsg_len < sizeof(*header) ||
		header->nlmsg_len > sl_cursor_left(cursor))
		return NULL;
	/* The last message of a read need not be padded. */
	length = NLMSG_ALIGN(header->nlmsg_len);
	if (length > sl_cursor_left(cursor))
		length = sl_cursor_left(cursor);
	sl_cursor_take(cursor, length);
	return header;
}

/* 1 with the attribute in *out, 0 at the end, -EBADMSG when a length cannot be. */
static int next_attribute(struct sl_cursor *cursor, struct attribute *out)
{
	const struct nlattr *header;
	size_t padding;

	if (sl_cursor_left(cursor) == 0)
		return 0;
	header = sl_cursor_take(cursor, sizeof(*header));
	if (header == NULL || header->nla_len < sizeof(*header))
		return -EBADMSG;
	out->type = header->nla_type & NLA_TYPE_MASK;
	out->length = header->nla_len - sizeof(*header);
	out->value = sl_cursor_take(cursor, out->length);
	if (out->value == NULL)
		return -EBADMSG;
	padding = NLA_ALIGN(out->length) - out->length;
	if (padding > sl_cursor_left(cursor))
		padding = sl_cursor_left(cursor);
	sl_cursor_take(cursor, padding);
	return 1;
}

static int get_u32(const struct attribute *attribute, uint32_t *out)
{
	if (attribute->length != sizeof(*out))
		return -EBADMSG;
	memcpy(out, attribute->value, sizeof(*out));
	return 0;
}

static int get_u8(const struct attribute *attribute, uint8_t *out)
{
	if (attribute->length != sizeof(*out))
		return -EBADMSG;
	*out = attribute->value[0];
	return 0;
}

/* An address of `family` (AF_*). */
static int get_address(const struct attribute *attribute, uint8_t family, struct sl_addr *out)
{
	size_t length = family == AF_INET ? 4 : 16;

	if (attribute->length != length)
		return -EBADMSG;
	*out = (struct sl_addr){.family = family == AF_INET ? 4 : 6};
	memcpy(out->bytes, attribute->value, length);
	return 0;
}

static int get_mac(const struct attribute *attribute, uint8_t mac[6], bool *has_mac)
{
	*has_mac = attribute->length == 6; /* other links have longer ones, or none */
	if (*has_mac)
		memcpy(mac, attribute->value, 6);
	return 0;
}

static int link_info(const struct attribute *info, bool *macvlan)
{
	static const char kind[] = "macvlan";
	struct sl_cursor cursor = sl_cursor_over(info->value, info->length);
	struct attribute attribute;
	int ret;

	while ((ret = next_attribute(&cursor, &attribute)) > 0) {
		if (attribute.type == IFLA_INFO_KIND)
			*macvlan = attribute.length >= strlen(kind) &&
				strncmp((const char *)attribute.value, kind, attribute.length) == 0;
	}
	return ret;
}

static int
link_attribute(const struct attribute *attribute, struct sl_rtmsg_link *link, bool *macvlan)
{
	uint32_t parent;

	switch (attribute->type) {
	case IFLA_IFNAME:
		if (attribute->length == 0 || attribute->length > sizeof(link->name) ||
			attribute->value[attribute->length - 1] != '\0')
			return -EBADMSG;
		memcpy(link->name, attribute->value, attribute->length);
		return 0;
	case IFLA_ADDRESS:
		return get_mac(attribute, link->mac, &link->has_mac);
	case IFLA_MTU:
		return get_u32(attribute, &link->mtu);
	case IFLA_LINK:
		if (get_u32(attribute, &parent) != 0)
			return -EBADMSG;
		link->parent = (int)parent;
		return 0;
	case IFLA_LINKINFO:
		return link_info(attribute, macvlan);
	default:
		return 0;
	}
}

static int parse_link(struct sl_cursor *cursor, struct sl_rtmsg_link *link)
{
	const struct ifinfomsg *fixed = sl_cursor_take(cursor, sizeof(*fixed));
	struct attribute attribute;
	bool macvlan = false;
	int ret;

	if (fixed == NULL)
		return -EBADMSG;
	if (fixed->ifi_family != AF_UNSPEC) /* what a bridge says about its ports */
		return -ENOENT;
	link->ifindex = fixed->ifi_index;
	link->up = fixed->ifi_flags & IFF_UP;
	link->carrier = fixed->ifi_flags & IFF_LOWER_UP;
	while ((ret = next_attribute(cursor, &attribute)) > 0) {
		ret = link_attribute(&attribute, link, &macvlan);
		if (ret != 0)
			return ret;
	}
	if (!macvlan)
		link->parent = 0;
	return ret;
}

static int parse_address(struct sl_cursor *cursor, struct sl_rtmsg_address *address)
{
	const struct ifaddrmsg *fixed = sl_cursor_take(cursor, sizeof(*fixed));
	struct attribute attribute;
	bool local = false;
	int ret;

	if (fixed == NULL)
		return -EBADMSG;
	if (fixed->ifa_family != AF_INET && fixed->ifa_family != AF_INET6)
		return -ENOENT;
	address->ifindex = (int)fixed->ifa_index;
	address->prefix.length = fixed->ifa_prefixlen;
	address->scope = fixed->ifa_scope;
	address->flags = fixed->ifa_flags;
	if (address->prefix.length > (fixed->ifa_family == AF_INET ? 32 : 128))
		return -EBADMSG;
	while ((ret = next_attribute(cursor, &attribute)) > 0) {
		ret = 0;
		/* With a peer IFA_ADDRESS is the peer's and IFA_LOCAL is ours. */
		if (attribute.type == IFA_LOCAL || (attribute.type == IFA_ADDRESS && !local))
			ret = get_address(&attribute, fixed->ifa_family, &address->prefix.addr);
		else if (attribute.type == IFA_PROTO)
			ret = get_u8(&attribute, &address->protocol);
		else if (attribute.type == IFA_FLAGS)
			ret = get_u32(&attribute, &address->flags);
		if (ret != 0)
			return ret;
		local |= attribute.type == IFA_LOCAL;
	}
	if (ret == 0 && address->prefix.addr.family == 0)
		return -EBADMSG;
	return ret;
}

static int get_via(const struct attribute *attribute, struct sl_addr *gateway)
{
	struct attribute inner = *attribute;
	uint16_t family;

	if (attribute->length < sizeof(family))
		return -EBADMSG;
	memcpy(&family, attribute->value, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return -EBADMSG;
	inner.value += sizeof(family);
	inner.length -= sizeof(family);
	return get_address(&inner, family, gateway);
}

static int parse_hop(struct sl_cursor *cursor, const struct rtnexthop *fixed, uint8_t family,
	struct sl_rtmsg_route *route)
{
	struct sl_rtmsg_hop hop = {.ifindex = fixed->rtnh_ifindex,
		.weight =
			(uint8_t)(fixed->rtnh_hops < UINT8_MAX ? fixed->rtnh_hops + 1 : UINT8_MAX)};
	struct attribute attribute;
	int ret;

	while ((ret = next_attribute(cursor, &attribute)) > 0) {
		ret = 0;
		if (attribute.type == RTA_GATEWAY)
			ret = get_address(&attribute, family, &hop.gateway);
		else if (attribute.type == RTA_VIA)
			ret = get_via(&attribute, &hop.gateway);
		else if (attribute.type == RTA_ENCAP)
			route->encap = true;
		if (ret != 0)
			return ret;
	}
	if (ret == 0 && !(fixed->rtnh_flags & RTNH_F_DEAD) && route->n_hops < SL_RTMSG_HOPS)
		route->hops[route->n_hops++] = hop;
	return ret;
}

static int
parse_hops(const struct attribute *attribute, uint8_t family, struct sl_rtmsg_route *route)
{
	struct sl_cursor cursor = sl_cursor_over(attribute->value, attribute->length);

	while (sl_cursor_left(&cursor) > 0) {
		const struct rtnexthop *fixed = sl_cursor_take(&cursor, sizeof(*fixed));
		const void *inside;
		size_t padding;
		struct sl_cursor hop;
		int ret;

		if (fixed == NULL || fixed->rtnh_len < sizeof(*fixed))
			return -EBADMSG;
		inside = sl_cursor_take(&cursor, fixed->rtnh_len - sizeof(*fixed));
		if (inside == NULL)
			return -EBADMSG;
		hop = sl_cursor_over(inside, fixed->rtnh_len - sizeof(*fixed));
		ret = parse_hop(&hop, fixed, family, route);
		if (ret != 0)
			return ret;
		padding = RTNH_ALIGN(fixed->rtnh_len) - fixed->rtnh_len;
		if (padding > sl_cursor_left(&cursor))
			padding = sl_cursor_left(&cursor);
		sl_cursor_take(&cursor, padding);
	}
	return 0;
}

static int route_attribute(const struct attribute *attribute, uint8_t family,
	struct sl_rtmsg_route *route, struct sl_rtmsg_hop *single)
{
	uint32_t value;
	int ret = 0;

	switch (attribute->type) {
	case RTA_DST:
		return get_address(attribute, family, &route->prefix.addr);
	case RTA_TABLE:
		return get_u32(attribute, &route->table);
	case RTA_PRIORITY:
		return get_u32(attribute, &route->metric);
	case RTA_OIF:
		ret = get_u32(attribute, &value);
		if (ret == 0)
			single->ifindex = (int)value;
		return ret;
	case RTA_GATEWAY:
		return get_address(attribute, family, &single->gateway);
	case RTA_VIA:
		return get_via(attribute, &single->gateway);
	case RTA_ENCAP:
		route->encap = true;
		return 0;
	case RTA_MULTIPATH:
		return parse_hops(attribute, family, route);
	default:
		return 0;
	}
}

static int
parse_route(const struct nlmsghdr *header, struct sl_cursor *cursor, struct sl_rtmsg_route *route)
{
	const struct rtmsg *fixed = sl_cursor_take(cursor, sizeof(*fixed));
	struct sl_rtmsg_hop single = {.weight = 1};
	struct attribute attribute;
	int ret;

	if (fixed == NULL)
		return -EBADMSG;
	if ((fixed->rtm_family != AF_INET && fixed->rtm_family != AF_INET6) ||
		(fixed->rtm_flags & RTM_F_CLONED))
		return -ENOENT;
	if (fixed->rtm_dst_len > (fixed->rtm_family == AF_INET ? 32 : 128))
		return -EBADMSG;
	route->prefix.length = fixed->rtm_dst_len;
	route->prefix.addr.family = fixed->rtm_family == AF_INET ? 4 : 6;
	route->table = fixed->rtm_table;
	route->type = fixed->rtm_type;
	route->tos = fixed->rtm_tos;
	route->append = header->nlmsg_flags & NLM_F_APPEND;
	while ((ret = next_attribute(cursor, &attribute)) > 0) {
		ret = route_attribute(&attribute, fixed->rtm_family, route, &single);
		if (ret != 0)
			return ret;
	}
	if (ret == 0 && route->n_hops == 0 && single.ifindex != 0 &&
		!(fixed->rtm_flags & RTNH_F_DEAD))
		route->hops[route->n_hops++] = single;
	return ret;
}

static int parse_neighbour(struct sl_cursor *cursor, struct sl_rtmsg_neighbour *neighbour)
{
	const struct ndmsg *fixed = sl_cursor_take(cursor, sizeof(*fixed));
	struct attribute attribute;
	uint32_t extended = 0;
	int ret;

	if (fixed == NULL)
		return -EBADMSG;
	if ((fixed->ndm_family != AF_INET && fixed->ndm_family != AF_INET6) ||
		(fixed->ndm_flags & NTF_PROXY))
		return -ENOENT;
	neighbour->ifindex = fixed->ndm_ifindex;
	neighbour->state = fixed->ndm_state;
	neighbour->flags = fixed->ndm_flags;
	while ((ret = next_attribute(cursor, &attribute)) > 0) {
		ret = 0;
		if (attribute.type == NDA_DST)
			ret = get_address(&attribute, fixed->ndm_family, &neighbour->address);
		else if (attribute.type == NDA_LLADDR)
			ret = get_mac(&attribute, neighbour->mac, &neighbour->has_mac);
		else if (attribute.type == NDA_PROTOCOL)
			ret = get_u8(&attribute, &neighbour->protocol);
		else if (attribute.type == NDA_FLAGS_EXT)
			ret = get_u32(&attribute, &extended);
		if (ret != 0)
			return ret;
	}
	neighbour->managed = extended & NTF_EXT_MANAGED;
	if (ret == 0 && neighbour->address.family == 0)
		return -EBADMSG;
	return ret;
}

bool sl_rtmsg_neighbour_usable(const struct sl_rtmsg_neighbour *neighbour)
{
	const uint16_t usable =
		NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

	return neighbour->has_mac && (neighbour->state & usable);
}

int sl_rtmsg_parse(const struct nlmsghdr *header, struct sl_rtmsg *out)
{
	struct sl_cursor cursor = sl_cursor_over(header + 1, header->nlmsg_len - sizeof(*header));

	memset(out, 0, sizeof(*out));
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		out->kind = SL_RTMSG_LINK;
		out->gone = header->nlmsg_type == RTM_DELLINK;
		return parse_link(&cursor, &out->link);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		out->kind = SL_RTMSG_ADDRESS;
		out->gone = header->nlmsg_type == RTM_DELADDR;
		return parse_address(&cursor, &out->address);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		out->kind = SL_RTMSG_ROUTE;
		out->gone = header->nlmsg_type == RTM_DELROUTE;
		return parse_route(header, &cursor, &out->route);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		out->kind = SL_RTMSG_NEIGHBOUR;
		out->gone = header->nlmsg_type == RTM_DELNEIGH;
		return parse_neighbour(&cursor, &out->neighbour);
	default:
		return -ENOENT;
	}
}

int sl_rtmsg_error(const struct nlmsghdr *header)
{
	struct sl_cursor cursor = sl_cursor_over(header + 1, header->nlmsg_len - sizeof(*header));
	const int *error = sl_cursor_take(&cursor, sizeof(*error));

	return error != NULL && *error <= 0 ? *error : -EBADMSG;
}

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	return header;
}

static void put_addr(struct nlmsghdr *header, uint16_t type, const struct sl_addr *addr)
{
	mnl_attr_put(header, type, addr->family == 4 ? 4 : 16, addr->bytes);
}

static uint8_t af_of(const struct sl_addr *addr)
{
	return addr->family == 4 ? AF_INET : AF_INET6;
}

struct nlmsghdr *sl_rtmsg_dump(void *buffer, uint16_t type, uint8_t family)
{
	struct nlmsghdr *header = begin(buffer, type, NLM_F_DUMP);
	size_t length = type == RTM_GETLINK ? sizeof(struct ifinfomsg)
		: type == RTM_GETADDR       ? sizeof(struct ifaddrmsg)
		: type == RTM_GETROUTE      ? sizeof(struct rtmsg)
					    : sizeof(struct ndmsg);
	uint8_t *fixed = mnl_nlmsg_put_extra_header(header, length);

	fixed[0] = family; /* the first field of each of them */
	if (type == RTM_GETLINK)
		mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return header;
}

struct nlmsghdr *sl_rtmsg_put_address(void *buffer, bool add, int ifindex,
	const struct sl_prefix *prefix, bool vip, uint8_t protocol)
{
	struct nlmsghdr *header = begin(buffer, add ? RTM_NEWADDR : RTM_DELADDR,
		NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct ifaddrmsg *fixed = mnl_nlmsg_put_extra_header(header, sizeof(*fixed));
	struct ifa_cacheinfo lifetimes = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};

	fixed->ifa_family = af_of(&prefix->addr);
	fixed->ifa_prefixlen = prefix->length;
	fixed->ifa_scope = RT_SCOPE_UNIVERSE;
	fixed->ifa_index = (uint32_t)ifindex;
	put_addr(header, IFA_LOCAL, &prefix->addr);
	put_addr(header, IFA_ADDRESS, &prefix->addr);
	if (!add)
		return header;
	mnl_attr_put_u8(header, IFA_PROTO, protocol);
	if (vip)
		mnl_attr_put_u32(header, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	if (vip && prefix->addr.family == 6)
		mnl_attr_put(header, IFA_CACHEINFO, sizeof(lifetimes), &lifetimes);
	return header;
}

struct nlmsghdr *sl_rtmsg_put_mtu(void *buffer, int ifindex, uint32_t mtu)
{
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *fixed = mnl_nlmsg_put_extra_header(header, sizeof(*fixed));

	fixed->ifi_index = ifindex;
	mnl_attr_put_u32(header, IFLA_MTU, mtu);
	return header;
}

struct nlmsghdr *sl_rtmsg_put_neighbour(void *buffer, enum sl_rtmsg_neighbour_op op, int ifindex,
	const struct sl_addr *address, const uint8_t mac[6], uint8_t protocol)
{
	bool delete = op == SL_RTMSG_NEIGHBOUR_DELETE;
	struct nlmsghdr *header = begin(buffer, delete ? RTM_DELNEIGH : RTM_NEWNEIGH,
		NLM_F_ACK | (delete ? 0 : NLM_F_CREATE | NLM_F_REPLACE));
	struct ndmsg *fixed = mnl_nlmsg_put_extra_header(header, sizeof(*fixed));

	fixed->ndm_family = af_of(address);
	fixed->ndm_ifindex = ifindex;
	put_addr(header, NDA_DST, address);
	if (delete)
		return header;
	if (op == SL_RTMSG_NEIGHBOUR_RESOLVE) {
		fixed->ndm_flags = NTF_USE;
		return header;
	}
	mnl_attr_put_u8(header, NDA_PROTOCOL, protocol);
	if (op == SL_RTMSG_NEIGHBOUR_STATIC) {
		fixed->ndm_state = NUD_PERMANENT;
		mnl_attr_put(header, NDA_LLADDR, 6, mac);
		return header;
	}
	/* Learned elsewhere, as far as the kernel is concerned: gc_thresh3 does not count it. */
	fixed->ndm_flags = NTF_EXT_LEARNED;
	if (op == SL_RTMSG_NEIGHBOUR_MANAGED)
		mnl_attr_put_u32(header, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	else
		fixed->ndm_flags |= NTF_USE;
	return header;
}
