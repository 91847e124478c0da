/* SPDX-License-Identifier: BSD-3-Clause */
#include "duties.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "base/log.h"
#include "host.h"
#include "notify.h"
#include "port_mac.h"

#define LOADS_MS      100
#define LOADS_SERVERS 2048 /* at a time: well below a millisecond */
#define LINK_MS       200
#define ANCHOR_MS     1000

static void exchange_loads(void *arg)
{
	struct sl_app *app = arg;

	if (app->engine->n_workers > 1)
		sl_engine_exchange_loads(app->engine, LOADS_SERVERS);
}

static void poll_links(void *arg)
{
	struct sl_app *app = arg;

	for (unsigned i = 0; i < app->ports.n; i++) {
		struct sl_port_dev *dev = &app->ports.dev[i];

		if (!sl_port_poll_link(dev))
			continue;
		sl_log_notice("port %s: link %s", dev->name, dev->link_up ? "up" : "down");
		if (app->twin != NULL && app->conf->ports[i].twin)
			sl_twin_set_carrier(app->twin, (uint16_t)i, dev->link_up);
		sl_duties_event(app, "link",
			json_pack("{s:s, s:b}", "port", dev->name, "up", dev->link_up));
	}
}

static void anchor(void *arg)
{
	struct sl_app *app = arg;

	sl_tsc_anchor(&app->tsc, rte_rdtsc(), sl_clock_ns(&sl_clock_system));
}

static void alive(void *arg)
{
	(void)arg;
	sl_notify_alive();
}

static void stop(void *arg)
{
	struct sl_app *app = arg;

	sl_log_notice("stopping");
	sl_control_stop(app->control);
}

static void log_refusal(const char *file, const struct sl_err *err)
{
	char position[32] = "";

	if (err->line > 0)
		snprintf(position, sizeof(position), ":%u:%u", err->line, err->column);
	sl_log_error("not applied: %s%s: %s%s%s", file, position, err->path,
		err->path[0] != '\0' ? ": " : "", err->message);
}

static void reload(void *arg)
{
	struct sl_app *app = arg;
	struct sl_err err = {0};

	sl_notify_reloading();
	if (sl_director_reload(app->director, &err) < 0)
		log_refusal(app->options.config, &err);
	else
		sl_log_notice("%s: applied", app->options.config);
	sl_notify_ready();
}

static void ask_reload(void *arg)
{
	struct sl_app *app = arg;

	if (sl_executor_call(app->executor, reload, app) < 0)
		sl_log_error("no memory to reload");
}

struct happening {
	struct sl_app *app;
	const char *event_class; /* a literal */
	json_t *details;
};

static void pass_event(void *arg)
{
	struct happening *happening = arg;

	sl_director_event(happening->app->director, happening->event_class, happening->details);
	free(happening);
}

void sl_duties_event(void *arg, const char *event_class, json_t *details)
{
	struct sl_app *app = arg;
	struct happening *happening = malloc(sizeof(*happening));

	if (happening == NULL)
		goto lost;
	*happening = (struct happening){.app = app, .event_class = event_class, .details = details};
	if (sl_executor_call(app->executor, pass_event, happening) == 0)
		return;
	free(happening);
lost:
	sl_log_error("no memory for an event of class %s", event_class);
	json_decref(details);
}

void sl_duties_macs(void *arg, uint16_t port, const uint8_t (*macs)[6], unsigned n)
{
	struct sl_app *app = arg;

	sl_port_set_macs(&app->ports, port, app->engine, macs, n);
}

static void apply_again(void *arg)
{
	struct sl_app *app = arg;
	const struct sl_conf *conf = sl_director_conf(app->director);
	struct sl_err err = {0};

	if (conf != NULL && sl_kernel_apply(app->kernel, conf, &err) < 0)
		sl_log_error("cannot put back what Linux lost: %s", err.message);
}

void sl_duties_drifted(void *arg)
{
	struct sl_app *app = arg;

	if (sl_executor_call(app->executor, apply_again, app) < 0)
		sl_log_error("no memory to put back what Linux lost");
}

void sl_duties_tick(void *arg)
{
	struct sl_app *app = arg;

	sl_director_tick(app->director);
	sl_host_pass_watches(app);
}

int sl_duties_start(struct sl_app *app, struct sl_err *err)
{
	uint64_t watchdog_us = sl_notify_watchdog_us();
	struct sl_control *c = app->control;

	if (sl_control_every(c, LOADS_MS, exchange_loads, app) < 0 ||
		sl_control_every(c, LINK_MS, poll_links, app) < 0 ||
		sl_control_every(c, ANCHOR_MS, anchor, app) < 0 ||
		(watchdog_us > 0 &&
			sl_control_every(c, (unsigned)(watchdog_us / 3000), alive, app) < 0) ||
		sl_control_on_signal(c, SIGTERM, stop, app) < 0 ||
		sl_control_on_signal(c, SIGINT, stop, app) < 0 ||
		sl_control_on_signal(c, SIGHUP, ask_reload, app) < 0)
		return sl_err_set(err, ENOMEM, NULL, "no memory for the control loop's timers");
	return 0;
}
