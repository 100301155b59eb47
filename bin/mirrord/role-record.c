/* SPDX-License-Identifier: ISC */
/*
 * The record of what this node's data is, as the role machine changes it,
 * and the session number in the replicated directories that goes with it.
 * Run by the role thread, and at start.
 *
 * Rule R23: gen and the directories may be put back in time apart from each
 * other.  The number in a directory says which session of gen it is of; while
 * it is being raised, it says so, and then the one before is right as well.
 */
#include "role-int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"

/* A clock that is set by so much was set by somebody. */

/* One change of the record, by the wish that asked for it. */
static void
apply_change(struct gen *g, void *arg)
{
	const struct gen_change *c = arg;
	struct gen_uuid fresh;

	if (g->role != c->role)
		g->session++;
	g->role = c->role;
	if (epoch_cmp(c->epoch, g->fence) > 0)
		g->fence = c->epoch;
	if (c->set_epoch)
		g->epoch = c->epoch;
	if (c->joins)
		g->since = c->epoch;
	if (c->not_level)
		g->level = false;
	/* Answered: somebody serves in that epoch or a later one. */
	if (c->role == GR_SECOND && epoch_cmp(c->epoch, g->handed) >= 0) {
		memset(&g->handed, 0, sizeof(g->handed));
		g->handed_to = 0;
	}
	if (c->clean_stop_ns != 0)
		g->clean_stop_ns = c->clean_stop_ns;
	if (c->synced)
		g->unclean = false;
	if (c->alone) {
		if (gen_uuid_is_none(&g->current) || !g->alone || c->force) {
			gen_uuid_random(&fresh);
			gen_begin(g, &fresh);
		}
		if (c->force)
			memset(&g->resyncing, 0, sizeof(g->resyncing));
		g->alone = true;
		g->level = true;
		g->unclean = false;
		/* A sweep that is owed stays so; what it found is ours. */
		if (g->clean_stop_ns < 0)
			g->clean_stop_ns = 0;
		memset(&g->handed, 0, sizeof(g->handed));
		g->handed_to = 0;
	}
	if (c->member)
		g->alone = false;
	if (c->handed_to != 0) {
		g->handed_to = c->handed_to;
		g->handed = c->epoch;
		g->alone = false;
	}
}

int
role_store(struct role_machine *r, const struct gen_change *c)
{
	struct gen before, after;
	bool raise;

	gen_read(r->parts.gen, &before);
	raise = r->parts.is_open && before.role != c->role;
	if (raise && session_write(&r->parts, before.session + 1, true) == -1)
		log_warn("%s: session number", r->conf->dir[0]);
	fail_point(29);
	if (gen_update(r->parts.gen, apply_change,
	    (void *)(uintptr_t)c) == -1) {
		role_set_error(r, "statedir", "%s/gen: %s",
		    r->conf->statedir, strerror(errno));
		return -1;
	}
	gen_read(r->parts.gen, &after);
	fail_point(29);
	if (raise && session_write(&r->parts, after.session, false) == -1)
		log_warn("%s: session number", r->conf->dir[0]);
	return 0;
}

int
role_distrust_logs(struct role_machine *r)
{
	if (gen_distrust_logs(r->parts.gen) == 0)
		return 0;
	role_set_error(r, "statedir", "%s/gen: %s", r->conf->statedir,
	    strerror(errno));
	return -1;
}

static void
note_compare(struct gen *g, void *arg)
{
	(void)arg;
	g->dirty_all = true;
	g->clean_stop_ns = 0;
}

int
role_note_compare(struct role_machine *r)
{
	struct gen g;

	gen_read(r->parts.gen, &g);
	if ((g.dirty_all && g.clean_stop_ns == 0) ||
	    gen_update(r->parts.gen, note_compare, NULL) == 0)
		return 0;
	role_set_error(r, "statedir", "%s/gen: %s", r->conf->statedir,
	    strerror(errno));
	return -1;
}

static void
lose_level(struct gen *g, void *arg)
{
	(void)arg;
	g->level = false;
	g->unclean = false;
}

/* Rule L14: receipts that a crash of this node took were acknowledged. */
void
role_check_unclean(struct role_machine *r)
{
	struct gen g;

	gen_read(r->parts.gen, &g);
	if (!g.unclean || parts_kept(&r->parts))
		return;
	log_warnx("crashed while receipts were acknowledged: not level");
	if (gen_update(r->parts.gen, lose_level, NULL) == -1)
		role_set_error(r, "statedir", "gen: %s", strerror(errno));
}

static void
distrust_data(struct gen *g, void *arg)
{
	(void)arg;
	g->level = false;
	/* What no log of ours tells about is compared, nobody's edits are
	 * looked for in it. */
	g->dirty_all = true;
	g->clean_stop_ns = 0;
}

/*
 * Most often the file system that belongs there is not mounted.  Nothing is
 * taken back for it: it is looked for again each second, and once it is there
 * the role goes on.
 */
int
role_tocheck(struct role_machine *r, bool first)
{
	const struct mirrord_conf *c = r->conf;
	struct gen g;
	unsigned i;
	int fd;

	gen_read(r->parts.gen, &g);
	if (gen_uuid_is_none(&g.current) != first)
		return 0;
	for (i = 0; i < c->tocheck_count; i++) {
		fd = r->parts.root_fd[c->tocheck[i].dir];
		if (faccessat(fd, c->tocheck[i].path, F_OK,
		    AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		role_set_error(r, "directory", "%s/%s: %s: the configuration "
		    "says that it must be there (tocheck); is the file "
		    "system mounted?", c->dir[c->tocheck[i].dir],
		    c->tocheck[i].path, strerror(errno));
		return -1;
	}
	return 0;
}

int
role_check_session(struct role_machine *r)
{
	uint64_t there;
	struct gen g;

	gen_read(r->parts.gen, &g);
	if (gen_uuid_is_none(&g.current) || !g.level)
		return 0;
	there = session_read(&r->parts, g.session);
	if (there == g.session)
		return 0;
	if (there == 0)
		log_warnx("%s: not the directory of this record, or one that "
		    "was emptied: not level", r->conf->dir[0]);
	else
		log_warnx("%s: of session %llu, the record is of %llu: one of "
		    "them was put back: not level", r->conf->dir[0],
		    (unsigned long long)there,
		    (unsigned long long)g.session);
	if (gen_update(r->parts.gen, distrust_data, NULL) == 0)
		return 0;
	role_set_error(r, "statedir", "%s/gen: %s", r->conf->statedir,
	    strerror(errno));
	return -1;
}

/* ---- R42 ---- */

/* An older build had seconds there, and not only of a stop: no use. */
#define OLD_SECONDS	INT64_C(1000000000000)

static int64_t
wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
role_clean_stop(void)
{
	return wall_ns();
}

struct swept {
	uint64_t	found;
	bool		distrust;
};

/* A primary's changes are changes; a second's are set aside first.  So is
 * what differs where nobody could look. */
static void
note_swept(struct gen *g, void *arg)
{
	const struct swept *s = arg;

	g->clean_stop_ns = (s->found > 0 || s->distrust) &&
	    g->role != GR_PRIM ? -g->clean_stop_ns : 0;
	g->dirty_all = g->dirty_all || s->distrust;
}

static void
on_swept(uint64_t found, int error, void *arg)
{
	struct role_machine *r = arg;
	struct swept s = { found, error != 0 };

	if (gen_update(r->parts.gen, note_swept, &s) == -1)
		log_warn("gen: the end of the sweep");
	if (error != 0)
		log_warnx("changes made while the module was stopped: cannot "
		    "be looked for: %s; everything is compared",
		    strerror(-error));
	else
		log_info("%llu changes were made while the module was stopped",
		    (unsigned long long)found);
	role_changed(r);
}

void
role_sweep_begin(struct role_machine *r)
{
	struct sweep_conf c = {
		.objects = r->parts.objects,
		.change = r->parts.change,
		.on_done = on_swept,
		.arg = r,
	};
	struct gen g;

	gen_read(r->parts.gen, &g);
	c.since_ns = g.clean_stop_ns;
	if (c.since_ns <= 0)
		return;
	if (c.since_ns < OLD_SECONDS) {
		on_swept(0, 0, r);
	} else if (wall_ns() < c.since_ns) {
		log_warnx("the clock was set back since the module was "
		    "stopped");
		on_swept(0, -ERANGE, r);
	} else {
		r->sweep = sweep_start(&c);
		if (r->sweep == NULL)
			on_swept(0, -errno, r);
	}
}

static void
raise_fence(struct gen *g, void *arg)
{
	const struct epoch *fence = arg;

	if (epoch_cmp(*fence, g->fence) > 0)
		g->fence = *fence;
}

/*
 * Before a prepare leaves.  A second that asks for the place itself takes no
 * frame any more, syncs what it received (L14), and only then says so.  One
 * that is told to follow that epoch goes on: step_second() stores it.
 */
int
step_fence(struct role_machine *r, const struct wish *w)
{
	struct epoch fence = w->fence;
	struct gen g;
	int error;

	gen_read(r->parts.gen, &g);
	if (epoch_cmp(fence, g.fence) <= 0 || (w->role == RK_SECOND &&
	    epoch_cmp(w->epoch, fence) >= 0))
		return 0;
	if (r->kind == RK_SECOND) {
		peer_stop(r);
		error = apply_drain(r->parts.apply);
		if (error != 0) {
			role_set_error(r, "disk", "what was received cannot "
			    "be made durable: %s", strerror(-error));
			return -1;
		}
	}
	if (gen_update(r->parts.gen, raise_fence, &fence) == -1) {
		role_set_error(r, "statedir", "gen: %s", strerror(errno));
		return -1;
	}
	return 0;
}
