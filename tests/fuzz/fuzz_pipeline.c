/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole packet path: any packets in any order, against services of every method in both
 * families, with every packet accounted for (ledger.h) and the tables sound (tests/lib/sound.h)
 * after each. Input: two bytes that choose the configuration, then steps:
 *
 *	what, delay, length (2, little endian), given	and so many bytes
 *
 * `what`: bits 0-1 a frame; a frame whose Ethernet header is made here; an answer to what left last
 * (turned round, or an ICMP error that quotes it); a change of the configuration. Bits 2-7, of what
 * arrives: port, worker, checksums made right, in two segments, without room in front. A frame of
 * more bytes than are given goes on with a pattern. What is left when the input ends has to expire
 * without a trace. Inputs are made by tests/fuzz/make_pipeline.py.
 */
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "ledger.h"
#include "lb/publish.h"
#include "lb/side.h"
#include "packet.h"
#include "script.h"
#include "sound.h"

#define STEP      5     /* bytes in front of a step's own */
#define FRAME_MAX 10000 /* bytes that one has, at most */
#define STEPS_MAX 200
#define SERVICES  RTE_DIM(services)
#define VLAN      7
#define LINGER_NS ((SL_SIDE_LINGER_S + 1) * SL_NS_PER_S)
#define FORGET_NS (43201 * SL_NS_PER_S) /* longer than any timeout, and any path MTU is known */

enum what { WHAT_FRAME, WHAT_PACKET, WHAT_ANSWER, WHAT_CHANGE };
enum { PORT_1 = 4, WORKER_1 = 8, REPAIR = 16, SPLIT = 32, CRAMPED = 64, SECOND_ERROR = 128 };

/* Every method, both families and both ways between them; the second line is what it may become. */
static const char *const services[][2] = {
	{"tcp 198.51.100.1:80 wrr 192.0.2.11*2 192.0.2.12",
		"tcp 198.51.100.1:80 rr 192.0.2.11/nat"},
	{"udp 198.51.100.1:53 rr 192.0.2.11", "udp 198.51.100.1:53 rr 192.0.2.12/tun:ipip"},
	{"tcp [2001:db8:64::1]:80 lc [2001:db8:a::11]", "tcp [2001:db8:64::1]:80 lc"},
	{"tcp 198.51.100.2:80 rr 192.0.2.12:8080/nat 192.0.2.13:8080/nat",
		"tcp 198.51.100.2:80 rr 192.0.2.12:8080/fullnat"},
	{"udp 198.51.100.2:53 rr 192.0.2.12:5353/nat", "udp 198.51.100.2:53 rr 192.0.2.12"},
	{"tcp [2001:db8:64::2]:80 rr [2001:db8:a::12]:8080/nat", "tcp [2001:db8:64::2]:80 rr"},
	{"udp [2001:db8:64::2]:53 wlc [2001:db8:a::12]:5353/nat",
		"udp [2001:db8:64::2]:53 wlc [2001:db8:a::12]:5353/fullnat"},
	{"tcp 198.51.100.3:0 rr 192.0.2.13:0/nat", "tcp 198.51.100.3:0 rr 192.0.2.13:0/fullnat"},
	{"udp [2001:db8:64::3]:0 rr [2001:db8:a::13]:0/fullnat",
		"udp [2001:db8:64::3]:0 rr 192.0.2.13:0/fullnat"},
	{"tcp 198.51.100.4:80 rr 192.0.2.14/tun:ipip", "tcp 198.51.100.4:80 rr 192.0.2.14"},
	{"tcp 198.51.100.4:81 rr [2001:db8:a::14]/tun:gre:0:on",
		"tcp 198.51.100.4:81 rr [2001:db8:a::14]/fullnat"},
	{"udp 198.51.100.4:82 rr 192.0.2.14/tun:gue:6080:remote",
		"udp 198.51.100.4:82 rr 192.0.2.14/tun:gre"},
	{"udp [2001:db8:64::4]:80 rr [2001:db8:a::14]/tun:gue",
		"udp [2001:db8:64::4]:80 rr 192.0.2.14/tun:gue:6081:on"},
	{"tcp [2001:db8:64::4]:81 rr 192.0.2.14/tun:gre", "tcp [2001:db8:64::4]:81 rr"},
	{"tcp 198.51.100.5:80 rr 192.0.2.15:8080/fullnat",
		"tcp 198.51.100.5:80 rr proxy toa 192.0.2.15:8080/fullnat"},
	{"udp 198.51.100.5:53 rr 192.0.2.15/fullnat", "udp 198.51.100.5:53 rr 192.0.2.15/nat"},
	{"tcp 198.51.100.5:81 rr [2001:db8:a::15]/fullnat",
		"tcp 198.51.100.5:81 rr toa [2001:db8:a::15]/fullnat"},
	{"udp 198.51.100.5:54 rr [2001:db8:a::15]/fullnat", "udp 198.51.100.5:54 rr"},
	{"tcp [2001:db8:64::5]:80 rr [2001:db8:a::15]/fullnat",
		"tcp [2001:db8:64::5]:80 rr toa [2001:db8:a::15]/fullnat"},
	{"tcp [2001:db8:64::5]:81 rr 192.0.2.15/fullnat", "tcp [2001:db8:64::5]:81 rr"},
	{"udp [2001:db8:64::5]:54 rr 192.0.2.15/fullnat",
		"udp [2001:db8:64::5]:54 rr proxy 192.0.2.15/fullnat"},
	{"tcp 198.51.100.6:80 rr proxy 192.0.2.16/fullnat",
		"tcp 198.51.100.6:80 rr 192.0.2.16/fullnat"},
	{"udp 198.51.100.6:53 rr proxy 192.0.2.16/fullnat", "udp 198.51.100.6:53 rr"},
	{"tcp 198.51.100.6:81 rr proxy toa [2001:db8:a::16]/fullnat", "tcp 198.51.100.6:81 rr"},
	{"udp 198.51.100.6:54 rr proxy [2001:db8:a::16]/fullnat", "udp 198.51.100.6:54 rr"},
	{"tcp [2001:db8:64::6]:80 rr proxy [2001:db8:a::16]/fullnat",
		"tcp [2001:db8:64::6]:80 rr [2001:db8:a::16]"},
	{"tcp [2001:db8:64::6]:81 rr proxy toa 192.0.2.16/fullnat", "tcp [2001:db8:64::6]:81 rr"},
	{"udp [2001:db8:64::6]:53 rr proxy [2001:db8:a::16]/fullnat", "udp [2001:db8:64::6]:53 rr"},
	{"tcp 198.51.100.7:80 rr toa 192.0.2.17/fullnat", "tcp 198.51.100.7:80 rr 192.0.2.17/nat"},
	{"tcp 198.51.100.8:80 rr 127.0.0.1/local", "tcp 198.51.100.8:80 rr 192.0.2.18"},
};

static const char *const addresses[] = {"192.0.2.1", "198.51.100.1", "198.51.100.5", "10.9.0.1",
	"fd00:9::1", "2001:db8:a::1", "2001:db8:64::1", "2001:db8:64::5", "203.0.113.254"};

/* PREFIX, neighbour or NULL, port, kind */
static const struct {
	const char *prefix, *neighbour;
	uint8_t port;
	enum sl_route_kind kind;
} routes[] = {
	{"0.0.0.0/0", "203.0.113.9", 1, SL_ROUTE_HOP},
	{"203.0.113.0/24", "192.0.2.254", 0, SL_ROUTE_HOP},
	{"192.0.2.12/32", "192.0.2.12", 0, SL_ROUTE_HOP},
	{"192.0.2.99/32", NULL, 0, SL_ROUTE_GLEAN},
	{"10.1.0.0/16", NULL, 0, SL_ROUTE_PROHIBIT},
	{"10.2.0.0/16", NULL, 0, SL_ROUTE_BLACKHOLE},
	{"10.3.0.0/16", NULL, 0, SL_ROUTE_LINUX},
	{"10.4.0.0/16", NULL, 0, SL_ROUTE_NONE},
	{"::/0", "2001:db8:c::9", 1, SL_ROUTE_HOP},
	{"2001:db8:c::/64", "2001:db8:a::fe", 0, SL_ROUTE_HOP},
	{"2001:db8:a::12/128", "2001:db8:a::12", 0, SL_ROUTE_HOP},
	{"2001:db8:7::/48", NULL, 0, SL_ROUTE_PROHIBIT},
	{"2001:db8:8::/48", NULL, 0, SL_ROUTE_LINUX},
};

/* One for each shape of its tables and workers; what it has left to a next input is nothing. */
struct bench {
	bool is_open;
	struct rig rig;
	struct ledger ledger;
	uint8_t variant[SERVICES]; /* of each service; 2 = it is not there */
	bool in_masquerade;
	uint16_t port_high;
};

/* ---- the configuration ---- */

static void set_service(struct bench *b, unsigned number, uint8_t variant)
{
	char line[200], *words[SCRIPT_WORDS_MAX];
	unsigned n;

	if (b->variant[number] == variant)
		return;
	snprintf(line, sizeof(line), "service %s",
		services[number][variant == 2 ? b->variant[number] : variant]);
	n = script_split(line, words);
	b->rig.adj_flags = strstr(services[number][0], "/local") != NULL && variant == 0
		? SL_ADJ_LOCAL
		: SL_ADJ_RESOLVED | SL_ADJ_ON_LINK;
	if (variant == 2)
		script_delete(&b->rig, words);
	else
		script_service(&b->rig, words, n);
	b->variant[number] = variant;
}

static void set_ports(struct bench *b, uint16_t high)
{
	struct sl_addr locals[2] = {script_addr("10.9.0.1"), script_addr("fd00:9::1")};

	if (b->port_high != high)
		rig_full_nat(&b->rig, locals, 2, 5000, high);
	b->port_high = high;
}

static void set_masquerade(struct bench *b, bool on)
{
	if (b->in_masquerade != on)
		rig_masquerade(&b->rig, on);
	b->in_masquerade = on;
}

static void set_vlan(struct rig *rig, bool on)
{
	rig_vlan(rig, VLAN);
	if (on)
		return;
	rig->engine->ports[0].vlan_map = NULL;
	rig->engine->ports[1].vlan = 0;
}

static void set_routes(struct rig *rig)
{
	for (unsigned i = 0; i < RTE_DIM(routes); i++) {
		struct sl_addr neighbour = {0};
		struct sl_prefix prefix;

		FUZZ_ASSERT(sl_prefix_parse(routes[i].prefix, &prefix) == 0);
		if (routes[i].neighbour != NULL)
			neighbour = script_addr(routes[i].neighbour);
		rig_route(rig, &prefix, routes[i].kind, routes[i].port, &neighbour);
	}
}

static void open_bench(struct bench *b, bool two_workers, bool tight)
{
	struct rig_params params = {.workers = two_workers ? 2 : 1,
		.servers = 200,
		.connections = tight ? 16 : 100,
		.connections_wide = tight ? 8 : 50,
		.sides = tight ? 6 : 40,
		.ring = tight ? 2 : 64,
		.icmp_rate = tight ? 0 : 1000000};
	struct sl_local_source sources[] = {{.port = 0, .address = script_addr("192.0.2.1")},
		{.port = 0, .address = script_addr("2001:db8:a::1")},
		{.port = 1, .address = script_addr("203.0.113.254")}};
	struct sl_addr locals[RTE_DIM(addresses)];

	b->is_open = true;
	rig_open(&b->rig, &params);
	for (unsigned i = 0; i < RTE_DIM(addresses); i++)
		locals[i] = script_addr(addresses[i]);
	rig_locals(&b->rig, locals, RTE_DIM(locals), sources, RTE_DIM(sources));
	set_routes(&b->rig);
	memset(b->variant, 2, sizeof(b->variant));
	ledger_open(&b->ledger, &b->rig);
}

/* As every input with these two bytes finds it. */
static struct bench *bench_of(const uint8_t *choice)
{
	static struct bench benches[4];
	struct bench *b = &benches[choice[0] & 3];
	struct sl_tunnel_policy policy = {.dscp = choice[1] & 1 ? 46 : -1,
		.df = choice[1] & 2 ? SL_TUNNEL_DF_CLEAR : SL_TUNNEL_DF_COPY,
		.ttl = 64};

	if (!b->is_open)
		open_bench(b, choice[0] & 1, choice[0] & 2);
	set_ports(b, choice[0] & 4 ? 5003 : 5063);
	set_masquerade(b, true);
	rig_tunnels(&b->rig, &policy);
	for (unsigned i = 0; i < SERVICES; i++)
		set_service(b, i, 0);
	for (unsigned port = 0; port < RIG_PORTS; port++) {
		struct sl_port *p = &b->rig.engine->ports[port];

		sl_publish_word(&p->mtu, choice[0] & 8 ? 1280 : 1500);
		p->transit = port == 0 ? choice[0] >> 4 & 3 : SL_TRANSIT_FAST;
		p->twin = port == 0 || !(choice[0] & 64);
	}
	set_vlan(&b->rig, choice[1] & 4);
	b->ledger.fail_every = choice[0] & 128 ? 3 : 0;
	b->ledger.last_length = 0;
	return b;
}

/* ---- steps ---- */

static void idle(struct bench *b, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		ledger_idle(&b->ledger);
}

static void age(struct bench *b)
{
	rig_age(&b->rig);
	idle(b, 1);
}

static void change(struct bench *b, const uint8_t *bytes, size_t n)
{
	uint8_t what = n > 0 ? bytes[0] : 0, which = n > 1 ? bytes[1] : 0;

	switch (what % 6) {
	case 0:
	case 1:
		set_service(b, which % SERVICES, n > 2 ? bytes[2] % 3 : 1);
		break;
	case 2:
		age(b);
		break;
	case 3:
		set_ports(b, which & 1 ? 5000 : 5063);
		break;
	case 4:
		set_masquerade(b, which & 1);
		break;
	default:
		sl_publish_word(&b->rig.engine->ports[which & 1].mtu, which & 2 ? 1400 : 1280);
	}
}

static void make_ether(uint8_t *frame, uint8_t port, uint8_t version)
{
	memcpy(frame, packet_port_mac, 6);
	frame[4] = port;
	memcpy(frame + 6, packet_client_mac, 6);
	wire_put16(frame + 12, version == 6 ? 0x86dd : 0x0800);
}

static size_t make_frame(const struct ledger *ledger, enum what what, uint8_t port,
	const uint8_t *bytes, size_t given, size_t length, uint8_t *frame)
{
	size_t front = what == WHAT_PACKET ? WIRE_ETHER : 0;

	if (front > 0)
		make_ether(frame, port, given > 0 ? bytes[0] >> 4 : 4);
	length = RTE_MAX(RTE_MIN(length, (size_t)FRAME_MAX - front), given);
	memcpy(frame + front, bytes, given);
	for (size_t i = given; i < length; i++)
		frame[front + i] = (uint8_t)(i * 31 + 7);
	return front + length;
}

/* What left last comes back: from whom it was sent to, to whom it came from. */
static size_t
turn_round(const uint8_t *bytes, size_t n, struct sl_parsed *p, uint8_t *frame, size_t length)
{
	size_t bytes_of = p->family == 6 ? 16 : 4, src = p->family == 6 ? 8 : 12;
	uint8_t *l3 = frame + WIRE_ETHER, *l4 = frame + p->l4_offset;
	uint32_t seq = wire_get32(l4 + 4), ack = wire_get32(l4 + 8);

	memcpy(l3 + src, p->dst.bytes, bytes_of);
	memcpy(l3 + src + bytes_of, p->src.bytes, bytes_of);
	if (!p->has_l4)
		return length;
	memcpy(l4, &p->dst_port, 2);
	memcpy(l4 + 2, &p->src_port, 2);
	if (p->protocol == IPPROTO_TCP && n >= 3) {
		l4[13] = bytes[0];
		wire_put32(l4 + 4, ack);
		wire_put32(l4 + 8, seq + wire_get16(bytes + 1));
	}
	return length;
}

static size_t quote(const uint8_t *last, size_t length, const uint8_t *bytes, size_t n,
	const struct sl_parsed *p, uint8_t *frame)
{
	size_t address = p->family == 6 ? 16 : 4, src = p->family == 6 ? 8 : 12;
	size_t quoted = length - WIRE_ETHER;

	if (n < 5)
		return 0;
	quoted = RTE_MIN(quoted, RTE_MAX((size_t)bytes[4] * 4, 8u));
	length = wire_error(p->family, bytes[0], bytes[1], wire_get16(bytes + 2), last + WIRE_ETHER,
		quoted, frame);
	memcpy(frame + WIRE_ETHER + src, p->dst.bytes, address);
	memcpy(frame + WIRE_ETHER + src + address, p->src.bytes, address);
	return length;
}

static size_t make_answer(const struct ledger *ledger, uint8_t what, const uint8_t *bytes, size_t n,
	uint8_t *frame, uint8_t *port)
{
	size_t length = ledger->last_length;
	uint8_t last[WIRE_MAX];
	struct sl_parsed p;

	if (length == 0)
		return 0;
	memcpy(last, ledger->last, length);
	p = wire_parsed(last, length);
	memcpy(frame, last, length);
	length = what & SECOND_ERROR ? quote(last, length, bytes, n, &p, frame)
				     : turn_round(bytes, n, &p, frame, length);
	*port = last[10] % RIG_PORTS;
	make_ether(frame, *port, p.family);
	wire_repair(frame, length);
	return length;
}

static void pass_time(struct bench *b, uint8_t delay)
{
	uint64_t ns = delay < 64 ? delay * 20 * SL_NS_PER_MS
		: delay < 255    ? (delay - 63) * SL_NS_PER_S
				 : 4000 * SL_NS_PER_S;

	b->rig.time.ns += ns;
	if (ns > 0)
		idle(b, 1);
}

static void arrive(struct bench *b, uint8_t what, const uint8_t *bytes, size_t given, size_t length)
{
	struct ledger_how how = {
		.port = what & PORT_1 ? 1 : 0, .split = what & SPLIT, .cramped = what & CRAMPED};
	uint8_t frame[FRAME_MAX + WIRE_MAX];

	if ((what & 3) == WHAT_ANSWER) {
		length = make_answer(&b->ledger, what, bytes, given, frame, &how.port);
	} else {
		length = make_frame(
			&b->ledger, (enum what)(what & 3), how.port, bytes, given, length, frame);
		if (what & REPAIR && length >= WIRE_ETHER + 20)
			wire_repair(frame, length);
	}
	if (length > 0)
		ledger_send(&b->ledger, what & WORKER_1 ? b->rig.engine->n_workers - 1 : 0, frame,
			length, how);
}

static void expect_sound(const char *wrong)
{
	if (wrong != NULL)
		fprintf(stderr, "%s\n", wrong);
	FUZZ_ASSERT(wrong == NULL);
}

/* Returns the bytes that it took. */
static size_t step(struct bench *b, const uint8_t *data, size_t size)
{
	size_t length = data[2] | (size_t)data[3] << 8;
	size_t given = RTE_MIN((size_t)data[4], size - STEP);

	pass_time(b, data[1]);
	if ((data[0] & 3) == WHAT_CHANGE)
		change(b, data + STEP, given);
	else
		arrive(b, data[0], data + STEP, given, length);
	expect_sound(sound_engine(b->rig.engine));
	return STEP + given;
}

static void sweep(struct bench *b)
{
	for (unsigned i = 0; i < b->rig.engine->n_workers; i++) {
		const struct sl_worker *w = b->rig.engine->workers[i];
		uint64_t until = w->sweep_rounds + 2;

		while (w->sweep_rounds < until) {
			b->rig.time.ns += SL_NS_PER_S;
			rig_idle(&b->rig, i);
		}
	}
}

/* Everything comes to its end, and nothing is left of it. */
static void finish(struct bench *b)
{
	b->rig.time.ns += SL_DATAGRAM_LIFE_NS;
	idle(b, 1);
	b->rig.time.ns += FORGET_NS;
	sweep(b);
	b->rig.time.ns += LINGER_NS;
	sweep(b);
	age(b);
	FUZZ_ASSERT(b->ledger.n == 0);
	expect_sound(sound_empty(b->rig.engine));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench *b;
	size_t at = 2;

	if (size < 2)
		return 0;
	b = bench_of(data);
	for (unsigned i = 0; i < STEPS_MAX && at + STEP <= size; i++)
		at += step(b, data + at, size - at);
	finish(b);
	return 0;
}
