/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/log.h"
#include "base/units.h"
#include "eal.h"
#include "lb/conn.h"
#include "lb/datagram.h"
#include "lb/engine.h"
#include "lb/fib.h"
#include "lb/ids.h"
#include "lb/side.h"
#include "lb/store.h"
#include "sysfile.h"

#define MEGABYTE ((uint64_t)1 << 20)

#define CONNECTIONS_MIN        (1ull << 16)
#define CONNECTIONS_MAX        (1ull << 24)
#define CONNECTIONS_SMALL_PAGE (1ull << 20) /* default without huge pages */
#define WIDE_SHARE             8            /* one wide connection for so many others */
#define SIDES_SHARE            8            /* one side record for so many connections */

/*
 * What the engine's objects take beside tables and buffers; generous, since nothing grows later.
 */
#define BASE_BYTES        (64 * MEGABYTE)
#define SERVICE_BYTES     512ull /* per service, and a cell per worker */
#define SERVER_BYTES      384ull /* per server, and a line of counters per worker */
#define PER_WORKER_BYTES  64ull
#define BUFFER_HEAD_BYTES 256ull /* rte_mbuf, private area, mempool header */

/* Huge pages of one size, and where they are mounted. */
struct pages {
	uint64_t size;
	uint64_t total; /* pages */
	uint64_t free;  /* of these, those that our own files of an earlier run hold included */
	char mount[PATH_MAX];
};

uint16_t sl_memory_buffer_room(const struct sl_conf *conf)
{
	unsigned room = RTE_MBUF_DEFAULT_DATAROOM;

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		/* Two VLAN tags: what a NIC lets through beyond the MTU. */
		unsigned frame = conf->ports[i].mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8u;

		if (frame > room)
			room = frame;
	}
	return (uint16_t)(RTE_ALIGN_CEIL(room, 64) + RTE_PKTMBUF_HEADROOM);
}

uint32_t sl_memory_buffers(const struct sl_conf *conf, const struct sl_conf_port *port)
{
	uint32_t queues = conf->n_workers;

	if (port->vlan != 0)
		return 0; /* a VLAN's are its parent's */
	/* One transmit queue more: that of the twin thread. */
	return queues * port->rx_descriptors + (queues + 1u) * port->tx_descriptors +
		queues * SL_TX_RING;
}

uint32_t sl_memory_buffers_in_rings(const struct sl_conf *conf)
{
	uint32_t workers = conf->n_workers;

	return workers * (workers - 1) * SL_HANDOVER_RING + workers * SL_PUNT_COUNT * SL_PUNT_RING +
		workers * (SL_POOL_CACHE * 2 + SL_WAITING);
}

static uint64_t dpdk_bytes(const struct sl_conf *conf)
{
	uint64_t buffers = sl_memory_buffers_in_rings(conf), bytes;

	for (uint32_t i = 0; i < conf->n_ports; i++)
		buffers += sl_memory_buffers(conf, &conf->ports[i]);
	bytes = BASE_BYTES + buffers * (sl_memory_buffer_room(conf) + BUFFER_HEAD_BYTES);
	bytes += conf->n_workers * sl_datagrams_bytes();
	bytes += conf->max_services * (SERVICE_BYTES + PER_WORKER_BYTES * conf->n_workers);
	bytes += conf->max_servers * (SERVER_BYTES + PER_WORKER_BYTES * conf->n_workers);
	bytes += sl_fib_bytes(conf->max_routes);
	return RTE_ALIGN_CEIL(bytes, 2 * MEGABYTE);
}

static uint64_t wide_connections(const struct sl_conf *conf, uint64_t connections)
{
	return conf->connections_wide != 0 ? conf->connections_wide
					   : (connections + WIDE_SHARE - 1) / WIDE_SHARE;
}

/* Connections that need a side record. */
static uint64_t sides_of(const struct sl_conf *conf, uint64_t connections)
{
	return conf->fullnat_connections != 0 ? conf->fullnat_connections
					      : (connections + SIDES_SHARE - 1) / SIDES_SHARE;
}

static uint64_t share_of(const struct sl_conf *conf, uint64_t connections)
{
	return (connections + conf->n_workers - 1) / conf->n_workers;
}

/*
 * As the engine lays them out: for each worker two tables and a pool of side records, and the two
 * maps of ids; and the store's own file.
 */
static uint64_t store_bytes(const struct sl_conf *conf, uint64_t connections, uint64_t page)
{
	uint64_t share = share_of(conf, connections);
	uint64_t wide = share_of(conf, wide_connections(conf, connections));
	uint64_t sides = share_of(conf, sides_of(conf, connections)), bytes;

	bytes = conf->n_workers *
		(RTE_ALIGN_CEIL(sl_conn_table_bytes(SL_CONN_NARROW, share), page) +
			RTE_ALIGN_CEIL(sl_conn_table_bytes(SL_CONN_WIDE, wide), page) +
			RTE_ALIGN_CEIL(sl_side_pool_bytes(sides), page));
	bytes += RTE_ALIGN_CEIL(sl_store_header_bytes(), page);
	bytes += RTE_ALIGN_CEIL(
		sl_ids_bytes(sl_engine_front_ids(conf->max_services, conf->max_servers)), page);
	bytes += RTE_ALIGN_CEIL(sl_ids_bytes(conf->max_servers), page);
	return bytes;
}

/* Bytes of the files in a directory; 0 when there is none. */
static uint64_t directory_bytes(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat status;
	uint64_t bytes = 0;

	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' &&
			fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)status.st_blocks * 512;
	}
	closedir(directory);
	return bytes;
}

/* What an earlier run of the instance left in EAL's files on hugetlbfs: EAL frees them at its
 * start. */
static uint64_t eal_bytes(const char *mount, const char *instance)
{
	char prefix[SL_INSTANCE_MAX + 16];
	DIR *directory = opendir(mount);
	const struct dirent *entry;
	struct stat status;
	uint64_t bytes = 0;

	if (directory == NULL)
		return 0;
	snprintf(prefix, sizeof(prefix), SL_EAL_PREFIX "%smap_", instance);
	while ((entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
			fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)status.st_blocks * 512;
	}
	closedir(directory);
	return bytes;
}

static uint64_t default_page_size(const char *root)
{
	char text[4096];
	const char *at;

	if (sl_sysfile_read(text, sizeof(text), "%s/proc/meminfo", root) < 0)
		return 2 * MEGABYTE;
	at = strstr(text, "Hugepagesize:");
	return at != NULL ? strtoull(at + 13, NULL, 10) << 10 : 2 * MEGABYTE;
}

/* The page size of a hugetlbfs mount. */
static uint64_t mounted_size(const struct mntent *entry, uint64_t default_size)
{
	const char *option = hasmntopt(entry, "pagesize");
	uint64_t size = default_size;
	char text[24];

	if (option != NULL && (option = strchr(option, '=')) != NULL) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(option + 1, ","), option + 1);
		sl_size_parse(text, &size);
	}
	return size;
}

static bool holds_store(const char *mount, const char *instance)
{
	return sl_sysfile_exists("%s/" SL_EAL_PREFIX "%s", mount, instance);
}

/*
 * The mount point of hugetlbfs with pages of `size`; "" when there is none. Of several the one with
 * the instance's tables, else the usual place: others are mounted for somebody else.
 */
static void find_mount(const char *root, const char *instance, uint64_t size, char mount[PATH_MAX])
{
	uint64_t default_size = default_page_size(root);
	char mounts[PATH_MAX];
	struct mntent *entry;
	int best = -1;
	FILE *file;

	mount[0] = '\0';
	snprintf(mounts, sizeof(mounts), "%s/proc/self/mounts", root);
	file = setmntent(mounts, "r");
	if (file == NULL)
		return;
	while ((entry = getmntent(file)) != NULL) {
		int rank = 0;

		if (strcmp(entry->mnt_type, "hugetlbfs") != 0 ||
			mounted_size(entry, default_size) != size)
			continue;
		if (holds_store(entry->mnt_dir, instance))
			rank = 2;
		else if (strcmp(entry->mnt_dir, "/dev/hugepages") == 0)
			rank = 1;
		if (rank <= best)
			continue;
		best = rank;
		snprintf(mount, PATH_MAX, "%s", entry->mnt_dir);
	}
	endmntent(file);
}

static void read_pages(const char *root, const char *instance, uint64_t size, struct pages *pages)
{
	uint64_t kilobytes = size >> 10;

	memset(pages, 0, sizeof(*pages));
	pages->size = size;
	sl_sysfile_number(&pages->total,
		"%s/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages", root, kilobytes);
	sl_sysfile_number(&pages->free,
		"%s/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/free_hugepages", root,
		kilobytes);
	find_mount(root, instance, size, pages->mount);
}

/* The largest power of two for which the tables stay within `budget`. */
static uint64_t most_connections(const struct sl_conf *conf, uint64_t budget, uint64_t page)
{
	uint64_t connections = CONNECTIONS_MAX;

	while (connections > CONNECTIONS_MIN && store_bytes(conf, connections, page) > budget)
		connections /= 2;
	return connections;
}

/*
 * Sizes as they would be on these pages. They follow from how many there are, not from how many
 * are free: the next start finds the same number, and so the same tables.
 */
static void size_on(const struct sl_conf *conf, const struct pages *pages, struct sl_memory *memory)
{
	uint64_t total = pages->total * pages->size;

	memory->huge = true;
	memory->page = pages->size;
	memory->dpdk_bytes = RTE_ALIGN_CEIL(memory->dpdk_bytes, pages->size);
	memory->connections = conf->connections;
	if (memory->connections == 0)
		memory->connections = most_connections(conf,
			total > memory->dpdk_bytes ? (total - memory->dpdk_bytes) / 2 : 0,
			pages->size);
	memory->connections_wide = wide_connections(conf, memory->connections);
	memory->sides = sides_of(conf, memory->connections);
	memory->store_bytes = store_bytes(conf, memory->connections, pages->size);
	snprintf(memory->mount, sizeof(memory->mount), "%s", pages->mount);
	snprintf(memory->store, sizeof(memory->store), "%s/%s%s", pages->mount, SL_EAL_PREFIX,
		conf->instance);
}

/* Pages that are missing for these sizes; what an earlier run still holds is as good as free. */
static uint64_t
missing_pages(const struct sl_conf *conf, const struct pages *pages, const struct sl_memory *memory)
{
	uint64_t need = memory->dpdk_bytes + memory->store_bytes;
	uint64_t have = pages->free * pages->size;

	if (pages->mount[0] != '\0')
		have += directory_bytes(memory->store) + eal_bytes(pages->mount, conf->instance);
	return have >= need ? 0 : (need - have + pages->size - 1) / pages->size;
}

static void want_pages(const struct sl_conf *conf, const struct pages *pages,
	const struct sl_memory *memory, struct sl_problems *problems)
{
	uint64_t missing = missing_pages(conf, pages, memory);
	uint64_t kilobytes = pages->size >> 10;

	if (missing > 0) {
		sl_problem_add(problems,
			"not enough huge pages: %" PRIu64 " more of %" PRIu64 " kB are needed "
			"(%" PRIu64 " are free)",
			missing, kilobytes, pages->free);
		sl_problem_mend(problems,
			"run: echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
			"kB/nr_hugepages",
			pages->total + missing, kilobytes);
	}
	if (pages->mount[0] == '\0') {
		sl_problem_add(problems, "no hugetlbfs with pages of %" PRIu64 " kB is mounted",
			kilobytes);
		sl_problem_mend(problems,
			"run: mkdir -p /dev/hugepages && mount -t hugetlbfs -o pagesize=%" PRIu64
			"K hugetlbfs /dev/hugepages",
			kilobytes);
	}
}

static uint64_t available_bytes(const char *root)
{
	char text[4096];
	const char *at;

	if (sl_sysfile_read(text, sizeof(text), "%s/proc/meminfo", root) < 0)
		return UINT64_MAX;
	at = strstr(text, "MemAvailable:");
	return at != NULL ? strtoull(at + 13, NULL, 10) << 10 : UINT64_MAX;
}

static void size_on_small_pages(const struct sl_conf *conf, const char *root,
	struct sl_memory *memory, struct sl_problems *problems)
{
	uint64_t available = available_bytes(root), held;
	struct statvfs space;
	char shm[PATH_MAX];

	memory->huge = false;
	memory->page = 4096;
	memory->mount[0] = '\0';
	memory->connections = conf->connections != 0 ? conf->connections : CONNECTIONS_SMALL_PAGE;
	memory->connections_wide = wide_connections(conf, memory->connections);
	memory->sides = sides_of(conf, memory->connections);
	memory->store_bytes = store_bytes(conf, memory->connections, memory->page);
	snprintf(shm, sizeof(shm), "%s/dev/shm", root);
	snprintf(memory->store, sizeof(memory->store), "%s/%s%s", shm, SL_EAL_PREFIX,
		conf->instance);
	held = directory_bytes(memory->store);
	if (memory->dpdk_bytes + memory->store_bytes > available + held) {
		sl_problem_add(problems,
			"too little memory: %" PRIu64 " MB are needed, %" PRIu64
			" MB are available",
			(memory->dpdk_bytes + memory->store_bytes) / MEGABYTE,
			(available + held) / MEGABYTE);
		sl_problem_mend(problems, "lower \"connections\", descriptors or \"memory\"");
	}
	if (statvfs(shm, &space) == 0 &&
		(uint64_t)space.f_bavail * space.f_frsize + held < memory->store_bytes) {
		sl_problem_add(problems,
			"too little room for the connection tables: /dev/shm has %" PRIu64
			" MB left, %" PRIu64 " MB are needed",
			(uint64_t)space.f_bavail * space.f_frsize / MEGABYTE,
			memory->store_bytes / MEGABYTE);
		sl_problem_mend(problems, "run: mount -o remount,size=%" PRIu64 "M /dev/shm",
			((uint64_t)(space.f_blocks - space.f_bavail) * space.f_frsize +
				memory->store_bytes) /
					MEGABYTE +
				1);
	}
}

void sl_memory_plan(const struct sl_conf *conf, const char *root, struct sl_memory *memory,
	struct sl_problems *problems)
{
	static const uint64_t sizes[] = {1024 * MEGABYTE, 2 * MEGABYTE};
	uint64_t bytes = conf->memory != 0 ? conf->memory : dpdk_bytes(conf);
	struct pages pages;

	memset(memory, 0, sizeof(*memory));
	for (size_t i = 0; conf->huge_pages != SL_HUGE_OFF && i < RTE_DIM(sizes); i++) {
		memory->dpdk_bytes = bytes;
		read_pages(root, conf->instance, sizes[i], &pages);
		size_on(conf, &pages, memory);
		if (pages.mount[0] != '\0' && missing_pages(conf, &pages, memory) == 0)
			return;
	}
	if (conf->huge_pages == SL_HUGE_ON) {
		/* What the machine lacks is said for the page size that it uses by default. */
		memory->dpdk_bytes = bytes;
		read_pages(root, conf->instance, default_page_size(root), &pages);
		size_on(conf, &pages, memory);
		want_pages(conf, &pages, memory, problems);
		return;
	}
	memory->dpdk_bytes = bytes;
	size_on_small_pages(conf, root, memory, problems);
}

void sl_memory_log(const struct sl_conf *conf, const struct sl_memory *memory)
{
	if (!memory->huge && conf->huge_pages == SL_HUGE_AUTO)
		sl_log_notice("running without huge pages, at a fraction of the speed: too few are "
			      "free, or hugetlbfs is not mounted; \"huge_pages\": \"on\" says "
			      "what is missing");
	sl_log_info("%" PRIu64 " connections; memory: %" PRIu64 " MB for DPDK, %" PRIu64
		    " MB for tables in %s",
		memory->connections, memory->dpdk_bytes / MEGABYTE, memory->store_bytes / MEGABYTE,
		memory->store);
}

const char *sl_memory_store_candidate(
	const char *root, const char *instance, unsigned n, char path[PATH_MAX + 64])
{
	static const uint64_t sizes[] = {2 * MEGABYTE, 1024 * MEGABYTE};
	struct pages pages;

	if (n == 0) {
		snprintf(path, PATH_MAX + 64, "%s/dev/shm/%s%s", root, SL_EAL_PREFIX, instance);
		return path;
	}
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		read_pages(root, instance, sizes[i], &pages);
		if (pages.mount[0] == '\0' || --n > 0)
			continue;
		snprintf(path, PATH_MAX + 64, "%s/%s%s", pages.mount, SL_EAL_PREFIX, instance);
		return path;
	}
	return NULL;
}
