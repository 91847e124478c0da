/* SPDX-License-Identifier: BSD-3-Clause */
/* What differs between two configurations, for people: sl_conf_diff() of conf/change.h. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "conf/change.h"
#include "conf/json.h"
#include "conf/keys.h"
#include "conf/load.h"

#define PATH_BYTES 320

struct diff {
	json_t *list;
	size_t max;
	size_t more; /* beyond max */
	bool failed; /* no memory */
	char path[PATH_BYTES];
};

/* One difference at the path; a NULL is what is not there. Takes both references. */
static void emit(struct diff *d, json_t *from, json_t *to)
{
	json_t *one;

	if (json_array_size(d->list) >= d->max) {
		d->more++;
		json_decref(from);
		json_decref(to);
		return;
	}
	one = json_pack("{s:s, s:s, s:o*, s:o*}", "op",
		from == NULL         ? "add"
			: to == NULL ? "remove"
				     : "change",
		"path", d->path, "from", from, "to", to);
	if (one == NULL || json_array_append_new(d->list, one) < 0)
		d->failed = true;
}

static void compare(struct diff *d, const char *key, json_t *from, json_t *to);

static void compare_objects(struct diff *d, json_t *from, json_t *to)
{
	const char *key;
	json_t *value;

	json_object_foreach (from, key, value)
		compare(d, key, value, json_object_get(to, key));
	json_object_foreach (to, key, value) {
		if (json_object_get(from, key) == NULL)
			compare(d, key, NULL, value);
	}
}

/* What tells an element of a list from the others, or NULL. */
static const char *identity(const json_t *element)
{
	static const char *const keys[] = {"name", "vip", "address"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && json_is_object(element); i++) {
		const json_t *value = json_object_get(element, keys[i]);

		if (value != NULL)
			return json_string_value(value);
	}
	return json_string_value(element);
}

/* The list as an object whose keys are its elements' identities; NULL when it has none such. */
static json_t *by_identity(const json_t *list)
{
	json_t *object = json_object(), *element;
	size_t index;

	json_array_foreach ((json_t *)list, index, element) {
		if (identity(element) == NULL ||
			json_object_set(object, identity(element), element) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static void compare_lists(struct diff *d, json_t *from, json_t *to)
{
	json_t *old = by_identity(from), *new = by_identity(to);

	if (old != NULL && new != NULL && !json_equal(old, new))
		compare_objects(d, old, new);
	else /* without identities, or only in another order */
		emit(d, json_incref(from), json_incref(to));
	json_decref(old);
	json_decref(new);
}

static void compare(struct diff *d, const char *key, json_t *from, json_t *to)
{
	size_t length = strlen(d->path);

	if (from != NULL && to != NULL && json_equal(from, to))
		return;
	sl_json_path_key(d->path, sizeof(d->path), key, strlen(key));
	if (json_is_object(from) && json_is_object(to))
		compare_objects(d, from, to);
	else if (json_is_array(from) && json_is_array(to))
		compare_lists(d, from, to);
	else
		emit(d, json_incref(from), json_incref(to));
	d->path[length] = '\0';
}

static void add_service_path(struct diff *d, const struct sl_service_key *key)
{
	char name[SL_ENDPOINT_TEXT + 8], endpoint[SL_ENDPOINT_TEXT];

	snprintf(name, sizeof(name), "%s:%s", key->protocol == IPPROTO_TCP ? "tcp" : "udp",
		sl_endpoint_format(&key->vip, key->port, endpoint));
	sl_json_path_key(d->path, sizeof(d->path), "services", 8);
	sl_json_path_key(d->path, sizeof(d->path), name, strlen(name));
}

/* Servers by their endpoint, in order. */
static json_t *servers_of(struct diff *d, const struct sl_conf_service *service)
{
	json_t *servers = json_object();
	char name[SL_ENDPOINT_TEXT];

	for (uint32_t i = 0; i < service->n_servers; i++) {
		sl_endpoint_format(&service->servers[i].address, service->servers[i].port, name);
		if (json_object_set_new(servers, name, sl_conf_write_server(service, i)) < 0)
			d->failed = true;
	}
	return servers;
}

static json_t *names_of(json_t *object)
{
	json_t *names = json_array(), *value;
	const char *name;

	json_object_foreach (object, name, value)
		json_array_append_new(names, json_string(name));
	return names;
}

/* Whether those that are in both stand in the same order. Both objects keep theirs. */
static bool is_same_order(json_t *from, json_t *to)
{
	void *at = json_object_iter(to);
	const char *name;
	json_t *value;

	json_object_foreach (from, name, value) {
		if (json_object_get(to, name) == NULL)
			continue;
		while (at != NULL && json_object_get(from, json_object_iter_key(at)) == NULL)
			at = json_object_iter_next(to, at);
		if (at == NULL || strcmp(json_object_iter_key(at), name) != 0)
			return false;
		at = json_object_iter_next(to, at);
	}
	return true;
}

static void compare_servers(
	struct diff *d, const struct sl_conf_service *from, const struct sl_conf_service *to)
{
	size_t length = strlen(d->path), servers_length;
	json_t *old = servers_of(d, from), *new = servers_of(d, to), *value;
	const char *name;

	sl_json_path_key(d->path, sizeof(d->path), "servers", 7);
	servers_length = strlen(d->path);
	json_object_foreach (old, name, value) {
		json_t *other = json_object_get(new, name);

		sl_json_path_key(d->path, sizeof(d->path), name, strlen(name));
		if (other == NULL || !json_equal(value, other))
			emit(d, json_incref(value), json_incref(other));
		d->path[servers_length] = '\0';
	}
	json_object_foreach (new, name, value) {
		sl_json_path_key(d->path, sizeof(d->path), name, strlen(name));
		if (json_object_get(old, name) == NULL)
			emit(d, NULL, json_incref(value));
		d->path[servers_length] = '\0';
	}
	if (!is_same_order(old, new))
		emit(d, names_of(old), names_of(new));
	d->path[length] = '\0';
	json_decref(old);
	json_decref(new);
}

static void compare_options(
	struct diff *d, const struct sl_conf_service *from, const struct sl_conf_service *to)
{
	json_t *old = sl_conf_write_options(from), *new = sl_conf_write_options(to);

	if (old != NULL && new != NULL)
		compare_objects(d, old, new);
	else
		d->failed = true;
	json_decref(old);
	json_decref(new);
}

static void compare_service(
	struct diff *d, const struct sl_conf_service *from, const struct sl_conf_service *to)
{
	size_t length = strlen(d->path);

	if (from == to)
		return;
	add_service_path(d, from != NULL ? &from->key : &to->key);
	if (from == NULL) {
		emit(d, NULL, sl_conf_service_to_json(to));
	} else if (to == NULL) {
		emit(d, sl_conf_service_to_json(from), NULL);
	} else {
		compare_options(d, from, to);
		compare_servers(d, from, to);
	}
	d->path[length] = '\0';
}

static void compare_services(struct diff *d, const struct sl_conf *from, const struct sl_conf *to)
{
	uint32_t i = 0, j = 0;

	while (i < from->n_services || j < to->n_services) {
		int order = i == from->n_services ? 1
			: j == to->n_services
			? -1
			: sl_service_key_compare(&from->services[i]->key, &to->services[j]->key);

		compare_service(d, order <= 0 ? from->services[i] : NULL,
			order >= 0 ? to->services[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

json_t *sl_conf_diff(const struct sl_conf *from, const struct sl_conf *to, size_t max)
{
	struct diff d = {.list = json_array(), .max = max};
	json_t *old = sl_conf_write(from, SL_CONF_DEFAULTS | SL_CONF_NO_SERVICES);
	json_t *new = sl_conf_write(to, SL_CONF_DEFAULTS | SL_CONF_NO_SERVICES);

	if (d.list == NULL || old == NULL || new == NULL)
		d.failed = true;
	else
		compare_objects(&d, old, new);
	compare_services(&d, from, to);
	json_decref(old);
	json_decref(new);
	if (!d.failed && d.more != 0 &&
		json_array_append_new(d.list,
			json_pack("{s:s, s:I}", "op", "more", "count", (json_int_t)d.more)) < 0)
		d.failed = true;
	if (!d.failed)
		return d.list;
	json_decref(d.list);
	return NULL;
}
