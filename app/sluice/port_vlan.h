/* SPDX-License-Identifier: BSD-3-Clause */
/* VLANs on a port: ports of their own that share its device. Part of port.c. */
#ifndef SLUICE_PORT_VLAN_H
#define SLUICE_PORT_VLAN_H

#include "port.h"

/* Makes the port a VLAN on its parent, which may come later in the list. 0 or -ENOMEM. */
int sl_port_vlan_probe(struct sl_ports *ports, struct sl_port_dev *dev,
	const struct sl_conf_port *conf, struct sl_err *err);

/* What a device has to be asked for that is to receive frames with tags. */
void sl_port_vlan_offloads(const struct sl_port_dev *dev, struct rte_eth_conf *conf);

/* Lets the tags of a device's VLANs through, and priority tags, where a filter is in their way. */
void sl_port_vlan_filter(const struct sl_port_dev *dev);

/* What a VLAN has from its parent, once that one is started. */
void sl_port_vlan_start(struct sl_port_dev *dev, const struct sl_conf_port *conf);

/* Puts tags in: of the first k packets, and returns k. */
unsigned sl_port_vlan_tag(const struct sl_port_dev *dev, struct rte_mbuf **pkts, unsigned n);

#endif
