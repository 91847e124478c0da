/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a command: parameters, call, pages, and what came of it. */
#include <stdlib.h>
#include <string.h>

#include "sluicectl/build.h"
#include "sluicectl/command.h"

#define PAGES_MAX 1000000

/* What went wrong, as a person wants it: where, what, and what to do. */
static void show_error(struct ctl *ctl, const json_t *error, const char *file)
{
	const json_t *data = json_object_get(error, "data");
	const char *path = json_string_value(json_object_get(data, "path"));
	const char *hint = json_string_value(json_object_get(data, "hint"));
	const char *message = json_string_value(json_object_get(error, "message"));
	int line = (int)json_integer_value(json_object_get(data, "line"));

	if (ctl->json) {
		json_dumpf(error, ctl->out, JSON_INDENT(2));
		fputc('\n', ctl->out);
	}
	if (file != NULL && line > 0)
		fprintf(stderr, "%s:%d:%d: %s", file, line,
			(int)json_integer_value(json_object_get(data, "column")), message);
	else
		fprintf(stderr, "sluicectl: %s", message);
	if (path != NULL)
		fprintf(stderr, " (%s)", path);
	fputc('\n', stderr);
	if (hint != NULL)
		fprintf(stderr, "hint: %s\n", hint);
}

/* One call. A new reference to the result, or NULL. */
static json_t *
call_once(struct ctl *ctl, const char *method, json_t *params, const char *file, int *status)
{
	json_t *reply, *result;

	*status = CTL_NO_DIRECTOR;
	if (ctl_link_open(&ctl->link, ctl->socket) < 0) {
		json_decref(params);
		return NULL;
	}
	reply = ctl_link_call(&ctl->link, method, params);
	if (reply == NULL)
		return NULL;
	result = json_incref(json_object_get(reply, "result"));
	*status = result != NULL ? CTL_OK : CTL_FAILED;
	if (result == NULL)
		show_error(ctl, json_object_get(reply, "error"), file);
	json_decref(reply);
	return result;
}

json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params, const char *page,
	const char *file, int *status)
{
	json_t *whole = call_once(ctl, method, json_incref(params), file, status), *next, *cursor;

	for (unsigned i = 0; i < PAGES_MAX && page != NULL && whole != NULL; i++) {
		cursor = json_object_get(whole, "cursor");
		if (cursor == NULL || json_object_get(params, "limit") != NULL)
			break;
		json_object_set(params, "cursor", cursor);
		next = call_once(ctl, method, json_incref(params), file, status);
		json_object_del(whole, "cursor");
		if (next == NULL) {
			json_decref(whole);
			whole = NULL;
			break;
		}
		json_array_extend(json_object_get(whole, page), json_object_get(next, page));
		json_object_set(whole, "generation", json_object_get(next, "generation"));
		if (json_object_get(next, "cursor") != NULL)
			json_object_set(whole, "cursor", json_object_get(next, "cursor"));
		json_decref(next);
	}
	json_decref(params);
	return whole;
}

static int
run_method(struct ctl *ctl, const struct ctl_command *command, const struct ctl_args *args)
{
	/* The one word of config test, diff and apply: errors say where in it. */
	const char *file = command->build == ctl_build_file ? args->words[0] : NULL;
	json_t *params = json_object(), *result;
	int status = command->build(args, params);

	if (status != 0) {
		json_decref(params);
		return status;
	}
	result = ctl_call(ctl, command->method, params, command->page, file, &status);
	if (result == NULL)
		return status;
	if (ctl->json) {
		json_dumpf(result, ctl->out, JSON_INDENT(2));
		fputc('\n', ctl->out);
	} else if (command->show != NULL) {
		command->show(ctl, args, result);
	}
	json_decref(result);
	return CTL_OK;
}

/* Whether --help stands behind the command. */
static bool asks_for_help(char *const *argv, int argc)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

/* There is no such command: says what there is instead. */
static int unknown_command(char *const *argv, int argc)
{
	/* A word like "service" alone asks what goes with it. */
	if (argc == 1 && ctl_help(stderr, argv, 1))
		return CTL_USAGE;
	fprintf(stderr, "sluicectl: there is no command \"%s%s%s\"; see sluicectl help\n",
		argc > 0 ? argv[0] : "", argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	return CTL_USAGE;
}

int ctl_run(struct ctl *ctl, char *const *argv, int argc)
{
	const struct ctl_command *command;
	struct ctl_args args;
	int used, rc;

	if (asks_for_help(argv, argc) && ctl_help(ctl->out, argv, argc))
		return CTL_OK;
	command = ctl_command_find(argv, argc, &used);
	if (command == NULL)
		return unknown_command(argv, argc);
	rc = ctl_args_parse(command, argv + used, argc - used, &args);
	if (rc != 0)
		return rc;
	if (command->run != NULL)
		return command->run(ctl, &args);
	return run_method(ctl, command, &args);
}
