/* SPDX-License-Identifier: BSD-3-Clause */
#include "twin.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "lb/publish.h"
#include "relay.h"
#include "tun.h"

/* How long the thread sleeps between looks at the rings: an eighth of how long nothing came. */
#define SLEEP_MIN_NS (50 * SL_NS_PER_US)
#define SLEEP_MAX_NS (500 * SL_NS_PER_US)

struct sl_twin {
	struct sl_relay relay;
	const struct sl_clock *clock;
	unsigned n_ports;
	struct pollfd fds[SL_PORTS_MAX];
	uint16_t port_of[SL_PORTS_MAX]; /* index of the port, by place in fds */
	char names[SL_PORTS_MAX][16];
	pthread_t thread;
	bool running;
	bool stop; /* relaxed */
};

static void free_mbufs(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	rte_pktmbuf_free_bulk(pkts, n);
}

static int open_port(struct sl_twin *twin, const struct sl_twin_port *port, struct sl_err *err)
{
	struct sl_tun_params params = {
		.name = port->name,
		.netns = port->netns,
		.mtu = port->mtu,
	};
	struct sl_relay_port *relay = &twin->relay.ports[port->port];
	unsigned i = twin->n_ports;
	int fd;

	memcpy(params.mac, port->mac, sizeof(params.mac));
	fd = sl_tun_open(&params, err);
	if (fd < 0)
		return fd;
	*relay = (struct sl_relay_port){
		.fd = fd,
		.mtu = port->mtu,
		.alloc = port->alloc,
		.send = port->send,
		.arg = port->arg,
	};
	twin->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	twin->port_of[i] = port->port;
	strncpy(twin->names[i], port->name, sizeof(twin->names[i]) - 1);
	twin->n_ports++;
	return 0;
}

struct sl_twin *sl_twin_new(const struct sl_twin_params *params, struct sl_err *err)
{
	struct sl_twin *twin = calloc(1, sizeof(*twin));

	if (twin == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	twin->clock = params->clock;
	twin->relay.workers = params->workers;
	twin->relay.n_workers = params->n_workers;
	twin->relay.free = params->free != NULL ? params->free : free_mbufs;
	twin->relay.free_arg = params->free_arg;
	memcpy(twin->relay.rates, params->rates, sizeof(twin->relay.rates));
	for (unsigned i = 0; i < SL_PORTS_MAX; i++)
		twin->relay.ports[i].fd = -1;
	for (unsigned i = 0; i < params->n_ports; i++) {
		if (open_port(twin, &params->ports[i], err) != 0) {
			sl_twin_free(twin);
			return NULL;
		}
	}
	return twin;
}

void sl_twin_free(struct sl_twin *twin)
{
	if (twin == NULL)
		return;
	sl_twin_stop(twin);
	for (unsigned i = 0; i < SL_PORTS_MAX; i++) {
		if (twin->relay.ports[i].fd >= 0)
			close(twin->relay.ports[i].fd);
	}
	free(twin);
}

/* The interface is gone (somebody removed it): its descriptor would be ready for ever. */
static void abandon(struct sl_twin *twin, unsigned i)
{
	sl_log_error("the twin %s is gone: somebody removed the interface; a restart makes it anew",
		twin->names[i]);
	twin->fds[i].fd = -1;
}

static unsigned read_twins(struct sl_twin *twin, uint64_t wait_ns)
{
	struct timespec wait = {.tv_nsec = (long)wait_ns};
	unsigned frames = 0;

	if (ppoll(twin->fds, twin->n_ports, &wait, NULL) <= 0)
		return 0;
	for (unsigned i = 0; i < twin->n_ports; i++) {
		if (twin->fds[i].revents & (POLLERR | POLLNVAL))
			abandon(twin, i);
		else if (twin->fds[i].revents & POLLIN)
			frames += sl_relay_from_linux(&twin->relay, twin->port_of[i]);
	}
	return frames;
}

static void *run(void *arg)
{
	struct sl_twin *twin = arg;
	uint64_t now_ns = sl_clock_ns(twin->clock);
	uint64_t busy_ns = now_ns, wait_ns = 0;

	/* The default slack of 50 us would be added to each of our sleeps. */
	prctl(PR_SET_TIMERSLACK, 1);
	while (!__atomic_load_n(&twin->stop, __ATOMIC_RELAXED)) {
		uint64_t shed = twin->relay.stats.drops[SL_DROP_PUNT_RATE];
		unsigned moved;

		moved = read_twins(twin, wait_ns);
		now_ns = sl_clock_ns(twin->clock);
		moved += sl_relay_to_linux(&twin->relay, now_ns);
		if (moved > 0)
			busy_ns = now_ns;
		/* A flood over its rate must not cost the control core all of its time. */
		if (moved > 0 && twin->relay.stats.drops[SL_DROP_PUNT_RATE] == shed) {
			wait_ns = 0;
			continue;
		}
		wait_ns = (now_ns - busy_ns) / 8;
		if (wait_ns < SLEEP_MIN_NS)
			wait_ns = SLEEP_MIN_NS;
		if (wait_ns > SLEEP_MAX_NS)
			wait_ns = SLEEP_MAX_NS;
		sl_count_add(twin->relay.stats.sleeps, 1);
	}
	return NULL;
}

int sl_twin_start(struct sl_twin *twin, int core)
{
	cpu_set_t cores;
	int ret;

	ret = pthread_create(&twin->thread, NULL, run, twin);
	if (ret != 0)
		return -ret;
	twin->running = true;
	pthread_setname_np(twin->thread, "sluice-twin");
	if (core >= 0) {
		CPU_ZERO(&cores);
		CPU_SET(core, &cores);
		ret = pthread_setaffinity_np(twin->thread, sizeof(cores), &cores);
	}
	return -ret;
}

void sl_twin_stop(struct sl_twin *twin)
{
	if (!twin->running)
		return;
	__atomic_store_n(&twin->stop, true, __ATOMIC_RELAXED);
	pthread_join(twin->thread, NULL);
	twin->stop = false;
	twin->running = false;
}

int sl_twin_set_carrier(struct sl_twin *twin, uint16_t port, bool up)
{
	if (port >= SL_PORTS_MAX || twin->relay.ports[port].fd < 0)
		return -ENODEV;
	return sl_tun_set_carrier(twin->relay.ports[port].fd, up);
}

void sl_twin_set_mtu(struct sl_twin *twin, uint16_t port, uint16_t mtu)
{
	__atomic_store_n(&twin->relay.ports[port].mtu, mtu, __ATOMIC_RELAXED);
}

void sl_twin_set_rates(struct sl_twin *twin, const uint32_t rates[SL_PUNT_COUNT])
{
	for (unsigned i = 0; i < SL_PUNT_COUNT; i++)
		__atomic_store_n(&twin->relay.rates[i], rates[i], __ATOMIC_RELAXED);
}

const struct sl_twin_stats *sl_twin_stats(const struct sl_twin *twin)
{
	return &twin->relay.stats;
}
