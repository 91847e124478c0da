/* SPDX-License-Identifier: BSD-3-Clause */
#include "rtnl.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "netns.h"

#define RECEIVE_BUFFER (16 << 20)
#define ANSWER_WAIT_S  10 /* other programs may hold the kernel's lock for a while */

/* What a dump's read returns at most (the kernel adapts to the reader's buffer). */
#define READ_SIZE 32768

int sl_rtnl_open(struct sl_rtnl *rtnl, const char *netns)
{
	struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
	int fd = sl_netns_socket(netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	rtnl->fd = fd;
	rtnl->seq = 0;
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return 0;
}

int sl_rtnl_open_events(struct sl_rtnl *rtnl, const char *netns)
{
	struct sockaddr_nl local = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int size = RECEIVE_BUFFER, ret;
	int fd = sl_netns_socket(netns, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);

	rtnl->fd = fd;
	rtnl->seq = 0;
	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0) {
		ret = -errno;
		sl_rtnl_close(rtnl);
		return ret;
	}
	return 0;
}

void sl_rtnl_close(struct sl_rtnl *rtnl)
{
	if (rtnl->fd >= 0)
		close(rtnl->fd);
	rtnl->fd = -1;
}

int sl_rtnl_send(struct sl_rtnl *rtnl, struct nlmsghdr *request)
{
	ssize_t sent;

	request->nlmsg_seq = ++rtnl->seq;
	do
		sent = send(rtnl->fd, request, request->nlmsg_len, 0);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)request->nlmsg_len ? 0 : -errno;
}

/* One read of a blocking socket. Its length, or -errno. */
static ssize_t receive(struct sl_rtnl *rtnl, void *buffer, size_t size)
{
	ssize_t length;

	do
		length = recv(rtnl->fd, buffer, size, 0);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return length;
}

int sl_rtnl_request(struct sl_rtnl *rtnl, struct nlmsghdr *request)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[READ_SIZE];
	int ret = sl_rtnl_send(rtnl, request);

	while (ret == 0) {
		ssize_t length = receive(rtnl, buffer, sizeof(buffer));
		struct sl_cursor cursor = sl_cursor_over(buffer, length > 0 ? length : 0);
		const struct nlmsghdr *header;

		if (length < 0)
			return length;
		while ((header = sl_rtmsg_next(&cursor)) != NULL) {
			/* The late answer to a request that was given up is not ours. */
			if (header->nlmsg_seq == rtnl->seq && header->nlmsg_type == NLMSG_ERROR)
				return sl_rtmsg_error(header);
		}
	}
	return ret;
}

/* 1 at the end of the dump, 0 when there is more, -errno. */
static int dump_part(struct sl_rtnl *rtnl, const void *data, size_t length,
	int (*each)(void *arg, const struct sl_rtmsg *message), void *arg)
{
	struct sl_cursor cursor = sl_cursor_over(data, length);
	const struct nlmsghdr *header;
	struct sl_rtmsg message;
	int ret;

	while ((header = sl_rtmsg_next(&cursor)) != NULL) {
		if (header->nlmsg_seq != rtnl->seq)
			continue;
		if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
			ret = sl_rtmsg_error(header);
			return ret != 0 ? ret : 1;
		}
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EAGAIN;
		ret = sl_rtmsg_parse(header, &message);
		if (ret == 0)
			ret = each(arg, &message);
		if (ret != 0 && ret != -ENOENT)
			return ret;
	}
	return 0;
}

int sl_rtnl_dump(struct sl_rtnl *rtnl, uint16_t type, uint8_t family,
	int (*each)(void *arg, const struct sl_rtmsg *message), void *arg)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[READ_SIZE];
	int ret = sl_rtnl_send(rtnl, sl_rtmsg_dump(buffer, type, family));

	while (ret == 0) {
		ssize_t length = receive(rtnl, buffer, sizeof(buffer));

		if (length < 0)
			return length;
		ret = dump_part(rtnl, buffer, length, each, arg);
	}
	return ret > 0 ? 0 : ret;
}
