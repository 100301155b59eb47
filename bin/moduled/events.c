/* SPDX-License-Identifier: ISC */
/*
 * The file of events.h.  It is opened for each line: logrotate may move it
 * at any time, and events are few.
 */
#include "events.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "line.h"
#include "log.h"
#include "paths.h"

static const char *events_module;
static struct serve *events_serve;

void
events_open(const char *module, struct serve *serve)
{
	char path[PATH_LEN];

	events_module = module;
	events_serve = serve;
	/* Reported by the first line that cannot be written. */
	(void)path_mkdirs(path_log(path, "%s", module), 0755);
}

static void
append(const char *wall, char level, const char *component,
    const char *text)
{
	char path[PATH_LEN], line[1024];
	int fd, n;

	n = snprintf(line, sizeof(line), "%s | %c | %s | %s\n", wall, level,
	    component, text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	fd = open(path_log(path, "%s.events", events_module),
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd == -1 || write(fd, line, (size_t)n) != n)
		log_warn("%s", path);
	if (fd != -1)
		(void)close(fd);	/* nothing is promised about it */
}

void
events_add(enum journal_event e, const char *component, const char *fmt,
    ...)
{
	char text[800], wall[CLOCK_WALL_LEN], *p;
	char level = journal_row(e)->level;
	struct line_out o;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (p = text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	(void)clock_wall(wall);
	log_event(e, NULL, "%s: %s", component, text);
	append(wall, level, component, text);
	line_begin(&o, "event");
	line_add(&o, "time", wall);
	line_addf(&o, "level", "%c", level);
	line_add(&o, "component", component);
	line_add(&o, "text", text);
	if (events_serve != NULL)
		serve_event(events_serve, "event", &o);
}
