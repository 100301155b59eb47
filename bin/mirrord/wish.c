/* SPDX-License-Identifier: ISC */
/* The lines between moduled and mirrord.  Called by main.c and role.c. */
#include "wish.h"

#include <stdio.h>
#include <string.h>

static const char *const roles[] = {
	[RK_NONE]	= "none",
	[RK_WAIT]	= "wait",
	[RK_SECOND]	= "second",
	[RK_PRIM]	= "prim",
	[RK_DOWN]	= "down",
};

const char *
role_kind_str(enum role_kind r)
{
	return roles[r];
}

static int
parse_role(enum role_kind *role, const char *text)
{
	size_t i;

	for (i = 0; text != NULL && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i], text) == 0) {
			*role = (enum role_kind)i;
			return 0;
		}
	return -1;
}

static int
parse_name(char out[WISH_NAME_LEN], const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	if (v == NULL)
		return 0;
	if (strlen(v) >= WISH_NAME_LEN)
		return -1;
	memcpy(out, v, strlen(v) + 1);
	return 0;
}

static int
parse_rest(struct wish *w, const struct line *l, const char **why)
{
	const char *v;

	v = line_get(l, "set");
	if (v != NULL && strcmp(v, "self") != 0 && strcmp(v, "both") != 0) {
		*why = "set is self or both";
		return -1;
	}
	w->both = v != NULL && strcmp(v, "both") == 0;
	v = line_get(l, "lease");
	if (v != NULL && strcmp(v, "0") != 0 && strcmp(v, "1") != 0) {
		*why = "lease is 0 or 1: whether replies need it";
		return -1;
	}
	w->leased = v != NULL && strcmp(v, "1") == 0;
	v = line_get(l, "fence");
	if (v != NULL && v[0] != '\0' && epoch_parse(&w->fence, v) == -1) {
		*why = "fence is era.n.node";
		return -1;
	}
	if (parse_name(w->primary, l, "primary") == -1 ||
	    parse_name(w->handed, l, "handed") == -1) {
		*why = "a node name is too long";
		return -1;
	}
	w->fullsync = line_get_bool(l, "fullsync");
	if (line_get(l, "since") != NULL && !line_get_num(l, "since", 0,
	    INT64_MAX, &w->since_s)) {
		*why = "since is seconds since 1970";
		return -1;
	}
	w->fresh = line_get_bool(l, "fresh");
	w->force = line_get_bool(l, "force");
	w->notlevel = line_get_bool(l, "notlevel");
	w->compare = line_get_bool(l, "compare");
	return 0;
}

int
wish_parse(struct wish *w, const struct line *l, const char **why)
{
	struct wish new = { 0 };
	const char *v;

	if (parse_role(&new.role, line_get(l, "role")) == -1) {
		*why = "role is none, wait, second, prim or down";
		return -1;
	}
	v = line_get(l, "epoch");
	if (v != NULL && v[0] != '\0' && epoch_parse(&new.epoch, v) == -1) {
		*why = "epoch is era.n.node";
		return -1;
	}
	if (parse_rest(&new, l, why) == -1)
		return -1;
	if ((new.role == RK_PRIM || new.role == RK_SECOND ||
	    new.handed[0] != '\0') && epoch_is_none(new.epoch)) {
		*why = "this role needs an epoch";
		return -1;
	}
	*w = new;
	return 0;
}

bool
wish_is_old(const struct wish *w, enum role_kind kind, struct epoch held,
    struct epoch fence)
{
	if (w->role != RK_PRIM && w->role != RK_SECOND &&
	    w->handed[0] == '\0')
		return false;
	if (w->role == kind && epoch_cmp(w->epoch, held) >= 0)
		return false;
	return epoch_cmp(w->epoch, fence) < 0;
}

static void
put_gen(struct line_out *o, const struct gen *g)
{
	char epoch[EPOCH_LEN], uuid[GEN_UUID_STR];

	line_add(o, "epoch", epoch_str(epoch, g->epoch));
	line_add(o, "fence", epoch_str(epoch, g->fence));
	line_add(o, "since", epoch_str(epoch, g->since));
	line_add_num(o, "level", g->level);
	line_add_num(o, "alone", g->alone);
	line_add_num(o, "unclean", g->unclean);
	line_add_num(o, "dirty_all", g->dirty_all);
	line_add_num(o, "edited", g->clean_stop_ns < 0);
	line_add(o, "current", gen_uuid_is_none(&g->current) ? "" :
	    gen_uuid_str(uuid, &g->current));
	line_add(o, "base", gen_uuid_is_none(&g->base) ? "" :
	    gen_uuid_str(uuid, &g->base));
	line_add(o, "resyncing", gen_uuid_is_none(&g->resyncing) ? "" :
	    gen_uuid_str(uuid, &g->resyncing));
	line_add(o, "handed_epoch", epoch_str(epoch, g->handed));
}

/* space="total avail files files_avail full_in_s DIRECTORY", one each. */
static void
put_space(struct line_out *o, const struct facts *f)
{
	for (unsigned i = 0; i < f->dir_count; i++) {
		const struct space *s = &f->space[i];

		if (s->known)
			line_addf(o, "space", "%llu %llu %llu %llu %lld %s",
			    (unsigned long long)s->total,
			    (unsigned long long)s->avail,
			    (unsigned long long)s->files,
			    (unsigned long long)s->files_avail,
			    (long long)s->full_in_s, f->dir[i]);
	}
}

/* aside="NAME when_s entries bytes lost-to lost-epoch by", one each. */
static void
put_aside(struct line_out *o, const struct facts *f)
{
	for (unsigned i = 0; i < f->aside_count; i++) {
		const struct aside_info *a = &f->aside[i];

		line_addf(o, "aside", "%s %lld %llu %llu %s %s %s", a->name,
		    (long long)a->head.when_s, (unsigned long long)a->entries,
		    (unsigned long long)a->bytes, a->head.lost_to,
		    a->head.lost_epoch, a->head.by);
	}
	line_add_num(o, "aside_more", f->aside_more);
	line_add_num(o, "aside_need", (int64_t)f->room.need);
	line_add_num(o, "aside_have", (int64_t)f->room.have);
}

/* The comparison that runs, or the last one. */
static void
put_verify(struct line_out *o, const struct verify_progress *p)
{
	const struct verify_result *r = &p->res;

	line_add(o, "verify", verify_state_str(r->state));
	line_add_num(o, "verify_begin", r->begin_s);
	line_add_num(o, "verify_end", r->end_s);
	line_add_num(o, "verify_objects", (int64_t)r->objects);
	line_add_num(o, "verify_total", (int64_t)p->total);
	line_add_num(o, "verify_bytes", (int64_t)r->bytes);
	line_add_num(o, "verify_differences", (int64_t)r->differences);
	line_add_num(o, "verify_statements", (int64_t)p->statements);
	line_add(o, "verify_why", r->why);
}

void
facts_put(struct line_out *o, const struct facts *f)
{
	line_add(o, "role", role_kind_str(f->role));
	line_add_num(o, "mounted", f->mounted);
	line_add_num(o, "new", f->is_new);
	put_gen(o, &f->gen);
	line_add_num(o, "sweep", f->role != RK_NONE &&
	    f->gen.clean_stop_ns > 0);
	line_add(o, "handed", f->handed);
	line_add(o, "lease", f->lease);
	line_add(o, "link", f->link);
	line_add(o, "peer", f->peer);
	line_add(o, "async", f->async_second ? "second" : "none");
	line_add_num(o, "stall_ms", f->stall_ms);
	line_add_num(o, "drained", f->drained);
	line_add_num(o, "equal", f->equal);
	line_add_num(o, "ready", f->ready);
	line_add_num(o, "joined", f->joined);
	line_add(o, "diverged", f->diverged);
	line_add(o, "disk", f->disk_down ? "down" : "up");
	line_add_num(o, "dirty_bytes", (int64_t)f->dirty_bytes);
	line_add(o, "phase", resync_phase_str(f->resync.phase));
	line_add_num(o, "done_bytes", (int64_t)f->resync.done_bytes);
	line_add_num(o, "total_bytes", (int64_t)f->resync.total_bytes);
	line_add_num(o, "rate_bytes_s", (int64_t)f->resync.rate_bytes_s);
	line_add_num(o, "eta_s", f->resync.eta_s);
	line_add_num(o, "files", (int64_t)f->resync.files);
	line_add_num(o, "sent_bytes", (int64_t)f->resync.sent_bytes);
	line_add_num(o, "names", (int64_t)f->resync.names);
	line_add_num(o, "opened", (int64_t)f->opened);
	line_add_num(o, "link_sent", (int64_t)f->link_sent);
	line_add_num(o, "link_received", (int64_t)f->link_received);
	put_verify(o, &f->verify);
	put_space(o, f);
	put_aside(o, f);
	line_add_num(o, "held_ms", f->held_ms);
	line_add(o, "held_by", f->held_by);
	line_add(o, "peer_failed", f->peer_failed);
	line_add(o, "error", f->error);
	line_add(o, "code", f->code);
}
