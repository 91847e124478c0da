/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "host_report.h"
#include "lb/fwd.h"
#include "lb/publish.h"

#define WATCHES 256 /* handed to the control core at a time: a callback stays short */

#define RECLAIM_MS 10

/* Frees old generations as the workers let go of them; comes back while some are left. */
static void reclaim(void *arg)
{
	struct sl_app *app = arg;

	app->reclaiming = sl_engine_reclaim(app->engine) > 0 &&
		sl_control_after(app->control, RECLAIM_MS, reclaim, app) == 0;
}

struct publication {
	struct sl_app *app;
	struct sl_snapshot *snapshot; /* NULL: only asks */
	unsigned late;
};

static int publish_now(void *arg)
{
	struct publication *publication = arg;
	struct sl_app *app = publication->app;
	int rc;

	if (publication->snapshot == NULL)
		return sl_engine_can_publish(app->engine, &publication->late) ? 0 : -EBUSY;
	rc = sl_engine_publish(app->engine, publication->snapshot, &publication->late);
	if (!app->reclaiming)
		reclaim(app);
	return rc;
}

static int publication_run(struct sl_app *app, struct sl_snapshot *snapshot, struct sl_err *err)
{
	struct publication publication = {.app = app, .snapshot = snapshot};
	int rc = sl_control_call(app->control, publish_now, &publication);

	if (rc == -EBUSY) {
		sl_err_set(err, EBUSY, NULL, "worker %u has not taken up the last %d changes yet",
			publication.late, SL_GENERATIONS_MAX);
		sl_err_hint(err, "try again in a moment; if it stays so, that worker is stuck");
	}
	return rc;
}

struct watches {
	struct sl_mirror *mirror;
	struct sl_watch list[WATCHES];
	unsigned n;
};

static int watch_now(void *arg)
{
	const struct watches *watches = arg;

	return sl_mirror_watch(watches->mirror, watches->list, watches->n);
}

void sl_host_pass_watches(struct sl_app *app)
{
	struct watches watches = {.mirror = app->mirror};
	struct sl_registry *registry = sl_engine_registry(app->engine);

	while ((watches.n = sl_registry_watches(registry, watches.list, WATCHES)) > 0) {
		if (sl_control_call(app->control, watch_now, &watches) < 0)
			sl_log_error("no memory to watch the neighbours of servers");
	}
}

static int host_publish(void *arg, struct sl_snapshot *snapshot, struct sl_err *err)
{
	struct sl_app *app = arg;
	int rc = publication_run(app, snapshot, err);

	if (rc == 0)
		sl_host_pass_watches(app);
	return rc;
}

static int host_can_publish(void *arg, struct sl_err *err)
{
	return publication_run(arg, NULL, err);
}

struct port_change {
	struct sl_app *app;
	const struct sl_conf *to;
	struct sl_err *err;
};

/* MTUs of the devices: all, or those that were changed get theirs back. */
static int set_mtus(struct sl_app *app, const struct sl_conf *to, struct sl_err *err)
{
	uint16_t before[SL_PORTS_MAX];
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < app->ports.n; i++) {
		before[i] = app->ports.dev[i].mtu;
		rc = sl_port_set_mtu(&app->ports.dev[i], to->ports[i].mtu, err);
	}
	if (rc == 0)
		return 0;
	while (i-- > 0)
		sl_port_set_mtu(&app->ports.dev[i], before[i], NULL);
	return rc;
}

static int set_mtus_now(void *arg)
{
	const struct port_change *change = arg;

	return set_mtus(change->app, change->to, change->err);
}

/* What cannot fail. Control core. */
static int settle_now(void *arg)
{
	const struct port_change *change = arg;
	struct sl_app *app = change->app;
	const struct sl_conf *to = change->to;
	uint64_t rate = to->icmp_rate > 0 ? to->icmp_rate : 1;

	for (unsigned i = 0; i < app->ports.n; i++) {
		sl_publish_flag(&app->engine->ports[i].transit, (uint8_t)to->ports[i].transit);
		sl_publish_word(&app->engine->ports[i].mtu, to->ports[i].mtu);
	}
	/* Each worker has an equal share of the box's rate. */
	sl_publish_word(
		&app->engine->icmp_interval_ns, SL_NS_PER_S * app->engine->n_workers / rate);
	for (unsigned i = 0; app->twin != NULL && i < app->ports.n; i++)
		sl_twin_set_mtu(app->twin, (uint16_t)i, to->ports[i].mtu);
	if (app->twin != NULL)
		sl_twin_set_rates(app->twin, to->punt_rates);
	sl_log_set_level(to->log_level);
	return 0;
}

struct mirror_change {
	struct sl_mirror *mirror;
	const struct sl_conf *to;
};

static int configure_mirror_now(void *arg)
{
	const struct mirror_change *change = arg;

	return sl_mirror_configure(change->mirror, change->to);
}

static int host_system_apply(
	void *arg, const struct sl_conf *from, const struct sl_conf *to, struct sl_err *err)
{
	struct sl_app *app = arg;
	struct port_change change = {.app = app, .to = to, .err = err};
	struct mirror_change mirror = {.mirror = app->mirror, .to = to};
	int rc = sl_control_call(app->control, set_mtus_now, &change);

	if (rc < 0)
		return rc;
	rc = sl_kernel_apply(app->kernel, to, err);
	if (rc < 0)
		goto restore_mtus;
	rc = sl_control_call(app->control, configure_mirror_now, &mirror);
	if (rc < 0) {
		sl_err_set(err, -rc, NULL, "no memory to follow Linux");
		goto restore_kernel;
	}
	sl_control_call(app->control, settle_now, &change);
	return 0;

restore_kernel:
	if (from != NULL)
		sl_kernel_apply(app->kernel, from, NULL);
restore_mtus:
	change = (struct port_change){.app = app, .to = from};
	if (from != NULL)
		sl_control_call(app->control, set_mtus_now, &change);
	return rc;
}

static const char *
host_reachability(void *arg, const struct sl_addr *server, enum sl_fwd_method fwd)
{
	struct sl_app *app = arg;
	const char *text = sl_mirror_reachability(
		app->mirror, server, (sl_fwds[fwd]->traits & SL_FWD_NEEDS_LINK) != 0);

	return text != NULL ? text : "unresolved";
}

static void host_drops(void *arg, uint64_t counts[SL_DROP_COUNT])
{
	const struct sl_app *app = arg;
	const struct sl_twin_stats *stats;

	if (app->twin == NULL)
		return;
	stats = sl_twin_stats(app->twin);
	for (unsigned i = 0; i < SL_DROP_COUNT; i++)
		counts[i] += sl_count_read(stats->drops[i]);
}

void sl_host_init(struct sl_app *app)
{
	app->host = (struct sl_host){
		.arg = app,
		.publish = host_publish,
		.can_publish = host_can_publish,
		.system_apply = host_system_apply,
		.ports = sl_host_ports,
		.neighbours = sl_host_neighbours,
		.workers = sl_host_workers,
		.twins = sl_host_twins,
		.routes = sl_host_routes,
		.vips = sl_host_vips,
		.reachability = host_reachability,
		.drops = host_drops,
	};
}
