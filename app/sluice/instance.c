/* SPDX-License-Identifier: BSD-3-Clause */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sysfile.h"

#define ENDING_POLL_NS 10000000 /* 10 ms between two looks at a holder that is ending */
#define ENDING_POLLS   500      /* for 5 s at most */

/* mkdir -p; directories that exist are left as they are. */
static int make_directories(const char *path, mode_t mode)
{
	char prefix[PATH_MAX];

	if (snprintf(prefix, sizeof(prefix), "%s", path) >= (int)sizeof(prefix))
		return -ENAMETOOLONG;
	for (char *slash = strchr(prefix + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(prefix, mode) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(prefix, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* Who wrote the lock file: "process 17, since 2026-01-31 12:00:00". */
static void read_holder(int lock, char *text, size_t size)
{
	ssize_t n = pread(lock, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		snprintf(text, size, "a process that is just starting");
}

static int write_holder(int lock)
{
	char text[64], stamp[32];
	time_t now = time(NULL);
	struct tm local;
	int n;

	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local);
	n = snprintf(text, sizeof(text), "process %d, since %s\n", (int)getpid(), stamp);
	if (ftruncate(lock, 0) < 0 || pwrite(lock, text, n, 0) != n)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

/* Whether the path still leads to the file that is locked: its last holder may have removed it. */
static bool still_there(int lock, const char *path)
{
	struct stat opened, named;

	return fstat(lock, &opened) == 0 && stat(path, &named) == 0 &&
		opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/*
 * Whether the holder has been killed and is on its way out: its lock lasts until the last of its
 * threads has ended, which takes as long as giving its memory back.
 */
static bool is_ending(const char *holder)
{
	char stat[512];
	const char *state;
	int pid;

	if (sscanf(holder, "process %d", &pid) != 1)
		return false;
	if (sl_sysfile_read(stat, sizeof(stat), "/proc/%d/stat", pid) < 0)
		return true;
	state = strrchr(stat, ')'); /* "17 (name) Z ..." */
	return state != NULL && (strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0);
}

/* Takes the lock of the open file; waits only for a holder that is ending. */
static int lock_file(int lock, const char *path, const char *name, struct sl_err *err)
{
	const struct timespec pause = {.tv_nsec = ENDING_POLL_NS};
	char holder[64];

	for (unsigned polls = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; polls++) {
		if (errno != EWOULDBLOCK)
			return sl_err_set(
				err, errno, NULL, "cannot lock %s: %s", path, strerror(errno));
		read_holder(lock, holder, sizeof(holder));
		if (is_ending(holder) && polls < ENDING_POLLS) {
			nanosleep(&pause, NULL);
			continue;
		}
		sl_err_set(
			err, EBUSY, NULL, "the instance '%s' is running already: %s", name, holder);
		sl_err_hint(err, "stop it first, or give this one another \"instance\" name");
		return -EBUSY;
	}
	return 0;
}

static int take_lock(const char *path, const char *name, struct sl_err *err)
{
	for (;;) {
		int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), rc;

		if (lock < 0)
			return sl_err_set(err, errno, NULL, "cannot open the lock file %s: %s",
				path, strerror(errno));
		rc = lock_file(lock, path, name, err);
		if (rc == 0 && still_there(lock, path))
			return lock;
		close(lock);
		if (rc < 0)
			return rc;
	}
}

int sl_instance_acquire(struct sl_instance *instance, const char *lock_directory, const char *name,
	const char *run_directory, struct sl_err *err)
{
	int rc;

	memset(instance, 0, sizeof(*instance));
	instance->lock = -1;
	snprintf(instance->lock_path, sizeof(instance->lock_path), "%s/%s.lock", lock_directory,
		name);
	snprintf(instance->run_directory, sizeof(instance->run_directory), "%s", run_directory);
	rc = make_directories(lock_directory, 0755);
	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "cannot make the directory %s: %s",
			lock_directory, strerror(-rc));
	rc = take_lock(instance->lock_path, name, err);
	if (rc < 0)
		return rc;
	instance->lock = rc;
	rc = write_holder(instance->lock);
	if (rc < 0) {
		sl_err_set(
			err, -rc, NULL, "cannot write %s: %s", instance->lock_path, strerror(-rc));
		goto release;
	}
	rc = make_directories(run_directory, 0755);
	if (rc < 0) {
		sl_err_set(err, -rc, "/run_directory", "cannot make the directory %s: %s",
			run_directory, strerror(-rc));
		goto release;
	}
	return 0;

release:
	sl_instance_release(instance);
	return rc;
}

void sl_instance_release(struct sl_instance *instance)
{
	char *slash;

	if (instance->lock < 0)
		return;
	rmdir(instance->run_directory);
	/*
	 * Removed while it is locked: who opens it now finds another file, or none, at the path.
	 */
	unlink(instance->lock_path);
	close(instance->lock);
	instance->lock = -1;
	slash = strrchr(instance->lock_path, '/');
	if (slash != NULL) {
		*slash = '\0';
		rmdir(instance->lock_path);
	}
}
