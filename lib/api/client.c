/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/client.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "api/director.h"
#include "api/rpc.h"

#define IO_BYTES    (256 * 1024) /* moved in one callback: bounds its time */
#define READ_AHEAD  (64 * 1024)  /* read while a request is being answered */
#define EVENT_BYTES (256 * 1024) /* of notifications in one go */

/*
 * Life: a client is `working` while its job is with the configuration thread. Closing waits for
 * that, then posts a last job that ends the subscription; done() of that frees the memory.
 */
struct sl_client {
	struct sl_client_params params;
	struct bufferevent *bev;
	struct sl_peer peer;
	size_t scanned; /* bytes of input that hold no newline */
	bool working;
	bool finished; /* the other end sends no more; or we refuse to read more */
	bool closing;

	struct sl_job work;    /* a request, or taking events */
	struct evbuffer *line; /* of the request */
	char *answer;
	size_t answer_length;
	bool more_events;

	struct sl_job wake; /* configuration thread -> loop: events are there */
	bool wake_posted;   /* atomic */
	bool events_waiting;
};

/* Looks for the next thing to do. The one place where work starts and where a connection ends by
 * itself. */
static void proceed(struct sl_client *client);

static void free_answer(const void *data, size_t length, void *arg)
{
	free((void *)data);
}

static void send_text(struct sl_client *client, char *text, size_t length)
{
	struct evbuffer *out = bufferevent_get_output(client->bev);

	if (evbuffer_add_reference(out, text, length, free_answer, NULL) < 0)
		free(text);
}

static struct sl_client *client_of_work(struct sl_job *job)
{
	return (struct sl_client *)((char *)job - offsetof(struct sl_client, work));
}

static void run_request(struct sl_job *job)
{
	struct sl_client *client = client_of_work(job);
	size_t length = evbuffer_get_length(client->line);
	char *line = (char *)evbuffer_pullup(client->line, -1);

	if (line == NULL)
		client->answer =
			sl_rpc_refuse(SL_RPC_INTERNAL, "out of memory", &client->answer_length);
	else
		client->answer = sl_rpc_answer(client->params.director, &client->peer, line, length,
			&client->answer_length);
	evbuffer_free(client->line);
	client->line = NULL;
}

static void run_events(struct sl_job *job)
{
	struct sl_client *client = client_of_work(job);

	client->answer = sl_events_take(sl_director_events(client->params.director),
		&client->peer.subscription, EVENT_BYTES, &client->answer_length,
		&client->more_events);
}

static void work_done(struct sl_job *job)
{
	struct sl_client *client = client_of_work(job);

	client->working = false;
	if (client->answer != NULL) {
		if (client->closing)
			free(client->answer);
		else
			send_text(client, client->answer, client->answer_length);
		client->answer = NULL;
	}
	client->events_waiting |= client->more_events;
	client->more_events = false;
	proceed(client);
}

static void run_goodbye(struct sl_job *job)
{
	struct sl_client *client = client_of_work(job);

	sl_events_unsubscribe(
		sl_director_events(client->params.director), &client->peer.subscription);
}

static void goodbye_done(struct sl_job *job)
{
	struct sl_client *client = client_of_work(job);

	client->params.gone(client->params.arg, client);
	free(client);
}

static void
start(struct sl_client *client, void (*run)(struct sl_job *), void (*done)(struct sl_job *))
{
	client->working = true;
	client->work.run = run;
	client->work.done = done;
	sl_executor_post(client->params.executor, &client->work);
}

/* Configuration thread: an event was added. */
static void wake_posted(struct sl_subscription *subscription)
{
	struct sl_client *client = (struct sl_client *)((char *)subscription -
		offsetof(struct sl_client, peer.subscription));

	if (!__atomic_exchange_n(&client->wake_posted, true, __ATOMIC_RELAXED))
		sl_executor_hand_back(client->params.executor, &client->wake);
}

static void wake_done(struct sl_job *job)
{
	struct sl_client *client =
		(struct sl_client *)((char *)job - offsetof(struct sl_client, wake));

	/* The job is ours again: from here on an event may post it anew. */
	__atomic_store_n(&client->wake_posted, false, __ATOMIC_RELAXED);
	client->events_waiting = true;
	proceed(client);
}

static void refuse(struct sl_client *client, const char *message)
{
	size_t length;
	char *text = sl_rpc_refuse(SL_RPC_REQUEST, message, &length);

	if (text != NULL)
		send_text(client, text, length);
	client->finished = true;
	evbuffer_drain(bufferevent_get_input(client->bev),
		evbuffer_get_length(bufferevent_get_input(client->bev)));
	client->scanned = 0;
}

/* Moves the next line of the input to client->line. False when there is none. */
static bool take_line(struct sl_client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->bev);
	struct evbuffer_ptr from, newline;

	while (evbuffer_get_length(in) > client->scanned) {
		evbuffer_ptr_set(in, &from, client->scanned, EVBUFFER_PTR_SET);
		newline = evbuffer_search(in, "\n", 1, &from);
		if (newline.pos < 0) {
			client->scanned = evbuffer_get_length(in);
			break;
		}
		client->scanned = 0;
		if ((size_t)newline.pos > client->params.request)
			break;
		if (newline.pos == 0) {
			evbuffer_drain(in, 1);
			continue;
		}
		client->line = evbuffer_new();
		if (client->line == NULL ||
			evbuffer_remove_buffer(in, client->line, newline.pos) < 0) {
			refuse(client, "out of memory");
			return false;
		}
		evbuffer_drain(in, 1);
		return true;
	}
	if (evbuffer_get_length(in) > client->params.request)
		refuse(client, "the request is too large for this socket");
	return false;
}

/* Reads on as far as the next line needs, or a little ahead. */
static void set_reading(struct sl_client *client)
{
	size_t high = client->working ? READ_AHEAD : client->params.request + 1;

	bufferevent_setwatermark(client->bev, EV_READ, 0, high);
	if (client->finished)
		bufferevent_disable(client->bev, EV_READ);
}

static void proceed(struct sl_client *client)
{
	size_t queued;

	if (client->working)
		return;
	if (client->closing) {
		start(client, run_goodbye, goodbye_done);
		return;
	}
	queued = evbuffer_get_length(bufferevent_get_output(client->bev));
	if (queued > client->params.output) {
		set_reading(client);
		return; /* on_written() comes back */
	}
	if (client->events_waiting) {
		client->events_waiting = false;
		start(client, run_events, work_done);
	} else if (take_line(client)) {
		start(client, run_request, work_done);
	} else if (client->finished &&
		evbuffer_get_length(bufferevent_get_output(client->bev)) == 0) {
		sl_client_close(client);
		return;
	}
	set_reading(client);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	proceed(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	proceed(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct sl_client *client = arg;

	if (what & BEV_EVENT_EOF) {
		/* Half closed: what it has asked is still answered. */
		client->finished = true;
		proceed(client);
	} else if (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
		sl_client_close(client);
	}
}

struct sl_client *sl_client_new(const struct sl_client_params *params, int fd, uid_t uid, pid_t pid)
{
	struct timeval stall = {params->stall_ms / 1000, params->stall_ms % 1000 * 1000};
	struct sl_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		close(fd);
		return NULL;
	}
	client->params = *params;
	client->peer.uid = uid;
	client->peer.pid = pid;
	client->peer.may_write = params->may_write;
	client->peer.subscription.wake = wake_posted;
	client->wake.done = wake_done;
	client->bev = bufferevent_socket_new(params->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->bev == NULL) {
		close(fd);
		free(client);
		return NULL;
	}
	bufferevent_setcb(client->bev, on_read, on_written, on_event, client);
	bufferevent_set_max_single_read(client->bev, IO_BYTES);
	bufferevent_set_max_single_write(client->bev, IO_BYTES);
	/* Runs only while there is something to write. */
	bufferevent_set_timeouts(client->bev, NULL, &stall);
	/* on_written() at half of the limit, so that the pipe does not run dry. */
	bufferevent_setwatermark(client->bev, EV_WRITE, params->output / 2, 0);
	set_reading(client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	return client;
}

void sl_client_close(struct sl_client *client)
{
	if (client->closing)
		return;
	client->closing = true;
	bufferevent_free(client->bev);
	client->bev = NULL;
	proceed(client);
}
