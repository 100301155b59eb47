/* SPDX-License-Identifier: ISC */
/*
 * The role thread, the checkpoint thread and the facts.  Called by main.c;
 * the steps themselves are in role-steps.c.
 */
#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "fail.h"
#include "log.h"
#include "xalloc.h"

#include "holders.h"
#include "mount.h"
#include "role-int.h"

/* Rule R12: bounds what a crash reads again. */
#define CHECKPOINT_MS	5000
/* A full activity log holds writers up: looked at so often, and cooled no
 * more often than that, since a checkpoint writes all there is. */
#define TIGHT_LOOK_MS	100
#define TIGHT_PAUSE_MS	500
/* moduled looks for a new mirrord much more often. */
#define WARY_MS		300
/* A step that failed is tried again, as long as it is wished. */
#define RETRY_MS	1000
#define STACK_LEN	(256 * 1024)
/* Pages that were used once go back within two of these. */
#define TRIM_CHECKPOINTS 12

void
role_changed(struct role_machine *r)
{
	r->on_change(r->arg);
}

void
role_set_error(struct role_machine *r, const char *code, const char *fmt, ...)
{
	char text[sizeof(r->error)];
	va_list ap;
	bool news;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&r->lock);
	news = strcmp(text, r->error) != 0;
	snprintf(r->code, sizeof(r->code), "%s", code);
	memcpy(r->error, text, sizeof(text));
	pthread_mutex_unlock(&r->lock);
	if (news) {
		log_warnx("%s", text);
		role_changed(r);
	}
}

void
role_clear_error(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->code[0] = r->error[0] = r->diverged[0] = '\0';
	memset(&r->room, 0, sizeof(r->room));
	pthread_mutex_unlock(&r->lock);
}

static void
wait_until(struct role_machine *r, pthread_cond_t *cond, int64_t ms)
{
	struct timespec ts;

	clock_after(&ts, ms * 1000000);
	(void)pthread_cond_timedwait(cond, &r->lock, &ts);
}

static void
begin_vote(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->voting = r->kind == RK_PRIM;
	pthread_mutex_unlock(&r->lock);
}

static int
carry_out(struct role_machine *r, const struct wish *w)
{
	/* Before the fence is told: a prepare may leave then. */
	if (w->role == RK_PRIM && !w->both && w->leased)
		begin_vote(r);
	if (!r->has_state || (w->compare && role_note_compare(r) == -1) ||
	    step_fence(r, w) == -1)
		return -1;
	switch (w->role) {
	case RK_NONE:
		return step_none(r);
	case RK_WAIT:
		return step_wait(r, w);
	case RK_SECOND:
		return step_second(r, w);
	case RK_PRIM:
		return step_prim(r, w);
	case RK_DOWN:
		return step_down(r, w);
	}
	return -1;
}

/* A wary successor hears first whether it is to serve at all.  With the
 * lock. */
static void
serve_what_is_held(struct role_machine *r)
{
	if (!r->parts.holds_back)
		return;
	if (!r->has_wish)
		wait_until(r, &r->wake, WARY_MS);
	if (r->has_wish && r->wish.role != RK_PRIM)
		return;
	pthread_mutex_unlock(&r->lock);
	parts_serve(&r->parts);
	pthread_mutex_lock(&r->lock);
}

static void *
role_thread(void *arg)
{
	struct role_machine *r = arg;
	struct wish w;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	serve_what_is_held(r);
	while (!r->ending) {
		if (r->look_aside) {
			r->look_aside = false;
			pthread_mutex_unlock(&r->lock);
			role_look_aside(r);
			pthread_mutex_lock(&r->lock);
			continue;
		}
		if (!r->has_wish || (!r->wish_is_new && rc == 0)) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		if (!r->wish_is_new) {
			wait_until(r, &r->wake, RETRY_MS);
			if (r->ending || r->look_aside)
				continue;
		}
		w = r->wish;
		r->wish_is_new = false;
		pthread_mutex_unlock(&r->lock);
		rc = carry_out(r, &w);
		role_changed(r);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Of this stream: its numbers begin anew with its memory. */
static uint64_t
peer_durable(struct role_machine *r)
{
	struct stream_marks m;

	stream_marks(r->parts.stream, &m);
	return m.durable;
}

/*
 * Durable on both nodes up to here: hot slots cool (rule R12).  Called
 * without the lock; a step that closes the tree waits for the end of
 * `checkpointing'.
 */
static void
checkpoint_both(struct role_machine *r)
{
	struct mono end = mono_add_ms(mono_now(), 2 * CHECKPOINT_MS);
	uint64_t seq;
	int error;

	seq = stream_checkpoint(r->parts.stream);
	if (seq == 0)
		return;
	change_checkpoint_begin(r->parts.change, seq);
	error = objects_checkpoint(r->parts.objects);
	fail_point(21);
	if (error != 0)
		return;
	pthread_mutex_lock(&r->lock);
	while ((error = peer_durable(r) < seq) && r->both && !r->ending &&
	    !mono_passed(end, mono_now()))
		wait_until(r, &r->mark, 500);
	pthread_mutex_unlock(&r->lock);
	if (!error) {
		change_checkpoint_done(r->parts.change, seq);
		fail_point(22);
	}
}

/*
 * Until the next checkpoint is due: CHECKPOINT_MS after `last', or earlier
 * when half of the activity log is pinned (rule R12), which a successor may
 * find so from the start.  With the lock.
 */
static void
await_checkpoint(struct role_machine *r, struct mono last)
{
	struct mono now;

	while (!r->ending && !r->checkpoint_now) {
		wait_until(r, &r->mark, r->kind == RK_PRIM ? TIGHT_LOOK_MS :
		    CHECKPOINT_MS);
		now = mono_now();
		if (mono_passed(mono_add_ms(last, CHECKPOINT_MS), now))
			break;
		if (r->kind == RK_PRIM && r->mounted &&
		    mono_passed(mono_add_ms(last, TIGHT_PAUSE_MS), now) &&
		    actlog_is_tight(r->parts.actlog))
			break;
	}
}

static void *
checkpoint_thread(void *arg)
{
	struct role_machine *r = arg;
	struct mono last = { 1 };
	unsigned count = 0;
	bool both;

	pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		await_checkpoint(r, last);
		r->checkpoint_now = false;
		last = mono_now();
		if (r->ending || r->kind != RK_PRIM || !r->mounted)
			continue;
		both = r->both;
		r->checkpointing = true;
		pthread_mutex_unlock(&r->lock);
		if (both)
			checkpoint_both(r);
		else if (change_flush(r->parts.change) != 0)
			log_warnx("dirty log: cannot be written");
		parts_go_on(&r->parts);
		if (++count % TRIM_CHECKPOINTS == 0)
			parts_trim(&r->parts);
		pthread_mutex_lock(&r->lock);
		r->checkpointing = false;
		pthread_cond_broadcast(&r->idle);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void
on_disk_error(int error, void *arg)
{
	struct role_machine *r = arg;
	bool news;

	pthread_mutex_lock(&r->lock);
	news = !r->disk_failed;
	r->disk_failed = r->disk_down = true;
	pthread_mutex_unlock(&r->lock);
	if (news) {
		log_warnx("local disk: %s", strerror(error));
		role_changed(r);
	}
}

static void
start_thread(pthread_t *t, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	error = pthread_create(t, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	if (error != 0) {
		errno = error;
		fatal("thread");
	}
}

/* Its own: the role thread may close the tree meanwhile. */
static int
space_root(unsigned i, void *arg)
{
	struct role_machine *r = arg;
	int fd = -1;

	pthread_mutex_lock(&r->lock);
	if (r->is_open && r->parts.root_fd[i] != -1)
		fd = fcntl(r->parts.root_fd[i], F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&r->lock);
	return fd;
}

static bool
space_is_copying(void *arg)
{
	struct role_machine *r = arg;
	struct resync_status s = { .phase = RP_NONE };

	pthread_mutex_lock(&r->lock);
	if (r->is_open && r->kind == RK_SECOND)
		resync_status(r->resync, &s);
	pthread_mutex_unlock(&r->lock);
	return s.phase != RP_NONE && s.phase != RP_STRICT;
}

static void
space_changed(void *arg)
{
	struct role_machine *r = arg;

	r->on_change(r->arg);
}

static const struct space_calls space_calls = { space_root, space_is_copying,
    on_disk_error, space_changed };

struct role_machine *
role_new(const struct mirrord_conf *conf, struct keep *keep,
    struct keys *keys, void (*on_change)(void *arg), void *arg)
{
	struct role_machine *r = xcalloc(1, sizeof(*r));
	char why[PARTS_WHY_LEN];

	r->conf = conf;
	r->keep = keep;
	r->keys = keys;
	r->on_change = on_change;
	r->arg = arg;
	pthread_mutex_init(&r->lock, NULL);
	clock_cond_init(&r->wake);
	clock_cond_init(&r->mark);
	clock_cond_init(&r->idle);
	if (parts_init(&r->parts, conf, keep, why) == -1) {
		role_set_error(r, r->parts.gen_bad ? "gen" : "statedir",
		    "%s", why);
		verify_role_new(r);
	} else {
		r->has_state = true;
		verify_role_new(r);
		r->parts.front.on_disk_error = on_disk_error;
		r->parts.front.arg = r;
		r->parts.front.lease = lease_reader(conf->module);
		role_check_unclean(r);
		step_take_up(r);
		if (!r->is_open)
			role_look_aside(r);
	}
	r->space = space_watch_new(conf, r->parts.state_fd, &space_calls, r);
	start_thread(&r->thread, role_thread, r);
	start_thread(&r->checkpointer, checkpoint_thread, r);
	return r;
}

void
role_free(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_broadcast(&r->wake);
	pthread_cond_broadcast(&r->mark);
	pthread_mutex_unlock(&r->lock);
	/*
	 * The rest ends with the process: workers wait in read(2), steps in
	 * disks, and all of it is what a successor takes up.
	 */
}

int
role_want(struct role_machine *r, const struct wish *w, const char **code,
    const char **text)
{
	struct gen g;

	if (r->has_state)
		gen_read(r->parts.gen, &g);
	pthread_mutex_lock(&r->lock);
	if (r->has_state && wish_is_old(w, r->kind, r->kind == RK_PRIM ?
	    g.epoch : r->followed, g.fence)) {
		pthread_mutex_unlock(&r->lock);
		*code = "old-epoch";
		*text = "a newer epoch was used or followed here";
		return -1;
	}
	if (!r->has_wish || memcmp(&r->wish, w, sizeof(*w)) != 0) {
		r->wish = *w;
		r->has_wish = r->wish_is_new = true;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return 0;
}

void
role_checkpoint(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->checkpoint_now = true;
	pthread_cond_broadcast(&r->mark);
	pthread_mutex_unlock(&r->lock);
}

static void
link_facts(struct role_machine *r, struct facts *f)
{
	static const char *const names[] = {
		[LK_DOWN] = "down", [LK_CONNECTING] = "connecting",
		[LK_UP] = "up",
	};

	f->link = "down";
	f->resync.eta_s = -1;
	if (!r->is_open)
		return;
	if (r->linked)
		f->link = names[link_state(r->link)];
	link_bytes(r->link, &f->link_sent, &f->link_received);
	resync_status(r->resync, &f->resync);
	f->dirty_bytes = change_dirty_bytes(r->parts.change);
	f->opened = objects_opened(r->parts.objects);
	f->stall_ms = stream_stall_ms(r->parts.stream);
}

void
role_facts(struct role_machine *r, struct facts *f)
{
	memset(f, 0, sizeof(*f));
	if (r->has_state)
		gen_read(r->parts.gen, &f->gen);
	pthread_mutex_lock(&r->lock);
	f->role = r->kind;
	f->mounted = r->mounted;
	f->is_new = gen_uuid_is_none(&f->gen.current) &&
	    gen_uuid_is_none(&f->gen.resyncing);
	f->dir_count = r->conf->dir_count;
	f->dir = r->conf->dir;
	for (unsigned i = 0; i < f->dir_count; i++)
		space_watch_get(r->space, i, &f->space[i]);
	f->peer = r->conf->peer_name != NULL ? r->conf->peer_name : "";
	f->handed = f->gen.handed_to == 0 ? "" :
	    f->gen.handed_to == r->conf->peer ? f->peer : r->conf->name;
	f->async_second = r->conf->async_second;
	f->drained = r->drained;
	f->equal = r->equal;
	f->ready = r->ready;
	f->joined = r->joined;
	f->disk_down = r->disk_down;
	f->lease = front_lease(&r->parts.front);
	memcpy(f->peer_failed, r->peer_failed, sizeof(f->peer_failed));
	memcpy(f->diverged, r->diverged, sizeof(f->diverged));
	f->room = r->room;
	f->aside_count = r->aside_count < FACT_ASIDES ? r->aside_count :
	    FACT_ASIDES;
	f->aside_more = r->aside_count - f->aside_count;
	/* The newest ones. */
	for (unsigned i = 0; i < f->aside_count; i++)
		f->aside[i] = r->aside[f->aside_more + i];
	memcpy(f->code, r->code, sizeof(f->code));
	memcpy(f->error, r->error, sizeof(f->error));
	link_facts(r, f);
	/* Once joined, the strict phase is the ordinary one. */
	if (r->joined && f->resync.phase == RP_STRICT)
		f->resync.phase = RP_NONE;
	role_verify_progress(r, &f->verify);
	if (r->is_open)
		f->held_ms = freeze_left_ms(r, f->held_by);
	pthread_mutex_unlock(&r->lock);
}

/*
 * R26: a node that joins is waited for in each sync (L12), so one that stands
 * still, connected, must be left behind; a member only moduled takes out.
 * With the lock.
 */
static void
leave_behind(struct role_machine *r)
{
	int64_t ms = stream_stall_ms(r->parts.stream);

	if (r->kind != RK_PRIM || r->both || r->voting || r->link == NULL ||
	    ms < r->conf->stall_ms)
		return;
	log_warnx("peer %s: has not answered for %lld ms: left behind",
	    r->conf->peer_name, (long long)ms);
	link_break(r->link);
}

/* A second with a running resync or a stall has news by time alone. */
bool
role_tick(struct role_machine *r)
{
	bool news = false, down, held, over;
	char by[FREEZE_BY_MAX];
	struct resync_status s;

	pthread_mutex_lock(&r->lock);
	if (r->is_open) {
		down = r->disk_failed || front_disk_silence_ms(
		    &r->parts.front) > r->conf->disktime_ms;
		news = down != r->disk_down;
		r->disk_down = down;
		held = freeze_left_ms(r, by) > 0;
		news = news || held != r->held_told;
		r->held_told = held;
		over = strcmp(front_lease(&r->parts.front), "over") == 0;
		news = news || over != r->lease_told;
		r->lease_told = over;
		if (r->room.need > 0 && role_aside_room(r)) {
			memset(&r->room, 0, sizeof(r->room));
			news = true;
		}
		leave_behind(r);
		news = verify_role_tick(r) || news;
		resync_status(r->resync, &s);
		news = news || (s.phase != RP_NONE &&
		    s.phase != RP_STRICT) ||
		    stream_stall_ms(r->parts.stream) > 100;
	}
	pthread_mutex_unlock(&r->lock);
	return news;
}

struct tell_holder {
	void (*fn)(int pid, const char *comm, const char *how, void *arg);
	void *arg;
};

static void
tell_holder(const struct holder *h, void *arg)
{
	struct tell_holder *t = arg;

	t->fn((int)h->pid, h->comm, h->how, t->arg);
}

void
role_holders(struct role_machine *r, void (*on_holder)(int pid,
    const char *comm, const char *how, void *arg), void *arg)
{
	struct tell_holder t = { on_holder, arg };
	struct mount_info m;
	unsigned i;

	for (i = 0; i < r->conf->dir_count; i++) {
		if (mount_look(&m, r->conf->dir[i]) == -1)
			continue;
		if (m.kind == MK_MIRROR)
			(void)holders_of_device(m.dev, tell_holder, &t);
		else
			(void)holders_of_plain(r->conf->dir[i], tell_holder,
			    &t);
	}
}
