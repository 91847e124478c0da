/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason for which sluice drops a packet. One line here is all that a new reason needs:
 * the API, the client and the man page list what stands here.
 * X(NAME, "name", "what it means and, where there is one, what to do")
 */
#ifndef SL_LB_DROP_H
#define SL_LB_DROP_H

#define SL_DROP_REASONS(X)                                                                         \
	X(TRUNCATED, "truncated", "shorter than its headers or their length fields say")           \
	X(MALFORMED, "malformed", "a version, header length or total length that cannot be")       \
	X(IP_CHECKSUM, "ip_checksum", "the IPv4 header checksum is wrong")                         \
	X(EXTENSIONS, "extensions",                                                                \
		"IPv6 extension headers that are too many, or in an order that cannot be")         \
	X(SOURCE_MAC, "source_mac", "the Ethernet source is a multicast address, zero or our own") \
	X(NOT_OUR_MAC, "not_our_mac", "unicast to a MAC address that is not the port's")           \
	X(VLAN_UNKNOWN, "vlan_unknown", "with the tag of a VLAN that is none of the port's")       \
	X(VLAN_STACKED, "vlan_stacked", "with several VLAN tags (802.1ad)")                        \
	X(SOURCE_ADDRESS, "source_address",                                                        \
		"the IP source is no unicast address, or it is our own")                           \
	X(FRAGMENT, "fragment",                                                                    \
		"a fragment, not its datagram's first, for a service but of no connection")        \
	X(FRAGMENT_LENGTH, "fragment_length",                                                      \
		"a fragment that is empty, not cut at 8 bytes, or ends beyond 65,535 bytes")       \
	X(FRAGMENT_TINY, "fragment_tiny",                                                          \
		"a first fragment without its whole TCP or UDP header, or one that begins in it")  \
	X(FRAGMENT_OVERLAP, "fragment_overlap",                                                    \
		"a fragment that overlaps others of its datagram, or one of such a datagram")      \
	X(FRAGMENT_DUPLICATE, "fragment_duplicate", "a fragment that has come before")             \
	X(FRAGMENT_LIMIT, "fragment_limit",                                                        \
		"too many fragments wait, or too many pieces of one datagram: the oldest go")      \
	X(FRAGMENT_TIMEOUT, "fragment_timeout",                                                    \
		"a fragment whose datagram's first one did not come within a second")              \
	X(SEGMENTS, "segments",                                                                    \
		"a packet in several buffers that would have to be cut, or summed up as a whole")  \
	X(SPLIT_LIMIT, "split_limit",                                                              \
		"a packet to be cut into too many fragments, or too many such packets at once")    \
	X(TTL_EXCEEDED, "ttl_exceeded",                                                            \
		"TTL 1 on arrival; answered with ICMP time exceeded while the limit allows")       \
	X(NO_SERVER, "no_server",                                                                  \
		"the service has no server that takes connections; answered with ICMP port "       \
		"unreachable while the limit allows")                                              \
	X(NO_CONNECTION, "no_connection",                                                          \
		"TCP without SYN and without a connection, to be masqueraded or on a port "        \
		"without a Linux twin; an ICMP error about no connection, to be masqueraded")      \
	X(SERVER_REMOVED, "server_removed", "its connection's server has been removed")            \
	X(NEIGHBOUR_UNRESOLVED, "neighbour_unresolved",                                            \
		"the MAC address of the server or next hop is not known (yet): does it answer "    \
		"ARP, or ND?")                                                                     \
	X(SERVER_NOT_ON_LINK, "server_not_on_link",                                                \
		"direct routing needs the server on a connected segment")                          \
	X(PACKET_TOO_BIG, "packet_too_big",                                                        \
		"longer than the way's MTU and not to be fragmented; answered while the limit "    \
		"allows")                                                                          \
	X(TUNNEL_SOURCE, "tunnel_source",                                                          \
		"to a server in a tunnel, out of a port where the director has no address of the " \
		"server's family")                                                                 \
	X(TUNNEL_ERROR, "tunnel_error",                                                            \
		"an ICMP error about one of our own tunnels: its MTU was noted, if it named one")  \
	X(NO_ROUTE, "no_route",                                                                    \
		"no route to its server, or to its destination; the latter is answered while the " \
		"limit allows")                                                                    \
	X(ROUTE_PROHIBIT, "route_prohibit",                                                        \
		"a route of type prohibit; answered while the limit allows")                       \
	X(ROUTE_BLACKHOLE, "route_blackhole", "a route of type blackhole")                         \
	X(NAT_TUPLE_BUSY, "nat_tuple_busy",                                                        \
		"its client's address and port talk to each server already, through another "      \
		"service")                                                                         \
	X(LOCAL_PORTS, "local_ports",                                                              \
		"no local address and port is free towards the server: more local addresses "      \
		"help; "                                                                           \
		"a new FullNAT connection is answered with ICMP port unreachable")                 \
	X(NOT_TRANSLATED, "not_translated",                                                        \
		"what cannot be said in the server's or client's other address family")            \
	X(PROXY_FRAGMENT, "proxy_fragment",                                                        \
		"a fragmented TCP segment before the server has the PROXY protocol header")        \
	X(PROXY_TOO_LONG, "proxy_too_long",                                                        \
		"a datagram that leaves no room for the PROXY protocol header")                    \
	X(PAIR_GONE, "pair_gone",                                                                  \
		"its connection ended, or gave way to another, while the packet was on its way")   \
	X(TABLE_FULL, "table_full", "no room for a new connection: only proven ones are left")     \
	X(HANDOVER_FULL, "handover_full",                                                          \
		"the ring to the worker that owns the connection is full")                         \
	X(HANDOVER_LOOP, "handover_loop", "handed over more often than a packet ever needs")       \
	X(PUNT_FULL, "punt_full", "the ring to the Linux twin is full in this packet's class")     \
	X(PUNT_RATE, "punt_rate", "over the rate of its punt class")                               \
	X(PUNT_NO_TWIN, "punt_no_twin", "for Linux, on a port without a twin")                     \
	X(TWIN_WRITE, "twin_write", "Linux did not take the packet from the twin's descriptor")    \
	X(TRANSIT, "transit", "for somebody else, on a port whose transit policy is to drop")      \
	X(ICMP_RATE, "icmp_rate", "an ICMP error was due, over the rate of such errors")           \
	X(NO_HEADROOM, "no_headroom",                                                              \
		"no room in the buffer for what goes in front, or the buffer is shared")           \
	X(TX_FULL, "tx_full", "the port's transmit queue, or the ring to its owner, is full")      \
	X(NO_MBUF, "no_mbuf", "no packet buffer for what Linux sent, or for a fragment")

enum sl_drop {
#define X(NAME, name, help) SL_DROP_##NAME,
	SL_DROP_REASONS(X)
#undef X
		SL_DROP_COUNT,
};

struct sl_drop_info {
	const char *name;
	const char *help;
};

extern const struct sl_drop_info sl_drop_infos[SL_DROP_COUNT];

#endif
