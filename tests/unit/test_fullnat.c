/* SPDX-License-Identifier: BSD-3-Clause */
/* Client and server of every two families, TCP and UDP, both ways, and errors about all of them. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lb/fullnat.h"
#include "wire.h"

#define CLIENT      1
#define VIP         2
#define LOCAL       3
#define SERVER      4
#define ROUTER      5
#define CLIENT_PORT 40000
#define VIP_PORT    80
#define LOCAL_PORT  50000
#define SERVER_PORT 8080
#define MTU         1500

/* A connection, and a buffer of exactly the packet's size behind the usual room. */
struct fixture {
	struct sl_worker w;
	struct sl_front front;
	struct sl_server server;
	struct sl_side side;
	struct sl_fullnat c;
	struct rte_mbuf mbuf;
	uint8_t *buffer;
	uint8_t client_family, server_family, protocol;
};

static void fixture_make(struct fixture *f, uint8_t client, uint8_t server, uint8_t protocol)
{
	memset(f, 0, sizeof(*f));
	f->client_family = client;
	f->server_family = server;
	f->protocol = protocol;
	f->front = (struct sl_front){.v6 = client == 6,
		.protocol = protocol,
		.port = rte_cpu_to_be_16(VIP_PORT),
		.address = wire_ip(client, VIP)};
	f->server = (struct sl_server){.family = server,
		.port = rte_cpu_to_be_16(SERVER_PORT),
		.address = wire_ip(server, SERVER)};
	f->side = (struct sl_side){.client = wire_ip(client, CLIENT),
		.local = wire_ip(server, LOCAL),
		.client_port = rte_cpu_to_be_16(CLIENT_PORT),
		.local_port = rte_cpu_to_be_16(LOCAL_PORT)};
	f->c = (struct sl_fullnat){&f->side, &f->front, &f->server};
}

static struct sl_parsed put(struct fixture *f, const uint8_t *frame, size_t length)
{
	free(f->buffer);
	f->buffer = malloc(RTE_PKTMBUF_HEADROOM + length);
	memcpy(f->buffer + RTE_PKTMBUF_HEADROOM, frame, length);
	f->mbuf = (struct rte_mbuf){.buf_addr = f->buffer,
		.data_off = RTE_PKTMBUF_HEADROOM,
		.data_len = (uint16_t)length,
		.pkt_len = (uint32_t)length,
		.nb_segs = 1};
	return wire_parsed(frame, length);
}

static const uint8_t *frame_of(const struct fixture *f)
{
	return f->buffer + f->mbuf.data_off;
}

struct seen {
	uint8_t family, n_src, n_dst;
	uint16_t src_port, dst_port;
};

static void assert_seen(const struct sl_parsed *p, const struct seen *want)
{
	union sl_ip src = wire_ip(want->family, want->n_src);
	union sl_ip dst = wire_ip(want->family, want->n_dst);

	assert_int_equal(p->family, want->family);
	assert_true(sl_ip_equal(&p->src, &src));
	assert_true(sl_ip_equal(&p->dst, &dst));
	if (p->has_l4) {
		assert_int_equal(rte_be_to_cpu_16(p->src_port), want->src_port);
		assert_int_equal(rte_be_to_cpu_16(p->dst_port), want->dst_port);
	}
}

/* The frame, read by other code than wrote it, and what the caller is told of it. */
static void assert_packet(struct fixture *f, const struct sl_parsed *p, const struct seen *want)
{
	struct sl_parsed read = wire_parsed(frame_of(f), f->mbuf.data_len);

	assert_null(wire_wrong(frame_of(f), f->mbuf.data_len));
	assert_int_equal(f->mbuf.data_len, f->mbuf.pkt_len);
	assert_int_equal(f->mbuf.data_len, read.l3_offset + read.l3_length);
	assert_seen(&read, want);
	assert_seen(p, want);
	assert_int_equal(p->l3_length, read.l3_length);
	assert_int_equal(p->payload, read.payload);
}

static struct seen at_client(const struct fixture *f)
{
	return (struct seen){f->client_family, CLIENT, VIP, CLIENT_PORT, VIP_PORT};
}

static struct seen at_server(const struct fixture *f)
{
	return (struct seen){f->server_family, LOCAL, SERVER, LOCAL_PORT, SERVER_PORT};
}

static struct seen reversed(struct seen s)
{
	return (struct seen){s.family, s.n_dst, s.n_src, s.dst_port, s.src_port};
}

static size_t
write_packet(const struct fixture *f, const struct seen *s, uint16_t payload, uint8_t *frame)
{
	const struct wire w = {.family = s->family,
		.protocol = f->protocol,
		.n_src = s->n_src,
		.n_dst = s->n_dst,
		.src_port = s->src_port,
		.dst_port = s->dst_port,
		.seq = 1000,
		.ack = 2000,
		.flags = SL_TCP_ACK,
		.payload = payload};

	return wire_write(&w, frame);
}

#define FOR_EACH(f)                                                                                \
	for (unsigned n_ = 0; n_ < 8; n_++)                                                        \
		if (fixture_make(&(f), n_ & 1 ? 6 : 4, n_ & 2 ? 6 : 4,                             \
			    n_ & 4 ? IPPROTO_UDP : IPPROTO_TCP),                                   \
			true)

static enum sl_drop to_server(struct fixture *f, struct sl_parsed *p)
{
	enum sl_drop drop = sl_fullnat_name_client(&f->w, &f->c, &f->mbuf, p, MTU);

	return drop != SL_DROP_COUNT ? drop : sl_fullnat_aim(&f->c, SL_DIR_IN, &f->mbuf, p);
}

static enum sl_drop to_client(struct fixture *f, struct sl_parsed *p)
{
	sl_fullnat_hear_server(&f->c, &f->mbuf, p);
	return sl_fullnat_aim(&f->c, SL_DIR_OUT, &f->mbuf, p);
}

static void a_request_reaches_the_server_from_the_local_endpoint(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		uint8_t frame[WIRE_MAX];
		struct seen from = at_client(&f), to = at_server(&f);
		struct sl_parsed p = put(&f, frame, write_packet(&f, &from, 333, frame));

		assert_int_equal(to_server(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &to);
		assert_int_equal(p.payload, 333);
		free(f.buffer);
	}
}

static void a_reply_reaches_the_client_from_the_vip(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		uint8_t frame[WIRE_MAX];
		struct seen from = reversed(at_server(&f)), to = reversed(at_client(&f));
		struct sl_parsed p = put(&f, frame, write_packet(&f, &from, 333, frame));

		assert_int_equal(to_client(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &to);
		assert_int_equal(p.payload, 333);
		free(f.buffer);
	}
}

/* A service on any port has that of each connection, and so do servers without one of their own. */
static void ports_that_are_not_set_stay_the_connection_s(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		uint8_t frame[WIRE_MAX];
		struct seen from = at_client(&f), to = at_server(&f);
		struct sl_parsed p;

		f.front.port = 0;
		f.server.port = 0;
		f.side.service_port = rte_cpu_to_be_16(VIP_PORT);
		to.dst_port = VIP_PORT;
		p = put(&f, frame, write_packet(&f, &from, 0, frame));
		assert_int_equal(to_server(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &to);
		to = reversed(to);
		from = reversed(from);
		p = put(&f, frame, write_packet(&f, &to, 0, frame));
		assert_int_equal(to_client(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &from);
		free(f.buffer);
	}
}

static void the_client_is_named_across_families(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		uint8_t frame[WIRE_MAX];
		struct seen from = at_client(&f), to = at_server(&f);
		unsigned header = f.client_family == 4 ? 32 : 56;
		struct sl_parsed p = put(&f, frame, write_packet(&f, &from, 100, frame));
		int before = p.l3_length, growth;

		f.side.flags = SL_SIDE_PROXY;
		f.side.isn = 999;
		growth = sl_fullnat_growth(&f.c, &p);
		assert_int_equal(to_server(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &to);
		assert_int_equal(p.payload, 100 + header);
		assert_int_equal(p.l3_length, before + growth);
		assert_memory_equal(frame_of(&f) + p.l3_offset + p.l3_length - 100 - header,
			"\r\n\r\n\0\r\nQUIT\n", 12);
		free(f.buffer);
	}
}

static void frames_on_ethernet_may_be_padded(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		uint8_t frame[WIRE_MAX] = {0};
		struct seen from = at_client(&f), to = at_server(&f);
		size_t length = write_packet(&f, &from, 0, frame);
		struct sl_parsed p = put(&f, frame, length + 6);

		f.side.flags = SL_SIDE_PROXY;
		f.side.isn = 999;
		assert_int_equal(to_server(&f, &p), SL_DROP_COUNT);
		assert_packet(&f, &p, &to);
		free(f.buffer);
	}
}

static void without_room_in_front_nothing_is_named(void **state)
{
	uint8_t frame[WIRE_MAX];
	struct seen from;
	struct sl_parsed p;
	struct fixture f;

	fixture_make(&f, 4, 4, IPPROTO_TCP);
	from = at_client(&f);
	p = put(&f, frame, write_packet(&f, &from, 0, frame));
	f.mbuf.buf_addr = f.buffer + RTE_PKTMBUF_HEADROOM - 50;
	f.mbuf.data_off = 50;
	f.side.flags = SL_SIDE_PROXY;
	assert_int_equal(to_server(&f, &p), SL_DROP_NO_HEADROOM);
	free(f.buffer);
}

/* An error about `quoted`, from a router on that packet's way. */
static struct sl_parsed
put_error(struct fixture *f, const struct seen *quoted, size_t n, struct sl_parsed *inner)
{
	uint8_t frame[WIRE_MAX], error[WIRE_MAX];
	bool v6 = quoted->family == 6;
	struct sl_parsed p;
	size_t length;

	write_packet(f, quoted, 200, frame);
	length = wire_error(
		quoted->family, v6 ? 2 : 3, v6 ? 0 : 4, 1400, frame + WIRE_ETHER, n, error);
	p = put(f, error, length);
	*inner = wire_quoted(error, length, &p);
	return p;
}

static void assert_error(struct fixture *f, const struct sl_parsed *p, uint8_t n_src,
	const struct seen *quoted, uint32_t mtu)
{
	struct sl_parsed read = wire_parsed(frame_of(f), f->mbuf.data_len), inner;
	struct seen outer = {quoted->family, n_src, quoted->n_src, 0, 0};

	assert_null(wire_wrong(frame_of(f), f->mbuf.data_len));
	assert_seen(&read, &outer);
	assert_seen(p, &outer);
	inner = wire_quoted(frame_of(f), f->mbuf.data_len, &read);
	assert_true(inner.has_l4);
	assert_seen(&inner, quoted);
	assert_int_equal(wire_get32(frame_of(f) + read.l4_offset + 4), mtu);
}

/* Families that differ move the MTU, too: an IPv6 header is longer. */
static uint32_t mtu_from(uint8_t from, uint8_t to)
{
	return from == to ? 1400 : from == 4 ? 1420 : 1380;
}

static void errors_about_requests_reach_the_client(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		for (unsigned n = 48; n <= 100; n += 20) {
			struct seen quoted = at_server(&f), at = at_client(&f);
			struct sl_parsed inner, p = put_error(&f, &quoted, n, &inner);

			assert_int_equal(sl_fullnat_error_to_client(&f.c, &f.mbuf, &p, &inner),
				SL_DROP_COUNT);
			assert_error(&f, &p, VIP, &at, mtu_from(f.server_family, f.client_family));
		}
		free(f.buffer);
	}
}

static void errors_about_replies_reach_the_server(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		for (unsigned n = 48; n <= 100; n += 20) {
			struct seen quoted = reversed(at_client(&f)), at = reversed(at_server(&f));
			struct sl_parsed inner, p = put_error(&f, &quoted, n, &inner);

			assert_int_equal(sl_fullnat_error_to_server(&f.c, &f.mbuf, &p, &inner),
				SL_DROP_COUNT);
			assert_error(
				&f, &p, LOCAL, &at, mtu_from(f.client_family, f.server_family));
		}
		free(f.buffer);
	}
}

/* What the header takes of the path's MTU the client must not take. */
static void an_mtu_is_lowered_by_the_header(void **state)
{
	struct fixture f;

	FOR_EACH(f)
	{
		struct seen quoted = at_server(&f), at = at_client(&f);
		uint32_t header = f.client_family == 4 ? 32 : 56;
		struct sl_parsed inner, p = put_error(&f, &quoted, 100, &inner);

		f.side.flags = SL_SIDE_PROXY;
		f.side.isn = 999;
		assert_int_equal(
			sl_fullnat_error_to_client(&f.c, &f.mbuf, &p, &inner), SL_DROP_COUNT);
		assert_error(&f, &p, VIP, &at, mtu_from(f.server_family, f.client_family) - header);
		free(f.buffer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_reaches_the_server_from_the_local_endpoint),
		cmocka_unit_test(a_reply_reaches_the_client_from_the_vip),
		cmocka_unit_test(ports_that_are_not_set_stay_the_connection_s),
		cmocka_unit_test(the_client_is_named_across_families),
		cmocka_unit_test(frames_on_ethernet_may_be_padded),
		cmocka_unit_test(without_room_in_front_nothing_is_named),
		cmocka_unit_test(errors_about_requests_reach_the_client),
		cmocka_unit_test(errors_about_replies_reach_the_server),
		cmocka_unit_test(an_mtu_is_lowered_by_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
