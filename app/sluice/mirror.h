/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Linux has, mirrored into the engine: links, addresses, routes and neighbours of the twins'
 * namespaces, learned through rtnetlink, become the set of local addresses, the locality of VIPs,
 * adjacencies and the MAC addresses that a port accepts. Next hops that servers need are handed to
 * Linux to keep resolved.
 *
 * Control core only, unless a function says otherwise. No callback runs longer than 5 ms: dumps
 * and re-evaluations are cut in slices. When the kernel says that messages were lost (ENOBUFS),
 * everything is dumped again and compared.
 */
#ifndef SL_MIRROR_H
#define SL_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "conf/model.h"
#include "lb/engine.h"

struct sl_mirror;

struct sl_mirror_params {
	struct event_base *base;
	struct sl_engine *engine;
	const struct sl_clock *clock;
	/*
	 * What happened: class "link", "vip", "neighbour" or "address". Takes over `details`. May
	 * be NULL.
	 */
	void (*event)(void *arg, const char *event_class, json_t *details);
	/*
	 * The unicast addresses that the port has to accept: the twin's own first, then those of
	 * macvlan interfaces over it. Called whenever that changes. May be NULL.
	 */
	void (*macs)(void *arg, uint16_t port, const uint8_t (*macs)[6], unsigned n);
	/*
	 * An address that sl_kernel_apply() had put into Linux is gone: apply again. May be NULL.
	 */
	void (*drifted)(void *arg);
	void *arg;
};

/*
 * Begins to mirror the namespaces of the configuration's twins, which exist (sl_twin_new()).
 * `conf` is read during the call only; port n of it is port n of the engine. NULL with `err`
 * set.
 */
struct sl_mirror *sl_mirror_new(
	const struct sl_mirror_params *params, const struct sl_conf *conf, struct sl_err *err);
void sl_mirror_free(struct sl_mirror *mirror); /* accepts NULL; before the engine goes */

/*
 * Takes over what the configuration itself says: prefixes, static neighbours and VIPs of ports
 * without a twin, and which VIPs are managed. After each sl_kernel_apply(). 0 or -ENOMEM.
 */
int sl_mirror_configure(struct sl_mirror *mirror, const struct sl_conf *conf);

/* Changes from sl_registry_watches(), in order. 0 or -ENOMEM. */
int sl_mirror_watch(struct sl_mirror *mirror, const struct sl_watch *watches, unsigned n);

/* Any thread. As sl_adjacency_reachability(); NULL for an address that is not watched. */
const char *
sl_mirror_reachability(struct sl_mirror *mirror, const struct sl_addr *server, bool needs_link);

/* Any thread. Whether the VIP is local, as the workers see it. */
bool sl_mirror_vip_local(struct sl_mirror *mirror, const struct sl_addr *vip);

/*
 * A copy of what reports need; freed by whoever has it, on any thread. NULL without memory. The
 * JSON is made from it off the control core: new references, NULL without memory.
 */
struct sl_mirror_report;
struct sl_mirror_report *sl_mirror_report(struct sl_mirror *mirror);
void sl_mirror_report_free(struct sl_mirror_report *report);

/* Array by address: {address, port, interface, mac, state, managed, servers}. */
json_t *sl_mirror_report_neighbours(const struct sl_mirror_report *report);
/*
 * The twin of a port: {interface, netns, present, ifindex, up, carrier, mac, macs, mtu,
 * addresses}; null without one.
 */
json_t *sl_mirror_report_twin(const struct sl_mirror_report *report, uint16_t port);
/*
 * {ipv4, ipv6: routes in the forwarding table, max: how many it has room for, refused: how many of
 * Linux's it has none for, gateways: next hops that are kept resolved}.
 */
json_t *sl_mirror_report_routes(const struct sl_mirror_report *report);
/* Array of {address, mode, port, local}, of the configuration's VIPs. */
json_t *sl_mirror_report_vips(struct sl_mirror *mirror, const struct sl_conf *conf);

#endif
