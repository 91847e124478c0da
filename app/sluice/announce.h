/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gratuitous ARP and unsolicited neighbour advertisements: neighbours that know an address of ours
 * under another MAC address, as after a move from another box, learn the new one at once. Linux
 * does this by itself when a link comes up or changes its MAC address, but not when a VIP is added.
 * RFC 5227, section 3 (a request for one's own address); RFC 4861, section 7.2.6.
 */
#ifndef SL_ANNOUNCE_H
#define SL_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#define SL_ANNOUNCE_MAX 86 /* bytes of a frame */

/* A socket in the namespace (netns.h) for sl_announce(), or -errno; close() it. */
int sl_announce_open(const char *netns);

/* Sends one. 0 or -errno. */
int sl_announce(int fd, int ifindex, const uint8_t mac[6], const struct sl_addr *address);

/* The frame alone; its length. */
size_t sl_announce_frame(
	uint8_t frame[SL_ANNOUNCE_MAX], const uint8_t mac[6], const struct sl_addr *address);

#endif
