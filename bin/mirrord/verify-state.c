/* SPDX-License-Identifier: ISC */
/*
 * Statements: each suspicion is looked into under the lock of its object, at
 * a point of the stream (verify.h), and what the second answers is noted.
 * Nothing is waited for under the lock: where the stream has no room, it is
 * let go and taken again.  Called by verify-source.c; answers come on the
 * link's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "xalloc.h"

#include "verify-walk.h"

/* Asked at once and not answered yet. */
#define ASKED_MAX	256u
/* The application's syncs are slow: wait, but not for ever. */
#define STALL_MS	50
#define PAUSE_MS	20
#define PAUSES_MAX	50u
/* So many are named in the log. */
#define NAMED		20u

/* ---- time ---- */

int
verify_pause(struct walk *w, int64_t ms)
{
	struct timespec until;
	bool stop;

	clock_after(&until, ms * 1000000);
	pthread_mutex_lock(&w->v->lock);
	while (!w->v->stop && pthread_cond_timedwait(&w->v->cond,
	    &w->v->lock, &until) == 0)
		continue;
	stop = w->v->stop;
	pthread_mutex_unlock(&w->v->lock);
	return stop ? -1 : 0;
}

static bool
is_stopped(struct walk *w)
{
	bool stop;

	pthread_mutex_lock(&w->v->lock);
	stop = w->v->stop;
	pthread_mutex_unlock(&w->v->lock);
	return stop;
}

int
verify_throttle(struct walk *w, uint64_t bytes)
{
	int64_t ms;
	unsigned i;

	for (i = 0; i < PAUSES_MAX &&
	    stream_stall_ms(w->v->stream) > STALL_MS; i++)
		if (verify_pause(w, PAUSE_MS) == -1)
			return -1;
	ms = pace_ms(&w->pace, w->v->conf.rate_bytes_s, bytes, mono_now());
	if (ms > 0)
		return verify_pause(w, ms);
	return is_stopped(w) ? -1 : 0;
}

/* ---- what was found ---- */

static const struct item *
item_of(const struct walk *w, uint64_t oid)
{
	unsigned i;

	for (i = 0; i < w->count; i++)
		if (w->item[i].oid == oid)
			return &w->item[i];
	return NULL;
}

void
verify_found(struct walk *w, const struct suspect *s, uint32_t what)
{
	const struct item *it = item_of(w, s->oid);
	struct verify_diff d = { .oid = s->oid, .off = s->off, .len = s->len,
	    .what = what };
	struct verify *v = w->v;
	char words[VERIFY_WHAT_MAX], *path = NULL;

	if (s->kind == VK_NAME) {
		path = xasprintf("%s/%s", w->dir.path, s->name);
		d.oid = s->obj;
		d.dir = s->oid;
	} else if (it != NULL) {
		path = xstrdup(it->path);
		if (what & (VD_MISSING | VD_TYPE))
			d.dir = it->dir;
	} else
		path = s->oid == w->dir.oid ? xstrdup(w->dir.path) :
		    xasprintf("object %016llx", (unsigned long long)s->oid);
	d.path = path;
	pthread_mutex_lock(&v->lock);
	if (v->res.differences < NAMED)
		log_warnx("verify: differs: %s: %s", path,
		    verify_what_str(words, what));
	verify_result_add(&v->res, &d);
	pthread_mutex_unlock(&v->lock);
	free(path);
}

static void
take_verdict(struct walk *w, const struct suspect *s)
{
	struct item *it;
	unsigned i;

	if (s->what == 0)
		return;
	for (i = 0; i < w->count; i++) {
		it = &w->item[i];
		if (s->kind == VK_NAME && it->oid == s->obj &&
		    s->what & (VD_MISSING | VD_OTHER | VD_TYPE))
			it->skip = true;
		if (it->oid != s->oid || s->kind == VK_NAME)
			continue;
		/* Said already, by its name. */
		if (s->what & VD_MISSING && it->skip)
			return;
		if (s->kind == VK_DATA && ++it->blocks > BLOCKS_ENOUGH)
			return;
	}
	verify_found(w, s, s->what);
}

/* ---- statements ---- */

/* Under the lock of the directory.  1: say it; 0: nothing to say. */
static int
state_name(struct walk *w, struct suspect *s, struct verify_frame *f,
    struct frame_out *list)
{
	uint64_t oid = 0;
	struct stat st;
	int rc;

	f->type = VF_NAMES;
	if (object_stat(w->o, s->oid, &st) != 0 || st.st_nlink == 0)
		return 0;
	rc = object_lookup(w->o, s->oid, s->name, false, &oid, &st);
	if (rc == -ENODATA) {
		s->what = VD_STRANGE;
		return 0;
	}
	if (rc != 0)
		oid = 0;
	s->obj = oid;
	(void)verify_list_add(list, s->name, oid, oid == 0 ? 0 :
	    st.st_mode & S_IFMT);	/* there is room for one */
	f->bytes = list->buf;
	f->bytes_len = list->len;
	return 1;
}

static int
state_attr(struct walk *w, struct suspect *s, struct verify_frame *f)
{
	int rc;

	f->type = VF_ATTR;
	rc = verify_look_attr(w->o, s->oid, &w->room, &f->attr);
	if (rc != 0 && rc != -ESTALE && rc != -ENOENT)
		s->what = VD_READ_P;
	return rc == 0;
}

static int
state_data(struct walk *w, struct suspect *s, struct verify_frame *f,
    uint8_t hash[VB_HASH_LEN])
{
	struct stat st;
	ssize_t n = 0;
	int fd;

	f->type = VF_DATA;
	fd = object_fd(w->o, s->oid, O_RDONLY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && st.st_nlink > 0)
		n = verify_look_block(fd, s->off, (size_t)s->len, &w->room,
		    hash, false);
	object_fd_done(w->o, s->oid, fd);
	if (n < 0)
		s->what = VD_READ_P;
	f->off = s->off;
	f->len = (uint64_t)n;
	f->bytes = hash;
	f->bytes_len = VB_HASH_LEN;
	return n > 0;
}

/* So that the disk is not waited for under the lock. */
static void
fetch(struct walk *w, const struct suspect *s)
{
	int fd;

	if (s->kind != VK_DATA)
		return;
	fd = object_fd(w->o, s->oid, O_RDONLY);
	if (fd < 0)
		return;
	(void)!pread(fd, w->room.block, (size_t)s->len, (off_t)s->off);
	object_fd_done(w->o, s->oid, fd);
}

/* 1: it is in the stream; 0: nothing to ask, s->what says; -1: no room. */
static int
state_once(struct walk *w, struct suspect *s)
{
	uint8_t hash[VB_HASH_LEN], buf[1024], name[512];
	struct frame_out list = { .buf = name, .size = sizeof(name) };
	struct verify_frame f = { .oid = s->oid, .run = w->v->run };
	struct object_locks locks = { 0 };
	size_t len;
	int rc;

	object_lock(w->o, &locks, &s->oid, 1);
	if (s->kind == VK_NAME)
		rc = state_name(w, s, &f, &list);
	else if (s->kind == VK_ATTR)
		rc = state_attr(w, s, &f);
	else
		rc = state_data(w, s, &f, hash);
	if (rc == 1) {
		/* The range of the answer is that of the statement. */
		if (s->kind == VK_DATA)
			s->len = f.len;
		len = verify_frame_put(buf, sizeof(buf), &f);
		if (len == 0 ||
		    stream_offer_frame(w->v->stream, buf, len) == 0)
			rc = -1;
	}
	object_unlock(w->o, &locks);
	return rc;
}

/* 0: it is on its way, or answered already; -1: it is to end. */
static int
state(struct walk *w, struct suspect *s)
{
	const struct item *it = item_of(w, s->oid);
	struct verify *v = w->v;
	struct suspect own = *s;
	int rc = 0;

	/* Wrong as a whole, or not there: nothing more is to be said. */
	if (s->kind == VK_DATA && it != NULL &&
	    (it->skip || it->blocks > BLOCKS_ENOUGH)) {
		s->answered = true;
		return 0;
	}
	pthread_mutex_lock(&v->lock);
	s->asked = true;	/* the answer may come at once */
	v->statements++;
	pthread_mutex_unlock(&v->lock);
	fetch(w, s);
	while ((rc = state_once(w, &own)) == -1)
		if (verify_pause(w, PAUSE_MS) == -1)
			return -1;
	pthread_mutex_lock(&v->lock);
	s->obj = own.obj;
	s->len = own.len;
	if (rc == 0) {
		s->answered = true;
		s->what = own.what;
	}
	pthread_mutex_unlock(&v->lock);
	return 0;
}

static bool
is_all_answered(const struct verify *v)
{
	size_t i;

	for (i = 0; i < v->asked_count; i++)
		if (!v->asked[i].answered)
			return false;
	return true;
}

/* Names first: what is missing is missing with all that it has. */
static void
take_verdicts(struct walk *w, struct suspect *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i].kind == VK_NAME)
			take_verdict(w, &s[i]);
	for (i = 0; i < n; i++)
		if (s[i].kind != VK_NAME)
			take_verdict(w, &s[i]);
}

/* A few: stated, answered, noted. */
static int
settle_some(struct walk *w, struct suspect *s, size_t n)
{
	struct verify *v = w->v;
	size_t i;
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	v->asked = s;
	v->asked_count = n;
	pthread_mutex_unlock(&v->lock);
	for (i = 0; rc == 0 && i < n; i++) {
		rc = state(w, &s[i]);
		if (rc == 0)
			rc = verify_throttle(w, s[i].kind == VK_DATA ?
			    VB_BLOCK : 0);
	}
	pthread_mutex_lock(&v->lock);
	while (rc == 0 && !v->stop && !is_all_answered(v))
		pthread_cond_wait(&v->cond, &v->lock);
	if (v->stop)
		rc = -1;
	v->asked = NULL;
	v->asked_count = 0;
	pthread_mutex_unlock(&v->lock);
	if (rc == 0)
		take_verdicts(w, s, n);
	return rc;
}

int
verify_settle(struct walk *w)
{
	struct verify *v = w->v;
	struct suspect *all;
	size_t i, n, part;
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	all = v->suspect;
	n = v->suspect_count;
	v->suspect = NULL;
	v->suspect_count = v->suspect_room = 0;
	pthread_mutex_unlock(&v->lock);
	for (i = 0; rc == 0 && i < n; i += part) {
		part = n - i < ASKED_MAX ? n - i : ASKED_MAX;
		rc = settle_some(w, all + i, part);
	}
	for (i = 0; i < n; i++)
		free(all[i].name);
	free(all);
	return rc;
}

/* ---- answers ---- */

static void
on_verdict(struct verify *v, const struct verify_frame *f)
{
	struct suspect *s;
	size_t i;

	for (i = 0; i < v->asked_count; i++) {
		s = &v->asked[i];
		if (!s->asked || s->answered || s->kind != f->kind ||
		    s->oid != f->oid || s->off != f->off ||
		    (s->kind == VK_NAME && strcmp(s->name, f->name) != 0))
			continue;
		s->answered = true;
		s->what = f->what;
		return;
	}
}

int
verify_source_frame(struct verify *v, const struct verify_frame *f)
{
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	/* Of one that has ended, which the second does not know yet. */
	if (!v->running || f->run != v->run) {
		pthread_mutex_unlock(&v->lock);
		return 0;
	}
	switch (f->type) {
	case VF_SUSPECT:
		if (v->suspect_count >= VB_SUSPECT_MAX) {
			rc = -1;
			break;
		}
		verify_suspect(v, f->kind, f->oid, f->name, f->off,
		    f->len < VB_BLOCK ? f->len : VB_BLOCK);
		break;
	case VF_DONE:
		v->barrier_done = f->number;
		v->more = v->more || f->more != 0;
		break;
	case VF_VERDICT:
		on_verdict(v, f);
		break;
	default:
		rc = -1;
		break;
	}
	pthread_cond_broadcast(&v->cond);
	pthread_mutex_unlock(&v->lock);
	return rc;
}
