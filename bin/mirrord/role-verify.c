/* SPDX-License-Identifier: ISC */
/*
 * The glue of role-verify.h.  A comparison needs the other node as a member:
 * then the two trees are equal at equal points of the stream, and not before.
 */
#include "role-verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "xalloc.h"

#include "resync-estimate.h"
#include "role-int.h"
#include "when.h"
#include "wire.h"

#define STACK_LEN	(256 * 1024)
/* One that was due waits so long for the nodes to be in step. */
#define DUE_PATIENCE_S	(6 * 3600)
/* Between two attempts of it. */
#define DUE_PAUSE_S	30

/* With the lock.  What is in the way, NULL: nothing. */
static const char *
obstacle(struct role_machine *r, const char **code, char text[VERIFY_TEXT_MAX])
{
	struct resync_status s = { .phase = RP_NONE };

	*code = "busy";
	if (r->kind != RK_PRIM || !r->is_open) {
		*code = "notprim";
		snprintf(text, VERIFY_TEXT_MAX, "this node is not the primary; "
		    "the primary compares");
		return text;
	}
	if (r->conf->peer_addr_count == 0) {
		*code = "unknown-node";
		return "there is no other node to compare with";
	}
	resync_status(r->resync, &s);
	if (!r->both || !r->joined) {
		if (s.phase != RP_NONE)
			snprintf(text, VERIFY_TEXT_MAX, "a resync to %s runs "
			    "(%s), which compares by itself: say it again "
			    "when %s is SECOND", r->conf->peer_name,
			    resync_phase_str(s.phase), r->conf->peer_name);
		else
			snprintf(text, VERIFY_TEXT_MAX, "%s is not in step "
			    "with this node: there is nothing to compare "
			    "before a resync; `holdfast diff' says what it "
			    "would take",
			    r->conf->peer_name);
		return text;
	}
	if (!r->linked || link_state(r->link) != LK_UP) {
		snprintf(text, VERIFY_TEXT_MAX, "no connection to %s now",
		    r->conf->peer_name);
		return text;
	}
	if (!r->verify.peer_can) {
		*code = "unknown-verb";
		snprintf(text, VERIFY_TEXT_MAX, "%s runs a version that cannot "
		    "compare: bring it up to date", r->conf->peer_name);
		return text;
	}
	return NULL;
}

/* With the lock. */
static int
begin(struct role_machine *r, const char *who, const char **code,
    const char **text)
{
	char epoch[EPOCH_LEN];
	struct gen g;
	int error;

	*text = obstacle(r, code, r->verify.text);
	if (*text != NULL)
		return -1;
	gen_read(r->parts.gen, &g);
	error = verify_start(r->verify.v, who, epoch_str(epoch, g.epoch));
	if (error == 0) {
		log_info("verify: begins, by %s", who);
		return 0;
	}
	*code = "busy";
	*text = error == -EBUSY ? "one runs already" : strerror(-error);
	return -1;
}

int
role_verify(struct role_machine *r, const char *who, const char **code,
    const char **text)
{
	int rc;

	pthread_mutex_lock(&r->lock);
	rc = begin(r, who, code, text);
	pthread_mutex_unlock(&r->lock);
	if (rc == 0)
		role_changed(r);
	return rc;
}

bool
role_verify_stop(struct role_machine *r, const char *who)
{
	char why[96];

	if (!verify_is_running(r->verify.v))
		return false;
	pthread_mutex_lock(&r->lock);
	r->verify.until_s = 0;	/* the one that was due is over, too */
	pthread_mutex_unlock(&r->lock);
	snprintf(why, sizeof(why), "ended by %s", who);
	verify_cancel(r->verify.v, VS_CANCELLED, why);
	return true;
}

int
role_verify_repair(struct role_machine *r, const char **code,
    const char **text)
{
	struct dirtyset *set = dirtyset_new();
	char epoch[EPOCH_LEN];
	struct gen g;
	int rc;

	pthread_mutex_lock(&r->lock);
	*text = obstacle(r, code, r->verify.text);
	if (*text == NULL) {
		gen_read(r->parts.gen, &g);
		rc = verify_dirty(r->verify.v, epoch_str(epoch, g.epoch), set);
		*code = "badstate";
		if (rc == -EBUSY)
			*text = "a comparison runs: wait for its end";
		else if (rc == -ENOENT)
			*text = "the last comparison found no difference";
		else if (rc == -EIO)
			*text = "this node cannot read all of it, and the "
			    "other one has the copy: `holdfast swap' first";
		else if (rc == -ESTALE)
			*text = "the roles have changed since the last "
			    "comparison: verify again";
	}
	if (*text == NULL && (rc = change_merge(r->parts.change, set)) != 0) {
		*code = "disk";
		*text = "the dirty log cannot be written";
	}
	dirtyset_free(set);
	if (*text != NULL) {
		pthread_mutex_unlock(&r->lock);
		return -1;
	}
	/* Durable first: from here on moduled takes the other node out. */
	snprintf(r->peer_failed, sizeof(r->peer_failed), "it differs, and is "
	    "to be repaired");
	pthread_mutex_unlock(&r->lock);
	verify_note_repair(r->verify.v);
	log_warnx("verify: %s is repaired by a resync of what differs",
	    r->conf->peer_name);
	role_changed(r);
	return 0;
}

void
role_verify_progress(struct role_machine *r, struct verify_progress *p)
{
	verify_progress(r->verify.v, p);
}

void
role_verify_each(struct role_machine *r, void (*on_diff)(
    const struct verify_diff *d, void *arg), void *arg)
{
	verify_each(r->verify.v, on_diff, arg);
}

/* ---- diff ---- */

static void *
diff_main(void *arg)
{
	struct role_machine *r = arg;
	struct resync_estimate e;
	struct dirtyset *set;
	bool all;

	verify_idle_thread();
	set = change_lacks(r->parts.change);
	resync_estimate(&e, r->parts.objects, set);
	all = dirtyset_is_all(set) || r->verify.estimate.all;
	if (all)
		resync_estimate_all(&e, r->parts.objects);
	dirtyset_free(set);
	pthread_mutex_lock(&r->lock);
	r->verify.estimate.all = all;
	r->verify.estimate.objects = e.objects;
	r->verify.estimate.names = e.names;
	r->verify.estimate.bytes = e.bytes;
	r->verify.estimating = false;
	pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
	return NULL;
}

int
role_diff(struct role_machine *r, const char **code, const char **text)
{
	struct resync_status s;
	pthread_attr_t attr;
	pthread_t thread;
	struct gen g;
	int error = 0;

	*text = NULL;
	pthread_mutex_lock(&r->lock);
	if (r->kind != RK_PRIM || !r->is_open) {
		*code = "notprim";
		*text = "this node is not the primary; the primary knows what "
		    "the other one lacks";
	} else if (r->verify.estimating) {
		*code = "busy";
		*text = "one is being made already";
	}
	if (*text != NULL) {
		pthread_mutex_unlock(&r->lock);
		return -1;
	}
	gen_read(r->parts.gen, &g);
	resync_status(r->resync, &s);
	memset(&r->verify.estimate, 0, sizeof(r->verify.estimate));
	r->verify.estimate.all = g.dirty_all;
	r->verify.estimate.apart = !r->both;
	r->verify.estimate.linked = r->linked && link_state(r->link) == LK_UP;
	r->verify.estimate.rate_bytes_s = s.rate_bytes_s;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, diff_main, r);
	pthread_attr_destroy(&attr);
	r->verify.estimating = error == 0;
	pthread_mutex_unlock(&r->lock);
	if (error == 0)
		return 0;
	*code = "memory";
	*text = strerror(error);
	return -1;
}

bool
role_diff_look(struct role_machine *r, struct role_estimate *e)
{
	bool ready;

	pthread_mutex_lock(&r->lock);
	ready = !r->verify.estimating;
	*e = r->verify.estimate;
	pthread_mutex_unlock(&r->lock);
	return ready;
}

/* ---- the rest of the role machine ---- */

static int
send_frame(struct frame_out *f, void *arg)
{
	struct role_machine *r = arg;

	return link_send(r->link, f);
}

static void
on_change(void *arg)
{
	role_changed(arg);
}

void
verify_role_new(struct role_machine *r)
{
	struct verify_conf c = { .state_fd = r->parts.state_fd,
	    .node = r->conf->name, .dir = r->conf->dir,
	    .dir_count = r->conf->dir_count,
	    .rate_bytes_s = r->conf->verify_rate, .send = send_frame,
	    .on_change = on_change, .arg = r };

	r->verify.v = verify_new(&c);
	r->verify.due_s = when_next(&r->conf->verify_when,
	    (int64_t)time(NULL));
}

void
verify_role_open(struct role_machine *r)
{
	verify_attach(r->verify.v, r->parts.objects, r->parts.stream);
}

void
verify_role_close(struct role_machine *r)
{
	verify_detach(r->verify.v);
}

void
verify_role_down(struct role_machine *r, const char *why)
{
	verify_cancel(r->verify.v, VS_BROKEN, why);
}

/* One that is due begins when it can, for some hours. */
static bool
begin_due(struct role_machine *r)
{
	int64_t now = (int64_t)time(NULL);
	const char *code, *text;

	if (r->verify.due_s != 0 && now >= r->verify.due_s) {
		/* The clock jumped, or the node slept: not hours late. */
		if (now < r->verify.due_s + DUE_PATIENCE_S)
			r->verify.until_s = now + DUE_PATIENCE_S;
		r->verify.try_s = now;
		r->verify.due_s = when_next(&r->conf->verify_when,
		    now);
	}
	if (r->verify.until_s == 0 || now < r->verify.try_s)
		return false;
	if (now > r->verify.until_s) {
		r->verify.until_s = 0;
		return false;
	}
	r->verify.try_s = now + DUE_PAUSE_S;
	if (verify_is_running(r->verify.v))
		return false;
	if (r->verify.begun) {
		struct verify_progress p;

		/* Broken off by a lost connection or so it is due again. */
		verify_progress(r->verify.v, &p);
		r->verify.begun = false;
		if (p.res.state != VS_BROKEN) {
			r->verify.until_s = 0;
			return false;
		}
	}
	r->verify.begun = begin(r, "schedule", &code, &text) == 0;
	return r->verify.begun;
}

bool
verify_role_tick(struct role_machine *r)
{
	bool news = false;

	if (!r->is_open)
		return false;
	if (verify_is_running(r->verify.v)) {
		if (r->kind != RK_PRIM || !r->both || !r->joined)
			verify_cancel(r->verify.v, VS_BROKEN, "the other node "
			    "is not a member any more");
		news = true;
	}
	if (r->kind != RK_PRIM) {
		r->verify.until_s = 0;
		return news;
	}
	return begin_due(r) || news;
}

int
verify_role_frame(struct role_machine *r, struct frame_in *f, uint64_t oid)
{
	bool is_primary;

	if (f->type < WT_VERIFY_MIN || f->type > WT_VERIFY_MAX)
		return 1;
	pthread_mutex_lock(&r->lock);
	is_primary = r->kind == RK_PRIM;
	pthread_mutex_unlock(&r->lock);
	return verify_on_frame(r->verify.v, f, oid, is_primary);
}
