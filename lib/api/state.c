/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/change.h"
#include "conf/load.h"

static int build_code(int rc)
{
	switch (rc) {
	case -ENOSPC:
		return SL_RPC_LIMIT;
	case -EINVAL:
	case -EEXIST:
		return SL_RPC_CONFIG;
	default:
		return SL_RPC_INTERNAL;
	}
}

/* Linux and the ports first, since they can refuse; then a generation, which then only memory can
 * prevent. */
static int bring_into_force(struct sl_director *director, struct sl_conf *conf, struct sl_err *err)
{
	const struct sl_host *host = director->host;
	struct sl_snapshot *snapshot;
	int rc;

	if (host->system_apply(host->arg, director->conf, conf, err) < 0)
		return SL_RPC_SYSTEM;
	rc = sl_conf_build(director->engine->registry, director->conf, conf, &snapshot, err);
	if (rc < 0) {
		if (director->conf != NULL &&
			host->system_apply(host->arg, conf, director->conf, NULL) < 0)
			sl_log_error("what was changed in Linux could not be taken back");
		return build_code(rc);
	}
	if (host->publish(host->arg, snapshot, err) < 0)
		return SL_RPC_BUSY;
	return 0;
}

int sl_state_install(struct sl_director *director, struct sl_conf *conf, struct sl_err *err)
{
	const struct sl_host *host = director->host;
	int code;

	if (director->conf != NULL && sl_conf_check_live(director->conf, conf, err) < 0)
		return SL_RPC_NEEDS_START;
	if (host->can_publish(host->arg, err) < 0)
		return SL_RPC_BUSY;
	code = bring_into_force(director, conf, err);
	if (code != 0)
		return code;
	sl_conf_ref(conf);
	sl_conf_unref(director->conf);
	director->conf = conf;
	director->generation++;
	sl_state_event(director, SL_EVENT_CONFIG,
		json_pack("{s:s, s:I, s:i}", "what", "applied", "generation",
			(json_int_t)director->generation, "services", (int)conf->n_services));
	return 0;
}

int sl_state_install_unconfirmed(
	struct sl_director *director, struct sl_conf *conf, unsigned seconds, struct sl_err *err)
{
	struct sl_conf *before = sl_conf_ref(director->conf);
	int code = sl_state_install(director, conf, err);

	if (code != 0) {
		sl_conf_unref(before);
		return code;
	}
	director->fallback = before;
	director->confirm_until_ns = sl_clock_ns(director->clock) + seconds * SL_NS_PER_S;
	return 0;
}

void sl_state_confirm(struct sl_director *director)
{
	sl_conf_unref(director->fallback);
	director->fallback = NULL;
	sl_state_event(director, SL_EVENT_CONFIG,
		json_pack("{s:s, s:I}", "what", "confirmed", "generation",
			(json_int_t)director->generation));
}

int sl_state_roll_back(struct sl_director *director, const char *why, struct sl_err *err)
{
	int code = sl_state_install(director, director->fallback, err);

	if (code != 0)
		return code;
	sl_conf_unref(director->fallback);
	director->fallback = NULL;
	sl_log_warning("configuration rolled back: %s", why);
	sl_state_event(director, SL_EVENT_CONFIG,
		json_pack("{s:s, s:s, s:I}", "what", "rolled back", "why", why, "generation",
			(json_int_t)director->generation));
	return 0;
}

unsigned sl_state_confirm_left_s(const struct sl_director *director)
{
	uint64_t now_ns = sl_clock_ns(director->clock);

	if (director->fallback == NULL || now_ns >= director->confirm_until_ns)
		return 0;
	return (director->confirm_until_ns - now_ns + SL_NS_PER_S - 1) / SL_NS_PER_S;
}

/* -errno when there is no file to read or write. */
static int need_file(const struct sl_director *director, struct sl_err *err)
{
	if (director->config_path != NULL)
		return 0;
	return sl_err_set(err, ENOENT, NULL, "the director was started without a file");
}

int sl_state_read_file(struct sl_director *director, struct sl_conf **out, struct sl_err *err)
{
	int rc;

	if (need_file(director, err) < 0)
		return SL_RPC_FILE;
	rc = sl_conf_read(director->config_path, out, err);
	if (rc == 0)
		return 0;
	return rc == -EINVAL ? SL_RPC_CONFIG : SL_RPC_FILE;
}

/* All of the text, or -errno. */
static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= n;
	}
	return 0;
}

/* Owner, group and mode as the file has them now; 0600 for one that is new. */
static int copy_ownership(int fd, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Only root can give a file away; whoever else runs this keeps it. */
	if (fchown(fd, status.st_uid, status.st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, status.st_mode & 07777) < 0 ? -errno : 0;
}

static int sync_directory(char *path)
{
	int rc, fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* Readers see the old file or the new one, also after a crash. 0 or -errno. */
static int replace_file(const char *path, const char *text, size_t length)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = copy_ownership(fd, path);
	if (rc == 0)
		rc = write_all(fd, text, length);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	return sync_directory(temporary);
}

int sl_state_save(struct sl_director *director, struct sl_err *err)
{
	char target[PATH_MAX];
	json_t *document;
	char *text;
	size_t length;
	int rc;

	if (need_file(director, err) < 0)
		return SL_RPC_FILE;
	document = sl_conf_to_json(director->conf);
	text = document != NULL ? json_dumps(document, JSON_INDENT(2)) : NULL;
	json_decref(document);
	if (text == NULL) {
		sl_err_set(err, ENOMEM, NULL, "out of memory");
		return SL_RPC_INTERNAL;
	}
	/* A symbolic link stays one: what it points to is replaced. */
	if (realpath(director->config_path, target) == NULL)
		snprintf(target, sizeof(target), "%s", director->config_path);
	length = strlen(text);
	text[length] = '\n'; /* where the final zero was: the length goes along */
	rc = replace_file(target, text, length + 1);
	free(text);
	if (rc < 0) {
		sl_err_set(err, -rc, NULL, "%s: %s", target, strerror(-rc));
		return SL_RPC_FILE;
	}
	sl_state_event(director, SL_EVENT_CONFIG,
		json_pack("{s:s, s:I, s:s}", "what", "saved", "generation",
			(json_int_t)director->generation, "file", target));
	return 0;
}

void sl_state_event(struct sl_director *director, enum sl_event_class class, json_t *details)
{
	sl_events_add(director->events, class, details);
}
