/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_vlan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lb/vlan.h"

int sl_port_vlan_probe(struct sl_ports *ports, struct sl_port_dev *dev,
	const struct sl_conf_port *conf, struct sl_err *err)
{
	struct sl_port_dev *parent = &ports->dev[conf->parent];

	if (parent->vlan_map == NULL) {
		parent->vlan_map = malloc(SL_VLANS);
		if (parent->vlan_map == NULL)
			return sl_err_set(err, ENOMEM, NULL, "no memory for VLANs");
		memset(parent->vlan_map, SL_VLAN_NO, SL_VLANS);
	}
	parent->vlan_map[conf->vlan] = (uint8_t)(dev - ports->dev);
	snprintf(dev->name, sizeof(dev->name), "%s", conf->name);
	dev->parent = parent;
	dev->vlan = conf->vlan;
	return 0;
}

void sl_port_vlan_offloads(const struct sl_port_dev *dev, struct rte_eth_conf *conf)
{
	/* Without it some devices (virtio) let no tag through, and others all of them. */
	if (dev->vlan_map != NULL)
		conf->rxmode.offloads |= dev->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
}

void sl_port_vlan_filter(const struct sl_port_dev *dev)
{
	if (dev->vlan_map == NULL ||
		(dev->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) == 0)
		return;
	for (uint16_t id = 0; id < SL_VLANS; id++) {
		int rc = 0;

		if (id == 0 || dev->vlan_map[id] != SL_VLAN_NO)
			rc = rte_eth_dev_vlan_filter(dev->ethdev, id, 1);
		if (rc < 0 && id != 0)
			sl_log_warning("port %s: the device does not take VLAN %u: %s", dev->name,
				id, strerror(-rc));
	}
}

void sl_port_vlan_start(struct sl_port_dev *dev, const struct sl_conf_port *conf)
{
	const struct sl_port_dev *parent = dev->parent;

	dev->ethdev = parent->ethdev;
	dev->numa = parent->numa;
	dev->info = parent->info;
	memcpy(dev->mac, parent->mac, sizeof(dev->mac));
	dev->rss = parent->rss;
	dev->link_up = parent->link_up;
	dev->mtu = conf->mtu;
	dev->mtu_max = parent->mtu_max;
	dev->pool = parent->pool;
	sl_log_info("port %s: VLAN %u on port %s", dev->name, dev->vlan, parent->name);
}

unsigned sl_port_vlan_tag(const struct sl_port_dev *dev, struct rte_mbuf **pkts, unsigned n)
{
	unsigned done = 0;

	while (done < n && sl_vlan_leave(pkts[done], dev->vlan))
		done++;
	return done;
}
