/* SPDX-License-Identifier: ISC */
/*
 * log and events: what happened to a module, and what is happening.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ask.h"
#include "cmd.h"
#include "paths.h"
#include "talk.h"
#include "xalloc.h"

#define DEFAULT_LINES	300

/* `time | LEVEL | component | text': the level, or 0. */
static char
level_of(const char *line)
{
	const char *p = strchr(line, '|');

	return p != NULL && p[1] == ' ' ? p[2] : 0;
}

/* The last `keep' lines that are wanted; 0 keeps all. */
static int
print_tail(FILE *f, size_t keep, bool all)
{
	char **ring = xcalloc(keep, sizeof(*ring)), *line = NULL;
	size_t size = 0, n = 0, i;

	while (getline(&line, &size, f) > 0) {
		if (!all && level_of(line) == 'I')
			continue;
		free(ring[n % keep]);
		ring[n++ % keep] = xstrdup(line);
	}
	free(line);
	for (i = n > keep ? n - keep : 0; i < n; i++)
		fputs(ring[i % keep], stdout);
	for (i = 0; i < keep; i++)
		free(ring[i]);
	free(ring);
	return ferror(f) ? EX_IOERR : 0;
}

static bool
on_event(const struct line *l, void *arg)
{
	const struct cmd *c = arg;
	const char *t = line_get(l, "time"), *level = line_get(l, "level");
	const char *who = line_get(l, "component");
	const char *text = line_get(l, "text");

	if (strcmp(l->verb, "err") == 0)
		return false;
	if (text == NULL || strcmp(l->verb, "event") != 0)
		return true;
	if (level != NULL && level[0] == 'I' && !c->all &&
	    strcmp(c->verb, "log") == 0)
		return true;
	printf("%s | %s | %s | %s\n", t != NULL ? t : "",
	    level != NULL ? level : "", who != NULL ? who : "", text);
	return fflush(stdout) == 0;
}

static int
follow(struct cmd *c)
{
	char path[PATH_LEN];
	struct line_out o;

	line_begin(&o, "watch");
	line_add(&o, "topic", "event");
	if (ask_watch(path_socket(path, c->module, "moduled"), &o,
	    c->timeout_ms, on_event, c) == 0)
		return 0;
	if (errno == ETIMEDOUT && c->timeout_ms >= 0)
		return 0;
	return talk_failed(c->module, "moduled", -1);
}

int
verb_log(struct cmd *c)
{
	char path[PATH_LEN];
	FILE *f;
	int rc;

	path_log(path, "%s.events", c->module);
	f = fopen(path, "re");
	if (f == NULL && errno != ENOENT) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_NOINPUT;
	}
	if (f == NULL) {
		fprintf(stderr, "holdfast: nothing has happened to %s yet "
		    "(%s)\n", c->module, path);
		return c->follow ? follow(c) : EX_NOINPUT;
	}
	rc = print_tail(f, c->lines > 0 ? (size_t)c->lines : DEFAULT_LINES,
	    c->all);
	(void)fclose(f);	/* read only */
	/* Now, not with the first event, which may be hours away. */
	if (fflush(stdout) == EOF)
		rc = EX_IOERR;
	return rc == 0 && c->follow ? follow(c) : rc;
}

int
verb_events(struct cmd *c)
{
	return follow(c);
}
