/* SPDX-License-Identifier: ISC */
/*
 * What the test tells a running client: that an event was, and that it is
 * over.  An event carries the time of day at which it was, so that what it
 * takes to tell does not matter.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "client.h"

void
control_mark(struct client *c, const char *name, struct mono at)
{
	struct mark *m;

	c->mark = xrealloc(c->mark, c->mark_count + 1, sizeof(*c->mark));
	m = &c->mark[c->mark_count++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->at = at;
}

void
control_open(struct client *c)
{
	control_mark(c, "start", mono_now());
	c->control = -1;
	if (c->control_path == NULL)
		return;
	if (mkfifo(c->control_path, 0600) == -1)
		die(c->control_path);
	/* Open for writing, too: it never ends. */
	c->control = open(c->control_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->control == -1)
		die(c->control_path);
}

void
control_close(struct client *c)
{
	free(c->mark);
	if (c->control == -1)
		return;
	(void)close(c->control);	/* only read */
	(void)unlink(c->control_path);	/* harmless without a reader */
}

static void
control_line(struct client *c, char *line, struct mono now)
{
	char *name, *when, *save;
	char *verb = strtok_r(line, " ", &save);
	struct mono at = now;
	double seconds;

	if (verb == NULL)
		return;
	if (strcmp(verb, "end") == 0) {
		c->is_ending = true;
		return;
	}
	if (strcmp(verb, "speak") == 0) {
		c->is_to_speak = true;
		return;
	}
	name = strtok_r(NULL, " ", &save);
	when = strtok_r(NULL, " ", &save);
	if (strcmp(verb, "mark") != 0 || name == NULL) {
		fprintf(stderr, "farmcli: control: %s: not understood\n", verb);
		return;
	}
	if (when != NULL) {
		struct timespec ts;

		seconds = strtod(when, NULL);
		ts.tv_sec = (time_t)seconds;
		ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
		at = mono_of_wall(&ts);
	}
	control_mark(c, name, at);
}

void
control_read(struct client *c, struct mono now)
{
	char buf[1024], *line, *end;
	ssize_t len;

	if (mono_passed(c->until, now) || told_to_end())
		c->is_ending = true;
	if (c->control == -1)
		return;
	/* A writer's lines are short: they come whole (PIPE_BUF). */
	len = read(c->control, buf, sizeof(buf) - 1);
	if (len <= 0)
		return;
	buf[len] = '\0';
	for (line = buf; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		control_line(c, line, now);
	}
}

unsigned
control_segment(const struct client *c, struct mono at)
{
	unsigned i = c->mark_count - 1;

	while (i > 0 && c->mark[i].at.ns > at.ns)
		i--;
	return i;
}

struct mono
control_segment_end(const struct client *c, unsigned i)
{
	if (i + 1 < c->mark_count)
		return c->mark[i + 1].at;
	return (struct mono){ INT64_MAX };
}

void
control_ready(void)
{
	if (puts("ready") == EOF || fflush(stdout) == EOF)
		die("stdout");
}
