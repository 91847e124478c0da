/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs packets of a capture file through the real packet path, with no NIC and no EAL.
 * usage: vector IN.pcap OUT.pcap < SCRIPT
 *
 * The script changes the configuration, moves the clock, and says when the next packet of IN comes:
 *	service PROTO VIP:PORT SCHEDULER SERVER[*WEIGHT][/METHOD] ...
 *	delete PROTO VIP:PORT
 *	local ADDRESS		the box has this one address
 *	vips yes|no		whether VIPs of services that are set from now on are local
 *	neighbours resolved|unresolved|gateway|local	of servers that are set from now on
 *	port twin|no-twin|transit-drop
 *	mac MAC			the port accepts this one, too
 *	clock SECONDS		moves on by
 *	age			ids move along
 *	sweep			a whole round and another
 *	packet
 * For each packet a line says how it ended ("tx 0", "punt echo", "drop fragment", "answer
 *no_server"); what left the packet path, but for drops, is appended to OUT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/bare.h"
#include "io/capture.h"
#include "lb/publish.h"
#include "net/addr.h"
#include "rig.h"
#include "script.h"

struct run {
	struct rig rig;
	struct sl_capture_reader *in;
	struct sl_capture_writer *out;
};

static void service(struct run *run, char **words, unsigned n)
{
	script_service(&run->rig, words, n);
}

static void delete (struct run *run, char **words, unsigned n)
{
	script_delete(&run->rig, words);
}

static void local(struct run *run, char **words, unsigned n)
{
	rig_local(&run->rig, script_address(words[1]));
}

static void vips(struct run *run, char **words, unsigned n)
{
	run->rig.vips_not_local = strcmp(words[1], "no") == 0;
}

static void neighbours(struct run *run, char **words, unsigned n)
{
	static const struct {
		const char *name;
		uint8_t flags;
	} kinds[] = {{"resolved", SL_ADJ_RESOLVED | SL_ADJ_ON_LINK}, {"unresolved", 0},
		{"gateway", SL_ADJ_RESOLVED}, {"local", SL_ADJ_LOCAL}};

	for (size_t i = 0; i < RTE_DIM(kinds); i++) {
		if (strcmp(kinds[i].name, words[1]) == 0) {
			run->rig.adj_flags = kinds[i].flags;
			return;
		}
	}
	script_die("no such kind of neighbour", words[1]);
}

static void port(struct run *run, char **words, unsigned n)
{
	struct sl_port *p = &run->rig.engine->ports[0];

	if (strcmp(words[1], "transit-drop") == 0)
		p->transit = SL_TRANSIT_DROP;
	else
		p->twin = strcmp(words[1], "twin") == 0;
}

static void mac(struct run *run, char **words, unsigned n)
{
	uint8_t bytes[6];
	uint64_t word = 0;

	if (sl_mac_parse(words[1], bytes) != 0)
		script_die("not a MAC address", words[1]);
	memcpy(&word, bytes, 6);
	sl_publish_mac(&run->rig.engine->ports[0].macs[1], word);
}

static void move_clock(struct run *run, char **words, unsigned n)
{
	run->rig.time.ns += strtoull(words[1], NULL, 10) * SL_NS_PER_S;
}

static void age(struct run *run, char **words, unsigned n)
{
	rig_age(&run->rig);
}

static void sweep(struct run *run, char **words, unsigned n)
{
	rig_sweep(&run->rig, 2);
}

static const char *reason_since(const uint64_t *before, const uint64_t *now)
{
	for (unsigned i = 0; i < SL_DROP_COUNT; i++) {
		if (now[i] != before[i])
			return sl_drop_infos[i].name;
	}
	return NULL;
}

static void packet(struct run *run, char **words, unsigned n)
{
	struct sl_worker *w = run->rig.engine->workers[0];
	uint64_t before[SL_DROP_COUNT];
	const char *reason;
	struct rte_mbuf *mbuf;
	unsigned what;

	if (sl_capture_read(run->in, SL_MBUF_PRIV, &mbuf, 1) != 1)
		script_die("no packet left", "in the input");
	memcpy(before, w->stats.drops, sizeof(before));
	rig_poll(&run->rig, 0, &mbuf, 1);
	reason = reason_since(before, w->stats.drops);
	switch (rig_end_of(&run->rig, 0, mbuf, &what)) {
	case RIG_SENT:
		if (reason != NULL)
			printf("answer %s\n", reason);
		else
			printf("tx %u\n", what);
		sl_capture_write(run->out, run->rig.time.ns, &mbuf, 1);
		break;
	case RIG_PUNTED:
		printf("punt %s\n", sl_punt_infos[what].name);
		sl_capture_write(run->out, run->rig.time.ns, &mbuf, 1);
		break;
	case RIG_DROPPED:
		printf("drop %s\n", reason == NULL ? "(nothing counted)" : reason);
		break;
	default:
		printf("lost\n");
	}
	sl_bare_free(mbuf);
}

static const struct {
	const char *name;
	unsigned words; /* at least */
	void (*run)(struct run *run, char **words, unsigned n);
} commands[] = {
	{"service", 4, service},
	{"delete", 3, delete},
	{"local", 2, local},
	{"vips", 2, vips},
	{"neighbours", 2, neighbours},
	{"port", 2, port},
	{"mac", 2, mac},
	{"clock", 2, move_clock},
	{"age", 1, age},
	{"sweep", 1, sweep},
	{"packet", 1, packet},
};

static void obey(struct run *run, char *line)
{
	char *words[SCRIPT_WORDS_MAX];
	unsigned n = script_split(line, words);

	if (n == 0)
		return;
	for (size_t i = 0; i < RTE_DIM(commands); i++) {
		if (strcmp(commands[i].name, words[0]) == 0 && n >= commands[i].words) {
			commands[i].run(run, words, n);
			return;
		}
	}
	script_die("no such command, or too few words", words[0]);
}

int main(int argc, char **argv)
{
	struct sl_err err = {0};
	struct run run;
	char line[1000];

	if (argc != 3)
		script_die("usage", "vector IN.pcap OUT.pcap < SCRIPT");
	run.in = sl_capture_open(argv[1], &err);
	run.out = sl_capture_create(argv[2], &err);
	if (run.in == NULL || run.out == NULL)
		script_die("capture file", err.message);
	rig_open(&run.rig, NULL);
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(&run, line);
	rig_close(&run.rig);
	sl_capture_close(run.in);
	return sl_capture_finish(run.out) == 0 ? 0 : 2;
}
