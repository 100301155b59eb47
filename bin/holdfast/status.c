/* SPDX-License-Identifier: ISC */
/*
 * Collects a module's status.  Only gathers: show.c prints.
 */
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-value.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"
#include "xalloc.h"

#define STATUS_FILE_MAX	(256 * 1024)

struct status *
status_new(void)
{
	struct status *st = xcalloc(1, sizeof(*st));

	snprintf(st->state, sizeof(st->state), "STOP");
	snprintf(st->quality, sizeof(st->quality), "NotReady");
	return st;
}

static void
status_clear(struct status *st)
{
	unsigned i, j;

	for (i = 0; i < st->count; i++) {
		for (j = 0; j < st->rec[i].count; j++) {
			free(st->rec[i].key[j]);
			free(st->rec[i].value[j]);
		}
		free(st->rec[i].kind);
	}
	free(st->module);
	memset(st, 0, sizeof(*st));
}

void
status_free(struct status *st)
{
	status_clear(st);
	free(st);
}

const char *
record_get(const struct record *r, const char *key)
{
	unsigned i;

	for (i = 0; r != NULL && i < r->count; i++)
		if (strcmp(r->key[i], key) == 0)
			return r->value[i];
	return "";
}

int64_t
record_num(const struct record *r, const char *key)
{
	int64_t n;

	return value_int(&n, record_get(r, key)) == 0 ? n : 0;
}

const struct record *
status_find(const struct status *st, const char *kind,
    const struct record *after)
{
	const struct record *r = after == NULL ? st->rec : after + 1;

	for (; r < st->rec + st->count; r++)
		if (strcmp(r->kind, kind) == 0)
			return r;
	return NULL;
}

/* The kind is the verb; a line without one has it as its first pair. */
static const char *
kind_of(const struct line *l, unsigned *first)
{
	*first = 0;
	if (l->verb[0] != '\0' || l->count == 0)
		return l->verb;
	*first = 1;
	return l->pair[0].value[0] == '\0' ? l->pair[0].key :
	    l->pair[0].value;
}

void
status_add(struct status *st, const struct line *l)
{
	struct record *r;
	unsigned i;

	if (st->count == STATUS_MAX_RECORDS || strcmp(l->verb, "ok") == 0)
		return;
	r = &st->rec[st->count++];
	r->kind = xstrdup(kind_of(l, &i));
	for (; i < l->count && r->count < STATUS_MAX_PAIRS; i++) {
		r->key[r->count] = xstrdup(l->pair[i].key);
		r->value[r->count++] = xstrdup(l->pair[i].value);
	}
	if (strcmp(r->kind, "module") != 0)
		return;
	snprintf(st->state, sizeof(st->state), "%s", record_get(r, "state"));
	snprintf(st->quality, sizeof(st->quality), "%s",
	    record_get(r, "quality"));
	snprintf(st->mode, sizeof(st->mode), "%s", record_get(r, "mode"));
}

static void
on_line(const struct line *l, void *arg)
{
	status_add(arg, l);
}

static int
read_last(struct status *st, const char *module)
{
	char path[PATH_LEN], *text, *p, *next;
	struct line *l;
	const char *why;
	size_t len;

	text = statefile_read(path_run(path, "%s/status", module),
	    STATUS_FILE_MAX, &len);
	if (text == NULL)
		return -1;
	l = xcalloc(1, sizeof(*l));
	for (p = text; p != NULL && *p != '\0'; p = next) {
		next = strchr(p, '\n');
		len = next != NULL ? (size_t)(next - p) : strlen(p);
		if (next != NULL)
			next++;
		if (len > 0 && line_parse(l, p, len, &why) == 0)
			status_add(st, l);
	}
	free(l);
	free(text);
	return 0;
}

int
status_ask(struct status *st, const char *module)
{
	struct line_out o;
	int rc;

	status_clear(st);
	st->module = xstrdup(module);
	snprintf(st->state, sizeof(st->state), "STOP");
	snprintf(st->quality, sizeof(st->quality), "NotReady");
	line_begin(&o, "status");
	rc = talk(module, "moduled", &o, on_line, st);
	if (rc == 0)
		return 0;
	st->is_old = true;
	return read_last(st, module);
}

bool
status_other_nodes(const char *module, char *buf, size_t size)
{
	struct status *st = status_new();
	const struct record *r = NULL;
	size_t len = 0;

	(void)status_ask(st, module); /* without it: this node alone */
	while ((r = status_find(st, "node", r)) != NULL && len < size)
		if (record_num(r, "self") == 0)
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
			    len > 0 ? "," : "", record_get(r, "name"));
	status_free(st);
	return len > 0 && len < size;
}
