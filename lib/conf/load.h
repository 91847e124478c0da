/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration from JSON and back. One schema (config/sluice.schema.json, compiled in) drives
 * validation, positions, the client's help and the man page. Lines that start with // are comments.
 */
#ifndef SL_CONF_LOAD_H
#define SL_CONF_LOAD_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "conf/model.h"

/*
 * Text to configuration: 0; -EINVAL with err->code EBADMSG when the text is not JSON (or not UTF-8,
 * too deep, has a key twice), EINVAL when it is wrong; line, column, path and hint filled. One
 * reference in *out.
 */
int sl_conf_parse(const char *text, size_t length, struct sl_conf **out, struct sl_err *err);

/* The same from a file; also -ENOENT and other errno of reading. */
int sl_conf_read(const char *path, struct sl_conf **out, struct sl_err *err);

/* The same from a document (the API's): err has path and hint, no position. */
int sl_conf_from_json(const json_t *document, struct sl_conf **out, struct sl_err *err);

/* A document that gives the same configuration; defaults are left out. NULL without memory. */
json_t *sl_conf_to_json(const struct sl_conf *conf);

/* One service in the form of the file: what service.add takes and service.list gives. */
int sl_conf_service_from_json(
	const json_t *document, struct sl_conf_service **out, struct sl_err *err);
json_t *sl_conf_service_to_json(const struct sl_conf_service *service);

/*
 * What spans several values (twice the same service, VIP without a port, direct routing to a server
 * off every segment, ...). sl_conf_from_json() and so sl_conf_parse() end with it; to be called
 * again after sl_conf_with_service(). Only `service`'s part when that is not NULL. 0 or -EINVAL.
 */
int sl_conf_check(
	const struct sl_conf *conf, const struct sl_conf_service *service, struct sl_err *err);

#endif
