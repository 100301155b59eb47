/* SPDX-License-Identifier: ISC */
/*
 * Files are written aside and renamed, so that a reader sees a whole one or
 * none.  The exit file appears before the other goes: between the two both
 * are true.
 */
#include "report.h"

#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"

/* As timeout(1) and the shells have them. */
#define EXIT_DEADLINE	124
#define EXIT_SIGNAL	128
/* Runs of one script within one second. */
#define SAME_SECOND_MAX	100

int
report_open_log(struct report *r)
{
	char dir[PATH_LEN], stamp[32], more[8] = "";
	struct tm tm;
	time_t now = time(NULL);
	int fd = -1;

	if (path_mkdirs(path_log(dir, "%s", r->module), 0755) == -1) {
		log_warn("%s: script logs go nowhere", dir);
		return -1;
	}
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H%M%S", &tm) == 0)
		return -1;
	/* Stop scripts run twice, often within one second. */
	for (int i = 2; i < SAME_SECOND_MAX && fd == -1; i++) {
		(void)snprintf(r->log, sizeof(r->log),
		    "%s/userlog_%s%s_%s.ulog", dir, stamp, more, r->script);
		fd = open(r->log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND |
		    O_CLOEXEC, 0640);
		if (fd == -1 && errno != EEXIST)
			break;
		(void)snprintf(more, sizeof(more), "-%d", i);
	}
	if (fd == -1) {
		log_warn("%s: script log not made", r->log);
		r->log[0] = '\0';
	}
	return fd;
}

static int
is_userlog(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 13 && strncmp(d->d_name, "userlog_", 8) == 0 &&
	    strcmp(d->d_name + len - 5, ".ulog") == 0;
}

void
report_prune_logs(const char *module, int keep)
{
	char dir[PATH_LEN], path[PATH_LEN + 256];
	struct dirent **d;
	int n = scandir(path_log(dir, "%s", module), &d, is_userlog,
	    alphasort);

	/* Their names begin with the date: the oldest come first. */
	for (int i = 0; i < n; i++) {
		if (i < n - keep) {
			(void)snprintf(path, sizeof(path), "%s/%s", dir,
			    d[i]->d_name);
			(void)unlink(path);	/* next time, then */
		}
		free(d[i]);
	}
	if (n >= 0)
		free(d);
}

void
report_begin(const struct report *r)
{
	char path[PATH_LEN], wall[CLOCK_WALL_LEN];
	struct line_out o;

	(void)path_mkdirs(path_run(path, "%s", r->module), 0755);
	(void)unlink(path_run(path, "%s/script.exit", r->module));
	line_begin(&o, "");
	line_add_num(&o, "pid", r->pid);
	line_add(&o, "script", r->script);
	line_add(&o, "started", clock_wall(wall));
	line_add_num(&o, "start", (int64_t)r->start);
	line_add_num(&o, "deadline_s", r->deadline_s);
	line_add(&o, "cgroup", r->cgroup);
	line_add(&o, "log", r->log);
	path_run(path, "%s/script", r->module);
	if (!line_end(&o) ||
	    statefile_write_volatile(path, o.text, o.len, 0644) == -1)
		log_warn("%s: not written: a restarted moduled will not "
		    "find this run", path);
}

size_t
report_format_exit(char *buf, size_t size, const struct report *r)
{
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "script", r->script);
	line_add_num(&o, "run", r->pid);
	line_add_num(&o, "start", (int64_t)r->start);
	if (r->stuck)
		line_add_num(&o, "stuck", 1);
	else if (WIFSIGNALED(r->status))
		line_add_num(&o, "signal", WTERMSIG(r->status));
	else
		line_add_num(&o, "exit", WEXITSTATUS(r->status));
	if (r->missing)
		line_add_num(&o, "missing", 1);
	if (r->timeout)
		line_add_num(&o, "timeout", 1);
	if (r->stopped)
		line_add_num(&o, "stopped", 1);
	line_add_num(&o, "ms", r->ms);
	if (!line_end(&o) || o.len >= size)
		return 0;
	memcpy(buf, o.text, o.len + 1);
	return o.len;
}

int
report_end(const struct report *r)
{
	char path[PATH_LEN], text[1024];
	size_t len = report_format_exit(text, sizeof(text), r);

	path_run(path, "%s/script.exit", r->module);
	if (len == 0 || statefile_write_volatile(path, text, len, 0644) == -1)
		log_warn("%s: not written: only a moduled that waits for "
		    "this run learns its end", path);
	(void)unlink(path_run(path, "%s/script", r->module));
	if (r->timeout)
		return EXIT_DEADLINE;
	if (r->stuck)
		return EX_OSERR;
	if (WIFSIGNALED(r->status))
		return EXIT_SIGNAL + WTERMSIG(r->status);
	return WEXITSTATUS(r->status);
}
