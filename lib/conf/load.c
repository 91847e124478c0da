/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/json.h"
#include "conf/keys.h"
#include "conf/reader.h"

#define FILE_MAX (128u << 20) /* as for a request of the API */

static int no_memory(struct sl_err *err)
{
	return sl_err_set(err, ENOMEM, NULL, "no memory for the configuration");
}

static int read_top(struct sl_conf *conf, struct sl_part top)
{
	const char *run_directory = sl_part_text(top, "run_directory");

	snprintf(conf->instance, sizeof(conf->instance), "%s", sl_part_text(top, "instance"));
	if (run_directory != NULL)
		snprintf(conf->run_directory, sizeof(conf->run_directory), "%s", run_directory);
	else
		sl_conf_default_run_directory(
			conf->instance, conf->run_directory, sizeof(conf->run_directory));
	sl_log_level_parse(sl_part_text(top, "log_level"), &conf->log_level);
	conf->connections = (uint64_t)sl_part_integer(top, "connections", 0);
	conf->connections_wide = (uint64_t)sl_part_integer(top, "connections_wide", 0);
	conf->fullnat_connections = (uint64_t)sl_part_integer(top, "fullnat_connections", 0);
	conf->max_services = (uint32_t)sl_part_integer(top, "max_services", 0);
	conf->max_servers = (uint32_t)sl_part_integer(top, "max_servers", 0);
	conf->max_routes = (uint32_t)sl_part_integer(top, "max_routes", 0);
	conf->icmp_rate = (uint32_t)sl_part_integer(top, "icmp_rate", 0);
	return 0;
}

static int read_dpdk(struct sl_conf *conf, struct sl_part dpdk)
{
	struct sl_part args = sl_part_of(dpdk, "eal_args");
	const char *memory = sl_part_text(dpdk, "memory");

	if (memory != NULL)
		sl_size_parse(memory, &conf->memory);
	conf->huge_pages =
		(enum sl_huge_pages)sl_part_choice(dpdk, "huge_pages", sl_conf_huge_pages);
	conf->n_eal_args = (uint32_t)json_array_size(args.object);
	conf->eal_args = sl_conf_alloc(conf, conf->n_eal_args * sizeof(*conf->eal_args));
	for (uint32_t i = 0; conf->eal_args != NULL && i < conf->n_eal_args; i++) {
		conf->eal_args[i] =
			sl_part_keep(conf, json_string_value(json_array_get(args.object, i)));
		if (conf->eal_args[i] == NULL)
			return -ENOMEM;
	}
	return conf->eal_args != NULL ? 0 : -ENOMEM;
}

static int read_workers(struct sl_conf *conf, struct sl_part workers, struct sl_err *err)
{
	struct sl_part cores = sl_part_of(workers, "cores");
	size_t n_cores = json_array_size(cores.object);

	conf->n_workers = (uint32_t)sl_part_integer(workers, "count", n_cores != 0 ? n_cores : 1);
	conf->control_core = (int)sl_part_integer(workers, "control_core", -1);
	conf->poll = (enum sl_poll)sl_part_choice(workers, "poll", sl_conf_polls);
	for (size_t i = 0; i < SL_WORKERS_MAX; i++)
		conf->cores[i] =
			i < n_cores ? (int)json_integer_value(json_array_get(cores.object, i)) : -1;
	if (n_cores == 0 || n_cores == conf->n_workers)
		return 0;
	sl_err_set(err, EINVAL, "/workers/cores", "%zu cores for %u workers", n_cores,
		conf->n_workers);
	sl_err_hint(err, "list one core for each worker, or leave \"count\" out");
	return -EINVAL;
}

static void read_timeouts(struct sl_conf *conf, struct sl_part timeouts)
{
	char key[24];

	for (int state = 0; state < SL_STATE_COUNT; state++) {
		const json_t *value = sl_schema_get(timeouts.schema, timeouts.object,
			sl_conf_timeout_key((enum sl_state)state, key));
		uint64_t ms = (uint64_t)json_integer_value(value) * 1000;

		if (json_is_string(value))
			sl_duration_parse(json_string_value(value), &ms);
		conf->timeouts.s[state] = (uint16_t)(ms / 1000);
	}
}

static void read_punt(struct sl_conf *conf, struct sl_part punt)
{
	for (int i = 0; i < SL_PUNT_COUNT; i++)
		conf->punt_rates[i] = (uint32_t)sl_part_integer(punt, sl_conf_punts[i], 0);
}

static void read_local_ports(struct sl_conf *conf, struct sl_part ports)
{
	conf->local_ports.low = (uint16_t)sl_part_integer(ports, "low", 1024);
	conf->local_ports.high = (uint16_t)sl_part_integer(ports, "high", 65535);
}

static void read_tunnels(struct sl_conf *conf, struct sl_part tunnels)
{
	const json_t *dscp = sl_schema_get(tunnels.schema, tunnels.object, "dscp");

	conf->tunnels.dscp = json_is_integer(dscp) ? (int16_t)json_integer_value(dscp) : -1;
	conf->tunnels.df = (uint8_t)sl_part_choice(tunnels, "df", sl_conf_tunnel_dfs);
	conf->tunnels.ttl = (uint8_t)sl_part_integer(tunnels, "ttl", 64);
}

static int read_services(struct sl_conf *conf, struct sl_part list, struct sl_err *err)
{
	uint32_t n = (uint32_t)json_array_size(list.object);

	conf->services = calloc(n + 1, sizeof(*conf->services));
	if (conf->services == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int rc = sl_conf_read_service(sl_part_element(list, i), &conf->services[i], err);

		if (rc < 0)
			return rc;
		conf->services[i]->index = i;
		conf->n_services++;
	}
	return 0;
}

static int compare_services(const void *a, const void *b)
{
	const struct sl_conf_service *left = *(void *const *)a, *right = *(void *const *)b;
	int order = sl_service_key_compare(&left->key, &right->key);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int compare_vips(const void *a, const void *b)
{
	const struct sl_conf_vip *left = a, *right = b;
	int order = sl_addr_compare(&left->address, &right->address);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Sorts, and adds the VIPs of services that are not listed. */
static int complete(struct sl_conf *conf)
{
	uint32_t n_listed = conf->n_vips, n = n_listed;
	struct sl_conf_vip *vips;

	qsort(conf->services, conf->n_services, sizeof(*conf->services), compare_services);
	qsort(conf->vips, n_listed, sizeof(*conf->vips), compare_vips);
	vips = realloc(conf->vips, ((size_t)n + conf->n_services + 1) * sizeof(*vips));
	if (vips == NULL)
		return -ENOMEM;
	conf->vips = vips;
	for (uint32_t i = 0; i < conf->n_services; i++) {
		const struct sl_addr *vip = &conf->services[i]->key.vip;

		if (sl_conf_vip_find(conf, vip) != NULL ||
			(n > n_listed && sl_addr_equal(&vips[n - 1].address, vip)))
			continue;
		vips[n++] = (struct sl_conf_vip){
			.address = *vip,
			.mode = SL_VIP_MANAGED,
			.port = sl_conf_port_of(conf, vip),
			.index = conf->services[i]->index,
		};
	}
	qsort(vips, n, sizeof(*vips), compare_vips);
	/* A VIP with TCP and UDP services was added twice: once in each part of the sorted list. */
	conf->n_vips = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (conf->n_vips == 0 || vips[i].listed ||
			!sl_addr_equal(&vips[conf->n_vips - 1].address, &vips[i].address))
			vips[conf->n_vips++] = vips[i];
	}
	return 0;
}

static int read_all(struct sl_conf *conf, struct sl_part top, struct sl_err *err)
{
	int rc = read_top(conf, top);

	if (rc == 0)
		rc = read_dpdk(conf, sl_part_of(top, "dpdk"));
	if (rc == 0)
		rc = read_workers(conf, sl_part_of(top, "workers"), err);
	if (rc == 0)
		rc = sl_conf_read_ports(conf, sl_part_of(top, "ports"), err);
	if (rc == 0)
		rc = sl_conf_read_local_addresses(conf, sl_part_of(top, "local_addresses"), err);
	read_local_ports(conf, sl_part_of(top, "local_ports"));
	read_tunnels(conf, sl_part_of(top, "tunnels"));
	read_timeouts(conf, sl_part_of(top, "timeouts"));
	read_punt(conf, sl_part_of(top, "punt"));
	if (rc == 0)
		rc = sl_conf_read_vips(conf, sl_part_of(top, "vips"), err);
	if (rc == 0)
		rc = read_services(conf, sl_part_of(top, "services"), err);
	if (rc == 0)
		rc = complete(conf);
	return rc == -ENOMEM ? no_memory(err) : rc;
}

int sl_conf_from_json(const json_t *document, struct sl_conf **out, struct sl_err *err)
{
	struct sl_part top = {.schema = sl_conf_schema(), .object = document};
	struct sl_conf *conf;
	int rc = sl_schema_check(top.schema, document, NULL, err);

	if (rc < 0)
		return rc;
	conf = sl_conf_new();
	if (conf == NULL)
		return no_memory(err);
	rc = read_all(conf, top, err);
	if (rc == 0)
		rc = sl_conf_check(conf, NULL, err);
	if (rc < 0) {
		sl_conf_unref(conf);
		return rc;
	}
	*out = conf;
	return 0;
}

int sl_conf_parse(const char *text, size_t length, struct sl_conf **out, struct sl_err *err)
{
	json_t *document;
	int rc = sl_json_parse(text, length, SL_JSON_COMMENTS, &document, err);

	if (rc < 0)
		return rc;
	rc = sl_conf_from_json(document, out, err);
	if (rc == -EINVAL)
		sl_json_locate(text, length, err);
	json_decref(document);
	return rc;
}

static int read_text(FILE *file, char **text, size_t *length)
{
	size_t room = 0;

	*text = NULL;
	*length = 0;
	do {
		char *larger;

		if (room >= FILE_MAX)
			return -EFBIG;
		room = room == 0 ? 65536 : room * 2;
		larger = realloc(*text, room);
		if (larger == NULL)
			return -ENOMEM;
		*text = larger;
		*length += fread(*text + *length, 1, room - *length, file);
	} while (*length == room);
	return ferror(file) ? -EIO : 0;
}

int sl_conf_read(const char *path, struct sl_conf **out, struct sl_err *err)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t length = 0;
	int rc;

	if (file == NULL) {
		rc = -errno;
	} else {
		errno = 0;
		rc = read_text(file, &text, &length);
		if (rc == -EIO && errno != 0)
			rc = -errno; /* a directory, say */
		fclose(file);
	}
	if (rc < 0) {
		/* Whoever shows it puts the file's name before it, as with all other mistakes. */
		sl_err_set(err, -rc, NULL, "the file cannot be read: %s", strerror(-rc));
		sl_err_hint(err, "check that %s is there and can be read", path);
	} else {
		rc = sl_conf_parse(text, length, out, err);
	}
	free(text);
	return rc;
}

int sl_conf_service_from_json(
	const json_t *document, struct sl_conf_service **out, struct sl_err *err)
{
	const struct sl_part part = {.schema = sl_conf_service_schema(), .object = document};
	int rc = sl_schema_check(part.schema, document, NULL, err);

	return rc < 0 ? rc : sl_conf_read_service(part, out, err);
}
