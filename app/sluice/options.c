/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
	"usage: sluice --config FILE [--check | --purge]\n"
	"       sluice --help | --version\n"
	"\n"
	"A layer-4 load balancer.\n"
	"\n"
	"  -c, --config FILE  the configuration (sluice.json(5))\n"
	"      --check        say whether FILE is valid, and where it is not: exit 0 when it is,\n"
	"                     1 when it cannot be read or is not JSON, 2 when it is wrong\n"
	"      --purge        remove the twins, tables and run directory of FILE's instance\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, 'k'},
	{"purge", no_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int set_mode(struct sl_options *options, enum sl_mode mode)
{
	if (options->mode != SL_MODE_RUN && options->mode != mode) {
		fprintf(stderr, "sluice: --check and --purge exclude each other\n");
		return -EINVAL;
	}
	options->mode = mode;
	return 0;
}

static int take(int letter, struct sl_options *options)
{
	switch (letter) {
	case 'c':
		options->config = optarg;
		return 0;
	case 'k':
		return set_mode(options, SL_MODE_CHECK);
	case 'p':
		return set_mode(options, SL_MODE_PURGE);
	case 'h':
		fputs(usage, stdout);
		options->mode = SL_MODE_EXIT;
		return 0;
	case 'V':
		printf("sluice %s\n", SL_VERSION);
		options->mode = SL_MODE_EXIT;
		return 0;
	default: /* getopt has said what is wrong */
		fprintf(stderr, "Try: sluice --help\n");
		return -EINVAL;
	}
}

int sl_options_parse(int argc, char **argv, struct sl_options *options)
{
	int letter;

	*options = (struct sl_options){.mode = SL_MODE_RUN};
	optind = 1;
	while ((letter = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
		if (take(letter, options) < 0)
			return -EINVAL;
		if (options->mode == SL_MODE_EXIT)
			return 0;
	}
	if (optind < argc) {
		fprintf(stderr, "sluice: unexpected argument '%s'\nTry: sluice --help\n",
			argv[optind]);
		return -EINVAL;
	}
	if (options->config == NULL) {
		fprintf(stderr, "sluice: --config FILE is missing\nTry: sluice --help\n");
		return -EINVAL;
	}
	return 0;
}
