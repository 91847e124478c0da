/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes to Linux, in strict priority. Each class has a ring of its own per worker and a
 * token bucket for the whole box, kept by the twin thread: a flood in one class costs the
 * classes above it nothing.
 * X(NAME, "name", default packets per second, "what belongs to it")
 */
#ifndef SL_LB_PUNT_H
#define SL_LB_PUNT_H

#include <stdbool.h>

#include "net/parse.h"

#define SL_PUNT_CLASSES(X)                                                                         \
	X(ROUTING, "routing", 20000, "VRRP, BFD, BGP, OSPF, LACP")                                 \
	X(NEIGHBOUR, "neighbour", 10000, "ARP, IPv6 neighbour discovery")                          \
	X(HOST, "host", 100000, "the box's own traffic: ssh, DNS, servers on 127.0.0.1")           \
	X(ECHO, "echo", 2000, "ICMP and ICMPv6")                                                   \
	X(STRAY, "stray", 2000, "TCP and UDP to a VIP that no service or connection claims")       \
	X(OTHER, "other", 2000, "everything else: broadcasts, multicasts, unknown protocols")

enum sl_punt_class {
#define X(NAME, name, rate, help) SL_PUNT_##NAME,
	SL_PUNT_CLASSES(X)
#undef X
		SL_PUNT_COUNT,
};

struct sl_punt_info {
	const char *name;
	unsigned default_rate; /* packets per second, box-wide; burst is a tenth of it */
	const char *help;
};

extern const struct sl_punt_info sl_punt_infos[SL_PUNT_COUNT];

/*
 * The class of a frame that is for Linux, as sl_parse() took it apart. `group`: sent to a group's
 * MAC address. `to_vip`: addressed to a VIP.
 */
enum sl_punt_class sl_punt_classify(const struct sl_parsed *parsed, bool group, bool to_vip);

/*
 * Neighbour discovery. RFC 4861: hop limit 255 says that it comes from the link, and only then it
 * is heeded.
 */
bool sl_punt_is_discovery(const struct sl_parsed *parsed);

#endif
