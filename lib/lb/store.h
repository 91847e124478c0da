/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of memory that outlive the process: connection tables, the id map. On hugetlbfs, or on a
 * shared-memory file system where there are no huge pages.
 *
 * A store is a directory with one file per object and a `header` file: magic, layout version,
 * worker count, capacities, owner mask, Toeplitz key, hash secret and the boot whose clock the
 * times in the files are of. A start whose layout is the same adopts all of it; any difference
 * makes all of it new, with the reason in `why`. A file that is short, long, or not ours is never
 * read beyond its header.
 */
#ifndef SL_LB_STORE_H
#define SL_LB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/toeplitz.h"

struct sl_store;

struct sl_store_layout {  /* compared byte for byte */
	uint32_t version; /* of entry and map formats */
	uint32_t n_workers;
	uint64_t connections;
	uint64_t connections_wide;
	uint64_t sides;
	uint32_t fronts;
	uint32_t servers;
	uint32_t owner_mask;
	uint32_t spare;
};

struct sl_store_secrets { /* kept with the tables: the adopted ones replace the new */
	uint64_t hash[2];
	uint8_t toeplitz_key[SL_TOEPLITZ_KEY];
	uint8_t spare[4];
};

/*
 * Opens or makes the directory (mode 0700). `page` is the size that files are rounded up to. 0 or
 * -errno. The director's lock (one process per instance) is taken before this.
 */
int sl_store_open(const char *directory, size_t page, struct sl_store **out, struct sl_err *err);

/* What the store itself takes beside the files that are mapped, before rounding up to pages. */
size_t sl_store_header_bytes(void);

/*
 * Decides on adoption, before any map. Returns true when the directory's tables are of this layout:
 * then *secrets is replaced by theirs. Else old files are removed, the header is written and `why`
 * (of `why_size`) says why not; "" when there was nothing.
 */
bool sl_store_begin(struct sl_store *store, const struct sl_store_layout *layout,
	struct sl_store_secrets *secrets, char *why, size_t why_size);

/* Maps the file `name`, zeroed when new. NULL with `err` set. numa -1 = any. */
void *
sl_store_map(struct sl_store *store, const char *name, size_t bytes, int numa, struct sl_err *err);

/*
 * Says that every file of the layout has been made: without it the next start adopts nothing. 0 or
 * -errno.
 */
int sl_store_complete(struct sl_store *store);

/* Unmaps what was mapped and removes the files, so that the next sl_store_begin() makes new ones.
 */
void sl_store_discard(struct sl_store *store);

/* Unmaps and closes; files stay. */
void sl_store_close(struct sl_store *store);

/* Removes the directory and every file of ours in it. 0, -ENOENT or -errno. */
int sl_store_purge(const char *directory, struct sl_err *err);

#endif
