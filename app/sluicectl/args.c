/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines: words and options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl/command.h"

const struct ctl_option_info ctl_option_infos[CTL_OPTION_COUNT] = {
#define X(NAME, letter, name, value, help) {letter, name, value, help},
	CTL_OPTIONS(X)
#undef X
};

/* How many leading words of argv are the command's; 0 when they are not. */
static int match(const char *words, char *const *argv, int argc)
{
	int n = 0;

	while (*words != '\0') {
		size_t length = strcspn(words, " ");

		if (n == argc || strlen(argv[n]) != length || strncmp(words, argv[n], length) != 0)
			return 0;
		n++;
		words += length + (words[length] == ' ');
	}
	return n;
}

const struct ctl_command *ctl_command_find(char *const *argv, int argc, int *used)
{
	const struct ctl_command *found = NULL;

	*used = 0;
	for (const struct ctl_command *c = ctl_commands; c->words != NULL; c++) {
		int n = match(c->words, argv, argc);

		if (n > *used) {
			found = c;
			*used = n;
		}
	}
	return found;
}

unsigned ctl_option_find(const struct ctl_command *command, const char *text)
{
	bool is_long = strncmp(text, "--", 2) == 0;
	const char *name = text + 2;
	size_t length = is_long ? strcspn(name, "=") : 0;
	unsigned i = 0;

	if (!is_long && (text[0] != '-' || text[1] == '\0' || text[2] != '\0'))
		return CTL_OPTION_COUNT;
	for (; i < CTL_OPTION_COUNT; i++) {
		const struct ctl_option_info *info = &ctl_option_infos[i];

		if (!ctl_command_takes(command, i))
			continue;
		if (!is_long && info->letter == text[1])
			break;
		if (is_long && strlen(info->name) == length &&
			strncmp(info->name, name, length) == 0)
			break;
	}
	return i;
}

/* Takes the option at argv[0], with its value. The number of arguments used, or 0 after an error.
 */
static int
take_option(const struct ctl_command *command, char *const *argv, int argc, struct ctl_args *args)
{
	const char *text = argv[0];
	unsigned option = ctl_option_find(command, text);
	const char *equals = strchr(text, '='), *value = equals != NULL ? equals + 1 : NULL;

	if (option == CTL_OPTION_COUNT) {
		fprintf(stderr, "sluicectl: %s has no option %s\n", command->words, text);
		return 0;
	}
	if (ctl_option_infos[option].value == NULL) {
		args->options[option] = "";
		if (value == NULL)
			return 1;
		fprintf(stderr, "sluicectl: --%s takes no value\n", ctl_option_infos[option].name);
		return 0;
	}
	if (value == NULL && argc < 2) {
		fprintf(stderr, "sluicectl: --%s needs a value: %s\n",
			ctl_option_infos[option].name, ctl_option_infos[option].value);
		return 0;
	}
	args->options[option] = value != NULL ? value : argv[1];
	return value != NULL ? 1 : 2;
}

int ctl_args_parse(
	const struct ctl_command *command, char *const *argv, int argc, struct ctl_args *args)
{
	bool only_words = false;

	memset(args, 0, sizeof(*args));
	for (int i = 0; i < argc;) {
		int used = 1;

		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
			used = take_option(command, argv + i, argc - i, args);
		} else if (args->n < command->max && args->n < CTL_WORDS_MAX) {
			args->words[args->n++] = argv[i];
		} else {
			fprintf(stderr, "sluicectl: %s: \"%s\" is too much\n", command->words,
				argv[i]);
			used = 0;
		}
		if (used == 0)
			return CTL_USAGE;
		i += used;
	}
	if (args->n >= command->min)
		return 0;
	fprintf(stderr, "usage: sluicectl %s %s\n", command->words, command->usage);
	return CTL_USAGE;
}
