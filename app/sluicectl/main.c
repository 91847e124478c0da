/* SPDX-License-Identifier: BSD-3-Clause */
/* sluicectl: asks a director, tells it what to do. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl/command.h"

#define TIMEOUT_S     30
#define TIMEOUT_MAX_S 86400

enum {
	OPT_SOCKET = 256,
	OPT_INSTANCE,
	OPT_JSON,
	OPT_TIMEOUT,
	OPT_HELP,
	OPT_VERSION,
	OPT_COMPLETE,
	OPT_MANUAL
};

static const struct option options[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"instance", required_argument, NULL, OPT_INSTANCE},
	{"json", no_argument, NULL, OPT_JSON},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"complete", no_argument, NULL, OPT_COMPLETE}, /* for the shells' completion */
	{"manual", no_argument, NULL, OPT_MANUAL},     /* for the man page */
	{NULL, 0, NULL, 0},
};

/* --json may stand behind the command, too: it says how, not what. */
static int take_json(struct ctl *ctl, char **argv, int argc)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else
			argv[kept++] = argv[i];
	}
	return kept;
}

static int set_socket(struct ctl *ctl, const char *format, const char *name)
{
	if (snprintf(ctl->socket, sizeof(ctl->socket), format, name) < (int)sizeof(ctl->socket))
		return 0;
	fprintf(stderr, "sluicectl: \"%s\" is too long\n", name);
	return -1;
}

static int set_instance(struct ctl *ctl, const char *name)
{
	if (*name != '\0' && strchr(name, '/') == NULL)
		return set_socket(ctl, "/run/sluice-%s/control.sock", name);
	fprintf(stderr, "sluicectl: \"%s\" is no instance's name\n", name);
	return -1;
}

static int set_timeout(struct ctl *ctl, const char *text)
{
	unsigned long seconds;
	char *end;

	seconds = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && seconds > 0 &&
		seconds <= TIMEOUT_MAX_S) {
		ctl->link.timeout_s = (unsigned)seconds;
		return 0;
	}
	fprintf(stderr, "sluicectl: \"%s\" is no timeout: whole seconds, 1 to %d\n", text,
		TIMEOUT_MAX_S);
	return -1;
}

/* Takes the options before the command. An enum ctl_exit to end with, or -1 to go on. */
static int take_options(struct ctl *ctl, int argc, char **argv)
{
	for (int option; (option = getopt_long(argc, argv, "+v", options, NULL)) != -1;) {
		switch (option) {
		case OPT_SOCKET:
			if (set_socket(ctl, "%s", optarg) < 0)
				return CTL_USAGE;
			break;
		case OPT_INSTANCE:
			if (set_instance(ctl, optarg) < 0)
				return CTL_USAGE;
			break;
		case OPT_JSON:
			ctl->json = true;
			break;
		case OPT_TIMEOUT:
			if (set_timeout(ctl, optarg) < 0)
				return CTL_USAGE;
			break;
		case 'v':
			ctl->link.verbose = true;
			break;
		case OPT_HELP:
			ctl_help_all(ctl->out);
			return CTL_OK;
		case OPT_VERSION:
			fputs("sluicectl " SL_VERSION "\n", ctl->out);
			return CTL_OK;
		case OPT_COMPLETE:
			ctl_complete(ctl->out, argv + optind, argc - optind);
			return CTL_OK;
		case OPT_MANUAL:
			ctl_manual(ctl->out);
			return CTL_OK;
		default:
			return CTL_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {
		.link = {.fd = -1, .timeout_s = TIMEOUT_S},
		.socket = "/run/sluice/control.sock",
		.out = stdout,
	};
	int rc = take_options(&ctl, argc, argv);

	if (rc >= 0)
		return rc;
	argc = take_json(&ctl, argv + optind, argc - optind);
	argv += optind;
	if (argc == 0) {
		ctl_help_all(stderr);
		return CTL_USAGE;
	}
	rc = ctl_run(&ctl, argv, argc);
	ctl_link_close(&ctl.link);
	if (fflush(stdout) != 0 && rc == CTL_OK) {
		perror("sluicectl");
		rc = CTL_FAILED;
	}
	return rc;
}
