/* SPDX-License-Identifier: BSD-3-Clause */
#include "sluicectl/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define CELL_MAX    256

/* The member that "a.b" leads to; NULL = there is none. */
static const json_t *reach(const json_t *row, const char *key)
{
	char name[64];

	while (row != NULL && *key != '\0') {
		size_t length = strcspn(key, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, key);
		row = json_object_get(row, name);
		key += length + (key[length] == '.');
	}
	return row;
}

static void print_plain(const json_t *value, char *text, size_t size)
{
	size_t i, used = 0;
	json_t *element;

	text[0] = '\0';
	if (json_is_string(value))
		snprintf(text, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, size, "%.1f", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, size, "%s", json_is_true(value) ? "yes" : "no");
	else if (!json_is_array(value) || json_array_size(value) == 0)
		snprintf(text, size, "-");
	json_array_foreach (value, i, element) {
		char one[CELL_MAX];

		print_plain(element, one, sizeof(one));
		if (used < size)
			used += snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ",", one);
	}
}

void ctl_print_share(const json_t *value, char *text, size_t size)
{
	snprintf(text, size, "%.1f %%", 100 * json_number_value(value));
}

static void cell(const struct ctl_column *column, const json_t *row, char text[CELL_MAX])
{
	const json_t *value = reach(row, column->key);

	if (column->print != NULL && value != NULL)
		column->print(value, text, CELL_MAX);
	else
		print_plain(value, text, CELL_MAX);
}

/* Numbers to the right, text to the left; no blanks at the end of a line. */
static void put_cell(FILE *out, const char *text, int width, bool number, bool last)
{
	if (number)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : "  ", out);
}

void ctl_table(FILE *out, const struct ctl_column *columns, const json_t *rows)
{
	int widths[COLUMNS_MAX] = {0};
	bool numbers[COLUMNS_MAX] = {false};
	unsigned n = 0;
	char text[CELL_MAX];
	json_t *row;
	size_t i;

	for (; columns[n].title != NULL; n++)
		widths[n] = (int)strlen(columns[n].title);
	json_array_foreach (rows, i, row) {
		for (unsigned c = 0; c < n; c++) {
			cell(&columns[c], row, text);
			if ((int)strlen(text) > widths[c])
				widths[c] = (int)strlen(text);
			numbers[c] |= json_is_number(reach(row, columns[c].key));
		}
	}
	for (unsigned c = 0; c < n; c++)
		put_cell(out, columns[c].title, widths[c], numbers[c], c + 1 == n);
	json_array_foreach (rows, i, row) {
		for (unsigned c = 0; c < n; c++) {
			cell(&columns[c], row, text);
			put_cell(out, text, widths[c], numbers[c], c + 1 == n);
		}
	}
}

void ctl_table_members(FILE *out, const json_t *object)
{
	char text[CELL_MAX];
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		if (json_is_object(value))
			continue;
		print_plain(value, text, sizeof(text));
		fprintf(out, "%-18s %s\n", key, text);
	}
}
