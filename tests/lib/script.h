/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words of the scripts that drive a rig from outside: vectors and the comparison with a real LVS.
 * Whatever cannot be read ends the program with a message.
 */
#ifndef SL_TESTS_SCRIPT_H
#define SL_TESTS_SCRIPT_H

#include <stdint.h>

#include "rig.h"

#define SCRIPT_WORDS_MAX 40
#define SCRIPT_TUNNELS   3
#define SCRIPT_OPTIONS   2

struct script_option {
	const char *name;
	uint8_t option; /* SL_SERVER_PROXY, ... */
};

extern const char *const script_tunnels[SCRIPT_TUNNELS]; /* by enum sl_tunnel */
extern const struct script_option script_options[SCRIPT_OPTIONS];

void script_die(const char *what, const char *which) __attribute__((noreturn));

/* Splits a line at blanks, in place. Returns the number of words. */
unsigned script_split(char *line, char *words[SCRIPT_WORDS_MAX]);

uint32_t script_address(const char *text);            /* host order */
uint32_t script_endpoint(char *text, uint16_t *port); /* ADDRESS:PORT, cut at the colon */
uint8_t script_protocol(const char *text);            /* tcp or udp */

/* Of either family; an IPv6 address with a port stands in brackets. */
struct sl_addr script_addr(const char *text);
/* ADDRESS:PORT, cut at the colon; port 0 where there is none. */
struct sl_addr script_addr_port(char *text, uint16_t *port);

/*
 * service PROTO VIP:PORT SCHEDULER [proxy] [toa] SERVER ...
 * A server is ADDRESS[:PORT][*WEIGHT][/METHOD[:ipip|gue|gre[:PORT[:on|remote]]]].
 */
void script_service(struct rig *rig, char **words, unsigned n);

/* delete PROTO VIP:PORT */
void script_delete(struct rig *rig, char **words);

#endif
