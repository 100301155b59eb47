/* SPDX-License-Identifier: ISC */
/*
 * What a lease means to the watchdog: this node promised its peer to be
 * silent when it does not hear from it, and the one who keeps that promise,
 * the module's moduled, must be there.  One that crashed is back in a second;
 * one that hangs reads none of our events, of which there is one a pulse.
 * Without a lease (ALONE, SECOND) a crash of ours never costs the node.
 */
#include "watchdog.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/watchdog.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"

#define FEED_MS		100	/* not more often; the shortest bound is 1 s */
#define RETRY_MS	1000

static void
set_bound(const struct watchdog *w)
{
	int seconds = (int)(w->bound_ms / 1000), got = seconds;

	/* A FIFO's reader has its own. */
	if (ioctl(w->fd, WDIOC_SETTIMEOUT, &got) == 0 && got != seconds)
		log_warnx("%s: its bound is %d s, not %d s", w->path, got,
		    seconds);
}

/* Of a FIFO without a reader: it is waited for. */
static void
try_open(struct watchdog *w, struct mono now)
{
	if (mono_is_set(w->tried) &&
	    mono_diff_ms(now, w->tried) < RETRY_MS)
		return;
	w->tried = now;
	w->fd = open(w->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->fd == -1) {
		if (log_limit_ok(&w->limit, 1))
			log_warn("watchdog %s: this node is not reset when "
			    "it stands still", w->path);
		return;
	}
	set_bound(w);
	log_info("watchdog %s: feeding it, bound %lld s", w->path,
	    (long long)w->bound_ms / 1000);
}

void
watchdog_open(struct watchdog *w, const char *path, int seconds)
{
	memset(w, 0, sizeof(*w));
	w->path = path;
	w->bound_ms = seconds * 1000LL;
	w->fd = -1;
}

void
watchdog_close(struct watchdog *w)
{
	if (w->fd == -1)
		return;
	/* The promise of an orderly end. */
	if (write(w->fd, "V", 1) != 1)
		log_warn("watchdog %s: it will reset this node", w->path);
	(void)close(w->fd);	/* nothing is buffered */
	w->fd = -1;
}

static bool
has_lease(const struct module *m)
{
	if (!m->is_used || m->role != STAMP_PRIM)
		return false;
	for (unsigned i = 0; i < m->view_count; i++)
		if (mono_is_set(m->view[i].lease))
			return true;
	return false;
}

/* It read all that was sent to it, now or a short time ago. */
static bool
is_reading(const struct watchdog *w, struct module *m, struct mono now)
{
	if (!mono_is_set(m->read_at) || serve_unread(m->owner) == 0)
		m->read_at = now;
	return mono_diff_ms(now, m->read_at) * 2 < w->bound_ms;
}

/* NULL, or what is wrong with the first module that has a lease. */
static const char *
trouble(const struct watchdog *w, struct module table[MODULE_MAX],
    int64_t late_ms, struct mono now, const char **name)
{
	struct module *m;

	*name = w->missed[0];
	if (w->missed_count > 0)
		return "its moduled is gone";
	for (m = table; m < table + MODULE_MAX; m++) {
		*name = m->wish.name;
		if (!has_lease(m))
			continue;
		if (late_ms > m->wish.timeout_ms)
			return "heartd was late";
		if (m->owner == NULL)
			return "its moduled is gone";
		if (!is_reading(w, m, now))
			return "its moduled hangs";
	}
	return NULL;
}

static void
tell(struct watchdog *w, const char *name, const char *what)
{
	char why[sizeof(w->starved)] = "";

	if (what != NULL)
		(void)snprintf(why, sizeof(why), "%s: %s", name, what);
	if (strcmp(why, w->starved) == 0)
		return;
	memcpy(w->starved, why, sizeof(why));
	if (what != NULL)
		log_warnx("%s: the watchdog is not fed and resets this node "
		    "in %lld s", why, (long long)w->bound_ms / 1000);
	else
		log_info("the watchdog is fed again");
}

void
watchdog_feed(struct watchdog *w, struct module table[MODULE_MAX],
    int64_t late_ms, struct mono now)
{
	const char *name, *what;

	if (w->path[0] == '\0' || (mono_is_set(w->fed) &&
	    mono_diff_ms(now, w->fed) < FEED_MS))
		return;
	what = trouble(w, table, late_ms, now, &name);
	tell(w, name, what);
	if (w->fd == -1)
		try_open(w, now);
	if (w->fd == -1 || what != NULL)
		return;
	if (write(w->fd, "\n", 1) == 1) {
		w->fed = now;
		return;
	}
	/* A full FIFO: its reader has enough to read. */
	if (errno == EAGAIN)
		return;
	if (log_limit_ok(&w->limit, 1))
		log_warn("watchdog %s", w->path);
	(void)close(w->fd);	/* opened again */
	w->fd = -1;
}

void
watchdog_missed(struct watchdog *w, const struct module *m)
{
	if (!has_lease(m) || w->missed_count == MODULE_MAX)
		return;
	memcpy(w->missed[w->missed_count++], m->wish.name,
	    sizeof(m->wish.name));
}

void
watchdog_back(struct watchdog *w, const char *name)
{
	for (unsigned i = 0; i < w->missed_count; i++)
		if (strcmp(w->missed[i], name) == 0) {
			memmove(w->missed[i], w->missed[--w->missed_count],
			    sizeof(w->missed[i]));
			return;
		}
}
