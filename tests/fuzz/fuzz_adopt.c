/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of connection tables that somebody has damaged, as a start finds them: they are adopted or
 * refused, and what was adopted is sound and goes on working. The files are those of a director
 * that had connections of every kind; the input says what happened to them since, change by change:
 *
 *	file and kind, offset (2, little endian), number of bytes	and so many bytes
 *
 * Kinds: bytes are written, or added to what is there; one cache line becomes the copy of another;
 * the file is cut, or is gone; an entry is put where an entry of its key belongs. Offsets count
 * from the end of what the files have at their start (headers) and wrap round. The sum in the
 * header is right, unless the first byte of the input is odd.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "lb/conn.h"
#include "lb/side.h"
#include "lb/store.h"
#include "ledger.h"
#include "packet.h"
#include "script.h"
#include "sound.h"

#define PAGE      4096
#define CHANGE    4 /* bytes in front of a change's own */
#define LINE      64
#define IDS       120 /* damage reaches a page of them, and the configuration has room behind it */
#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull
#define FORGET_NS (43201 * SL_NS_PER_S) /* longer than any timeout */
#define LINGER_NS ((SL_SIDE_LINGER_S + 1) * SL_NS_PER_S)

static const char *const names[] = {"header", "narrow-0", "wide-0", "sides-0", "fronts", "servers"};
enum { HEADER, NARROW, WIDE, SIDES, FRONTS, SERVERS, FILES };
enum kind { WRITE, ADD, COPY, CUT, ENTRY, KINDS };

static const char *const services[] = {
	"tcp 198.51.100.1:80 rr 192.0.2.11 192.0.2.12",
	"tcp 198.51.100.2:80 rr 192.0.2.12:8080/nat",
	"udp [2001:db8:64::2]:53 rr [2001:db8:a::12]:5353/nat",
	"tcp 198.51.100.3:0 rr 192.0.2.13:0/nat",
	"tcp 198.51.100.4:80 rr 192.0.2.14/tun:ipip",
	"tcp 198.51.100.5:80 rr proxy 192.0.2.15:8080/fullnat",
	"udp [2001:db8:64::5]:53 rr 192.0.2.15/fullnat",
};

/* One client each, and one of several. */
static const struct packet packets[] = {
	{.src = PACKET_IP(203, 0, 113, 1), .dst = PACKET_IP(198, 51, 100, 1), .dst_port = 80},
	{.src = PACKET_IP(203, 0, 113, 1), .dst = PACKET_IP(198, 51, 100, 2), .dst_port = 80},
	{.src = PACKET_IP(203, 0, 113, 1), .dst = PACKET_IP(198, 51, 100, 3), .dst_port = 443},
	{.src = PACKET_IP(203, 0, 113, 1), .dst = PACKET_IP(198, 51, 100, 4), .dst_port = 80},
	{.src = PACKET_IP(203, 0, 113, 1), .dst = PACKET_IP(198, 51, 100, 5), .dst_port = 80},
	{.src = PACKET_IP(203, 0, 113, 2), .dst = PACKET_IP(198, 51, 100, 5), .dst_port = 80},
};
static const char *const packets6[][2] = {
	{"2001:db8:c::1", "2001:db8:64::2"}, {"2001:db8:c::1", "2001:db8:64::5"}};

struct file {
	uint8_t *bytes; /* at the start of a cache line */
	size_t length;
	bool gone;
};

static char base[64], directory[80];

/* ---- memory ---- */

/*
 * Large pieces are kept from one start to the next: most of the time would go into page faults.
 * They are of their exact size, as all others are.
 */
#define LARGE  32768
#define PIECES 64

static struct piece {
	void *memory;
	size_t size;
	bool used;
} pieces[PIECES];

static void *zalloc(void *arg, size_t size, size_t align, int numa)
{
	struct piece *piece = pieces;

	if (size < LARGE)
		return sl_zalloc(&sl_alloc_heap, size, align, numa);
	while (piece < pieces + PIECES && piece->memory != NULL &&
		(piece->used || piece->size != size))
		piece++;
	FUZZ_ASSERT(piece < pieces + PIECES);
	if (piece->memory == NULL)
		FUZZ_ASSERT(
			posix_memalign(&piece->memory, RTE_MAX(align, (size_t)LINE), size) == 0);
	piece->size = size;
	piece->used = true;
	return memset(piece->memory, 0, size);
}

static void give_back(void *arg, void *memory)
{
	for (struct piece *piece = pieces; piece < pieces + PIECES; piece++) {
		if (memory != NULL && piece->memory == memory) {
			piece->used = false;
			return;
		}
	}
	sl_free(&sl_alloc_heap, memory);
}

static const struct sl_alloc keeping = {.zalloc = zalloc, .free = give_back};

/* ---- the director ---- */

static struct sl_store *open_store(void)
{
	struct sl_store *store;

	FUZZ_ASSERT(sl_store_open(directory, PAGE, &store, NULL) == 0);
	return store;
}

static void configure(struct rig *rig)
{
	struct sl_addr locals[] = {script_addr("10.9.0.1"), script_addr("fd00:9::1")};
	struct sl_local_source source = {.port = 0, .address = script_addr("192.0.2.1")};
	char line[200], *words[SCRIPT_WORDS_MAX];

	rig_locals(rig, locals, RTE_DIM(locals), &source, 1);
	rig_full_nat(rig, locals, RTE_DIM(locals), 5000, 5063);
	for (unsigned i = 0; i < RTE_DIM(services); i++) {
		snprintf(line, sizeof(line), "service %s", services[i]);
		script_service(rig, words, script_split(line, words));
	}
}

/* Packets of the connections that there are, or were. */
static void talk(struct ledger *ledger)
{
	uint8_t frame[PACKET_MAX];

	for (unsigned i = 0; i < RTE_DIM(packets) + RTE_DIM(packets6); i++) {
		struct packet p = i < RTE_DIM(packets) ? packets[i] : (struct packet){0};

		p.src_port = 1000;
		p.flags = 0x02;
		if (i >= RTE_DIM(packets)) {
			p.from = script_addr(packets6[i - RTE_DIM(packets)][0]);
			p.to = script_addr(packets6[i - RTE_DIM(packets)][1]);
			p.protocol = IPPROTO_UDP;
			p.dst_port = 53;
		}
		ledger_send(ledger, 0, frame, packet_write(&p, frame), (struct ledger_how){0});
	}
}

static void start(struct rig *rig, struct sl_store *store)
{
	struct rig_params params = {.connections = 40,
		.connections_wide = 16,
		.sides = 16,
		.fronts = IDS,
		.servers = IDS,
		.ring = 16,
		.alloc = &keeping,
		.store = store};

	rig_open(rig, &params);
}

static void stop(struct rig *rig, struct sl_store *store)
{
	rig_close(rig);
	sl_store_close(store);
}

/* ---- the files ---- */

static void path_of(unsigned file, char path[160])
{
	snprintf(path, 160, "%s/%s", directory, names[file]);
}

static void read_files(struct file *files)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct stat st;
		char path[160];
		int fd;

		path_of(i, path);
		fd = open(path, O_RDONLY);
		FUZZ_ASSERT(fd >= 0 && fstat(fd, &st) == 0);
		files[i].length = (size_t)st.st_size;
		files[i].bytes = aligned_alloc(LINE, files[i].length);
		FUZZ_ASSERT(read(fd, files[i].bytes, files[i].length) == st.st_size);
		close(fd);
	}
}

static void write_files(const struct file *files)
{
	for (unsigned i = 0; i < FILES; i++) {
		char path[160];
		int fd;

		path_of(i, path);
		unlink(path);
		if (files[i].gone)
			continue;
		fd = open(path, O_RDWR | O_CREAT, 0600);
		FUZZ_ASSERT(fd >= 0);
		FUZZ_ASSERT(write(fd, files[i].bytes, files[i].length) == (ssize_t)files[i].length);
		close(fd);
	}
}

static void clean_up(void)
{
	sl_store_purge(directory, NULL);
	rmdir(base);
}

static const struct file *original(void)
{
	static struct file files[FILES];
	static struct ledger ledger;
	struct sl_store *store;
	struct rig rig;

	if (files[0].bytes != NULL)
		return files;
	snprintf(base, sizeof(base), "%s/fuzz-adopt-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_ASSERT(mkdtemp(base) != NULL);
	snprintf(directory, sizeof(directory), "%s/store", base);
	atexit(clean_up);
	store = open_store();
	start(&rig, store);
	configure(&rig);
	ledger_open(&ledger, &rig);
	talk(&ledger);
	stop(&rig, store);
	read_files(files);
	return files;
}

/* ---- what happened to them ---- */

/* An entry of any kind that a table would take, whatever it names. */
static void put_entry(struct file *file, unsigned which, const uint8_t *bytes, size_t n)
{
	static const uint64_t secret[2] = {1, ~1ull};
	enum sl_conn_form form = which == WIDE ? SL_CONN_WIDE : SL_CONN_NARROW;
	struct sl_conn_view entry = {0}, evicted;
	struct sl_conn_table *table;
	uint64_t hash;

	if (n < 12)
		return;
	entry.key = (struct sl_conn_key){.client_port = bytes[0], .front = bytes[1]};
	memcpy(entry.key.client.bytes, bytes + 2, form == SL_CONN_WIDE ? 8 : 4);
	entry.server = bytes[7];
	entry.side = bytes[8];
	entry.kind = bytes[9] % 4;
	entry.state = entry.kind < SL_CONN_SIDE ? bytes[10] % SL_STATE_COUNT : SL_STATE_NONE;
	table = sl_conn_table_open(file->bytes, form, form == SL_CONN_WIDE ? 16 : 40, secret, true);
	if (table == NULL)
		return;
	hash = entry.kind == SL_CONN_NAT
		? sl_conn_hash_client(table, &entry.key.client, entry.key.client_port)
		: sl_conn_hash(table, &entry.key);
	if (entry.key.front != SL_ID_NONE && sl_conn_find(table, &entry.key, hash).slot == NULL)
		sl_conn_insert(table, &entry, hash, (sl_tick)(1000 + bytes[11]),
			&sl_timeouts_default, &evicted);
	sl_conn_table_close(table);
}

static void change(struct file *files, const uint8_t *data, size_t n)
{
	unsigned which = data[0] % FILES;
	enum kind kind = data[0] / FILES % KINDS;
	struct file *file = &files[which];
	size_t at = (data[1] | (size_t)data[2] << 8) % PAGE;
	const uint8_t *bytes = data + CHANGE;

	if (file->gone || file->length < PAGE)
		return;
	switch (kind) {
	case WRITE:
	case ADD:
		for (size_t i = 0; i < n && at + i < file->length; i++)
			file->bytes[at + i] =
				(uint8_t)(bytes[i] + (kind == ADD ? file->bytes[at + i] : 0));
		break;
	case COPY:
		if (n > 0)
			memmove(file->bytes + at / LINE * LINE,
				file->bytes + bytes[0] % (PAGE / LINE) * LINE, LINE);
		break;
	case CUT:
		file->gone = n == 0;
		file->length = at;
		break;
	default:
		if (which == NARROW || which == WIDE)
			put_entry(file, which, bytes, n);
	}
}

static void seal(struct file *header)
{
	size_t length = sl_store_header_bytes() - sizeof(uint64_t);
	uint64_t sum = FNV_BASIS;

	if (header->gone || header->length <= length)
		return;
	for (size_t i = 0; i < length; i++)
		sum = (sum ^ header->bytes[i]) * FNV_PRIME;
	memcpy(header->bytes + length, &sum, sizeof(sum));
}

static void damage(struct file *files, const uint8_t *data, size_t size)
{
	const struct file *whole = original();
	size_t at = 1;

	for (unsigned i = 0; i < FILES; i++) {
		files[i] = whole[i];
		files[i].bytes = aligned_alloc(LINE, whole[i].length);
		FUZZ_ASSERT(files[i].bytes != NULL);
		memcpy(files[i].bytes, whole[i].bytes, whole[i].length);
	}
	while (at + CHANGE <= size) {
		size_t n = RTE_MIN((size_t)data[at + 3], size - at - CHANGE);

		change(files, data + at, n);
		at += CHANGE + n;
	}
	if (!(data[0] & 1))
		seal(&files[HEADER]);
}

/* ---- the next start ---- */

static void expect(const char *wrong)
{
	if (wrong != NULL)
		fprintf(stderr, "%s\n", wrong);
	FUZZ_ASSERT(wrong == NULL);
}

static void sweep(struct rig *rig)
{
	const struct sl_worker *w = rig->engine->workers[0];
	uint64_t until = w->sweep_rounds + 2;

	while (w->sweep_rounds < until) {
		rig->time.ns += SL_NS_PER_S;
		rig_idle(rig, 0);
	}
}

static void go_on(struct rig *rig)
{
	static struct ledger ledger;

	expect(sound_engine(rig->engine));
	ledger_open(&ledger, rig);
	talk(&ledger); /* before it is known what the configuration says */
	configure(rig);
	expect(sound_engine(rig->engine));
	talk(&ledger);
	expect(sound_engine(rig->engine));
	rig_age(rig);
	rig->time.ns += FORGET_NS;
	sweep(rig);
	rig_age(rig);
	rig->time.ns += LINGER_NS;
	sweep(rig);
	rig_age(rig);
	FUZZ_ASSERT(ledger.n == 0);
	expect(sound_empty(rig->engine));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file files[FILES];
	struct sl_store *store;
	struct rig rig;

	if (size < 1)
		return 0;
	damage(files, data, size);
	write_files(files);
	store = open_store();
	start(&rig, store);
	go_on(&rig);
	stop(&rig, store);
	for (unsigned i = 0; i < FILES; i++)
		free(files[i].bytes);
	return 0;
}
