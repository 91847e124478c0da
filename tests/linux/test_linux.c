/* SPDX-License-Identifier: BSD-3-Clause */
/* The twin, what the configuration puts into Linux, and the mirror, against the real kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bed.h"
#include "kernel.h"
#include "lb/publish.h"
#include "mirror_state.h"
#include "tun.h"

#define DIR                                     BED_DIRECTOR
#define OTHER                                   BED_OTHER
#define assert_prints(netns, command, text)     assert_true(bed_prints(netns, command, text))
#define assert_prints_not(netns, command, text) assert_false(bed_prints(netns, command, text))

static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 2};

static sl_adj_word reachable(const uint8_t mac[6])
{
	return sl_adj_make(mac, 0, SL_ADJ_RESOLVED | SL_ADJ_ON_LINK);
}

static void a_twin_is_set_up(void **state)
{
	struct bed *bed = *state;

	bed->port.mtu = 1400;
	bed_twin_start(bed);
	assert_prints(DIR, "ip -d link show wan0", "02:00:00:00:00:01");
	assert_prints(DIR, "ip -d link show wan0", "mtu 1400");
	assert_prints(DIR, "ip -d link show wan0", ",UP");
	assert_prints(DIR, "ip -d link show wan0", "type tap pi off vnet_hdr off persist on");
	assert_prints(DIR, "cat /proc/sys/net/ipv4/conf/wan0/arp_ignore", "1");
	assert_prints(DIR, "cat /proc/sys/net/ipv4/conf/wan0/arp_announce", "2");
	assert_prints(DIR, "cat /proc/sys/net/ipv4/conf/wan0/rp_filter", "0");
	assert_prints(DIR, "cat /proc/sys/net/ipv4/conf/wan0/send_redirects", "0");
	/* No thread of ours has stayed in the other namespace. */
	assert_int_not_equal(access("/sys/class/net/wan0", F_OK), 0);

	assert_int_equal(sl_twin_set_carrier(bed->twin, 0, false), 0);
	assert_prints(DIR, "ip link show wan0", "NO-CARRIER");
	assert_int_equal(sl_twin_set_carrier(bed->twin, 0, true), 0);
	assert_prints(DIR, "ip link show wan0", "LOWER_UP");
}

static void a_twin_outlives_its_director(void **state)
{
	struct bed *bed = *state;
	struct sl_tun_params params = {.name = "wan0", .netns = DIR, .mtu = 1500, .mac = {2, 9}};
	struct sl_err err = {0};

	bed_twin_start(bed);
	assert_int_equal(bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0"), 0);
	assert_int_equal(sl_tun_open(&params, &err), -EBUSY);
	assert_non_null(strstr(err.hint, "another process"));
	assert_int_equal(sl_kernel_purge(&bed->conf, NULL), -EBUSY);
	bed_twin_stop(bed);
	assert_prints(DIR, "ip addr show wan0", "192.168.8.11/24");
	bed_twin_start(bed);
	assert_prints(DIR, "ip addr show wan0", "192.168.8.11/24");
	assert_int_equal(bed_run(OTHER, "ping -c 1 -W 2 192.168.8.11"), 0);
	bed_twin_stop(bed);
	assert_int_equal(sl_kernel_purge(&bed->conf, NULL), 0);
	assert_int_not_equal(bed_run(DIR, "ip link show wan0"), 0);
	assert_int_equal(sl_kernel_purge(&bed->conf, NULL), 0);
}

static void what_cannot_be_a_twin_is_refused(void **state)
{
	struct bed *bed = *state;
	struct sl_tun_params params = {.name = "lo", .netns = DIR, .mtu = 1500, .mac = {2, 9}};
	struct sl_err err = {0};

	assert_true(sl_tun_open(&params, &err) < 0);
	assert_int_not_equal(err.code, 0);
	err = (struct sl_err){0};
	params.name = "wan0";
	params.netns = "twin-test-none";
	assert_int_equal(sl_tun_open(&params, &err), -ENOENT);
	assert_non_null(strstr(err.message, "twin-test-none"));
	assert_int_equal(sl_tun_remove("lo", bed->port.twin_netns), -EINVAL);
}

static void ping_and_arp_pass_through(void **state)
{
	struct bed *bed = *state;
	const struct sl_twin_stats *stats;
	struct sl_kernel *kernel;
	struct sl_err err = {0};

	bed_twin_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_non_null(kernel);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_int_equal(bed_run(OTHER, "ping -c 3 -i 0.2 -W 2 192.168.8.100"), 0);
	assert_int_equal(bed_run(DIR, "ping -c 1 -W 2 192.168.8.12"), 0);
	/* The VIP is never the source towards servers. */
	assert_prints(DIR, "ip route get 192.168.8.12", "src 192.168.8.11");
	assert_int_equal(bed_run(OTHER, "ping -c 1 -s 1472 -M do -W 2 192.168.8.11"), 0);
	stats = sl_twin_stats(bed->twin);
	assert_true(sl_count_read(stats->to_linux[SL_PUNT_ECHO]) >= 5);
	assert_true(sl_count_read(stats->to_linux[SL_PUNT_NEIGHBOUR]) >= 1);
	assert_true(sl_count_read(stats->from_linux) >= 5);
	sl_kernel_free(kernel);
}

static void rates_change_while_it_runs(void **state)
{
	struct bed *bed = *state;
	uint32_t rates[SL_PUNT_COUNT];

	bed_twin_start(bed);
	assert_int_equal(bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0"), 0);
	assert_int_equal(bed_run(OTHER, "ping -c 1 -W 2 192.168.8.11"), 0);
	for (unsigned c = 0; c < SL_PUNT_COUNT; c++)
		rates[c] = sl_punt_infos[c].default_rate;
	rates[SL_PUNT_ECHO] = 0;
	sl_twin_set_rates(bed->twin, rates);
	assert_int_not_equal(bed_run(OTHER, "ping -c 1 -W 1 192.168.8.11"), 0);
	assert_int_equal(sl_count_read(sl_twin_stats(bed->twin)->drops[SL_DROP_PUNT_RATE]), 1);
}

static void addresses_follow_the_configuration(void **state)
{
	struct bed *bed = *state;
	struct sl_kernel *kernel;
	struct sl_err err = {0};

	bed_twin_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	bed_vip(bed, "192.168.8.101", SL_VIP_EXTERNAL);
	bed_vip(bed, "2001:db8::100", SL_VIP_MANAGED);
	bed_vip(bed, "192.168.8.11", SL_VIP_MANAGED); /* is an address of ours already */
	bed_neighbour(bed, "192.168.8.13", "02:00:00:00:00:13");
	bed_run(DIR, "ip addr add 192.168.8.77/24 dev wan0");
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_prints(DIR, "ip addr show wan0", "192.168.8.11/24");
	assert_prints(DIR, "ip addr show wan0", "192.168.8.100/32");
	assert_prints(DIR, "ip addr show wan0", "2001:db8::100/128 scope global nodad deprecated");
	assert_prints_not(DIR, "ip addr show wan0", "192.168.8.101");
	assert_prints_not(DIR, "ip addr show wan0", "192.168.8.11/32");
	assert_prints(DIR, "ip neigh", "192.168.8.13 dev wan0 lladdr 02:00:00:00:00:13 PERMANENT");
	sl_kernel_free(kernel);

	/* Another director, with less to do, takes out what the first one put there. */
	bed->conf.n_vips = 0;
	bed->port.n_neighbours = 0;
	bed->port.mtu = 1300;
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_prints(DIR, "ip addr show wan0", "mtu 1300");
	assert_prints(DIR, "ip addr show wan0", "192.168.8.11/24");
	assert_prints(DIR, "ip addr show wan0", "192.168.8.77/24");
	assert_prints_not(DIR, "ip addr show wan0", "192.168.8.100");
	assert_prints_not(DIR, "ip addr show wan0", "2001:db8::100");
	assert_prints_not(DIR, "ip neigh", "192.168.8.13");
	sl_kernel_free(kernel);
}

static void a_failed_apply_changes_nothing(void **state)
{
	struct bed *bed = *state;
	struct sl_kernel *kernel;
	struct sl_err err = {0};

	bed_twin_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	bed->conf.n_vips = 0;
	bed->port.mtu = 1300;
	bed_address(bed, "192.168.9.11/24");
	bed_address(bed, "ff02::1234/128"); /* the kernel takes no multicast address */
	assert_true(sl_kernel_apply(kernel, &bed->conf, &err) < 0);
	assert_non_null(strstr(err.message, "ff02::1234"));
	assert_prints(DIR, "ip addr show wan0", "mtu 1500");
	assert_prints(DIR, "ip addr show wan0", "192.168.8.100/32");
	assert_prints_not(DIR, "ip addr show wan0", "192.168.9.11");
	sl_kernel_free(kernel);
}

static void servers_are_resolved_and_kept(void **state)
{
	static const uint8_t new_mac[6] = {2, 0, 0, 0, 0, 0x22};
	struct bed *bed = *state;
	struct sl_addr server = bed_addr("192.168.8.12");

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_mirror_start(bed);
	assert_null(sl_mirror_reachability(bed->mirror, &server, true));
	bed_watch(bed, true, false, 1, "192.168.8.12");
	bed_watch(bed, true, false, 2, "192.168.8.99");
	bed_watch(bed, true, false, 3, "10.1.2.3");
	bed_watch(bed, true, false, 4, "127.0.0.1");
	bed_watch(bed, true, false, 5, "192.168.8.11");
	assert_true(bed_until(bed, bed->adjs[1] == reachable(other_mac)));
	assert_prints(DIR, "ip neigh show 192.168.8.12", "managed");
	assert_string_equal(sl_mirror_reachability(bed->mirror, &server, true), "reachable");
	assert_int_equal(sl_adj_flags(bed->adjs[2]), SL_ADJ_ON_LINK);
	assert_int_equal(bed->adjs[3], 0);
	assert_int_equal(sl_adj_flags(bed->adjs[4]), SL_ADJ_LOCAL);
	assert_int_equal(sl_adj_flags(bed->adjs[5]), SL_ADJ_LOCAL);

	/* Another MAC, with no traffic of ours: an announcement is enough. */
	bed_run(OTHER, "ip link set wire0 address 02:00:00:00:00:22");
	bed_run(OTHER, "arping -c 1 -A -I wire0 192.168.8.12");
	bed_run(OTHER, "ping -c 1 -W 1 192.168.8.11");
	bed_run(DIR, "ping -c 1 -W 1 192.168.8.12");
	assert_true(bed_until(bed, bed->adjs[1] == reachable(new_mac)));
	assert_true(bed_saw(bed, "neighbour", "mac", "02:00:00:00:00:22"));

	/* Somebody removes the entry: it is asked for again. */
	bed_run(DIR, "ip neigh del 192.168.8.12 dev wan0");
	assert_true(bed_until(bed, bed->adjs[1] != reachable(new_mac)));
	assert_true(bed_until(bed, bed->adjs[1] == reachable(new_mac)));

	bed_watch(bed, false, false, 1, "192.168.8.12");
	assert_int_equal(bed->adjs[1], 0);
	assert_true(bed_until(bed, !bed_prints(DIR, "ip neigh show 192.168.8.12", "managed")));
}

static void routes_decide_what_is_on_link(void **state)
{
	struct bed *bed = *state;
	sl_adj_word via;

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_mirror_start(bed);
	bed_watch(bed, true, false, 1, "10.1.2.3");
	bed_loop(bed, 50);
	assert_int_equal(bed->adjs[1], 0);
	/* Through a gateway: resolved, but not on link. */
	bed_run(DIR, "ip route add 10.1.0.0/16 via 192.168.8.12");
	via = sl_adj_make(other_mac, 0, SL_ADJ_RESOLVED | SL_ADJ_GATEWAY);
	assert_true(bed_until(bed, bed->adjs[1] == via));
	/* A longer prefix, on link. */
	bed_run(OTHER, "ip addr add 10.1.2.3/24 dev wire0");
	bed_run(DIR, "ip route add 10.1.2.0/24 dev wan0");
	assert_true(bed_until(bed, bed->adjs[1] == reachable(other_mac)));
	bed_run(DIR, "ip route del 10.1.2.0/24 dev wan0");
	assert_true(bed_until(bed, bed->adjs[1] == via));
	assert_true(bed_saw(bed, "neighbour", "by", "gateway"));
	/* The kernel drops routes of an interface that goes down without saying so. */
	bed_run(DIR, "ip link set wan0 down");
	assert_true(bed_until(bed, bed->adjs[1] == 0));
	bed_run(DIR, "ip link set wan0 up");
	bed_loop(bed, 1500);
	assert_int_equal(bed->adjs[1], 0);
	bed_run(DIR, "ip route add 10.1.2.0/24 dev wan0");
	assert_true(bed_until(bed, bed->adjs[1] == reachable(other_mac)));
}

static void a_vip_serves_while_it_is_local(void **state)
{
	struct bed *bed = *state;

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed->vip_local[3] = 1; /* of one that had the number before */
	bed_mirror_start(bed);
	bed_watch(bed, true, true, 3, "192.168.8.100");
	bed_watch(bed, true, true, 4, "172.16.5.5");
	assert_int_equal(bed->vip_local[3], 0);
	bed_run(DIR, "ip addr add 192.168.8.100/32 dev wan0");
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	assert_true(bed_saw(bed, "vip", "address", "192.168.8.100"));
	assert_true(bed_until(bed, bed->engine.local->n4 >= 3));
	bed_run(DIR, "ip addr del 192.168.8.100/32 dev wan0");
	assert_true(bed_until(bed, bed->vip_local[3] == 0));
	/* A local route for a whole prefix counts as well. */
	bed_run(DIR, "ip route add local 172.16.0.0/16 dev lo");
	assert_true(bed_until(bed, bed->vip_local[4] == 1));
	bed_run(DIR, "ip route del local 172.16.0.0/16 dev lo");
	assert_true(bed_until(bed, bed->vip_local[4] == 0));
}

static void what_drifts_is_reported(void **state)
{
	struct bed *bed = *state;
	struct sl_kernel *kernel;

	bed_twin_start(bed);
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	kernel = sl_kernel_new(&bed->conf, NULL);
	bed_mirror_start(bed);
	bed_watch(bed, true, true, 3, "192.168.8.100");
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, NULL), 0);
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	assert_int_equal(bed->n_drifted, 0);
	bed_run(DIR, "ip addr del 192.168.8.100/32 dev wan0");
	assert_true(bed_until(bed, bed->n_drifted > 0));
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, NULL), 0);
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	sl_kernel_free(kernel);
}

static void macvlan_addresses_are_accepted(void **state)
{
	static const uint8_t virtual_mac[6] = {0, 0, 0x5e, 0, 1, 7};
	struct bed *bed = *state;

	bed_twin_start(bed);
	bed_mirror_start(bed);
	assert_int_equal(bed->n_macs, 1);
	bed_run(DIR,
		"ip link add vrrp7 link wan0 address 00:00:5e:00:01:07 type macvlan "
		"mode bridge");
	bed_run(DIR, "ip link set vrrp7 up");
	assert_true(bed_until(bed, bed->n_macs == 2));
	assert_memory_equal(bed->macs[1], virtual_mac, 6);
	bed_run(DIR, "ip link del vrrp7");
	assert_true(bed_until(bed, bed->n_macs == 1));
}

static struct sl_next next_to(const struct bed *bed, const char *text)
{
	const struct sl_addr addr = bed_addr(text);
	const union sl_ip ip = sl_ip_from_addr(&addr);
	struct sl_next next;

	sl_fib_next(bed->engine.fib, addr.family, &ip, 0, &next);
	return next;
}

static bool leads_to(const struct bed *bed, const char *text, const uint8_t mac[6])
{
	const struct sl_next next = next_to(bed, text);

	return next.kind == SL_ROUTE_HOP && (sl_adj_flags(next.adj) & SL_ADJ_RESOLVED) &&
		memcmp(&next.adj, mac, 6) == 0;
}

static enum sl_route_kind kind_of(const struct bed *bed, const char *text)
{
	return next_to(bed, text).kind;
}

static void routes_reach_the_forwarding_table(void **state)
{
	struct bed *bed = *state;

	bed_run(OTHER, "ip addr add 2001:db8::12/64 dev wire0 nodad");
	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_run(DIR, "ip addr add 2001:db8::11/64 dev wan0 nodad");
	bed_mirror_start(bed);
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.77") == SL_ROUTE_GLEAN));
	assert_true(bed_until(bed, kind_of(bed, "2001:db8::77") == SL_ROUTE_GLEAN));
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.11") == SL_ROUTE_LINUX));
	assert_true(bed_until(bed, kind_of(bed, "2001:db8::11") == SL_ROUTE_LINUX));
	assert_int_equal(kind_of(bed, "8.8.8.8"), SL_ROUTE_NONE);

	/* Gateways are resolved without anybody's asking, of both families, and link-local ones. */
	bed_run(DIR, "ip route add 10.0.0.0/8 via 192.168.8.12");
	bed_run(DIR, "ip -6 route add 2001:db8:1::/48 via 2001:db8::12");
	bed_run(DIR, "ip -6 route add default via fe80::ff:fe00:2 dev wan0");
	bed_run(DIR, "ip route add 10.6.0.0/16 via inet6 2001:db8::12");
	assert_true(bed_until(bed, leads_to(bed, "10.1.2.3", other_mac)));
	assert_true(bed_until(bed, leads_to(bed, "2001:db8:1::1", other_mac)));
	assert_true(bed_until(bed, leads_to(bed, "2600::1", other_mac)));
	assert_true(bed_until(bed, leads_to(bed, "10.6.2.3", other_mac)));
	assert_prints(DIR, "ip neigh show dev wan0", "192.168.8.12");

	bed_run(DIR, "ip route add blackhole 10.1.0.0/16");
	bed_run(DIR, "ip route add prohibit 10.2.0.0/16");
	bed_run(DIR, "ip route add unreachable 10.3.0.0/16");
	bed_run(DIR, "ip route add 10.4.0.0/16 dev lo");
	bed_run(DIR, "ip route add 10.5.0.0/16 dev wan0");
	assert_true(bed_until(bed, kind_of(bed, "10.1.2.3") == SL_ROUTE_BLACKHOLE));
	assert_true(bed_until(bed, kind_of(bed, "10.2.2.3") == SL_ROUTE_PROHIBIT));
	assert_true(bed_until(bed, kind_of(bed, "10.3.2.3") == SL_ROUTE_NONE));
	assert_true(bed_until(bed, kind_of(bed, "10.4.2.3") == SL_ROUTE_LINUX));
	assert_true(bed_until(bed, kind_of(bed, "10.5.2.3") == SL_ROUTE_GLEAN));

	bed_run(DIR, "ip route del blackhole 10.1.0.0/16");
	bed_run(DIR, "ip route replace 10.2.0.0/16 via 192.168.8.12");
	assert_true(bed_until(bed, leads_to(bed, "10.1.2.3", other_mac)));
	assert_true(bed_until(bed, leads_to(bed, "10.2.2.3", other_mac)));
	bed_run(DIR, "ip link set wan0 down");
	assert_true(bed_until(bed, kind_of(bed, "10.2.2.3") == SL_ROUTE_NONE));
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.77") == SL_ROUTE_NONE));
	bed_run(DIR, "ip link set wan0 up");
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.77") == SL_ROUTE_GLEAN));
	/* keep_addr_on_down */
	assert_true(bed_until(bed, kind_of(bed, "2001:db8::77") == SL_ROUTE_GLEAN));
}

static void several_next_hops_share(void **state)
{
	struct bed *bed = *state;
	static const char *const commands[] = {
		"ip route add 10.0.0.0/8 nexthop via 192.168.8.12 nexthop via 192.168.8.13",
		"ip -6 route add 2001:db8:1::/48 nexthop via 2001:db8::12 nexthop via 2001:db8::13",
		"ip -6 route append 2001:db8:1::/48 via 2001:db8::14",
		"ip -6 route del 2001:db8:1::/48 via 2001:db8::13",
	};
	const struct sl_prefix v4 = {bed_addr("10.0.0.0"), 8};
	const struct sl_prefix v6 = {bed_addr("2001:db8:1::"), 48};
	struct sl_fib_via via = {0};

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_run(DIR, "ip addr add 2001:db8::11/64 dev wan0 nodad");
	bed_mirror_start(bed);
	assert_int_equal(bed_run(DIR, "%s", commands[0]), 0);
	assert_true(bed_until(bed, sl_fib_get(bed->engine.fib, &v4, &via) && via.n_hops == 2));
	assert_true(bed_until(bed, leads_to(bed, "10.1.2.3", other_mac)));
	assert_int_equal(bed_run(DIR, "%s", commands[1]), 0);
	assert_true(bed_until(bed, sl_fib_get(bed->engine.fib, &v6, &via) && via.n_hops == 2));
	assert_int_equal(bed_run(DIR, "%s", commands[2]), 0);
	assert_true(bed_until(bed, sl_fib_get(bed->engine.fib, &v6, &via) && via.n_hops == 3));
	assert_int_equal(bed_run(DIR, "%s", commands[3]), 0);
	assert_true(bed_until(bed, sl_fib_get(bed->engine.fib, &v6, &via) && via.n_hops == 2));
	assert_int_equal(bed_run(DIR, "ip -6 route del 2001:db8:1::/48"), 0);
	assert_true(bed_until(bed, !sl_fib_get(bed->engine.fib, &v6, &via)));
}

static void glean(struct bed *bed, const char *text)
{
	const struct sl_addr addr = bed_addr(text);
	struct sl_glean_message message = {
		.address = sl_ip_from_addr(&addr), .family = addr.family, .port = 0};

	rte_ring_sp_enqueue_elem(bed->worker->gleans, &message, sizeof(message));
}

static void what_workers_cannot_resolve_linux_does(void **state)
{
	struct bed *bed = *state;

	bed_run(OTHER, "ip addr add 2001:db8::12/64 dev wire0 nodad");
	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_run(DIR, "ip addr add 2001:db8::11/64 dev wan0 nodad");
	bed_mirror_start(bed);
	assert_true(bed_until(bed, kind_of(bed, "2001:db8::12") == SL_ROUTE_GLEAN));
	glean(bed, "192.168.8.12");
	glean(bed, "2001:db8::12");
	glean(bed, "192.168.8.99");
	glean(bed, "10.0.0.1"); /* on no link of ours: a message that came late */
	assert_true(bed_until(bed, leads_to(bed, "192.168.8.12", other_mac)));
	assert_true(bed_until(bed, leads_to(bed, "2001:db8::12", other_mac)));
	assert_int_equal(kind_of(bed, "192.168.8.99"), SL_ROUTE_GLEAN);
	assert_prints(DIR, "ip neigh show dev wan0", "192.168.8.99");
	assert_prints_not(DIR, "ip neigh show dev wan0", "10.0.0.1");
	/* Linux forgets it by itself. */
	assert_prints_not(DIR, "ip neigh show 192.168.8.12 dev wan0", "extern_learn");
	bed_run(DIR, "ip neigh del 192.168.8.12 dev wan0");
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.12") == SL_ROUTE_GLEAN));
}

static bool source_is(const struct bed *bed, uint8_t family, const char *text)
{
	const struct sl_addr addr = bed_addr(text);
	const union sl_ip want = sl_ip_from_addr(&addr);
	const union sl_ip *got = sl_local_set_source(bed->engine.local, 0, family);

	return got != NULL && sl_ip_equal(got, &want);
}

static bool has_local(const struct bed *bed, const char *text)
{
	const struct sl_addr addr = bed_addr(text);
	const union sl_ip ip = sl_ip_from_addr(&addr);

	return sl_local_set_has(bed->engine.local, addr.family, &ip);
}

static void addresses_of_both_families_are_local(void **state)
{
	struct bed *bed = *state;
	struct sl_kernel *kernel;
	struct sl_err err = {0};

	bed_run(OTHER, "ip addr add 2001:db8::12/64 dev wire0 nodad");
	bed_twin_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_address(bed, "2001:db8::11/64");
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	bed_vip(bed, "2001:db8::100", SL_VIP_MANAGED);
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_non_null(kernel);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_prints(DIR, "ip -6 addr show dev wan0", "2001:db8::100/128");
	assert_prints(DIR, "ip -6 addr show dev wan0", "nodad");
	bed_mirror_start(bed);
	bed_watch(bed, true, true, 3, "2001:db8::100");
	bed_watch(bed, true, false, 1, "2001:db8::12");
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	assert_true(bed_until(bed, bed->adjs[1] == reachable(other_mac)));
	assert_true(bed_until(bed, has_local(bed, "2001:db8::11")));
	assert_true(bed_until(bed, has_local(bed, "2001:db8::100")));
	/* What we send has our own address as its source, however many VIPs there are. */
	assert_true(bed_until(bed, source_is(bed, 4, "192.168.8.11")));
	assert_true(bed_until(bed, source_is(bed, 6, "2001:db8::11")));
	assert_prints(DIR, "ip route get 2001:db8::12", "src 2001:db8::11");
	assert_int_equal(bed_run(OTHER, "ping -c 1 -W 2 2001:db8::100"), 0);
	bed->conf.n_vips = 1;
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_true(bed_until(bed, bed->vip_local[3] == 0));
	assert_prints_not(DIR, "ip -6 addr show dev wan0", "2001:db8::100/128");
	sl_kernel_free(kernel);
}

/* A neighbour that knew the VIPs elsewhere hears where they are, and where they go. */
static void new_vips_and_macs_are_announced(void **state)
{
	struct bed *bed = *state;
	struct sl_kernel *kernel;
	struct sl_err err = {0};

	bed_run(OTHER, "ip addr add 2001:db8::12/64 dev wire0 nodad");
	bed_run(OTHER, "ip neigh add 192.168.8.100 lladdr 02:00:00:00:00:55 nud stale dev wire0");
	bed_run(OTHER, "ip neigh add 2001:db8::100 lladdr 02:00:00:00:00:55 nud stale dev wire0");
	bed_twin_start(bed);
	bed_mirror_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_address(bed, "2001:db8::11/64");
	bed_vip(bed, "192.168.8.100", SL_VIP_MANAGED);
	bed_vip(bed, "2001:db8::100", SL_VIP_MANAGED);
	kernel = sl_kernel_new(&bed->conf, &err);
	assert_int_equal(sl_kernel_apply(kernel, &bed->conf, &err), 0);
	assert_true(bed_until(
		bed, bed_prints(OTHER, "ip neigh show 192.168.8.100", "02:00:00:00:00:01")));
	assert_true(bed_until(
		bed, bed_prints(OTHER, "ip neigh show 2001:db8::100", "02:00:00:00:00:01")));
	bed_run(DIR, "ip link set wan0 address 02:00:00:00:00:09");
	assert_true(bed_until(
		bed, bed_prints(OTHER, "ip neigh show 192.168.8.100", "02:00:00:00:00:09")));
	assert_true(bed_until(
		bed, bed_prints(OTHER, "ip neigh show 2001:db8::100", "02:00:00:00:00:09")));
	assert_true(bed_until(bed, bed->macs[0][5] == 9));
	sl_kernel_free(kernel);
}

static uint64_t mtu(const struct bed *bed)
{
	return sl_read_word(&bed->engine.ports[0].mtu);
}

static void the_mtu_follows(void **state)
{
	struct bed *bed = *state;

	bed_twin_start(bed);
	bed_mirror_start(bed);
	assert_true(bed_until(bed, mtu(bed) == 1500));
	bed_run(DIR, "ip link set wan0 mtu 1400");
	assert_true(bed_until(bed, mtu(bed) == 1400));
	bed_run(DIR, "ip link set wan0 mtu 1600"); /* more than the device takes */
	assert_true(bed_until(bed, mtu(bed) == 1500));
	bed->port.mtu = 1300;
	assert_int_equal(sl_mirror_configure(bed->mirror, &bed->conf), 0);
	assert_int_equal(mtu(bed), 1300);
}

/* As keepalived does with use_vmac: the VIP is a host address on a macvlan over the twin. */
static void vips_on_a_macvlan_serve(void **state)
{
	struct bed *bed = *state;

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_vip(bed, "192.168.8.100", SL_VIP_EXTERNAL);
	bed_vip(bed, "2001:db8::100", SL_VIP_EXTERNAL);
	bed_mirror_start(bed);
	bed_watch(bed, true, true, 3, "192.168.8.100");
	bed_watch(bed, true, true, 4, "2001:db8::100");
	bed_run(DIR,
		"ip link add vrrp7 link wan0 address 00:00:5e:00:01:07 type macvlan "
		"mode private");
	bed_run(DIR, "ip link set vrrp7 up");
	assert_true(bed_until(bed, bed->n_macs == 2));
	assert_int_equal(bed->vip_local[3], 0);
	bed_run(DIR, "ip addr add 192.168.8.100/32 dev vrrp7");
	bed_run(DIR, "ip addr add 2001:db8::100/128 dev vrrp7 nodad preferred_lft 0");
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	assert_true(bed_until(bed, bed->vip_local[4] == 1));
	assert_true(bed_until(bed, kind_of(bed, "192.168.8.100") == SL_ROUTE_LINUX));
	/* Its address is never what we send from. */
	assert_true(bed_until(bed, source_is(bed, 4, "192.168.8.11")));
	assert_null(sl_local_set_source(bed->engine.local, 0, 6));
	bed_run(DIR, "ip addr del 192.168.8.100/32 dev vrrp7");
	assert_true(bed_until(bed, bed->vip_local[3] == 0));
	bed_run(DIR, "ip link del vrrp7");
	assert_true(bed_until(bed, bed->vip_local[4] == 0));
	assert_int_equal(bed->n_macs, 1);
}

/* With a receive buffer that holds nothing, most of what happens is lost: and yet known in the end.
 */
static void lost_notifications_are_made_up_for(void **state)
{
	struct bed *bed = *state;
	int size = 1;

	bed_twin_start(bed);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_mirror_start(bed);
	bed_watch(bed, true, true, 3, "192.168.8.100");
	bed_watch(bed, true, false, 1, "10.9.9.9");
	bed_loop(bed, 100);
	setsockopt(
		bed->mirror->spaces[0].space.rtnl.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	bed_run(DIR,
		"sh -c 'for i in $(seq 200); do echo route add 10.8.$i.0/24 dev wan0; done "
		"| ip -batch -'");
	bed_run(DIR, "ip addr add 192.168.8.100/32 dev wan0");
	bed_run(DIR, "ip route add 10.9.9.0/24 dev wan0");
	bed_loop(bed, 0);
	size = 1 << 20;
	setsockopt(
		bed->mirror->spaces[0].space.rtnl.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_true(bed_until(bed, bed->vip_local[3] == 1));
	assert_true(bed_until(bed, sl_adj_flags(bed->adjs[1]) & SL_ADJ_ON_LINK));
	assert_true(bed->mirror->spaces[0].space.routes.maps[SL_TABLE_MAIN].n >= 202);
}

static void reports_show_it(void **state)
{
	struct bed *bed = *state;
	struct sl_mirror_report *report;
	json_t *array, *twin, *entry;

	bed_twin_start(bed);
	bed_address(bed, "192.168.8.11/24");
	bed_vip(bed, "192.168.8.100", SL_VIP_EXTERNAL);
	bed_run(DIR, "ip addr add 192.168.8.11/24 dev wan0");
	bed_mirror_start(bed);
	bed_watch(bed, true, false, 1, "192.168.8.12");
	bed_watch(bed, true, true, 1, "192.168.8.100");
	assert_true(bed_until(bed, bed->adjs[1] == reachable(other_mac)));
	report = sl_mirror_report(bed->mirror);
	array = sl_mirror_report_neighbours(report);
	assert_int_equal(json_array_size(array), 1);
	entry = json_array_get(array, 0);
	assert_string_equal(json_string_value(json_object_get(entry, "address")), "192.168.8.12");
	assert_string_equal(json_string_value(json_object_get(entry, "mac")), "02:00:00:00:00:02");
	assert_string_equal(json_string_value(json_object_get(entry, "interface")), "wan0");
	assert_true(json_is_true(json_object_get(entry, "managed")));
	json_decref(array);
	twin = sl_mirror_report_twin(report, 0);
	assert_true(json_is_true(json_object_get(twin, "up")));
	assert_string_equal(json_string_value(json_object_get(twin, "netns")), DIR);
	assert_true(json_array_size(json_object_get(twin, "addresses")) >= 1);
	json_decref(twin);
	array = sl_mirror_report_vips(bed->mirror, &bed->conf);
	assert_true(json_is_false(json_object_get(json_array_get(array, 0), "local")));
	json_decref(array);
	sl_mirror_report_free(report);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_twin_is_set_up),
		TEST(a_twin_outlives_its_director),
		TEST(what_cannot_be_a_twin_is_refused),
		TEST(ping_and_arp_pass_through),
		TEST(rates_change_while_it_runs),
		TEST(addresses_follow_the_configuration),
		TEST(a_failed_apply_changes_nothing),
		TEST(servers_are_resolved_and_kept),
		TEST(routes_decide_what_is_on_link),
		TEST(a_vip_serves_while_it_is_local),
		TEST(what_drifts_is_reported),
		TEST(macvlan_addresses_are_accepted),
		TEST(vips_on_a_macvlan_serve),
		TEST(routes_reach_the_forwarding_table),
		TEST(several_next_hops_share),
		TEST(what_workers_cannot_resolve_linux_does),
		TEST(addresses_of_both_families_are_local),
		TEST(new_vips_and_macs_are_announced),
		TEST(the_mtu_follows),
		TEST(lost_notifications_are_made_up_for),
		TEST(reports_show_it),
	};

	if (geteuid() != 0 || access("/dev/net/tun", F_OK) != 0) {
		fprintf(stderr, "needs root and /dev/net/tun\n");
		return 77; /* skipped, as meson has it */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
