/* SPDX-License-Identifier: BSD-3-Clause */
#include "ledger.h"

#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "io/bare.h"
#include "lb/publish.h"
#include "packet.h"

#define FRAME_MAX 16384
#define CRAMPED   8 /* bytes in front */
#define HIDDEN    SIZE_MAX
#define ROUNDS    6 /* until nobody hands anything over any more */

/* ---- buffers ---- */

static void enter(struct ledger *ledger, struct ledger_packet packet)
{
	FUZZ_ASSERT(ledger->n < LEDGER_OPEN_MAX);
	ledger->packets[ledger->n++] = packet;
}

/* One that is not there came out twice, or never went in. */
static struct ledger_packet leave(struct ledger *ledger, const struct rte_mbuf *mbuf)
{
	struct ledger_packet packet;
	unsigned i = 0;

	while (i < ledger->n && ledger->packets[i].mbuf != mbuf)
		i++;
	FUZZ_ASSERT(i < ledger->n);
	packet = ledger->packets[i];
	ledger->packets[i] = ledger->packets[--ledger->n];
	return packet;
}

static struct rte_mbuf *alloc(void *arg)
{
	struct ledger *ledger = arg;
	struct rte_mbuf *mbuf;

	if (ledger->fail_every != 0 && ++ledger->allocs % ledger->fail_every == 0)
		return NULL;
	mbuf = sl_bare_new("", 0, SL_MBUF_PRIV);
	FUZZ_ASSERT(mbuf != NULL);
	enter(ledger, (struct ledger_packet){.mbuf = mbuf});
	return mbuf;
}

void ledger_open(struct ledger *ledger, struct rig *rig)
{
	*ledger = (struct ledger){.rig = rig};
	for (unsigned i = 0; i < rig->engine->n_workers; i++) {
		rig->engine->workers[i]->alloc = alloc;
		rig->engine->workers[i]->alloc_arg = ledger;
	}
}

static struct rte_mbuf *buffer(const uint8_t *frame, size_t length, bool cramped)
{
	struct rte_mbuf *mbuf = sl_bare_new(frame, length, SL_MBUF_PRIV);

	FUZZ_ASSERT(mbuf != NULL);
	if (cramped) {
		memmove((uint8_t *)mbuf->buf_addr + CRAMPED, rte_pktmbuf_mtod(mbuf, void *),
			length);
		mbuf->data_off = CRAMPED;
	}
	return mbuf;
}

static struct rte_mbuf *buffers(const uint8_t *frame, size_t length, struct ledger_how how)
{
	size_t first = how.split && length > 1 ? length / 2 : length;
	struct rte_mbuf *mbuf = buffer(frame, first, how.cramped);

	mbuf->port = how.port;
	if (first < length) {
		mbuf->next = buffer(frame + first, length - first, false);
		mbuf->nb_segs = 2;
		mbuf->pkt_len = (uint32_t)length;
	}
	return mbuf;
}

static void discard(struct rte_mbuf *mbuf)
{
	struct rte_mbuf *next;

	for (; mbuf != NULL; mbuf = next) {
		next = mbuf->next;
		sl_bare_free(mbuf);
	}
}

/* ---- what leaves ---- */

/* The bytes of all segments, which are as many as the first one says. */
static size_t gather(const struct rte_mbuf *mbuf, uint8_t *frame)
{
	uint32_t length = 0, segments = 0, whole = mbuf->pkt_len;
	uint16_t n_segments = mbuf->nb_segs;

	for (; mbuf != NULL; mbuf = mbuf->next) {
		FUZZ_ASSERT(mbuf->data_off + mbuf->data_len <= mbuf->buf_len);
		FUZZ_ASSERT(length + mbuf->data_len <= FRAME_MAX);
		memcpy(frame + length, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
		length += mbuf->data_len;
		segments++;
	}
	FUZZ_ASSERT(length == whole && segments == n_segments);
	return length;
}

/* Where the packet in the tunnel begins, 0 when this is none; HIDDEN: its checksum is left out. */
static size_t inside(const struct ledger *ledger, const uint8_t *frame, const struct sl_parsed *p)
{
	const uint8_t *l4 = frame + p->l4_offset;

	if (p->more_fragments || p->fragment_offset > 0)
		return 0;
	if (!sl_local_set_has(sl_read_pointer(&ledger->rig->engine->local), p->family, &p->src))
		return 0;
	if (p->protocol == IPPROTO_IPIP || p->protocol == IPPROTO_IPV6)
		return p->l4_offset;
	if (p->protocol == IPPROTO_GRE)
		return p->l4_offset + (l4[0] & 0x80 ? 8u : 4u);
	if (p->protocol == IPPROTO_UDP && wire_get16(l4 + 2) >> 4 == 6080 >> 4)
		return l4[8] == 0 ? p->l4_offset + 12u : HIDDEN;
	return 0;
}

static const char *wrong_inside(const uint8_t *frame, size_t length, size_t at)
{
	static uint8_t inner[FRAME_MAX];

	memset(inner, 2, WIRE_ETHER);
	wire_put16(inner + WIRE_ETHER - 2, frame[at] >> 4 == 6 ? 0x86dd : 0x0800);
	memcpy(inner + WIRE_ETHER, frame + at, length - at);
	return wire_wrong(inner, WIRE_ETHER + length - at);
}

/* GUE over IPv6 may be without a checksum (RFC 6935). */
static bool is_bare_udp6(const uint8_t *frame, const struct sl_parsed *p)
{
	return p->family == 6 && p->protocol == IPPROTO_UDP &&
		wire_get16(frame + p->l4_offset + 6) == 0;
}

static void check_checksums(const struct ledger *ledger, const struct ledger_packet *packet,
	const uint8_t *frame, size_t length, bool answer)
{
	struct sl_parsed p = wire_parsed(frame, length);
	size_t in_tunnel = inside(ledger, frame, &p);
	const char *wrong = wire_wrong(frame, length);

	if (in_tunnel != 0) {
		FUZZ_ASSERT(wrong == NULL || is_bare_udp6(frame, &p));
		if (in_tunnel == HIDDEN)
			return;
		wrong = wrong_inside(frame, length, in_tunnel);
	}
	if (packet->right || answer || !packet->came)
		FUZZ_ASSERT(wrong == NULL);
	/* Damage stays damage; of a fragment nobody can tell. */
	else if (packet->family == p.family && in_tunnel == 0 && !p.more_fragments)
		FUZZ_ASSERT(wrong != NULL);
}

/* A VLAN's frame leaves with its tag, which goes; returns the port that it is of. */
static const struct sl_port *
take_tag(const struct ledger *ledger, uint8_t *frame, size_t *length, unsigned port)
{
	const struct sl_port *ports = ledger->rig->engine->ports;

	if (ports[port].vlan == 0)
		return &ports[port];
	FUZZ_ASSERT(wire_get16(frame + 12) == 0x8100);
	FUZZ_ASSERT(wire_get16(frame + 14) == ports[port].vlan);
	*length -= 4;
	memmove(frame + 12, frame + 16, *length - 12);
	return &ports[port];
}

static void check_sent(struct ledger *ledger, const struct rte_mbuf *mbuf,
	const struct ledger_packet *packet, unsigned port, bool answer)
{
	static uint8_t frame[FRAME_MAX];
	size_t length = gather(mbuf, frame);
	const struct sl_port *out;
	struct sl_parsed p;

	FUZZ_ASSERT(port < RIG_PORTS && length >= WIRE_ETHER + 20);
	out = take_tag(ledger, frame, &length, port);
	FUZZ_ASSERT(memcmp(frame + 6, out->mac, 6) == 0);
	FUZZ_ASSERT((frame[0] & 1) == 0);
	p = wire_parsed(frame, length);
	FUZZ_ASSERT(wire_get16(frame + 12) == (p.family == 6 ? 0x86dd : 0x0800));
	FUZZ_ASSERT((size_t)WIRE_ETHER + p.l3_length <= length && p.l3_length <= out->mtu);
	FUZZ_ASSERT(p.ttl > 0);
	check_checksums(ledger, packet, frame, length, answer);
	ledger->last_length = length <= sizeof(ledger->last) ? length : 0;
	memcpy(ledger->last, frame, ledger->last_length);
}

/* ---- the books ---- */

struct totals {
	uint64_t drops, answers;
};

static struct totals totals_of(const struct ledger *ledger)
{
	struct totals totals = {0};

	for (unsigned i = 0; i < ledger->rig->engine->n_workers; i++) {
		const struct sl_worker_stats *stats = &ledger->rig->engine->workers[i]->stats;

		for (unsigned reason = 0; reason < SL_DROP_COUNT; reason++)
			totals.drops += stats->drops[reason];
		totals.answers += stats->icmp_sent;
	}
	return totals;
}

/* The end of a packet that was cut off where an error quotes no more of it. */
static bool is_tail(const struct ledger *ledger, const struct rte_mbuf *mbuf)
{
	for (unsigned i = 0; i < ledger->n; i++) {
		if (ledger->packets[i].mbuf == mbuf)
			return false;
	}
	return true;
}

/* Returns how many that came from outside were dropped. */
static unsigned collect_dropped(struct ledger *ledger, struct sl_worker *w, unsigned tails_max)
{
	unsigned came = 0, tails = 0;

	for (unsigned i = 0; i < w->freed.n; i++) {
		if (is_tail(ledger, w->freed.pkts[i]))
			tails++;
		else
			came += leave(ledger, w->freed.pkts[i]).came;
		discard(w->freed.pkts[i]);
	}
	FUZZ_ASSERT(tails <= tails_max);
	w->freed.n = 0;
	return came;
}

static void collect_punted(struct ledger *ledger, struct sl_worker *w)
{
	static uint8_t frame[FRAME_MAX];
	void *at;

	for (unsigned class = 0; class < SL_PUNT_COUNT; class ++) {
		while (rte_ring_sc_dequeue(w->punt[class], &at) == 0) {
			struct ledger_packet packet = leave(ledger, at);
			size_t length = gather(at, frame);

			FUZZ_ASSERT(length >= WIRE_ETHER);
			if (packet.right)
				FUZZ_ASSERT(wire_wrong(frame, length) == NULL);
			discard(at);
		}
	}
}

static void collect_sent(struct ledger *ledger, struct sl_worker *w, bool answers)
{
	for (unsigned port = 0; port < SL_PORTS_MAX; port++) {
		for (unsigned i = 0; i < w->tx[port].n; i++) {
			struct rte_mbuf *mbuf = w->tx[port].pkts[i];
			struct ledger_packet packet = leave(ledger, mbuf);

			check_sent(ledger, mbuf, &packet, port, answers);
			discard(mbuf);
		}
		w->tx[port].n = 0;
	}
}

/* What one run of a worker's pipeline left. */
static void collect(struct ledger *ledger, struct sl_worker *w, struct totals before)
{
	struct totals after = totals_of(ledger);
	uint64_t answered = after.answers - before.answers;

	collect_sent(ledger, w, answered > 0);
	collect_punted(ledger, w);
	FUZZ_ASSERT(collect_dropped(ledger, w, (unsigned)answered) ==
		after.drops - before.drops - answered);
}

void ledger_idle(struct ledger *ledger)
{
	struct sl_engine *engine = ledger->rig->engine;
	unsigned waiting = 0, open = 0, moved = 1;

	for (unsigned round = 0; moved > 0; round++) {
		moved = 0;
		FUZZ_ASSERT(round < ROUNDS + SL_WAITING / SL_BURST);
		for (unsigned i = 0; i < engine->n_workers; i++) {
			struct totals before = totals_of(ledger);

			moved += rig_poll_handover(ledger->rig, i);
			collect(ledger, engine->workers[i], before);
		}
	}
	for (unsigned i = 0; i < engine->n_workers; i++)
		waiting += sl_datagrams_count(engine->workers[i]->datagrams).waiting;
	for (unsigned i = 0; i < ledger->n; i++)
		open += ledger->packets[i].came;
	/* What is still in there waits for a first fragment, and nothing else does. */
	FUZZ_ASSERT(open == waiting && ledger->n == open);
}

/* As the pipeline sees it: without a tag. */
static struct ledger_packet describe(struct rte_mbuf *mbuf, const uint8_t *frame, size_t length)
{
	static uint8_t plain[FRAME_MAX];
	struct ledger_packet packet = {.mbuf = mbuf, .came = true};
	bool tagged = length >= WIRE_ETHER + 4 && wire_get16(frame + 12) == 0x8100;
	struct sl_parsed p;

	if (length < WIRE_ETHER + 20)
		return packet;
	length -= tagged ? 4 : 0;
	memcpy(plain, frame, 12);
	memcpy(plain + 12, frame + (tagged ? 16 : 12), length - 12);
	packet.right = wire_wrong(plain, length) == NULL;
	p = wire_parsed(plain, length);
	packet.family = p.family;
	return packet;
}

void ledger_send(struct ledger *ledger, unsigned worker, const uint8_t *frame, size_t length,
	struct ledger_how how)
{
	struct sl_worker *w = ledger->rig->engine->workers[worker];
	struct rte_mbuf *mbuf = buffers(frame, length, how);
	struct totals before = totals_of(ledger);

	enter(ledger, describe(mbuf, frame, length));
	rig_poll(ledger->rig, worker, &mbuf, 1);
	collect(ledger, w, before);
	ledger_idle(ledger);
}
