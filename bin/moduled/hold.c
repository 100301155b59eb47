/* SPDX-License-Identifier: ISC */
/*
 * See hold.h.  A lease that is renewed with each beat does not go through
 * decide(): the page and vipd are told, and decide() sees it when the time it
 * last knew has come.
 */
#include "hold.h"

#include <string.h>

#include "fail.h"
#include "lease.h"
#include "line.h"
#include "log.h"

#include "events.h"

void
hold_open(struct moduled *md)
{
	int64_t until;

	if (md->voters == NULL)
		return;
	md->lease = lease_open(md->name);
	if (md->lease == NULL)
		fatal("the page of the lease");
	/* A restart of moduled ends no lease: that of before still runs. */
	until = lease_until_ns(md->lease);
	if (until > 0)
		md->v.lease_until.ns = until;
	md->lease_last.ns = until;
	grant_assume(&md->grant, mono_now(), md->conf.timeout_ms);
}

void
hold_close(struct moduled *md)
{
	if (md->lease != NULL)
		lease_close(md->lease);
}

static void
tell_vipd(struct moduled *md)
{
	struct line_out o;

	if (!md->conf.vip || !md->vip_told || !md->vip_told_lease ||
	    !ask_is_up(md->vip))
		return;
	line_begin(&o, "lease");
	line_add(&o, "name", md->name);
	line_add_num(&o, "until_ns", md->dec.lease == LU_RUNS ?
	    md->dec.lease_until.ns : 0);
	(void)ask_send(md->vip, &o, wish_answered,
	    (void *)(uintptr_t)"vipd");
}

bool
hold_lease(struct moduled *md, const struct line *l)
{
	int64_t ns;

	if (md->lease == NULL ||
	    !line_get_num(l, "until_ns", 0, INT64_MAX, &ns) ||
	    ns <= md->v.lease_until.ns)
		return false;
	md->v.lease_until.ns = ns;
	if (md->dec.lease != LU_RUNS)
		return md->dec.lease == LU_OVER || md->v.self.ready;
	md->dec.lease_until.ns = ns;
	lease_set(md->lease, md->dec.lease_until);
	tell_vipd(md);
	return false;
}

void
hold_grant(struct moduled *md, const struct line *l)
{
	int64_t ns;

	if (line_get_num(l, "until_ns", 0, INT64_MAX, &ns))
		grant_tell(&md->grant, (struct mono){ ns });
}

void
hold_heart_down(struct moduled *md)
{
	grant_forget(&md->grant);
}

void
hold_look(struct moduled *md)
{
	struct view *v = &md->v;

	if (md->lease == NULL)
		return;
	if (v->late)
		grant_assume(&md->grant, v->now, md->conf.timeout_ms);
	grant_look(&md->grant, v->now, !md->grant.off,
	    md->conf.timeout_ms);
	v->grant_until = md->grant.until;
	v->follow_off = md->grant.off;
}

void
hold_follow_said(struct moduled *md)
{
	md->grant.open++;
	if (strcmp(md->said_follow, "none") != 0)
		md->grant.off = false;
}

void
hold_follow_answered(struct moduled *md, bool ok)
{
	md->grant.open--;
	if (!ok || md->grant.open > 0 ||
	    strcmp(md->said_follow, "none") != 0)
		return;
	/* Until now beats may have been echoed. */
	if (!md->grant.off)
		grant_look(&md->grant, mono_now(), true,
		    md->conf.timeout_ms);
	md->grant.off = true;
	moduled_think(md);
}

void
hold_carry_out(struct moduled *md)
{
	const struct decision *d = &md->dec;
	struct mono until = { d->lease == LU_NONE ? LEASE_NONE :
	    d->lease == LU_OVER ? LEASE_OVER : d->lease_until.ns };

	if (md->lease != NULL && until.ns != md->lease_last.ns) {
		lease_set(md->lease, until);
		if (md->lease_last.ns == LEASE_NONE)
			fail_point(69);
		md->lease_last = until;
		tell_vipd(md);
	}
	if (scripts_frozen(md->scripts) == d->freeze)
		return;
	if (scripts_freeze(md->scripts, d->freeze))
		events_add(JE_DECISION, "moduled", "Application %s",
		    d->freeze ? "frozen" : "thawed");
}

void
hold_put(const struct moduled *md, struct line_out *o)
{
	if (md->dec.lease == LU_NONE)
		return;
	line_add_num(o, "lease", 1);
	line_add_num(o, "until_ns", md->dec.lease == LU_RUNS ?
	    md->dec.lease_until.ns : 0);
}
