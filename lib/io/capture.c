/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/capture.h"

#include <errno.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "base/clock.h"
#include "io/bare.h"

#define FRAME_MAX 65535

struct sl_capture_reader {
	pcap_t *pcap;
	int failed; /* what the next read returns; 0 = none */
};

struct sl_capture_writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
};

struct sl_capture_reader *sl_capture_open(const char *path, struct sl_err *err)
{
	struct sl_capture_reader *reader = calloc(1, sizeof(*reader));
	char why[PCAP_ERRBUF_SIZE];

	if (reader == NULL) {
		sl_err_set(err, ENOMEM, NULL, "no memory to read %s", path);
		return NULL;
	}
	reader->pcap = pcap_open_offline(path, why);
	if (reader->pcap == NULL) {
		sl_err_set(err, EINVAL, NULL, "%s", why);
		goto no_pcap;
	}
	if (pcap_datalink(reader->pcap) != DLT_EN10MB) {
		sl_err_set(err, EINVAL, NULL, "%s: not a capture of Ethernet frames", path);
		goto not_ethernet;
	}
	return reader;

not_ethernet:
	pcap_close(reader->pcap);
no_pcap:
	free(reader);
	return NULL;
}

/* One packet; 0 at the end. */
static int read_one(struct sl_capture_reader *reader, uint16_t priv_size, struct rte_mbuf **mbuf)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int result = pcap_next_ex(reader->pcap, &header, &bytes);

	if (result == PCAP_ERROR_BREAK)
		return 0;
	if (result != 1 || header->caplen != header->len)
		return -EBADMSG;
	*mbuf = sl_bare_new(bytes, header->caplen, priv_size);
	return *mbuf == NULL ? -ENOMEM : 1;
}

int sl_capture_read(
	struct sl_capture_reader *reader, uint16_t priv_size, struct rte_mbuf **pkts, unsigned max)
{
	unsigned n = 0;
	int result = 1;

	if (reader->failed != 0)
		return reader->failed;
	while (n < max && (result = read_one(reader, priv_size, &pkts[n])) > 0)
		n++;
	if (result < 0)
		reader->failed = result;
	return n > 0 ? (int)n : result;
}

void sl_capture_close(struct sl_capture_reader *reader)
{
	if (reader == NULL)
		return;
	pcap_close(reader->pcap);
	free(reader);
}

struct sl_capture_writer *sl_capture_create(const char *path, struct sl_err *err)
{
	struct sl_capture_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		goto no_memory;
	writer->pcap = pcap_open_dead_with_tstamp_precision(
		DLT_EN10MB, FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
	if (writer->pcap == NULL)
		goto no_memory;
	writer->dumper = pcap_dump_open(writer->pcap, path);
	if (writer->dumper == NULL) {
		sl_err_set(err, EIO, NULL, "%s", pcap_geterr(writer->pcap));
		goto no_file;
	}
	return writer;

no_memory:
	sl_err_set(err, ENOMEM, NULL, "no memory to write %s", path);
no_file:
	if (writer != NULL && writer->pcap != NULL)
		pcap_close(writer->pcap);
	free(writer);
	return NULL;
}

void sl_capture_write(struct sl_capture_writer *writer, uint64_t time_ns,
	struct rte_mbuf *const *pkts, unsigned n)
{
	uint8_t frame[FRAME_MAX];

	for (unsigned i = 0; i < n; i++) {
		uint32_t length = RTE_MIN(pkts[i]->pkt_len, (uint32_t)FRAME_MAX);
		struct pcap_pkthdr header = {
			.ts.tv_sec = (time_t)(time_ns / SL_NS_PER_S),
			.ts.tv_usec = (suseconds_t)(time_ns % SL_NS_PER_S), /* ns, as opened */
			.caplen = length,
			.len = pkts[i]->pkt_len,
		};
		const void *bytes = rte_pktmbuf_read(pkts[i], 0, length, frame);

		if (bytes != NULL)
			pcap_dump((u_char *)writer->dumper, &header, bytes);
	}
}

int sl_capture_finish(struct sl_capture_writer *writer)
{
	int result = 0;

	if (writer == NULL)
		return 0;
	errno = 0;
	if (pcap_dump_flush(writer->dumper) != 0)
		result = errno != 0 ? -errno : -EIO;
	pcap_dump_close(writer->dumper);
	pcap_close(writer->pcap);
	free(writer);
	return result;
}
