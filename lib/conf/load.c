/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/json.h"
#include "conf/keys.h"
#include "lb/fwd.h"
#include "lb/sched.h"

#define FILE_MAX (128u << 20) /* as for a request of the API */

/*
 * Everything below reads a document that the schema has accepted: what it gets has the right type,
 * and addresses, durations and the like can be parsed.
 */

/* A part of the document with its schema, so that defaults are found. */
struct part {
	const struct sl_schema *schema;
	const json_t *object;
};

static struct part part_of(struct part whole, const char *key)
{
	return (struct part){
		.schema = sl_schema_member(whole.schema, key),
		.object = sl_schema_get(whole.schema, whole.object, key),
	};
}

/* Element of a list. */
static struct part element_of(struct part list, size_t index)
{
	return (struct part){
		.schema = sl_schema_element(list.schema),
		.object = json_array_get(list.object, index),
	};
}

static const char *get_text(struct part part, const char *key)
{
	return json_string_value(sl_schema_get(part.schema, part.object, key));
}

static json_int_t get_integer(struct part part, const char *key, json_int_t otherwise)
{
	const json_t *value = sl_schema_get(part.schema, part.object, key);

	return value != NULL ? json_integer_value(value) : otherwise;
}

static struct sl_addr get_address(struct part part, const char *key)
{
	struct sl_addr address = {0};

	sl_addr_parse(get_text(part, key), &address);
	return address;
}

/* Index of the value among the names; 0 when the key is not there. */
static int get_choice(struct part part, const char *key, const char *const *names)
{
	const char *value = get_text(part, key);

	for (int i = 0; value != NULL && names[i] != NULL; i++) {
		if (strcmp(names[i], value) == 0)
			return i;
	}
	return 0;
}

static int no_memory(struct sl_err *err)
{
	return sl_err_set(err, ENOMEM, NULL, "no memory for the configuration");
}

static char *keep_text(struct sl_conf *conf, const char *text)
{
	char *kept = sl_conf_alloc(conf, strlen(text) + 1);

	return kept != NULL ? strcpy(kept, text) : NULL;
}

static int read_top(struct sl_conf *conf, struct part top)
{
	const char *run_directory = get_text(top, "run_directory");

	snprintf(conf->instance, sizeof(conf->instance), "%s", get_text(top, "instance"));
	if (run_directory != NULL)
		snprintf(conf->run_directory, sizeof(conf->run_directory), "%s", run_directory);
	else
		sl_conf_default_run_directory(
			conf->instance, conf->run_directory, sizeof(conf->run_directory));
	sl_log_level_parse(get_text(top, "log_level"), &conf->log_level);
	conf->connections = (uint64_t)get_integer(top, "connections", 0);
	conf->max_services = (uint32_t)get_integer(top, "max_services", 0);
	conf->max_servers = (uint32_t)get_integer(top, "max_servers", 0);
	conf->icmp_rate = (uint32_t)get_integer(top, "icmp_rate", 0);
	return 0;
}

static int read_dpdk(struct sl_conf *conf, struct part dpdk)
{
	struct part args = part_of(dpdk, "eal_args");
	const char *memory = get_text(dpdk, "memory");

	if (memory != NULL)
		sl_size_parse(memory, &conf->memory);
	conf->huge_pages = (enum sl_huge_pages)get_choice(dpdk, "huge_pages", sl_conf_huge_pages);
	conf->n_eal_args = (uint32_t)json_array_size(args.object);
	conf->eal_args = sl_conf_alloc(conf, conf->n_eal_args * sizeof(*conf->eal_args));
	for (uint32_t i = 0; conf->eal_args != NULL && i < conf->n_eal_args; i++) {
		conf->eal_args[i] =
			keep_text(conf, json_string_value(json_array_get(args.object, i)));
		if (conf->eal_args[i] == NULL)
			return -ENOMEM;
	}
	return conf->eal_args != NULL ? 0 : -ENOMEM;
}

static int read_workers(struct sl_conf *conf, struct part workers, struct sl_err *err)
{
	struct part cores = part_of(workers, "cores");
	size_t n_cores = json_array_size(cores.object);

	conf->n_workers = (uint32_t)get_integer(workers, "count", n_cores != 0 ? n_cores : 1);
	conf->control_core = (int)get_integer(workers, "control_core", -1);
	conf->poll = (enum sl_poll)get_choice(workers, "poll", sl_conf_polls);
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

static int read_neighbours(struct sl_conf *conf, struct sl_conf_port *port, struct part list)
{
	port->n_neighbours = (uint32_t)json_array_size(list.object);
	port->neighbours = sl_conf_alloc(conf, port->n_neighbours * sizeof(*port->neighbours));
	if (port->neighbours == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_neighbours; i++) {
		struct part neighbour = element_of(list, i);

		port->neighbours[i].address = get_address(neighbour, "address");
		sl_mac_parse(get_text(neighbour, "mac"), port->neighbours[i].mac);
	}
	return 0;
}

static int read_addresses(struct sl_conf *conf, struct sl_conf_port *port, struct part list)
{
	port->n_addresses = (uint32_t)json_array_size(list.object);
	port->addresses = sl_conf_alloc(conf, port->n_addresses * sizeof(*port->addresses));
	if (port->addresses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_addresses; i++)
		sl_prefix_parse(
			json_string_value(json_array_get(list.object, i)), &port->addresses[i]);
	return 0;
}

static int read_port(struct sl_conf *conf, struct sl_conf_port *port, struct part part)
{
	struct part twin = part_of(part, "twin");
	int rc;

	snprintf(port->name, sizeof(port->name), "%s", get_text(part, "name"));
	port->device = keep_text(conf, get_text(part, "device"));
	if (port->device == NULL)
		return -ENOMEM;
	port->twin = !json_is_false(twin.object);
	if (json_is_object(twin.object))
		snprintf(port->twin_netns, sizeof(port->twin_netns), "%s", get_text(twin, "netns"));
	port->mtu = (uint16_t)get_integer(part, "mtu", 0);
	port->rx_descriptors = (uint16_t)get_integer(part, "rx_descriptors", 0);
	port->tx_descriptors = (uint16_t)get_integer(part, "tx_descriptors", 0);
	port->transit = port->twin ? SL_TRANSIT_LINUX : SL_TRANSIT_DROP;
	if (get_text(part, "transit") != NULL)
		port->transit = (enum sl_transit)get_choice(part, "transit", sl_conf_transits);
	rc = read_addresses(conf, port, part_of(part, "addresses"));
	return rc < 0 ? rc : read_neighbours(conf, port, part_of(part, "neighbours"));
}

static int read_ports(struct sl_conf *conf, struct part list)
{
	uint32_t n = (uint32_t)json_array_size(list.object);
	int rc = 0;

	conf->ports = sl_conf_alloc(conf, n * sizeof(*conf->ports));
	if (conf->ports == NULL)
		return -ENOMEM;
	conf->n_ports = n;
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = read_port(conf, &conf->ports[i], element_of(list, i));
	return rc;
}

static void read_timeouts(struct sl_conf *conf, struct part timeouts)
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

static void read_punt(struct sl_conf *conf, struct part punt)
{
	for (int i = 0; i < SL_PUNT_COUNT; i++)
		conf->punt_rates[i] = (uint32_t)get_integer(punt, sl_conf_punts[i], 0);
}

static int find_port(const struct sl_conf *conf, const char *name, uint32_t *port)
{
	for (*port = 0; *port < conf->n_ports; (*port)++) {
		if (strcmp(conf->ports[*port].name, name) == 0)
			return 0;
	}
	return -ENOENT;
}

static int read_vips(struct sl_conf *conf, struct part list, struct sl_err *err)
{
	size_t n = json_array_size(list.object);

	conf->vips = calloc(n + 1, sizeof(*conf->vips));
	if (conf->vips == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct part part = element_of(list, i);
		struct sl_conf_vip *vip = &conf->vips[i];
		const char *port = get_text(part, "port");
		char path[64];

		vip->address = get_address(part, "vip");
		vip->mode = (enum sl_vip_mode)get_choice(part, "address", sl_conf_vip_modes);
		vip->listed = true;
		vip->index = (uint32_t)i;
		conf->n_vips++;
		if (port == NULL) {
			vip->port = sl_conf_port_of(conf, &vip->address);
		} else if (find_port(conf, port, &vip->port) < 0) {
			snprintf(path, sizeof(path), "/vips/%zu/port", i);
			sl_err_set(err, EINVAL, path, "there is no port \"%s\"", port);
			sl_err_hint(err, "take the \"name\" of one of the \"ports\"");
			return -EINVAL;
		}
	}
	return 0;
}

static int read_server(
	struct sl_conf_server *server, struct part part, uint16_t service_port, struct sl_err *err)
{
	const char *forward = get_text(part, "forward");
	const struct sl_fwd *fwd = sl_fwd_find(forward);

	if (fwd == NULL)
		return sl_err_set(
			err, EINVAL, NULL, "forwarding method \"%s\" is not built in", forward);
	server->fwd = fwd->method;
	server->address = get_address(part, "address");
	server->port = (uint16_t)get_integer(part, "port", service_port);
	server->weight = (uint32_t)get_integer(part, "weight", 0);
	return 0;
}

static int read_service(struct part part, struct sl_conf_service **out, struct sl_err *err)
{
	struct part servers = part_of(part, "servers");
	uint32_t n = (uint32_t)json_array_size(servers.object);
	struct sl_conf_service *service = sl_conf_service_new(n);
	int rc = 0;

	if (service == NULL)
		return no_memory(err);
	service->key.protocol =
		strcmp(get_text(part, "protocol"), "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	service->key.vip = get_address(part, "address");
	service->key.port = (uint16_t)get_integer(part, "port", 0);
	service->sched = sl_sched_find(get_text(part, "scheduler"));
	if (service->sched == NULL)
		rc = sl_err_set(err, EINVAL, NULL, "scheduler \"%s\" is not built in",
			get_text(part, "scheduler"));
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = read_server(
			&service->servers[i], element_of(servers, i), service->key.port, err);
	if (rc < 0)
		sl_conf_service_unref(service);
	else
		*out = service;
	return rc;
}

static int read_services(struct sl_conf *conf, struct part list, struct sl_err *err)
{
	uint32_t n = (uint32_t)json_array_size(list.object);

	conf->services = calloc(n + 1, sizeof(*conf->services));
	if (conf->services == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int rc = read_service(element_of(list, i), &conf->services[i], err);

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

static int read_all(struct sl_conf *conf, struct part top, struct sl_err *err)
{
	int rc = read_top(conf, top);

	if (rc == 0)
		rc = read_dpdk(conf, part_of(top, "dpdk"));
	if (rc == 0)
		rc = read_workers(conf, part_of(top, "workers"), err);
	if (rc == 0)
		rc = read_ports(conf, part_of(top, "ports"));
	read_timeouts(conf, part_of(top, "timeouts"));
	read_punt(conf, part_of(top, "punt"));
	if (rc == 0)
		rc = read_vips(conf, part_of(top, "vips"), err);
	if (rc == 0)
		rc = read_services(conf, part_of(top, "services"), err);
	if (rc == 0)
		rc = complete(conf);
	return rc == -ENOMEM ? no_memory(err) : rc;
}

int sl_conf_from_json(const json_t *document, struct sl_conf **out, struct sl_err *err)
{
	struct part top = {.schema = sl_conf_schema(), .object = document};
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
	const struct part part = {.schema = sl_conf_service_schema(), .object = document};
	int rc = sl_schema_check(part.schema, document, NULL, err);

	return rc < 0 ? rc : read_service(part, out, err);
}
