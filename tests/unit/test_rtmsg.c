/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "rtmsg.h"

static _Alignas(8) uint8_t buffer[4096];

static struct sl_addr addr(const char *text)
{
	struct sl_addr result;

	assert_int_equal(sl_addr_parse(text, &result), 0);
	return result;
}

static struct sl_prefix prefix(const char *text)
{
	struct sl_prefix result;

	assert_int_equal(sl_prefix_parse(text, &result), 0);
	return result;
}

static int parse(const struct nlmsghdr *header, struct sl_rtmsg *out)
{
	/* Exactly as many bytes as the message has: one more read and the sanitizer says so. */
	uint8_t *exact = malloc(header->nlmsg_len);
	struct sl_cursor cursor = sl_cursor_over(exact, header->nlmsg_len);
	const struct nlmsghdr *found;
	int ret = -EINVAL;

	memcpy(exact, header, header->nlmsg_len);
	found = sl_rtmsg_next(&cursor);
	if (found != NULL)
		ret = sl_rtmsg_parse(found, out);
	free(exact);
	return ret;
}

static void *begin(uint16_t type, size_t fixed)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	return mnl_nlmsg_put_extra_header(header, fixed);
}

#define HEADER ((struct nlmsghdr *)(void *)buffer)

static void put_addr(uint16_t type, const char *text)
{
	struct sl_addr value = addr(text);

	mnl_attr_put(HEADER, type, value.family == 4 ? 4 : 16, value.bytes);
}

static void an_address_comes_back(void **state)
{
	static const char *const texts[] = {"192.168.8.11/24", "10.0.0.1/32", "2001:db8::1/128"};
	struct sl_rtmsg message;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sl_prefix want = prefix(texts[i]);

		assert_int_equal(
			parse(sl_rtmsg_put_address(buffer, true, 7, &want, true, 83), &message), 0);
		assert_int_equal(message.kind, SL_RTMSG_ADDRESS);
		assert_false(message.gone);
		assert_int_equal(message.address.ifindex, 7);
		assert_int_equal(message.address.protocol, 83);
		assert_int_equal(message.address.prefix.length, want.length);
		assert_true(sl_addr_equal(&message.address.prefix.addr, &want.addr));
		assert_int_equal(
			parse(sl_rtmsg_put_address(buffer, false, 7, &want, true, 83), &message),
			0);
		assert_true(message.gone);
	}
}

/* With a peer the address that is ours is IFA_LOCAL, in whatever order they come. */
static void a_peer_is_not_our_address(void **state)
{
	for (unsigned order = 0; order < 2; order++) {
		struct sl_addr ours = addr("10.0.0.1");
		struct ifaddrmsg *fixed = begin(RTM_NEWADDR, sizeof(*fixed));
		struct sl_rtmsg message;

		fixed->ifa_family = AF_INET;
		fixed->ifa_prefixlen = 32;
		fixed->ifa_flags = IFA_F_PERMANENT;
		fixed->ifa_scope = RT_SCOPE_LINK;
		mnl_attr_put_u32(HEADER, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE);
		put_addr(
			order == 0 ? IFA_LOCAL : IFA_ADDRESS, order == 0 ? "10.0.0.1" : "10.0.0.2");
		put_addr(
			order == 0 ? IFA_ADDRESS : IFA_LOCAL, order == 0 ? "10.0.0.2" : "10.0.0.1");
		assert_int_equal(parse(HEADER, &message), 0);
		assert_true(sl_addr_equal(&message.address.prefix.addr, &ours));
		assert_int_equal(message.address.scope, RT_SCOPE_LINK);
		assert_int_equal(message.address.flags, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE);
	}
}

static void a_neighbour_comes_back(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct sl_addr address = addr("192.168.8.12");
	struct sl_rtmsg message;

	assert_int_equal(parse(sl_rtmsg_put_neighbour(
				       buffer, SL_RTMSG_NEIGHBOUR_STATIC, 3, &address, mac, 83),
				 &message),
		0);
	assert_int_equal(message.neighbour.state, NUD_PERMANENT);
	assert_true(message.neighbour.has_mac);
	assert_memory_equal(message.neighbour.mac, mac, 6);
	assert_int_equal(message.neighbour.protocol, 83);
	assert_false(message.neighbour.managed);
	assert_int_equal(parse(sl_rtmsg_put_neighbour(
				       buffer, SL_RTMSG_NEIGHBOUR_MANAGED, 3, &address, NULL, 83),
				 &message),
		0);
	assert_true(message.neighbour.managed);
	assert_int_equal(message.neighbour.flags, NTF_EXT_LEARNED);
	assert_false(message.neighbour.has_mac);
	/* One that Linux may forget: not learned elsewhere, nobody's. */
	assert_int_equal(parse(sl_rtmsg_put_neighbour(
				       buffer, SL_RTMSG_NEIGHBOUR_RESOLVE, 3, &address, NULL, 83),
				 &message),
		0);
	assert_int_equal(message.neighbour.flags, NTF_USE);
	assert_int_equal(message.neighbour.protocol, 0);
	assert_int_equal(
		parse(sl_rtmsg_put_neighbour(buffer, SL_RTMSG_NEIGHBOUR_USE, 3, &address, NULL, 83),
			&message),
		0);
	assert_int_equal(message.neighbour.flags, NTF_EXT_LEARNED | NTF_USE);
	assert_false(message.neighbour.managed);
}

static void put_link(const char *name, const char *kind)
{
	static const uint8_t mac[6] = {0, 0, 0x5e, 0, 1, 7};
	struct ifinfomsg *fixed = begin(RTM_NEWLINK, sizeof(*fixed));
	struct nlattr *info;

	fixed->ifi_index = 9;
	fixed->ifi_flags = IFF_UP | IFF_LOWER_UP;
	mnl_attr_put_strz(HEADER, IFLA_IFNAME, name);
	mnl_attr_put(HEADER, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(HEADER, IFLA_MTU, 1400);
	mnl_attr_put_u32(HEADER, IFLA_LINK, 4);
	info = mnl_attr_nest_start(HEADER, IFLA_LINKINFO);
	mnl_attr_put_strz(HEADER, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(HEADER, info);
}

static void a_macvlan_has_a_parent(void **state)
{
	struct sl_rtmsg message;

	put_link("vrrp7", "macvlan");
	assert_int_equal(parse(HEADER, &message), 0);
	assert_string_equal(message.link.name, "vrrp7");
	assert_int_equal(message.link.parent, 4);
	assert_int_equal(message.link.mtu, 1400);
	assert_true(message.link.up && message.link.carrier && message.link.has_mac);
	/* What else stands on another link is no macvlan. */
	put_link("x", "macvlanx");
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.link.parent, 0);
	put_link("x", "macv");
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.link.parent, 0);
	put_link("a-name-too-long-for-a-link", "veth");
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
}

static struct rtmsg *put_route(const char *text)
{
	struct sl_prefix dst = prefix(text);
	struct rtmsg *fixed = begin(RTM_NEWROUTE, sizeof(*fixed));

	fixed->rtm_family = dst.addr.family == 4 ? AF_INET : AF_INET6;
	fixed->rtm_dst_len = dst.length;
	fixed->rtm_table = RT_TABLE_MAIN;
	fixed->rtm_type = RTN_UNICAST;
	if (dst.length > 0)
		mnl_attr_put(HEADER, RTA_DST, dst.addr.family == 4 ? 4 : 16, dst.addr.bytes);
	return fixed;
}

static void put_hop(int ifindex, const char *gateway, uint8_t flags)
{
	struct sl_addr value = addr(gateway);
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(HEADER);

	hop->rtnh_len = sizeof(*hop) + 8;
	hop->rtnh_flags = flags;
	hop->rtnh_hops = 0;
	hop->rtnh_ifindex = ifindex;
	hop->rtnh_hops = 2;
	HEADER->nlmsg_len += sizeof(*hop);
	mnl_attr_put(HEADER, RTA_GATEWAY, 4, value.bytes);
}

static void routes_of_every_shape(void **state)
{
	const struct sl_addr gateway = addr("192.168.8.1"), gateway6 = addr("fe80::1");
	uint8_t via[18] = {AF_INET6 & 0xff, 0};
	struct sl_rtmsg message;
	struct nlattr *nest;

	put_route("0.0.0.0/0");
	put_addr(RTA_GATEWAY, "192.168.8.1");
	mnl_attr_put_u32(HEADER, RTA_OIF, 5);
	mnl_attr_put_u32(HEADER, RTA_PRIORITY, 100);
	mnl_attr_put_u32(HEADER, RTA_TABLE, 1000);
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.route.prefix.addr.family, 4);
	assert_int_equal(message.route.table, 1000);
	assert_int_equal(message.route.metric, 100);
	assert_int_equal(message.route.n_hops, 1);
	assert_int_equal(message.route.hops[0].ifindex, 5);
	assert_true(sl_addr_equal(&message.route.hops[0].gateway, &gateway));

	put_route("10.0.0.0/8");
	memcpy(via + 2, gateway6.bytes, 16);
	mnl_attr_put(HEADER, RTA_VIA, sizeof(via), via);
	mnl_attr_put_u32(HEADER, RTA_OIF, 5);
	assert_int_equal(parse(HEADER, &message), 0);
	assert_true(sl_addr_equal(&message.route.hops[0].gateway, &gateway6));

	put_route("10.0.0.0/8");
	nest = mnl_attr_nest_start(HEADER, RTA_MULTIPATH);
	put_hop(5, "192.168.8.1", 0);
	put_hop(6, "192.168.8.2", RTNH_F_DEAD);
	put_hop(7, "192.168.8.3", 0);
	mnl_attr_nest_end(HEADER, nest);
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.route.n_hops, 2);
	assert_int_equal(message.route.hops[1].ifindex, 7);
	assert_int_equal(message.route.hops[1].weight, 3);
	assert_false(message.route.encap);

	put_route("10.0.0.0/8");
	mnl_attr_put_u32(HEADER, RTA_OIF, 5);
	nest = mnl_attr_nest_start(HEADER, RTA_ENCAP);
	mnl_attr_nest_end(HEADER, nest);
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.route.hops[0].weight, 1);
	assert_true(message.route.encap);

	put_route("10.0.0.0/8");
	nest = mnl_attr_nest_start(HEADER, RTA_MULTIPATH);
	for (unsigned i = 0; i < 3 * SL_RTMSG_HOPS; i++)
		put_hop(5, "192.168.8.1", 0);
	mnl_attr_nest_end(HEADER, nest);
	assert_int_equal(parse(HEADER, &message), 0);
	assert_int_equal(message.route.n_hops, SL_RTMSG_HOPS);

	put_route("10.0.0.0/8")->rtm_flags = RTM_F_CLONED;
	assert_int_equal(parse(HEADER, &message), -ENOENT);
}

static void fields_of_the_wrong_length_are_refused(void **state)
{
	struct sl_rtmsg message;
	struct nlattr *nest;

	put_route("10.0.0.0/8")->rtm_dst_len = 33;
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	put_route("10.0.0.0/8");
	put_addr(RTA_GATEWAY, "fe80::1");
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	put_route("10.0.0.0/8");
	mnl_attr_put_u8(HEADER, RTA_OIF, 5);
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	put_route("10.0.0.0/8");
	mnl_attr_put(HEADER, RTA_VIA, 1, "x");
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	put_route("10.0.0.0/8");
	nest = mnl_attr_nest_start(HEADER, RTA_MULTIPATH);
	put_hop(5, "192.168.8.1", 0);
	mnl_attr_nest_end(HEADER, nest);
	((struct rtnexthop *)mnl_attr_get_payload(nest))->rtnh_len = 200;
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	((struct rtnexthop *)mnl_attr_get_payload(nest))->rtnh_len = 0;
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
	nest->nla_len = 3;
	assert_int_equal(parse(HEADER, &message), -EBADMSG);
}

/* Whatever is cut off: never read beyond, and never taken for whole with an attribute cut in two.
 */
static void every_shorter_message_is_safe(void **state)
{
	struct sl_rtmsg message;
	uint32_t whole;

	put_route("10.0.0.0/8");
	put_addr(RTA_GATEWAY, "192.168.8.1");
	mnl_attr_put_u32(HEADER, RTA_OIF, 5);
	whole = HEADER->nlmsg_len;
	for (uint32_t length = 0; length < whole; length++) {
		int ret;

		HEADER->nlmsg_len = length >= 16 ? length : 16;
		ret = parse(HEADER, &message);
		if (length < NLMSG_HDRLEN + sizeof(struct rtmsg) || length % 4 != 0)
			assert_int_equal(ret, -EBADMSG);
	}
}

static void a_read_is_split_into_messages(void **state)
{
	struct sl_cursor cursor;

	memset(buffer, 0, sizeof(buffer));
	HEADER->nlmsg_len = 18; /* two bytes of padding behind it */
	((struct nlmsghdr *)(void *)(buffer + 20))->nlmsg_len = 17;
	cursor = sl_cursor_over(buffer, 37);
	assert_ptr_equal(sl_rtmsg_next(&cursor), buffer);
	assert_ptr_equal(sl_rtmsg_next(&cursor), buffer + 20);
	assert_null(sl_rtmsg_next(&cursor));
	/* A length that leads nowhere ends it: no endless loop, no byte beyond. */
	for (uint32_t length = 0; length < 16; length++) {
		HEADER->nlmsg_len = length;
		cursor = sl_cursor_over(buffer, 64);
		assert_null(sl_rtmsg_next(&cursor));
	}
	HEADER->nlmsg_len = 65;
	cursor = sl_cursor_over(buffer, 64);
	assert_null(sl_rtmsg_next(&cursor));
	HEADER->nlmsg_len = UINT32_MAX;
	assert_null(sl_rtmsg_next(&cursor));
}

static void errors_are_read_with_care(void **state)
{
	int *error = begin(NLMSG_ERROR, sizeof(*error));

	*error = -EEXIST;
	assert_int_equal(sl_rtmsg_error(HEADER), -EEXIST);
	*error = 0;
	assert_int_equal(sl_rtmsg_error(HEADER), 0);
	*error = 5;
	assert_int_equal(sl_rtmsg_error(HEADER), -EBADMSG);
	HEADER->nlmsg_len = 19;
	assert_int_equal(sl_rtmsg_error(HEADER), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_comes_back),
		cmocka_unit_test(a_peer_is_not_our_address),
		cmocka_unit_test(a_neighbour_comes_back),
		cmocka_unit_test(a_macvlan_has_a_parent),
		cmocka_unit_test(routes_of_every_shape),
		cmocka_unit_test(fields_of_the_wrong_length_are_refused),
		cmocka_unit_test(every_shorter_message_is_safe),
		cmocka_unit_test(a_read_is_split_into_messages),
		cmocka_unit_test(errors_are_read_with_care),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
