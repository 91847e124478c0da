/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets: real clients against the whole API, with the configuration thread running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/listener.h"
#include "api_rig.h"
#include "base/log.h"

#define INFO        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"info.get\"}\n"
#define REQUEST     65536 /* limits of the tests' own: no test writes 128 MB */
#define VIEW        4096
#define OUTPUT      65536
#define STALL_MS    300
#define CLIENTS     4
#define TURN_US     2000
#define DESCRIPTORS 64   /* more than a test has */
#define TURNS_MAX   5000 /* 10 s: more than enough, and bounded */

struct bench {
	struct api_rig rig;
	struct event_base *base;
	struct sl_executor *executor;
	struct sl_listener *listener;
	char directory[64];
};

static void turn(struct bench *bench)
{
	struct timeval pause = {.tv_usec = TURN_US};

	event_base_loopexit(bench->base, &pause);
	event_base_dispatch(bench->base);
}

static int open_bench(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct sl_listener_params params = {
		.control_request = REQUEST,
		.view_request = VIEW,
		.output = OUTPUT,
		.stall_ms = STALL_MS,
		.clients = CLIENTS,
	};
	struct sl_err err = {0};

	sl_log_set_level(SL_LOG_ERROR);
	api_rig_open(&bench->rig, NULL);
	strcpy(bench->directory, "/tmp/test_listener.XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	bench->base = event_base_new();
	bench->executor = sl_executor_new(bench->base, &err);
	assert_int_equal(sl_executor_start(bench->executor, NULL, NULL, 0, &err), 0);
	params.base = bench->base;
	params.executor = bench->executor;
	params.director = bench->rig.director;
	params.directory = bench->directory;
	bench->listener = sl_listener_new(&params, &err);
	assert_non_null(bench->listener);
	*state = bench;
	return 0;
}

/* How many clients the listener has: sockets of this process that it accepted. */
static unsigned clients_of(const struct bench *bench)
{
	unsigned n = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		struct sockaddr_un own = {0};
		socklen_t length = sizeof(own), size = sizeof(int);
		int listens = 0;

		if (getsockname(fd, (struct sockaddr *)&own, &length) != 0 ||
			strncmp(own.sun_path, bench->directory, strlen(bench->directory)) != 0)
			continue;
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), 0);
		n += !listens;
	}
	return n;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	sl_listener_close(bench->listener);
	sl_executor_stop(bench->executor);
	assert_int_equal(clients_of(bench), 0);
	sl_listener_free(bench->listener);
	sl_executor_free(bench->executor);
	event_base_free(bench->base);
	api_rig_close(&bench->rig);
	assert_int_equal(rmdir(bench->directory), 0); /* the sockets are gone */
	free(bench);
	return 0;
}

static int connect_to(struct bench *bench, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", bench->directory, name);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Writes all of it, turning the loop while the socket is full. The bytes that could be written. */
static size_t send_text(struct bench *bench, int fd, const char *text, size_t length)
{
	size_t sent = 0;

	for (int i = 0; i < TURNS_MAX && sent < length; i++) {
		ssize_t n = send(fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n > 0)
			sent += n;
		else
			turn(bench);
	}
	return sent;
}

/* Reads until a newline or the end. The line's length, 0 at the end, -1 when nothing comes. */
static ssize_t read_line(struct bench *bench, int fd, char *line, size_t size)
{
	size_t length = 0;

	for (int i = 0; i < TURNS_MAX && length + 1 < size;) {
		ssize_t n = recv(fd, line + length, 1, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0) {
			turn(bench);
			i++;
			continue;
		}
		if (line[length++] == '\n') {
			line[length] = '\0';
			return (ssize_t)length;
		}
	}
	return -1;
}

static void expect_line(struct bench *bench, int fd, const char *part)
{
	char line[8192];

	assert_true(read_line(bench, fd, line, sizeof(line)) > 0);
	if (strstr(line, part) == NULL)
		fail_msg("%s is not in %s", part, line);
}

static void expect_end(struct bench *bench, int fd)
{
	char line[8192];

	assert_int_equal(read_line(bench, fd, line, sizeof(line)), 0);
	close(fd);
}

static void sockets_are_their_owner_s_until_a_group_is_let_in(void **state)
{
	static const char *const names[] = {SL_CONTROL_SOCKET, SL_VIEW_SOCKET};
	struct bench *bench = *state;
	struct stat status;
	char path[128];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", bench->directory, names[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_true(S_ISSOCK(status.st_mode));
		assert_int_equal(status.st_mode & 0777, 0600);
	}
}

static void answers_keep_the_order_of_requests(void **state)
{
	struct bench *bench = *state;
	int fd = connect_to(bench, SL_CONTROL_SOCKET);
	char text[256 * 64], part[16];
	int length = 0;

	for (int i = 0; i < 200; i++)
		length += snprintf(text + length, sizeof(text) - length, INFO, i);
	assert_int_equal(send_text(bench, fd, text, length), length);
	for (int i = 0; i < 200; i++) {
		snprintf(part, sizeof(part), "\"id\":%d,", i);
		expect_line(bench, fd, part);
	}
	close(fd);
}

static void a_line_may_come_byte_by_byte(void **state)
{
	struct bench *bench = *state;
	int fd = connect_to(bench, SL_CONTROL_SOCKET);
	char text[128];
	int length = snprintf(text, sizeof(text), "\n\r\n" INFO, 5);

	for (int i = 0; i < length; i++) {
		assert_int_equal(send(fd, text + i, 1, 0), 1);
		if (i % 8 == 0)
			turn(bench);
	}
	expect_line(bench, fd, "\"id\":5,");
	close(fd);
}

static void a_half_line_is_forgotten_with_its_client(void **state)
{
	struct bench *bench = *state;
	int fd = connect_to(bench, SL_CONTROL_SOCKET);

	send_text(bench, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,", 24);
	turn(bench);
	assert_int_equal(clients_of(bench), 1);
	close(fd);
	for (int i = 0; i < TURNS_MAX && clients_of(bench) > 0; i++)
		turn(bench);
	assert_int_equal(clients_of(bench), 0);
}

static void who_sends_no_more_still_gets_answers(void **state)
{
	struct bench *bench = *state;
	int fd = connect_to(bench, SL_CONTROL_SOCKET);
	char text[256];
	int length = snprintf(text, sizeof(text), INFO INFO, 1, 2);

	send_text(bench, fd, text, length);
	shutdown(fd, SHUT_WR);
	expect_line(bench, fd, "\"id\":1,");
	expect_line(bench, fd, "\"id\":2,");
	expect_end(bench, fd);
}

static void oversized(struct bench *bench, const char *name, size_t limit)
{
	char *text = malloc(limit + 2);
	int fd = connect_to(bench, name);

	/* As large as may be: refused for what it says. */
	memset(text, ' ', limit);
	text[0] = '7';
	text[limit] = '\n';
	assert_int_equal(send_text(bench, fd, text, limit + 1), limit + 1);
	expect_line(bench, fd, "a request is an object");
	/* One more: refused for its size, newline or not, and the connection ends. */
	memset(text, 'x', limit + 1);
	send_text(bench, fd, text, limit + 1);
	expect_line(bench, fd, "too large");
	expect_end(bench, fd);
	free(text);
}

static void requests_end_at_the_limit_of_their_socket(void **state)
{
	oversized(*state, SL_CONTROL_SOCKET, REQUEST);
	oversized(*state, SL_VIEW_SOCKET, VIEW);
}

static void a_flood_of_nonsense_is_answered_line_by_line(void **state)
{
	struct bench *bench = *state;
	int flood = connect_to(bench, SL_CONTROL_SOCKET);
	int other = connect_to(bench, SL_CONTROL_SOCKET);
	char text[4000], line[128];

	for (int i = 0; i < 2000; i++)
		memcpy(text + 2 * i, "{\n", 2);
	send_text(bench, flood, text, sizeof(text));
	/* Another client waits for one request of the flood at most, not for all. */
	send_text(bench, other, line, (size_t)snprintf(line, sizeof(line), INFO, 9));
	expect_line(bench, other, "\"id\":9,");
	for (int i = 0; i < 2000; i++)
		expect_line(bench, flood, "-32700");
	close(flood);
	close(other);
}

static void who_does_not_read_is_closed(void **state)
{
	struct bench *bench = *state;
	int fd = connect_to(bench, SL_CONTROL_SOCKET), i;
	static const char discover[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n";

	for (i = 0; i < 500; i++) {
		if (send(fd, discover, sizeof(discover) - 1, MSG_NOSIGNAL) < 0)
			break;
	}
	for (i = 0; i < TURNS_MAX && clients_of(bench) == 0; i++)
		turn(bench);
	for (i = 0; i < TURNS_MAX && clients_of(bench) > 0; i++)
		turn(bench);
	assert_int_equal(clients_of(bench), 0);
	close(fd);
}

static void a_client_too_many_waits_for_another_to_leave(void **state)
{
	struct bench *bench = *state;
	int fds[CLIENTS + 1];
	char line[128];

	for (int i = 0; i <= CLIENTS; i++)
		fds[i] = connect_to(bench, SL_VIEW_SOCKET);
	for (int i = 0; i < 20; i++)
		turn(bench);
	assert_int_equal(clients_of(bench), CLIENTS);
	/* The other socket has places of its own. */
	int control = connect_to(bench, SL_CONTROL_SOCKET);

	send_text(bench, control, line, (size_t)snprintf(line, sizeof(line), INFO, 3));
	expect_line(bench, control, "\"id\":3,");
	close(control);
	send_text(bench, fds[CLIENTS], line, (size_t)snprintf(line, sizeof(line), INFO, 4));
	close(fds[0]);
	expect_line(bench, fds[CLIENTS], "\"id\":4,");
	for (int i = 1; i <= CLIENTS; i++)
		close(fds[i]);
}

static void set_true(evutil_socket_t fd, short what, void *arg)
{
	*(bool *)arg = true;
}

/* How often the loop wakes up within 50 ms. */
static int count_turns(struct bench *bench)
{
	struct timeval time = {.tv_usec = 50000};
	struct event *timer;
	bool over = false;
	int turns = 0;

	timer = evtimer_new(bench->base, set_true, &over);
	evtimer_add(timer, &time);
	for (; !over && turns < 100000; turns++)
		event_base_loop(bench->base, EVLOOP_ONCE);
	event_free(timer);
	return turns;
}

static void the_loop_does_not_spin_without_descriptors(void **state)
{
	struct bench *bench = *state;
	struct rlimit before, none;
	int fd = connect_to(bench, SL_CONTROL_SOCKET), turns;
	char line[128];

	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1; /* all of them are taken */
	setrlimit(RLIMIT_NOFILE, &none);
	turns = count_turns(bench);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(clients_of(bench), 0);
	assert_in_range(turns, 1, 5);
	send_text(bench, fd, line, (size_t)snprintf(line, sizeof(line), INFO, 8));
	expect_line(bench, fd, "\"id\":8,"); /* after the back-off */
	close(fd);
}

static void events_reach_their_subscribers(void **state)
{
	struct bench *bench = *state;
	static const char subscribe[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.subscribe\","
		"\"params\":{\"classes\":[\"config\"]}}\n";
	static const char change[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"timeouts.set\","
				     "\"params\":{\"timeouts\":{\"udp\":9}}}\n";
	int viewer = connect_to(bench, SL_VIEW_SOCKET);
	int writer = connect_to(bench, SL_CONTROL_SOCKET);

	send_text(bench, viewer, subscribe, sizeof(subscribe) - 1);
	expect_line(bench, viewer, "\"next\":");
	for (int i = 0; i < 3; i++) {
		send_text(bench, writer, change, sizeof(change) - 1);
		expect_line(bench, writer, "\"id\":2,");
		expect_line(bench, viewer, "\"what\":\"applied\"");
	}
	/* A subscriber that leaves is forgotten: the next event is nobody's. */
	close(viewer);
	for (int i = 0; i < TURNS_MAX && clients_of(bench) > 1; i++)
		turn(bench);
	send_text(bench, writer, change, sizeof(change) - 1);
	expect_line(bench, writer, "\"id\":2,");
	close(writer);
}

static void the_view_socket_refuses_writes(void **state)
{
	struct bench *bench = *state;
	static const char zero[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats.zero\"}\n";
	int fd = connect_to(bench, SL_VIEW_SOCKET);

	send_text(bench, fd, zero, sizeof(zero) - 1);
	expect_line(bench, fd, "\"read_only\"");
	close(fd);
}

static void nothing_but_a_stale_socket_is_replaced(void **state)
{
	struct bench *bench = *state;
	struct sl_listener_params params = {
		.base = bench->base, .executor = bench->executor, .director = bench->rig.director};
	char directory[] = "/tmp/test_listener.XXXXXX", path[64];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sl_listener *listener;
	struct sl_err err = {0};
	int stale;

	assert_non_null(mkdtemp(directory));
	params.directory = directory;
	snprintf(path, sizeof(path), "%s/%s", directory, SL_CONTROL_SOCKET);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_null(sl_listener_new(&params, &err));
	assert_int_equal(err.code, EEXIST);
	unlink(path);

	strcpy(address.sun_path, path);
	stale = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
	close(stale);
	err = (struct sl_err){0};
	listener = sl_listener_new(&params, &err);
	assert_non_null(listener);
	sl_listener_close(listener);
	sl_listener_free(listener);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		TEST(sockets_are_their_owner_s_until_a_group_is_let_in),
		TEST(answers_keep_the_order_of_requests),
		TEST(a_line_may_come_byte_by_byte),
		TEST(a_half_line_is_forgotten_with_its_client),
		TEST(who_sends_no_more_still_gets_answers),
		TEST(requests_end_at_the_limit_of_their_socket),
		TEST(a_flood_of_nonsense_is_answered_line_by_line),
		TEST(who_does_not_read_is_closed),
		TEST(a_client_too_many_waits_for_another_to_leave),
		TEST(the_loop_does_not_spin_without_descriptors),
		TEST(events_reach_their_subscribers),
		TEST(the_view_socket_refuses_writes),
		TEST(nothing_but_a_stale_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
