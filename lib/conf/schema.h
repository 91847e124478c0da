/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Validation of JSON documents: configuration files and the parameters of API methods.
 *
 * The language is a subset of JSON Schema draft 4: type, properties, required,
 * additionalProperties (false, or a schema), items (one schema), enum, minimum, maximum,
 * minLength, maxLength, minItems, maxItems, pattern, and $ref into the root document
 * ("#/$defs/server"), beside which only title, description, default and x-... may stand. Draft
 * 4 because there 80.0 is no integer, as for our readers. What differs from the standard only
 * makes it stricter:
 *  - "x-format" names a check of our own (address, prefix, mac, interface, duration, size, ...:
 *    schema.c). A "pattern" is for other validators and is not evaluated here, so it must stand
 *    beside an x-format;
 *  - minimum and maximum also bound text whose x-format is a duration (in seconds) or a size
 *    (in bytes). Any thread, once compiled.
 */
#ifndef SL_CONF_SCHEMA_H
#define SL_CONF_SCHEMA_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"

struct sl_schema;

/*
 * The configuration's schema, config/sluice.schema.json as it was compiled in. Lives as long as
 * the process.
 */
const json_t *sl_schema_conf(void);

/*
 * Compiles `schema`, whose $refs point into `root`; both must outlive the result. Free it with
 * sl_schema_free(). NULL with err set when it is not of our subset: unknown keywords are errors.
 */
struct sl_schema *sl_schema_new(const json_t *root, const json_t *schema, struct sl_err *err);
void sl_schema_free(struct sl_schema *schema); /* accepts NULL */

/*
 * 0, or -EINVAL with the first mistake in err: its path is `base_path` (may be NULL or "") and
 * the JSON pointer from `value` on; err->at_key is set when a key is the mistake and not its
 * value.
 */
int sl_schema_check(const struct sl_schema *schema, const json_t *value, const char *base_path,
	struct sl_err *err);

/*
 * Member `key` of a document that has been checked: its value, else the schema's default, else
 * NULL. Borrowed.
 */
json_t *sl_schema_get(const struct sl_schema *schema, const json_t *object, const char *key);

/*
 * The schemas of a member (NULL when the schema names no such key) and of a list's elements. A NULL
 * schema has neither, so that what is not in this build's schema can be asked for.
 */
const struct sl_schema *sl_schema_member(const struct sl_schema *schema, const char *key);
const struct sl_schema *sl_schema_element(const struct sl_schema *schema);

/*
 * Annotation `keyword` (title, description, default, x-live, ...) of member `key`: what stands
 * beside a $ref goes before what it refers to. NULL when there is none. Borrowed.
 */
json_t *sl_schema_annotation(const struct sl_schema *schema, const char *key, const char *keyword);

#endif
