/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's commands: one row each. What a command is for comes from the API's table of methods
 * (built in), so a row says only how a person writes its parameters and how the result is shown.
 */
#ifndef SLUICECTL_COMMAND_H
#define SLUICECTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "sluicectl/choices.h"
#include "sluicectl/link.h"

enum ctl_exit { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_DIRECTOR = 3 };

/*
 * X(NAME, letter, "name", "VALUE" or NULL, "help"). A value like "on|off" is one of these words.
 * Schedulers and forwarding methods are those of lib/lb: choices.h is made at build time.
 */
#define CTL_OPTIONS(X)                                                                             \
	X(SCHEDULER, 's', "scheduler", CTL_SCHEDULERS, "how servers are chosen: sluice.json(5)")   \
	X(SCHED_FLAGS, 'b', "sched-flags", "FLAG,..", "of sh, mh: port, fallback; or none")        \
	X(WEIGHT, 'w', "weight", "N", "share of new connections; 0 takes no new ones")             \
	CTL_METHODS(X)                                                                             \
	X(TUN_TYPE, 0, "tun-type", "ipip|gre|gue", "what tun wraps packets into")                  \
	X(TUN_PORT, 0, "tun-port", "PORT", "UDP port on which the server expects GUE")             \
	X(TUN_NOCSUM, 0, "tun-nocsum", NULL, "no checksum in the outer header")                    \
	X(TUN_CSUM, 0, "tun-csum", NULL, "a checksum in the outer header")                         \
	X(TUN_REMCSUM, 0, "tun-remcsum", NULL, "GUE's remote checksum offload")                    \
	X(PROXY, 0, "proxy-protocol", "v2|off", "servers are told the client's address")           \
	X(TOA, 0, "toa", "on|off", "the same by a TCP option")                                     \
	X(STATS, 0, "stats", NULL, "counters instead of weights and connections")                  \
	X(RATE, 0, "rate", NULL, "rates per second instead of weights and connections")            \
	X(EXACT, 0, "exact", NULL, "counters in full")                                             \
	X(NOSORT, 0, "nosort", NULL, "servers in the order in which schedulers see them")          \
	X(NUMERIC, 'n', "numeric", NULL, "accepted for habit's sake: addresses are always so")     \
	X(CONFIRM, 0, "confirm-within", "TIME", "take it back by itself unless confirmed in time") \
	X(IF_GENERATION, 0, "if-generation", "N", "only while the configuration is of this one")   \
	X(SERVICE, 0, "service", "PROTOCOL/ADDRESS:PORT", "only of this virtual service")          \
	X(SERVER, 0, "server", "ADDRESS", "only on this real server")                              \
	X(CLIENT, 0, "client", "ADDRESS", "only of this client")                                   \
	X(STATE, 0, "state", "NAME", "only in this state")                                         \
	X(LIMIT, 0, "limit", "N", "no more than about so many")                                    \
	X(ALL, 'a', "all", NULL, "those that are zero, too")                                       \
	X(SINCE, 0, "since", "N", "from event number N on")                                        \
	X(COUNT, 'c', "count", "N", "end after so many")

enum ctl_option {
#define X(NAME, letter, name, value, help) CTL_##NAME,
	CTL_OPTIONS(X)
#undef X
		CTL_OPTION_COUNT,
};

struct ctl_option_info {
	char letter; /* 0 = none */
	const char *name;
	const char *value;
	const char *help;
};

_Static_assert(CTL_OPTION_COUNT <= 64, "a command's options are bits of a word");

extern const struct ctl_option_info ctl_option_infos[CTL_OPTION_COUNT];

#define CTL_WORDS_MAX 32

/* A command line, taken apart. */
struct ctl_args {
	unsigned n;
	const char *words[CTL_WORDS_MAX];      /* behind the command's own */
	const char *options[CTL_OPTION_COUNT]; /* value, "" for a flag, NULL = not given */
};

struct ctl {
	struct ctl_link link;
	char socket[108];
	bool json;
	FILE *out;
};

struct ctl_command {
	const char *words;  /* "service add" */
	const char *method; /* whose help is the command's; NULL = the row's own */
	const char *usage;  /* of what follows the words */
	unsigned min;       /* of these words */
	unsigned max;
	uint64_t options; /* bits by enum ctl_option */
	const char *page; /* member of the result that comes in pages; NULL = none */
	/* Puts the parameters together; 0, or a usage error that was said. */
	int (*build)(const struct ctl_args *args, json_t *params);
	/* Shows a result to a person; NULL says nothing when all went well. */
	void (*show)(struct ctl *ctl, const struct ctl_args *args, const json_t *result);
	/* Instead of all that; an enum ctl_exit. */
	int (*run)(struct ctl *ctl, const struct ctl_args *args);
	const char *help; /* where there is no method */
};

extern const struct ctl_command ctl_commands[]; /* ends with NULL words */

static inline bool ctl_command_takes(const struct ctl_command *command, unsigned option)
{
	return command->options & (UINT64_C(1) << option);
}

/* The command that argv begins with, the longest; *used is the number of its words. NULL = none. */
const struct ctl_command *ctl_command_find(char *const *argv, int argc, int *used);

/* The command's option that "-w", "--weight" or "--weight=3" names; CTL_OPTION_COUNT = none. */
unsigned ctl_option_find(const struct ctl_command *command, const char *text);

/* Takes apart what follows the command's words. 0, or a usage error that was said. */
int ctl_args_parse(
	const struct ctl_command *command, char *const *argv, int argc, struct ctl_args *args);

/* Runs a command line: words of a command and what follows. An enum ctl_exit. */
int ctl_run(struct ctl *ctl, char *const *argv, int argc);

/*
 * Calls a method and follows its pages; the result, or NULL after the error was shown. *status is
 * an enum ctl_exit. Takes over `params`; `file` (may be NULL) is named in errors that have a line.
 */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params, const char *page,
	const char *file, int *status);

/*
 * A row of the API's table as it was at build time: {name, write, params, result, help}; NULL =
 * none.
 */
const json_t *ctl_method(const char *name);
const json_t *ctl_methods(void); /* all of them */

/*
 * Help on the command that argv begins with, on the commands that begin with a word, or on all of
 * them (no words); false = there is nothing of that name.
 */
bool ctl_help(FILE *out, char *const *argv, int argc);

/* Help on all; candidates for completion; scdoc text of all commands and methods. */
void ctl_help_all(FILE *out);
void ctl_complete(FILE *out, char *const *argv, int argc);
void ctl_manual(FILE *out);

/* The interactive shell. An enum ctl_exit. */
int ctl_shell(struct ctl *ctl);

#endif
