/* SPDX-License-Identifier: BSD-3-Clause */
/* The client against the whole API: command lines in, text and exit codes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/listener.h"
#include "api_rig.h"
#include "base/log.h"
#include "lb/fwd.h"
#include "lb/sched.h"
#include "sluicectl/command.h"

#define WORDS_MAX 16
#define TEXT_MAX  (1 << 20)

struct bench {
	struct api_rig rig;
	struct event_base *base;
	struct sl_executor *executor;
	struct sl_listener *listener;
	pthread_t loop;
	int stop[2]; /* pipe: a byte ends the loop */
	struct event *stop_event;
	char directory[64];
	char config[80];
	char *text; /* what the client printed */
	char *errors;
};

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static void *run_loop(void *arg)
{
	event_base_dispatch(arg);
	return NULL;
}

static int open_bench(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct sl_listener_params params = {0};
	struct sl_err err = {0};
	FILE *file;

	sl_log_set_level(SL_LOG_ERROR);
	strcpy(bench->directory, "/tmp/test_sluicectl.XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	snprintf(bench->config, sizeof(bench->config), "%s/config", bench->directory);
	file = fopen(bench->config, "w");
	fputs(api_rig_config, file);
	fclose(file);
	api_rig_open(&bench->rig, bench->config);
	bench->base = event_base_new();
	bench->executor = sl_executor_new(bench->base, &err);
	assert_int_equal(sl_executor_start(bench->executor, NULL, NULL, 0, &err), 0);
	params.base = bench->base;
	params.executor = bench->executor;
	params.director = bench->rig.director;
	params.directory = bench->directory;
	bench->listener = sl_listener_new(&params, &err);
	assert_non_null(bench->listener);
	assert_int_equal(pipe(bench->stop), 0);
	bench->stop_event = event_new(bench->base, bench->stop[0], EV_READ, on_stop, bench->base);
	event_add(bench->stop_event, NULL);
	assert_int_equal(pthread_create(&bench->loop, NULL, run_loop, bench->base), 0);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(write(bench->stop[1], "", 1), 1);
	pthread_join(bench->loop, NULL);
	event_free(bench->stop_event);
	sl_listener_close(bench->listener);
	sl_executor_stop(bench->executor);
	sl_listener_free(bench->listener);
	sl_executor_free(bench->executor);
	event_base_free(bench->base);
	close(bench->stop[0]);
	close(bench->stop[1]);
	api_rig_close(&bench->rig);
	unlink(bench->config);
	assert_int_equal(rmdir(bench->directory), 0);
	free(bench->text);
	free(bench->errors);
	free(bench);
	return 0;
}

/* What was written to a file since it was emptied; to be freed. */
static char *read_back(FILE *file)
{
	char *text = calloc(1, TEXT_MAX);

	rewind(file);
	assert_true(fread(text, 1, TEXT_MAX - 1, file) < TEXT_MAX - 1);
	fclose(file);
	return text;
}

/* Runs a command line, words parted by blanks. Its exit code; what it printed is in the bench. */
static int run_at(struct bench *bench, const char *socket, bool json, const char *line)
{
	struct ctl ctl = {.link = {.fd = -1, .timeout_s = 20}, .json = json};
	char *copy = strdup(line), *words[WORDS_MAX], *save = NULL;
	FILE *errors = tmpfile();
	int stderr_fd = dup(STDERR_FILENO), n = 0, rc;

	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	snprintf(ctl.socket, sizeof(ctl.socket), "%s/%s", bench->directory, socket);
	ctl.out = tmpfile();
	fflush(stderr);
	dup2(fileno(errors), STDERR_FILENO);
	rc = ctl_run(&ctl, words, n);
	ctl_link_close(&ctl.link);
	fflush(stderr);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	free(bench->text);
	free(bench->errors);
	bench->text = read_back(ctl.out);
	bench->errors = read_back(errors);
	free(copy);
	return rc;
}

static int run(struct bench *bench, const char *line)
{
	return run_at(bench, SL_CONTROL_SOCKET, false, line);
}

static void expect_text(struct bench *bench, const char *part)
{
	if (strstr(bench->text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, bench->text);
}

static void expect_error(struct bench *bench, const char *part)
{
	if (strstr(bench->errors, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, bench->errors);
}

static void services_and_servers_by_hand(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(run(bench, "service add udp 192.168.8.101:53 --scheduler rr"), CTL_OK);
	assert_string_equal(bench->text, "");
	assert_int_equal(run(bench, "server add udp 192.168.8.101:53 192.168.8.12 -w 5"), CTL_OK);
	assert_int_equal(
		run(bench, "server add udp 192.168.8.101:53 192.168.8.13:53 --dr"), CTL_OK);
	assert_int_equal(
		run(bench, "server edit udp 192.168.8.101:53 192.168.8.13 --weight=0"), CTL_OK);
	assert_int_equal(run(bench, "service edit udp 192.168.8.101:53 -s wlc"), CTL_OK);
	assert_int_equal(run(bench, "list -n"), CTL_OK);
	expect_text(bench, "IP Virtual Server version " SL_VERSION " (size=");
	expect_text(bench,
		"TCP  192.168.8.100:80 rr\n"
		"  -> 192.168.8.12:80              Route   1      0          0         \n"
		"  -> 192.168.8.13:80              Route   3      0          0         \n"
		"UDP  192.168.8.101:53 wlc\n"
		"  -> 192.168.8.12:53              Route   5      0          0         \n"
		"  -> 192.168.8.13:53              Route   0      0          0         \n");
	assert_int_equal(run(bench, "server delete udp 192.168.8.101:53 192.168.8.12"), CTL_OK);
	assert_int_equal(run(bench, "service delete udp 192.168.8.101:53"), CTL_OK);
	assert_int_equal(run(bench, "service get udp 192.168.8.101:53"), CTL_FAILED);
	expect_error(bench, "there is no virtual service udp 192.168.8.101:53");
}

/* Where they are built in. */
static void methods_and_their_options(void **state)
{
	static const char local[] =
		"call config.apply {\"config\":{\"ports\":[{\"name\":\"lan0\",\"device\":"
		"\"net_null0\",\"twin\":false,\"addresses\":[\"192.168.8.11/24\"]}],"
		"\"local_addresses\":[{\"address\":\"192.168.8.20\"}],"
		"\"services\":[{\"protocol\":\"tcp\",\"address\":\"192.168.8.100\",\"port\":80}]}}";
	static const char *const lines[] = {
		local,
		"server add tcp 192.168.8.100:80 192.168.8.14:8080 -m",
		"server add tcp 192.168.8.100:80 192.168.8.15 -i --tun-type gue --tun-port 5555 "
		"--tun-remcsum",
		"service add tcp 192.168.8.102:443 --proxy-protocol v2 --toa on",
		"server add tcp 192.168.8.102:443 192.168.8.16:8443 -b",
	};
	static const char servers[] = "server list tcp 192.168.8.100:80";
	struct bench *bench = *state;

	if (sl_fwd_find("nat") == NULL || sl_fwd_find("tun") == NULL ||
		sl_fwd_find("fullnat") == NULL)
		skip();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (run(bench, lines[i]) != CTL_OK)
			fail_msg("%s: %s", lines[i], bench->errors);
	}
	assert_int_equal(run(bench, "list -n"), CTL_OK);
	expect_text(bench,
		"  -> 192.168.8.14:8080            Masq    1      0          0         \n"
		"  -> 192.168.8.15:80              Tunnel  1      0          0         \n");
	expect_text(bench, "  -> 192.168.8.16:8443            FullNAT 1 ");
	/* Of a tunnel, too, what is not given stays; another method has none. */
	assert_int_equal(
		run(bench, "server edit tcp 192.168.8.100:80 192.168.8.15 --tun-csum"), CTL_OK);
	assert_int_equal(run_at(bench, SL_CONTROL_SOCKET, true, servers), CTL_OK);
	expect_text(bench, "\"type\": \"gue\"");
	expect_text(bench, "\"port\": 5555");
	expect_text(bench, "\"checksum\": \"on\"");
	assert_int_equal(run(bench, "server edit tcp 192.168.8.100:80 192.168.8.15 -g"), CTL_OK);
	assert_int_equal(run_at(bench, SL_CONTROL_SOCKET, true, servers), CTL_OK);
	assert_null(strstr(bench->text, "tunnel"));
	assert_int_equal(run(bench, "service get tcp 192.168.8.102:443"), CTL_OK);
	expect_text(bench, "scheduler wlc, PROXY protocol v2, TOA, 0 active");
	assert_int_equal(run(bench, "service edit tcp 192.168.8.102:443 --toa off -s rr"), CTL_OK);
	assert_int_equal(run(bench, "service get tcp 192.168.8.102:443"), CTL_OK);
	expect_text(bench, "scheduler rr, PROXY protocol v2, 0 active");
	assert_int_equal(run(bench, "server add tcp 192.168.8.102:443 192.168.8.17"), CTL_FAILED);
	expect_error(bench, "keeps the client's address");
}

static void what_is_wrong_with_a_command_line(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"nonsense", "there is no command \"nonsense\""},
		{"config", "usage: sluicectl config COMMAND\n\n  config get "},
		{"config nonsense", "there is no command \"config nonsense\""},
		{"con", "there is no command \"con\""},
		{"help nonsense", "there is no command \"nonsense\""},
		{"events --since soon", "is no number"},
		{"events --count -1", "is no number"},
		{"service add tcp", "usage: sluicectl service add"},
		{"service add tcp 192.168.8.1", "has no port"},
		{"service add tcp 192.168.8.1:x", "is no number"},
		{"service add tcp [::1", "has no closing bracket"},
		{"service add tcp 1.1.1.1:1 more", "is too much"},
		{"service add tcp 1.1.1.1:1 --weight 3", "has no option --weight"},
		{"service add tcp 1.1.1.1:1 --scheduler", "needs a value"},
		{"server add tcp 1.1.1.1:1 1.1.1.2 --dr=yes", "takes no value"},
		{"server add tcp 1.1.1.1:1 1.1.1.2 -g -m", "--dr and --nat exclude each other"},
		{"server add tcp 1.1.1.1:1 1.1.1.2 -i --tun-csum --tun-remcsum",
			"--tun-csum and --tun-remcsum exclude each other"},
		{"server add tcp 1.1.1.1:1 1.1.1.2 -i --tun-port gue", "is no number"},
		{"service add tcp 1.1.1.1:1 --toa maybe", "is neither on nor off"},
		{"service edit tcp 1.1.1.1:1", "needs --scheduler"},
		{"timeouts set 1 2", "is no timeout"},
		{"config apply /dev/null --confirm-within soon", "is no duration"},
		{"connections --service tcp", "is no service"},
		{"call info.get {", "not JSON"},
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = run(bench, cases[i].line);

		if (rc != CTL_USAGE)
			fail_msg("%s: %d", cases[i].line, rc);
		expect_error(bench, cases[i].error);
	}
}

static void files_are_tested_compared_and_applied(void **state)
{
	struct bench *bench = *state;
	char line[160], where[120];
	FILE *file;

	snprintf(line, sizeof(line), "config test %s", bench->config);
	assert_int_equal(run(bench, line), CTL_OK);
	expect_text(bench, "valid, 1 services");
	snprintf(line, sizeof(line), "config diff %s", bench->config);
	assert_int_equal(run(bench, line), CTL_OK);
	assert_string_equal(bench->text, "no difference\n");
	snprintf(line, sizeof(line), "config apply %s --confirm-within 60s", bench->config);
	assert_int_equal(run(bench, line), CTL_OK);
	expect_text(bench, "applied: generation 2");
	assert_int_equal(run(bench, "zero"), CTL_FAILED);
	expect_error(bench, "hint: config.confirm keeps it");
	assert_int_equal(run(bench, "config confirm"), CTL_OK);
	assert_int_equal(run(bench, "config save --if-generation 1"), CTL_FAILED);
	assert_int_equal(run(bench, "config save --if-generation 2"), CTL_OK);

	file = fopen(bench->config, "w");
	fputs("// wrong\n{\"ports\": [],\n \"service\": []}\n", file);
	fclose(file);
	snprintf(line, sizeof(line), "config test %s", bench->config);
	assert_int_equal(run(bench, line), CTL_FAILED);
	snprintf(where, sizeof(where), "%s:", bench->config);
	assert_ptr_equal(strstr(bench->errors, where), bench->errors);
	assert_int_equal(run(bench, "config test /no/such/file"), CTL_FAILED);
	expect_error(bench, "No such file");
	assert_int_equal(run(bench, "config reload"), CTL_FAILED);
}

static void results_as_json(void **state)
{
	struct bench *bench = *state;
	json_t *result;

	assert_int_equal(run_at(bench, SL_CONTROL_SOCKET, true, "stats"), CTL_OK);
	result = json_loads(bench->text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(result, "services")), 1);
	json_decref(result);
	assert_int_equal(
		run_at(bench, SL_CONTROL_SOCKET, true, "service get tcp 1.1.1.1:1"), CTL_FAILED);
	result = json_loads(bench->text, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(result, "code")), SL_RPC_NO_SERVICE);
	json_decref(result);
}

/* Ninety services of eleven servers: more entries than a page has. */
static json_t *long_configuration(void)
{
	json_t *config = json_loads(api_rig_config, 0, NULL), *services = json_array();

	for (int i = 0; i < 90; i++) {
		json_t *servers = json_array();

		for (int j = 0; j < 11; j++) {
			char address[32];

			snprintf(address, sizeof(address), "192.168.8.%d", 20 + j);
			json_array_append_new(servers, json_pack("{s:s}", "address", address));
		}
		json_array_append_new(services,
			json_pack("{s:s, s:s, s:i, s:o}", "protocol", "tcp", "address",
				"192.168.8.101", "port", 1000 + i, "servers", servers));
	}
	json_object_set_new(config, "services", services);
	return config;
}

static void lists_longer_than_a_page_are_whole(void **state)
{
	struct bench *bench = *state;
	json_t *config = long_configuration(), *result;

	assert_int_equal(json_dump_file(config, bench->config, 0), 0);
	json_decref(config);
	assert_int_equal(run(bench, "config reload"), CTL_OK);
	assert_int_equal(run(bench, "call service.list"), CTL_OK);
	expect_text(bench, "\"cursor\"");
	assert_int_equal(run_at(bench, SL_CONTROL_SOCKET, true, "service list"), CTL_OK);
	result = json_loads(bench->text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(result, "services")), 90);
	assert_null(json_object_get(result, "cursor"));
	json_decref(result);
}

static void everything_can_be_shown(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"info", "version"},
		{"config get", "\"lan0\""},
		{"service list", "tcp 192.168.8.100:80  scheduler rr"},
		{"service get tcp 192.168.8.100:80", "192.168.8.13"},
		{"server list tcp 192.168.8.100:80", "reachable"},
		{"list --stats", "Conns   InPkts"},
		{"list --rate --exact", "InPPS"},
		{"stats", "CONNECTIONS"},
		{"rates tcp 192.168.8.100:80", "  ->"},
		{"drops", "twin_write"},
		{"drops --all", "truncated"},
		{"timeouts", "Timeout (tcp tcpfin udp): 900 120 300\n"},
		{"workers", "HANDED OVER"},
		{"ports", "net_null0"},
		{"neighbours", "unresolved"},
		{"vips", "192.168.8.100"},
		{"events classes", "neighbour"},
		{"events --since 1 --count 1", " config {\"what\":\"applied\""},
		{"methods", "rpc.discover"},
		{"call service.list {\"limit\":1}", "\"scheduler\": \"rr\""},
		{"help", "config rollback"},
		{"help server add", "--weight N"},
		{"help service", "usage: sluicectl service COMMAND\n\n  service list "},
		{"service --help", "  service zero "},
		{"list --help", "usage: sluicectl list "},
		{"server add --help tcp", "--weight N"},
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = run(bench, cases[i].line);

		if (rc != CTL_OK)
			fail_msg("%s: %d: %s", cases[i].line, rc, bench->errors);
		expect_text(bench, cases[i].part);
	}
	assert_int_equal(run(bench, "timeouts set 1000 0 60"), CTL_OK);
	assert_int_equal(run(bench, "timeouts set close=20s"), CTL_OK);
	assert_int_equal(run(bench, "timeouts"), CTL_OK);
	expect_text(bench, "Timeout (tcp tcpfin udp): 1000 120 60\n");
}

static void viewers_are_told_what_they_may(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(run_at(bench, SL_VIEW_SOCKET, false, "list"), CTL_OK);
	assert_int_equal(run_at(bench, SL_VIEW_SOCKET, false, "zero"), CTL_FAILED);
	expect_error(bench, "takes read methods only");
}

static void without_a_director_one_sentence_says_what_to_do(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(run_at(bench, "none.sock", false, "list"), CTL_NO_DIRECTOR);
	expect_error(bench, "no director answers at ");
	expect_error(bench, "is it running?");
}

static void every_method_has_a_command(void **state)
{
	json_t *method;
	size_t i;

	json_array_foreach (ctl_methods(), i, method) {
		const char *name = json_string_value(json_object_get(method, "name"));
		const struct ctl_command *command = ctl_commands;

		/* Ends with the connection in a client that makes one per command. */
		if (strcmp(name, "events.unsubscribe") == 0)
			continue;
		while (command->words != NULL &&
			(command->method == NULL || strcmp(command->method, name) != 0))
			command++;
		if (command->words == NULL)
			fail_msg("%s has no command", name);
	}
	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++)
		assert_true(c->method == NULL ? c->help != NULL : ctl_method(c->method) != NULL);
}

static void words_are_completed(void **state)
{
	static char *const config[] = {"config"}, *const add[] = {"service", "add"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ctl_complete(out, NULL, 0);
	fflush(out);
	assert_ptr_equal(strstr(text, "list\ninfo\nconfig\nservice\n"), text);
	ctl_complete(out, config, 1);
	fflush(out);
	assert_non_null(strstr(text, "\nget\ntest\ndiff\napply\n"));
	ctl_complete(out, add, 2);
	fclose(out);
	assert_non_null(strstr(text,
		"\ntcp\nudp\n--scheduler\n--sched-flags\n--proxy-protocol\n--toa\n--if-"
		"generation\n"));
	free(text);
}

static char *completed(char *const *argv, int argc)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ctl_complete(out, argv, argc);
	fclose(out);
	return text;
}

/* Of a value, nothing but what it may be. */
static void values_are_completed(void **state)
{
	static const char *const options[] = {"--scheduler", "-s", "--weight", "--toa"};
	char *argv[] = {"service", "add", "tcp", "192.168.8.100:80", NULL};
	char *tun[] = {
		"server", "add", "tcp", "192.168.8.100:80", "192.168.8.12", "-i", "--tun-type"};
	char expected[256] = "";

	for (const struct sl_sched *const *sched = sl_scheds; *sched != NULL; sched++)
		sprintf(expected + strlen(expected), "%s\n", (*sched)->name);
	for (unsigned i = 0; i < 4; i++) {
		char *text;

		argv[4] = (char *)options[i];
		text = completed(argv, 5);
		if (i < 2)
			assert_string_equal(text, expected);
		else if (i == 2) /* service add has no such option */
			assert_non_null(strstr(text, "--toa\n"));
		else
			assert_string_equal(text, "on\noff\n");
		free(text);
	}
	argv[3] = completed(tun, 7);
	assert_string_equal(argv[3], "ipip\ngre\ngue\n");
	free(argv[3]);
}

/* A method's own file says by which option it is chosen (lb/fwd.h). */
static void every_forwarding_method_has_an_option(void **state)
{
	static char *const words[] = {"server", "add"};
	int used;
	const struct ctl_command *command = ctl_command_find(words, 2, &used);

	for (unsigned i = 0; i < SL_FWD_METHODS; i++) {
		char option[32], letter[] = {'-', sl_fwds[i]->letter, '\0'};
		unsigned found;

		snprintf(option, sizeof(option), "--%s", sl_fwds[i]->name);
		found = ctl_option_find(command, option);
		assert_int_not_equal(found, CTL_OPTION_COUNT);
		assert_string_equal(ctl_option_infos[found].help, sl_fwds[i]->help);
		if (letter[1] != 0)
			assert_int_equal(ctl_option_find(command, letter), found);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		TEST(services_and_servers_by_hand),
		TEST(methods_and_their_options),
		TEST(what_is_wrong_with_a_command_line),
		TEST(files_are_tested_compared_and_applied),
		TEST(results_as_json),
		TEST(lists_longer_than_a_page_are_whole),
		TEST(everything_can_be_shown),
		TEST(viewers_are_told_what_they_may),
		TEST(without_a_director_one_sentence_says_what_to_do),
		cmocka_unit_test(every_method_has_a_command),
		cmocka_unit_test(words_are_completed),
		cmocka_unit_test(values_are_completed),
		cmocka_unit_test(every_forwarding_method_has_an_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
