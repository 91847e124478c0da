/* SPDX-License-Identifier: BSD-3-Clause */
#include "lb/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <rte_common.h>

#include "lb/types.h"

#define MAGIC     0x65726f7473756c73ull
#define NAME      32
#define FILES_MAX (3 * SL_WORKERS_MAX + 8)
#define HEADER    "header"
#define BOOT_ID   40 /* bytes, more than the kernel's text has */

enum { BEGUN = 1, COMPLETE = 2 };

struct file {
	char name[NAME];
	uint64_t bytes; /* on disk: rounded up to pages */
};

/* The header file. Hugetlbfs knows no write(), so it is mapped like the rest. */
struct header {
	uint64_t magic;
	uint32_t size; /* of this struct */
	uint32_t state;
	struct sl_store_layout layout;
	struct sl_store_secrets secrets;
	char boot[BOOT_ID]; /* times in the files are of this boot's clock */
	uint32_t n_files;
	uint32_t spare;
	struct file files[FILES_MAX];
	uint64_t sum; /* of all before it */
};

struct mapping {
	void *memory;
	size_t bytes;
};

struct sl_store {
	int directory; /* descriptor */
	size_t page;
	bool huge; /* hugetlbfs: memory is reserved by mmap(), and fallocate() would be slow */
	bool adopting;
	struct header *header; /* mapped; NULL until it is begun */
	struct mapping mappings[FILES_MAX];
	unsigned n_mappings;
};

static size_t rounded(const struct sl_store *store, size_t bytes)
{
	return RTE_ALIGN_CEIL(bytes, store->page);
}

size_t sl_store_header_bytes(void)
{
	return sizeof(struct header);
}

/* FNV-1a: against damage, not against people; the directory is ours alone. */
static uint64_t sum_of(const struct header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;
	uint64_t sum = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < offsetof(struct header, sum); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ull;
	return sum;
}

int sl_store_open(const char *directory, size_t page, struct sl_store **out, struct sl_err *err)
{
	struct sl_store *store;
	struct statfs fs;
	struct stat st;
	int fd;

	if (page == 0 || (page & (page - 1)) != 0)
		return sl_err_set(err, EINVAL, NULL, "a page of %zu bytes", page);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return sl_err_set(err, errno, NULL, "%s: %s", directory, strerror(errno));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return sl_err_set(err, errno, NULL, "%s: %s", directory, strerror(errno));
	if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0) {
		sl_err_set(err, errno, NULL, "%s: %s", directory, strerror(errno));
		goto failed;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		sl_err_set(err, EPERM, NULL, "%s is not a directory of ours alone", directory);
		sl_err_hint(err, "remove it, or give it to the director's user with mode 0700");
		goto failed;
	}
	store = calloc(1, sizeof(*store));
	if (store == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		goto failed;
	}
	store->directory = fd;
	store->page = page;
	store->huge = fs.f_type == HUGETLBFS_MAGIC;
	*out = store;
	return 0;

failed:
	close(fd);
	return err != NULL ? -err->code : -EIO;
}

/* Opens a file of ours of exactly `bytes`, or says what is wrong with it. -1 then. */
static int
open_checked(const struct sl_store *store, const char *name, uint64_t bytes, const char **wrong)
{
	struct stat st;
	int fd = openat(store->directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		*wrong = errno == ENOENT ? "is missing"
			: errno == ELOOP ? "is a symbolic link"
					 : "cannot be opened";
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		*wrong = "is not a regular file";
	else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0 || st.st_nlink != 1)
		*wrong = "is not ours alone";
	else if ((uint64_t)st.st_size != bytes)
		*wrong = "has another size than it was made with";
	else
		return fd;
	close(fd);
	return -1;
}

/* Which boot of the machine this is; empty when the kernel does not say. */
static void boot_read(char boot[BOOT_ID])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, boot, BOOT_ID - 1);

	memset(boot + (n > 0 ? n : 0), 0, BOOT_ID - (size_t)(n > 0 ? n : 0));
	if (fd >= 0)
		close(fd);
}

/* Takes a copy of the header. False with *wrong set, which is "" when there is none. */
static bool header_read(const struct sl_store *store, struct header *copy, const char **wrong)
{
	size_t bytes = rounded(store, sizeof(*copy));
	void *memory;
	int fd;

	if (faccessat(store->directory, HEADER, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
		errno == ENOENT) {
		*wrong = "";
		return false;
	}
	fd = open_checked(store, HEADER, bytes, wrong);
	if (fd < 0)
		return false;
	memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED) {
		*wrong = "cannot be mapped";
		return false;
	}
	memcpy(copy, memory, sizeof(*copy));
	munmap(memory, bytes);
	if (copy->magic != MAGIC || copy->size != sizeof(*copy))
		*wrong = "is not of this version of sluice";
	else if (copy->sum != sum_of(copy) || copy->n_files > FILES_MAX)
		*wrong = "is damaged";
	else if (copy->state != COMPLETE)
		*wrong = "was never completed";
	else
		return true;
	return false;
}

/* What differs, in a person's words; NULL when nothing does. */
static const char *
layout_difference(const struct sl_store_layout *old, const struct sl_store_layout *new)
{
	if (old->version != new->version)
		return "the layout's version";
	if (old->n_workers != new->n_workers)
		return "the number of workers";
	if (old->connections != new->connections ||
		old->connections_wide != new->connections_wide || old->sides != new->sides)
		return "the number of connections";
	if (old->fronts != new->fronts)
		return "the largest number of services";
	if (old->servers != new->servers)
		return "the largest number of servers";
	if (memcmp(old, new, sizeof(*old)) != 0)
		return "the way in which connections are given to workers";
	return NULL;
}

static bool adoptable(const struct sl_store *store, const struct sl_store_layout *layout,
	struct header *header, char *why, size_t why_size)
{
	char boot[BOOT_ID];
	const char *wrong;

	if (!header_read(store, header, &wrong)) {
		snprintf(why, why_size, "%s%s", *wrong ? "the header file " : "", wrong);
		return false;
	}
	wrong = layout_difference(&header->layout, layout);
	if (wrong != NULL) {
		snprintf(why, why_size, "%s has changed", wrong);
		return false;
	}
	boot_read(boot);
	if (memcmp(header->boot, boot, sizeof(boot)) != 0) {
		snprintf(why, why_size, "the machine has been booted since");
		return false;
	}
	for (uint32_t i = 0; i < header->n_files; i++) {
		struct file *file = &header->files[i];
		int fd;

		file->name[NAME - 1] = '\0';
		if (strchr(file->name, '/') != NULL) {
			snprintf(why, why_size, "the header file is damaged");
			return false;
		}
		fd = open_checked(store, file->name, file->bytes, &wrong);
		if (fd < 0) {
			snprintf(why, why_size, "the file %s %s", file->name, wrong);
			return false;
		}
		close(fd);
	}
	return true;
}

/* Removes all files, the header first: what is left by a kill in between is never adopted. */
static void remove_files(int directory)
{
	int fd = dup(directory);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	unlinkat(directory, HEADER, 0);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(directory, entry->d_name, 0); /* a directory stays */
	closedir(dir);
}

/* Where pages come from; a wish, not a condition. */
static void prefer_node(void *memory, size_t bytes, int numa)
{
	unsigned long nodes[16] = {0};

	if (numa < 0 || (unsigned)numa >= sizeof(nodes) * 8)
		return;
	nodes[numa / 64] |= 1ul << (numa % 64);
	syscall(SYS_mbind, memory, bytes, MPOL_PREFERRED, nodes, sizeof(nodes) * 8, 0);
}

/*
 * Maps an open file and has all its pages at hand before the first packet: a shortage shows here
 * and not as a SIGBUS later, and the packet path meets no page fault. 0 or -errno.
 */
static int
map_file(struct sl_store *store, int fd, size_t bytes, bool fresh, int numa, void **memory)
{
	int error;

	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*memory == MAP_FAILED)
		return -errno;
	prefer_node(*memory, bytes, numa);
	if (fresh && !store->huge) {
		error = posix_fallocate(fd, 0, (off_t)bytes);
		if (error != 0) {
			munmap(*memory, bytes);
			return -error;
		}
	}
	if (madvise(*memory, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
		error = -errno;
		munmap(*memory, bytes);
		return error;
	}
	return 0;
}

/* Makes a file of zeroes. Its descriptor, or -errno. */
static int file_new(const struct sl_store *store, const char *name, size_t bytes)
{
	int fd = openat(
		store->directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) == 0 && ftruncate(fd, (off_t)bytes) == 0)
		return fd;
	error = -errno;
	close(fd);
	unlinkat(store->directory, name, 0);
	return error;
}

static void header_seal(struct header *header, uint32_t state)
{
	header->state = state;
	header->sum = sum_of(header);
}

static int header_new(struct sl_store *store, const struct sl_store_layout *layout,
	const struct sl_store_secrets *secrets)
{
	size_t bytes = rounded(store, sizeof(struct header));
	int fd = file_new(store, HEADER, bytes);
	void *memory;
	int error;

	if (fd < 0)
		return fd;
	error = map_file(store, fd, bytes, true, -1, &memory);
	close(fd);
	if (error != 0)
		return error;
	store->header = memory;
	store->header->size = sizeof(*store->header);
	store->header->layout = *layout;
	store->header->secrets = *secrets;
	boot_read(store->header->boot);
	store->header->magic = MAGIC;
	header_seal(store->header, BEGUN);
	return 0;
}

bool sl_store_begin(struct sl_store *store, const struct sl_store_layout *layout,
	struct sl_store_secrets *secrets, char *why, size_t why_size)
{
	struct header *header = calloc(1, sizeof(*header));
	const char *wrong;
	int fd, error;

	why[0] = '\0';
	store->adopting = header != NULL && adoptable(store, layout, header, why, why_size);
	if (store->adopting) {
		size_t bytes = rounded(store, sizeof(*header));
		void *memory;

		*secrets = header->secrets;
		fd = open_checked(store, HEADER, bytes, &wrong);
		store->adopting = fd >= 0 && map_file(store, fd, bytes, false, -1, &memory) == 0;
		if (fd >= 0)
			close(fd);
		if (store->adopting)
			store->header = memory;
		else
			snprintf(why, why_size, "the header file cannot be mapped");
	}
	free(header);
	if (store->adopting)
		return true;
	remove_files(store->directory);
	error = header_new(store, layout, secrets);
	if (error != 0)
		snprintf(why, why_size, "the header file cannot be made: %s", strerror(-error));
	return false;
}

/* The size of an adopted file as the header has it; 0 when it has none of that name. */
static uint64_t adopted_bytes(const struct header *header, const char *name)
{
	for (uint32_t i = 0; i < header->n_files; i++)
		if (strcmp(header->files[i].name, name) == 0)
			return header->files[i].bytes;
	return 0;
}

static int open_for_map(struct sl_store *store, const char *name, size_t bytes, struct sl_err *err)
{
	const char *wrong = "has another size than it was made with";
	int fd = -1;

	if (store->adopting) {
		if (adopted_bytes(store->header, name) == bytes)
			fd = open_checked(store, name, bytes, &wrong);
		if (fd < 0)
			sl_err_set(err, EINVAL, NULL, "the file %s %s", name, wrong);
		return fd;
	}
	fd = file_new(store, name, bytes);
	if (fd < 0)
		sl_err_set(err, -fd, NULL, "the file %s: %s", name, strerror(-fd));
	return fd;
}

void *
sl_store_map(struct sl_store *store, const char *name, size_t bytes, int numa, struct sl_err *err)
{
	size_t size = rounded(store, bytes);
	struct file *file;
	void *memory;
	int fd, error;

	if (store->header == NULL) {
		sl_err_set(err, EIO, NULL, "the store's header could not be made");
		return NULL;
	}
	if (strlen(name) >= NAME || store->n_mappings == FILES_MAX) {
		sl_err_set(err, EINVAL, NULL, "too many files, or too long a name: %s", name);
		return NULL;
	}
	fd = open_for_map(store, name, size, err);
	if (fd < 0)
		return NULL;
	error = map_file(store, fd, size, !store->adopting, numa, &memory);
	close(fd);
	if (error != 0) {
		sl_err_set(err, -error, NULL, "the file %s of %zu bytes: %s", name, size,
			strerror(-error));
		sl_err_hint(err, "give more memory or ask for fewer connections");
		return NULL;
	}
	store->mappings[store->n_mappings++] = (struct mapping){memory, size};
	if (!store->adopting) {
		file = &store->header->files[store->header->n_files++];
		snprintf(file->name, sizeof(file->name), "%s", name);
		file->bytes = size;
		header_seal(store->header, BEGUN);
	}
	return memory;
}

int sl_store_complete(struct sl_store *store)
{
	if (store->header == NULL)
		return -EIO;
	header_seal(store->header, COMPLETE);
	return 0;
}

static void unmap_all(struct sl_store *store)
{
	for (unsigned i = 0; i < store->n_mappings; i++)
		munmap(store->mappings[i].memory, store->mappings[i].bytes);
	store->n_mappings = 0;
	if (store->header != NULL)
		munmap(store->header, rounded(store, sizeof(*store->header)));
	store->header = NULL;
}

void sl_store_discard(struct sl_store *store)
{
	unmap_all(store);
	remove_files(store->directory);
}

void sl_store_close(struct sl_store *store)
{
	if (store == NULL)
		return;
	unmap_all(store);
	close(store->directory);
	free(store);
}

int sl_store_purge(const char *directory, struct sl_err *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return sl_err_set(err, errno, NULL, "%s: %s", directory, strerror(errno));
	remove_files(fd);
	close(fd);
	if (rmdir(directory) != 0)
		return sl_err_set(err, errno, NULL, "%s: %s", directory, strerror(errno));
	return 0;
}
