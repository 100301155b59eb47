/* SPDX-License-Identifier: ISC */
/*
 * Between the resync's target and what it has of its own (aside.h): the
 * meeting said whether there is such a thing, the record whether an earlier
 * resync has begun to overwrite it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actlog.h"
#include "change.h"
#include "log.h"
#include "resync-int.h"
#include "xalloc.h"

static bool
is_stopped(void *arg)
{
	struct resync *r = arg;
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

static void
on_bytes(uint64_t done, uint64_t total, void *arg)
{
	struct resync *r = arg;

	pthread_mutex_lock(&r->lock);
	r->st.done_bytes = done;
	r->st.total_bytes = total;
	pthread_mutex_unlock(&r->lock);
}

static void
fill_head(struct aside_head *h, const struct resync *r, const struct gen *g)
{
	char text[EPOCH_LEN];

	memset(h, 0, sizeof(*h));
	(void)snprintf(h->epoch, sizeof(h->epoch), "%s",
	    epoch_str(text, g->epoch));
	h->when_s = (int64_t)time(NULL);
	(void)snprintf(h->lost_to, sizeof(h->lost_to), "%s",
	    r->conf.peer_name != NULL ? r->conf.peer_name : "peer");
	(void)snprintf(h->lost_epoch, sizeof(h->lost_epoch), "%s",
	    epoch_str(text, r->source.epoch));
	(void)snprintf(h->by, sizeof(h->by), "%s", r->meet.edits ?
	    ASIDE_EDITS : r->meet.aside == MA_LOG ? "log" : "hash");
}

static int
no_room(struct resync *r, const struct aside_room *room)
{
	char what[96];

	pthread_mutex_lock(&r->lock);
	r->st.room = *room;
	/* It may be more: the disk was found full on the way. */
	if (r->st.room.need <= r->st.room.have)
		r->st.room.need = r->st.room.have + 1;
	pthread_mutex_unlock(&r->lock);
	(void)snprintf(what, sizeof(what), "setting aside what this node "
	    "wrote: %llu bytes needed, %llu free",
	    (unsigned long long)r->st.room.need,
	    (unsigned long long)room->have);
	return resync_refuse(r, what, ENOSPC);
}

struct slots {
	struct actlog_slot *slot;
	unsigned	 count, room;
};

static void
add_slot(struct slots *s, enum actlog_kind kind, uint64_t oid, uint64_t extent)
{
	if (s->count == s->room) {
		s->room = s->room * 2 + 256;
		s->slot = xrealloc(s->slot, s->room, sizeof(*s->slot));
	}
	s->slot[s->count++] = (struct actlog_slot){ .kind = kind, .oid = oid,
	    .extent = extent };
}

static int
item_slots(const struct dirty_item *it, void *arg)
{
	struct slots *s = arg;
	unsigned i;

	if (it->whole || it->tail_from != UINT64_MAX)
		add_slot(s, AK_TAIL, it->oid, it->whole ? 0 : it->tail_from);
	if (it->whole || it->attr)
		add_slot(s, AK_ATTR, it->oid, 0);
	for (i = 0; i < it->extent_count; i++)
		add_slot(s, AK_DATA, it->oid, it->extent[i]);
	if (it->all_names)
		add_slot(s, AK_NAMES, it->oid, ACTLOG_ALL_NAMES);
	for (i = 0; !it->all_names && i < it->name_count; i++)
		add_slot(s, AK_NAMES, it->oid, dirty_bucket(it->name[i]));
	for (i = 0; !it->all_names && it->buckets != NULL && i < 256; i++)
		if ((it->buckets[i / 8] & 1u << (i & 7)) != 0)
			add_slot(s, AK_NAMES, it->oid, i);
	return 0;
}

struct actlog_slot *
resync_edits(struct resync *r, unsigned *count, bool *all)
{
	struct slots s = { NULL, 0, 0 };
	struct dirtyset *set;

	*count = 0;
	*all = r->conf.change == NULL;
	if (*all)
		return NULL;
	set = change_track_start(r->conf.change);
	change_track_stop(r->conf.change);
	*all = dirtyset_is_all(set);
	if (!*all)
		(void)dirtyset_walk(set, item_slots, &s); /* it goes on */
	dirtyset_free(set);
	*count = s.count;
	return s.slot;
}

/* The set of what this node changed, or NULL when it cannot be trusted. */
static struct dirtyset *
own_set(struct resync *r)
{
	struct dirtyset *set;

	if (r->meet.aside != MA_LOG || r->conf.change == NULL)
		return NULL;
	set = change_track_start(r->conf.change);
	change_track_stop(r->conf.change);
	if (!dirtyset_is_all(set))
		return set;
	dirtyset_free(set);
	return NULL;
}

static int
take(struct resync *r, const struct gen *g)
{
	enum resync_phase phase = r->st.phase;
	struct aside_room room;
	struct aside_head head;
	struct dirtyset *set;
	int rc;

	fill_head(&head, r, g);
	set = own_set(r);
	if (set == NULL && !r->meet.edits)
		(void)snprintf(head.by, sizeof(head.by), "hash");
	pthread_mutex_lock(&r->lock);
	r->st.phase = RP_ASIDE;
	pthread_mutex_unlock(&r->lock);
	log_info("what %s in epoch %s is set aside, by %s", r->meet.edits ?
	    "was changed here while the module was stopped" :
	    "this node wrote", head.epoch, set != NULL ? "its log" :
	    "comparison");
	rc = aside_take(r->aside, &head, set, &room);
	dirtyset_free(set);
	pthread_mutex_lock(&r->lock);
	r->st.phase = phase;
	r->st.done_bytes = r->st.total_bytes = 0;
	pthread_mutex_unlock(&r->lock);
	if (rc == -ENOSPC)
		return no_room(r, &room);
	return rc == 0 ? 0 : resync_refuse(r, "setting aside", rc);
}

int
resync_aside_begin(struct resync *r)
{
	struct aside_conf conf = { .objects = r->conf.objects,
	    .root_count = r->conf.root_count, .stop = is_stopped,
	    .on_bytes = on_bytes, .arg = r, .edits = r->meet.edits };
	bool left, overwriting;
	struct gen g;
	int rc = 0;

	gen_read(r->conf.gen, &g);
	r->aside = aside_new(&conf);
	/* A record that was lost says nothing: then it may have begun. */
	overwriting = !gen_uuid_is_none(&g.resyncing) ||
	    gen_uuid_is_none(&g.current);
	if (overwriting)
		rc = aside_resume(r->aside);
	else
		rc = aside_drop(r->aside, true);
	if (rc == 1 && r->meet.goes_on)
		return 0;
	if (rc == 1 && r->meet.aside != MA_NONE)
		/* Begun for another history: that one is closed. */
		rc = aside_release(r->aside, &left);
	if (rc < 0)
		return resync_refuse(r, "what was set aside", rc);
	return r->meet.aside == MA_NONE ? 0 : take(r, &g);
}

/* rc of something that may have copied an object. */
static int
verdict(struct resync *r, int rc)
{
	struct aside_room room;

	if (rc == -ENOSPC || rc == -EDQUOT) {
		aside_lacks(r->aside, &room);
		return no_room(r, &room);
	}
	return rc == 0 ? 0 : resync_refuse(r, "setting aside", rc);
}

int
resync_aside_before(struct resync *r, uint64_t oid)
{
	return verdict(r, aside_before(r->aside, oid));
}

int
resync_aside_settle(struct resync *r, bool durable)
{
	return verdict(r, aside_settle(r->aside, durable));
}

/* The stream begins: stage is emptied first, so that what only it has does
 * not look as if the tree had it. */
int
resync_aside_last(struct resync *r)
{
	int rc = 0;

	if (!aside_is_open(r->aside))
		return 0;
	rc = resync_empty_stage(r);
	if (rc == 0)
		rc = aside_last(r->aside);
	return verdict(r, rc);
}

int
resync_aside_end(struct resync *r)
{
	bool left = false;
	int rc;

	if (!aside_is_open(r->aside))
		return 0;
	rc = aside_finish(r->aside, &left);
	if (rc != 0)
		return rc;
	if (left)
		log_warnx("what %s lies in .holdfast/diverged: `holdfast "
		    "diverged' shows it", r->meet.edits ? "was changed here "
		    "while the module was stopped" : "this node wrote of its "
		    "own");
	r->conf.on_event(RE_ASIDE, r->conf.arg);
	return 0;
}
