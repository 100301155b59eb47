/* SPDX-License-Identifier: ISC */
/*
 * The life of a comparison as the role machine sees it, and its result.
 */
#include "verify.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "xalloc.h"

#include "verify-int.h"
#include "wire.h"

#define NICE		10
#define IO_IDLE		(3 << 13)	/* IOPRIO_CLASS_IDLE */
#define IO_THREAD	1		/* IOPRIO_WHO_PROCESS */
#define STACK_LEN	(256 * 1024)

void
verify_idle_thread(void)
{
	pid_t self = (pid_t)syscall(SYS_gettid);

	/* Refused, it is only less polite. */
	(void)setpriority(PRIO_PROCESS, (id_t)self, NICE);
	(void)syscall(SYS_ioprio_set, IO_THREAD, self, IO_IDLE);
}

struct verify *
verify_new(const struct verify_conf *conf)
{
	struct verify *v = xcalloc(1, sizeof(*v));

	v->conf = *conf;
	v->look_end = &v->look;
	pthread_mutex_init(&v->lock, NULL);
	clock_cond_init(&v->cond);
	clock_cond_init(&v->work);
	if (conf->state_fd == -1)
		return v;
	(void)verify_list_load(conf->state_fd, &v->res); /* none then */
	if (v->res.state != VS_RUNNING)
		return v;
	v->res.state = VS_BROKEN;
	(void)snprintf(v->res.why, sizeof(v->res.why), "mirrord of %s ended "
	    "meanwhile", v->res.primary);
	return v;
}

void
verify_attach(struct verify *v, struct objects *o, struct stream *s)
{
	pthread_mutex_lock(&v->lock);
	v->objects = o;
	v->stream = s;
	pthread_mutex_unlock(&v->lock);
}

static void
join(struct verify *v)
{
	if (v->has_thread)
		(void)pthread_join(v->thread, NULL);
	v->has_thread = false;
}

void
verify_detach(struct verify *v)
{
	verify_cancel(v, VS_BROKEN, "the role of the primary ended");
	join(v);
	verify_target_stop(v);
	pthread_mutex_lock(&v->lock);
	v->objects = NULL;
	v->stream = NULL;
	pthread_mutex_unlock(&v->lock);
}

static void
begin(struct verify *v, const char *who, const char *epoch)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	verify_result_fini(&v->res);
	verify_forget_suspects(v);
	v->res.state = VS_RUNNING;
	v->res.begin_s = now.tv_sec;
	snprintf(v->res.primary, sizeof(v->res.primary), "%s", v->conf.node);
	snprintf(v->res.who, sizeof(v->res.who), "%s", who);
	snprintf(v->res.epoch, sizeof(v->res.epoch), "%s", epoch);
	/* No frame of an earlier one counts, not after a restart either. */
	v->run = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	v->total = objects_count(v->objects);
	v->statements = 0;
	v->barrier = v->barrier_done = 0;
	v->stop = v->more = false;
	v->running = true;
}

int
verify_start(struct verify *v, const char *who, const char *epoch)
{
	pthread_attr_t attr;
	int error;

	pthread_mutex_lock(&v->lock);
	if (v->running || v->objects == NULL) {
		error = v->running ? -EBUSY : -ENOTCONN;
		pthread_mutex_unlock(&v->lock);
		return error;
	}
	pthread_mutex_unlock(&v->lock);
	join(v);	/* the last one has ended */
	pthread_mutex_lock(&v->lock);
	begin(v, who, epoch);
	pthread_mutex_unlock(&v->lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	error = pthread_create(&v->thread, &attr, verify_source_main, v);
	pthread_attr_destroy(&attr);
	pthread_mutex_lock(&v->lock);
	v->has_thread = error == 0;
	if (error != 0) {
		v->running = false;
		v->res.state = VS_BROKEN;
		snprintf(v->res.why, sizeof(v->res.why), "%s",
		    strerror(error));
	}
	pthread_mutex_unlock(&v->lock);
	return -error;
}

void
verify_cancel(struct verify *v, enum verify_state how, const char *why)
{
	pthread_mutex_lock(&v->lock);
	if (v->running && !v->stop) {
		v->stop = true;
		v->how = how;
		snprintf(v->res.why, sizeof(v->res.why), "%s", why);
		pthread_cond_broadcast(&v->cond);
	}
	verify_target_forget(v);
	pthread_mutex_unlock(&v->lock);
}

bool
verify_is_running(struct verify *v)
{
	bool running;

	pthread_mutex_lock(&v->lock);
	running = v->running;
	pthread_mutex_unlock(&v->lock);
	return running;
}

int
verify_on_frame(struct verify *v, struct frame_in *f, uint64_t oid,
    bool is_primary)
{
	struct verify_frame vf;

	if (verify_frame_get(&vf, f, oid) == -1)
		return -1;
	return is_primary ? verify_source_frame(v, &vf) :
	    verify_target_frame(v, f, &vf);
}

void
verify_progress(struct verify *v, struct verify_progress *p)
{
	pthread_mutex_lock(&v->lock);
	p->res = v->res;
	p->res.diff = NULL;
	p->res.listed = 0;
	/* Its result is being stored: who saw the end may begin another. */
	if (v->running) {
		p->res.state = VS_RUNNING;
		p->res.end_s = 0;
	}
	p->total = v->total > v->res.objects ? v->total : v->res.objects;
	p->statements = v->statements;
	pthread_mutex_unlock(&v->lock);
}

void
verify_each(struct verify *v, void (*on_diff)(const struct verify_diff *d,
    void *arg), void *arg)
{
	unsigned i;

	pthread_mutex_lock(&v->lock);
	for (i = 0; i < v->res.listed; i++)
		on_diff(&v->res.diff[i], arg);
	pthread_mutex_unlock(&v->lock);
}

int
verify_dirty(struct verify *v, const char *epoch, struct dirtyset *set)
{
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	if (v->running)
		rc = -EBUSY;
	else if (v->res.differences == 0)
		rc = -ENOENT;
	else if (strcmp(v->res.epoch, epoch) != 0 ||
	    strcmp(v->res.primary, v->conf.node) != 0)
		rc = -ESTALE;
	else
		rc = verify_result_dirty(&v->res, set);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

void
verify_note_repair(struct verify *v)
{
	pthread_mutex_lock(&v->lock);
	v->res.state = VS_REPAIRED;
	if (v->conf.state_fd != -1)
		(void)verify_list_save(v->conf.state_fd, &v->res);
	pthread_mutex_unlock(&v->lock);
	verify_tell(v);
	v->conf.on_change(v->conf.arg);
}

/* ---- plumbing ---- */

/* The other node shows it, too. */
void
verify_tell(struct verify *v)
{
	struct verify_frame *f = xcalloc(1, sizeof(*f));
	struct line_out *o = xcalloc(1, sizeof(*o));
	uint8_t buf[VB_TEXT_MAX + 256];

	f->type = VF_END;
	pthread_mutex_lock(&v->lock);
	f->run = v->run;
	line_begin(o, "result");
	verify_result_put(o, &v->res);
	pthread_mutex_unlock(&v->lock);
	/* Too long or no connection: it does not know. */
	if (!o->overflow && o->len < sizeof(f->text)) {
		memcpy(f->text, o->text, o->len);
		(void)verify_send(v, f, buf, sizeof(buf));
	}
	free(o);
	free(f);
}

int
verify_send(struct verify *v, const struct verify_frame *f, void *buf,
    size_t size)
{
	struct frame_out out = { .buf = buf, .size = size };

	out.len = verify_frame_put(buf, size, f);
	return out.len == 0 ? -1 : v->conf.send(&out, v->conf.arg);
}

void
verify_suspect(struct verify *v, uint8_t kind, uint64_t oid, const char *name,
    uint64_t off, uint64_t len)
{
	struct suspect *s;

	if (v->suspect_count == v->suspect_room) {
		v->suspect_room = v->suspect_room * 2 + 64;
		v->suspect = xrealloc(v->suspect, v->suspect_room,
		    sizeof(*v->suspect));
	}
	s = &v->suspect[v->suspect_count++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->oid = oid;
	s->off = off;
	s->len = len;
	s->name = kind == VK_NAME ? xstrdup(name) : NULL;
}

void
verify_forget_suspects(struct verify *v)
{
	while (v->suspect_count > 0)
		free(v->suspect[--v->suspect_count].name);
}
