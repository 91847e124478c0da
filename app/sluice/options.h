/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the director. */
#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H

enum sl_mode {
	SL_MODE_RUN,
	SL_MODE_CHECK, /* validate the file and exit */
	SL_MODE_PURGE, /* remove what an instance leaves behind for its next start */
	SL_MODE_EXIT,  /* --help or --version: said already */
};

struct sl_options {
	enum sl_mode mode;
	const char *config; /* path; points into argv */
};

/* 0, or -EINVAL after saying on standard error what is wrong. */
int sl_options_parse(int argc, char **argv, struct sl_options *options);

#endif
