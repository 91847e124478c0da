/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lb/store.h"

#define PAGE 4096

struct fixture {
	char base[64];
	char directory[96];
	struct sl_store *store;
	struct sl_store_layout layout;
	struct sl_store_secrets secrets;
	char why[160];
	struct sl_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->base, sizeof(f->base), "%s/sl-store-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->base));
	snprintf(f->directory, sizeof(f->directory), "%s/tables", f->base);
	f->layout = (struct sl_store_layout){1, 2, 1000, 10, 20, 127, 0};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sl_store_close(f->store);
	sl_store_purge(f->directory, NULL);
	assert_int_equal(rmdir(f->base), 0);
	free(f);
	return 0;
}

/* As a start does: true when the tables of the directory are taken over. */
static bool begin(struct fixture *f)
{
	sl_store_close(f->store);
	f->store = NULL;
	memset(&f->err, 0, sizeof(f->err));
	assert_int_equal(sl_store_open(f->directory, PAGE, &f->store, &f->err), 0);
	f->secrets.hash[0] = 555;
	return sl_store_begin(f->store, &f->layout, &f->secrets, f->why, sizeof(f->why));
}

static uint8_t *map(struct fixture *f, const char *name, size_t bytes)
{
	return sl_store_map(f->store, name, bytes, -1, &f->err);
}

/* A complete store with two files, the first full of 7s; closed. */
static void make(struct fixture *f)
{
	assert_false(begin(f));
	f->secrets.hash[0] = 42;
	sl_store_discard(f->store);
	assert_false(sl_store_begin(f->store, &f->layout, &f->secrets, f->why, sizeof(f->why)));
	memset(map(f, "one", 5000), 7, 5000);
	assert_non_null(map(f, "two", 100));
	assert_int_equal(sl_store_complete(f->store), 0);
	sl_store_close(f->store);
	f->store = NULL;
}

static char *path(struct fixture *f, const char *name)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/%s", f->directory, name);
	return text;
}

static void poke(struct fixture *f, const char *name, off_t offset, const void *bytes, size_t n)
{
	int fd = open(path(f, name), O_RDWR);

	assert_int_equal(pwrite(fd, bytes, n, offset), n);
	close(fd);
}

static void new_files_are_zero_and_ours_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	uint8_t *memory;

	assert_false(begin(f));
	assert_string_equal(f->why, "");
	memory = map(f, "one", 5000);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(memory[i], 0);
	assert_int_equal(stat(path(f, "one"), &st), 0);
	assert_int_equal(st.st_size, 2 * PAGE);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(f->directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void the_next_start_finds_everything(void **state)
{
	struct fixture *f = *state;
	uint8_t *memory;

	make(f);
	assert_true(begin(f));
	assert_int_equal(f->secrets.hash[0], 42);
	memory = map(f, "one", 5000);
	assert_int_equal(memory[0], 7);
	assert_int_equal(memory[4999], 7);
	assert_non_null(map(f, "two", 100));
	memory[0] = 9; /* a process that is killed here has written through */
	assert_true(begin(f));
	assert_int_equal(map(f, "one", 5000)[0], 9);
	assert_int_equal(map(f, "one", 5000)[1], 7);
}

static void a_start_that_did_not_get_far_is_not_adopted(void **state)
{
	struct fixture *f = *state;

	assert_false(begin(f));
	assert_non_null(map(f, "one", 5000));
	assert_false(begin(f)); /* killed before it was complete */
	assert_non_null(strstr(f->why, "never completed"));
	assert_non_null(map(f, "one", 5000));
}

static void any_other_layout_is_not_adopted(void **state)
{
	struct fixture *f = *state;
	const struct sl_store_layout good = f->layout;
	static const char *const reasons[] = {"version", "workers", "connections", "services",
		"servers", "given to workers", "connections"};

	for (unsigned i = 0; i < 7; i++) {
		f->layout = good;
		make(f);
		f->layout.version += i == 0;
		f->layout.n_workers += i == 1;
		f->layout.connections += i == 2;
		f->layout.fronts += i == 3;
		f->layout.servers += i == 4;
		f->layout.owner_mask += i == 5;
		f->layout.connections_wide += i == 6;
		assert_false(begin(f));
		assert_non_null(strstr(f->why, reasons[i]));
		assert_int_equal(f->secrets.hash[0], 555); /* the caller's own */
		assert_int_equal(access(path(f, "two"), F_OK), -1);
		assert_int_equal(map(f, "one", 5000)[0], 0);
		sl_store_close(f->store);
		f->store = NULL;
		sl_store_purge(f->directory, NULL);
	}
	f->layout = good;
}

static void every_damage_of_the_header_is_seen(void **state)
{
	struct fixture *f = *state;

	for (off_t offset = 0; offset < 400; offset++) {
		uint8_t byte;
		int fd;

		make(f);
		fd = open(path(f, "header"), O_RDONLY);
		assert_int_equal(pread(fd, &byte, 1, offset), 1);
		close(fd);
		byte ^= 0x80;
		poke(f, "header", offset, &byte, 1);
		assert_false(begin(f));
		assert_string_not_equal(f->why, "");
		assert_int_equal(map(f, "one", 5000)[0], 0);
	}
}

static void huge_numbers_in_the_header_are_harmless(void **state)
{
	struct fixture *f = *state;
	uint8_t ones[2048];

	memset(ones, 0xff, sizeof(ones));
	make(f);
	poke(f, "header", 8, ones, sizeof(ones));
	assert_false(begin(f));
	assert_non_null(map(f, "one", 5000));
}

static void a_header_of_another_length_is_not_read(void **state)
{
	struct fixture *f = *state;
	static const off_t sizes[] = {0, 1, 100, PAGE, 1 << 20};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(f);
		assert_int_equal(truncate(path(f, "header"), sizes[i]), 0);
		assert_false(begin(f));
		assert_non_null(strstr(f->why, "size"));
	}
}

static void a_file_that_is_missing_short_or_long(void **state)
{
	struct fixture *f = *state;

	make(f);
	unlink(path(f, "two"));
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "two is missing"));
	make(f);
	assert_int_equal(truncate(path(f, "one"), PAGE), 0);
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "one has another size"));
	make(f);
	assert_int_equal(truncate(path(f, "one"), 10 * PAGE), 0);
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "one has another size"));
}

static void links_are_not_followed(void **state)
{
	struct fixture *f = *state;
	char target[160], text[8] = "";
	int fd;

	snprintf(target, sizeof(target), "%s/victim", f->base);
	fd = open(target, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	for (unsigned i = 0; i < 2; i++) {
		const char *name = i == 0 ? "header" : "one";

		make(f);
		unlink(path(f, name));
		assert_int_equal(symlink(target, path(f, name)), 0);
		assert_false(begin(f));
		assert_non_null(strstr(f->why, "symbolic link"));
		assert_non_null(map(f, "one", 5000));
	}
	make(f);
	unlink(path(f, "one"));
	assert_int_equal(link(target, path(f, "one")), 0);
	assert_false(begin(f));
	assert_int_equal(pread(fd, text, 8, 0), 8);
	assert_memory_equal(text, "precious", 8);
	close(fd);
	unlink(target);
	/* nor is the directory itself one */
	sl_store_close(f->store);
	f->store = NULL;
	sl_store_purge(f->directory, NULL);
	assert_int_equal(symlink("/tmp", f->directory), 0);
	assert_true(sl_store_open(f->directory, PAGE, &f->store, &f->err) < 0);
	f->store = NULL;
	unlink(f->directory);
}

static void files_that_others_may_touch_are_not_adopted(void **state)
{
	struct fixture *f = *state;

	make(f);
	chmod(path(f, "one"), 0660);
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "not ours alone"));
	make(f);
	chmod(path(f, "header"), 0604);
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "not ours alone"));
	sl_store_close(f->store);
	f->store = NULL;
	chmod(f->directory, 0755);
	assert_int_equal(sl_store_open(f->directory, PAGE, &f->store, &f->err), -EPERM);
	assert_non_null(strstr(f->err.hint, "0700"));
	f->store = NULL;
	chmod(f->directory, 0700);
}

static void a_pipe_in_place_of_a_file_blocks_nobody(void **state)
{
	struct fixture *f = *state;

	make(f);
	unlink(path(f, "header"));
	assert_int_equal(mkfifo(path(f, "header"), 0600), 0);
	assert_false(begin(f));
	assert_non_null(strstr(f->why, "not a regular file"));
}

static void another_size_than_adopted_is_an_error(void **state)
{
	struct fixture *f = *state;

	make(f);
	assert_true(begin(f));
	assert_null(map(f, "one", 50000));
	assert_int_equal(f->err.code, EINVAL);
	assert_null(map(f, "three", 10));
	sl_store_discard(f->store);
	assert_false(sl_store_begin(f->store, &f->layout, &f->secrets, f->why, sizeof(f->why)));
	assert_non_null(map(f, "one", 50000));
}

static void too_little_room_is_an_error_and_no_signal(void **state)
{
	struct fixture *f = *state;

	assert_false(begin(f));
	assert_null(map(f, "one", (size_t)1 << 50));
	assert_int_not_equal(f->err.code, 0);
}

static void purge_removes_what_is_ours(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sl_store_purge(f->directory, NULL), -ENOENT);
	make(f);
	assert_int_equal(sl_store_purge(f->directory, &f->err), 0);
	assert_int_equal(access(f->directory, F_OK), -1);
	make(f);
	assert_int_equal(mkdir(path(f, "deep"), 0700), 0);
	assert_int_equal(sl_store_purge(f->directory, &f->err), -ENOTEMPTY);
	rmdir(path(f, "deep"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(new_files_are_zero_and_ours_alone),
		T(the_next_start_finds_everything),
		T(a_start_that_did_not_get_far_is_not_adopted),
		T(any_other_layout_is_not_adopted),
		T(every_damage_of_the_header_is_seen),
		T(huge_numbers_in_the_header_are_harmless),
		T(a_header_of_another_length_is_not_read),
		T(a_file_that_is_missing_short_or_long),
		T(links_are_not_followed),
		T(files_that_others_may_touch_are_not_adopted),
		T(a_pipe_in_place_of_a_file_blocks_nobody),
		T(another_size_than_adopted_is_an_error),
		T(too_little_room_is_an_error_and_no_signal),
		T(purge_removes_what_is_ours),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
