/* SPDX-License-Identifier: ISC */
/* The grammar of the local protocol; no I/O. */

#include "line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char	*p;
	const char	*end;
	char		*out;		/* next free byte of the store */
	const char	*why;
};

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Reads a verb or key; NULL when there is none. */
static const char *
read_word(struct reader *r)
{
	char *start = r->out;

	while (r->p < r->end && is_word(*r->p))
		*r->out++ = *r->p++;
	if (r->out == start)
		return NULL;
	*r->out++ = '\0';
	return start;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Behind a backslash; the byte, or -1. */
static int
read_escape(struct reader *r)
{
	int high, low;

	if (r->p == r->end)
		return -1;
	switch (*r->p++) {
	case 'n':
		return '\n';
	case '"':
		return '"';
	case '\\':
		return '\\';
	case 'x':
		if (r->end - r->p < 2 || (high = hex_digit(r->p[0])) < 0 ||
		    (low = hex_digit(r->p[1])) < 0)
			return -1;
		r->p += 2;
		return high == 0 && low == 0 ? -1 : high * 16 + low;
	default:
		return -1;
	}
}

static bool
read_quoted(struct reader *r)
{
	while (r->p < r->end && *r->p != '"') {
		int c = (unsigned char)*r->p++;

		if (c == '\\' && (c = read_escape(r)) == -1) {
			r->why = "bad escape in a quoted value";
			return false;
		}
		*r->out++ = (char)c;
	}
	if (r->p == r->end) {
		r->why = "quoted value without its end";
		return false;
	}
	r->p++;
	if (r->p < r->end && *r->p != ' ') {
		r->why = "no blank after a quoted value";
		return false;
	}
	return true;
}

static const char *
read_value(struct reader *r)
{
	char *start = r->out;

	if (r->p < r->end && *r->p == '"') {
		r->p++;
		if (!read_quoted(r))
			return NULL;
	} else {
		while (r->p < r->end && *r->p != ' ' && *r->p != '"')
			*r->out++ = *r->p++;
		if (r->p < r->end && *r->p == '"') {
			r->why = "quote inside a plain value";
			return NULL;
		}
		if (r->out == start) {
			r->why = "key without a value";
			return NULL;
		}
	}
	*r->out++ = '\0';
	return start;
}

static bool
read_pair(struct line *l, struct reader *r, const char *key)
{
	if (l->count == LINE_MAX_PAIRS) {
		r->why = "too many pairs";
		return false;
	}
	l->pair[l->count].key = key;
	l->pair[l->count].value = read_value(r);
	return l->pair[l->count++].value != NULL;
}

static bool
read_line(struct line *l, struct reader *r)
{
	const char *word;

	word = read_word(r);
	if (word == NULL) {
		r->why = "no verb";
		return false;
	}
	if (r->p < r->end && *r->p == '=') {
		r->p++;
		l->verb = "";
		if (!read_pair(l, r, word))
			return false;
	} else {
		l->verb = word;
	}
	while (r->p < r->end) {
		if (*r->p++ != ' ') {
			r->why = "a blank must separate pairs";
			return false;
		}
		if (r->p == r->end)
			break;
		word = read_word(r);
		if (word == NULL || r->p == r->end || *r->p != '=') {
			r->why = "a pair must be key=value";
			return false;
		}
		r->p++;
		if (!read_pair(l, r, word))
			return false;
	}
	return true;
}

int
line_parse(struct line *l, const char *text, size_t len, const char **why)
{
	struct reader r = { text, text + len, l->store, NULL };

	l->count = 0;
	l->verb = "";
	/*
	 * Each string of the store takes at most its own bytes of the text
	 * and the separator behind it, which the newline stands for at the
	 * end: the store cannot overflow.
	 */
	if (len >= LINE_MAX_LEN)
		r.why = "line too long";
	else if (memchr(text, '\0', len) != NULL)
		r.why = "NUL byte in a line";
	else if (read_line(l, &r))
		return 0;
	l->count = 0;
	*why = r.why;
	errno = EINVAL;
	return -1;
}

const char *
line_next(const struct line *l, const char *key, unsigned *pos)
{
	for (; *pos < l->count; (*pos)++)
		if (strcmp(l->pair[*pos].key, key) == 0)
			return l->pair[(*pos)++].value;
	return NULL;
}

const char *
line_get(const struct line *l, const char *key)
{
	unsigned pos = 0;

	return line_next(l, key, &pos);
}

bool
line_get_num(const struct line *l, const char *key, int64_t min, int64_t max,
    int64_t *out)
{
	const char *value = line_get(l, key);
	long long n;
	char *end;

	if (value == NULL || value[0] == '\0' || value[0] == ' ')
		return false;
	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno != 0 || *end != '\0' || n < min || n > max)
		return false;
	*out = n;
	return true;
}

bool
line_get_bool(const struct line *l, const char *key)
{
	const char *value = line_get(l, key);

	return value != NULL && (strcmp(value, "1") == 0 ||
	    strcmp(value, "yes") == 0 || strcmp(value, "on") == 0);
}

/* Room is always kept for a newline and a NUL. */
static void
put(struct line_out *o, const char *s, size_t len)
{
	if (o->overflow || len > sizeof(o->text) - 2 - o->len) {
		o->overflow = true;
		return;
	}
	memcpy(o->text + o->len, s, len);
	o->len += len;
}

void
line_begin(struct line_out *o, const char *verb)
{
	o->len = 0;
	o->overflow = false;
	put(o, verb, strlen(verb));
}

static bool
is_plain(const char *value)
{
	if (value[0] == '\0')
		return false;
	for (; *value != '\0'; value++)
		if ((unsigned char)*value <= ' ' || *value == '"' ||
		    *value == '\\' || *value == 0x7f)
			return false;
	return true;
}

static void
put_quoted(struct line_out *o, const char *value)
{
	char hex[5];

	put(o, "\"", 1);
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '\n') {
			put(o, "\\n", 2);
		} else if (c == '"' || c == '\\') {
			put(o, "\\", 1);
			put(o, value, 1);
		} else if (c < ' ' || c == 0x7f) {
			(void)snprintf(hex, sizeof(hex), "\\x%02X", c);
			put(o, hex, 4);
		} else {
			put(o, value, 1);
		}
	}
	put(o, "\"", 1);
}

void
line_add(struct line_out *o, const char *key, const char *value)
{
	if (o->len > 0)
		put(o, " ", 1);
	put(o, key, strlen(key));
	put(o, "=", 1);
	if (value != NULL && is_plain(value))
		put(o, value, strlen(value));
	else
		put_quoted(o, value != NULL ? value : "");
}

void
line_addf(struct line_out *o, const char *key, const char *fmt, ...)
{
	char value[LINE_MAX_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(value))
		o->overflow = true;
	else
		line_add(o, key, value);
}

void
line_add_num(struct line_out *o, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	line_add(o, key, text);
}

bool
line_end(struct line_out *o)
{
	if (o->overflow) {
		errno = EMSGSIZE;
		return false;
	}
	o->text[o->len++] = '\n';
	o->text[o->len] = '\0';
	return true;
}
