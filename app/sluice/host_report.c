/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_report.h"

#include "api/rpc.h"
#include "app.h"
#include "lb/publish.h"
#include "lb/punt.h"
#include "net/addr.h"

struct mirror_request {
	struct sl_mirror *mirror;
	struct sl_mirror_report *report;
};

static int copy_mirror(void *arg)
{
	struct mirror_request *request = arg;

	request->report = sl_mirror_report(request->mirror);
	return 0;
}

/* A copy of what the control core knows about Linux; the JSON is made here, off that core. */
static struct sl_mirror_report *mirror_report(struct sl_app *app)
{
	struct mirror_request request = {.mirror = app->mirror};

	sl_control_call(app->control, copy_mirror, &request);
	return request.report;
}

struct link_request {
	uint16_t ethdev;
	struct rte_eth_link link;
	struct rte_eth_stats stats;
};

static int read_device(void *arg)
{
	struct link_request *request = arg;

	rte_eth_link_get_nowait(request->ethdev, &request->link);
	return rte_eth_stats_get(request->ethdev, &request->stats);
}

static json_t *port_report(
	struct sl_app *app, const struct sl_port_dev *dev, const struct sl_mirror_report *mirror)
{
	struct link_request request = {.ethdev = dev->ethdev};
	char mac[18];
	json_t *report;

	sl_control_call(app->control, read_device, &request);
	report = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:I, s:i, s:i, s:b, s:b, s:I, s:I, "
			   "s:I, s:I, s:o}",
		"name", dev->name, "device", app->conf->ports[sl_port_device(dev)->index].device,
		"driver", dev->info.driver_name, "mac", sl_mac_format(dev->mac, mac), "mtu",
		dev->mtu, "node", dev->numa, "link", request.link.link_status == RTE_ETH_LINK_UP,
		"speed_mbps",
		(json_int_t)(request.link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN
				? 0
				: request.link.link_speed),
		"rx_queues", dev->n_rxq, "tx_queues", dev->n_txq, "rss", dev->rss, "promiscuous",
		dev->promiscuous, "rx_missed", (json_int_t)request.stats.imissed, "rx_errors",
		(json_int_t)request.stats.ierrors, "rx_no_buffer",
		(json_int_t)request.stats.rx_nombuf, "tx_errors", (json_int_t)request.stats.oerrors,
		"twin", sl_mirror_report_twin(mirror, dev->index));
	if (dev->parent != NULL && report != NULL) {
		json_object_set_new(report, "parent", json_string(dev->parent->name));
		json_object_set_new(report, "vlan", json_integer(dev->vlan));
	}
	return report;
}

json_t *sl_host_ports(void *arg)
{
	struct sl_app *app = arg;
	struct sl_mirror_report *mirror = mirror_report(app);
	json_t *list = mirror != NULL ? json_array() : NULL;

	for (unsigned i = 0; list != NULL && i < app->ports.n; i++) {
		if (json_array_append_new(list, port_report(app, &app->ports.dev[i], mirror)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	sl_mirror_report_free(mirror);
	return list;
}

json_t *sl_host_neighbours(void *arg)
{
	struct sl_mirror_report *mirror = mirror_report(arg);
	json_t *list = mirror != NULL ? sl_mirror_report_neighbours(mirror) : NULL;

	sl_mirror_report_free(mirror);
	return list;
}

json_t *sl_host_vips(void *arg)
{
	struct sl_app *app = arg;

	return sl_mirror_report_vips(app->mirror, sl_director_conf(app->director));
}

static json_t *ring_report(const struct rte_ring *ring)
{
	return json_pack("{s:i, s:i}", "used", ring != NULL ? (int)rte_ring_count(ring) : 0, "size",
		ring != NULL ? (int)rte_ring_get_capacity(ring) : 0);
}

/* The fullest ring through which others hand packets over to this worker. */
static json_t *handover_report(const struct sl_worker *w)
{
	const struct rte_ring *fullest = NULL;

	for (unsigned i = 0; i < w->engine->n_workers; i++) {
		const struct rte_ring *ring = w->handover_in[i];

		if (ring != NULL &&
			(fullest == NULL || rte_ring_count(ring) > rte_ring_count(fullest)))
			fullest = ring;
	}
	return ring_report(fullest);
}

static json_t *punt_report(const struct sl_worker *w)
{
	json_t *rings = json_object();

	for (unsigned i = 0; i < SL_PUNT_COUNT; i++)
		json_object_set_new(rings, sl_punt_infos[i].name, ring_report(w->punt[i]));
	return rings;
}

/* The pools from which this worker's receive queues are filled: those of its ports' nodes. */
static json_t *pools_report(const struct sl_app *app)
{
	json_t *pools = json_array();

	for (unsigned i = 0; i < app->ports.n; i++) {
		struct rte_mempool *pool = app->ports.dev[i].pool;
		bool seen = false;

		for (unsigned k = 0; k < i; k++)
			seen |= app->ports.dev[k].pool == pool;
		if (!seen)
			json_array_append_new(pools,
				json_pack("{s:s, s:i, s:i, s:i}", "name", pool->name, "node",
					app->ports.dev[i].numa, "size", (int)pool->size,
					"available", (int)rte_mempool_avail_count(pool)));
	}
	return pools;
}

json_t *sl_host_workers(void *arg)
{
	struct sl_app *app = arg;
	json_t *list = json_array();

	for (unsigned i = 0; list != NULL && i < app->engine->n_workers; i++) {
		const struct sl_worker *w = app->engine->workers[i];
		json_t *report = json_pack("{s:i, s:i, s:i, s:s, s:o, s:o, s:o}", "worker", i,
			"core", app->placement.worker[i], "node", app->placement.node[i], "poll",
			app->loops[i]->adaptive ? "adaptive" : "busy", "handover_ring",
			handover_report(w), "punt_rings", punt_report(w), "pools",
			pools_report(app));

		if (json_array_append_new(list, report) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *sl_host_twins(void *arg)
{
	const struct sl_app *app = arg;
	const struct sl_twin_stats *stats;
	json_t *report, *classes;

	if (app->twin == NULL)
		return NULL;
	stats = sl_twin_stats(app->twin);
	report = json_object();
	classes = json_object();
	for (unsigned i = 0; i < SL_PUNT_COUNT; i++)
		sl_json_count(classes, sl_punt_infos[i].name, sl_count_read(stats->to_linux[i]));
	json_object_set_new(report, "to_linux", classes);
	sl_json_count(report, "to_linux_bytes", sl_count_read(stats->to_linux_bytes));
	sl_json_count(report, "from_linux", sl_count_read(stats->from_linux));
	sl_json_count(report, "from_linux_bytes", sl_count_read(stats->from_linux_bytes));
	sl_json_count(report, "sleeps", sl_count_read(stats->sleeps));
	return report;
}

json_t *sl_host_routes(void *arg)
{
	struct sl_app *app = arg;
	struct sl_mirror_report *report = mirror_report(app);
	json_t *routes = report != NULL ? sl_mirror_report_routes(report) : NULL;

	sl_mirror_report_free(report);
	return routes;
}
