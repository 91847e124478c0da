/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files that read a configuration's document share. The schema has accepted the document:
 * what they get has the right type, and addresses, durations and the like can be parsed. A key that
 * this build's schema does not have reads as one that is not there.
 */
#ifndef SL_CONF_READER_H
#define SL_CONF_READER_H

#include <jansson.h>

#include "conf/model.h"
#include "conf/schema.h"

/* A part of the document with its schema, so that defaults are found. */
struct sl_part {
	const struct sl_schema *schema;
	const json_t *object;
};

struct sl_part sl_part_of(struct sl_part whole, const char *key);
struct sl_part sl_part_element(struct sl_part list, size_t index);

const char *sl_part_text(struct sl_part part, const char *key); /* NULL when it is not there */
json_int_t sl_part_integer(struct sl_part part, const char *key, json_int_t otherwise);
struct sl_addr sl_part_address(struct sl_part part, const char *key);

/* Index of the value among the names; 0 when the key is not there. */
int sl_part_choice(struct sl_part part, const char *key, const char *const *names);

/* The index of the port that the key names, SL_CONF_NO_PORT when the key is not there. 0, or
 * -EINVAL for one that is unknown: `base` is the part's place. */
int sl_part_port(const struct sl_conf *conf, struct sl_part part, const char *base, const char *key,
	uint32_t *port, struct sl_err *err);

/* A copy that lives as long as the configuration; NULL without memory. */
char *sl_part_keep(struct sl_conf *conf, const char *text);

int sl_conf_read_ports(struct sl_conf *conf, struct sl_part list, struct sl_err *err);
int sl_conf_read_local_addresses(struct sl_conf *conf, struct sl_part list, struct sl_err *err);
int sl_conf_read_vips(struct sl_conf *conf, struct sl_part list, struct sl_err *err);
int sl_conf_read_service(struct sl_part part, struct sl_conf_service **out, struct sl_err *err);

#endif
