/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "address.h"
#include "announce.h"
#include "base/log.h"
#include "kversion.h"
#include "rtnl.h"
#include "tun.h"

#define DUMP_TRIES       5
#define ANNOUNCE_BATCH   64
#define ANNOUNCE_WAIT_US 2000

struct space { /* a namespace that has twins */
	char netns[64];
	struct sl_rtnl rtnl;
};

struct port {
	char name[SL_NAME_MAX];
	int space; /* -1 = no twin */
	int ifindex;
	uint32_t mtu; /* of the interface */
	uint8_t mac[6];
};

struct sl_kernel {
	unsigned n_spaces, n_ports;
	struct space spaces[SL_PORTS_MAX];
	struct port ports[SL_PORTS_MAX];
	bool marks;                      /* the kernel keeps IFA_PROTO */
	struct sl_address_list previous; /* what was applied last: ours, where there are no marks */
};

static int find_space(struct sl_kernel *kernel, const char *netns, struct sl_err *err)
{
	struct space *space;
	unsigned i;
	int ret;

	for (i = 0; i < kernel->n_spaces; i++) {
		if (strcmp(kernel->spaces[i].netns, netns) == 0)
			return i;
	}
	space = &kernel->spaces[i];
	ret = sl_rtnl_open(&space->rtnl, netns);
	if (ret != 0)
		return sl_err_set(err, -ret, NULL,
			"cannot open a netlink socket in the namespace '%s': %s", netns,
			strerror(-ret));
	snprintf(space->netns, sizeof(space->netns), "%s", netns);
	kernel->n_spaces++;
	return i;
}

struct sl_kernel *sl_kernel_new(const struct sl_conf *conf, struct sl_err *err)
{
	struct sl_kernel *kernel = calloc(1, sizeof(*kernel));

	if (kernel == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	kernel->marks = sl_kversion_at_least(5, 18);
	kernel->n_ports = conf->n_ports;
	for (unsigned i = 0; i < conf->n_ports; i++) {
		struct port *port = &kernel->ports[i];

		memcpy(port->name, conf->ports[i].name, sizeof(port->name));
		port->space = -1;
		if (!conf->ports[i].twin)
			continue;
		port->space = find_space(kernel, conf->ports[i].twin_netns, err);
		if (port->space < 0) {
			sl_kernel_free(kernel);
			return NULL;
		}
	}
	return kernel;
}

void sl_kernel_free(struct sl_kernel *kernel)
{
	if (kernel == NULL)
		return;
	for (unsigned i = 0; i < kernel->n_spaces; i++)
		sl_rtnl_close(&kernel->spaces[i].rtnl);
	sl_address_list_free(&kernel->previous);
	free(kernel);
}

/* One look at what a namespace has. */
struct look {
	struct sl_kernel *kernel;
	int space;
	struct sl_address_list *present;
};

static int port_of(const struct look *look, int ifindex)
{
	for (unsigned i = 0; i < look->kernel->n_ports; i++) {
		const struct port *port = &look->kernel->ports[i];

		if (port->space == look->space && port->ifindex == ifindex)
			return i;
	}
	return -1;
}

static int look_at(void *arg, const struct sl_rtmsg *message)
{
	const struct look *look = arg;
	struct sl_kernel *kernel = look->kernel;
	struct sl_address item = {0};
	int port;

	if (message->kind == SL_RTMSG_LINK) {
		for (unsigned i = 0; i < kernel->n_ports; i++) {
			if (kernel->ports[i].space == look->space &&
				strcmp(kernel->ports[i].name, message->link.name) == 0) {
				kernel->ports[i].ifindex = message->link.ifindex;
				kernel->ports[i].mtu = message->link.mtu;
				memcpy(kernel->ports[i].mac, message->link.mac, 6);
			}
		}
		return 0;
	}
	if (message->kind == SL_RTMSG_ADDRESS) {
		port = port_of(look, message->address.ifindex);
		item.prefix = message->address.prefix;
		item.ours = message->address.protocol == SL_KERNEL_PROTOCOL;
	} else {
		const struct sl_rtmsg_neighbour *neighbour = &message->neighbour;

		if (!(neighbour->state & NUD_PERMANENT) || !neighbour->has_mac)
			return 0;
		port = port_of(look, neighbour->ifindex);
		item.neighbour = true;
		item.prefix.addr = neighbour->address;
		item.prefix.length = neighbour->address.family == 4 ? 32 : 128;
		item.ours = neighbour->protocol == SL_KERNEL_PROTOCOL;
		memcpy(item.mac, neighbour->mac, sizeof(item.mac));
	}
	if (port < 0)
		return 0;
	item.port = port;
	return sl_address_add(look->present, &item);
}

static int dump(const struct look *look, uint16_t type)
{
	struct sl_rtnl *rtnl = &look->kernel->spaces[look->space].rtnl;

	return sl_rtnl_dump(rtnl, type, AF_UNSPEC, look_at, (void *)(uintptr_t)look);
}

/* A dump that something changed under is worth nothing: it is taken again. */
static int look_everywhere(struct sl_kernel *kernel, struct sl_address_list *present)
{
	int ret = -EAGAIN;

	for (unsigned try = 0; try < DUMP_TRIES && ret == -EAGAIN; try++) {
		ret = 0;
		sl_address_list_free(present);
		for (unsigned i = 0; i < kernel->n_ports; i++)
			kernel->ports[i].ifindex = 0;
		for (unsigned i = 0; i < kernel->n_spaces && ret == 0; i++) {
			const struct look look = {kernel, i, present};

			ret = dump(&look, RTM_GETLINK);
			if (ret == 0)
				ret = dump(&look, RTM_GETADDR);
			if (ret == 0)
				ret = dump(&look, RTM_GETNEIGH);
		}
	}
	return ret;
}

static int put_address(struct sl_kernel *kernel, bool add, const struct sl_address *item)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[SL_RTMSG_MAX];
	const struct port *port = &kernel->ports[item->port];
	struct nlmsghdr *request;
	int ret;

	if (item->neighbour)
		request = sl_rtmsg_put_neighbour(buffer,
			add ? SL_RTMSG_NEIGHBOUR_STATIC : SL_RTMSG_NEIGHBOUR_DELETE, port->ifindex,
			&item->prefix.addr, item->mac, SL_KERNEL_PROTOCOL);
	else
		request = sl_rtmsg_put_address(
			buffer, add, port->ifindex, &item->prefix, item->vip, SL_KERNEL_PROTOCOL);
	ret = sl_rtnl_request(&kernel->spaces[port->space].rtnl, request);
	/* Somebody else was quicker, to the same end. */
	if (add && ret == -EEXIST)
		ret = 0;
	if (!add && (ret == -EADDRNOTAVAIL || ret == -ENOENT))
		ret = 0;
	return ret;
}

static int
make_change(struct sl_kernel *kernel, const struct sl_address_change *change, struct sl_err *err)
{
	const struct sl_address *item = change->item;
	char text[SL_ADDR_TEXT];
	int ret = put_address(kernel, change->add, item);

	if (ret == 0)
		return 0;
	if (item->neighbour)
		sl_addr_format(&item->prefix.addr, text);
	else
		sl_prefix_format(&item->prefix, text);
	return sl_err_set(err, -ret, NULL, "cannot %s %s%s on %s: %s",
		change->add ? "put" : "remove", item->neighbour ? "the neighbour " : "", text,
		kernel->ports[item->port].name, strerror(-ret));
}

static void take_back(struct sl_kernel *kernel, const struct sl_address_change *change)
{
	int ret;

	if (change->replaced != NULL)
		ret = put_address(kernel, true, change->replaced);
	else
		ret = put_address(kernel, !change->add, change->item);
	if (ret != 0)
		sl_log_warning("%s: a change could not be taken back: %s",
			kernel->ports[change->item->port].name, strerror(-ret));
}

/* Those of one namespace. The wait between lets the twin thread keep up with thousands of them. */
static void
announce(struct sl_kernel *kernel, int space, const struct sl_address_change *changes, unsigned n)
{
	int fd = -1, sent = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct sl_address *item = changes[i].item;
		const struct port *port = &kernel->ports[item->port];

		if (!changes[i].add || !item->vip || port->space != space)
			continue;
		if (fd < 0)
			fd = sl_announce_open(kernel->spaces[space].netns);
		if (fd < 0 || sl_announce(fd, port->ifindex, port->mac, &item->prefix.addr) != 0) {
			sl_log_warning("%s: new addresses could not be announced", port->name);
			break;
		}
		if (++sent % ANNOUNCE_BATCH == 0)
			usleep(ANNOUNCE_WAIT_US);
	}
	if (fd >= 0)
		close(fd);
}

static int make_changes(struct sl_kernel *kernel, const struct sl_address_list *wanted,
	const struct sl_address_list *present, struct sl_err *err)
{
	static const struct sl_address_list none;
	struct sl_address_change *changes = NULL;
	int n, done = 0, ret = 0;

	changes = calloc((size_t)wanted->n + present->n + 1, sizeof(changes[0]));
	n = changes != NULL ? sl_address_diff(wanted, present,
				      kernel->marks ? &none : &kernel->previous, changes)
			    : -ENOMEM;
	if (n < 0)
		ret = sl_err_set(err, ENOMEM, NULL, "out of memory");
	for (; done < n && ret == 0; done += ret == 0)
		ret = make_change(kernel, &changes[done], err);
	while (ret != 0 && done > 0)
		take_back(kernel, &changes[--done]);
	for (unsigned i = 0; ret == 0 && i < kernel->n_spaces; i++)
		announce(kernel, (int)i, changes, (unsigned)n);
	free(changes);
	return ret;
}

static int set_mtu(struct sl_kernel *kernel, const struct port *port, uint32_t mtu)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[SL_RTMSG_MAX];

	return sl_rtnl_request(
		&kernel->spaces[port->space].rtnl, sl_rtmsg_put_mtu(buffer, port->ifindex, mtu));
}

/* The interfaces are there, and have the MTU that is wanted. */
static int set_links(struct sl_kernel *kernel, const struct sl_conf *to, struct sl_err *err)
{
	for (unsigned i = 0; i < kernel->n_ports; i++) {
		const struct port *port = &kernel->ports[i];
		int ret;

		if (port->space < 0)
			continue;
		if (port->ifindex == 0)
			return sl_err_set(err, ENODEV, NULL, "the twin %s is gone", port->name);
		ret = port->mtu != to->ports[i].mtu ? set_mtu(kernel, port, to->ports[i].mtu) : 0;
		if (ret != 0)
			return sl_err_set(err, -ret, NULL, "cannot set the MTU of %s to %u: %s",
				port->name, to->ports[i].mtu, strerror(-ret));
	}
	return 0;
}

static void take_links_back(struct sl_kernel *kernel, const struct sl_conf *to)
{
	for (unsigned i = 0; i < kernel->n_ports; i++) {
		const struct port *port = &kernel->ports[i];

		if (port->space >= 0 && port->ifindex != 0 && port->mtu != to->ports[i].mtu)
			set_mtu(kernel, port, port->mtu);
	}
}

int sl_kernel_apply(struct sl_kernel *kernel, const struct sl_conf *to, struct sl_err *err)
{
	struct sl_address_list wanted, present = {0};
	int ret;

	if (sl_address_wanted(to, &wanted) != 0)
		return sl_err_set(err, ENOMEM, NULL, "out of memory");
	ret = look_everywhere(kernel, &present);
	if (ret != 0)
		ret = sl_err_set(
			err, -ret, NULL, "cannot read Linux's addresses: %s", strerror(-ret));
	if (ret == 0)
		ret = set_links(kernel, to, err);
	if (ret == 0)
		ret = make_changes(kernel, &wanted, &present, err);
	if (ret == 0) {
		sl_address_list_free(&kernel->previous);
		kernel->previous = wanted;
	} else {
		take_links_back(kernel, to);
		sl_address_list_free(&wanted);
	}
	sl_address_list_free(&present);
	return ret;
}

int sl_kernel_purge(const struct sl_conf *conf, struct sl_err *err)
{
	int result = 0;

	for (unsigned i = 0; i < conf->n_ports; i++) {
		const struct sl_conf_port *port = &conf->ports[i];
		int ret;

		if (!port->twin)
			continue;
		ret = sl_tun_remove(port->name, port->twin_netns);
		if (ret == 0 || ret == -ENOENT || result != 0)
			continue;
		result = sl_err_set(err, -ret, NULL, "cannot remove the twin %s: %s", port->name,
			strerror(-ret));
		if (ret == -EBUSY)
			sl_err_hint(err, "a director still has it open: stop that first");
	}
	return result;
}
