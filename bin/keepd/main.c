/* SPDX-License-Identifier: ISC */
/*
 * keepd(8): holds descriptors and shared memory for the other daemons, by
 * name, and does nothing else, so that it has no reason to end.  A connection
 * says once whose it is and then sees only that owner's things.
 */
#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

#include "shelf.h"

/* Descriptors held in all; the limit of the process is raised to fit. */
#define KEEP_MAX	60000
#define KEEP_OTHER	1000	/* clients and our own */

static const char *
owner_of(struct client *c)
{
	const char *owner = serve_data(c);

	if (owner == NULL)
		serve_err(c, "owner", "say `owner name=...' first");
	return owner;
}

/* The name of the request, or NULL after answering. */
static const char *
name_of(struct client *c, const struct line *l)
{
	const char *name = line_get(l, "name");

	if (name != NULL && shelf_name_ok(name))
		return name;
	serve_err(c, "name", "name= is needed: 1 to %d printing characters",
	    SHELF_NAME_MAX);
	return NULL;
}

static void
on_owner(struct client *c, const struct line *l, void *arg)
{
	const char *name = name_of(c, l);
	char *copy;

	(void)arg;
	if (name == NULL)
		return;
	/*
	 * Behind these names are /dev/fuse and the private mounts: the group
	 * that may administer modules must not reach them.
	 */
	if (serve_uid(c) != 0 && serve_uid(c) != geteuid()) {
		serve_err(c, "denied", "only root keeps things");
		return;
	}
	if (serve_data(c) != NULL) {
		serve_err(c, "owner", "this connection is %s's",
		    (const char *)serve_data(c));
		return;
	}
	copy = strdup(name);
	if (copy == NULL) {
		serve_err(c, "memory", "no memory");
		return;
	}
	serve_set_data(c, copy);
	serve_ok(c);
}

static void
on_put(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	const char *owner = owner_of(c), *name;
	int fd;

	if (owner == NULL || (name = name_of(c, l)) == NULL)
		return;
	fd = serve_take_fd(c);
	if (fd == -1) {
		serve_err(c, "fd", "no descriptor came with the line");
		return;
	}
	if (shelf_put(d->state, owner, name, fd) == -1) {
		(void)close(fd);	/* not taken */
		log_warnx("%s: not kept: %d descriptors are held already",
		    owner, KEEP_MAX);
		serve_err(c, "full", "%d descriptors are held already",
		    KEEP_MAX);
		return;
	}
	serve_ok(c);
}

static void
on_get(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	const char *owner = owner_of(c), *name;
	int fd;

	if (owner == NULL || (name = name_of(c, l)) == NULL)
		return;
	fd = shelf_get(d->state, owner, name);
	if (fd == -1)
		serve_err(c, "notfound", "%s keeps no %s", owner, name);
	else
		serve_ok_fd(c, fd);
}

static void
on_drop(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	const char *owner = owner_of(c), *name;

	if (owner == NULL || (name = name_of(c, l)) == NULL)
		return;
	/* A wish: one that is not there is dropped. */
	(void)shelf_drop(d->state, owner, name);
	serve_ok(c);
}

static void
list_one(const char *owner, const char *name, void *arg)
{
	struct line_out o;

	(void)owner;
	line_begin(&o, "");
	line_add(&o, "name", name);
	serve_line(arg, &o);
}

static void
on_list(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	const char *owner = owner_of(c);

	(void)l;
	if (owner == NULL)
		return;
	shelf_each(d->state, owner, list_one, c);
	serve_ok(c);
}

static void
status_one(const char *owner, const char *name, void *arg)
{
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "owner", owner);
	line_add(&o, "name", name);
	serve_line(arg, &o);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;

	(void)l;
	shelf_each(d->state, NULL, status_one, c);
	serve_ok(c);
}

static void
on_close(struct client *c, void *arg)
{
	(void)arg;
	free(serve_data(c));	/* its things stay */
}

static const struct verb verbs[] = {
	/* name		least role	keys	handler */
	{ "owner",	ROLE_ADMIN,	"name",	on_owner },
	{ "put",	ROLE_ADMIN,	"name",	on_put },
	{ "get",	ROLE_ADMIN,	"name",	on_get },
	{ "drop",	ROLE_ADMIN,	"name",	on_drop },
	{ "list",	ROLE_ADMIN,	"",	on_list },
	{ "status",	ROLE_MONITOR,	"",	on_status },
	{ NULL,		ROLE_NONE,	NULL,	NULL },
};

/* As many descriptors as the system lets us; how many of them to hold. */
static unsigned
raise_limit(void)
{
	struct rlimit rl;

	rl.rlim_cur = rl.rlim_max = KEEP_MAX + KEEP_OTHER;
	if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
		return KEEP_MAX;
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("limit of descriptors");
	if (rl.rlim_max < rl.rlim_cur || rl.rlim_max >= KEEP_MAX + KEEP_OTHER)
		rl.rlim_max = KEEP_MAX + KEEP_OTHER;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("limit of descriptors");
	log_warnx("only %u descriptors can be held",
	    (unsigned)rl.rlim_cur / 2);
	return (unsigned)rl.rlim_cur / 2;
}

static void
start(struct daemon *d)
{
	d->state = shelf_new(raise_limit());
	serve_on_close(d->serve, on_close);
}

static void
finish(struct daemon *d)
{
	if (shelf_count(d->state) > 0)
		log_info("ends with %u descriptors held",
		    shelf_count(d->state));
	shelf_free(d->state);
	d->state = NULL;
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "keepd",
		.summary = "holds descriptors for the other daemons",
		.no_keep = true,
		.verbs = verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}
