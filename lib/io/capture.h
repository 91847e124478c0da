/* SPDX-License-Identifier: BSD-3-Clause */
/* Bursts of packets from and to capture files (pcap, Ethernet), as bare mbufs (io/bare.h). */
#ifndef SL_IO_CAPTURE_H
#define SL_IO_CAPTURE_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "base/err.h"

struct sl_capture_reader;
struct sl_capture_writer;

/* NULL with `err` set: no such file, not a capture, not of Ethernet frames. */
struct sl_capture_reader *sl_capture_open(const char *path, struct sl_err *err);

/*
 * The next packets, at most `max`, with private areas of `priv_size` bytes. Their number, 0 at the
 * end of the file. -EBADMSG when the file is damaged or cut off there, -ENOMEM; packets read before
 * that are returned first.
 */
int sl_capture_read(
	struct sl_capture_reader *reader, uint16_t priv_size, struct rte_mbuf **pkts, unsigned max);
void sl_capture_close(struct sl_capture_reader *reader);

/* An existing file is replaced. NULL with `err` set. */
struct sl_capture_writer *sl_capture_create(const char *path, struct sl_err *err);

/* Appends the packets, with all of their segments. They stay the caller's. */
void sl_capture_write(struct sl_capture_writer *writer, uint64_t time_ns,
	struct rte_mbuf *const *pkts, unsigned n);

/* Writes out what is buffered. 0 or -errno of the first write that failed. Accepts NULL. */
int sl_capture_finish(struct sl_capture_writer *writer);

#endif
