/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header of the PROXY protocol, version 2: who the client is and what it connected to.
 * Bytes only; any thread. Source: haproxy's proxy-protocol.txt, sections 2.2 and 2.2.4.
 */
#ifndef SL_NET_PROXY_H
#define SL_NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/rewrite.h"

#define SL_PROXY_MAX 56 /* bytes */

/*
 * 32 bytes for IPv4, 56 for IPv6: a TLV without meaning makes it a multiple of 8, so that the
 * fragments behind a datagram's first can be moved by it.
 */
unsigned sl_proxy_length(uint8_t family);

/* Writes sl_proxy_length() bytes. `t` is the packet as the client sent it: client -> VIP. */
void sl_proxy_write(void *out, const struct sl_tuple *t, bool udp);

#endif
