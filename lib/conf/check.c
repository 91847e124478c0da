/* SPDX-License-Identifier: BSD-3-Clause */
/* What the schema cannot say, because it spans several values. Declared in conf/load.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/load.h"

const char *sl_check_path(char path[SL_CHECK_PATH], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path, SL_CHECK_PATH, format, args);
	va_end(args);
	return path;
}

static int compare_entries(const void *a, const void *b)
{
	const struct sl_check_entry *left = a, *right = b;
	int order = sl_addr_compare(&left->address, &right->address);

	if (order == 0)
		order = (left->port > right->port) - (left->port < right->port);
	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

void sl_check_sort(struct sl_check_entry *entries, uint32_t n)
{
	qsort(entries, n, sizeof(*entries), compare_entries);
}

static int check_workers(const struct sl_conf *conf, struct sl_err *err)
{
	char path[SL_CHECK_PATH];

	for (uint32_t i = 0; i < conf->n_workers && conf->cores[i] >= 0; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (conf->cores[i] != conf->cores[j])
				continue;
			REFUSE(err, sl_check_path(path, "/workers/cores/%u", i),
				"core %d is there twice", conf->cores[i]);
			return HINT(err, "each worker needs a core of its own");
		}
	}
	return 0;
}

/* What other keys decide must not be overruled behind their back. */
static int check_eal_args(const struct sl_conf *conf, struct sl_err *err)
{
	static const struct {
		const char *argument, *key;
	} decided[] = {
		{"-l", "workers.cores"},
		{"-c", "workers.cores"},
		{"--lcores", "workers.cores"},
		{"--main-lcore", "workers.control_core"},
		{"--file-prefix", "instance"},
		{"-m", "dpdk.memory"},
		{"--socket-mem", "dpdk.memory"},
		{"--no-huge", "dpdk.huge_pages"},
		{"--proc-type", NULL},
		{"--in-memory", NULL},
	};
	char path[SL_CHECK_PATH];

	for (uint32_t i = 0; i < conf->n_eal_args; i++) {
		size_t length = strcspn(conf->eal_args[i], "=");

		for (size_t j = 0; j < sizeof(decided) / sizeof(decided[0]); j++) {
			if (strlen(decided[j].argument) != length ||
				strncmp(conf->eal_args[i], decided[j].argument, length) != 0)
				continue;
			REFUSE(err, sl_check_path(path, "/dpdk/eal_args/%u", i),
				"sluice sets %s itself", decided[j].argument);
			return decided[j].key != NULL
				? HINT(err, "take it out and set %s", decided[j].key)
				: HINT(err, "take it out");
		}
	}
	return 0;
}

static const char *protocol_name(const struct sl_service_key *key)
{
	return key->protocol == IPPROTO_TCP ? "tcp" : "udp";
}

static int check_services(const struct sl_conf *conf, struct sl_err *err)
{
	char base[SL_CHECK_PATH], text[SL_ADDR_TEXT];
	int rc = 0;

	for (uint32_t i = 0; i < conf->n_services && rc == 0; i++) {
		const struct sl_conf_service *service = conf->services[i];

		sl_check_path(base, "/services/%u", service->index);
		if (i > 0 &&
			sl_service_key_compare(&service->key, &conf->services[i - 1]->key) == 0) {
			REFUSE(err, base, "service %s %s:%u is there twice",
				protocol_name(&service->key),
				sl_addr_format(&service->key.vip, text), service->key.port);
			return HINT(err, "put all its servers into one");
		}
		rc = sl_check_service(conf, service, base, err);
	}
	return rc;
}

static int check_limits(const struct sl_conf *conf, struct sl_err *err)
{
	uint64_t servers = 0;

	for (uint32_t i = 0; i < conf->n_services; i++)
		servers += conf->services[i]->n_servers;
	if (conf->n_services > conf->max_services) {
		REFUSE(err, "/services", "%u services are more than max_services, %u",
			conf->n_services, conf->max_services);
		return HINT(err, "raise \"max_services\" and restart");
	}
	if (servers > conf->max_servers) {
		REFUSE(err, "/services", "%llu servers are more than max_servers, %u",
			(unsigned long long)servers, conf->max_servers);
		return HINT(err, "raise \"max_servers\" and restart");
	}
	return 0;
}

int sl_conf_check(
	const struct sl_conf *conf, const struct sl_conf_service *service, struct sl_err *err)
{
	int rc;

	rc = check_limits(conf, err);
	if (rc < 0 || service != NULL)
		return rc < 0 ? rc : sl_check_service(conf, service, "", err);
	rc = check_eal_args(conf, err);
	if (rc == 0)
		rc = check_workers(conf, err);
	for (uint32_t i = 0; i < conf->n_ports && rc == 0; i++)
		rc = sl_check_port(conf, i, err);
	if (rc == 0)
		rc = sl_check_addresses(conf, err);
	if (rc == 0)
		rc = sl_check_local_addresses(conf, err);
	for (uint32_t i = 0; i < conf->n_vips && rc == 0; i++) {
		if (conf->vips[i].listed)
			rc = sl_check_vip(conf, &conf->vips[i], err);
	}
	return rc < 0 ? rc : check_services(conf, err);
}
