/* SPDX-License-Identifier: ISC */
/*
 * Pure verdict on a meeting: rules R17, R22, R23, and what two histories
 * are.  The chain of a node is its current generation and its history,
 * newest first; a generation begins whenever a node begins to acknowledge
 * alone, so a target whose current one is not in the source's chain holds
 * acknowledged writes that the source lacks.
 */
#include "meet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EDITED	"its directory was changed while the module was stopped"

static const struct {
	const char	*why, *text;
} whys[] = {
	{ WHY_BOTH, "both wrote on their own" },
	{ WHY_ALONE, "it was alone in this generation" },
	{ WHY_NEWER, "it has newer data" },
	{ WHY_PUT_BACK, "the primary was put back to an older state" },
	{ WHY_EDITED, EDITED },
};

static const char *
why_text(const char *why)
{
	size_t i = 0;

	while (strcmp(whys[i].why, why) != 0)
		i++;
	return whys[i].text;
}

/* Where u stands in the chain: 0 current, 1.. history, -1 not in it. */
static int
chain_find(const struct gen *g, const struct gen_uuid *u)
{
	int i;

	if (gen_uuid_is_none(u))
		return -1;
	if (gen_uuid_equal(u, &g->current))
		return 0;
	for (i = 0; i < GEN_HISTORY; i++)
		if (gen_uuid_equal(u, &g->history[i]))
			return i + 1;
	return -1;
}

static void __attribute__((format(printf, 4, 5)))
say(struct meet *m, enum meet_verdict v, const char *code,
    const char *fmt, ...)
{
	va_list ap;

	m->verdict = v;
	m->code = code;
	va_start(ap, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
}

/* Why the state of t, as s remembers it, cannot be trusted (rule R23). */
static const char *
put_back(const struct meet_side *s, const struct meet_side *t)
{
	if (t->gen->session < s->gen->peer_session)
		return "its record is older than the one seen before";
	if (t->root_session != 0 && t->root_session != t->gen->session)
		return "its record and its directory are not of one time";
	if (t->gen->store_number < s->gen->peer_store_number)
		return "its object store is older than the one seen before";
	return NULL;
}

static bool
can_tell(const struct meet_side *s, const struct meet_side *t)
{
	const struct gen *g = t->gen;

	return !t->gen_bad && !t->log_bad && !g->dirty_all &&
	    gen_uuid_is_none(&g->resyncing) &&
	    put_back(s, t) == NULL && put_back(t, s) == NULL;
}

/*
 * Does the target's own log name all that it has beyond the source?  It
 * counts from its base, which the source has to have had.
 */
static enum meet_aside
aside_by(const struct meet_side *s, const struct meet_side *t)
{
	return can_tell(s, t) && chain_find(s->gen, &t->gen->base) >= 0 ?
	    MA_LOG : MA_ALL;
}

static bool
both_set_aside(const struct meet_side *s, const struct meet_side *t)
{
	return s->asides && t->asides;
}

/*
 * Nothing of the loser is given up, so that this needs no leave where it is
 * known who goes on: by a higher era, which is a choice that somebody made,
 * or, `settled', by the higher epoch, when both acknowledged alone.  The
 * configuration may ask for an operator's choice there, and so does a build
 * that knows it only like that.
 */
static void
diverged(struct meet *m, const struct meet_side *s, const struct meet_side *t,
    const char *why, bool settled)
{
	const char *text = why_text(why);
	char a[GEN_UUID_STR], b[GEN_UUID_STR];
	bool forced = s->gen->epoch.era > t->gen->epoch.era;

	settled = settled && t->yields && both_set_aside(s, t);
	if (t->fullsync || forced || settled) {
		m->aside = aside_by(s, t);
		say(m, MV_FULL, "", "%s: %s; it follows %s%s: what it has of "
		    "its own is set aside, every object is compared",
		    t->name, text, s->name, t->fullsync ? "" : forced ?
		    ", whose era was forced" : ", whose epoch is higher");
		return;
	}
	m->why = why;
	say(m, MV_DIVERGED, "diverged", "%s: %s: %s has generation %s, %s has "
	    "generation %s; after `second fullsync' on %s it follows %s, and "
	    "what it has of its own is set aside", t->name, text, t->name,
	    gen_uuid_str(b, &t->gen->current), s->name,
	    gen_uuid_str(a, &s->gen->current), t->name, s->name);
}

/* An overwriting that was begun with leave goes on without asking. */
static bool
was_target(const struct meet_side *s, const struct meet_side *t)
{
	return chain_find(s->gen, &t->gen->resyncing) >= 0;
}

/* The source's logs reach back to a generation of index `at' in its chain. */
static bool
logs_reach(const struct meet_side *s, int at)
{
	int base = chain_find(s->gen, &s->gen->base);

	/* Without a base the peer was level: only what was hot differs. */
	if (gen_uuid_is_none(&s->gen->base))
		return at == 0;
	/* A generation younger than base: the set is more than enough. */
	return base >= 0 && at <= base;
}

static void
follow(struct meet *m, const struct meet_side *s, const struct meet_side *t)
{
	int at = chain_find(s->gen, &t->gen->current);
	bool log_bad = s->log_bad || s->gen->dirty_all || t->log_bad ||
	    t->gen->dirty_all;

	if (log_bad)
		say(m, MV_FULL, "", "a change log cannot be used: every "
		    "object of %s is compared", t->name);
	else if (at == 0 && gen_uuid_is_none(&t->gen->resyncing))
		say(m, MV_EQUAL, "", "%s and %s are of one generation: what "
		    "was hot is compared", s->name, t->name);
	else if (logs_reach(s, at))
		say(m, MV_INCREMENTAL, "", "%s gets what changed while it was "
		    "away", t->name);
	else
		say(m, MV_FULL, "", "%s was away longer than the log of %s "
		    "reaches: every object is compared", t->name, s->name);
}

/*
 * What others did to a stopped node's directories was acknowledged by
 * nobody: it is no second history, only worth keeping.
 */
static void
edited(struct meet *m, const struct meet_side *s, const struct meet_side *t,
    const char *put)
{
	char text[MEET_TEXT_LEN];

	if (t->fullsync || !both_set_aside(s, t)) {
		diverged(m, s, t, WHY_EDITED, false);
		return;
	}
	if (put != NULL)
		say(m, MV_FULL, "", "%s: %s: every object is compared",
		    t->name, put);
	else
		follow(m, s, t);
	/* Since it was level the log has nothing but what the sweep found. */
	m->aside = can_tell(s, t) && (gen_uuid_is_none(&t->gen->base) ||
	    chain_find(s->gen, &t->gen->base) >= 0) ? MA_LOG : MA_ALL;
	m->edits = true;
	(void)snprintf(text, sizeof(text), "%.400s; " EDITED ": what it has "
	    "of its own is set aside", m->text);
	memcpy(m->text, text, sizeof(m->text));
}

/*
 * A resync that was cut short goes on, and so does what it has set aside.
 * Edits of a node that stopped in the middle of one are set aside like others.
 */
static void
half_copied(struct meet *m, const struct meet_side *s,
    const struct meet_side *t)
{
	follow(m, s, t);
	m->half = true;
	if (t->gen->clean_stop_ns >= 0)
		return;
	m->edits = m->goes_on = true;
	if (both_set_aside(s, t))
		m->aside = t->log_bad || t->gen->dirty_all ? MA_ALL : MA_LOG;
}

static void
decide(struct meet *m, const struct meet_side *s, const struct meet_side *t)
{
	bool newer = chain_find(t->gen, &s->gen->current) >= 0;
	const struct gen_uuid *cur = &t->gen->current;
	const char *why;

	if (s->gen_bad || gen_uuid_is_none(&s->gen->current)) {
		say(m, MV_REFUSE, "source-unreadable", "%s is primary but its "
		    "record of generations cannot be used", s->name);
		return;
	}
	if (epoch_cmp(t->gen->fence, s->gen->fence) > 0) {
		char e[EPOCH_LEN];

		say(m, MV_REFUSE, "newer-epoch", "%s followed %s, %s is behind "
		    "it: the primary must take a newer one", t->name,
		    epoch_human(e, t->gen->fence), s->name);
		return;
	}
	if (put_back(t, s) != NULL) {
		/* Who restored the primary chose its data; not we. */
		diverged(m, s, t, WHY_PUT_BACK, false);
		return;
	}
	if (t->gen_bad || t->is_new) {
		say(m, MV_FULL, "", "%s has no %srecord: every object is "
		    "compared", t->name, t->gen_bad ? "readable " : "");
		return;
	}
	if (was_target(s, t)) {
		if (chain_find(s->gen, cur) >= 0)
			half_copied(m, s, t);
		else
			say(m, MV_FULL, "", "%s was half copied from %s: every "
			    "object is compared", t->name, s->name);
		return;
	}
	why = put_back(s, t);
	if (gen_uuid_is_none(cur))
		say(m, MV_FULL, "", "%s holds no generation: every object is "
		    "compared", t->name);
	else if (chain_find(s->gen, cur) < 0)
		diverged(m, s, t, newer ? WHY_NEWER : WHY_BOTH, !newer);
	else if (t->gen->alone)
		/* Its own record says it may have acknowledged alone. */
		diverged(m, s, t, WHY_ALONE, true);
	else if (t->gen->clean_stop_ns < 0)
		edited(m, s, t, why);
	else if (why != NULL)
		say(m, MV_FULL, "", "%s: %s: every object is compared",
		    t->name, why);
	else
		follow(m, s, t);
}

/* Also of one that is in step, or only behind; what it sets aside stays. */
static void
as_asked(struct meet *m, const struct meet_side *s, const struct meet_side *t)
{
	if (t->fullsync &&
	    (m->verdict == MV_EQUAL || m->verdict == MV_INCREMENTAL))
		say(m, MV_FULL, "", "every object of %s is compared with %s, "
		    "as asked", t->name, s->name);
}

void
meet_decide(struct meet *m, const struct meet_side *a,
    const struct meet_side *b)
{
	const struct meet_side *s, *t;

	memset(m, 0, sizeof(*m));
	m->code = "";
	m->source_is_a = a->is_primary;
	s = a->is_primary ? a : b;
	t = a->is_primary ? b : a;
	m->tell_total = t->knows_total;
	m->since_s = s->knows_since ? t->since_s : 0;
	m->source = s->gen->current;
	m->target = t->gen->current;
	if (a->is_primary && b->is_primary)
		say(m, MV_REFUSE, "two-primaries", "%s and %s are both "
		    "primary: the higher epoch stays", a->name, b->name);
	else if (!a->is_primary && !b->is_primary)
		say(m, MV_REFUSE, "no-primary", "neither %s nor %s is primary",
		    a->name, b->name);
	else if (a->rules != b->rules)
		/* One would take for missing, or send, what the other keeps
		 * for itself. */
		say(m, MV_REFUSE, "config-differs", "%s and %s leave out "
		    "different names (notreplicated): nothing is replicated "
		    "until both have been started with one configuration",
		    a->name, b->name);
	else {
		decide(m, s, t);
		as_asked(m, s, t);
	}
}

const char *
meet_verdict_str(enum meet_verdict v)
{
	static const char *const name[] = {
		[MV_REFUSE] = "refuse", [MV_DIVERGED] = "diverged",
		[MV_EQUAL] = "actlog", [MV_INCREMENTAL] = "incremental",
		[MV_FULL] = "full",
	};

	return name[v];
}
