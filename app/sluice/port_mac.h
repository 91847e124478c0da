/* SPDX-License-Identifier: BSD-3-Clause */
/* The MAC addresses that a port accepts besides its own. Control core. */
#ifndef SLUICE_PORT_MAC_H
#define SLUICE_PORT_MAC_H

#include <stdint.h>

#include "port.h"

/* As struct sl_port has it: six bytes in memory order, then two zero. */
uint64_t sl_port_mac_word(const uint8_t mac[6]);

/* The device cannot do something: from now on it receives everything. Says so, once. */
void sl_port_go_promiscuous(struct sl_port_dev *dev, const char *what);

/*
 * The unicast addresses that a port accepts besides its own, those of macvlan children of its
 * twin: all of them, each time. Beyond SL_PORT_MACS - 1 they are left out, and logged. A device has
 * those of its VLANs, too. One that refuses an address becomes promiscuous; the packet path drops
 * what is not ours.
 */
void sl_port_set_macs(struct sl_ports *ports, unsigned index, struct sl_engine *engine,
	const uint8_t (*macs)[6], unsigned n);

#endif
