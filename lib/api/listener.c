/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/listener.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/listener.h>

#include "api/client.h"
#include "base/log.h"

#define BACKLOG       128
#define BACK_OFF_S    1 /* after running out of descriptors */
#define CONTROL_BYTES (128ul << 20)
#define VIEW_BYTES    (1ul << 20)
#define OUTPUT_BYTES  (4ul << 20)
#define STALL_MS      5000
#define CLIENTS       64

struct client_link {
	struct client_link *next;
	struct sl_client *client;
};

struct door { /* one of the two sockets */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct evconnlistener *accept;
	struct event *resume; /* after a back-off */
	struct sl_client_params client_params;
	struct client_link *clients;
	unsigned n_clients;
	unsigned max_clients;
	bool full;
};

struct sl_listener {
	struct door control;
	struct door view;
};

static void on_gone(void *arg, struct sl_client *client)
{
	struct door *door = arg;
	struct client_link **link = &door->clients, *gone;

	while ((*link)->client != client)
		link = &(*link)->next;
	gone = *link;
	*link = gone->next;
	free(gone);
	door->n_clients--;
	if (door->full && door->accept != NULL) {
		door->full = false;
		evconnlistener_enable(door->accept);
	}
}

static void on_accept(struct evconnlistener *accept, evutil_socket_t fd, struct sockaddr *address,
	int length, void *arg)
{
	struct door *door = arg;
	struct client_link *link = calloc(1, sizeof(*link));
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t size = sizeof(who);

	if (link == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) {
		close(fd);
		free(link);
		return;
	}
	link->client = sl_client_new(&door->client_params, fd, who.uid, who.pid);
	if (link->client == NULL) {
		free(link);
		return;
	}
	link->next = door->clients;
	door->clients = link;
	if (++door->n_clients == door->max_clients) {
		/* Those who come now wait in the backlog until somebody leaves. */
		sl_log_warning("api: %s has %u clients, its limit", door->path, door->n_clients);
		door->full = true;
		evconnlistener_disable(door->accept);
	}
}

/* Out of descriptors or memory: a socket that stays readable must not spin the loop. */
static void on_accept_error(struct evconnlistener *accept, void *arg)
{
	struct door *door = arg;
	struct timeval later = {.tv_sec = BACK_OFF_S};

	sl_log_warning(
		"api: %s takes no client for %d s: %s", door->path, BACK_OFF_S, strerror(errno));
	evconnlistener_disable(accept);
	event_add(door->resume, &later);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;

	if (!door->full && door->accept != NULL)
		evconnlistener_enable(door->accept);
}

/* A socket that an earlier process left behind; nothing else is ever removed. */
static int remove_stale(const char *path, struct sl_err *err)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT
			? 0
			: sl_err_set(err, errno, NULL, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return sl_err_set(err, EEXIST, NULL, "%s is in the way: it is no socket", path);
	if (unlink(path) < 0)
		return sl_err_set(err, errno, NULL, "%s: %s", path, strerror(errno));
	return 0;
}

/* Lets the group in. Without it, or when not root, the socket stays the owner's alone. */
static int open_to_group(const char *path, const char *name, struct sl_err *err)
{
	struct group *group = name == NULL ? NULL : getgrnam(name);

	if (group == NULL || geteuid() != 0) {
		if (name != NULL)
			sl_log_notice("api: %s is for its owner alone: %s", path,
				group == NULL ? "its group does not exist" : "not started by root");
		return 0;
	}
	if (chown(path, (uid_t)-1, group->gr_gid) < 0 || chmod(path, 0660) < 0)
		return sl_err_set(err, errno, NULL, "%s: %s", path, strerror(errno));
	return 0;
}

/* A bound socket, reachable by nobody else before its group is set. -errno. */
static int bind_socket(const char *path, const char *group, struct sl_err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t before;
	int fd, rc;

	rc = remove_stale(path, err);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sl_err_set(err, errno, NULL, "socket: %s", strerror(errno));
	memcpy(address.sun_path, path, strlen(path) + 1);
	before = umask(0177);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(before);
	if (rc < 0) {
		sl_err_set(err, -rc, NULL, "%s: %s", path, strerror(-rc));
		goto close_socket;
	}
	rc = open_to_group(path, group, err);
	if (rc < 0)
		goto remove_socket;
	return fd;

remove_socket:
	unlink(path);
close_socket:
	close(fd);
	return rc;
}

static void door_close(struct door *door)
{
	if (door->accept != NULL) {
		evconnlistener_free(door->accept);
		door->accept = NULL;
		unlink(door->path);
	}
	if (door->resume != NULL) {
		event_free(door->resume);
		door->resume = NULL;
	}
	for (struct client_link *link = door->clients; link != NULL; link = link->next)
		sl_client_close(link->client);
}

static int door_open(struct door *door, const struct sl_listener_params *params, const char *name,
	const char *group, struct sl_err *err)
{
	int fd, n = snprintf(door->path, sizeof(door->path), "%s/%s", params->directory, name);

	if (n >= (int)sizeof(door->path)) {
		door->path[0] = '\0';
		return sl_err_set(err, ENAMETOOLONG, NULL, "%s/%s is too long for a unix socket",
			params->directory, name);
	}
	door->client_params.base = params->base;
	door->client_params.executor = params->executor;
	door->client_params.director = params->director;
	door->client_params.output = params->output != 0 ? params->output : OUTPUT_BYTES;
	door->client_params.stall_ms = params->stall_ms != 0 ? params->stall_ms : STALL_MS;
	door->client_params.gone = on_gone;
	door->client_params.arg = door;
	door->max_clients = params->clients != 0 ? params->clients : CLIENTS;
	door->resume = evtimer_new(params->base, on_resume, door);
	if (door->resume == NULL)
		return sl_err_set(err, ENOMEM, NULL, "out of memory");
	fd = bind_socket(door->path, group, err);
	if (fd < 0)
		return fd;
	door->accept = evconnlistener_new(params->base, on_accept, door,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (door->accept == NULL) {
		unlink(door->path);
		close(fd);
		return sl_err_set(err, errno, NULL, "%s: %s", door->path, strerror(errno));
	}
	evconnlistener_set_error_cb(door->accept, on_accept_error);
	return 0;
}

struct sl_listener *sl_listener_new(const struct sl_listener_params *params, struct sl_err *err)
{
	struct sl_listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	/* A client that goes away while it is written to is an error of that write, no more. */
	signal(SIGPIPE, SIG_IGN);
	listener->control.client_params.may_write = true;
	listener->control.client_params.request =
		params->control_request != 0 ? params->control_request : CONTROL_BYTES;
	listener->view.client_params.request =
		params->view_request != 0 ? params->view_request : VIEW_BYTES;
	if (door_open(&listener->control, params, SL_CONTROL_SOCKET, params->control_group, err) <
			0 ||
		door_open(&listener->view, params, SL_VIEW_SOCKET, params->view_group, err) < 0) {
		sl_listener_close(listener);
		sl_listener_free(listener);
		return NULL;
	}
	return listener;
}

void sl_listener_close(struct sl_listener *listener)
{
	door_close(&listener->control);
	door_close(&listener->view);
}

void sl_listener_free(struct sl_listener *listener)
{
	free(listener);
}
