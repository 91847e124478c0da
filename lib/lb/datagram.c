/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/datagram.h"

#include <netinet/in.h>
#include <string.h>

#include "base/rand.h"
#include "lb/publish.h"
#include "lb/worker.h"

#define NONE       UINT32_MAX
#define BUCKETS    SL_DATAGRAMS /* a power of two */
#define UNIT       8u           /* bytes: all fragments but the last are multiples of it */
#define LENGTH_MAX 65535u

#define IPV6_HEADER     40u
#define FRAGMENT_HEADER 8u
#define TCP_HEADER      20u

/* Waiting for its first fragment, or spoilt by an overlap: a second. Known: half a minute. */
enum state { FREE, WAITING, SPOILT, KNOWN };
enum age { SHORT, LONG, AGES };

struct range { /* bytes */
	uint16_t from, to;
};

struct datagram {
	union sl_ip src, dst;
	rte_be32_t id;
	uint8_t family, key_protocol; /* IPv6: 0, the id alone counts (RFC 8200, section 4.5) */
	uint8_t protocol;             /* of the first fragment */
	uint8_t state;
	rte_be16_t src_port, dst_port;
	uint16_t end; /* its length, when its last fragment has come; else 0 */
	uint16_t n_ranges, n_waiting;
	uint32_t next_in_bucket; /* or in the list of free ones */
	uint32_t older, newer;
	uint32_t first_waiting, last_waiting;
	uint64_t since_ns;
	struct range ranges[SL_DATAGRAM_RANGES]; /* apart from each other, in order */
};

struct waiting {
	struct rte_mbuf *mbuf;
	uint32_t next;
};

struct list {
	uint32_t first, last;
};

struct sl_datagrams {
	uint64_t seed[4];
	struct list by_age[AGES]; /* oldest first */
	struct list done;         /* waiting ones that need wait no longer */
	uint32_t free_datagrams, free_waiting;
	uint32_t n_datagrams, n_waiting; /* lb/publish.h, counters */
	uint32_t buckets[BUCKETS];
	struct datagram datagrams[SL_DATAGRAMS];
	struct waiting waiting[SL_WAITING];
};

size_t sl_datagrams_bytes(void)
{
	return sizeof(struct sl_datagrams);
}

struct sl_datagrams *sl_datagrams_open(void *memory, const uint64_t seed[2])
{
	struct sl_datagrams *d = memory;
	struct sl_rand a, b;

	memset(d, 0, sizeof(*d));
	sl_rand_seed(&a, seed[0]);
	sl_rand_seed(&b, ~seed[1]);
	for (int i = 0; i < 4; i++)
		d->seed[i] = (a.s[i] - b.s[3 - i]) | 1;
	for (int i = 0; i < AGES; i++)
		d->by_age[i] = (struct list){NONE, NONE};
	d->done = (struct list){NONE, NONE};
	memset(d->buckets, 0xff, sizeof(d->buckets));
	for (uint32_t i = 0; i < SL_DATAGRAMS; i++)
		d->datagrams[i].next_in_bucket = i + 1 < SL_DATAGRAMS ? i + 1 : NONE;
	for (uint32_t i = 0; i < SL_WAITING; i++)
		d->waiting[i].next = i + 1 < SL_WAITING ? i + 1 : NONE;
	return d;
}

struct sl_datagrams_count sl_datagrams_count(const struct sl_datagrams *d)
{
	return (struct sl_datagrams_count){
		.datagrams = sl_count_read(d->n_datagrams), .waiting = sl_count_read(d->n_waiting)};
}

/* ---- finding one ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint8_t key_protocol(const struct sl_parsed *p)
{
	return p->family == 4 ? p->protocol : 0;
}

static uint64_t hash_of(const struct sl_datagrams *d, const struct sl_parsed *p)
{
	uint64_t src = fold(p->src.words[0] ^ d->seed[0], p->src.words[1] ^ d->seed[1]);
	uint64_t dst = fold(p->dst.words[0] ^ d->seed[2], p->dst.words[1] ^ d->seed[3]);
	uint64_t rest = (uint64_t)p->fragment_id << 8 | key_protocol(p);

	return fold(fold(src ^ d->seed[2], rest ^ d->seed[0]) ^ dst, d->seed[1]);
}

unsigned sl_datagram_worker(const struct sl_datagrams *d, const struct sl_parsed *p, unsigned n)
{
	return (unsigned)(((hash_of(d, p) >> 32) * n) >> 32);
}

static bool is_of(const struct datagram *g, const struct sl_parsed *p)
{
	return g->id == p->fragment_id && g->family == p->family &&
		g->key_protocol == key_protocol(p) && sl_ip_equal(&g->src, &p->src) &&
		sl_ip_equal(&g->dst, &p->dst);
}

static uint32_t *bucket_of(struct sl_datagrams *d, const struct sl_parsed *p)
{
	return &d->buckets[hash_of(d, p) & (BUCKETS - 1)];
}

static struct datagram *find(struct sl_datagrams *d, const struct sl_parsed *p)
{
	for (uint32_t i = *bucket_of(d, p); i != NONE; i = d->datagrams[i].next_in_bucket) {
		if (is_of(&d->datagrams[i], p))
			return &d->datagrams[i];
	}
	return NULL;
}

/* ---- by age ---- */

static uint32_t index_of(const struct sl_datagrams *d, const struct datagram *g)
{
	return (uint32_t)(g - d->datagrams);
}

static enum age age_of(const struct datagram *g)
{
	return g->state == KNOWN ? LONG : SHORT;
}

static uint64_t life_of(const struct datagram *g)
{
	return g->state == KNOWN ? SL_DATAGRAM_LIFE_NS : SL_DATAGRAM_WAIT_NS;
}

static void unlink_by_age(struct sl_datagrams *d, struct datagram *g)
{
	struct list *list = &d->by_age[age_of(g)];

	*(g->older != NONE ? &d->datagrams[g->older].newer : &list->first) = g->newer;
	*(g->newer != NONE ? &d->datagrams[g->newer].older : &list->last) = g->older;
}

/* It begins a life of that kind. */
static void
link_by_age(struct sl_datagrams *d, struct datagram *g, enum state state, uint64_t now_ns)
{
	struct list *list;

	g->state = (uint8_t)state;
	g->since_ns = now_ns;
	list = &d->by_age[age_of(g)];
	g->older = list->last;
	g->newer = NONE;
	*(list->last != NONE ? &d->datagrams[list->last].newer : &list->first) = index_of(d, g);
	list->last = index_of(d, g);
}

static void restate(struct sl_datagrams *d, struct datagram *g, enum state state, uint64_t now_ns)
{
	unlink_by_age(d, g);
	link_by_age(d, g, state, now_ns);
}

/* ---- fragments that wait ---- */

static void mark_known(struct rte_mbuf *mbuf, const struct datagram *g)
{
	struct sl_mbuf_meta *meta = rte_mbuf_to_priv(mbuf);

	meta->fragment = SL_FRAGMENT_KNOWN;
	meta->protocol = g->protocol;
	meta->src_port = g->src_port;
	meta->dst_port = g->dst_port;
}

static void mark_dropped(struct rte_mbuf *mbuf, enum sl_drop reason)
{
	struct sl_mbuf_meta *meta = rte_mbuf_to_priv(mbuf);

	meta->fragment = SL_FRAGMENT_OVER;
	meta->drop = (uint8_t)reason;
}

/* All that wait of a datagram need wait no longer. */
static void let_go(struct sl_datagrams *d, struct datagram *g, enum sl_drop reason)
{
	if (g->first_waiting == NONE)
		return;
	for (uint32_t i = g->first_waiting; i != NONE; i = d->waiting[i].next) {
		if (g->state == KNOWN)
			mark_known(d->waiting[i].mbuf, g);
		else
			mark_dropped(d->waiting[i].mbuf, reason);
	}
	*(d->done.last != NONE ? &d->waiting[d->done.last].next : &d->done.first) =
		g->first_waiting;
	d->done.last = g->last_waiting;
	g->first_waiting = NONE;
	g->last_waiting = NONE;
	g->n_waiting = 0;
}

unsigned sl_datagrams_take(struct sl_datagrams *d, struct rte_mbuf **mbufs, unsigned max)
{
	unsigned n = 0;

	while (n < max && d->done.first != NONE) {
		uint32_t i = d->done.first;

		mbufs[n++] = d->waiting[i].mbuf;
		d->done.first = d->waiting[i].next;
		if (d->done.first == NONE)
			d->done.last = NONE;
		d->waiting[i].next = d->free_waiting;
		d->free_waiting = i;
		sl_count_add(d->n_waiting, -1);
	}
	return n;
}

/* ---- beginning and end ---- */

static void forget(struct sl_datagrams *d, struct datagram *g, enum sl_drop reason)
{
	struct sl_parsed key = {.src = g->src,
		.dst = g->dst,
		.fragment_id = g->id,
		.family = g->family,
		.protocol = g->key_protocol};
	uint32_t i = index_of(d, g), *link = bucket_of(d, &key);

	let_go(d, g, reason);
	unlink_by_age(d, g);
	while (*link != i)
		link = &d->datagrams[*link].next_in_bucket;
	*link = g->next_in_bucket;
	g->state = FREE;
	g->next_in_bucket = d->free_datagrams;
	d->free_datagrams = i;
	sl_count_add(d->n_datagrams, -1);
}

static struct datagram *oldest(struct sl_datagrams *d)
{
	uint32_t a = d->by_age[SHORT].first, b = d->by_age[LONG].first;

	if (a == NONE || (b != NONE && d->datagrams[b].since_ns < d->datagrams[a].since_ns))
		a = b;
	return &d->datagrams[a];
}

static struct datagram *begin(struct sl_datagrams *d, const struct sl_parsed *p, uint64_t now_ns)
{
	uint32_t *bucket = bucket_of(d, p), i;
	struct datagram *g;

	if (d->free_datagrams == NONE)
		forget(d, oldest(d), SL_DROP_FRAGMENT_LIMIT);
	i = d->free_datagrams;
	g = &d->datagrams[i];
	d->free_datagrams = g->next_in_bucket;
	*g = (struct datagram){.src = p->src,
		.dst = p->dst,
		.id = p->fragment_id,
		.family = p->family,
		.key_protocol = key_protocol(p),
		.first_waiting = NONE,
		.last_waiting = NONE,
		.next_in_bucket = *bucket};
	*bucket = i;
	sl_count_add(d->n_datagrams, 1);
	link_by_age(d, g, WAITING, now_ns);
	return g;
}

void sl_datagrams_expire(struct sl_datagrams *d, uint64_t now_ns, unsigned max)
{
	for (int age = 0; age < AGES; age++) {
		while (max > 0 && d->by_age[age].first != NONE) {
			struct datagram *g = &d->datagrams[d->by_age[age].first];

			if (now_ns - g->since_ns < life_of(g))
				break;
			forget(d, g, SL_DROP_FRAGMENT_TIMEOUT);
			max--;
		}
	}
}

/* ---- the bytes of a datagram ---- */

enum fit { FITS, DUPLICATE, OVERLAPS, TOO_MANY_RANGES };

static enum fit fit(const struct datagram *g, struct range r, bool last)
{
	const struct range *ranges = g->ranges;
	unsigned i = 0;

	if (g->n_ranges > 0 && last && ranges[g->n_ranges - 1].to > r.to)
		return OVERLAPS; /* something lies behind its end */
	if (g->end != 0 && (last ? r.to != g->end : r.to > g->end))
		return OVERLAPS;
	while (i < g->n_ranges && ranges[i].to <= r.from)
		i++;
	if (i < g->n_ranges && ranges[i].from < r.to)
		return ranges[i].from <= r.from && r.to <= ranges[i].to ? DUPLICATE : OVERLAPS;
	/* It goes between two ranges; if it touches one it needs no place of its own. */
	if ((i > 0 && ranges[i - 1].to == r.from) || (i < g->n_ranges && ranges[i].from == r.to))
		return FITS;
	return g->n_ranges < SL_DATAGRAM_RANGES ? FITS : TOO_MANY_RANGES;
}

/* Of one that fits. */
static void note_range(struct datagram *g, struct range r, bool last)
{
	struct range *ranges = g->ranges;
	bool left, right;
	unsigned i = 0;

	if (last)
		g->end = r.to;
	while (i < g->n_ranges && ranges[i].to <= r.from)
		i++;
	left = i > 0 && ranges[i - 1].to == r.from;
	right = i < g->n_ranges && ranges[i].from == r.to;
	if (left && right) {
		ranges[i - 1].to = ranges[i].to;
		g->n_ranges--;
		memmove(&ranges[i], &ranges[i + 1], (g->n_ranges - i) * sizeof(*ranges));
	} else if (left) {
		ranges[i - 1].to = r.to;
	} else if (right) {
		ranges[i].from = r.from;
	} else {
		memmove(&ranges[i + 1], &ranges[i], (g->n_ranges - i) * sizeof(*ranges));
		ranges[i] = r;
		g->n_ranges++;
	}
}

static bool is_complete(const struct datagram *g)
{
	return g->end != 0 && g->n_ranges == 1 && g->ranges[0].from == 0 &&
		g->ranges[0].to == g->end;
}

/* ---- one fragment ---- */

/* Bytes of the packet in front of its part of the datagram. */
static uint32_t header_of(const struct sl_parsed *p)
{
	if (p->family == 4)
		return (uint32_t)p->l4_offset - p->l3_offset;
	return (uint32_t)p->fragment_header + FRAGMENT_HEADER - p->l3_offset;
}

/* What can be said of it alone. SL_DROP_COUNT: nothing against it. */
static enum sl_drop judge(const struct sl_parsed *p, struct range *r)
{
	uint32_t header = header_of(p), length = p->l3_length - header;
	uint32_t to = p->fragment_offset + length;
	/* What the length field of the whole packet would have to say. */
	uint32_t whole = to + header - (p->family == 4 ? 0 : IPV6_HEADER + FRAGMENT_HEADER);

	if (length == 0 || (p->more_fragments && length % UNIT != 0) || whole > LENGTH_MAX)
		return SL_DROP_FRAGMENT_LENGTH;
	if (p->fragment_offset == 0 ? !p->has_l4
				    : p->protocol == IPPROTO_TCP && p->fragment_offset < TCP_HEADER)
		return SL_DROP_FRAGMENT_TINY;
	*r = (struct range){.from = p->fragment_offset, .to = (uint16_t)to};
	return SL_DROP_COUNT;
}

/* A datagram that this fragment may belong to; one that is over, or that it cannot be of, goes. */
static struct datagram *
find_current(struct sl_datagrams *d, const struct sl_parsed *p, struct range r, uint64_t now_ns)
{
	struct datagram *g = find(d, p);

	if (g == NULL)
		return NULL;
	if (now_ns - g->since_ns >= life_of(g)) {
		forget(d, g, SL_DROP_FRAGMENT_TIMEOUT);
		return NULL;
	}
	if (now_ns - g->since_ns >= SL_DATAGRAM_WAIT_NS && fit(g, r, !p->more_fragments) != FITS) {
		forget(d, g, SL_DROP_FRAGMENT_OVERLAP);
		return NULL;
	}
	return g;
}

/* Room for one more that waits, of datagram `g` (NULL: a new one). The oldest gives way in time. */
static bool may_wait(struct sl_datagrams *d, const struct datagram *g)
{
	uint32_t first = d->by_age[SHORT].first;

	if (SL_WAITING - d->n_waiting <= SL_BURST && first != NONE && &d->datagrams[first] != g)
		forget(d, &d->datagrams[first], SL_DROP_FRAGMENT_LIMIT);
	return d->free_waiting != NONE && (g == NULL || g->n_waiting < SL_DATAGRAM_WAITING);
}

static void keep(struct sl_datagrams *d, struct datagram *g, struct rte_mbuf *mbuf)
{
	uint32_t i = d->free_waiting;

	d->free_waiting = d->waiting[i].next;
	d->waiting[i] = (struct waiting){.mbuf = mbuf, .next = NONE};
	*(g->last_waiting != NONE ? &d->waiting[g->last_waiting].next : &g->first_waiting) = i;
	g->last_waiting = i;
	g->n_waiting++;
	sl_count_add(d->n_waiting, 1);
}

/* The first fragment: now it is known where all of them belong. */
static void
become_known(struct sl_datagrams *d, struct datagram *g, const struct sl_parsed *p, uint64_t now_ns)
{
	g->protocol = p->protocol;
	g->src_port = p->src_port;
	g->dst_port = p->dst_port;
	restate(d, g, KNOWN, now_ns);
	let_go(d, g, SL_DROP_COUNT);
}

/* Against a fragment of a datagram that is here already. SL_DROP_COUNT: nothing. */
static enum sl_drop
judge_in(struct sl_datagrams *d, struct datagram *g, struct range r, bool last, uint64_t now_ns)
{
	if (g->state == SPOILT)
		return SL_DROP_FRAGMENT_OVERLAP;
	switch (fit(g, r, last)) {
	case DUPLICATE:
		return SL_DROP_FRAGMENT_DUPLICATE;
	case TOO_MANY_RANGES:
		return SL_DROP_FRAGMENT_LIMIT;
	case OVERLAPS:
		restate(d, g, SPOILT, now_ns);
		let_go(d, g, SL_DROP_FRAGMENT_OVERLAP);
		return SL_DROP_FRAGMENT_OVERLAP;
	default:
		return SL_DROP_COUNT;
	}
}

enum sl_datagram_verdict sl_datagrams_add(struct sl_datagrams *d, const struct sl_parsed *p,
	struct rte_mbuf *mbuf, uint64_t now_ns, enum sl_drop *reason)
{
	bool first = p->fragment_offset == 0, last = !p->more_fragments;
	struct datagram *g;
	struct range r;

	*reason = judge(p, &r);
	if (*reason != SL_DROP_COUNT)
		return SL_DATAGRAM_DROP;
	g = find_current(d, p, r, now_ns);
	if (g != NULL)
		*reason = judge_in(d, g, r, last, now_ns);
	if (*reason == SL_DROP_COUNT && !first && (g == NULL || g->state != KNOWN) &&
		!may_wait(d, g))
		*reason = SL_DROP_FRAGMENT_LIMIT;
	if (*reason != SL_DROP_COUNT)
		return SL_DATAGRAM_DROP;
	if (g == NULL)
		g = begin(d, p, now_ns);
	if (first)
		become_known(d, g, p, now_ns);
	note_range(g, r, last);
	if (g->state != KNOWN) {
		keep(d, g, mbuf);
		return SL_DATAGRAM_WAIT;
	}
	mark_known(mbuf, g);
	if (is_complete(g))
		forget(d, g, SL_DROP_COUNT);
	return SL_DATAGRAM_GO;
}
