/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/model.h"

#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

struct sl_conf_arena {
	uint32_t references;
	struct block *blocks;
};

struct block {
	struct block *next;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct sl_conf *sl_conf_new(void)
{
	struct sl_conf *conf = calloc(1, sizeof(*conf));
	struct sl_conf_arena *arena = calloc(1, sizeof(*arena));

	if (conf == NULL || arena == NULL) {
		free(conf);
		free(arena);
		return NULL;
	}
	conf->references = 1;
	arena->references = 1;
	conf->arena = arena;
	return conf;
}

void *sl_conf_alloc(struct sl_conf *conf, size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (block == NULL)
		return NULL;
	block->next = conf->arena->blocks;
	conf->arena->blocks = block;
	return block->bytes;
}

static void arena_unref(struct sl_conf_arena *arena)
{
	struct block *next;

	if (--arena->references != 0)
		return;
	for (struct block *block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

struct sl_conf *sl_conf_ref(struct sl_conf *conf)
{
	conf->references++;
	return conf;
}

void sl_conf_unref(struct sl_conf *conf)
{
	if (conf == NULL || --conf->references != 0)
		return;
	for (uint32_t i = 0; i < conf->n_services; i++)
		sl_conf_service_unref(conf->services[i]);
	free(conf->services);
	free(conf->vips);
	arena_unref(conf->arena);
	free(conf);
}

struct sl_conf_service *sl_conf_service_new(uint32_t n_servers)
{
	struct sl_conf_service *service;

	service = calloc(1, sizeof(*service) + n_servers * sizeof(service->servers[0]));
	if (service == NULL)
		return NULL;
	service->references = 1;
	service->n_servers = n_servers;
	return service;
}

void sl_conf_service_unref(struct sl_conf_service *service)
{
	if (service != NULL && --service->references == 0)
		free(service);
}

uint32_t sl_conf_port_of(const struct sl_conf *conf, const struct sl_addr *address)
{
	uint32_t best = SL_CONF_NO_PORT;
	int longest = -1;

	for (uint32_t i = 0; i < conf->n_ports; i++) {
		const struct sl_conf_port *port = &conf->ports[i];

		for (uint32_t j = 0; j < port->n_addresses; j++) {
			if (port->addresses[j].length > longest &&
				sl_prefix_contains(&port->addresses[j], address)) {
				longest = port->addresses[j].length;
				best = i;
			}
		}
	}
	return best;
}

bool sl_conf_is_local(const struct sl_conf *conf, const struct sl_addr *address)
{
	if (sl_addr_is_loopback(address))
		return true;
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		for (uint32_t j = 0; j < conf->ports[i].n_addresses; j++) {
			if (sl_addr_equal(&conf->ports[i].addresses[j].addr, address))
				return true;
		}
	}
	return false;
}

enum sl_fwd_method
sl_conf_server_fwd(const struct sl_conf *conf, const struct sl_conf_server *server)
{
	return sl_conf_is_local(conf, &server->address) ? SL_FWD_LOCAL : server->fwd;
}

int sl_service_key_compare(const struct sl_service_key *a, const struct sl_service_key *b)
{
	int order;

	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	order = sl_addr_compare(&a->vip, &b->vip);
	if (order != 0)
		return order;
	return (a->port > b->port) - (a->port < b->port);
}

/* The index of the first service that is not before the key. */
static uint32_t service_place(const struct sl_conf *conf, const struct sl_service_key *key)
{
	uint32_t low = 0, high = conf->n_services;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sl_service_key_compare(&conf->services[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct sl_conf *conf, uint32_t place, const struct sl_service_key *key)
{
	return place < conf->n_services &&
		sl_service_key_compare(&conf->services[place]->key, key) == 0;
}

const struct sl_conf_service *
sl_conf_service_find(const struct sl_conf *conf, const struct sl_service_key *key)
{
	uint32_t place = service_place(conf, key);

	return is_at(conf, place, key) ? conf->services[place] : NULL;
}

static uint32_t vip_place(const struct sl_conf *conf, const struct sl_addr *address)
{
	uint32_t low = 0, high = conf->n_vips;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sl_addr_compare(&conf->vips[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct sl_conf_vip *
sl_conf_vip_find(const struct sl_conf *conf, const struct sl_addr *address)
{
	uint32_t place = vip_place(conf, address);

	if (place == conf->n_vips || !sl_addr_equal(&conf->vips[place].address, address))
		return NULL;
	return &conf->vips[place];
}

/* A copy with its own lists, in which there is room for one more service and VIP. */
static struct sl_conf *copy(const struct sl_conf *conf)
{
	struct sl_conf *new = malloc(sizeof(*new));

	if (new == NULL)
		return NULL;
	*new = *conf;
	new->references = 1;
	new->services = malloc((conf->n_services + 1) * sizeof(*new->services));
	new->vips = malloc((conf->n_vips + 1) * sizeof(*new->vips));
	if (new->services == NULL || new->vips == NULL) {
		free(new->services);
		free(new->vips);
		free(new);
		return NULL;
	}
	new->arena->references++;
	for (uint32_t i = 0; i < conf->n_services; i++) {
		new->services[i] = conf->services[i];
		new->services[i]->references++;
	}
	if (conf->n_vips != 0)
		memcpy(new->vips, conf->vips, conf->n_vips * sizeof(*new->vips));
	return new;
}

struct sl_conf *sl_conf_with_service(const struct sl_conf *conf, struct sl_conf_service *service)
{
	struct sl_conf *new = copy(conf);
	uint32_t place;

	if (new == NULL) {
		sl_conf_service_unref(service);
		return NULL;
	}
	place = service_place(new, &service->key);
	if (is_at(new, place, &service->key)) {
		sl_conf_service_unref(new->services[place]);
		new->services[place] = service;
		return new;
	}
	memmove(&new->services[place + 1], &new->services[place],
		(new->n_services - place) * sizeof(*new->services));
	new->services[place] = service;
	new->n_services++;
	if (sl_conf_vip_find(new, &service->key.vip) != NULL)
		return new;
	place = vip_place(new, &service->key.vip);
	memmove(&new->vips[place + 1], &new->vips[place],
		(new->n_vips - place) * sizeof(*new->vips));
	new->vips[place] = (struct sl_conf_vip){
		.address = service->key.vip,
		.mode = SL_VIP_MANAGED,
		.port = sl_conf_port_of(conf, &service->key.vip),
	};
	new->n_vips++;
	return new;
}

static bool has_service(const struct sl_conf *conf, const struct sl_addr *vip)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < sizeof(protocols); i++) {
		const struct sl_service_key first = {.protocol = protocols[i], .vip = *vip};
		uint32_t place = service_place(conf, &first);

		if (place < conf->n_services &&
			conf->services[place]->key.protocol == protocols[i] &&
			sl_addr_equal(&conf->services[place]->key.vip, vip))
			return true;
	}
	return false;
}

struct sl_conf *
sl_conf_without_service(const struct sl_conf *conf, const struct sl_service_key *key)
{
	struct sl_conf *new = copy(conf);
	uint32_t place;

	if (new == NULL)
		return NULL;
	place = service_place(new, key);
	if (!is_at(new, place, key))
		return new;
	sl_conf_service_unref(new->services[place]);
	new->n_services--;
	memmove(&new->services[place], &new->services[place + 1],
		(new->n_services - place) * sizeof(*new->services));
	place = vip_place(new, &key->vip);
	if (place < new->n_vips && !new->vips[place].listed && !has_service(new, &key->vip)) {
		new->n_vips--;
		memmove(&new->vips[place], &new->vips[place + 1],
			(new->n_vips - place) * sizeof(*new->vips));
	}
	return new;
}

struct sl_conf *
sl_conf_with_timeouts(const struct sl_conf *conf, const struct sl_timeouts *timeouts)
{
	struct sl_conf *new = copy(conf);

	if (new != NULL)
		new->timeouts = *timeouts;
	return new;
}
