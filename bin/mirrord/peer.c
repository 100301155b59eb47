/* SPDX-License-Identifier: ISC */
/*
 * Between the link and the rest: what this node says of itself, whether the
 * two may go on, resync or neither, and the peer's troubles as facts.  Calls
 * come from the link's and the resync's threads.
 */
#include "role-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "log.h"

/* A hello may take longer than this. */
#define SWEEP_WAIT_MS	500

/*
 * Nobody resyncs before this node knows what was changed in it while it was
 * stopped (rule R42).  r->sweep is taken away only after the link was
 * stopped, which waits for us.
 */
static bool
is_swept(struct role_machine *r, int64_t ms)
{
	struct sweep *s;

	pthread_mutex_lock(&r->lock);
	s = r->sweep;
	pthread_mutex_unlock(&r->lock);
	return s == NULL || sweep_await(s, ms);
}

static void
say_hello(struct link_hello *own, void *arg)
{
	struct role_machine *r = arg;

	/* Most often it takes no time, and then the record is to say it. */
	(void)is_swept(r, SWEEP_WAIT_MS);
	gen_read(r->parts.gen, &own->gen);
	own->root_session = session_read(&r->parts, own->gen.session);
	own->flags |= LHF_HOLD | LHF_ASIDE | LHF_VERIFY | LHF_TOTAL |
	    LHF_SINCE;
	own->flags |= (uint32_t)excludes_mark(r->parts.excludes) <<
	    LHF_RULES_SHIFT;
	pthread_mutex_lock(&r->lock);
	if (r->kind == RK_PRIM && r->both)
		own->flags |= LHF_MEMBER;
	if (r->kind == RK_SECOND && r->fullsync)
		own->flags |= LHF_FULLSYNC;
	if (r->kind == RK_SECOND && r->conf->yields)
		own->flags |= LHF_YIELD;
	pthread_mutex_unlock(&r->lock);
}

static void
fill_side(struct meet_side *side, const struct role_machine *r,
    const struct link_hello *h, bool primary)
{
	memset(side, 0, sizeof(*side));
	side->node = h->node;
	side->name = h->node == r->conf->node ? r->conf->name :
	    r->conf->peer_name;
	side->gen = &h->gen;
	side->is_primary = primary;
	side->is_new = gen_uuid_is_none(&h->gen.current) &&
	    gen_uuid_is_none(&h->gen.resyncing);
	side->fullsync = h->flags & LHF_FULLSYNC;
	side->asides = h->flags & LHF_ASIDE;
	side->yields = h->flags & LHF_YIELD;
	side->knows_total = h->flags & LHF_TOTAL;
	side->knows_since = h->flags & LHF_SINCE;
	side->since_s = h->node == r->conf->node ? r->since_s : 0;
	side->rules = (uint16_t)(h->flags >> LHF_RULES_SHIFT);
	side->root_session = h->root_session;
}

struct seen {
	uint64_t	session;
	uint16_t	store_number;
};

static void
note_seen(struct gen *g, void *arg)
{
	const struct seen *seen = arg;

	if (seen->session > g->peer_session)
		g->peer_session = seen->session;
	if (seen->store_number > g->peer_store_number)
		g->peer_store_number = seen->store_number;
}

/* Rule R23: what of the peer was put back in time is known by it later. */
static void
remember_peer(struct role_machine *r, const struct link_hello *peer)
{
	struct seen seen = { peer->gen.session, peer->gen.store_number };
	struct gen g;

	gen_read(r->parts.gen, &g);
	if ((seen.session > g.peer_session ||
	    seen.store_number > g.peer_store_number) &&
	    gen_update(r->parts.gen, note_seen, &seen) == -1)
		log_warn("gen");
}

static int
refuse(struct role_machine *r, const struct meet *m)
{
	char mine[GEN_UUID_STR], theirs[GEN_UUID_STR];
	bool news;

	pthread_mutex_lock(&r->lock);
	news = strcmp(r->error, m->text) != 0;
	snprintf(r->code, sizeof(r->code), "%s", m->code);
	snprintf(r->error, sizeof(r->error), "%s", m->text);
	if (m->verdict == MV_DIVERGED)
		snprintf(r->diverged, sizeof(r->diverged),
		    "mine=%s theirs=%s why=%s",
		    gen_uuid_str(mine, r->kind == RK_PRIM ? &m->source :
		    &m->target),
		    gen_uuid_str(theirs, r->kind == RK_PRIM ? &m->target :
		    &m->source), m->why);
	pthread_mutex_unlock(&r->lock);
	if (news)
		log_warnx("peer %s: %s", r->conf->peer_name, m->text);
	role_changed(r);
	return -1;
}

static void
clear_peer(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->diverged[0] = r->code[0] = r->error[0] = '\0';
	memset(&r->room, 0, sizeof(r->room));
	pthread_mutex_unlock(&r->lock);
}

static int
meet(struct role_machine *r, const struct link_hello *own,
    const struct link_hello *peer, bool primary)
{
	struct meet_side a, b;
	struct meet m;
	int error;

	fill_side(&a, r, own, primary);
	fill_side(&b, r, peer, !primary);
	meet_decide(&m, &a, &b);
	if (m.verdict == MV_REFUSE || m.verdict == MV_DIVERGED)
		return refuse(r, &m);
	log_info("peer %s: %s", r->conf->peer_name, m.text);
	clear_peer(r);
	error = primary ? resync_source_start(r->resync, &m) :
	    resync_target_start(r->resync, &peer->gen, &m);
	if (error != 0) {
		role_set_error(r, "resync", "resync cannot begin: %s",
		    strerror(-error));
		return -1;
	}
	role_changed(r);
	return 0;
}

/*
 * Same stream and nothing missing between: the queue goes on where the peer
 * stopped (rule R59), and a member stays one.
 */
static bool
may_go_on(const struct link_hello *primary, const struct link_hello *second)
{
	return primary->flags & LHF_MEMBER && second->gen.level &&
	    primary->flags >> LHF_RULES_SHIFT ==
	    second->flags >> LHF_RULES_SHIFT && second->stream_id != 0 &&
	    second->stream_id == primary->stream_id &&
	    second->applied + 1 >= primary->first;
}

void
peer_lost_place(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	snprintf(r->peer_failed, sizeof(r->peer_failed),
	    "lost its place in the stream");
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
}

static void
clear_failed(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	r->peer_failed[0] = '\0';
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
}

static int
meet_primary(struct role_machine *r, const struct link_hello *own,
    const struct link_hello *peer)
{
	if (may_go_on(own, peer)) {
		log_info("peer %s: goes on at %llu", r->conf->peer_name,
		    (unsigned long long)peer->applied + 1);
		clear_peer(r);
		link_stream(r->link, own->connection, peer->applied + 1);
		role_changed(r);
		return 0;
	}
	if (own->flags & LHF_MEMBER) {
		/* Rule L15: never a resync into a member; moduled takes it
		 * out of the set first. */
		peer_lost_place(r);
		return -1;
	}
	/* It is no member, and what is copied now mends what failed. */
	clear_failed(r);
	return meet(r, own, peer, true);
}

static int
meet_second(struct role_machine *r, const struct link_hello *own,
    const struct link_hello *peer)
{
	if (may_go_on(peer, own)) {
		/* The primary says by WT_BEGIN where it goes on. */
		clear_peer(r);
		role_changed(r);
		return 0;
	}
	if (peer->flags & LHF_MEMBER)
		return -1;
	return meet(r, own, peer, false);
}

static int
on_meet(const struct link_hello *own, const struct link_hello *peer,
    void *arg)
{
	struct role_machine *r = arg;
	bool primary, voting;

	pthread_mutex_lock(&r->lock);
	primary = r->kind == RK_PRIM;
	voting = primary && r->voting;
	r->freeze.peer_can = peer->flags & LHF_HOLD;
	r->verify.peer_can = peer->flags & LHF_VERIFY;
	pthread_mutex_unlock(&r->lock);
	resync_stop(r->resync);
	if (own->gen.clean_stop_ns > 0)
		return -1;	/* it is being looked for */
	if (voting)
		return -1;	/* not before it is known what the peer is */
	if (primary && meet_primary(r, own, peer) == -1)
		return -1;
	if (!primary && meet_second(r, own, peer) == -1)
		return -1;
	remember_peer(r, peer);
	return 0;
}

/* The strict phase ended without a join: what it queued is owed again, and
 * syncs are this node's own.  With the lock. */
static void
fall_back(struct role_machine *r)
{
	if (r->kind != RK_PRIM || r->both ||
	    change_go_alone(r->parts.change) != 0)
		return;
	stream_set(r->parts.stream, SS_SELF);
	stream_reset(r->parts.stream);
}

void
peer_vote_over(struct role_machine *r)
{
	pthread_mutex_lock(&r->lock);
	/* None began meanwhile: on_meet() refuses them until here. */
	if (r->voting && r->link != NULL && link_connection(r->link) == 0)
		fall_back(r);
	r->voting = false;
	pthread_mutex_unlock(&r->lock);
}

static void
on_down(uint64_t connection, void *arg)
{
	struct role_machine *r = arg;

	log_info("peer %s: connection %llu ended", r->conf->peer_name,
	    (unsigned long long)connection);
	resync_stop(r->resync);
	verify_role_down(r, "the connection to the other node was lost");
	freeze_on_down(r);
	pthread_mutex_lock(&r->lock);
	r->ready = false;
	if (!r->voting)
		fall_back(r);
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
}

static int
on_frame(struct frame_in *f, uint64_t oid, void *arg)
{
	struct role_machine *r = arg;
	int rc = freeze_on_frame(r, f);

	if (rc == 1)
		rc = verify_role_frame(r, f, oid);
	return rc == 1 ? resync_on_frame(r->resync, f, oid) : rc;
}

static void
on_durable(uint64_t seq, void *arg)
{
	struct role_machine *r = arg;

	(void)seq;	/* the stream has it already */
	pthread_mutex_lock(&r->lock);
	pthread_cond_broadcast(&r->mark);
	pthread_mutex_unlock(&r->lock);
}

/*
 * Rules R24 and R25: the peer says that it could not do what this node did.
 * It has recorded that it is not level, or one object of it differs; either
 * way it can be a member no longer, and moduled has to say so.
 */
static void
on_error(const struct link_error *e, void *arg)
{
	struct role_machine *r = arg;

	log_warnx("peer %s: object %016llx: %s%s", r->conf->peer_name,
	    (unsigned long long)e->oid, strerror(e->err),
	    e->level ? "" : ", it is not level now");
	pthread_mutex_lock(&r->lock);
	snprintf(r->peer_failed, sizeof(r->peer_failed), "%s",
	    strerror(e->err));
	pthread_mutex_unlock(&r->lock);
	role_changed(r);
}

static const struct link_calls link_calls = {
	.hello = say_hello,
	.on_meet = on_meet,
	.on_down = on_down,
	.on_frame = on_frame,
	.on_durable = on_durable,
	.on_error = on_error,
};

static void
set_not_level(struct gen *g, void *arg)
{
	const bool *all = arg;

	g->level = false;
	g->dirty_all |= *all;
}

/*
 * Rule R25: durable before it is reported or the connection closed.  First
 * what is to be compared, as a crash would leave it, so that it outlives this
 * mirrord and the primary's.
 */
static int
not_level(int err, const struct op *op, void *arg)
{
	struct role_machine *r = arg;
	bool all = op != NULL && change_differs(r->parts.change, op) != 0;

	log_warnx("an operation of the primary failed here: %s; this node is "
	    "not level any more", strerror(err));
	fail_point(23);
	if (gen_update(r->parts.gen, set_not_level, &all) == -1)
		return -errno;
	fail_point(24);
	role_set_error(r, "peer-error", "%s", strerror(err));
	return 0;
}

static void
set_unclean(struct gen *g, void *arg)
{
	(void)arg;
	g->unclean = true;
}

/*
 * The join stores it, when this node's configuration says that receipts are
 * acknowledgements.  The primary's decides, and that may be newer than the
 * join, or another one by mistake.
 */
static int
receipt(void *arg)
{
	struct role_machine *r = arg;
	struct gen g;

	gen_read(r->parts.gen, &g);
	if (g.unclean || gen_update(r->parts.gen, set_unclean, NULL) == 0)
		return 0;
	return -errno;
}

const struct apply_calls peer_apply_calls = { not_level, on_frame, receipt };

static int
send_frame(struct frame_out *f, void *arg)
{
	struct role_machine *r = arg;

	return link_send(r->link, f);
}

/* Under the freeze: from here on the stream carries everything (L12). */
static int
begin_strict(void *arg)
{
	struct role_machine *r = arg;
	struct stream_marks m;
	uint64_t connection = link_connection(r->link);

	if (connection == 0)
		return -1;
	stream_set(r->parts.stream, SS_BOTH);
	stream_marks(r->parts.stream, &m);
	link_stream(r->link, connection, m.enqueued + 1);
	return 0;
}

static void
on_resync(enum resync_event e, void *arg)
{
	struct role_machine *r = arg;
	struct resync_status s;

	resync_status(r->resync, &s);
	pthread_mutex_lock(&r->lock);
	switch (e) {
	case RE_INCONSISTENT:
	case RE_ASIDE:
		break;
	case RE_READY:
		r->ready = r->kind == RK_PRIM;
		break;
	case RE_JOINED:
		r->joined = true;
		r->ready = false;
		r->fullsync = false;
		r->since_s = 0;
		break;
	case RE_FAILED:
		snprintf(r->code, sizeof(r->code), "%s", s.room.need > 0 ?
		    "diverged-no-space" : "resync");
		snprintf(r->error, sizeof(r->error), "%s", s.error);
		r->room = s.room;
		r->room_at = mono_now();
		break;
	}
	pthread_mutex_unlock(&r->lock);
	if (e == RE_FAILED) {
		log_warnx("resync: %s", s.error);
		link_break(r->link);
	}
	if (e == RE_ASIDE)
		role_look_aside(r);
	role_changed(r);
}

static void
fill_link_conf(struct link_conf *lc, const struct role_machine *r,
    char text[2 * LINK_ADDR_MAX][ADDR_LEN])
{
	unsigned i;

	memset(lc, 0, sizeof(*lc));
	lc->module = r->conf->module;
	lc->module_id = r->conf->id;
	lc->node = r->conf->node;
	lc->peer = r->conf->peer;
	lc->keys = r->keys;
	lc->port = r->conf->port;
	lc->names_wait = r->conf->meta_receipt;
	for (i = 0; i < r->conf->addr_count && i < LINK_ADDR_MAX; i++)
		lc->own_addr[i] = addr_str(text[i], &r->conf->addr[i]);
	for (i = 0; i < r->conf->peer_addr_count && i < LINK_ADDR_MAX; i++)
		lc->peer_addr[i] = addr_str(text[LINK_ADDR_MAX + i],
		    &r->conf->peer_addr[i]);
}

int
peer_open(struct role_machine *r)
{
	char text[2 * LINK_ADDR_MAX][ADDR_LEN];
	struct link_conf lc;
	struct resync_conf rc = {
		.objects = r->parts.objects,
		.root_count = r->conf->dir_count,
		.gen = r->parts.gen,
		.change = r->parts.change,
		.actlog = r->parts.actlog,
		.node = r->conf->node,
		.peer_name = r->conf->peer_name,
		.rate_bytes_s = r->conf->resync_rate,
		.unclean = r->conf->async_second,
		.send = send_frame,
		.strict = begin_strict,
		.on_event = on_resync,
		.arg = r,
	};

	fill_link_conf(&lc, r, text);
	r->link = link_new(&lc, &link_calls, r, r->parts.stream,
	    r->parts.apply);
	if (r->link == NULL) {
		role_set_error(r, "link", "%s", strerror(errno));
		return -1;
	}
	r->resync = resync_new(&rc);
	verify_role_open(r);
	return 0;
}

void
peer_close(struct role_machine *r)
{
	if (r->link == NULL)
		return;
	peer_stop(r);
	verify_role_close(r);
	resync_free(r->resync);
	link_free(r->link);
	r->resync = NULL;
	r->link = NULL;
}

int
peer_start(struct role_machine *r, enum link_side side, struct epoch epoch)
{
	/* A mirror of one node only has nobody to talk to. */
	if (r->conf->peer_addr_count == 0)
		return 0;
	if (link_start(r->link, side, epoch) == -1) {
		role_set_error(r, "link", "port %u: %s", r->conf->port,
		    strerror(errno));
		return -1;
	}
	pthread_mutex_lock(&r->lock);
	r->linked = true;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

void
peer_stop(struct role_machine *r)
{
	if (r->link == NULL || !r->linked)
		return;
	/* The link's threads use what resync_stop() frees, and one of them
	 * may be copying for minutes. */
	resync_cancel(r->resync);
	verify_role_down(r, "the role of the node changed");
	link_stop(r->link);
	resync_stop(r->resync);
	pthread_mutex_lock(&r->lock);
	r->linked = false;
	r->ready = false;
	pthread_mutex_unlock(&r->lock);
}
