/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of one service, by way of its document: the form of the file. So an edit passes the same
 * checks as a file does. Configuration thread.
 */
#ifndef SL_API_EDIT_H
#define SL_API_EDIT_H

#include <jansson.h>

#include "api/rpc.h"
#include "conf/model.h"

/*
 * Makes the service of this document run, in place of the one it stands for if there is one.
 * `document` is taken over; NULL is a lack of memory. 0 or an enum sl_rpc_code.
 */
int sl_edit_put(struct sl_call *call, json_t *document);

int sl_edit_remove(struct sl_call *call, const struct sl_service_key *key);

/*
 * The index of a server in the service, by address and port (0 = the service's); -1 when it has
 * none such.
 */
int sl_edit_server_index(
	const struct sl_conf_service *service, const struct sl_addr *address, uint16_t port);

#endif
