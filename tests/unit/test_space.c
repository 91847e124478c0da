/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "space.h"

/*
 * A namespace told by hand. Its socket is one end of a pair, so that dumps can be asked for; what
 * it reports is a text: "+link 3", "-addr", "+route", ...
 */
static struct {
	struct sl_space space;
	char log[512];
	int kernel; /* the other end of the socket */
} world;

static _Alignas(8) uint8_t buffer[512];
#define HEADER ((struct nlmsghdr *)(void *)buffer)

static void note(const char *text, int number)
{
	size_t at = strlen(world.log);

	snprintf(world.log + at, sizeof(world.log) - at, "%s%s%d", at > 0 ? " " : "", text, number);
}

static void on_link(void *arg, const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before)
{
	note(link == NULL                ? "-link"
			: before == NULL ? "+link"
					 : "~link",
		link != NULL ? link->ifindex : before->ifindex);
}

static void on_address(void *arg, const struct sl_rtmsg_address *address, bool gone)
{
	note(gone ? "-addr" : "+addr", address->prefix.addr.bytes[3]);
}

static void on_route(void *arg, const struct sl_prefix *prefix, bool local)
{
	note(local ? "local" : "route", prefix->addr.bytes[3]);
}

static void on_neighbour(void *arg, const struct sl_rtmsg_neighbour *neighbour, bool gone)
{
	note(gone ? "-neigh" : "+neigh", neighbour->address.bytes[3]);
}

static void on_lost(void *arg)
{
	note("lost", 0);
}

static int setup(void **state)
{
	static const struct sl_space_ops ops = {
		on_link, on_address, on_route, on_neighbour, on_lost, NULL};
	int pair[2];

	memset(&world, 0, sizeof(world));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(sl_space_init(&world.space, 1, &ops), 0);
	world.space.rtnl.fd = pair[0];
	world.kernel = pair[1];
	return 0;
}

static int teardown(void **state)
{
	sl_space_done(&world.space);
	close(world.kernel);
	return 0;
}

static const char *said(void)
{
	static char text[512];

	memcpy(text, world.log, sizeof(text));
	world.log[0] = '\0';
	return text;
}

static void *begin(uint16_t type, size_t fixed, bool dumped)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_seq = dumped ? world.space.dump_seq : 0;
	header->nlmsg_flags = dumped ? NLM_F_MULTI : 0;
	return mnl_nlmsg_put_extra_header(header, fixed);
}

static void take(void)
{
	sl_space_take(&world.space, buffer, HEADER->nlmsg_len);
}

static void link_is(int ifindex, unsigned flags, bool gone, bool dumped)
{
	struct ifinfomsg *fixed = begin(gone ? RTM_DELLINK : RTM_NEWLINK, sizeof(*fixed), dumped);

	fixed->ifi_index = ifindex;
	fixed->ifi_flags = flags;
	mnl_attr_put_strz(HEADER, IFLA_IFNAME, "wan0");
	take();
}

static void address_is(uint8_t last, bool gone, bool dumped)
{
	struct ifaddrmsg *fixed = begin(gone ? RTM_DELADDR : RTM_NEWADDR, sizeof(*fixed), dumped);
	const uint8_t bytes[4] = {10, 0, 0, last};

	fixed->ifa_family = AF_INET;
	fixed->ifa_prefixlen = 24;
	fixed->ifa_index = 3;
	mnl_attr_put(HEADER, IFA_LOCAL, 4, bytes);
	take();
}

static void route_is(uint8_t last, bool gone, bool dumped)
{
	struct rtmsg *fixed = begin(gone ? RTM_DELROUTE : RTM_NEWROUTE, sizeof(*fixed), dumped);
	const uint8_t bytes[4] = {10, 0, 0, last};

	fixed->rtm_family = AF_INET;
	fixed->rtm_dst_len = 32;
	fixed->rtm_table = RT_TABLE_MAIN;
	fixed->rtm_type = RTN_UNICAST;
	mnl_attr_put(HEADER, RTA_DST, 4, bytes);
	mnl_attr_put_u32(HEADER, RTA_OIF, 3);
	take();
}

static void neighbour_is(uint8_t last, uint16_t state, bool gone, bool dumped)
{
	struct ndmsg *fixed = begin(gone ? RTM_DELNEIGH : RTM_NEWNEIGH, sizeof(*fixed), dumped);
	const uint8_t bytes[4] = {10, 0, 0, last};

	fixed->ndm_family = AF_INET;
	fixed->ndm_ifindex = 3;
	fixed->ndm_state = state;
	mnl_attr_put(HEADER, NDA_DST, 4, bytes);
	take();
}

static void done(int error)
{
	int *code = begin(NLMSG_DONE, sizeof(*code), true);

	*code = error;
	take();
}

/* What the next request in the socket asks for; 0 = there is none. */
static unsigned asked(void)
{
	struct {
		struct nlmsghdr header;
		uint8_t rest[256];
	} request;

	if (recv(world.kernel, &request, sizeof(request), 0) < (ssize_t)sizeof(request.header))
		return 0;
	return request.header.nlmsg_type;
}

static void finish_dump(void)
{
	for (unsigned i = 0; i < SL_SPACE_STEPS; i++)
		done(0);
	while (sl_space_sweep(&world.space, 1))
		;
}

static void a_dump_goes_through_all_kinds(void **state)
{
	static const unsigned types[SL_SPACE_STEPS] = {
		RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETROUTE, RTM_GETNEIGH};

	assert_int_equal(sl_space_dump(&world.space), 0);
	for (unsigned i = 0; i < SL_SPACE_STEPS; i++) {
		assert_false(world.space.synced);
		assert_int_equal(asked(), types[i]);
		done(0);
	}
	assert_int_equal(asked(), 0);
	assert_false(world.space.synced);
	assert_false(sl_space_sweep(&world.space, 1));
	assert_true(world.space.synced);
}

static void changes_are_reported_once(void **state)
{
	link_is(3, IFF_UP, false, false);
	link_is(3, IFF_UP, false, false);
	link_is(3, IFF_UP | IFF_LOWER_UP, false, false);
	assert_string_equal(said(), "+link3 ~link3");
	address_is(1, false, false);
	address_is(1, false, false);
	address_is(1, true, false);
	address_is(1, true, false);
	assert_string_equal(said(), "+addr1 -addr1");
	route_is(2, false, false);
	route_is(2, false, false);
	route_is(2, true, false);
	route_is(2, true, false);
	assert_string_equal(said(), "route2 route2");
	neighbour_is(4, NUD_REACHABLE, false, false);
	neighbour_is(4, NUD_REACHABLE, false, false);
	neighbour_is(4, NUD_FAILED, false, false);
	neighbour_is(4, NUD_FAILED, true, false);
	assert_string_equal(said(), "+neigh4 +neigh4 -neigh4");
	link_is(3, 0, true, false);
	assert_string_equal(said(), "-link3");
}

static void what_a_dump_does_not_confirm_is_gone(void **state)
{
	link_is(3, IFF_UP, false, false);
	for (uint8_t i = 1; i <= 3; i++) {
		address_is(i, false, false);
		route_is(i, false, false);
		neighbour_is(i, NUD_REACHABLE, false, false);
	}
	said();
	sl_space_dump(&world.space);
	link_is(3, IFF_UP, false, true);
	address_is(1, false, true);
	route_is(2, false, true);
	neighbour_is(3, NUD_REACHABLE, false, true);
	assert_string_equal(said(), "");
	finish_dump();
	assert_string_equal(said(), "-addr2 -addr3 -neigh1 -neigh2 route1 route3");
	/* An address that went may have taken routes along: that is looked at again. */
	assert_true(world.space.stale);
}

/* What is said while a dump runs is newer than what the dump says, and no reason to remove it. */
static void events_during_a_dump_count(void **state)
{
	link_is(3, IFF_UP, false, false);
	route_is(1, false, false);
	sl_space_dump(&world.space);
	link_is(3, IFF_UP, false, true);
	route_is(2, false, false);
	route_is(1, true, false);
	said();
	finish_dump();
	assert_string_equal(said(), "");
	assert_int_equal(world.space.routes.maps[SL_TABLE_MAIN].n, 1);
}

static void an_interrupted_dump_removes_nothing(void **state)
{
	route_is(1, false, false);
	said();
	sl_space_dump(&world.space);
	begin(RTM_NEWROUTE, sizeof(struct rtmsg), true);
	HEADER->nlmsg_flags |= NLM_F_DUMP_INTR;
	take();
	finish_dump();
	assert_string_equal(said(), "");
	assert_true(world.space.stale);
	assert_false(world.space.synced);
	/* The next one, undisturbed, does. */
	sl_space_dump(&world.space);
	finish_dump();
	assert_string_equal(said(), "route1");
	assert_true(world.space.synced);
}

static void a_network_that_never_rests_is_taken_as_it_is(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		assert_false(world.space.synced);
		sl_space_dump(&world.space);
		done(-4 /* EINTR */);
		for (unsigned step = 1; step < SL_SPACE_STEPS; step++)
			done(0);
	}
	assert_true(world.space.synced);
	assert_true(world.space.stale);
}

static void lost_notifications_call_for_a_dump(void **state)
{
	sl_space_lost(&world.space);
	assert_string_equal(said(), "lost0");
	assert_true(world.space.stale);
	sl_space_dump(&world.space);
	assert_false(world.space.stale);
	/* In the middle of a dump: that one is finished, removes nothing, and another follows. */
	route_is(1, false, false);
	sl_space_lost(&world.space);
	said();
	sl_space_dump(&world.space);
	finish_dump();
	assert_string_equal(said(), "");
	assert_true(world.space.stale);
}

static void what_the_kernel_does_silently_is_looked_for(void **state)
{
	link_is(3, IFF_UP, false, false);
	address_is(1, false, false);
	assert_false(world.space.stale);
	link_is(3, 0, false, false);
	assert_true(world.space.stale);
	world.space.stale = false;
	address_is(1, true, false);
	assert_true(world.space.stale);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_dump_goes_through_all_kinds),
		TEST(changes_are_reported_once),
		TEST(what_a_dump_does_not_confirm_is_gone),
		TEST(events_during_a_dump_count),
		TEST(an_interrupted_dump_removes_nothing),
		TEST(a_network_that_never_rests_is_taken_as_it_is),
		TEST(lost_notifications_call_for_a_dump),
		TEST(what_the_kernel_does_silently_is_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
