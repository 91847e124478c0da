/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES sizeof(((struct sl_err *)0)->path)

/*
 * Walks over the tokens of a text, right or wrong, and knows the path of each. What it makes of
 * text that is not JSON only has to be good enough to point at the mistake.
 */
struct scan {
	const char *text;
	size_t length;
	size_t at;     /* where the next token is looked for */
	size_t token;  /* start of the last one */
	char previous; /* first character of the one before it, 0 at the start */
	unsigned depth;
	bool wants_key; /* the next string is a key */
	bool is_key;    /* the last token is one */
	bool is_value;  /* the last token begins a value */
	struct {
		bool object;
		size_t index;
		const char *key; /* as written, escapes included; NULL before the first */
		size_t key_length;
	} levels[SL_JSON_DEPTH_MAX + 1];
};

static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length && text[at] != '"' && text[at] != '\n'; at++) {
		if (text[at] == '\\' && at + 1 < length)
			at++;
	}
	return at < length ? at + 1 : length;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.' || c == '_' ||
		(unsigned char)c >= 0x80;
}

static void enter(struct scan *s, bool object)
{
	if (s->depth <= SL_JSON_DEPTH_MAX) {
		s->levels[s->depth].object = object;
		s->levels[s->depth].index = 0;
		s->levels[s->depth].key = NULL;
	}
	s->depth++;
	s->wants_key = object;
}

static void take_punctuation(struct scan *s, char c)
{
	bool in_object =
		s->depth > 0 && s->depth <= SL_JSON_DEPTH_MAX + 1 && s->levels[s->depth - 1].object;

	s->at = s->token + 1;
	if (c == '{' || c == '[') {
		s->is_value = true; /* its path is that of the level around it */
	} else if ((c == '}' || c == ']') && s->depth > 0) {
		s->depth--;
		s->wants_key = false;
	} else if (c == ',' && s->depth > 0 && s->depth <= SL_JSON_DEPTH_MAX + 1) {
		s->levels[s->depth - 1].index++;
		s->levels[s->depth - 1].key = NULL;
		s->wants_key = in_object;
	}
}

/* The next token; false at the end of the text. */
static bool scan_next(struct scan *s)
{
	char c = s->at > 0 && s->token < s->length ? s->text[s->token] : '\0';

	if (s->is_value && (c == '{' || c == '['))
		enter(s, c == '{');
	s->is_key = s->is_value = false;
	while (s->at < s->length && isspace((unsigned char)s->text[s->at]))
		s->at++;
	if (s->at >= s->length)
		return false;
	s->previous = c;
	s->token = s->at;
	c = s->text[s->at];
	if (c == '"') {
		s->at = skip_string(s->text, s->length, s->at);
		s->is_key = s->wants_key && s->depth <= SL_JSON_DEPTH_MAX + 1;
		s->is_value = !s->is_key;
		if (s->is_key) {
			s->levels[s->depth - 1].key = s->text + s->token + 1;
			s->levels[s->depth - 1].key_length =
				s->at - s->token >= 2 ? s->at - s->token - 2 : 0;
		}
		s->wants_key = false;
	} else if (is_word(c)) {
		s->is_value = true;
		while (s->at < s->length && is_word(s->text[s->at]))
			s->at++;
	} else {
		take_punctuation(s, c);
	}
	return true;
}

static void scan_path(const struct scan *s, char path[PATH_MAX_BYTES])
{
	path[0] = '\0';
	for (unsigned i = 0; i < s->depth && i <= SL_JSON_DEPTH_MAX; i++) {
		if (!s->levels[i].object)
			sl_json_path_index(path, PATH_MAX_BYTES, s->levels[i].index);
		else if (s->levels[i].key != NULL)
			sl_json_path_key(
				path, PATH_MAX_BYTES, s->levels[i].key, s->levels[i].key_length);
	}
}

/* Goes on to the last token that begins before `offset`. */
static void scan_to(struct scan *s, size_t offset)
{
	struct scan next = *s;

	while (scan_next(&next) && next.token < offset)
		*s = next;
}

static void set_position(struct sl_err *err, const char *text, size_t offset)
{
	size_t line_start = 0;

	if (err == NULL)
		return;
	err->line = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			err->line++;
			line_start = i + 1;
		}
	}
	err->column = (unsigned)(offset - line_start + 1);
}

static int
refuse_at(struct sl_err *err, const struct scan *s, const char *message, const char *hint)
{
	char path[PATH_MAX_BYTES];

	scan_path(s, path);
	sl_err_set(err, EBADMSG, path, "%s", message);
	sl_err_hint(err, "%s", hint);
	set_position(err, s->text, s->token);
	return -EINVAL;
}

static int refuse_syntax(struct sl_err *err, const struct scan *s)
{
	const char *hint = "compare it with the example in sluice.json(5)";
	char c = s->token < s->length ? s->text[s->token] : '\0';
	char message[96];
	int shown = (int)(s->at - s->token);

	if (s->at == 0)
		return refuse_at(err, s, "the text is empty", "write an object: { ... }");
	while (shown > 0 && ((unsigned char)s->text[s->token + shown - 1] < ' '))
		shown--;
	snprintf(message, sizeof(message), "%.*s is not expected here", shown > 40 ? 40 : shown,
		s->text + s->token);
	if ((c == '}' || c == ']') && s->previous == ',')
		hint = "take out the comma before it";
	else if (c == '"' && (s->at < s->token + 2 || s->text[s->at - 1] != '"'))
		hint = "the closing \" is missing on its line";
	else if (c == '0' && shown > 1)
		hint = "write numbers in decimal digits, without zeros in front";
	else if (c == '/' || c == '#')
		hint = "a comment begins with // and has a line of its own";
	else if (c == '\'' || (is_word(c) && !isdigit((unsigned char)c) && c != '-'))
		hint = "names and text stand in double quotes";
	else if (s->previous != '\0' && strchr("{[,:", s->previous) == NULL && c != '}' && c != ']')
		hint = "a comma or a colon is missing before it";
	return refuse_at(err, s, message, hint);
}

/* What jansson found, in our words, at the place where the token begins. */
static int
refuse_text(struct sl_err *err, const char *text, size_t length, const json_error_t *error)
{
	struct scan s = {.text = text, .length = length};
	char message[128];

	scan_to(&s, error->position > 0 ? (size_t)error->position : 1);
	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return sl_err_set(err, ENOMEM, NULL, "no memory for the document");
	case json_error_duplicate_key:
		snprintf(message, sizeof(message), "the key %.*s is there twice",
			s.at - s.token > 80 ? 80 : (int)(s.at - s.token), text + s.token);
		return refuse_at(err, &s, message, "keep one of the two");
	case json_error_premature_end_of_input:
		if (s.at == 0)
			return refuse_syntax(err, &s);
		return refuse_at(err, &s, "the text ends too early",
			"what was opened by { or [ or \" here or before is not closed");
	case json_error_end_of_input_expected:
		return refuse_at(err, &s, "the document has ended before this",
			"take out what follows its last }");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return refuse_at(err, &s, "the character \\u0000 is not allowed", "take it out");
	case json_error_numeric_overflow:
		return refuse_at(
			err, &s, "the number is too large", "no number here has so many digits");
	default:
		return refuse_syntax(err, &s);
	}
}

/* Length of the UTF-8 sequence at `at`, 0 when there is none. RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
	unsigned char first = at[0];
	size_t n = first < 0x80 ? 1
		: first < 0xc2  ? 0
		: first < 0xe0  ? 2
		: first < 0xf0  ? 3
		: first < 0xf5  ? 4
				: 0;

	if (n == 0 || n > left)
		return 0;
	if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
		(first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
		return 0; /* longer than needed, a surrogate, beyond U+10FFFF */
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

static int check_utf8(const char *text, size_t length, struct sl_err *err)
{
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		sl_err_set(err, EBADMSG, NULL, "a byte order mark stands before the text");
		sl_err_hint(err, "save it as UTF-8 without a byte order mark");
		set_position(err, text, 0);
		return -EINVAL;
	}
	for (size_t at = 0; at < length;) {
		size_t n = utf8_sequence((const unsigned char *)text + at, length - at);

		if (n == 0) {
			struct scan s = {.text = text, .length = length};
			char path[PATH_MAX_BYTES];

			scan_to(&s, at);
			scan_path(&s, path);
			sl_err_set(err, EBADMSG, path, "byte 0x%02x is not UTF-8",
				(unsigned char)text[at]);
			sl_err_hint(err, "save it as UTF-8");
			set_position(err, text, at);
			return -EINVAL;
		}
		at += n;
	}
	return 0;
}

static int check_depth(const char *text, size_t length, struct sl_err *err)
{
	unsigned depth = 0;

	for (size_t at = 0; at < length; at++) {
		char c = text[at];

		if (c == '"') {
			at = skip_string(text, length, at) - 1;
		} else if (c == '}' || c == ']') {
			depth -= depth > 0;
		} else if ((c == '{' || c == '[') && ++depth > SL_JSON_DEPTH_MAX) {
			struct scan s = {.text = text, .length = length};

			scan_to(&s, at + 1);
			return refuse_at(err, &s,
				"objects and lists are too deep inside each other",
				"32 levels are the most");
		}
	}
	return 0;
}

/* A copy with spaces where the comment lines were, so that all positions stay. */
static char *blank_comments(const char *text, size_t length)
{
	char *blanked = malloc(length + 1);
	bool line_start = true, comment = false;

	if (blanked == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '\n') {
			line_start = true;
			comment = false;
		} else if (line_start && c != ' ' && c != '\t') {
			line_start = false;
			comment = c == '/' && i + 1 < length && text[i + 1] == '/';
		}
		blanked[i] = comment && c != '\r' ? ' ' : c;
	}
	blanked[length] = '\0';
	return blanked;
}

int sl_json_parse(const char *text, size_t length, unsigned flags, json_t **out, struct sl_err *err)
{
	char *blanked = NULL;
	json_error_t error;
	int rc;

	rc = check_utf8(text, length, err);
	if (rc < 0)
		return rc;
	if ((flags & SL_JSON_COMMENTS) != 0) {
		blanked = blank_comments(text, length);
		if (blanked == NULL)
			return sl_err_set(err, ENOMEM, NULL, "no memory for the document");
		text = blanked;
	}
	rc = check_depth(text, length, err);
	if (rc == 0) {
		*out = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
		if (*out == NULL) {
			refuse_text(err, text, length, &error);
			rc = json_error_code(&error) == json_error_out_of_memory ? -ENOMEM
										 : -EINVAL;
		}
	}
	free(blanked);
	return rc;
}

/* Whether `path` is the wanted one or leads to it. */
static bool leads_to(const char *path, const char *wanted)
{
	size_t length = strlen(path);

	return strncmp(path, wanted, length) == 0 &&
		(wanted[length] == '\0' || wanted[length] == '/');
}

void sl_json_locate(const char *text, size_t length, struct sl_err *err)
{
	struct scan s = {.length = length};
	char path[PATH_MAX_BYTES];
	char *blanked;
	size_t best = SIZE_MAX, best_length = 0;

	if (err == NULL)
		return;
	blanked = blank_comments(text, length);
	if (blanked == NULL)
		return; /* no position is better than no error */
	s.text = blanked;
	while (scan_next(&s)) {
		if (!s.is_key && !s.is_value)
			continue;
		scan_path(&s, path);
		if (!leads_to(path, err->path) ||
			(best != SIZE_MAX && strlen(path) <= best_length &&
				!(strlen(path) == best_length && s.is_value)))
			continue;
		best = s.token;
		best_length = strlen(path);
		if (path[best_length] == err->path[best_length] && s.is_key == err->at_key)
			break;
	}
	if (best != SIZE_MAX)
		set_position(err, blanked, best);
	free(blanked);
}

static void add_char(char *path, size_t size, size_t *length, char c)
{
	if (*length + 1 < size)
		path[(*length)++] = c;
}

void sl_json_path_key(char *path, size_t size, const char *key, size_t key_length)
{
	size_t length = strlen(path);

	add_char(path, size, &length, '/');
	for (size_t i = 0; i < key_length; i++) {
		if (key[i] == '~' || key[i] == '/')
			add_char(path, size, &length, '~');
		add_char(path, size, &length, key[i] == '~' ? '0' : key[i] == '/' ? '1' : key[i]);
	}
	path[length] = '\0';
}

void sl_json_path_index(char *path, size_t size, size_t index)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", index);
	sl_json_path_key(path, size, text, strlen(text));
}
