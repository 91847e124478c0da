/* SPDX-License-Identifier: BSD-3-Clause */
/* The interactive shell: the same commands, line by line, on one connection. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <histedit.h>

#include "sluicectl/command.h"

#define HISTORY 500

struct shell {
	EditLine *editor;
	History *history;
	Tokenizer *tokenizer;
};

static const char *prompt(EditLine *editor)
{
	return "sluice> ";
}

/* The only candidate that goes on from `begun`, NULL when there is none or several (then they were
 * shown). */
static char *choose(char *candidates, const char *begun)
{
	char *only = NULL, *save = NULL;
	unsigned n = 0;

	for (char *c = strtok_r(candidates, "\n", &save); c != NULL;
		c = strtok_r(NULL, "\n", &save)) {
		if (strncmp(c, begun, strlen(begun)) != 0)
			continue;
		if (n++ == 0)
			only = c;
		else
			printf("%s%s  ", n == 2 ? "\n" : "", n == 2 ? only : ""), fputs(c, stdout);
	}
	if (n > 1)
		fputc('\n', stdout);
	return n == 1 ? only : NULL;
}

static unsigned char complete(EditLine *editor, int key)
{
	const LineInfo *line = el_line(editor);
	Tokenizer *tokenizer = tok_init(NULL);
	char *candidates = NULL, *only;
	const char **argv, *begun = "";
	size_t size;
	FILE *out = open_memstream(&candidates, &size);
	int argc = 0, word = 0, offset = 0;
	unsigned char result = CC_REDISPLAY;

	if (out != NULL && tok_line(tokenizer, line, &argc, &argv, &word, &offset) == 0) {
		if (word < argc)
			begun = argv[word];
		ctl_complete(out, (char *const *)argv, word);
		fclose(out);
		only = choose(candidates, begun);
		if (only != NULL && el_insertstr(editor, only + strlen(begun)) == 0 &&
			el_insertstr(editor, " ") == 0)
			result = CC_REFRESH;
	} else if (out != NULL) {
		fclose(out);
	}
	free(candidates);
	tok_end(tokenizer);
	return result;
}

static void run_line(struct ctl *ctl, struct shell *shell, const char *line)
{
	const char **argv;
	int argc;

	tok_reset(shell->tokenizer);
	if (tok_str(shell->tokenizer, line, &argc, &argv) != 0)
		fputs("sluicectl: a quote is not closed\n", stderr);
	else if (argc > 0)
		ctl_run(ctl, (char *const *)argv, argc);
	fflush(ctl->out);
}

static bool is_end(const char *line)
{
	return strcmp(line, "exit\n") == 0 || strcmp(line, "quit\n") == 0;
}

static int open_shell(struct shell *shell)
{
	HistEvent event;

	shell->editor = el_init("sluicectl", stdin, stdout, stderr);
	shell->history = history_init();
	shell->tokenizer = tok_init(NULL);
	if (shell->editor == NULL || shell->history == NULL || shell->tokenizer == NULL)
		return -1;
	history(shell->history, &event, H_SETSIZE, HISTORY);
	el_set(shell->editor, EL_PROMPT, prompt);
	el_set(shell->editor, EL_EDITOR, "emacs");
	el_set(shell->editor, EL_HIST, history, shell->history);
	el_set(shell->editor, EL_ADDFN, "complete", "complete a command", complete);
	el_set(shell->editor, EL_BIND, "^I", "complete", NULL);
	return 0;
}

static void close_shell(struct shell *shell)
{
	if (shell->tokenizer != NULL)
		tok_end(shell->tokenizer);
	if (shell->history != NULL)
		history_end(shell->history);
	if (shell->editor != NULL)
		el_end(shell->editor);
}

int ctl_shell(struct ctl *ctl)
{
	struct shell shell = {0};
	HistEvent event;
	const char *line;
	int length;

	if (open_shell(&shell) < 0) {
		close_shell(&shell);
		fputs("sluicectl: the line editor does not start\n", stderr);
		return CTL_FAILED;
	}
	while ((line = el_gets(shell.editor, &length)) != NULL && !is_end(line)) {
		if (length > 1)
			history(shell.history, &event, H_ENTER, line);
		run_line(ctl, &shell, line);
	}
	close_shell(&shell);
	return CTL_OK;
}
