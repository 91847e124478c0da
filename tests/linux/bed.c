/* SPDX-License-Identifier: BSD-3-Clause */
#include "bed.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ring.h>

#include "base/log.h"
#include "mirror_state.h"
#include "tun.h"

#define RING 256
#define ROOM 2048

/* Takes the place of the engine's: the set, where the test can look at it. */
int sl_engine_set_local(struct sl_engine *engine, const struct sl_addr *addresses, uint32_t n,
	const struct sl_local_source *sources, unsigned n_sources)
{
	sl_free(&sl_alloc_heap, (void *)(uintptr_t)engine->local);
	engine->local = sl_local_set_new(&sl_alloc_heap, addresses, n, sources, n_sources);
	return engine->local != NULL ? 0 : -1;
}

int bed_run(const char *netns, const char *format, ...)
{
	char command[512], line[640];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (netns[0] != '\0')
		snprintf(line, sizeof(line), "ip netns exec %s %s >/dev/null 2>&1", netns, command);
	else
		snprintf(line, sizeof(line), "%s >/dev/null 2>&1", command);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool bed_prints(const char *netns, const char *command, const char *text)
{
	char line[640], output[16384];
	size_t length;
	FILE *pipe;

	snprintf(line, sizeof(line), "ip netns exec %s %s 2>&1", netns, command);
	pipe = popen(line, "r");
	if (pipe == NULL)
		return false;
	length = fread(output, 1, sizeof(output) - 1, pipe);
	output[length] = '\0';
	pclose(pipe);
	return strstr(output, text) != NULL;
}

struct sl_addr bed_addr(const char *text)
{
	struct sl_addr addr = {0};

	if (sl_addr_parse(text, &addr) != 0)
		abort();
	return addr;
}

static struct rte_mbuf *mbuf_new(void *arg)
{
	struct rte_mbuf *mbuf = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*mbuf));

	memset(mbuf, 0, sizeof(*mbuf));
	mbuf->buf_addr = malloc(ROOM);
	mbuf->buf_len = ROOM;
	mbuf->nb_segs = 1;
	return mbuf;
}

static void mbufs_free(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(pkts[i]->buf_addr);
		free(pkts[i]);
	}
}

static unsigned to_wire(void *arg, struct rte_mbuf **pkts, unsigned n)
{
	struct bed *bed = arg;

	for (unsigned i = 0; i < n; i++) {
		if (write(bed->wire, rte_pktmbuf_mtod(pkts[i], void *), pkts[i]->data_len) < 0)
			continue; /* as a wire loses what nobody listens to */
	}
	mbufs_free(NULL, pkts, n);
	return n;
}

static enum sl_punt_class class_of(const uint8_t *frame)
{
	if (frame[12] == 0x08 && frame[13] == 0x06)
		return SL_PUNT_NEIGHBOUR;
	if (frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 1)
		return SL_PUNT_ECHO;
	return SL_PUNT_HOST;
}

static void *from_wire(void *arg)
{
	struct bed *bed = arg;
	struct pollfd fd = {.fd = bed->wire, .events = POLLIN};

	while (!__atomic_load_n(&bed->stop, __ATOMIC_RELAXED)) {
		struct rte_mbuf *mbuf;
		ssize_t length;

		if (poll(&fd, 1, 10) <= 0)
			continue;
		mbuf = mbuf_new(NULL);
		length = read(bed->wire, rte_pktmbuf_mtod(mbuf, void *), ROOM);
		mbuf->data_len = length > 0 ? length : 0;
		mbuf->pkt_len = mbuf->data_len;
		if (length < 24 ||
			rte_ring_sp_enqueue(bed->worker->punt[class_of(mbuf->buf_addr)], mbuf) != 0)
			mbufs_free(NULL, &mbuf, 1);
	}
	return NULL;
}

static void remove_all(void)
{
	bed_run("", "ip netns delete " BED_DIRECTOR);
	bed_run("", "ip netns delete " BED_OTHER);
}

static void make_conf(struct bed *bed)
{
	bed->conf.ports = &bed->port;
	bed->conf.n_ports = 1;
	bed->conf.vips = bed->vips;
	snprintf(bed->port.name, sizeof(bed->port.name), "wan0");
	snprintf(bed->port.twin_netns, sizeof(bed->port.twin_netns), BED_DIRECTOR);
	bed->port.twin = true;
	bed->port.mtu = 1500;
	bed->port.addresses = bed->addresses;
	bed->port.neighbours = bed->neighbours;
}

int bed_setup(void **state)
{
	static const struct sl_tun_params wire = {
		.name = "wire0",
		.netns = BED_OTHER,
		.mac = {2, 0, 0, 0, 0, 2},
		.mtu = 1500,
	};
	struct bed *bed = calloc(1, sizeof(*bed));
	struct sl_err err = {0};

	*state = bed;
	remove_all();
	if (bed_run("", "ip netns add " BED_DIRECTOR) != 0 ||
		bed_run("", "ip netns add " BED_OTHER) != 0)
		return -1;
	bed_run(BED_DIRECTOR, "ip link set lo up");
	make_conf(bed);
	bed->engine.adjs = bed->adjs;
	bed->engine.n_adjs = BED_ADJS;
	bed->engine.vip_local = bed->vip_local;
	bed->engine.n_vips = BED_VIPS;
	bed->qsbr = sl_zalloc(&sl_alloc_heap, rte_rcu_qsbr_get_memsize(1), SL_CACHE_LINE, -1);
	rte_rcu_qsbr_init(bed->qsbr, 1);
	bed->engine.fib = sl_fib_new(&sl_alloc_heap, bed->qsbr, 0);
	bed->events = json_array();
	bed->worker = aligned_alloc(64, sizeof(*bed->worker));
	memset(bed->worker, 0, sizeof(*bed->worker));
	for (unsigned c = 0; c < SL_PUNT_COUNT; c++) {
		bed->worker->punt[c] =
			aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)rte_ring_get_memsize(RING));
		rte_ring_init(bed->worker->punt[c], "", RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	}
	bed->worker->gleans = aligned_alloc(RTE_CACHE_LINE_SIZE,
		(size_t)rte_ring_get_memsize_elem(sizeof(struct sl_glean_message), RING));
	rte_ring_init(bed->worker->gleans, "", RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	bed->engine.workers[0] = bed->worker;
	bed->engine.n_workers = 1;
	bed->wire = sl_tun_open(&wire, &err);
	if (bed->wire < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	bed_run(BED_OTHER, "ip addr add 192.168.8.12/24 dev wire0");
	return pthread_create(&bed->thread, NULL, from_wire, bed);
}

int bed_teardown(void **state)
{
	struct bed *bed = *state;
	struct rte_mbuf *mbuf;

	if (bed->mirror != NULL)
		sl_mirror_free(bed->mirror);
	if (bed->base != NULL)
		event_base_free(bed->base);
	if (bed->twin != NULL)
		bed_twin_stop(bed);
	__atomic_store_n(&bed->stop, true, __ATOMIC_RELAXED);
	pthread_join(bed->thread, NULL);
	close(bed->wire);
	for (unsigned c = 0; c < SL_PUNT_COUNT; c++) {
		while (rte_ring_sc_dequeue(bed->worker->punt[c], (void **)&mbuf) == 0)
			mbufs_free(NULL, &mbuf, 1);
		free(bed->worker->punt[c]);
	}
	free(bed->worker->gleans);
	free(bed->worker);
	sl_fib_free(bed->engine.fib);
	sl_free(&sl_alloc_heap, bed->qsbr);
	free((void *)(uintptr_t)bed->engine.local);
	json_decref(bed->events);
	free(bed);
	remove_all();
	return 0;
}

void bed_address(struct bed *bed, const char *text)
{
	if (sl_prefix_parse(text, &bed->addresses[bed->port.n_addresses++]) != 0)
		abort();
}

void bed_vip(struct bed *bed, const char *text, enum sl_vip_mode mode)
{
	bed->vips[bed->conf.n_vips++] =
		(struct sl_conf_vip){.address = bed_addr(text), .mode = mode};
}

void bed_neighbour(struct bed *bed, const char *address, const char *mac)
{
	struct sl_conf_neighbour *neighbour = &bed->neighbours[bed->port.n_neighbours++];

	neighbour->address = bed_addr(address);
	sl_mac_parse(mac, neighbour->mac);
}

void bed_watch(struct bed *bed, bool added, bool vip, uint32_t index, const char *address)
{
	const struct sl_watch watch = {
		.what = vip ? SL_WATCH_VIP : SL_WATCH_ADJ,
		.added = added,
		.index = index,
		.address = bed_addr(address),
	};

	sl_mirror_watch(bed->mirror, &watch, 1);
}

void bed_twin_start(struct bed *bed)
{
	struct sl_twin_port port = {
		.port = 0,
		.name = bed->port.name,
		.netns = bed->port.twin_netns,
		.mac = {2, 0, 0, 0, 0, 1},
		.mtu = bed->port.mtu,
		.alloc = mbuf_new,
		.send = to_wire,
		.arg = bed,
	};
	struct sl_twin_params params = {
		.workers = &bed->worker,
		.n_workers = 1,
		.ports = &port,
		.n_ports = 1,
		.clock = &sl_clock_system,
		.free = mbufs_free,
	};
	struct sl_err err = {0};

	for (unsigned c = 0; c < SL_PUNT_COUNT; c++)
		params.rates[c] = sl_punt_infos[c].default_rate;
	bed->twin = sl_twin_new(&params, &err);
	if (bed->twin == NULL || sl_twin_start(bed->twin, -1) != 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
}

void bed_twin_stop(struct bed *bed)
{
	sl_twin_free(bed->twin);
	bed->twin = NULL;
}

static void on_event(void *arg, const char *event_class, json_t *details)
{
	struct bed *bed = arg;

	json_object_set_new(details, "class", json_string(event_class));
	json_array_append_new(bed->events, details);
}

static void on_macs(void *arg, uint16_t port, const uint8_t (*macs)[6], unsigned n)
{
	struct bed *bed = arg;

	bed->n_macs = n;
	memcpy(bed->macs, macs, n * sizeof(macs[0]));
}

static void on_drifted(void *arg)
{
	struct bed *bed = arg;

	bed->n_drifted++;
}

void bed_mirror_start(struct bed *bed)
{
	struct sl_mirror_params params = {
		.engine = &bed->engine,
		.clock = &sl_clock_system,
		.event = on_event,
		.macs = on_macs,
		.drifted = on_drifted,
		.arg = bed,
	};
	struct sl_err err = {0};

	bed->base = event_base_new();
	params.base = bed->base;
	bed->mirror = sl_mirror_new(&params, &bed->conf, &err);
	if (bed->mirror == NULL || sl_mirror_configure(bed->mirror, &bed->conf) != 0 ||
		!bed_until(bed, bed->mirror->synced)) {
		fprintf(stderr, "mirror: %s\n", err.message);
		abort();
	}
}

void bed_loop(struct bed *bed, unsigned ms)
{
	const struct timeval wait = {.tv_usec = ms * 1000};

	event_base_loopexit(bed->base, &wait);
	event_base_dispatch(bed->base);
}

bool bed_saw(struct bed *bed, const char *event_class, const char *key, const char *value)
{
	json_t *entry;
	size_t i;

	json_array_foreach (bed->events, i, entry) {
		const char *got = json_string_value(json_object_get(entry, key));

		if (strcmp(json_string_value(json_object_get(entry, "class")), event_class) == 0 &&
			got != NULL && strcmp(got, value) == 0)
			return true;
	}
	return false;
}
