/* SPDX-License-Identifier: ISC */
/* See story.h.  Called by why.c. */
#include "story.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void
story_add(struct story *s, const char *node, const char *time,
    const char *text)
{
	struct story_line *l;

	if (s->count == STORY_MAX)
		return;
	l = &s->line[s->count];
	l->order = s->count++;
	l->node = xstrdup(node);
	l->time = xstrdup(time != NULL ? time : "");
	l->text = xstrdup(text);
}

/* Times as they are written sort as text; a node tells its newest first. */
static int
compare(const void *a, const void *b)
{
	const struct story_line *x = a, *y = b;
	bool x_is_cause = x->time[0] != '\0', y_is_cause = y->time[0] != '\0';
	int c;

	if (x_is_cause != y_is_cause)
		return x_is_cause ? 1 : -1;
	c = strcmp(y->time, x->time);
	if (c != 0)
		return c;
	return x->order < y->order ? -1 : 1;
}

void
story_sort(struct story *s)
{
	qsort(s->line, s->count, sizeof(s->line[0]), compare);
}

void
story_print(const struct story *s, FILE *out)
{
	bool told = false;
	size_t width = 0;
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (strlen(s->line[i].node) > width)
			width = strlen(s->line[i].node);
	for (i = 0; i < s->count; i++) {
		const struct story_line *l = &s->line[i];

		if (l->time[0] == '\0') {
			fprintf(out, "%s%s\n", i > 0 && strcmp(l->node,
			    s->line[i - 1].node) == 0 ? "  " : "", l->text);
			continue;
		}
		if (!told)
			fprintf(out, "how it came to this, newest first:\n");
		told = true;
		fprintf(out, "  %s  %-*s  %s\n", l->time, (int)width, l->node,
		    l->text);
	}
}

void
story_fini(struct story *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++) {
		free(s->line[i].node);
		free(s->line[i].time);
		free(s->line[i].text);
	}
	s->count = 0;
}
