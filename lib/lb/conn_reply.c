/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What NAT needs of the table: a server's reply finds its connection by the client's endpoint
 * alone, and connections that found no room in that endpoint's two lines are noted in the first.
 */
#include "lb/conn.h"

#include "lb/conn_layout.h"

struct reply {
	struct conn_key client;
	sl_conn_match match;
	void *arg;
};

static __rte_always_inline bool
is_reply_to(enum sl_conn_form form, const struct conn_tail *tail, const struct reply *r)
{
	struct conn_key k = conn_key_in(form, tail);
	struct sl_conn_view view;

	if (k.front == SL_ID_NONE || conn_kind(tail) != SL_CONN_NAT)
		return false;
	k = conn_client_of(form, &k);
	if (k.word != r->client.word)
		return false;
	if (form == SL_CONN_WIDE && memcmp(k.client, r->client.client, sizeof(k.client)) != 0)
		return false;
	conn_take_apart(form, tail, &view);
	return r->match(r->arg, &view);
}

static __rte_always_inline struct conn_tail *
find_reply_in(enum sl_conn_form form, union conn_line *line, const struct reply *r)
{
	for (unsigned i = 0; i < CONN_SLOTS(form); i++) {
		if (is_reply_to(form, conn_slot(form, line, i), r))
			return conn_slot(form, line, i);
	}
	return NULL;
}

static __rte_always_inline struct conn_tail *find_reply(
	enum sl_conn_form form, const struct sl_conn_table *t, uint64_t hash, const struct reply *r)
{
	union conn_line *home = &t->lines[conn_home(t->n_lines, hash)];
	struct conn_tail *found = find_reply_in(form, home, r);

	if (likely(found != NULL) || *conn_overflow(form, home) == 0)
		return found;
	found = find_reply_in(form, &t->lines[conn_alt(t->n_lines, hash)], r);
	if (found != NULL || likely(t->stats.stash == 0))
		return found;
	for (unsigned i = 0; i < CONN_STASHED(form) && found == NULL; i++)
		found = find_reply_in(form, &t->lines[t->n_lines + i], r);
	return found;
}

struct sl_conn_ref sl_conn_find_reply(const struct sl_conn_table *t, const union sl_ip *client,
	rte_be16_t client_port, uint64_t client_hash, sl_conn_match match, void *arg)
{
	struct sl_conn_key key = {
		.client = *client, .client_port = client_port, .front = SL_ID_NONE};
	struct reply r = {.match = match, .arg = arg};
	void *slot;

	r.client = conn_key_of(t->form, &key);
	slot = t->form == SL_CONN_NARROW ? find_reply(SL_CONN_NARROW, t, client_hash, &r)
					 : find_reply(SL_CONN_WIDE, t, client_hash, &r);
	return (struct sl_conn_ref){.slot = slot};
}

static uint8_t *spills_of(const struct sl_conn_table *t, uint64_t client_hash)
{
	return conn_spills(t->form, &t->lines[conn_home(t->n_lines, client_hash)]);
}

bool sl_conn_spilled(const struct sl_conn_table *t, uint64_t client_hash)
{
	return *spills_of(t, client_hash) > 0;
}

void sl_conn_spill(struct sl_conn_table *t, uint64_t client_hash)
{
	conn_count_more(spills_of(t, client_hash));
}

void sl_conn_unspill(struct sl_conn_table *t, uint64_t client_hash)
{
	conn_count_less(spills_of(t, client_hash));
}
