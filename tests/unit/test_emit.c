/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends of the packet path. The bytes of ICMP errors are checked in tests/vector/errors.vec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lb/emit.h"
#include "net/icmp.h"
#include "packet.h"
#include "rig.h"

#define VIP    PACKET_IP(198, 51, 100, 1)
#define CLIENT PACKET_IP(203, 0, 113, 1)

#define HEADERS 28 /* IPv4 and ICMP */

static const struct packet syn = {
	.src = CLIENT, .dst = VIP, .src_port = 1000, .dst_port = 80, .flags = 0x02};

/* An error about the packet, and where it went. */
static enum rig_end answer(struct rig *rig, struct rte_mbuf *mbuf)
{
	struct sl_worker *w = rig->engine->workers[0];
	struct sl_parsed parsed;
	enum rig_end end;
	unsigned what;

	w->now_ns = rig->time.ns;
	sl_parse(rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len, mbuf->pkt_len, true, &parsed);
	sl_emit_icmp_error(
		w, mbuf, &parsed, SL_ICMP_PORT_UNREACHABLE, 0, &parsed.dst, SL_DROP_NO_SERVER);
	end = rig_end_of(rig, 0, mbuf, &what);
	return end;
}

static uint64_t drops(const struct rig *rig, enum sl_drop reason)
{
	return rig->engine->workers[0]->stats.drops[reason];
}

static unsigned gleaned(struct rig *rig, struct sl_glean_message *last)
{
	unsigned n = 0;

	while (rte_ring_sc_dequeue_elem(rig->engine->workers[0]->gleans, last, sizeof(*last)) == 0)
		n++;
	return n;
}

static void glean(struct rig *rig, uint8_t family, const union sl_ip *dst)
{
	struct rte_mbuf *mbuf = packet_make(&syn);
	unsigned what;

	sl_emit_glean(rig->engine->workers[0], mbuf, 3, family, dst);
	assert_int_equal(rig_end_of(rig, 0, mbuf, &what), RIG_DROPPED);
	packet_free(mbuf);
}

static void linux_is_asked_for_neighbours(void **state)
{
	const union sl_ip first = sl_ip_v4(PACKET_IP(10, 0, 0, 1));
	const union sl_ip second = {.bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	const struct rig_params params = {0};
	struct sl_glean_message last;
	struct rig rig;

	rig_open(&rig, &params);
	glean(&rig, 4, &first);
	/* A burst to one host asks once a second. */
	glean(&rig, 4, &first);
	assert_int_equal(gleaned(&rig, &last), 1);
	assert_int_equal(last.family, 4);
	assert_int_equal(last.port, 3);
	assert_true(sl_ip_equal(&last.address, &first));
	glean(&rig, 6, &second);
	assert_int_equal(gleaned(&rig, &last), 1);
	assert_int_equal(last.family, 6);
	assert_true(sl_ip_equal(&last.address, &second));
	rig.engine->workers[0]->tick++;
	glean(&rig, 6, &second);
	assert_int_equal(gleaned(&rig, &last), 1);
	/* What has no room is lost, and no more than that. */
	for (unsigned i = 0; i < 2000; i++)
		glean(&rig, 4, &(const union sl_ip){.v4 = i});
	assert_in_range(gleaned(&rig, &last), 100, 1000);
	assert_int_equal(drops(&rig, SL_DROP_NEIGHBOUR_UNRESOLVED), 2004);
	rig_close(&rig);
}

static enum rig_end routed(struct rig *rig, uint64_t hash, unsigned *port)
{
	struct rte_mbuf *mbuf = packet_make(&syn);
	struct sl_pkt pkt = {.mbuf = mbuf, .hash = hash, .direction = SL_DIR_OUT};
	sl_adj_word way;
	enum rig_end end;

	assert_int_equal(sl_parse(rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len, mbuf->pkt_len,
				 true, &pkt.parsed),
		SL_PARSE_L4);
	if (sl_emit_way_routed(rig->engine->workers[0], &pkt, &pkt.parsed.dst, &way))
		sl_emit_on_way(rig->engine->workers[0], &pkt, way);
	end = rig_end_of(rig, 0, mbuf, port);
	packet_free(mbuf);
	return end;
}

static void flows_spread_over_next_hops(void **state)
{
	struct sl_fib_via via = {.kind = SL_ROUTE_HOP, .n_hops = 2};
	const struct sl_prefix any = {.addr.family = 4};
	const uint8_t mac[6] = {2};
	unsigned seen[2] = {0}, port;
	struct rig rig;

	rig_open(&rig, NULL);
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(sl_fib_hop_new(rig.engine->fib, &via.hops[i]), 0);
		sl_fib_hop_set(rig.engine->fib, via.hops[i], sl_adj_make(mac, i, SL_ADJ_RESOLVED));
	}
	assert_int_equal(sl_fib_set(rig.engine->fib, &any, &via), 0);
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(routed(&rig, i, &port), RIG_SENT);
		seen[port]++;
	}
	assert_in_range(seen[0], 60, 140);
	/* The neighbours that are left have all of it; then nobody. */
	sl_fib_hop_set(rig.engine->fib, via.hops[0], 0);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(routed(&rig, i, &port), RIG_SENT);
		assert_int_equal(port, 1);
	}
	sl_fib_hop_set(rig.engine->fib, via.hops[1], 0);
	assert_int_equal(routed(&rig, 1, &port), RIG_DROPPED);
	assert_int_equal(drops(&rig, SL_DROP_NEIGHBOUR_UNRESOLVED), 1);
	rig_close(&rig);
}

static void errors_have_a_rate(void **state)
{
	const struct rig_params params = {.icmp_rate = 100};
	unsigned sent = 0;
	struct rig rig;

	rig_open(&rig, &params);
	/* A burst of a tenth of a second, then one every ten milliseconds. */
	for (int i = 0; i < 200; i++) {
		struct rte_mbuf *mbuf = packet_make(&syn);

		sent += answer(&rig, mbuf) == RIG_SENT;
		packet_free(mbuf);
	}
	assert_in_range(sent, 10, 11);
	assert_int_equal(drops(&rig, SL_DROP_NO_SERVER), sent);
	assert_int_equal(drops(&rig, SL_DROP_ICMP_RATE), 200 - sent);
	assert_int_equal(rig.engine->workers[0]->stats.icmp_sent, sent);
	sent = 0;
	for (int i = 0; i < 1000; i++) {
		struct rte_mbuf *mbuf = packet_make(&syn);

		rig.time.ns += SL_NS_PER_MS;
		sent += answer(&rig, mbuf) == RIG_SENT;
		packet_free(mbuf);
	}
	assert_in_range(sent, 99, 101);
	rig_close(&rig);
}

/* The rate is the box's: each worker has its share. */
static void the_rate_is_shared(void **state)
{
	const struct rig_params params = {.icmp_rate = 100, .workers = 4};
	unsigned sent = 0;
	struct rig rig;

	rig_open(&rig, &params);
	rig.engine->workers[0]->icmp_tokens_ns = rig.time.ns + SL_NS_PER_S; /* no burst */
	rig.time.ns += SL_NS_PER_S;
	for (int i = 0; i < 1000; i++) {
		struct rte_mbuf *mbuf = packet_make(&syn);

		rig.time.ns += SL_NS_PER_MS;
		sent += answer(&rig, mbuf) == RIG_SENT;
		packet_free(mbuf);
	}
	assert_in_range(sent, 24, 30);
	rig_close(&rig);
}

static void what_cannot_be_answered_is_dropped(void **state)
{
	struct packet error = {.src = CLIENT, .dst = VIP, .protocol = 1, .payload = 36};
	struct rte_mbuf *mbuf;
	struct rig rig;

	rig_open(&rig, NULL);
	/* no room in front of the packet */
	mbuf = packet_make(&syn);
	memmove((uint8_t *)mbuf->buf_addr + HEADERS - 2, rte_pktmbuf_mtod(mbuf, void *),
		mbuf->data_len);
	mbuf->data_off = HEADERS - 2;
	assert_int_equal(answer(&rig, mbuf), RIG_DROPPED);
	packet_free(mbuf);
	/* an error itself: type 'x' is nothing that asks */
	mbuf = packet_make(&error);
	assert_int_equal(answer(&rig, mbuf), RIG_DROPPED);
	packet_free(mbuf);
	assert_int_equal(drops(&rig, SL_DROP_NO_SERVER), 2);
	assert_int_equal(rig.engine->workers[0]->stats.icmp_sent, 0);
	rig_close(&rig);
}

/* The error is made of the first buffer; the others go. */
static void a_packet_of_several_buffers_is_answered(void **state)
{
	struct rte_mbuf *mbuf, *tail;
	unsigned what;
	struct rig rig;

	rig_open(&rig, NULL);
	mbuf = packet_make(&syn);
	tail = packet_make(&syn);
	mbuf->next = tail;
	mbuf->nb_segs = 2;
	mbuf->pkt_len += tail->data_len;
	assert_int_equal(answer(&rig, mbuf), RIG_SENT);
	assert_int_equal(mbuf->nb_segs, 1);
	assert_null(mbuf->next);
	assert_int_equal(mbuf->pkt_len, 14 + HEADERS + 40);
	assert_int_equal(rig_end_of(&rig, 0, tail, &what), RIG_DROPPED);
	assert_int_equal(tail->nb_segs, 1);
	packet_free(tail);
	packet_free(mbuf);
	rig_close(&rig);
}

/* A tag has to go into the buffer, and neither somebody else's nor one without room will do. */
static void a_tag_needs_a_buffer_of_our_own_with_room(void **state)
{
	struct rte_mbuf *mbuf;
	unsigned what;
	struct rig rig;

	rig_open(&rig, NULL);
	rig_vlan(&rig, 5);
	mbuf = packet_make(&syn);
	sl_emit_tx(rig.engine->workers[0], mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_SENT);
	assert_int_equal(what, 1);
	assert_memory_equal(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, 12), "\x81\x00\x00\x05", 4);
	packet_free(mbuf);

	mbuf = packet_make(&syn);
	memmove((uint8_t *)mbuf->buf_addr + 3, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
	mbuf->data_off = 3;
	sl_emit_tx(rig.engine->workers[0], mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_DROPPED);
	packet_free(mbuf);

	mbuf = packet_make(&syn);
	rte_mbuf_refcnt_set(mbuf, 2);
	sl_emit_tx(rig.engine->workers[0], mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_DROPPED);
	rte_mbuf_refcnt_set(mbuf, 1);
	packet_free(mbuf);
	assert_int_equal(drops(&rig, SL_DROP_NO_HEADROOM), 2);
	rig_close(&rig);
}

/* A NIC may have taken the tag out already. */
static void a_tag_that_the_nic_took_out_counts(void **state)
{
	struct rte_mbuf *mbuf = packet_make(&syn);
	uint32_t length = mbuf->pkt_len;
	unsigned what;
	struct rig rig;

	rig_open(&rig, NULL);
	rig_vlan(&rig, 5);
	rte_pktmbuf_mtod(mbuf, uint8_t *)[4] = 1; /* to port 1 */
	mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	mbuf->vlan_tci = 0xe005;
	rig_poll(&rig, 0, &mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_PUNTED);
	assert_int_equal(mbuf->port, 1);
	assert_int_equal(mbuf->pkt_len, length);
	assert_int_equal(rig.engine->workers[0]->stats.rx_packets[1], 1);
	assert_int_equal(rig.engine->workers[0]->stats.rx_bytes[1], length);
	mbuf->port = 0;
	mbuf->ol_flags |= RTE_MBUF_F_RX_QINQ_STRIPPED;
	rig_poll(&rig, 0, &mbuf, 1);
	assert_int_equal(rig_end_of(&rig, 0, mbuf, &what), RIG_DROPPED);
	assert_int_equal(drops(&rig, SL_DROP_VLAN_STACKED), 1);
	packet_free(mbuf);
	rig_close(&rig);
}

/* The frame goes back to the neighbour, from the address that it was sent to. */
static void errors_go_back_to_the_neighbour(void **state)
{
	static const uint8_t virtual_mac[6] = {0, 0, 0x5e, 0, 1, 7};
	struct packet p = syn;
	struct rte_mbuf *mbuf;
	const uint8_t *frame;
	struct rig rig;

	rig_open(&rig, NULL);
	p.dst_mac = virtual_mac;
	mbuf = packet_make(&p);
	mbuf->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
	assert_int_equal(answer(&rig, mbuf), RIG_SENT);
	frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	assert_memory_equal(frame, packet_client_mac, 6);
	assert_memory_equal(frame + 6, virtual_mac, 6);
	assert_int_equal(mbuf->data_len, 14 + HEADERS + 40);
	assert_int_equal(mbuf->pkt_len, mbuf->data_len);
	assert_int_equal(mbuf->ol_flags, 0);
	assert_int_equal(packet_checksum(frame + 14, 20), 0);
	assert_int_equal(packet_checksum(frame + 34, mbuf->data_len - 34u), 0);
	packet_free(mbuf);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_is_asked_for_neighbours),
		cmocka_unit_test(flows_spread_over_next_hops),
		cmocka_unit_test(errors_have_a_rate),
		cmocka_unit_test(the_rate_is_shared),
		cmocka_unit_test(what_cannot_be_answered_is_dropped),
		cmocka_unit_test(a_packet_of_several_buffers_is_answered),
		cmocka_unit_test(errors_go_back_to_the_neighbour),
		cmocka_unit_test(a_tag_needs_a_buffer_of_our_own_with_room),
		cmocka_unit_test(a_tag_that_the_nic_took_out_counts),
	};

	return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
