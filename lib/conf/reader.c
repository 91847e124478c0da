/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct sl_part sl_part_of(struct sl_part whole, const char *key)
{
	return (struct sl_part){
		.schema = sl_schema_member(whole.schema, key),
		.object = sl_schema_get(whole.schema, whole.object, key),
	};
}

struct sl_part sl_part_element(struct sl_part list, size_t index)
{
	return (struct sl_part){
		.schema = sl_schema_element(list.schema),
		.object = json_array_get(list.object, index),
	};
}

const char *sl_part_text(struct sl_part part, const char *key)
{
	return json_string_value(sl_schema_get(part.schema, part.object, key));
}

json_int_t sl_part_integer(struct sl_part part, const char *key, json_int_t otherwise)
{
	const json_t *value = sl_schema_get(part.schema, part.object, key);

	return value != NULL ? json_integer_value(value) : otherwise;
}

struct sl_addr sl_part_address(struct sl_part part, const char *key)
{
	struct sl_addr address = {0};

	sl_addr_parse(sl_part_text(part, key), &address);
	return address;
}

int sl_part_choice(struct sl_part part, const char *key, const char *const *names)
{
	const char *value = sl_part_text(part, key);

	for (int i = 0; value != NULL && names[i] != NULL; i++) {
		if (strcmp(names[i], value) == 0)
			return i;
	}
	return 0;
}

int sl_part_port(const struct sl_conf *conf, struct sl_part part, const char *base, const char *key,
	uint32_t *port, struct sl_err *err)
{
	const char *name = sl_part_text(part, key);
	char path[96];

	*port = SL_CONF_NO_PORT;
	if (name == NULL)
		return 0;
	for (uint32_t i = 0; i < conf->n_ports; i++) {
		if (strcmp(conf->ports[i].name, name) == 0) {
			*port = i;
			return 0;
		}
	}
	snprintf(path, sizeof(path), "%s/%s", base, key);
	sl_err_set(err, EINVAL, path, "there is no port \"%s\"", name);
	sl_err_hint(err, "take the \"name\" of one of the \"ports\"");
	return -EINVAL;
}

char *sl_part_keep(struct sl_conf *conf, const char *text)
{
	char *kept = sl_conf_alloc(conf, strlen(text) + 1);

	return kept != NULL ? strcpy(kept, text) : NULL;
}
