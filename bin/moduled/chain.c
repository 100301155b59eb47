/* SPDX-License-Identifier: ISC */
/*
 * The cause chain of chain.h.  Pure; called by why.c.
 */
#include "chain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SEPARATOR	" | "
#define TRANSITION	"Transition "

struct event_line {
	const char	*time, *component, *text;
	int		 time_len, component_len, text_len;
	char		 level;
};

static bool
starts(const struct event_line *e, const char *word)
{
	return strncmp(e->text, word, strlen(word)) == 0;
}

/* Bounded by len: the text has no end of its own. */
static const char *
next_part(const char *p, const char *end)
{
	const size_t n = strlen(SEPARATOR);

	for (; p + n <= end; p++)
		if (memcmp(p, SEPARATOR, n) == 0)
			return p;
	return NULL;
}

static bool
parse(struct event_line *e, const char *p, const char *end)
{
	const size_t n = strlen(SEPARATOR);
	const char *q;

	e->time = p;
	if ((q = next_part(p, end)) == NULL)
		return false;
	e->time_len = (int)(q - p);
	p = q + n;
	if ((q = next_part(p, end)) == NULL || q != p + 1)
		return false;
	e->level = *p;
	p = e->component = q + n;
	if ((q = next_part(p, end)) == NULL)
		return false;
	e->component_len = (int)(q - p);
	e->text = q + n;
	e->text_len = (int)(end - e->text);
	return e->text_len > 0;
}

/* Information is a cause when it tells of a loss. */
static bool
is_cause(const struct event_line *e)
{
	static const char down[] = " set to down by ";
	const char *p = e->text, *end = e->text + e->text_len;

	switch (e->level) {
	case 'E':
	case 'W':
	case 'U':
		return true;
	case 'I':
		for (; p + sizeof(down) - 1 <= end; p++)
			if (memcmp(p, down, sizeof(down) - 1) == 0)
				return true;
		return false;
	default:
		return false;
	}
}

/* "Transition A -> B (event)" in words. */
static void
say(char buf[CHAIN_TEXT], const struct event_line *e)
{
	static const struct {
		const char	*event, *words;
	} known[] = {
		{ "(start)", "started" },
		{ "(leave)", "left its role" },
		{ "(stopped)", "all is stopped" },
		{ "(promoted)", "it has the data and serves" },
		{ "(follow)", "follows the primary" },
		{ "(joined)", "the other node is level and has all writes" },
		{ "(alone)", "goes on without the other node" },
		{ "(held)", "the addresses are here, its scripts start" },
	};
	const char *open;
	size_t i;

	(void)snprintf(buf, CHAIN_TEXT, "%.*s", e->text_len, e->text);
	if (!starts(e, TRANSITION)) {
		if (e->component_len != 7 ||
		    strncmp(e->component, "moduled", 7) != 0)
			(void)snprintf(buf, CHAIN_TEXT, "%.*s: %.*s",
			    e->component_len, e->component, e->text_len,
			    e->text);
		return;
	}
	if ((open = strchr(buf, '(')) == NULL)
		return;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(open, known[i].event) == 0) {
			int n = e->text_len - (int)strlen(TRANSITION) -
			    (int)strlen(open) - 1;

			(void)snprintf(buf, CHAIN_TEXT, "%.*s: %s", n,
			    e->text + strlen(TRANSITION), known[i].words);
			return;
		}
}

/* false: full. */
static bool
add(struct chain *c, const struct event_line *e)
{
	char text[CHAIN_TEXT];

	say(text, e);
	if (c->count > 0 &&
	    strcmp(c->link[c->count - 1].text, text) == 0) {
		c->link[c->count - 1].times++;
		return true;
	}
	if (c->count == CHAIN_MAX)
		return false;
	(void)snprintf(c->link[c->count].time, CHAIN_TIME, "%.*s",
	    e->time_len, e->time);
	memcpy(c->link[c->count].text, text, sizeof(text));
	c->link[c->count++].times = 1;
	return true;
}

void
chain_read(struct chain *c, const char *text, size_t len)
{
	const char *end = text + len, *p;
	struct event_line e;
	bool at_start = false;

	memset(c, 0, sizeof(*c));
	while (end > text) {
		if (end[-1] == '\n')
			end--;
		for (p = end; p > text && p[-1] != '\n'; p--)
			;
		if (parse(&e, p, end) && is_cause(&e)) {
			/* The start, with who asked for it, is the end. */
			if (at_start && e.level != 'U' &&
			    !starts(&e, START_AGAIN))
				return;
			if (!add(c, &e) || at_start)
				return;
			at_start = starts(&e, TRANSITION "STOP -> ");
		}
		end = p;
	}
}
