/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink sockets: requests that wait for the kernel's answer, dumps, and notifications. */
#ifndef SL_RTNL_H
#define SL_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "rtmsg.h"

struct sl_rtnl {
	int fd; /* -1 = closed */
	uint32_t seq;
};

/* A blocking socket in the namespace (netns.h). 0 or -errno. */
int sl_rtnl_open(struct sl_rtnl *rtnl, const char *netns);

/*
 * A non-blocking one that gets what happens to links, addresses, routes and neighbours, with a
 * receive buffer of 16 MB where the process may have it.
 */
int sl_rtnl_open_events(struct sl_rtnl *rtnl, const char *netns);
void sl_rtnl_close(struct sl_rtnl *rtnl);

/* Sends; a dump's answers are read by whoever reads the socket. Sets nlmsg_seq. 0 or -errno. */
int sl_rtnl_send(struct sl_rtnl *rtnl, struct nlmsghdr *request);

/* Sends a request with NLM_F_ACK and returns the kernel's answer: 0 or -errno. */
int sl_rtnl_request(struct sl_rtnl *rtnl, struct nlmsghdr *request);

/* Dumps and calls each() for every message that parses; what it returns (not 0) ends it. */
int sl_rtnl_dump(struct sl_rtnl *rtnl, uint16_t type, uint8_t family,
	int (*each)(void *arg, const struct sl_rtmsg *message), void *arg);

#endif
