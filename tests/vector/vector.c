/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs packets of a capture file through the real packet path, with no NIC and no EAL.
 * usage: vector IN.pcap OUT.pcap < SCRIPT
 *	  vector features		what the packet path can do with a packet, a word each
 *
 * The script changes the configuration, moves the clock, and says when the next packet of IN comes:
 *	service PROTO VIP:PORT SCHEDULER [proxy] [toa] SERVER ...	(tests/lib/script.h)
 *	delete PROTO VIP:PORT
 *	local ADDRESS ...	the box has these addresses
 *	source PORT ADDRESS	and uses this one itself on a port
 *	vips yes|no		whether VIPs of services that are set from now on are local
 *	neighbours resolved|unresolved|unreachable|gateway|local [PORT]	of servers that are new from
 *now on route PREFIX via NEIGHBOUR [PORT] route PREFIX none|linux|blackhole|prohibit|glean [PORT]
 *	port [N] twin|no-twin|transit-linux|transit-drop|transit-fast|transit-masquerade
 *	mtu PORT BYTES
 *	mac MAC			port 0 accepts this one, too
 *	vlan ID			port 1 is this VLAN on port 0
 *	fullnat LOW-HIGH ADDRESS ...	local addresses
 *	masquerade on|off
 *	tunnels copy|DSCP copy|set|clear TTL
 *	clock SECONDS		moves on by
 *	age			ids move along
 *	sweep			a whole round and another
 *	packet [PORT]
 * For each packet, lines say what became of it: "tx 0", "punt echo", "drop fragment", "answer
 * no_server", or "held"; it can be several when packets that were held before go along or it was
 * split. Then "end". What left the packet path, but for drops, is appended to OUT in that order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/bare.h"
#include "io/capture.h"
#include "lb/datagram.h"
#include "lb/fwd.h"
#include "lb/publish.h"
#include "net/addr.h"
#include "rig.h"
#include "script.h"
#include "sound.h"

struct run {
	struct rig rig;
	struct sl_capture_reader *in;
	struct sl_capture_writer *out;
	struct sl_addr locals[SCRIPT_WORDS_MAX];
	uint32_t n_locals;
	struct sl_local_source sources[2 * RIG_PORTS];
	unsigned n_sources;
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
	run->n_locals = 0;
	for (unsigned i = 1; i < n; i++)
		run->locals[run->n_locals++] = script_addr(words[i]);
	rig_locals(&run->rig, run->locals, run->n_locals, run->sources, run->n_sources);
}

static uint8_t port_of(const char *word)
{
	int number = atoi(word);

	if (number < 0 || number >= RIG_PORTS)
		script_die("no such port", word);
	return (uint8_t)number;
}

static void source(struct run *run, char **words, unsigned n)
{
	if (run->n_sources == RTE_DIM(run->sources))
		script_die("too many sources", words[2]);
	run->sources[run->n_sources++] = (struct sl_local_source){
		.port = port_of(words[1]), .address = script_addr(words[2])};
	rig_locals(&run->rig, run->locals, run->n_locals, run->sources, run->n_sources);
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
	} kinds[] = {{"resolved", SL_ADJ_RESOLVED | SL_ADJ_ON_LINK}, {"unresolved", SL_ADJ_ON_LINK},
		{"unreachable", 0}, {"gateway", SL_ADJ_RESOLVED}, {"local", SL_ADJ_LOCAL}};

	for (size_t i = 0; i < RTE_DIM(kinds); i++) {
		if (strcmp(kinds[i].name, words[1]) == 0) {
			run->rig.adj_flags = kinds[i].flags;
			run->rig.adj_port = n > 2 ? port_of(words[2]) : 0;
			return;
		}
	}
	script_die("no such kind of neighbour", words[1]);
}

static void route(struct run *run, char **words, unsigned n)
{
	static const char *const kinds[] = {
		[SL_ROUTE_NONE] = "none",
		[SL_ROUTE_LINUX] = "linux",
		[SL_ROUTE_BLACKHOLE] = "blackhole",
		[SL_ROUTE_PROHIBIT] = "prohibit",
		[SL_ROUTE_GLEAN] = "glean",
	};
	bool via = strcmp(words[2], "via") == 0;
	uint8_t number = n > 3u + via ? port_of(words[3 + via]) : 0;
	struct sl_addr neighbour = {0};
	struct sl_prefix prefix;

	if (sl_prefix_parse(words[1], &prefix) != 0)
		script_die("not a prefix", words[1]);
	if (via) {
		neighbour = script_addr(n > 3 ? words[3] : "");
		rig_route(&run->rig, &prefix, SL_ROUTE_HOP, number, &neighbour);
		return;
	}
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		if (strcmp(words[2], kinds[i]) == 0) {
			rig_route(&run->rig, &prefix, i, number, &neighbour);
			return;
		}
	}
	script_die("no such kind of route", words[2]);
}

static const char *const transits[] = {
	[SL_TRANSIT_LINUX] = "transit-linux",
	[SL_TRANSIT_DROP] = "transit-drop",
	[SL_TRANSIT_FAST] = "transit-fast",
	[SL_TRANSIT_MASQUERADE] = "transit-masquerade",
};

static void port(struct run *run, char **words, unsigned n)
{
	struct sl_port *p = &run->rig.engine->ports[n > 2 ? port_of(words[1]) : 0];
	const char *what = words[n > 2 ? 2 : 1];

	for (uint8_t i = 0; i < RTE_DIM(transits); i++) {
		if (strcmp(transits[i], what) == 0) {
			p->transit = i;
			return;
		}
	}
	p->twin = strcmp(what, "twin") == 0;
	if (!p->twin && strcmp(what, "no-twin") != 0)
		script_die("not of a port", what);
}

static void mtu(struct run *run, char **words, unsigned n)
{
	sl_publish_word(
		&run->rig.engine->ports[port_of(words[1])].mtu, strtoul(words[2], NULL, 10));
}

static void fullnat(struct run *run, char **words, unsigned n)
{
	struct sl_addr addresses[SCRIPT_WORDS_MAX];
	char *high = words[1], *low = strsep(&high, "-");

	for (unsigned i = 2; i < n; i++)
		addresses[i - 2] = script_addr(words[i]);
	rig_full_nat(&run->rig, addresses, n - 2, (uint16_t)atoi(low),
		(uint16_t)(high != NULL ? atoi(high) : 0));
}

static void masquerade(struct run *run, char **words, unsigned n)
{
	rig_masquerade(&run->rig, strcmp(words[1], "on") == 0);
}

static void tunnels(struct run *run, char **words, unsigned n)
{
	struct sl_tunnel_policy policy = {
		.dscp = (int16_t)(strcmp(words[1], "copy") == 0 ? -1 : atoi(words[1])),
		.df = strcmp(words[2], "copy") == 0    ? SL_TUNNEL_DF_COPY
			: strcmp(words[2], "set") == 0 ? SL_TUNNEL_DF_SET
						       : SL_TUNNEL_DF_CLEAR,
		.ttl = (uint8_t)atoi(words[3]),
	};

	rig_tunnels(&run->rig, &policy);
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

static void vlan(struct run *run, char **words, unsigned n)
{
	rig_vlan(&run->rig, (uint16_t)strtoul(words[1], NULL, 10));
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

/* The first reason that has been counted since; it is taken off, so that the next call finds
 * another. */
static const char *next_reason(uint64_t *before, const uint64_t *now)
{
	for (unsigned i = 0; i < SL_DROP_COUNT; i++) {
		if (now[i] == before[i])
			continue;
		before[i]++;
		return sl_drop_infos[i].name;
	}
	return NULL;
}

/* A packet that was sent though a drop was counted is the answer to the one that came. */
static unsigned
tell_sent(struct run *run, struct sl_worker *w, const struct rte_mbuf *came, uint64_t *before)
{
	unsigned told = 0;

	for (unsigned p = 0; p < SL_PORTS_MAX; p++) {
		for (unsigned i = 0; i < w->tx[p].n; i++, told++) {
			struct rte_mbuf *mbuf = w->tx[p].pkts[i];
			const char *reason =
				mbuf == came ? next_reason(before, w->stats.drops) : NULL;

			if (reason != NULL)
				printf("answer %s\n", reason);
			else
				printf("tx %u\n", p);
			sl_capture_write(run->out, run->rig.time.ns, &mbuf, 1);
			sl_bare_free(mbuf);
		}
		w->tx[p].n = 0;
	}
	return told;
}

static unsigned tell_punted(struct run *run, struct sl_worker *w)
{
	unsigned told = 0;
	void *at;

	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++) {
		while (rte_ring_sc_dequeue(w->punt[class], &at) == 0) {
			struct rte_mbuf *mbuf = at;

			printf("punt %s\n", sl_punt_infos[class].name);
			sl_capture_write(run->out, run->rig.time.ns, &mbuf, 1);
			sl_bare_free(mbuf);
			told++;
		}
	}
	return told;
}

static unsigned tell_dropped(struct sl_worker *w, uint64_t *before)
{
	unsigned told = w->freed.n;

	for (unsigned i = 0; i < w->freed.n; i++) {
		const char *reason = next_reason(before, w->stats.drops);

		printf("drop %s\n", reason == NULL ? "(nothing counted)" : reason);
		sl_bare_free(w->freed.pkts[i]);
	}
	w->freed.n = 0;
	return told;
}

static unsigned
tell(struct run *run, struct sl_worker *w, const struct rte_mbuf *came, uint64_t *before)
{
	unsigned told = tell_sent(run, w, came, before);

	told += tell_punted(run, w);
	return told + tell_dropped(w, before);
}

/* What still waits at the end waits in vain. */
static void free_waiting(struct sl_worker *w)
{
	struct rte_mbuf *mbuf;

	sl_datagrams_expire(w->datagrams, w->now_ns + SL_DATAGRAM_LIFE_NS, SL_DATAGRAMS);
	while (sl_datagrams_take(w->datagrams, &mbuf, 1) == 1)
		sl_bare_free(mbuf);
}

static void packet(struct run *run, char **words, unsigned n)
{
	struct sl_worker *w = run->rig.engine->workers[0];
	uint64_t before[SL_DROP_COUNT];
	struct rte_mbuf *mbuf;
	const char *wrong;
	unsigned told;

	if (sl_capture_read(run->in, SL_MBUF_PRIV, &mbuf, 1) != 1)
		script_die("no packet left", "in the input");
	mbuf->port = n > 1 ? port_of(words[1]) : 0;
	memcpy(before, w->stats.drops, sizeof(before));
	rig_poll(&run->rig, 0, &mbuf, 1);
	told = tell(run, w, mbuf, before);
	rig_idle(&run->rig, 0);
	while (rig_poll_handover(&run->rig, 0) > 0) /* what waited for this one, or too long */
		told += tell(run, w, mbuf, before);
	if (told == 0)
		printf("held\n");
	printf("end\n");
	wrong = sound_worker(w);
	if (wrong != NULL)
		script_die("the worker's tables", wrong);
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
	{"source", 3, source},
	{"route", 3, route},
	{"port", 2, port},
	{"mtu", 3, mtu},
	{"fullnat", 3, fullnat},
	{"masquerade", 2, masquerade},
	{"tunnels", 4, tunnels},
	{"mac", 2, mac},
	{"vlan", 2, vlan},
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

/* Each has to have vectors (matrix.ini). */
static void tell_features(void)
{
	for (unsigned i = 0; i < SL_FWD_METHODS; i++) {
		if (!(sl_fwds[i]->traits & SL_FWD_TUNNELS))
			printf("%s\n", sl_fwds[i]->name);
	}
	for (unsigned i = 0; i < SCRIPT_TUNNELS; i++)
		printf("%s\n", script_tunnels[i]);
	for (unsigned i = 0; i < SCRIPT_OPTIONS; i++)
		printf("%s\n", script_options[i].name);
	for (unsigned i = SL_TRANSIT_FAST; i < RTE_DIM(transits); i++)
		printf("%s\n", transits[i]);
}

int main(int argc, char **argv)
{
	struct sl_err err = {0};
	static struct run run;
	char line[1000];

	if (argc == 2 && strcmp(argv[1], "features") == 0) {
		tell_features();
		return 0;
	}
	if (argc != 3)
		script_die("usage", "vector IN.pcap OUT.pcap < SCRIPT");
	run.in = sl_capture_open(argv[1], &err);
	run.out = sl_capture_create(argv[2], &err);
	if (run.in == NULL || run.out == NULL)
		script_die("capture file", err.message);
	rig_open(&run.rig, NULL);
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(&run, line);
	free_waiting(run.rig.engine->workers[0]);
	rig_close(&run.rig);
	sl_capture_close(run.in);
	return sl_capture_finish(run.out) == 0 ? 0 : 2;
}
