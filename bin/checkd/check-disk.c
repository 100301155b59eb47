/* SPDX-License-Identifier: ISC */
/*
 * Room in a file system: space and inodes, in percent of all.  The question
 * is asked in a child, since a file system that hangs does not answer it.
 */
#include "check.h"

#include <sys/statvfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "xalloc.h"

#include "program.h"

struct disk {
	struct program	*program;
	const char	*path;
	long		 warn, down;	/* percent */
};

/* In the child: what is read back is its last line. */
static int
ask(void *arg)
{
	const struct disk *d = arg;
	struct statvfs s;

	if (statvfs(d->path, &s) == -1) {
		printf("%s: %s\n", d->path, strerror(errno));
		return 1;
	}
	/* What root alone may use is no room for an application. */
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    (uint64_t)s.f_bavail, (uint64_t)(s.f_blocks - s.f_bfree +
	    s.f_bavail), (uint64_t)s.f_favail, (uint64_t)s.f_files);
	return 0;
}

/* A file system may count none of one kind: then there is no bound. */
static unsigned
percent(uint64_t part, uint64_t of)
{
	return of == 0 ? 100 : (unsigned)(part * 100 / of);
}

static void
on_end(int status, const char *word, void *arg)
{
	struct check *c = arg;
	const struct disk *d = c->data;
	uint64_t space, spaces, inodes, all;
	unsigned a, b;

	if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    sscanf(word, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	    &space, &spaces, &inodes, &all) != 4) {
		c->warn = false;
		check_result(c, false, "%s", word);
		return;
	}
	a = percent(space, spaces);
	b = percent(inodes, all);
	c->warn = a < (unsigned)d->warn || b < (unsigned)d->warn;
	/* The numbers only where they matter: else each is an event. */
	if (a < (unsigned)d->down || b < (unsigned)d->down || c->warn)
		check_result(c, a >= (unsigned)d->down &&
		    b >= (unsigned)d->down, "%s: %u %% of the space and %u "
		    "%% of the inodes are left", d->path, a, b);
	else
		check_result(c, true, "%s", "");
}

static bool
disk_open(struct check *c, cfg_t *sec)
{
	static const struct program_calls calls = { on_end, NULL };
	struct disk *d = xcalloc(1, sizeof(*d));

	c->data = d;
	d->path = cfg_getstr(sec, "path");
	d->warn = cfg_getint(sec, "warn");
	d->down = cfg_getint(sec, "down");
	if (conf_check_int(sec, "warn", 0, 100) +
	    conf_check_int(sec, "down", 0, 100) != 0)
		return false;
	if (d->path[0] != '/') {
		cfg_error(sec, "%s: path is not absolute", c->resource);
		return false;
	}
	if (c->host->loop != NULL)
		d->program = program_new_call(c->host->loop, ask, d, &calls,
		    c);
	return true;
}

static void
disk_begin(struct check *c)
{
	struct disk *d = c->data;

	if (program_start(d->program) == 0)
		return;
	if (errno == EBUSY)
		check_result(c, false, "%s does not answer", d->path);
	else
		check_result(c, false, "%s: %s", d->path, strerror(errno));
}

static void
disk_cancel(struct check *c)
{
	program_kill(((struct disk *)c->data)->program);
}

const struct check_kind check_disk = {
	.name = "disk",
	.open = disk_open,
	.begin = disk_begin,
	.cancel = disk_cancel,
};
