/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_mac.h"

#include <string.h>

#include <rte_ether.h>

#include "base/log.h"
#include "lb/publish.h"

uint64_t sl_port_mac_word(const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, RTE_ETHER_ADDR_LEN);
	return word;
}

void sl_port_go_promiscuous(struct sl_port_dev *dev, const char *what)
{
	if (dev->promiscuous)
		return;
	dev->promiscuous = true;
	if (rte_eth_promiscuous_enable(dev->ethdev) == 0)
		sl_log_notice("port %s: the device cannot %s: it receives everything, what is not "
			      "for us is dropped in software",
			dev->name, what);
	else
		sl_log_warning("port %s: the device can neither %s nor receive everything",
			dev->name, what);
}

static bool has_mac(const uint64_t *words, unsigned n, uint64_t word)
{
	for (unsigned i = 0; i < n; i++) {
		if (words[i] == word)
			return true;
	}
	return false;
}

/* Whether another port on the same device accepts the address. */
static bool others_have(
	const struct sl_ports *ports, unsigned index, const struct sl_engine *engine, uint64_t word)
{
	const struct sl_port_dev *device = sl_port_device(&ports->dev[index]);

	for (unsigned i = 0; i < ports->n; i++) {
		if (i != index && sl_port_device(&ports->dev[i]) == device &&
			has_mac(engine->ports[i].macs, SL_PORT_MACS, word))
			return true;
	}
	return false;
}

static void filter_mac(struct sl_port_dev *device, uint64_t word, bool add)
{
	struct rte_ether_addr mac;

	memcpy(mac.addr_bytes, &word, sizeof(mac.addr_bytes));
	if (!add)
		rte_eth_dev_mac_addr_remove(device->ethdev, &mac);
	else if (rte_eth_dev_mac_addr_add(device->ethdev, &mac, 0) < 0)
		sl_port_go_promiscuous(device, "take another MAC address");
}

/* The port's own and `macs`, each once. Returns how many there are. */
static unsigned collect(const struct sl_port_dev *dev, const uint8_t (*macs)[6], unsigned n,
	uint64_t wanted[SL_PORT_MACS])
{
	unsigned count = 1;

	wanted[0] = sl_port_mac_word(dev->mac);
	for (unsigned i = 0; i < n; i++) {
		uint64_t word = sl_port_mac_word(macs[i]);

		if (has_mac(wanted, count, word))
			continue;
		if (count == SL_PORT_MACS) {
			sl_log_warning("port %s: more than %u MAC addresses: the rest is not "
				       "received",
				dev->name, SL_PORT_MACS);
			break;
		}
		wanted[count++] = word;
	}
	return count;
}

void sl_port_set_macs(struct sl_ports *ports, unsigned index, struct sl_engine *engine,
	const uint8_t (*macs)[6], unsigned n)
{
	struct sl_port_dev *dev = &ports->dev[index];
	struct sl_port_dev *device = dev->parent != NULL ? dev->parent : dev;
	struct sl_port *port = &engine->ports[index];
	uint64_t wanted[SL_PORT_MACS] = {0};
	unsigned count = collect(dev, macs, n, wanted);

	for (unsigned i = 1; i < SL_PORT_MACS; i++) {
		uint64_t word = port->macs[i];

		if (word != 0 && !has_mac(wanted, count, word) &&
			!others_have(ports, index, engine, word))
			filter_mac(device, word, false);
	}
	for (unsigned i = 1; i < count; i++) {
		if (!has_mac(port->macs, SL_PORT_MACS, wanted[i]) &&
			!others_have(ports, index, engine, wanted[i]))
			filter_mac(device, wanted[i], true);
	}
	for (unsigned i = 1; i < SL_PORT_MACS; i++)
		sl_publish_mac(&port->macs[i], wanted[i]);
}
