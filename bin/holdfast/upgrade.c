/* SPDX-License-Identifier: ISC */
/*
 * `holdfast upgrade': programs or libraries were laid over those that run.
 * Each daemon that runs an old one is ended and started again, one after the
 * other, which no application notices.  It goes on to the next only when the
 * daemon is up and each module is again what it was, or better; else it stops
 * there, with most daemons still the old ones.
 *
 * keepd is the last: with it ended and an owner not yet ready, what that
 * owner keeps would be nowhere.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "paths.h"
#include "status.h"
#include "talk.h"
#include "xalloc.h"

/*
 * Unless --timeout says so, how long a daemon may take to be up (its end and
 * its start are bounded by holdfastd to 10 s each), and the modules to be
 * again what they were.
 */
#define PATIENCE_MS	30000
/* The service manager starts holdfastd again. */
#define MASTER_MS	15000
#define LOOK_US		50000
#define DAEMONS_MAX	512
#define SERVICE_LEN	32

struct one {
	char	service[SERVICE_LEN + 1];
	char	module[MODULE_NAME_MAX + 1];	/* or "" */
	char	state[16];
	pid_t	pid;
};

struct fleet {
	struct one	one[DAEMONS_MAX];
	unsigned	count;
};

/* What a module was before. */
struct was {
	struct was	*next;
	char		 module[MODULE_NAME_MAX + 1];
	char		 state[16], quality[16];
};

/* --- who runs -------------------------------------------------------- */

static void
take_one(const struct line *l, void *arg)
{
	struct fleet *f = arg;
	const char *service = line_get(l, "service");
	const char *module = line_get(l, "module");
	const char *state = line_get(l, "state");
	struct one *o = &f->one[f->count];
	int64_t pid;

	if (service == NULL || f->count == DAEMONS_MAX)
		return;
	if (!line_get_num(l, "pid", 0, INT32_MAX, &pid))
		pid = 0;
	(void)snprintf(o->service, sizeof(o->service), "%s", service);
	(void)snprintf(o->module, sizeof(o->module), "%s",
	    module != NULL ? module : "");
	(void)snprintf(o->state, sizeof(o->state), "%s",
	    state != NULL ? state : "");
	o->pid = (pid_t)pid;
	f->count++;
}

static int
ask_fleet(struct fleet *f)
{
	struct line_out o;

	f->count = 0;
	line_begin(&o, "status");
	return talk(NULL, "holdfastd", &o, take_one, f);
}

static const struct one *
find_one(const struct fleet *f, const struct one *o)
{
	for (unsigned i = 0; i < f->count; i++)
		if (strcmp(f->one[i].service, o->service) == 0 &&
		    strcmp(f->one[i].module, o->module) == 0)
			return &f->one[i];
	return NULL;
}

/* Who listens on holdfastd's socket, or 0. */
static pid_t
master_pid(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	char path[PATH_LEN];
	int fd;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    path_socket(path, NULL, "holdfastd"));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return 0;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.pid = 0;
	(void)close(fd);	/* nothing was said */
	return cred.pid;
}

/* One of its libraries is not there any more under its name. */
static bool
has_old_library(pid_t pid)
{
	char path[64], *line = NULL;
	size_t size = 0;
	bool old = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!old && getline(&line, &size, f) > 0)
		old = strstr(line, ".so") != NULL &&
		    strstr(line, " (deleted)\n") != NULL;
	free(line);
	(void)fclose(f);	/* read only */
	return old;
}

/* Runs another program than the one that is installed under its name. */
static bool
is_old(pid_t pid, const char *name)
{
	char path[PATH_LEN], exe[64];
	struct stat running, installed;

	(void)snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
	if (stat(path_lib(path, "%s", name), &installed) == -1 ||
	    stat(exe, &running) == -1)
		return false;
	return running.st_dev != installed.st_dev ||
	    running.st_ino != installed.st_ino || has_old_library(pid);
}

/* --- modules --------------------------------------------------------- */

static void
remember(struct was **list, const char *module, struct status *st)
{
	struct was *w;

	for (w = *list; w != NULL; w = w->next)
		if (strcmp(w->module, module) == 0)
			return;
	if (status_ask(st, module) == -1 || st->is_old)
		return;		/* its moduled is down anyway */
	w = xcalloc(1, sizeof(*w));
	(void)snprintf(w->module, sizeof(w->module), "%s", module);
	(void)snprintf(w->state, sizeof(w->state), "%s", st->state);
	(void)snprintf(w->quality, sizeof(w->quality), "%s", st->quality);
	w->next = *list;
	*list = w;
}

/* As before or better: what it waited for may have come meanwhile. */
static bool
is_as_before(const struct was *w, struct status *st)
{
	if (status_ask(st, w->module) == -1 || st->is_old)
		return false;
	if (strcmp(w->quality, "NotReady") == 0)
		return true;
	if (strcmp(w->quality, "Transient") == 0)
		return strcmp(st->quality, "NotReady") != 0;
	return strcmp(st->quality, "Ready") == 0 &&
	    (strcmp(st->state, w->state) == 0 ||
	    (strcmp(w->state, "ALONE") == 0 &&
	    (strcmp(st->state, "PRIM") == 0 ||
	    strcmp(st->state, "UP") == 0)));
}

static bool
modules_are_well(const struct was *list, struct status *st,
    int64_t patience_ms)
{
	struct mono end = mono_add_ms(mono_now(), patience_ms);

	for (const struct was *w = list; w != NULL; w = w->next) {
		while (!is_as_before(w, st)) {
			if (mono_passed(end, mono_now())) {
				fprintf(stderr, "holdfast: upgrade: %s was %s "
				    "%s and is %s %s: the daemons not named "
				    "above are still the old ones; see "
				    "`holdfast why %s', then run this "
				    "again\n", w->module, w->state,
				    w->quality, st->state, st->quality,
				    w->module);
				return false;
			}
			(void)usleep(LOOK_US);
		}
	}
	return true;
}

/* --- one after the other --------------------------------------------- */

/* It leaves, and whoever started it starts it again. */
static int
renew_master(void)
{
	struct mono end = mono_add_ms(mono_now(), MASTER_MS);
	pid_t old = master_pid(), pid;
	struct line_out o;
	int rc;

	if (!is_old(old, "holdfastd"))
		return 0;
	line_begin(&o, "leave");
	rc = talk(NULL, "holdfastd", &o, NULL, NULL);
	if (rc != 0)
		return talk_failed(NULL, "holdfastd", rc);
	while ((pid = master_pid()) == 0 || pid == old || !talk_is_up()) {
		if (mono_passed(end, mono_now())) {
			fprintf(stderr, "holdfast: upgrade: holdfastd has "
			    "left and nobody started it again; all else goes "
			    "on: `systemctl start holdfast' or `service "
			    "holdfast start', then run this again\n");
			return EX_TEMPFAIL;
		}
		(void)usleep(LOOK_US);
	}
	printf("holdfastd: process %d is now %d\n", (int)old, (int)pid);
	return 0;
}

static int
renew_one(const struct one *old, struct fleet *f, int64_t patience_ms)
{
	struct mono end = mono_add_ms(mono_now(), patience_ms);
	const char *slash = old->module[0] != '\0' ? "/" : "";
	const struct one *now;
	struct line_out o;
	int rc;

	line_begin(&o, "restart");
	line_add(&o, "service", old->service);
	if (old->module[0] != '\0')
		line_add(&o, "module", old->module);
	rc = talk(NULL, "holdfastd", &o, NULL, NULL);
	if (rc != 0)
		return talk_failed(NULL, "holdfastd", rc);
	for (;;) {
		now = ask_fleet(f) == 0 ? find_one(f, old) : NULL;
		if (now != NULL && now->pid != 0 && now->pid != old->pid &&
		    strcmp(now->state, "up") == 0)
			break;
		if (mono_passed(end, mono_now())) {
			fprintf(stderr, "holdfast: upgrade: %s%s%s does not "
			    "come up again: see its log; the daemons not "
			    "named above are still the old ones\n",
			    old->module, slash, old->service);
			return EX_TEMPFAIL;
		}
		(void)usleep(LOOK_US);
	}
	printf("%s%s%s: process %d is now %d\n", old->module, slash,
	    old->service, (int)old->pid, (int)now->pid);
	return 0;
}

/* Those that are keepd, or those that are not. */
static int
renew_all(const struct fleet *all, bool keepd, const struct was *was,
    struct status *st, int64_t patience_ms)
{
	struct fleet *now = xcalloc(1, sizeof(*now));
	int rc = 0;

	for (unsigned i = 0; i < all->count && rc == 0; i++) {
		const struct one *o = &all->one[i];

		if ((strcmp(o->service, "keepd") == 0) != keepd ||
		    o->pid == 0 || !is_old(o->pid, o->service))
			continue;
		rc = renew_one(o, now, patience_ms);
		if (rc == 0 && !modules_are_well(was, st, patience_ms))
			rc = EX_TEMPFAIL;
	}
	free(now);
	return rc;
}

int
verb_upgrade(struct cmd *c)
{
	struct fleet *all = xcalloc(1, sizeof(*all));
	struct status *st = status_new();
	int64_t patience_ms = c->timeout_ms >= 0 ? c->timeout_ms :
	    PATIENCE_MS;
	struct was *was = NULL, *w;
	int rc;

	if (master_pid() == 0) {
		printf("holdfastd does not run: nothing to do\n");
		rc = 0;
		goto out;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	rc = ask_fleet(all);
	if (rc != 0) {
		rc = talk_failed(NULL, "holdfastd", rc);
		goto out;
	}
	for (unsigned i = 0; i < all->count; i++)
		if (all->one[i].module[0] != '\0')
			remember(&was, all->one[i].module, st);
	rc = renew_master();
	if (rc == 0)
		rc = renew_all(all, false, was, st, patience_ms);
	if (rc == 0)
		rc = renew_all(all, true, was, st, patience_ms);
out:
	while ((w = was) != NULL) {
		was = w->next;
		free(w);
	}
	status_free(st);
	free(all);
	return rc;
}
