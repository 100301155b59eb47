/* SPDX-License-Identifier: ISC */
/*
 * The steps of freeze.h, in a thread of their own for the time they take.
 * They write nothing durable: whatever dies, the door opens again by its own
 * clock (hold.h), and what was held goes on as if it had just come.
 */
#include "freeze.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#include "role-int.h"
#include "wire.h"

#define STEP_NS		5000000
#define STACK_LEN	(256 * 1024)
#define FRAME_LEN	256

/* With the lock. */
static void
fail(struct freeze *z, const char *code, const char *text)
{
	z->state = FZ_FAILED;
	z->code = code;
	(void)snprintf(z->text, sizeof(z->text), "%s", text);
}

/* --- on the primary ------------------------------------------------------ */

/* All that was written is on the disks; *both: of the peer, too. */
static int
settle(struct role_machine *r, uint64_t number, bool *both)
{
	struct timespec pause = { 0, STEP_NS };
	struct stream_marks m;
	uint64_t seq;

	pthread_mutex_lock(&r->lock);
	*both = r->both && r->joined;
	pthread_mutex_unlock(&r->lock);
	seq = *both ? stream_checkpoint(r->parts.stream) : 0;
	while (seq != 0) {
		stream_marks(r->parts.stream, &m);
		if (m.durable >= seq)
			break;
		pthread_mutex_lock(&r->lock);
		*both = r->both;
		pthread_mutex_unlock(&r->lock);
		if (!*both)
			break;	/* lost meanwhile: this node alone */
		if (!hold_is(&r->parts.front.hold, number))
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return objects_checkpoint(r->parts.objects);
}

static void
answer_peer(struct role_machine *r, uint64_t id, int error, bool both)
{
	uint8_t buf[FRAME_LEN];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_HELD, 0);
	frame_put_u64(&f, id);
	frame_put_u32(&f, (uint32_t)-error);
	frame_put_u8(&f, both);
	if (frame_end(&f) != 0)
		(void)link_send(r->link, &f); /* its own time ends it */
}

static const char *
error_text(int error)
{
	return error == -EBUSY ? "writes are held already" :
	    error == -ETIMEDOUT ? "what was in hand did not come to rest in "
	    "time" : strerror(-error);
}

static void
hold_here(struct role_machine *r)
{
	struct freeze *z = &r->freeze;
	uint64_t number = 0, remote;
	bool both = false;
	int64_t ms;
	int error;

	pthread_mutex_lock(&r->lock);
	ms = z->ms;
	remote = z->remote;
	pthread_mutex_unlock(&r->lock);
	error = parts_flush(&r->parts);
	if (error == 0)
		error = hold_begin(&r->parts.front.hold, ms, &number);
	if (error == 0) {
		error = settle(r, number, &both);
		if (error != 0)
			(void)hold_end(&r->parts.front.hold, number);
	}
	pthread_mutex_lock(&r->lock);
	if (error == 0 && z->state != FZ_ASKED) {
		/* Thawed, or the connection lost, while it came about. */
		(void)hold_end(&r->parts.front.hold, number);
		error = -ECANCELED;
	} else if (error != 0)
		fail(z, error == -EBUSY || error == -ETIMEDOUT ? "busy" :
		    "disk", error_text(error));
	else {
		z->state = FZ_HELD;
		z->number = number;
		z->both = both;
	}
	pthread_mutex_unlock(&r->lock);
	if (remote != 0)
		answer_peer(r, remote, error, both);
	if (error == 0)
		log_info("writes are held for %lld ms, by %s%s",
		    (long long)ms, z->by, both ? "" : ", here alone");
}

/* --- on the secondary ---------------------------------------------------- */

static void
ask_primary(struct role_machine *r)
{
	struct freeze *z = &r->freeze;
	uint8_t buf[FRAME_LEN];
	struct frame_out f;
	char by[FREEZE_BY_MAX];

	pthread_mutex_lock(&r->lock);
	wire_begin(&f, buf, sizeof(buf), WT_HOLD, 0);
	frame_put_u64(&f, z->number);
	frame_put_u32(&f, (uint32_t)z->ms);
	memcpy(by, z->by, sizeof(by));
	pthread_mutex_unlock(&r->lock);
	frame_put_str(&f, by);
	if (frame_end(&f) != 0 && link_send(r->link, &f) == 0)
		return;
	pthread_mutex_lock(&r->lock);
	if (z->state == FZ_ASKED)
		fail(z, "gone", "the primary is not connected");
	pthread_mutex_unlock(&r->lock);
}

static void
tell_primary(struct role_machine *r, uint64_t id)
{
	uint8_t buf[FRAME_LEN];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_FREE, 0);
	frame_put_u64(&f, id);
	if (frame_end(&f) != 0)
		(void)link_send(r->link, &f); /* its own time ends it */
}

/* --- the thread ---------------------------------------------------------- */

static void *
freeze_thread(void *arg)
{
	struct role_machine *r = arg;
	bool primary;

	pthread_mutex_lock(&r->lock);
	primary = r->kind == RK_PRIM;
	pthread_mutex_unlock(&r->lock);
	if (primary)
		hold_here(r);
	else
		ask_primary(r);
	pthread_mutex_lock(&r->lock);
	r->freeze.working = false;
	pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
	return NULL;
}

/* With the lock.  NULL, or the code with *text. */
static const char *
refuse(struct role_machine *r, const char **text)
{
	struct freeze *z = &r->freeze;

	/* Its time was over, and the word of its end was lost. */
	if (z->state == FZ_HELD && r->kind == RK_PRIM && r->is_open &&
	    !hold_is(&r->parts.front.hold, z->number))
		z->state = FZ_NONE;
	if (z->working || z->state == FZ_ASKED || z->state == FZ_HELD) {
		*text = "writes are held already";
		return "busy";
	}
	if (r->is_open && r->kind == RK_PRIM && r->mounted)
		return NULL;
	if (!r->is_open || r->kind != RK_SECOND || !r->linked ||
	    link_state(r->link) != LK_UP) {
		*text = "no primary here and none connected: nothing is "
		    "written";
		return "badstate";
	}
	return NULL;
}

/* With the lock. */
static int
begin(struct role_machine *r, int64_t ms, const char *by, uint64_t remote)
{
	struct freeze *z = &r->freeze;
	pthread_attr_t attr;
	pthread_t t;
	int error;

	z->state = FZ_ASKED;
	z->both = false;
	z->ms = ms;
	z->until_ns = mono_add_ms(mono_now(), ms).ns;
	z->remote = remote;
	z->number = (uint64_t)mono_now().ns;
	(void)snprintf(z->by, sizeof(z->by), "%s", by);
	z->working = true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&t, &attr, freeze_thread, r);
	pthread_attr_destroy(&attr);
	if (error != 0) {
		z->working = false;
		z->state = FZ_NONE;
	}
	return -error;
}

int
role_freeze(struct role_machine *r, int64_t ms, const char *by,
    const char **code, const char **text)
{
	struct gen g;
	int error = 0;

	if (r->has_state)
		gen_read(r->parts.gen, &g);
	pthread_mutex_lock(&r->lock);
	*code = refuse(r, text);
	if (*code == NULL && r->kind == RK_SECOND && !g.level) {
		*code = "badstate";
		*text = "this node is not level: use the primary";
	} else if (*code == NULL && r->kind == RK_SECOND &&
	    !r->freeze.peer_can) {
		*code = "badstate";
		*text = "the primary is of an older version: freeze it there";
	}
	if (*code == NULL && (error = begin(r, ms, by, 0)) != 0) {
		*code = "busy";
		*text = strerror(-error);
	}
	pthread_mutex_unlock(&r->lock);
	return *code == NULL ? 0 : -1;
}

enum freeze_state
role_freeze_look(struct role_machine *r, bool *both, const char **code,
    const char **text)
{
	struct freeze *z = &r->freeze;
	enum freeze_state s;

	pthread_mutex_lock(&r->lock);
	s = z->state;
	*both = z->both;
	*code = z->code;
	*text = z->text;
	if (s == FZ_FAILED)
		z->state = FZ_NONE;
	pthread_mutex_unlock(&r->lock);
	return s;
}

/* With the lock; *ask: the primary has to be told. */
static bool
end(struct role_machine *r, bool *ask)
{
	struct freeze *z = &r->freeze;
	bool held = z->state == FZ_HELD;

	*ask = false;
	if (z->state != FZ_NONE && r->kind == RK_SECOND) {
		*ask = r->is_open && r->linked;
		held = held && mono_now().ns < z->until_ns;
	} else if (held)
		held = hold_end(&r->parts.front.hold, z->number);
	z->state = FZ_NONE;
	return held;
}

bool
role_thaw(struct role_machine *r)
{
	uint64_t id;
	bool held, ask;

	pthread_mutex_lock(&r->lock);
	id = r->freeze.number;
	held = end(r, &ask);
	pthread_mutex_unlock(&r->lock);
	if (ask)
		tell_primary(r, id);
	role_changed(r);
	return held;
}

int64_t
freeze_left_ms(struct role_machine *r, char by[FREEZE_BY_MAX])
{
	const struct freeze *z = &r->freeze;
	int64_t ms = 0;

	memcpy(by, z->by, FREEZE_BY_MAX);
	if (r->kind == RK_PRIM)
		ms = hold_left_ms(&r->parts.front.hold);
	else if (r->kind == RK_SECOND && z->state == FZ_HELD)
		ms = (z->until_ns - mono_now().ns) / 1000000;
	return ms > 0 ? ms : 0;
}

/* --- frames -------------------------------------------------------------- */

static int
on_hold(struct role_machine *r, struct frame_in *f)
{
	uint64_t id = frame_get_u64(f);
	uint32_t ms = frame_get_u32(f);
	char by[FREEZE_BY_MAX];
	const char *text;
	int error = 0;

	if (frame_get_str(f, by, sizeof(by)) == -1 || !frame_done(f) ||
	    id == 0 || ms == 0 || ms > FREEZE_MAX_MS)
		return -1;
	pthread_mutex_lock(&r->lock);
	if (refuse(r, &text) != NULL || r->kind != RK_PRIM)
		error = -EBUSY;
	else
		error = begin(r, ms, by, id);
	pthread_mutex_unlock(&r->lock);
	if (error != 0)
		answer_peer(r, id, error, false);
	return 0;
}

static int
on_held(struct role_machine *r, struct frame_in *f)
{
	struct freeze *z = &r->freeze;
	uint64_t id = frame_get_u64(f);
	int error = -(int)frame_get_u32(f);
	bool both = frame_get_u8(f) != 0;

	if (!frame_done(f))
		return -1;
	pthread_mutex_lock(&r->lock);
	if (z->number == id && z->state == FZ_ASKED) {
		z->both = both;
		z->state = FZ_HELD;
		if (error != 0)
			fail(z, "busy", error_text(error));
		else if (!both)
			fail(z, "busy", "this node is not in step with the "
			    "primary");
	}
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
	return 0;
}

static int
on_free(struct role_machine *r, struct frame_in *f)
{
	struct freeze *z = &r->freeze;
	uint64_t id = frame_get_u64(f);
	bool ask;

	if (!frame_done(f))
		return -1;
	pthread_mutex_lock(&r->lock);
	if (z->remote == id)
		(void)end(r, &ask);
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
	return 0;
}

int
freeze_on_frame(struct role_machine *r, struct frame_in *f)
{
	switch (f->type) {
	case WT_HOLD:
		return on_hold(r, f);
	case WT_HELD:
		return on_held(r, f);
	case WT_FREE:
		return on_free(r, f);
	default:
		return 1;
	}
}

void
freeze_on_down(struct role_machine *r)
{
	struct freeze *z = &r->freeze;
	bool ask;

	pthread_mutex_lock(&r->lock);
	if (r->kind == RK_SECOND && z->state == FZ_ASKED)
		fail(z, "gone", "the connection to the primary is lost");
	else if (r->kind == RK_SECOND || z->remote != 0)
		(void)end(r, &ask);
	pthread_mutex_unlock(&r->lock);
}

void
freeze_break(struct role_machine *r)
{
	bool ask;

	hold_break(&r->parts.front.hold);
	pthread_mutex_lock(&r->lock);
	(void)end(r, &ask);
	pthread_mutex_unlock(&r->lock);
}
