/* SPDX-License-Identifier: BSD-3-Clause */
#include "relay.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_ring.h>

#include "lb/publish.h"

#define SEGMENTS_MAX 64
#define VLAN_TAG     4
#define FRAME_MIN    60 /* what Ethernet demands, without the checksum */

static void drop(struct sl_relay *relay, struct rte_mbuf **pkts, unsigned n, enum sl_drop reason)
{
	if (n == 0)
		return;
	sl_count_add(relay->stats.drops[reason], n);
	relay->free(relay->free_arg, pkts, n);
}

/* The next packets of a class, from one worker's ring; each worker has its turn. */
static unsigned take(struct sl_relay *relay, enum sl_punt_class class, struct rte_mbuf **pkts)
{
	for (unsigned i = 0; i < relay->n_workers; i++) {
		unsigned w = (relay->next_worker[class] + i) % relay->n_workers;
		unsigned n;

		n = rte_ring_sc_dequeue_burst(
			relay->workers[w]->punt[class], (void **)pkts, SL_RELAY_CHUNK, NULL);
		if (n > 0) {
			relay->next_worker[class] = (w + 1) % relay->n_workers;
			return n;
		}
	}
	return 0;
}

/*
 * The class is over its rate: what waits in its rings would only get old there. Bounded, and not
 * part of the pass: a flood in one class must not keep the classes below from their turn.
 */
static void shed(struct sl_relay *relay, enum sl_punt_class class)
{
	struct rte_mbuf *pkts[SL_RELAY_CHUNK];
	unsigned n;

	for (unsigned done = 0; done < SL_RELAY_PASS; done += n) {
		n = take(relay, class, pkts);
		if (n == 0)
			break;
		drop(relay, pkts, n, SL_DROP_PUNT_RATE);
	}
}

static bool write_frame(int fd, const struct rte_mbuf *mbuf)
{
	struct iovec parts[SEGMENTS_MAX];
	ssize_t written;
	int n = 0;

	if (mbuf->nb_segs > SEGMENTS_MAX)
		return false;
	for (const struct rte_mbuf *m = mbuf; m != NULL && n < SEGMENTS_MAX; m = m->next) {
		parts[n].iov_base = rte_pktmbuf_mtod(m, void *);
		parts[n].iov_len = m->data_len;
		n++;
	}
	do
		written = writev(fd, parts, n);
	while (written < 0 && errno == EINTR);
	return written == (ssize_t)mbuf->pkt_len;
}

/* Returns the number written; *over when the class used up its rate. */
static unsigned deliver(struct sl_relay *relay, enum sl_punt_class class, struct rte_mbuf **pkts,
	unsigned n, uint64_t now_ns, bool *over)
{
	uint32_t rate = __atomic_load_n(&relay->rates[class], __ATOMIC_RELAXED);
	unsigned written = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = pkts[i];
		int fd = mbuf->port < SL_PORTS_MAX ? relay->ports[mbuf->port].fd : -1;

		if (fd < 0) {
			drop(relay, &mbuf, 1, SL_DROP_PUNT_NO_TWIN);
		} else if (!sl_bucket_take(&relay->buckets[class], rate, now_ns)) {
			drop(relay, &mbuf, 1, SL_DROP_PUNT_RATE);
			*over = true;
		} else if (!write_frame(fd, mbuf)) {
			drop(relay, &mbuf, 1, SL_DROP_TWIN_WRITE);
		} else {
			sl_count_add(relay->stats.to_linux[class], 1);
			sl_count_add(relay->stats.to_linux_bytes, mbuf->pkt_len);
			relay->free(relay->free_arg, &mbuf, 1);
			written++;
		}
	}
	return written;
}

unsigned sl_relay_to_linux(struct sl_relay *relay, uint64_t now_ns)
{
	struct rte_mbuf *pkts[SL_RELAY_CHUNK];
	bool over[SL_PUNT_COUNT] = {false};
	unsigned taken = 0, written = 0, class = 0, n;

	/* After each chunk the classes above have their chance again. */
	while (taken < SL_RELAY_PASS && class < SL_PUNT_COUNT) {
		n = over[class] ? 0 : take(relay, class, pkts);
		if (n == 0) {
			class ++;
			continue;
		}
		taken += n;
		written += deliver(relay, class, pkts, n, now_ns, &over[class]);
		if (over[class])
			shed(relay, class);
		class = 0;
	}
	return written;
}

/*
 * Copies the frame into buffers of the port, padded to what Ethernet demands; NULL without room.
 */
static struct rte_mbuf *
fill(struct sl_relay *relay, const struct sl_relay_port *port, size_t length)
{
	struct rte_mbuf *head = NULL, *tail = NULL, *mbuf;
	size_t done = 0;

	if (length < FRAME_MIN) {
		memset(relay->frame + length, 0, FRAME_MIN - length);
		length = FRAME_MIN;
	}
	while (done < length) {
		size_t part = length - done;

		mbuf = port->alloc(port->arg);
		if (mbuf == NULL || rte_pktmbuf_tailroom(mbuf) == 0)
			goto no_room;
		if (part > rte_pktmbuf_tailroom(mbuf))
			part = rte_pktmbuf_tailroom(mbuf);
		memcpy(rte_pktmbuf_mtod(mbuf, void *), relay->frame + done, part);
		mbuf->data_len = part;
		done += part;
		if (head == NULL) {
			head = mbuf;
			head->pkt_len = length;
			head->nb_segs = 1;
		} else {
			tail->next = mbuf;
			head->nb_segs++;
		}
		tail = mbuf;
	}
	return head;

no_room:
	if (mbuf != NULL)
		relay->free(relay->free_arg, &mbuf, 1);
	if (head != NULL)
		relay->free(relay->free_arg, &head, 1);
	return NULL;
}

static void send_out(struct sl_relay *relay, const struct sl_relay_port *port,
	struct rte_mbuf **pkts, unsigned n)
{
	uint64_t bytes[SL_RELAY_CHUNK];
	unsigned sent;

	/* A packet that was taken is no longer ours to look at. */
	for (unsigned i = 0; i < n; i++)
		bytes[i] = pkts[i]->pkt_len;
	sent = port->send(port->arg, pkts, n);
	for (unsigned i = 0; i < sent; i++)
		sl_count_add(relay->stats.from_linux_bytes, bytes[i]);
	sl_count_add(relay->stats.from_linux, sent);
	drop(relay, pkts + sent, n - sent, SL_DROP_TX_FULL);
}

unsigned sl_relay_from_linux(struct sl_relay *relay, uint16_t index)
{
	struct sl_relay_port *port = &relay->ports[index];
	struct rte_mbuf *pkts[SL_RELAY_CHUNK];
	ssize_t longest =
		RTE_ETHER_HDR_LEN + VLAN_TAG + __atomic_load_n(&port->mtu, __ATOMIC_RELAXED);
	unsigned frames = 0, n = 0;
	ssize_t length;

	for (; frames < SL_RELAY_CHUNK; frames++) {
		length = read(port->fd, relay->frame, sizeof(relay->frame));
		if (length < 0)
			break;
		if (length < RTE_ETHER_HDR_LEN) {
			sl_count_add(relay->stats.drops[SL_DROP_TRUNCATED], 1);
			continue;
		}
		if (length > longest) {
			sl_count_add(relay->stats.drops[SL_DROP_MALFORMED], 1);
			continue;
		}
		pkts[n] = fill(relay, port, length);
		if (pkts[n] == NULL) {
			sl_count_add(relay->stats.drops[SL_DROP_NO_MBUF], 1);
			continue;
		}
		pkts[n++]->port = index;
	}
	if (n > 0)
		send_out(relay, port, pkts, n);
	return frames;
}
