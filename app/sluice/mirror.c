/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "base/rand.h"
#include "kernel.h"
#include "kversion.h"
#include "lb/publish.h"
#include "mirror_state.h"

#define READ_SIZE 32768
#define SLICE_NS  (2 * SL_NS_PER_MS) /* of a callback; a batch begun may go beyond */
#define BATCH     64
#define SETTLE_NS (20 * SL_NS_PER_MS) /* between walks over everything while routes change */

static void schedule(struct sl_mirror *mirror, uint64_t delay_ns)
{
	struct timeval delay = {.tv_usec = (suseconds_t)(delay_ns / SL_NS_PER_US)};

	if (!evtimer_pending(mirror->work, NULL) || delay_ns == 0)
		evtimer_add(mirror->work, &delay);
}

static void event(struct sl_mirror *mirror, const char *event_class, json_t *details)
{
	if (details == NULL)
		return;
	if (mirror->params.event != NULL)
		mirror->params.event(mirror->params.arg, event_class, details);
	else
		json_decref(details);
}

int sl_mirror_port_of(
	const struct sl_mirror *mirror, const struct sl_mirror_space *space, int ifindex)
{
	const struct sl_rtmsg_link *link = sl_space_find_link(&space->space, ifindex);

	for (unsigned i = 0; i < mirror->n_ports; i++) {
		const struct sl_mirror_port *port = &mirror->ports[i];

		if (port->space != space->index || port->ifindex == 0)
			continue;
		if (port->ifindex == ifindex || (link != NULL && link->parent == port->ifindex))
			return i;
	}
	return -1;
}

/* What the spaces report. */

static void tell_macs(struct sl_mirror *mirror, unsigned index)
{
	const struct sl_mirror_port *port = &mirror->ports[index];
	const struct sl_mirror_space *space = &mirror->spaces[port->space];
	uint8_t macs[SL_PORT_MACS][6];
	struct sl_map_node *node;
	unsigned n = 0;

	if (mirror->params.macs == NULL)
		return;
	TAILQ_FOREACH (node, &space->space.links.seen, seen) {
		const struct sl_rtmsg_link *link =
			&sl_map_entry(node, struct sl_space_link, node)->link;

		if (!link->has_mac)
			continue;
		if (link->ifindex == port->ifindex) {
			/* The first place is the twin's own. */
			if (n > 0)
				memcpy(macs[n < SL_PORT_MACS ? n : n - 1], macs[0], 6);
			memcpy(macs[0], link->mac, 6);
			n += n < SL_PORT_MACS;
		} else if (link->parent == port->ifindex && link->up && n < SL_PORT_MACS) {
			memcpy(macs[n++], link->mac, 6);
		}
	}
	mirror->params.macs(mirror->params.arg, index, (const uint8_t(*)[6])macs, n);
}

static void find_twin(struct sl_mirror *mirror, struct sl_mirror_space *space,
	const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before)
{
	for (unsigned i = 0; i < mirror->n_ports; i++) {
		struct sl_mirror_port *port = &mirror->ports[i];

		if (port->space != space->index)
			continue;
		if (link != NULL && strcmp(port->name, link->name) == 0)
			port->ifindex = link->ifindex;
		else if (before != NULL && port->ifindex == before->ifindex)
			port->ifindex = 0; /* gone, or another name */
	}
}

static void on_link(void *arg, const struct sl_rtmsg_link *link, const struct sl_rtmsg_link *before)
{
	struct sl_mirror_space *space = arg;
	struct sl_mirror *mirror = space->mirror;
	const struct sl_rtmsg_link *what = link != NULL ? link : before;
	int port = before != NULL ? sl_mirror_port_of(mirror, space, before->ifindex) : -1;

	find_twin(mirror, space, link, before);
	if (port < 0 && link != NULL)
		port = sl_mirror_port_of(mirror, space, link->ifindex);
	if (port < 0)
		return;
	mirror->ports[port].macs_changed = true;
	sl_mirror_set_mtu(mirror, port);
	if (before == NULL || link == NULL || before->up != link->up ||
		before->carrier != link->carrier) {
		sl_adjacency_expire_all(&mirror->adjacencies);
		sl_feed_all(&mirror->feed);
		sl_keeper_tick(&mirror->keeper);
		event(mirror, "link",
			json_pack("{s:s,s:s,s:b,s:b,s:b}", "port", mirror->ports[port].name,
				"interface", what->name, "present", link != NULL, "up",
				link != NULL && link->up, "carrier",
				link != NULL && link->carrier));
	}
	schedule(mirror, 0);
}

static void on_address(void *arg, const struct sl_rtmsg_address *address, bool gone)
{
	struct sl_mirror_space *space = arg;
	struct sl_mirror *mirror = space->mirror;
	int port = sl_mirror_port_of(mirror, space, address->ifindex);
	char text[SL_ADDR_TEXT];

	if (port < 0)
		return;
	mirror->local_changed = true; /* which of them we use on the port, at least */
	if (gone && address->protocol == SL_KERNEL_PROTOCOL)
		mirror->drifted = true;
	event(mirror, "address",
		json_pack("{s:s,s:s,s:b}", "port", mirror->ports[port].name, "address",
			sl_prefix_format(&address->prefix, text), "present", !gone));
}

static void on_route(void *arg, const struct sl_prefix *prefix, bool local)
{
	struct sl_mirror_space *space = arg;
	struct sl_mirror *mirror = space->mirror;
	bool host = prefix->length == (prefix->addr.family == 4 ? 32 : 128);

	if (local) {
		mirror->local_changed = true;
		if (host)
			sl_vip_expire(&mirror->vips, &prefix->addr);
		else
			sl_vip_expire_all(&mirror->vips);
	}
	if (host)
		sl_adjacency_expire(&mirror->adjacencies, &prefix->addr);
	else
		mirror->routes_changed = true;
	sl_mirror_route_changed(mirror, prefix, local);
	schedule(mirror, 0);
}

static void on_neighbour(void *arg, const struct sl_rtmsg_neighbour *neighbour, bool gone)
{
	struct sl_mirror_space *space = arg;
	struct sl_mirror *mirror = space->mirror;
	struct sl_next_hop *hop = sl_next_hop_changed(
		&mirror->adjacencies, space->index, neighbour->ifindex, &neighbour->address);

	if (hop != NULL)
		sl_keeper_changed(&mirror->keeper, hop, neighbour, gone);
	if (mirror->synced && sl_mirror_port_of(mirror, space, neighbour->ifindex) >= 0)
		sl_feed_host(&mirror->feed, &neighbour->address);
}

static void on_lost(void *arg)
{
	struct sl_mirror_space *space = arg;

	sl_log_warning("netlink: notifications were lost in the namespace '%s': all is read again",
		space->netns);
}

/* What adjacencies, VIPs and the keeper ask. */

static bool link_usable(void *arg, int ifindex)
{
	const struct sl_mirror_space *space = arg;
	const struct sl_rtmsg_link *link = sl_space_find_link(&space->space, ifindex);

	return link != NULL && link->up;
}

bool sl_mirror_way_through(struct sl_mirror *mirror, struct sl_mirror_space *space,
	const struct sl_addr *address, struct sl_adjacency_way *way)
{
	const struct sl_rtmsg_hop *hop;
	const struct sl_route *route =
		sl_route_find(&space->space.routes, address, link_usable, space, &hop);
	int port;

	if (route != NULL && route->type == RTN_LOCAL) {
		way->kind = SL_WAY_LOCAL;
		return true;
	}
	if (route == NULL || hop == NULL)
		return false;
	port = sl_mirror_port_of(mirror, space, hop->ifindex);
	if (port < 0)
		return false;
	*way = (struct sl_adjacency_way){
		.kind = SL_WAY_HOP,
		.on_link = hop->gateway.family == 0,
		.port = port,
		.space = space->index,
		.ifindex = hop->ifindex,
		.next = hop->gateway.family == 0 ? *address : hop->gateway,
	};
	return true;
}

static void find_way(void *arg, const struct sl_addr *address, struct sl_adjacency_way *way)
{
	struct sl_mirror *mirror = arg;

	way->kind = SL_WAY_NONE;
	if (sl_addr_is_loopback(address)) {
		way->kind = SL_WAY_LOCAL;
		return;
	}
	if (mirror->direct != NULL && sl_direct_way(mirror->direct, address, way))
		return;
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (sl_mirror_way_through(mirror, &mirror->spaces[i], address, way))
			return;
	}
}

static bool find_neighbour(void *arg, const struct sl_adjacency_way *way, uint8_t mac[6])
{
	struct sl_mirror *mirror = arg;
	const struct sl_rtmsg_neighbour *neighbour;

	if (way->ifindex == 0)
		return mirror->direct != NULL &&
			sl_direct_neighbour(mirror->direct, way->port, &way->next, mac);
	neighbour = sl_space_find_neighbour(
		&mirror->spaces[way->space].space, way->ifindex, &way->next);
	if (neighbour == NULL || !sl_rtmsg_neighbour_usable(neighbour))
		return false;
	memcpy(mac, neighbour->mac, sizeof(neighbour->mac));
	return true;
}

static void on_needed(void *arg, struct sl_next_hop *hop)
{
	struct sl_mirror *mirror = arg;

	sl_keeper_needed(&mirror->keeper, hop);
}

static void on_released(void *arg, struct sl_next_hop *hop)
{
	struct sl_mirror *mirror = arg;

	sl_keeper_released(&mirror->keeper, hop);
}

static void on_adjacency(void *arg, const struct sl_adjacency *adjacency, sl_adj_word before)
{
	struct sl_mirror *mirror = arg;
	const char *now = sl_adjacency_reachability(adjacency->word, false);
	char address[SL_ADDR_TEXT], mac[18] = "";
	uint8_t flags = sl_adj_flags(adjacency->word);
	bool moved = ((flags ^ sl_adj_flags(before)) & SL_ADJ_GATEWAY) != 0;
	unsigned port = sl_adj_port(adjacency->word);

	if (adjacency->index < mirror->params.engine->n_adjs)
		sl_publish_adj(&mirror->params.engine->adjs[adjacency->index], adjacency->word);
	if (now == sl_adjacency_reachability(before, false) && !moved &&
		(before == adjacency->word || !(flags & SL_ADJ_RESOLVED)))
		return;
	if (flags & SL_ADJ_RESOLVED)
		sl_mac_format((const uint8_t *)&adjacency->word, mac);
	event(mirror, "neighbour",
		json_pack("{s:s,s:s,s:s?,s:s?,s:s?}", "server",
			sl_addr_format(&adjacency->address, address), "reachability", now, "by",
			flags & SL_ADJ_GATEWAY ? "gateway" : NULL, "mac",
			mac[0] != '\0' ? mac : NULL, "port",
			adjacency->hop != NULL && port < mirror->n_ports ? mirror->ports[port].name
									 : NULL));
}

static bool is_local(void *arg, const struct sl_addr *address)
{
	struct sl_mirror *mirror = arg;

	if (mirror->direct != NULL && sl_direct_is_local(mirror->direct, address))
		return true;
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (sl_route_is_local(&mirror->spaces[i].space.routes, address))
			return true;
	}
	return false;
}

static void on_vip(void *arg, const struct sl_vip *vip)
{
	struct sl_mirror *mirror = arg;
	char text[SL_ADDR_TEXT];

	if (vip->index < mirror->params.engine->n_vips)
		sl_publish_flag(&mirror->params.engine->vip_local[vip->index], vip->local);
	event(mirror, "vip",
		json_pack("{s:s,s:b}", "address", sl_addr_format(&vip->address, text), "local",
			vip->local));
}

static const struct sl_rtmsg_neighbour *
keeper_find(void *arg, uint8_t space, int ifindex, const struct sl_addr *address)
{
	struct sl_mirror *mirror = arg;

	return sl_space_find_neighbour(&mirror->spaces[space].space, ifindex, address);
}

static bool keeper_ready(void *arg, const struct sl_next_hop *hop)
{
	struct sl_mirror *mirror = arg;

	return link_usable(&mirror->spaces[hop->way.space], hop->way.ifindex);
}

static int keeper_request(void *arg, uint8_t space, enum sl_rtmsg_neighbour_op op, int ifindex,
	const struct sl_addr *address)
{
	return sl_mirror_request(arg, space, op, ifindex, address);
}

int sl_mirror_request(struct sl_mirror *mirror, uint8_t space, enum sl_rtmsg_neighbour_op op,
	int ifindex, const struct sl_addr *address)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[SL_RTMSG_MAX];

	return sl_rtnl_request(&mirror->spaces[space].requests,
		sl_rtmsg_put_neighbour(buffer, op, ifindex, address, NULL, SL_KERNEL_PROTOCOL));
}

/* Work in slices. */

static uint64_t now_of(const struct sl_mirror *mirror)
{
	return sl_clock_ns(mirror->params.clock);
}

static bool all_synced(const struct sl_mirror *mirror)
{
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (!mirror->spaces[i].space.synced)
			return false;
	}
	return true;
}

/* Returns how long the next call may wait; UINT64_MAX = until something happens. */
static uint64_t work_some(struct sl_mirror *mirror, uint64_t until_ns)
{
	bool more;

	do {
		more = false;
		for (unsigned i = 0; i < mirror->n_spaces; i++)
			more |= sl_space_sweep(&mirror->spaces[i].space, BATCH);
		if (!all_synced(mirror))
			continue; /* nothing is said before everything is known */
		if (!mirror->synced)
			sl_feed_all(&mirror->feed);
		mirror->synced = true;
		more |= sl_feed_walk(&mirror->feed, BATCH);
		more |= sl_vip_walk(&mirror->vips, BATCH);
		more |= sl_adjacency_walk(&mirror->adjacencies, BATCH);
		more |= sl_keeper_work(&mirror->keeper, BATCH / 4);
	} while (more && now_of(mirror) < until_ns);
	return more ? 0 : UINT64_MAX;
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
	struct sl_mirror *mirror = arg;
	uint64_t now_ns = now_of(mirror), delay_ns;

	/* However many links have changed: once. */
	for (unsigned i = 0; i < mirror->n_ports; i++) {
		if (mirror->ports[i].macs_changed)
			tell_macs(mirror, i);
		mirror->ports[i].macs_changed = false;
	}

	/* While routes stream in, everything is walked over now and then, not each time. */
	if (mirror->routes_changed && now_ns - mirror->walk_ns >= SETTLE_NS) {
		mirror->routes_changed = false;
		mirror->walk_ns = now_ns;
		sl_adjacency_expire_all(&mirror->adjacencies);
		sl_feed_neighbours(&mirror->feed);
	}
	if (mirror->synced && mirror->local_changed && now_ns - mirror->local_ns >= SETTLE_NS) {
		mirror->local_ns = now_ns;
		sl_mirror_set_local(mirror);
	}
	delay_ns = work_some(mirror, now_ns + SLICE_NS);
	if (sl_fib_reclaim(mirror->params.engine->fib) && delay_ns == UINT64_MAX)
		delay_ns = SETTLE_NS;
	if (delay_ns == UINT64_MAX && (mirror->routes_changed || mirror->local_changed) &&
		mirror->synced)
		delay_ns = SETTLE_NS;
	if (delay_ns != UINT64_MAX)
		schedule(mirror, delay_ns);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[READ_SIZE];
	struct sl_mirror_space *space = arg;
	uint64_t until_ns = now_of(space->mirror) + SLICE_NS;
	ssize_t length;

	do {
		length = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (length >= 0)
			sl_space_take(&space->space, buffer, length);
		else if (errno == ENOBUFS)
			sl_space_lost(&space->space);
		else if (errno != EINTR)
			break;
	} while (now_of(space->mirror) < until_ns);
	schedule(space->mirror, 0);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_mirror *mirror = arg;
	struct sl_map_node *node;

	mirror->ticks++;
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (mirror->spaces[i].space.stale)
			sl_space_dump(&mirror->spaces[i].space);
	}
	if (!mirror->keeper.managed && mirror->ticks % SL_KEEPER_USE_S == 0) {
		TAILQ_FOREACH (node, &mirror->adjacencies.hops.seen, seen)
			sl_keeper_use(
				&mirror->keeper, sl_map_entry(node, struct sl_next_hop, node));
	}
	if (mirror->drifted && mirror->params.drifted != NULL)
		mirror->params.drifted(mirror->params.arg);
	mirror->drifted = false;
	sl_mirror_routes_tick(mirror);
	sl_keeper_tick(&mirror->keeper);
	schedule(mirror, 0);
}

/* Life. */

static int open_space(struct sl_mirror *mirror, const char *netns, struct sl_err *err)
{
	struct sl_mirror_space *space = &mirror->spaces[mirror->n_spaces];
	struct sl_space_ops ops = {
		.link = on_link,
		.address = on_address,
		.route = on_route,
		.neighbour = on_neighbour,
		.lost = on_lost,
		.arg = space,
	};
	uint64_t seed = 0;
	int ret;

	sl_rand_secret(&seed, sizeof(seed));
	ret = sl_space_init(&space->space, seed, &ops);
	if (ret != 0)
		return sl_err_set(err, ENOMEM, NULL, "out of memory");
	space->requests.fd = -1;
	space->mirror = mirror;
	mirror->feed.spaces[mirror->n_spaces] = &space->space;
	space->index = mirror->n_spaces++;
	mirror->feed.n_spaces = mirror->n_spaces;
	snprintf(space->netns, sizeof(space->netns), "%s", netns);
	ret = sl_rtnl_open(&space->requests, netns);
	if (ret == 0)
		ret = sl_rtnl_open_events(&space->space.rtnl, netns);
	if (ret == 0)
		ret = sl_space_dump(&space->space);
	if (ret != 0)
		return sl_err_set(err, -ret, NULL, "cannot follow the namespace '%s': %s", netns,
			strerror(-ret));
	space->readable = event_new(mirror->params.base, space->space.rtnl.fd, EV_READ | EV_PERSIST,
		on_readable, space);
	if (space->readable == NULL || event_add(space->readable, NULL) != 0)
		return sl_err_set(err, ENOMEM, NULL, "out of memory");
	return space->index;
}

static int find_space(struct sl_mirror *mirror, const char *netns, struct sl_err *err)
{
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (strcmp(mirror->spaces[i].netns, netns) == 0)
			return i;
	}
	return open_space(mirror, netns, err);
}

static int init_parts(struct sl_mirror *mirror)
{
	const struct sl_adjacency_ops ops = {
		.way = find_way,
		.neighbour = find_neighbour,
		.needed = on_needed,
		.released = on_released,
		.changed = sl_mirror_hop_changed,
		.publish = on_adjacency,
		.arg = mirror,
	};
	uint64_t seed = 0;

	sl_rand_secret(&seed, sizeof(seed));
	pthread_mutex_init(&mirror->lock, NULL);
	sl_keeper_init(&mirror->keeper);
	mirror->keeper.managed = sl_kversion_at_least(5, 16);
	mirror->keeper.find = keeper_find;
	mirror->keeper.ready = keeper_ready;
	mirror->keeper.request = keeper_request;
	mirror->keeper.arg = mirror;
	mirror->vips.is_local = is_local;
	mirror->vips.publish = on_vip;
	mirror->vips.arg = mirror;
	mirror->local_changed = true;
	mirror->work = evtimer_new(mirror->params.base, on_work, mirror);
	mirror->tick = event_new(mirror->params.base, -1, EV_PERSIST, on_tick, mirror);
	if (mirror->work == NULL || mirror->tick == NULL ||
		sl_mirror_routes_init(mirror, seed) != 0 ||
		sl_adjacencies_init(&mirror->adjacencies, seed, &ops) != 0 ||
		sl_vips_init(&mirror->vips, seed) != 0)
		return -ENOMEM;
	return 0;
}

struct sl_mirror *
sl_mirror_new(const struct sl_mirror_params *params, const struct sl_conf *conf, struct sl_err *err)
{
	const struct timeval second = {.tv_sec = 1};
	struct sl_mirror *mirror = calloc(1, sizeof(*mirror));

	if (mirror == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	mirror->params = *params;
	if (init_parts(mirror) != 0) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		goto failed;
	}
	mirror->n_ports = conf->n_ports;
	for (unsigned i = 0; i < conf->n_ports; i++) {
		struct sl_mirror_port *port = &mirror->ports[i];

		memcpy(port->name, conf->ports[i].name, sizeof(port->name));
		port->space = -1;
		if (!conf->ports[i].twin)
			continue;
		port->space = find_space(mirror, conf->ports[i].twin_netns, err);
		if (port->space < 0)
			goto failed;
	}
	event_add(mirror->tick, &second);
	schedule(mirror, 0);
	return mirror;

failed:
	sl_mirror_free(mirror);
	return NULL;
}

void sl_mirror_free(struct sl_mirror *mirror)
{
	if (mirror == NULL)
		return;
	/* Nobody is told any more, and nothing asked of Linux: what it has stays. */
	mirror->params.event = NULL;
	for (unsigned i = 0; i < mirror->n_spaces; i++) {
		if (mirror->spaces[i].readable != NULL)
			event_free(mirror->spaces[i].readable);
		sl_rtnl_close(&mirror->spaces[i].requests);
		sl_space_done(&mirror->spaces[i].space);
	}
	sl_adjacencies_done(&mirror->adjacencies);
	sl_keeper_done(&mirror->keeper);
	sl_vips_done(&mirror->vips);
	sl_direct_free(mirror->direct);
	if (mirror->work != NULL)
		event_free(mirror->work);
	if (mirror->gleaner != NULL)
		event_free(mirror->gleaner);
	if (mirror->tick != NULL)
		event_free(mirror->tick);
	pthread_mutex_destroy(&mirror->lock);
	free(mirror);
}

int sl_mirror_configure(struct sl_mirror *mirror, const struct sl_conf *conf)
{
	struct sl_direct *direct = sl_direct_new(conf);
	struct sl_map_node *node;

	if (direct == NULL)
		return -ENOMEM;
	sl_feed_direct(&mirror->feed, direct);
	sl_direct_free(mirror->direct);
	mirror->direct = direct;
	mirror->local_changed = true;
	for (unsigned i = 0; i < mirror->n_ports; i++)
		sl_mirror_configure_port(mirror, i, &conf->ports[i]);
	sl_vip_expire_all(&mirror->vips);
	sl_adjacency_expire_all(&mirror->adjacencies);
	TAILQ_FOREACH (node, &mirror->adjacencies.hops.seen, seen) {
		const struct sl_next_hop *hop = sl_map_entry(node, struct sl_next_hop, node);

		if (hop->way.ifindex == 0)
			sl_next_hop_refresh(
				&mirror->adjacencies, sl_map_entry(node, struct sl_next_hop, node));
	}
	schedule(mirror, 0);
	return 0;
}

static int watch_one(struct sl_mirror *mirror, const struct sl_watch *watch)
{
	if (watch->what == SL_WATCH_ADJ && watch->added)
		return sl_adjacency_add(&mirror->adjacencies, &watch->address, watch->index);
	if (watch->what == SL_WATCH_VIP && watch->added)
		return sl_vip_add(&mirror->vips, &watch->address, watch->index);
	if (watch->what == SL_WATCH_ADJ)
		sl_adjacency_remove(&mirror->adjacencies, &watch->address, watch->index);
	else
		sl_vip_remove(&mirror->vips, &watch->address, watch->index);
	return 0;
}

int sl_mirror_watch(struct sl_mirror *mirror, const struct sl_watch *watches, unsigned n)
{
	int ret = 0;

	pthread_mutex_lock(&mirror->lock);
	for (unsigned i = 0; i < n; i++) {
		if (watch_one(mirror, &watches[i]) != 0)
			ret = -ENOMEM;
	}
	pthread_mutex_unlock(&mirror->lock);
	schedule(mirror, 0);
	return ret;
}

const char *
sl_mirror_reachability(struct sl_mirror *mirror, const struct sl_addr *server, bool needs_link)
{
	const struct sl_adjacency *adjacency;
	const char *result = NULL;
	uint32_t index = 0;

	pthread_mutex_lock(&mirror->lock);
	adjacency = sl_adjacency_find(&mirror->adjacencies, server);
	if (adjacency != NULL)
		index = adjacency->index;
	pthread_mutex_unlock(&mirror->lock);
	if (adjacency != NULL && index < mirror->params.engine->n_adjs)
		result = sl_adjacency_reachability(
			sl_read_adj(&mirror->params.engine->adjs[index]), needs_link);
	return result;
}

bool sl_mirror_vip_local(struct sl_mirror *mirror, const struct sl_addr *address)
{
	const struct sl_vip *vip;
	uint32_t index = UINT32_MAX;

	pthread_mutex_lock(&mirror->lock);
	vip = sl_vip_find(&mirror->vips, address);
	if (vip != NULL)
		index = vip->index;
	pthread_mutex_unlock(&mirror->lock);
	return index < mirror->params.engine->n_vips &&
		sl_read_flag(&mirror->params.engine->vip_local[index]);
}
