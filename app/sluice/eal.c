/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "base/log.h"
#include "device.h"

#define ARGUMENTS_MAX 256

/* What the bonding driver calls them. */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
#define MEMBER "member"
#else
#define MEMBER "slave"
#endif

struct arguments {
	char **list;
	unsigned n;
	bool failed;
};

static FILE *log_stream;
static char last_error[256];
static bool errors_expected;
static char **started_with; /* EAL keeps pointers into it */

__attribute__((format(printf, 2, 3))) static void
add(struct arguments *args, const char *format, ...)
{
	va_list values;

	if (args->failed || args->n == ARGUMENTS_MAX - 1) {
		args->failed = true;
		return;
	}
	va_start(values, format);
	if (vasprintf(&args->list[args->n], format, values) < 0)
		args->failed = true;
	else
		args->n++;
	va_end(values);
}

static void add_cores(struct arguments *args, const struct sl_placement *placement)
{
	char text[SL_WORKERS_MAX * 16];
	size_t at = (size_t)snprintf(text, sizeof(text), "0@%d", placement->control);

	for (unsigned i = 0; i < placement->n_workers; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",%u@%d", SL_WORKER_LCORE(i),
			placement->worker[i]);
	add(args, "--lcores=%s", text);
	add(args, "--main-lcore=0");
}

/* Returns whether it is a PCI device. */
static bool add_device(struct arguments *args, const char *device)
{
	bool pci = sl_device_is_pci(device);

	add(args, "%s=%s", pci ? "--allow" : "--vdev", device);
	return pci;
}

/* A bonding device with its members, as arguments of its own. Returns whether one is a PCI device.
 */
static bool add_bonding(struct arguments *args, const struct sl_conf_port *port)
{
	char name[SL_DEVICE_NAME], *members;
	bool pci = false;
	size_t length;
	FILE *out = open_memstream(&members, &length);

	if (out == NULL) {
		args->failed = true;
		return false;
	}
	for (uint32_t i = 0; i < port->n_members; i++) {
		pci |= add_device(args, port->members[i]);
		fprintf(out, "," MEMBER "=%s", sl_device_name(port->members[i], name));
	}
	if (fclose(out) != 0)
		args->failed = true;
	else
		add(args, "--vdev=%s%s", port->device, members);
	free(members);
	return pci;
}

static void add_devices(struct arguments *args, const struct sl_conf *conf)
{
	bool pci = false;

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		const struct sl_conf_port *port = &conf->ports[i];

		if (port->n_members > 0)
			pci |= add_bonding(args, port);
		else if (port->device != NULL) /* a VLAN has none */
			pci |= add_device(args, port->device);
	}
	if (!pci)
		add(args, "--no-pci");
}

char **sl_eal_arguments(const struct sl_conf *conf, const struct sl_placement *placement,
	const struct sl_memory *memory)
{
	struct arguments args = {.list = calloc(ARGUMENTS_MAX, sizeof(char *))};

	if (args.list == NULL)
		return NULL;
	add(&args, "sluice");
	add(&args, "--file-prefix=%s%s", SL_EAL_PREFIX, conf->instance);
	add_cores(&args, placement);
	if (memory->huge) {
		add(&args, "--huge-dir=%s", memory->mount);
	} else {
		add(&args, "--no-huge");
		add(&args, "--iova-mode=va");
	}
	add(&args, "-m");
	add(&args, "%" PRIu64, memory->dpdk_bytes >> 20);
	add_devices(&args, conf);
	for (uint32_t i = 0; i < conf->n_eal_args; i++)
		add(&args, "%s", conf->eal_args[i]);
	if (args.failed) {
		sl_eal_arguments_free(args.list);
		return NULL;
	}
	return args.list;
}

void sl_eal_arguments_free(char **arguments)
{
	if (arguments == NULL)
		return;
	for (char **at = arguments; *at != NULL; at++)
		free(*at);
	free(arguments);
}

static enum sl_log_level our_level(int dpdk_level)
{
	if (errors_expected)
		return SL_LOG_DEBUG;
	/* Drivers call an error what they then do without; what stops us, we say ourselves. */
	if (dpdk_level <= (int)RTE_LOG_WARNING)
		return SL_LOG_WARNING;
	/* Notices and informations of EAL are about itself: of use to who debugs. */
	return SL_LOG_DEBUG;
}

/* One call is one message in practice; several lines become several messages. */
static ssize_t log_write(void *cookie, const char *text, size_t size)
{
	enum sl_log_level level = our_level(rte_log_cur_msg_loglevel());
	const char *at = text, *end = text + size;

	(void)cookie;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		int length = (int)((newline != NULL ? newline : end) - at);

		if (length > 0) {
			sl_log(level, "dpdk: %.*s", length, at);
			if (rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR)
				snprintf(last_error, sizeof(last_error), "%.*s", length, at);
		}
		at += length + 1;
	}
	return (ssize_t)size;
}

static int redirect_log(void)
{
	static const cookie_io_functions_t functions = {.write = log_write};

	log_stream = fopencookie(NULL, "w", functions);
	if (log_stream == NULL)
		return -ENOMEM;
	setvbuf(log_stream, NULL, _IOLBF, BUFSIZ);
	return rte_openlog_stream(log_stream) < 0 ? -EINVAL : 0;
}

int sl_eal_start(const struct sl_conf *conf, const struct sl_placement *placement,
	const struct sl_memory *memory, struct sl_err *err)
{
	char *argv[ARGUMENTS_MAX + 1];
	int argc = 0, rc = redirect_log();

	if (rc < 0)
		return sl_err_set(err, -rc, NULL, "cannot redirect DPDK's log");
	started_with = sl_eal_arguments(conf, placement, memory);
	if (started_with == NULL)
		return sl_err_set(err, ENOMEM, "/dpdk/eal_args", "too many arguments for DPDK");
	for (; started_with[argc] != NULL; argc++) {
		argv[argc] = started_with[argc]; /* EAL reorders its argv: ours stays as it is */
		sl_log_debug("dpdk argument: %s", argv[argc]);
	}
	argv[argc] = NULL;
	if (rte_eal_init(argc, argv) < 0) {
		sl_err_set(err, rte_errno > 0 ? rte_errno : EINVAL, NULL, "DPDK does not start: %s",
			last_error[0] != '\0' ? last_error : rte_strerror(rte_errno));
		sl_err_hint(err,
			"the lines with 'dpdk:' above say more, all of them with "
			"\"log_level\": \"debug\"");
		return -EINVAL;
	}
	return 0;
}

/* Removes the files of a directory whose names begin with `prefix`; not what lies deeper. */
static void remove_files(const char *path, const char *prefix)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	closedir(directory);
}

void sl_eal_remove_pages(const char *mount, const char *instance)
{
	char prefix[SL_INSTANCE_MAX + 32];

	snprintf(prefix, sizeof(prefix), SL_EAL_PREFIX "%smap_", instance);
	remove_files(mount, prefix);
}

void sl_eal_remove_run_directory(const char *instance)
{
	const char *base = getenv("RUNTIME_DIRECTORY"); /* EAL looks at it too */
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dpdk/" SL_EAL_PREFIX "%s",
		base != NULL ? base : "/var/run", instance);
	remove_files(path, "");
	rmdir(path);
}

/* EAL itself leaves its configuration, memory maps and pages: no process needs them any more. */
void sl_eal_stop(const struct sl_conf *conf, const struct sl_memory *memory)
{
	rte_eal_cleanup();
	if (memory->huge)
		sl_eal_remove_pages(memory->mount, conf->instance);
	sl_eal_remove_run_directory(conf->instance);
	rte_openlog_stream(NULL);
	fclose(log_stream);
	log_stream = NULL;
	sl_eal_arguments_free(started_with);
	started_with = NULL;
}

void sl_eal_expect_errors(bool expected)
{
	errors_expected = expected;
}

const char *sl_eal_last_error(void)
{
	return last_error;
}

static void *eal_zalloc(void *arg, size_t size, size_t align, int numa)
{
	(void)arg;
	return rte_zmalloc_socket(NULL, size, align > UINT_MAX ? 0 : (unsigned)align,
		numa < 0 ? SOCKET_ID_ANY : numa);
}

static void eal_free(void *arg, void *memory)
{
	(void)arg;
	rte_free(memory);
}

const struct sl_alloc sl_alloc_eal = {.zalloc = eal_zalloc, .free = eal_free};
