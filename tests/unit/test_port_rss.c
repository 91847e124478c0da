/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "net/toeplitz.h"
#include "port_rss.h"

static struct rte_eth_dev_info capable(void)
{
	return (struct rte_eth_dev_info){.max_rx_queues = 16,
		.hash_key_size = 40,
		.reta_size = 128,
		.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP};
}

static void devices_that_cannot_are_left_alone(void **state)
{
	struct rte_eth_dev_info info = capable();

	(void)state;
	assert_true(sl_port_rss_able(&info));
	info.hash_key_size = 10;
	assert_false(sl_port_rss_able(&info));
	info = capable();
	info.hash_key_size = SL_TOEPLITZ_KEY + 1;
	assert_false(sl_port_rss_able(&info));
	info = capable();
	info.reta_size = 0;
	assert_false(sl_port_rss_able(&info));
	info.reta_size = 96;
	assert_false(sl_port_rss_able(&info));
	info = capable();
	info.flow_type_rss_offloads = RTE_ETH_RSS_IPV4;
	assert_false(sl_port_rss_able(&info));
	info = capable();
	info.max_rx_queues = 1;
	assert_false(sl_port_rss_able(&info));
}

static void only_what_the_device_knows_is_asked_for(void **state)
{
	struct rte_eth_dev_info info = capable();

	(void)state;
	info.flow_type_rss_offloads |= RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_L2_PAYLOAD;
	assert_int_equal(sl_port_rss_types(&info),
		RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6);
}

/*
 * What a NIC does (hash of the tuple, low bits, redirection table, queue) leads to the worker that
 * software calls the owner, whatever the destination and the size of the device's table.
 */
static void the_nic_delivers_to_the_owner(void **state)
{
	static struct sl_engine engine = {.n_workers = 6, .owner_mask = 127};
	static const uint32_t tables[] = {128, 512, 2048};
	struct sl_rand rand;

	(void)state;
	sl_rand_seed(&rand, 7);
	sl_toeplitz_init(&engine.toeplitz, &rand);
	for (int i = 0; i < 3000; i++) {
		uint8_t tuple[12];
		union sl_ip client = {.words = {0, 0}};
		rte_be16_t port;
		uint32_t hash, size = tables[i % 3];

		for (unsigned k = 0; k < sizeof(tuple); k++)
			tuple[k] = (uint8_t)sl_rand_u64(&rand);
		memcpy(&client, tuple, 4);
		memcpy(&port, tuple + 8, 2);
		hash = sl_toeplitz_hash(engine.toeplitz.key, tuple, sizeof(tuple));
		assert_int_equal(sl_port_rss_queue(
					 hash & (size - 1), engine.owner_mask, engine.n_workers, 6),
			sl_engine_owner(&engine, 4, &client, port));
	}
}

/* On the servers' side the destination is the client, whatever server the reply is from. */
static void a_reply_comes_to_the_same_worker(void **state)
{
	static struct sl_engine engine = {.n_workers = 5, .owner_mask = 511};
	uint8_t key[SL_TOEPLITZ_KEY];
	struct sl_rand rand;

	(void)state;
	sl_rand_seed(&rand, 8);
	sl_toeplitz_init(&engine.toeplitz, &rand);
	sl_port_rss_key(&engine, true, key);
	for (int i = 0; i < 3000; i++) {
		union sl_ip client = {.words = {0, 0}};
		rte_be16_t port;
		uint8_t tuple[12]; /* server, client, their ports */
		uint32_t hash;

		for (unsigned k = 0; k < sizeof(tuple); k++)
			tuple[k] = (uint8_t)sl_rand_u64(&rand);
		memcpy(&client, tuple + 4, 4);
		memcpy(&port, tuple + 10, 2);
		hash = sl_toeplitz_hash(key, tuple, sizeof(tuple));
		assert_int_equal(
			sl_port_rss_queue(hash & 511, engine.owner_mask, engine.n_workers, 5),
			sl_engine_owner(&engine, 4, &client, port));
	}
	sl_port_rss_key(&engine, false, key);
	assert_memory_equal(key, engine.toeplitz.key, sizeof(key));
}

/* Gateways without a VIP; what a VLAN is, its parent's device is. */
static void a_gateway_without_vips_faces_servers(void **state)
{
	struct sl_conf_port ports[] = {
		{.name = "wan0", .parent = SL_CONF_NO_PORT, .transit = SL_TRANSIT_LINUX},
		{.name = "lan0", .parent = SL_CONF_NO_PORT, .transit = SL_TRANSIT_DROP},
		{.name = "web", .parent = 1, .vlan = 5, .transit = SL_TRANSIT_FAST},
	};
	struct sl_conf_vip vip = {.port = 0};
	const struct sl_conf conf = {.ports = ports, .n_ports = 3, .vips = &vip, .n_vips = 1};

	(void)state;
	assert_false(sl_port_rss_faces_servers(&conf, 0));
	assert_true(sl_port_rss_faces_servers(&conf, 1));
	vip.port = 2;
	assert_false(sl_port_rss_faces_servers(&conf, 1));
	vip.port = 0;
	ports[2].transit = SL_TRANSIT_MASQUERADE;
	assert_true(sl_port_rss_faces_servers(&conf, 1));
	ports[2].transit = SL_TRANSIT_LINUX;
	assert_false(sl_port_rss_faces_servers(&conf, 1));
	ports[0].transit = SL_TRANSIT_FAST; /* one arm: the clients' packets are there, too */
	assert_false(sl_port_rss_faces_servers(&conf, 0));
}

/* Replies of servers for NAT come in where the servers are. */
static void a_port_with_nat_servers_faces_servers(void **state)
{
	struct sl_prefix networks[] = {
		{.addr = {.family = 4, .bytes = {203, 0, 113, 2}}, .length = 24},
		{.addr = {.family = 4, .bytes = {10, 0, 0, 2}}, .length = 16},
	};
	struct sl_conf_port ports[] = {
		{.name = "wan0",
			.parent = SL_CONF_NO_PORT,
			.addresses = &networks[0],
			.n_addresses = 1},
		{.name = "lan0",
			.parent = SL_CONF_NO_PORT,
			.addresses = &networks[1],
			.n_addresses = 1},
	};
	struct sl_conf_service *service = sl_conf_service_new(1);
	const struct sl_conf conf = {
		.ports = ports, .n_ports = 2, .services = &service, .n_services = 1};

	(void)state;
	assert_non_null(service);
	service->servers[0].address = (struct sl_addr){.family = 4, .bytes = {10, 0, 1, 1}};
	service->servers[0].fwd = SL_FWD_NAT;
	assert_false(sl_port_rss_faces_servers(&conf, 0));
	assert_true(sl_port_rss_faces_servers(&conf, 1));
	service->servers[0].fwd = SL_FWD_DR;
	assert_false(sl_port_rss_faces_servers(&conf, 1));
	sl_conf_service_unref(service);
}

static void too_few_queues_are_all_used(void **state)
{
	unsigned hits[2] = {0};

	(void)state;
	for (uint32_t i = 0; i < 128; i++) {
		uint16_t queue = sl_port_rss_queue(i, 127, 4, 2);

		assert_in_range(queue, 0, 1);
		hits[queue]++;
	}
	assert_int_equal(hits[0], 64);
	assert_int_equal(hits[1], 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_that_cannot_are_left_alone),
		cmocka_unit_test(only_what_the_device_knows_is_asked_for),
		cmocka_unit_test(the_nic_delivers_to_the_owner),
		cmocka_unit_test(a_reply_comes_to_the_same_worker),
		cmocka_unit_test(a_gateway_without_vips_faces_servers),
		cmocka_unit_test(a_port_with_nat_servers_faces_servers),
		cmocka_unit_test(too_few_queues_are_all_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
