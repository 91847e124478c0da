/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/edit.h"

#include <errno.h>

#include "api/state.h"
#include "conf/load.h"

/* Installs and lets go of `conf`, which may be NULL. */
static int install(struct sl_call *call, struct sl_conf *conf)
{
	int code;

	if (conf == NULL)
		return sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
	code = sl_state_install(call->director, conf, &call->err);
	sl_conf_unref(conf);
	return code;
}

int sl_edit_put(struct sl_call *call, json_t *document)
{
	struct sl_conf_service *service = NULL;
	struct sl_conf *conf;
	struct sl_service_key key;
	int rc;

	if (document == NULL)
		return sl_call_fail(call, SL_RPC_INTERNAL, NULL, "out of memory");
	rc = sl_conf_service_from_json(document, &service, &call->err);
	json_decref(document);
	if (rc < 0)
		return rc == -ENOMEM ? SL_RPC_INTERNAL : SL_RPC_CONFIG;
	key = service->key;
	conf = sl_conf_with_service(call->director->conf, service);
	if (conf != NULL && sl_conf_check(conf, sl_conf_service_find(conf, &key), &call->err) < 0) {
		sl_conf_unref(conf);
		return SL_RPC_CONFIG;
	}
	return install(call, conf);
}

int sl_edit_remove(struct sl_call *call, const struct sl_service_key *key)
{
	return install(call, sl_conf_without_service(call->director->conf, key));
}

int sl_edit_server_index(
	const struct sl_conf_service *service, const struct sl_addr *address, uint16_t port)
{
	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct sl_conf_server *server = &service->servers[i];

		if (sl_addr_equal(&server->address, address) &&
			server->port == (port != 0 ? port : service->key.port))
			return (int)i;
	}
	return -1;
}
