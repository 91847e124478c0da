/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The director's start: one rung of the ladder after the other, and down again in the reverse
 * order, from wherever it got to.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "app.h"
#include "base/log.h"
#include "base/rand.h"
#include "conf/load.h"
#include "duties.h"
#include "eal.h"
#include "host.h"
#include "notify.h"
#include "preflight.h"
#include "purge.h"

#define EXIT_UNREADABLE 1 /* --check: no such file, not JSON */
#define EXIT_WRONG      2 /* --check: JSON, but no configuration */

/*
 * The control loop takes these, once everything runs and on this thread alone: others are made
 * while they are blocked. One that comes earlier waits.
 */
static void mask_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

/*
 * net_tap tells of packets by a real-time signal to the process: it must not interrupt the system
 * calls of the threads that are made from here on. The workers have been made and take it.
 */
static void leave_driver_signals_to_workers(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		sigaddset(&set, number);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int up_instance(struct sl_app *app, struct sl_err *err)
{
	return sl_instance_acquire(&app->instance, SL_LOCK_DIRECTORY, app->conf->instance,
		app->conf->run_directory, err);
}

static void down_instance(struct sl_app *app)
{
	sl_instance_release(&app->instance);
}

/* Decides cores and memory, and looks whether all that the rest needs is there. */
static int up_plan(struct sl_app *app, struct sl_err *err)
{
	static struct sl_problems problems;
	static struct sl_cpus cpus;
	const struct sl_preflight preflight = {
		.conf = app->conf,
		.cpus = &cpus,
		.root = "",
		.plugins = RTE_EAL_PMD_PATH,
		.interface_kind = sl_preflight_interface_kind,
	};
	int node = sl_ports_node("", app->conf);

	sl_cpus_read("", &cpus);
	sl_preflight_run(&preflight, &problems);
	sl_memory_plan(app->conf, "", &app->memory, &problems);
	if (problems.n > 0) {
		sl_problems_print(&problems, stderr);
		return sl_err_set(err, ECANCELED, NULL, "not started");
	}
	sl_placement_choose(app->conf, &cpus, node, &app->placement);
	sl_placement_log(app->conf, &app->placement, node);
	sl_memory_log(app->conf, &app->memory);
	return 0;
}

static int up_eal(struct sl_app *app, struct sl_err *err)
{
	int rc = sl_eal_start(app->conf, &app->placement, &app->memory, err);

	if (rc < 0)
		return rc;
	leave_driver_signals_to_workers();
	sl_tsc_init(&app->tsc, rte_get_tsc_hz());
	sl_tsc_anchor(&app->tsc, rte_rdtsc(), sl_clock_ns(&sl_clock_system));
	return 0;
}

static void down_eal(struct sl_app *app)
{
	sl_eal_stop(app->conf, &app->memory);
}

static int up_devices(struct sl_app *app, struct sl_err *err)
{
	int rc = sl_ports_probe(&app->ports, app->conf, err);

	if (rc < 0)
		sl_ports_close(&app->ports);
	return rc;
}

static void down_devices(struct sl_app *app)
{
	sl_ports_close(&app->ports);
}

static int up_engine(struct sl_app *app, struct sl_err *err)
{
	struct sl_engine_params params = {
		.n_workers = app->conf->n_workers,
		.connections = app->memory.connections,
		.connections_wide = app->memory.connections_wide,
		.sides = app->memory.sides,
		.routes = app->conf->max_routes,
		.fronts = app->conf->max_services,
		.servers = app->conf->max_servers,
		.handover_ring = SL_HANDOVER_RING,
		.punt_ring = SL_PUNT_RING,
		.icmp_rate = app->conf->icmp_rate,
		.alloc = &sl_alloc_eal,
		.clock = &sl_clock_system,
		.owner_mask = sl_ports_owner_mask(&app->ports),
	};
	int rc = sl_store_open(app->memory.store, app->memory.page, &app->store, err);

	if (rc < 0)
		return rc;
	params.store = app->store;
	memcpy(params.numa, app->placement.node, sizeof(params.numa));
	rc = sl_rand_secret(params.seed, sizeof(params.seed));
	if (rc == 0)
		app->engine = sl_engine_new(&params, err);
	if (app->engine == NULL) {
		sl_store_close(app->store);
		return sl_err_set(err, rc < 0 ? -rc : ENOMEM, NULL, "cannot make the engine");
	}
	if (app->engine->adopted)
		sl_log_notice("took over the connections of the director before");
	else if (app->engine->not_adopted[0] != '\0')
		sl_log_notice("connections of the director before are lost: %s",
			app->engine->not_adopted);
	return 0;
}

static void down_engine(struct sl_app *app)
{
	sl_engine_free(app->engine);
	sl_store_close(app->store);
}

static int up_ports(struct sl_app *app, struct sl_err *err)
{
	return sl_ports_start(&app->ports, app->conf, app->engine, err);
}

static int up_control(struct sl_app *app, struct sl_err *err)
{
	app->control = sl_control_new(err);
	return app->control != NULL ? 0 : -ENOMEM;
}

static void down_control(struct sl_app *app)
{
	sl_control_free(app->control);
}

static struct rte_mbuf *alloc_for_linux(void *arg)
{
	const struct sl_port_dev *dev = arg;

	return rte_pktmbuf_alloc(dev->pool);
}

static unsigned send_from_linux(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	return sl_port_tx_from_linux(arg, pkts, n);
}

static int up_twin(struct sl_app *app, struct sl_err *err)
{
	struct sl_twin_port twins[SL_PORTS_MAX];
	struct sl_twin_params params = {
		.workers = app->engine->workers,
		.n_workers = app->engine->n_workers,
		.ports = twins,
		.clock = &sl_clock_system,
	};

	for (unsigned i = 0; i < app->ports.n; i++) {
		const struct sl_conf_port *port = &app->conf->ports[i];
		struct sl_port_dev *dev = &app->ports.dev[i];

		if (!port->twin)
			continue;
		twins[params.n_ports] = (struct sl_twin_port){.port = (uint16_t)i,
			.name = port->name,
			.netns = port->twin_netns,
			.mtu = port->mtu,
			.alloc = alloc_for_linux,
			.send = send_from_linux,
			.arg = dev};
		memcpy(twins[params.n_ports++].mac, dev->mac, sizeof(dev->mac));
	}
	if (params.n_ports == 0)
		return 0;
	memcpy(params.rates, app->conf->punt_rates, sizeof(params.rates));
	app->twin = sl_twin_new(&params, err);
	if (app->twin == NULL)
		return -EIO;
	for (unsigned i = 0; i < params.n_ports; i++)
		sl_twin_set_carrier(
			app->twin, twins[i].port, app->ports.dev[twins[i].port].link_up);
	return 0;
}

static void down_twin(struct sl_app *app)
{
	sl_twin_free(app->twin);
}

static int up_kernel(struct sl_app *app, struct sl_err *err)
{
	app->kernel = sl_kernel_new(app->conf, err);
	return app->kernel != NULL ? 0 : -EIO;
}

static void down_kernel(struct sl_app *app)
{
	sl_kernel_free(app->kernel);
}

static int up_mirror(struct sl_app *app, struct sl_err *err)
{
	const struct sl_mirror_params params = {
		.base = sl_control_base(app->control),
		.engine = app->engine,
		.clock = &sl_clock_system,
		.event = sl_duties_event,
		.macs = sl_duties_macs,
		.drifted = sl_duties_drifted,
		.arg = app,
	};

	app->mirror = sl_mirror_new(&params, app->conf, err);
	return app->mirror != NULL ? 0 : -EIO;
}

static void down_mirror(struct sl_app *app)
{
	sl_mirror_free(app->mirror);
}

static int up_executor(struct sl_app *app, struct sl_err *err)
{
	app->executor = sl_executor_new(sl_control_base(app->control), err);
	return app->executor != NULL ? 0 : -ENOMEM;
}

static void down_executor(struct sl_app *app)
{
	sl_executor_free(app->executor);
}

/* The first generation: main is the configuration thread until that one starts. */
static int up_director(struct sl_app *app, struct sl_err *err)
{
	const struct sl_director_params params = {
		.host = &app->host,
		.engine = app->engine,
		.clock = &sl_clock_system,
		.config_path = app->options.config,
		.started_ns = app->started_ns,
	};
	int rc;

	sl_host_init(app);
	app->director = sl_director_new(&params, err);
	if (app->director == NULL)
		return -ENOMEM;
	rc = sl_director_apply(app->director, app->conf, err);
	if (rc < 0)
		sl_director_free(app->director);
	return rc;
}

static void down_director(struct sl_app *app)
{
	sl_director_free(app->director);
}

static void stop_workers(struct sl_app *app, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sl_worker_stop(app->loops[i]);
	for (unsigned i = 0; i < n; i++) {
		rte_eal_wait_lcore(SL_WORKER_LCORE(i));
		sl_free(&sl_alloc_eal, app->loops[i]);
	}
}

static int up_workers(struct sl_app *app, struct sl_err *err)
{
	bool adaptive = app->conf->poll == SL_POLL_ADAPTIVE || app->placement.shared;

	for (unsigned i = 0; i < app->engine->n_workers; i++) {
		struct sl_worker_loop *loop = sl_zalloc(
			&sl_alloc_eal, sizeof(*loop), SL_CACHE_LINE, app->placement.node[i]);

		if (loop == NULL) {
			stop_workers(app, i);
			return sl_err_set(err, ENOMEM, NULL, "no memory for worker %u", i);
		}
		app->loops[i] = loop;
		sl_worker_loop_init(
			loop, app->engine->workers[i], &app->ports, &app->tsc, adaptive);
		rte_eal_remote_launch(sl_worker_run, loop, SL_WORKER_LCORE(i));
	}
	return 0;
}

static void down_workers(struct sl_app *app)
{
	stop_workers(app, app->engine->n_workers);
}

static int up_twin_thread(struct sl_app *app, struct sl_err *err)
{
	int rc = app->twin != NULL ? sl_twin_start(app->twin, app->placement.control) : 0;

	if (rc < 0)
		sl_err_set(err, -rc, NULL, "cannot start the twins' thread: %s", strerror(-rc));
	return rc;
}

static void down_twin_thread(struct sl_app *app)
{
	if (app->twin != NULL)
		sl_twin_stop(app->twin);
}

static int up_listener(struct sl_app *app, struct sl_err *err)
{
	const struct sl_listener_params params = {
		.base = sl_control_base(app->control),
		.executor = app->executor,
		.director = app->director,
		.directory = app->conf->run_directory,
		.control_group = "sluice",
		.view_group = "sluice-view",
	};

	app->listener = sl_listener_new(&params, err);
	return app->listener != NULL ? 0 : -EIO;
}

static void down_listener(struct sl_app *app)
{
	sl_listener_free(app->listener);
}

static int up_configuration_thread(struct sl_app *app, struct sl_err *err)
{
	return sl_executor_start(app->executor, sl_duties_tick, app, 1000, err);
}

static void down_configuration_thread(struct sl_app *app)
{
	sl_listener_close(app->listener);
	sl_executor_stop(app->executor);
}

static int up_duties(struct sl_app *app, struct sl_err *err)
{
	return sl_duties_start(app, err);
}

static const struct rung {
	int (*up)(struct sl_app *app, struct sl_err *err);
	void (*down)(struct sl_app *app); /* NULL: nothing, or the rung before does it */
} ladder[] = {
	{up_instance, down_instance},
	{up_plan, NULL},
	{up_eal, down_eal},
	{up_devices, down_devices},
	{up_engine, down_engine},
	{up_ports, NULL},
	{up_control, down_control},
	{up_twin, down_twin},
	{up_kernel, down_kernel},
	{up_mirror, down_mirror},
	{up_executor, down_executor},
	{up_director, down_director},
	{up_workers, down_workers},
	{up_twin_thread, down_twin_thread},
	{up_listener, down_listener},
	{up_configuration_thread, down_configuration_thread},
	{up_duties, NULL},
};

#define RUNGS (sizeof(ladder) / sizeof(ladder[0]))

static void print_error(const char *file, const struct sl_err *err)
{
	if (file != NULL && err->line > 0)
		fprintf(stderr, "%s:%u:%u: ", file, err->line, err->column);
	else
		fprintf(stderr, "%s: ", file != NULL ? file : "sluice");
	fprintf(stderr, "%s%s%s\n", err->path, err->path[0] != '\0' ? ": " : "", err->message);
	if (err->hint[0] != '\0')
		fprintf(stderr, "  %s\n", err->hint);
}

static int run(struct sl_app *app)
{
	struct sl_err err = {0};
	unsigned at;
	int rc = 0;

	signal(SIGPIPE, SIG_IGN);
	mask_signals(SIG_BLOCK);
	sl_log_set_level(app->conf->log_level);
	app->started_ns = sl_clock_ns(&sl_clock_system);
	for (at = 0; at < RUNGS; at++) {
		rc = ladder[at].up(app, &err);
		if (rc < 0)
			break;
	}
	if (rc == 0) {
		sl_log_notice("sluice " SL_VERSION ": instance %s forwards with %u worker%s",
			app->conf->instance, app->engine->n_workers,
			app->engine->n_workers == 1 ? "" : "s");
		sl_notify_ready();
		mask_signals(SIG_UNBLOCK);
		sl_control_run(app->control);
	} else if (rc != -ECANCELED) { /* the preflight has said it all */
		print_error(NULL, &err);
	}
	sl_notify_stopping();
	while (at-- > 0) {
		if (ladder[at].down != NULL)
			ladder[at].down(app);
	}
	return rc < 0 ? 1 : 0;
}

static int purge(struct sl_app *app)
{
	struct sl_err err = {0};
	int rc = up_instance(app, &err);

	if (rc == 0) {
		rc = sl_purge(app->conf, &err);
		down_instance(app);
	}
	if (rc < 0)
		print_error(NULL, &err);
	return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct sl_app app;
	struct sl_err err = {0};
	int status = 0;

	if (sl_options_parse(argc, argv, &app.options) < 0)
		return 1;
	if (app.options.mode == SL_MODE_EXIT)
		return 0;
	if (sl_conf_read(app.options.config, &app.conf, &err) < 0) {
		print_error(app.options.config, &err);
		return err.code == EINVAL ? EXIT_WRONG : EXIT_UNREADABLE;
	}
	if (app.options.mode == SL_MODE_RUN)
		status = run(&app);
	else if (app.options.mode == SL_MODE_PURGE)
		status = purge(&app);
	sl_conf_unref(app.conf);
	return status;
}
