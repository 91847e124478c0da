/* SPDX-License-Identifier: BSD-3-Clause */
/* workers.get, ports.get, neighbours.get, vips.get: the machine below. */
#include "api/params.h"
#include "api/state.h"
#include "api/work_rates.h"
#include "lb/datagram.h"
#include "lb/publish.h"
#include "lb/side.h"

static json_t *share(uint64_t part, uint64_t whole)
{
	return json_real(whole == 0 ? 0.0 : (double)part / (double)whole);
}

/* What a worker did with the packets of each port. */
static json_t *worker_ports(const struct sl_call *call, const struct sl_worker *worker)
{
	const struct sl_conf *conf = call->director->conf;
	json_t *ports = json_array();

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		uint64_t balanced = sl_count_read(worker->stats.balanced[i]);
		uint64_t handed_over = sl_count_read(worker->stats.handed_over[i]);
		json_t *port = json_pack("{s:s}", "name", conf->ports[i].name);

		sl_json_count(port, "rx_packets", sl_count_read(worker->stats.rx_packets[i]));
		sl_json_count(port, "tx_packets", sl_count_read(worker->stats.tx_packets[i]));
		sl_json_count(port, "balanced", balanced);
		sl_json_count(port, "handed_over", handed_over);
		json_object_set_new(port, "handed_over_share", share(handed_over, balanced));
		json_array_append_new(ports, port);
	}
	return ports;
}

static json_t *table_json(struct sl_conn_table *table)
{
	const struct sl_conn_stats *stats = sl_conn_table_stats(table);
	json_t *object = json_object();

	sl_json_count(object, "entries", sl_count_read(stats->entries));
	sl_json_count(object, "capacity", sl_conn_slots(table));
	sl_json_count(object, "inserted", sl_count_read(stats->inserted));
	sl_json_count(object, "expired", sl_count_read(stats->expired));
	sl_json_count(object, "evicted_embryonic", sl_count_read(stats->evicted_embryonic));
	sl_json_count(object, "evicted_unproven", sl_count_read(stats->evicted_unproven));
	sl_json_count(object, "refused", sl_count_read(stats->refused));
	sl_json_count(object, "moved", sl_count_read(stats->moved));
	sl_json_count(object, "stash", sl_count_read(stats->stash));
	sl_json_count(object, "reaped", sl_count_read(stats->reaped));
	return object;
}

static json_t *sides_json(const struct sl_side_pool *pool)
{
	const struct sl_side_stats *stats = &pool->stats;
	json_t *object = json_object();

	sl_json_count(object, "entries", sl_count_read(stats->sides));
	sl_json_count(object, "capacity", pool->capacity);
	sl_json_count(object, "lingering", sl_count_read(stats->lingering));
	sl_json_count(object, "inserted", sl_count_read(stats->inserted));
	sl_json_count(object, "spilled", sl_count_read(stats->spilled));
	sl_json_count(object, "expired", sl_count_read(stats->expired));
	sl_json_count(object, "evicted", sl_count_read(stats->evicted));
	sl_json_count(object, "refused", sl_count_read(stats->refused));
	sl_json_count(object, "no_local_port", sl_count_read(stats->no_port));
	return object;
}

static json_t *fragments_json(const struct sl_datagrams *datagrams)
{
	struct sl_datagrams_count count = sl_datagrams_count(datagrams);
	json_t *object = json_object();

	sl_json_count(object, "datagrams", count.datagrams);
	sl_json_count(object, "capacity", SL_DATAGRAMS);
	sl_json_count(object, "waiting", count.waiting);
	sl_json_count(object, "waiting_capacity", SL_WAITING);
	return object;
}

static void put_worker(struct sl_call *call, json_t *row, unsigned index)
{
	const struct sl_worker *worker = call->director->engine->workers[index];
	struct sl_work_rate rate = sl_work_rates_of(call->director->work_rates, index);
	json_t *punted = json_object();

	json_object_set_new(row, "index", json_integer(index));
	json_object_set_new(row, "busy", json_real(rate.busy));
	json_object_set_new(row, "packets_per_burst", json_real(rate.packets_per_burst));
	json_object_set_new(row, "packets_per_s", json_real(rate.packets_per_s));
	sl_json_count(row, "polls", sl_count_read(worker->stats.polls));
	sl_json_count(row, "polls_idle", sl_count_read(worker->stats.polls_idle));
	sl_json_count(row, "sleeps", sl_count_read(worker->stats.sleeps));
	sl_json_count(row, "handover_received", sl_count_read(worker->stats.handover_received));
	sl_json_count(row, "icmp_sent", sl_count_read(worker->stats.icmp_sent));
	sl_json_count(row, "reused", sl_count_read(worker->stats.reused));
	sl_json_count(row, "toa_left_out", sl_count_read(worker->stats.toa_left_out));
	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++)
		sl_json_count(punted, sl_punt_infos[class].name,
			sl_count_read(worker->stats.punted[class]));
	json_object_set_new(row, "punted", punted);
	json_object_set_new(row, "connections", table_json(worker->narrow));
	json_object_set_new(row, "connections_wide", table_json(worker->wide));
	json_object_set_new(row, "connections_fullnat", sides_json(worker->sides));
	json_object_set_new(row, "fragments", fragments_json(worker->datagrams));
	if (json_object_set_new(row, "ports", worker_ports(call, worker)) < 0)
		call->no_memory = true;
}

static int workers_get(struct sl_call *call)
{
	const struct sl_host *host = call->director->host;
	json_t *rows = host->workers(host->arg), *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (i < call->director->engine->n_workers)
			put_worker(call, row, i);
	}
	sl_call_put(call, "workers", rows);
	return 0;
}

/* Adds what all workers counted on a port. */
static void put_port(const struct sl_engine *engine, json_t *row, unsigned index)
{
	uint64_t rx = 0, rx_bytes = 0, tx = 0, tx_bytes = 0, balanced = 0, handed_over = 0;

	for (unsigned i = 0; i < engine->n_workers; i++) {
		const struct sl_worker_stats *stats = &engine->workers[i]->stats;

		rx += sl_count_read(stats->rx_packets[index]);
		rx_bytes += sl_count_read(stats->rx_bytes[index]);
		tx += sl_count_read(stats->tx_packets[index]);
		tx_bytes += sl_count_read(stats->tx_bytes[index]);
		balanced += sl_count_read(stats->balanced[index]);
		handed_over += sl_count_read(stats->handed_over[index]);
	}
	sl_json_count(row, "rx_packets", rx);
	sl_json_count(row, "rx_bytes", rx_bytes);
	sl_json_count(row, "tx_packets", tx);
	sl_json_count(row, "tx_bytes", tx_bytes);
	sl_json_count(row, "balanced", balanced);
	sl_json_count(row, "handed_over", handed_over);
	json_object_set_new(row, "handed_over_share", share(handed_over, balanced));
}

static int ports_get(struct sl_call *call)
{
	const struct sl_host *host = call->director->host;
	json_t *rows = host->ports(host->arg), *row, *twins, *routes;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (i < SL_PORTS_MAX)
			put_port(call->director->engine, row, i);
	}
	sl_call_put(call, "ports", rows);
	twins = host->twins != NULL ? host->twins(host->arg) : NULL;
	if (twins != NULL)
		sl_call_put(call, "twins", twins);
	routes = host->routes != NULL ? host->routes(host->arg) : NULL;
	if (routes != NULL)
		sl_call_put(call, "routes", routes);
	return 0;
}

static int neighbours_get(struct sl_call *call)
{
	const struct sl_host *host = call->director->host;

	return sl_page_array(call, "neighbours", host->neighbours(host->arg));
}

static int vips_get(struct sl_call *call)
{
	const struct sl_host *host = call->director->host;

	return sl_page_array(call, "vips", host->vips(host->arg));
}

const struct sl_method sl_methods_system[] = {
	{
		.name = "workers.get",
		.params = "",
		.result = "workers: [{index, core, busy, packets_per_burst, packets_per_s, polls, "
			  "polls_idle, sleeps, connections, connections_wide, "
			  "connections_fullnat, fragments: {datagrams, capacity, waiting, "
			  "waiting_capacity}, punted, ports: [{name, rx_packets, tx_packets, "
			  "balanced, handed_over, "
			  "handed_over_share}], ...}]",
		.handler = workers_get,
		.help = "Shows what each worker does: how busy it is, its tables, rings and "
			"buffers, and the share of each port's packets that it hands to others.",
	},
	{
		.name = "ports.get",
		.params = "",
		.result =
			"ports: [{name, device, rx_packets, rx_bytes, tx_packets, tx_bytes, "
			"balanced, handed_over, handed_over_share, ...}], twins: {to_linux: "
			"{CLASS: packets}, to_linux_bytes, from_linux, from_linux_bytes, sleeps}, "
			"routes: {ipv4, ipv6, max, refused, gateways}",
		.handler = ports_get,
		.help = "Shows the ports: device, link, addresses, packets, what all of them "
			"exchanged with Linux, and how many of its routes they forward by.",
	},
	{
		.name = "neighbours.get",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE),
		.result = "neighbours: [{address, mac, state, ...}], cursor while there is more",
		.handler = neighbours_get,
		.help = "Shows the next hops towards the real servers.",
	},
	{
		.name = "vips.get",
		.params = SL_SCHEMA(SL_SCHEMA_PAGE),
		.result = "vips: [{address, mode, port, local}], cursor while there is more",
		.handler = vips_get,
		.help = "Shows the virtual addresses, and which of them are on this box now.",
	},
	{.name = NULL},
};
