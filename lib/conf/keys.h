/* SPDX-License-Identifier: BSD-3-Clause */
/* What reading and writing a configuration share: names of values, and the compiled schema. */
#ifndef SL_CONF_KEYS_H
#define SL_CONF_KEYS_H

#include <jansson.h>

#include "conf/model.h"
#include "conf/schema.h"

/* Names by value, NULL at the end; each is an enum of the schema in the same words. */
extern const char *const sl_conf_log_levels[];
extern const char *const sl_conf_polls[];
extern const char *const sl_conf_huge_pages[];
extern const char *const sl_conf_vip_modes[];
extern const char *const sl_conf_transits[];
extern const char *const sl_conf_punts[];
extern const char *const sl_conf_tunnel_types[];
extern const char *const sl_conf_tunnel_checksums[]; /* by flags */
extern const char *const sl_conf_tunnel_dfs[];
extern const char *const sl_conf_sched_flags[]; /* by number of the bit */
extern const char *const sl_conf_proxy_protocols[];

/* Key of a state's timeout: its name in lower case. */
const char *sl_conf_timeout_key(enum sl_state state, char key[24]);

/* The schema of the whole and of its parts; never NULL, not to be freed. */
const struct sl_schema *sl_conf_schema(void);
const struct sl_schema *sl_conf_service_schema(void);

/* The run directory of an instance whose configuration names none. */
void sl_conf_default_run_directory(const char *instance, char *path, size_t size);

/* Flags of sl_conf_write(). */
enum {
	SL_CONF_DEFAULTS = 1,    /* also what has its default value */
	SL_CONF_NO_SERVICES = 2, /* without the services */
};

/* sl_conf_to_json() and more. NULL without memory. */
json_t *sl_conf_write(const struct sl_conf *conf, unsigned flags);
/* A service without its servers, and one of these; what has its default value, too. */
json_t *sl_conf_write_options(const struct sl_conf_service *service);
json_t *sl_conf_write_server(const struct sl_conf_service *service, uint32_t index);

#endif
