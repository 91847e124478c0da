/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path with no NIC and no EAL, driven from outside, one command a line:
 *	service, delete		see script.h
 *	local VIP VIP6 DIP DIP6	the box has these addresses; what it sends itself comes from the
 *last two timeouts TCP FIN UDP	seconds, as ipvsadm --set: 0 keeps wait SECONDS		of the
 *clock, in which the worker sweeps and ids age packet HEX		a frame arrives counters
 *PROTO VIP:PORT SERVER connections and answered by one line: what became of the frame ("sent HEX",
 *"punt CLASS", "drop REASON"), the server's numbers (active, inactive, connections, packets,
 *bytes), else "ok". Connections come as one line each before that: protocol, client, virtual
 *service, server, state, seconds left.
 */
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "lb/publish.h"
#include "net/addr.h"
#include "packet.h"
#include "rig.h"
#include "script.h"

#define CLIENTS_NEIGHBOUR "::99"              /* the rig makes 02:00:00:00:00:99 of it */
#define POLL_NS           (10 * SL_NS_PER_MS) /* an idle worker looks this often while a script waits */

struct endpoint_text {
	char text[SL_ENDPOINT_TEXT];
};

static void ok(void)
{
	printf("ok\n");
}

static void service(struct rig *rig, char **words, unsigned n)
{
	script_service(rig, words, n);
	ok();
}

static void delete (struct rig *rig, char **words, unsigned n)
{
	script_delete(rig, words);
	ok();
}

static void local(struct rig *rig, char **words, unsigned n)
{
	struct sl_addr addresses[4];
	struct sl_local_source sources[2] = {{0}};

	for (size_t i = 0; i < RTE_DIM(addresses); i++)
		addresses[i] = script_addr(words[1 + i]);
	for (size_t i = 0; i < RTE_DIM(sources); i++)
		sources[i].address = addresses[2 + i];
	rig_locals(rig, addresses, RTE_DIM(addresses), sources, RTE_DIM(sources));
	ok();
}

static void timeouts(struct rig *rig, char **words, unsigned n)
{
	static const enum sl_state states[] = {
		SL_STATE_ESTABLISHED, SL_STATE_FIN_WAIT, SL_STATE_UDP};

	for (size_t i = 0; i < RTE_DIM(states); i++) {
		unsigned seconds = (unsigned)atoi(words[1 + i]);

		if (seconds > 0)
			rig_timeout(rig, states[i], (uint16_t)seconds);
	}
	ok();
}

static void wait_for(struct rig *rig, char **words, unsigned n)
{
	uint64_t until = rig->time.ns + strtoull(words[1], NULL, 10) * SL_NS_PER_S;

	while (rig->time.ns < until) {
		rig->time.ns += POLL_NS;
		rig_poll_handover(rig, 0);
		if (rig->time.ns % SL_NS_PER_S < POLL_NS)
			rig_age(rig);
	}
	ok();
}

static size_t from_hex(const char *text, uint8_t *frame)
{
	size_t length = strlen(text) / 2;

	if (length > PACKET_MAX || strlen(text) % 2 != 0)
		script_die("not a frame", text);
	for (size_t i = 0; i < length; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			script_die("not hexadecimal", text);
		frame[i] = (uint8_t)byte;
	}
	return length;
}

static void print_sent(const struct rte_mbuf *mbuf)
{
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	printf("sent ");
	for (unsigned i = 0; i < mbuf->data_len; i++)
		printf("%02x", frame[i]);
	printf("\n");
}

static const char *reason_since(const uint64_t *before, const uint64_t *now)
{
	for (unsigned i = 0; i < SL_DROP_COUNT; i++) {
		if (now[i] != before[i])
			return sl_drop_infos[i].name;
	}
	return "(nothing counted)";
}

static void packet(struct rig *rig, char **words, unsigned n)
{
	const struct sl_worker *w = rig->engine->workers[0];
	uint8_t frame[PACKET_MAX];
	struct rte_mbuf *mbuf = packet_mbuf(frame, from_hex(words[1], frame), 0);
	uint64_t before[SL_DROP_COUNT];
	unsigned what;

	if (mbuf == NULL)
		script_die("no memory", "for a packet");
	memcpy(before, w->stats.drops, sizeof(before));
	rig_poll(rig, 0, &mbuf, 1);
	switch (rig_end_of(rig, 0, mbuf, &what)) {
	case RIG_SENT:
		print_sent(mbuf);
		break;
	case RIG_PUNTED:
		printf("punt %s\n", sl_punt_infos[what].name);
		break;
	case RIG_DROPPED:
		printf("drop %s\n", reason_since(before, w->stats.drops));
		break;
	default:
		script_die("a packet is lost", words[1]);
	}
	packet_free(mbuf);
}

static void counters(struct rig *rig, char **words, unsigned n)
{
	struct sl_service_key key = {.protocol = script_protocol(words[1])};
	uint16_t port;
	struct sl_addr server = script_addr_port(words[3], &port);
	struct sl_counters sum;

	key.vip = script_addr_port(words[2], &key.port);
	sl_engine_counters(
		rig->engine, sl_registry_server(rig->engine->registry, &key, &server, port), &sum);
	printf("%u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sum.active,
		sum.inactive, sum.connections, sum.in_packets, sum.in_bytes, sum.out_packets,
		sum.out_bytes);
}

static struct endpoint_text endpoint(const struct sl_addr *addr, uint16_t port)
{
	struct endpoint_text out;

	sl_endpoint_format(addr, port, out.text);
	return out;
}

static void print_connection(const struct rig *rig, const struct sl_conn_view *view)
{
	const struct sl_registry *registry = rig->engine->registry;
	const struct sl_snapshot *snapshot = rig->engine->snapshot;
	struct sl_service_key key;
	struct sl_addr address, client;
	uint16_t port;
	sl_id front;
	int left;

	left = snapshot->timeouts.s[view->state] -
		(sl_tick)((sl_tick)(rig->time.ns / SL_NS_PER_S) - view->tick);
	if (!sl_registry_front_key(registry, view->key.front, &key) ||
		!sl_registry_server_endpoint(registry, view->server, &address, &port, &front) ||
		front != view->key.front)
		script_die("a connection", "names what is not there");
	client = sl_addr_from_ip(key.vip.family, &view->key.client);
	printf("%s %s %s %s %s %d\n", key.protocol == IPPROTO_TCP ? "TCP" : "UDP",
		endpoint(&client, rte_be_to_cpu_16(view->key.client_port)).text,
		endpoint(&key.vip, key.port).text, endpoint(&address, port).text,
		sl_state_names[view->state], left);
}

static void print_table(const struct rig *rig, const struct sl_conn_table *table)
{
	struct sl_conn_view views[SL_QUERY_ROOM];
	uint64_t cursor = 0;

	while (cursor != UINT64_MAX) {
		unsigned got = sl_conn_copy(table, &cursor, UINT_MAX, views, RTE_DIM(views));

		for (unsigned i = 0; i < got; i++)
			print_connection(rig, &views[i]);
	}
}

static void connections(struct rig *rig, char **words, unsigned n)
{
	const struct sl_worker *w = rig->engine->workers[0];

	print_table(rig, w->narrow);
	print_table(rig, w->wide);
	ok();
}

static const struct {
	const char *name;
	unsigned words; /* at least */
	void (*run)(struct rig *rig, char **words, unsigned n);
} commands[] = {
	{"service", 4, service},
	{"delete", 3, delete},
	{"local", 5, local},
	{"timeouts", 4, timeouts},
	{"wait", 2, wait_for},
	{"packet", 2, packet},
	{"counters", 4, counters},
	{"connections", 1, connections},
};

static void obey(struct rig *rig, char *line)
{
	char *words[SCRIPT_WORDS_MAX];
	unsigned n = script_split(line, words);

	for (size_t i = 0; i < RTE_DIM(commands); i++) {
		if (n >= commands[i].words && strcmp(commands[i].name, words[0]) == 0) {
			commands[i].run(rig, words, n);
			fflush(stdout);
			return;
		}
	}
	script_die("no such command, or too few words", n == 0 ? "" : words[0]);
}

/* Everything that is not a server lies behind the neighbour with the clients' MAC address. */
static void routes(struct rig *rig)
{
	struct sl_addr neighbour = script_addr(CLIENTS_NEIGHBOUR);
	struct sl_prefix anywhere[] = {{.addr = {.family = 4}}, {.addr = {.family = 6}}};

	for (size_t i = 0; i < RTE_DIM(anywhere); i++)
		rig_route(rig, &anywhere[i], SL_ROUTE_HOP, 0, &neighbour);
	for (unsigned i = 0; i < RIG_PORTS; i++)
		sl_publish_flag(&rig->engine->ports[i].transit, SL_TRANSIT_FAST);
}

int main(void)
{
	const struct rig_params params = {.icmp_rate = 1000000000, .connections = 10000};
	static char line[2 * PACKET_MAX + 100];
	struct rig rig;

	rig_open(&rig, &params);
	routes(&rig);
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(&rig, line);
	rig_close(&rig);
	return 0;
}
