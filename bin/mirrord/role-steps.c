/* SPDX-License-Identifier: ISC */
/*
 * The ways between roles, each an ordered list of durable steps.  The
 * numbers in fail_point() are those of holdfast-failures(7), which says what
 * a crash at each leaves.  Run by the role thread alone.
 */
#include "role-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "fail.h"
#include "log.h"

#include "holders.h"
#include "mount.h"

/* How long killed holders may take to vanish once the mirror is aborted. */
#define REAP_MS		5000
/* How long an unmount waits for the peer to have everything on disk. */
#define DRAIN_MS	5000

static void
set_kind(struct role_machine *r, enum role_kind kind)
{
	enum role_kind old;

	pthread_mutex_lock(&r->lock);
	old = r->kind;
	r->kind = kind;
	if (kind != RK_PRIM) {
		r->both = r->ready = r->joined = r->voting = false;
		front_set_leased(&r->parts.front, false);
	}
	if (kind != RK_DOWN)
		r->drained = r->equal = false;
	if (kind != old)
		r->peer_failed[0] = '\0';
	pthread_mutex_unlock(&r->lock);
	if (kind != old)
		log_info("role: %s -> %s", role_kind_str(old),
		    role_kind_str(kind));
	role_changed(r);
}

/*
 * Rule R21: in the record, so that a crash of this node leads to a full
 * comparison.  Where that cannot be written either the state directory is
 * lost, and the application is told what the disk says.
 */
static int
on_log_error(int error, void *arg)
{
	struct role_machine *r = arg;
	int rc = role_distrust_logs(r);

	log_warnx("activity log: cannot be written: %s; %s", strerror(-error),
	    rc == 0 ? "goes on without it, every object is compared at the "
	    "next resync" : "nor can the record, changes fail");
	if (rc != 0)
		r->parts.front.on_disk_error(-error, r);
	role_changed(r);
	return rc == 0 ? 0 : error;
}

int
step_open(struct role_machine *r)
{
	char why[PARTS_WHY_LEN];
	const char *code = "statedir";
	bool kept;
	bool left;

	if (r->parts.is_open)
		return 0;
	kept = parts_kept(&r->parts);
	if (parts_open(&r->parts, &peer_apply_calls, r, &code, why) == -1) {
		parts_close(&r->parts);
		role_set_error(r, code, "%s", why);
		return -1;
	}
	/* In this order: a record is not withdrawn for want of a mount. */
	if ((!kept && (role_tocheck(r, false) == -1 ||
	    role_check_session(r) == -1)) || peer_open(r) == -1) {
		parts_close(&r->parts);
		return -1;
	}
	change_on_log_error(r->parts.change, on_log_error, r);
	role_sweep_begin(r);
	pthread_mutex_lock(&r->lock);
	r->is_open = true;
	pthread_mutex_unlock(&r->lock);
	/* A forced promotion that a crash cut short (R50). */
	if (aside_stage(r->parts.objects, r->conf->dir_count, NULL,
	    &left) != 0)
		log_warnx(".holdfast/diverged: cannot be completed");
	role_look_aside(r);
	return 0;
}

static void
sweep_end(struct role_machine *r)
{
	struct sweep *s;

	pthread_mutex_lock(&r->lock);
	s = r->sweep;
	r->sweep = NULL;
	pthread_mutex_unlock(&r->lock);
	sweep_free(s);
}

static void
close_tree(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->is_open = false;
	r->disk_failed = r->disk_down = false;
	while (r->checkpointing || r->freeze.working || r->verify.estimating)
		pthread_cond_wait(&r->idle, &r->lock);
	pthread_mutex_unlock(&r->lock);
	peer_close(r);
	sweep_end(r);
	parts_close(&r->parts);
}

/* The first of those in the way; the others are only counted. */
struct way_in {
	const char	*dir;
	char		 first[160];
};

static void
note_way_in(const struct holder *h, void *arg)
{
	struct way_in *w = arg;

	if (w->first[0] == '\0')
		(void)snprintf(w->first, sizeof(w->first), "process %d (%s) "
		    "has %s open underneath (%s)", (int)h->pid, h->comm,
		    w->dir, h->how);
}

/*
 * Rule R40: whoever is inside before the mirror is would bypass it.  One
 * text for all of them: it is tried every second, and only news are logged.
 */
static int
check_ways_in(struct role_machine *r)
{
	struct way_in w = { .first = "" };
	unsigned i, found = 0;

	for (i = 0; i < r->conf->dir_count; i++) {
		w.dir = r->conf->dir[i];
		found += holders_of_plain(w.dir, note_way_in, &w);
	}
	if (found == 0)
		return 0;
	if (found == 1)
		role_set_error(r, "holders", "%s and could write there "
		    "unseen", w.first);
	else
		role_set_error(r, "holders", "%s and could write there "
		    "unseen, and %u more", w.first, found - 1);
	return -1;
}

static int
cover_all(struct role_machine *r)
{
	unsigned i;

	/* Only at a start from STOP: later the view is in the way. */
	if (r->kind == RK_NONE && check_ways_in(r) == -1)
		return -1;
	for (i = 0; i < r->conf->dir_count; i++) {
		/* Made before, so that the view can cover it as well. */
		if (mkdirat(r->parts.root_fd[i], ".holdfast", 0700) == -1 &&
		    errno != EEXIST)
			log_warn("%s/.holdfast", r->conf->dir[i]);
		if (mount_cover(r->conf->dir[i], r->conf->hidden) == -1) {
			role_set_error(r, "directory",
			    "%s: cannot be covered: %s", r->conf->dir[i],
			    strerror(errno));
			return -1;
		}
	}
	return 0;
}

static void
log_killed(const struct holder *h, void *arg)
{
	log_warnx("%s: held by process %d (%s, %s), killed",
	    (const char *)arg, (int)h->pid, h->comm, h->how);
}

static int
abort_between(void *arg)
{
	const char *dir = arg;

	fail_point(52);
	return mount_abort(dir);
}

/*
 * Rules R51 to R53: plain, then kill who holds it and abort at once.  A
 * holder that stays could go on reading: the epoch is not let go.
 */
static int
unmount_one(struct role_machine *r, unsigned i)
{
	const char *dir = r->conf->dir[i];
	struct mount_info m;
	unsigned left;

	if (mount_look(&m, dir) == -1)
		return -1;
	if (m.kind != MK_MIRROR || mount_leave(dir) == 0)
		return 0;
	if (errno != EBUSY)
		log_warn("%s: unmount", dir);
	left = holders_kill(m.dev, log_killed, (void *)(uintptr_t)dir,
	    abort_between, (void *)(uintptr_t)dir, REAP_MS);
	fail_point(53);
	if (left == 0)
		return 0;
	role_set_error(r, "holders", "%s: %u processes that hold it cannot "
	    "be ended: `fuser -vm %s' names them", dir, left, dir);
	return -1;
}

/* The mirrors go; who waits for an acknowledgement is not answered. */
static int
unmount_all(struct role_machine *r)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < r->conf->dir_count; i++)
		if (unmount_one(r, i) == -1)
			rc = -1;
	if (rc == -1)
		return -1;
	__atomic_store_n(&r->parts.front.ending, true, __ATOMIC_RELEASE);
	stream_abort(r->parts.stream);
	for (i = 0; i < r->conf->dir_count; i++)
		parts_unmounted(&r->parts, i);
	__atomic_store_n(&r->parts.front.ending, false, __ATOMIC_RELEASE);
	r->parts.holds_back = false;
	pthread_mutex_lock(&r->lock);
	r->mounted = false;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* Everything is on the peer's disk, or the time is over. */
static bool
drain_peer(struct role_machine *r)
{
	struct timespec pause = { 0, 5000000 };
	struct mono end = mono_add_ms(mono_now(), DRAIN_MS);
	struct stream_marks m;
	uint64_t seq;

	stream_set(r->parts.stream, SS_BOTH);
	seq = stream_checkpoint(r->parts.stream);
	while (seq != 0 && !mono_passed(end, mono_now())) {
		stream_marks(r->parts.stream, &m);
		if (m.durable >= seq)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * The end of a primary.  R28: application stopped and unmounted, checkpoint
 * durable on both, gen, log emptied, in this order; when anything is missing
 * the log stays as it is, and with it what a crash would leave.
 */
static int
end_prim(struct role_machine *r, bool orderly)
{
	struct gen_change c = { .role = GR_NONE };
	bool both, equal = false;
	struct gen g;

	pthread_mutex_lock(&r->lock);
	both = r->both;
	pthread_mutex_unlock(&r->lock);
	freeze_break(r);
	/* What was in hand is not carried to its end: as after a crash. */
	if (r->parts.holds_back)
		orderly = false;
	if (unmount_all(r) == -1)
		return -1;
	if (orderly && both)
		equal = drain_peer(r);
	if (orderly && objects_checkpoint(r->parts.objects) != 0)
		equal = orderly = false;
	fail_point(49);
	gen_read(r->parts.gen, &g);
	if (orderly && (equal || g.alone)) {
		if (g.alone && change_go_alone(r->parts.change) != 0)
			return -1;
		if (role_store(r, &c) == -1)
			return -1;
		fail_point(50);
		/* A request that outlived its killed caller may have changed
		 * this node alone: its slots are compared at the reunion. */
		if (!stream_has_cut(r->parts.stream) &&
		    actlog_reset(r->parts.actlog) != 0)
			log_warnx("activity log: cannot be emptied");
	}
	pthread_mutex_lock(&r->lock);
	r->drained = true;
	r->equal = equal;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* *synced: all that was received as second is on disk. */
static int
leave_present(struct role_machine *r, bool orderly, bool *synced)
{
	int error;

	*synced = false;
	if (r->kind == RK_PRIM && end_prim(r, orderly) == -1)
		return -1;
	peer_stop(r);
	if (r->kind == RK_SECOND) {
		error = apply_drain(r->parts.apply);
		*synced = error == 0;
		if (error != 0)
			log_warnx("what was received cannot be made durable:"
			    " %s", strerror(-error));
	}
	return 0;
}

int
step_none(struct role_machine *r)
{
	struct gen_change c = { .role = GR_NONE };
	struct gen g;
	unsigned i;

	if (leave_present(r, true, &c.synced) == -1)
		return -1;
	sweep_end(r);
	gen_read(r->parts.gen, &g);
	/* A sweep that did not come to its end is still owed as it was. */
	if (r->kind != RK_NONE && g.clean_stop_ns == 0)
		c.clean_stop_ns = role_clean_stop();
	/* What a sweep has found waits for a resync.  What is edited from now
	 * on none would find: all is compared, and set aside by that. */
	if (r->kind != RK_NONE && g.clean_stop_ns < 0 &&
	    role_distrust_logs(r) == -1)
		return -1;
	if (r->kind != RK_NONE && role_store(r, &c) == -1)
		return -1;
	close_tree(r);
	for (i = 0; i < r->conf->dir_count; i++)
		if (mount_uncover(r->conf->dir[i]) == -1 && errno != ENOENT)
			log_warn("%s: cannot be uncovered", r->conf->dir[i]);
	role_clear_error(r);
	set_kind(r, RK_NONE);
	return 0;
}

int
step_wait(struct role_machine *r, const struct wish *w)
{
	struct gen_change c = { .role = GR_NONE };
	struct gen g;

	if (step_open(r) == -1)
		return -1;
	if (r->kind != RK_WAIT) {
		if (cover_all(r) == -1)
			return -1;
		/* Fenced or sent away: the log stays as it is (R28). */
		if (leave_present(r, false, &c.synced) == -1)
			return -1;
	}
	gen_read(r->parts.gen, &g);
	c.not_level = w->notlevel;
	if ((w->notlevel && g.level) || g.role != GR_NONE)
		if (role_store(r, &c) == -1)
			return -1;
	set_kind(r, RK_WAIT);
	return 0;
}

int
step_second(struct role_machine *r, const struct wish *w)
{
	struct gen_change c = { .role = GR_SECOND, .epoch = w->epoch };
	bool synced;
	struct gen g;

	if (step_open(r) == -1 || cover_all(r) == -1)
		return -1;
	if (r->kind != RK_SECOND && leave_present(r, false, &synced) == -1)
		return -1;
	gen_read(r->parts.gen, &g);
	/* L11: the fence is stored before a frame of its epoch is applied. */
	if (g.role != GR_SECOND || epoch_cmp(g.fence, w->epoch) < 0)
		if (role_store(r, &c) == -1)
			return -1;
	pthread_mutex_lock(&r->lock);
	r->fullsync = w->fullsync;
	r->since_s = w->since_s;
	r->followed = w->epoch;
	pthread_mutex_unlock(&r->lock);
	if (r->kind == RK_SECOND && r->linked) {
		link_set_epoch(r->link, w->epoch);
		return 0;
	}
	set_kind(r, RK_SECOND);
	/* A ballot of this node was above it: nothing of it is taken. */
	if (epoch_cmp(g.fence, w->epoch) > 0)
		return 0;
	return peer_start(r, LS_SECOND, w->epoch);
}

static int
mount_all(struct role_machine *r)
{
	char why[PARTS_WHY_LEN];
	unsigned i;

	for (i = 0; i < r->conf->dir_count; i++) {
		fail_point(54);
		if (r->parts.mount[i].fuse_fd == -1 &&
		    parts_mount(&r->parts, i, why) == -1) {
			role_set_error(r, "directory", "%s", why);
			return -1;
		}
	}
	pthread_mutex_lock(&r->lock);
	r->mounted = true;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/*
 * Going alone, also as the way to become primary.  R24: gen, then the dirty
 * header, then those who wait are released.
 */
static int
go_alone(struct role_machine *r, const struct wish *w)
{
	struct gen_change c = { .role = GR_PRIM, .epoch = w->epoch,
	    .set_epoch = true, .alone = true, .force = w->force };
	struct gen g;
	int error;

	gen_read(r->parts.gen, &g);
	c.joins = w->force || gen_uuid_is_none(&g.current);
	fail_point(25);
	if (role_store(r, &c) == -1)
		return -1;
	fail_point(27);
	change_set_epoch(r->parts.change, w->epoch);
	error = change_go_alone(r->parts.change);
	if (error != 0) {
		role_set_error(r, "statedir", "dirty log: %s",
		    strerror(-error));
		return -1;
	}
	fail_point(28);
	front_set_leased(&r->parts.front, w->leased);
	stream_set(r->parts.stream, SS_SELF);
	stream_reset(r->parts.stream);
	pthread_mutex_lock(&r->lock);
	r->both = r->ready = r->joined = false;
	r->peer_failed[0] = '\0';
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* What speaks against it, by the record. */
static int
may_promote(struct role_machine *r, const struct wish *w)
{
	struct gen g;

	gen_read(r->parts.gen, &g);
	if (gen_uuid_is_none(&g.current) && !w->fresh && !w->force) {
		role_set_error(r, "new", "no record here: say which node has "
		    "the data (`holdfast prim')");
		return -1;
	}
	if (role_tocheck(r, true) == -1)
		return -1;
	if (!gen_uuid_is_none(&g.resyncing) && !w->force) {
		role_set_error(r, "half-copied", "half copied: the other node"
		    " has the data");
		return -1;
	}
	if (!gen_uuid_is_none(&g.current) && !g.level && !w->force) {
		role_set_error(r, "not-level", "this node's data is behind");
		return -1;
	}
	return 0;
}

/* Before the record changes: it tells what a set-aside is worth. */
static int
close_asides(struct role_machine *r, const struct wish *w)
{
	struct gen g;

	gen_read(r->parts.gen, &g);
	if (role_aside_close(r) == -1)
		return -1;
	return w->force && !gen_uuid_is_none(&g.resyncing) ?
	    role_aside_stage(r, w->epoch) : 0;
}

static int
become_prim(struct role_machine *r, const struct wish *w)
{
	int error;

	if (step_open(r) == -1 || cover_all(r) == -1)
		return -1;
	/* R5: all that was received is applied and on disk first. */
	peer_stop(r);
	if (r->kind == RK_SECOND) {
		error = apply_drain(r->parts.apply);
		fail_point(46);
		if (error != 0) {
			role_set_error(r, "disk", "%s", strerror(-error));
			return -1;
		}
	}
	fail_point(47);
	if (may_promote(r, w) == -1 || close_asides(r, w) == -1 ||
	    go_alone(r, w) == -1)
		return -1;
	apply_forget(r->parts.apply);
	fail_point(48);
	if (mount_all(r) == -1)
		return -1;
	role_clear_error(r);
	set_kind(r, RK_PRIM);
	return peer_start(r, LS_PRIMARY, w->epoch);
}

static void
set_both(struct role_machine *r, bool both)
{
	pthread_mutex_lock(&r->lock);
	r->both = both;
	r->ready = false;
	pthread_mutex_unlock(&r->lock);
}

/*
 * The joiner is level: first our record, then it is told (section 4).  One
 * whose connection broke while its join was voted on is a member that has
 * lost its place: moduled takes it out again (L15).
 */
static int
take_member(struct role_machine *r, const struct wish *w, bool ready)
{
	struct gen_change c = { .role = GR_PRIM, .epoch = w->epoch,
	    .set_epoch = true, .member = true };

	if (!ready && !r->voting) {
		role_set_error(r, "not-ready", "the other node is not level");
		return -1;
	}
	/* First in memory: a connection that ends now must not release the
	 * syncs any more. */
	set_both(r, true);
	if (role_store(r, &c) == -1) {
		set_both(r, false);
		link_break(r->link);
		return -1;
	}
	change_set_epoch(r->parts.change, w->epoch);
	link_set_epoch(r->link, w->epoch);
	if (!ready)
		peer_lost_place(r);
	else if (resync_join(r->resync, w->epoch) != 0)
		link_break(r->link);
	role_clear_error(r);
	role_changed(r);
	return 0;
}

static int
raise_epoch(struct role_machine *r, const struct wish *w)
{
	struct gen_change c = { .role = GR_PRIM, .epoch = w->epoch,
	    .set_epoch = true };

	if (role_store(r, &c) == -1)
		return -1;
	change_set_epoch(r->parts.change, w->epoch);
	link_set_epoch(r->link, w->epoch);
	role_changed(r);
	return 0;
}

static int
set_members(struct role_machine *r, const struct wish *w)
{
	struct gen g;
	bool ready;

	gen_read(r->parts.gen, &g);
	/* Also when an earlier try stopped half way. */
	if (!w->both && (!g.alone || r->both)) {
		if (go_alone(r, w) == -1)
			return -1;
		link_set_epoch(r->link, w->epoch);
		/* What runs was of a member; the next begins as a resync. */
		link_break(r->link);
		role_changed(r);
		return 0;
	}
	pthread_mutex_lock(&r->lock);
	ready = r->ready;
	pthread_mutex_unlock(&r->lock);
	/* At the epoch of the join, which no frame carries before it. */
	if (w->both && g.alone)
		return take_member(r, w, ready);
	if (epoch_cmp(w->epoch, g.epoch) != 0 && raise_epoch(r, w) == -1)
		return -1;
	return 0;
}

int
step_prim(struct role_machine *r, const struct wish *w)
{
	if (r->kind != RK_PRIM && become_prim(r, w) == -1)
		return -1;
	/* Begins at once; ends when what makes it needless is done. */
	if (w->leased)
		front_set_leased(&r->parts.front, true);
	if (set_members(r, w) == -1)
		return -1;
	front_set_leased(&r->parts.front, w->leased);
	if (w->both || !w->leased)
		peer_vote_over(r);
	return 0;
}

static uint8_t
node_by_name(const struct role_machine *r, const char *name)
{
	if (r->conf->peer_name != NULL &&
	    strcmp(name, r->conf->peer_name) == 0)
		return r->conf->peer;
	return strcmp(name, r->conf->name) == 0 ? r->conf->node : 0;
}

int
step_down(struct role_machine *r, const struct wish *w)
{
	struct gen_change c = { .role = GR_NONE, .epoch = w->epoch };
	struct gen g;

	if (step_open(r) == -1 || cover_all(r) == -1)
		return -1;
	if (r->kind == RK_PRIM && end_prim(r, true) == -1)
		return -1;
	if (r->kind != RK_DOWN) {
		bool drained = r->drained, equal = r->equal;

		peer_stop(r);
		set_kind(r, RK_DOWN);
		pthread_mutex_lock(&r->lock);
		r->drained = drained || !r->mounted;
		r->equal = equal;
		pthread_mutex_unlock(&r->lock);
		role_changed(r);
	}
	if (w->handed[0] == '\0')
		return 0;
	c.handed_to = node_by_name(r, w->handed);
	gen_read(r->parts.gen, &g);
	if (c.handed_to == 0 || (g.handed_to == c.handed_to &&
	    epoch_cmp(g.handed, w->epoch) == 0))
		return 0;
	if (role_store(r, &c) == -1)
		return -1;
	role_changed(r);
	return 0;
}

/*
 * A successor: the record says what this node was, keepd's descriptors that
 * its daemons lived on.  Requests in hand are finished before anything else;
 * only then new ones are read.
 */
void
step_take_up(struct role_machine *r)
{
	struct gen g;

	if (!parts_kept(&r->parts) || step_open(r) == -1)
		return;
	gen_read(r->parts.gen, &g);
	if (parts_kept_mirror(&r->parts)) {
		change_set_epoch(r->parts.change, g.epoch);
		stream_set(r->parts.stream, g.alone ? SS_SELF : SS_BOTH);
		/* What moduled wished is not told yet; the page says it. */
		front_set_leased(&r->parts.front,
		    lease_is_needed(r->parts.front.lease));
		/* Killed before the join or half way to alone: owed. */
		if (g.alone && change_go_alone(r->parts.change) == 0)
			stream_reset(r->parts.stream);
		r->parts.holds_back = r->parts.is_wary;
		if (mount_all(r) == -1)
			return;
		pthread_mutex_lock(&r->lock);
		r->both = r->joined = !g.alone;
		pthread_mutex_unlock(&r->lock);
		set_kind(r, RK_PRIM);
		log_info("mirror: taken up%s", r->parts.holds_back ?
		    "; many lives were short: what is wished comes first" : "");
		(void)peer_start(r, LS_PRIMARY, g.epoch);
	} else if (g.role == GR_SECOND) {
		r->followed = g.fence;
		set_kind(r, RK_SECOND);
		(void)peer_start(r, LS_SECOND, g.fence);
	} else {
		set_kind(r, RK_WAIT);
	}
}
