/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tables of commands and methods say about themselves: help, completion, the man page. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl/command.h"

/* The API's table as JSON, compiled in (describe.c). */
extern const char ctl_methods_text[];
extern const size_t ctl_methods_size;

const json_t *ctl_methods(void)
{
	static json_t *methods;

	if (methods == NULL)
		methods = json_loadb(ctl_methods_text, ctl_methods_size, 0, NULL);
	return methods;
}

const json_t *ctl_method(const char *name)
{
	json_t *method;
	size_t i;

	json_array_foreach (ctl_methods(), i, method) {
		if (strcmp(json_string_value(json_object_get(method, "name")), name) == 0)
			return method;
	}
	return NULL;
}

static const char *help_of(const struct ctl_command *command)
{
	const json_t *method;

	if (command->method == NULL || command->help != NULL)
		return command->help;
	method = ctl_method(command->method);
	return method != NULL ? json_string_value(json_object_get(method, "help")) : "";
}

static const char *usage_of(const struct ctl_command *command)
{
	return command->usage != NULL ? command->usage : "";
}

#define OPTION_TEXT 160

/* "--weight N" or "-w, --weight N". */
static void option_text(const struct ctl_option_info *info, char *text, size_t size)
{
	char letter[8] = "    ";

	if (info->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", info->letter);
	snprintf(text, size, "%s--%s%s%s", letter, info->name, info->value != NULL ? " " : "",
		info->value != NULL ? info->value : "");
}

static void help_command(FILE *out, const struct ctl_command *command)
{
	char text[OPTION_TEXT];

	fprintf(out, "usage: sluicectl %s %s\n\n%s\n", command->words, usage_of(command),
		help_of(command));
	for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
		if (!ctl_command_takes(command, i))
			continue;
		option_text(&ctl_option_infos[i], text, sizeof(text));
		fprintf(out, "  %-34s %s\n", text, ctl_option_infos[i].help);
	}
	if (command->method != NULL)
		fprintf(out, "\nmethod: %s\n", command->method);
}

/* The first sentence. */
static int first_sentence(const char *help)
{
	const char *end = strstr(help, ". ");

	return end != NULL ? (int)(end - help + 1) : (int)strlen(help);
}

static void help_line(FILE *out, const struct ctl_command *command)
{
	const char *help = help_of(command);

	fprintf(out, "  %-16s %.*s\n", command->words, first_sentence(help), help);
}

void ctl_help_all(FILE *out)
{
	fputs("usage: sluicectl [--instance NAME | --socket PATH] [--json] [--timeout SECONDS] "
	      "[-v] "
	      "COMMAND\n\n",
		out);
	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++)
		help_line(out, c);
	fputs("\nsluicectl help COMMAND says more; so does sluicectl(8).\n", out);
}

/* The commands whose first word this is. False when there are none. */
static bool help_group(FILE *out, const char *word)
{
	size_t length = strlen(word);
	bool any = false;

	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++) {
		if (strncmp(c->words, word, length) != 0 || c->words[length] != ' ')
			continue;
		if (!any)
			fprintf(out, "usage: sluicectl %s COMMAND\n\n", word);
		help_line(out, c);
		any = true;
	}
	return any;
}

bool ctl_help(FILE *out, char *const *argv, int argc)
{
	const struct ctl_command *command;
	int used;

	if (argc == 0) {
		ctl_help_all(out);
		return true;
	}
	command = ctl_command_find(argv, argc, &used);
	if (command == NULL)
		return help_group(out, argv[0]);
	help_command(out, command);
	return true;
}

/* Word number `index` of a command's words; its length, 0 when there is none. */
static size_t word_at(const char *words, int index, const char **word)
{
	for (; index > 0 && *words != '\0'; index--) {
		words += strcspn(words, " ");
		words += *words == ' ';
	}
	*word = words;
	return strcspn(words, " ");
}

/* Of an option that waits for its value: the words that this may be. False: it is no such option.
 */
static bool complete_value(FILE *out, const struct ctl_command *command, const char *text)
{
	unsigned option = ctl_option_find(command, text);
	const char *value = option < CTL_OPTION_COUNT ? ctl_option_infos[option].value : NULL;

	if (value == NULL || strchr(text, '=') != NULL)
		return false;
	if (strchr(value, '|') == NULL)
		return true;
	for (size_t n; *value != '\0'; value += n + (value[n] == '|')) {
		n = strcspn(value, "|");
		fprintf(out, "%.*s\n", (int)n, value);
	}
	return true;
}

static void complete_options(FILE *out, const struct ctl_command *command)
{
	for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
		if (ctl_command_takes(command, i))
			fprintf(out, "--%s\n", ctl_option_infos[i].name);
	}
}

void ctl_complete(FILE *out, char *const *argv, int argc)
{
	const struct ctl_command *command;
	const char *word, *before = NULL;
	size_t length, before_length = 0;
	int used;

	/* The next word of every command that begins with these words; rows of a family are
	 * neighbours. */
	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++) {
		int i = 0;

		while (i < argc && (length = word_at(c->words, i, &word)) > 0 &&
			strlen(argv[i]) == length && strncmp(argv[i], word, length) == 0)
			i++;
		length = word_at(c->words, i, &word);
		if (i < argc || length == 0 ||
			(before != NULL && length == before_length &&
				strncmp(before, word, length) == 0))
			continue;
		fprintf(out, "%.*s\n", (int)length, word);
		before = word;
		before_length = length;
	}
	command = ctl_command_find(argv, argc, &used);
	if (command == NULL || (used < argc && complete_value(out, command, argv[argc - 1])))
		return;
	if (used == argc && command->usage != NULL && strncmp(command->usage, "tcp|udp", 7) == 0)
		fputs("tcp\nudp\n", out);
	complete_options(out, command);
}

/* Text with what scdoc would take for markup escaped. */
static void put_scdoc(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\*_#~|<>", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void manual_commands(FILE *out)
{
	char text[OPTION_TEXT];

	fputs("# COMMANDS\n\n", out);
	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++) {
		fprintf(out, "*%s* ", c->words);
		put_scdoc(out, usage_of(c));
		fputs("\n\t", out);
		put_scdoc(out, help_of(c));
		fputs("\n\n", out);
		for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
			const struct ctl_option_info *info = &ctl_option_infos[i];

			if (!ctl_command_takes(c, i))
				continue;
			option_text(info, text, sizeof(text));
			fputs("\t\\", out); /* a hyphen would begin a list */
			put_scdoc(out, text + strspn(text, " "));
			fputs(": ", out);
			put_scdoc(out, info->help);
			fputs("\n\n", out);
		}
	}
}

static void manual_params(FILE *out, const json_t *schema)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *property;

	json_object_foreach ((json_t *)properties, name, property) {
		const char *title = json_string_value(json_object_get(property, "title"));

		fputs("\t_", out);
		put_scdoc(out, name);
		fputs("_", out);
		if (title != NULL) {
			fputs(": ", out);
			put_scdoc(out, title);
		}
		fputs("\n\n", out);
	}
}

static void manual_methods(FILE *out)
{
	json_t *method;
	size_t i;

	fputs("# METHODS\n\n"
	      "The API speaks JSON-RPC 2.0, one object per line. Every result, and the data of "
	      "every "
	      "error, carries the _generation_ of the configuration.\n\n",
		out);
	json_array_foreach (ctl_methods(), i, method) {
		const char *result = json_string_value(json_object_get(method, "result"));

		fprintf(out, "*%s*%s\n\t", json_string_value(json_object_get(method, "name")),
			json_is_true(json_object_get(method, "write")) ? " (writes)" : "");
		put_scdoc(out, json_string_value(json_object_get(method, "help")));
		fputs("\n\n", out);
		manual_params(out, json_object_get(method, "params"));
		if (result[0] == '\0')
			continue;
		fputs("\tResult: ", out);
		put_scdoc(out, result);
		fputs("\n\n", out);
	}
}

void ctl_manual(FILE *out)
{
	manual_commands(out);
	manual_methods(out);
}
