/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/bare.h"
#include "io/capture.h"

#define PACKETS 70
#define PRIV    64

static char path[] = "/tmp/test_capture.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

static size_t frame_of(unsigned i, uint8_t frame[2000])
{
	memset(frame, (int)i, 2000);
	return 60 + i * 25;
}

static void write_file(void)
{
	struct sl_capture_writer *writer = sl_capture_create(path, NULL);
	uint8_t frame[2000];

	assert_non_null(writer);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct rte_mbuf *mbuf = sl_bare_new(frame, frame_of(i, frame), PRIV);

		assert_non_null(mbuf);
		sl_capture_write(writer, 1000000000ull + i, &mbuf, 1);
		sl_bare_free(mbuf);
	}
	assert_int_equal(sl_capture_finish(writer), 0);
}

static void what_was_written_is_read(void **state)
{
	struct sl_capture_reader *reader;
	struct rte_mbuf *pkts[64];
	uint8_t frame[2000];
	unsigned seen = 0;
	int n;

	write_file();
	reader = sl_capture_open(path, NULL);
	assert_non_null(reader);
	while ((n = sl_capture_read(reader, PRIV, pkts, 64)) > 0) {
		for (int i = 0; i < n; i++, seen++) {
			assert_int_equal(pkts[i]->pkt_len, frame_of(seen, frame));
			assert_int_equal(pkts[i]->data_len, pkts[i]->pkt_len);
			assert_memory_equal(
				rte_pktmbuf_mtod(pkts[i], void *), frame, pkts[i]->pkt_len);
			assert_true(rte_pktmbuf_headroom(pkts[i]) >= 64);
			assert_int_equal(*(uint64_t *)rte_mbuf_to_priv(pkts[i]), 0);
			sl_bare_free(pkts[i]);
		}
	}
	assert_int_equal(n, 0);
	assert_int_equal(seen, PACKETS);
	sl_capture_close(reader);
}

static void a_cut_file_says_so(void **state)
{
	struct sl_capture_reader *reader;
	struct rte_mbuf *pkts[64];
	unsigned seen = 0;
	int n;

	write_file();
	assert_int_equal(truncate(path, 24 + 3 * 16 + 60 + 85 + 100), 0);
	reader = sl_capture_open(path, NULL);
	assert_non_null(reader);
	while ((n = sl_capture_read(reader, PRIV, pkts, 64)) > 0) {
		for (int i = 0; i < n; i++, seen++)
			sl_bare_free(pkts[i]);
	}
	assert_int_equal(seen, 2);
	assert_int_equal(n, -EBADMSG);
	assert_int_equal(sl_capture_read(reader, PRIV, pkts, 64), -EBADMSG);
	sl_capture_close(reader);
}

static void what_is_no_capture_is_refused(void **state)
{
	struct sl_err err = {0};
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("Prot LocalAddress:Port Scheduler Flags\n", file);
	fclose(file);
	assert_null(sl_capture_open(path, &err));
	assert_int_not_equal(err.message[0], 0);
	assert_null(sl_capture_open("/nosuch/file", NULL));
	assert_null(sl_capture_create("/nosuch/file", NULL));
	assert_null(sl_bare_new(path, 65536, PRIV));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(a_cut_file_says_so),
		cmocka_unit_test(what_is_no_capture_is_refused),
	};

	return cmocka_run_group_tests_name("capture", tests, make_file, remove_file);
}
