/* SPDX-License-Identifier: BSD-3-Clause */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "base/log.h"
#include "netns.h"

struct open_args {
	const struct sl_tun_params *params;
	struct sl_err *err;
};

static int sysctl_open(const char *name, const char *key, int flags)
{
	char path[PATH_MAX];
	int fd;

	/* Of the namespace of the thread that opens it, whoever mounted /proc. */
	snprintf(path, sizeof(path), "/proc/sys/net/%.4s/conf/%s/%s", key, name, key + 5);
	fd = open(path, flags | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static int sysctl_write(const char *name, const char *key, int value)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", value);
	int fd = sysctl_open(name, key, O_WRONLY);
	int ret;

	if (fd < 0)
		return fd;
	ret = write(fd, text, length) == length ? 0 : -errno;
	close(fd);
	return ret;
}

/* A single digit is all that the ones we read can be; -1 when it cannot be read. */
static int sysctl_read(const char *name, const char *key)
{
	int fd = sysctl_open(name, key, O_RDONLY);
	char digit = 0;

	if (fd < 0)
		return -1;
	if (read(fd, &digit, 1) != 1 || digit < '0' || digit > '9')
		digit = '0' - 1;
	close(fd);
	return digit - '0';
}

static int write_sysctls(const char *name, struct sl_err *err)
{
	static const struct {
		const char *key;
		int value;
	} sysctls[] = {
		/* Only the addresses of the interface that was asked: not a VIP of another one. */
		{"ipv4/arp_ignore", 1},
		/*
		 * Never a VIP as the source of ARP: a DR server has it too and would not answer.
		 */
		{"ipv4/arp_announce", 2},
		/* Clients may well be reached through another port. */
		{"ipv4/rp_filter", 0},
		{"ipv4/send_redirects", 0},
		/* Removing one of our addresses must not take its neighbours' subnet along. */
		{"ipv4/promote_secondaries", 1},
		/* A load balancer takes no addresses and routes from whoever announces some. */
		{"ipv6/accept_ra", 0},
		/* An interface that goes down for a moment has its addresses afterwards, as in
		   IPv4. */
		{"ipv6/keep_addr_on_down", 1},
		/* A new MAC address, or a link that comes back: neighbours hear of it at once. */
		{"ipv4/arp_notify", 1},
		{"ipv6/ndisc_notify", 1},
	};
	int ret;

	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		ret = sysctl_write(name, sysctls[i].key, sysctls[i].value);
		if (ret == -ENOENT && sysctls[i].key[3] == '6')
			continue; /* a kernel without IPv6 */
		if (ret != 0)
			return sl_err_set(err, -ret, NULL, "cannot set %s of %s: %s",
				sysctls[i].key, name, strerror(-ret));
	}
	/*
	 * The kernel uses the larger one of "all" and the interface's: 2 (some route leads back)
	 * turns a strict "all" into a loose one for this interface.
	 */
	if (sysctl_read("all", "ipv4/rp_filter") > 0)
		sysctl_write(name, "ipv4/rp_filter", 2);
	/* Here either of the two is enough, and "all" is not ours to change. */
	if (sysctl_read("all", "ipv4/send_redirects") > 0 &&
		sysctl_read("all", "ipv4/forwarding") > 0)
		sl_log_notice("%s: Linux forwards and may send ICMP redirects: set "
			      "net.ipv4.conf.all.send_redirects to 0 in its namespace",
			name);
	return 0;
}

static int bring_up(int fd, const struct sl_tun_params *params, struct sl_err *err)
{
	struct ifreq ifr = {0};
	int sock, ret = 0;
	const char *step;

	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return sl_err_set(err, errno, NULL, "cannot open a socket: %s", strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", params->name);

	step = "set the MAC address";
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, params->mac, sizeof(params->mac));
	if (ioctl(fd, SIOCSIFHWADDR, &ifr) != 0)
		goto failed;
	step = "set the MTU";
	ifr.ifr_mtu = params->mtu;
	if (ioctl(sock, SIOCSIFMTU, &ifr) != 0)
		goto failed;
	step = "bring up the interface";
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) != 0)
		goto failed;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) != 0)
		goto failed;
	close(sock);
	return 0;

failed:
	ret = errno;
	close(sock);
	return sl_err_set(err, ret, NULL, "cannot %s of %s: %s", step, params->name, strerror(ret));
}

static int attach(int fd, const char *name, struct sl_err *err)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
		int code = errno;

		sl_err_set(err, code, NULL, "cannot open the twin %s: %s", name, strerror(code));
		if (code == EBUSY)
			sl_err_hint(err,
				"another process has the interface open: see "
				"'ip -details link show %s'",
				name);
		else if (code == EINVAL)
			sl_err_hint(
				err, "an interface of that name exists and is no TAP interface");
		else if (code == EPERM)
			sl_err_hint(err, "the process needs CAP_NET_ADMIN");
		return -code;
	}
	/* One that was left behind may have had other ideas about checksums. */
	if (ioctl(fd, TUNSETOFFLOAD, 0) != 0 || ioctl(fd, TUNSETPERSIST, 1) != 0) {
		int code = errno;

		return sl_err_set(
			err, code, NULL, "cannot set up the twin %s: %s", name, strerror(code));
	}
	return 0;
}

static int open_inside(void *arg)
{
	struct open_args *args = arg;
	const struct sl_tun_params *params = args->params;
	int fd, ret;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		ret = sl_err_set(
			args->err, errno, NULL, "cannot open /dev/net/tun: %s", strerror(errno));
		sl_err_hint(args->err, "modprobe tun, and run with CAP_NET_ADMIN");
		return ret;
	}
	ret = attach(fd, params->name, args->err);
	if (ret == 0)
		ret = write_sysctls(params->name, args->err);
	if (ret == 0)
		ret = bring_up(fd, params, args->err);
	if (ret != 0) {
		close(fd);
		return ret;
	}
	return fd;
}

int sl_tun_open(const struct sl_tun_params *params, struct sl_err *err)
{
	struct open_args args = {.params = params, .err = err};
	int ret;

	if (strlen(params->name) >= IFNAMSIZ)
		return sl_err_set(
			err, EINVAL, NULL, "%s is too long for an interface's name", params->name);
	ret = sl_netns_run(params->netns, open_inside, &args);
	if (ret < 0)
		sl_err_set(err, -ret, NULL, "cannot enter the namespace '%s': %s", params->netns,
			strerror(-ret));
	return ret;
}

int sl_tun_set_carrier(int fd, bool up)
{
	int value = up;

	return ioctl(fd, TUNSETCARRIER, &value) == 0 ? 0 : -errno;
}

static int remove_inside(void *arg)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd, ret = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", (const char *)arg);
	if (if_nametoindex(ifr.ifr_name) == 0)
		return -ENOENT;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &ifr) != 0 || ioctl(fd, TUNSETPERSIST, 0) != 0)
		ret = -errno;
	close(fd);
	return ret;
}

int sl_tun_remove(const char *name, const char *netns)
{
	return sl_netns_run(netns, remove_inside, (void *)(uintptr_t)name);
}
