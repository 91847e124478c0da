/* SPDX-License-Identifier: BSD-3-Clause */
#include "conn_fixture.h"

static const struct sl_conn_key client_key = {
	.client.bytes = {203, 0, 113, 9}, .client_port = 0x1234, .service_port = 80, .front = 1};

/* The n-th service of the one client endpoint. */
static struct sl_conn_view service(const struct fixture *f, unsigned n)
{
	struct sl_conn_view entry = {.key = client_key,
		.kind = SL_CONN_NAT,
		.state = SL_STATE_ESTABLISHED,
		.flags = SL_CONN_DATA};

	entry.key.front = 1 + n / 2;
	entry.server = 100 + n;
	/* In a wide table the service's port is of the key, too. */
	if (f->form == SL_CONN_WIDE)
		entry.key.service_port = (rte_be16_t)(80 + n % 2);
	else
		entry.key.front = 1 + n;
	return entry;
}

static uint64_t client_hash(const struct fixture *f)
{
	return sl_conn_hash_client(f->t, &client_key.client, client_key.client_port);
}

static struct sl_conn_ref insert_service(struct fixture *f, unsigned n)
{
	struct sl_conn_view evicted, entry = service(f, n);

	return sl_conn_insert(f->t, &entry, client_hash(f), 1, &sl_timeouts_default, &evicted);
}

struct wanted {
	sl_id server;
	unsigned asked;
};

static bool is_of_server(void *arg, const struct sl_conn_view *view)
{
	struct wanted *wanted = arg;

	wanted->asked++;
	assert_int_equal(view->kind, SL_CONN_NAT);
	assert_true(sl_ip_equal(&view->key.client, &client_key.client));
	assert_int_equal(view->key.client_port, client_key.client_port);
	return view->server == wanted->server;
}

static struct sl_conn_ref find_reply_of(struct fixture *f, struct wanted *wanted)
{
	return sl_conn_find_reply(f->t, &client_key.client, client_key.client_port, client_hash(f),
		is_of_server, wanted);
}

static void a_reply_finds_each_service_of_its_client(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;
		unsigned most;

		fixture_open(&f, forms[form], 30);
		most = 2 * CONN_SLOTS(f.form);
		for (unsigned n = 0; n < most; n++)
			assert_non_null(insert_service(&f, n).slot);
		assert_int_equal(sl_conn_table_stats(f.t)->stash, 0);
		assert_sound(&f);
		for (unsigned n = 0; n < most; n++) {
			struct sl_conn_view entry = service(&f, n);
			struct wanted wanted = {.server = 100 + n};
			struct sl_conn_ref ref = find_reply_of(&f, &wanted);
			struct sl_conn_view view;

			assert_non_null(ref.slot);
			assert_ptr_equal(
				ref.slot, sl_conn_find(f.t, &entry.key, client_hash(&f)).slot);
			sl_conn_view(f.t, ref, &view);
			assert_int_equal(view.server, 100 + n);
		}
		fixture_close(&f);
	}
}

/* Beyond what the two lines hold there is the stash, and replies look there, too. */
static void a_reply_is_found_in_the_stash(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;
		unsigned n = 0;

		fixture_open(&f, forms[form], 30);
		while (insert_service(&f, n).slot != NULL)
			n++;
		assert_int_equal(n, 2 * CONN_SLOTS(f.form) + CONN_STASH);
		for (unsigned i = 0; i < n; i++) {
			struct wanted wanted = {.server = 100 + i};

			assert_non_null(find_reply_of(&f, &wanted).slot);
		}
		assert_sound(&f);
		fixture_adopt(&f);
		for (unsigned i = 0; i < n; i++) {
			struct wanted wanted = {.server = 100 + i};

			assert_non_null(find_reply_of(&f, &wanted).slot);
		}
		fixture_close(&f);
	}
}

/* In the same lines: other clients, other kinds, free slots. None of them is asked about. */
static void only_nat_entries_of_the_client_are_asked_about(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct wanted wanted = {.server = 0};
		struct sl_conn_view entry, evicted;
		struct fixture f;

		fixture_open(&f, forms[form], 4);
		insert_service(&f, 0);
		for (unsigned bit = 0; bit < 48; bit++) {
			entry = service(&f, 0);
			if (bit < 32)
				entry.key.client.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			else
				entry.key.client_port ^= (rte_be16_t)(1 << (bit - 32));
			if (bit % 5 == 0)
				entry.kind = SL_CONN_PLAIN;
			sl_conn_insert(
				f.t, &entry, client_hash(&f), 1, &sl_timeouts_default, &evicted);
		}
		entry = service(&f, 3);
		entry.kind = SL_CONN_REVERSE;
		entry.side = 103;
		assert_non_null(sl_conn_insert(
			f.t, &entry, client_hash(&f), 1, &sl_timeouts_default, &evicted)
					.slot);
		assert_null(find_reply_of(&f, &wanted).slot);
		assert_int_equal(wanted.asked, 1);
		sl_conn_remove(f.t, sl_conn_find(f.t, &client_key, client_hash(&f)));
		assert_null(find_reply_of(&f, &wanted).slot);
		assert_int_equal(wanted.asked, 1);
		fixture_close(&f);
	}
}

static void an_entry_keeps_its_kind(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct sl_conn_view entry, view;
		struct sl_conn_ref ref;
		struct fixture f;

		fixture_open(&f, forms[form], 30);
		ref = insert_service(&f, 0);
		sl_conn_update(f.t, ref, SL_STATE_CLOSE, 0xff, 7);
		sl_conn_view(f.t, ref, &view);
		assert_int_equal(view.kind, SL_CONN_NAT);
		assert_int_equal(view.flags, SL_CONN_DATA);
		assert_int_equal(view.server, 100);
		assert_int_equal(view.side, 0);
		for (enum sl_conn_kind kind = SL_CONN_SIDE; kind <= SL_CONN_REVERSE; kind++) {
			struct sl_conn_view evicted;

			entry = (struct sl_conn_view){.key = client_key, .kind = kind, .side = 9};
			entry.key.front = 40 + kind;
			ref = sl_conn_insert(f.t, &entry, sl_conn_hash(f.t, &entry.key), 1,
				&sl_timeouts_default, &evicted);
			assert_non_null(ref.slot);
			sl_conn_view(f.t, ref, &view);
			assert_int_equal(view.kind, kind);
			assert_int_equal(view.side, 9);
			assert_int_equal(view.server, SL_ID_NONE);
		}
		fixture_close(&f);
	}
}

static bool everybody_goes(void *arg, const struct sl_conn_view *view, bool expired)
{
	return true;
}

/* Neither expired, nor reaped, nor evicted: only their side record says when they go. */
static void pairs_outlive_everything(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct fixture f;
		unsigned n;

		fixture_open(&f, forms[form], 32);
		for (n = 0;; n++) {
			struct sl_conn_view evicted,
				entry = {.key = key_of(f.form, n), .kind = SL_CONN_SIDE, .side = 1};

			if (sl_conn_insert(f.t, &entry, sl_conn_hash(f.t, &entry.key), 1,
				    &sl_timeouts_default, &evicted)
					.slot == NULL)
				break;
			assert_int_equal(evicted.key.front, SL_ID_NONE);
		}
		assert_true(n > 32);
		assert_int_equal(sl_conn_table_stats(f.t)->refused, 1);
		while (!sl_conn_sweep(f.t, 5, 40000, &sl_timeouts_default, everybody_goes, NULL))
			;
		assert_int_equal(sl_conn_table_stats(f.t)->entries, n);
		assert_sound(&f);
		fixture_adopt(&f);
		assert_int_equal(sl_conn_table_stats(f.t)->entries, n);
		assert_sound(&f);
		fixture_close(&f);
	}
}

static void a_spill_is_marked_until_the_last_has_gone(void **state)
{
	for (unsigned form = 0; form < 2; form++) {
		struct sl_conn_view entry;
		struct fixture f;
		uint64_t hash;

		fixture_open(&f, forms[form], 30);
		hash = client_hash(&f);
		entry = service(&f, 0);
		insert_service(&f, 0);
		assert_false(sl_conn_spilled(f.t, hash));
		sl_conn_spill(f.t, hash);
		sl_conn_spill(f.t, hash);
		assert_true(sl_conn_spilled(f.t, hash));
		sl_conn_unspill(f.t, hash);
		assert_true(sl_conn_spilled(f.t, hash));
		/* Entries come and go below the mark. */
		sl_conn_remove(f.t, sl_conn_find(f.t, &entry.key, hash));
		for (unsigned n = 0; n < 2 * CONN_SLOTS(f.form); n++)
			insert_service(&f, n);
		assert_sound(&f);
		assert_true(sl_conn_spilled(f.t, hash));
		sl_conn_unspill(f.t, hash);
		assert_false(sl_conn_spilled(f.t, hash));
		sl_conn_unspill(f.t, hash);
		assert_false(sl_conn_spilled(f.t, hash));
		/* What no longer counts stays. */
		for (unsigned n = 0; n < 300; n++)
			sl_conn_spill(f.t, hash);
		for (unsigned n = 0; n < 300; n++)
			sl_conn_unspill(f.t, hash);
		assert_true(sl_conn_spilled(f.t, hash));
		/* The pairs that a new process finds say it anew. */
		fixture_adopt(&f);
		assert_false(sl_conn_spilled(f.t, hash));
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_finds_each_service_of_its_client),
		cmocka_unit_test(a_reply_is_found_in_the_stash),
		cmocka_unit_test(only_nat_entries_of_the_client_are_asked_about),
		cmocka_unit_test(an_entry_keeps_its_kind),
		cmocka_unit_test(pairs_outlive_everything),
		cmocka_unit_test(a_spill_is_marked_until_the_last_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
