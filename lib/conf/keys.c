/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/keys.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/encap.h"

const char *const sl_conf_log_levels[] = {
	[SL_LOG_ERROR - SL_LOG_ERROR] = "error",
	[SL_LOG_WARNING - SL_LOG_ERROR] = "warning",
	[SL_LOG_NOTICE - SL_LOG_ERROR] = "notice",
	[SL_LOG_INFO - SL_LOG_ERROR] = "info",
	[SL_LOG_DEBUG - SL_LOG_ERROR] = "debug",
	NULL,
};
const char *const sl_conf_polls[] = {
	[SL_POLL_BUSY] = "busy",
	[SL_POLL_ADAPTIVE] = "adaptive",
	NULL,
};
const char *const sl_conf_huge_pages[] = {
	[SL_HUGE_AUTO] = "auto",
	[SL_HUGE_ON] = "on",
	[SL_HUGE_OFF] = "off",
	NULL,
};
const char *const sl_conf_vip_modes[] = {
	[SL_VIP_MANAGED] = "managed",
	[SL_VIP_EXTERNAL] = "external",
	NULL,
};
const char *const sl_conf_transits[] = {
	[SL_TRANSIT_LINUX] = "linux",
	[SL_TRANSIT_DROP] = "drop",
	[SL_TRANSIT_FAST] = "fast",
	[SL_TRANSIT_MASQUERADE] = "masquerade",
	NULL,
};
const char *const sl_conf_tunnel_types[] = {
	[SL_TUNNEL_IPIP] = "ipip",
	[SL_TUNNEL_GUE] = "gue",
	[SL_TUNNEL_GRE] = "gre",
	NULL,
};
const char *const sl_conf_tunnel_checksums[] = {
	[0] = "none",
	[SL_TUNNEL_CSUM] = "on",
	[SL_TUNNEL_REMCSUM] = "remote",
	NULL,
};
const char *const sl_conf_tunnel_dfs[] = {
	[SL_TUNNEL_DF_COPY] = "copy",
	[SL_TUNNEL_DF_SET] = "set",
	[SL_TUNNEL_DF_CLEAR] = "clear",
	NULL,
};
const char *const sl_conf_sched_flags[] = {
	[0] = "fallback", /* SL_SCHED_FALLBACK */
	[1] = "port",     /* SL_SCHED_PORT */
	NULL,
};
const char *const sl_conf_proxy_protocols[] = {
	[SL_PROXY_OFF] = "off",
	[SL_PROXY_V2] = "v2",
	NULL,
};
const char *const sl_conf_punts[] = {
#define X(NAME, name, rate, help) [SL_PUNT_##NAME] = name,
	SL_PUNT_CLASSES(X)
#undef X
		NULL,
};

const char *sl_conf_timeout_key(enum sl_state state, char key[24])
{
	static const char *const names[] = {
#define X(NAME, name, timeout, active) [SL_STATE_##NAME] = name,
		SL_STATES(X)
#undef X
	};
	size_t i;

	for (i = 0; names[state][i] != '\0' && i < 23; i++)
		key[i] = (char)tolower((unsigned char)names[state][i]);
	key[i] = '\0';
	return key;
}

static struct sl_schema *schema;

static void compile(void)
{
	struct sl_err err = {0};

	schema = sl_schema_new(sl_schema_conf(), sl_schema_conf(), &err);
	if (schema == NULL) {
		fprintf(stderr, "the built-in schema is broken: %s\n", err.message);
		abort();
	}
}

const struct sl_schema *sl_conf_schema(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, compile);
	return schema;
}

const struct sl_schema *sl_conf_service_schema(void)
{
	return sl_schema_element(sl_schema_member(sl_conf_schema(), "services"));
}

void sl_conf_default_run_directory(const char *instance, char *path, size_t size)
{
	if (strcmp(instance, "sluice") == 0)
		snprintf(path, size, "/run/sluice");
	else
		snprintf(path, size, "/run/sluice-%s", instance);
}
