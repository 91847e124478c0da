/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory that stands for / in tests of what reads /proc, /sys and /dev. */
#ifndef TESTS_FAKE_ROOT_H
#define TESTS_FAKE_ROOT_H

#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_root {
	char path[64];
};

static inline void fake_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

/* Writes a file; `name` begins with a slash. */
__attribute__((format(printf, 3, 4))) static inline void
fake_file(const struct fake_root *root, const char *name, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root->path, name);
	fake_parents(path);
	file = fopen(path, "w");
	if (file == NULL)
		abort();
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

static inline void fake_link(const struct fake_root *root, const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root->path, name);
	fake_parents(path);
	unlink(path);
	if (symlink(target, path) < 0)
		abort();
}

static inline void fake_remove(const struct fake_root *root, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root->path, name);
	if (remove(path) < 0)
		abort();
}

static inline int
fake_unlink(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* cmocka's setup and teardown. */
static inline int fake_root_make(void **state)
{
	struct fake_root *root = calloc(1, sizeof(*root));

	if (root == NULL)
		return -1;
	strcpy(root->path, "/tmp/sl-root-XXXXXX");
	*state = root;
	return mkdtemp(root->path) != NULL ? 0 : -1;
}

static inline int fake_root_remove(void **state)
{
	struct fake_root *root = *state;

	nftw(root->path, fake_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(root);
	return 0;
}

#endif
