/* SPDX-License-Identifier: BSD-3-Clause */
#include "sluicectl/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROOM_STEP 65536

static void complain(const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr,
			"sluicectl: no director answers at %s; is it running? "
			"(systemctl status sluice; --instance NAME and --socket PATH choose "
			"another)\n",
			path);
		break;
	case EACCES:
		fprintf(stderr,
			"sluicectl: %s: permission denied; run it as root, or join the group "
			"sluice (all) or sluice-view (reading)\n",
			path);
		break;
	default:
		fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(error));
	}
}

int ctl_link_open(struct ctl_link *link, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	if (link->fd >= 0)
		return 0;
	if (strlen(path) >= sizeof(address.sun_path)) {
		complain(path, ENAMETOOLONG);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd >= 0 && connect(link->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	error = errno;
	complain(path, error);
	ctl_link_close(link);
	return -error;
}

void ctl_link_close(struct ctl_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	free(link->in);
	link->in = NULL;
	link->length = link->room = link->scanned = 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the director can be written to or read from. `deadline` in ms, -1 = for ever. */
static int wait_for(struct ctl_link *link, short events, int64_t deadline)
{
	struct pollfd poll_fd = {link->fd, events, 0};
	int64_t left = deadline < 0 ? -1 : deadline - now_ms();
	int n = poll(&poll_fd, 1, left < 0 && deadline >= 0 ? 0 : (int)left);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int send_all(struct ctl_link *link, const char *text, size_t length, int64_t deadline)
{
	while (length > 0) {
		ssize_t n = send(link->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = 0;

		if (n >= 0) {
			text += n;
			length -= n;
		} else if (errno == EAGAIN) {
			rc = wait_for(link, POLLOUT, deadline);
		} else if (errno != EINTR) {
			rc = -errno;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Reads more. 0, -ECONNRESET at the end, or -errno. */
static int receive_some(struct ctl_link *link, int64_t deadline)
{
	size_t room = link->room;
	ssize_t n;
	int rc;

	if (link->room - link->length < ROOM_STEP) {
		room = room == 0 ? ROOM_STEP : 2 * room;
		link->in = realloc(link->in, room);
		if (link->in == NULL)
			abort(); /* a client without memory has nothing left to say */
		link->room = room;
	}
	rc = wait_for(link, POLLIN, deadline);
	if (rc < 0)
		return rc;
	n = recv(link->fd, link->in + link->length, link->room - link->length, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	link->length += n;
	return 0;
}

/* Takes one line out of what was read and reads more until there is one. */
static int receive_line(struct ctl_link *link, int64_t deadline, json_t **line)
{
	char *newline;
	size_t length;

	for (;;) {
		newline = link->length == link->scanned
			? NULL
			: memchr(link->in + link->scanned, '\n', link->length - link->scanned);
		if (newline != NULL)
			break;
		link->scanned = link->length;
		int rc = receive_some(link, deadline);

		if (rc < 0)
			return rc;
	}
	length = newline - link->in + 1;
	if (link->verbose)
		fprintf(stderr, "< %.*s", (int)length, link->in);
	*line = json_loadb(link->in, length, JSON_DECODE_ANY, NULL);
	memmove(link->in, link->in + length, link->length - length);
	link->length -= length;
	link->scanned = 0;
	return json_is_object(*line) ? 0 : -EBADMSG;
}

static int exchange(struct ctl_link *link, const char *text, json_t **reply)
{
	int64_t deadline = now_ms() + (int64_t)link->timeout_s * 1000;
	json_t *id;
	int rc, sent = send_all(link, text, strlen(text), deadline);

	/* Even when not all could be sent there may be an answer that says why. */
	for (;;) {
		rc = receive_line(link, deadline, reply);
		if (rc < 0)
			return sent < 0 ? sent : rc;
		id = json_object_get(*reply, "id");
		if (json_is_null(id) || (uint64_t)json_integer_value(id) == link->id)
			return 0;
		json_decref(*reply); /* a notification, or the answer to one that timed out */
		*reply = NULL;
	}
}

json_t *ctl_link_call(struct ctl_link *link, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
		(json_int_t)++link->id, "method", method, "params", params);
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	json_t *reply = NULL;
	int rc = -ENOMEM;

	json_decref(request);
	if (text != NULL && asprintf(&line, "%s\n", text) >= 0) {
		if (link->verbose)
			fprintf(stderr, "> %s", line);
		rc = exchange(link, line, &reply);
	}
	free(line);
	free(text);
	if (rc == 0)
		return reply;
	json_decref(reply);
	if (rc == -ETIMEDOUT)
		fprintf(stderr, "sluicectl: no answer within %u s (--timeout SECONDS)\n",
			link->timeout_s);
	else
		fprintf(stderr, "sluicectl: the connection to the director broke: %s\n",
			strerror(-rc));
	ctl_link_close(link);
	return NULL;
}

json_t *ctl_link_next(struct ctl_link *link)
{
	json_t *line = NULL;

	if (receive_line(link, -1, &line) == 0)
		return line;
	json_decref(line);
	return NULL;
}
